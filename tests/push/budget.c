/* SPDX-License-Identifier: ISC */
/*
 * budget - the sliding hour over minutes, restarts and steps of the clock.
 */
#include "test.h"

#include <sys/stat.h>

#include "budget.h"
#include "clock.h"
#include "fs.h"

/* The machine was started long ago; both clocks are the test's. */
static struct budget_time clock_now = { 500000, 1800000000 };

static void
test_time(struct budget_time *time)
{
	*time = clock_now;
}

static void
wait_s(int64_t s)
{
	clock_now.boot_s += s;
	clock_now.wall_s += s;
}

static void
open_budget(struct budget *budget, const char *limit)
{
	struct ha_err err;

	memset(budget, 0, sizeof(*budget));
	budget->now = test_time;
	if (limit != NULL)
		assert_int_equal(budget_parse(&budget->limit, limit, &err), 0);
	assert_int_equal(setenv("HA_STATE_DIR", ".", 1), 0);
	assert_int_equal(budget_open(budget, "/a\tb", "peer:/x", 0, &err), 0);
}

static void
reopen(struct budget *budget, const char *limit)
{
	budget_close(budget);
	open_budget(budget, limit);
}

/* As SIGKILL leaves it: nothing is given back. */
static void
reopen_after_kill(struct budget *budget, const char *limit)
{
	budget->ahead = 0;
	reopen(budget, limit);
}

static void
limits(void **state)
{
	static const char *const bad[] = { "", "x", "-1", "+1", " 1", "1 ",
		"10%%", "101%", "101pct", "1.5", "%", "10p", "1e3",
		"99999999999999999999" };
	struct budget_limit limit;
	struct ha_err err;
	struct budget b = { .files = 0 };

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		assert_int_equal(budget_parse(&limit, bad[i], &err), -1);
		assert_int_equal(err.status, EX_USAGE);
	}
	assert_int_equal(budget_limit(&b), 100);
	b.files = 1009;
	assert_int_equal(budget_limit(&b), 100);
	b.files = 2000;
	assert_int_equal(budget_limit(&b), 200);
	b.files = UINT64_MAX;
	assert_true(budget_limit(&b) > UINT64_MAX / 11);
	b.files = 2000;
	assert_int_equal(budget_parse(&b.limit, "1%", &err), 0);
	assert_int_equal(budget_limit(&b), 20);
	assert_int_equal(budget_parse(&b.limit, "50pct", &err), 0);
	assert_int_equal(budget_limit(&b), 1000);
	assert_false(budget_is_unlimited(&b));
	assert_int_equal(budget_parse(&b.limit, "100%", &err), 0);
	assert_true(budget_is_unlimited(&b));
	assert_int_equal(budget_parse(&b.limit, "7", &err), 0);
	assert_int_equal(budget_limit(&b), 7);
	assert_int_equal(budget_parse(&b.limit, "0", &err), 0);
	assert_int_equal(budget_limit(&b), 0);
	assert_int_equal(budget_take(&b, 0), 1);
	assert_int_equal(budget_take(&b, 1), 0);
	budget_close(&b);
}

static void
hour_slides(void **state)
{
	struct budget b;

	(void)state;
	open_budget(&b, NULL);
	assert_true(budget_take(&b, 60));
	wait_s(1800);
	assert_true(budget_take(&b, 40));
	assert_int_equal(budget_left(&b), 0);
	wait_s(1700);
	assert_int_equal(budget_left(&b), 0);
	wait_s(160);
	assert_int_equal(budget_left(&b), 60);
	wait_s(1800);
	assert_int_equal(budget_left(&b), 100);
	budget_close(&b);
}

static void
holds_until_it_is_ended(void **state)
{
	struct budget b;

	(void)state;
	open_budget(&b, NULL);
	assert_false(budget_take(&b, 101));
	assert_false(budget_take(&b, 1));
	assert_true(budget_take(&b, 0));
	wait_s(7200);
	assert_int_equal(budget_left(&b), 0);
	assert_false(budget_take(&b, 1));
	budget_end_hold(&b);
	assert_true(budget_take(&b, 100));
	assert_false(budget_take(&b, 1));
	budget_start_anew(&b);
	assert_true(budget_take(&b, 100));
	/* A restart forgets that it held, not what went. */
	assert_false(budget_take(&b, 1));
	reopen(&b, NULL);
	assert_false(b.holds);
	assert_int_equal(budget_left(&b), 0);
	budget_close(&b);
}

static void
restarts_count(void **state)
{
	struct budget b;

	(void)state;
	open_budget(&b, NULL);
	budget_counted(&b, 2000);
	assert_true(budget_take(&b, 50));
	budget_refund(&b, 20);
	wait_s(600);
	assert_true(budget_take(&b, 7));
	reopen(&b, NULL);
	assert_int_equal(b.files, 2000);
	assert_int_equal(budget_left(&b), 200 - 37);
	wait_s(3600 + 60 - 600);
	assert_int_equal(budget_left(&b), 200 - 7);
	budget_close(&b);
}

static void
killed_never_counts_less(void **state)
{
	struct budget b;
	uint64_t left = 10000;

	(void)state;
	open_budget(&b, "10000");
	test_seed();
	for (int i = 0; i < 300; i++) {
		uint64_t n = test_random(40), before;

		if (test_random(10) == 0)
			budget_expect(&b, n);
		assert_true(budget_take(&b, n));
		if (test_random(4) == 0) {
			uint64_t back = test_random(n + 1);

			budget_refund(&b, back);
			n -= back;
		}
		left -= n;
		assert_int_equal(budget_left(&b), left);
		wait_s((int64_t)test_random(8));
		if (test_random(20) != 0)
			continue;
		before = left;
		reopen_after_kill(&b, "10000");
		left = budget_left(&b);
		assert_true(left <= before);
		/* A block ahead, and what was given back since. */
		assert_true(left + 64 + 600 * 40 >= before);
	}
	budget_close(&b);
}

static void
writes_ahead_a_little(void **state)
{
	struct budget b;
	struct stat first, st;

	(void)state;
	open_budget(&b, "1600");
	assert_true(budget_take(&b, 1));
	assert_int_equal(stat(b.path, &first), 0);
	for (int i = 0; i < 60; i++)
		assert_true(budget_take(&b, 1));
	assert_int_equal(stat(b.path, &st), 0);
	assert_int_equal(st.st_ino, first.st_ino);
	reopen_after_kill(&b, "1600");
	assert_int_equal(budget_left(&b), 1600 - 65);
	/* Of a small rest only a small part. */
	reopen(&b, "81");
	assert_true(budget_take(&b, 1));
	reopen_after_kill(&b, "81");
	assert_int_equal(budget_left(&b), 81 - 65 - 2);
	budget_close(&b);
}

/* In the same run of the machine no step of the wall clock matters. */
static void
steps_of_the_clock(void **state)
{
	static const int64_t steps[] = { 3600, -3600, 100000000, -100000000 };
	struct budget b;

	(void)state;
	for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
		open_budget(&b, NULL);
		budget_start_anew(&b);
		assert_true(budget_take(&b, 30));
		clock_now.wall_s += steps[i];
		assert_int_equal(budget_left(&b), 70);
		reopen(&b, NULL);
		assert_int_equal(budget_left(&b), 70);
		wait_s(1800);
		reopen(&b, NULL);
		assert_int_equal(budget_left(&b), 70);
		wait_s(1870);
		reopen(&b, NULL);
		assert_int_equal(budget_left(&b), 100);
		budget_close(&b);
	}
}

static void
write_state(const char *path, const char *boot, int64_t boot_s,
    const char *written, const char *deleted)
{
	struct ha_buf text = HA_BUF_INIT;
	struct ha_err err;

	ha_buf_addf(&text,
	    "# x\nsource\t/a\\tb\ntarget\tpeer:/x\nfiles\t10\n"
	    "written\t%s\t%s\t%lld\n%s",
	    written, boot, (long long)boot_s, deleted);
	assert_int_equal(
	    ha_fs_replace(path, text.data, text.len, 0644, &err), 0);
	ha_buf_release(&text);
}

/* 1800000000 is 2027-01-15T08:00:00Z. */
static void
other_boots(void **state)
{
	struct budget_time before = clock_now;
	struct budget b;
	char *path;

	(void)state;
	open_budget(&b, NULL);
	path = strdup(b.path);
	budget_close(&b);
	clock_now.boot_s = 100;
	clock_now.wall_s = 1800000000;
	write_state(path, "another-boot", 900000, "2027-01-15T07:58:00Z",
	    "deleted\t2027-01-15T06:30:00Z\t1\n"
	    "deleted\t2027-01-15T07:30:00Z\t20\n");
	open_budget(&b, NULL);
	assert_int_equal(budget_left(&b), 80);
	wait_s(1700);
	assert_int_equal(budget_left(&b), 80);
	wait_s(170);
	assert_int_equal(budget_left(&b), 100);
	budget_close(&b);
	/* What lies in the future is now, and only once. */
	clock_now.wall_s = 1800000000;
	write_state(path, "another-boot", 900000, "2028-01-15T07:58:00Z",
	    "deleted\t2028-01-15T07:30:00Z\t20\n");
	open_budget(&b, NULL);
	assert_int_equal(budget_left(&b), 80);
	wait_s(3000);
	reopen(&b, NULL);
	assert_int_equal(budget_left(&b), 80);
	wait_s(700);
	reopen(&b, NULL);
	assert_int_equal(budget_left(&b), 100);
	budget_close(&b);
	free(path);
	clock_now = before;
}

static void
damaged_files(void **state)
{
	static const char *const texts[] = {
		"files\t1", "files\tx\n", "bla\n",
		"deleted\t2027-01-15T06:30:00Z\t1\n", "written\tx\ty\tz\n",
		"\n", "written\t2027-01-15T06:30:00Z\n",
		"written\t2027-01-15T06:30:00Z\tb\t1\ndeleted\tx\t1\n",
		"written\t2027-01-15T06:30:00Z\tb\t1\ndeleted\t2027-01-15T06:30:00Z\t-\n"
	};
	struct budget b;
	struct ha_err err;
	struct stat st;
	char *path, aside[256];

	(void)state;
	open_budget(&b, NULL);
	path = strdup(b.path);
	snprintf(aside, sizeof(aside), "%s.damaged", path);
	budget_close(&b);
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		unlink(aside);
		assert_int_equal(
		    ha_fs_replace(path, texts[i], strlen(texts[i]), 0644, &err),
		    0);
		open_budget(&b, NULL);
		assert_int_equal(budget_left(&b), 100);
		assert_int_equal(stat(path, &st), -1);
		assert_int_equal(stat(aside, &st), 0);
		budget_close(&b);
	}
	free(path);
}

static void
read_only_writes_nothing(void **state)
{
	struct budget b;
	struct ha_err err;
	struct stat st;
	char *path;

	(void)state;
	open_budget(&b, NULL);
	path = strdup(b.path);
	budget_close(&b);
	unlink(path);
	memset(&b, 0, sizeof(b));
	b.now = test_time;
	assert_int_equal(budget_open(&b, "/a\tb", "peer:/x", 1, &err), 0);
	assert_true(budget_take(&b, 10));
	assert_int_equal(budget_left(&b), 90);
	budget_close(&b);
	assert_int_equal(stat(path, &st), -1);
	free(path);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(limits),
		test_in_folder(hour_slides),
		test_in_folder(holds_until_it_is_ended),
		test_in_folder(restarts_count),
		test_in_folder(killed_never_counts_less),
		test_in_folder(writes_ahead_a_little),
		test_in_folder(steps_of_the_clock),
		test_in_folder(other_boots),
		test_in_folder(damaged_files),
		test_in_folder(read_only_writes_nothing),
	};

	return cmocka_run_group_tests_name("budget", tests, NULL, NULL);
}
