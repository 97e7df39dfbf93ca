/* SPDX-License-Identifier: ISC */
/*
 * alert-mail - a line of the spool becomes a mail: 7 bit, CR LF, lines that
 * every server takes, one empty line before the body, no header but ours.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "alert.h"
#include "alloc.h"
#include "mail.h"
#include "words.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int
is_ours(const char *line)
{
	static const char *const names[] = { "Date: ", "From: ", "To: ",
		"Subject: ", "Message-ID: ", "Auto-Submitted: ",
		"X-Auto-Response-Suppress: ", "X-HA-State: ", "X-HA-Event: ",
		"X-HA-Incident: ", "MIME-Version: ", "Content-Type: ",
		"Content-Transfer-Encoding: ", " " };

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (strncmp(line, names[i], strlen(names[i])) == 0)
			return 1;
	return 0;
}

static void
check(const struct ha_buf *mail)
{
	const char *end = mail->data + mail->len, *next;
	int is_head = 1;

	for (const char *line = mail->data; line < end; line = next) {
		next = strstr(line, "\r\n");
		if (next == NULL || next - line > 998)
			abort();
		for (const char *p = line; p < next; p++)
			if ((unsigned char)*p >= 0x7f ||
			    ((unsigned char)*p < 0x20 && *p != '\t'))
				abort();
		if (next == line)
			is_head = 0;
		else if (is_head && !is_ours(line))
			abort();
		next += 2;
	}
	if (is_head)
		abort();
}

/* alert.conf takes no longer addresses. */
static const char *
address(const char *text)
{
	return strlen(text) < 500 ? text : "a@b";
}

static void
tell(const struct alert *alert)
{
	const struct ha_transition *transition = &alert->transition;
	struct alert_item item = { alert, alert, 1 };
	struct alert_bundle bundle = { .items = &item, .count = 1 };
	struct ha_buf subject = HA_BUF_INIT, text = HA_BUF_INIT;
	struct ha_buf out = HA_BUF_INIT;
	struct mail mail = { .key = "key",
		.domain_of = address(transition->status.host),
		.from = address(transition->status.target),
		.to = address(transition->status.by),
		.state = "CRIT",
		.event = "problem",
		.incident = transition->incident };

	words_subject(&subject, &bundle);
	words_text(&text, &bundle, NULL);
	mail.subject = subject.data;
	mail.text = text.data;
	mail_add(&out, &mail);
	check(&out);
	ha_buf_reset(&out);
	mail.subject = transition->status.msg; /* as long as it comes */
	mail_add(&out, &mail);
	check(&out);
	ha_buf_release(&subject);
	ha_buf_release(&text);
	ha_buf_release(&out);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *line = ha_xmemdup(data, size);
	struct alert alert;
	struct ha_err err;

	if (alert_decode(&alert, line, &err) == 0) {
		tell(&alert);
		alert_release(&alert);
	}
	free(line);
	return 0;
}
