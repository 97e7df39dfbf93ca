/* SPDX-License-Identifier: ISC */
/*
 * status - nine fields in at most one atomic write, frames, the worse state.
 */
#include "test.h"

#include <jansson.h>
#include <limits.h>
#include <math.h>

#include "rec.h"
#include "status.h"

static struct ha_status
sample(void)
{
	return (struct ha_status){ .by = "web1",
		.host = "web2",
		.check = "tcp",
		.state = HA_STATUS_WARN,
		.ms = 12.345,
		.target = "web2:80",
		.msg = "slow\tanswer",
		.perf = "time=0.012s" };
}

static void
layout(void **state)
{
	struct ha_status status = sample();
	struct ha_buf line = HA_BUF_INIT;

	(void)state;
	ha_status_encode(&line, &status);
	assert_string_equal(strchr(line.data, '\t'),
	    "\tweb1\tweb2\ttcp\tWARN\t12.3\tweb2:80\tslow\\tanswer\t"
	    "time=0.012s\n");
	status.host = "";
	status.perf = "";
	status.ms = NAN;
	ha_buf_reset(&line);
	ha_status_encode(&line, &status);
	assert_string_equal(strchr(line.data, '\t'),
	    "\tweb1\t-\ttcp\tWARN\t0.0\tweb2:80\tslow\\tanswer\t-\n");
	ha_buf_release(&line);
}

static void
by_is_this_host(void **state)
{
	char name[HOST_NAME_MAX + 1], expected[HOST_NAME_MAX + 8];
	struct ha_status status = sample();
	struct ha_buf line = HA_BUF_INIT;

	(void)state;
	status.by = NULL;
	assert_int_equal(gethostname(name, sizeof(name)), 0);
	snprintf(expected, sizeof(expected), "\t%s\tweb2\t", name);
	ha_status_encode(&line, &status);
	assert_non_null(strstr(line.data, expected));
	ha_buf_release(&line);
}

static void
json(void **state)
{
	struct ha_status status = sample();
	struct ha_buf line = HA_BUF_INIT;
	json_t *value;

	(void)state;
	ha_status_encode_json(&line, &status);
	value = json_loads(line.data, 0, NULL);
	assert_non_null(value);
	assert_int_equal(json_object_size(value), 9);
	assert_string_equal(
	    json_string_value(json_object_get(value, "msg")), "slow\tanswer");
	assert_string_equal(
	    json_string_value(json_object_get(value, "state")), "WARN");
	json_decref(value);
	ha_buf_release(&line);
}

static char *
repeated(const char *unit, size_t n)
{
	struct ha_buf text = HA_BUF_INIT;

	while (n--)
		ha_buf_add_str(&text, unit);
	return ha_buf_detach(&text);
}

static size_t
check_fields(char *line, char *fields[10])
{
	struct ha_err err;
	size_t i, len, n = ha_rec_split(line, fields, 10);

	for (i = 0; i < n; i++)
		assert_int_equal(ha_rec_unescape(fields[i], &len, &err), 0);
	return n;
}

static void
long_texts_are_cut(void **state)
{
	static const char *const units[] = { "x", "\xc3\xa4", "\x01", "\\",
		"\xf0\x9f\x98\x80" };
	struct ha_status status = sample();
	struct ha_buf line = HA_BUF_INIT;
	char *fields[10];
	char *text;
	size_t i, n, unit;

	(void)state;
	for (i = 0; i < sizeof(units) / sizeof(units[0]); i++)
		for (n = 500; n < 6000; n += 499) {
			unit = strlen(units[i]);
			text = repeated(units[i], n);
			status.msg = text;
			ha_buf_reset(&line);
			ha_status_encode(&line, &status);
			assert_true(line.len <= HA_STATUS_MAX);
			ha_buf_truncate(&line, line.len - 1);
			assert_int_equal(check_fields(line.data, fields), 9);
			assert_int_equal(strlen(fields[7]) % unit, 0);
			assert_string_equal(fields[8], "time=0.012s");
			ha_buf_reset(&line);
			ha_status_encode_json(&line, &status);
			assert_true(line.len <= HA_STATUS_MAX);
			assert_int_equal(line.data[line.len - 1], '\n');
			free(text);
		}
	ha_buf_release(&line);
}

static void
perf_loses_whole_words(void **state)
{
	struct ha_status status = sample();
	struct ha_buf line = HA_BUF_INIT;
	char *perf = repeated("time=12345s ", 500);
	char *fields[10];

	(void)state;
	status.perf = perf;
	ha_status_encode(&line, &status);
	assert_true(line.len <= HA_STATUS_MAX);
	ha_buf_truncate(&line, line.len - 1);
	assert_int_equal(check_fields(line.data, fields), 9);
	assert_string_equal(fields[7], "");
	assert_string_equal(fields[8] + strlen(fields[8]) - 6, "12345s");
	free(perf);
	ha_buf_release(&line);
}

static void
anything_fits(void **state)
{
	char *text = repeated("\x02", 5000);
	struct ha_status status = { text, text, text, HA_STATUS_CRIT, 1e300,
		text, text, text };
	struct ha_buf line = HA_BUF_INIT;
	char *fields[10];

	(void)state;
	ha_status_encode_json(&line, &status);
	assert_true(line.len <= HA_STATUS_MAX);
	ha_buf_reset(&line);
	ha_status_encode(&line, &status);
	assert_true(line.len <= HA_STATUS_MAX);
	ha_buf_truncate(&line, line.len - 1);
	assert_int_equal(check_fields(line.data, fields), 9);
	assert_true(strlen(fields[2]) > 0);
	status.reserved = 300;
	ha_buf_reset(&line);
	ha_status_encode(&line, &status);
	assert_in_range(line.len, 3000, HA_STATUS_MAX - 300);
	ha_buf_reset(&line);
	ha_status_encode_json(&line, &status);
	assert_in_range(line.len, 3000, HA_STATUS_MAX - 300);
	free(text);
	ha_buf_release(&line);
}

static void
worse(void **state)
{
	static const enum ha_status_state order[] = { HA_STATUS_OK,
		HA_STATUS_WARN, HA_STATUS_UNKNOWN, HA_STATUS_CRIT };
	size_t a, b;

	(void)state;
	for (a = 0; a < 4; a++)
		for (b = 0; b < 4; b++)
			assert_int_equal(ha_status_worse(order[a], order[b]),
			    order[a > b ? a : b]);
	assert_string_equal(ha_status_name(HA_STATUS_UNKNOWN), "UNKNOWN");
}

static void
frames(void **state)
{
	struct ha_buf line = HA_BUF_INIT;

	(void)state;
	ha_status_begin(&line, "ha-probe", "1-2", 0);
	ha_status_end(&line, "1-2", 0, HA_STATUS_UNKNOWN, 0, 0);
	assert_string_equal(line.data, "#begin\tname=ha-probe\tid=1-2\n"
				       "#end\tid=1-2\tn=0\tworst=UNKNOWN\n");
	ha_buf_reset(&line);
	ha_status_begin(&line, "ha-probe", "1-2", 1);
	ha_status_end(&line, "1-2", 3, HA_STATUS_CRIT, 0, 1);
	assert_string_equal(line.data,
	    "{\"record\":\"begin\",\"name\":\"ha-probe\",\"id\":\"1-2\"}\n"
	    "{\"record\":\"end\",\"id\":\"1-2\",\"n\":3,"
	    "\"worst\":\"CRIT\"}\n");
	ha_buf_release(&line);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(layout),
		cmocka_unit_test(by_is_this_host),
		cmocka_unit_test(json),
		cmocka_unit_test(long_texts_are_cut),
		cmocka_unit_test(perf_loses_whole_words),
		cmocka_unit_test(anything_fits),
		cmocka_unit_test(worse),
		cmocka_unit_test(frames),
	};

	return cmocka_run_group_tests_name("status", tests, NULL, NULL);
}
