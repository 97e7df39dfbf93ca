/* SPDX-License-Identifier: ISC */
/* pidfile - and what systemctl says: whatever the bytes, an answer. */
#include "test.h"

#include <limits.h>

#include "pidfile.h"
#include "unit.h"

static void
numbers(void **state)
{
	static const struct {
		const char *text;
		enum pidfile_state state;
		pid_t pid;
	} cases[] = {
		{ "12", PIDFILE_OK, 12 },
		{ "12\n", PIDFILE_OK, 12 },
		{ " \t12 \r\nmore", PIDFILE_OK, 12 },
		{ "2147483647", PIDFILE_OK, INT_MAX },
		{ "2147483648", PIDFILE_GARBAGE, 0 },
		{ "99999999999999999999999999", PIDFILE_GARBAGE, 0 },
		{ "0", PIDFILE_GARBAGE, 0 },
		{ "-1", PIDFILE_GARBAGE, 0 },
		{ "+1", PIDFILE_GARBAGE, 0 },
		{ "1x", PIDFILE_GARBAGE, 0 },
		{ "x", PIDFILE_GARBAGE, 0 },
		{ "", PIDFILE_EMPTY, 0 },
		{ "\n12", PIDFILE_EMPTY, 0 },
		{ "  ", PIDFILE_EMPTY, 0 },
	};
	pid_t pid;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		pid = 0;
		assert_int_equal(
		    pidfile_parse(cases[i].text, strlen(cases[i].text), &pid),
		    cases[i].state);
		assert_int_equal(pid, cases[i].pid);
	}
	assert_int_equal(pidfile_parse("1\0002", 3, &pid), PIDFILE_GARBAGE);
}

static void
random_bytes(void **state)
{
	static const char alphabet[] = "0123456789 \t\r\n-x=\0";
	struct unit unit;
	char text[64];
	size_t len, i;
	pid_t pid;
	int round;

	(void)state;
	test_seed();
	for (round = 0; round < 20000; round++) {
		len = test_random(sizeof(text));
		for (i = 0; i < len; i++)
			text[i] = alphabet[test_random(sizeof(alphabet))];
		text[len] = '\0';
		pid = -1;
		if (pidfile_parse(text, len, &pid) == PIDFILE_OK)
			assert_true(pid > 0);
		else
			assert_int_equal(pid, -1);
		unit_parse(text, &unit);
		unit_release(&unit);
	}
}

static void
units(void **state)
{
	struct unit unit;

	(void)state;
	assert_int_equal(unit_parse("XActiveState=no\nLoadState=loaded\n"
				    "ActiveState=active\nSubState=running\n"
				    "MainPID=12\nNRestarts=3",
			     &unit),
	    0);
	assert_string_equal(unit.load, "loaded");
	assert_string_equal(unit.active, "active");
	assert_string_equal(unit.sub, "running");
	assert_string_equal(unit.result, "");
	assert_int_equal(unit.main, 12);
	assert_true(unit.has_restarts);
	assert_int_equal(unit.restarts, 3);
	assert_null(unit.group);
	assert_int_equal(
	    unit_parse("ActiveState=a-word-longer-than-any-that-is-known\n"
		       "MainPID=99999999999999999999",
		&unit),
	    0);
	assert_string_equal(unit.active, "a-word-longer-than-any-that-is-");
	assert_int_equal(unit.main, 0);
	assert_false(unit.has_restarts);
	assert_int_equal(
	    unit_parse("ActiveState=active\nControlGroup=/a b\n", &unit), 0);
	assert_string_equal(unit.group, "/a b");
	unit_release(&unit);
	assert_null(unit.group);
	assert_int_equal(unit_parse("MainPID=1\n", &unit), -1);
	assert_int_equal(unit_parse("ActiveState=\n", &unit), -1);
	assert_int_equal(unit_parse("", &unit), -1);
	assert_true(unit_is_name("nginx.service"));
	assert_true(unit_is_name("getty@tty1.service"));
	assert_true(unit_is_name("dev-disk-by\\x2duuid.device"));
	assert_true(unit_is_name("nginx"));
	assert_false(unit_is_name(".service"));
	assert_false(unit_is_name("-x.service"));
	assert_false(unit_is_name("*.service"));
	assert_false(unit_is_name("a/b.service"));
	assert_false(unit_is_name("a b.service"));
	assert_false(unit_is_name(""));
}

static void
described_as(const char *text, const char *want)
{
	struct ha_buf words = HA_BUF_INIT;
	struct unit unit;

	unit_parse(text, &unit);
	unit_describe(&unit, &words);
	assert_string_equal(words.data, want);
	unit_release(&unit);
	ha_buf_release(&words);
}

static void
units_in_words(void **state)
{
	(void)state;
	described_as("ActiveState=active\nSubState=running\nResult=success\n"
		     "ExecMainCode=1\nExecMainStatus=7\n",
	    "active (running)");
	described_as(
	    "ActiveState=active\nSubState=active\n", "active (active)");
	described_as("ActiveState=failed\nSubState=failed\n"
		     "Result=exit-code\nExecMainCode=1\nExecMainStatus=7\n",
	    "failed (exit-code 7)");
	/* Another program of it, such as ExecStartPre=, ended so. */
	described_as("ActiveState=failed\nSubState=failed\n"
		     "Result=exit-code\nExecMainCode=0\nExecMainStatus=0\n",
	    "failed (exit-code)");
	described_as("ActiveState=activating\nSubState=auto-restart\n"
		     "Result=core-dump\nExecMainCode=3\nExecMainStatus=11\n",
	    "activating (auto-restart, core-dump SEGV)");
	described_as("ActiveState=failed\nSubState=failed\nResult=signal\n"
		     "ExecMainCode=2\nExecMainStatus=99999999999999999999\n",
	    "failed (signal)");
	described_as("ActiveState=failed\nSubState=failed\nResult=timeout\n"
		     "ExecMainCode=2\nExecMainStatus=9\n",
	    "failed (timeout)");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(numbers),
		cmocka_unit_test(random_bytes),
		cmocka_unit_test(units),
		cmocka_unit_test(units_in_words),
	};

	return cmocka_run_group_tests_name("pidfile", tests, NULL, NULL);
}
