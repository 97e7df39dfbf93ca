/* SPDX-License-Identifier: ISC */
/* targets - a list without doubles, and the names of their files. */
#include "test.h"

#include "buf.h"
#include "fs.h"
#include "targets.h"

static void
add(struct targets *targets, const char *text)
{
	struct ha_err err;

	assert_int_equal(targets_add(targets, text, &err), 0);
}

static void
assert_file(const struct targets *targets, size_t index, const char *file,
    const char *want)
{
	char *got = targets_file(targets, index, file);

	assert_string_equal(got, want);
	free(got);
}

static void
names(void **state)
{
	struct targets targets = { NULL, 0 };

	(void)state;
	add(&targets, "web2:/a");
	add(&targets, "root@web2:/b");
	add(&targets, "web2-2:/a");
	add(&targets, "[fe80::1%eth0]:/a");
	add(&targets, "a/b c:/a");
	add(&targets, "a_b_c:/a");
	add(&targets, "web2:/c");
	assert_file(&targets, 0, "push.status", "push.web2.status");
	assert_file(&targets, 0, "x.prom", "x.web2.prom");
	assert_file(&targets, 0, "state", "state.web2");
	assert_file(&targets, 0, "/run.d/state", "/run.d/state.web2");
	assert_file(&targets, 0, "/run.d/.state", "/run.d/.state.web2");
	assert_file(&targets, 0, "a.b.c", "a.b.web2.c");
	assert_file(&targets, 1, "x.y", "x.web2-2.y");
	assert_file(&targets, 2, "x.y", "x.web2-2-2.y");
	assert_file(&targets, 3, "x.y", "x.fe80::1_eth0.y");
	assert_file(&targets, 4, "x.y", "x.a_b_c.y");
	assert_file(&targets, 5, "x.y", "x.a_b_c-2.y");
	assert_file(&targets, 6, "x.y", "x.web2-3.y");
	targets_release(&targets);
}

static void
doubles(void **state)
{
	struct targets targets = { NULL, 0 };
	struct ha_err err;

	(void)state;
	add(&targets, "web2:/a");
	add(&targets, "web2:/ab");
	add(&targets, "u@web2:/a");
	add(&targets, "web3:/a");
	assert_int_equal(targets_add(&targets, "web2:/a//", &err), -1);
	assert_int_equal(err.status, EX_USAGE);
	assert_int_equal(targets_add(&targets, "u@web2:/a", &err), -1);
	assert_int_equal(targets_add(&targets, "nothing", &err), -1);
	targets_release(&targets);
}

static void
write_text(const char *file, const char *text, size_t len)
{
	struct ha_err err;

	assert_int_equal(ha_fs_replace(file, text, len, 0644, &err), 0);
}

static void
from_a_file(void **state)
{
	static const char text[] = "# c\n\n \tweb2:/a b \r\n#x:/y\nweb3:/c";
	static const char nul[] = "web4:/d\0\n";
	struct targets targets = { NULL, 0 };
	struct ha_err err;

	(void)state;
	write_text("f", text, sizeof(text) - 1);
	assert_int_equal(targets_read(&targets, "f", &err), 0);
	assert_int_equal(targets.count, 2);
	assert_string_equal(targets.list[0].typed, "web2:/a b");
	assert_string_equal(targets.list[1].dir, "/c");
	assert_int_equal(targets_read(&targets, "f", &err), -1);
	assert_int_equal(err.status, EX_CONFIG);
	assert_non_null(strstr(err.msg, "f: line 3: "));
	write_text("f", nul, sizeof(nul) - 1);
	assert_int_equal(targets_read(&targets, "f", &err), -1);
	assert_int_equal(err.status, EX_CONFIG);
	assert_int_equal(targets_read(&targets, "none", &err), -1);
	assert_int_equal(err.status, EX_NOINPUT);
	targets_release(&targets);
}

static void
index_of_files(void **state)
{
	struct targets targets = { NULL, 0 };
	struct ha_buf text = HA_BUF_INIT, want = HA_BUF_INIT;
	char here[4096];
	struct ha_err err;

	(void)state;
	assert_non_null(getcwd(here, sizeof(here)));
	add(&targets, "web2:/a\tb");
	add(&targets, "web3:/a");
	assert_int_equal(targets_write_index(&targets, "s.prom", &err), 0);
	assert_int_equal(ha_fs_read_file("s.prom", 9999, &text, &err), 0);
	ha_buf_addf(&want,
	    "#ha-push\tv=1\tpeers=2\n"
	    "#peer\ttarget=web2:/a\\tb\tfile=%s/s.web2.prom\n"
	    "#peer\ttarget=web3:/a\tfile=%s/s.web3.prom\n",
	    here, here);
	assert_string_equal(text.data, want.data);
	ha_buf_release(&text);
	ha_buf_release(&want);
	targets_release(&targets);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(names),
		cmocka_unit_test(doubles),
		test_in_folder(from_a_file),
		test_in_folder(index_of_files),
	};

	return cmocka_run_group_tests_name("targets", tests, NULL, NULL);
}
