/* SPDX-License-Identifier: ISC */
/* check - how a check is written, and what is said of it. */
#include "test.h"

#include <math.h>

#include "check.h"

enum { LEVEL, AGE, WORD, PAUSE, STRICT };

static int
parse_word(struct setting *setting, const char *text, struct ha_err *err)
{
	setting->number = (int64_t)strlen(text);
	return *text ? 0 : ha_err_set(err, EX_USAGE, 0, "no word");
}

static const struct kind_option options[] = {
	{ "level", OPTION_LIMIT, HA_RANGE_BYTES, NULL, "80%,90%", "a" },
	{ "age", OPTION_LIMIT, HA_RANGE_SECONDS, NULL, NULL, "b" },
	{ "word", OPTION_TEXT, HA_RANGE_NUMBER, "WORD", "x", "c", parse_word },
	{ "pause", OPTION_DURATION, HA_RANGE_NUMBER, "DURATION", NULL, "d" },
	{ "strict", OPTION_FLAG, HA_RANGE_NUMBER, NULL, NULL, "e" },
	{ NULL },
};

static int
prepare(struct check *check, struct ha_err *err)
{
	if (check->argument && !strcmp(check->argument, "bad"))
		return ha_err_set(err, EX_USAGE, 0, "bad it is");
	return 0;
}

static const struct kind tank = {
	.name = "tank",
	.argument = "[WHICH]",
	.options = options,
	.prepare = prepare,
};
static const struct kind lake = { .name = "lake", .argument = "WHICH" };
static const struct kind sea = { .name = "sea" };
const struct kind *const kinds[] = { &tank, &lake, &sea, NULL };

static struct check *
parsed(const char *text)
{
	struct ha_err err;
	size_t offset;
	struct check *check = check_parse(text, &offset, &err);

	if (!check)
		fail_msg("'%s': %s", text, err.msg);
	return check;
}

static struct check *
completed(const char *text, const char *warn, const char *crit)
{
	struct check *check = parsed(text);
	struct ha_err err;

	if (check_complete(check, warn, crit, &err))
		fail_msg("'%s': %s", text, err.msg);
	return check;
}

static void
test_parts(void **state)
{
	struct check *check =
	    completed("tank:/a%20b%3f%zz?age=5m,&word=%26%3d&pause=2m&strict",
		NULL, NULL);

	(void)state;
	assert_ptr_equal(check->kind, &tank);
	assert_string_equal(check->name, "tank:/a%20b%3f%zz");
	assert_string_equal(check->argument, "/a b?%zz");
	assert_string_equal(check->target,
	    "tank:/a%20b%3f%zz?age=5m,&word=%26%3d&pause=2m&strict");
	assert_string_equal(check_setting(check, WORD)->text, "&=");
	assert_int_equal(check_setting(check, WORD)->number, 2);
	assert_int_equal(check_setting(check, PAUSE)->number, 120000);
	assert_int_equal(check_setting(check, STRICT)->number, 1);
	assert_int_equal(check_setting(check, AGE)->limit.has_warn, 1);
	assert_int_equal(check_setting(check, AGE)->limit.has_crit, 0);
	assert_true(check_setting(check, AGE)->limit.warn.end == 300);
	/* What nobody set is the fallback. */
	assert_int_equal(check_setting(check, LEVEL)->is_given, 0);
	assert_string_equal(check_setting(check, LEVEL)->warn, "80%");
	assert_string_equal(check_setting(check, LEVEL)->crit, "90%");
	check_free(check);
	check = completed("tank:?strict=no", NULL, NULL);
	assert_null(check->argument);
	assert_int_equal(check_setting(check, STRICT)->number, 0);
	check_free(check);
}

/* Whoever sets one half means both: no fallback hides behind it. */
static void
expect_level(const char *text, const char *w, const char *c, const char *warn,
    const char *crit)
{
	struct check *check = completed(text, w, c);
	const struct setting *level = check_setting(check, LEVEL);

	assert_int_equal(level->limit.has_warn, warn != NULL);
	assert_int_equal(level->limit.has_crit, crit != NULL);
	if (warn)
		assert_string_equal(level->warn, warn);
	if (crit)
		assert_string_equal(level->crit, crit);
	check_free(check);
}

static void
test_main_value(void **state)
{
	(void)state;
	expect_level("tank", NULL, NULL, "80%", "90%");
	expect_level("tank", "50%", NULL, "50%", NULL);
	expect_level("tank", NULL, "99%", NULL, "99%");
	expect_level("tank?warn=5", "50%", "60%", "5", NULL);
	expect_level("tank?warn=5&crit=1G", NULL, NULL, "5", "1G");
	expect_level("tank?level=,7", "50%", NULL, NULL, "7");
	expect_level("tank?level=3,", NULL, NULL, "3", NULL);
	expect_level("tank?age=3", "50%", NULL, "50%", NULL);
	/* crontab(5) eats the other spelling. */
	expect_level("tank?warn=85pct", NULL, NULL, "85pct", NULL);
	/* A kind without a main value takes no notice of -w. */
	check_free(completed("sea", "1", "2"));
}

static const struct {
	const char *text;
	size_t offset;
	const char *words;
} mistakes[] = {
	{ "", 0, "'' is no kind of check" },
	{ "tan", 0, "'tan' is no kind" },
	{ "tanks", 0, "'tanks' is no kind" },
	{ "TANK", 0, "'TANK' is no kind" },
	{ "sea:x", 3, "sea takes no argument" },
	{ "lake", 4, "it is written lake:WHICH" },
	{ "lake:", 4, "it is written lake:WHICH" },
	{ "tank:a%00b", 4, "%00 can't stand here" },
	{ "tank?", 5, "'' is no KEY=VALUE" },
	{ "tank?level", 5, "'level' is no KEY=VALUE" },
	{ "tank?warn=1&&crit=2", 12, "'' is no KEY=VALUE" },
	{ "tank?foo=1", 5,
	    "tank has no option 'foo'; it has: warn, crit, "
	    "level, age, word, pause, strict" },
	{ "sea?warn=1", 4, "sea has no option 'warn'; it has: none" },
	{ "tank?warn=1&warn=2", 12, "'warn' is given twice" },
	{ "tank?level=1&warn=2", 13, "'warn' is given twice" },
	{ "tank?warn=2&level=1", 12, "'level' is given twice" },
	{ "tank?word=a&word=b", 12, "'word' is given twice" },
	{ "tank?warn=x", 10, "threshold 'x'" },
	{ "tank?level=1,x", 13, "threshold 'x'" },
	{ "tank?level=", 11, "a threshold is missing" },
	{ "tank?level=,", 11, "a threshold is missing" },
	{ "tank?age=80%", 9, "threshold '80%'" },
	{ "tank?word=", 10, "no word" },
	{ "tank?pause=x", 11, "'x' is no duration" },
	{ "tank?strict=1", 12, "'1' is neither yes nor no" },
};

static void
test_mistakes(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(mistakes) / sizeof(*mistakes); i++) {
		size_t offset = 99;
		struct ha_err err;

		assert_null(check_parse(mistakes[i].text, &offset, &err));
		assert_int_equal(err.status, EX_USAGE);
		if (offset != mistakes[i].offset ||
		    strncmp(err.msg, mistakes[i].words,
			strlen(mistakes[i].words)) != 0)
			fail_msg(
			    "'%s': %zu %s", mistakes[i].text, offset, err.msg);
	}
}

static void
test_completing_fails(void **state)
{
	struct check *check = parsed("tank:bad");
	struct ha_err err;

	(void)state;
	assert_int_equal(check_complete(check, NULL, NULL, &err), -1);
	assert_string_equal(err.msg, "bad it is");
	check_free(check);
	check = parsed("tank");
	assert_int_equal(check_complete(check, "x", NULL, &err), -1);
	assert_int_equal(strncmp(err.msg, "-w: ", 4), 0);
	check_free(check);
}

/* In a word of its own nothing is escaped. */
static void
test_words(void **state)
{
	struct check *check = parsed("tank:a");
	struct ha_err err;
	size_t offset;

	(void)state;
	assert_int_equal(check_add(check, "word=a%20b&c=d", &offset, &err), 0);
	assert_string_equal(check_setting(check, WORD)->text, "a%20b&c=d");
	assert_string_equal(check->target, "tank:a word=a%20b&c=d");
	assert_string_equal(check->name, "tank:a");
	assert_int_equal(check_add(check, "crit=4,", &offset, &err), -1);
	assert_int_equal(offset, 5);
	assert_int_equal(check_add(check, "nothing", &offset, &err), -1);
	assert_int_equal(offset, 0);
	check_free(check);
}

static void
expect_message(const struct check *check, const char *want)
{
	struct ha_buf msg = HA_BUF_INIT;

	check_message(check, &msg);
	assert_string_equal(msg.data, want);
	ha_buf_release(&msg);
}

static void
test_report(void **state)
{
	struct check *check =
	    completed("tank?level=50%,90%&age=10:,5:", NULL, NULL);
	struct measured level = { .option = LEVEL,
		.value = 60,
		.whole = 100,
		.unit = "B",
		.min = 0,
		.max = 100 };
	struct measured age = { .option = AGE,
		.label = "years",
		.value = 3,
		.unit = "s",
		.min = 0,
		.max = NAN };

	(void)state;
	check_subject(check, "the %s", "tank");
	check_say(check, HA_STATUS_OK, "is blue");
	assert_int_equal(
	    check_value(check, &level, 0, "%d%% full", 60), HA_STATUS_WARN);
	expect_message(check, "the tank 60% full (WARN 50%), is blue");
	assert_int_equal(check_value(check, &age, 1, "young"), HA_STATUS_CRIT);
	expect_message(
	    check, "the tank young (CRIT 5:), 60% full (WARN 50%), is blue");
	assert_int_equal(check->state, HA_STATUS_CRIT);
	assert_string_equal(
	    check->perf.data, "level=60B;50;90;0;100 years=3s;10:;5:;0");
	age.value = 20;
	assert_int_equal(check_value(check, &age, 1, "old"), HA_STATUS_OK);
	expect_message(
	    check, "the tank young (CRIT 5:), 60% full (WARN 50%), is blue");
	check_free(check);
}

static void
test_failure(void **state)
{
	struct check *check = completed("sea", NULL, NULL);
	struct ha_err err;

	(void)state;
	ha_err_set(&err, EX_OSERR, 0, "it is dry");
	check_fail(check, &err);
	assert_int_equal(check->is_failed, 1);
	assert_int_equal(check->state, HA_STATUS_UNKNOWN);
	expect_message(check, "it is dry");
	check_free(check);
}

static void
test_bytes(void **state)
{
	char words[WORDS_SIZE];

	(void)state;
	assert_string_equal(words_bytes(words, 0), "0 B");
	assert_string_equal(words_bytes(words, 1023), "1023 B");
	assert_string_equal(words_bytes(words, 1023.9), "1.0 KiB");
	assert_string_equal(words_bytes(words, 1536), "1.5 KiB");
	assert_string_equal(words_bytes(words, 99.96 * 1024), "100 KiB");
	assert_string_equal(words_bytes(words, 180.2 * (1 << 30)), "180 GiB");
	assert_string_equal(words_bytes(words, 12.14 * (1 << 30)), "12.1 GiB");
	assert_string_equal(
	    words_bytes(words, 18446744073709551615.0), "16384 PiB");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_parts),
		cmocka_unit_test(test_main_value),
		cmocka_unit_test(test_mistakes),
		cmocka_unit_test(test_completing_fails),
		cmocka_unit_test(test_words),
		cmocka_unit_test(test_report),
		cmocka_unit_test(test_failure),
		cmocka_unit_test(test_bytes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
