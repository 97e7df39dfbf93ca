/* SPDX-License-Identifier: ISC */
/*
 * statefile - lines of a key and a value; unknown keys are of later versions.
 */
#include "statefile.h"

#include <stdlib.h>
#include <string.h>

#include "alloc.h"
#include "buf.h"
#include "fs.h"
#include "rec.h"

#define FIELDS_MAX 16

void
statefile_init(struct statefile *state)
{
	memset(state, 0, sizeof(*state));
	state->state = HA_STATUS_UNKNOWN;
}

void
statefile_release(struct statefile *state)
{
	for (size_t i = 0; i < state->peer_count; i++) {
		free(state->peers[i].target);
		free(state->peers[i].file);
	}
	free(state->peers);
	free(state->source);
	free(state->target);
	free(state->cause);
	free(state->message);
	free(state->boot);
}

static int
take_text(char **to, char *value, struct ha_err *err)
{
	if (ha_rec_unescape_text(value, err) != 0)
		return -1;
	free(*to);
	*to = ha_xstrdup(value);
	return 0;
}

/* A decimal number of thousandths, at the start of text: 12 or 12.345. */
static int
parse_milli(const char *text, int64_t *milli)
{
	int64_t value = 0;
	int64_t unit = 1000;
	int dot = 0;

	if (*text < '0' || *text > '9')
		return -1;
	for (; (*text >= '0' && *text <= '9') || (*text == '.' && !dot);
	     text++) {
		if (*text == '.') {
			dot = 1;
		} else if (!dot) {
			if (value > INT64_MAX / 20000)
				return -1;
			value = value * 10 + (*text - '0') * 1000;
		} else if ((unit /= 10) > 0) {
			value += (*text - '0') * unit;
		}
	}
	*milli = value;
	return 0;
}

static int
take_count(const char *value, uint64_t *count)
{
	int64_t milli;

	if (parse_milli(value, &milli) != 0)
		return -1;
	*count = (uint64_t)milli / 1000;
	return 0;
}

/* Nagios performance data: name=value, separated by blanks. */
static int
take_perf(struct statefile *state, char *value, struct ha_err *err)
{
	char *word, *rest = value, *equals;
	int has_lag = 0, rc = 0;

	while (rc == 0 && (word = strsep(&rest, " ")) != NULL) {
		equals = strchr(word, '=');
		if (equals == NULL)
			continue;
		*equals++ = '\0';
		if (strcmp(word, "lag") == 0) {
			rc = parse_milli(equals, &state->lag_ms);
			has_lag = 1;
		} else if (strcmp(word, "waiting") == 0) {
			rc = take_count(equals, &state->waiting);
		} else if (strcmp(word, "failing") == 0) {
			rc = take_count(equals, &state->failing);
		} else if (strcmp(word, "held") == 0) {
			rc = take_count(equals, &state->held);
		}
	}
	if (rc != 0 || !has_lag)
		return ha_err_set(
		    err, EX_DATAERR, 0, "not the performance data of ha-push");
	return 0;
}

static int
take_state(struct statefile *state, const char *value, struct ha_err *err)
{
	static const enum ha_status_state all[] = { HA_STATUS_OK,
		HA_STATUS_WARN, HA_STATUS_CRIT, HA_STATUS_UNKNOWN };

	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
		if (strcmp(value, ha_status_name(all[i])) == 0) {
			state->state = all[i];
			return 0;
		}
	}
	return ha_err_set(err, EX_DATAERR, 0, "no state is called '%s'", value);
}

/* What follows the line's first TAB, for each key that is known. */
static int
take_pair(struct statefile *state, unsigned *seen, const char *key, char *value,
    struct ha_err *err)
{
	int64_t milli;

	if (strcmp(key, "source") == 0)
		return take_text(&state->source, value, err);
	if (strcmp(key, "target") == 0)
		return take_text(&state->target, value, err);
	if (strcmp(key, "cause") == 0)
		return take_text(&state->cause, value, err);
	if (strcmp(key, "message") == 0)
		return take_text(&state->message, value, err);
	if (strcmp(key, "boot") == 0)
		return take_text(&state->boot, value, err);
	if (strcmp(key, "uptime_ms") == 0) {
		if (parse_milli(value, &milli) != 0)
			return ha_err_set(
			    err, EX_DATAERR, 0, "'%s' is no number", value);
		state->uptime_ms = milli / 1000;
	} else if (strcmp(key, "state") == 0) {
		*seen |= 1;
		return take_state(state, value, err);
	} else if (strcmp(key, "perf") == 0) {
		*seen |= 2;
		return take_perf(state, value, err);
	}
	return 0;
}

/* "#peer" of an index. */
static int
take_peer(struct statefile *state, char *line, struct ha_err *err)
{
	char *fields[FIELDS_MAX];
	size_t count = ha_rec_split(line, fields, FIELDS_MAX);
	struct statefile_peer peer = { NULL, NULL };
	int rc = 0;

	if (state->peer_count == STATEFILE_PEERS_MAX)
		return ha_err_set(err, EX_DATAERR, 0, "too many peers");
	for (size_t i = 1; i < count && rc == 0; i++) {
		if (strncmp(fields[i], "target=", 7) == 0)
			rc = take_text(&peer.target, fields[i] + 7, err);
		else if (strncmp(fields[i], "file=", 5) == 0)
			rc = take_text(&peer.file, fields[i] + 5, err);
	}
	if (rc == 0 &&
	    (peer.target == NULL || peer.file == NULL || peer.file[0] == '\0'))
		rc = ha_err_set(
		    err, EX_DATAERR, 0, "a #peer without target= and file=");
	if (rc != 0) {
		free(peer.target);
		free(peer.file);
		return -1;
	}
	state->peers = ha_xrealloc(
	    state->peers, (state->peer_count + 1) * sizeof(*state->peers));
	state->peers[state->peer_count++] = peer;
	return 0;
}

static int
take_header(struct statefile *state, char *line, struct ha_err *err)
{
	char *fields[FIELDS_MAX];
	size_t count;

	if (strncmp(line, "# HELP ha_push_", 15) == 0)
		return ha_err_set(err, EX_UNAVAILABLE, 0,
		    "it is in node_exporter's form (-F prom), which can't be "
		    "checked");
	count = ha_rec_split(line, fields, FIELDS_MAX);
	if (strcmp(fields[0], "#ha-push") != 0 || count < 2 ||
	    strcmp(fields[1], "v=1") != 0)
		return ha_err_set(err, EX_DATAERR, 0,
		    "no status file of ha-push: no '#ha-push v=1'");
	for (size_t i = 2; i < count; i++)
		if (strncmp(fields[i], "peers=", 6) == 0)
			state->is_index = 1;
	return 0;
}

static int
take_line(struct statefile *state, unsigned long number, char *line,
    unsigned *seen, struct ha_err *err)
{
	char *tab;

	if (number == 1)
		return take_header(state, line, err);
	if (state->is_index)
		return strncmp(line, "#peer\t", 6) == 0
			   ? take_peer(state, line, err)
			   : 0;
	if (line[0] == '#')
		return 0;
	tab = strchr(line, '\t');
	if (tab == NULL)
		return ha_err_set(
		    err, EX_DATAERR, 0, "no TAB between key and value");
	*tab++ = '\0';
	return take_pair(state, seen, line, tab, err);
}

int
statefile_parse(
    char *text, size_t len, struct statefile *state, struct ha_err *err)
{
	char *end = text + len, *at = text, *lf;
	unsigned long number = 0;
	unsigned seen = 0;

	for (; at < end; at = lf + 1) {
		number++;
		lf = memchr(at, '\n', (size_t)(end - at));
		if (lf == NULL)
			return ha_err_set(err, EX_DATAERR, 0,
			    "line %lu: it breaks off", number);
		*lf = '\0';
		if (strlen(at) != (size_t)(lf - at))
			return ha_err_set(
			    err, EX_DATAERR, 0, "line %lu: a NUL byte", number);
		if (take_line(state, number, at, &seen, err) != 0)
			return ha_err_set(err, err->status, 0, "line %lu: %s",
			    number, err->msg);
	}
	if (number == 0)
		return ha_err_set(err, EX_DATAERR, 0, "line 1: it is empty");
	if (state->is_index ? state->peer_count == 0
			    : seen != 3 || state->target == NULL)
		return ha_err_set(err, EX_DATAERR, 0, "line %lu: %s", number,
		    state->is_index ? "no peer in an index"
				    : "target, state or perf is missing");
	return 0;
}

static void
resolve(struct statefile *state, const char *index)
{
	const char *slash = strrchr(index, '/');

	for (size_t i = 0; i < state->peer_count; i++) {
		char *file = state->peers[i].file;

		if (file[0] == '/' || slash == NULL)
			continue;
		state->peers[i].file =
		    ha_xasprintf("%.*s/%s", (int)(slash - index), index, file);
		free(file);
	}
}

int
statefile_read(const char *file, struct statefile *state, struct stat *st,
    struct ha_err *err)
{
	struct ha_buf text = HA_BUF_INIT;
	struct stat here = { 0 };
	int rc = 0;

	if (stat(file, &here) == 0 && !S_ISREG(here.st_mode))
		rc = ha_err_set(
		    err, EX_DATAERR, 0, "'%s' is no regular file", file);
	if (rc == 0)
		rc = ha_fs_read_file(file, STATEFILE_MAX, &text, err);
	if (rc == 0 && statefile_parse(text.data, text.len, state, err) != 0)
		rc = ha_err_set(err, err->status, 0, "%s: %s", file, err->msg);
	if (rc == 0)
		resolve(state, file);
	if (st != NULL)
		*st = here;
	ha_buf_release(&text);
	return rc;
}
