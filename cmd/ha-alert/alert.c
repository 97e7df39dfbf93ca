/* SPDX-License-Identifier: ISC */
/* alert - one line of the spool, and what a receiver knows it by. */
#include "alert.h"

#include <ctype.h>
#include <sha2.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "alloc.h"
#include "clock.h"
#include "rec.h"
#include "status.h"

#define MESSAGE "message"
#define MINUTE_SIZE 16
#define HASH_BYTES 16

enum { F_KIND, F_INCIDENT, F_TIME, F_HOST, F_SUBJECT, F_BODY, FIELDS };

static int
is_message(const char *line)
{
	return strncmp(line, MESSAGE "\t", sizeof(MESSAGE)) == 0;
}

static int
is_name(const char *text)
{
	static const char letters[] =
	    "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ-_.:";
	size_t len = strlen(text);

	return len > 0 && len <= 64 && strspn(text, letters) == len;
}

static int
decode_message(struct alert *alert, struct ha_err *err)
{
	struct ha_transition *transition = &alert->transition;
	char *fields[FIELDS];
	size_t n = ha_rec_split(alert->fields, fields, FIELDS);

	if (n < FIELDS)
		return ha_err_set(err, EX_DATAERR, 0,
		    "%zu field%s where a message has %d", n, n == 1 ? "" : "s",
		    (int)FIELDS);
	for (size_t i = F_INCIDENT; i < FIELDS; i++)
		if (ha_rec_unescape_text(fields[i], err) != 0)
			return -1;
	if (!is_name(fields[F_INCIDENT]))
		return ha_err_set(err, EX_DATAERR, 0,
		    "'%s' is no incident's name", fields[F_INCIDENT]);
	alert->is_message = 1;
	alert->body = fields[F_BODY];
	transition->event = HA_TRANSITION_PROBLEM;
	transition->incident = fields[F_INCIDENT];
	transition->since = fields[F_TIME];
	transition->old_state = HA_STATUS_UNKNOWN;
	transition->status = (struct ha_status){
		.time = fields[F_TIME],
		.by = fields[F_HOST],
		.host = fields[F_HOST],
		.check = "",
		.state = HA_STATUS_UNKNOWN,
		.target = "",
		.msg = fields[F_SUBJECT],
		.perf = "",
	};
	return 0;
}

static int
decode_times(struct alert *alert, struct ha_err *err)
{
	const struct ha_transition *transition = &alert->transition;

	if (ha_clock_parse_rfc3339(
		transition->status.time, &alert->time_ms, err) != 0)
		return -1;
	return ha_clock_parse_rfc3339(transition->since, &alert->since_ms, err);
}

int
alert_decode(struct alert *alert, const char *line, struct ha_err *err)
{
	int failed;

	memset(alert, 0, sizeof(*alert));
	alert->line = ha_xstrdup(line);
	alert->fields = ha_xstrdup(line);
	alert->body = "";
	if (is_message(line))
		failed = decode_message(alert, err);
	else
		failed = ha_transition_decode(
		    alert->fields, &alert->transition, err);
	if (!failed)
		failed = decode_times(alert, err);
	if (failed)
		alert_release(alert);
	return failed;
}

void
alert_release(struct alert *alert)
{
	free(alert->line);
	free(alert->fields);
	memset(alert, 0, sizeof(*alert));
}

void
alert_encode(struct ha_buf *line, const struct alert *alert)
{
	ha_buf_add_str(line, alert->line);
	ha_buf_add_char(line, '\n');
}

void
alert_encode_message(struct ha_buf *line, const char *host, const char *subject,
    const char *body, int is_repeat_one)
{
	char incident[HA_TRANSITION_INCIDENT_SIZE];
	char time[HA_CLOCK_RFC3339_SIZE];
	const char *fields[] = { host, subject, body };
	int64_t now_ms = ha_clock_wall_ms();
	char *words = ha_xasprintf("%s\n%s\n%lld", subject, body,
	    is_repeat_one ? 0LL : (long long)ha_clock_now_ns());

	ha_clock_format_ms(now_ms, time);
	ha_transition_incident(
	    incident, host, words, is_repeat_one ? 0 : now_ms);
	free(words);
	ha_buf_addf(line, MESSAGE "\t%s\t%s", incident, time);
	for (size_t i = 0; i < sizeof(fields) / sizeof(*fields); i++) {
		ha_buf_add_char(line, '\t');
		ha_rec_add_field(line, fields[i], strlen(fields[i]));
	}
	ha_buf_add_char(line, '\n');
}

static int
may_repeat(const struct alert *alert)
{
	switch (alert->transition.event) {
	case HA_TRANSITION_WORSE:
	case HA_TRANSITION_BETTER:
	case HA_TRANSITION_REMINDER:
	case HA_TRANSITION_FLAPPING:
	case HA_TRANSITION_STALE:
		return 1;
	default:
		return 0;
	}
}

/* "-EVENT", "-EVENT-MINUTE" */
static void
add_event(struct ha_buf *key, const struct alert *alert)
{
	time_t seconds = (time_t)(alert->time_ms / 1000);
	char minute[MINUTE_SIZE];
	struct tm tm;

	ha_buf_addf(key, "-%s",
	    alert->is_message ? MESSAGE
			      : ha_transition_name(alert->transition.event));
	if (!may_repeat(alert))
		return;
	gmtime_r(&seconds, &tm);
	strftime(minute, sizeof(minute), "-%Y%m%dT%H%MZ", &tm);
	ha_buf_add_str(key, minute);
}

static void
add_item(struct ha_buf *key, const struct alert_item *item)
{
	ha_buf_add_str(key, item->first->transition.incident);
	add_event(key, item->first);
	if (item->last != item->first)
		add_event(key, item->last);
}

static void
add_hash(struct ha_buf *key, const struct alert_bundle *bundle)
{
	uint8_t digest[SHA256_DIGEST_LENGTH];
	struct ha_buf all = HA_BUF_INIT;
	SHA2_CTX sha256;

	for (size_t i = 0; i < bundle->count; i++) {
		add_item(&all, &bundle->items[i]);
		ha_buf_add_char(&all, '\n');
	}
	ha_buf_addf(&all, "%zu", bundle->left_out);
	SHA256Init(&sha256);
	SHA256Update(&sha256, (const uint8_t *)all.data, all.len);
	SHA256Final(digest, &sha256);
	ha_buf_release(&all);
	ha_buf_add_str(key, "bundle-");
	for (size_t i = 0; i < HASH_BYTES; i++)
		ha_buf_addf(key, "%02x", digest[i]);
}

void
alert_key(char key[ALERT_KEY_SIZE], const struct alert_bundle *bundle)
{
	struct ha_buf text = HA_BUF_INIT;

	if (bundle->count == 1 && bundle->left_out == 0)
		add_item(&text, bundle->items);
	else
		add_hash(&text, bundle);
	for (size_t i = 0; i < text.len; i++)
		if (!isalnum((unsigned char)text.data[i]))
			text.data[i] = '-';
	snprintf(key, ALERT_KEY_SIZE, "%s", text.data);
	ha_buf_release(&text);
}
