/* SPDX-License-Identifier: ISC */
/*
 * statement - for LD_PRELOAD: SIGKILL at the HA_TEST_STATEMENT'th place, of
 * those since the first file was renamed to *.journal (all of them when the
 * number has a '+' before it): before and behind each send to a socket, fsync,
 * rename and unlink.  What it executes is not counted.
 */
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

static int has_begun;

static void
place(void)
{
	static long count;
	const char *at = getenv("HA_TEST_STATEMENT");

	if (at == NULL || (!has_begun && *at != '+'))
		return;
	if (atol(at) == ++count)
		kill(getpid(), SIGKILL);
}

static long
behind(long result)
{
	place();
	return result;
}

static int
is_socket(int fd)
{
	struct stat st;

	return fstat(fd, &st) == 0 && S_ISSOCK(st.st_mode);
}

ssize_t
write(int fd, const void *data, size_t len)
{
	if (!is_socket(fd))
		return syscall(SYS_write, fd, data, len);
	place();
	return behind(syscall(SYS_write, fd, data, len));
}

ssize_t
send(int fd, const void *data, size_t len, int flags)
{
	place();
	return behind(syscall(SYS_sendto, fd, data, len, flags, NULL, 0));
}

int
fsync(int fd)
{
	place();
	return (int)behind(syscall(SYS_fsync, fd));
}

int
rename(const char *from, const char *to)
{
	size_t len = strlen(to);

	if (len > 8 && !strcmp(to + len - 8, ".journal"))
		has_begun = 1;
	place();
	return (int)behind(
	    syscall(SYS_renameat2, AT_FDCWD, from, AT_FDCWD, to, 0));
}

int
unlink(const char *path)
{
	place();
	return (int)behind(syscall(SYS_unlinkat, AT_FDCWD, path, 0));
}
