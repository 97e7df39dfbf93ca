/* SPDX-License-Identifier: ISC */
/* policy - when the command may be run, by a clock that the test sets. */
#include "test.h"

#include "policy.h"

#define S INT64_C(1000)
#define M (60 * S)
#define START (INT64_C(1000000) * M)

static const struct policy usual = {
	.max_runs = 3, .window_ms = 10 * M, .backoff_ms = 10 * S
};
static const struct policy no_wait = { .max_runs = 3, .window_ms = 10 * M };

static struct history history;
static int64_t now;

static int
enter(void **state)
{
	(void)state;
	memset(&history, 0, sizeof(history));
	now = START;
	return 0;
}

static int
leave(void **state)
{
	(void)state;
	history_release(&history);
	return 0;
}

static enum policy_verdict
look(const struct policy *policy)
{
	int64_t wait_ms;

	return policy_look(policy, &history, now, &wait_ms);
}

static int64_t
wait_of(const struct policy *policy)
{
	int64_t wait_ms = -1;

	assert_int_equal(
	    policy_look(policy, &history, now, &wait_ms), POLICY_TOO_EARLY);
	return wait_ms;
}

/* It may be run, and is, for so long. */
static void
runs_for(const struct policy *policy, int64_t ms)
{
	assert_int_equal(look(policy), POLICY_RUN);
	policy_started(&history, now);
	now += ms;
	policy_ended(&history, now);
}

static void
three_and_no_more(void **state)
{
	(void)state;
	for (size_t i = 1; i <= 3; i++) {
		runs_for(&no_wait, 0);
		assert_int_equal(policy_count(&no_wait, &history, now), i);
		now += M;
	}
	assert_int_equal(look(&no_wait), POLICY_LIMIT);
	assert_int_equal(look(&no_wait), POLICY_GAVE_UP);
	now += 1000 * M;
	assert_int_equal(look(&no_wait), POLICY_GAVE_UP);
}

static void
the_window_slides(void **state)
{
	(void)state;
	for (int i = 0; i < 20; i++) {
		runs_for(&no_wait, 0);
		now += 4 * M;
	}
	assert_in_range(history.count, 1, 4);
	/* Its end is the end: a run ten minutes ago counts no more. */
	now = history.runs_ms[history.count - 1] + 10 * M;
	assert_int_equal(policy_count(&no_wait, &history, now), 0);
	assert_int_equal(policy_count(&no_wait, &history, now - 1), 1);
}

static void
waits_twice_as_long(void **state)
{
	static const struct policy many = {
		.max_runs = 1000, .window_ms = 10 * M, .backoff_ms = 10 * S
	};
	static const int64_t waits[] = { 10, 20, 40, 80, 160, 320, 600, 600 };

	(void)state;
	for (size_t i = 0; i < sizeof(waits) / sizeof(waits[0]); i++) {
		runs_for(&many, 3 * S);
		assert_int_equal(wait_of(&many), waits[i] * S);
		now += waits[i] * S - 1;
		assert_int_equal(wait_of(&many), 1);
		now += 1;
	}
	/* Never longer than the window, however often it was. */
	history.tries = UINT64_MAX;
	runs_for(&many, 0);
	history.tries = UINT64_MAX;
	assert_int_equal(wait_of(&many), 10 * M);
}

/* The last of them gets its time too, before it is given up. */
static void
waits_before_it_gives_up(void **state)
{
	(void)state;
	for (int i = 0; i < 3; i++) {
		runs_for(&usual, 0);
		assert_int_equal(look(&usual), POLICY_TOO_EARLY);
		now += 40 * S;
	}
	assert_int_equal(look(&usual), POLICY_LIMIT);
}

static void
a_recovery_ends_waiting(void **state)
{
	(void)state;
	runs_for(&usual, 0);
	assert_int_equal(look(&usual), POLICY_TOO_EARLY);
	policy_recovered(&history);
	runs_for(&usual, 0);
	assert_int_equal(wait_of(&usual), 10 * S);
}

static void
a_recovery_ends_giving_up(void **state)
{
	(void)state;
	for (int i = 0; i < 3; i++)
		runs_for(&no_wait, 0);
	assert_int_equal(look(&no_wait), POLICY_LIMIT);
	now += 11 * M;
	assert_int_equal(look(&no_wait), POLICY_GAVE_UP);
	policy_recovered(&history);
	assert_int_equal(look(&no_wait), POLICY_RUN);
}

/* What comes up and falls down again reaches the limit too. */
static void
a_crash_loop_is_limited(void **state)
{
	int runs = 0;

	(void)state;
	for (int i = 0; i < 600; i++) {
		if (look(&usual) == POLICY_RUN) {
			policy_started(&history, now);
			policy_ended(&history, now);
			runs++;
		}
		policy_recovered(&history);
		now += S;
	}
	assert_int_equal(runs, 3);
}

static void
one_that_was_cut_off_counts(void **state)
{
	(void)state;
	policy_started(&history, now);
	assert_int_equal(wait_of(&usual), 10 * S);
	assert_int_equal(policy_count(&usual, &history, now), 1);
}

/* All times are a year ahead: nothing waits for longer than its own time. */
static void
a_clock_set_back(void **state)
{
	(void)state;
	now += 365 * 24 * 60 * M;
	runs_for(&usual, S);
	now = START;
	assert_int_equal(wait_of(&usual), 10 * S);
	now += 10 * S;
	runs_for(&usual, 0);
	now += 20 * S;
	runs_for(&usual, 0);
	now += 40 * S;
	assert_int_equal(look(&usual), POLICY_LIMIT);
	policy_recovered(&history);
	now = START + 10 * M;
	assert_int_equal(look(&usual), POLICY_RUN);
}

static void
forgets(void **state)
{
	(void)state;
	runs_for(&usual, S);
	now += 11 * M;
	policy_forget(&usual, &history, now);
	assert_int_equal(history.count, 1);
	policy_recovered(&history);
	policy_forget(&usual, &history, now);
	assert_int_equal(history.count, 0);
	assert_int_equal(history.ended_ms, 0);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, enter, leave)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(three_and_no_more),
		TEST(the_window_slides),
		TEST(waits_twice_as_long),
		TEST(waits_before_it_gives_up),
		TEST(a_recovery_ends_waiting),
		TEST(a_recovery_ends_giving_up),
		TEST(a_crash_loop_is_limited),
		TEST(one_that_was_cut_off_counts),
		TEST(a_clock_set_back),
		TEST(forgets),
	};

	return cmocka_run_group_tests_name("act/policy", tests, NULL, NULL);
}
