/* SPDX-License-Identifier: ISC */
/*
 * no-child - for LD_PRELOAD: the process dies by SIGKILL where it would start
 * a child.
 */
#include <signal.h>
#include <unistd.h>

pid_t
vfork(void)
{
	kill(getpid(), SIGKILL);
	return -1;
}
