/* SPDX-License-Identifier: ISC */
/*
 * rates - counters of two moments, for what is judged by the difference.
 *
 * The earlier moment is the last run's, kept in HA_STATE_DIR/ha-stat.samples, if
 * that is of this boot and 1 s to 1 h ago; else the first of two looks in this
 * run.  Time is CLOCK_BOOTTIME, which also passes while the machine sleeps.
 *
 * The file is text, a line a key of TAB-separated fields:
 *
 *	#ha-stat-samples v=1 boot=BOOT_ID
 *	KEY AT_MS COUNTER...
 */
#ifndef RATES_H
#define RATES_H

#include <stddef.h>
#include <stdint.h>

#include "err.h"

#define SAMPLE_MAX 12
/*
 * What a key begins with that is no rate but is to be remembered: as long as
 * the machine runs, from one run to the next one however soon, -i or not.
 */
#define RATES_KEPT "!"

struct sample {
	int64_t at_ns; /* set by rates_compare() */
	size_t count;
	unsigned may_fall; /* bit i: counter i sometimes does, or wraps around,
			      and that is no sign of another count */
	uint64_t counters[SAMPLE_MAX];
};

/*
 * At the start.  is_fresh (-i was given): no earlier run's samples are used and
 * none are kept, but for RATES_KEPT.  A file that can't be read, or is none of
 * this boot, is as good as none.
 */
void rates_open(int is_fresh);

/*
 * Note what counts under key now and return the earlier moment to compare it
 * with, borrowed until rates_close(); NULL when there is none yet: then the
 * check asks for another look, and at the second one, rates_second(), the
 * first is the earlier moment.  NULL, too, when a counter of the same key was
 * higher or their number differs: at the second look this is UNKNOWN.
 * key: "cpu", "io vda"; any bytes.
 */
const struct sample *rates_compare(const char *key, struct sample *now);
/* From here on it is the second look. */
void rates_second(void);

/* Seconds between two samples; how much counter i grew a second. */
double rates_seconds(const struct sample *before, const struct sample *now);
double rates_per_second(
    const struct sample *before, const struct sample *now, size_t i);

/*
 * Write what was noted, and what other checks left there less than an hour
 * ago, if anything to be kept was noted.  EX_CANTCREAT, EX_IOERR.
 */
int rates_close(struct ha_err *err);

#endif
