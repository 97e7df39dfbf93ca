/* SPDX-License-Identifier: ISC */
/* facts - what one server says of itself: its life, and questions to it. */
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "alloc.h"
#include "facts-parts.h"

#define US_S INT64_C(1000000)
/* A row that is written every few seconds is not older on its own server. */
#define FRESH_US (60 * US_S)

void
facts_init(struct facts *facts, struct node *node)
{
	*facts = (struct facts){
		.node = node,
		.version = ha_xstrdup(""),
		.denied = ha_xstrdup(""),
		.log_filters = ha_xstrdup(""),
		.server_id = -1,
		.variables = HA_DB_RESULT_INIT,
		.status = HA_DB_RESULT_INIT,
		.status_rows = HA_DB_RESULT_INIT,
		.origins = HA_DB_RESULT_INIT,
		.tables = HA_DB_RESULT_INIT,
		.events = HA_DB_RESULT_INIT,
		.accounts = HA_DB_RESULT_INIT,
	};
}

static void
release_channel(struct channel *channel)
{
	free(channel->name);
	free(channel->source_host);
	free(channel->source_user);
	free(channel->source_uuid);
	free(channel->receiver_words);
	free(channel->applier_words);
	free(channel->receiver_state);
	free(channel->applier_state);
	free(channel->read.file);
	free(channel->executed.file);
	free(channel->filters);
	free(channel->ignored_ids);
	gtid_release(&channel->retrieved);
}

void
facts_release(struct facts *facts)
{
	for (size_t i = 0; i < facts->channel_count; i++)
		release_channel(&facts->channels[i]);
	for (size_t i = 0; i < facts->beat_count; i++) {
		free(facts->beats[i].position.file);
		free(facts->beats[i].executed.file);
	}
	for (size_t i = 0; i < facts->child_count; i++) {
		free(facts->children[i].host);
		free(facts->children[i].uuid);
	}
	free(facts->channels);
	free(facts->beats);
	free(facts->children);
	free(facts->version);
	free(facts->denied);
	free(facts->log_filters);
	free(facts->uuid);
	free(facts->own.file);
	gtid_release(&facts->executed);
	gtid_release(&facts->position);
	gtid_release(&facts->purged);
	gtid_release(&facts->applied);
	ha_db_result_release(&facts->variables);
	ha_db_result_release(&facts->status);
	ha_db_result_release(&facts->status_rows);
	ha_db_result_release(&facts->origins);
	ha_db_result_release(&facts->tables);
	ha_db_result_release(&facts->events);
	ha_db_result_release(&facts->accounts);
	*facts = (struct facts){ .server_id = -1 };
}

/* The value beside a name in a result of SHOW VARIABLES' kind. */
static const char *
value_of(const struct ha_db_result *result, const char *name)
{
	for (size_t i = 0; i < result->rows; i++) {
		const char *one = ha_db_get(result, i, "Variable_name");

		if (one && !strcasecmp(one, name))
			return ha_db_get(result, i, "Value");
	}
	return NULL;
}

const char *
facts_variable(const struct facts *facts, const char *name)
{
	return value_of(&facts->variables, name);
}

const char *
facts_status(const struct facts *facts, const char *name)
{
	return value_of(&facts->status, name);
}

static const char *
either(const struct facts *facts, const char *name)
{
	const char *value = facts_variable(facts, name);

	return value ? value : facts_status(facts, name);
}

/* The last two are MariaDB 12's, of read_only. */
int
facts_is_on(const struct facts *facts, const char *name)
{
	static const char *const words[] = { "ON", "1", "YES", "TRUE",
		"NO_LOCK", "NO_LOCK_NO_ADMIN" };
	const char *value = either(facts, name);

	if (!value)
		return -1;
	for (size_t i = 0; i < sizeof(words) / sizeof(*words); i++)
		if (!strcasecmp(value, words[i]))
			return 1;
	return 0;
}

int64_t
facts_number(const struct facts *facts, const char *name)
{
	return facts_integer(either(facts, name), -1);
}

/* A row that the server's default leaves out. */
static size_t
origin_row(const struct facts *facts, const char *name)
{
	size_t i = 0;

	while (i < facts->origins.rows) {
		const char *one = ha_db_get(&facts->origins, i, "name");

		if (one && !strcasecmp(one, name))
			break;
		i++;
	}
	return i;
}

enum origin
facts_origin(const struct facts *facts, const char *name)
{
	size_t row = origin_row(facts, name);
	const char *word = ha_db_get(&facts->origins, row, "origin");

	if (!facts->origins.rows || !facts_variable(facts, name))
		return ORIGIN_UNKNOWN;
	if (!word || !strcasecmp(word, "COMPILED") || !strcasecmp(word, "AUTO"))
		return ORIGIN_DEFAULT;
	if (!strcasecmp(word, "DYNAMIC") || !strcasecmp(word, "SQL"))
		return ORIGIN_SET;
	return strcasecmp(word, "PERSISTED") ? ORIGIN_FILE : ORIGIN_PERSISTED;
}

const char *
facts_at_start(const struct facts *facts, const char *name)
{
	enum origin origin = facts_origin(facts, name);
	const char *persisted =
	    ha_db_get(&facts->origins, origin_row(facts, name), "persisted");

	if (origin == ORIGIN_UNKNOWN)
		return NULL;
	if (persisted)
		return persisted;
	return origin == ORIGIN_SET ? NULL : facts_variable(facts, name);
}

int
facts_is_writable(const struct facts *facts)
{
	int is_read_only = facts_is_on(facts, "read_only");

	return is_read_only < 0 ? -1 : !is_read_only;
}

const struct channel *
facts_channel(const struct facts *facts, const char *name)
{
	for (size_t i = 0; i < facts->channel_count; i++)
		if (!name || !strcasecmp(facts->channels[i].name, name))
			return &facts->channels[i];
	return NULL;
}

int
facts_is_last_beat(const struct facts *writer, const struct beat *beat)
{
	if (!writer || !writer->is_answered)
		return 0;
	for (size_t i = 0; i < writer->beat_count; i++)
		if (writer->beats[i].server_id == beat->server_id)
			return writer->beats[i].written_us <= beat->written_us;
	return 0;
}

int64_t
facts_skew_us(const struct facts *facts, int64_t *around_us)
{
	*around_us = (facts->answered_us - facts->asked_us) / 2;
	if (!facts->clock_us)
		return 0;
	return facts->clock_us - facts->asked_us - *around_us;
}

static int64_t
seen_us(const struct facts *facts)
{
	return facts->beats_us ? facts->beats_us : facts->clock_us;
}

/*
 * West of Greenwich pt-heartbeat without --utc writes what looks hours old; its
 * own server shows then a row that is as old as its local time is behind.
 */
static int64_t
west_us(const struct facts *source, const struct beat *beat)
{
	int64_t west = -source->zone_s * US_S;

	for (size_t i = 0; i < source->beat_count && west > 0; i++) {
		const struct beat *own = &source->beats[i];
		int64_t age = seen_us(source) - own->written_us;

		if (own->server_id == beat->server_id &&
		    source->server_id == beat->server_id &&
		    llabs(age - west) < FRESH_US)
			return west;
	}
	return 0;
}

int64_t
facts_lag_us(const struct facts *facts, const struct beat *beat,
    const struct facts *source)
{
	int64_t lag_us = seen_us(facts) - beat->written_us, around_us;

	if (source && source->clock_us)
		lag_us -= facts_skew_us(facts, &around_us) -
			  facts_skew_us(source, &around_us) +
			  west_us(source, beat);
	return lag_us;
}
