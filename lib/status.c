/* SPDX-License-Identifier: ISC */
/*
 * status - status records, from checks to ha-gate.
 */
#include "status.h"

#include <limits.h>
#include <math.h>
#include <string.h>
#include <unistd.h>

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
	char time[HA_CLOCK_RFC3339_SIZE];
	size_t max = HA_STATUS_MAX - status->reserved;
	size_t start = line->len;
	size_t excess;
	int i;

	ha_clock_rfc3339(time);
	for (i = 0; i < TEXTS; i++)
		texts[i].len = strlen(texts[i].data);
	for (i = 0;;) {
		render(line, texts, status, time);
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
