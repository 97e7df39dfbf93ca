/* SPDX-License-Identifier: ISC */
/* alias - finds an alias's channels, and moves what waits for its name. */
#include "alias.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "alloc.h"
#include "lock.h"
#include "msg.h"

void
alias_expand(
    struct names *names, const struct channels *channels, const char *name)
{
	for (size_t i = 0; i < channels->alias_count; i++) {
		const struct channel_alias *alias = &channels->aliases[i];

		if (strcmp(alias->name, name) != 0)
			continue;
		for (size_t j = 0; j < alias->count; j++)
			names_add(names, alias->members[j]);
		return;
	}
	names_add(names, name);
}

/* Into one member's queue, durably. */
static int
link_all(struct spool *spool, int from_fd, char *const *names, size_t count,
    const char *member, struct ha_err *err)
{
	int fd = spool_dir(spool, "queue", member, err), failed = fd < 0;

	for (size_t i = 0; i < count && !failed; i++)
		if (linkat(from_fd, names[i], fd, names[i], 0) != 0 &&
		    errno != EEXIST)
			failed = ha_err_set(err, EX_CANTCREAT, errno,
			    "can't queue '%s' for %s", names[i], member);
	if (!failed && fsync(fd) != 0 && errno != EINVAL)
		failed = ha_err_set(
		    err, EX_IOERR, errno, "can't sync queue/%s", member);
	if (fd >= 0)
		close(fd);
	return failed ? -1 : 0;
}

static int
move_entries(struct spool *spool, int from_fd,
    const struct channel_alias *alias, struct ha_err *err)
{
	char **names;
	size_t count;
	int failed = spool_names(from_fd, &names, &count, err);

	if (failed || !count) {
		if (!failed)
			spool_free_names(names, count);
		return failed;
	}
	for (size_t i = 0; i < alias->count && !failed; i++)
		failed = link_all(
		    spool, from_fd, names, count, alias->members[i], err);
	for (size_t i = 0; i < count && !failed; i++)
		unlinkat(from_fd, names[i], 0);
	spool_free_names(names, count);
	return failed;
}

/* Whoever delivers there goes on, and the next run looks again. */
static void
move_alias(struct spool *spool, const struct channel_alias *alias)
{
	int from_fd = spool_open_dir(spool, "queue", alias->name), lock_fd;
	struct ha_err err;
	char *lock;

	if (from_fd < 0)
		return;
	lock = ha_xasprintf("%s/queue/%s/.lock", spool->path, alias->name);
	if (ha_lock_take(lock, 0, &lock_fd, &err) == 0) {
		if (move_entries(spool, from_fd, alias, &err) != 0)
			ha_warn("%s", err.msg);
		close(lock_fd);
	}
	free(lock);
	close(from_fd);
}

void
alias_move(struct spool *spool, const struct channels *channels)
{
	for (size_t i = 0; i < channels->alias_count; i++)
		move_alias(spool, &channels->aliases[i]);
}
