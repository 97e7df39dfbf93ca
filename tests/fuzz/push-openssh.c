/* SPDX-License-Identifier: ISC */
/*
 * push-openssh - what comes from the peer through ssh's control socket, and
 * what ssh says on stderr.  The source is read in for its static functions.
 */
#include "openssh.c"

#include "fake-wait.h"

const struct transport_kind transport_libssh2;

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
add_channel(struct session *t)
{
	struct line *line = ha_xcalloc(1, sizeof(*line));
	struct channel *c = channel_add(&t->base, line);

	line->id = ++t->last_id;
	line->granted = BUFFER_ROOM;
	line->status = -1;
	ha_buf_add_str(&c->out.buf, "some words for the peer");
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct sshconf conf = { .port = 22 };
	struct session t = { .base = { .kind = &transport_openssh,
				 .conf = &conf,
				 .timeout_ms = 1000,
				 .is_up = 1 },
		.phase = size & 1 ? PROXYING : GREETING,
		.fd = -1,
		.pidfd = -1,
		.stderr_fd = -1 };
	struct ha_err err;

	conf.typed = conf.host = conf.user = ha_xstrdup("host");
	ha_buf_init(&t.in.buf);
	ha_buf_init(&t.out.buf);
	complaint_init(&t.complaint);
	add_channel(&t);
	add_channel(&t);
	ha_buf_add(&t.in.buf, data, size);
	if (take_messages(&t) >= 0)
		pump_all(&t);
	for (const struct channel *c = t.base.channels; c; c = c->next) {
		if (c->in.buf.len > BUFFER_ROOM || c->errors.len > ERRORS_KEPT)
			abort();
		if (c->closed != (c->status >= 0))
			abort();
	}
	complaint_add(&t.complaint, (const char *)data, size);
	complaint_lost(&t.complaint, &conf, 255, "45s", &err);
	while (t.base.channels != NULL)
		channel_close(t.base.channels);
	close_session(&t.base);
	free(conf.typed);
	return 0;
}
