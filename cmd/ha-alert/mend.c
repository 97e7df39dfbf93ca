/* SPDX-License-Identifier: ISC */
/* mend - moves entries of failed/ back, and removes those nobody wants. */
#include "mend.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <syslog.h>
#include <unistd.h>

#include "alloc.h"
#include "fail.h"
#include "list.h"
#include "msg.h"
#include "rec.h"

struct found {
	enum list_place place;
	char *channel, *name;
};

struct search {
	char *const *ids;
	size_t id_count;
	int takes_all;
	struct found *found;
	size_t count;
};

/* As it is, or as --list shows it. */
static int
is_wanted(const struct search *search, const char *name)
{
	struct ha_buf shown = HA_BUF_INIT;
	int is_wanted = 0;

	ha_rec_add_field(&shown, name, strlen(name));
	for (size_t i = 0; i < search->id_count && !is_wanted; i++)
		is_wanted =
		    strcmp(search->ids[i], name) == 0 ||
		    strcmp(search->ids[i], shown.data) == 0 ||
		    (search->takes_all && strcmp(search->ids[i], "all") == 0);
	ha_buf_release(&shown);
	return is_wanted;
}

static void
note(void *context, const struct list_row *row)
{
	struct search *search = context;

	if (!is_wanted(search, row->name))
		return;
	search->found = ha_xrealloc(
	    search->found, (search->count + 1) * sizeof(*search->found));
	search->found[search->count++] = (struct found){ row->place,
		ha_xstrdup(row->channel), ha_xstrdup(row->name) };
}

static void
release(struct search *search)
{
	for (size_t i = 0; i < search->count; i++) {
		free(search->found[i].channel);
		free(search->found[i].name);
	}
	free(search->found);
}

/* A new ID, so that its age begins now, and the number of its alert. */
static char *
new_name(const struct found *found)
{
	const char *number = strrchr(found->name, '.');
	char id[SPOOL_ID_SIZE];

	if (strcmp(found->channel, SPOOL_GARBAGE) == 0 || number == NULL)
		return ha_xstrdup(found->name);
	spool_make_id(id);
	return ha_xasprintf("%s%s", id, number);
}

static int
move_back(struct spool *spool, const struct found *found, int to_fd,
    struct ha_err *err)
{
	int from_fd = spool_open_dir(spool, "failed", found->channel);
	char *why = ha_xasprintf("%s" FAIL_WHY, found->name);
	char *name = new_name(found);
	int failed = 0;

	if (from_fd < 0 ||
	    renameat2(from_fd, found->name, to_fd, name, RENAME_NOREPLACE) != 0)
		failed = ha_err_set(
		    err, EX_IOERR, errno, "can't move '%s'", found->name);
	else if ((fsync(to_fd) != 0 || fsync(from_fd) != 0) && errno != EINVAL)
		failed = ha_err_set(err, EX_IOERR, errno, "can't sync");
	if (!failed)
		unlinkat(from_fd, why, 0);
	if (from_fd >= 0)
		close(from_fd);
	free(name);
	free(why);
	return failed;
}

static int
retry_garbage(
    struct spool *spool, const struct found *found, struct ha_err *err)
{
	int fd = spool_open_dir(spool, "new", NULL), failed;

	if (fd < 0)
		return ha_err_set(err, EX_IOERR, errno, "can't open new/");
	failed = move_back(spool, found, fd, err);
	close(fd);
	return failed;
}

/* Whoever delivers there looks for the mark, now or the next time. */
static int
mark(int fd, const char *channel, struct ha_err *err)
{
	int mark_fd = openat(
	    fd, SPOOL_RETRY, O_WRONLY | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);

	if (mark_fd < 0)
		return ha_err_set(err, EX_CANTCREAT, errno,
		    "can't write to queue/%s", channel);
	close(mark_fd);
	return 0;
}

static int
retry(struct spool *spool, const struct found *found, struct ha_err *err)
{
	int fd = spool_dir(spool, "queue", found->channel, err), failed = 0;

	if (fd < 0)
		return -1;
	if (found->place == LIST_FAILED)
		failed = move_back(spool, found, fd, err);
	if (!failed)
		failed = mark(fd, found->channel, err);
	close(fd);
	return failed;
}

long
mend_retry(struct spool *spool, char *const *ids, size_t count, int is_dry_run,
    struct ha_err *err)
{
	struct search search = {
		.ids = ids, .id_count = count, .takes_all = 1
	};
	int failed = list_walk(spool, note, &search, err);
	long done = 0;

	for (size_t i = 0; i < search.count && !failed; i++) {
		const struct found *found = &search.found[i];

		if (is_dry_run)
			ha_say("would try '%s' on %s again", found->name,
			    found->channel);
		else if (strcmp(found->channel, SPOOL_GARBAGE) == 0)
			failed = retry_garbage(spool, found, err);
		else if (found->place != LIST_NEW)
			failed = retry(spool, found, err);
		done++;
	}
	release(&search);
	return failed ? -1 : done;
}

static int
drop(struct spool *spool, const struct found *found, const char *reason,
    struct ha_err *err)
{
	static const char *const places[] = { "new", "queue", "failed" };
	char *why = ha_xasprintf("%s" FAIL_WHY, found->name);
	int fd = spool_open_dir(spool, places[found->place],
	    found->place == LIST_NEW ? NULL : found->channel);
	int failed = 0;

	if (fd < 0 || (unlinkat(fd, found->name, 0) != 0 &&
			  unlinkat(fd, found->name, AT_REMOVEDIR) != 0 &&
			  errno != ENOENT))
		failed = ha_err_set(
		    err, EX_IOERR, errno, "can't remove '%s'", found->name);
	if (!failed && found->place == LIST_FAILED)
		unlinkat(fd, why, 0);
	if (!failed && fsync(fd) != 0 && errno != EINVAL)
		failed = ha_err_set(err, EX_IOERR, errno, "can't sync");
	if (fd >= 0)
		close(fd);
	free(why);
	if (!failed)
		syslog(LOG_NOTICE, "%s: dropped '%s' of %s/: %s",
		    found->channel, found->name, places[found->place], reason);
	return failed;
}

long
mend_drop(struct spool *spool, const char *id, const char *reason,
    int is_dry_run, struct ha_err *err)
{
	char *copy = ha_xstrdup(id);
	struct search search = { .ids = &copy, .id_count = 1 };
	int failed = list_walk(spool, note, &search, err);
	long done = 0;

	openlog("ha-alert", LOG_PID, LOG_DAEMON);
	for (size_t i = 0; i < search.count && !failed; i++) {
		const struct found *found = &search.found[i];

		if (!is_dry_run)
			failed = drop(spool, found, reason, err);
		if (!failed)
			ha_say("%s '%s' of %s",
			    is_dry_run ? "would drop" : "dropped", found->name,
			    found->channel);
		done++;
	}
	release(&search);
	free(copy);
	return failed ? -1 : done;
}
