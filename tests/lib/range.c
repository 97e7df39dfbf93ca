/* SPDX-License-Identifier: ISC */
/*
 * range - what is a threshold, what alerts, how performance data is written.
 */
#include "test.h"

#include <math.h>
#include <sysexits.h>

#include "range.h"

static void
parsed(void **state)
{
	static const struct {
		const char *text;
		enum ha_range_unit unit;
		double start, end;
		int is_inside, is_percent;
	} cases[] = {
		{ "10", HA_RANGE_NUMBER, 0, 10, 0, 0 },
		{ "10:", HA_RANGE_NUMBER, 10, INFINITY, 0, 0 },
		{ ":10", HA_RANGE_NUMBER, 0, 10, 0, 0 },
		{ ":", HA_RANGE_NUMBER, 0, INFINITY, 0, 0 },
		{ "~:10", HA_RANGE_NUMBER, -INFINITY, 10, 0, 0 },
		{ "~:", HA_RANGE_NUMBER, -INFINITY, INFINITY, 0, 0 },
		{ "10:20", HA_RANGE_NUMBER, 10, 20, 0, 0 },
		{ "@10:20", HA_RANGE_NUMBER, 10, 20, 1, 0 },
		{ "@5", HA_RANGE_NUMBER, 0, 5, 1, 0 },
		{ "-5.5:-2", HA_RANGE_NUMBER, -5.5, -2, 0, 0 },
		{ "+1e3:.5e+4", HA_RANGE_NUMBER, 1000, 5000, 0, 0 },
		{ "80%", HA_RANGE_NUMBER, 0, 80, 0, 1 },
		{ "80pct", HA_RANGE_BYTES, 0, 80, 0, 1 },
		{ "@10pct:90%", HA_RANGE_BYTES, 10, 90, 1, 1 },
		{ "~:90%", HA_RANGE_BYTES, -INFINITY, 90, 0, 1 },
		{ "20%:", HA_RANGE_BYTES, 20, INFINITY, 0, 1 },
		{ "500ms", HA_RANGE_SECONDS, 0, 0.5, 0, 0 },
		{ "1.5:2m", HA_RANGE_SECONDS, 1.5, 120, 0, 0 },
		{ "1h:2d", HA_RANGE_SECONDS, 3600, 172800, 0, 0 },
		{ "10s", HA_RANGE_SECONDS, 0, 10, 0, 0 },
		{ "1K:2M", HA_RANGE_BYTES, 1024, 2097152, 0, 0 },
		{ "1G:1T", HA_RANGE_BYTES, 1073741824, 1099511627776, 0, 0 },
		{ "512", HA_RANGE_BYTES, 0, 512, 0, 0 },
	};
	struct ha_range range;
	struct ha_err err;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		if (ha_range_parse(cases[i].text, cases[i].unit, &range, &err))
			fail_msg("%s", err.msg);
		assert_true(range.start == cases[i].start);
		assert_true(range.end == cases[i].end);
		assert_int_equal(range.is_inside, cases[i].is_inside);
		assert_int_equal(range.is_percent, cases[i].is_percent);
	}
}

static void
refused(void **state)
{
	static const char units[] = "only ms, s, m, h or d may follow the "
				    "number";
	static const struct {
		const char *text;
		enum ha_range_unit unit;
		int column;
		const char *why;
	} cases[] = {
		{ "", HA_RANGE_NUMBER, 1, "here is no number" },
		{ "@", HA_RANGE_NUMBER, 2, "here is no number" },
		{ "ten", HA_RANGE_NUMBER, 1, "here is no number" },
		{ " 10", HA_RANGE_NUMBER, 1, "here is no number" },
		{ "inf", HA_RANGE_NUMBER, 1, "here is no number" },
		{ "nan:", HA_RANGE_NUMBER, 1, "here is no number" },
		{ ".", HA_RANGE_NUMBER, 1, "here is no number" },
		{ "1:-", HA_RANGE_NUMBER, 3, "here is no number" },
		{ "--1", HA_RANGE_NUMBER, 1, "here is no number" },
		{ "0x10", HA_RANGE_NUMBER, 2, "only % may follow the number" },
		{ "1,5", HA_RANGE_NUMBER, 2, "only % may follow the number" },
		{ "1e", HA_RANGE_NUMBER, 2, "only % may follow the number" },
		{ "10 ", HA_RANGE_NUMBER, 3, "only % may follow the number" },
		{ "5K", HA_RANGE_NUMBER, 2, "only % may follow the number" },
		{ "10%%", HA_RANGE_NUMBER, 3, "only % may follow the number" },
		{ "1:5x", HA_RANGE_SECONDS, 4, units },
		{ "50%", HA_RANGE_SECONDS, 3, units },
		{ "1KB", HA_RANGE_BYTES, 2,
		    "only K, M, G, T or % may follow the number" },
		{ "~", HA_RANGE_NUMBER, 1, "'~' stands only before a ':'" },
		{ "1:~", HA_RANGE_NUMBER, 3, "'~' stands only before a ':'" },
		{ "~5:10", HA_RANGE_NUMBER, 1, "'~' stands only before a ':'" },
		{ "1:2:3", HA_RANGE_NUMBER, 4, "one ':' is enough" },
		{ "1::", HA_RANGE_NUMBER, 3, "here is no number" },
		{ "@@1", HA_RANGE_NUMBER, 2, "here is no number" },
		{ "1:1e999", HA_RANGE_NUMBER, 3, "the number is too large" },
		{ "9e307T", HA_RANGE_BYTES, 1, "the number is too large" },
	};
	char expected[256];
	struct ha_range range;
	struct ha_err err;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		snprintf(expected, sizeof(expected),
		    "threshold '%s', column %d: %s", cases[i].text,
		    cases[i].column, cases[i].why);
		assert_int_equal(
		    ha_range_parse(cases[i].text, cases[i].unit, &range, &err),
		    -1);
		assert_string_equal(err.msg, expected);
		assert_int_equal(err.status, EX_USAGE);
	}
}

static void
refused_as_a_whole(void **state)
{
	struct ha_range range;
	struct ha_err err;

	(void)state;
	assert_int_equal(
	    ha_range_parse("10:5", HA_RANGE_NUMBER, &range, &err), -1);
	assert_string_equal(
	    err.msg, "threshold '10:5': the start is above the end");
	assert_int_equal(
	    ha_range_parse("-5", HA_RANGE_NUMBER, &range, &err), -1);
	assert_string_equal(
	    err.msg, "threshold '-5': the start is above the end");
	assert_int_equal(
	    ha_range_parse("10:80%", HA_RANGE_NUMBER, &range, &err), -1);
	assert_string_equal(
	    err.msg, "threshold '10:80%': a percentage and a plain number");
	assert_int_equal(err.status, EX_USAGE);
}

static struct ha_range
range_of(const char *text)
{
	struct ha_range range;
	struct ha_err err;

	if (ha_range_parse(text, HA_RANGE_BYTES, &range, &err))
		fail_msg("%s", err.msg);
	return range;
}

static void
alerts(void **state)
{
	static const struct {
		const char *text;
		double value;
		int alerts;
	} cases[] = {
		{ "10", 10, 0 },
		{ "10", 10.001, 1 },
		{ "10", 0, 0 },
		{ "10", -0.1, 1 },
		{ "10:", 10, 0 },
		{ "10:", 9.9, 1 },
		{ "10:", 1e300, 0 },
		{ "~:10", -1e300, 0 },
		{ "~:10", 11, 1 },
		{ "10:20", 15, 0 },
		{ "10:20", 21, 1 },
		{ "@10:20", 10, 1 },
		{ "@10:20", 20, 1 },
		{ "@10:20", 9, 0 },
		{ "~:", 5, 0 },
		{ "10", NAN, 1 },
		{ "@10", NAN, 0 },
	};
	struct ha_range range;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		range = range_of(cases[i].text);
		assert_int_equal(
		    ha_range_alerts(&range, cases[i].value), cases[i].alerts);
	}
}

static struct ha_thresholds
thresholds_of(const char *warn, const char *crit)
{
	struct ha_thresholds thresholds = { 0 };

	thresholds.has_warn = warn != NULL;
	thresholds.has_crit = crit != NULL;
	if (warn)
		thresholds.warn = range_of(warn);
	if (crit)
		thresholds.crit = range_of(crit);
	return thresholds;
}

static void
judged(void **state)
{
	static const struct {
		const char *warn, *crit;
		double value, whole;
		enum ha_status_state state;
	} cases[] = {
		{ NULL, NULL, 5, 0, HA_STATUS_OK },
		{ "10", "20", 5, 0, HA_STATUS_OK },
		{ "10", "20", 15, 0, HA_STATUS_WARN },
		{ "10", "20", 25, 0, HA_STATUS_CRIT },
		{ NULL, "20", 15, 0, HA_STATUS_OK },
		{ "10", NULL, 25, 0, HA_STATUS_WARN },
		{ "80%", "90%", 80, 100, HA_STATUS_OK },
		{ "80%", "90%", 81, 100, HA_STATUS_WARN },
		{ "80%", "90%", 950, 1000, HA_STATUS_CRIT },
		{ "20%:", "10%:", 1, 100, HA_STATUS_CRIT },
		{ "20%:", "10%:", 1, 0, HA_STATUS_OK },
		{ "20%:", "10", 11, 0, HA_STATUS_CRIT },
		{ "10", "20", NAN, 0, HA_STATUS_UNKNOWN },
	};
	struct ha_thresholds thresholds;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		thresholds = thresholds_of(cases[i].warn, cases[i].crit);
		assert_int_equal(ha_thresholds_judge(&thresholds,
				     cases[i].value, cases[i].whole),
		    cases[i].state);
	}
}

static void
ranges_are_written_as_they_were(void **state)
{
	static const char *const same[] = { "10", "10:", "0:", "~:10",
		"~:", "10:20", "@10:20", "@5", "-5.5:-2", "0.001",
		"1073741824" };
	struct ha_buf text = HA_BUF_INIT;
	struct ha_range range;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(same) / sizeof(same[0]); i++) {
		range = range_of(same[i]);
		ha_buf_reset(&text);
		ha_range_add(&text, &range);
		assert_string_equal(text.data, same[i]);
	}
	ha_buf_release(&text);
}

static void
numbers(void **state)
{
	static const struct {
		double value;
		const char *text;
	} cases[] = {
		{ 0, "v=0" },
		{ -0.0, "v=0" },
		{ 13421772800.0, "v=13421772800" },
		{ 1125899906842624.0, "v=1125899906842624" },
		{ 1e300, "v=1e+300" },
		{ 0.012, "v=0.012" },
		{ 0.1, "v=0.1" },
		{ 100, "v=100" },
		{ 1.0 / 3, "v=0.333333" },
		{ 12345.678, "v=12345.7" },
		{ 1234567.8, "v=1234568" },
		{ 99.9999999, "v=100" },
		{ 0.00012345678, "v=0.000123457" },
		{ -1e-12, "v=0" },
		{ -2.5, "v=-2.5" },
		{ NAN, "v=U" },
		{ INFINITY, "v=U" },
	};
	struct ha_perf item = {
		.label = "v", .unit = "", .min = NAN, .max = NAN
	};
	struct ha_buf perf = HA_BUF_INIT;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		ha_buf_reset(&perf);
		item.value = cases[i].value;
		ha_perf_add(&perf, &item);
		assert_string_equal(perf.data, cases[i].text);
	}
	ha_buf_release(&perf);
}

static void
perf(void **state)
{
	struct ha_thresholds limits = thresholds_of("80%", "@90%:95%");
	struct ha_thresholds warn = thresholds_of("10:", NULL);
	struct ha_thresholds crit = thresholds_of(NULL, "5");
	const struct ha_perf items[] = {
		{ "/", 50, "B", &limits, 200, 0, 200 },
		{ "load", 1.5, "", &warn, 0, NAN, NAN },
		{ "time", 0.031, "s", &crit, 0, 0, NAN },
		{ "n", 3, "c", NULL, 0, NAN, NAN },
		{ "nothing", 3, "", &limits, 0, NAN, 7 },
	};
	struct ha_buf text = HA_BUF_INIT;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(items) / sizeof(items[0]); i++)
		ha_perf_add(&text, &items[i]);
	assert_string_equal(text.data,
	    "/=50B;160;@180:190;0;200 load=1.5;10: time=0.031s;;5;0 n=3c "
	    "nothing=3;;;;7");
	ha_buf_release(&text);
}

static void
labels(void **state)
{
	static const char *const cases[][2] = {
		{ "a b", "'a b'=1" },
		{ "a=b", "'a=b'=1" },
		{ "it's", "'it''s'=1" },
		{ "", "''=1" },
		{ "a|b\n\x7f", "a_b__=1" },
		{ "C:\\", "C:\\=1" },
	};
	struct ha_perf item = {
		.value = 1, .unit = "", .min = NAN, .max = NAN
	};
	struct ha_buf text = HA_BUF_INIT;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		ha_buf_reset(&text);
		item.label = cases[i][0];
		ha_perf_add(&text, &item);
		assert_string_equal(text.data, cases[i][1]);
	}
	ha_buf_release(&text);
}

static void
perf_is_read(void **state)
{
	static const struct {
		const char *perf, *items; /* "label|number|unit|data" each */
	} cases[] = {
		{ "", "" },
		{ "  ", "" },
		{ "a=1", "a|1||1 " },
		{ " a=1s;2;3  b=-.5%;;;0 ", "a|1|s|1s;2;3 b|-.5|%|-.5%;;;0 " },
		{ "'a b'=1 'it''s'=2 'x=y'=3B",
		    "a b|1||1 it's|2||2 x=y|3|B|3B " },
		{ "a=U b=U;1;2 c=", "a|||U b|||U;1;2 c||| " },
		{ "a=nan b=0x10 c=1e3s", "a|||nan b|0|x10|0x10 c|1e3|s|1e3s " },
		{ "word =1 'open a=1", "a|1||1 " },
		{ "x 'a'b=1 c=2", "c|2||2 " },
		{ "''=1", "|1||1 " },
	};
	struct ha_buf label = HA_BUF_INIT, seen = HA_BUF_INIT;
	struct ha_perf_text text;
	const char *perf;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		ha_buf_reset(&seen);
		perf = cases[i].perf;
		while (ha_perf_next(&perf, &label, &text))
			ha_buf_addf(&seen, "%s|%.*s|%.*s|%.*s ", label.data,
			    (int)text.number_len, text.data, (int)text.unit_len,
			    text.data + text.number_len, (int)text.len,
			    text.data);
		assert_string_equal(seen.data, cases[i].items);
	}
	ha_buf_release(&label);
	ha_buf_release(&seen);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(parsed),
		cmocka_unit_test(refused),
		cmocka_unit_test(refused_as_a_whole),
		cmocka_unit_test(alerts),
		cmocka_unit_test(judged),
		cmocka_unit_test(ranges_are_written_as_they_were),
		cmocka_unit_test(numbers),
		cmocka_unit_test(perf),
		cmocka_unit_test(labels),
		cmocka_unit_test(perf_is_read),
	};

	return cmocka_run_group_tests_name("range", tests, NULL, NULL);
}
