/* SPDX-License-Identifier: ISC */
/*
 * lock - one holder; a killed one holds nothing.
 */
#include "test.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>

#include "buf.h"
#include "clock.h"
#include "fs.h"
#include "lock.h"
#include "msg.h"

/* A child that holds the lock until it is killed. */
static pid_t
start_holder(void)
{
	struct ha_err err;
	int ends[2], fd;
	char ready;
	pid_t pid;

	assert_int_equal(pipe(ends), 0);
	pid = fork();
	if (pid == 0) {
		ha_msg_init("ha-holder");
		if (ha_lock_take("lock", 0, &fd, &err) ||
		    write(ends[1], "x", 1) != 1)
			_exit(1);
		for (;;)
			pause();
	}
	close(ends[1]);
	assert_int_equal(read(ends[0], &ready, 1), 1);
	close(ends[0]);
	return pid;
}

static void
taken_and_given_back(void **state)
{
	struct ha_err err;
	int first, second;

	(void)state;
	assert_int_equal(ha_lock_take("lock", 0, &first, &err), 0);
	assert_true(fcntl(first, F_GETFD) & FD_CLOEXEC);
	assert_int_equal(ha_lock_take("lock", 0, &second, &err), -1);
	assert_int_equal(err.status, EX_TEMPFAIL);
	close(first);
	assert_int_equal(ha_lock_take("lock", 0, &second, &err), 0);
	close(second);
}

static void
a_killed_holder_holds_nothing(void **state)
{
	struct ha_err err;
	char name[32];
	pid_t holder = start_holder();
	int64_t before;
	int fd;

	(void)state;
	snprintf(name, sizeof(name), "process %ld (ha-holder)", (long)holder);
	before = ha_clock_now_ns();
	assert_int_equal(
	    ha_lock_take("lock", ha_clock_deadline(100), &fd, &err), -1);
	assert_true(ha_clock_now_ns() - before >= 100 * HA_MS_NS);
	assert_int_equal(err.status, EX_TEMPFAIL);
	assert_non_null(strstr(err.msg, name));
	kill(holder, SIGKILL);
	assert_int_equal(
	    ha_lock_take("lock", ha_clock_deadline(30000), &fd, &err), 0);
	close(fd);
	waitpid(holder, NULL, 0);
}

static void
a_removed_file_is_no_lock(void **state)
{
	struct ha_err err;
	int old, fd;

	(void)state;
	assert_int_equal(ha_lock_take("lock", 0, &old, &err), 0);
	assert_int_equal(unlink("lock"), 0);
	assert_int_equal(ha_lock_take("lock", 0, &fd, &err), 0);
	close(old);
	close(fd);
}

static void
where_none_can_be(void **state)
{
	struct ha_err err;
	int fd;

	(void)state;
	assert_int_equal(ha_lock_take("no/lock", 0, &fd, &err), -1);
	assert_int_equal(err.status, EX_CANTCREAT);
	assert_int_equal(symlink("elsewhere", "lock"), 0);
	assert_int_equal(ha_lock_take("lock", 0, &fd, &err), -1);
	assert_int_equal(err.status, EX_CANTCREAT);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		test_in_folder(taken_and_given_back),
		test_in_folder(a_killed_holder_holds_nothing),
		test_in_folder(a_removed_file_is_no_lock),
		test_in_folder(where_none_can_be),
	};

	return cmocka_run_group_tests_name("lock", tests, NULL, NULL);
}
