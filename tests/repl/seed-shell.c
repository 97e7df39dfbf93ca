/* SPDX-License-Identifier: ISC */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "clock.h"
#include "node.h"
#include "seed-shell.h"

static char directory[] = "/tmp/ha-seed-shell.XXXXXX";

/* An ssh(1) that logs in here: the last word is for the user's shell. */
static int
set_up(void **state)
{
	char path[100];
	FILE *file;

	(void)state;
	assert_non_null(mkdtemp(directory));
	snprintf(path, sizeof(path), "%s/ssh", directory);
	file = fopen(path, "w");
	assert_non_null(file);
	fputs("#!/bin/sh\n[ \"$3\" = -- ] && [ \"$4\" = there ] || exit 255\n"
	      "exec sh -c \"$5\"\n",
	    file);
	fclose(file);
	chmod(path, 0755);
	snprintf(path, sizeof(path), "%s:/usr/bin:/bin", directory);
	setenv("PATH", path, 1);
	return 0;
}

static int
tear_down(void **state)
{
	char path[100];

	(void)state;
	snprintf(path, sizeof(path), "%s/ssh", directory);
	unlink(path);
	return rmdir(directory);
}

static void
run_at(const char *ssh)
{
	static const char *const args[] = { "it's \"$HOME\" `id`; \\ *",
		"-n  two", NULL };
	struct node *node = node_new("127.0.0.1", 3306);
	struct ha_buf out = HA_BUF_INIT;
	struct ha_err err = { 0 };

	node->ssh = ssh ? strdup(ssh) : NULL;
	assert_int_equal(seed_shell_run(node, "printf '<%s>' \"$@\"; echo",
			     args, &out, ha_clock_deadline(5000), &err),
	    0);
	assert_string_equal(out.data, "<it's \"$HOME\" `id`; \\ *><-n  two>");
	assert_int_equal(
	    seed_shell_run(node, "echo one >&2; echo \"no $1\" >&2; exit 7",
		args + 1, NULL, ha_clock_deadline(5000), &err),
	    -1);
	assert_string_equal(err.msg, "127.0.0.1:3306: no -n  two (exit 7)");
	ha_buf_release(&out);
	node_free(node);
}

static void
test_here(void **state)
{
	(void)state;
	run_at(NULL);
}

static void
test_there(void **state)
{
	(void)state;
	run_at("there");
}

static void
test_reaches(void **state)
{
	static const struct {
		const char *host;
		int reaches;
	} rows[] = { { "127.0.0.1", 1 }, { "::1", 1 }, { "LocalHost", 1 },
		{ "10.0.0.1", 0 }, { "db-a", 0 } };
	struct node *node;

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		node = node_new(rows[i].host, 3306);
		assert_int_equal(seed_shell_reaches(node), rows[i].reaches);
		node->ssh = strdup("there");
		assert_true(seed_shell_reaches(node));
		node_free(node);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_here),
		cmocka_unit_test(test_there),
		cmocka_unit_test(test_reaches),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
