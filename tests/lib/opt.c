/* SPDX-License-Identifier: ISC */
/*
 * opt - one table: what it parses, refuses, and says of itself.
 */
#include "test.h"

#include <fcntl.h>
#include <sys/wait.h>
#include <sysexits.h>

#include "buf.h"
#include "clock.h"
#include "msg.h"
#include "opt.h"
#include "run.h"

static int dry_run, calls;
static const char *format, *force;
static int64_t deadline_ms, jobs;

static void
count(void *target, const char *arg)
{
	*(int *)target += (int)strlen(arg);
}

static const struct ha_opt opts[] = {
	{ .kind = HA_OPT_GROUP, .help = "What to do" },
	{ 'n', "dry-run", NULL, HA_OPT_FLAG, &dry_run, "only show", NULL, NULL,
	    0 },
	{ 'F', "format", "FORMAT", HA_OPT_STRING, &format, "how to write", NULL,
	    "tsv|json", 0 },
	{ .kind = HA_OPT_GROUP, .help = "How" },
	{ 't', NULL, "DURATION", HA_OPT_DURATION, &deadline_ms, "deadline",
	    NULL, NULL, 0 },
	{ 0, "jobs", "N", HA_OPT_NUMBER, &jobs, "how many at once", NULL, NULL,
	    0 },
	{ 0, "force", "REASON", HA_OPT_STRING, &force,
	    "a text long enough that it can't stand on one line of eighty "
	    "columns",
	    NULL, NULL, 0 },
	{ 'x', "exclude", "PATTERN", HA_OPT_CALL, &calls, "leave out", count,
	    NULL, 0 },
	{ 0, "secret", NULL, HA_OPT_FLAG, &dry_run, "not shown", NULL, NULL,
	    1 },
	{ 0, NULL, NULL, HA_OPT_FLAG, NULL, NULL, NULL, NULL, 0 },
};

static struct ha_opt_command command = { "ha-x", "[options] DIR", "Do a thing.",
	"Exit status: 0 done.", "dir", opts };

#define MAX_WORDS 16

/* At blanks; the number of words. */
static int
split(const char *line, char *copy, char **argv)
{
	int argc = 1;

	dry_run = calls = 0;
	format = force = NULL;
	deadline_ms = jobs = -1;
	argv[0] = strcpy(copy, "ha-x");
	copy = strcpy(copy + 8, line);
	while ((argv[argc] = strsep(&copy, " ")))
		argc++;
	return argc;
}

/* The first operand's index. */
static int
parse(const char *line, char *copy, char **argv)
{
	int argc = split(line, copy, argv);

	return ha_opt_parse(argc, argv, &command, EX_USAGE);
}

static void
all_kinds(void **state)
{
	char copy[128], *argv[MAX_WORDS];

	(void)state;
	assert_int_equal(parse("-nF json -t 2m --jobs=7 d", copy, argv), 6);
	assert_int_equal(dry_run, 1);
	assert_string_equal(format, "json");
	assert_int_equal(deadline_ms, 120000);
	assert_int_equal(jobs, 7);
	assert_string_equal(argv[6], "d");
}

static void
spellings(void **state)
{
	char copy[128], *argv[MAX_WORDS];

	(void)state;
	parse("--force why --dry --jo 3 -xab --exclude=c", copy, argv);
	assert_string_equal(force, "why");
	assert_int_equal(dry_run, 1);
	assert_int_equal(jobs, 3);
	assert_int_equal(calls, 3);
	parse("--force=because", copy, argv);
	assert_string_equal(force, "because");
	parse("--secret", copy, argv);
	assert_int_equal(dry_run, 1);
	assert_int_equal(parse("-- -n", copy, argv), 2);
	assert_int_equal(dry_run, 0);
	ha_msg_verbosity = 0;
	parse("-vv --verbose", copy, argv);
	assert_int_equal(ha_msg_verbosity, 3);
	ha_msg_verbosity = 0;
}

static struct ha_buf out = HA_BUF_INIT, errors = HA_BUF_INIT;

/* Parse in a process of its own: this one again, with the line. */
static int
parse_apart_as(const char *line, const char *help_status)
{
	const char *const argv[] = { "/proc/self/exe", line, help_status,
		NULL };
	struct ha_run run = HA_RUN_INIT;
	struct ha_err err;
	int status;

	run.argv = argv;
	ha_buf_reset(&out);
	ha_buf_reset(&errors);
	if (ha_run_capture(
		&run, ha_clock_deadline(30000), &out, &errors, &status, &err))
		fail_msg("%s", err.msg);
	return status;
}

static int
parse_apart(const char *line)
{
	return parse_apart_as(line, "0");
}

static void
refusals(void **state)
{
	static const struct {
		const char *line, *message;
	} cases[] = {
		{ "--frob", "unknown option '--frob'" },
		{ "--frob=1", "unknown option '--frob'" },
		{ "-Z", "unknown option '-Z'" },
		{ "-nZ", "unknown option '-Z'" },
		{ "--fo", "ambiguous option '--fo'" },
		{ "-t x", "option '-t': 'x' is no duration "
			  "(such as 500ms, 5s, 2m, 1h)" },
		{ "--jobs=-1", "option '--jobs': '-1' is no number" },
		{ "--jobs 9223372036854775808",
		    "option '--jobs': '9223372036854775808' is no number" },
		{ "--jobs", "option '--jobs' needs an argument (N)" },
		{ "-t", "option '-t' needs an argument (DURATION)" },
		{ "--dry-run=3", "option '--dry-run' takes no argument" },
		{ "-F xml", "option '-F': 'xml' is none of tsv|json" },
		{ "-F j", "option '-F': 'j' is none of tsv|json" },
	};
	char expected[256];
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		snprintf(expected, sizeof(expected),
		    "ha-x: %s; try 'ha-x --help'\n", cases[i].message);
		assert_int_equal(parse_apart(cases[i].line), EX_USAGE);
		assert_string_equal(errors.data, expected);
		assert_string_equal(out.data, "");
	}
}

static void
help_fits_a_terminal(void **state)
{
	char *rest, *line;

	(void)state;
	assert_int_equal(parse_apart("-h"), 0);
	assert_string_equal(errors.data, "");
	assert_non_null(strstr(out.data, "Usage: ha-x [options] DIR\n"));
	assert_non_null(strstr(out.data, "thing.\n\nWhat to do:\n  -n, --"));
	assert_non_null(strstr(out.data, "\n\nHow:\n  -t DURATION   "));
	assert_non_null(strstr(out.data, "\n\nIn all commands:\n  -v, "));
	assert_null(strstr(out.data, "\nOptions:"));
	assert_non_null(strstr(out.data, "\n  -F, --format=tsv|json   how "));
	assert_non_null(strstr(out.data, "\n  -t DURATION             dead"));
	assert_non_null(strstr(out.data, "\n      --force=REASON      a te"));
	assert_null(strstr(out.data, "secret"));
	assert_null(strstr(out.data, "dump-options"));
	rest = out.data;
	while ((line = strsep(&rest, "\n")))
		assert_true(strlen(line) < 80);
}

static void
version_and_dump(void **state)
{
	(void)state;
	assert_int_equal(parse_apart("--version"), 0);
	assert_string_equal(out.data, "ha-x " HA_VERSION "\n");
	assert_int_equal(parse_apart("--dump-options"), 0);
	assert_memory_equal(out.data,
	    "#command\tha-x\tdir\tDo a thing.\n"
	    "n\tdry-run\t-\t-\tonly show\n"
	    "F\tformat\tFORMAT\ttsv|json\thow to write\n"
	    "t\t-\tDURATION\t-\tdeadline\n"
	    "-\tjobs\tN\t-\thow many at once\n",
	    130);
	assert_null(strstr(out.data, "secret"));
	assert_non_null(strstr(out.data, "\nh\thelp\t-\t-\t"));
}

static void
help_of_a_plugin(void **state)
{
	(void)state;
	assert_int_equal(parse_apart_as("--help", "3"), 3);
	assert_non_null(strstr(out.data, "Usage: ha-x "));
	assert_int_equal(parse_apart_as("-V", "3"), 3);
	assert_string_equal(out.data, "ha-x " HA_VERSION "\n");
	assert_int_equal(parse_apart_as("--dump-options", "3"), 0);
	assert_int_equal(parse_apart_as("--frob", "3"), EX_USAGE);
}

static void
peek(const char *line, const char *expected)
{
	char copy[128], *argv[MAX_WORDS];
	const char *got;
	int argc = split(line, copy, argv);

	got = ha_opt_peek(argc, argv, &command, 'F');
	if (!expected)
		assert_null(got);
	else
		assert_string_equal(got ? got : "nothing", expected);
	assert_null(format);
	assert_int_equal(calls, 0);
}

/* Whatever else is wrong. */
static void
one_before_all(void **state)
{
	(void)state;
	peek("-n d", NULL);
	peek("-F json", "json");
	peek("-nFxml d", "xml");
	peek("d --format=tsv", "tsv");
	peek("--form tsv -t soon -x a", "tsv");
	peek("--frob -Z -F json --jobs", "json");
	peek("-F tsv -F json", "json");
	peek("-x -F tsv", NULL);
	peek("-- -F json", NULL);
	peek("--format", NULL);
}

int
main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(all_kinds),
		cmocka_unit_test(spellings),
		cmocka_unit_test(refusals),
		cmocka_unit_test(help_fits_a_terminal),
		cmocka_unit_test(version_and_dump),
		cmocka_unit_test(help_of_a_plugin),
		cmocka_unit_test(one_before_all),
	};
	char copy[128], *words[MAX_WORDS];
	int failed;

	ha_msg_init("ha-x");
	if (argc > 2) {
		command.help_status = atoi(argv[2]);
		return parse(argv[1], copy, words) < 0;
	}
	failed = cmocka_run_group_tests_name("opt", tests, NULL, NULL);
	ha_buf_release(&out);
	ha_buf_release(&errors);
	return failed;
}
