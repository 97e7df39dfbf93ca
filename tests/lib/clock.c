/* SPDX-License-Identifier: ISC */
/*
 * clock - durations as people write them, deadlines, time stamps.
 */
#include "test.h"

#include "clock.h"

static void
durations(void **state)
{
	static const struct {
		const char *text;
		int64_t ms;
	} good[] = {
		{ "0", 0 },
		{ "5", 5000 },
		{ "5s", 5000 },
		{ "500ms", 500 },
		{ "1.5", 1500 },
		{ "0.25s", 250 },
		{ "2m", 120000 },
		{ "1.5h", 5400000 },
		{ "1d", 86400000 },
		{ "0.1ms", 1 },
		{ "0.0000000001s", 0 },
		{ "007s", 7000 },
	};
	struct ha_err err;
	int64_t ms;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		ms = -1;
		assert_int_equal(ha_clock_parse_ms(good[i].text, &ms, &err), 0);
		assert_int_equal(ms, good[i].ms);
	}
}

static void
no_durations(void **state)
{
	static const char *const bad[] = { "", "s", "-1", "+1", " 1", "1 s",
		"1.", ".5", "1x", "1ss", "1e3", "0x10", "1.2.3", "1,5",
		"99999999999999999999", "106751991167d", "9223372036854775807",
		"9223372036854775807ms" };
	struct ha_err err;
	int64_t ms = 42;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		err.status = 0;
		assert_int_equal(ha_clock_parse_ms(bad[i], &ms, &err), -1);
		assert_int_equal(err.status, EX_USAGE);
		assert_non_null(strstr(err.msg, bad[i]));
	}
	assert_int_equal(ms, 42);
}

static void
deadlines(void **state)
{
	int64_t now = ha_clock_now_ns();
	int ms;

	(void)state;
	assert_int_equal(ha_clock_deadline(-1), HA_CLOCK_NEVER);
	assert_int_equal(ha_clock_deadline(INT64_MAX), HA_CLOCK_NEVER);
	assert_int_equal(ha_clock_poll_ms(HA_CLOCK_NEVER), -1);
	assert_int_equal(ha_clock_poll_ms(0), 0);
	assert_int_equal(ha_clock_poll_ms(now), 0);
	assert_int_equal(ha_clock_poll_ms(INT64_MAX - 1), INT32_MAX);
	ms = ha_clock_poll_ms(ha_clock_deadline(60000));
	assert_in_range(ms, 1, 60000);
	/* A sliver is waited for, not spun through. */
	assert_int_equal(
	    ha_clock_poll_ms(ha_clock_now_ns() + 100 * HA_MS_NS - 1) > 0, 1);
}

static void
time_stamp(void **state)
{
	char out[HA_CLOCK_RFC3339_SIZE];
	const char *shape = "dddd-dd-ddTdd:dd:dd.dddZ";
	size_t i;

	(void)state;
	ha_clock_rfc3339(out);
	assert_int_equal(strlen(out), strlen(shape));
	for (i = 0; shape[i]; i++)
		if (shape[i] == 'd')
			assert_in_range(out[i], '0', '9');
		else
			assert_int_equal(out[i], shape[i]);
}

static void
words(void **state)
{
	static const struct {
		int64_t ms;
		const char *text;
	} cases[] = {
		{ 0, "0 ms" },
		{ 350, "350 ms" },
		{ 12999, "12 s" },
		{ 60000, "1 m" },
		{ 200000, "3 m 20 s" },
		{ 7500000, "2 h 5 m" },
		{ 86400000, "1 d" },
		{ 90000000, "1 d 1 h" },
	};
	char out[32];
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		ha_clock_words(cases[i].ms, out, sizeof(out));
		assert_string_equal(out, cases[i].text);
	}
}

static void
times_there_and_back(void **state)
{
	static const struct {
		const char *text;
		int64_t ms;
	} good[] = {
		{ "1970-01-01T00:00:00Z", 0 },
		{ "2026-11-23T00:50:01.250Z", INT64_C(1795395000000) + 1250 },
		{ "2026-11-23t08:50:01.2509+08:00",
		    INT64_C(1795395000000) + 1250 },
		{ "2026-11-22 19:50:01.25-05:00",
		    INT64_C(1795395000000) + 1250 },
		{ "2016-12-31T23:59:60Z", INT64_C(1483228799000) },
	};
	static const char *const bad[] = { "", "now", "2026-11-23",
		"2026-13-01T00:00:00Z", "2026-02-29T00:00:00Z",
		"2026-11-23T24:00:00Z", "2026-11-23T00:50:01",
		"2026-11-23T00:50:01.Z", "2026-11-23T00:50:01Zx",
		"2026-11-23T00:50:01+8:00", "1969-12-31T23:59:59Z",
		"1970-01-01T00:00:00+01:00" };
	char text[HA_CLOCK_RFC3339_SIZE];
	struct ha_err err;
	int64_t ms;

	(void)state;
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		assert_int_equal(
		    ha_clock_parse_rfc3339(good[i].text, &ms, &err), 0);
		assert_int_equal(ms, good[i].ms);
	}
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		if (ha_clock_parse_rfc3339(bad[i], &ms, &err) == 0)
			fail_msg("'%s' is taken", bad[i]);
	ha_clock_format_ms(INT64_C(1795395000000) + 1250, text);
	assert_string_equal(text, "2026-11-23T00:50:01.250Z");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(durations),
		cmocka_unit_test(no_durations),
		cmocka_unit_test(deadlines),
		cmocka_unit_test(time_stamp),
		cmocka_unit_test(words),
		cmocka_unit_test(times_there_and_back),
	};

	return cmocka_run_group_tests_name("clock", tests, NULL, NULL);
}
