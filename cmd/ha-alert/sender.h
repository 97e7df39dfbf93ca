/* SPDX-License-Identifier: ISC */
/*
 * sender - what each kind of channel is to deliver.c, one file a kind.
 */
#ifndef ALERT_SENDER_H
#define ALERT_SENDER_H

#include <stdint.h>

#include "channel.h"
#include "deliver.h"
#include "err.h"
#include "render.h"

/* The steps of a delivery, in words, for --test; say may be NULL. */
struct sender_trace {
	void (*say)(const void *context, const char *words);
	const void *context;
};

struct sender_kind {
	/* As sender_new(); trace is borrowed, too. */
	int (*open)(void **state, const struct channel *channel,
	    const struct sender_trace *trace, struct ha_err *err);
	void (*close)(void *state);
	/* delivery is LATER, and empty, when it is called. */
	void (*send)(void *state, const struct rendered *rendered,
	    int64_t deadline_ns, struct delivery *delivery);
};

extern const struct sender_kind sender_smtp, sender_sendmail, sender_webhook,
    sender_exec, sender_file, sender_syslog;

/* Fill in the result and its words, which are cut. */
void sender_result(struct delivery *delivery, enum delivery_result result,
    const char *fmt, ...) __attribute__((format(printf, 3, 4)));
/* The same: LATER, and another message would fail too. */
void sender_is_down(struct delivery *delivery, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));
void sender_say(const struct sender_trace *trace, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

#endif
