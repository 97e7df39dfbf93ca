/* SPDX-License-Identifier: ISC */
/* facts-read - the round of statements. */
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "alloc.h"
#include "clock.h"
#include "facts-parts.h"
#include "flavour.h"

#define UNKNOWN_SYNTAX 1064
#define US_S INT64_C(1000000)

/* Names of either flavour; a server leaves out what it hasn't. */
#define VARIABLES                                                              \
	"SHOW GLOBAL VARIABLES WHERE Variable_name IN ("                       \
	"'auto_increment_increment', 'auto_increment_offset', "                \
	"'binlog_format', 'binlog_row_image', "                                \
	"'binlog_expire_logs_seconds', "                                       \
	"'binlog_expire_logs_auto_purge', 'character_set_server', "            \
	"'collation_server', 'datadir', 'enforce_gtid_consistency', "          \
	"'event_scheduler', 'expire_logs_days', 'gtid_domain_id', "            \
	"'gtid_mode', 'gtid_slave_pos', 'gtid_strict_mode', "                  \
	"'have_ssl', 'hostname', 'innodb_flush_log_at_trx_commit', "           \
	"'log_bin', 'log_replica_updates', 'log_slave_updates', "              \
	"'lower_case_table_names', 'master_info_repository', "                 \
	"'max_allowed_packet', 'max_binlog_total_size', "                      \
	"'persisted_globals_load', 'port', 'read_only', "                      \
	"'relay_log_info_repository', 'relay_log_recovery', "                  \
	"'replica_exec_mode', 'replica_max_allowed_packet', "                  \
	"'replica_net_timeout', 'replica_parallel_workers', "                  \
	"'replica_preserve_commit_order', 'replica_skip_errors', "             \
	"'replicate_same_server_id', 'report_host', 'report_port', "           \
	"'server_id', 'server_uuid', 'skip_replica_start', "                   \
	"'skip_slave_start', 'slave_exec_mode', "                              \
	"'slave_max_allowed_packet', 'slave_net_timeout', "                    \
	"'slave_parallel_workers', 'slave_preserve_commit_order', "            \
	"'slave_skip_errors', 'sql_mode', 'ssl_cert', "                        \
	"'super_read_only', 'sync_binlog', 'system_time_zone', "               \
	"'time_zone') "                                                        \
	"OR Variable_name LIKE 'rpl_semi_sync%'"
#define STATUS                                                                 \
	"SHOW GLOBAL STATUS WHERE Variable_name IN ("                          \
	"'Slave_heartbeat_period', 'Slave_received_heartbeats') "              \
	"OR Variable_name LIKE 'Rpl_%'"
/* Time stamps of the server's come in the session's zone. */
#define SESSION_SQL "SET SESSION lock_wait_timeout = 1, time_zone = '+00:00'"
#define CLOCK                                                                  \
	"SELECT UTC_TIMESTAMP(6) AS clock, TIMESTAMPDIFF(SECOND, "             \
	"UTC_TIMESTAMP(), CONVERT_TZ(UTC_TIMESTAMP(), '+00:00', 'SYSTEM')) "   \
	"AS zone, VERSION() AS version"
/* Both flavours have it; PROCESS shows those of others. */
#define DUMPS                                                                  \
	"SELECT HOST AS Host FROM information_schema.PROCESSLIST "             \
	"WHERE COMMAND LIKE 'Binlog Dump%'"
/* Each half is read once: a join of the two would be quadratic. */
#define OF_USERS                                                               \
	"TABLE_SCHEMA NOT IN ('mysql', 'sys', 'information_schema', "          \
	"'performance_schema')"
#define TABLES                                                                 \
	"SELECT table_schema, table_name, MAX(engine) AS engine, "             \
	"MAX(has_key) AS has_key, MAX(is_safe) AS is_transactional FROM ("     \
	"SELECT t.TABLE_SCHEMA AS table_schema, t.TABLE_NAME AS table_name, "  \
	"t.ENGINE AS engine, 0 AS has_key, e.TRANSACTIONS = 'YES' AS is_safe " \
	"FROM information_schema.TABLES AS t "                                 \
	"LEFT JOIN information_schema.ENGINES AS e ON e.ENGINE = t.ENGINE "    \
	"WHERE t.TABLE_TYPE = 'BASE TABLE' AND t." OF_USERS " UNION ALL "      \
	"SELECT TABLE_SCHEMA, TABLE_NAME, NULL, 1, 0 "                         \
	"FROM information_schema.TABLE_CONSTRAINTS "                           \
	"WHERE CONSTRAINT_TYPE = 'PRIMARY KEY' AND " OF_USERS ") AS halves "   \
	"GROUP BY table_schema, table_name "                                   \
	"HAVING engine IS NOT NULL AND (has_key = 0 OR is_transactional = 0) " \
	"LIMIT 100"
#define EVENTS                                                                 \
	"SELECT EVENT_SCHEMA AS event_schema, EVENT_NAME AS event_name "       \
	"FROM information_schema.EVENTS WHERE STATUS = 'ENABLED' LIMIT 100"
#define ACCOUNTS                                                               \
	"SELECT User AS user, Host AS host, plugin FROM mysql.user "           \
	"WHERE Repl_slave_priv = 'Y' LIMIT 1000"

/*
 * The order in which they are asked: what may hang (a channel that is being
 * stopped, a locked table) behind what can't, the clock at both ends so that
 * its middle is that of the round.
 */
enum {
	SESSION,
	CLOCK_FIRST,
	VARIABLE_LIST,
	STATUS_LIST,
	GTIDS,
	OWN,
	CHANNELS,
	RECEIVED,
	FAILURES,
	BEATS,
	CHILDREN,
	SENDERS,
	CLOCK_LAST,
	STATEMENTS,
};

struct asking {
	const char *sql[STATEMENTS];
	struct ha_db_result results[STATEMENTS];
	char *beats;
};

static int64_t
now_us(void)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	return (int64_t)now.tv_sec * US_S + now.tv_nsec / 1000;
}

int
facts_connect(struct ha_db *db, const struct node *node,
    const struct facts_options *options, struct ha_err *err)
{
	const struct ha_db_options login = {
		.host = node->host,
		.port = node->port,
		.socket = node->socket,
		.defaults_file = node->defaults_file ? node->defaults_file
						     : options->defaults_file,
		.insecure = options->insecure,
		.deadline_ns = options->deadline_ns,
	};

	return ha_db_connect(db, &login, err);
}

/* NULL: it has no name that could be asked. */
static char *
ask_beats(const char *table)
{
	const char *dot = table ? strchr(table, '.') : NULL;
	struct ha_buf sql = HA_BUF_INIT;
	char *database;

	if (!dot)
		return NULL;
	database = ha_xmemdup(table, (size_t)(dot - table));
	ha_buf_add_str(&sql, "SELECT h.*, UTC_TIMESTAMP(6) AS asked_at FROM ");
	ha_db_add_name(&sql, database);
	ha_buf_add_char(&sql, '.');
	ha_db_add_name(&sql, dot + 1);
	ha_buf_add_str(&sql, " AS h LIMIT 1000");
	free(database);
	return ha_buf_detach(&sql);
}

static void
choose(struct asking *asking, const struct flavour *flavour,
    const struct facts_options *options)
{
	asking->sql[CLOCK_FIRST] = CLOCK;
	asking->sql[VARIABLE_LIST] = VARIABLES;
	asking->sql[STATUS_LIST] = STATUS;
	asking->sql[GTIDS] = flavour->gtids;
	asking->sql[OWN] = flavour->show_own;
	asking->sql[CHANNELS] = flavour->show_channels;
	asking->sql[RECEIVED] = flavour->received;
	asking->sql[FAILURES] = flavour->failures;
	asking->sql[BEATS] = asking->beats;
	if (options->depth >= FACTS_CHILDREN) {
		asking->sql[CHILDREN] = flavour->show_children;
		asking->sql[SENDERS] = DUMPS;
	}
	asking->sql[CLOCK_LAST] = CLOCK;
}

static void
release(struct asking *asking)
{
	for (size_t i = 0; i < STATEMENTS; i++)
		ha_db_result_release(&asking->results[i]);
	free(asking->beats);
}

static int
is_unknown(const struct asking *asking)
{
	return asking->results[CHANNELS].error == UNKNOWN_SYNTAX ||
	       asking->results[OWN].error == UNKNOWN_SYNTAX ||
	       asking->results[CHILDREN].error == UNKNOWN_SYNTAX;
}

/* Only what the other words are for; the rest has been told. */
static int
ask_other(struct facts *facts, struct ha_db *db, struct asking *asking,
    const struct facts_options *options, struct ha_err *err)
{
	static const int again[] = { OWN, CHANNELS, CHILDREN };
	const char *sql[] = { NULL, NULL, NULL };
	struct ha_db_result results[] = { HA_DB_RESULT_INIT, HA_DB_RESULT_INIT,
		HA_DB_RESULT_INIT };
	int status;

	facts->flavour = flavour_other(facts->flavour);
	choose(asking, facts->flavour, options);
	for (size_t i = 0; i < 3; i++)
		sql[i] = asking->sql[again[i]];
	status = ha_db_batch(db, sql, 3, options->deadline_ns, results, err);
	for (size_t i = 0; i < 3; i++) {
		ha_db_result_release(&asking->results[again[i]]);
		asking->results[again[i]] = results[i];
	}
	return status;
}

static void
take(struct ha_db_result *to, struct ha_db_result *from)
{
	*to = *from;
	*from = (struct ha_db_result)HA_DB_RESULT_INIT;
}

static void
add_clock(struct facts *facts, const struct asking *asking)
{
	const struct ha_db_result *first = &asking->results[CLOCK_FIRST];
	const char *version = ha_db_get(first, 0, "version");
	int64_t first_us, last_us;

	if (version) {
		free(facts->version);
		facts->version = ha_xstrdup(version);
	}
	facts->zone_s = facts_integer(ha_db_get(first, 0, "zone"), 0);
	if (!facts_stamp(ha_db_get(first, 0, "clock"), &first_us) &&
	    !facts_stamp(
		ha_db_get(&asking->results[CLOCK_LAST], 0, "clock"), &last_us))
		facts->clock_us = first_us + (last_us - first_us) / 2;
}

/*
 * Of MySQL only 8.0 and later have more tables to tell than one has to miss,
 * and a table that is not there is refused in the same words.
 */
static int
has_tables(const struct facts *facts)
{
	return facts_variable(facts, "persisted_globals_load") != NULL;
}

static void
add_denied(struct facts *facts, const struct asking *asking,
    const struct facts_options *options)
{
	static const int asked[] = { GTIDS, OWN, CHANNELS, CHILDREN };

	for (size_t i = 0; i < sizeof(asked) / sizeof(*asked); i++)
		if (asking->sql[asked[i]])
			facts_add_denied(facts, &asking->results[asked[i]],
			    asking->sql[asked[i]]);
	if (has_tables(facts))
		facts_add_denied(facts, &asking->results[RECEIVED],
		    "performance_schema.replication_connection_status");
	if (asking->sql[BEATS])
		facts_add_denied(
		    facts, &asking->results[BEATS], options->heartbeat_table);
}

/* The kind of the sets is the flavour's, whether they were told or not. */
static void
digest(struct facts *facts, struct asking *asking,
    const struct facts_options *options)
{
	const char *uuid;

	facts->executed.kind = facts->position.kind = facts->purged.kind =
	    facts->flavour->gtid;
	add_clock(facts, asking);
	take(&facts->variables, &asking->results[VARIABLE_LIST]);
	take(&facts->status, &asking->results[STATUS_LIST]);
	add_denied(facts, asking, options);
	facts->can_see_channels = !asking->results[CHANNELS].error &&
				  asking->results[CHANNELS].columns;
	take(&facts->status_rows, &asking->results[CHANNELS]);
	facts->server_id = facts_number(facts, "server_id");
	uuid = facts_variable(facts, "server_uuid");
	facts->uuid = uuid && *uuid ? ha_xstrdup(uuid) : NULL;
	facts_add_own(facts, &asking->results[OWN], &asking->results[GTIDS]);
	facts_add_channels(facts);
	facts_add_received(facts, &asking->results[RECEIVED]);
	facts_add_failures(facts, &asking->results[FAILURES]);
	facts_add_beats(facts, &asking->results[BEATS]);
	facts_add_children(
	    facts, &asking->results[CHILDREN], &asking->results[SENDERS]);
}

/* Slow on a server with many tables, and so apart from the round. */
static int
ask_all(struct facts *facts, struct ha_db *db, int64_t deadline_ns)
{
	const char *const sql[] = { facts->flavour->origins, TABLES, EVENTS,
		ACCOUNTS };
	struct ha_db_result results[] = { HA_DB_RESULT_INIT, HA_DB_RESULT_INIT,
		HA_DB_RESULT_INIT, HA_DB_RESULT_INIT };
	int status = ha_db_batch(db, sql, 4, deadline_ns, results, &facts->why);

	if (has_tables(facts))
		facts_add_denied(facts, &results[0],
		    "performance_schema.variables_info, persisted_variables");
	take(&facts->origins, &results[0]);
	take(&facts->tables, &results[1]);
	take(&facts->events, &results[2]);
	take(&facts->accounts, &results[3]);
	return status;
}

/*
 * What takes no privilege is refused where nothing is told at all: of one whose
 * password has expired (1820), say.
 */
static int
is_refused(struct facts *facts, const struct ha_db_result *clock)
{
	if (!clock->error)
		return 0;
	facts->is_answered = 0;
	facts->error = clock->error;
	facts->step = HA_DB_AT_QUERY;
	ha_err_set(&facts->why, EX_NOPERM, 0, "%s", clock->words);
	return 1;
}

/* What is known by now of a server that failed. */
static int
give_up(struct facts *facts, const struct ha_db *db)
{
	facts->error = ha_db_error(db);
	facts->is_local = ha_db_error_is_local(db);
	facts->step = ha_db_step(db);
	facts->is_answered = 0;
	return 0;
}

static int
ask(struct facts *facts, struct ha_db *db, const struct facts_options *options,
    int is_ours)
{
	struct asking asking = { .beats = ask_beats(options->heartbeat_table) };
	int status;

	for (size_t i = 0; i < STATEMENTS; i++)
		asking.results[i] = (struct ha_db_result)HA_DB_RESULT_INIT;
	facts->flavour = flavour_of(ha_db_version(db));
	choose(&asking, facts->flavour, options);
	if (is_ours)
		asking.sql[SESSION] = SESSION_SQL;
	facts->asked_us = now_us();
	status = ha_db_batch(db, asking.sql, STATEMENTS, options->deadline_ns,
	    asking.results, &facts->why);
	facts->answered_us = now_us();
	if (!status && is_unknown(&asking) && flavour_other(facts->flavour))
		status = ask_other(facts, db, &asking, options, &facts->why);
	if (!status && is_refused(facts, &asking.results[CLOCK_FIRST])) {
		release(&asking);
		return 0;
	}
	digest(facts, &asking, options);
	if (!status && options->depth >= FACTS_ALL)
		status = ask_all(facts, db, options->deadline_ns);
	release(&asking);
	if (status)
		return give_up(facts, db);
	facts->step = HA_DB_AT_QUERY;
	facts->is_answered = 1;
	return 1;
}

int
facts_read_from(
    struct facts *facts, struct ha_db *db, const struct facts_options *options)
{
	int64_t start = ha_clock_now_ns();
	int is_answered = ask(facts, db, options, 0);

	facts->total_ms = (double)(ha_clock_now_ns() - start) / HA_MS_NS;
	return is_answered;
}

int
facts_read(struct facts *facts, const struct facts_options *options)
{
	struct ha_db *db = ha_db_new();
	int64_t start = ha_clock_now_ns();

	if (facts_connect(db, facts->node, options, &facts->why)) {
		give_up(facts, db);
	} else {
		facts->connect_ms =
		    (double)(ha_clock_now_ns() - start) / HA_MS_NS;
		ask(facts, db, options, 1);
	}
	facts->total_ms = (double)(ha_clock_now_ns() - start) / HA_MS_NS;
	ha_db_free(db);
	return facts->is_answered;
}
