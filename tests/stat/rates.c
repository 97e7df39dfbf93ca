/* SPDX-License-Identifier: ISC */
/* rates - samples of two moments, and the file of the last run's. */
#include "test.h"

#include <sys/stat.h>
#include <time.h>

#include "fs.h"
#include "kernel.h"
#include "rates.h"

#define FILE_NAME "ha-stat.samples"
#define HEAD "#ha-stat-samples\tv=1\tboot=abc\n"

/* This folder is the kernel's and the state's. */
static int
enter(void **state)
{
	char here[256];
	struct ha_err err;

	if (test_enter(state) || !getcwd(here, sizeof(here)) ||
	    setenv("HA_STATE_DIR", here, 1) || mkdir("proc", 0755) ||
	    mkdir("proc/sys", 0755) || mkdir("proc/sys/kernel", 0755) ||
	    mkdir("proc/sys/kernel/random", 0755))
		return -1;
	kernel_root = ".";
	return ha_fs_replace_volatile(
	    "proc/sys/kernel/random/boot_id", "abc\n", 4, 0644, &err);
}

static int64_t
now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_BOOTTIME, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static void
write_file(const char *text)
{
	struct ha_err err;

	assert_int_equal(
	    ha_fs_replace_volatile(FILE_NAME, text, strlen(text), 0644, &err),
	    0);
}

/* A line of the key "k" that is age_ms old, behind a header. */
static void
write_sample(const char *head, int64_t age_ms, const char *counters)
{
	char text[512];

	snprintf(text, sizeof(text), "%sk\t%lld\t%s\n", head,
	    (long long)(now_ms() - age_ms), counters);
	write_file(text);
}

static const struct sample *
compare(uint64_t first, uint64_t second)
{
	static struct sample now;

	now = (struct sample){ .count = 2, .counters = { first, second } };
	return rates_compare("k", &now);
}

static void
close_rates(void)
{
	struct ha_err err;

	assert_int_equal(rates_close(&err), 0);
}

static void
test_two_looks(void **state)
{
	const struct sample *before;
	struct sample now = { .count = 1, .counters = { 30 } };

	(void)state;
	rates_open(0);
	assert_null(compare(10, 20));
	/* The same key again at the same moment is no earlier one. */
	assert_null(compare(10, 20));
	rates_second();
	before = compare(12, 20);
	assert_non_null(before);
	assert_int_equal(before->counters[0], 10);
	/* Another key that was not looked at before. */
	assert_null(rates_compare("other", &now));
	close_rates();
}

static void
test_rate(void **state)
{
	struct sample before = {
		.at_ns = 1000000000, .count = 2, .counters = { 10, UINT64_MAX }
	};
	struct sample now = {
		.at_ns = 3000000000, .count = 2, .counters = { 30, 5 }
	};

	(void)state;
	assert_true(rates_seconds(&before, &now) == 2.0);
	assert_true(rates_per_second(&before, &now, 0) == 10.0);
	assert_true(rates_per_second(&before, &now, 1) == 0.0);
	now.at_ns = before.at_ns;
	assert_true(rates_per_second(&before, &now, 0) == 0.0);
}

static void
test_last_run(void **state)
{
	const struct sample *before;

	(void)state;
	rates_open(0);
	assert_null(compare(10, 20));
	close_rates();
	/* At once it is too young; it is what was written, none the less. */
	rates_open(0);
	assert_null(compare(11, 21));
	close_rates();
	write_sample(HEAD, 2000, "10\t20");
	rates_open(0);
	before = compare(11, 20);
	assert_non_null(before);
	assert_int_equal(before->counters[1], 20);
	close_rates();
	/* -i: as if there were none, and nothing is kept. */
	write_sample(HEAD, 2000, "10\t20");
	rates_open(1);
	assert_null(compare(11, 20));
	close_rates();
	rates_open(0);
	before = compare(11, 20);
	assert_non_null(before);
	assert_int_equal(before->counters[0], 10);
	close_rates();
}

static void
refuses(const char *head, int64_t age_ms, const char *counters)
{
	write_sample(head, age_ms, counters);
	rates_open(0);
	if (compare(11, 20))
		fail_msg("%s %lld %s", head, (long long)age_ms, counters);
	close_rates();
}

static void
test_unusable(void **state)
{
	(void)state;
	refuses(HEAD, 900, "10\t20");
	refuses(HEAD, 3601 * 1000, "10\t20");
	refuses(HEAD, -5000, "10\t20");
	refuses("#ha-stat-samples\tv=1\tboot=abcd\n", 2000, "10\t20");
	refuses("#ha-stat-samples\tv=1\tboot=ab\n", 2000, "10\t20");
	refuses("", 2000, "10\t20");
	refuses("#ha-stat-samples\tv=2\tboot=abc\n", 2000, "10\t20");
	refuses(HEAD, 2000, "12\t20");
	refuses(HEAD, 2000, "10");
	refuses(HEAD, 2000, "10\t20\t30");
	refuses(HEAD, 2000, "10\tx");
	refuses(HEAD, 2000, "10\t-20");
	refuses(HEAD, 2000, "");
}

static void
test_hostile_file(void **state)
{
	(void)state;
	write_file(HEAD "k\nk\t\n\t\t\t\nk\t99999999999999999999999\t1\t2\n"
			"k\t1\t1\\q\n\\0999\t1\t2\n#\n\n\t1\t1\n"
			"k\t1\t1\t1\t1\t1\t1\t1\t1\t1\t1\t1\t1\t1\t1\t1\t1\t1\n"
			"cut of");
	rates_open(0);
	assert_null(compare(10, 20));
	close_rates();
	write_sample(HEAD "junk\njunk\t1\n", 2000, "10\t20");
	rates_open(0);
	assert_non_null(compare(10, 20));
	close_rates();
}

static void
test_may_fall(void **state)
{
	struct sample now = {
		.count = 2, .counters = { 5, 20 }, .may_fall = 1
	};

	(void)state;
	write_sample(HEAD, 2000, "10\t20");
	rates_open(0);
	assert_non_null(rates_compare("k", &now));
	now.counters[1] = 19;
	assert_null(rates_compare("k", &now));
	close_rates();
}

static void
test_others_are_kept(void **state)
{
	struct ha_buf text = HA_BUF_INIT;
	struct sample now = { .count = 1, .counters = { 7 } };
	struct ha_err err;

	(void)state;
	write_sample(HEAD, 2000, "10\t20");
	rates_open(0);
	assert_null(rates_compare("a\tb", &now));
	close_rates();
	assert_int_equal(ha_fs_read_file(FILE_NAME, 4096, &text, &err), 0);
	assert_non_null(strstr(text.data, "\nk\t"));
	assert_non_null(strstr(text.data, "\na\\tb\t"));
	ha_buf_release(&text);
	write_sample(HEAD, 3601 * 1000, "10\t20");
	rates_open(0);
	assert_null(rates_compare("a\tb", &now));
	close_rates();
	assert_int_equal(ha_fs_read_file(FILE_NAME, 4096, &text, &err), 0);
	assert_null(strstr(text.data, "\nk\t"));
	ha_buf_release(&text);
}

/* A sample that was lent stays while others come. */
static void
test_lent(void **state)
{
	const struct sample *before;
	char key[16];

	(void)state;
	write_sample(HEAD, 2000, "10\t20");
	rates_open(0);
	before = compare(11, 21);
	for (int i = 0; i < 1000; i++) {
		struct sample now = { .count = 1, .counters = { 1 } };

		snprintf(key, sizeof(key), "key %d", i);
		assert_null(rates_compare(key, &now));
	}
	assert_int_equal(before->counters[0], 10);
	close_rates();
}

static void
test_no_state(void **state)
{
	struct ha_err err;

	(void)state;
	setenv("HA_STATE_DIR", "/proc/none", 1);
	rates_open(0);
	assert_null(compare(1, 2));
	assert_int_equal(rates_close(&err), -1);
	assert_int_equal(err.status, EX_CANTCREAT);
	/* What noted nothing needs no directory. */
	rates_open(0);
	close_rates();
	rates_open(1);
	assert_null(compare(1, 2));
	close_rates();
}

static void
test_kept(void **state)
{
	struct sample now = { .count = 1, .counters = { 5 } };
	struct ha_buf text = HA_BUF_INIT;
	char old[512];
	struct ha_err err;

	(void)state;
	/* Older than any rate's, and of another check a rate. */
	snprintf(old, sizeof(old), HEAD "!x\t0\t4\nk\t%lld\t7\t8\n",
	    (long long)now_ms() - 5000);
	write_file(old);
	rates_open(1);
	assert_null(compare(9, 9));
	assert_non_null(rates_compare("!x", &now));
	close_rates();
	assert_int_equal(ha_fs_read_file(FILE_NAME, 4096, &text, &err), 0);
	assert_null(strstr(text.data, "!x\t0\t4\n"));
	assert_non_null(strstr(text.data, "\t5\n"));
	assert_non_null(strstr(text.data, "\t7\t8\n"));
	ha_buf_release(&text);
	rates_open(0);
	assert_non_null(rates_compare("!x", &now));
	assert_non_null(compare(9, 9));
	close_rates();
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, enter, test_leave)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_two_looks),
		TEST(test_rate),
		TEST(test_last_run),
		TEST(test_unusable),
		TEST(test_hostile_file),
		TEST(test_may_fall),
		TEST(test_others_are_kept),
		TEST(test_lent),
		TEST(test_kept),
		TEST(test_no_state),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
