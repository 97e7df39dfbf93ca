/* SPDX-License-Identifier: ISC */
/*
 * backlog - records that wait until a pipe takes them; bounded, and cut
 * between records only.
 */
#ifndef PUSH_BACKLOG_H
#define PUSH_BACKLOG_H

#include <stddef.h>

#include "buf.h"

struct backlog {
	struct ha_buf bytes;
	size_t start; /* bytes before it are written */
	size_t max;
	char delimiter; /* the last byte of a record */
	int torn; /* the record at start is written in part */
};

void backlog_init(struct backlog *backlog, size_t max, char delimiter);
void backlog_release(struct backlog *backlog);

size_t backlog_len(const struct backlog *backlog);
/* Would len more bytes be at most max? */
int backlog_has_room(const struct backlog *backlog, size_t len);
/* Append whole records, whether there is room or not. */
void backlog_add(struct backlog *backlog, const void *data, size_t len);
/* Forget what waits, but for the rest of a record that is written in part. */
void backlog_drop(struct backlog *backlog);
/*
 * Write what fd, which is non-blocking, takes.  Returns 0, or -1 with errno
 * set when it will take nothing any more (EPIPE).
 */
int backlog_write(struct backlog *backlog, int fd);

#endif
