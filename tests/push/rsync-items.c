/* SPDX-License-Identifier: ISC */
/*
 * rsync-items - what rsync prints, read: lists, versions, complaints.  The
 * rest of rsync.c needs a peer; what it would call is not reached.
 */
#include "test.h"

#include "buf.h"
#include "fake-transport.h"
#include "fake-wait.h"
#include "peer.h"
#include "rsync.h"

static void
add_item(void *context, const char *item, const char *path)
{
	assert_int_equal(strlen(item), 11);
	ha_buf_addf(context, "%s|%s;", item, path);
}

static void
assert_items(const char *text, const char *want)
{
	struct ha_buf output = HA_BUF_INIT, got = HA_BUF_INIT;

	ha_buf_add_str(&output, text);
	rsync_each_item(&output, add_item, &got);
	assert_string_equal(got.data, want);
	ha_buf_release(&output);
	ha_buf_release(&got);
}

static void
items(void **state)
{
	(void)state;
	assert_items("", "");
	assert_items(">f.st...... a/b\n", ">f.st......|a/b;");
	assert_items("cd+++++++++ a/b/\n.d..t...... ./\n",
	    "cd+++++++++|a/b;.d..t......|.;");
	assert_items("*deleting   gone/\n*deleting   x\n",
	    "*deleting  |gone;*deleting  |x;");
	assert_items(">f+++++++++ a\\#012b\\#377\n", ">f+++++++++|a\nb\377;");
	/* A name that looks like an escape has its backslash escaped. */
	assert_items(">f+++++++++ \\#134#012\n", ">f+++++++++|\\#012;");
	assert_items(
	    ">f+++++++++ \\#400 \\#09 \\#\n", ">f+++++++++|\\#400 \\#09 \\#;");
	assert_items(
	    ">f+++++++++  two  blanks \n", ">f+++++++++| two  blanks ;");
}

static void
other_lines_are_none(void **state)
{
	(void)state;
	assert_items("skipping non-regular file \"x\"\n", "");
	assert_items("IO error encountered -- skipping file deletion\n", "");
	assert_items("\n\n \n", "");
	assert_items(">f+++++++++ \n", "");
	assert_items(">f+++++++++ unfinished", "");
}

static void
assert_why(const char *errors, int code, const char *path, const char *want)
{
	struct ha_buf buf = HA_BUF_INIT;
	char *why;

	ha_buf_add_str(&buf, errors);
	why = rsync_why(&buf, code, path);
	assert_string_equal(why, want);
	free(why);
	ha_buf_release(&buf);
}

static void
reasons(void **state)
{
	(void)state;
	assert_why("", 12, "f", "rsync ended with status 12");
	assert_why("rsync error: some (code 23) at x\n", 23, NULL,
	    "rsync ended with status 23");
	assert_why("rsync: one: \"/d/a\"\nrsync: two: \"/d/f\"\n", 23, "f",
	    "two: \"/d/f\" (rsync status 23)");
	assert_why("rsync: one: \"/d/a\"\nrsync: two: \"/d/f\"\n", 23, "q",
	    "one: \"/d/a\" (rsync status 23)");
}

static void
full_disks(void **state)
{
	static const char *const full[] = {
		"x: No space left on device (28)\n",
		"x\ny: Disk quota exceeded (122)\n",
		"mkstemp: Read-only file system (30)\n",
	};
	struct ha_buf buf = HA_BUF_INIT;

	(void)state;
	assert_false(rsync_peer_disk_fails(&buf));
	ha_buf_add_str(&buf, "Permission denied (13)\n");
	assert_false(rsync_peer_disk_fails(&buf));
	for (int i = 0; i < 3; i++) {
		ha_buf_reset(&buf);
		ha_buf_add_str(&buf, full[i]);
		assert_true(rsync_peer_disk_fails(&buf));
	}
	ha_buf_release(&buf);
}

static void
versions(void **state)
{
	static const char text[] =
	    "noise\nrsync  version 3.2.7  protocol version 31\n"
	    "    64-bit files, hardlinks, symlinks, xattrs, no ACLs\n";
	struct rsync_caps caps;

	(void)state;
	assert_int_equal(peer_parse_version(text, &caps), 0);
	assert_int_equal(caps.version, 30207);
	assert_true(caps.xattrs);
	assert_false(caps.acls);
	assert_int_equal(
	    peer_parse_version("rsync  version 3.5.0dev", &caps), 0);
	assert_int_equal(caps.version, 30500);
	assert_int_equal(peer_parse_version("", &caps), -1);
	assert_int_equal(
	    peer_parse_version("openrsync: protocol 29", &caps), -1);
	assert_int_equal(peer_parse_version("rsync  version x", &caps), -1);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(items),
		cmocka_unit_test(other_lines_are_none),
		cmocka_unit_test(reasons),
		cmocka_unit_test(full_disks),
		cmocka_unit_test(versions),
	};

	return cmocka_run_group_tests_name("rsync-items", tests, NULL, NULL);
}
