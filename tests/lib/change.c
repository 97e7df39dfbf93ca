/* SPDX-License-Identifier: ISC */
/*
 * change - change records and the stream's header, there and back.
 */
#include "test.h"

#include <jansson.h>
#include <sys/stat.h>

#include "change.h"

static const struct ha_change samples[] = {
	{ 'W', 'f', 1, "a/b\tc\n", "" },
	{ 'M', 'd', UINT64_MAX, "old dir", "new\\dir" },
	{ 'D', '-', 0, "-", "" },
	{ 'R', 'd', 7, HA_CHANGE_ROOT, "" },
	{ 'E', 'd', 8, "locked", "EACCES" },
	{ 'S', '-', 9, "", "" },
	{ 'C', 'l', 10, "\xff/\xc3\xa4", "" },
};

#define SAMPLES (sizeof(samples) / sizeof(samples[0]))

static void
round_trip(void **state)
{
	struct ha_buf line = HA_BUF_INIT;
	struct ha_change got;
	struct ha_err err;
	size_t i;

	(void)state;
	for (i = 0; i < SAMPLES; i++) {
		ha_buf_reset(&line);
		ha_change_encode(&line, &samples[i]);
		assert_int_equal(line.data[line.len - 1], '\n');
		ha_buf_truncate(&line, line.len - 1);
		assert_int_equal(ha_change_decode(line.data, &got, &err), 0);
		assert_int_equal(got.op, samples[i].op);
		assert_int_equal(got.kind, samples[i].kind);
		assert_true(got.seq == samples[i].seq);
		assert_string_equal(got.path, samples[i].path);
		assert_string_equal(got.new_path, samples[i].new_path);
	}
	ha_buf_release(&line);
}

static void
layout(void **state)
{
	struct ha_buf line = HA_BUF_INIT;

	(void)state;
	ha_change_encode(&line, &samples[0]);
	assert_string_equal(line.data, "W\tf\t1\ta/b\\tc\\n\t-\n");
	ha_buf_reset(&line);
	ha_change_encode_json(&line, &samples[6]);
	assert_string_equal(line.data,
	    "{\"op\":\"C\",\"kind\":\"l\",\"seq\":10,"
	    "\"path\":{\"b64\":\"/y/DpA==\"},\"new_path\":\"\"}\n");
	ha_buf_release(&line);
}

static void
later_fields_are_ignored(void **state)
{
	char line[] = "W\tf\t3\tx\t-\tnew\tfields";
	struct ha_change got;
	struct ha_err err;

	(void)state;
	assert_int_equal(ha_change_decode(line, &got, &err), 0);
	assert_string_equal(got.path, "x");
}

static void
bad_records_are_refused(void **state)
{
	static const char *const bad[] = { "", "W", "W\tf\t1\tx",
		"Q\tf\t1\tx\t-", "WW\tf\t1\tx\t-", "\tf\t1\tx\t-",
		"W\tz\t1\tx\t-", "W\tff\t1\tx\t-", "W\tf\t-1\tx\t-",
		"W\tf\t+1\tx\t-", "W\tf\t 1\tx\t-", "W\tf\t1x\tx\t-",
		"W\tf\t\tx\t-", "W\tf\t18446744073709551616\tx\t-",
		"W\tf\t1\t\\q\t-", "W\tf\t1\ta\\0000b\t-", "W\tf\t1\t-\t-",
		"W\tf\t1\t/etc\t-", "W\tf\t1\t../x\t-", "W\tf\t1\ta/../b\t-",
		"W\tf\t1\ta/..\t-", "W\tf\t1\ta//b\t-", "W\tf\t1\ta/\t-",
		"W\tf\t1\t./a\t-", "M\tf\t1\ta\t-", "M\tf\t1\ta\t../b",
		"M\tf\t1\ta\t/b" };
	struct ha_change got;
	struct ha_err err;
	char line[64];
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		err.status = 0;
		strcpy(line, bad[i]);
		assert_int_equal(ha_change_decode(line, &got, &err), -1);
		assert_int_equal(err.status, EX_DATAERR);
	}
}

static void
kinds(void **state)
{
	(void)state;
	assert_int_equal(ha_change_kind(S_IFREG | 0644), 'f');
	assert_int_equal(ha_change_kind(S_IFDIR), 'd');
	assert_int_equal(ha_change_kind(S_IFLNK), 'l');
	assert_int_equal(ha_change_kind(S_IFIFO), 'p');
	assert_int_equal(ha_change_kind(S_IFSOCK), 's');
	assert_int_equal(ha_change_kind(S_IFCHR), 'c');
	assert_int_equal(ha_change_kind(S_IFBLK), 'b');
	assert_int_equal(ha_change_kind(0), '-');
}

static void
fill(struct ha_change_header *header)
{
	ha_change_header_init(header);
	header->version = 1;
	header->root = strdup("/srv/a b\n");
	header->dev = 5;
	header->ino = UINT64_MAX;
	header->boot = strdup("0-1-2");
	ha_change_header_add_exclude(header, "*.tmp");
	ha_change_header_add_exclude(header, "+ a=\tb");
	ha_change_header_add_exclude(header, "-");
}

static void
header_round_trip(void **state)
{
	struct ha_change_header header, got;
	struct ha_buf line = HA_BUF_INIT;
	struct ha_err err;
	size_t i;

	(void)state;
	fill(&header);
	ha_change_header_encode(&line, &header);
	assert_int_equal(line.data[line.len - 1], '\n');
	ha_buf_truncate(&line, line.len - 1);
	ha_change_header_init(&got);
	assert_int_equal(ha_change_header_decode(line.data, &got, &err), 0);
	assert_int_equal(got.version, 1);
	assert_string_equal(got.root, header.root);
	assert_string_equal(got.boot, header.boot);
	assert_true(got.dev == header.dev && got.ino == header.ino);
	assert_int_equal(got.exclude_count, 3);
	for (i = 0; i < 3; i++)
		assert_string_equal(got.excludes[i], header.excludes[i]);
	ha_change_header_release(&got);
	ha_change_header_release(&got);
	ha_change_header_release(&header);
	ha_buf_release(&line);
}

static void
header_json(void **state)
{
	struct ha_buf line = HA_BUF_INIT;
	struct ha_change_header header;
	json_t *value;

	(void)state;
	fill(&header);
	header.ino = 6;
	ha_change_header_encode_json(&line, &header);
	value = json_loads(line.data, 0, NULL);
	assert_non_null(value);
	assert_string_equal(
	    json_string_value(json_object_get(value, "record")), "ha-watch");
	assert_string_equal(
	    json_string_value(json_object_get(value, "root")), "/srv/a b\n");
	assert_int_equal(
	    json_array_size(json_object_get(value, "excludes")), 3);
	json_decref(value);
	ha_change_header_release(&header);
	ha_buf_release(&line);
}

static void
unknown_keys_are_ignored(void **state)
{
	char line[] = "#ha-watch\tnew=1\tv=1\tword\troot=/\tdev=1\tino=2\tz=";
	struct ha_change_header got;
	struct ha_err err;

	(void)state;
	ha_change_header_init(&got);
	assert_int_equal(ha_change_header_decode(line, &got, &err), 0);
	assert_string_equal(got.root, "/");
	assert_null(got.boot);
	ha_change_header_release(&got);
}

static void
bad_headers_are_refused(void **state)
{
	static const char *const bad[] = { "", "#ha-watch", "#end",
		"#ha-watcher\tv=1\troot=/\tdev=1\tino=1",
		"#ha-watch\troot=/\tdev=1\tino=1",
		"#ha-watch\tv=2\troot=/\tdev=1\tino=1",
		"#ha-watch\tv=1\tdev=1\tino=1",
		"#ha-watch\tv=1\troot=\tdev=1\tino=1",
		"#ha-watch\tv=1\troot=rel\tdev=1\tino=1",
		"#ha-watch\tv=1\troot=/a\\0000\tdev=1\tino=1",
		"#ha-watch\tv=1\troot=/\tdev=x\tino=1",
		"#ha-watch\tv=1\troot=/\tdev=1",
		"#ha-watch\tv=1\troot=/\tdev=1\tino=-1" };
	struct ha_change_header got;
	struct ha_err err;
	char line[64];
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		err.status = 0;
		strcpy(line, bad[i]);
		ha_change_header_init(&got);
		assert_int_equal(ha_change_header_decode(line, &got, &err), -1);
		assert_int_equal(err.status, EX_DATAERR);
		ha_change_header_release(&got);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(round_trip),
		cmocka_unit_test(layout),
		cmocka_unit_test(later_fields_are_ignored),
		cmocka_unit_test(bad_records_are_refused),
		cmocka_unit_test(kinds),
		cmocka_unit_test(header_round_trip),
		cmocka_unit_test(header_json),
		cmocka_unit_test(unknown_keys_are_ignored),
		cmocka_unit_test(bad_headers_are_refused),
	};

	return cmocka_run_group_tests_name("change", tests, NULL, NULL);
}
