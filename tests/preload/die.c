/* SPDX-License-Identifier: ISC */
/*
 * die - for LD_PRELOAD: SIGKILL at a place that a test chooses: before the
 * HA_TEST_DIE'th of the calls below, or before the first one of that name.
 * Only in commands of this set, not in what they start.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

static void
pass(const char *name)
{
	static long count;
	const char *at = getenv("HA_TEST_DIE");

	if (at == NULL || strncmp(program_invocation_short_name, "ha-", 3) != 0)
		return;
	if (strcmp(at, name) == 0 || atol(at) == ++count)
		kill(getpid(), SIGKILL);
}

ssize_t
write(int fd, const void *data, size_t len)
{
	pass("write");
	return syscall(SYS_write, fd, data, len);
}

ssize_t
pwrite(int fd, const void *data, size_t len, off_t offset)
{
	pass("pwrite");
	return syscall(SYS_pwrite64, fd, data, len, offset);
}

int
fsync(int fd)
{
	pass("fsync");
	return (int)syscall(SYS_fsync, fd);
}

int
rename(const char *from, const char *to)
{
	pass("rename");
	return (int)syscall(SYS_renameat2, AT_FDCWD, from, AT_FDCWD, to, 0);
}

int
unlink(const char *path)
{
	pass("unlink");
	return (int)syscall(SYS_unlinkat, AT_FDCWD, path, 0);
}

int
mkdir(const char *path, mode_t mode)
{
	pass("mkdir");
	return (int)syscall(SYS_mkdirat, AT_FDCWD, path, mode);
}

int
flock(int fd, int operation)
{
	pass("flock");
	return (int)syscall(SYS_flock, fd, operation);
}

/* A wrapper can't return twice into what it has left; fork(2) can. */
pid_t
vfork(void)
{
	pass("vfork");
	return (pid_t)syscall(SYS_fork);
}
