/* SPDX-License-Identifier: ISC */
/* tree - all that is below is found, told and ended, and nothing else. */
#include "test.h"

#include <errno.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#include "clock.h"
#include "tree.h"

#define DEPTH 5
/* After so many it ends by itself, whatever becomes of the test. */
#define GENERATIONS 100000
#define NOT_ALLOWED 77

static void
wait_a_little(void)
{
	poll(NULL, 0, 2);
}

/* A chain of processes, each with a session of its own when asked for. */
static _Noreturn void
be_chain(int depth, int own_sessions, int ready)
{
	do {
		if (own_sessions)
			setsid();
	} while (--depth > 0 && fork() == 0);
	if (write(ready, "x", 1) != 1)
		_exit(1);
	for (;;)
		pause();
}

static pid_t
start_chain(int depth, int own_sessions)
{
	char bytes[DEPTH];
	int ends[2], got = 0;
	pid_t pid;

	assert_int_equal(pipe(ends), 0);
	pid = fork();
	if (pid == 0) {
		close(ends[0]);
		setsid();
		be_chain(depth, own_sessions, ends[1]);
	}
	close(ends[1]);
	while (got < depth) {
		ssize_t n = read(ends[0], bytes, sizeof(bytes));

		assert_true(n > 0);
		got += (int)n;
	}
	close(ends[0]);
	return pid;
}

/* The pids below a chain's first process, one level each. */
static size_t
walk(pid_t pid, int by_scan, pid_t *list)
{
	struct tree_pids pids = { NULL, 0, 0 };
	size_t count = 0;

	for (;;) {
		tree_add_children(&pids, pid, by_scan);
		if (pids.count <= count)
			break;
		assert_int_equal(pids.count, count + 1);
		pid = list[count] = pids.list[count];
		count++;
	}
	tree_release(&pids);
	return count;
}

static void
children(void **state)
{
	pid_t by_file[DEPTH] = { 0 }, by_scan[DEPTH] = { 0 };
	pid_t first = start_chain(DEPTH, 0);
	struct tree_stat stat;

	(void)state;
	assert_int_equal(walk(first, 0, by_file), DEPTH - 1);
	assert_int_equal(walk(first, 1, by_scan), DEPTH - 1);
	assert_memory_equal(by_file, by_scan, (DEPTH - 1) * sizeof(pid_t));
	assert_int_equal(tree_stat(by_file[0], &stat), 0);
	assert_int_equal(stat.parent, first);
	assert_int_equal(stat.session, first);
	kill(-first, SIGKILL);
	while (waitpid(-1, NULL, 0) > 0)
		continue;
	assert_int_equal(errno, ECHILD);
	assert_int_equal(tree_stat(first, &stat), -1);
}

/* Ends all; how many ended by each signal. */
static void
end_all(int64_t grace_ms, int group, int counts[NSIG])
{
	int64_t deadline_ns = ha_clock_deadline(10000);
	struct ending ending;
	int status;
	pid_t pid;

	memset(counts, 0, NSIG * sizeof(int));
	ending_begin(&ending, group, SIGTERM, grace_ms);
	for (;;) {
		while ((pid = waitpid(-1, &status, WNOHANG)) > 0)
			if (WIFSIGNALED(status))
				counts[WTERMSIG(status)]++;
		if (pid < 0)
			break;
		assert_true(ha_clock_now_ns() < deadline_ns);
		ending_step(&ending);
	}
	assert_false(ending_is_stuck(&ending));
}

static void
one_signal_is_enough(void **state)
{
	int counts[NSIG];

	(void)state;
	for (int own_sessions = 0; own_sessions < 2; own_sessions++) {
		pid_t first = start_chain(DEPTH, own_sessions);

		end_all(10000, own_sessions ? 0 : first, counts);
		assert_int_equal(counts[SIGTERM], DEPTH);
		assert_int_equal(counts[SIGKILL], 0);
	}
}

static void
who_ignores_it_is_killed(void **state)
{
	int counts[NSIG];

	(void)state;
	signal(SIGTERM, SIG_IGN);
	start_chain(DEPTH, 0);
	start_chain(DEPTH, 1);
	signal(SIGTERM, SIG_DFL);
	end_all(50, 0, counts);
	assert_int_equal(counts[SIGKILL], 2 * DEPTH);
}

static void
what_is_stopped_hears_it(void **state)
{
	int counts[NSIG];
	pid_t first = start_chain(1, 0);

	(void)state;
	kill(first, SIGSTOP);
	assert_int_equal(waitpid(first, NULL, WUNTRACED), first);
	end_all(10000, 0, counts);
	assert_int_equal(counts[SIGTERM], 1);
}

/* It is never there when its id is used: each one lives for a fork. */
static void
who_forks_all_the_time(void **state)
{
	int counts[NSIG];
	pid_t pid;

	(void)state;
	for (int own_sessions = 0; own_sessions < 2; own_sessions++) {
		pid = fork();
		if (pid == 0) {
			signal(SIGTERM, SIG_IGN);
			setsid();
			for (int left = GENERATIONS; left > 0; left--) {
				if (fork() > 0)
					_exit(0);
				if (own_sessions)
					setsid();
			}
			_exit(0);
		}
		for (int i = 0; i < 10; i++)
			wait_a_little();
		end_all(20, 0, counts);
		assert_true(counts[SIGKILL] > 0);
	}
}

static void
who_is_spared(void **state)
{
	char process_state;
	pid_t spared;

	(void)state;
	spared = fork();
	if (spared == 0)
		for (;;)
			pause();
	tree_spare(getsid(0));
	tree_signal(SIGTERM, 0);
	tree_kill();
	assert_int_equal(tree_first(&process_state), 0);
	wait_a_little();
	assert_int_equal(waitpid(spared, NULL, WNOHANG), 0);
	tree_spare(TREE_NO_SESSION);
	assert_int_equal(tree_first(&process_state), spared);
	tree_kill();
	assert_int_equal(waitpid(spared, NULL, 0), spared);
}

/* In a container, entered from outside, our session has no number but 0. */
static void
who_is_in_session_0(void **state)
{
	int status;
	pid_t pid;

	pid = fork();
	if (pid == 0) {
		if (unshare(CLONE_NEWPID | CLONE_NEWNS) ||
		    mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL))
			_exit(NOT_ALLOWED);
		pid = fork();
		if (pid == 0) {
			if (mount("proc", "/proc", "proc", 0, NULL))
				_exit(NOT_ALLOWED);
			assert_int_equal(getsid(0), 0);
			who_is_spared(state);
			_exit(0);
		}
		waitpid(pid, &status, 0);
		_exit(WIFEXITED(status) ? WEXITSTATUS(status) : 1);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	if (WEXITSTATUS(status) == NOT_ALLOWED)
		skip();
	assert_int_equal(WEXITSTATUS(status), 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(children),
		cmocka_unit_test(one_signal_is_enough),
		cmocka_unit_test(who_ignores_it_is_killed),
		cmocka_unit_test(what_is_stopped_hears_it),
		cmocka_unit_test(who_forks_all_the_time),
		cmocka_unit_test(who_is_spared),
		cmocka_unit_test(who_is_in_session_0),
	};

	if (prctl(PR_SET_CHILD_SUBREAPER, 1))
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
