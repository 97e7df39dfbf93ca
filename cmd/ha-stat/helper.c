/* SPDX-License-Identifier: ISC */
/*
 * helper - a child for what may never return.
 */
#include "helper.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/file.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "alloc.h"
#include "clock.h"
#include "fs.h"
#include "msg.h"
#include "proctable.h"
#include "run.h"

#define RUN_DIR "HA_RUN_DIR", "/run/ha"
#define ANSWER_MAX 65536
#define READ_SIZE 16384
/* A program may write as fast as it is read: the deadline stands. */
#define DRAIN_READS 16
#define BURIAL_MS 100
/* All of them together: many that can't die must not take the run's end. */
#define BURIALS_NS HA_S_NS
/* Of a key's name; with its directory and the rest it fits a file's name. */
#define NAME_LEN 160
#define HOLDER_SIZE 128

struct stream {
	int fd; /* -1 at its end */
	struct ha_buf buf;
};

struct helper {
	enum helper_state state;
	volatile pid_t pid; /* 0: none, or buried */
	int pidfd;
	int watch; /* an epoll(7) of pidfd and the streams */
	struct stream answer, errors;
	int64_t deadline_ns;
	int64_t stuck_ms;
	pid_t stuck_pid;
	char *program_key; /* owned; NULL: no program, or none */
	int64_t since_ms; /* CLOCK_BOOTTIME */
	int status, signal;
	struct ha_err err;
	struct helper *volatile next; /* of all */
};

static struct helper *volatile all;
static int64_t burials_ns = BURIALS_NS;

/* Who holds a key: in its file, as decimal numbers. */
struct holder {
	pid_t pid;
	uint64_t start_ticks; /* of the process: a pid is used again */
	int64_t since_ms, deadline_ms; /* CLOCK_BOOTTIME */
};

static int64_t
boot_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_BOOTTIME, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / HA_MS_NS;
}

/* A file's name for any key; a long one is told by its hash (FNV-1a). */
static void
add_name(struct ha_buf *path, const char *key)
{
	uint64_t hash = UINT64_C(14695981039346656037);
	size_t start = path->len;
	const char *p;

	for (p = key; *p; p++) {
		hash = (hash ^ (unsigned char)*p) * UINT64_C(1099511628211);
		if (path->len - start > NAME_LEN)
			continue;
		if (*p == '/' || *p == '%' || *p < 0x21 || *p == 0x7f)
			ha_buf_addf(path, "%%%02X", (unsigned char)*p);
		else
			ha_buf_add_char(path, *p);
	}
	if (path->len - start > NAME_LEN)
		ha_buf_addf(path, "-%016" PRIx64, hash);
}

static char *
key_path(const char *dir, const char *key)
{
	struct ha_buf path = HA_BUF_INIT;

	ha_buf_addf(&path, "%s/ha-stat.", dir);
	add_name(&path, key);
	return ha_buf_detach(&path);
}

/*
 * The key's file, opened and made if need be, for nobody else: who can read it
 * can lock it, and have us wait.  -1: it can't be, which is said
 * once: without it nobody knows of a helper that is stuck.
 */
static int
open_key(const char *key)
{
	static int is_warned;
	struct ha_err err;
	const char *dir;
	char *path;
	int fd = -1;

	if (!ha_fs_dir(RUN_DIR, &dir, &err)) {
		path = key_path(dir, key);
		fd = open(path,
		    O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK,
		    0600);
		if (fd < 0)
			ha_err_set(&err, EX_CANTCREAT, errno,
			    "can't open '%s' (HA_RUN_DIR)", path);
		free(path);
	}
	if (fd < 0 && !is_warned) {
		is_warned = 1;
		ha_warn("%s; if '%s' does not answer, no later run will know",
		    err.msg, key);
	}
	return fd;
}

/* The same of a program's key, which has a file only if one is stuck. */
static int
find_key(const char *key)
{
	const char *dir = getenv("HA_RUN_DIR");
	char *path = key_path(dir && *dir ? dir : "/run/ha", key);
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);

	free(path);
	return fd;
}

static int
read_holder(int fd, struct holder *holder)
{
	char text[HOLDER_SIZE];
	ssize_t len = pread(fd, text, sizeof(text) - 1, 0);
	long pid;

	if (len <= 0)
		return -1;
	text[len] = '\0';
	/* NOLINTNEXTLINE(cert-err34-c): our own, and compared with a process */
	if (sscanf(text, "%ld %" SCNu64 " %" SCNd64 " %" SCNd64, &pid,
		&holder->start_ticks, &holder->since_ms,
		&holder->deadline_ms) != 4)
		return -1;
	holder->pid = (pid_t)pid;
	return pid > 0 && pid <= INT_MAX ? 0 : -1;
}

static void
write_holder(int fd, pid_t pid, int64_t since_ms, int64_t deadline_ns)
{
	struct ha_buf line = HA_BUF_INIT;
	struct proctable table;
	struct process process;
	struct ha_err err;

	proctable_open(&table, "/proc");
	if (proctable_read(&table, pid, &process, &err) == 1) {
		ha_buf_addf(&line, "%ld %" PRIu64 " %" PRId64 " %" PRId64 "\n",
		    (long)pid, process.start_ticks, since_ms,
		    boot_ms() + (deadline_ns - ha_clock_now_ns()) / HA_MS_NS);
		/* On a full disk a stuck helper will not be known of. */
		if (ftruncate(fd, 0) || pwrite(fd, line.data, line.len, 0) < 0)
			ha_buf_reset(&line);
	}
	ha_buf_release(&line);
	proctable_close(&table);
}

/* Is there a process that should have been gone by its deadline? */
static int
find_stuck(int fd, struct helper *helper)
{
	struct proctable table;
	struct process process;
	struct holder holder;
	struct ha_err err;
	int64_t now = boot_ms();
	int result;

	if (read_holder(fd, &holder) || holder.deadline_ms >= now)
		return 0;
	proctable_open(&table, "/proc");
	result = proctable_read(&table, holder.pid, &process, &err) == 1 &&
		 process.start_ticks == holder.start_ticks &&
		 process.state != 'Z' && process.state != 'X';
	proctable_close(&table);
	helper->stuck_ms = now - holder.since_ms;
	helper->stuck_pid = holder.pid;
	return result;
}

/*
 * Nothing of ours stays open in the child: one that can't die would keep our
 * stdout's reader, or somebody's lock, waiting.
 */
static int
keep_only(int a, int b)
{
	int kept[] = { a < b ? a : b, a < b ? b : a };
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);
	int from = 3, i;

	if (null < 0 || dup2(null, 0) < 0 || dup2(null, 1) < 0 ||
	    dup2(null, 2) < 0)
		return -1;
	for (i = 0; i < 2; i++) {
		if (kept[i] < from)
			continue;
		if (kept[i] > from &&
		    close_range((unsigned)from, (unsigned)kept[i] - 1, 0))
			return -1;
		from = kept[i] + 1;
	}
	return close_range((unsigned)from, UINT_MAX, 0);
}

/* Above 2, where keep_only() leaves it alone. */
static int
lift(int fd)
{
	return fd < 0 || fd > 2 ? fd : fcntl(fd, F_DUPFD, 3);
}

static _Noreturn void
be_worker(const struct helper_task *task, pid_t parent, int out, int key)
{
	struct ha_buf answer = HA_BUF_INIT;
	struct ha_err err;
	int status;

	/* The others are our parent's to end. */
	all = NULL;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	setpgid(0, 0);
	out = lift(out);
	key = lift(key);
	if (getppid() != parent || keep_only(out, key))
		_exit(127);
	if (key >= 0) {
		/* Another run's helper that is at work; ours is killed first
		 * if that one does not return. */
		while (flock(key, LOCK_EX) && errno == EINTR)
			;
		write_holder(key, getpid(), boot_ms(), task->deadline_ns);
	}
	status = task->work(task->argument, &answer);
	if (answer.len > ANSWER_MAX)
		answer.len = ANSWER_MAX;
	if (ha_fs_write_all(out, answer.data, answer.len, &err))
		_exit(127);
	_exit(status & 255);
}

static int
start_worker(
    struct helper *helper, const struct helper_task *task, int writer, int key)
{
	pid_t parent = getpid();

	helper->pid = fork();
	if (helper->pid < 0)
		return ha_err_set(&helper->err, EX_OSERR, errno,
		    "can't start a helper process");
	if (!helper->pid)
		be_worker(task, parent, writer, key);
	/* As the child does: whoever comes first. */
	setpgid(helper->pid, helper->pid);
	helper->pidfd = (int)syscall(SYS_pidfd_open, helper->pid, 0);
	if (helper->pidfd < 0)
		return ha_err_set(&helper->err, EX_OSERR, errno,
		    "can't watch a helper process");
	return 0;
}

void
helper_end_all(void)
{
	struct helper *helper;

	for (helper = all; helper; helper = helper->next)
		if (helper->pid > 0)
			kill(-helper->pid, SIGKILL);
}

static void
end_all_and_die(int sig)
{
	helper_end_all();
	raise(sig);
}

/*
 * What a program has started dies with us, too, when we are killed or our
 * reader has gone.
 */
static void
take_along(void)
{
	static const int signals[] = { SIGHUP, SIGINT, SIGQUIT, SIGTERM,
		SIGPIPE };
	struct sigaction action, old;
	size_t i;

	memset(&action, 0, sizeof(action));
	action.sa_handler = end_all_and_die;
	action.sa_flags = SA_RESETHAND;
	for (i = 0; i < sizeof(signals) / sizeof(signals[0]); i++)
		if (!sigaction(signals[i], NULL, &old) &&
		    (old.sa_handler == SIG_DFL || signals[i] == SIGPIPE))
			sigaction(signals[i], &action, NULL);
}

static int
start_program(
    struct helper *helper, const struct helper_task *task, int out, int errors)
{
	struct ha_run run = HA_RUN_INIT;
	sigset_t set, old;
	pid_t pid;
	int failed;

	run.argv = task->argv;
	run.out = out;
	run.err = errors;
	run.own_group = 1;
	take_along();
	/* No signal finds a child that isn't noted. */
	sigfillset(&set);
	sigprocmask(SIG_BLOCK, &set, &old);
	failed = ha_run_start(&run, &pid, &helper->pidfd, &helper->err);
	if (!failed)
		helper->pid = pid;
	sigprocmask(SIG_SETMASK, &old, NULL);
	if (failed)
		return -1;
	helper->program_key = task->key ? ha_xstrdup(task->key) : NULL;
	helper->since_ms = boot_ms();
	return 0;
}

static void
end_stream(struct stream *stream)
{
	if (stream->fd >= 0)
		close(stream->fd);
	stream->fd = -1;
}

static int
open_stream(struct stream *stream, int *writer)
{
	int ends[2];

	if (pipe2(ends, O_CLOEXEC))
		return -1;
	stream->fd = ends[0];
	*writer = ends[1];
	return fcntl(stream->fd, F_SETFL, O_NONBLOCK);
}

static int
watch_fd(struct helper *helper, int fd)
{
	struct epoll_event event = { .events = EPOLLIN };

	return fd < 0 ? 0 : epoll_ctl(helper->watch, EPOLL_CTL_ADD, fd, &event);
}

static int
start(struct helper *helper, const struct helper_task *task, int key)
{
	int out = -1, errors = -1;
	int failed = 0;

	helper->watch = epoll_create1(EPOLL_CLOEXEC);
	if (helper->watch < 0 || open_stream(&helper->answer, &out) ||
	    (task->argv && open_stream(&helper->errors, &errors)))
		failed = ha_err_set(
		    &helper->err, EX_OSERR, errno, "can't make a pipe");
	else if (task->argv)
		failed = start_program(helper, task, out, errors);
	else
		failed = start_worker(helper, task, out, key);
	if (out >= 0)
		close(out);
	if (errors >= 0)
		close(errors);
	if (!failed && (watch_fd(helper, helper->pidfd) ||
			   watch_fd(helper, helper->answer.fd) ||
			   watch_fd(helper, helper->errors.fd)))
		failed = ha_err_set(&helper->err, EX_OSERR, errno,
		    "can't watch a helper process");
	return failed;
}

static void
keep_status(struct helper *helper, int status)
{
	helper->signal = WIFSIGNALED(status) ? WTERMSIG(status) : 0;
	helper->status =
	    helper->signal ? 128 + helper->signal : WEXITSTATUS(status);
}

/* Wait for its end, at most a moment; -1: it lives on. */
static int
bury(struct helper *helper)
{
	struct pollfd pfd = { .fd = helper->pidfd, .events = POLLIN };
	int64_t start_ns = ha_clock_now_ns();
	int64_t end_ns = ha_clock_deadline(BURIAL_MS);
	int status = 0;
	pid_t pid;

	if (end_ns > start_ns + burials_ns)
		end_ns = start_ns + burials_ns;
	for (;;) {
		pid = waitpid(helper->pid, &status, WNOHANG);
		if (pid || ha_clock_poll_ms(end_ns) == 0)
			break;
		poll(&pfd, 1, ha_clock_poll_ms(end_ns));
	}
	burials_ns -= ha_clock_now_ns() - start_ns;
	if (burials_ns < 0)
		burials_ns = 0;
	if (!pid)
		return -1;
	keep_status(helper, status);
	helper->pid = 0;
	return 0;
}

/*
 * With what it started and left behind in its group.  One that can't die now is
 * left to init(1); a worker's key is held by itself.
 */
static void
end_process(struct helper *helper)
{
	int key;

	if (helper->pid <= 0)
		return;
	kill(-helper->pid, SIGKILL);
	kill(helper->pid, SIGKILL);
	if (bury(helper) && helper->program_key &&
	    (key = open_key(helper->program_key)) >= 0) {
		write_holder(
		    key, helper->pid, helper->since_ms, helper->deadline_ns);
		close(key);
	}
	helper->pid = 0;
}

static void
end_watch(struct helper *helper)
{
	end_stream(&helper->answer);
	end_stream(&helper->errors);
	if (helper->pidfd >= 0)
		close(helper->pidfd);
	if (helper->watch >= 0)
		close(helper->watch);
	helper->pidfd = helper->watch = -1;
}

struct helper *
helper_start(const struct helper_task *task)
{
	struct helper *helper = ha_xcalloc(1, sizeof(*helper));
	struct sigaction action;
	int key = -1;

	helper->pidfd = helper->watch = -1;
	helper->answer.fd = helper->errors.fd = -1;
	ha_buf_init(&helper->answer.buf);
	ha_buf_init(&helper->errors.buf);
	helper->deadline_ns = task->deadline_ns;
	helper->state = HELPER_BUSY;
	helper->next = all;
	all = helper;
	/* Inherited as ignored, it would have the kernel reap our children. */
	if (!sigaction(SIGCHLD, NULL, &action) && action.sa_handler == SIG_IGN)
		signal(SIGCHLD, SIG_DFL);
	if (task->key)
		key = task->argv ? find_key(task->key) : open_key(task->key);
	if (key >= 0 && find_stuck(key, helper)) {
		helper->state = HELPER_STUCK;
	} else if (start(helper, task, key)) {
		end_process(helper);
		end_watch(helper);
		helper->state = HELPER_FAILED;
	}
	if (key >= 0)
		close(key);
	return helper;
}

static void
drain(struct stream *stream)
{
	char data[READ_SIZE];
	size_t room, take;
	ssize_t n;
	int i;

	for (i = 0; stream->fd >= 0 && i < DRAIN_READS; i++) {
		n = read(stream->fd, data, sizeof(data));
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && errno == EAGAIN)
			return;
		if (n <= 0) {
			end_stream(stream);
			return;
		}
		room = ANSWER_MAX - stream->buf.len;
		take = (size_t)n < room ? (size_t)n : room;
		ha_buf_add(&stream->buf, data, take);
	}
}

static int
has_ended(const struct helper *helper)
{
	struct pollfd pfd = { .fd = helper->pidfd, .events = POLLIN };

	return poll(&pfd, 1, 0) > 0;
}

enum helper_state
helper_step(struct helper *helper)
{
	int ended;

	if (helper->state != HELPER_BUSY)
		return helper->state;
	ended = has_ended(helper);
	drain(&helper->answer);
	drain(&helper->errors);
	if (ended) {
		/* As long as it is not waited for, its group is its own. */
		kill(-helper->pid, SIGKILL);
		bury(helper);
		helper->state = HELPER_DONE;
	} else if (helper->deadline_ns <= ha_clock_now_ns()) {
		end_process(helper);
		helper->state = HELPER_LATE;
	}
	if (helper->state != HELPER_BUSY)
		end_watch(helper);
	return helper->state;
}

int
helper_fd(const struct helper *helper)
{
	return helper->watch;
}

int64_t
helper_deadline_ns(const struct helper *helper)
{
	return helper->deadline_ns;
}

const struct ha_buf *
helper_answer(const struct helper *helper)
{
	return &helper->answer.buf;
}

const struct ha_buf *
helper_errors(const struct helper *helper)
{
	return &helper->errors.buf;
}

int
helper_status(const struct helper *helper)
{
	return helper->status;
}

int
helper_signal(const struct helper *helper)
{
	return helper->signal;
}

const struct ha_err *
helper_err(const struct helper *helper)
{
	return &helper->err;
}

int64_t
helper_stuck_ms(const struct helper *helper)
{
	return helper->stuck_ms;
}

pid_t
helper_stuck_pid(const struct helper *helper)
{
	return helper->stuck_pid;
}

static void
unlink_helper(const struct helper *helper)
{
	struct helper *volatile *link = &all;

	while (*link != helper)
		link = &(*link)->next;
	*link = helper->next;
}

void
helper_free(struct helper *helper)
{
	if (!helper)
		return;
	end_process(helper);
	unlink_helper(helper);
	end_watch(helper);
	ha_buf_release(&helper->answer.buf);
	ha_buf_release(&helper->errors.buf);
	free(helper->program_key);
	free(helper);
}
