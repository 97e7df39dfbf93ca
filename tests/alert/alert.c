/* SPDX-License-Identifier: ISC */
/*
 * alert - lines of the spool, and the keys of what is told.
 */
#include "test.h"

#include <ctype.h>

#include "alert.h"
#include "alloc.h"

#define INCIDENT "20261123T0850Z-0123456789abcdef"

static struct alert alerts[4];

/* by: who looked; it must not matter. */
static struct alert *
alert_of(size_t n, const char *event, const char *incident, const char *time,
    const char *by)
{
	char *line =
	    ha_xasprintf("%s\t%s\t2026-11-23T08:50:01Z\tOK\t"
			 "2026-11-23T%sZ\t%s\tweb1\tnginx\tCRIT\t1.0\t-"
			 "\twords \\\\ \\t\t-",
		event, incident, time, by);
	struct ha_err err;

	assert_int_equal(alert_decode(&alerts[n], line, &err), 0);
	assert_string_equal(alerts[n].line, line);
	free(line);
	return &alerts[n];
}

static const char *
key_of(const struct alert_item *items, size_t count, size_t left_out)
{
	static char keys[4][ALERT_KEY_SIZE];
	static size_t next;
	char *key = keys[next++ % 4];
	struct alert_bundle bundle = {
		.items = items, .count = count, .left_out = left_out
	};

	alert_key(key, &bundle);
	for (const char *p = key; *p; p++)
		assert_true(isalnum((unsigned char)*p) || *p == '-');
	return key;
}

static void
release(void)
{
	for (size_t i = 0; i < 4; i++)
		alert_release(&alerts[i]);
}

static void
of_one(void **state)
{
	struct alert *a, *b;
	struct alert_item item;

	(void)state;
	a = alert_of(0, "problem", INCIDENT, "08:51:00", "web2");
	item = (struct alert_item){ a, a, 1 };
	assert_string_equal(key_of(&item, 1, 0), INCIDENT "-problem");
	b = alert_of(1, "problem", INCIDENT, "08:51:07", "web3");
	item = (struct alert_item){ b, b, 1 };
	assert_string_equal(key_of(&item, 1, 0), INCIDENT "-problem");
	release();
	a = alert_of(0, "reminder", INCIDENT, "08:51:00", "web2");
	item = (struct alert_item){ a, a, 1 };
	assert_string_equal(
	    key_of(&item, 1, 0), INCIDENT "-reminder-20261123T0851Z");
	b = alert_of(1, "reminder", "a.b_c:d", "09:51:00", "web2");
	item = (struct alert_item){ b, b, 1 };
	assert_string_equal(
	    key_of(&item, 1, 0), "a-b-c-d-reminder-20261123T0951Z");
	release();
}

static void
of_several(void **state)
{
	struct alert_item items[2], one;
	struct alert *a, *b, *c;

	(void)state;
	a = alert_of(0, "problem", INCIDENT, "08:51:00", "web2");
	b = alert_of(1, "recovery", INCIDENT, "09:02:00", "web2");
	c = alert_of(2, "problem", "other", "09:02:00", "web2");
	one = (struct alert_item){ a, b, 2 };
	assert_string_equal(key_of(&one, 1, 0), INCIDENT "-problem-recovery");
	items[0] = one;
	items[1] = (struct alert_item){ c, c, 1 };
	assert_memory_equal(key_of(items, 2, 0), "bundle-", 7);
	assert_string_equal(key_of(items, 2, 0), key_of(items, 2, 0));
	assert_string_not_equal(key_of(items, 2, 0), key_of(items, 2, 1));
	assert_string_not_equal(key_of(items, 1, 1), key_of(items, 1, 0));
	/* Of the longest incident it is whole, too. */
	release();
	a = alert_of(0, "reminder",
	    "0123456789012345678901234567890123456789012345678901234567890123",
	    "08:51:00", "web2");
	b = alert_of(1, "flapping",
	    "0123456789012345678901234567890123456789012345678901234567890123",
	    "08:52:00", "web2");
	one = (struct alert_item){ a, b, 2 };
	assert_non_null(strstr(key_of(&one, 1, 0), "-20261123T0852Z"));
	release();
}

static void
messages(void **state)
{
	struct ha_buf line = HA_BUF_INIT, again = HA_BUF_INIT;
	struct alert_item item;
	struct alert alert;
	struct ha_err err;

	(void)state;
	alert_encode_message(&line, "web1", "sub\tject", "a\nb\\", 0);
	ha_buf_truncate(&line, line.len - 1);
	assert_int_equal(alert_decode(&alert, line.data, &err), 0);
	assert_true(alert.is_message);
	assert_string_equal(alert.transition.status.msg, "sub\tject");
	assert_string_equal(alert.transition.status.host, "web1");
	assert_string_equal(alert.transition.status.check, "");
	assert_string_equal(alert.body, "a\nb\\");
	assert_true(alert.time_ms == alert.since_ms && alert.time_ms > 0);
	item = (struct alert_item){ &alert, &alert, 1 };
	assert_non_null(strstr(key_of(&item, 1, 0), "-message"));
	alert_encode(&again, &alert);
	ha_buf_truncate(&again, again.len - 1);
	assert_string_equal(again.data, line.data);
	alert_release(&alert);
	ha_buf_reset(&line);
	ha_buf_reset(&again);
	alert_encode_message(&line, "web1", "x", "y", 1);
	alert_encode_message(&again, "web1", "x", "y", 1);
	/* But for the time it is the same, so it has the same key. */
	assert_memory_equal(line.data, again.data, 39);
	ha_buf_reset(&again);
	alert_encode_message(&again, "web1", "x", "y", 0);
	assert_memory_not_equal(line.data, again.data, 39);
	ha_buf_release(&line);
	ha_buf_release(&again);
}

static void
malformed(void **state)
{
	static const char *const lines[] = { "", "message", "message\t",
		"message\ta b\t2026-11-23T08:50:01Z\th\ts\tb",
		"message\tab\t2026-13-23T08:50:01Z\th\ts\tb",
		"message\tab\t2026-11-23T08:50:01Z\th\ts",
		"message\tab\t2026-11-23T08:50:01Z\th\t\\q\tb",
		"message\tab\t2026-11-23T08:50:01Z\th\ts\t\\0000",
		"problem\tab\t2026-11-23T08:50:01Z\tOK",
		"2026-11-23T08:50:01Z\ta\tb\tc\tOK\t1\t-\t-\t-" };
	struct alert alert;
	struct ha_err err;

	(void)state;
	for (size_t i = 0; i < sizeof(lines) / sizeof(*lines); i++) {
		assert_int_equal(alert_decode(&alert, lines[i], &err), -1);
		assert_int_equal(err.status, EX_DATAERR);
		assert_null(alert.line);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(of_one),
		cmocka_unit_test(of_several),
		cmocka_unit_test(messages),
		cmocka_unit_test(malformed),
	};

	return cmocka_run_group_tests_name("alert", tests, NULL, NULL);
}
