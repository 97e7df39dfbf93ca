/* SPDX-License-Identifier: ISC */
/*
 * last - for LD_PRELOAD: SIGKILL after the HA_TEST_LAST-th system call that
 * changes something on disk, counted over this process and all that it forks;
 * what it executes is not counted.
 */
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

static struct {
	_Atomic long left; /* until the last one */
} * shared;

__attribute__((constructor)) static void
begin(void)
{
	const char *text = getenv("HA_TEST_LAST");

	if (text == NULL)
		return;
	shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE,
	    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (shared == MAP_FAILED)
		abort();
	shared->left = atol(text);
	unsetenv("HA_TEST_LAST");
}

static long
done(long result)
{
	if (shared != NULL && --shared->left == 0)
		kill(getpid(), SIGKILL);
	return result;
}

static int
open_it(int dir_fd, const char *path, int flags, va_list ap)
{
	mode_t mode = flags & O_CREAT ? va_arg(ap, mode_t) : 0;
	int fd = (int)syscall(SYS_openat, dir_fd, path, flags, mode);

	return flags & O_CREAT ? (int)done(fd) : fd;
}

int
open(const char *path, int flags, ...)
{
	va_list ap;
	int fd;

	va_start(ap, flags);
	fd = open_it(AT_FDCWD, path, flags, ap);
	va_end(ap);
	return fd;
}

int
openat(int dir_fd, const char *path, int flags, ...)
{
	va_list ap;
	int fd;

	va_start(ap, flags);
	fd = open_it(dir_fd, path, flags, ap);
	va_end(ap);
	return fd;
}

ssize_t
write(int fd, const void *data, size_t len)
{
	return done(syscall(SYS_write, fd, data, len));
}

ssize_t
pwrite(int fd, const void *data, size_t len, off_t offset)
{
	return done(syscall(SYS_pwrite64, fd, data, len, offset));
}

int
ftruncate(int fd, off_t len)
{
	return (int)done(syscall(SYS_ftruncate, fd, len));
}

int
fsync(int fd)
{
	return (int)done(syscall(SYS_fsync, fd));
}

int
mkdir(const char *path, mode_t mode)
{
	return (int)done(syscall(SYS_mkdirat, AT_FDCWD, path, mode));
}

int
mkdirat(int dir_fd, const char *path, mode_t mode)
{
	return (int)done(syscall(SYS_mkdirat, dir_fd, path, mode));
}

int
linkat(int old_fd, const char *old, int new_fd, const char *new, int flags)
{
	return (int)done(syscall(SYS_linkat, old_fd, old, new_fd, new, flags));
}

int
unlink(const char *path)
{
	return (int)done(syscall(SYS_unlinkat, AT_FDCWD, path, 0));
}

int
unlinkat(int dir_fd, const char *path, int flags)
{
	return (int)done(syscall(SYS_unlinkat, dir_fd, path, flags));
}

int
rename(const char *old, const char *new)
{
	return (int)done(
	    syscall(SYS_renameat2, AT_FDCWD, old, AT_FDCWD, new, 0));
}

int
renameat(int old_fd, const char *old, int new_fd, const char *new)
{
	return (int)done(syscall(SYS_renameat2, old_fd, old, new_fd, new, 0));
}

int
renameat2(
    int old_fd, const char *old, int new_fd, const char *new, unsigned flags)
{
	return (int)done(
	    syscall(SYS_renameat2, old_fd, old, new_fd, new, flags));
}
