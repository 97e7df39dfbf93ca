/* SPDX-License-Identifier: ISC */
/*
 * front - the process that was called: between its callers and the keeper.
 */
#include <errno.h>
#include <link.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "clock.h"
#include "keep.h"
#include "msg.h"
#include "report.h"
#include "sig.h"
#include "tree.h"

struct front {
	const struct keep_conf *conf;
	pid_t keeper;
	int signal_fd, relay_fd;
};

int
keep_open_signals(int *fd, struct ha_err *err)
{
	struct sigaction old;
	sigset_t set;

	if (ha_sig_open(fd, err))
		return -1;
	if (sigaction(SIGUSR2, NULL, &old) || old.sa_handler == SIG_IGN)
		return 0;
	sigemptyset(&set);
	sigaddset(&set, SIGUSR2);
	sigprocmask(SIG_BLOCK, &set, NULL);
	sigprocmask(SIG_BLOCK, NULL, &set);
	if (signalfd(*fd, &set, 0) == *fd)
		return 0;
	return ha_err_set(
	    err, EX_OSERR, errno, "can't read signals (signalfd)");
}

/* Of what is only read nothing is lost; relocations are where it is written. */
static int
slim_object(struct dl_phdr_info *object, size_t size, void *context)
{
	uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE);

	(void)size;
	(void)context;
	for (int i = 0; i < object->dlpi_phnum; i++) {
		const ElfW(Phdr) *segment = &object->dlpi_phdr[i];
		uintptr_t start = object->dlpi_addr + segment->p_vaddr;
		uintptr_t before = start % page;
		void *at = (void *)(start - before); /* NOLINT(performance-*) */

		if (segment->p_type == PT_LOAD && !(segment->p_flags & PF_W))
			madvise(at, before + segment->p_memsz, MADV_DONTNEED);
	}
	return 0;
}

void
keep_slim(void)
{
	dl_iterate_phdr(slim_object, NULL);
}

/* The keeper's status of wait(2) once it has ended: 1. */
static int
reap(const struct front *front, int *status)
{
	int wait_status, has_ended = 0;
	pid_t pid;

	while ((pid = waitpid(-1, &wait_status, WNOHANG)) > 0)
		if (pid == front->keeper) {
			*status = wait_status;
			has_ended = 1;
		}
	return has_ended;
}

static void
pass_signals(const struct front *front)
{
	int sig;

	while ((sig = ha_sig_next(front->signal_fd)))
		if (sig != SIGCHLD)
			kill(front->keeper, sig);
}

static int
wait_for_keeper(const struct front *front)
{
	struct pollfd pfds[2] = {
		{ .fd = front->signal_fd, .events = POLLIN },
		{ .fd = front->relay_fd, .events = POLLIN },
	};
	int status = 0;

	keep_slim();
	while (!reap(front, &status)) {
		poll(pfds, 2, -1);
		pass_signals(front);
		if (pfds[1].revents)
			notify_relay(front->relay_fd);
	}
	if (front->relay_fd >= 0)
		notify_relay(front->relay_fd);
	return status;
}

/* Somebody killed the keeper: what it had below is ours now. */
static void
end_all(const struct front *front)
{
	struct pollfd pfd = { .fd = front->signal_fd, .events = POLLIN };
	struct ending ending;
	int status;
	pid_t left;
	char state;

	ending_begin(
	    &ending, 0, front->conf->stop_signal, front->conf->grace_ms);
	for (reap(front, &status); (left = tree_first(&state));
	     reap(front, &status)) {
		ending_step(&ending);
		if (ending_is_stuck(&ending)) {
			report_say(front->conf,
			    "process %ld (state %c) can't be ended", (long)left,
			    state);
			return;
		}
		poll(&pfd, 1, ha_clock_poll_ms(ending_due_ns(&ending)));
		while (ha_sig_next(front->signal_fd))
			continue;
	}
}

static _Noreturn void
be_keeper(const struct front *front, struct notify notify, pid_t parent)
{
	prctl(PR_SET_PDEATHSIG, SIGTERM);
	if (getppid() != parent)
		_exit(KEEP_FAILED);
	close(front->signal_fd);
	if (front->relay_fd >= 0)
		close(front->relay_fd);
	/* Keys of a terminal reach the front, and it passes them on, once. */
	setsid();
	exit(keeper_run(front->conf, notify, (long)parent));
}

int
front_run(const struct keep_conf *conf)
{
	struct front front = { .conf = conf };
	pid_t parent = getpid();
	struct notify notify;
	struct ha_err err;
	int status;

	if (notify_open(&notify, &front.relay_fd, &err) ||
	    keep_open_signals(&front.signal_fd, &err))
		ha_die(KEEP_FAILED, "%s", err.msg);
	prctl(PR_SET_CHILD_SUBREAPER, 1);
	tree_spare(getsid(0));
	front.keeper = fork();
	if (front.keeper < 0)
		ha_die(KEEP_FAILED, "can't start the keeper: %s",
		    strerrordesc_np(errno));
	if (front.keeper == 0) {
		tree_spare(TREE_NO_SESSION);
		be_keeper(&front, notify, parent);
	}
	if (notify.fd >= 0)
		close(notify.fd);
	status = wait_for_keeper(&front);
	if (WIFEXITED(status))
		return WEXITSTATUS(status);
	report_say(conf,
	    "the keeper below was killed by signal %d: what it kept is being "
	    "ended",
	    WTERMSIG(status));
	end_all(&front);
	return KEEP_FAILED;
}
