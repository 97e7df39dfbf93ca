/* SPDX-License-Identifier: ISC */
/*
 * transition - transition records, from ha-gate to ha-act and ha-alert: what
 * somebody should hear of.
 *
 * Source: ha(7), TRANSITION RECORDS.
 */
#ifndef HA_TRANSITION_H
#define HA_TRANSITION_H

#include <stdint.h>

#include "buf.h"
#include "err.h"
#include "status.h"

enum ha_transition_event {
	HA_TRANSITION_PROBLEM, /* was OK, or not known yet, and is not OK */
	HA_TRANSITION_WORSE,
	HA_TRANSITION_BETTER, /* and not OK yet */
	HA_TRANSITION_RECOVERY, /* is OK */
	HA_TRANSITION_REMINDER, /* is as bad as it was */
	HA_TRANSITION_FLAPPING, /* changes too often to be told each time */
	HA_TRANSITION_STALE, /* no result for too long */
	HA_TRANSITION_REMOVED, /* is checked no more; ends its incident */
	HA_TRANSITION_ABORTED, /* a sweep broke off: its prober died */
};
#define HA_TRANSITION_EVENTS (HA_TRANSITION_ABORTED + 1)

struct ha_transition {
	enum ha_transition_event event;
	const char *incident; /* ha_transition_incident() */
	const char *since; /* RFC 3339: when the incident began */
	enum ha_status_state old_state; /* that was told last */
	struct ha_status status; /* the record it comes of; its msg is meant for
				    a person */
};

/* "problem", "worse" and so on. */
const char *ha_transition_name(enum ha_transition_event event);
/* -1: no event's name. */
int
ha_transition_parse_event(const char *name, enum ha_transition_event *event);
/* Does it end the incident: recovery, removed? */
int ha_transition_is_end(enum ha_transition_event event);

/* "20261123T0050Z-" and 16 hexadecimal digits, with the NUL. */
#define HA_TRANSITION_INCIDENT_SIZE 32
/*
 * An incident's name: the minute it began in, and the first 64 bits of the
 * SHA-256 of HOST, TAB and CHECK: whoever sees the same gives it the same name,
 * and it may stand in a file's name, a Message-ID, a URL.
 */
void ha_transition_incident(char out[HA_TRANSITION_INCIDENT_SIZE],
    const char *host, const char *check, int64_t since_ms);

/*
 * Append the record and its LF, as TSV or as one JSON object, cut to
 * HA_STATUS_MAX bytes as ha_status_encode() does.
 */
void ha_transition_encode(
    struct ha_buf *line, const struct ha_transition *transition);
void ha_transition_encode_json(
    struct ha_buf *line, const struct ha_transition *transition);

/*
 * Decode a line (without its LF), in place; the strings point into it.
 * EX_DATAERR: as ha_status_decode(), and an EVENT, SINCE or OLDSTATE that is
 * none, an INCIDENT that is empty or holds anything but letters, digits, "-",
 * "_", "." or ":", or is longer than 64 bytes.  A bare status record is told
 * apart: "a status record; ha-gate makes transitions of them".
 */
int ha_transition_decode(
    char *line, struct ha_transition *transition, struct ha_err *err);

#endif
