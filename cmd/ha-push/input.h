/* SPDX-License-Identifier: ISC */
/*
 * input - what stdin says: change records, or bare paths, into the dirty set.
 */
#ifndef PUSH_INPUT_H
#define PUSH_INPUT_H

#include "err.h"
#include "push.h"

void input_init(struct push *push);
void input_release(struct push *push);

/*
 * Read what is there (one read) and mark it.  -1 only for what ends the
 * command: EX_DATAERR (records without a source, another root in mid-stream),
 * EX_NOINPUT (the source is not the directory that the header names), EX_IOERR.
 * A malformed record is told with its line number and marks the root.
 */
int input_read(struct push *push, struct ha_err *err);

/* Answer the barriers that are complete; their records are appended to acks. */
void input_settle_barriers(struct push *push, struct ha_buf *acks);

#endif
