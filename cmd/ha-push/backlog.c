/* SPDX-License-Identifier: ISC */
/* backlog - records that wait until a pipe takes them. */
#include "backlog.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

void
backlog_init(struct backlog *backlog, size_t max, char delimiter)
{
	memset(backlog, 0, sizeof(*backlog));
	backlog->max = max;
	backlog->delimiter = delimiter;
	ha_buf_init(&backlog->bytes);
}

void
backlog_release(struct backlog *backlog)
{
	ha_buf_release(&backlog->bytes);
	backlog->start = 0;
	backlog->torn = 0;
}

size_t
backlog_len(const struct backlog *backlog)
{
	return backlog->bytes.len - backlog->start;
}

int
backlog_has_room(const struct backlog *backlog, size_t len)
{
	return backlog_len(backlog) + len <= backlog->max;
}

void
backlog_add(struct backlog *backlog, const void *data, size_t len)
{
	ha_buf_add(&backlog->bytes, data, len);
}

void
backlog_drop(struct backlog *backlog)
{
	const char *rest = backlog->bytes.data + backlog->start, *end = NULL;
	size_t len = 0;

	if (backlog->torn)
		end = memchr(rest, backlog->delimiter, backlog_len(backlog));
	if (end != NULL)
		len = (size_t)(end - rest) + 1;
	ha_buf_truncate(&backlog->bytes, backlog->start + len);
}

/* Memory is moved only when that at least halves it. */
static void
compact(struct backlog *backlog)
{
	if (backlog->start < backlog->bytes.len / 2)
		return;
	if (backlog->start == backlog->bytes.len)
		ha_buf_release(&backlog->bytes);
	else
		ha_buf_consume(&backlog->bytes, backlog->start);
	backlog->start = 0;
}

int
backlog_write(struct backlog *backlog, int fd)
{
	ssize_t n = 0;

	while (backlog_len(backlog) > 0) {
		n = write(fd, backlog->bytes.data + backlog->start,
		    backlog_len(backlog));
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			break;
		backlog->start += (size_t)n;
		backlog->torn = backlog->bytes.data[backlog->start - 1] !=
				backlog->delimiter;
	}
	compact(backlog);
	return n < 0 && errno != EAGAIN ? -1 : 0;
}
