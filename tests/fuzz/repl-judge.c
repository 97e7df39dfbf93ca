/* SPDX-License-Identifier: ISC */
/*
 * repl-judge - whatever servers say of themselves, they are judged, linted and
 * drawn, in bytes that a terminal, a JSON parser and dot can be given.
 */
#include <jansson.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "cells.h"
#include "check.h"
#include "facts-parts.h"
#include "flavour.h"
#include "journal.h"
#include "lint.h"

#define NODES 3

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Nothing was left half done. */
int
journal_find(const char *node, struct ha_err *err)
{
	(void)node;
	(void)err;
	return 0;
}

/* A value of each stands in the input. */
static const char *const variables[] = { "server_id", "server_uuid",
	"read_only", "super_read_only", "log_bin", "port", "hostname",
	"report_host", "report_port", "gtid_mode", "gtid_domain_id",
	"gtid_slave_pos", "gtid_strict_mode", "enforce_gtid_consistency",
	"auto_increment_increment", "auto_increment_offset",
	"binlog_expire_logs_seconds", "expire_logs_days",
	"max_binlog_total_size", "binlog_format", "sync_binlog",
	"innodb_flush_log_at_trx_commit", "slave_net_timeout",
	"replica_net_timeout", "slave_exec_mode", "slave_skip_errors",
	"slave_parallel_workers", "replica_preserve_commit_order",
	"max_allowed_packet", "slave_max_allowed_packet",
	"lower_case_table_names", "sql_mode", "collation_server", "time_zone",
	"system_time_zone", "event_scheduler", "datadir",
	"persisted_globals_load", "master_info_repository",
	"relay_log_recovery", "replicate_same_server_id",
	"rpl_semi_sync_master_enabled", "rpl_semi_sync_slave_enabled",
	"rpl_semi_sync_master_timeout", "rpl_semi_sync_master_wait_point",
	"Rpl_semi_sync_master_status", "Rpl_semi_sync_slave_status",
	"Slave_heartbeat_period" };
static const char *const columns[] = { "Connection_name", "Source_Host",
	"Source_Port", "Source_User", "Source_Server_Id", "Source_UUID",
	"Replica_IO_Running", "Replica_SQL_Running", "Last_IO_Errno",
	"Last_IO_Error", "Last_SQL_Errno", "Last_SQL_Error", "Slave_IO_State",
	"Slave_SQL_Running_State", "Source_Log_File", "Read_Source_Log_Pos",
	"Relay_Source_Log_File", "Exec_Source_Log_Pos", "Using_Gtid",
	"Auto_Position", "Gtid_IO_Pos", "Retrieved_Gtid_Set",
	"Seconds_Behind_Source", "SQL_Delay", "Replicate_Do_DB",
	"Replicate_Ignore_Server_Ids", "Master_SSL_Allowed", "Connect_Retry",
	"Source_Retry_Count" };
static const char *const own[] = { "File", "Position", "Binlog_Do_DB",
	"executed", "position", "purged" };
static const char *const beats[] = { "ts", "server_id", "file", "position",
	"relay_source_log_file", "exec_source_log_pos", "asked_at" };
static const char *const received[] = { "CHANNEL_NAME",
	"LAST_HEARTBEAT_TIMESTAMP",
	"LAST_QUEUED_TRANSACTION_END_QUEUE_TIMESTAMP", "HEARTBEAT_INTERVAL",
	"since_s", "asked_at", "LAST_ERROR_NUMBER", "LAST_ERROR_MESSAGE" };
static const char *const children[] = { "Server_id", "Host", "Port",
	"Replica_UUID" };
static const char *const lists[] = { "name", "origin", "persisted",
	"table_schema", "table_name", "engine", "has_key", "is_transactional",
	"event_schema", "event_name", "user", "host", "plugin" };
#define LENGTH(list) (sizeof(list) / sizeof(*(list)))
#define RESULT(input, list, rows) cells_result(input, list, LENGTH(list), rows)

/* What facts_release() would give back cell by cell. */
struct server {
	struct facts facts;
	struct ha_db_result variables, channels, lists;
};

static struct ha_db_result
make_variables(struct cells_input *input)
{
	static const char *const names[] = { "Variable_name", "Value" };
	struct ha_db_result result = RESULT(input, names, 0);

	result.cells = ha_xcalloc(LENGTH(variables) * 2, sizeof(char *));
	for (size_t i = 0; i < LENGTH(variables); i++) {
		char *value = cells_next(input);

		if (!value)
			continue;
		result.cells[result.rows * 2] = ha_xstrdup(variables[i]);
		result.cells[result.rows++ * 2 + 1] = value;
	}
	return result;
}

static void
add_rows(struct facts *facts, struct cells_input *input)
{
	struct ha_db_result result = RESULT(input, own, 1);

	facts_add_own(facts, &result, &result);
	cells_release(&result);
	facts_add_channels(facts);
	result = RESULT(input, received, 2);
	facts_add_received(facts, &result);
	facts_add_failures(facts, &result);
	cells_release(&result);
	result = RESULT(input, beats, 3);
	facts_add_beats(facts, &result);
	cells_release(&result);
	result = RESULT(input, children, 2);
	facts_add_children(facts, &result, &result);
	cells_release(&result);
}

static void
add_clock(struct facts *facts, struct cells_input *input)
{
	char *clock = cells_next(input), *zone = cells_next(input);

	facts->asked_us = INT64_C(1790000000000000);
	facts->answered_us = facts->asked_us + 1000;
	if (facts_stamp(clock, &facts->clock_us))
		facts->clock_us = 0;
	facts->zone_s = facts_integer(zone, 0);
	free(clock);
	free(zone);
}

static void
make_server(struct server *server, struct node *node, struct cells_input input)
{
	static const struct flavour *const flavours[] = { &flavour_mariadb,
		&flavour_mysql, &flavour_mysql_old, &flavour_mysql };
	unsigned flags = input.size ? *input.data : 0;
	struct facts *facts = &server->facts;
	const char *uuid;

	input.data += !!input.size;
	input.size -= !!input.size;
	facts_init(facts, node);
	facts->flavour = flavours[flags & 3];
	facts->executed.kind = facts->position.kind = facts->purged.kind =
	    facts->flavour->gtid;
	facts->is_answered = !(flags & 4);
	facts->error = flags & 8 ? 1045 : 0;
	facts->is_local = !!(flags & 16);
	facts->can_see_channels = !(flags & 32);
	ha_err_set(&facts->why, EX_UNAVAILABLE, 0, "no: %.*s",
	    (int)input.size / 2, (const char *)input.data);
	free(facts->version);
	facts->version = cells_next(&input);
	if (!facts->version)
		facts->version = ha_xstrdup("");
	add_clock(facts, &input);
	facts->variables = server->variables = make_variables(&input);
	facts->server_id = facts_number(facts, "server_id");
	uuid = facts_variable(facts, "server_uuid");
	facts->uuid = uuid ? ha_xstrdup(uuid) : NULL;
	facts->status_rows = server->channels =
	    RESULT(&input, columns, flags & 64 ? 2 : 1);
	add_rows(facts, &input);
	facts->origins = facts->tables = facts->events = facts->accounts =
	    server->lists = RESULT(&input, lists, 4);
}

static void
release_server(struct server *server)
{
	struct facts *facts = &server->facts;

	facts->variables = facts->status_rows = facts->origins = facts->tables =
	    facts->events = facts->accounts =
		(struct ha_db_result)HA_DB_RESULT_INIT;
	facts_release(facts);
	cells_release(&server->variables);
	cells_release(&server->channels);
	cells_release(&server->lists);
}

static void
judge(const struct topology *topology)
{
	struct check_options options = { .topology = TOPOLOGY_ANY };
	struct findings findings;
	struct verdict verdict;

	for (; options.topology <= TOPOLOGY_RING; options.topology++) {
		for (size_t i = 0; i <= topology->fleet->count; i++) {
			verdict_init(&verdict);
			if (i < topology->fleet->count)
				check_judge(&verdict, topology, i, &options);
			else
				check_judge_all(&verdict, topology, &options);
			if (!verdict.words.len)
				abort();
			verdict_release(&verdict);
		}
		findings = (struct findings){ 0 };
		lint_judge(&findings, topology, options.topology);
		for (size_t i = 0; i < findings.count; i++)
			if (findings.list[i].node >= topology->fleet->count ||
			    !findings.list[i].what || !findings.list[i].mend)
				abort();
		findings_release(&findings);
	}
}

/* A tab only begins a line. */
static void
check_printable(struct ha_buf *text)
{
	unsigned char c, last = '\n';

	for (size_t i = 0; i < text->len; i++, last = c) {
		c = (unsigned char)text->data[i];
		if (c == 0x7f ||
		    (c < ' ' && c != '\n' && !(c == '\t' && last == '\n')))
			abort();
	}
	ha_buf_reset(text);
}

static void
draw(const struct topology *topology)
{
	struct ha_buf text = HA_BUF_INIT;
	json_t *json;

	topology_draw(&text, topology, 0);
	check_printable(&text);
	topology_dot(&text, topology);
	check_printable(&text);
	topology_json(&text, topology);
	json = json_loadb(text.data, text.len, 0, NULL);
	if (!json)
		abort();
	json_decref(json);
	check_printable(&text);
	ha_buf_release(&text);
}

/* A server's bytes end at the next 0xff. */
static struct cells_input
next_input(struct cells_input *input)
{
	const uint8_t *end =
	    input->size ? memchr(input->data, 0xff, input->size) : NULL;
	size_t len = end ? (size_t)(end - input->data) : input->size;
	struct cells_input one = { input->data, len };

	input->data += len + !!end;
	input->size -= len + !!end;
	return one;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct cells_input input = { data, size };
	struct server servers[NODES];
	struct facts *list[NODES];
	struct fleet fleet = { list, 0 };
	struct topology topology;
	struct node *nodes[NODES];

	do {
		size_t i = fleet.count++;

		nodes[i] = node_new("127.0.0.1", 3306 + (unsigned)i);
		make_server(&servers[i], nodes[i], next_input(&input));
		list[i] = &servers[i].facts;
	} while (input.size && fleet.count < NODES);
	topology_build(&topology, &fleet);
	judge(&topology);
	draw(&topology);
	topology_release(&topology);
	for (size_t i = 0; i < fleet.count; i++) {
		release_server(&servers[i]);
		node_free(nodes[i]);
	}
	return 0;
}
