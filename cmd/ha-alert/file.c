/* SPDX-License-Identifier: ISC */
/*
 * file - append to a file, or a FIFO that somebody reads.
 *
 * Whatever fails is LATER: a directory may be mounted again, a disk emptied.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "alloc.h"
#include "clock.h"
#include "sender.h"

#define LOCK_TICK_MS 20

struct file {
	const char *path;
};

static int
open_file(void **state, const struct channel *channel,
    const struct sender_trace *trace, struct ha_err *err)
{
	struct file *file = ha_xcalloc(1, sizeof(*file));

	(void)trace;
	(void)err;
	file->path = channel_get(channel, "path");
	*state = file;
	return 0;
}

static void
close_file(void *state)
{
	free(state);
}

/* What another one of us writes is not cut by our repairs. */
static int
lock(int fd, int64_t deadline_ns)
{
	while (flock(fd, LOCK_EX | LOCK_NB) != 0) {
		if (errno != EWOULDBLOCK && errno != EINTR)
			return -1;
		if (ha_clock_poll_ms(deadline_ns) == 0)
			return -1;
		poll(NULL, 0, LOCK_TICK_MS);
	}
	return 0;
}

/* One write(2), and all of it or nothing stays. */
static int
append(int fd, const struct ha_buf *text)
{
	struct stat st;
	ssize_t n;
	int sys;

	if (fstat(fd, &st) != 0)
		return -1;
	do
		n = write(fd, text->data, text->len);
	while (n < 0 && errno == EINTR);
	if (n == (ssize_t)text->len)
		return fsync(fd) != 0 && errno != EINVAL && errno != EROFS ? -1
									   : 0;
	sys = n < 0 ? errno : ENOSPC;
	if (n > 0 && ftruncate(fd, st.st_size) != 0)
		sys = errno;
	errno = sys;
	return -1;
}

/* A record of more than PIPE_BUF bytes may come in pieces. */
static int
feed(int fd, const struct ha_buf *text, int64_t deadline_ns)
{
	struct pollfd pfd = { .fd = fd, .events = POLLOUT };
	size_t done = 0;
	ssize_t n;

	while (done < text->len) {
		n = write(fd, text->data + done, text->len - done);
		if (n > 0) {
			done += (size_t)n;
			continue;
		}
		if (n < 0 && errno != EAGAIN && errno != EINTR)
			return -1;
		if (poll(&pfd, 1, ha_clock_poll_ms(deadline_ns)) == 0) {
			errno = ETIMEDOUT;
			return -1;
		}
	}
	return 0;
}

/* That the file is there has to survive a crash, too. */
static void
sync_directory(const char *path)
{
	char *directory = ha_xstrdup(path);
	char *slash = strrchr(directory, '/');
	int fd;

	slash[slash == directory] = '\0';
	fd = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	free(directory);
	if (fd < 0)
		return;
	fsync(fd);
	close(fd);
}

static int
open_path(const char *path, int *is_new)
{
	int flags = O_WRONLY | O_APPEND | O_CLOEXEC | O_NOCTTY | O_NONBLOCK;
	int fd = open(path, flags);

	*is_new = fd < 0 && errno == ENOENT;
	return *is_new ? open(path, flags | O_CREAT, 0640) : fd;
}

static int
put(int fd, int is_new, const char *path, const struct ha_buf *text,
    int64_t deadline_ns)
{
	struct stat st;

	if (fstat(fd, &st) != 0)
		return -1;
	if (!S_ISREG(st.st_mode))
		return feed(fd, text, deadline_ns);
	if (lock(fd, deadline_ns) != 0 || append(fd, text) != 0)
		return -1;
	if (is_new)
		sync_directory(path);
	return 0;
}

static void
send_file(void *state, const struct rendered *rendered, int64_t deadline_ns,
    struct delivery *delivery)
{
	const struct file *file = state;
	int is_new, fd = open_path(file->path, &is_new);

	if (fd < 0 && errno == ENXIO) {
		sender_is_down(delivery, "nobody reads %s", file->path);
		return;
	}
	if (fd < 0) {
		sender_is_down(
		    delivery, "can't open %s: %s", file->path, strerror(errno));
		return;
	}
	if (put(fd, is_new, file->path, &rendered->body, deadline_ns) == 0)
		sender_result(delivery, DELIVERY_DONE, "%zu bytes in %s",
		    rendered->body.len, file->path);
	else
		sender_is_down(delivery, "can't write to %s: %s", file->path,
		    strerror(errno));
	close(fd);
}

const struct sender_kind sender_file = { open_file, close_file, send_file };
