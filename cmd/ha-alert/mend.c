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
#include "clock.h"
#include "fail.h"
#include "list.h"
#include "lock.h"
#include "msg.h"
#include "rec.h"
#include "state.h"

#define LOCK_MS 5000

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

/* At once, with its age from now. */
static void
reset_state(int queue_fd, const char *name, int is_born_now)
{
	struct state_entry *entry;
	struct state state;
	struct ha_err err;

	state_init(&state);
	state_read(&state, queue_fd);
	state.next_ms = 0;
	entry = state_entry(&state, name);
	entry->next_ms = 0;
	entry->attempts = 0;
	if (is_born_now)
		entry->born_ms = ha_clock_wall_ms();
	if (state_write(&state, queue_fd, &err) != 0)
		ha_warn(".state: %s", err.msg);
	state_release(&state);
}

static int
move_back(struct spool *spool, const struct found *found, int to_fd,
    struct ha_err *err)
{
	int from_fd = spool_open_dir(spool, "failed", found->channel);
	char *why = ha_xasprintf("%s" FAIL_WHY, found->name);
	int failed = 0;

	if (from_fd < 0 || renameat2(from_fd, found->name, to_fd, found->name,
			       RENAME_NOREPLACE) != 0)
		failed = ha_err_set(
		    err, EX_IOERR, errno, "can't move '%s'", found->name);
	else if ((fsync(to_fd) != 0 || fsync(from_fd) != 0) && errno != EINVAL)
		failed = ha_err_set(err, EX_IOERR, errno, "can't sync");
	if (!failed)
		unlinkat(from_fd, why, 0);
	if (from_fd >= 0)
		close(from_fd);
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

static int
retry(struct spool *spool, const struct found *found, struct ha_err *err)
{
	char *lock =
	    ha_xasprintf("%s/queue/%s/.lock", spool->path, found->channel);
	int fd = spool_dir(spool, "queue", found->channel, err);
	int lock_fd = -1, failed = -1;

	if (fd >= 0 && ha_lock_take(lock, ha_clock_deadline(LOCK_MS), &lock_fd,
			   err) == 0) {
		reset_state(fd, found->name, found->place == LIST_FAILED);
		failed = found->place == LIST_FAILED
			     ? move_back(spool, found, fd, err)
			     : 0;
		close(lock_fd);
	}
	if (fd >= 0)
		close(fd);
	free(lock);
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
