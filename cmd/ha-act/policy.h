/* SPDX-License-Identifier: ISC */
/*
 * policy - may the command be run now?  No clock and no file: the caller has
 * both.
 *
 * A recovery ends the waiting and the giving up, but what was run in the last
 * window_ms counts on: what recovers for a moment and fails again, over and
 * over, reaches the limit too.
 */
#ifndef ACT_POLICY_H
#define ACT_POLICY_H

#include <stddef.h>
#include <stdint.h>

struct policy {
	size_t max_runs; /* in window_ms */
	int64_t window_ms;
	int64_t backoff_ms; /* after the first run; doubled after each, up to
			       window_ms; 0: none */
};

/* What was run for one check; all times are of ha_clock_wall_ms(). */
struct history {
	int64_t *runs_ms; /* starts, the oldest first; owned */
	size_t count;
	int64_t ended_ms; /* the end of the last one; 0: not known */
	uint64_t tries; /* runs since the last recovery */
	int has_given_up; /* since the last recovery */
};

enum policy_verdict {
	POLICY_RUN,
	POLICY_TOO_EARLY,
	POLICY_LIMIT, /* reached just now: has_given_up is set */
	POLICY_GAVE_UP, /* it was reached before */
};

void history_release(struct history *history);
void history_add_run(struct history *history, int64_t start_ms);

/*
 * May it be run at now_ms?  *wait_ms receives, for POLICY_TOO_EARLY, how long
 * not.  Changes the history: runs that are over and older than the window are
 * forgotten, and times to come, which a clock that was set back leaves, become
 * now_ms, so that they delay nothing for longer than the same times in the past
 * would.
 */
enum policy_verdict policy_look(const struct policy *policy,
    struct history *history, int64_t now_ms, int64_t *wait_ms);
/* How many of the runs are in the window. */
size_t policy_count(
    const struct policy *policy, const struct history *history, int64_t now_ms);
void policy_started(struct history *history, int64_t now_ms);
void policy_ended(struct history *history, int64_t now_ms);
void policy_recovered(struct history *history);
/* Forget all that counts no more; the last run counts for the backoff. */
void policy_forget(
    const struct policy *policy, struct history *history, int64_t now_ms);

#endif
