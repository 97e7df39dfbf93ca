/* SPDX-License-Identifier: ISC */
/*
 * nokill - for LD_PRELOAD: SIGKILL is refused, as for another user's process,
 * or as good as one that waits for a dead disk.
 */
#include <errno.h>
#include <signal.h>
#include <sys/syscall.h>
#include <unistd.h>

int
kill(pid_t pid, int sig)
{
	if (sig == SIGKILL) {
		errno = EPERM;
		return -1;
	}
	return (int)syscall(SYS_kill, pid, sig);
}
