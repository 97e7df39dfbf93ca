/* SPDX-License-Identifier: ISC */
/*
 * sendmail - deliver to the local mail system by its sendmail command.
 *
 * Source: sendmail(8), of which postfix, exim and others know -i, -f and "--";
 * sysexits(3).
 */
#include <stdlib.h>
#include <string.h>

#include "address.h"
#include "alloc.h"
#include "child.h"
#include "clock.h"
#include "sender.h"

#define DEFAULT_PATH "/usr/sbin/sendmail"

struct sendmail {
	const struct sender_trace *trace;
	struct address_list from, to;
	const char **argv;
};

static void
close_sendmail(void *state)
{
	struct sendmail *sendmail = state;

	address_release(&sendmail->from);
	address_release(&sendmail->to);
	free(sendmail->argv);
	free(sendmail);
}

static void
make_argv(struct sendmail *sendmail, const char *path)
{
	size_t argc = 0;

	sendmail->argv =
	    ha_xcalloc(sendmail->to.count + 6, sizeof(*sendmail->argv));
	sendmail->argv[argc++] = path != NULL ? path : DEFAULT_PATH;
	sendmail->argv[argc++] = "-i";
	if (sendmail->from.count > 0) {
		sendmail->argv[argc++] = "-f";
		sendmail->argv[argc++] = sendmail->from.addresses[0];
	}
	sendmail->argv[argc++] = "--";
	for (size_t i = 0; i < sendmail->to.count; i++)
		sendmail->argv[argc++] = sendmail->to.addresses[i];
}

static int
open_sendmail(void **state, const struct channel *channel,
    const struct sender_trace *trace, struct ha_err *err)
{
	struct sendmail *sendmail = ha_xcalloc(1, sizeof(*sendmail));

	sendmail->trace = trace;
	if (address_envelope(channel, &sendmail->from, &sendmail->to, err) !=
	    0) {
		close_sendmail(sendmail);
		return -1;
	}
	make_argv(sendmail, channel_get(channel, "path"));
	*state = sendmail;
	return 0;
}

/* It ends lines as this system does. */
static void
add_lines(struct ha_buf *text, const struct ha_buf *mail)
{
	const char *p = mail->data, *end = p + mail->len, *cr;

	while ((cr = memmem(p, (size_t)(end - p), "\r\n", 2)) != NULL) {
		ha_buf_add(text, p, (size_t)(cr - p));
		ha_buf_add_char(text, '\n');
		p = cr + 2;
	}
	ha_buf_add(text, p, (size_t)(end - p));
}

/* What the mail or its addresses are to blame for; all else may pass. */
static int
is_final(int status)
{
	return status == EX_USAGE || status == EX_DATAERR ||
	       status == EX_NOUSER || status == EX_NOHOST ||
	       status == EX_NOPERM || status == EX_CONFIG;
}

static void
judge(struct delivery *delivery, int status, int is_late,
    const struct ha_buf *words)
{
	if (status == 0) {
		sender_result(delivery, DELIVERY_DONE, "taken");
	} else if (is_late) {
		sender_is_down(delivery,
		    "sendmail was ended, as it took too long: %s", words->data);
		delivery->may_have_it = 1;
	} else if (is_final(status)) {
		sender_result(
		    delivery, DELIVERY_NEVER, "sendmail: %s", words->data);
	} else {
		sender_is_down(delivery, "sendmail: %s", words->data);
	}
}

static void
send_sendmail(void *state, const struct rendered *rendered, int64_t deadline_ns,
    struct delivery *delivery)
{
	const struct sendmail *sendmail = state;
	struct ha_buf text = HA_BUF_INIT, out = HA_BUF_INIT;
	struct ha_buf errors = HA_BUF_INIT, words = HA_BUF_INIT;
	struct child child = { .argv = sendmail->argv,
		.deadline_ns = deadline_ns };
	struct ha_err err;
	int status;

	add_lines(&text, &rendered->body);
	child.text = text.data;
	child.len = text.len;
	sender_say(sendmail->trace, "giving it to %s", sendmail->argv[0]);
	if (child_run(&child, &out, &errors, &status, &err) != 0) {
		sender_is_down(delivery, "%s", err.msg);
	} else {
		child_words(&words, status, &out, &errors);
		judge(delivery, status, ha_clock_poll_ms(deadline_ns) == 0,
		    &words);
	}
	ha_buf_release(&text);
	ha_buf_release(&out);
	ha_buf_release(&errors);
	ha_buf_release(&words);
}

const struct sender_kind sender_sendmail = { open_sendmail, close_sendmail,
	send_sendmail };
