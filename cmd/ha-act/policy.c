/* SPDX-License-Identifier: ISC */
/*
 * policy - may the command be run now?
 */
#include "policy.h"

#include <stdlib.h>
#include <string.h>

#include "alloc.h"

void
history_release(struct history *history)
{
	free(history->runs_ms);
	memset(history, 0, sizeof(*history));
}

void
history_add_run(struct history *history, int64_t start_ms)
{
	history->runs_ms = ha_xrealloc(
	    history->runs_ms, (history->count + 1) * sizeof(*history->runs_ms));
	history->runs_ms[history->count++] = start_ms;
}

static void
bound_times(struct history *history, int64_t now_ms)
{
	for (size_t i = 0; i < history->count; i++)
		if (history->runs_ms[i] > now_ms)
			history->runs_ms[i] = now_ms;
	if (history->ended_ms > now_ms)
		history->ended_ms = now_ms;
}

static int
is_in_window(const struct policy *policy, int64_t run_ms, int64_t now_ms)
{
	return now_ms - run_ms < policy->window_ms;
}

/* The last one stays as long as the backoff is counted from it. */
static void
forget_old(const struct policy *policy, struct history *history, int64_t now_ms)
{
	size_t kept = 0;

	for (size_t i = 0; i < history->count; i++)
		if ((i + 1 == history->count && history->tries) ||
		    is_in_window(policy, history->runs_ms[i], now_ms))
			history->runs_ms[kept++] = history->runs_ms[i];
	history->count = kept;
}

size_t
policy_count(
    const struct policy *policy, const struct history *history, int64_t now_ms)
{
	size_t count = 0;

	for (size_t i = 0; i < history->count; i++)
		if (is_in_window(policy, history->runs_ms[i], now_ms))
			count++;
	return count;
}

static int64_t
backoff_ms(const struct policy *policy, uint64_t tries)
{
	int64_t ms = policy->backoff_ms;

	while (tries-- > 1 && ms > 0 && ms < policy->window_ms)
		ms *= 2;
	return ms < policy->window_ms ? ms : policy->window_ms;
}

/* From the end of the last run; of one that was cut off, from its start. */
static int64_t
left_ms(
    const struct policy *policy, const struct history *history, int64_t now_ms)
{
	int64_t last_ms;

	if (!history->tries || !history->count)
		return 0;
	last_ms = history->runs_ms[history->count - 1];
	if (history->ended_ms > last_ms)
		last_ms = history->ended_ms;
	return last_ms + backoff_ms(policy, history->tries) - now_ms;
}

enum policy_verdict
policy_look(const struct policy *policy, struct history *history,
    int64_t now_ms, int64_t *wait_ms)
{
	bound_times(history, now_ms);
	forget_old(policy, history, now_ms);
	if (history->has_given_up)
		return POLICY_GAVE_UP;
	*wait_ms = left_ms(policy, history, now_ms);
	if (*wait_ms > 0)
		return POLICY_TOO_EARLY;
	if (policy_count(policy, history, now_ms) < policy->max_runs)
		return POLICY_RUN;
	history->has_given_up = 1;
	return POLICY_LIMIT;
}

void
policy_started(struct history *history, int64_t now_ms)
{
	history_add_run(history, now_ms);
	history->tries++;
	history->ended_ms = 0;
}

void
policy_ended(struct history *history, int64_t now_ms)
{
	history->ended_ms = now_ms;
}

void
policy_recovered(struct history *history)
{
	history->tries = 0;
	history->has_given_up = 0;
}

void
policy_forget(
    const struct policy *policy, struct history *history, int64_t now_ms)
{
	bound_times(history, now_ms);
	forget_old(policy, history, now_ms);
	if (!history->count)
		history->ended_ms = 0;
}
