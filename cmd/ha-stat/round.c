/* SPDX-License-Identifier: ISC */
/*
 * round - one round of checks, until each is judged or the time is over.
 */
#include "round.h"

#include <poll.h>
#include <stdlib.h>

#include "alloc.h"
#include "clock.h"
#include "helper.h"
#include "msg.h"
#include "rates.h"

/* What a round knows while it runs. */
struct progress {
	const struct round *round;
	char *is_done; /* one for each check */
	size_t left;
	int64_t second_ns; /* when to look again; HA_CLOCK_NEVER: nobody asked,
			      or it was done */
};

static void
look(struct check *check)
{
	int64_t start_ns = ha_clock_now_ns();

	if (!check->looks++)
		check->began_ns = start_ns;
	check->kind->look(check);
	check->spent_ns += ha_clock_now_ns() - start_ns;
}

static void
finish(struct progress *progress, size_t order)
{
	struct check *check = progress->round->checks[order];

	progress->is_done[order] = 1;
	progress->left--;
	if (check->helper)
		check->spent_ns = ha_clock_now_ns() - check->began_ns;
	helper_free(check->helper);
	check->helper = NULL;
	progress->round->report(progress->round->context, order, check);
}

static void
judge(struct progress *progress, size_t order)
{
	struct check *check = progress->round->checks[order];
	int64_t start_ns = ha_clock_now_ns();

	if (!check->is_failed)
		check->kind->judge(check);
	check->spent_ns += ha_clock_now_ns() - start_ns;
	finish(progress, order);
}

/* Neither answered nor looked at in time: CRIT, without the kind. */
static void
give_up(struct progress *progress, size_t order)
{
	struct check *check = progress->round->checks[order];
	char words[64];

	ha_clock_words(progress->round->check_ms, words, sizeof(words));
	check_say(check, HA_STATUS_CRIT, "no answer within %s", words);
	finish(progress, order);
}

static void
give_up_at_once(struct progress *progress, size_t order)
{
	struct check *check = progress->round->checks[order];
	char words[64];

	ha_clock_words(helper_stuck_ms(check->helper), words, sizeof(words));
	check_say(check, HA_STATUS_CRIT,
	    "no answer: process %ld, an earlier look, has been stuck for %s",
	    (long)helper_stuck_pid(check->helper), words);
	finish(progress, order);
}

static void
deadline(struct progress *progress, size_t order)
{
	check_say(progress->round->checks[order], HA_STATUS_CRIT,
	    "deadline: the time of the whole run (-T) was over");
	finish(progress, order);
}

static int
is_over(const struct progress *progress)
{
	return ha_clock_poll_ms(progress->round->deadline_ns) == 0;
}

/* A helper that has ended is its check's own end. */
static void
step_helper(struct progress *progress, size_t order)
{
	struct check *check = progress->round->checks[order];
	struct helper *helper = check->helper;

	switch (helper_step(helper)) {
	case HELPER_BUSY:
		return;
	case HELPER_DONE:
		judge(progress, order);
		return;
	case HELPER_LATE:
		if (is_over(progress))
			deadline(progress, order);
		else
			give_up(progress, order);
		return;
	case HELPER_STUCK:
		give_up_at_once(progress, order);
		return;
	case HELPER_FAILED:
		check_fail(check, helper_err(helper));
		judge(progress, order);
	}
}

static int
waits_for_second(const struct progress *progress, const struct check *check)
{
	return progress->second_ns != HA_CLOCK_NEVER && check->is_again &&
	       !check->is_failed;
}

static void
step(struct progress *progress, size_t order)
{
	struct check *check = progress->round->checks[order];

	if (is_over(progress) &&
	    (check->helper || waits_for_second(progress, check))) {
		deadline(progress, order);
		return;
	}
	if (waits_for_second(progress, check))
		return;
	if (check->helper)
		step_helper(progress, order);
	else
		judge(progress, order);
}

static void
look_at_all(struct progress *progress)
{
	const struct round *round = progress->round;
	int is_again = 0;

	for (size_t i = 0; i < round->count; i++) {
		struct check *check = round->checks[i];

		if (is_over(progress)) {
			deadline(progress, i);
			continue;
		}
		check->deadline_ns = ha_clock_deadline(round->check_ms);
		if (check->deadline_ns > round->deadline_ns)
			check->deadline_ns = round->deadline_ns;
		look(check);
		is_again |= check->is_again;
	}
	if (!is_again)
		return;
	ha_note("rates take a second look, in %lld ms",
	    (long long)round->interval_ms);
	progress->second_ns = ha_clock_deadline(round->interval_ms);
}

static void
look_again(struct progress *progress)
{
	const struct round *round = progress->round;

	rates_second();
	for (size_t i = 0; i < round->count; i++)
		if (!progress->is_done[i] && round->checks[i]->is_again &&
		    !round->checks[i]->is_failed)
			look(round->checks[i]);
	progress->second_ns = HA_CLOCK_NEVER;
}

/* Until a helper has something, or the next time that was set. */
static void
wait_for_something(const struct progress *progress)
{
	const struct round *round = progress->round;
	struct pollfd *pfds = ha_xcalloc(round->count, sizeof(*pfds));
	int64_t until_ns = progress->second_ns;
	nfds_t count = 0;

	if (round->deadline_ns < until_ns)
		until_ns = round->deadline_ns;
	for (size_t i = 0; i < round->count; i++) {
		const struct check *check = round->checks[i];

		/* What waits for the second look is not asked until then. */
		if (progress->is_done[i] || !check->helper ||
		    waits_for_second(progress, check))
			continue;
		pfds[count].fd = helper_fd(check->helper);
		pfds[count++].events = POLLIN;
		if (helper_deadline_ns(check->helper) < until_ns)
			until_ns = helper_deadline_ns(check->helper);
	}
	poll(pfds, count, ha_clock_poll_ms(until_ns));
	free(pfds);
}

void
round_run(const struct round *round)
{
	struct progress progress = {
		.round = round,
		.is_done = ha_xcalloc(round->count, 1),
		.left = round->count,
		.second_ns = HA_CLOCK_NEVER,
	};

	look_at_all(&progress);
	for (;;) {
		for (size_t i = 0; i < round->count; i++)
			if (!progress.is_done[i])
				step(&progress, i);
		if (!progress.left)
			break;
		wait_for_something(&progress);
		if (progress.second_ns <= ha_clock_now_ns())
			look_again(&progress);
	}
	free(progress.is_done);
}
