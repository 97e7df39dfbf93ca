/* SPDX-License-Identifier: ISC */
/*
 * beat - the heartbeat's table, and one row written to it.
 */
#include "beat.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "alloc.h"
#include "clock.h"

/* Numbers of MySQL's and MariaDB's errors. */
enum {
	DENIED = 1045,
	DATABASE_DENIED = 1044,
	UNKNOWN_DATABASE = 1049,
	TABLE_EXISTS = 1050,
	SYNTAX = 1064,
	TABLE_DENIED = 1142,
	COLUMN_DENIED = 1143,
	NO_TABLE = 1146,
	NEEDS_PRIVILEGE = 1227,
	READ_ONLY = 1290,
	ENGINE_READ_ONLY = 1836,
};

/* 12.0 has words, others numbers, where a word compared with 0 is equal. */
#define IS_WRITABLE "CAST(@@global.read_only AS CHAR) IN ('0', 'OFF')"
#define FORMAT_SQL                                                             \
	"SELECT @@session.binlog_format AS format, @@global.log_bin AS log_bin"
#define STAMP "DATE_FORMAT(UTC_TIMESTAMP(6), '%Y-%m-%dT%H:%i:%s.%f')"

static int64_t
deadline(const struct beat_writer *writer)
{
	return ha_clock_deadline(writer->timeout_ms);
}

/* What the server refused, as what the command ends with. */
static int
classify(unsigned error, struct ha_err *err)
{
	switch (error) {
	case UNKNOWN_DATABASE:
	case NO_TABLE:
		err->status = EX_CONFIG;
		break;
	case DENIED:
	case DATABASE_DENIED:
	case TABLE_DENIED:
	case COLUMN_DENIED:
	case NEEDS_PRIVILEGE:
		err->status = EX_NOPERM;
		break;
	default:
		break;
	}
	return -1;
}

static int
query(struct beat_writer *writer, const char *sql, struct ha_db_result *result,
    struct ha_err *err)
{
	if (!ha_db_query(writer->db, sql, deadline(writer), result, err))
		return 0;
	return classify(ha_db_error(writer->db), err);
}

int
beat_open(struct beat_writer *writer, struct ha_err *err)
{
	enum { MODE, COMMIT, WAIT, ROWS, ANNOTATE, FORMAT, COUNT };
	char *wait = ha_xasprintf("SET SESSION lock_wait_timeout = %" PRId64
				  ", innodb_lock_wait_timeout = %" PRId64,
	    writer->timeout_ms / 1000 + 1, writer->timeout_ms / 1000 + 1);
	const char *const statements[COUNT] = {
		[MODE] = "SET SESSION sql_mode = ''",
		[COMMIT] = "SET SESSION autocommit = 1",
		[WAIT] = wait,
		[ROWS] = "SET SESSION binlog_format = 'ROW'",
		[ANNOTATE] = "SET SESSION binlog_annotate_row_events = 0",
		[FORMAT] = FORMAT_SQL,
	};
	struct ha_db_result results[COUNT] = { 0 };
	const char *format, *log_bin;
	int result;

	writer->denied = NULL;
	writer->flavour = flavour_of(ha_db_version(writer->db));
	result = ha_db_batch(
	    writer->db, statements, COUNT, deadline(writer), results, err);
	format = ha_db_get(&results[FORMAT], 0, "format");
	log_bin = ha_db_get(&results[FORMAT], 0, "log_bin");
	if (!result && format && !strcasecmp(format, "STATEMENT") && log_bin &&
	    strcmp(log_bin, "0") != 0)
		result = ha_err_set(err, EX_NOPERM, 0,
		    "binlog_format is STATEMENT and this account can't change "
		    "that for itself: with it a heartbeat would reach no "
		    "replica that is read-only; set binlog_format = ROW (or "
		    "MIXED) in the server's my.cnf");
	for (size_t i = 0; i < COUNT; i++)
		ha_db_result_release(&results[i]);
	free(wait);
	return result;
}

void
beat_close(struct beat_writer *writer)
{
	free(writer->denied);
	writer->denied = NULL;
}

static void
add_position(struct ha_buf *sql, const char *file_name, const char *at_name,
    const struct position *position)
{
	ha_buf_add_str(sql, ", ");
	if (position->file)
		ha_db_add_string(sql, position->file);
	else
		ha_buf_add_str(sql, "NULL");
	ha_buf_addf(sql, " AS %s, ", file_name);
	if (position->file)
		ha_buf_addf(sql, "%" PRIu64, position->at);
	else
		ha_buf_add_str(sql, "NULL");
	ha_buf_addf(sql, " AS %s", at_name);
}

static void
add_table(struct ha_buf *sql, const char *database, const char *table)
{
	ha_db_add_name(sql, database);
	ha_buf_add_char(sql, '.');
	ha_db_add_name(sql, table);
}

void
beat_add_sql(struct ha_buf *sql, const char *database, const char *table,
    const struct position *own, const struct position *executed)
{
	ha_buf_add_str(sql, "INSERT INTO ");
	add_table(sql, database, table);
	ha_buf_add_str(sql,
	    " (ts, server_id, file, position, relay_master_log_file, "
	    "exec_master_log_pos) SELECT * FROM (SELECT " STAMP " AS ts, "
	    "@@global.server_id AS server_id");
	add_position(sql, "file", "position", own);
	add_position(
	    sql, "relay_master_log_file", "exec_master_log_pos", executed);
	ha_buf_add_str(sql,
	    " FROM DUAL WHERE " IS_WRITABLE ") AS beat "
	    "ON DUPLICATE KEY UPDATE ts = beat.ts, file = beat.file, "
	    "position = beat.position, "
	    "relay_master_log_file = beat.relay_master_log_file, "
	    "exec_master_log_pos = beat.exec_master_log_pos");
}

static void
read_position(struct position *position, const struct ha_db_result *result,
    const char *file, const char *at)
{
	const char *name = ha_db_get(result, 0, file);
	const char *number = ha_db_get(result, 0, at);

	if (position->file || !name || !*name || !number)
		return;
	position->file = ha_xstrdup(name);
	position->at = strtoull(number, NULL, 10);
}

/* The first refusal is remembered; a syntax it doesn't know is another's. */
static void
note_denied(struct beat_writer *writer, const struct ha_db_result *result)
{
	if (result->error && !writer->denied)
		writer->denied = ha_xstrdup(
		    result->words ? result->words : "the server refuses");
}

/* Where it is now, and whether it may be written to. */
struct look {
	struct position own, executed;
	int is_writable;
};

static void
look_release(struct look *look)
{
	free(look->own.file);
	free(look->executed.file);
}

static int
look_once(struct beat_writer *writer, struct look *look, unsigned *error,
    struct ha_err *err)
{
	enum { WRITABLE, OWN, CHANNELS, COUNT };
	const char *const statements[COUNT] = {
		[WRITABLE] = "SELECT " IS_WRITABLE " AS is_writable",
		[OWN] = writer->denied ? NULL : writer->flavour->show_own,
		[CHANNELS] =
		    writer->denied ? NULL : writer->flavour->show_channels,
	};
	struct ha_db_result results[COUNT] = { 0 };
	const char *is_writable;
	int result = ha_db_batch(
	    writer->db, statements, COUNT, deadline(writer), results, err);

	*error =
	    results[OWN].error == SYNTAX || results[CHANNELS].error == SYNTAX
		? SYNTAX
		: 0;
	if (!result && !*error) {
		is_writable = ha_db_get(&results[WRITABLE], 0, "is_writable");
		look->is_writable = is_writable && !strcmp(is_writable, "1");
		read_position(&look->own, &results[OWN], "File", "Position");
		read_position(&look->executed, &results[CHANNELS],
		    "Relay_Master_Log_File", "Exec_Master_Log_Pos");
		read_position(&look->executed, &results[CHANNELS],
		    "Relay_Source_Log_File", "Exec_Source_Log_Pos");
		note_denied(writer, &results[OWN]);
		note_denied(writer, &results[CHANNELS]);
	}
	for (size_t i = 0; i < COUNT; i++)
		ha_db_result_release(&results[i]);
	return result;
}

/* With the other words when these are not the server's. */
static int
look_at(struct beat_writer *writer, struct look *look, struct ha_err *err)
{
	const struct flavour *other;
	unsigned error;

	*look = (struct look){ .is_writable = 0 };
	for (;;) {
		if (look_once(writer, look, &error, err))
			return -1;
		if (!error)
			return 0;
		other = flavour_other(writer->flavour);
		if (!other)
			return ha_err_set(err, EX_PROTOCOL, 0,
			    "it knows neither old nor new words for its "
			    "positions");
		writer->flavour = other;
	}
}

static int
is_read_only(unsigned error)
{
	return error == READ_ONLY || error == ENGINE_READ_ONLY;
}

static enum beat_result
execute(struct beat_writer *writer, const char *sql, struct ha_err *err)
{
	struct ha_db_result result = HA_DB_RESULT_INIT;
	enum beat_result done = BEAT_FAILED;

	if (!query(writer, sql, &result, err))
		done = result.affected ? BEAT_WRITTEN : BEAT_READ_ONLY;
	else if (is_read_only(result.error))
		done = BEAT_READ_ONLY;
	ha_db_result_release(&result);
	return done;
}

enum beat_result
beat_write(struct beat_writer *writer, struct ha_buf *sql, struct ha_err *err)
{
	struct ha_buf statement = HA_BUF_INIT;
	enum beat_result result;
	struct look look;

	if (look_at(writer, &look, err))
		return BEAT_FAILED;
	result = look.is_writable ? BEAT_WRITTEN : BEAT_READ_ONLY;
	beat_add_sql(&statement, writer->database, writer->table, &look.own,
	    &look.executed);
	if (sql)
		ha_buf_add(sql, statement.data, statement.len);
	else if (look.is_writable)
		result = execute(writer, statement.data, err);
	ha_buf_release(&statement);
	look_release(&look);
	return result;
}

static void
add_create(struct ha_buf *sql, const char *database, const char *table)
{
	ha_buf_add_str(sql, "CREATE TABLE ");
	add_table(sql, database, table);
	ha_buf_add_str(sql,
	    " (ts varchar(26) NOT NULL, server_id int unsigned NOT NULL, "
	    "file varchar(255) DEFAULT NULL, "
	    "position bigint unsigned DEFAULT NULL, "
	    "relay_master_log_file varchar(255) DEFAULT NULL, "
	    "exec_master_log_pos bigint unsigned DEFAULT NULL, "
	    "PRIMARY KEY (server_id)) ENGINE=InnoDB");
}

/* What is there already; IF NOT EXISTS would go into the binary log. */
static int
find_table(struct beat_writer *writer, int *has_database, int *has_table,
    int *is_writable, struct ha_err *err)
{
	struct ha_buf sql = HA_BUF_INIT;
	struct ha_db_result result = HA_DB_RESULT_INIT;
	const char *cell;
	int failed;

	ha_buf_add_str(&sql,
	    "SELECT " IS_WRITABLE " AS is_writable, "
	    "(SELECT COUNT(*) FROM information_schema.schemata "
	    "WHERE schema_name = ");
	ha_db_add_string(&sql, writer->database);
	ha_buf_add_str(&sql, ") AS has_database, (SELECT COUNT(*) FROM "
			     "information_schema.tables WHERE table_schema = ");
	ha_db_add_string(&sql, writer->database);
	ha_buf_add_str(&sql, " AND table_name = ");
	ha_db_add_string(&sql, writer->table);
	ha_buf_add_str(&sql, ") AS has_table");
	failed = query(writer, sql.data, &result, err);
	cell = ha_db_get(&result, 0, "has_database");
	*has_database = cell && strcmp(cell, "0") != 0;
	cell = ha_db_get(&result, 0, "has_table");
	*has_table = cell && strcmp(cell, "0") != 0;
	cell = ha_db_get(&result, 0, "is_writable");
	*is_writable = cell && !strcmp(cell, "1");
	ha_db_result_release(&result);
	ha_buf_release(&sql);
	return failed;
}

/* Two statements at most; with shown they are appended to it instead. */
static int
create(struct beat_writer *writer, int has_database, struct ha_buf *shown,
    struct ha_err *err)
{
	struct ha_buf sql = HA_BUF_INIT;
	int failed = 0;

	if (!has_database) {
		ha_buf_add_str(&sql, "CREATE DATABASE ");
		ha_db_add_name(&sql, writer->database);
		if (shown)
			ha_buf_addf(shown, "%s;\n", sql.data);
		else
			failed = query(writer, sql.data, NULL, err);
		ha_buf_reset(&sql);
	}
	add_create(&sql, writer->database, writer->table);
	if (shown)
		ha_buf_addf(shown, "%s;\n", sql.data);
	else if (!failed)
		failed = query(writer, sql.data, NULL, err) &&
			 ha_db_error(writer->db) != TABLE_EXISTS;
	ha_buf_release(&sql);
	return failed;
}

enum beat_result
beat_create(struct beat_writer *writer, struct ha_buf *sql, struct ha_err *err)
{
	int has_database, has_table, is_writable;

	if (find_table(writer, &has_database, &has_table, &is_writable, err))
		return BEAT_FAILED;
	if (has_table)
		return BEAT_WRITTEN;
	if (!is_writable)
		return BEAT_READ_ONLY;
	return create(writer, has_database, sql, err) ? BEAT_FAILED
						      : BEAT_WRITTEN;
}

int
beat_is_missing(const struct beat_writer *writer)
{
	unsigned error = ha_db_error(writer->db);

	return error == NO_TABLE || error == UNKNOWN_DATABASE;
}
