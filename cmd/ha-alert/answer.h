/* SPDX-License-Identifier: ISC */
/*
 * answer - what a webhook's answer means: taken, later, or refused.
 *
 * Source: RFC 9110 section 15; RFC 6585; RFC 6901; the services' pages.
 */
#ifndef ALERT_ANSWER_H
#define ALERT_ANSWER_H

#include <stddef.h>
#include <stdint.h>

#include "channel.h"
#include "deliver.h"

/* What a good answer has, beyond a status of 2xx. */
struct answer_rules {
	/* "/POINTER=VALUE" of its JSON; with a "?" behind it only if the
	 * pointer leads somewhere; else the text itself; NULL: nothing. */
	const char *expect;
	const char *busy; /* "VALUE,VALUE" there: LATER; or NULL */
};

struct answer {
	int status;
	const char *body;
	size_t len;
	int64_t retry_after_s; /* of its header; -1: none */
	const char *redirect_url; /* or NULL */
};

/* The channel's own, or those of its template's service. */
void answer_rules(struct answer_rules *rules, const struct channel *channel);
void answer_judge(const struct answer *answer, const struct answer_rules *rules,
    struct delivery *delivery);

#endif
