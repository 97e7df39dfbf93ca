/* SPDX-License-Identifier: ISC */
/*
 * rsync - starts rsync, takes over the descriptors it would talk to ssh by,
 * and pumps them through a channel until it is done.
 */
#include "rsync.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "alloc.h"
#include "clock.h"
#include "fs.h"
#include "msg.h"
#include "patience.h"
#include "run.h"
#include "transport.h"
#include "wait.h"

#define START_MS 30000
#define END_MS 10000
#define PROGRESS_MS 200
#define LOOK_MS 1000
#define MAX_ARGS 64
#define WHY_MAX 300

/* rsync(1), EXIT VALUES, and what a shell says of a missing command. */
enum { RSYNC_STREAM_ERROR = 12, RSYNC_TIMEOUT = 30, SHELL_NOT_FOUND = 127 };

/* What brought --chown, --modify-window=-1 and --fsync: rsync's NEWS. */
enum { CHOWN = 30100, NANOSECONDS = 30103, FSYNC = 30204 };

struct rsync_run {
	struct rsync_conf *conf;
	struct transport *transport;
	int reads_all; /* compares by content: each side reads, in silence */
	pid_t pid;
	int pidfd;
	int names_fd;
	int stdout_fd, stderr_fd; /* memfds: rsync never blocks on them */
	struct channel *channel;
};

int
rsync_can_fsync(const struct rsync_conf *conf)
{
	return conf->peer->rsync.version >= FSYNC &&
	       conf->local.version >= FSYNC;
}

int
rsync_can_chown(const struct rsync_conf *conf)
{
	return conf->peer->rsync.version >= CHOWN &&
	       conf->local.version >= CHOWN;
}

const char *
rsync_path_there(const struct rsync_conf *conf)
{
	return conf->rsync_path != NULL ? conf->rsync_path : "rsync";
}

/* The arguments as they are made: strings that are ours, and a NULL. */
struct args {
	char *argv[MAX_ARGS + 1];
	size_t count;
};

static void
arg(struct args *args, char *owned)
{
	args->argv[args->count++] = owned;
	args->argv[args->count] = NULL;
}

static void
arg_str(struct args *args, const char *s)
{
	arg(args, ha_xstrdup(s));
}

static int
is_tree(enum rsync_kind kind)
{
	return kind == RSYNC_TREE || kind == RSYNC_TREE_KEEP ||
	       kind == RSYNC_TREE_EXTRA;
}

static void
add_kind(struct args *args, const struct rsync_conf *conf, enum rsync_kind kind)
{
	if (kind == RSYNC_CONTENT)
		arg_str(args, "--ignore-times");
	else if (conf->peer->rsync.version >= NANOSECONDS &&
		 conf->local.version >= NANOSECONDS)
		arg_str(args, "--modify-window=-1");
	if (is_tree(kind))
		arg_str(args, "--recursive");
	if (is_tree(kind) && kind != RSYNC_TREE_EXTRA && conf->has_links)
		arg_str(args, "--no-inc-recursive");
	if (kind == RSYNC_TREE || kind == RSYNC_TREE_EXTRA)
		arg_str(args, "--delete");
	if (kind == RSYNC_TREE && conf->max_delete != UINT64_MAX)
		arg(args, ha_xasprintf("--max-delete=%llu",
			      (unsigned long long)conf->max_delete));
	if (kind == RSYNC_ROOT)
		arg_str(args, "--exclude=/*");
}

static void
add_transfer(struct args *args, const struct rsync_conf *conf)
{
	if (conf->peer->rsync.acls && conf->local.acls)
		arg_str(args, "--acls");
	if (conf->peer->rsync.xattrs && conf->local.xattrs)
		arg_str(args, "--xattrs");
	if (!conf->peer->is_root)
		arg_str(args, "--no-owner");
	if (conf->chown != NULL)
		arg(args, ha_xasprintf("--chown=%s", conf->chown));
	else if (!conf->peer->is_root)
		arg_str(args, "--no-group");
	if (!conf->peer->is_root)
		arg_str(args, "--no-devices");
	if (conf->compress)
		arg_str(args, "--compress");
	if (conf->bwlimit != NULL)
		arg(args, ha_xasprintf("--bwlimit=%s", conf->bwlimit));
	if (conf->fsync)
		arg_str(args, "--fsync");
	if (conf->backup_dir != NULL) {
		arg_str(args, "--backup");
		arg(args, ha_xasprintf("--backup-dir=%s", conf->backup_dir));
	}
}

/*
 * Names and kinds, and no line for what is only here or differs otherwise.
 * --ignore-existing would leave out what goes with a directory in the place of
 * which something else is to be.
 */
static void
add_kinds_only(struct args *args, const struct rsync_conf *conf)
{
	arg_str(args, "--links");
	arg_str(args, "--specials");
	if (conf->peer->is_root)
		arg_str(args, "--devices");
	arg_str(args, "--size-only");
	arg_str(args, "--existing");
}

/*
 * -s keeps the target's name and the patterns out of the peer's shell.  The
 * path of this program goes through /proc, as rsync splits -e at blanks.
 */
static void
build_args(struct args *args, const struct rsync_conf *conf,
    enum rsync_kind kind, unsigned flags, int socket_fd)
{
	arg_str(args, "rsync");
	arg_str(args, "-s");
	arg_str(args, "--from0");
	arg_str(args, "--files-from=-");
	add_kind(args, conf, kind);
	if (kind == RSYNC_TREE_EXTRA) {
		add_kinds_only(args, conf);
	} else {
		arg_str(args, "--archive");
		arg_str(args, "--hard-links");
		arg_str(args, "--numeric-ids");
		add_transfer(args, conf);
	}
	if (conf->rsync_path != NULL)
		arg(args, ha_xasprintf("--rsync-path=%s", conf->rsync_path));
	if (flags & RSYNC_DRY || kind == RSYNC_TREE_EXTRA) {
		arg_str(args, "--dry-run");
		arg_str(args, "--out-format=%i %n");
	} else if (conf->progress != NULL) {
		arg_str(args, "--info=progress2");
	}
	if (flags & RSYNC_LIST_SAME)
		arg_str(args, "-ii");
	if (flags & RSYNC_CHECKSUM)
		arg_str(args, "--checksum");
	arg(args, ha_xasprintf("--rsh=/proc/%ld/exe --rsh-pass=%d",
		      (long)getpid(), socket_fd));
}

/* The patterns and the two ends follow the fixed arguments. */
static const char **
full_argv(const struct args *args, const struct rsync_conf *conf,
    enum rsync_kind kind, char *target, char ***excludes)
{
	size_t patterns = is_tree(kind) ? ha_match_count(conf->match) : 0;
	const char **argv =
	    ha_xcalloc(args->count + patterns + 3, sizeof(*argv));
	size_t n = 0;

	*excludes = ha_xcalloc(patterns + 1, sizeof(**excludes));
	for (size_t i = 0; i < args->count; i++)
		argv[n++] = args->argv[i];
	for (size_t i = 0; i < patterns; i++) {
		(*excludes)[i] = ha_xasprintf(
		    "--exclude=%s", ha_match_pattern(conf->match, i));
		argv[n++] = (*excludes)[i];
	}
	argv[n++] = ".";
	argv[n++] = target;
	return argv;
}

static int
spawn(struct rsync_run *run, enum rsync_kind kind, unsigned flags, int names_fd,
    int socket_fd, struct ha_err *err)
{
	static const char *const env[] = { "LC_ALL=C", NULL };
	struct ha_run child = HA_RUN_INIT;
	struct args args = { .count = 0 };
	char *target = ha_xstrdup("peer:.");
	char **excludes;
	const char **argv;
	int rc;

	build_args(&args, run->conf, kind, flags, socket_fd);
	argv = full_argv(&args, run->conf, kind, target, &excludes);
	child.argv = argv;
	child.in = names_fd;
	child.out = run->stdout_fd;
	child.err = run->stderr_fd;
	child.keep = socket_fd;
	child.cwd = run->conf->root_fd;
	child.env = env;
	rc = ha_run_start(&child, &run->pid, &run->pidfd, err);
	if (rc != 0)
		run->pid = -1;
	if (rc != 0 && err->sys == ENOENT)
		ha_err_set(err, EX_UNAVAILABLE, 0,
		    "rsync is not installed on this machine");
	for (size_t i = 0; i < args.count; i++)
		free(args.argv[i]);
	for (size_t i = 0; excludes[i] != NULL; i++)
		free(excludes[i]);
	free(excludes);
	free(argv);
	free(target);
	return rc;
}

/* What the --rsh-pass child sends: the peer's command, and two descriptors. */
static int
receive_ends(int fd, char *command, size_t size, int ends[2])
{
	union {
		struct cmsghdr align;
		char data[CMSG_SPACE(2 * sizeof(int))];
	} control;
	struct iovec iov = { command, size - 1 };
	struct msghdr msg = { .msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = control.data,
		.msg_controllen = sizeof(control.data) };
	ssize_t n = recvmsg(fd, &msg, MSG_CMSG_CLOEXEC | MSG_DONTWAIT);
	struct cmsghdr *c;

	if (n <= 0)
		return -1;
	command[n] = '\0';
	c = CMSG_FIRSTHDR(&msg);
	if (c == NULL || c->cmsg_level != SOL_SOCKET ||
	    c->cmsg_type != SCM_RIGHTS ||
	    c->cmsg_len != CMSG_LEN(2 * sizeof(int)))
		return -1;
	memcpy(ends, CMSG_DATA(c), 2 * sizeof(int));
	return 0;
}

int
rsync_look_at_local(struct rsync_caps *caps, struct ha_err *err)
{
	static const char *const argv[] = { "rsync", "--version", NULL };
	struct ha_run run = HA_RUN_INIT;
	struct ha_buf out = HA_BUF_INIT;
	int status = 0, rc;

	run.argv = argv;
	rc = ha_run_capture(
	    &run, ha_clock_deadline(START_MS), &out, NULL, &status, err);
	if (rc == 0)
		rc = peer_parse_version(out.data, caps);
	ha_buf_release(&out);
	if (rc != 0)
		return ha_err_set(err, EX_UNAVAILABLE, 0,
		    "rsync can't be run on this machine; install it (apt-get "
		    "install rsync)");
	return 0;
}

static void
read_memfd(int fd, struct ha_buf *buf)
{
	char data[8192];
	off_t at = 0;
	ssize_t n;

	while ((n = pread(fd, data, sizeof(data), at)) > 0) {
		ha_buf_add(buf, data, (size_t)n);
		at += n;
	}
}

/* rsync ended before it asked for its remote shell. */
static int
early_end(struct rsync_run *run, struct ha_err *err)
{
	struct ha_buf errors = HA_BUF_INIT;

	read_memfd(run->stderr_fd, &errors);
	errors.data[strcspn(errors.data, "\n")] = '\0';
	ha_err_set(err, EX_OSERR, 0, "the local rsync did not start: %s",
	    errors.data[0] != '\0' ? errors.data : "it said nothing");
	ha_buf_release(&errors);
	return -1;
}

/*
 * rsync starts in the target directory: of a target's name the rsync there
 * would expand *, ? and [ even with -s.
 */
static struct channel *
start_server(struct rsync_run *run, const char *command, struct ha_err *err)
{
	const char *dir = run->conf->peer->dir;
	char *path = ha_xasprintf("%s%s", dir[0] == '/' ? "" : "./", dir);
	struct ha_buf line = HA_BUF_INIT;
	struct channel *channel;

	ha_buf_add_str(&line, "cd ");
	peer_add_quoted(&line, path);
	ha_buf_addf(&line, " && %s", command);
	channel = transport_exec(run->transport, line.data, err);
	ha_buf_release(&line);
	free(path);
	return channel;
}

static int
connect_ends(struct rsync_run *run, int socket_fd, struct ha_err *err)
{
	int64_t deadline_ns = ha_clock_deadline(START_MS);
	char command[8192];
	int ends[2];

	for (;;) {
		struct pollfd fds[2] = { { socket_fd, POLLIN, 0 },
			{ run->pidfd, POLLIN, 0 } };

		if (receive_ends(socket_fd, command, sizeof(command), ends) ==
		    0)
			break;
		if (wait_poll(fds, 2, deadline_ns) < 0)
			return ha_err_set(err, EX_TEMPFAIL, 0, "interrupted");
		if (fds[0].revents == 0 &&
		    (fds[1].revents != 0 || ha_clock_now_ns() >= deadline_ns))
			return early_end(run, err);
	}
	run->channel = start_server(run, command, err);
	if (run->channel == NULL) {
		close(ends[0]);
		close(ends[1]);
		return -1;
	}
	channel_attach(run->channel, ends[0], ends[1]);
	return 0;
}

/* rsync's stdin: a file that holds the names, or a pipe for names to come. */
static int
open_names(int ends[2], const struct ha_buf *names)
{
	struct ha_err err;

	if (names == NULL)
		return pipe2(ends, O_CLOEXEC);
	ends[0] = memfd_create("rsync-names", MFD_CLOEXEC);
	if (ends[0] < 0 ||
	    ha_fs_write_all(ends[0], names->data, names->len, &err) != 0)
		return -1;
	return lseek(ends[0], 0, SEEK_SET) == 0 ? 0 : -1;
}

int
rsync_start(struct rsync_run **result, struct rsync_conf *conf,
    enum rsync_kind kind, unsigned flags, const struct ha_buf *names,
    struct ha_err *err)
{
	struct rsync_run *run = ha_xcalloc(1, sizeof(*run));
	int input[2] = { -1, -1 }, sockets[2] = { -1, -1 };
	int rc = -1;

	run->conf = conf;
	run->transport = conf->peer->transport;
	run->reads_all = (flags & RSYNC_CHECKSUM) != 0;
	run->pidfd = -1;
	run->stdout_fd = memfd_create("rsync-stdout", MFD_CLOEXEC);
	run->stderr_fd = memfd_create("rsync-stderr", MFD_CLOEXEC);
	if (run->stdout_fd < 0 || run->stderr_fd < 0 ||
	    open_names(input, names) != 0 ||
	    socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, sockets) != 0)
		ha_err_set(err, EX_OSERR, errno, "can't start rsync");
	else
		rc = spawn(run, kind, flags, input[0], sockets[1], err);
	if (input[0] >= 0)
		close(input[0]);
	if (sockets[1] >= 0)
		close(sockets[1]);
	run->names_fd = input[1];
	if (rc == 0)
		rc = connect_ends(run, sockets[0], err);
	if (sockets[0] >= 0)
		close(sockets[0]);
	if (rc != 0) {
		rsync_free(run);
		return -1;
	}
	*result = run;
	return 0;
}

static void
close_names(struct rsync_run *run)
{
	if (run->names_fd >= 0)
		close(run->names_fd);
	run->names_fd = -1;
}

void
rsync_free(struct rsync_run *run)
{
	if (run == NULL)
		return;
	close_names(run);
	channel_close(run->channel);
	if (run->pid > 0) {
		kill(run->pid, SIGKILL);
		ha_run_reap(run->pid, ha_clock_deadline(END_MS));
	}
	if (run->pidfd >= 0)
		close(run->pidfd);
	if (run->stdout_fd >= 0)
		close(run->stdout_fd);
	if (run->stderr_fd >= 0)
		close(run->stderr_fd);
	free(run);
}

static int
local_has_ended(const struct rsync_run *run)
{
	struct pollfd fd = { run->pidfd, POLLIN, 0 };

	return poll(&fd, 1, 0) != 0;
}

int
rsync_is_waiting(const struct rsync_run *run)
{
	return !channel_is_done(run->channel) && !local_has_ended(run);
}

void
rsync_result_init(struct rsync_result *result)
{
	memset(result, 0, sizeof(*result));
	ha_buf_init(&result->errors);
	ha_buf_init(&result->output);
}

void
rsync_result_release(struct rsync_result *result)
{
	ha_buf_release(&result->errors);
	ha_buf_release(&result->output);
}

/* progress2 rewrites one line: the last piece between carriage returns. */
static void
show_progress(struct rsync_run *run)
{
	char tail[256];
	off_t size = lseek(run->stdout_fd, 0, SEEK_END);
	off_t at =
	    size > (off_t)sizeof(tail) - 1 ? size - (off_t)sizeof(tail) + 1 : 0;
	ssize_t n = pread(run->stdout_fd, tail, sizeof(tail) - 1, at);
	char *end, *start;

	if (n <= 0)
		return;
	tail[n] = '\0';
	end = strrchr(tail, '\r');
	if (end != NULL && end[1] == '\0')
		*end = '\0';
	start = strrchr(tail, '\r');
	run->conf->progress(start != NULL ? start + 1 : tail);
}

/* Each second: -1: it may not go on; 1: it stalls. */
static int
look_after(struct rsync_run *run, struct quiet *quiet, struct ha_err *err)
{
	struct rsync_conf *conf = run->conf;

	if (conf->may_go_on != NULL && conf->may_go_on(conf->context, err) != 0)
		return -1;
	return quiet_look(quiet, ha_clock_now_ns(), channel_bytes(run->channel),
	    patience_work(run->pid));
}

/* Pump until the peer's rsync is done.  1: it stalled. */
static int
pump(struct rsync_run *run, struct quiet *quiet, struct ha_err *err)
{
	int64_t progress_ns = ha_clock_deadline(PROGRESS_MS * 5);
	int64_t look_ns = ha_clock_deadline(LOOK_MS), now_ns;
	int ended = 0, rc = 0;

	while (rc == 0 && !channel_is_done(run->channel)) {
		int64_t until_ns = look_ns;

		/*
		 * The peer's rsync still sleeps 20 ms before it sees its end.
		 */
		if (!ended && local_has_ended(run)) {
			ended = 1;
			run->conf->ending(run->conf->context);
		}
		if (run->conf->progress != NULL && progress_ns < until_ns)
			until_ns = progress_ns;
		if (transport_step(run->transport, until_ns, err) < 0)
			return -1;
		now_ns = ha_clock_now_ns();
		if (run->conf->progress != NULL && now_ns >= progress_ns) {
			show_progress(run);
			progress_ns = now_ns + PROGRESS_MS * HA_MS_NS;
		}
		if (now_ns >= look_ns) {
			rc = look_after(run, quiet, err);
			look_ns = now_ns + LOOK_MS * HA_MS_NS;
		}
	}
	return rc;
}

static void
tell_stall(const struct rsync_run *run, int64_t ms, struct ha_buf *errors)
{
	char words[64];

	ha_clock_words(ms, words, sizeof(words));
	ha_warn("%s: rsync made no progress for %s: it is ended, and what is "
		"left is sent again",
	    run->conf->peer->label, words);
	/* As rsync itself would write it, for rsync_why(). */
	ha_buf_addf(errors, "rsync: made no progress for %s\n", words);
}

static int
await_child(struct rsync_run *run, struct ha_err *err)
{
	int64_t deadline_ns = ha_clock_deadline(END_MS);
	struct pollfd fd = { run->pidfd, POLLIN, 0 };

	while (fd.revents == 0 && ha_clock_now_ns() < deadline_ns)
		if (wait_poll(&fd, 1, deadline_ns) < 0)
			return ha_err_set(err, EX_TEMPFAIL, 0, "interrupted");
	return 0;
}

int
rsync_finish(struct rsync_run *run, const struct ha_buf *names,
    struct rsync_result *result, struct ha_err *err)
{
	uint64_t before = channel_bytes(run->channel);
	struct patience *patience = &run->conf->patience;
	struct quiet quiet;
	int stalled, remote;

	/* If rsync is gone SIGPIPE is ignored and its end tells the story. */
	if (run->names_fd >= 0 &&
	    ha_fs_write_all(run->names_fd, names->data, names->len, err) != 0 &&
	    err->sys != EPIPE)
		return -1;
	close_names(run);
	quiet_begin(&quiet, patience, ha_clock_now_ns(), before,
	    patience_work(run->pid));
	if (run->reads_all)
		quiet.limit_ms = PATIENCE_MAX_MS;
	stalled = pump(run, &quiet, err);
	result->bytes += channel_bytes(run->channel) - before;
	if (stalled < 0)
		return -1;
	if (!stalled && await_child(run, err) != 0)
		return -1;
	if (!run->reads_all)
		quiet_end(&quiet, patience, ha_clock_now_ns(), stalled);
	if (stalled) {
		kill(run->pid, SIGKILL);
		tell_stall(run, quiet.quiet_ns / HA_MS_NS, &result->errors);
	}
	result->code = ha_run_reap(run->pid, ha_clock_now_ns());
	run->pid = -1;
	remote = channel_exit_status(run->channel);
	if (stalled)
		result->code = RSYNC_TIMEOUT;
	else if (remote == SHELL_NOT_FOUND)
		result->code = SHELL_NOT_FOUND;
	else if (result->code == 0 && remote != 0)
		result->code = remote > 0 ? remote : RSYNC_STREAM_ERROR;
	read_memfd(run->stderr_fd, &result->errors);
	ha_buf_add(&result->errors, channel_errors(run->channel)->data,
	    channel_errors(run->channel)->len);
	read_memfd(run->stdout_fd, &result->output);
	return 0;
}

/* Undo rsync's \#ooo, in place. */
static void
unescape(char *name)
{
	char *to = name;

	while (*name != '\0') {
		if (name[0] == '\\' && name[1] == '#' && name[2] >= '0' &&
		    name[2] <= '3' && name[3] >= '0' && name[3] <= '7' &&
		    name[4] >= '0' && name[4] <= '7') {
			*to++ = (char)((name[2] - '0') << 6 |
				       (name[3] - '0') << 3 | (name[4] - '0'));
			name += 5;
		} else {
			*to++ = *name++;
		}
	}
	*to = '\0';
}

void
rsync_each_item(const struct ha_buf *output,
    void (*each)(void *context, const char *item, const char *path),
    void *context)
{
	const char *line = output->data;

	for (const char *end; (end = strchr(line, '\n')) != NULL;
	     line = end + 1) {
		char *copy = ha_xmemdup(line, (size_t)(end - line));
		size_t len;

		if (end - line > 12 && copy[11] == ' ') {
			copy[11] = '\0';
			unescape(copy + 12);
			len = strlen(copy + 12);
			if (len > 1 && copy[12 + len - 1] == '/')
				copy[12 + len - 1] = '\0';
			if (ha_fs_path_is_inside(copy + 12))
				each(context, copy, copy + 12);
		}
		free(copy);
	}
}

/* rsync's own summary lines say less than what stands before them. */
static int
is_summary(const char *line, size_t len)
{
	return len == 0 || strncmp(line, "rsync error:", 12) == 0 ||
	       strncmp(line, "rsync warning:", 14) == 0;
}

char *
rsync_why(const struct ha_buf *errors, int code, const char *path)
{
	const char *best = NULL, *line = errors->data;
	size_t best_len = 0;

	while (*line != '\0') {
		size_t len = strcspn(line, "\n");
		int names_it = path != NULL &&
			       memmem(line, len, path, strlen(path)) != NULL;

		if (!is_summary(line, len) && (best == NULL || names_it)) {
			best = line;
			best_len = len;
		}
		if (names_it)
			break;
		line += len + (line[len] == '\n');
	}
	if (best == NULL)
		return ha_xasprintf("rsync ended with status %d", code);
	if (best_len > 7 && strncmp(best, "rsync: ", 7) == 0) {
		best += 7;
		best_len -= 7;
	}
	/* A long name is cut, not the error behind it. */
	if (best_len > WHY_MAX)
		return ha_xasprintf("%.*s...%.*s (rsync status %d)",
		    WHY_MAX / 2, best, WHY_MAX / 2,
		    best + best_len - WHY_MAX / 2, code);
	return ha_xasprintf(
	    "%.*s (rsync status %d)", (int)best_len, best, code);
}

int
rsync_peer_disk_fails(const struct ha_buf *errors)
{
	/* errno(3) numbers of Linux, as rsync prints them behind the words. */
	static const char *const marks[] = { "No space left on device (28)",
		"Disk quota exceeded (122)", "Read-only file system (30)" };

	for (size_t i = 0; i < sizeof(marks) / sizeof(marks[0]); i++)
		if (strstr(errors->data, marks[i]) != NULL)
			return 1;
	return 0;
}

int
rsync_rsh_main(int argc, char **argv)
{
	union {
		struct cmsghdr align;
		char data[CMSG_SPACE(2 * sizeof(int))];
	} control;
	int fd = atoi(argv[1] + strlen("--rsh-pass="));
	int ends[2] = { STDIN_FILENO, STDOUT_FILENO };
	struct ha_buf command = HA_BUF_INIT;
	struct iovec iov;
	struct msghdr msg = { .msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = control.data,
		.msg_controllen = sizeof(control.data) };
	struct cmsghdr *c;
	int ok;

	/* argv[2] is the host; ssh too joins the rest by blanks. */
	for (int i = 3; i < argc; i++) {
		if (i > 3)
			ha_buf_add_char(&command, ' ');
		ha_buf_add_str(&command, argv[i]);
	}
	iov.iov_base = command.data;
	iov.iov_len = command.len;
	memset(&control, 0, sizeof(control));
	c = CMSG_FIRSTHDR(&msg);
	if (c == NULL)
		return EX_OSERR;
	c->cmsg_level = SOL_SOCKET;
	c->cmsg_type = SCM_RIGHTS;
	c->cmsg_len = CMSG_LEN(sizeof(ends));
	memcpy(CMSG_DATA(c), ends, sizeof(ends));
	ok = sendmsg(fd, &msg, MSG_NOSIGNAL) == (ssize_t)command.len;
	ha_buf_release(&command);
	return ok ? EXIT_SUCCESS : EX_OSERR;
}
