/* SPDX-License-Identifier: ISC */
/*
 * conf - words and where they stand, includes, mistakes and their places.
 */
#include "test.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sysexits.h>

#include "buf.h"
#include "conf.h"
#include "fs.h"

/* What was read, one line a line: "file:number word|word|". */
static struct ha_buf seen = HA_BUF_INIT;

static int
note(void *context, const struct ha_conf_line *line, struct ha_err *err)
{
	size_t i;

	(void)context;
	(void)err;
	ha_buf_addf(&seen, "%s:%u ", line->file, line->number);
	for (i = 0; i < line->count; i++)
		ha_buf_addf(&seen, "%s|", line->words[i].text);
	ha_buf_add_char(&seen, '\n');
	return 0;
}

/* The same with the place of each byte: "w1:1o1:2r1:3d1:4/1:5". */
static int
note_places(void *context, const struct ha_conf_line *line, struct ha_err *err)
{
	const struct ha_conf_word *word;
	size_t i, at;

	(void)context;
	(void)err;
	for (i = 0; i < line->count; i++) {
		word = &line->words[i];
		for (at = 0; at == 0 || word->text[at - 1]; at++)
			ha_buf_addf(&seen, "%c%u:%u",
			    word->text[at] ? word->text[at] : '/',
			    word->lines[at], word->columns[at]);
		ha_buf_add_char(&seen, ' ');
	}
	return 0;
}

static void
put(const char *path, const void *data, size_t len)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
	struct ha_err err;

	assert_true(fd >= 0);
	assert_int_equal(ha_fs_write_all(fd, data, len, &err), 0);
	close(fd);
}

static void
put_str(const char *path, const char *text)
{
	put(path, text, strlen(text));
}

static void
expect(const char *path, const char *lines)
{
	struct ha_err err;

	ha_buf_reset(&seen);
	if (ha_conf_read(path, note, NULL, &err))
		fail_msg("%s", err.msg);
	assert_string_equal(seen.data, lines);
}

static void
expect_lines(const char *text, const char *lines)
{
	put_str("f", text);
	expect("f", lines);
}

static void
expect_places(const char *text, const char *places)
{
	struct ha_err err;

	put_str("f", text);
	ha_buf_reset(&seen);
	if (ha_conf_read("f", note_places, NULL, &err))
		fail_msg("%s", err.msg);
	assert_string_equal(seen.data, places);
}

static void
expect_mistake(const char *path, const char *message)
{
	struct ha_err err;

	ha_buf_reset(&seen);
	assert_int_equal(ha_conf_read(path, note, NULL, &err), -1);
	assert_string_equal(err.msg, message);
	assert_int_equal(err.status, EX_CONFIG);
}

static void
words(void **state)
{
	(void)state;
	expect_lines("", "");
	expect_lines("\n \t\n# all\n  # of it\n", "");
	expect_lines("a b\n\tc  d\t\n", "f:1 a|b|\nf:2 c|d|\n");
	expect_lines("a b", "f:1 a|b|\n");
	expect_lines("a#b # c\n", "f:1 a#b|\n");
	expect_lines("'' \"\" x''\n", "f:1 ||x|\n");
	expect_lines("e='s=200 b~\"ok\" \\d'\n", "f:1 e=s=200 b~\"ok\" \\d|\n");
	expect_lines("\"a \\\"b\\\\ 'c'\" d\\ e \\# \\'\n",
	    "f:1 a \"b\\ 'c'|d e|#|'|\n");
	expect_lines("a'b'\"c\"d\n", "f:1 abcd|\n");
	expect_lines("a\r\nb \r\n'c\rd' e\r", "f:1 a|\nf:2 b|\nf:3 c\rd|e|\n");
	expect_lines("\xef\xbb\xbf"
		     "a\n",
	    "f:1 a|\n");
}

static void
joined_lines(void **state)
{
	(void)state;
	expect_lines("a \\\n  b \\\r\nc\nd\n", "f:1 a|b|c|\nf:4 d|\n");
	expect_lines("ab\\\ncd\n", "f:1 abcd|\n");
	expect_lines("\"a \\\n b\"\n", "f:1 a  b|\n");
	expect_lines("a \\\n\nb\n", "f:1 a|\nf:3 b|\n");
	expect_lines("a \\\n# b\nc\n", "f:1 a|\nf:3 c|\n");
	expect_lines("# a \\\nb\n", "f:2 b|\n");
	expect_lines("\\\na\n", "f:1 a|\n");
}

static void
places(void **state)
{
	(void)state;
	expect_places("ab c\n", "a1:1b1:2/1:3 c1:4/1:5 ");
	expect_places("x='a b' c", "x1:1=1:2a1:4 1:5b1:6/1:8 c1:9/1:10 ");
	expect_places("\"\\\"q\"", "\"1:3q1:4/1:6 ");
	expect_places("\ta\\ b\n", "a1:2 1:4b1:5/1:6 ");
	expect_places("a\\\nb \\\n c\n", "a1:1b2:1/2:2 c3:2/3:3 ");
	expect_places("\xef\xbb\xbf"
		      "a\n",
	    "a1:1/1:2 ");
	expect_places("''\n", "/1:3 ");
}

static void
mistakes(void **state)
{
	(void)state;
	put_str("f", "ok\n  x='a b\n'\n");
	expect_mistake("f", "f:2:5: this quote is not closed");
	assert_string_equal(seen.data, "f:1 ok|\n");
	put_str("f", "a \"b \\\n c");
	expect_mistake("f", "f:1:3: this quote is not closed");
	put_str("f", "a b\\");
	expect_mistake("f", "f:1:4: nothing follows the backslash");
	put("f", "ab\0c\n", 5);
	expect_mistake("f", "f:1:3: a NUL byte");
	put("f", "# \0c\n", 5);
	expect_mistake("f", "f:1:3: a NUL byte");
	put("f", "a\\\0\n", 4);
	expect_mistake("f", "f:1:3: a NUL byte");
	put("f", "'\0'\n", 4);
	expect_mistake("f", "f:1:2: a NUL byte");
}

static int
refuse_c(void *context, const struct ha_conf_line *line, struct ha_err *err)
{
	(void)context;
	if (line->count < 2)
		return 0;
	snprintf(err->msg, sizeof(err->msg), "why not");
	return ha_conf_err(
	    line, 1, 2, err, "%s: %c", err->msg, line->words[1].text[2]);
}

static void
mistakes_of_the_caller(void **state)
{
	struct ha_err err;

	(void)state;
	put_str("f", "a\nb 'x\"c'\nd\n");
	assert_int_equal(ha_conf_read("f", refuse_c, NULL, &err), -1);
	assert_string_equal(err.msg, "f:2:6: why not: c");
	assert_int_equal(err.status, EX_CONFIG);
}

static void
unreadable(void **state)
{
	struct ha_err err;
	char *large = calloc(1, 17 * 1024 * 1024);

	(void)state;
	assert_int_equal(ha_conf_read("gone", note, NULL, &err), -1);
	assert_int_equal(err.status, EX_NOINPUT);
	assert_string_equal(
	    err.msg, "can't open 'gone': No such file or directory");
	assert_int_equal(ha_conf_read(".", note, NULL, &err), -1);
	assert_int_equal(err.status, EX_NOINPUT);
	assert_string_equal(err.msg, "can't read '.': Is a directory");
	assert_non_null(large);
	memset(large, '\n', 17 * 1024 * 1024);
	put("f", large, 17 * 1024 * 1024);
	free(large);
	expect_mistake("f", "'f' is larger than 16 MiB");
}

static void
from_stdin(void **state)
{
	int fds[2], saved = dup(STDIN_FILENO);

	(void)state;
	put_str("other", "y\n");
	assert_int_equal(pipe(fds), 0);
	assert_int_equal(write(fds[1], "a b\ninclude other\n", 18), 18);
	close(fds[1]);
	dup2(fds[0], STDIN_FILENO);
	expect("-", "-:1 a|b|\nother:1 y|\n");
	dup2(saved, STDIN_FILENO);
	close(saved);
	close(fds[0]);
}

static void
includes(void **state)
{
	(void)state;
	assert_int_equal(mkdir("d", 0700), 0);
	assert_int_equal(mkdir("d/[x]*", 0700), 0);
	put_str("f", "a\ninclude d/g\nb\n");
	put_str("d/g", "include h\ninclude 'h'\nc");
	put_str("d/h", "d\n");
	expect("f", "f:1 a|\nd/h:1 d|\nd/h:1 d|\nd/g:3 c|\nf:3 b|\n");
	put_str("d/[x]*/f", "include *.conf\ninclude no*thing\n");
	put_str("d/[x]*/b.conf", "2\n");
	put_str("d/[x]*/B.conf", "1\n");
	put_str("d/[x]*/c.conf", "3\n");
	expect("d/[x]*/f",
	    "d/[x]*/B.conf:1 1|\nd/[x]*/b.conf:1 2|\nd/[x]*/c.conf:1 3|\n");
	put_str("f", "include gone/*\n");
	expect("f", "");
	put_str("f", "include d/h/*\n");
	expect("f", "");
}

static void
absolute_include(void **state)
{
	char text[256];

	put_str("h", "d\n");
	snprintf(text, sizeof(text), "include %s/h\n", (char *)*state);
	put_str("f", text);
	snprintf(text, sizeof(text), "%s/h:1 d|\n", (char *)*state);
	expect("./f", text);
}

static void
mistakes_of_includes(void **state)
{
	(void)state;
	assert_int_equal(mkdir("d", 0700), 0);
	put_str("f", "a\n  include 'gone'\n");
	expect_mistake(
	    "f", "f:2:12: can't open 'gone': No such file or directory");
	put_str("f", "include d\n");
	expect_mistake("f", "f:1:9: can't read 'd': Is a directory");
	assert_int_equal(symlink("loop", "loop"), 0);
	put_str("f", "include loop/*\n");
	expect_mistake("f",
	    "f:1:9: can't look for 'loop/*': Too many levels of symbolic "
	    "links");
	put_str("f", "include\n");
	expect_mistake("f", "f:1:1: include takes one path");
	put_str("f", "include ''\n");
	expect_mistake("f", "f:1:1: include takes one path");
	put_str("f", "include a b\n");
	expect_mistake("f", "f:1:11: include takes one path");
	put_str("f", "include d/g\n");
	put_str("d/g", "x\n\" open\n");
	expect_mistake("f", "d/g:2:1: this quote is not closed");
	put_str("d/g", "include ../f\n");
	expect_mistake("f", "d/g:1:9: 'd/../f' includes itself");
	assert_int_equal(link("f", "d/f"), 0);
	put_str("d/g", "\n include [f]\n");
	expect_mistake("f", "d/g:2:10: 'd/f' includes itself");
}

static void
deep_includes(void **state)
{
	char name[16], text[32];
	int i;

	(void)state;
	for (i = 0; i < 17; i++) {
		snprintf(name, sizeof(name), "f%d", i);
		snprintf(text, sizeof(text), "include f%d\n", i + 1);
		put_str(name, text);
	}
	put_str("f17", "end\n");
	expect("f1", "f17:1 end|\n");
	expect_mistake("f0", "f16:1:1: more than 16 files include one another");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		test_in_folder(words),
		test_in_folder(joined_lines),
		test_in_folder(places),
		test_in_folder(mistakes),
		test_in_folder(mistakes_of_the_caller),
		test_in_folder(unreadable),
		test_in_folder(from_stdin),
		test_in_folder(includes),
		test_in_folder(absolute_include),
		test_in_folder(mistakes_of_includes),
		test_in_folder(deep_includes),
	};
	int failed = cmocka_run_group_tests_name("conf", tests, NULL, NULL);

	ha_buf_release(&seen);
	return failed;
}
