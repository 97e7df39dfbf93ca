/* SPDX-License-Identifier: ISC */
/*
 * records - status records, without waiting for their reader.
 */
#include "records.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "clock.h"

#define FLAGS (O_APPEND | O_CLOEXEC | O_NOCTTY | O_NONBLOCK)

/*
 * O_NONBLOCK on the stdout that we were given would be set for everybody who
 * shares it; opened anew it is our own, which a socket can't be.
 */
static int
open_stdout(struct records *records)
{
	int fd = open("/proc/self/fd/1", O_WRONLY | FLAGS);

	if (fd >= 0)
		return fd;
	records->is_shared = 1;
	return fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 3);
}

/* Open for both a FIFO waits for no reader, and a reader may go and come. */
static int
open_path(const char *name)
{
	struct stat st;
	int is_fifo = !stat(name, &st) && S_ISFIFO(st.st_mode);

	return open(
	    name, (is_fifo ? O_RDWR : O_WRONLY | O_CREAT) | FLAGS, 0644);
}

int
records_open(struct records *records, const char *name, struct ha_err *err)
{
	struct stat st;

	memset(records, 0, sizeof(*records));
	ha_buf_init(&records->pending);
	records->fd = -1;
	if (!name)
		return 0;
	records->fd =
	    strcmp(name, "-") ? open_path(name) : open_stdout(records);
	if (records->fd < 0 || fstat(records->fd, &st))
		return ha_err_set(err, EX_CANTCREAT, errno,
		    "can't write records to '%s'", name);
	records->is_file = S_ISREG(st.st_mode);
	records->is_socket = S_ISSOCK(st.st_mode);
	return 0;
}

void
records_add(struct records *records, const struct ha_status *status)
{
	struct ha_status record = *status;
	struct ha_buf begin = HA_BUF_INIT, end = HA_BUF_INIT;
	char id[64];

	/* What a reader has the beginning of, it is to have the end of. */
	if (records->fd < 0 || records->is_begun)
		return;
	snprintf(id, sizeof(id), "%ld-%lld", (long)getpid(),
	    (long long)ha_clock_wall_ms());
	ha_status_begin(&begin, "ha-keep", id, 0);
	ha_status_end(&end, id, 1, status->state, 0, 0);
	record.reserved = begin.len + end.len;
	ha_buf_reset(&records->pending);
	ha_buf_add(&records->pending, begin.data, begin.len);
	ha_status_encode(&records->pending, &record);
	ha_buf_add(&records->pending, end.data, end.len);
	ha_buf_release(&begin);
	ha_buf_release(&end);
}

static ssize_t
write_some(const struct records *records)
{
	struct pollfd pfd = { .fd = records->fd, .events = POLLOUT };
	const struct ha_buf *text = &records->pending;

	if (records->is_socket)
		return send(records->fd, text->data, text->len,
		    MSG_DONTWAIT | MSG_NOSIGNAL);
	if (records->is_shared && poll(&pfd, 1, 0) <= 0) {
		errno = EAGAIN;
		return -1;
	}
	return write(records->fd, text->data,
	    records->is_shared && text->len > PIPE_BUF ? PIPE_BUF : text->len);
}

/* A full disk took a part: without it the file ends with a whole line. */
static void
take_back(const struct records *records, off_t size)
{
	struct stat st;

	if (!fstat(records->fd, &st) && st.st_size > size &&
	    ftruncate(records->fd, size))
		return;
}

static int
fail(struct records *records, int sys, struct ha_err *err)
{
	if (sys == EPIPE) {
		close(records->fd);
		records->fd = -1;
	}
	if (records->has_failed)
		return 0;
	records->has_failed = 1;
	return ha_err_set(err, EX_IOERR, sys, "can't write records");
}

int
records_flush(struct records *records, struct ha_err *err)
{
	struct ha_buf *text = &records->pending;
	struct stat st = { .st_size = 0 };
	ssize_t n;

	if (records->fd < 0 || !text->len)
		return 0;
	if (records->is_file && fstat(records->fd, &st))
		return fail(records, errno, err);
	n = write_some(records);
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return 0;
	if (n < 0)
		return fail(records, errno, err);
	if (records->is_file && (size_t)n < text->len) {
		take_back(records, st.st_size);
		return fail(records, ENOSPC, err);
	}
	records->has_failed = 0;
	ha_buf_consume(text, (size_t)n);
	records->is_begun = text->len > 0;
	return 0;
}
