/* SPDX-License-Identifier: ISC */
/*
 * run - what a child inherits, how it ends, what is said of it.
 */
#include "test.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include "clock.h"
#include "run.h"

#define LONG ha_clock_deadline(30000)

static struct ha_buf out = HA_BUF_INIT, errors = HA_BUF_INIT;

static int
sh_with(struct ha_run run, const char *script, int64_t deadline_ns)
{
	const char *const argv[] = { "sh", "-c", script, NULL };
	struct ha_err err;
	int status;

	run.argv = argv;
	ha_buf_reset(&out);
	ha_buf_reset(&errors);
	if (ha_run_capture(&run, deadline_ns, &out, &errors, &status, &err))
		fail_msg("%s", err.msg);
	return status;
}

static int
sh(const char *script)
{
	struct ha_run run = HA_RUN_INIT;

	return sh_with(run, script, LONG);
}

static void
captures_both_streams(void **state)
{
	(void)state;
	assert_int_equal(sh("echo out; echo err >&2; exit 3"), 3);
	assert_string_equal(out.data, "out\n");
	assert_string_equal(errors.data, "err\n");
	assert_int_equal(sh("kill -KILL $$"), 128 + SIGKILL);
	assert_int_equal(sh("cat"), 0);
	assert_int_equal(out.len, 0);
}

static void
much_output_is_cut(void **state)
{
	(void)state;
	assert_int_equal(sh("head -c 3000000 /dev/zero; "
			    "head -c 2000000 /dev/zero >&2"),
	    0);
	assert_int_equal(out.len, 1024 * 1024);
	assert_int_equal(errors.len, 1024 * 1024);
}

static void
a_deadline_ends_it(void **state)
{
	struct ha_run run = HA_RUN_INIT;
	int64_t start = ha_clock_now_ns();

	(void)state;
	assert_int_equal(
	    sh_with(run, "echo a; exec sleep 60", ha_clock_deadline(200)),
	    128 + SIGTERM);
	assert_string_equal(out.data, "a\n");
	assert_int_equal(sh_with(run, "trap '' TERM; while :; do :; done",
			     ha_clock_deadline(200)),
	    128 + SIGKILL);
	assert_true(ha_clock_now_ns() - start < 20 * HA_S_NS);
}

static void
a_grandchild_is_not_waited_for(void **state)
{
	int64_t start = ha_clock_now_ns();

	(void)state;
	assert_int_equal(sh("sleep 20 & echo $!"), 0);
	assert_true(ha_clock_now_ns() - start < 15 * HA_S_NS);
	kill((pid_t)strtol(out.data, NULL, 10), SIGKILL);
}

/* Nor does one that writes without end keep us. */
static void
a_fast_writer_is_cut_off(void **state)
{
	struct ha_run run = HA_RUN_INIT;
	int64_t start = ha_clock_now_ns();

	(void)state;
	assert_int_equal(
	    sh_with(run, "exec yes", ha_clock_deadline(200)), 128 + SIGTERM);
	assert_int_equal(sh("yes & echo $! >&2"), 0);
	kill((pid_t)strtol(errors.data, NULL, 10), SIGKILL);
	assert_true(ha_clock_now_ns() - start < 15 * HA_S_NS);
}

static void
a_status_though_sigchld_is_ignored(void **state)
{
	(void)state;
	signal(SIGCHLD, SIG_IGN);
	assert_int_equal(sh("exit 5"), 5);
}

static void
a_deadline_without_descriptors(void **state)
{
	const char *const argv[] = { "sleep", "60", NULL };
	struct rlimit old, none = { 0, 0 };
	struct ha_run run = HA_RUN_INIT;
	struct ha_err err;
	pid_t pid;

	(void)state;
	run.argv = argv;
	assert_int_equal(ha_run_start(&run, &pid, NULL, &err), 0);
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &old), 0);
	none.rlim_max = old.rlim_max;
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &none), 0);
	assert_int_equal(
	    ha_run_reap(pid, ha_clock_deadline(100)), 128 + SIGTERM);
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &old), 0);
}

static void
a_group_of_its_own(void **state)
{
	const char *const argv[] = { "sleep", "60", NULL };
	struct ha_run run = HA_RUN_INIT;
	struct ha_err err;
	pid_t pid;

	(void)state;
	run.argv = argv;
	assert_int_equal(ha_run_start(&run, &pid, NULL, &err), 0);
	assert_int_equal(getpgid(pid), getpgrp());
	kill(pid, SIGKILL);
	ha_run_reap(pid, LONG);
	run.own_group = 1;
	assert_int_equal(ha_run_start(&run, &pid, NULL, &err), 0);
	assert_int_equal(getpgid(pid), pid);
	assert_int_equal(kill(-pid, SIGKILL), 0);
	assert_int_equal(ha_run_reap(pid, LONG), 128 + SIGKILL);
}

static void
a_missing_command(void **state)
{
	const char *const argv[] = { "ha-no-such-command", NULL };
	const char *const noexec[] = { "/etc/passwd", NULL };
	struct ha_run run = HA_RUN_INIT;
	struct ha_err err;
	int pidfd = -1;
	pid_t pid;

	(void)state;
	run.argv = argv;
	assert_int_equal(ha_run_start(&run, &pid, &pidfd, &err), -1);
	assert_int_equal(err.status, EX_UNAVAILABLE);
	assert_int_equal(err.sys, ENOENT);
	assert_non_null(strstr(err.msg, "ha-no-such-command"));
	run.argv = noexec;
	assert_int_equal(ha_run_start(&run, &pid, NULL, &err), -1);
	assert_int_equal(err.status, EX_UNAVAILABLE);
	assert_int_equal(err.sys, EACCES);
	run.cwd = 999;
	assert_int_equal(ha_run_start(&run, &pid, NULL, &err), -1);
	assert_int_equal(err.status, EX_OSERR);
	/* Nobody is left behind. */
	assert_int_equal(waitpid(-1, NULL, WNOHANG), -1);
	assert_int_equal(errno, ECHILD);
}

static void
no_descriptor_leaks(void **state)
{
	static const char script[] = "for f in /proc/self/fd/*; do "
				     "readlink $f >/dev/null && echo ${f##*/}; "
				     "done; :";
	struct ha_run run = HA_RUN_INIT;
	char expected[32];
	int fds[20];
	size_t i;

	(void)state;
	for (i = 0; i < 20; i++)
		fds[i] = open("/dev/null", O_RDONLY);
	assert_int_equal(sh(script), 0);
	assert_string_equal(out.data, "0\n1\n2\n");
	run.keep = fds[0];
	snprintf(expected, sizeof(expected), "0\n1\n2\n%d\n", run.keep);
	assert_int_equal(sh_with(run, script, LONG), 0);
	assert_string_equal(out.data, expected);
	for (i = 0; i < 20; i++)
		close(fds[i]);
}

/* The mask behind name in /proc/self/status; 32 and 33 are libc's own. */
static unsigned long long
signal_mask(const char *name)
{
	const char *line = strstr(out.data, name);

	assert_non_null(line);
	return strtoull(line + strlen(name), NULL, 16) & ~0x180000000ULL;
}

static void
signals_are_the_defaults(void **state)
{
	const char *const argv[] = { "grep", "^Sig[BI]", "/proc/self/status",
		NULL };
	struct ha_run run = HA_RUN_INIT;
	struct ha_err err;
	sigset_t set, old;
	int status;

	(void)state;
	signal(SIGPIPE, SIG_IGN);
	signal(SIGUSR2, SIG_IGN);
	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigprocmask(SIG_BLOCK, &set, &old);
	ha_buf_reset(&out);
	run.argv = argv;
	assert_int_equal(
	    ha_run_capture(&run, LONG, &out, NULL, &status, &err), 0);
	assert_true(signal_mask("SigBlk:") == 0);
	assert_true(signal_mask("SigIgn:") == 0);
	sigprocmask(SIG_SETMASK, NULL, &set);
	assert_true(sigismember(&set, SIGTERM));
	sigprocmask(SIG_SETMASK, &old, NULL);
}

static void
environment_and_folder(void **state)
{
	const char *const env[] = { "HA_TEST_A=new", "HA_TEST_B=b", NULL };
	struct ha_run run = HA_RUN_INIT;

	(void)state;
	setenv("HA_TEST_A", "old", 1);
	setenv("HA_TEST_AB", "stays", 1);
	run.env = env;
	run.cwd = open("/usr", O_RDONLY | O_DIRECTORY);
	assert_int_equal(
	    sh_with(run, "echo $HA_TEST_A $HA_TEST_B $HA_TEST_AB; pwd", LONG),
	    0);
	assert_string_equal(out.data, "new b stays\n/usr\n");
	close(run.cwd);
	unsetenv("HA_TEST_A");
	unsetenv("HA_TEST_AB");
}

static void
crossed_descriptors(void **state)
{
	const char *const argv[] = { "sh", "-c", "cat; echo err >&2", NULL };
	struct ha_run run = HA_RUN_INIT;
	struct ha_err err;
	int in[2], result[2], saved = dup(STDIN_FILENO);
	char text[16] = "";
	pid_t pid;

	(void)state;
	assert_int_equal(pipe(in) | pipe(result), 0);
	assert_int_equal(write(in[1], "x\n", 2), 2);
	close(in[1]);
	/* The child's stdout and stderr are what is descriptor 0 here. */
	dup2(result[1], STDIN_FILENO);
	close(result[1]);
	run.argv = argv;
	run.in = in[0];
	run.out = STDIN_FILENO;
	run.err = STDIN_FILENO;
	assert_int_equal(ha_run_start(&run, &pid, NULL, &err), 0);
	assert_int_equal(ha_run_reap(pid, HA_CLOCK_NEVER), 0);
	dup2(saved, STDIN_FILENO);
	close(saved);
	assert_int_equal(read(result[0], text, sizeof(text) - 1), 6);
	assert_string_equal(text, "x\nerr\n");
	close(in[0]);
	close(result[0]);
}

static void
a_pidfd_tells_the_end(void **state)
{
	const char *const argv[] = { "true", NULL };
	struct ha_run run = HA_RUN_INIT;
	struct pollfd pfd = { .events = POLLIN };
	struct ha_err err;
	pid_t pid;

	(void)state;
	run.argv = argv;
	assert_int_equal(ha_run_start(&run, &pid, &pfd.fd, &err), 0);
	assert_int_equal(poll(&pfd, 1, 30000), 1);
	assert_int_equal(ha_run_reap(pid, 0), 0);
	assert_int_equal(ha_run_reap(pid, 0), 255);
	close(pfd.fd);
}

/* A process that starts a sleeper, tells its id, and is then killed. */
static void
be_killed(int tell)
{
	const char *const argv[] = { "sleep", "60", NULL };
	struct ha_run run = HA_RUN_INIT;
	struct ha_err err;
	pid_t pid;

	run.argv = argv;
	run.keep = tell;
	if (ha_run_start(&run, &pid, NULL, &err) ||
	    write(tell, &pid, sizeof(pid)) != sizeof(pid))
		_exit(1);
	raise(SIGKILL);
}

static void
it_dies_with_its_parent(void **state)
{
	struct pollfd pfd = { .events = POLLIN };
	pid_t middle, sleeper;
	int ends[2];

	(void)state;
	assert_int_equal(pipe(ends), 0);
	middle = fork();
	if (middle == 0)
		be_killed(ends[1]);
	close(ends[1]);
	assert_int_equal(
	    read(ends[0], &sleeper, sizeof(sleeper)), sizeof(sleeper));
	assert_int_equal(waitpid(middle, NULL, 0), middle);
	/* The sleeper holds the other end until it is gone. */
	pfd.fd = ends[0];
	assert_int_equal(poll(&pfd, 1, 30000), 1);
	assert_true(pfd.revents & POLLHUP);
	close(ends[0]);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(captures_both_streams),
		cmocka_unit_test(much_output_is_cut),
		cmocka_unit_test(a_deadline_ends_it),
		cmocka_unit_test(a_grandchild_is_not_waited_for),
		cmocka_unit_test(a_fast_writer_is_cut_off),
		cmocka_unit_test(a_status_though_sigchld_is_ignored),
		cmocka_unit_test(a_deadline_without_descriptors),
		cmocka_unit_test(a_group_of_its_own),
		cmocka_unit_test(a_missing_command),
		cmocka_unit_test(no_descriptor_leaks),
		cmocka_unit_test(signals_are_the_defaults),
		cmocka_unit_test(environment_and_folder),
		cmocka_unit_test(crossed_descriptors),
		cmocka_unit_test(a_pidfd_tells_the_end),
		cmocka_unit_test(it_dies_with_its_parent),
	};
	int failed = cmocka_run_group_tests_name("run", tests, NULL, NULL);

	ha_buf_release(&out);
	ha_buf_release(&errors);
	return failed;
}
