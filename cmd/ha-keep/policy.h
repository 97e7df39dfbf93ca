/* SPDX-License-Identifier: ISC */
/*
 * policy - when a command that ended is started again, if at all.
 *
 * Nothing here reads a clock or waits: times are milliseconds of the caller's.
 */
#ifndef KEEP_POLICY_H
#define KEEP_POLICY_H

#include <stddef.h>
#include <stdint.h>

#define POLICY_LIMIT_MAX 10000

struct policy {
	int64_t backoff_ms; /* the first wait; 0: never any */
	int64_t backoff_max_ms; /* no wait is longer */
	int64_t healthy_ms; /* a run of this length was a good one */
	size_t limit; /* so many ends in a window are borne; 0: any number */
	int64_t window_ms;

	unsigned failures; /* ends since a healthy run, that one's included */
	int64_t *ends; /* a ring of the last ones, of limit; owned */
	size_t count, next;
};

/* The five numbers above are set by the caller, the rest is 0. */
void policy_init(struct policy *policy);
void policy_release(struct policy *policy);
/* Somebody looked into it: what was is forgotten. */
void policy_forget(struct policy *policy);
/* The present run is a good one. */
void policy_healthy(struct policy *policy);

/*
 * A run of ran_ms has ended at now_ms.  Returns 1 and, in *delay_ms, how long to
 * wait: nothing for the first end after a healthy run, and the first of all,
 * then backoff_ms, doubled at each.  Returns 0 when it is one end too many.
 */
int policy_end(
    struct policy *policy, int64_t now_ms, int64_t ran_ms, int64_t *delay_ms);

#endif
