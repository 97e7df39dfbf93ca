/* SPDX-License-Identifier: ISC */
/* policy - at once, then waits that double; reset by health; a limit. */
#include "test.h"

#include "policy.h"

static struct policy
make(int64_t backoff_ms, int64_t max_ms, size_t limit, int64_t window_ms)
{
	struct policy policy = {
		.backoff_ms = backoff_ms,
		.backoff_max_ms = max_ms,
		.healthy_ms = 10000,
		.limit = limit,
		.window_ms = window_ms,
	};

	policy_init(&policy);
	return policy;
}

static int64_t
delay_of(struct policy *policy, int64_t now_ms, int64_t ran_ms)
{
	int64_t ms = -1;

	assert_int_equal(policy_end(policy, now_ms, ran_ms, &ms), 1);
	return ms;
}

static void
doubles(void **state)
{
	static const int64_t expected[] = { 0, 1000, 2000, 4000, 8000, 16000,
		32000, 60000, 60000, 60000 };
	struct policy policy = make(1000, 60000, 0, 0);

	(void)state;
	for (size_t i = 0; i < sizeof(expected) / sizeof(expected[0]); i++) {
		assert_int_equal(delay_of(&policy, 0, 5), expected[i]);
		assert_int_equal(policy.failures, i + 1);
	}
	for (int i = 0; i < 10000; i++)
		assert_int_equal(delay_of(&policy, 0, 5), 60000);
	policy_release(&policy);
}

static void
edges_of_backoff(void **state)
{
	struct policy none = make(0, 60000, 0, 0);
	struct policy small = make(5000, 1000, 0, 0);
	struct policy huge = make(INT64_MAX / 3, INT64_MAX, 0, 0);
	int64_t last = 0, ms;

	(void)state;
	for (int i = 0; i < 200; i++) {
		assert_int_equal(delay_of(&none, i, 0), 0);
		assert_int_equal(delay_of(&small, i, 0), i ? 1000 : 0);
		ms = delay_of(&huge, i, 0);
		assert_true(ms >= last);
		last = ms;
	}
}

static void
health_resets(void **state)
{
	struct policy policy = make(1000, 60000, 0, 0);

	(void)state;
	for (int i = 0; i < 5; i++)
		delay_of(&policy, 0, 9999);
	assert_int_equal(policy.failures, 5);
	assert_int_equal(delay_of(&policy, 0, 10000), 0);
	assert_int_equal(policy.failures, 1);
	assert_int_equal(delay_of(&policy, 0, 1), 1000);
	/* Told while it runs, and then it ends. */
	policy_healthy(&policy);
	assert_int_equal(policy.failures, 0);
	assert_int_equal(delay_of(&policy, 0, 10001), 0);
	delay_of(&policy, 0, 1);
	policy_forget(&policy);
	assert_int_equal(delay_of(&policy, 0, 1), 0);
}

static void
gives_up(void **state)
{
	struct policy policy = make(0, 0, 3, 1000);
	int64_t ms;

	(void)state;
	/* Three in a second are borne, for ever. */
	for (int i = 0; i < 50; i++)
		delay_of(&policy, i * 334, 99999);
	policy_forget(&policy);
	delay_of(&policy, 20000, 0);
	delay_of(&policy, 20500, 0);
	delay_of(&policy, 20900, 0);
	assert_int_equal(policy_end(&policy, 21000, 0, &ms), 0);
	policy_forget(&policy);
	delay_of(&policy, 21000, 0);
	delay_of(&policy, 21000, 0);
	delay_of(&policy, 21000, 0);
	/* A millisecond later the first one is too old. */
	delay_of(&policy, 22001, 0);
	policy_release(&policy);
}

/* Against a list of all ends that is counted anew each time. */
static void
against_a_model(void **state)
{
	int64_t ends[400], now_ms, ms;

	(void)state;
	test_seed();
	for (int round = 0; round < 200; round++) {
		size_t limit = 1 + test_random(6), count = 0, within;
		int64_t window_ms = 1 + (int64_t)test_random(3000);
		struct policy policy = make(0, 0, limit, window_ms);

		for (now_ms = 1000; count < 400;) {
			now_ms += (int64_t)test_random(2000);
			ends[count++] = now_ms;
			within = 0;
			for (size_t i = 0; i < count; i++)
				within += now_ms - ends[i] <= window_ms;
			assert_int_equal(policy_end(&policy, now_ms, 0, &ms),
			    within <= limit);
			if (within > limit)
				break;
		}
		policy_release(&policy);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(doubles),
		cmocka_unit_test(edges_of_backoff),
		cmocka_unit_test(health_resets),
		cmocka_unit_test(gives_up),
		cmocka_unit_test(against_a_model),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
