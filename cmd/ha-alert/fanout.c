/* SPDX-License-Identifier: ISC */
/* fanout - links each alert into the queues of its channels. */
#include "fanout.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "alias.h"
#include "alloc.h"
#include "clock.h"
#include "entry.h"
#include "fail.h"
#include "lock.h"
#include "msg.h"
#include "names.h"

/* Without it an alert may be told twice, if at all: it is not waited for. */
#define LOCK_MS 2000

struct fanout {
	struct spool *spool;
	const struct channels *channels;
	int new_fd;
	struct entry_reader reader;
	struct names queues; /* that were linked into */
	int *fds; /* by their numbers */
	struct names linked; /* IDs */
	struct names ended; /* notes to be forgotten */
};

static int
queue_fd(struct fanout *run, const char *channel, struct ha_err *err)
{
	size_t number = names_find(&run->queues, channel);
	int fd;

	if (number != NAMES_NONE)
		return run->fds[number];
	fd = spool_dir(run->spool, "queue", channel, err);
	if (fd < 0)
		return -1;
	number = names_add(&run->queues, channel);
	run->fds = ha_xrealloc(run->fds, (number + 1) * sizeof(*run->fds));
	run->fds[number] = fd;
	return fd;
}

static int
is_at_least(enum ha_status_state state, enum ha_status_state least)
{
	return ha_status_worse(state, least) == state;
}

/* In open/, CHANNEL/i-INCIDENT: the channel, which has min=, heard of it. */
static char *
note_path(const struct channel *channel, const struct alert *alert)
{
	return ha_xasprintf(
	    "%s/i-%s", channel->name, alert->transition.incident);
}

static void
note_told(struct fanout *run, const struct channel *channel,
    const struct alert *alert)
{
	char *path = note_path(channel, alert);
	struct ha_err unused;
	int dir_fd = spool_dir(run->spool, "open", channel->name, &unused), fd;

	if (dir_fd >= 0) {
		fd = openat(dir_fd, strchr(path, '/') + 1,
		    O_WRONLY | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
		if (fd >= 0) {
			futimens(fd, NULL);
			close(fd);
		}
		close(dir_fd);
	}
	free(path);
}

static int
was_told(struct fanout *run, const struct channel *channel,
    const struct alert *alert)
{
	char *path = note_path(channel, alert);
	int fd = spool_open_dir(run->spool, "open", NULL), told;

	told = fd >= 0 && faccessat(fd, path, F_OK, 0) == 0;
	if (fd >= 0)
		close(fd);
	free(path);
	return told;
}

static void
add_ended(struct fanout *run, const struct channel *channel,
    const struct alert *alert)
{
	char *path;

	if (channel == NULL || alert->is_message ||
	    !ha_transition_is_end(alert->transition.event))
		return;
	path = note_path(channel, alert);
	names_add(&run->ended, path);
	free(path);
}

static void
forget_ended(struct fanout *run)
{
	int fd =
	    run->ended.count ? spool_open_dir(run->spool, "open", NULL) : -1;

	for (size_t i = 0; i < run->ended.count && fd >= 0; i++)
		unlinkat(fd, run->ended.list[i], 0);
	if (fd >= 0)
		close(fd);
}

/* A problem below min= is not told, nor is its end. */
static int
takes(struct fanout *run, const struct channel *channel,
    const struct alert *alert)
{
	const struct ha_transition *transition = &alert->transition;
	const struct ha_status *status = &transition->status;

	if (channel == NULL || alert->is_message)
		return 1;
	if (channel->match != NULL &&
	    !ha_status_matches(channel->match, status->host, status->check))
		return 0;
	if (!(channel->events & 1u << transition->event))
		return 0;
	/* Nothing is below it. */
	if (channel->min == HA_STATUS_WARN)
		return 1;
	if (is_at_least(status->state, channel->min)) {
		note_told(run, channel, alert);
		return 1;
	}
	return is_at_least(transition->old_state, channel->min) ||
	       was_told(run, channel, alert);
}

/* Where there are no links, or too many of them, it is a copy. */
static int
put_copy(struct fanout *run, int fd, const char *name, size_t n,
    const struct entry *entry, struct ha_err *err)
{
	struct alert_bundle bundle = { .items = &entry->items[n],
		.count = entry->is_one ? entry->item_count : 1,
		.left_out = entry->left_out,
		.note = entry->note };
	struct entry_header header = { .is_alone = entry->is_alone };
	struct ha_buf content = HA_BUF_INIT;
	int failed;

	entry_encode(&content, &bundle, &header);
	failed = spool_put(run->spool, fd, name, &content, err);
	ha_buf_release(&content);
	return failed;
}

static int
put_alert(struct fanout *run, int fd, const char *id, size_t n,
    const struct entry *entry, struct ha_err *err)
{
	char *name = entry_name(id, n);
	int failed = linkat(run->new_fd, id, fd, name, 0) != 0;

	if (failed && (errno == ENOSPC || errno == EDQUOT) &&
	    spool_spend_reserve(run->spool))
		failed = linkat(run->new_fd, id, fd, name, 0) != 0;
	if (failed && errno == EEXIST)
		failed = 0;
	else if (failed &&
		 (errno == EMLINK || errno == EPERM || errno == EOPNOTSUPP))
		failed = put_copy(run, fd, name, n, entry, err);
	else if (failed)
		failed = ha_err_set(
		    err, EX_CANTCREAT, errno, "can't queue '%s'", name);
	free(name);
	return failed;
}

static int
put_channel(struct fanout *run, const char *id, const struct entry *entry,
    const char *name, struct ha_err *err)
{
	const struct channel *channel = channels_find(run->channels, name);
	int fd = queue_fd(run, name, err), failed = fd < 0 ? -1 : 0;

	/* What comes as one stays one, whatever the channel would take. */
	if (!failed && entry->is_one)
		return put_alert(run, fd, id, 0, entry, err);
	for (size_t i = 0; i < entry->item_count && !failed; i++) {
		const struct alert *alert = entry->items[i].first;

		if (takes(run, channel, alert))
			failed = put_alert(run, fd, id, i, entry, err);
		add_ended(run, channel, alert);
	}
	return failed;
}

static int
put_entry(struct fanout *run, const char *id, const struct entry *entry,
    struct ha_err *err)
{
	char *list = ha_xstrdup(entry->channels), *rest = list, *name;
	struct names names;
	int failed = 0;

	names_init(&names);
	while ((name = strsep(&rest, ",")) != NULL)
		if (spool_is_name(name))
			alias_expand(&names, run->channels, name);
	if (!names.count)
		failed = ha_err_set(err, EX_DATAERR, 0, "it names no channel");
	for (size_t i = 0; i < names.count && !failed; i++)
		failed = put_channel(run, id, entry, names.list[i], err);
	names_release(&names);
	free(list);
	return failed;
}

static int
put_id(struct fanout *run, const char *id, struct ha_err *err)
{
	const struct channels *channels = run->channels;
	struct entry entry;
	struct ha_err why;
	int failed = entry_read(&run->reader, run->new_fd, id, 1, &entry, &why);

	if (!failed) {
		failed = put_entry(run, id, &entry, &why);
		entry_release(&entry);
	} else if (why.status == EX_NOINPUT) {
		return 0;
	}
	if (!failed) {
		names_add(&run->linked, id);
		return 0;
	}
	if (why.status == EX_DATAERR)
		return fail_garbage(run->spool, run->new_fd, id, SPOOL_GARBAGE,
		    why.msg,
		    channels->count ? channels->channels[0].name : NULL, err);
	return ha_err_set(err, why.status, 0, "new/%s: %s", id, why.msg);
}

/* On disk in all queues, and then gone from new/. */
static int
settle(struct fanout *run, struct ha_err *err)
{
	for (size_t i = 0; i < run->queues.count; i++)
		if (fsync(run->fds[i]) != 0 && errno != EINVAL)
			return ha_err_set(err, EX_IOERR, errno,
			    "can't sync queue/%s", run->queues.list[i]);
	forget_ended(run);
	for (size_t i = 0; i < run->linked.count; i++)
		unlinkat(run->new_fd, run->linked.list[i], 0);
	if (run->linked.count)
		fsync(run->new_fd);
	return 0;
}

static int
take_lock(struct spool *spool)
{
	char *path = ha_xasprintf("%s/.lock", spool->path);
	struct ha_err err;
	int fd = -1;

	if (ha_lock_take(path, ha_clock_deadline(LOCK_MS), &fd, &err) != 0) {
		ha_warn("%s; going on without it", err.msg);
		fd = -1;
	}
	free(path);
	return fd;
}

int
fanout(struct spool *spool, const struct channels *channels,
    struct names *queues, struct ha_err *err)
{
	struct fanout run = { .spool = spool,
		.channels = channels,
		.new_fd = spool_open_dir(spool, "new", NULL) };
	int lock_fd, failed;
	char **names;
	size_t count;

	if (run.new_fd < 0)
		return ha_err_set(
		    err, EX_IOERR, errno, "can't open '%s/new'", spool->path);
	failed = spool_names(run.new_fd, &names, &count, err);
	spool_free_names(names, count);
	if (failed || !count) {
		close(run.new_fd);
		return failed;
	}
	lock_fd = take_lock(spool);
	entry_reader_init(&run.reader);
	names_init(&run.queues);
	names_init(&run.linked);
	names_init(&run.ended);
	failed = spool_names(run.new_fd, &names, &count, err);
	for (size_t i = 0; i < count; i++)
		if (put_id(&run, names[i], err) != 0)
			failed = -1;
	if (settle(&run, err) != 0)
		failed = -1;
	spool_free_names(names, count);
	for (size_t i = 0; i < run.queues.count; i++) {
		names_add(queues, run.queues.list[i]);
		close(run.fds[i]);
	}
	free(run.fds);
	names_release(&run.queues);
	names_release(&run.linked);
	names_release(&run.ended);
	entry_reader_release(&run.reader);
	close(run.new_fd);
	if (lock_fd >= 0)
		close(lock_fd);
	return failed;
}
