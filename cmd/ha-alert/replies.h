/* SPDX-License-Identifier: ISC */
/*
 * replies - what a mail server said, reply by reply.
 *
 * Source: RFC 5321 section 4.2.
 */
#ifndef ALERT_REPLIES_H
#define ALERT_REPLIES_H

#include <stddef.h>

struct reply {
	int code;
	const char *line; /* the last one, without its end; not NUL-ended */
	size_t len;
};

struct replies {
	struct reply *list; /* owned; the lines are the text's */
	size_t count;
};

/* Take text apart; what is no reply is left out. */
void replies_parse(struct replies *replies, const char *text, size_t len);
void replies_release(struct replies *replies);

/*
 * Those to the RCPTs of so many recipients, in their order: of a message that
 * was taken, or of one that nobody was taken for.  NULL: they can't be told.
 */
const struct reply *
replies_recipients(const struct replies *replies, size_t recipients);

#endif
