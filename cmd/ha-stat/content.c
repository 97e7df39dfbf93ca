/* SPDX-License-Identifier: ISC */
/*
 * content - read a file once: its digests, and lines that match.
 */
#include "content.h"

#include <errno.h>
#include <md5.h>
#include <sha2.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "alloc.h"

#define READ_SIZE CONTENT_LINE_MAX

struct reading {
	const struct content_wish *wish;
	struct content *content;
	SHA2_CTX sha256;
	MD5_CTX md5;
	char *line; /* the beginning of one, from the block before */
	size_t len;
};

/* Behind the line, there is a NUL byte somewhere: not all know REG_STARTEND. */
static int
matches(const regex_t *regex, const char *line, size_t len)
{
	regmatch_t range = { .rm_so = 0, .rm_eo = (regoff_t)len };

	return !regexec(regex, line, 0, &range, REG_STARTEND);
}

static void
look_at_line(struct reading *reading, const char *line, size_t len)
{
	const struct content_wish *wish = reading->wish;
	struct content *content = reading->content;

	if (len && line[len - 1] == '\r')
		len--;
	if (wish->match && !content->has_match)
		content->has_match = matches(wish->match, line, len);
	if (wish->nomatch && !content->has_nomatch)
		content->has_nomatch = matches(wish->nomatch, line, len);
}

/* The part of a line that is kept until its end comes, or it is too long. */
static void
keep(struct reading *reading, const char *data, size_t len)
{
	size_t take;

	while (len) {
		take = CONTENT_LINE_MAX - reading->len;
		if (take > len)
			take = len;
		memcpy(reading->line + reading->len, data, take);
		reading->len += take;
		data += take;
		len -= take;
		if (reading->len == CONTENT_LINE_MAX && len) {
			look_at_line(reading, reading->line, reading->len);
			reading->len = 0;
		}
	}
}

static void
split_lines(struct reading *reading, const char *data, size_t len)
{
	const char *end;

	while ((end = memchr(data, '\n', len))) {
		size_t line_len = (size_t)(end - data);

		if (reading->len) {
			keep(reading, data, line_len);
			look_at_line(reading, reading->line, reading->len);
			reading->len = 0;
		} else {
			look_at_line(reading, data, line_len);
		}
		data += line_len + 1;
		len -= line_len + 1;
	}
	keep(reading, data, len);
}

static int
read_blocks(struct reading *reading, int fd)
{
	const struct content_wish *wish = reading->wish;
	int has_regex = wish->match || wish->nomatch;
	char *block = ha_xmalloc(READ_SIZE + 1);
	int sys;
	ssize_t n;

	do {
		n = read(fd, block, READ_SIZE);
		sys = errno;
		if (n <= 0)
			continue;
		reading->content->read += (size_t)n;
		block[n] = '\0';
		if (wish->sha256)
			SHA256Update(
			    &reading->sha256, (uint8_t *)block, (size_t)n);
		if (wish->md5)
			MD5Update(&reading->md5, (uint8_t *)block, (size_t)n);
		if (has_regex)
			split_lines(reading, block, (size_t)n);
	} while (n > 0 || (n < 0 && sys == EINTR));
	free(block);
	return n < 0 ? sys : 0;
}

int
content_read(int fd, const struct content_wish *wish, struct content *content)
{
	struct reading reading = { .wish = wish, .content = content };
	int sys;

	memset(content, 0, sizeof(*content));
	SHA256Init(&reading.sha256);
	MD5Init(&reading.md5);
	reading.line = ha_xcalloc(1, CONTENT_LINE_MAX + 1);
	sys = read_blocks(&reading, fd);
	if (!sys && reading.len)
		look_at_line(&reading, reading.line, reading.len);
	free(reading.line);
	if (sys)
		return sys;
	if (wish->sha256)
		SHA256End(&reading.sha256, content->sha256);
	if (wish->md5)
		MD5End(&reading.md5, content->md5);
	return 0;
}
