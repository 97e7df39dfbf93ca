/* SPDX-License-Identifier: ISC */
/*
 * sig - signals as bytes on a descriptor (signalfd(2)).
 */
#include "sig.h"

#include <errno.h>
#include <signal.h>
#include <sys/signalfd.h>
#include <unistd.h>

static const int wanted[] = { SIGTERM, SIGINT, SIGHUP, SIGUSR1 };

int
ha_sig_open(int *fd, struct ha_err *err)
{
	struct sigaction old;
	sigset_t set;
	size_t i;

	sigemptyset(&set);
	for (i = 0; i < sizeof(wanted) / sizeof(wanted[0]); i++)
		if (!sigaction(wanted[i], NULL, &old) &&
		    old.sa_handler != SIG_IGN)
			sigaddset(&set, wanted[i]);
	/* Ignored, it would have the kernel reap children unasked. */
	signal(SIGCHLD, SIG_DFL);
	sigaddset(&set, SIGCHLD);
	signal(SIGPIPE, SIG_IGN);
	if (sigprocmask(SIG_BLOCK, &set, NULL))
		return ha_err_set(err, EX_OSERR, errno, "can't block signals");
	*fd = signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
	if (*fd < 0)
		return ha_err_set(
		    err, EX_OSERR, errno, "can't read signals (signalfd)");
	return 0;
}

int
ha_sig_next_from(int fd, pid_t *sender)
{
	struct signalfd_siginfo info;
	ssize_t n;

	do
		n = read(fd, &info, sizeof(info));
	while (n < 0 && errno == EINTR);
	if (n != (ssize_t)sizeof(info))
		return 0;
	*sender = (pid_t)info.ssi_pid;
	return (int)info.ssi_signo;
}

int
ha_sig_next(int fd)
{
	pid_t sender;

	return ha_sig_next_from(fd, &sender);
}
