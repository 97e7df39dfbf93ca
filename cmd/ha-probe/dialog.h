/* SPDX-License-Identifier: ISC */
/*
 * dialog - a protocol over one stream or over datagrams, as a machine of steps.
 *
 * It never reads, writes or waits: probe.c's ways do, until the attempt's
 * deadline.  All input is foreign: no length in it may be trusted.
 */
#ifndef DIALOG_H
#define DIALOG_H

#include <stddef.h>

#include "buf.h"
#include "target.h"

struct probe;

enum dialog_step {
	DIALOG_MORE, /* wait for more bytes */
	DIALOG_DONE, /* it serves (probe->state may have been made worse) */
	DIALOG_FAILED, /* it does not: probe_fail() was called */
};

struct dialog {
	/* Connected: append what is sent first, if the client speaks first. */
	void (*open)(struct probe *probe, struct ha_buf *send);
	/*
	 * in holds all bytes that came and were not consumed (ha_buf_consume());
	 * of datagrams exactly one.  is_end: nothing more will come.
	 * What is to be sent is appended to send; after DIALOG_DONE it is
	 * still sent (a QUIT) before the connection is closed.
	 */
	enum dialog_step (*input)(struct probe *probe, struct ha_buf *in,
	    int is_end, struct ha_buf *send);
	/* Check the target's path and settings when it is parsed; or NULL. */
	int (*check)(const struct target *target, struct ha_err *err);
	/* The most bytes of input to keep unconsumed before "too long" fails. */
	size_t max_input;
	/* "greeting": what was waited for, for "no greeting within 5 s". */
	const char *awaited;
};

/* What is waited for now. */
const char *dialog_awaited(const struct probe *probe);
/*
 * What the service says of itself: the words of the result, and the text that
 * reply~ judges.
 */
void dialog_say(struct probe *probe, const char *text, size_t len);
/*
 * The first line of foreign text without its end, to quote it by "%.*s": how
 * many bytes, at most 100.
 */
int dialog_line(const char *text, size_t len);

extern const struct dialog dialog_plain; /* tcp, udp, unix: send and reply~ */
/* Does it wait for a reply, or is it served once it is connected? */
int dialog_plain_waits(const struct target *target);
extern const struct dialog dialog_ssh, dialog_mysql, dialog_redis;
extern const struct dialog dialog_dns, dialog_ntp, dialog_memcached;

#endif
