/* SPDX-License-Identifier: ISC */
/*
 * tell - from results to what somebody should hear: the gate itself.
 *
 * All records of a batch are taken first, then it is decided what to tell: a
 * parent and its children may fail in the same sweep.  Nothing here looks at a
 * clock or a file.
 */
#ifndef GATE_TELL_H
#define GATE_TELL_H

#include <stdint.h>

#include "rules.h"
#include "state.h"
#include "transition.h"

struct tell {
	struct state *state;
	struct rules *rules;
	int64_t now_ms; /* ha_clock_wall_ms() */
	/* Each transition as it is found; valid during the call. */
	void (*each)(void *context, const struct ha_transition *transition);
	void *context;
	unsigned too_old, from_future; /* records, counted by tell_take() */
};

/*
 * A record; time_ms is its TIME.  producer is the one of the state, or NULL
 * when it is not known.  A record older than the last of its check is left out,
 * unless the last one's time is yet to come: then a clock was wrong.
 */
void tell_take(struct tell *tell, const struct ha_status *status,
    int64_t time_ms, const char *producer);

/* The check of a sweep itself, "sweep:PRODUCER" of this machine. */
char *tell_sweep_check(const char *producer);

/*
 * The producer's sweep was complete, all of it in this batch: what it had before
 * and has not now is told as removed, and then forgotten.
 */
void tell_complete(struct tell *tell, const char *producer);

/* All has been taken: tell. */
void tell_all(struct tell *tell);

#endif
