/* SPDX-License-Identifier: ISC */
/*
 * endpoint - finds, makes and replaces the socket beside a status file.
 */
#include "endpoint.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "alloc.h"

#define BACKLOG 16
#define LOCK_TRIES 100
#define LOCK_PAUSE_NS 20000000

static char *
socket_path(const char *status_file)
{
	return ha_xasprintf("%s.sock", status_file);
}

static int
new_socket(void)
{
	return socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
}

/* Connect to what path names.  Returns the descriptor, or -1 with errno. */
static int
connect_to(const char *path)
{
	struct sockaddr_un name = { .sun_family = AF_UNIX };
	int at = open(path, O_PATH | O_NOFOLLOW | O_CLOEXEC);
	int fd = at < 0 ? -1 : new_socket();
	int sys;

	if (fd >= 0) {
		snprintf(name.sun_path, sizeof(name.sun_path),
		    "/proc/self/fd/%d", at);
		if (connect(fd, (const struct sockaddr *)&name, sizeof(name)) !=
		    0) {
			sys = errno;
			close(fd);
			fd = -1;
			errno = sys;
		}
	}
	sys = errno;
	if (at >= 0)
		close(at);
	errno = sys;
	return fd;
}

int
endpoint_is_ours(int fd)
{
	struct ucred who;
	socklen_t size = sizeof(who);

	return getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &who, &size) == 0 &&
	       (who.uid == 0 || who.uid == geteuid());
}

int
endpoint_connect(const char *status_file, int *fd, struct ha_err *err)
{
	char *path = socket_path(status_file);
	int sys;

	*fd = connect_to(path);
	sys = errno;
	free(path);
	if (*fd >= 0 && (geteuid() == 0 || endpoint_is_ours(*fd)))
		return 0;
	if (*fd >= 0) {
		close(*fd);
		*fd = -1;
		sys = EACCES;
	}
	if (sys == EACCES || sys == EPERM)
		return ha_err_set(err, EX_NOPERM, 0,
		    "the ha-push that keeps %s is another user's", status_file);
	if (sys == EAGAIN)
		return ha_err_set(err, EX_TEMPFAIL, 0,
		    "the ha-push that keeps %s does not answer", status_file);
	return ha_err_set(err, EX_TEMPFAIL, 0,
	    "no running ha-push keeps %s (--status)", status_file);
}

/* The directory, locked: who replaces a socket there is alone. */
static int
open_dir(const char *path, struct ha_err *err)
{
	const struct timespec pause = { .tv_nsec = LOCK_PAUSE_NS };
	const char *slash = strrchr(path, '/');
	char *dir = slash == NULL
			? ha_xstrdup(".")
			: ha_xmemdup(path, (size_t)(slash - path) + 1);
	int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd < 0)
		ha_err_set(err, EX_CANTCREAT, errno, "can't open %s", dir);
	for (int i = 0; fd >= 0 && flock(fd, LOCK_EX | LOCK_NB) != 0; i++) {
		if (i == LOCK_TRIES) {
			ha_err_set(
			    err, EX_CANTCREAT, errno, "can't lock %s", dir);
			close(fd);
			fd = -1;
			break;
		}
		nanosleep(&pause, NULL);
	}
	free(dir);
	return fd;
}

/* Is there nothing, or what a dead process left? */
static int
check_free(const char *path, const char *status_file, struct ha_err *err)
{
	struct stat st;
	int fd, is_foreign;

	if (lstat(path, &st) != 0 && errno == ENOENT)
		return 0;
	if (!S_ISSOCK(st.st_mode))
		return ha_err_set(err, EX_CANTCREAT, 0,
		    "%s stands there and is no socket", path);
	fd = connect_to(path);
	if (fd < 0 && (errno == ECONNREFUSED || errno == ENOENT))
		return 0;
	is_foreign = fd < 0 ? errno != EAGAIN : !endpoint_is_ours(fd);
	if (fd >= 0)
		close(fd);
	if (is_foreign)
		return ha_err_set(
		    err, EX_CANTCREAT, 0, "%s is another user's", path);
	return ha_err_set(err, EX_TEMPFAIL, 0,
	    "another ha-push keeps %s; give each a file of its own",
	    status_file);
}

/*
 * Bound under a short name, then renamed: sun_path has room for 108 bytes, and
 * nobody finds it half made.
 */
static int
bind_in(int dir_fd, const char *name, int fd, struct ha_err *err)
{
	struct sockaddr_un at = { .sun_family = AF_UNIX };
	char temporary[64];
	mode_t mask = umask(0177);
	int rc;

	snprintf(
	    temporary, sizeof(temporary), ".ha-push-%ld.sock", (long)getpid());
	snprintf(at.sun_path, sizeof(at.sun_path), "/proc/self/fd/%d/%.60s",
	    dir_fd, temporary);
	unlinkat(dir_fd, temporary, 0);
	rc = bind(fd, (const struct sockaddr *)&at, sizeof(at));
	umask(mask);
	if (rc == 0 && listen(fd, BACKLOG) == 0 &&
	    renameat(dir_fd, temporary, dir_fd, name) == 0)
		return 0;
	ha_err_set(err, EX_CANTCREAT, errno, "can't make %s", name);
	unlinkat(dir_fd, temporary, 0);
	return -1;
}

int
endpoint_listen(const char *status_file, int *fd, struct ha_err *err)
{
	char *path = socket_path(status_file);
	const char *slash = strrchr(path, '/');
	int dir_fd = open_dir(path, err);
	int rc = dir_fd < 0 ? -1 : check_free(path, status_file, err);

	*fd = -1;
	if (rc == 0) {
		*fd = new_socket();
		if (*fd < 0)
			rc = ha_err_set(
			    err, EX_OSERR, errno, "can't make a socket");
	}
	if (rc == 0)
		rc =
		    bind_in(dir_fd, slash != NULL ? slash + 1 : path, *fd, err);
	if (rc != 0 && *fd >= 0) {
		close(*fd);
		*fd = -1;
	}
	if (dir_fd >= 0)
		close(dir_fd);
	free(path);
	return rc;
}

void
endpoint_remove(const char *status_file)
{
	char *path = socket_path(status_file);

	unlink(path);
	free(path);
}
