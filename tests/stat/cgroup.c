/* SPDX-License-Identifier: ISC */
/*
 * cgroup - what the kernel's files say, well and badly, and what is said of
 * it.
 */
#include "test.h"

#include <limits.h>
#include <sys/stat.h>

#include "check.h"
#include "clock.h"
#include "fs.h"
#include "group.h"
#include "kernel.h"
#include "rates.h"

#define SLICE "cg/system.slice"
#define UNIT SLICE "/x.service"

static void
put(const char *path, const char *text)
{
	char dir[256];
	struct ha_err err;

	for (const char *p = strchr(path, '/'); p; p = strchr(p + 1, '/')) {
		snprintf(dir, sizeof(dir), "%.*s", (int)(p - path), path);
		mkdir(dir, 0755);
	}
	assert_int_equal(
	    ha_fs_replace_volatile(path, text, strlen(text), 0644, &err), 0);
}

/*
 * Mounted once for all, as the table is read once a process: /cg.
 */
static int
enter(void **state)
{
	if (test_enter(state))
		return -1;
	kernel_root = ".";
	setenv("HA_STATE_DIR", *state, 1);
	put("proc/self/mountinfo", "1 0 0:1 / / rw - ext4 /dev/a rw\n"
				   "2 1 0:2 / /cg rw - cgroup2 none rw\n");
	put("proc/meminfo", "MemTotal: 1000 kB\n");
	put("proc/sys/kernel/random/boot_id", "x\n");
	put("cg/cgroup.procs", "");
	put(SLICE "/cgroup.procs", "");
	put(UNIT "/cgroup.procs", "");
	rates_open(0);
	return 0;
}

static int
leave(void **state)
{
	struct ha_err err;

	rates_close(&err);
	return test_leave(state);
}

static struct check *
first_look(const char *text)
{
	struct ha_err err;
	size_t offset;
	struct check *check = check_parse(text, &offset, &err);

	if (!check || check_complete(check, NULL, NULL, &err)) {
		fail_msg("'%s': %s", text, err.msg);
		return NULL;
	}
	check->looks = 1;
	check->kind->look(check);
	return check;
}

static struct check *
second_look(struct check *check)
{
	assert_int_equal(check->is_again, 1);
	usleep(2000);
	rates_second();
	check->looks = 2;
	check->kind->look(check);
	return check;
}

static void
says(struct check *check, enum ha_status_state state, const char *want)
{
	struct ha_buf msg = HA_BUF_INIT;

	if (!check->is_failed)
		check->kind->judge(check);
	check_message(check, &msg);
	if (check->state != state || !strstr(msg.data, want))
		fail_msg("%s: %d '%s', not '%s'", check->target,
		    (int)check->state, msg.data, want);
	ha_buf_release(&msg);
	check_free(check);
}

static void
where_it_is(void **state)
{
	(void)state;
	says(first_look("cgroup:system.slice/x.service"), HA_STATUS_OK,
	    "system.slice/x.service exists");
	says(first_look("cgroup:/system.slice/x.service/"), HA_STATUS_OK,
	    "exists");
	says(first_look("cgroup:/cg/system.slice"), HA_STATUS_OK, "exists");
	says(first_look("cgroup:x.service"), HA_STATUS_OK,
	    "exists; nothing counts its memory and tasks");
	says(first_look("cgroup:x"), HA_STATUS_OK, "x exists");
	says(first_look("cgroup:/"), HA_STATUS_OK, "/ exists");
	says(first_look("cgroup:y.service"), HA_STATUS_CRIT,
	    "y.service does not exist: no such control group");
	says(first_look("cgroup:x.service.service"), HA_STATUS_CRIT, "exist");
	put("cg/a.slice/a-b.slice/y.service/cgroup.procs", "");
	says(first_look("cgroup:y"), HA_STATUS_OK, "exists");
	says(first_look("cgroup:y.service"), HA_STATUS_OK, "exists");
	says(first_look("cgroup:b/y.service"), HA_STATUS_CRIT, "exist");
}

static void
memory(void **state)
{
	(void)state;
	put(UNIT "/memory.current", "614400\n");
	put(UNIT "/memory.max", "max\n");
	says(first_look("cgroup:x.service"), HA_STATUS_OK,
	    "uses 600 KiB of 1000 KiB memory");
	/* What can be dropped at once is not in use. */
	put(UNIT "/memory.stat", "anon 5\ninactive_file 307200\nx 1\n");
	says(first_look("cgroup:x.service?mem=31%"), HA_STATUS_OK,
	    "uses 300 KiB of 1000 KiB");
	put(UNIT "/memory.stat", "inactive_file 999999999\n");
	says(first_look("cgroup:x.service"), HA_STATUS_OK, "uses 0 B of");
	put(UNIT "/memory.stat", "inactive_file\n");
	put(UNIT "/memory.max", "819200\n");
	says(first_look("cgroup:x.service"), HA_STATUS_OK, "of 800 KiB");
	/* A limit above counts, too. */
	put(SLICE "/memory.max", "640000\n");
	says(first_look("cgroup:x.service"), HA_STATUS_CRIT,
	    "uses 600 KiB of 625 KiB memory (CRIT 95%)");
	says(first_look("cgroup:x.service?mem=1M"), HA_STATUS_OK, "600 KiB");
	put(UNIT "/memory.current", "rubbish\n");
	says(first_look("cgroup:x.service"), HA_STATUS_OK, "exists");
	says(first_look("cgroup:x.service?mem=1M"), HA_STATUS_UNKNOWN,
	    "mem can't be known: no memory.current");
	put(UNIT "/memory.swap.current", "2048\n");
	put(UNIT "/memory.swap.max", "4096\n");
	says(first_look("cgroup:x.service?swap=,50%"), HA_STATUS_OK, "");
	says(first_look("cgroup:x.service?swap=,49%"), HA_STATUS_CRIT,
	    "2.0 KiB swap (CRIT 49%)");
}

static void
tasks(void **state)
{
	(void)state;
	put(UNIT "/pids.current", "85\n");
	put(UNIT "/pids.max", "max\n");
	says(first_look("cgroup:x.service"), HA_STATUS_OK, "85 tasks");
	put(UNIT "/pids.max", "100\n");
	says(first_look("cgroup:x.service"), HA_STATUS_WARN,
	    "85 tasks (WARN 80%)");
	put(SLICE "/pids.max", "90\n");
	says(first_look("cgroup:x.service"), HA_STATUS_CRIT,
	    "85 tasks (CRIT 90%)");
}

static void
cpu(void **state)
{
	struct check *check;

	(void)state;
	says(first_look("cgroup:x.service?cpu=1"), HA_STATUS_UNKNOWN,
	    "cpu can't be known");
	put(UNIT "/cpu.stat", "usage_usec 1000000\nnr_periods 10\n"
			      "nr_throttled 1\n");
	check = first_look("cgroup:x.service?cpu=,90%25&throttled=40%25");
	put(UNIT "/cpu.max", "1 100000\n");
	put(UNIT "/cpu.stat", "usage_usec 1000500\nnr_periods 20\n"
			      "nr_throttled 6\n");
	says(second_look(check), HA_STATUS_CRIT,
	    "throttled in 50% of periods (WARN 40%)");
}

static void
cpu_without_its_controller(void **state)
{
	struct check *check;

	(void)state;
	put(UNIT "/cpu.stat", "usage_usec 1000000\n");
	check = first_look("cgroup:x.service?cpu=,90&throttled=40");
	put(UNIT "/cpu.stat", "usage_usec 1000001\n");
	says(second_look(check), HA_STATUS_UNKNOWN,
	    "throttled can't be known: its CPU controller is off");
}

static void
processes(void **state)
{
	struct ha_buf pids = HA_BUF_INIT;
	const pid_t want[] = { 12, 7, INT_MAX, 99 };

	(void)state;
	assert_string_equal(group_mount(), "/cg");
	put(UNIT "/cgroup.procs", "12\n7\n0\n99999999999\n2147483647\nx\n5\n");
	put(UNIT "/a/b/cgroup.procs", "99\n");
	put(UNIT "/c/other", "98\n");
	assert_int_equal(group_processes("/" UNIT, &pids), 0);
	assert_int_equal(pids.len, sizeof(want));
	assert_memory_equal(pids.data, want, sizeof(want));
	ha_buf_reset(&pids);
	assert_int_equal(group_processes("/" UNIT "/c", &pids), -1);
	assert_int_equal(group_processes("/cg/none", &pids), -1);
	assert_int_equal(pids.len, 0);
	ha_buf_release(&pids);
}

static void
cpu_of_a_group_made_anew(void **state)
{
	struct check *check;

	(void)state;
	put(UNIT "/cpu.stat", "usage_usec 1000000\n");
	check = first_look("cgroup:x.service?cpu=90");
	put(UNIT "/cpu.stat", "usage_usec 5\n");
	says(second_look(check), HA_STATUS_UNKNOWN, "cpu can't be known");
}

/* As another run would, a second later. */
static void
run_again(void)
{
	struct ha_err err;

	assert_int_equal(rates_close(&err), 0);
	usleep(1100000);
	rates_open(0);
}

static void
kills(void **state)
{
	struct ha_err err;

	(void)state;
	put(UNIT "/memory.events", "low 0\noom 5\noom_kill 2\n");
	says(first_look("cgroup:x.service"), HA_STATUS_OK,
	    "2 killed for lack of memory so far");
	run_again();
	put(UNIT "/memory.events", "oom_kill 3\n");
	says(first_look("cgroup:x.service"), HA_STATUS_CRIT,
	    "had a process killed for lack of memory, seen 0 ms ago "
	    "(3 so far)");
	run_again();
	says(first_look("cgroup:x.service"), HA_STATUS_CRIT, "(3 so far)");
	run_again();
	says(first_look("cgroup:x.service?oom=500ms"), HA_STATUS_OK,
	    "3 killed for lack of memory so far");
	/* At once, and with -i: what was seen is not forgotten. */
	assert_int_equal(rates_close(&err), 0);
	rates_open(1);
	put(UNIT "/memory.events", "oom_kill 4\n");
	says(first_look("cgroup:x.service"), HA_STATUS_CRIT, "(4 so far)");
	assert_int_equal(rates_close(&err), 0);
	rates_open(0);
	says(first_look("cgroup:x.service"), HA_STATUS_CRIT, "(4 so far)");
	assert_int_equal(rates_close(&err), 0);
	rates_open(0);
	says(first_look("cgroup:x.service"), HA_STATUS_CRIT, "(4 so far)");
	/* Made anew: its count starts again. */
	run_again();
	put(UNIT "/memory.events", "oom_kill 0\n");
	says(first_look("cgroup:x.service"), HA_STATUS_OK, "exists");
}

static void
pressure(void **state)
{
	(void)state;
	put(UNIT "/memory.pressure",
	    "some avg10=12.34 avg60=0.00 avg300=0.00 total=1\n"
	    "full avg10=5.60 avg60=0.00 avg300=0.00 total=1\n");
	put("proc/pressure/io", "some avg10=77.00 avg60=0.00\n");
	says(first_look("cgroup:x.service?mem_some=10,20&mem_full=1,5%25"),
	    HA_STATUS_CRIT,
	    "memory pressure (full) 5.6% (CRIT 5%), memory pressure (some) "
	    "12.3% (WARN 10)");
	says(first_look("cgroup:x.service?io_some=10"), HA_STATUS_UNKNOWN,
	    "io_some can't be known");
	says(first_look("cgroup:/?io_some=10"), HA_STATUS_WARN,
	    "io pressure (some) 77.0%");
	says(first_look("cgroup:/?io_full=10"), HA_STATUS_UNKNOWN,
	    "io_full can't be known");
	put(UNIT "/memory.pressure", "some avg10=x\n");
	says(first_look("cgroup:x.service?mem_some=10"), HA_STATUS_UNKNOWN,
	    "mem_some can't be known");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(where_it_is, enter, leave),
		cmocka_unit_test_setup_teardown(memory, enter, leave),
		cmocka_unit_test_setup_teardown(tasks, enter, leave),
		cmocka_unit_test_setup_teardown(cpu, enter, leave),
		cmocka_unit_test_setup_teardown(
		    cpu_of_a_group_made_anew, enter, leave),
		cmocka_unit_test_setup_teardown(
		    cpu_without_its_controller, enter, leave),
		cmocka_unit_test_setup_teardown(processes, enter, leave),
		cmocka_unit_test_setup_teardown(kills, enter, leave),
		cmocka_unit_test_setup_teardown(pressure, enter, leave),
	};

	return cmocka_run_group_tests_name("cgroup", tests, NULL, NULL);
}
