/* SPDX-License-Identifier: ISC */
/*
 * control - answers questions at the socket beside the status file.
 *
 * Questions and answers are lines of TAB-separated fields, escaped as in
 * records.  Each question gets one answer; sync gets a second one later.
 *
 *	hello			hello SOURCE DEV INO TARGET
 *	sync TOKEN		ok, and then: done
 *	state			state STATE WORDS
 *	explain PATH		explain STATE SINCE TRIES RETRY WORDS
 *	release REASON		released WORDS
 *	(any)			fail STATUS WORDS
 *
 * Only the same user, and root, is listened to.  Nobody who asks holds up the
 * mirror: at most CONTROL_CLIENTS are served, by non-blocking reads and writes
 * into bounded buffers, and who neither asks nor waits is sent away.
 */
#ifndef PUSH_CONTROL_H
#define PUSH_CONTROL_H

#include <stdint.h>

#include "err.h"

#define CONTROL_CLIENTS 16
/* An escaped path of PATH_MAX bytes has room. */
#define CONTROL_LINE_MAX (32 * 1024)

struct push;
struct control;

/*
 * Listen beside --status FILE, if there is one; push->control is NULL if not.
 * EX_TEMPFAIL when another process does, EX_CANTCREAT.
 */
int control_open(struct push *push, struct ha_err *err);
void control_close(struct push *push);

/* To be polled for POLLIN; -1: nothing is. */
int control_fd(const struct push *push);
/* When control_serve() is to be called even if nothing comes. */
int64_t control_due_ns(const struct push *push);
/* Take what came and send what can be sent; never waits. */
void control_serve(struct push *push);

/* A barrier with this token came: does somebody wait for it? */
int control_awaits(struct push *push, const char *token);
/* All that stood before that barrier is on the peer. */
void control_settled(struct push *push, const char *token);
/* No barrier is to come any more. */
void control_input_ended(struct push *push);

#endif
