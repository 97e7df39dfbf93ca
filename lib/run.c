/* SPDX-License-Identifier: ISC */
/*
 * run - start an argv, reap it, leave no child behind.
 */
#include "run.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "alloc.h"
#include "clock.h"

#define CAPTURE_MAX (1024 * 1024)
#define READ_SIZE 65536
#define TERM_MS 1000
#define TICK_MS 10
/* As much as a pipe can hold, in reads. */
#define DRAIN_READS 16
#define NO_CHILD 255

/* What the child shares with us, as vfork(2) shares the memory. */
struct birth {
	const struct ha_run *run;
	char **env;
	pid_t parent;
	volatile int sys; /* an errno, set by a child that failed */
	volatile int executed; /* it came as far as exec */
};

static size_t
name_len(const char *assignment)
{
	return strcspn(assignment, "=") + 1;
}

static int
is_replaced(const char *assignment, const char *const *env)
{
	for (; *env; env++)
		if (!strncmp(assignment, *env, name_len(assignment)))
			return 1;
	return 0;
}

static char *
unconst(const char *s)
{
	union {
		const char *in;
		char *out;
	} u = { .in = s };

	return u.out;
}

/* Our environment and env's changes to it; only the array is new. */
static char **
merge_env(const char *const *env)
{
	size_t ours = 0, added = 0, n = 0, i;
	char **merged;

	while (environ && environ[ours])
		ours++;
	while (env[added])
		added++;
	merged = ha_xcalloc(ours + added + 1, sizeof(*merged));
	for (i = 0; i < ours; i++)
		if (!is_replaced(environ[i], env))
			merged[n++] = environ[i];
	for (i = 0; i < added; i++)
		merged[n++] = unconst(env[i]);
	return merged;
}

/* A copy above 2, where the dup2(2)s to 0, 1 and 2 can't overwrite it. */
static int
lift(int fd, int flags)
{
	int opened, lifted;

	if (fd >= 0 && (lifted = fcntl(fd, F_DUPFD, 3)) >= 0)
		return lifted;
	if (fd > 2)
		return -1;
	/* None was given, or one of our own three is closed. */
	opened = open("/dev/null", flags);
	if (opened < 0 || opened > 2)
		return opened;
	return fcntl(opened, F_DUPFD, 3);
}

static int
arrange_descriptors(const struct ha_run *run)
{
	int in = lift(run->in, O_RDONLY);
	int out = lift(run->out, O_WRONLY);
	int err = lift(run->err < 0 ? STDERR_FILENO : run->err, O_WRONLY);
	unsigned after = 3;

	if (in < 0 || out < 0 || err < 0)
		return -1;
	if (dup2(in, 0) < 0 || dup2(out, 1) < 0 || dup2(err, 2) < 0)
		return -1;
	if (run->keep > 2) {
		if (fcntl(run->keep, F_SETFD, 0))
			return -1;
		after = (unsigned)run->keep + 1;
		if (after > 4 && close_range(3, after - 2, 0))
			return -1;
	}
	return close_range(after, UINT_MAX, 0);
}

static void
default_signals(void)
{
	struct sigaction action;
	int sig;

	memset(&action, 0, sizeof(action));
	action.sa_handler = SIG_DFL;
	for (sig = 1; sig < NSIG; sig++)
		sigaction(sig, &action, NULL);
}

/* Runs on the parent's stack and memory: changes nothing but birth. */
static _Noreturn void
be_child(struct birth *birth)
{
	const struct ha_run *run = birth->run;
	union {
		const char *const *in;
		char *const *out;
	} argv = { .in = run->argv };
	sigset_t none;

	prctl(PR_SET_PDEATHSIG, SIGTERM);
	if (getppid() != birth->parent)
		_exit(127);
	default_signals();
	if (run->own_group)
		setpgid(0, 0);
	if ((run->cwd < 0 || !fchdir(run->cwd)) && !arrange_descriptors(run)) {
		sigemptyset(&none);
		sigprocmask(SIG_SETMASK, &none, NULL);
		birth->executed = 1;
		execvpe(argv.out[0], argv.out, birth->env);
	}
	birth->sys = errno;
	_exit(127);
}

/*
 * vfork(2): a process with much memory starts a child as fast as a small one,
 * and the child's errno needs no pipe.  No handler of ours may run in it.
 */
static pid_t
spawn(struct birth *birth)
{
	struct sigaction action;
	sigset_t all, old;
	pid_t pid;
	int sys;

	/* Inherited as ignored, it would have the kernel reap our children. */
	if (!sigaction(SIGCHLD, NULL, &action) && action.sa_handler == SIG_IGN)
		signal(SIGCHLD, SIG_DFL);
	sigfillset(&all);
	sigprocmask(SIG_BLOCK, &all, &old);
	/*
	 * A fork(2) would copy the page tables of a large parent at every
	 * batch, and posix_spawn(3) has no parent-death signal.  The child
	 * touches nothing but its own stack and *birth until it is exec'ed.
	 */
	pid = vfork(); /* NOLINT(clang-analyzer-security.insecureAPI.vfork) */
	if (pid == 0)
		be_child(birth); /* NOLINT(clang-analyzer-unix.Vfork) */
	sys = errno;
	sigprocmask(SIG_SETMASK, &old, NULL);
	errno = sys;
	return pid;
}

static pid_t
wait_for(pid_t pid, int *status)
{
	pid_t reaped;

	do
		reaped = waitpid(pid, status, 0);
	while (reaped < 0 && errno == EINTR);
	return reaped;
}

static int
open_pidfd(pid_t pid)
{
	return (int)syscall(SYS_pidfd_open, pid, 0);
}

int
ha_run_start(
    const struct ha_run *run, pid_t *pid, int *pidfd, struct ha_err *err)
{
	struct birth birth = { .run = run, .env = environ };
	const char *name = run->argv[0];
	int status, sys;

	birth.parent = getpid();
	if (run->env)
		birth.env = merge_env(run->env);
	*pid = spawn(&birth);
	sys = errno;
	if (run->env)
		free(birth.env);
	if (*pid < 0)
		return ha_err_set(err, EX_OSERR, sys, "can't start %s", name);
	if (birth.sys) {
		wait_for(*pid, &status);
		return ha_err_set(err,
		    birth.executed ? EX_UNAVAILABLE : EX_OSERR, birth.sys,
		    "can't start %s", name);
	}
	if (!pidfd)
		return 0;
	*pidfd = open_pidfd(*pid);
	if (*pidfd >= 0)
		return 0;
	sys = errno;
	kill(*pid, SIGKILL);
	wait_for(*pid, &status);
	return ha_err_set(err, EX_OSERR, sys, "can't watch %s", name);
}

static int
has_ended(pid_t pid)
{
	siginfo_t info;

	info.si_pid = 0;
	return waitid(P_PID, (id_t)pid, &info, WEXITED | WNOHANG | WNOWAIT) ||
	       info.si_pid;
}

/* Has it ended by then?  Without a pidfd (-1) one looks again and again. */
static int
ends_until(pid_t pid, int pidfd, int64_t deadline_ns)
{
	struct pollfd pfd = { .fd = pidfd, .events = POLLIN };
	int ms;

	while (!has_ended(pid)) {
		ms = ha_clock_poll_ms(deadline_ns);
		if (ms == 0)
			return 0;
		poll(&pfd, 1, pidfd < 0 && ms > TICK_MS ? TICK_MS : ms);
	}
	return 1;
}

/*
 * target: whom kill(2) is to end, the child or its group.  While the child has
 * not been waited for, the group's number is nobody else's.
 */
static int
reap(pid_t pid, pid_t target, int64_t deadline_ns)
{
	int status, pidfd;

	if (deadline_ns != HA_CLOCK_NEVER) {
		pidfd = open_pidfd(pid);
		if (!ends_until(pid, pidfd, deadline_ns)) {
			kill(target, SIGTERM);
			if (!ends_until(
				pid, pidfd, ha_clock_deadline(TERM_MS)) ||
			    target != pid)
				kill(target, SIGKILL);
		}
		if (pidfd >= 0)
			close(pidfd);
	}
	if (wait_for(pid, &status) < 0)
		return NO_CHILD;
	if (WIFSIGNALED(status))
		return 128 + WTERMSIG(status);
	return WEXITSTATUS(status);
}

int
ha_run_reap(pid_t pid, int64_t deadline_ns)
{
	return reap(pid, pid, deadline_ns);
}

/* A stream of the child that is being captured. */
struct stream {
	int fd; /* -1 at its end */
	struct ha_buf *buf;
	size_t room;
};

static void
end_stream(struct stream *stream)
{
	if (stream->fd >= 0)
		close(stream->fd);
	stream->fd = -1;
}

/*
 * Read what is there; what is too much is read and dropped.  Not for ever: a
 * writer may be as fast as we are, and the deadline stands.
 */
static void
drain(struct stream *stream)
{
	char data[READ_SIZE];
	size_t take;
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
		take = (size_t)n < stream->room ? (size_t)n : stream->room;
		ha_buf_add(stream->buf, data, take);
		stream->room -= take;
	}
}

/*
 * Until the child has ended, not until its streams have: a grandchild may hold
 * these open for ever.
 */
static void
watch(struct stream streams[2], int pidfd, int64_t deadline_ns)
{
	struct pollfd pfds[3];
	int i, ms;

	do {
		for (i = 0; i < 2; i++)
			pfds[i] = (struct pollfd){ .fd = streams[i].fd,
				.events = POLLIN };
		pfds[2] = (struct pollfd){ .fd = pidfd, .events = POLLIN };
		ms = ha_clock_poll_ms(deadline_ns);
		if (poll(pfds, 3, ms) < 0)
			continue;
		drain(&streams[0]);
		drain(&streams[1]);
	} while (!pfds[2].revents && ms);
}

/* A pipe whose reading end doesn't block. */
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
capture(struct ha_run *run, struct stream streams[2], int64_t deadline_ns,
    int *status, struct ha_err *err)
{
	pid_t pid = -1;
	int pidfd = -1;
	int failed;

	if (open_stream(&streams[0], &run->out) ||
	    (streams[1].buf && open_stream(&streams[1], &run->err)))
		failed = ha_err_set(err, EX_OSERR, errno, "can't make a pipe");
	else
		failed = ha_run_start(run, &pid, &pidfd, err);
	if (run->out >= 0)
		close(run->out);
	if (run->err >= 0)
		close(run->err);
	if (failed)
		return -1;
	watch(streams, pidfd, deadline_ns);
	close(pidfd);
	*status = reap(pid, run->own_group ? -pid : pid, deadline_ns);
	return 0;
}

int
ha_run_capture(const struct ha_run *run, int64_t deadline_ns,
    struct ha_buf *out, struct ha_buf *errors, int *status, struct ha_err *err)
{
	struct stream streams[2] = {
		{ .fd = -1, .buf = out, .room = CAPTURE_MAX },
		{ .fd = -1, .buf = errors, .room = CAPTURE_MAX },
	};
	struct ha_run ours = *run;
	int result;

	ours.out = -1;
	ours.err = -1;
	result = capture(&ours, streams, deadline_ns, status, err);
	end_stream(&streams[0]);
	end_stream(&streams[1]);
	return result;
}
