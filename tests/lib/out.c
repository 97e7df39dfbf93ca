/* SPDX-License-Identifier: ISC */
/*
 * out - nothing is lost, nobody is waited for, a closed pipe ends it all.
 */
#include "test.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <sysexits.h>

#include "clock.h"
#include "out.h"

/* Run act in a child with fd as its stdout; what waitpid(2) says of it. */
static int
with_stdout(int fd, void (*act)(void))
{
	int status;
	pid_t pid = fork();

	if (pid == 0) {
		dup2(fd, STDOUT_FILENO);
		close(fd);
		if (!freopen("/dev/null", "w", stderr))
			_exit(99);
		alarm(30);
		signal(SIGPIPE, SIG_IGN);
		act();
		_exit(0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	return status;
}

static void
act_write(void)
{
	ha_out_write("some", 4);
}

static void
act_write_as_check(void)
{
	ha_out_fatal(3);
	ha_out_write("some", 4);
}

static void
act_try(void)
{
	char data[100] = "";

	_exit(ha_out_try(data, sizeof(data)) == sizeof(data) ? 0 : 1);
}

/* Far more than any pipe takes: must come back. */
static void
act_try_until_full(void)
{
	char data[3000] = "";
	size_t sum = 0, n;

	while ((n = ha_out_try(data, sizeof(data))))
		sum += n;
	_exit(fcntl(STDOUT_FILENO, F_GETFL) & O_NONBLOCK ? 1
	      : sum > 8192                               ? 0
							 : 2);
}

/* Exits with the errno, which the caller lives to see. */
static void
act_offer(void)
{
	struct ha_err err = { .sys = 0 };
	size_t taken;

	if (ha_out_offer("some", 4, &taken, &err))
		_exit(err.sys);
	_exit(taken == 4 ? 0 : 255);
}

static void
act_gone(void)
{
	_exit(ha_out_reader_gone());
}

static void
act_large(void)
{
	static char data[1000000];

	ha_out_write(data, sizeof(data));
}

static void
a_closed_pipe(void **state)
{
	int ends[2];

	(void)state;
	assert_int_equal(pipe(ends), 0);
	assert_int_equal(with_stdout(ends[1], act_gone), 0);
	close(ends[0]);
	assert_int_equal(WEXITSTATUS(with_stdout(ends[1], act_gone)), 1);
	assert_int_equal(WTERMSIG(with_stdout(ends[1], act_write)), SIGPIPE);
	assert_int_equal(WTERMSIG(with_stdout(ends[1], act_try)), SIGPIPE);
	assert_int_equal(WEXITSTATUS(with_stdout(ends[1], act_offer)), EPIPE);
	close(ends[1]);
}

static void
a_full_disk(void **state)
{
	int fd = open("/dev/full", O_WRONLY);

	(void)state;
	assert_int_equal(WEXITSTATUS(with_stdout(fd, act_write)), EX_IOERR);
	assert_int_equal(WEXITSTATUS(with_stdout(fd, act_try)), EX_IOERR);
	assert_int_equal(WEXITSTATUS(with_stdout(fd, act_write_as_check)), 3);
	assert_int_equal(WEXITSTATUS(with_stdout(fd, act_offer)), ENOSPC);
	close(fd);
}

static void
try_never_waits(void **state)
{
	int ends[2];

	(void)state;
	assert_int_equal(pipe(ends), 0);
	assert_int_equal(with_stdout(ends[1], act_try_until_full), 0);
	close(ends[0]);
	close(ends[1]);
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
	assert_int_equal(with_stdout(ends[1], act_try_until_full), 0);
	close(ends[0]);
	assert_int_equal(WTERMSIG(with_stdout(ends[1], act_try)), SIGPIPE);
	close(ends[1]);
}

static void
try_takes_all_for_a_file(void **state)
{
	int fd = open("f", O_RDWR | O_CREAT, 0600);

	(void)state;
	assert_int_equal(with_stdout(fd, act_try), 0);
	assert_int_equal(lseek(fd, 0, SEEK_END), 100);
	assert_int_equal(with_stdout(fd, act_offer), 0);
	assert_int_equal(lseek(fd, 0, SEEK_END), 104);
	close(fd);
}

/* Though another process has set O_NONBLOCK on what is shared. */
static void
write_waits_for_the_reader(void **state)
{
	char data[4096];
	size_t sum = 0;
	ssize_t n;
	int ends[2], status;
	pid_t pid;

	(void)state;
	assert_int_equal(pipe(ends), 0);
	fcntl(ends[1], F_SETFL, O_NONBLOCK);
	pid = fork();
	if (pid == 0) {
		close(ends[0]);
		_exit(WEXITSTATUS(with_stdout(ends[1], act_large)));
	}
	close(ends[1]);
	while ((n = read(ends[0], data, sizeof(data))) > 0)
		sum += (size_t)n;
	assert_int_equal(sum, 1000000);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	close(ends[0]);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_closed_pipe),
		cmocka_unit_test(a_full_disk),
		cmocka_unit_test(try_never_waits),
		test_in_folder(try_takes_all_for_a_file),
		cmocka_unit_test(write_waits_for_the_reader),
	};

	return cmocka_run_group_tests_name("out", tests, NULL, NULL);
}
