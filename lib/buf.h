/* SPDX-License-Identifier: ISC */
/*
 * buf - growable bytes.
 *
 * Invariant: data is never NULL and data[len] is a NUL byte, so a buffer that
 * holds no NUL of its own can be handed to string functions.  Start with
 * HA_BUF_INIT or ha_buf_init().  Any function that adds bytes may move data.
 * Running out of memory ends the process (alloc.h).
 */
#ifndef HA_BUF_H
#define HA_BUF_H

#include <stdarg.h>
#include <stddef.h>

struct ha_buf {
	char *data; /* owned by the buffer */
	size_t len; /* bytes in use, without the final NUL */
	size_t cap; /* bytes allocated; 0 while data is the shared empty one */
};

extern char ha_buf_empty[1];
#define HA_BUF_INIT                                                            \
	{                                                                      \
		ha_buf_empty, 0, 0                                             \
	}

void ha_buf_init(struct ha_buf *buf);
/* Free what is held; the buffer is as after ha_buf_init(). */
void ha_buf_release(struct ha_buf *buf);
/* Forget the bytes, keep the memory. */
void ha_buf_reset(struct ha_buf *buf);
/* Room for extra more bytes (and the NUL) without another allocation. */
void ha_buf_reserve(struct ha_buf *buf, size_t extra);

void ha_buf_add(struct ha_buf *buf, const void *data, size_t len);
void ha_buf_add_str(struct ha_buf *buf, const char *s);
void ha_buf_add_char(struct ha_buf *buf, char c);
/*
 * In single quotes, as one word of sh(1), and of fish(1), where a backslash is
 * one between quotes too: 'it'\''s', 'back'\\'slash'.
 */
void ha_buf_add_quoted(struct ha_buf *buf, const char *data, size_t len);
void ha_buf_addf(struct ha_buf *buf, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));
void ha_buf_vaddf(struct ha_buf *buf, const char *fmt, va_list ap)
    __attribute__((format(printf, 2, 0)));

/* Shorten to len bytes; len is at most buf->len. */
void ha_buf_truncate(struct ha_buf *buf, size_t len);
/* Remove the first len bytes; len is at most buf->len. */
void ha_buf_consume(struct ha_buf *buf, size_t len);
/* Give the bytes to the caller, who frees them; the buffer becomes empty. */
char *ha_buf_detach(struct ha_buf *buf);

#endif
