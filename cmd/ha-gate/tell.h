/* SPDX-License-Identifier: ISC */
/*
 * tell - from results to what somebody should hear: the gate itself.
 *
 * All records of a batch are taken first, then it is decided what to tell: a
 * parent and its children may fail in the same sweep.  Nothing here looks at a
 * clock or a file.  Source: ha-gate(1).
 */
#ifndef GATE_TELL_H
#define GATE_TELL_H

#include <stdint.h>

#include "rules.h"
#include "state.h"
#include "transition.h"

struct tell {
	struct state *state; /* its seq is this batch's */
	struct rules *rules;
	int64_t now_ms; /* ha_clock_wall_ms() */
	/* Each transition as it is found; valid during the call. */
	void (*each)(void *context, const struct ha_transition *transition);
	void *context;
	unsigned too_old, from_future; /* records, counted by tell_take() */
	uint64_t first_sweep; /* scratch: of this batch */
};

/* A batch begins. */
void tell_begin(struct tell *tell);

/* The number of a complete sweep whose records are known. */
uint64_t tell_sweep(struct tell *tell);

/* Is the check of the record in this batch already, in another state? */
int tell_has_other(const struct tell *tell, const struct ha_status *status);

/*
 * A record; time_ms is its TIME.  sweep is the number of the sweep that it is
 * of, and producer, of the state, whose that is; 0 and NULL when that is not
 * known.  A record older than the last of its check is left out, unless the
 * last one's time is yet to come: then a clock was wrong.
 */
void tell_take(struct tell *tell, const struct ha_status *status,
    int64_t time_ms, const char *producer, uint64_t sweep);

/*
 * All has been taken: tell.  A check that was in a sweep together with one that
 * is in a later one of the same producer, and is in none of this batch itself,
 * is told as removed, and then forgotten.  So two lists of one prober that come
 * in turn don't remove each other's checks.
 */
void tell_all(struct tell *tell);
/*
 * The same for a part of the batch, which is over as if it were one: another
 * tell_begin() follows.  What is missing has until tell_all() to come.
 */
void tell_part(struct tell *tell);

#endif
