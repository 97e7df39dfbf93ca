/* SPDX-License-Identifier: ISC */
/*
 * pass - what goes on to stdout, in order, without ever waiting for its reader:
 * a service that is down is not left down because nobody reads.
 */
#ifndef ACT_PASS_H
#define ACT_PASS_H

#include <stddef.h>

#include "buf.h"
#include "err.h"

struct pass {
	struct ha_buf buf; /* whole lines that stdout has not taken yet */
	int is_gone; /* stdout failed: nothing is passed on any more */
	struct ha_err err; /* how; EPIPE: its reader has gone */
};

void pass_init(struct pass *pass);
void pass_release(struct pass *pass);

/* Whole lines, each with its LF. */
void pass_add(struct pass *pass, const void *lines, size_t len);
/* Give stdout what it takes now. */
void pass_flush(struct pass *pass);
/* After stdout failed: end the process as it has to (out.h), with 74 or by
 * SIGPIPE. */
_Noreturn void pass_end(const struct pass *pass);

#endif
