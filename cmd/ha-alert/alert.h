/* SPDX-License-Identifier: ISC */
/*
 * alert - something to be told: a transition, or words that somebody gave.
 *
 * As one line it stands in the spool: a transition record (ha(7)), or
 * "message INCIDENT TIME HOST SUBJECT BODY", six fields.
 */
#ifndef ALERT_ALERT_H
#define ALERT_ALERT_H

#include <stddef.h>
#include <stdint.h>

#include "buf.h"
#include "err.h"
#include "transition.h"

struct alert {
	char *line; /* as it was read, without its LF; owned */
	char *fields; /* owned; what is below points into it */
	int is_message; /* of ha-alert -s: subject and body, no check */
	/*
	 * Of a message only incident, since (its time), status.time (the same),
	 * status.host, status.by and status.msg (the subject) are filled in,
	 * the rest is "" and UNKNOWN.
	 */
	struct ha_transition transition;
	const char *body; /* of a message; else "" */
	int64_t time_ms; /* of the record: ha_clock_wall_ms() */
	int64_t since_ms;
};

/*
 * Decode a line (without its LF), of which copies are kept.  EX_DATAERR as
 * ha_transition_decode(); then nothing is held.
 */
int alert_decode(struct alert *alert, const char *line, struct ha_err *err);
void alert_release(struct alert *alert);
/* Append the line and its LF. */
void alert_encode(struct ha_buf *line, const struct alert *alert);
/*
 * Append the line, and its LF, of a message of now.  Its incident is its own:
 * no two messages have the same, unless repeats are to be one, which then have
 * it from their words alone.
 */
void alert_encode_message(struct ha_buf *line, const char *host,
    const char *subject, const char *body, int is_repeat_one);

/* What is told of one incident: one alert, or several that became one. */
struct alert_item {
	const struct alert *first; /* "was down 12 m": from its time ... */
	const struct alert *last; /* ... to this one's; the same if only one */
	size_t count; /* of those that became one */
};

/*
 * One message to one channel.  What it consists of never changes once the
 * receiver may have it, under this key.
 */
struct alert_bundle {
	const struct alert_item *items; /* at least one, in the order of time */
	size_t count;
	size_t left_out; /* by the channel's rate: told as a number */
	const char *note; /* a line for people: why it is told here and not
			     where it was meant to be; or NULL */
};

#define ALERT_KEY_SIZE 160
/*
 * The key that a receiver knows a repeated delivery by.  Of one alert
 * INCIDENT-EVENT, with the minute behind an event that an incident may have
 * several times (worse, better, reminder, flapping, stale); of several that
 * became one both ends; of several incidents a hash of their keys.  Nothing of
 * it depends on who observed or who delivers.  Letters, digits and "-" only.
 */
void alert_key(char key[ALERT_KEY_SIZE], const struct alert_bundle *bundle);

#endif
