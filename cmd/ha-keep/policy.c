/* SPDX-License-Identifier: ISC */
/*
 * policy - when a command that ended is started again, if at all.
 */
#include "policy.h"

#include <limits.h>
#include <stdlib.h>

#include "alloc.h"

void
policy_init(struct policy *policy)
{
	if (policy->limit)
		policy->ends = ha_xcalloc(policy->limit, sizeof(*policy->ends));
	policy_forget(policy);
}

void
policy_release(struct policy *policy)
{
	free(policy->ends);
	policy->ends = NULL;
}

void
policy_forget(struct policy *policy)
{
	policy->failures = 0;
	policy->count = 0;
	policy->next = 0;
}

void
policy_healthy(struct policy *policy)
{
	policy->failures = 0;
}

/* Of the ends that are remembered, the oldest is where the next one goes. */
static int
is_one_too_many(struct policy *policy, int64_t now_ms)
{
	int64_t *oldest;

	if (!policy->limit)
		return 0;
	oldest = &policy->ends[policy->next];
	if (policy->count == policy->limit &&
	    now_ms - *oldest <= policy->window_ms)
		return 1;
	*oldest = now_ms;
	policy->next = (policy->next + 1) % policy->limit;
	if (policy->count < policy->limit)
		policy->count++;
	return 0;
}

static int64_t
delay(const struct policy *policy)
{
	int64_t ms = policy->backoff_ms;

	if (policy->failures == 1)
		return 0;
	for (unsigned i = 2;
	     ms && i < policy->failures && ms < policy->backoff_max_ms; i++)
		ms = ms > INT64_MAX / 2 ? INT64_MAX : ms * 2;
	return ms < policy->backoff_max_ms ? ms : policy->backoff_max_ms;
}

int
policy_end(
    struct policy *policy, int64_t now_ms, int64_t ran_ms, int64_t *delay_ms)
{
	if (ran_ms >= policy->healthy_ms)
		policy->failures = 0;
	if (policy->failures < UINT_MAX)
		policy->failures++;
	if (is_one_too_many(policy, now_ms))
		return 0;
	*delay_ms = delay(policy);
	return 1;
}
