/* SPDX-License-Identifier: ISC */
/*
 * accept - what is written comes back, what is damaged is refused, and each
 * difference has its words.
 */
#include "test.h"

#include <sys/stat.h>

#include "accept.h"
#include "fs.h"

#define FILE_NAME "ha-stat.accepted"

static char sha256[] =
    "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
static char other[] =
    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
static char when[] = "2026-01-31T23:59:59.123Z";

static struct accepted
entry(char *path, char *link)
{
	return (struct accepted){
		.path = path,
		.mode = S_IFREG | 04755,
		.uid = 4294967294U,
		.size = 1234567890123,
		.sha256 = sha256,
		.link = link,
		.when = when,
	};
}

static void
comes_back(void **state)
{
	char plain[] = "/etc/passwd", odd[] = "/a\tb\nc\\ \x1b", link[] = "-";
	char none[] = "";
	struct accepted entries[] = { entry(plain, none), entry(odd, link) };
	const struct accepted *found;
	struct accepted_list list;
	struct ha_err err;
	struct stat st;

	setenv("HA_STATE_DIR", *state, 1);
	assert_int_equal(accept_load(&list, FILE_NAME, &err), 0);
	assert_null(accept_find(&list, plain));
	accept_release(&list);
	assert_int_equal(accept_save(entries, 2, &err), 0);
	entries[0].size = 7;
	assert_int_equal(accept_save(entries, 1, &err), 0);
	assert_int_equal(stat(FILE_NAME, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
	assert_int_equal(accept_load(&list, FILE_NAME, &err), 0);
	assert_int_equal(list.count, 2);
	assert_int_equal(accept_find(&list, plain)->size, 7);
	found = accept_find(&list, odd);
	assert_int_equal(found->size, 1234567890123);
	assert_int_equal(found->mode, S_IFREG | 04755);
	assert_int_equal(found->uid, 4294967294U);
	assert_string_equal(found->link, "-");
	assert_string_equal(found->when, when);
	accept_release(&list);
}

static void
damaged_files(void **state)
{
	static const char *const cases[] = {
		"/a\tf\t0644\t0\t0\t5\tabc\t-\t2026\n/b\tf\t0644",
		"/a\tf\t0644\t0\t0\t5\tabc\t-\n",
		"/a\tf\t0944\t0\t0\t5\tabc\t-\t2026\n",
		"/a\tf\t0644\t-1\t0\t5\tabc\t-\t2026\n",
		"/a\tf\t0644\t0\t4294967296\t5\tabc\t-\t2026\n",
		"/a\tf\t0644\t0\t0\t99999999999999999999\tabc\t-\t2026\n",
		"/a\tx\t0644\t0\t0\t5\tabc\t-\t2026\n",
		"/a\\q\tf\t0644\t0\t0\t5\tabc\t-\t2026\n",
		"/a\\0000\tf\t0644\t0\t0\t5\tabc\t-\t2026\n",
		"\n",
	};
	static const char later[] =
	    "#c\n/a\tf\t0644\t0\t0\t5\tabc\t-\t2026\tmore\n";
	struct accepted_list list;
	struct ha_err err;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		assert_int_equal(ha_fs_replace(FILE_NAME, cases[i],
				     strlen(cases[i]), 0600, &err),
		    0);
		assert_int_equal(accept_load(&list, FILE_NAME, &err), -1);
		assert_int_equal(err.status, EX_CONFIG);
		assert_non_null(strstr(err.msg, FILE_NAME ":"));
		assert_null(list.all);
	}
	assert_int_equal(
	    ha_fs_replace(FILE_NAME, later, strlen(later), 0600, &err), 0);
	assert_int_equal(accept_load(&list, FILE_NAME, &err), 0);
	assert_non_null(accept_find(&list, "/a"));
	accept_release(&list);
}

static void
in_words(void **state)
{
	char path[] = "/a", none[] = "", link[] = "b";
	struct accepted was = entry(path, none), is = entry(path, none);
	struct ha_buf words = HA_BUF_INIT;

	(void)state;
	accept_compare(&was, &is, &words);
	assert_string_equal(words.data, "");
	is.mode = S_IFREG | 0600;
	accept_compare(&was, &is, &words);
	assert_string_equal(words.data, "mode 0600 (accepted: 4755)");
	ha_buf_reset(&words);
	is.mode = was.mode;
	is.sha256 = other;
	is.uid = 5;
	is.gid = 6;
	is.size = 8;
	is.link = link;
	accept_compare(&was, &is, &words);
	assert_string_equal(words.data,
	    "content, size 8 (accepted: 1234567890123), owner 5 (accepted: "
	    "4294967294), group 6 (accepted: 0), the symbolic link");
	ha_buf_release(&words);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		test_in_folder(comes_back),
		test_in_folder(damaged_files),
		cmocka_unit_test(in_words),
	};

	return cmocka_run_group_tests_name("accept", tests, NULL, NULL);
}
