/* SPDX-License-Identifier: ISC */
/*
 * round - one round of checks, until each is judged or the time is over.
 */
#ifndef ROUND_H
#define ROUND_H

#include <stddef.h>
#include <stdint.h>

#include "check.h"

struct round {
	struct check **checks;
	size_t count;
	int64_t check_ms; /* for each helper */
	int64_t interval_ms; /* between two looks */
	int64_t deadline_ns; /* of all of it */
	/* One check was judged; they come as they are done. */
	void (*report)(void *context, size_t order, struct check *check);
	void *context;
};

void round_run(const struct round *round);

#endif
