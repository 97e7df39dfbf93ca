/* SPDX-License-Identifier: ISC */
/*
 * repl-facts - whatever the cells hold that a server returns, facts are made of
 * them and given back.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "alloc.h"
#include "facts-parts.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Every one that is looked for. */
static const char *const columns[] = { "Connection_name", "Channel_Name",
	"CHANNEL_NAME", "Source_Host", "Master_Host", "Source_User",
	"Source_Port", "Source_Server_Id", "Source_UUID", "Replica_IO_Running",
	"Slave_SQL_Running", "Last_IO_Errno", "Last_SQL_Errno",
	"Last_SQL_Error", "Source_Log_File", "Read_Source_Log_Pos",
	"Relay_Source_Log_File", "Exec_Source_Log_Pos", "Using_Gtid",
	"Auto_Position", "Gtid_IO_Pos", "Retrieved_Gtid_Set",
	"Seconds_Behind_Source", "SQL_Delay", "Replicate_Do_DB",
	"Replicate_Ignore_Server_Ids", "Slave_heartbeat_period",
	"LAST_HEARTBEAT_TIMESTAMP",
	"LAST_QUEUED_TRANSACTION_END_QUEUE_TIMESTAMP", "HEARTBEAT_INTERVAL",
	"since_s", "LAST_ERROR_NUMBER", "LAST_ERROR_MESSAGE", "asked_at", "ts",
	"server_id", "file", "position", "exec_master_log_pos", "Host", "Port",
	"Replica_UUID", "File", "Binlog_Do_DB", "executed", "purged",
	"Variable_name", "Value", "name", "origin", "persisted" };
#define COLUMNS (sizeof(columns) / sizeof(*columns))

static char *
next_cell(const uint8_t **data, size_t *size)
{
	const uint8_t *end = *size ? memchr(*data, '\0', *size) : NULL;
	size_t len = end ? (size_t)(end - *data) : *size;
	char *cell = len ? ha_xmemdup(*data, len) : NULL;

	*data += len + !!end;
	*size -= len + !!end;
	return cell;
}

/* One cell after the other, until there are no more bytes. */
static struct ha_db_result
make(const uint8_t *data, size_t size)
{
	struct ha_db_result result = HA_DB_RESULT_INIT;

	result.columns = COLUMNS;
	result.names = ha_xcalloc(COLUMNS, sizeof(char *));
	for (size_t i = 0; i < COLUMNS; i++)
		result.names[i] = ha_xstrdup(columns[i]);
	while (size && result.rows < 8) {
		result.cells = ha_xrealloc(
		    result.cells, (result.rows + 1) * COLUMNS * sizeof(char *));
		for (size_t i = 0; i < COLUMNS; i++)
			result.cells[result.rows * COLUMNS + i] =
			    next_cell(&data, &size);
		result.rows++;
	}
	result.words = ha_xstrdup(result.rows && result.cells[0] ? "" : "x");
	return result;
}

static void
release(struct ha_db_result *result)
{
	for (size_t i = 0; i < COLUMNS; i++)
		free(result->names[i]);
	for (size_t i = 0; i < result->rows * COLUMNS; i++)
		free(result->cells[i]);
	ha_db_result_release(result);
}

static void
look(const struct facts *facts)
{
	for (size_t i = 0; i < facts->channel_count; i++) {
		const struct channel *channel = &facts->channels[i];

		if (!facts_channel(facts, channel->name) ||
		    channel->heard_ms < -1)
			abort();
	}
	for (size_t i = 0; i < facts->beat_count; i++) {
		facts_is_last_beat(facts, &facts->beats[i]);
		facts_lag_us(facts, &facts->beats[i], facts);
	}
	facts_at_start(facts, "read_only");
	facts_is_writable(facts);
	facts_number(facts, "server_id");
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct facts facts;
	struct ha_db_result result;

	if (!size)
		return 0;
	result = make(data + 1, size - 1);
	result.error = data[0] & 2 ? 1227 : 1142;
	facts_init(&facts, NULL);
	facts.executed.kind = data[0] & 1 ? GTID_MARIADB : GTID_MYSQL;
	facts.zone_s = (int64_t)(data[0] >> 4) * 3600;
	facts.status_rows = facts.variables = facts.origins = result;
	facts_add_own(&facts, &result, &result);
	facts_add_channels(&facts);
	facts_add_received(&facts, &result);
	facts_add_failures(&facts, &result);
	facts_add_beats(&facts, &result);
	facts_add_children(&facts, &result, &result);
	facts_add_denied(&facts, &result, "SHOW X");
	look(&facts);
	facts.status_rows = facts.variables = facts.origins =
	    (struct ha_db_result)HA_DB_RESULT_INIT;
	facts_release(&facts);
	release(&result);
	return 0;
}
