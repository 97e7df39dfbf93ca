/* SPDX-License-Identifier: ISC */
/*
 * sig - signals arrive as numbers; ignored ones stay ignored.
 */
#include "test.h"

#include <poll.h>
#include <signal.h>
#include <sys/wait.h>

#include "sig.h"

static int
is_readable(int fd)
{
	struct pollfd pfd = { .fd = fd, .events = POLLIN };

	return poll(&pfd, 1, 0) == 1;
}

static void
signals_are_bytes(void **state)
{
	struct ha_err err;
	struct sigaction pipe_action;
	int fd, first, second;
	pid_t sender;

	(void)state;
	signal(SIGHUP, SIG_IGN);
	signal(SIGCHLD, SIG_IGN);
	assert_int_equal(ha_sig_open(&fd, &err), 0);
	assert_int_equal(ha_sig_next(fd), 0);
	raise(SIGHUP);
	assert_false(is_readable(fd));
	raise(SIGTERM);
	raise(SIGUSR1);
	assert_true(is_readable(fd));
	first = ha_sig_next(fd);
	second = ha_sig_next(fd);
	assert_int_equal(first + second, SIGTERM + SIGUSR1);
	assert_int_equal(ha_sig_next(fd), 0);
	raise(SIGTERM);
	assert_int_equal(ha_sig_next_from(fd, &sender), SIGTERM);
	assert_int_equal(sender, getpid());
	assert_int_equal(ha_sig_next_from(fd, &sender), 0);
	sigaction(SIGPIPE, NULL, &pipe_action);
	assert_true(pipe_action.sa_handler == SIG_IGN);
	close(fd);
}

static void
a_childs_end_is_seen(void **state)
{
	struct ha_err err;
	struct pollfd pfd = { .events = POLLIN };
	int status;
	pid_t pid;

	(void)state;
	assert_int_equal(ha_sig_open(&pfd.fd, &err), 0);
	pid = fork();
	if (pid == 0)
		_exit(5);
	assert_int_equal(poll(&pfd, 1, 10000), 1);
	assert_int_equal(ha_sig_next(pfd.fd), SIGCHLD);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(WEXITSTATUS(status), 5);
	close(pfd.fd);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(signals_are_bytes),
		cmocka_unit_test(a_childs_end_is_seen),
	};

	return cmocka_run_group_tests_name("sig", tests, NULL, NULL);
}
