/* SPDX-License-Identifier: ISC */
/* text - columns and wrapped words. */
#include "test.h"

#include <locale.h>

#include "text.h"

static void
test_width(void **state)
{
	(void)state;
	assert_int_equal(ha_text_width(""), 0);
	assert_int_equal(ha_text_width("abc"), 3);
	assert_int_equal(ha_text_width("h\303\251"), 2);
	/* An ideograph takes two columns, a combining accent none. */
	assert_int_equal(ha_text_width("\344\270\255"), 2);
	assert_int_equal(ha_text_width("e\314\201"), 1);
	/* What is no character takes one a byte, a cut one too. */
	assert_int_equal(ha_text_width("\377\376"), 2);
	assert_int_equal(ha_text_width("\344\270"), 2);
}

static void
test_fit(void **state)
{
	size_t used;

	(void)state;
	assert_int_equal(ha_text_fit("abcdef", 6, 4, &used), 4);
	assert_int_equal(used, 4);
	assert_int_equal(ha_text_fit("a\344\270\255b", 5, 2, &used), 1);
	assert_int_equal(used, 1);
	assert_int_equal(ha_text_fit("a\344\270\255b", 5, 3, &used), 4);
	assert_int_equal(used, 3);
	assert_int_equal(ha_text_fit("", 0, 3, &used), 0);
	assert_int_equal(ha_text_fit("abc", 3, 0, &used), 0);
}

static void
wraps(const char *text, size_t width, size_t indent, const char *want)
{
	struct ha_buf out = HA_BUF_INIT;

	ha_text_add_wrapped(&out, text, width, indent);
	assert_string_equal(out.data, want);
	ha_buf_release(&out);
}

static void
test_wrapped(void **state)
{
	(void)state;
	wraps("", 10, 2, "");
	wraps("one two", 10, 2, "one two");
	wraps("one two three", 8, 2, "one two\n  three");
	wraps("one two three", 7, 0, "one two\nthree");
	wraps("abcdefghij k", 4, 1, "abcd\n efgh\n ij k");
	wraps("\303\251\303\251 \303\251", 3, 0, "\303\251\303\251\n\303\251");
	wraps("a\303\251c", 0, 0, "a\n\303\251\nc");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_width),
		cmocka_unit_test(test_fit),
		cmocka_unit_test(test_wrapped),
	};

	setlocale(LC_CTYPE, "C.UTF-8");
	return cmocka_run_group_tests(tests, NULL, NULL);
}
