/* SPDX-License-Identifier: ISC */
/*
 * content - digests, and lines wherever the blocks that are read end.
 */
#include "test.h"

#include <errno.h>
#include <fcntl.h>
#include <regex.h>

#include "content.h"

static int
read_bytes(const char *data, size_t len, const struct content_wish *wish,
    struct content *content)
{
	int fd = open("file", O_RDWR | O_CREAT | O_TRUNC, 0600);
	int sys;

	assert_int_equal(write(fd, data, len), len);
	assert_int_equal(lseek(fd, 0, SEEK_SET), 0);
	sys = content_read(fd, wish, content);
	close(fd);
	return sys;
}

static void
digests(void **state)
{
	const struct content_wish both = { .sha256 = 1, .md5 = 1 };
	const struct content_wish none = { 0 };
	struct content content;

	(void)state;
	assert_int_equal(read_bytes("abc", 3, &both, &content), 0);
	/* FIPS 180-2, B.1; RFC 1321, A.5 */
	assert_string_equal(content.sha256, "ba7816bf8f01cfea414140de5dae2223"
					    "b00361a396177a9cb410ff61f20015ad");
	assert_string_equal(content.md5, "900150983cd24fb0d6963f7d28e17f72");
	assert_int_equal(content.read, 3);
	assert_int_equal(read_bytes("", 0, &both, &content), 0);
	assert_string_equal(content.md5, "d41d8cd98f00b204e9800998ecf8427e");
	assert_int_equal(read_bytes("abc", 3, &none, &content), 0);
	assert_string_equal(content.sha256, "");
	assert_string_equal(content.md5, "");
	assert_int_equal(content_read(-1, &both, &content), EBADF);
}

static int
matches(const char *data, size_t len, const char *pattern)
{
	struct content_wish wish = { 0 };
	struct content content;
	regex_t regex;

	assert_int_equal(regcomp(&regex, pattern, REG_EXTENDED | REG_NOSUB), 0);
	wish.match = wish.nomatch = &regex;
	assert_int_equal(read_bytes(data, len, &wish, &content), 0);
	assert_int_equal(content.has_match, content.has_nomatch);
	regfree(&regex);
	return content.has_match;
}

static void
lines(void **state)
{
	static const char text[] = "first\nsecond\r\n\nwith\0nul\nlast";
	size_t len = sizeof(text) - 1;

	(void)state;
	assert_true(matches(text, len, "^first$"));
	assert_true(matches(text, len, "^second$"));
	assert_true(matches(text, len, "^$"));
	assert_true(matches(text, len, "nul$"));
	assert_true(matches(text, len, "^last$"));
	assert_false(matches(text, len, "first.*second"));
	assert_false(matches(text, len, "missing"));
	assert_false(matches("", 0, ""));
	assert_false(matches("a\n", 2, "^$"));
}

/* A line that lies across the ends of blocks, at each place. */
static void
across_blocks(void **state)
{
	static const char tail[] = "ab needle cd\nend\n";
	char *data = malloc(3 * CONTENT_LINE_MAX);
	size_t before, len;

	(void)state;
	for (before = CONTENT_LINE_MAX - 12; before < CONTENT_LINE_MAX + 3;
	     before++) {
		memset(data, 'x', before);
		data[100] = '\n';
		data[before - 1] = '\n';
		memcpy(data + before, tail, sizeof(tail) - 1);
		len = before + sizeof(tail) - 1;
		assert_true(matches(data, len, "^ab needle cd$"));
		assert_true(matches(data, len, "^end$"));
		assert_false(matches(data, len, "xab"));
	}
	free(data);
}

static void
long_lines(void **state)
{
	size_t len = 3 * CONTENT_LINE_MAX, i;
	char *data = malloc(len);

	(void)state;
	memset(data, 'x', len);
	for (i = 0; i < 6; i++)
		data[len - 6 + i] = "needle"[i];
	assert_true(matches(data, len, "needle$"));
	assert_false(matches(data, len, "^needle"));
	/* Exactly as long as a line may be, with its end in the next block. */
	memset(data, 'x', len);
	data[0] = 'a';
	data[CONTENT_LINE_MAX - 1] = 'b';
	data[CONTENT_LINE_MAX] = '\n';
	assert_true(matches(data, len, "^ax*b$"));
	free(data);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		test_in_folder(digests),
		test_in_folder(lines),
		test_in_folder(across_blocks),
		test_in_folder(long_lines),
	};

	return cmocka_run_group_tests_name("content", tests, NULL, NULL);
}
