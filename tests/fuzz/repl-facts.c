/* SPDX-License-Identifier: ISC */
/*
 * repl-facts - whatever the cells hold that a server returns, facts are made of
 * them and given back.
 */
#include <stdint.h>
#include <stdlib.h>

#include "cells.h"
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
	struct cells_input input;
	struct ha_db_result result;
	struct facts facts;

	if (!size)
		return 0;
	input = (struct cells_input){ data + 1, size - 1 };
	result = cells_result(&input, columns, COLUMNS, 8);
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
	cells_release(&result);
	return 0;
}
