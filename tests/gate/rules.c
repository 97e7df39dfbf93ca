/* SPDX-License-Identifier: ISC */
/* rules - what holds of which check, and what is no rule. */
#include "test.h"

#include "fs.h"
#include "rules.h"

static struct rules *
read_rules(const char *text, struct ha_err *err)
{
	struct rules_of options;
	struct rules *rules;

	rules_set_defaults(&options);
	rules = rules_new(&options);
	assert_int_equal(ha_fs_replace("f", text, strlen(text), 0644, err), 0);
	if (rules_read(rules, "f", err) == 0)
		return rules;
	rules_free(rules);
	return NULL;
}

static void
what_a_later_line_says_counts(void **state)
{
	const struct rules_of *of, *same;
	struct rules *rules;
	struct ha_err err;

	(void)state;
	rules = read_rules("web* down-warn=4 down=2/3 up=2 dep=r1\n"
			   "web-a remind=2h dep=r2 dep=r1 stale=1h\n"
			   "*@h2 flap=3/10m stale=auto down=5\n"
			   "sweep:q down=3\n",
	    &err);
	assert_non_null(rules);
	of = rules_for(rules, "h1", "other");
	assert_int_equal(of->judge.up, 1);
	assert_int_equal(of->remind_ms, 3600000);
	assert_int_equal(of->stale_ms, RULES_STALE_AUTO);
	of = rules_for(rules, "h1", "web-a");
	assert_int_equal(of->judge.up, 2);
	assert_int_equal(of->judge.down[HA_STATUS_WARN].n, 4);
	assert_int_equal(of->judge.down[HA_STATUS_WARN].m, 4);
	assert_int_equal(of->judge.down[HA_STATUS_CRIT].n, 2);
	assert_int_equal(of->judge.down[HA_STATUS_UNKNOWN].m, 3);
	assert_int_equal(of->remind_ms, 7200000);
	assert_int_equal(of->stale_ms, 3600000);
	assert_int_equal(of->dep_count, 3);
	assert_string_equal(rules_dep(rules, of->deps[1]), "r2");
	assert_int_equal(rules_dep_count(rules), 2);
	same = rules_for(rules, "", "web-a");
	assert_ptr_equal(of, same);
	of = rules_for(rules, "h2", "web-b");
	assert_int_equal(of->judge.down[HA_STATUS_WARN].n, 5);
	assert_int_equal(of->flap_n, 3);
	assert_int_equal(of->flap_ms, 600000);
	assert_int_equal(of->dep_count, 1);
	/* A sweep: only what names it. */
	of = rules_for(rules, "h2", "sweep:p");
	assert_int_equal(of->judge.down[HA_STATUS_CRIT].n, 1);
	assert_int_equal(of->flap_n, 3);
	of = rules_for(rules, "h2", "sweep:q");
	assert_int_equal(of->judge.down[HA_STATUS_CRIT].n, 3);
	rules_forget(rules);
	assert_int_equal(rules_for(rules, "h1", "web-a")->dep_count, 3);
	rules_free(rules);
}

static void
what_is_no_rule(void **state)
{
	static const struct {
		const char *line, *why;
	} bad[] = {
		{ "web", "f:1:1: nothing is said of 'web'" },
		{ "web down", "f:1:5: 'down' is no KEY=VALUE" },
		{ "web dwon=1", "f:1:5: 'dwon' is none of" },
		{ "web dep=", "f:1:9: dep= names no check" },
		{ "web down=0", "f:1:10: '0' is neither N nor N/M" },
		{ "web down=3/2", "'3/2': 3 of 2 can't be" },
		{ "web down=2/65", "is neither N nor N/M" },
		{ "web down=2/3/4", "is neither N nor N/M" },
		{ "web up=2/3", "are one number" },
		{ "web up=0", "f:1:8: " },
		{ "web flap=1/30m", "is not as in 5/30m" },
		{ "web flap=21/30m", "is not as in 5/30m" },
		{ "web flap=5", "is not as in 5/30m" },
		{ "web flap=5/0", "no time for a change" },
		{ "web flap=5/x", "is no duration" },
		{ "web remind=x", "f:1:12: 'x' is no duration" },
		{ "web stale=x", "is no duration" },
		{ "web stale='1h", "quote" },
	};
	struct ha_err err;

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		char *line = strdup(bad[i].line);

		assert_null(read_rules(line, &err));
		assert_int_equal(err.status, EX_CONFIG);
		if (strstr(err.msg, bad[i].why) == NULL)
			fail_msg("'%s' says %s", line, err.msg);
		free(line);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		test_in_folder(what_a_later_line_says_counts),
		test_in_folder(what_is_no_rule),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
