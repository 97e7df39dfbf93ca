/* SPDX-License-Identifier: ISC */
/*
 * fs - files: whole writes, durable replacement, opening beneath a root.
 */
#include "fs.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "alloc.h"

#define READ_SIZE 65536

int
ha_fs_write_all(int fd, const void *data, size_t len, struct ha_err *err)
{
	const char *p = data;
	ssize_t n;

	while (len) {
		n = write(fd, p, len);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return ha_err_set(err, EX_IOERR, errno, "can't write");
		p += n;
		len -= (size_t)n;
	}
	return 0;
}

/* Some file systems can't sync a directory and say EINVAL. */
int
ha_fs_sync_directory(const char *dir, struct ha_err *err)
{
	int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int sys = 0;

	if (fd < 0 || (fsync(fd) && errno != EINVAL))
		sys = errno;
	if (fd >= 0)
		close(fd);
	if (sys)
		return ha_err_set(err, EX_IOERR, sys, "can't sync '%s'", dir);
	return 0;
}

/* What stands in the place of a file's content, and how. */
struct content {
	const void *data;
	size_t len;
	mode_t mode;
	int is_durable;
};

static int
fill_temporary(int fd, const struct content *content, struct ha_err *err)
{
	if (ha_fs_write_all(fd, content->data, content->len, err))
		return -1;
	if (fchmod(fd, content->mode) || (content->is_durable && fsync(fd)))
		return ha_err_set(err, EX_IOERR, errno, "can't write");
	return 0;
}

static int
write_and_rename(const char *temporary, int fd, const char *path,
    const struct content *content, struct ha_err *err)
{
	int failed = fill_temporary(fd, content, err);

	if (close(fd) && !failed)
		failed = ha_err_set(err, EX_IOERR, errno, "can't close");
	if (!failed && rename(temporary, path))
		failed = ha_err_set(err, EX_CANTCREAT, errno, "can't rename");
	if (!failed)
		return 0;
	unlink(temporary);
	return ha_err_set(
	    err, err->status, 0, "can't replace '%s': %s", path, err->msg);
}

static int
replace(const char *path, const struct content *content, struct ha_err *err)
{
	const char *slash = strrchr(path, '/');
	int dir_len = slash ? (int)(slash - path) + 1 : 2;
	char *dir = ha_xasprintf("%.*s", dir_len, slash ? path : "./");
	char *temporary = ha_xasprintf("%s.ha-XXXXXX", dir);
	int fd = mkostemp(temporary, O_CLOEXEC);
	int result;

	if (fd < 0)
		result = ha_err_set(err, EX_CANTCREAT, errno,
		    "can't make a temporary file beside '%s'", path);
	else
		result = write_and_rename(temporary, fd, path, content, err);
	if (!result && content->is_durable)
		result = ha_fs_sync_directory(dir, err);
	free(temporary);
	free(dir);
	return result;
}

int
ha_fs_replace(const char *path, const void *data, size_t len, mode_t mode,
    struct ha_err *err)
{
	const struct content content = { data, len, mode, 1 };

	return replace(path, &content, err);
}

int
ha_fs_replace_volatile(const char *path, const void *data, size_t len,
    mode_t mode, struct ha_err *err)
{
	const struct content content = { data, len, mode, 0 };

	return replace(path, &content, err);
}

static int
read_to_end(int fd, const char *path, size_t max, struct ha_buf *buf,
    struct ha_err *err)
{
	size_t start = buf->len;
	ssize_t n;

	for (;;) {
		ha_buf_reserve(buf, READ_SIZE);
		n = read(fd, buf->data + buf->len, READ_SIZE);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return ha_err_set(
			    err, EX_IOERR, errno, "can't read '%s'", path);
		if (n == 0)
			return 0;
		if ((size_t)n > max - (buf->len - start)) {
			ha_buf_truncate(buf, start);
			return ha_err_set(err, EX_DATAERR, 0,
			    "'%s' is larger than %zu bytes", path, max);
		}
		ha_buf_truncate(buf, buf->len + (size_t)n);
	}
}

int
ha_fs_read_file(
    const char *path, size_t max, struct ha_buf *buf, struct ha_err *err)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	int result;

	if (fd < 0)
		return ha_err_set(
		    err, EX_NOINPUT, errno, "can't open '%s'", path);
	result = read_to_end(fd, path, max, buf, err);
	close(fd);
	return result;
}

static int
is_link(int dir_fd, const char *name)
{
	struct stat st;

	return !fstatat(dir_fd, name, &st, AT_SYMLINK_NOFOLLOW) &&
	       S_ISLNK(st.st_mode);
}

/*
 * What openat2(2) does in one call, for where a filter forbids that one
 * (seccomp(2); systemd's RestrictSUIDSGID=).
 */
static int
open_by_steps(int dir_fd, const char *path, int flags)
{
	char name[NAME_MAX + 1];
	int at = dir_fd, next, is_last, sys;

	if (*path == '/') {
		errno = EXDEV;
		return -1;
	}
	for (;; at = next) {
		size_t len = strcspn(path, "/");

		errno = len > NAME_MAX ? ENAMETOOLONG : EXDEV;
		next = -1;
		is_last = !path[len + strspn(path + len, "/")];
		if (len <= NAME_MAX &&
		    (len != 2 || strncmp(path, "..", 2) != 0)) {
			memcpy(name, path, len);
			name[len] = '\0';
			next = openat(at, name,
			    O_NOFOLLOW | O_CLOEXEC |
				(is_last ? flags : O_PATH | O_DIRECTORY),
			    0600);
		}
		sys = next < 0 && errno == ENOTDIR && is_link(at, name) ? ELOOP
									: errno;
		if (at != dir_fd)
			close(at);
		errno = sys;
		if (next < 0 || is_last)
			return next;
		path += len + strspn(path + len, "/");
	}
}

static int
open_piece(int dir_fd, const char *path, int flags)
{
	static int is_forbidden;
	struct open_how how = {
		.flags = (unsigned)(flags | O_CLOEXEC),
		.mode = flags & O_CREAT ? 0600 : 0,
		.resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS,
	};
	int fd = -1;

	if (!is_forbidden) {
		fd = (int)syscall(SYS_openat2, dir_fd, path, &how, sizeof(how));
		is_forbidden = fd < 0 && errno == ENOSYS;
	}
	return is_forbidden ? open_by_steps(dir_fd, path, flags) : fd;
}

/* The length of the whole components that the kernel takes at once. */
static size_t
piece_len(const char *path)
{
	size_t len = PATH_MAX - 1;

	while (len && path[len] != '/')
		len--;
	return len;
}

int
ha_fs_open_beneath(int root_fd, const char *path, int flags)
{
	char piece[PATH_MAX];
	int at = root_fd;
	int next, sys;
	size_t len;

	while (strlen(path) >= PATH_MAX) {
		len = piece_len(path);
		memcpy(piece, path, len);
		piece[len] = '\0';
		next = open_piece(at, piece, O_PATH | O_DIRECTORY);
		sys = len ? errno : ENAMETOOLONG;
		if (at != root_fd)
			close(at);
		if (next < 0) {
			errno = sys;
			return -1;
		}
		at = next;
		path += len;
		path += strspn(path, "/");
	}
	next = open_piece(at, path, flags);
	if (at != root_fd) {
		sys = errno;
		close(at);
		errno = sys;
	}
	return next;
}

int
ha_fs_lstat_beneath(int root_fd, const char *path, struct stat *st)
{
	int fd, result, sys;

	/* One name can't lead through a link: the short way. */
	if (*path && !strchr(path, '/') && strcmp(path, ".."))
		return fstatat(root_fd, path, st, AT_SYMLINK_NOFOLLOW);
	fd = ha_fs_open_beneath(root_fd, path, O_PATH | O_NOFOLLOW);
	if (fd < 0)
		return -1;
	result = fstat(fd, st);
	sys = errno;
	close(fd);
	errno = sys;
	return result;
}

int
ha_fs_path_is_inside(const char *path)
{
	size_t len;

	if (!strcmp(path, "."))
		return 1;
	for (;; path += len + 1) {
		len = strcspn(path, "/");
		if (len == 0 || (len == 1 && path[0] == '.') ||
		    (len == 2 && path[0] == '.' && path[1] == '.'))
			return 0;
		if (!path[len])
			return 1;
	}
}

int
ha_fs_dir(const char *variable, const char *fallback, const char **dir,
    struct ha_err *err)
{
	const char *path = getenv(variable);
	struct stat st;

	if (!path || !*path)
		path = fallback;
	if (mkdir(path, 0755) && errno != EEXIST)
		return ha_err_set(err, EX_CANTCREAT, errno,
		    "can't make the directory '%s' (%s)", path, variable);
	if (stat(path, &st))
		return ha_err_set(err, EX_CANTCREAT, errno,
		    "can't use the directory '%s' (%s)", path, variable);
	if (!S_ISDIR(st.st_mode))
		return ha_err_set(err, EX_CANTCREAT, ENOTDIR,
		    "can't use the directory '%s' (%s)", path, variable);
	*dir = path;
	return 0;
}
