/* SPDX-License-Identifier: ISC */
/*
 * ha-watch - changes below a directory, as change records on stdout.
 * Options, the loop, the end.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "alloc.h"
#include "change.h"
#include "clock.h"
#include "emit.h"
#include "events.h"
#include "explain.h"
#include "fs.h"
#include "mounts.h"
#include "msg.h"
#include "opt.h"
#include "out.h"
#include "sig.h"
#include "sweep.h"
#include "walk.h"
#include "watch.h"

/*
 * What comes together is read together: a file that is created, written and
 * renamed is one record then, and a storm costs fewer system calls.
 */
#define GATHER_NS (1 * HA_MS_NS)
#define READ_ROUNDS 16
#define LAST_WORDS_NS (5 * HA_S_NS)

/* Timers of the loop. */
struct timers {
	int64_t heartbeat_ns, rescan_ns;
};

int
watch_root(struct watch *watch)
{
	struct stat st;

	if (watch->root_fd >= 0)
		return watch->root_fd;
	watch->root_fd = open(watch->root, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (watch->root_fd < 0 || fstat(watch->root_fd, &st) ||
	    st.st_dev != watch->dev || st.st_ino != watch->ino)
		watch_check_root(watch);
	if (watch->root_fd < 0)
		watch_lost(watch, "can't be opened");
	return watch->root_fd;
}

void
watch_leave(struct watch *watch)
{
	if (watch->root_fd < 0)
		return;
	close(watch->root_fd);
	watch->root_fd = -1;
	if (chdir("/"))
		ha_die(EX_OSERR, "can't go to /: %s", strerror(errno));
}

void
watch_lost(const struct watch *watch, const char *how)
{
	ha_die(EX_NOINPUT, "the root %s %s; what happened to it is not known",
	    watch->root, how);
}

void
watch_check_root(const struct watch *watch)
{
	struct stat st;

	if (stat(watch->root, &st)) {
		if (errno == ENOENT || errno == ENOTDIR)
			watch_lost(watch, "is not there any more");
		ha_die(EX_NOINPUT, "can't look at the root %s: %s", watch->root,
		    strerror(errno));
	}
	if (st.st_dev != watch->dev)
		watch_lost(watch,
		    "is on another file system now (mounted or unmounted)");
	if (st.st_ino != watch->ino)
		watch_lost(watch,
		    "is another directory now (replaced, mounted or unmounted)");
}

/* What the first rule says, without the work of a path. */
int
watch_is_cookie(
    const struct watch *watch, const struct dir *dir, const char *name)
{
	return dir == watch->tree.root &&
	       !strncmp(name, HA_CHANGE_COOKIE, sizeof(HA_CHANGE_COOKIE) - 1);
}

int
watch_excludes(struct watch *watch, struct dir *dir, const char *name,
    size_t len, int is_dir)
{
	if (watch_is_cookie(watch, dir, name))
		return 1;
	if (ha_match_count(watch->match) == 1 || !len)
		return 0;
	tree_path(&watch->tree, dir, name, len, &watch->path);
	return ha_match_excludes(watch->match, watch->path.data, is_dir, NULL);
}

int
watch_lstat(struct watch *watch, struct dir *dir, const char *name, size_t len,
    struct stat *st)
{
	tree_path(&watch->tree, dir, name, len, &watch->path2);
	return ha_fs_lstat_beneath(watch_root(watch), watch->path2.data, st);
}

static void
unwatch(void *ctx, struct dir *dir)
{
	struct watch *watch = ctx;

	watch->backend.ops->unwatch(&watch->backend, dir);
}

void
watch_remove(struct watch *watch, struct dir *dir)
{
	tree_remove(&watch->tree, dir, unwatch, watch);
}

static void
read_events(struct watch *watch)
{
	struct dirty *dirty = &watch->dirty;
	size_t n;
	int i;

	watch->drained = 0;
	for (i = 0; i < READ_ROUNDS; i++) {
		dirty->now_ns = ha_clock_now_ns();
		n = watch->backend.ops->read(
		    &watch->backend, events_handle, watch);
		watch->bytes_read += n;
		if (n == 0) {
			dirty->listed = 0;
			dirty->empty_ns = dirty->now_ns;
			watch->drained = 1;
			watch->round++;
			break;
		}
		if (dirty->overfull)
			break;
	}
}

static void
on_overflow(struct watch *watch)
{
	watch->overflowed = 0;
	if (!watch->healing || !watch->heal_again)
		ha_warn("the kernel's event queue overflowed: everything below "
			"%s is to be compared again",
		    watch->root);
	walk_heal_all(watch);
}

/* Too many paths to remember: one R says it all. */
static void
on_overfull(struct watch *watch)
{
	struct dirty *dirty = &watch->dirty;

	if (!watch->warned_full)
		ha_warn("more than %zu paths wait for the reader; they become "
			"one record: compare everything",
		    dirty->limit);
	watch->warned_full = 1;
	dirty_clear(dirty);
	if (watch->barrier_open)
		dirty->epoch = !dirty->newest;
	dirty_unknown(dirty, watch->tree.root);
	dirty->epoch = dirty->newest;
}

static void
begin_barrier(struct watch *watch)
{
	struct dirty *dirty = &watch->dirty;

	int is_due =
	    watch->barrier_wanted && watch->bytes_read >= watch->barrier_at;

	if ((!is_due && !watch->asked.count) || watch->barrier_open ||
	    !watch->armed || watch->overflowed || watch->heal_again)
		return;
	if (is_due)
		watch->barrier_wanted = 0;
	watch->barrier_open = 1;
	watch->barrier_beats = is_due;
	dirty->newest = dirty->epoch = !dirty->newest;
	watch->answered = watch->asked;
	watch->asked.count = 0;
	if (watch->answered.count)
		dirty_hurry(dirty);
}

static void
do_timers(struct watch *watch, struct timers *timers)
{
	int64_t now_ns = watch->dirty.now_ns;

	if (now_ns >= timers->heartbeat_ns) {
		timers->heartbeat_ns = ha_clock_deadline(watch->heartbeat_ms);
		watch_check_root(watch);
		watch->barrier_wanted = 1;
		watch->barrier_at = watch->bytes_read +
				    watch->backend.ops->queued(&watch->backend);
	}
	if (now_ns >= timers->rescan_ns) {
		timers->rescan_ns = ha_clock_deadline(watch->rescan_ms);
		walk_heal_all(watch);
	}
}

static void
find_lost(struct watch *watch)
{
	if (watch->lost_count && watch->drained && !watch->pair_count &&
	    !walk_pending(watch))
		walk_find_lost(watch);
}

/* Everything but reading and writing. */
static void
work(struct watch *watch)
{
	struct dirty *dirty = &watch->dirty;

	if (walk_pending(watch))
		walk_step(watch, read_events);
	if (watch->mounts_changed)
		mounts_check(watch);
	/* What a listing told is told apart from what comes now. */
	if (dirty->listed)
		read_events(watch);
	if (watch->overflowed)
		on_overflow(watch);
	/* Only with an empty queue the other half is not to come. */
	if (watch->drained)
		events_expire(watch, dirty->now_ns, 0);
	find_lost(watch);
	events_probe(watch);
	dirty_due(dirty, 0);
	if (sweep_pending(watch, dirty->now_ns))
		sweep_step(watch, dirty->now_ns);
	if (dirty->overfull)
		on_overfull(watch);
}

static int
is_busy(const struct watch *watch)
{
	return walk_pending(watch) || watch->mounts_changed ||
	       watch->overflowed || sweep_pending(watch, watch->dirty.now_ns);
}

static int64_t
earliest(int64_t a, int64_t b)
{
	return a < b ? a : b;
}

static int
timeout(const struct watch *watch, const struct timers *timers)
{
	int64_t next_ns = earliest(timers->heartbeat_ns, timers->rescan_ns);

	if (is_busy(watch))
		return 0;
	next_ns = earliest(next_ns, dirty_next_ns(&watch->dirty));
	next_ns = earliest(next_ns, events_next_ns(watch));
	next_ns = earliest(next_ns, sweep_next_ns(watch));
	return ha_clock_poll_ms(next_ns);
}

/*
 * Wait for something to do.  Returns the signal that asks for the end, or 0;
 * *more is set when events wait.
 */
static int
wait_for(struct watch *watch, const struct timers *timers, int signals)
{
	struct pollfd fds[] = {
		{ .fd = watch->backend.fd, .events = POLLIN },
		{ .fd = signals, .events = POLLIN },
		{ .fd = STDOUT_FILENO,
		    .events = emit_pending(watch) ? POLLOUT : 0 },
		{ .fd = watch->proc_fd, .events = POLLPRI },
	};
	struct timespec gather = { .tv_nsec = GATHER_NS };
	int ms = timeout(watch, timers);
	int sig = 0;

	if (ms)
		watch_leave(watch);
	if (poll(fds, 4, ms) < 0 && errno != EINTR)
		ha_die(EX_OSERR, "can't poll: %s", strerror(errno));
	if (fds[2].revents & (POLLERR | POLLHUP))
		ha_out_die_of_pipe();
	if (fds[2].revents & POLLNVAL)
		ha_die(EX_IOERR, "stdout is closed");
	if (fds[3].revents & (POLLPRI | POLLERR))
		watch->mounts_changed = 1;
	while (fds[1].revents && (sig = ha_sig_next(signals)))
		if (sig == SIGTERM || sig == SIGINT || sig == SIGHUP)
			return sig;
	if (fds[0].revents && ms) {
		watch->dirty.empty_ns = ha_clock_now_ns();
		nanosleep(&gather, NULL);
	}
	return 0;
}

static void
loop(struct watch *watch, int signals)
{
	struct timers timers = {
		.heartbeat_ns = watch->heartbeat_ms
				    ? ha_clock_deadline(watch->heartbeat_ms)
				    : HA_CLOCK_NEVER,
		.rescan_ns = watch->rescan_ms
				 ? ha_clock_deadline(watch->rescan_ms)
				 : HA_CLOCK_NEVER,
	};

	watch->dirty.now_ns = ha_clock_now_ns();
	do {
		read_events(watch);
		work(watch);
		do_timers(watch, &timers);
		begin_barrier(watch);
		emit_try(watch);
	} while (!wait_for(watch, &timers, signals));
}

static int
is_behind(const struct watch *watch)
{
	return !watch->drained || watch->overflowed || watch->lost_count ||
	       walk_pending(watch);
}

/* Take in what has happened up to now, as far as it can be done in time. */
static void
settle_all(struct watch *watch)
{
	int64_t end_ns = ha_clock_now_ns() + LAST_WORDS_NS;

	do {
		read_events(watch);
		if (watch->overflowed)
			on_overflow(watch);
		if (walk_pending(watch))
			walk_step(watch, read_events);
		if (watch->drained)
			events_expire(watch, ha_clock_now_ns(), 0);
		find_lost(watch);
	} while (is_behind(watch) && ha_clock_now_ns() < end_ns);
	events_expire(watch, 0, 1);
	if (walk_pending(watch))
		walk_step(watch, read_events);
	events_expire(watch, 0, 1);
	events_probe(watch);
	dirty_due(&watch->dirty, 1);
	if (is_behind(watch) || watch->healing || watch->dirty.overfull)
		on_overfull(watch);
	watch->armed = 1;
}

/* The last records and #end; the exit status. */
static int
finish(struct watch *watch, int signals)
{
	struct pollfd fds[] = {
		{ .fd = STDOUT_FILENO, .events = POLLOUT },
		{ .fd = signals, .events = POLLIN },
	};
	int64_t end_ns = ha_clock_now_ns() + LAST_WORDS_NS;
	int ended = 0;

	settle_all(watch);
	for (;;) {
		if (emit_try(watch))
			end_ns = ha_clock_now_ns() + LAST_WORDS_NS;
		if (!emit_pending(watch) && ended)
			return 0;
		if (!emit_pending(watch)) {
			watch->barrier_open = 0;
			emit_end(watch);
			ended = 1;
			continue;
		}
		if (poll(fds, 2, ha_clock_poll_ms(end_ns)) <= 0 &&
		    ha_clock_now_ns() >= end_ns)
			break;
		if (fds[0].revents & (POLLERR | POLLHUP))
			ha_out_die_of_pipe();
		if (fds[1].revents && ha_sig_next(signals) != SIGCHLD)
			break;
	}
	ha_warn("the reader did not take the last records: no #end");
	return EX_TEMPFAIL;
}

static struct watch state;

static void
add_origin(const char *file)
{
	state.origins = ha_xrealloc(
	    state.origins, (state.origin_count + 1) * sizeof(*state.origins));
	state.origins[state.origin_count++] =
	    (struct origin){ .first = ha_match_count(state.match),
		    .file = file };
}

static void
add_pattern(void *target, const char *arg)
{
	struct ha_err err;

	(void)target;
	add_origin(NULL);
	if (ha_match_add(state.match, arg, &err))
		ha_die(EX_USAGE, "-x: %s", err.msg);
}

static void
add_patterns(void *target, const char *arg)
{
	struct ha_err err;

	(void)target;
	add_origin(arg);
	if (ha_match_add_file(state.match, arg, &err))
		ha_die_err(&err);
}

static const struct ha_opt opts[] = {
	{ .short_name = 'x',
	    .long_name = "exclude",
	    .argument = "PATTERN",
	    .kind = HA_OPT_CALL,
	    .call = add_pattern,
	    .help = "leave out what matches, as rsync does; repeatable" },
	{ .short_name = 'X',
	    .long_name = "exclude-from",
	    .argument = "FILE",
	    .kind = HA_OPT_CALL,
	    .call = add_patterns,
	    .help = "patterns from a file, one a line" },
	{ .long_name = "settle",
	    .argument = "DURATION",
	    .kind = HA_OPT_DURATION,
	    .target = &state.settle_ms,
	    .help = "tell a closed file once it was left alone for so long "
		    "(0)" },
	{ .long_name = "quiet-time",
	    .argument = "DURATION",
	    .kind = HA_OPT_DURATION,
	    .target = &state.quiet_ms,
	    .help = "tell a file that is written but not closed after so long "
		    "without a write (1s)" },
	{ .long_name = "rescan",
	    .argument = "PERIOD",
	    .kind = HA_OPT_DURATION,
	    .target = &state.rescan_ms,
	    .help = "tell R of everything each PERIOD" },
	{ .long_name = "heartbeat",
	    .argument = "PERIOD",
	    .kind = HA_OPT_DURATION,
	    .target = &state.heartbeat_ms,
	    .help = "a barrier (S) each PERIOD (30s); 0: none" },
	{ .long_name = "explain",
	    .argument = "PATH",
	    .kind = HA_OPT_STRING,
	    .target = &state.explain,
	    .help = "say why PATH is or isn't watched, and exit 0 or 1" },
	{ .short_name = '0',
	    .long_name = "null",
	    .kind = HA_OPT_FLAG,
	    .target = &state.bare,
	    .help = "bare paths, each ended by a NUL; one to compare ends "
		    "with /" },
	{ .short_name = 'F',
	    .long_name = "format",
	    .argument = "FORMAT",
	    .kind = HA_OPT_STRING,
	    .target = &state.format,
	    .choices = "tsv|json",
	    .help = "of the records (tsv)" },
	{ .long_name = "dirty-limit",
	    .argument = "NUMBER",
	    .kind = HA_OPT_NUMBER,
	    .target = &state.dirty_limit,
	    .hidden = 1,
	    .help = "paths remembered for a reader that is behind" },
	{ .help = NULL },
};

static const struct ha_opt_command command = {
	.name = "ha-watch",
	.synopsis = "[options] DIR",
	.purpose = "changes below a directory, as change records",
	.details = "Example: ha-watch -x '*.tmp' /srv/www | "
		   "ha-push web2:/srv/www\n"
		   "Exit status: 0 ended by a signal and all told, 64 usage, "
		   "66 DIR missing or lost,\n"
		   "71 system, 74 stdout, 75 ended with records untold.\n",
	.operands = "dir",
	.opts = opts,
};

/* Does a rule look at more than a name?  Then a parent's rename matters. */
static int
rules_have_paths(const struct ha_match *match)
{
	const char *text, *slash;
	size_t i;

	for (i = 1; i < ha_match_count(match); i++) {
		text = ha_match_pattern(match, i);
		slash = strchr(text, '/');
		if ((slash && slash[1]) || strstr(text, "**"))
			return 1;
	}
	return 0;
}

/* An absolute path without "//", "/./" and a slash at its end. */
static char *
absolute(const char *path)
{
	struct ha_buf buf = HA_BUF_INIT;
	char *here = NULL;
	size_t len;

	if (*path != '/') {
		here = getcwd(NULL, 0);
		if (!here)
			ha_die(EX_OSERR, "can't tell the working directory: %s",
			    strerror(errno));
		/* ha_die() does not return: */
		/* cppcheck-suppress nullPointerRedundantCheck */
		if (strcmp(here, "/"))
			ha_buf_add_str(&buf, here);
		free(here);
	}
	for (; *path; path += len) {
		path += strspn(path, "/");
		len = strcspn(path, "/");
		if (len && (len != 1 || *path != '.')) {
			ha_buf_add_char(&buf, '/');
			ha_buf_add(&buf, path, len);
		}
	}
	if (!buf.len)
		ha_buf_add_char(&buf, '/');
	return ha_buf_detach(&buf);
}

static void
take_root(struct watch *watch, const char *path)
{
	struct stat st;

	watch->root_fd = watch->proc_fd = -1;
	if (!*path)
		ha_die(EX_USAGE, "DIR is empty");
	watch->root = absolute(path);
	if (stat(watch->root, &st))
		ha_die(
		    EX_NOINPUT, "can't watch '%s': %s", path, strerror(errno));
	if (!S_ISDIR(st.st_mode))
		ha_die(
		    EX_NOINPUT, "can't watch '%s': it is no directory", path);
	watch->dev = st.st_dev;
	watch->ino = st.st_ino;
}

static void
start(struct watch *watch)
{
	struct ha_err err;

	watch->json = watch->format && !strcmp(watch->format, "json");
	watch->rules_have_paths = rules_have_paths(watch->match);
	tree_init(&watch->tree);
	dirty_init(&watch->dirty);
	watch->dirty.settle_ns = watch->settle_ms * HA_MS_NS;
	watch->dirty.quiet_ns = watch->quiet_ms * HA_MS_NS;
	if (watch->dirty_limit)
		watch->dirty.limit = (size_t)watch->dirty_limit;
	/* So that no directory seems to have come just now. */
	watch->round = 16;
	ha_buf_init(&watch->out);
	ha_buf_init(&watch->path);
	ha_buf_init(&watch->path2);
	watch->backend.ops = &inotify_backend;
	if (watch->backend.ops->open(&watch->backend, &err))
		ha_die_err(&err);
}

static void
stop(struct watch *watch)
{
	size_t i;

	events_expire(watch, 0, 1);
	events_forget_cookies(&watch->asked);
	events_forget_cookies(&watch->answered);
	while (watch->units)
		sweep_drop(watch, watch->units);
	walk_release(watch);
	dirty_release(&watch->dirty);
	tree_release(&watch->tree);
	watch->backend.ops->close(&watch->backend);
	for (i = 0; i < watch->mount_count; i++)
		free(watch->mounts[i].path);
	free(watch->mounts);
	free(watch->pairs);
	free(watch->lost);
	free(watch->root);
	ha_buf_release(&watch->out);
	ha_buf_release(&watch->path);
	ha_buf_release(&watch->path2);
}

int
main(int argc, char **argv)
{
	struct watch *watch = &state;
	struct ha_err err;
	int first, signals, status;

	ha_msg_init("ha-watch");
	watch->match = ha_match_new();
	if (ha_match_keep(watch->match, HA_CHANGE_COOKIE_PATTERN, &err))
		ha_die_err(&err);
	watch->quiet_ms = 1000;
	watch->heartbeat_ms = 30000;
	first = ha_opt_parse(argc, argv, &command, EX_USAGE);
	if (argc - first != 1)
		ha_die(EX_USAGE, "one DIR is needed; try 'ha-watch --help'");
	take_root(watch, argv[first]);
	start(watch);
	if (watch->explain) {
		status = explain(watch, watch->explain);
	} else {
		if (ha_sig_open(&signals, &err))
			ha_die_err(&err);
		mounts_start(watch);
		emit_header(watch);
		walk_heal_all(watch);
		loop(watch, signals);
		status = finish(watch, signals);
	}
	stop(watch);
	ha_match_free(watch->match);
	free(watch->origins);
	return status;
}
