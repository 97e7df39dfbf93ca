/* SPDX-License-Identifier: ISC */
/*
 * rec - escapes, fields, pairs, JSON.
 */
#include "test.h"

#include <jansson.h>
#include <locale.h>

#include "rec.h"

#define ROUNDS 2000

static const struct {
	const char *data;
	size_t len;
	const char *field;
} cases[] = {
	{ "", 0, "-" },
	{ "-", 1, "\\0055" },
	{ "--", 2, "--" },
	{ "a b", 3, "a b" },
	{ "a\tb\nc\\d", 7, "a\\tb\\nc\\\\d" },
	{ "\0\r\x1b\x7f", 4, "\\0000\\0015\\0033\\0177" },
	{ "\xc3\xa4\xff", 3, "\xc3\xa4\xff" },
};

static void
fields(void **state)
{
	struct ha_buf line = HA_BUF_INIT;
	struct ha_err err;
	size_t i, len;

	(void)state;
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		ha_buf_reset(&line);
		ha_rec_add_field(&line, cases[i].data, cases[i].len);
		assert_string_equal(line.data, cases[i].field);
		assert_int_equal(ha_rec_unescape(line.data, &len, &err), 0);
		assert_int_equal(len, cases[i].len);
		assert_memory_equal(line.data, cases[i].data, len);
	}
	ha_buf_release(&line);
}

static void
random_bytes_survive(void **state)
{
	struct ha_buf line = HA_BUF_INIT;
	unsigned char data[64];
	struct ha_err err;
	size_t round, i, size, len;

	(void)state;
	test_seed();
	for (round = 0; round < ROUNDS; round++) {
		size = test_random(sizeof(data));
		for (i = 0; i < size; i++)
			data[i] =
			    (unsigned char)test_random(round % 2 ? 256 : 48);
		ha_buf_reset(&line);
		ha_rec_add_field(&line, data, size);
		for (i = 0; i < line.len; i++)
			assert_true((unsigned char)line.data[i] >= 0x20);
		assert_int_equal(ha_rec_unescape(line.data, &len, &err), 0);
		assert_int_equal(len, size);
		assert_memory_equal(line.data, data, size);
	}
	ha_buf_release(&line);
}

static void
foreign_escapes_are_refused(void **state)
{
	static const char *const bad[] = { "a\\", "a\\x41", "a\\r", "a\\0",
		"a\\01", "a\\012", "a\\0400", "a\\0101", "a\\0008", "a\\0011",
		"a\\0012", "a\\0134", "a\\0777", "a\\0055", "a\\1" };
	char field[16];
	struct ha_err err;
	size_t i, len;

	(void)state;
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		strcpy(field, bad[i]);
		assert_int_equal(ha_rec_unescape(field, &len, &err), -1);
		assert_int_equal(err.status, EX_DATAERR);
		assert_non_null(strstr(err.msg, "column 2"));
	}
}

static void
splits_at_tabs(void **state)
{
	char line[] = "a\t\tc\td";
	char whole[] = "alone";
	char none[] = "";
	char *got[3];

	(void)state;
	assert_int_equal(ha_rec_split(line, got, 3), 3);
	assert_string_equal(got[0], "a");
	assert_string_equal(got[1], "");
	assert_string_equal(got[2], "c");
	assert_int_equal(ha_rec_split(whole, got, 3), 1);
	assert_string_equal(got[0], "alone");
	assert_int_equal(ha_rec_split(none, got, 3), 1);
	assert_string_equal(got[0], "");
}

static void
pairs(void **state)
{
	struct ha_buf line = HA_BUF_INIT;

	(void)state;
	ha_rec_add_pair(&line, "a", "x\ty", 3);
	ha_rec_add_pair(&line, "b", "", 0);
	ha_rec_add_pair(&line, "c", "-", 1);
	assert_string_equal(line.data, "\ta=x\\ty\tb=\tc=\\0055");
	ha_buf_release(&line);
}

static void
check_printable(const char *data, const char *expected)
{
	struct ha_buf text = HA_BUF_INIT;

	ha_rec_add_printable(&text, data, strlen(data));
	assert_string_equal(text.data, expected);
	ha_buf_release(&text);
}

static void
printable_by_locale(void **state)
{
	(void)state;
	assert_non_null(setlocale(LC_CTYPE, "C"));
	check_printable("a\\b\x1b[2J\xc3\xa4", "a\\\\b\\0033[2J\\0303\\0244");
	assert_non_null(setlocale(LC_CTYPE, "C.UTF-8"));
	check_printable("a\xc3\xa4-", "a\xc3\xa4-");
	/* A cut and a bad sequence, a C1 control, a turn of direction. */
	check_printable("\xc3", "\\0303");
	check_printable("\xff.", "\\0377.");
	check_printable("\xc2\x9b", "\\0302\\0233");
	check_printable("\xe2\x80\xae", "\\0342\\0200\\0256");
	assert_non_null(setlocale(LC_CTYPE, "C"));
}

static void
check_json(const char *data, size_t len, const char *expected)
{
	struct ha_buf line = HA_BUF_INIT;

	ha_rec_add_json(&line, data, len);
	assert_string_equal(line.data, expected);
	assert_int_equal(line.len, strlen(expected));
	ha_buf_release(&line);
}

static void
json(void **state)
{
	(void)state;
	check_json("", 0, "\"\"");
	check_json("a\"\\\n\0b", 6, "\"a\\\"\\\\\\n\\u0000b\"");
	check_json("\xc3\xa4", 2, "\"\xc3\xa4\"");
	check_json("\x7f\xc2\x9b\xc2\xa0\xe2\x80\xae", 8,
	    "\"\\u007f\\u009b\xc2\xa0\\u202e\"");
	check_json("\xff", 1, "{\"b64\":\"/w==\"}");
	check_json("\xff\xfe", 2, "{\"b64\":\"//4=\"}");
	check_json("\xff\0\x10", 3, "{\"b64\":\"/wAQ\"}");
	check_json("\xff\0\x10\x83", 4, "{\"b64\":\"/wAQgw==\"}");
}

static void
random_json_parses(void **state)
{
	struct ha_buf line = HA_BUF_INIT;
	char data[32];
	json_t *value;
	size_t round, i, size;

	(void)state;
	test_seed();
	for (round = 0; round < ROUNDS; round++) {
		size = test_random(sizeof(data));
		for (i = 0; i < size; i++)
			data[i] = (char)test_random(round % 2 ? 128 : 256);
		ha_buf_reset(&line);
		ha_rec_add_json(&line, data, size);
		value = json_loadb(line.data, line.len,
		    JSON_DECODE_ANY | JSON_ALLOW_NUL, NULL);
		assert_non_null(value);
		if (json_is_string(value)) {
			assert_int_equal(json_string_length(value), size);
			assert_memory_equal(
			    json_string_value(value), data, size);
		}
		json_decref(value);
	}
	ha_buf_release(&line);
}

static void
utf8(void **state)
{
	static const char *const texts[][2] = {
		{ "", "" },
		{ "a \\-~", "a \\-~" },
		{ "\t\n\033\x7f", "????" },
		{ "\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80",
		    "\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80" },
		{ "\xff\xc3", "??" },
		{ "\xe2\x82", "??" },
		{ "\xe2\x82x", "??x" },
		{ "\xc0\xaf", "??" }, /* overlong */
		{ "\xe0\x80\xaf", "???" },
		{ "\xed\xa0\x80", "???" }, /* surrogate */
		{ "\xf4\x90\x80\x80", "????" },
		{ "\xf8\x88\x80\x80\x80", "?????" },
		{ "\xc2\x9b", "?" }, /* CSI */
		{ "\xe2\x80\xae"
		  "x",
		    "?x" },
	};
	struct ha_buf text = HA_BUF_INIT;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		ha_buf_reset(&text);
		ha_rec_add_utf8(&text, texts[i][0], strlen(texts[i][0]));
		assert_string_equal(text.data, texts[i][1]);
	}
	ha_rec_add_utf8(&text, "a\0b", 3);
	assert_string_equal(text.data + text.len - 3, "a?b");
	ha_buf_release(&text);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(fields),
		cmocka_unit_test(random_bytes_survive),
		cmocka_unit_test(foreign_escapes_are_refused),
		cmocka_unit_test(splits_at_tabs),
		cmocka_unit_test(pairs),
		cmocka_unit_test(printable_by_locale),
		cmocka_unit_test(json),
		cmocka_unit_test(random_json_parses),
		cmocka_unit_test(utf8),
	};

	return cmocka_run_group_tests_name("rec", tests, NULL, NULL);
}
