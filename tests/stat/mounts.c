/* SPDX-License-Identifier: ISC */
/* mounts - the mount table, and which of it a path is on. */
#include "test.h"

#include <sys/stat.h>

#include "fs.h"
#include "kernel.h"
#include "mounts.h"

/* With "@" for the folder of the test, which is a place that exists. */
static const char table[] =
    "22 1 8:1 / / rw,relatime shared:1 master:2 - ext4 /dev/sda1 rw\n"
    "23 22 0:5 / /proc rw - proc proc rw\n"
    "24 22 0:40 /sub @/mnt rw,nosuid - nfs4 server:/a\\040b rw,vers=4.2\n"
    "25 24 8:2 / @/mnt/disk rw - xfs /dev/sdb1 rw\n"
    "26 22 0:41 / /with\\040blank\\134\\011 ro - tmpfs tmpfs ro,size=1k\n"
    "27 22 0:42 / @/over rw - tmpfs one rw\n"
    "28 22 0:43 / @/over rw - fuse.sshfs two rw\n"
    "29 22 0:44 / @/auto rw - autofs systemd-1 rw\n"
    "30 22 0:45 / /cut rw - ext4\n"
    "31 22 0:46 / /cut2 rw\n"
    "\n"
    "junk\n"
    "32 22 0:47 / /last rw - newfs x rw";

static char here[200];

/* A copy with each "@" replaced, in memory of its own. */
static char *
placed(const char *text)
{
	struct ha_buf copy = HA_BUF_INIT;

	for (; *text; text++)
		if (*text == '@')
			ha_buf_add_str(&copy, here);
		else
			ha_buf_add_char(&copy, *text);
	return ha_buf_detach(&copy);
}

static int
set_up(void **state)
{
	struct ha_err err;
	char *text;
	int result;

	(void)state;
	if (test_enter(state) || !getcwd(here, sizeof(here)) ||
	    mkdir("proc", 0755) || mkdir("proc/self", 0755) ||
	    mkdir("local", 0755) || symlink("../mnt/x", "local/up") ||
	    symlink("local", "link") || symlink("b", "a") ||
	    symlink("a", "b") || symlink("..", "local/parent"))
		return -1;
	text = placed(table);
	kernel_root = here;
	result = ha_fs_replace_volatile(
	    "proc/self/mountinfo", text, strlen(text), 0644, &err);
	free(text);
	return result;
}

static void
is_on(const char *path, const char *source)
{
	char *absolute = placed(path);
	const struct mount *mount = mounts_of(absolute);

	assert_non_null(mount);
	if (strcmp(mount->source, source) != 0)
		fail_msg("%s: %s", absolute, mount->source);
	free(absolute);
}

static void
test_table(void **state)
{
	const struct mount *mounts;
	struct ha_err err;
	size_t count;

	(void)state;
	assert_int_equal(mounts_all(&mounts, &count, &err), 0);
	assert_int_equal(count, 9);
	assert_string_equal(mounts[0].point, "/");
	assert_string_equal(mounts[0].options, "rw,relatime");
	assert_int_equal(mounts[0].major, 8);
	assert_int_equal(mounts[0].minor, 1);
	assert_int_equal(mounts[0].may_block, 0);
	assert_string_equal(mounts[2].type, "nfs4");
	assert_string_equal(mounts[2].root, "/sub");
	assert_string_equal(mounts[2].source, "server:/a b");
	assert_string_equal(mounts[2].super_options, "rw,vers=4.2");
	assert_int_equal(mounts[2].may_block, 1);
	assert_string_equal(mounts[4].point, "/with blank\\\t");
	/* What is not known may block. */
	assert_string_equal(mounts[8].type, "newfs");
	assert_int_equal(mounts[8].may_block, 1);
}

static void
test_of(void **state)
{
	(void)state;
	is_on("/", "/dev/sda1");
	is_on("/nowhere/at/all", "/dev/sda1");
	is_on("/proc", "proc");
	is_on("/proc/../proc/./1/", "proc");
	is_on("/process", "/dev/sda1");
	is_on("@/local", "/dev/sda1");
	is_on("@/mnt", "server:/a b");
	is_on("@/mnt/x/y", "server:/a b");
	is_on("@/mntx", "/dev/sda1");
	/* The way there leads over what may hang. */
	is_on("@/mnt/disk", "server:/a b");
	is_on("@/local/up", "server:/a b");
	is_on("@/link/up/z", "server:/a b");
	is_on("@/link/parent/local/parent/mnt", "server:/a b");
	is_on("@/local/parent/local", "/dev/sda1");
	is_on("@/over/x", "two");
	is_on("@/auto/home", "systemd-1");
	is_on("/../../proc", "proc");
	/* A loop of links is somebody else's error. */
	is_on("@/a/x", "/dev/sda1");
}

static void
blocks_below(const char *path, int expected)
{
	char *point = placed(path);

	assert_int_equal(mounts_block_below(point), expected);
	free(point);
}

static void
test_below(void **state)
{
	(void)state;
	blocks_below("/", 1);
	blocks_below("@/", 1);
	blocks_below("@/mnt", 1);
	blocks_below("@/local/up", 1);
	blocks_below("@/local", 0);
	blocks_below("@/mntx", 0);
	blocks_below("/proc", 0);
}

static void
test_at(void **state)
{
	char *point = placed("@/over");

	(void)state;
	assert_string_equal(mounts_at(point)->source, "two");
	free(point);
	assert_null(mounts_at("/nowhere"));
	assert_null(mounts_at("/proc/"));
	assert_non_null(mounts_at("/"));
}

static void
test_has(void **state)
{
	(void)state;
	assert_true(mounts_has("rw,nosuid,size=1k", "nosuid"));
	assert_true(mounts_has("ro", "ro"));
	assert_true(mounts_has("rw,size=1k", "size=1k"));
	assert_false(mounts_has("rw,size=1k", "size"));
	assert_false(mounts_has("errors=remount-ro", "ro"));
	assert_false(mounts_has("", "ro"));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_table),
		cmocka_unit_test(test_of),
		cmocka_unit_test(test_below),
		cmocka_unit_test(test_at),
		cmocka_unit_test(test_has),
	};

	return cmocka_run_group_tests(tests, set_up, test_leave);
}
