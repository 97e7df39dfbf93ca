/* SPDX-License-Identifier: ISC */
/*
 * expect - what a target has to show: -e, expect= in a file.
 *
 * Terms separated by blanks, all of which must hold; a value may be quoted:
 *
 *	status=200,204,300-399	the number of the reply
 *	body~"ERE" body!~"ERE"	POSIX extended, per regcomp(3) with REG_NEWLINE
 *	header:NAME~"ERE"	and !~, =
 *	json:/a/b=VALUE		RFC 6901 pointer; VALUE is JSON, or a bare
 *				string; and ~, !~
 *	size=RANGE		bytes of the body (a Nagios range)
 *	url=URL, url~"ERE"	the final one; and !~
 *	redirects=RANGE
 *	cert=WARN[,CRIT]	days left at least, of every certificate shown,
 *				of each redirect's too
 *	tls=1.3			at least
 *	reply~"ERE" reply!~	what a tcp, udp or unix target, or any dialog,
 *				answered
 *	reply=BYTES		it begins so (escapes as printf %b)
 *
 * In "..." \" is a quote, and every other backslash stays; '...' is as it is.
 * Regular expressions work on bytes, whatever the locale; the CR before a LF is
 * not seen by them.  A failed term is CRIT, but for cert's first number.
 * Source: ha-probe(1), EXPECTATIONS.
 */
#ifndef EXPECT_H
#define EXPECT_H

#include <stddef.h>

#include "err.h"
#include "seen.h"
#include "status.h"

struct expect;

/*
 * Parse and compile text and put it behind what *expect holds already (NULL at
 * first).  EX_USAGE; *offset receives the byte where the mistake is.
 */
int expect_parse(struct expect **expect, const char *text, size_t *offset,
    struct ha_err *err);
/* A copy that more can be added to; NULL of NULL. */
struct expect *expect_copy(const struct expect *expect);
void expect_free(struct expect *expect);
/* All that was parsed, as it was written. */
const char *expect_text(const struct expect *expect);

/* What there are terms about. */
enum expect_about {
	EXPECT_STATUS = 1 << 0,
	EXPECT_RESPONSE = 1 << 1, /* header, body, json, size, url, redirects */
	EXPECT_TLS = 1 << 2, /* cert, tls */
	EXPECT_REPLY = 1 << 3,
};
unsigned expect_about(const struct expect *expect);

/* What has to be asked for, to be able to judge. */
int expect_wants_certs(const struct expect *expect);
int expect_wants_body(const struct expect *expect);
/* Is there a term on the number of the reply?  Else web.c judges HTTP's. */
int expect_wants_status(const struct expect *expect);
int expect_wants_reply(const struct expect *expect);

/*
 * Can more bytes of a stream still change the answer of the reply terms?  1:
 * read on; 0: all of them hold already (of "!~" some byte has to have come),
 * or one can't any more, or (is_end) nothing more will come.
 */
int expect_reply_is_open(
    const struct expect *expect, const struct seen *seen, int is_end);

/*
 * Judge.  Returns the worst state; words about what failed (every failed term,
 * the worst first) are appended to msg, behind "; " if it holds some, and
 * performance data of the terms to perf.
 */
enum ha_status_state expect_judge(const struct expect *expect,
    const struct seen *seen, struct ha_buf *msg, struct ha_buf *perf);

#endif
