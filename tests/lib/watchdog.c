/* SPDX-License-Identifier: ISC */
/*
 * watchdog - whatever a process waits for, it ends in time, and says so where
 * that can still be read.
 */
#include "test.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>

#include "clock.h"
#include "msg.h"
#include "out.h"
#include "watchdog.h"

#define AFTER_MS 50
#define WORDS "within 2 s, given up\n"

/* A child, its stdout and stderr: the ends that we read. */
struct child {
	void (*act)(void);
	int is_one_pipe; /* stderr is stdout's pipe */
	int is_ready_to_die; /* by SIGKILL */
	const char *out, *err; /* what comes after the time; NULL: not read */
	pid_t pid;
	int ends[2];
};

static void
never_return(void)
{
	for (;;)
		pause();
}

static void
write_without_end(void)
{
	static char data[100000];

	for (;;)
		ha_out_write(data, sizeof(data));
}

static void
note_end(void)
{
	if (write(STDERR_FILENO, "last ", 5) < 0)
		_exit(99);
}

static void
act_hang(void)
{
	ha_watchdog_start(AFTER_MS, 3, note_end);
	never_return();
}

static void
act_hang_without_signals(void)
{
	sigset_t set;

	sigfillset(&set);
	sigprocmask(SIG_BLOCK, &set, NULL);
	signal(SIGALRM, SIG_IGN);
	ha_watchdog_start(AFTER_MS, 3, NULL);
	never_return();
}

/* As in the kernel, where a handler is not run. */
static void
act_hear_nothing(void)
{
	sigset_t set;

	ha_watchdog_start(AFTER_MS, 3, NULL);
	sigfillset(&set);
	sigprocmask(SIG_BLOCK, &set, NULL);
	never_return();
}

static void
act_hang_as_plugin(void)
{
	ha_msg_plugin("HA-X");
	ha_watchdog_start(AFTER_MS, 3, NULL);
	never_return();
}

static void
act_write(void)
{
	ha_watchdog_start(AFTER_MS, 3, NULL);
	write_without_end();
}

static void
act_write_as_plugin(void)
{
	ha_msg_plugin("HA-X");
	ha_watchdog_start(AFTER_MS, 3, NULL);
	write_without_end();
}

static void
act_end(void)
{
	ha_watchdog_start(INT64_C(1) << 50, 3, note_end);
	_exit(5);
}

static void
start(struct child *child)
{
	int out[2], err[2];

	assert_int_equal(pipe2(out, O_CLOEXEC), 0);
	assert_int_equal(pipe2(err, O_CLOEXEC), 0);
	child->pid = fork();
	if (child->pid == 0) {
		dup2(out[1], STDOUT_FILENO);
		dup2(child->is_one_pipe ? out[1] : err[1], STDERR_FILENO);
		child->act();
		_exit(99);
	}
	close(out[1]);
	close(err[1]);
	child->ends[0] = out[0];
	child->ends[1] = err[0];
}

static void
check_text(int fd, const char *expected)
{
	char text[1024];
	size_t len = 0;
	ssize_t n;

	while ((n = read(fd, text + len, sizeof(text) - 1 - len)) > 0)
		len += (size_t)n;
	text[len] = '\0';
	assert_string_equal(text, expected);
}

static void
finish(const struct child *child)
{
	int status;

	assert_int_equal(waitpid(child->pid, &status, 0), child->pid);
	if (child->is_ready_to_die) {
		assert_true(WIFSIGNALED(status));
		assert_int_equal(WTERMSIG(status), SIGKILL);
	} else {
		assert_true(WIFEXITED(status));
		assert_int_equal(WEXITSTATUS(status), 3);
	}
	if (child->out)
		check_text(child->ends[0], child->out);
	if (child->err)
		check_text(child->ends[1], child->err);
	close(child->ends[0]);
	close(child->ends[1]);
}

/* All at once: each takes as long as the grace. */
static void
the_end(void **state)
{
	struct child children[] = {
		{ act_hang, 0, 0, "", "last ha-x: not done " WORDS },
		{ act_hang_without_signals, 0, 0, "", "ha-x: not done " WORDS },
		{ act_hear_nothing, 0, 1, "", "" },
		{ act_hang_as_plugin, 0, 0, "HA-X UNKNOWN - not done " WORDS,
		    "" },
		{ act_write, 0, 0, NULL, "ha-x: stdout was not read " WORDS },
		{ act_write_as_plugin, 0, 0, NULL,
		    "ha-x: stdout was not read " WORDS },
		{ act_write, 1, 0, NULL, "" },
	};
	const size_t count = sizeof(children) / sizeof(children[0]);
	int64_t start_ns = ha_clock_now_ns();
	size_t i;

	(void)state;
	for (i = 0; i < count; i++)
		start(&children[i]);
	for (i = 0; i < count; i++)
		finish(&children[i]);
	assert_true(ha_clock_now_ns() - start_ns >=
		    (AFTER_MS + HA_WATCHDOG_GRACE_MS) * HA_MS_NS);
}

static void
none_in_time(void **state)
{
	struct child child = { act_end, 0, 0, NULL, NULL };
	int status;

	(void)state;
	start(&child);
	assert_int_equal(waitpid(child.pid, &status, 0), child.pid);
	assert_int_equal(WEXITSTATUS(status), 5);
	check_text(child.ends[0], "");
	check_text(child.ends[1], "");
	close(child.ends[0]);
	close(child.ends[1]);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(none_in_time),
		cmocka_unit_test(the_end),
	};

	ha_msg_init("ha-x");
	return cmocka_run_group_tests_name("watchdog", tests, NULL, NULL);
}
