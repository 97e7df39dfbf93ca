/* SPDX-License-Identifier: ISC */
/*
 * in - buffered reads of delimited records from a descriptor.
 *
 * Reading and splitting are apart, so that an event loop can do the first when
 * poll(2) says so and the second until nothing whole is left.
 */
#ifndef HA_IN_H
#define HA_IN_H

#include <stddef.h>

#include "buf.h"
#include "err.h"

struct ha_in {
	int fd; /* borrowed */
	char delimiter; /* '\n' or '\0' */
	int eof; /* read(2) has returned 0 */
	int skipping; /* inside a record that was too long */
	size_t start; /* first byte of buf not yet handed out */
	size_t scanned; /* bytes from start known to hold no delimiter */
	size_t max; /* the longest record accepted */
	unsigned long long number; /* records handed out so far: line numbers */
	struct ha_buf buf;
};

#define HA_IN_MAX_RECORD (1024 * 1024)

void ha_in_init(struct ha_in *in, int fd, char delimiter);
void ha_in_release(struct ha_in *in);

/*
 * One read(2) into the buffer.  Returns 1 when bytes came, 0 at the end of
 * input (in->eof is then set) and -1 on an error; a descriptor that would
 * block, or EINTR, is -1 with err->sys EAGAIN.  EX_IOERR otherwise.
 */
int ha_in_fill(struct ha_in *in, struct ha_err *err);

/*
 * The next whole record, without its delimiter, NUL-terminated; *line is
 * borrowed until the next call of this module.  Returns 1, 0 when no whole
 * record is buffered, -1 (EX_DATAERR) when one is longer than in->max: it is
 * skipped, reading goes on.
 */
int ha_in_next(struct ha_in *in, char **line, size_t *len, struct ha_err *err);

/*
 * After the end of input: the bytes behind the last delimiter, which are no
 * record.  0 when there are none.
 */
size_t ha_in_rest(const struct ha_in *in);

#endif
