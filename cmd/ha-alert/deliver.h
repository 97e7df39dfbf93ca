/* SPDX-License-Identifier: ISC */
/*
 * deliver - bring one rendered message to its channel.
 *
 * Source: ha-alert(1), CHANNELS, DELIVERY; RFC 5321, RFC 9110.
 */
#ifndef ALERT_DELIVER_H
#define ALERT_DELIVER_H

#include <stdint.h>

#include "channel.h"
#include "err.h"
#include "render.h"

enum delivery_result {
	DELIVERY_DONE, /* the receiver has taken it */
	DELIVERY_LATER, /* a fault that may pass: connection, TLS, time-out,
			   408, 425, 429, 5xx, SMTP 4xx, EX_TEMPFAIL */
	DELIVERY_NEVER, /* refused: trying again can't help */
};

struct delivery {
	enum delivery_result result;
	int64_t retry_after_ms; /* the receiver's wish; -1: none */
	int is_channel_down; /* LATER, and another message would fail too */
	int may_have_it; /* LATER, and the receiver may have taken it all the
			    same: it had the whole message, and no answer came */
	int is_partial; /* DONE, but not all who should have it: words say who
			   refused */
	char words[512]; /* what the receiver said, or what happened: for a
			    person, may hold foreign bytes, no secret */
};

/*
 * A channel's connection, kept from one message to the next; made and used in
 * one process.
 */
struct sender;

/*
 * Nothing is connected yet.  EX_CONFIG: a setting or a secret's file (which may
 * have changed since channels_read()).  channel is borrowed.  From now on this
 * process ignores SIGPIPE and leaves no core.
 */
int sender_new(
    struct sender **sender, const struct channel *channel, struct ha_err *err);
void sender_free(struct sender *sender);
/* From now on say() hears of each step of a delivery, in words. */
void sender_trace(struct sender *sender,
    void (*say)(const void *context, const char *words), const void *context);
/*
 * Deliver; returns at deadline_ns (clock.h) at the latest, and then it is
 * LATER.
 */
void sender_send(struct sender *sender, const struct rendered *rendered,
    int64_t deadline_ns, struct delivery *delivery);

#endif
