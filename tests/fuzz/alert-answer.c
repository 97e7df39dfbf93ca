/* SPDX-License-Identifier: ISC */
/*
 * alert-answer - what a webhook's receiver, a mail server and alert.conf's
 * addresses say: each answer is judged, its words fit, replies and addresses
 * stay inside of what came.
 */
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "address.h"
#include "alloc.h"
#include "answer.h"
#include "base64.h"
#include "replies.h"
#include "sender.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

const char *
channel_get(const struct channel *channel, const char *key)
{
	(void)channel;
	(void)key;
	return NULL;
}

void
sender_result(struct delivery *delivery, enum delivery_result result,
    const char *fmt, ...)
{
	struct ha_buf words = HA_BUF_INIT;
	va_list ap;

	va_start(ap, fmt);
	ha_buf_vaddf(&words, fmt, ap);
	va_end(ap);
	if (words.len >= sizeof(delivery->words))
		abort();
	delivery->result = result;
	ha_buf_release(&words);
}

static void
judge(const char *text, size_t len)
{
	static const char *const expectations[] = { NULL, "/errcode=0",
		"/ok=true?", "/a/0/b~1=x", "ok" };
	static const int statuses[] = { 200, 308, 404, 429, 503 };

	for (size_t i = 0; i < 5; i++)
		for (size_t j = 0; j < 5; j++) {
			struct answer_rules rules = { expectations[i], "1,2" };
			struct answer answer = { statuses[j], text, len, -1,
				text };
			struct delivery delivery = { .retry_after_ms = -1 };

			answer_judge(&answer, &rules, &delivery);
			if (delivery.retry_after_ms < -1)
				abort();
		}
}

static void
read_replies(const char *text, size_t len)
{
	struct replies replies;

	replies_parse(&replies, text, len);
	for (size_t n = 1; n < 4; n++) {
		const struct reply *rcpts = replies_recipients(&replies, n);

		if (rcpts != NULL &&
		    (rcpts < replies.list ||
			rcpts + n > replies.list + replies.count))
			abort();
	}
	for (size_t i = 0; i < replies.count; i++)
		if (replies.list[i].line < text ||
		    replies.list[i].line + replies.list[i].len > text + len ||
		    replies.list[i].code < 0 || replies.list[i].code > 999)
			abort();
	replies_release(&replies);
}

/* None of them can end a command, or begin an option. */
static void
read_addresses(const char *text)
{
	struct address_list list = { NULL, 0 };
	struct ha_err err;

	address_add(&list, text, &err);
	for (size_t i = 0; i < list.count; i++) {
		const char *address = list.addresses[i];

		if (*address == '-' || *address == '\0')
			abort();
		for (; *address != '\0'; address++)
			if (*address <= ' ' || *address >= 0x7f ||
			    *address == '<' || *address == '>')
				abort();
	}
	address_release(&list);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = ha_xmemdup(data, size);
	struct ha_buf bytes = HA_BUF_INIT;

	judge(text, size);
	read_replies(text, size);
	read_addresses(text);
	base64_decode(&bytes, text);
	ha_buf_release(&bytes);
	free(text);
	return 0;
}
