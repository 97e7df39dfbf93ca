/* SPDX-License-Identifier: ISC */
/*
 * wait - sweep after sweep, until all is OK (--wait), or until it is known to
 * be down (--wait-down).
 */
#ifndef WAIT_H
#define WAIT_H

#include "results.h"
#include "schedule.h"

struct wait_options {
	int64_t limit_ms; /* of the whole wait */
	int64_t interval_ms; /* from one sweep's start to the next one's */
	int64_t sweep_ms; /* -T */
	size_t parallel; /* -P */
	/* --wait-down: */
	size_t witnesses; /* the last targets: they have to be OK meanwhile */
	int64_t confirm; /* sweeps in a row */
};

/*
 * *last receives the last sweep that was not cut off by a deadline, or the
 * first if each was.  Return value: 0, or -1 with EX_OSERR.
 */
int
wait_until_ok(const struct targets *targets, const struct wait_options *options,
    struct results *last, struct ha_err *err);

enum wait_verdict {
	WAIT_DOWN, /* every target was CRIT, often enough in a row */
	WAIT_UP, /* at the end one still served */
	WAIT_NOT_KNOWN, /* a witness or this machine was at fault, or CRIT has
			   not been seen often enough */
};
/* Likewise; words receives why, for a person. */
int wait_until_down(const struct targets *targets,
    const struct wait_options *options, enum wait_verdict *verdict,
    struct ha_buf *words, struct results *last, struct ha_err *err);

#endif
