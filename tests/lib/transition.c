/* SPDX-License-Identifier: ISC */
/*
 * transition - there and back, incidents of the same name, what is refused.
 */
#include "test.h"

#include <jansson.h>

#include "transition.h"

#define LINE                                                                   \
	"worse\t20261123T0050Z-0123456789abcdef\t2026-11-23T00:50:01.250Z\t"   \
	"WARN\t2026-11-23T00:55:00.000Z\tweb1\tweb2\tdisk:/\tCRIT\t1.0\t/\t"   \
	"97% used\tused=97%"

static void
there_and_back(void **state)
{
	struct ha_transition transition;
	struct ha_buf again = HA_BUF_INIT;
	char line[] = LINE;
	struct ha_err err;
	json_t *json;

	(void)state;
	assert_int_equal(ha_transition_decode(line, &transition, &err), 0);
	assert_int_equal(transition.event, HA_TRANSITION_WORSE);
	assert_int_equal(transition.old_state, HA_STATUS_WARN);
	assert_string_equal(transition.status.check, "disk:/");
	ha_transition_encode(&again, &transition);
	assert_string_equal(again.data, LINE "\n");
	ha_buf_reset(&again);
	ha_transition_encode_json(&again, &transition);
	json = json_loads(again.data, 0, NULL);
	assert_non_null(json);
	assert_string_equal(
	    json_string_value(json_object_get(json, "event")), "worse");
	assert_string_equal(
	    json_string_value(json_object_get(json, "state")), "CRIT");
	json_decref(json);
	ha_buf_release(&again);
}

static void
at_most_a_pipe_takes(void **state)
{
	static char msg[10000];
	struct ha_transition transition;
	struct ha_buf line = HA_BUF_INIT;
	char original[] = LINE;
	struct ha_err err;

	(void)state;
	memset(msg, 'm', sizeof(msg) - 1);
	assert_int_equal(ha_transition_decode(original, &transition, &err), 0);
	transition.status.msg = msg;
	ha_transition_encode(&line, &transition);
	assert_in_range(line.len, HA_STATUS_MAX - 8, HA_STATUS_MAX);
	ha_buf_reset(&line);
	ha_transition_encode_json(&line, &transition);
	assert_in_range(line.len, HA_STATUS_MAX - 8, HA_STATUS_MAX);
	ha_buf_release(&line);
}

static void
incidents(void **state)
{
	char a[HA_TRANSITION_INCIDENT_SIZE], b[HA_TRANSITION_INCIDENT_SIZE];

	(void)state;
	/* printf 'web2\tdisk:/' | sha256sum */
	ha_transition_incident(a, "web2", "disk:/", INT64_C(1795395001250));
	assert_string_equal(a, "20261123T0050Z-07366f1433f7ca35");
	ha_transition_incident(b, "web2", "disk:/", INT64_C(1795395059999));
	assert_string_equal(a, b);
	ha_transition_incident(b, "web2", "disk:/", INT64_C(1795395060000));
	assert_string_not_equal(a, b);
	ha_transition_incident(b, "web1", "disk:/", INT64_C(1795395001250));
	assert_string_not_equal(a, b);
}

static void
refused(void **state)
{
	static const struct {
		const char *line, *why;
	} bad[] = {
		{ "", "1 field where a transition record has 13" },
		{ "2026-11-23T00:55:00.000Z\tweb1\tweb2\tdisk:/\tCRIT\t1.0\t/\t"
		  "-\t-",
		    "a status record; ha-gate makes" },
		{ "down\ti\t2026-11-23T00:50:01Z\tOK\trest", "is no event" },
		{ "problem\t../x\t2026-11-23T00:50:01Z\tOK\trest",
		    "no incident" },
		{ "problem\ti\tyesterday\tOK\trest", "no time" },
		{ "problem\ti\t2026-11-23T00:50:01Z\tBAD\trest", "no state" },
		{ "problem\ti\t2026-11-23T00:50:01Z\tOK\trest",
		    "1 field where a status record" },
	};
	struct ha_transition transition;
	struct ha_err err;
	char line[256];

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		snprintf(line, sizeof(line), "%s", bad[i].line);
		assert_int_equal(
		    ha_transition_decode(line, &transition, &err), -1);
		assert_int_equal(err.status, EX_DATAERR);
		if (!strstr(err.msg, bad[i].why))
			fail_msg("'%s' says %s", bad[i].line, err.msg);
	}
}

static void
events(void **state)
{
	enum ha_transition_event event;

	(void)state;
	for (int i = 0; i < HA_TRANSITION_EVENTS; i++) {
		const char *name =
		    ha_transition_name((enum ha_transition_event)i);

		assert_int_equal(ha_transition_parse_event(name, &event), 0);
		assert_int_equal(event, i);
	}
	assert_true(ha_transition_is_end(HA_TRANSITION_REMOVED));
	assert_false(ha_transition_is_end(HA_TRANSITION_BETTER));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(there_and_back),
		cmocka_unit_test(at_most_a_pipe_takes),
		cmocka_unit_test(incidents),
		cmocka_unit_test(refused),
		cmocka_unit_test(events),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
