/* SPDX-License-Identifier: ISC */
/* judge - results in, levels out. */
#include "test.h"

#include "judge.h"

static const char letters[] = "OWCU";

static enum ha_status_state
state_of(char letter)
{
	return (enum ha_status_state)(strchr(letters, letter) - letters);
}

static struct judge_conf
conf_of(const char *warn, const char *crit, unsigned up)
{
	struct judge_conf conf = { .up = up };
	struct ha_err err;

	assert_int_equal(
	    judge_parse_rule(warn, &conf.down[HA_STATUS_WARN], &err), 0);
	assert_int_equal(
	    judge_parse_rule(crit, &conf.down[HA_STATUS_CRIT], &err), 0);
	conf.down[HA_STATUS_UNKNOWN] = conf.down[HA_STATUS_CRIT];
	return conf;
}

static void
results_and_levels(void **state)
{
	static const struct {
		const char *warn, *crit;
		unsigned up;
		const char *results, *levels;
	} table[] = {
		{ "1", "1", 1, "OWCUO", "OWCUO" },
		{ "1", "1", 1, "UCUWO", "UCUWO" },
		{ "2/3", "2/3", 1, "COCOOC", "OOCOOO" },
		{ "2/3", "2/3", 1, "CCOCC", "OCOOC" },
		{ "2/3", "2/3", 2, "OCOCOCOOC", "OOOCCCCOO" },
		/* A CRIT counts for WARN and UNKNOWN, too. */
		{ "2/3", "2/3", 1, "OCWC", "OOWC" },
		{ "2/3", "2/3", 1, "OUC", "OOU" },
		{ "2/3", "2/3", 1, "OCU", "OOU" },
		{ "2/3", "2/3", 1, "OWU", "OOW" },
		{ "3", "1", 1, "WWWC", "OOWC" },
		{ "3", "1", 1, "WCO", "OCO" },
		{ "1", "3", 1, "CCCO", "WWCO" },
		{ "1", "2/2", 2, "UUWO", "WUUW" },
		/* It gets better to the worst of the last. */
		{ "1", "1", 3, "COWOOOO", "CCCWWOO" },
		{ "1", "1", 2, "CWWOO", "CCWWO" },
		/* UNKNOWN is better than CRIT, and worse than WARN. */
		{ "1", "1", 2, "CUUWW", "CCUUW" },
		/* What was before it got better counts no more. */
		{ "3/5", "3/5", 1, "CCCOCC", "OOCOOO" },
		{ "3/5", "3/5", 1, "CCCOCCC", "OOCOOOC" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		struct judge_conf conf =
		    conf_of(table[i].warn, table[i].crit, table[i].up);
		enum ha_status_state level = HA_STATUS_OK;
		struct judge_window window = { .len = 0 };
		char levels[16] = "";

		for (size_t j = 0; table[i].results[j] != '\0'; j++) {
			level = judge_add(&window,
			    state_of(table[i].results[j]), level, &conf);
			levels[j] = letters[level];
		}
		printf("# %s %s %u %s\n", table[i].warn, table[i].crit,
		    table[i].up, table[i].results);
		assert_string_equal(levels, table[i].levels);
	}
}

/* Whatever the rules are, a level is told no later than they say. */
static void
always_in_time(void **state)
{
	(void)state;
	test_seed();
	for (int round = 0; round < 20000; round++) {
		unsigned m = 1 + (unsigned)test_random(JUDGE_WINDOW);
		unsigned n = 1 + (unsigned)test_random(m);
		struct judge_conf conf = { .up = 1 + (unsigned)test_random(
							 JUDGE_WINDOW) };
		struct judge_window window = { .len = 0 };
		enum ha_status_state level = HA_STATUS_OK;
		unsigned bad = 0, good = 0;

		for (int i = HA_STATUS_WARN; i <= HA_STATUS_UNKNOWN; i++)
			conf.down[i] = (struct judge_rule){ n, m };
		for (int i = 0; i < 200; i++) {
			enum ha_status_state result =
			    test_random(3) == 0 ? HA_STATUS_OK : HA_STATUS_CRIT;

			level = judge_add(&window, result, level, &conf);
			good = result == HA_STATUS_OK ? good + 1 : 0;
			bad = result == HA_STATUS_OK ? 0 : bad + 1;
			assert_true(window.len <= JUDGE_WINDOW);
			if (bad >= n)
				assert_int_equal(level, HA_STATUS_CRIT);
			if (good >= conf.up)
				assert_int_equal(level, HA_STATUS_OK);
		}
	}
}

static void
rules(void **state)
{
	static const struct {
		const char *text;
		unsigned n, m; /* 0: it is none */
	} table[] = {
		{ "1", 1, 1 },
		{ "2/3", 2, 3 },
		{ "64", 64, 64 },
		{ "1/64", 1, 64 },
		{ "", 0, 0 },
		{ "0", 0, 0 },
		{ "0/3", 0, 0 },
		{ "3/2", 0, 0 },
		{ "65", 0, 0 },
		{ "1/65", 0, 0 },
		{ "99999999999999999999", 0, 0 },
		{ "2/", 0, 0 },
		{ "/2", 0, 0 },
		{ "2/3/4", 0, 0 },
		{ "-1", 0, 0 },
		{ " 1", 0, 0 },
		{ "2 of 3", 0, 0 },
		{ "1.5", 0, 0 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		struct judge_rule rule = { 0, 0 };
		struct ha_err err;
		int rc = judge_parse_rule(table[i].text, &rule, &err);

		printf("# '%s'\n", table[i].text);
		if (table[i].n == 0) {
			assert_int_equal(rc, -1);
			assert_int_equal(err.status, EX_USAGE);
			continue;
		}
		assert_int_equal(rc, 0);
		assert_int_equal(rule.n, table[i].n);
		assert_int_equal(rule.m, table[i].m);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(results_and_levels),
		cmocka_unit_test(always_in_time),
		cmocka_unit_test(rules),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
