/* SPDX-License-Identifier: ISC */
/*
 * buf - growable bytes.
 */
#include "buf.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "alloc.h"

#define FIRST_CAP 64

char ha_buf_empty[1];

void
ha_buf_init(struct ha_buf *buf)
{
	buf->data = ha_buf_empty;
	buf->len = 0;
	buf->cap = 0;
}

void
ha_buf_release(struct ha_buf *buf)
{
	if (buf->cap)
		free(buf->data);
	ha_buf_init(buf);
}

void
ha_buf_reset(struct ha_buf *buf)
{
	ha_buf_truncate(buf, 0);
}

void
ha_buf_reserve(struct ha_buf *buf, size_t extra)
{
	size_t cap = buf->cap ? buf->cap : FIRST_CAP;
	size_t need;

	/* An impossible size is asked of alloc, which says so and ends. */
	if (__builtin_add_overflow(buf->len, extra, &need) ||
	    __builtin_add_overflow(need, 1, &need))
		need = SIZE_MAX;
	if (need <= buf->cap)
		return;
	while (cap < need)
		cap = cap > SIZE_MAX / 2 ? need : cap * 2;
	buf->data = ha_xrealloc(buf->cap ? buf->data : NULL, cap);
	buf->data[buf->len] = '\0';
	buf->cap = cap;
}

void
ha_buf_add(struct ha_buf *buf, const void *data, size_t len)
{
	if (!len)
		return;
	ha_buf_reserve(buf, len);
	memcpy(buf->data + buf->len, data, len);
	buf->len += len;
	buf->data[buf->len] = '\0';
}

void
ha_buf_add_str(struct ha_buf *buf, const char *s)
{
	ha_buf_add(buf, s, strlen(s));
}

void
ha_buf_add_char(struct ha_buf *buf, char c)
{
	ha_buf_add(buf, &c, 1);
}

void
ha_buf_add_quoted(struct ha_buf *buf, const char *data, size_t len)
{
	ha_buf_add_char(buf, '\'');
	for (; len > 0; data++, len--)
		if (*data == '\'' || *data == '\\')
			ha_buf_addf(buf, "'\\%c'", *data);
		else
			ha_buf_add_char(buf, *data);
	ha_buf_add_char(buf, '\'');
}

void
ha_buf_addf(struct ha_buf *buf, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	ha_buf_vaddf(buf, fmt, ap);
	va_end(ap);
}

void
ha_buf_vaddf(struct ha_buf *buf, const char *fmt, va_list ap)
{
	va_list again;
	size_t room;
	int len;

	ha_buf_reserve(buf, FIRST_CAP);
	room = buf->cap - buf->len;
	va_copy(again, ap);
	len = vsnprintf(buf->data + buf->len, room, fmt, ap);
	if (len >= 0 && (size_t)len >= room) {
		ha_buf_reserve(buf, (size_t)len);
		len = vsnprintf(
		    buf->data + buf->len, (size_t)len + 1, fmt, again);
	}
	va_end(again);
	if (len > 0)
		buf->len += (size_t)len;
	buf->data[buf->len] = '\0';
}

void
ha_buf_truncate(struct ha_buf *buf, size_t len)
{
	buf->len = len;
	if (buf->cap)
		buf->data[len] = '\0';
}

void
ha_buf_consume(struct ha_buf *buf, size_t len)
{
	if (!len)
		return;
	memmove(buf->data, buf->data + len, buf->len - len);
	ha_buf_truncate(buf, buf->len - len);
}

char *
ha_buf_detach(struct ha_buf *buf)
{
	char *data = buf->cap ? buf->data : ha_xstrdup("");

	ha_buf_init(buf);
	return data;
}
