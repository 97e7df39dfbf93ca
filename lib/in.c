/* SPDX-License-Identifier: ISC */
/*
 * in - buffered reads of delimited records from a descriptor.
 */
#include "in.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

/* A pipe holds no more by default. */
#define READ_SIZE 65536

void
ha_in_init(struct ha_in *in, int fd, char delimiter)
{
	memset(in, 0, sizeof(*in));
	in->fd = fd;
	in->delimiter = delimiter;
	in->max = HA_IN_MAX_RECORD;
	ha_buf_init(&in->buf);
}

void
ha_in_release(struct ha_in *in)
{
	ha_buf_release(&in->buf);
	in->start = 0;
	in->scanned = 0;
}

int
ha_in_fill(struct ha_in *in, struct ha_err *err)
{
	ssize_t n;

	ha_buf_consume(&in->buf, in->start);
	in->start = 0;
	ha_buf_reserve(&in->buf, READ_SIZE);
	n = read(in->fd, in->buf.data + in->buf.len, READ_SIZE);
	if (n < 0 && (errno == EINTR || errno == EAGAIN))
		return ha_err_set(err, EX_TEMPFAIL, EAGAIN, "can't read");
	if (n < 0)
		return ha_err_set(err, EX_IOERR, errno, "can't read");
	ha_buf_truncate(&in->buf, in->buf.len + (size_t)n);
	in->eof = n == 0;
	return n > 0;
}

static int
too_long(struct ha_in *in, struct ha_err *err)
{
	in->number++;
	return ha_err_set(err, EX_DATAERR, 0,
	    "record %llu is longer than %zu bytes", in->number, in->max);
}

/* No delimiter is in sight: keep the bytes, unless they are too many. */
static int
unfinished(struct ha_in *in, struct ha_err *err)
{
	size_t rest = in->buf.len - in->start;

	in->scanned = rest;
	if (!in->skipping && rest <= in->max)
		return 0;
	ha_buf_reset(&in->buf);
	in->start = 0;
	in->scanned = 0;
	if (in->skipping)
		return 0;
	in->skipping = 1;
	return too_long(in, err);
}

int
ha_in_next(struct ha_in *in, char **line, size_t *len, struct ha_err *err)
{
	int skipped;
	char *from, *end;

	do {
		from = in->buf.data + in->start;
		end = memchr(from + in->scanned, in->delimiter,
		    in->buf.len - in->start - in->scanned);
		if (!end)
			return unfinished(in, err);
		*end = '\0';
		*line = from;
		*len = (size_t)(end - from);
		in->start += *len + 1;
		in->scanned = 0;
		skipped = in->skipping;
		in->skipping = 0;
	} while (skipped);
	if (*len > in->max)
		return too_long(in, err);
	in->number++;
	return 1;
}

size_t
ha_in_rest(const struct ha_in *in)
{
	return in->buf.len - in->start;
}
