/* SPDX-License-Identifier: ISC */
/* fan - starts a process a target, feeds all of them, and sees them end. */
#include "fan.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "alloc.h"
#include "backlog.h"
#include "change.h"
#include "clock.h"
#include "fs.h"
#include "in.h"
#include "msg.h"
#include "out.h"
#include "rec.h"
#include "sig.h"

#define BACKLOG_MAX (8 * 1024 * 1024)
/* What one read brings at most: its own bytes, and a record begun before. */
#define CHUNK_MAX (HA_IN_MAX_RECORD + 65536)
/* One that is only slower than the others is waited for, so long. */
#define PATIENCE_MS 1000
#define PAUSE_FIRST_MS 1000
#define PAUSE_MAX_MS 60000
/* As many as a child lists. */
#define UNWATCHED_MAX 1000
/* Somebody may wait for more than the last. */
#define BARRIERS_MAX 8
#define READ_SIZE 65536

struct child {
	size_t index;
	const char *name; /* its target, as typed */
	pid_t pid; /* 0: not running */
	int fd; /* its stdin; -1: closed */
	struct backlog backlog;
	int64_t patience_ns; /* its backlog is full: dropped then; else 0 */
	int is_behind; /* records were dropped, and it has yet to catch up */
	int is_over; /* and not started again */
	int status; /* of its end */
	int64_t started_ns;
	int64_t start_ns; /* while it is not running: when it is to be */
	int64_t pause_ms; /* before its last start */
	int64_t failing_ns; /* since when it dies again and again */
};

struct fan {
	const struct fan_conf *conf;
	struct pollfd *fds;
	struct child *children;
	size_t count;
	pid_t pid;
	int sig_fd;
	struct ha_in in;
	int at_end;
	int stopping;
	int status; /* of what the input itself was */
	/* What one that begins in mid-stream has to know. */
	char *header; /* a line with its LF, or NULL */
	char *unwatched[UNWATCHED_MAX]; /* PATH and NEWPATH of each E */
	size_t unwatched_count;
	char *barriers[BARRIERS_MAX]; /* lines of the last S, a ring */
	size_t barrier_count;
	uint64_t seq; /* of the last record */
	int ended_well; /* "#end" was the last */
};

static void
enter_child(const struct fan_conf *conf, size_t index, int in_fd, pid_t parent)
{
	char name[16];

	snprintf(name, sizeof(name), "ha-push-%zu:%s", index + 1,
	    conf->targets->list[index].host);
	prctl(PR_SET_NAME, name);
	prctl(PR_SET_PDEATHSIG, SIGTERM);
	if (getppid() != parent)
		exit(EX_TEMPFAIL);
	if (in_fd >= 0 && dup2(in_fd, STDIN_FILENO) < 0)
		ha_die(EX_OSERR, "stdin: %s", strerror(errno));
	if (in_fd >= 0)
		close(in_fd);
}

static void
close_input(struct child *child)
{
	if (child->fd >= 0)
		close(child->fd);
	child->fd = -1;
	child->patience_ns = 0;
	child->is_behind = 0;
	backlog_release(&child->backlog);
}

static void
add_record(struct backlog *backlog, const struct fan *fan, char op, char kind,
    const char *paths)
{
	char *line = ha_xasprintf("%c\t%c\t%llu\t%s\n", op, kind,
	    (unsigned long long)fan->seq, paths);

	backlog_add(backlog, line, strlen(line));
	free(line);
}

/*
 * All that was read so far, for one that has not seen it.  What can't be
 * watched is told by no comparison; and what came before an S is above it, as
 * the comparison is.
 */
static void
add_summary(struct backlog *backlog, const struct fan *fan)
{
	if (fan->header != NULL)
		backlog_add(backlog, fan->header, strlen(fan->header));
	for (size_t i = 0; i < fan->unwatched_count; i++)
		add_record(backlog, fan, 'E', '-', fan->unwatched[i]);
	if (fan->header != NULL || fan->conf->has_source)
		add_record(backlog, fan, 'R', 'd', HA_CHANGE_ROOT "\t-");
	for (size_t i = 0; i < BARRIERS_MAX; i++) {
		const char *line =
		    fan->barriers[(fan->barrier_count + i) % BARRIERS_MAX];

		if (line != NULL)
			backlog_add(backlog, line, strlen(line));
	}
	if (fan->ended_well)
		backlog_add(backlog, "#end\n", 5);
}

static void
feed(struct fan *fan, struct child *child)
{
	if (child->fd < 0)
		return;
	if (backlog_write(&child->backlog, child->fd) != 0) {
		/* It has ended, or is about to: its status says why. */
		close_input(child);
		return;
	}
	if (backlog_len(&child->backlog) <= BACKLOG_MAX / 2)
		child->patience_ns = 0;
	if (backlog_len(&child->backlog) > 0)
		return;
	child->is_behind = 0;
	if (fan->at_end)
		close_input(child);
}

static void
fall_behind(struct fan *fan, struct child *child)
{
	if (!child->is_behind)
		ha_warn("%s: its process (%ld) takes no records: they are "
			"dropped, and it is to compare everything",
		    child->name, (long)child->pid);
	child->is_behind = 1;
	child->patience_ns = 0;
	backlog_drop(&child->backlog);
	add_summary(&child->backlog, fan);
}

/* Is there room for what a read brings, or is it not to be waited for? */
static int
makes_room(struct fan *fan, struct child *child)
{
	int64_t now_ns = ha_clock_now_ns();

	if (backlog_has_room(&child->backlog, CHUNK_MAX))
		return 1;
	/* Bare paths can't be made up for. */
	if (fan->conf->paths)
		return 0;
	if (child->patience_ns == 0)
		child->patience_ns = now_ns + PATIENCE_MS * HA_MS_NS;
	if (!child->is_behind && now_ns < child->patience_ns)
		return 0;
	fall_behind(fan, child);
	return 1;
}

static void
give(struct fan *fan, const struct ha_buf *chunk)
{
	for (size_t i = 0; i < fan->count; i++) {
		struct child *child = &fan->children[i];

		if (child->fd < 0)
			continue;
		backlog_add(&child->backlog, chunk->data, chunk->len);
		feed(fan, child);
	}
}

/* text: PATH, NEWPATH and what may follow, as they were read. */
static void
note_unwatched(struct fan *fan, const char *text)
{
	if (fan->unwatched_count == UNWATCHED_MAX)
		return;
	for (size_t i = 0; i < fan->unwatched_count; i++)
		if (strcmp(fan->unwatched[i], text) == 0)
			return;
	fan->unwatched[fan->unwatched_count++] = ha_xstrdup(text);
}

static void
note_barrier(struct fan *fan, const char *line)
{
	char **place = &fan->barriers[fan->barrier_count++ % BARRIERS_MAX];

	free(*place);
	*place = ha_xasprintf("%s\n", line);
}

static void
note_record(struct fan *fan, const char *line)
{
	const char *kind = strchr(line, '\t');
	const char *seq = kind != NULL ? strchr(kind + 1, '\t') : NULL;
	char *paths;

	fan->ended_well = 0;
	if (seq == NULL)
		return;
	fan->seq = strtoull(seq + 1, &paths, 10);
	if (line[0] == 'E' && line[1] == '\t' && *paths == '\t')
		note_unwatched(fan, paths + 1);
	else if (line[0] == 'S' && line[1] == '\t')
		note_barrier(fan, line);
}

static void
note_line(struct fan *fan, const char *line)
{
	if (strcmp(line, "#end") == 0) {
		fan->ended_well = 1;
	} else if (strncmp(line, "#ha-watch\t", 10) == 0) {
		fan->ended_well = 0;
		free(fan->header);
		fan->header = ha_xasprintf("%s\n", line);
	} else if (line[0] != '#') {
		note_record(fan, line);
	}
}

/* Told here once, and not by each child. */
static void
too_long(struct fan *fan, struct ha_buf *chunk, const struct ha_err *err)
{
	fan->status = EX_DATAERR;
	if (fan->conf->paths) {
		ha_warn("%s; it is left out", err->msg);
		return;
	}
	ha_warn("%s; the whole source is compared instead", err->msg);
	ha_buf_addf(chunk, "R\td\t%llu\t" HA_CHANGE_ROOT "\t-\n",
	    (unsigned long long)fan->seq);
}

static void
read_input(struct fan *fan)
{
	struct ha_buf chunk = HA_BUF_INIT;
	struct ha_err err;
	char *line;
	size_t len;
	int got, rc = ha_in_fill(&fan->in, &err);

	if (rc < 0 && err.sys == EAGAIN)
		return;
	if (rc < 0) {
		ha_warn("stdin: %s", err.msg);
		fan->status = err.status;
	}
	while ((got = ha_in_next(&fan->in, &line, &len, &err)) != 0) {
		if (got < 0) {
			too_long(fan, &chunk, &err);
			continue;
		}
		if (!fan->conf->paths)
			note_line(fan, line);
		ha_buf_add(&chunk, line, len);
		ha_buf_add_char(&chunk, fan->in.delimiter);
	}
	/* What is no record is for the children to refuse. */
	if (rc <= 0)
		ha_buf_add(&chunk, fan->in.buf.data + fan->in.start,
		    ha_in_rest(&fan->in));
	fan->at_end = rc <= 0;
	give(fan, &chunk);
	ha_buf_release(&chunk);
}

/* It was found dead: is it worth another start, and when? */
static int
plan_start(struct fan *fan, struct child *child)
{
	int64_t now_ns = ha_clock_now_ns();

	if (fan->stopping || fan->conf->paths)
		return -1;
	if (now_ns - child->started_ns > PAUSE_MAX_MS * HA_MS_NS)
		child->pause_ms = 0;
	if (child->pause_ms == 0)
		child->failing_ns = now_ns;
	child->pause_ms = child->pause_ms == 0 ? PAUSE_FIRST_MS
			  : child->pause_ms < PAUSE_MAX_MS / 2
			      ? child->pause_ms * 2
			      : PAUSE_MAX_MS;
	child->start_ns = now_ns + child->pause_ms * HA_MS_NS;
	/* A run that is to end by itself does. */
	if (fan->at_end && child->start_ns - child->failing_ns >
			       fan->conf->give_up_ms * HA_MS_NS)
		return -1;
	return 0;
}

static void
fail_to_start(struct fan *fan, struct child *child)
{
	int sys = errno;

	child->status = EX_OSERR;
	child->is_over = plan_start(fan, child) != 0;
	ha_warn("%s: can't start a process: %s; %s", child->name, strerror(sys),
	    child->is_over ? "given up" : "trying again");
}

static void
fan_release(struct fan *fan)
{
	for (size_t i = 0; i < fan->count; i++)
		close_input(&fan->children[i]);
	for (size_t i = 0; i < fan->unwatched_count; i++)
		free(fan->unwatched[i]);
	for (size_t i = 0; i < BARRIERS_MAX; i++)
		free(fan->barriers[i]);
	free(fan->children);
	free(fan->fds);
	free(fan->header);
	ha_in_release(&fan->in);
	close(fan->sig_fd);
}

/*
 * It gets its part of the input through ends, if they are open.  Without what
 * is the parent's: the input of another would not end while it is open here.
 */
static pid_t
fork_child(struct fan *fan, const struct child *child, const int *ends)
{
	const struct fan_conf *conf = fan->conf;
	size_t index = child->index;
	pid_t pid = fork(), parent = fan->pid;

	if (pid == 0) {
		fan_release(fan);
		if (ends[1] >= 0)
			close(ends[1]);
		enter_child(conf, index, ends[0], parent);
		exit(conf->mirror(index, parent));
	}
	if (ends[0] >= 0)
		close(ends[0]);
	if (pid < 0 && ends[1] >= 0)
		close(ends[1]);
	return pid;
}

static void
start(struct fan *fan, struct child *child)
{
	int ends[2] = { -1, -1 };
	int failed = !fan->conf->all && pipe2(ends, O_CLOEXEC) != 0;
	pid_t pid = failed ? -1 : fork_child(fan, child, ends);

	child->started_ns = ha_clock_now_ns();
	if (pid < 0) {
		fail_to_start(fan, child);
		return;
	}
	child->pid = pid;
	if (ends[1] < 0)
		return;
	/* The child's end keeps its own flags. */
	fcntl(ends[1], F_SETFL, O_NONBLOCK);
	child->fd = ends[1];
	if (fan->in.number > 0)
		add_summary(&child->backlog, fan);
	feed(fan, child);
}

static void
say_end(struct fan *fan, const struct child *child, int how, int again)
{
	struct ha_buf words = HA_BUF_INIT;
	char pause[64];

	if (WIFSIGNALED(how))
		ha_buf_addf(&words, "was killed by signal %d (%s)",
		    WTERMSIG(how), strsignal(WTERMSIG(how)));
	else
		ha_buf_addf(&words, "ended with status %d", WEXITSTATUS(how));
	ha_clock_words(child->pause_ms, pause, sizeof(pause));
	if (again)
		ha_warn("%s: its process %s; in %s it is started again, to "
			"compare everything",
		    child->name, words.data, pause);
	else if (WIFSIGNALED(how) || child->status != 0 ||
		 !(fan->at_end || fan->stopping))
		ha_warn("%s: its process %s%s", child->name, words.data,
		    fan->at_end || fan->stopping
			? ""
			: ": nothing more is sent there");
	ha_buf_release(&words);
}

/* As SIGPIPE would: at once, all of them, and without a word. */
static void
die_of_pipe(struct fan *fan)
{
	for (size_t i = 0; i < fan->count; i++)
		if (fan->children[i].pid > 0)
			kill(fan->children[i].pid, SIGKILL);
	ha_out_die_of_pipe();
}

static void
ended(struct fan *fan, struct child *child, int how)
{
	int again;

	child->pid = 0;
	close_input(child);
	if (WIFSIGNALED(how) && WTERMSIG(how) == SIGPIPE &&
	    ha_out_reader_gone())
		die_of_pipe(fan);
	child->status = WIFEXITED(how) ? WEXITSTATUS(how) : EX_OSERR;
	again = child->status == EX_OSERR && plan_start(fan, child) == 0;
	if (WIFSIGNALED(how) && fan->stopping)
		child->status = EX_TEMPFAIL;
	child->is_over = !again;
	say_end(fan, child, how, again);
}

static void
pass_on(struct fan *fan, int signo)
{
	for (size_t i = 0; i < fan->count; i++) {
		struct child *child = &fan->children[i];

		if (child->pid > 0) {
			kill(child->pid, signo);
			/* One that is stopped would never end. */
			if (signo != SIGUSR1)
				kill(child->pid, SIGCONT);
		} else if (!child->is_over && signo != SIGUSR1) {
			child->is_over = 1;
			child->status = EX_TEMPFAIL;
		}
	}
}

static void
take_signals(struct fan *fan)
{
	int signo;

	while ((signo = ha_sig_next(fan->sig_fd)) != 0) {
		if (signo == SIGCHLD)
			continue;
		if (signo != SIGUSR1)
			fan->stopping = 1;
		pass_on(fan, signo);
	}
}

/* Reap who has ended, start who is due; how many are left? */
static size_t
look_after(struct fan *fan)
{
	size_t left = 0;
	int how;

	for (size_t i = 0; i < fan->count; i++) {
		struct child *child = &fan->children[i];

		if (child->pid > 0 &&
		    waitpid(child->pid, &how, WNOHANG) == child->pid)
			ended(fan, child, how);
		if (child->pid == 0 && !child->is_over &&
		    child->start_ns <= ha_clock_now_ns())
			start(fan, child);
		left += !child->is_over;
	}
	return left;
}

static int
reads(const struct fan *fan)
{
	return !fan->at_end && !fan->stopping;
}

/* When a child is to be started, or its backlog dropped, next. */
static int64_t
next_due_ns(const struct fan *fan)
{
	int64_t next_ns = HA_CLOCK_NEVER;

	for (size_t i = 0; i < fan->count; i++) {
		const struct child *child = &fan->children[i];

		if (child->pid == 0 && !child->is_over &&
		    child->start_ns < next_ns)
			next_ns = child->start_ns;
		if (reads(fan) && child->patience_ns != 0 &&
		    child->patience_ns < next_ns)
			next_ns = child->patience_ns;
	}
	return next_ns;
}

static int
wants_input(struct fan *fan)
{
	int wants = reads(fan);

	for (size_t i = 0; reads(fan) && i < fan->count; i++)
		wants &= makes_room(fan, &fan->children[i]);
	return wants;
}

enum { SIGNALS, STDOUT, STDIN, CHILDREN };

static void
wait_and_feed(struct fan *fan)
{
	struct pollfd *fds = fan->fds;
	int wants = wants_input(fan);

	fds[SIGNALS] = (struct pollfd){ fan->sig_fd, POLLIN, 0 };
	/* Without a wish poll still tells that the reader is gone. */
	fds[STDOUT] = (struct pollfd){ STDOUT_FILENO, 0, 0 };
	fds[STDIN] = (struct pollfd){ wants ? STDIN_FILENO : -1, POLLIN, 0 };
	for (size_t i = 0; i < fan->count; i++)
		fds[CHILDREN + i] = (struct pollfd){ fan->children[i].fd,
			backlog_len(&fan->children[i].backlog) > 0 ? POLLOUT
								   : 0,
			0 };
	if (poll(fds, CHILDREN + fan->count,
		ha_clock_poll_ms(next_due_ns(fan))) < 0) {
		if (errno != EINTR)
			ha_die(EX_OSERR, "poll: %s", strerror(errno));
		return;
	}
	if (fds[SIGNALS].revents != 0)
		take_signals(fan);
	if ((fds[STDOUT].revents & POLLERR) && ha_out_reader_gone())
		die_of_pipe(fan);
	for (size_t i = 0; i < fan->count; i++) {
		if (fds[CHILDREN + i].revents & POLLERR)
			close_input(&fan->children[i]);
		else if (fds[CHILDREN + i].revents != 0)
			feed(fan, &fan->children[i]);
	}
	if (fds[STDIN].revents != 0)
		read_input(fan);
}

/* A pipe that got the number of a closed one of these would be mistaken. */
static void
fill_standard_descriptors(void)
{
	int fd;

	if (fcntl(STDOUT_FILENO, F_GETFD) < 0)
		ha_die(EX_IOERR, "stdout is closed");
	while ((fd = open("/dev/null", O_RDWR)) >= 0 && fd <= STDERR_FILENO)
		continue;
	if (fd >= 0)
		close(fd);
}

static void
fan_init(struct fan *fan, const struct fan_conf *conf)
{
	struct ha_err err;

	fill_standard_descriptors();
	fan->conf = conf;
	fan->pid = getpid();
	fan->at_end = conf->all;
	fan->count = conf->targets->count;
	fan->children = ha_xcalloc(fan->count, sizeof(*fan->children));
	fan->fds = ha_xcalloc(CHILDREN + fan->count, sizeof(*fan->fds));
	ha_in_init(&fan->in, STDIN_FILENO, conf->paths ? '\0' : '\n');
	if (ha_sig_open(&fan->sig_fd, &err) != 0)
		ha_die_err(&err);
	for (size_t i = 0; i < fan->count; i++) {
		struct child *child = &fan->children[i];

		child->index = i;
		child->name = conf->targets->list[i].typed;
		child->fd = -1;
		backlog_init(&child->backlog, BACKLOG_MAX, fan->in.delimiter);
	}
}

int
fan_run(const struct fan_conf *conf)
{
	struct fan fan = { 0 };
	int status = 0;

	fan_init(&fan, conf);
	while (look_after(&fan) > 0)
		wait_and_feed(&fan);
	for (size_t i = 0; i < fan.count && status == 0; i++)
		status = fan.children[i].status;
	if (status == 0)
		status = fan.status;
	fan_release(&fan);
	return status;
}

/* All of stdin, to be read by one after the other. */
static int
keep_input(void)
{
	char data[READ_SIZE];
	int fd = memfd_create("ha-push paths", MFD_CLOEXEC);
	struct ha_err err;
	ssize_t n;

	if (fd < 0)
		ha_die(EX_OSERR, "memfd_create: %s", strerror(errno));
	while ((n = read(STDIN_FILENO, data, sizeof(data))) != 0) {
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			ha_die(EX_IOERR, "stdin: %s", strerror(errno));
		if (ha_fs_write_all(fd, data, (size_t)n, &err) != 0)
			ha_die_err(&err);
	}
	return fd;
}

static void
print_target(const char *name)
{
	struct ha_buf line = HA_BUF_INIT;

	ha_buf_add_str(&line, "#target\t");
	ha_rec_add_field(&line, name, strlen(name));
	ha_buf_add_char(&line, '\n');
	ha_out_write(line.data, line.len);
	ha_buf_release(&line);
}

static int
dry_run_one(const struct fan_conf *conf, size_t index, int in_fd)
{
	const char *name = conf->targets->list[index].typed;
	pid_t parent = getpid(), pid;
	int how = 0;

	print_target(name);
	if (in_fd >= 0)
		lseek(in_fd, 0, SEEK_SET);
	pid = fork();
	if (pid < 0)
		ha_die(EX_OSERR, "%s: can't start a process: %s", name,
		    strerror(errno));
	if (pid == 0) {
		enter_child(conf, index, in_fd, parent);
		exit(conf->mirror(index, parent));
	}
	while (waitpid(pid, &how, 0) < 0 && errno == EINTR)
		continue;
	if (WIFEXITED(how))
		return WEXITSTATUS(how);
	if (WTERMSIG(how) == SIGPIPE)
		ha_out_die_of_pipe();
	ha_warn("%s: its process was killed by signal %d (%s)", name,
	    WTERMSIG(how), strsignal(WTERMSIG(how)));
	return EX_OSERR;
}

int
fan_dry_run(const struct fan_conf *conf)
{
	int in_fd = conf->paths ? keep_input() : -1;
	int status = 0, one;

	for (size_t i = 0; i < conf->targets->count; i++) {
		one = dry_run_one(conf, i, in_fd);
		if (status == 0)
			status = one;
	}
	if (in_fd >= 0)
		close(in_fd);
	return status;
}
