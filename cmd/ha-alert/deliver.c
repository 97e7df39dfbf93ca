/* SPDX-License-Identifier: ISC */
/* deliver - bring one rendered message to its channel. */
#include "deliver.h"

#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>

#include "alloc.h"
#include "sender.h"

struct sender {
	const struct sender_kind *kind;
	void *state;
	struct sender_trace trace;
};

static const struct sender_kind *const kinds[] = {
	[CHANNEL_SMTP] = &sender_smtp,
	[CHANNEL_WEBHOOK] = &sender_webhook,
	[CHANNEL_SENDMAIL] = &sender_sendmail,
	[CHANNEL_EXEC] = &sender_exec,
	[CHANNEL_FILE] = &sender_file,
	[CHANNEL_SYSLOG] = &sender_syslog,
};

int
sender_new(
    struct sender **sender, const struct channel *channel, struct ha_err *err)
{
	struct sender *new;

	/* Whoever reads a FIFO may go away. */
	signal(SIGPIPE, SIG_IGN);
	/* libcurl has copies of secrets. */
	prctl(PR_SET_DUMPABLE, 0);
	if (channel_check(channel, err) != 0)
		return -1;
	new = ha_xcalloc(1, sizeof(*new));
	new->kind = kinds[channel->kind];
	if (new->kind->open(&new->state, channel, &new->trace, err) == 0) {
		*sender = new;
		return 0;
	}
	free(new);
	return -1;
}

void
sender_free(struct sender *sender)
{
	if (sender == NULL)
		return;
	sender->kind->close(sender->state);
	free(sender);
}

void
sender_trace(struct sender *sender,
    void (*say)(const void *context, const char *words), const void *context)
{
	sender->trace = (struct sender_trace){ say, context };
}

void
sender_send(struct sender *sender, const struct rendered *rendered,
    int64_t deadline_ns, struct delivery *delivery)
{
	*delivery =
	    (struct delivery){ .result = DELIVERY_LATER, .retry_after_ms = -1 };
	sender->kind->send(sender->state, rendered, deadline_ns, delivery);
}

/* One line of it, cut at a character. */
static void __attribute__((format(printf, 2, 0)))
set_words(struct delivery *delivery, const char *fmt, va_list ap)
{
	struct ha_buf words = HA_BUF_INIT;
	size_t len;

	ha_buf_vaddf(&words, fmt, ap);
	len = words.len;
	if (len >= sizeof(delivery->words))
		for (len = sizeof(delivery->words) - 1;
		     len > 0 && ((unsigned char)words.data[len] & 0xc0) == 0x80;
		     len--)
			;
	memcpy(delivery->words, words.data, len);
	delivery->words[len] = '\0';
	ha_buf_release(&words);
}

void
sender_result(struct delivery *delivery, enum delivery_result result,
    const char *fmt, ...)
{
	va_list ap;

	delivery->result = result;
	va_start(ap, fmt);
	set_words(delivery, fmt, ap);
	va_end(ap);
}

void
sender_is_down(struct delivery *delivery, const char *fmt, ...)
{
	va_list ap;

	delivery->result = DELIVERY_LATER;
	delivery->is_channel_down = 1;
	va_start(ap, fmt);
	set_words(delivery, fmt, ap);
	va_end(ap);
}

void
sender_say(const struct sender_trace *trace, const char *fmt, ...)
{
	struct ha_buf words = HA_BUF_INIT;
	va_list ap;

	if (trace->say == NULL)
		return;
	va_start(ap, fmt);
	ha_buf_vaddf(&words, fmt, ap);
	va_end(ap);
	trace->say(trace->context, words.data);
	ha_buf_release(&words);
}
