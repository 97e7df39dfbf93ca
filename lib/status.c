/* SPDX-License-Identifier: ISC */
/*
 * status - status records, from checks to ha-gate.
 */
#include "status.h"

#include <errno.h>
#include <fnmatch.h>
#include <limits.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "alloc.h"
#include "clock.h"
#include "rec.h"

/* The fields that can be cut, the dearest last: HOST and CHECK are the key. */
enum { MSG, PERF, TARGET, BY, CHECK, HOST, TEXTS };

/* What one byte becomes at most: \u0001 in JSON. */
#define MAX_ESCAPE 6

struct text {
	const char *data;
	size_t len;
};

const char *
ha_status_name(enum ha_status_state state)
{
	switch (state) {
	case HA_STATUS_OK:
		return "OK";
	case HA_STATUS_WARN:
		return "WARN";
	case HA_STATUS_CRIT:
		return "CRIT";
	default:
		return "UNKNOWN";
	}
}

static int
rank(enum ha_status_state state)
{
	switch (state) {
	case HA_STATUS_OK:
		return 0;
	case HA_STATUS_WARN:
		return 1;
	case HA_STATUS_CRIT:
		return 3;
	default:
		return 2;
	}
}

enum ha_status_state
ha_status_worse(enum ha_status_state a, enum ha_status_state b)
{
	return rank(a) >= rank(b) ? a : b;
}

const char *
ha_status_here(void)
{
	static char name[HOST_NAME_MAX + 1];

	if (!name[0] && gethostname(name, sizeof(name) - 1))
		name[0] = '\0';
	return name;
}

static double
sane_ms(double ms)
{
	return isfinite(ms) && ms > 0 ? ms : 0;
}

static void
add_field(struct ha_buf *line, const struct text *text)
{
	ha_buf_add_char(line, '\t');
	ha_rec_add_field(line, text->data, text->len);
}

static void
render_tsv(struct ha_buf *line, const struct text *texts,
    const struct ha_status *status, const char *time)
{
	ha_buf_add_str(line, time);
	add_field(line, &texts[BY]);
	add_field(line, &texts[HOST]);
	add_field(line, &texts[CHECK]);
	ha_buf_addf(line, "\t%s\t%.1f", ha_status_name(status->state),
	    sane_ms(status->ms));
	add_field(line, &texts[TARGET]);
	add_field(line, &texts[MSG]);
	add_field(line, &texts[PERF]);
	ha_buf_add_char(line, '\n');
}

static void
add_member(struct ha_buf *line, const char *key, const struct text *text)
{
	ha_buf_addf(line, ",\"%s\":", key);
	ha_rec_add_json(line, text->data, text->len);
}

static void
render_json(struct ha_buf *line, const struct text *texts,
    const struct ha_status *status, const char *time)
{
	ha_buf_addf(line, "{\"time\":\"%s\"", time);
	add_member(line, "by", &texts[BY]);
	add_member(line, "host", &texts[HOST]);
	add_member(line, "check", &texts[CHECK]);
	ha_buf_addf(line, ",\"state\":\"%s\",\"ms\":%.1f",
	    ha_status_name(status->state), sane_ms(status->ms));
	add_member(line, "target", &texts[TARGET]);
	add_member(line, "msg", &texts[MSG]);
	add_member(line, "perf", &texts[PERF]);
	ha_buf_add_str(line, "}\n");
}

/*
 * How long text may stay when the line is excess bytes too long: a step short
 * enough not to cut more than it must, at a whole character.  A number cut
 * short is a wrong one, so perf loses whole words.
 */
static size_t
cut(const struct text *text, size_t excess, int words)
{
	size_t step = (excess + MAX_ESCAPE - 1) / MAX_ESCAPE;
	size_t len = text->len > step ? text->len - step : 0;

	while (len && (words ? text->data[len] != ' '
			     : ((unsigned char)text->data[len] & 0xc0) == 0x80))
		len--;
	return len;
}

static void
encode(struct ha_buf *line, const struct ha_status *status,
    void (*render)(struct ha_buf *line, const struct text *texts,
	const struct ha_status *status, const char *time))
{
	struct text texts[TEXTS] = {
		[MSG] = { status->msg, 0 },
		[PERF] = { status->perf, 0 },
		[TARGET] = { status->target, 0 },
		[BY] = { status->by ? status->by : ha_status_here(), 0 },
		[CHECK] = { status->check, 0 },
		[HOST] = { status->host, 0 },
	};
	char now[HA_CLOCK_RFC3339_SIZE];
	size_t max = HA_STATUS_MAX - status->reserved;
	size_t start = line->len;
	size_t excess;
	int i;

	ha_clock_rfc3339(now);
	for (i = 0; i < TEXTS; i++)
		texts[i].len = strlen(texts[i].data);
	for (i = 0;;) {
		render(line, texts, status, status->time ? status->time : now);
		if (line->len - start <= max)
			return;
		excess = line->len - start - max;
		while (i < TEXTS - 1 && !texts[i].len)
			i++;
		texts[i].len = cut(&texts[i], excess, i == PERF);
		ha_buf_truncate(line, start);
	}
}

void
ha_status_encode(struct ha_buf *line, const struct ha_status *status)
{
	encode(line, status, render_tsv);
}

void
ha_status_encode_json(struct ha_buf *line, const struct ha_status *status)
{
	encode(line, status, render_json);
}

void
ha_status_begin(struct ha_buf *line, const char *name, const char *id, int json)
{
	if (json) {
		ha_buf_add_str(line, "{\"record\":\"begin\",\"name\":");
		ha_rec_add_json(line, name, strlen(name));
		ha_buf_add_str(line, ",\"id\":");
		ha_rec_add_json(line, id, strlen(id));
		ha_buf_add_str(line, "}\n");
		return;
	}
	ha_buf_add_str(line, "#begin");
	ha_rec_add_pair(line, "name", name, strlen(name));
	ha_rec_add_pair(line, "id", id, strlen(id));
	ha_buf_add_char(line, '\n');
}

void
ha_status_end(struct ha_buf *line, const char *id, unsigned n,
    enum ha_status_state worst, int quiet, int json)
{
	const char *state = ha_status_name(worst);

	if (json) {
		ha_buf_add_str(line, "{\"record\":\"end\",\"id\":");
		ha_rec_add_json(line, id, strlen(id));
		ha_buf_addf(line, ",\"n\":%u,\"worst\":\"%s\"%s}\n", n, state,
		    quiet ? ",\"quiet\":true" : "");
		return;
	}
	ha_buf_add_str(line, "#end");
	ha_rec_add_pair(line, "id", id, strlen(id));
	ha_buf_addf(
	    line, "\tn=%u\tworst=%s%s\n", n, state, quiet ? "\tquiet=1" : "");
}

/* ha(7), STATUS RECORDS. */
enum {
	F_TIME,
	F_BY,
	F_HOST,
	F_CHECK,
	F_STATE,
	F_MS,
	F_TARGET,
	F_MSG,
	F_PERF,
	FIELDS
};

int
ha_status_parse_state(const char *name, enum ha_status_state *state)
{
	static const enum ha_status_state states[] = { HA_STATUS_OK,
		HA_STATUS_WARN, HA_STATUS_CRIT, HA_STATUS_UNKNOWN };

	for (size_t i = 0; i < sizeof(states) / sizeof(states[0]); i++) {
		if (strcmp(name, ha_status_name(states[i])) != 0)
			continue;
		*state = states[i];
		return 0;
	}
	return -1;
}

static int
parse_duration(const char *text, double *ms)
{
	char *end;

	*ms = strtod(text, &end);
	return end == text || *end || !isfinite(*ms) || *ms < 0 ? -1 : 0;
}

int
ha_status_decode(char *line, struct ha_status *status, struct ha_err *err)
{
	char *fields[FIELDS];
	size_t count = ha_rec_split(line, fields, FIELDS);
	int64_t wall_ms;

	memset(status, 0, sizeof(*status));
	if (count < FIELDS)
		return ha_err_set(err, EX_DATAERR, 0,
		    "%zu field%s where a status record has %d", count,
		    count == 1 ? "" : "s", FIELDS);
	for (size_t i = 0; i < FIELDS; i++)
		if (ha_rec_unescape_text(fields[i], err))
			return -1;
	if (ha_clock_parse_rfc3339(fields[F_TIME], &wall_ms, err))
		return -1;
	if (ha_status_parse_state(fields[F_STATE], &status->state))
		return ha_err_set(err, EX_DATAERR, 0,
		    "'%s' is no state (OK, WARN, CRIT, UNKNOWN)",
		    fields[F_STATE]);
	if (parse_duration(fields[F_MS], &status->ms))
		return ha_err_set(err, EX_DATAERR, 0,
		    "'%s' is no duration in milliseconds", fields[F_MS]);
	if (!*fields[F_CHECK])
		return ha_err_set(err, EX_DATAERR, 0, "the check has no name");
	status->time = fields[F_TIME];
	status->by = fields[F_BY];
	status->host = fields[F_HOST];
	status->check = fields[F_CHECK];
	status->target = fields[F_TARGET];
	status->msg = fields[F_MSG];
	status->perf = fields[F_PERF];
	return 0;
}

int
ha_status_matches(const char *pattern, const char *host, const char *check)
{
	size_t plain = strcspn(pattern, "*?[\\@");
	char *full;
	int matches;

	/* Both begin with CHECK: a file of many patterns is tried on each. */
	if (strncmp(pattern, check, plain))
		return 0;
	if (!fnmatch(pattern, check, 0))
		return 1;
	full = ha_xasprintf("%s@%s", check, *host ? host : "-");
	matches = !fnmatch(pattern, full, 0);
	free(full);
	return matches;
}

static int
set_pair(struct ha_status_frame *frame, const char *key, const char *value,
    struct ha_err *err)
{
	char *end;

	if (!strcmp(key, "name")) {
		frame->name = value;
	} else if (!strcmp(key, "id")) {
		frame->id = value;
	} else if (!strcmp(key, "quiet")) {
		frame->is_quiet = strcmp(value, "0") != 0;
	} else if (!strcmp(key, "worst")) {
		if (ha_status_parse_state(value, &frame->worst))
			return ha_err_set(
			    err, EX_DATAERR, 0, "worst=%s is no state", value);
	} else if (!strcmp(key, "n")) {
		errno = 0;
		frame->n = strtoull(value, &end, 10);
		if (errno || *value < '0' || *value > '9' || *end)
			return ha_err_set(
			    err, EX_DATAERR, 0, "n=%s is no number", value);
	}
	return 0;
}

int
ha_status_frame_decode(
    char *line, struct ha_status_frame *frame, struct ha_err *err)
{
	char *fields[16], *value;
	size_t count = ha_rec_split(line, fields, 16);

	*frame = (struct ha_status_frame){ .name = "", .id = "" };
	if (!strcmp(fields[0], "#begin"))
		frame->kind = HA_STATUS_BEGIN;
	else if (!strcmp(fields[0], "#end"))
		frame->kind = HA_STATUS_END;
	else
		return 0;
	for (size_t i = 1; i < count; i++) {
		value = strchr(fields[i], '=');
		if (!value)
			continue;
		*value++ = '\0';
		if (ha_rec_unescape_text(value, err) ||
		    set_pair(frame, fields[i], value, err))
			return -1;
	}
	return 0;
}
