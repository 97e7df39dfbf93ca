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
	struct ha_status status = { NULL, text, text, text, HA_STATUS_CRIT,
		1e300, text, text, text };
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

static void
decoded(void **state)
{
	char line[] = "2026-11-23T00:50:01.250Z\tweb1\t-\tweb-a\tCRIT\t"
		      "5000.1\thttp://h/\tno\\tanswer\ttime=5s\tlater\n";
	struct ha_buf again = HA_BUF_INIT;
	struct ha_status status;
	struct ha_err err;

	(void)state;
	line[strlen(line) - 1] = '\0';
	assert_int_equal(ha_status_decode(line, &status, &err), 0);
	assert_string_equal(status.time, "2026-11-23T00:50:01.250Z");
	assert_string_equal(status.host, "");
	assert_string_equal(status.msg, "no\tanswer");
	assert_int_equal(status.state, HA_STATUS_CRIT);
	ha_status_encode(&again, &status);
	assert_string_equal(again.data,
	    "2026-11-23T00:50:01.250Z\tweb1\t-\tweb-a\tCRIT\t5000.1\t"
	    "http://h/\tno\\tanswer\ttime=5s\n");
	ha_buf_release(&again);
}

static void
not_decoded(void **state)
{
	static const struct {
		const char *line, *why;
	} bad[] = {
		{ "", "1 field where" },
		{ "x\ta\tb\tc\tOK\t1\t-\t-\t-", "'x' is no time" },
		{ "2026-02-30T00:00:00Z\ta\tb\tc\tOK\t1\t-\t-\t-",
		    "no such day" },
		{ "2026-02-01T00:00:00Z\ta\tb\tc\tok\t1\t-\t-\t-",
		    "'ok' is no state" },
		{ "2026-02-01T00:00:00Z\ta\tb\tc\tOK\tnan\t-\t-\t-",
		    "no duration" },
		{ "2026-02-01T00:00:00Z\ta\tb\t-\tOK\t1\t-\t-\t-", "no name" },
		{ "2026-02-01T00:00:00Z\ta\tb\tc\tOK\t1\t-\t\\0000\t-", "NUL" },
		{ "2026-02-01T00:00:00Z\ta\tb\tc\tOK\t1\t-\t\\q\t-",
		    "bad escape" },
	};
	struct ha_status status;
	struct ha_err err;
	char line[128];

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		snprintf(line, sizeof(line), "%s", bad[i].line);
		assert_int_equal(ha_status_decode(line, &status, &err), -1);
		assert_int_equal(err.status, EX_DATAERR);
		if (!strstr(err.msg, bad[i].why))
			fail_msg("'%s' says %s", bad[i].line, err.msg);
	}
}

static void
matching(void **state)
{
	(void)state;
	assert_true(ha_status_matches("db*", "h", "db1"));
	assert_true(ha_status_matches("*@h", "h", "db1"));
	assert_true(ha_status_matches("db1@-", "", "db1"));
	assert_true(ha_status_matches("disk:*", "h", "disk:/srv/www"));
	assert_false(ha_status_matches("db1", "h", "db10"));
	assert_false(ha_status_matches("db1@h", "other", "db1"));
}

static void
frames_decoded(void **state)
{
	char begin[] = "#begin\tname=ha-probe\tid=7-1\tlater=x";
	char end[] = "#end\tid=7-1\tn=12\tworst=CRIT\tquiet=1";
	char other[] = "# a comment";
	char bad[] = "#end\tid=7-1\tn=-1\tworst=OK";
	struct ha_status_frame frame;
	struct ha_err err;

	(void)state;
	assert_int_equal(ha_status_frame_decode(begin, &frame, &err), 0);
	assert_int_equal(frame.kind, HA_STATUS_BEGIN);
	assert_string_equal(frame.name, "ha-probe");
	assert_int_equal(ha_status_frame_decode(end, &frame, &err), 0);
	assert_int_equal(frame.kind, HA_STATUS_END);
	assert_string_equal(frame.id, "7-1");
	assert_int_equal(frame.n, 12);
	assert_int_equal(frame.worst, HA_STATUS_CRIT);
	assert_int_equal(frame.is_quiet, 1);
	assert_int_equal(ha_status_frame_decode(other, &frame, &err), 0);
	assert_int_equal(frame.kind, HA_STATUS_NO_FRAME);
	assert_int_equal(ha_status_frame_decode(bad, &frame, &err), -1);
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
		cmocka_unit_test(decoded),
		cmocka_unit_test(not_decoded),
		cmocka_unit_test(matching),
		cmocka_unit_test(frames_decoded),
	};

	return cmocka_run_group_tests_name("status", tests, NULL, NULL);
}
