/* SPDX-License-Identifier: ISC */
/*
 * judge - from the last results of a check to the level that is told: N of M.
 *
 * A level is reached when at least N of the last M results are at least as bad;
 * it is left when the last UP results in a row are better.  Source: ha-gate(1),
 * N OF M.
 */
#ifndef GATE_JUDGE_H
#define GATE_JUDGE_H

#include <stddef.h>

#include "err.h"
#include "status.h"

/* The largest M. */
#define JUDGE_WINDOW 64

struct judge_rule {
	unsigned n, m; /* 1 <= n <= m <= JUDGE_WINDOW */
};

struct judge_conf {
	struct judge_rule down[4]; /* by state; OK's is not used */
	unsigned up; /* 1 to JUDGE_WINDOW */
};

/* The last results, the newest at the end. */
struct judge_window {
	unsigned char states[JUDGE_WINDOW]; /* enum ha_status_state */
	size_t len;
};

/* "2/3", or "2" for 2/2.  EX_USAGE. */
int
judge_parse_rule(const char *text, struct judge_rule *rule, struct ha_err *err);

/* How bad: 0 for OK, 3 for CRIT. */
unsigned judge_rank(enum ha_status_state state);

/*
 * One more result.  Returns the level now, given the one so far.  When that is
 * a better one, results of before are forgotten: they were told.
 */
enum ha_status_state
judge_add(struct judge_window *window, enum ha_status_state result,
    enum ha_status_state level, const struct judge_conf *conf);

#endif
