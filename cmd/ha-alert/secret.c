/* SPDX-License-Identifier: ISC */
/* secret - files that nobody else may read. */
#include "secret.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "alloc.h"

#define SECRET_MAX (64 * 1024)

static const char *
credentials(void)
{
	const char *directory = getenv("CREDENTIALS_DIRECTORY");

	return directory != NULL && *directory == '/' ? directory : NULL;
}

/* There systemd gives them by an ACL, whose mask shows as the group's bits. */
static int
is_credential(const char *path)
{
	const char *directory = credentials();
	size_t len = directory != NULL ? strlen(directory) : 0;

	return len > 0 && strncmp(path, directory, len) == 0 &&
	       path[len] == '/';
}

int
secret_check_mode(const char *path, const struct stat *st, struct ha_err *err)
{
	mode_t closed = is_credential(path) ? 037 : 077;

	if (st->st_uid != 0 && st->st_uid != geteuid())
		return ha_err_set(err, EX_NOPERM, 0,
		    "%s belongs to somebody else (user %u)", path,
		    (unsigned)st->st_uid);
	if ((st->st_mode & closed) != 0)
		return ha_err_set(err, EX_NOPERM, 0,
		    "%s is open to others (mode %04o): chmod 600 it", path,
		    (unsigned)(st->st_mode & 07777));
	return 0;
}

static int
read_all(int fd, char *bytes, size_t *len)
{
	ssize_t n = 1;

	for (*len = 0; n != 0 && *len <= SECRET_MAX;) {
		n = read(fd, bytes + *len, SECRET_MAX + 1 - *len);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -1;
		*len += (size_t)n;
	}
	return 0;
}

static int
read_secret(int fd, const char *path, char *bytes, struct ha_err *err)
{
	struct stat st;
	size_t len;

	if (fstat(fd, &st) != 0)
		return ha_err_set(
		    err, EX_NOINPUT, errno, "can't read %s", path);
	if (!S_ISREG(st.st_mode))
		return ha_err_set(err, EX_CONFIG, 0, "%s is no file", path);
	if (secret_check_mode(path, &st, err) != 0)
		return -1;
	if (read_all(fd, bytes, &len) != 0)
		return ha_err_set(
		    err, EX_NOINPUT, errno, "can't read %s", path);
	if (len > SECRET_MAX || memchr(bytes, '\0', len) != NULL)
		return ha_err_set(err, EX_CONFIG, 0,
		    len > SECRET_MAX ? "%s is larger than 64 KiB"
				     : "%s holds a NUL byte",
		    path);
	if (len > 0 && bytes[len - 1] == '\n')
		len--;
	if (len > 0 && bytes[len - 1] == '\r')
		len--;
	bytes[len] = '\0';
	if (len == 0)
		return ha_err_set(err, EX_CONFIG, 0, "%s is empty", path);
	return 0;
}

int
secret_read(const char *path, char **secret, struct ha_err *err)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	char *bytes;
	int failed;

	if (fd < 0)
		return ha_err_set(
		    err, EX_NOINPUT, errno, "can't read %s", path);
	bytes = ha_xcalloc(1, SECRET_MAX + 2);
	failed = read_secret(fd, path, bytes, err);
	close(fd);
	if (failed == 0)
		*secret = ha_xstrdup(bytes);
	explicit_bzero(bytes, SECRET_MAX + 2);
	free(bytes);
	return failed;
}

char *
secret_path(const char *directory, const char *name)
{
	const char *given = credentials();
	char *path;

	if (*name == '/')
		return ha_xstrdup(name);
	if (strncmp(name, "./", 2) == 0)
		name += 2;
	if (given != NULL) {
		path = ha_xasprintf("%s/%s", given, name);
		if (access(path, F_OK) == 0)
			return path;
		free(path);
	}
	return ha_xasprintf("%s/%s", directory, name);
}
