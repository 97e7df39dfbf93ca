/* SPDX-License-Identifier: ISC */
/*
 * msg and err - what people read, and nothing that drives a terminal.
 */
#include "test.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/wait.h>

#include "err.h"
#include "msg.h"

static char output[8192];

/* Run act in a child; what fd gets goes to output, its status is returned. */
static int
output_of(int fd, void (*act)(void))
{
	size_t len = 0;
	ssize_t n;
	int ends[2], status;
	pid_t pid;

	assert_int_equal(pipe(ends), 0);
	pid = fork();
	if (pid == 0) {
		dup2(ends[1], fd);
		act();
		_exit(0);
	}
	close(ends[1]);
	while ((n = read(ends[0], output + len, sizeof(output) - 1 - len)) > 0)
		len += (size_t)n;
	output[len] = '\0';
	close(ends[0]);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static int
stderr_of(void (*act)(void))
{
	return output_of(STDERR_FILENO, act);
}

static void
act_say(void)
{
	ha_msg_init("ha-x");
	ha_say("%d files\x1b[2J\r", 3);
	ha_warn("a\\b\nc");
	ha_note("never");
	ha_msg_verbosity = 1;
	ha_note("seen");
	ha_msg_subject("s");
	ha_warn("one");
	ha_warn("on s");
}

static void
act_die(void)
{
	ha_msg_init("ha-x");
	ha_die(77, "no: %s", "reason");
}

static void
act_die_err(void)
{
	struct ha_err err;

	ha_err_set(&err, EX_NOINPUT, ENOENT, "can't open '%s'", "f");
	ha_msg_init("ha-x");
	ha_die_err(&err);
}

static void
act_plugin_dies(void)
{
	ha_msg_init("ha-x");
	ha_msg_plugin("HA-X");
	ha_die(3, "no a|b\n\x1b[m");
}

static void
act_long_plugin(void)
{
	ha_msg_plugin("HA-X");
	ha_die(3, "%0500d", 0);
}

static void
act_plugin_fails(void)
{
	ha_msg_init("ha-x");
	ha_msg_plugin("HA-X");
	ha_die(74, "can't write");
}

static void
one_clean_line_each(void **state)
{
	(void)state;
	assert_int_equal(stderr_of(act_say), 0);
	assert_string_equal(output, "ha-x: 3 files\\0033[2J\\0015\n"
				    "ha-x: warning: a\\b\\nc\n"
				    "ha-x: seen\n"
				    "ha-x: warning: s: one\n"
				    "ha-x: warning: on s\n");
}

static void
act_held(void)
{
	ha_msg_init("ha-x");
	ha_msg_plugin("HA-X");
	if (ha_msg_held())
		_exit(1);
	ha_warn("no '%s'", "d\x1b");
	ha_warn("two");
	if (strcmp(ha_msg_held(), "no 'd\x1b'; two") != 0)
		_exit(2);
	ha_msg_plugin(NULL);
	ha_warn("said");
}

static void
a_plugin_holds_its_warnings(void **state)
{
	(void)state;
	assert_int_equal(stderr_of(act_held), 0);
	assert_string_equal(output, "ha-x: warning: said\n");
}

static void
dying_words(void **state)
{
	(void)state;
	assert_int_equal(stderr_of(act_die), 77);
	assert_string_equal(output, "ha-x: no: reason\n");
	assert_int_equal(stderr_of(act_die_err), EX_NOINPUT);
	assert_string_equal(
	    output, "ha-x: can't open 'f': No such file or directory\n");
}

/* What starts a plugin reads one line of stdout. */
static void
plugin(void **state)
{
	(void)state;
	assert_int_equal(output_of(STDOUT_FILENO, act_plugin_dies), 3);
	assert_string_equal(output, "HA-X UNKNOWN - no a/b\\n\\0033[m\n");
	assert_int_equal(stderr_of(act_plugin_dies), 3);
	assert_string_equal(output, "");
	assert_int_equal(output_of(STDOUT_FILENO, act_long_plugin), 3);
	assert_int_equal(strlen(output), 400);
	assert_int_equal(output[399], '\n');
	assert_int_equal(stderr_of(act_plugin_fails), 74);
	assert_string_equal(output, "ha-x: can't write\n");
}

static void
errors_can_be_wrapped(void **state)
{
	struct ha_err err;

	(void)state;
	assert_int_equal(ha_err_set(&err, EX_IOERR, ENOSPC, "can't write"), -1);
	assert_int_equal(err.sys, ENOSPC);
	ha_err_set(&err, err.status, 0, "file %d: %s", 7, err.msg);
	assert_string_equal(
	    err.msg, "file 7: can't write: No space left on device");
	assert_int_equal(err.status, EX_IOERR);
	assert_int_equal(err.sys, 0);
}

static void
long_errors_are_cut(void **state)
{
	char text[3000];
	struct ha_err err;

	(void)state;
	memset(text, 'x', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	ha_err_set(&err, EX_IOERR, ENOSPC, "%s", text);
	assert_int_equal(strlen(err.msg), sizeof(err.msg) - 1);
}

static void
names_of_errors(void **state)
{
	(void)state;
	assert_string_equal(ha_err_name(ENOSPC), "ENOSPC");
	assert_string_equal(ha_err_name(123456), "E123456");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(one_clean_line_each),
		cmocka_unit_test(a_plugin_holds_its_warnings),
		cmocka_unit_test(dying_words),
		cmocka_unit_test(plugin),
		cmocka_unit_test(errors_can_be_wrapped),
		cmocka_unit_test(long_errors_are_cut),
		cmocka_unit_test(names_of_errors),
	};

	return cmocka_run_group_tests_name("msg", tests, NULL, NULL);
}
