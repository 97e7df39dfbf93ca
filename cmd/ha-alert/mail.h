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
	/* "Name <a@b>, c@d"; in an address what is no ASCII becomes "?". */
	const char *from, *to;
	const char *cc, *reply_to; /* may be NULL */
	const char *subject; /* one line */
	const char *text;
	/*
	 * The Message-ID is made of the key and of the domain of the first of
	 * these addresses: both nodes of a pair have to make the same.
	 */
	const char *key;
	const char *domain_of;
	/* The key of the incident's first message; NULL: there is none, or it
	 * is this one. */
	const char *thread;
	/* For filters; incident may be empty. */
	const char *state, *event, *incident;
	int is_urgent;
	int64_t date_ms; /* ha_clock_wall_ms() */
};

/* Append the message. */
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
