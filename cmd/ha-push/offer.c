/* SPDX-License-Identifier: ISC */
/*
 * offer - what a server's first bytes say: its banner and its algorithms.
 *
 * They are not encrypted: lines of text, the last of which begins with "SSH-",
 * then one binary packet.
 */
#include "offer.h"

#include <stdint.h>
#include <string.h>

#include "wire.h"

enum {
	SSH_MSG_KEXINIT = 20,
	PACKET_HEAD = 5, /* length, length of the padding */
	COOKIE = 16
};

/* The byte after the banner's line; NULL when it has not come. */
static const char *
after_banner(const struct ha_buf *stream)
{
	const char *p = stream->data;
	const char *end = stream->data + stream->len;

	while (p < end) {
		const char *line = p;
		const char *lf = memchr(p, '\n', (size_t)(end - p));

		if (lf == NULL)
			return NULL;
		p = lf + 1;
		if (lf - line >= 4 && memcmp(line, "SSH-", 4) == 0)
			return p;
	}
	return NULL;
}

int
offer_is_ssh(const struct ha_buf *stream)
{
	return after_banner(stream) != NULL;
}

int
offer_get(
    const struct ha_buf *stream, enum offer_list list, struct ha_buf *words)
{
	const char *p = after_banner(stream);
	size_t left;

	if (p == NULL)
		return -1;
	left = (size_t)(stream->data + stream->len - p);
	if (left < PACKET_HEAD + 1 + COOKIE ||
	    p[PACKET_HEAD] != SSH_MSG_KEXINIT)
		return -1;
	p += PACKET_HEAD + 1 + COOKIE;
	left -= PACKET_HEAD + 1 + COOKIE;
	for (int i = 0;; i++) {
		uint32_t len;

		if (left < 4 || (len = wire_number_at(p)) > left - 4)
			return -1;
		if (i == (int)list) {
			ha_buf_add(words, p + 4, len);
			return 0;
		}
		p += 4 + len;
		left -= 4 + len;
	}
}
