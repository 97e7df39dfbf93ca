/* SPDX-License-Identifier: ISC */
/* patience - for how long a run that moves nothing is waited for. */
#include "test.h"

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "clock.h"
#include "patience.h"

#define SECOND (1000 * HA_MS_NS)

static struct patience patience;
static struct quiet quiet;
static int64_t now_ns, work;
static uint64_t bytes;

static void
begin(void)
{
	quiet_begin(&quiet, &patience, now_ns, bytes, work);
}

static void
end(int stalled)
{
	quiet_end(&quiet, &patience, now_ns, stalled);
}

/* Look each second for so long; after how many seconds does it stall? */
static int
wait_s(int seconds)
{
	for (int s = 1; s <= seconds; s++) {
		now_ns += SECOND;
		if (quiet_look(&quiet, now_ns, bytes, work))
			return s;
	}
	return 0;
}

static int
begin_again(void **state)
{
	(void)state;
	memset(&patience, 0, sizeof(patience));
	now_ns = 5000 * SECOND;
	return 0;
}

static void
nothing_moves(void **state)
{
	(void)state;
	begin();
	assert_int_equal(wait_s(19), 0);
	assert_int_equal(wait_s(1), 1);
}

static void
something_moves(void **state)
{
	(void)state;
	begin();
	for (int i = 0; i < 100; i++) {
		assert_int_equal(wait_s(19), 0);
		bytes++;
	}
	assert_int_equal(wait_s(21), 21);
}

static void
work_without_bytes(void **state)
{
	(void)state;
	begin();
	for (int i = 0; i < 10; i++) {
		assert_int_equal(wait_s(19), 0);
		work++;
	}
	assert_int_equal(wait_s(21), 21);
}

static void
busy_for_too_long(void **state)
{
	(void)state;
	begin();
	work = PATIENCE_BUSY;
	assert_int_equal(wait_s(1000), 600);
	work = 0;
}

static void
limit_doubles(void **state)
{
	static const int limits[] = { 20, 40, 80, 160, 320, 600, 600 };

	(void)state;
	for (size_t i = 0; i < sizeof(limits) / sizeof(*limits); i++) {
		begin();
		assert_int_equal(wait_s(1000), limits[i]);
		end(1);
	}
	/* Others that end well don't change that, an hour does. */
	begin();
	end(0);
	begin();
	assert_int_equal(wait_s(1000), 600);
	end(1);
	now_ns += PATIENCE_FORGET_MS * HA_MS_NS;
	begin();
	assert_int_equal(wait_s(1000), 20);
}

static void
what_was_healthy(void **state)
{
	(void)state;
	begin();
	assert_int_equal(wait_s(1000), 20);
	end(1);
	begin();
	assert_int_equal(wait_s(35), 0);
	end(0);
	now_ns += 2 * PATIENCE_FORGET_MS * HA_MS_NS;
	begin();
	assert_int_equal(wait_s(1000), 70);
}

/* As after SIGSTOP and SIGCONT. */
static void
nobody_looked(void **state)
{
	(void)state;
	begin();
	now_ns += 3600 * SECOND;
	assert_int_equal(quiet_look(&quiet, now_ns, bytes, work), 0);
	assert_int_equal(wait_s(17), 0);
	assert_int_equal(wait_s(1), 1);
}

static void
work_of_a_process(void **state)
{
	int64_t deadline_ns = ha_clock_deadline(20000), before;
	pid_t pid = fork();

	(void)state;
	assert_true(pid >= 0);
	if (pid == 0)
		for (;;)
			pause();
	before = patience_work(pid);
	assert_int_equal(patience_work(pid), before);
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	assert_int_equal(patience_work(pid), 0);
	before = patience_work(getpid());
	while (patience_work(getpid()) == before)
		assert_true(ha_clock_now_ns() < deadline_ns);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(nothing_moves, begin_again),
		cmocka_unit_test_setup(something_moves, begin_again),
		cmocka_unit_test_setup(work_without_bytes, begin_again),
		cmocka_unit_test_setup(busy_for_too_long, begin_again),
		cmocka_unit_test_setup(limit_doubles, begin_again),
		cmocka_unit_test_setup(what_was_healthy, begin_again),
		cmocka_unit_test_setup(nobody_looked, begin_again),
		cmocka_unit_test(work_of_a_process),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
