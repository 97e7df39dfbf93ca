/* SPDX-License-Identifier: ISC */
/* ops - what an operator tells a gate: maintenance, and that it is seen to. */
#ifndef GATE_OPS_H
#define GATE_OPS_H

#include <stddef.h>
#include <stdint.h>

#include "err.h"

struct ops {
	const char *name; /* of one gate; NULL: all that know such a check */
	const char *pattern; /* ha_status_matches(); with maint_ms < 0 also an
				incident's name */
	int64_t maint_ms; /* 0: end it; < 0: acknowledge */
	const char *reason;
};

/*
 * Do it, and print the files of the states that it was written to.  Returns the
 * exit status: 1 when none has such a check.
 */
int ops_run(const struct ops *ops);

/*
 * The names of the gates that have a state, sorted; the caller frees all.
 * EX_CANTCREAT, EX_NOINPUT.
 */
int ops_list_gates(char ***names, size_t *count, struct ha_err *err);

#endif
