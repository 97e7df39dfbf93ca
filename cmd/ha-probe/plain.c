/* SPDX-License-Identifier: ISC */
/*
 * plain - tcp, udp, unix: send= and what is expected of the reply.
 *
 * The reply is kept in seen.body by stream.c and datagram.c.
 */
#include "dialog.h"
#include "expect.h"
#include "probe.h"

static void
open_plain(struct probe *probe, struct ha_buf *send)
{
	const struct settings *settings = &probe->target->settings;

	if (settings->send != NULL)
		ha_buf_add(send, settings->send, settings->send_len);
}

int
dialog_plain_waits(const struct target *target)
{
	return target->settings.expect != NULL &&
	       expect_wants_reply(target->settings.expect);
}

static enum dialog_step
input_plain(
    struct probe *probe, struct ha_buf *in, int is_end, struct ha_buf *send)
{
	struct seen *seen = &probe->seen;

	(void)send;
	ha_buf_consume(in, in->len);
	/* More is not kept, so nothing can change. */
	is_end = is_end || seen->body.len >= SEEN_KEEP;
	if (expect_reply_is_open(probe->target->settings.expect, seen, is_end))
		return DIALOG_MORE;
	if (is_end && seen->body.len == 0) {
		probe_fail(
		    probe, FAULT_TARGET, "connection closed without a reply");
		return DIALOG_FAILED;
	}
	ha_buf_reset(&seen->words);
	ha_buf_add(&seen->words, seen->body.data,
	    (size_t)dialog_line(seen->body.data, seen->body.len));
	return DIALOG_DONE;
}

/* Over UDP silence says nothing: neither "serves" nor "does not". */
static int
check_plain(const struct target *target, struct ha_err *err)
{
	if (target->scheme->way == WAY_DATAGRAM &&
	    (target->settings.send == NULL || !dialog_plain_waits(target)))
		return ha_err_set(err, EX_USAGE, 0,
		    "udp:// needs send= and a reply term (reply~\".\"): of a "
		    "service that says nothing nothing is known");
	return 0;
}

const struct dialog dialog_plain = {
	.open = open_plain,
	.input = input_plain,
	.check = check_plain,
	.max_input = SEEN_KEEP,
	.awaited = "reply",
};
