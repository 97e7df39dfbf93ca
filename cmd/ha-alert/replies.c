/* SPDX-License-Identifier: ISC */
/* replies - what a mail server said, reply by reply. */
#include "replies.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "alloc.h"

static int
code_of(const char *line, size_t len)
{
	if (len < 3)
		return 0;
	for (int i = 0; i < 3; i++)
		if (!isdigit((unsigned char)line[i]))
			return 0;
	return (line[0] - '0') * 100 + (line[1] - '0') * 10 + line[2] - '0';
}

static void
add(struct replies *replies, const char *line, size_t len)
{
	int code = code_of(line, len);

	if (code == 0 || (len > 3 && line[3] == '-'))
		return;
	replies->list = ha_xrealloc(
	    replies->list, (replies->count + 1) * sizeof(*replies->list));
	replies->list[replies->count++] = (struct reply){ code, line, len };
}

void
replies_parse(struct replies *replies, const char *text, size_t len)
{
	const char *end = text + len, *eol;

	*replies = (struct replies){ NULL, 0 };
	for (; text < end; text = eol + 1) {
		eol = memchr(text, '\n', (size_t)(end - text));
		if (eol == NULL)
			return;
		len = (size_t)(eol - text);
		if (len > 0 && text[len - 1] == '\r')
			len--;
		add(replies, text, len);
	}
}

void
replies_release(struct replies *replies)
{
	free(replies->list);
	*replies = (struct replies){ NULL, 0 };
}

const struct reply *
replies_recipients(const struct replies *replies, size_t recipients)
{
	const struct reply *list = replies->list;
	size_t n = replies->count, i;

	/* 354 to DATA, and the reply to the message, are behind them. */
	if (n >= recipients + 2 && list[n - 2].code == 354)
		return &list[n - 2 - recipients];
	if (n < recipients)
		return NULL;
	for (i = n - recipients; i < n && list[i].code >= 400; i++)
		;
	return i == n ? &list[n - recipients] : NULL;
}
