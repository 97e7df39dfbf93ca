/* SPDX-License-Identifier: ISC */
/* kinds - what the kernel tells, well and badly, and what is said of it. */
#include "test.h"

#include <sys/stat.h>

#include "check.h"
#include "fs.h"
#include "kernel.h"
#include "rates.h"

static void
put(const char *path, const char *text)
{
	char dir[256];
	struct ha_err err;

	/* Each parent, whether or not it is there. */
	for (const char *p = strchr(path, '/'); p; p = strchr(p + 1, '/')) {
		snprintf(dir, sizeof(dir), "%.*s", (int)(p - path), path);
		mkdir(dir, 0755);
	}
	assert_int_equal(
	    ha_fs_replace_volatile(path, text, strlen(text), 0644, &err), 0);
}

static int
enter(void **state)
{
	if (test_enter(state))
		return -1;
	kernel_root = ".";
	rates_open(1);
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

/* As another run would. */
static void
run_again(void)
{
	struct ha_err err;

	assert_int_equal(rates_close(&err), 0);
}

/* Judge it, compare, and free it. */
static void
says(struct check *check, enum ha_status_state state, const char *want)
{
	struct ha_buf msg = HA_BUF_INIT;

	if (!check->is_failed)
		check->kind->judge(check);
	check_message(check, &msg);
	if (check->state != state || strcmp(msg.data, want) != 0)
		fail_msg("%s: %d '%s', not '%s'", check->target,
		    (int)check->state, msg.data, want);
	ha_buf_release(&msg);
	check_free(check);
}

static void
second_look(struct check *check)
{
	assert_int_equal(check->is_again, 1);
	/* Rates are per second: nothing is shared by no time at all. */
	usleep(2000);
	rates_second();
	check->looks = 2;
	check->kind->look(check);
}

static void
test_numbers(void **state)
{
	const char *text = "  12 18446744073709551616x";
	uint64_t number;
	int64_t signed_number = 7;

	(void)state;
	assert_int_equal(kernel_number(&text, &number), 0);
	assert_int_equal(number, 12);
	assert_int_equal(kernel_number(&text, &number), 0);
	assert_true(number == UINT64_MAX);
	assert_string_equal(text, "x");
	assert_int_equal(kernel_number(&text, &number), -1);
	text = "";
	assert_int_equal(kernel_number(&text, &number), -1);
	text = "\n5";
	assert_int_equal(kernel_number(&text, &number), -1);
	put("n", "-12\n");
	assert_int_equal(kernel_read_number("/n", &signed_number), 0);
	assert_int_equal(signed_number, -12);
	put("n", "max\n");
	assert_int_equal(kernel_read_number("/n", &signed_number), -1);
	put("n", "99999999999999999999\n");
	assert_int_equal(kernel_read_number("/n", &signed_number), -1);
	assert_int_equal(kernel_read_number("/none", &signed_number), -1);
	assert_int_equal(kernel_field("Ab: 1\nA: 2 kB\n", "A", &number), 0);
	assert_int_equal(number, 2);
	assert_int_equal(kernel_field("A 3", "A", &number), 0);
	assert_int_equal(kernel_field("B: 3\nA:", "A", &number), -1);
	assert_int_equal(kernel_field("B: 3", "A", &number), -1);
	assert_int_equal(kernel_field("", "A", &number), -1);
}

static void
test_load(void **state)
{
	char want[128];
	unsigned cpus = kernel_cpus();

	(void)state;
	says(first_look("load"), HA_STATUS_UNKNOWN,
	    "can't open './proc/loadavg': No such file or directory");
	put("proc/loadavg", "0.50 1000.25 3.00 1/100 4711\n");
	snprintf(want, sizeof(want),
	    "load 0.50 1000.25 3.00 on %u CPU%s (CRIT 300%%)", cpus,
	    cpus > 1 ? "s" : "");
	says(first_look("load"), HA_STATUS_CRIT, want);
	snprintf(want, sizeof(want),
	    "3.00 in 15 minutes (WARN 2.5), load 0.50 1000.25 3.00 on %u CPU%s",
	    cpus, cpus > 1 ? "s" : "");
	says(first_look("load?load15=2.5&warn=2000"), HA_STATUS_WARN, want);
	put("proc/loadavg", "0.50 1");
	says(first_look("load"), HA_STATUS_UNKNOWN,
	    "/proc/loadavg is not readable");
}

static void
test_cpu(void **state)
{
	struct check *check;

	(void)state;
	put("proc/stat", "cpu  100 0 100 700 100 0 0 0 0 0\ncpu0 1 2\n");
	check = first_look("cpu?system=10");
	put("proc/stat", "cpu  150 10 110 719 110 5 5 1 0 0\n");
	second_look(check);
	says(check, HA_STATUS_WARN, "18% in the kernel (WARN 10), 73% busy");
	run_again();
	/* iowait may fall by itself, and a kernel of long ago has 4 columns. */
	put("proc/stat", "cpu  1 1 1 7 9\n");
	check = first_look("cpu");
	put("proc/stat", "cpu  2 1 1 8 3\n");
	second_look(check);
	says(check, HA_STATUS_OK, "50% busy");
}

static void
test_cpu_badly(void **state)
{
	struct check *check;

	(void)state;
	put("proc/stat", "cpu  1 1 1 7\n");
	check = first_look("cpu");
	second_look(check);
	says(check, HA_STATUS_UNKNOWN, "no time of the processors has passed");
	put("proc/stat", "cpu  0 1 1 7\n");
	check = first_look("cpu");
	says(check, HA_STATUS_UNKNOWN,
	    "the times of the processors went backwards");
	put("proc/stat", "cpu0 1 1 1 7\n");
	says(first_look("cpu"), HA_STATUS_UNKNOWN,
	    "/proc/stat has no line of all CPUs");
	put("proc/stat", "");
	says(first_look("cpu"), HA_STATUS_UNKNOWN,
	    "/proc/stat has no line of all CPUs");
}

static void
test_mem(void **state)
{
	(void)state;
	put("proc/meminfo",
	    "MemTotal:       16777216 kB\nMemFree: 5 kB\n"
	    "MemAvailable:    1000000 kB\nSwapTotal: 0 kB\nSwapFree: 0 kB\n");
	says(first_look("mem"), HA_STATUS_WARN,
	    "94% used, 977 MiB available of 16.0 GiB (WARN 90%)");
	says(first_look("mem?used=,99%&available=1G:"), HA_STATUS_WARN,
	    "977 MiB left (WARN 1G:), 94% used, 977 MiB available of 16.0 GiB");
	says(first_look("swap"), HA_STATUS_OK, "no swap");
	/* Before Linux 3.14. */
	put("proc/meminfo", "MemTotal: 1000 kB\nMemFree: 100 kB\n"
			    "Buffers: 100 kB\nCached: 300 kB\n");
	says(first_look("mem"), HA_STATUS_OK,
	    "50% used, 500 KiB available of 1000 KiB");
	put("proc/meminfo", "MemTotal: 1000 kB\nMemFr");
	says(first_look("mem"), HA_STATUS_UNKNOWN,
	    "/proc/meminfo has no MemTotal and MemAvailable");
	put("proc/meminfo", "SwapTotal: 1000 kB\nSwapFree: 100 kB\n");
	says(first_look("swap"), HA_STATUS_CRIT,
	    "90% used, 100 KiB free of 1000 KiB (CRIT 80%)");
}

#define SDA "   8       0 sda "
#define SDA1 "   8       1 sda1 "

static void
test_io(void **state)
{
	struct check *check;

	(void)state;
	put("sys/block/sda/device/x", "");
	put("proc/diskstats", SDA
	    "100 0 2048 4294967290 50 0 4096 10 0 4294967000 20 0 0 0 0\n" SDA1
	    "1 1 1 1 1 1 1 1 1 1 1\n"
	    "   7       0 loop0 0 0 0 0 0 0 0 0 0 0 0\n");
	check = first_look("io?util=50%,100&read=1K&await=1000");
	/* The milliseconds wrapped around; a busy disk for these 2 ms. */
	put("proc/diskstats",
	    SDA "104 0 4096 10 50 0 4096 10 0 300 20 0 0 0 0\n" SDA1
		"1 1 1 1 1 1 1 1 1 1 1\n");
	second_look(check);
	check->kind->judge(check);
	assert_int_equal(check->state, HA_STATUS_WARN);
	assert_string_equal(check->subject, "sda");
	assert_non_null(strstr(check->perf.data, "util=100%;50;100;0;100"));
	assert_non_null(strstr(check->perf.data, " await=0.004s;1000;;0"));
	assert_non_null(strstr(check->perf.data, " writes=0;;;0"));
	check_free(check);
}

static void
test_io_badly(void **state)
{
	struct check *check;

	(void)state;
	put("proc/diskstats", SDA "1 2 3 4 5 6 7 8 9\n" SDA1 "x\n\n   8\n"
				  "8 0\n8 0 a b c d\n\t\n");
	says(first_look("io:sda"), HA_STATUS_CRIT, "there is no disk 'sda'");
	says(first_look("io:sda1"), HA_STATUS_CRIT, "there is no disk 'sda1'");
	says(first_look("io"), HA_STATUS_OK, "this machine has no disk");
	put("proc/diskstats", SDA "9 9 9 9 9 9 9 9 9 9 9\n");
	check = first_look("io:/dev/sda");
	put("proc/diskstats", SDA "8 9 9 9 9 9 9 9 9 9 9\n");
	second_look(check);
	says(check, HA_STATUS_UNKNOWN, "the counters of sda went backwards");
}

#define HEAD "Inter-|   Receive |  Transmit\n face |bytes packets errs|bytes\n"

static void
put_link(const char *name, const char *flags, const char *operstate,
    const char *speed, const char *duplex)
{
	char path[128];

	snprintf(path, sizeof(path), "sys/class/net/%s/flags", name);
	put(path, flags);
	snprintf(path, sizeof(path), "sys/class/net/%s/operstate", name);
	put(path, operstate);
	snprintf(path, sizeof(path), "sys/class/net/%s/speed", name);
	put(path, speed);
	snprintf(path, sizeof(path), "sys/class/net/%s/duplex", name);
	put(path, duplex);
}

static void
test_net(void **state)
{
	struct check *check;

	(void)state;
	put_link("eth0", "0x1003\n", "up\n", "1000\n", "half\n");
	put_link("lo", "0x9\n", "unknown\n", "", "");
	put("proc/net/dev",
	    HEAD "    lo: 900 9 0 0 0 0 0 0 900 9 0 0 0 0 0 0\n"
		 "  eth0:100 1 0 0 0 0 0 0 200 2 0 0 0 0 0 0\n");
	check = first_look("net?speed=100:&errors=,0");
	put("proc/net/dev",
	    HEAD "    lo: 9999999 9 0 0 0 0 0 0 900 9 0 0 0 0 0 0\n"
		 "  eth0:100 1 7 0 0 0 0 0 200 2 0 0 0 0 0 0\n");
	second_look(check);
	check->kind->judge(check);
	assert_string_equal(check->subject, "eth0");
	assert_int_equal(check->state, HA_STATUS_CRIT);
	assert_non_null(strstr(
	    check->perf.data, "speed=1000;100:;;0 use=0B;100000000;118750000"));
	check_free(check);
}

static void
test_net_link(void **state)
{
	struct check *check;
	const char *dev = HEAD " eth0: 1 1 0 0 0 0 0 0 1 1 0 0 0 0 0 0\n"
			       " a:b: 1 1 0 0 0 0 0 0 1 1 0 0 0 0 0 0\n";

	(void)state;
	put("proc/net/dev", dev);
	put_link("eth0", "0x1003\n", "down\n", "-1\n", "unknown\n");
	check = first_look("net:eth0");
	second_look(check);
	says(check, HA_STATUS_CRIT,
	    "eth0 has no link (down), in 0 B/s, out 0 B/s");
	put_link("eth0", "0x1002\n", "down\n", "-1\n", "unknown\n");
	says(first_look("net:eth0"), HA_STATUS_CRIT,
	    "eth0 is not set up, in 0 B/s, out 0 B/s");
	put_link("a:b", "0x1003\n", "unknown\n", "-1\n", "half\n");
	says(first_look("net:a:b?speed=100:"), HA_STATUS_UNKNOWN,
	    "a:b the speed of the link is not known, the counters went "
	    "backwards, half duplex");
}

/* Where /sys is not mounted. */
static void
test_net_unknown(void **state)
{
	struct check *check;

	(void)state;
	put("proc/net/dev", HEAD " eth9: 1 1 0 0 0 0 0 0 1 1 0 0 0 0 0 0\n");
	check = first_look("net");
	second_look(check);
	says(check, HA_STATUS_OK, "eth9 in 0 B/s, out 0 B/s");
}

/* Of two that are idle it is not the one that nobody uses. */
static void
test_net_spare(void **state)
{
	struct check *check;

	(void)state;
	put("proc/net/dev", HEAD " eth0: 1 1 0 0 0 0 0 0 1 1 0 0 0 0 0 0\n"
				 " eth1: 1 1 0 0 0 0 0 0 1 1 0 0 0 0 0 0\n");
	put_link("eth0", "0x1003\n", "down\n", "-1\n", "unknown\n");
	put_link("eth1", "0x1003\n", "up\n", "-1\n", "unknown\n");
	check = first_look("net");
	second_look(check);
	says(check, HA_STATUS_OK, "eth1 in 0 B/s, out 0 B/s");
}

static void
test_net_badly(void **state)
{
	(void)state;
	put("proc/net/dev",
	    HEAD "eth0: 1 2 3\n: 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1\n"
		 "averyveryverylongname: 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1\n"
		 "no colon at all\neth1:");
	says(first_look("net:eth0"), HA_STATUS_CRIT,
	    "there is no interface 'eth0'");
	says(first_look("net:eth1"), HA_STATUS_CRIT,
	    "there is no interface 'eth1'");
	says(
	    first_look("net"), HA_STATUS_CRIT, "no interface but lo is set up");
}

static void
test_uptime(void **state)
{
	struct check *check;

	(void)state;
	put("proc/uptime", "300.25 12.0\n");
	check = first_look("uptime?warn=10m:");
	check->kind->judge(check);
	assert_int_equal(check->state, HA_STATUS_WARN);
	assert_string_equal(check->perf.data, "uptime=300.25s;600:;;0");
	check_free(check);
	put("proc/uptime", "\n");
	says(first_look("uptime"), HA_STATUS_UNKNOWN,
	    "/proc/uptime holds no number");
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, enter, leave)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_numbers),
		TEST(test_load),
		TEST(test_cpu),
		TEST(test_cpu_badly),
		TEST(test_mem),
		TEST(test_io),
		TEST(test_io_badly),
		TEST(test_net),
		TEST(test_net_link),
		TEST(test_net_unknown),
		TEST(test_net_spare),
		TEST(test_net_badly),
		TEST(test_uptime),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
