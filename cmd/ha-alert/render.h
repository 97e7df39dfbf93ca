/* SPDX-License-Identifier: ISC */
/*
 * render - an alert as its channel takes it: a mail, a JSON body, lines.
 *
 * All text is UTF-8 here; what was none is made so (ha_rec_add_utf8()).
 * Source: ha-alert(1), MESSAGES, TEMPLATES.
 */
#ifndef ALERT_RENDER_H
#define ALERT_RENDER_H

#include "alert.h"
#include "buf.h"
#include "channel.h"
#include "err.h"

struct rendered {
	char key[ALERT_KEY_SIZE];
	struct ha_buf subject; /* one line: what, where, since when */
	struct ha_buf text; /* lines for a person */
	/*
	 * What is sent.  smtp, sendmail: a message of RFC 5322 with CR LF.
	 * webhook: the template's JSON.  exec, file: the records, or with
	 * template= its JSON in one line.  syslog: one line, all of a group in
	 * it.
	 */
	struct ha_buf body;
	const char *content_type; /* of body; borrowed */
	/* Of a webhook's template. */
	const char *method; /* "POST", ...; "": it names none; borrowed */
	struct ha_buf path; /* to stand behind url=, escaped; or empty */
	/* The worst that is told, for exec's environment and syslog's priority;
	 * the bundle's. */
	const struct alert *worst;
};

void rendered_init(struct rendered *rendered);
void rendered_release(struct rendered *rendered);

/*
 * EX_CONFIG when the template can't be read or is no JSON ("file:line:column").
 * Deterministic: the same bundle gives the same bytes, but for a mail's Date.
 */
int render(struct rendered *rendered, const struct alert_bundle *bundle,
    const struct channel *channel, struct ha_err *err);

/*
 * Is all there and right that rendering takes: the template, the settings and
 * secrets that it names; a mail's addresses?  For --check-config.
 */
int render_check(const struct channel *channel, struct ha_err *err);

/*
 * Does the channel's template know of no groups (PagerDuty's incidents)?  Then
 * a bundle should be of one item.  0 also when the template can't be read.
 */
int render_is_one_by_one(const struct channel *channel);

/*
 * Append what would be sent, for a person's eyes, and an empty line: subject,
 * channel and key; the method and the host of a webhook; the body, a mail's
 * decoded, with "***" for secrets.  Control characters are gone.
 */
int render_show(struct ha_buf *out, const struct alert_bundle *bundle,
    const struct channel *channel, struct ha_err *err);

#endif
