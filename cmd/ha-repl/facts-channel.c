/* SPDX-License-Identifier: ISC */
/*
 * facts-channel - a row of SHOW SLAVE STATUS, whatever its columns are called.
 *
 * Source: MySQL "SHOW REPLICA STATUS Statement", "The
 * replication_connection_status Table"; MariaDB "SHOW REPLICA STATUS".
 */
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "alloc.h"
#include "facts-parts.h"

#define NAME_MAX_LEN 80
#define FILTER_PREFIX "Replicate_"

/* Every "new" of text becomes "old"; out has room for NAME_MAX_LEN. */
static void
old_name(char *out, const char *text)
{
	static const struct {
		const char *new, *old;
	} words[] = { { "Source", "Master" }, { "Replica", "Slave" } };
	size_t len = 0;

	while (*text && len < NAME_MAX_LEN - sizeof("Master")) {
		size_t i = 0;

		while (i < 2 &&
		       strncmp(text, words[i].new, strlen(words[i].new)) != 0)
			i++;
		if (i < 2) {
			memcpy(out + len, words[i].old, strlen(words[i].old));
			len += strlen(words[i].old);
			text += strlen(words[i].new);
		} else {
			out[len++] = *text++;
		}
	}
	out[len] = '\0';
}

const char *
facts_cell(const struct ha_db_result *result, size_t row, const char *name)
{
	char old[NAME_MAX_LEN];
	const char *cell = ha_db_get(result, row, name);

	if (cell)
		return cell;
	old_name(old, name);
	return ha_db_get(result, row, old);
}

int64_t
facts_integer(const char *text, int64_t missing)
{
	char *end;
	long long number;

	if (!text || !*text)
		return missing;
	number = strtoll(text, &end, 10);
	if (end == text || (*end && *end != '.'))
		return missing;
	return number > FACTS_INTEGER_MAX    ? FACTS_INTEGER_MAX
	       : number < -FACTS_INTEGER_MAX ? -FACTS_INTEGER_MAX
					     : number;
}

uint64_t
facts_offset(const char *text)
{
	return text && *text >= '0' && *text <= '9' ? strtoull(text, NULL, 10)
						    : 0;
}

int64_t
facts_thousandths(const char *text, int64_t missing)
{
	int64_t whole = facts_integer(text, -1);
	const char *digit = text ? strchr(text, '.') : NULL;
	int64_t part = 0;

	if (whole < 0 || whole == FACTS_INTEGER_MAX)
		return missing;
	for (int unit = 100; digit && unit; unit /= 10) {
		if (*++digit < '0' || *digit > '9')
			break;
		part += (int64_t)(*digit - '0') * unit;
	}
	return whole * 1000 + part;
}

static char *
copy(const char *text)
{
	return ha_xstrdup(text ? text : "");
}

static enum thread_state
thread_of(const char *word)
{
	if (!word)
		return THREAD_UNKNOWN;
	return !strcasecmp(word, "Yes")          ? THREAD_YES
	       : !strcasecmp(word, "No")         ? THREAD_NO
	       : !strcasecmp(word, "Connecting") ? THREAD_CONNECTING
	       : !strcasecmp(word, "Preparing")  ? THREAD_CONNECTING
						 : THREAD_UNKNOWN;
}

static int
yes_of(const char *word)
{
	enum thread_state state = thread_of(word);

	return state == THREAD_UNKNOWN ? -1 : state == THREAD_YES;
}

struct position
facts_position(const char *file, const char *at)
{
	if (!file || !*file)
		return (struct position){ NULL, 0 };
	return (struct position){ ha_xstrdup(file), facts_offset(at) };
}

/* MariaDB's word, else MySQL's flag. */
static enum gtid_use
gtid_use_of(const char *word, const char *flag)
{
	if (!word)
		return flag && !strcmp(flag, "1") ? GTID_USE_AUTO : GTID_USE_NO;
	return !strcasecmp(word, "Slave_Pos")     ? GTID_USE_SLAVE_POS
	       : !strcasecmp(word, "Current_Pos") ? GTID_USE_CURRENT_POS
						  : GTID_USE_NO;
}

/* All that leave something out, but for the ids, which are told apart. */
static char *
filters_of(const struct ha_db_result *result, size_t row)
{
	struct ha_buf filters = HA_BUF_INIT;

	for (size_t i = 0; i < result->columns; i++) {
		const char *name = result->names[i];
		const char *cell = result->cells[row * result->columns + i];

		if (!cell || !*cell ||
		    strncasecmp(name, FILTER_PREFIX, strlen(FILTER_PREFIX)) ||
		    !strcasecmp(name, FILTER_PREFIX "Ignore_Server_Ids"))
			continue;
		ha_buf_addf(
		    &filters, "%s%s=%s", filters.len ? " " : "", name, cell);
	}
	return ha_buf_detach(&filters);
}

static void
add_gtids(struct channel *channel, enum gtid_kind kind,
    const struct ha_db_result *result, size_t row)
{
	struct ha_err err;
	const char *text = ha_db_get(result, row,
	    kind == GTID_MARIADB ? "Gtid_IO_Pos" : "Retrieved_Gtid_Set");

	gtid_parse(&channel->retrieved, kind, text, &err);
}

static void
read_channel(struct channel *channel, const struct facts *facts, size_t row)
{
	const struct ha_db_result *rows = &facts->status_rows;
	const char *name = ha_db_get(rows, row, "Connection_name");
	int64_t id =
	    facts_integer(facts_cell(rows, row, "Source_Server_Id"), -1);
	const char *uuid = facts_cell(rows, row, "Source_UUID");

#define CELL(column) facts_cell(rows, row, column)
	*channel = (struct channel){
		.name = copy(name ? name : CELL("Channel_Name")),
		.source_host = copy(CELL("Source_Host")),
		.source_user = copy(CELL("Source_User")),
		.source_port = (unsigned)facts_offset(CELL("Source_Port")),
		.source_id = id > 0 ? id : -1,
		.source_uuid = uuid && *uuid ? copy(uuid) : NULL,
		.receiver = thread_of(CELL("Replica_IO_Running")),
		.applier = thread_of(CELL("Replica_SQL_Running")),
		.receiver_error = (unsigned)facts_offset(CELL("Last_IO_Errno")),
		.applier_error = (unsigned)facts_offset(CELL("Last_SQL_Errno")),
		.receiver_words = copy(CELL("Last_IO_Error")),
		.applier_words = copy(CELL("Last_SQL_Error")),
		.receiver_state = copy(CELL("Replica_IO_State")),
		.applier_state = copy(CELL("Replica_SQL_Running_State")),
		.read = facts_position(
		    CELL("Source_Log_File"), CELL("Read_Source_Log_Pos")),
		.executed = facts_position(
		    CELL("Relay_Source_Log_File"), CELL("Exec_Source_Log_Pos")),
		.gtid = gtid_use_of(CELL("Using_Gtid"), CELL("Auto_Position")),
		.seconds_behind =
		    facts_integer(CELL("Seconds_Behind_Source"), -1),
		.delay_s = facts_integer(CELL("SQL_Delay"), 0),
		.heard_ms = -1,
		.heartbeat_period_s = -1,
		.filters = filters_of(rows, row),
		.ignored_ids = copy(CELL("Replicate_Ignore_Server_Ids")),
		.is_tls = yes_of(CELL("Source_SSL_Allowed")),
		.is_verified = yes_of(CELL("Source_SSL_Verify_Server_Cert")),
		.row_of = rows,
		.row = row,
	};
#undef CELL
}

/* MariaDB tells each channel's; MySQL 5.6, which has but one, in its status. */
static void
add_period(struct channel *channel, const struct facts *facts)
{
	const char *text = ha_db_get(
	    &facts->status_rows, channel->row, "Slave_heartbeat_period");
	int64_t ms = facts_thousandths(
	    text ? text : facts_status(facts, "Slave_heartbeat_period"), -1);

	if (ms >= 0)
		channel->heartbeat_period_s = (double)ms / 1000;
}

void
facts_add_channels(struct facts *facts)
{
	size_t count = facts->status_rows.rows;
	enum gtid_kind kind = facts->executed.kind;

	facts->channels = ha_xcalloc(count + 1, sizeof(struct channel));
	facts->channel_count = count;
	for (size_t i = 0; i < count; i++) {
		read_channel(&facts->channels[i], facts, i);
		add_gtids(&facts->channels[i], kind, &facts->status_rows, i);
		add_period(&facts->channels[i], facts);
	}
}

/* The latest of the times at which anything came; 0: nothing has. */
static int64_t
heard_us(const struct ha_db_result *result, size_t row)
{
	static const char *const names[] = { "LAST_HEARTBEAT_TIMESTAMP",
		"LAST_QUEUED_TRANSACTION_START_QUEUE_TIMESTAMP",
		"LAST_QUEUED_TRANSACTION_END_QUEUE_TIMESTAMP",
		"QUEUEING_TRANSACTION_START_QUEUE_TIMESTAMP" };
	int64_t latest = 0;

	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
		int64_t us;

		if (!facts_stamp(ha_db_get(result, row, names[i]), &us) &&
		    us > latest)
			latest = us;
	}
	return latest;
}

/*
 * A thread can't have been deaf for longer than it runs.  5.7 tells of
 * heartbeats only, which a busy source does not send.
 */
static int64_t
heard_ms(const struct ha_db_result *result, size_t row)
{
	int64_t last = heard_us(result, row);
	int64_t since_s =
	    facts_integer(ha_db_get(result, row, "since_s"), INT64_MAX / 1000);
	int64_t now, ms = INT64_MAX;

	if (!ha_db_has(result, "LAST_QUEUED_TRANSACTION_END_QUEUE_TIMESTAMP") ||
	    facts_stamp(ha_db_get(result, row, "asked_at"), &now))
		return -1;
	if (last)
		ms = now > last ? (now - last) / 1000 : 0;
	if (since_s >= 0 && since_s < ms / 1000)
		ms = (since_s + 1) * 1000;
	return ms > INT64_MAX / 1000 - 1000 ? -1 : ms;
}

void
facts_add_received(struct facts *facts, const struct ha_db_result *result)
{
	for (size_t i = 0; i < result->rows; i++) {
		const char *name = ha_db_get(result, i, "CHANNEL_NAME");
		int64_t period_ms = facts_thousandths(
		    ha_db_get(result, i, "HEARTBEAT_INTERVAL"), -1);

		for (size_t j = 0; j < facts->channel_count; j++) {
			struct channel *channel = &facts->channels[j];

			if (!name || strcasecmp(name, channel->name) != 0)
				continue;
			channel->heard_ms = heard_ms(result, i);
			if (period_ms >= 0)
				channel->heartbeat_period_s =
				    (double)period_ms / 1000;
		}
	}
}

/*
 * With several workers the applier's own words only say where to look; then
 * those of the worker that failed last, whose number it has, are told.
 */
void
facts_add_failures(struct facts *facts, const struct ha_db_result *result)
{
	for (size_t i = result->rows; i-- > 0;) {
		const char *name = ha_db_get(result, i, "CHANNEL_NAME");
		const char *words = ha_db_get(result, i, "LAST_ERROR_MESSAGE");
		uint64_t number =
		    facts_offset(ha_db_get(result, i, "LAST_ERROR_NUMBER"));

		for (size_t j = 0; j < facts->channel_count; j++) {
			struct channel *channel = &facts->channels[j];

			if (!name || !words || number == 0 ||
			    strcasecmp(name, channel->name) != 0 ||
			    number != channel->applier_error)
				continue;
			free(channel->applier_words);
			channel->applier_words = ha_xstrdup(words);
		}
	}
}
