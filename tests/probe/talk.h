/* SPDX-License-Identifier: ISC */
/*
 * talk - a dialog without a network: what the service says comes from a test,
 * in pieces of any size.
 *
 * The buffer is never larger than what it holds, so that a sanitizer sees a
 * dialog that reads on behind it.
 */
#ifndef TALK_H
#define TALK_H

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "alloc.h"
#include "dialog.h"
#include "probe.h"

struct talk {
	const struct dialog *dialog;
	struct probe probe;
	struct target target;
	struct ha_buf in, sent;
	enum dialog_step step;
	int is_warned;
	enum probe_fault fault; /* when step is DIALOG_FAILED */
};

static struct talk *talking;

void
probe_fail(struct probe *probe, enum probe_fault fault, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	ha_buf_vaddf(&probe->msg, fmt, ap);
	va_end(ap);
	talking->fault = fault;
}

void
probe_warn(struct probe *probe, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	ha_buf_vaddf(&probe->msg, fmt, ap);
	va_end(ap);
	talking->is_warned = 1;
}

/* Begin; path is the target's, or NULL. */
static inline void
talk_open(struct talk *talk, const struct dialog *dialog, char *path)
{
	memset(talk, 0, sizeof(*talk));
	talking = talk;
	talk->dialog = dialog;
	talk->target.path = path;
	talk->probe.target = &talk->target;
	ha_buf_init(&talk->probe.msg);
	ha_buf_init(&talk->probe.seen.words);
	ha_buf_init(&talk->probe.seen.body);
	ha_buf_init(&talk->probe.seen.perf);
	ha_buf_init(&talk->in);
	ha_buf_init(&talk->sent);
	dialog->open(&talk->probe, &talk->sent);
	talk->step = DIALOG_MORE;
}

static inline void
talk_close(struct talk *talk)
{
	ha_buf_release(&talk->probe.msg);
	ha_buf_release(&talk->probe.seen.words);
	ha_buf_release(&talk->probe.seen.body);
	ha_buf_release(&talk->probe.seen.perf);
	ha_buf_release(&talk->in);
	ha_buf_release(&talk->sent);
}

static inline void
talk_add(struct ha_buf *in, const void *data, size_t len)
{
	size_t total = in->len + len;
	char *exact = ha_xmalloc(total + 1);

	memcpy(exact, in->data, in->len);
	if (len > 0)
		memcpy(exact + in->len, data, len);
	exact[total] = '\0';
	ha_buf_release(in);
	*in = (struct ha_buf){ exact, total, total + 1 };
}

/*
 * The service says data, share bytes at a time (0: at once); as a way does, no
 * more than the dialog's max_input is kept.
 */
static inline void
talk_hear(struct talk *talk, const void *data, size_t len, size_t share)
{
	const char *p = data;

	while (talk->step == DIALOG_MORE && len > 0) {
		size_t n = share > 0 && share < len ? share : len;

		if (talk->in.len + n > talk->dialog->max_input)
			n = talk->dialog->max_input - talk->in.len;
		if (n == 0) {
			probe_fail(&talk->probe, FAULT_TARGET, "too long");
			talk->step = DIALOG_FAILED;
			break;
		}
		talk_add(&talk->in, p, n);
		p += n;
		len -= n;
		talk->step = talk->dialog->input(
		    &talk->probe, &talk->in, 0, &talk->sent);
	}
}

/* The service closes its end. */
static inline void
talk_end(struct talk *talk)
{
	if (talk->step == DIALOG_MORE)
		talk->step = talk->dialog->input(
		    &talk->probe, &talk->in, 1, &talk->sent);
}

/* What the result would say. */
static inline const char *
talk_words(const struct talk *talk)
{
	return talk->probe.msg.len > 0 ? talk->probe.msg.data
				       : talk->probe.seen.words.data;
}

#endif
