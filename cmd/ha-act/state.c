/* SPDX-License-Identifier: ISC */
/*
 * state - what is known of a check from one run of ha-act to the next.
 */
#include "state.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "alloc.h"
#include "fs.h"
#include "rec.h"

#define FILE_MAX (1024 * 1024)
/* Foreign records shall not let a file grow without end. */
#define FAILING_MAX 1000
#define RUNS_MAX 10000
#define WORDS 4

void
state_init(struct state *state)
{
	memset(state, 0, sizeof(*state));
}

static void
free_failing(struct state_failing *failing)
{
	free(failing->key);
	free(failing->incident);
}

void
state_release(struct state *state)
{
	history_release(&state->history);
	for (size_t i = 0; i < state->failing_count; i++)
		free_failing(&state->failing[i]);
	free(state->failing);
	state_init(state);
}

static size_t
find_failing(const struct state *state, const char *key)
{
	size_t i = 0;

	while (
	    i < state->failing_count && strcmp(state->failing[i].key, key) != 0)
		i++;
	return i;
}

/* Takes the key over. */
static int
add_key(struct state *state, char *key, const char *incident)
{
	size_t i = find_failing(state, key);
	struct state_failing *failing;
	int is_another;

	if (i < state->failing_count) {
		failing = &state->failing[i];
		is_another = strcmp(failing->incident, incident) != 0;
		free(key);
		free(failing->incident);
		failing->incident = ha_xstrdup(incident);
		return is_another && state->failing_count == 1;
	}
	if (state->failing_count == FAILING_MAX) {
		free(key);
		return 0;
	}
	state->failing = ha_xrealloc(state->failing,
	    (state->failing_count + 1) * sizeof(*state->failing));
	state->failing[state->failing_count++] =
	    (struct state_failing){ key, ha_xstrdup(incident) };
	return 0;
}

static char *
make_key(const char *check, const char *host)
{
	struct ha_buf key = HA_BUF_INIT;

	ha_rec_add_field(&key, check, strlen(check));
	ha_buf_add_char(&key, '\t');
	ha_rec_add_field(&key, host, strlen(host));
	return ha_buf_detach(&key);
}

int
state_add_failing(struct state *state, const char *check, const char *host,
    const char *incident)
{
	return add_key(state, make_key(check, host), incident);
}

int
state_remove_failing(struct state *state, const char *check, const char *host)
{
	char *key = make_key(check, host);
	size_t i = find_failing(state, key);

	free(key);
	if (i == state->failing_count)
		return 0;
	free_failing(&state->failing[i]);
	state->failing[i] = state->failing[--state->failing_count];
	return state->failing_count == 0;
}

static void
add_time(struct ha_buf *text, const char *word, int64_t wall_ms)
{
	char time[HA_CLOCK_RFC3339_SIZE];

	ha_clock_format_ms(wall_ms, time);
	ha_buf_addf(text, "%s\t%s\n", word, time);
}

void
state_encode(struct ha_buf *text, const struct state *state)
{
	const struct history *history = &state->history;

	for (size_t i = 0; i < state->failing_count; i++)
		ha_buf_addf(text, "failing\t%s\t%s\n", state->failing[i].key,
		    state->failing[i].incident);
	for (size_t i = 0; i < history->count; i++)
		add_time(text, "run", history->runs_ms[i]);
	if (history->ended_ms)
		add_time(text, "ended", history->ended_ms);
	if (history->tries)
		ha_buf_addf(text, "tries\t%" PRIu64 "\n", history->tries);
	if (history->has_given_up)
		ha_buf_add_str(text, "gave-up\n");
	if (*state->incident)
		ha_buf_addf(
		    text, "incident\t%s\t%s\n", state->incident, state->since);
}

/* A time that can be written again. */
static int
parse_time(const char *text, int64_t *wall_ms)
{
	struct ha_err err;

	return ha_clock_parse_rfc3339(text, wall_ms, &err) || *wall_ms < 0;
}

static int
parse_number(const char *text, uint64_t *number)
{
	char *end;

	errno = 0;
	*number = strtoull(text, &end, 10);
	return errno || *text < '0' || *text > '9' || *end;
}

static int
decode_incident(struct state *state, const char *name, const char *since)
{
	int64_t wall_ms;

	if (!*name || strlen(name) >= sizeof(state->incident) ||
	    name[strspn(name, "0123456789abcdefTZ-")] ||
	    parse_time(since, &wall_ms))
		return -1;
	strcpy(state->incident, name);
	ha_clock_format_ms(wall_ms, state->since);
	return 0;
}

/* -1: it is damaged. */
static int
decode_words(struct state *state, char **words, size_t count)
{
	struct history *history = &state->history;
	int64_t wall_ms;

	if (!strcmp(words[0], "failing") && count == 4) {
		add_key(state, ha_xasprintf("%s\t%s", words[1], words[2]),
		    words[3]);
	} else if (!strcmp(words[0], "run") && count == 2) {
		if (parse_time(words[1], &wall_ms) ||
		    history->count == RUNS_MAX)
			return -1;
		history_add_run(history, wall_ms);
	} else if (!strcmp(words[0], "ended") && count == 2) {
		return parse_time(words[1], &history->ended_ms);
	} else if (!strcmp(words[0], "tries") && count == 2) {
		return parse_number(words[1], &history->tries);
	} else if (!strcmp(words[0], "gave-up")) {
		history->has_given_up = 1;
	} else if (!strcmp(words[0], "incident") && count == 3) {
		return decode_incident(state, words[1], words[2]);
	} else {
		/* A comment, or of a later version; the rest isn't text. */
		return *words[0] != '#' && words[0][strspn(words[0],
					       "abcdefghijklmnopqrstuvwxyz-")]
			   ? -1
			   : 0;
	}
	return 0;
}

static int
damaged(struct ha_err *err, size_t number)
{
	return ha_err_set(err, EX_DATAERR, 0, "line %zu is damaged", number);
}

int
state_decode(
    struct state *state, const char *text, size_t len, struct ha_err *err)
{
	const char *end = text + len, *stop;
	char *words[WORDS], *line;
	size_t number = 0, count;
	int result = 0;

	for (; text < end && !result; text = stop + 1) {
		number++;
		stop = memchr(text, '\n', (size_t)(end - text));
		if (!stop || memchr(text, '\0', (size_t)(stop - text)))
			return damaged(err, number);
		line = ha_xmemdup(text, (size_t)(stop - text));
		count = ha_rec_split(line, words, WORDS);
		result = decode_words(state, words, count);
		free(line);
	}
	return result ? damaged(err, number) : 0;
}

int
state_read(struct state *state, const char *path, struct ha_err *err)
{
	struct ha_buf text = HA_BUF_INIT;
	int result;

	if (access(path, F_OK) && errno == ENOENT)
		return 0;
	result = ha_fs_read_file(path, FILE_MAX, &text, err);
	if (!result && state_decode(state, text.data, text.len, err))
		result =
		    ha_err_set(err, EX_DATAERR, 0, "'%s': %s", path, err->msg);
	ha_buf_release(&text);
	return result ? -1 : 1;
}

static int
remove_file(const char *path, struct ha_err *err)
{
	char *dir = ha_xstrdup(path), *slash = strrchr(dir, '/');
	int result = 0;

	if (slash)
		*slash = '\0';
	if (!unlink(path))
		result = ha_fs_sync_directory(slash ? dir : ".", err);
	else if (errno != ENOENT)
		result = ha_err_set(
		    err, EX_CANTCREAT, errno, "can't remove '%s'", path);
	free(dir);
	return result;
}

int
state_write(const struct state *state, const char *path, struct ha_err *err)
{
	struct ha_buf text = HA_BUF_INIT;
	int result;

	state_encode(&text, state);
	if (text.len)
		result = ha_fs_replace(path, text.data, text.len, 0644, err);
	else
		result = remove_file(path, err);
	ha_buf_release(&text);
	return result;
}
