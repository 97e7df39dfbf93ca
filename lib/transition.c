/* SPDX-License-Identifier: ISC */
/*
 * transition - transition records, from ha-gate to ha-act and ha-alert.
 */
#include "transition.h"

#include <sha2.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "clock.h"
#include "rec.h"

#define INCIDENT_MAX 64
/* Those of a status record come after them. */
enum { F_EVENT, F_INCIDENT, F_SINCE, F_OLD_STATE, FIELDS };

static const char *const names[HA_TRANSITION_EVENTS] = { "problem", "worse",
	"better", "recovery", "reminder", "flapping", "stale", "removed",
	"aborted" };

const char *
ha_transition_name(enum ha_transition_event event)
{
	return names[event];
}

int
ha_transition_parse_event(const char *name, enum ha_transition_event *event)
{
	for (int i = 0; i < HA_TRANSITION_EVENTS; i++) {
		if (strcmp(name, names[i]) != 0)
			continue;
		*event = (enum ha_transition_event)i;
		return 0;
	}
	return -1;
}

int
ha_transition_is_end(enum ha_transition_event event)
{
	return event == HA_TRANSITION_RECOVERY ||
	       event == HA_TRANSITION_REMOVED;
}

void
ha_transition_incident(char out[HA_TRANSITION_INCIDENT_SIZE], const char *host,
    const char *check, int64_t since_ms)
{
	uint8_t digest[SHA256_DIGEST_LENGTH];
	time_t seconds = (time_t)(since_ms / 1000);
	SHA2_CTX sha256;
	struct tm tm;
	size_t len;

	SHA256Init(&sha256);
	SHA256Update(&sha256, (const uint8_t *)host, strlen(host));
	SHA256Update(&sha256, (const uint8_t *)"\t", 1);
	SHA256Update(&sha256, (const uint8_t *)check, strlen(check));
	SHA256Final(digest, &sha256);
	gmtime_r(&seconds, &tm);
	len = strftime(out, HA_TRANSITION_INCIDENT_SIZE, "%Y%m%dT%H%MZ-", &tm);
	for (size_t i = 0; i < 8; i++)
		snprintf(out + len + 2 * i,
		    HA_TRANSITION_INCIDENT_SIZE - len - 2 * i, "%02x",
		    digest[i]);
}

static void
encode(struct ha_buf *line, const struct ha_transition *transition,
    size_t prefix,
    void (*add)(struct ha_buf *line, const struct ha_status *status))
{
	struct ha_status status = transition->status;

	status.reserved += prefix;
	add(line, &status);
}

void
ha_transition_encode(
    struct ha_buf *line, const struct ha_transition *transition)
{
	size_t start = line->len;

	ha_buf_addf(line, "%s\t", names[transition->event]);
	ha_rec_add_field(
	    line, transition->incident, strlen(transition->incident));
	ha_buf_addf(line, "\t%s\t%s\t", transition->since,
	    ha_status_name(transition->old_state));
	encode(line, transition, line->len - start, ha_status_encode);
}

void
ha_transition_encode_json(
    struct ha_buf *line, const struct ha_transition *transition)
{
	size_t start = line->len, brace;

	ha_buf_addf(
	    line, "{\"event\":\"%s\",\"incident\":", names[transition->event]);
	ha_rec_add_json(
	    line, transition->incident, strlen(transition->incident));
	ha_buf_addf(line, ",\"since\":\"%s\",\"old_state\":\"%s\"",
	    transition->since, ha_status_name(transition->old_state));
	brace = line->len;
	encode(line, transition, line->len - start, ha_status_encode_json);
	/* One object of the two. */
	line->data[brace] = ',';
}

static int
is_incident(const char *text)
{
	static const char letters[] =
	    "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ-_.:";
	size_t len = strlen(text);

	return len > 0 && len <= INCIDENT_MAX && strspn(text, letters) == len;
}

static int
is_time(const char *text)
{
	struct ha_err err;
	int64_t wall_ms;

	return ha_clock_parse_rfc3339(text, &wall_ms, &err) == 0;
}

static int
decode_prefix(
    char **fields, struct ha_transition *transition, struct ha_err *err)
{
	if (ha_transition_parse_event(fields[F_EVENT], &transition->event) != 0)
		return ha_err_set(err, EX_DATAERR, 0,
		    is_time(fields[F_EVENT])
			? "a status record; ha-gate makes transitions of them"
			: "'%s' is no event (problem, recovery, ...)",
		    fields[F_EVENT]);
	for (size_t i = F_INCIDENT; i < FIELDS; i++)
		if (ha_rec_unescape_text(fields[i], err) != 0)
			return -1;
	if (!is_incident(fields[F_INCIDENT]))
		return ha_err_set(err, EX_DATAERR, 0,
		    "'%s' is no incident's name", fields[F_INCIDENT]);
	if (!is_time(fields[F_SINCE]))
		return ha_err_set(err, EX_DATAERR, 0,
		    "'%s' is no time such as 2026-01-31T23:59:59.123Z",
		    fields[F_SINCE]);
	if (ha_status_parse_state(
		fields[F_OLD_STATE], &transition->old_state) != 0)
		return ha_err_set(err, EX_DATAERR, 0,
		    "'%s' is no state (OK, WARN, CRIT, UNKNOWN)",
		    fields[F_OLD_STATE]);
	transition->incident = fields[F_INCIDENT];
	transition->since = fields[F_SINCE];
	return 0;
}

int
ha_transition_decode(
    char *line, struct ha_transition *transition, struct ha_err *err)
{
	char *fields[FIELDS], *rest = line;

	for (size_t i = 0; i < FIELDS; i++) {
		fields[i] = rest;
		rest = strchr(rest, '\t');
		if (rest == NULL)
			return ha_err_set(err, EX_DATAERR, 0,
			    "%zu field%s where a transition record has 13",
			    i + 1, i == 0 ? "" : "s");
		*rest++ = '\0';
	}
	if (decode_prefix(fields, transition, err) != 0)
		return -1;
	return ha_status_decode(rest, &transition->status, err);
}
