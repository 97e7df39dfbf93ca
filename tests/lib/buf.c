/* SPDX-License-Identifier: ISC */
/*
 * buf and alloc - growth, the final NUL, what happens at the limits.
 */
#include "test.h"

#include <sys/wait.h>
#include <sysexits.h>

#include "alloc.h"
#include "buf.h"

static void
empty_is_a_string(void **state)
{
	struct ha_buf buf = HA_BUF_INIT;
	char *detached;

	(void)state;
	assert_string_equal(buf.data, "");
	ha_buf_reset(&buf);
	ha_buf_consume(&buf, 0);
	ha_buf_add(&buf, NULL, 0);
	detached = ha_buf_detach(&buf);
	assert_string_equal(detached, "");
	free(detached);
	ha_buf_release(&buf);
	assert_ptr_equal(buf.data, ha_buf_empty);
}

static void
grows_and_stays_terminated(void **state)
{
	struct ha_buf buf = HA_BUF_INIT;
	size_t i;

	(void)state;
	for (i = 0; i < 100000; i++) {
		ha_buf_add_char(&buf, (char)('a' + i % 26));
		assert_int_equal(buf.data[buf.len], 0);
		assert_true(buf.cap > buf.len);
	}
	assert_int_equal(buf.len, 100000);
	for (i = 0; i < buf.len; i++)
		assert_int_equal(buf.data[i], 'a' + i % 26);
	ha_buf_release(&buf);
}

static void
formats_of_any_length(void **state)
{
	struct ha_buf buf = HA_BUF_INIT;
	int width;

	(void)state;
	for (width = 0; width < 400; width++) {
		ha_buf_reset(&buf);
		ha_buf_addf(&buf, "<%*s>", width, "");
		assert_int_equal(buf.len, width + 2);
		assert_int_equal(buf.data[width + 1], '>');
		assert_int_equal(buf.data[width + 2], 0);
	}
	ha_buf_release(&buf);
}

static void
truncates_consumes_detaches(void **state)
{
	struct ha_buf buf = HA_BUF_INIT;
	char *text;

	(void)state;
	ha_buf_add_str(&buf, "one two three");
	ha_buf_truncate(&buf, 7);
	assert_string_equal(buf.data, "one two");
	ha_buf_consume(&buf, 4);
	assert_string_equal(buf.data, "two");
	text = ha_buf_detach(&buf);
	assert_string_equal(text, "two");
	assert_string_equal(buf.data, "");
	free(text);
}

static void
copies_hold_nul_bytes(void **state)
{
	char *copy = ha_xmemdup("a\0b", 3);
	char *text = ha_xasprintf("%s-%d", "x", 7);

	(void)state;
	assert_memory_equal(copy, "a\0b", 4);
	assert_string_equal(text, "x-7");
	free(copy);
	free(text);
	free(ha_xmalloc(0));
	free(ha_xcalloc(0, 0));
}

/* What a child that asks for too much memory exits with. */
static int
status_without_memory(int fatal)
{
	struct ha_buf buf = HA_BUF_INIT;
	int status;
	pid_t pid = fork();

	if (pid == 0) {
		if (!freopen("/dev/null", "w", stderr))
			_exit(1);
		if (fatal)
			ha_alloc_fatal(fatal);
		ha_buf_add_char(&buf, 'x');
		ha_buf_reserve(&buf, SIZE_MAX - 1);
		_exit(0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	return WEXITSTATUS(status);
}

/* What sh(1) and fish(1) read as the same word. */
static void
quotes_for_a_shell(void **state)
{
	struct ha_buf buf = HA_BUF_INIT;

	(void)state;
	ha_buf_add_quoted(&buf, "it's $(id)", 10);
	assert_string_equal(buf.data, "'it'\\''s $(id)'");
	ha_buf_reset(&buf);
	ha_buf_add_quoted(&buf, "a\\b", 3);
	assert_string_equal(buf.data, "'a'\\\\'b'");
	ha_buf_reset(&buf);
	ha_buf_add_quoted(&buf, NULL, 0);
	assert_string_equal(buf.data, "''");
	ha_buf_release(&buf);
}

static void
no_memory_ends_the_process(void **state)
{
	(void)state;
	assert_int_equal(status_without_memory(0), EX_OSERR);
	assert_int_equal(status_without_memory(3), 3);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(empty_is_a_string),
		cmocka_unit_test(grows_and_stays_terminated),
		cmocka_unit_test(formats_of_any_length),
		cmocka_unit_test(truncates_consumes_detaches),
		cmocka_unit_test(copies_hold_nul_bytes),
		cmocka_unit_test(quotes_for_a_shell),
		cmocka_unit_test(no_memory_ends_the_process),
	};

	return cmocka_run_group_tests_name("buf", tests, NULL, NULL);
}
