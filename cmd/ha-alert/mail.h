/* SPDX-License-Identifier: ISC */
/*
 * mail - a message of RFC 5322, 7 bit, in lines that end with CR LF and have at
 * most 76 bytes but for long addresses and Message-IDs.
 *
 * Nothing from outside can begin a header: control characters are gone, what
 * is no ASCII stands in encoded words.  Lines that begin with "." are the
 * transport's to stuff.  Source: RFC 5322, 2045, 2047, 3834.
 */
#ifndef ALERT_MAIL_H
#define ALERT_MAIL_H

#include <stdint.h>

#include "buf.h"

struct mail {
	const char *from, *to,
	    *cc; /* "Name <a@b>, c@d"; cc may be NULL; what is
				    no ASCII in an address becomes "?" */
	const char *subject; /* one line */
	const char *text;
	const char *key; /* the Message-ID is made of it, and of the domain of
			    the first address here: both nodes of a pair have
			    to make the same */
	const char *domain_of;
	const char *thread; /* the key of the incident's first message; NULL: it
			       is this one, or there is none */
	const char *state, *event,
	    *incident; /* X-HA-...: for filters; incident may be  */
	int is_urgent;
	int64_t date_ms; /* ha_clock_wall_ms() */
};

void mail_add(struct ha_buf *out, const struct mail *mail);

/* Append what of it a reader sees, in lines that end with LF. */
void mail_show(struct ha_buf *out, const struct mail *mail);

/* Append a header of text, with its CR LF, encoded and folded. */
void mail_add_header(struct ha_buf *out, const char *name, const char *text);
/* The same of a list of addresses, of which only the names are encoded. */
void mail_add_addresses(struct ha_buf *out, const char *name, const char *list);
/* Append the header of its encoding, an empty line and the text. */
void mail_add_body(struct ha_buf *out, const char *text);

#endif
