/* SPDX-License-Identifier: ISC */
#include <inttypes.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <syslog.h>

#include "alloc.h"
#include "clock.h"
#include "flavour.h"
#include "msg.h"
#include "preflight.h"

/* How long a source that follows the replica may take to catch up with it. */
#define CATCH_UP_MS 5000

int
preflight_refuse(
    const struct repl *repl, struct ha_err *err, const char *fmt, ...)
{
	struct ha_buf words = HA_BUF_INIT;
	va_list ap;

	va_start(ap, fmt);
	ha_buf_vaddf(&words, fmt, ap);
	va_end(ap);
	if (repl->force) {
		ha_warn("forced (%s) though %s", repl->force, words.data);
		syslog(LOG_WARNING, "ha-repl: forced (%s) though %s",
		    repl->force, words.data);
	} else {
		ha_err_set(err, EX_NOPERM, 0, "%s; --force=REASON overrides it",
		    words.data);
	}
	ha_buf_release(&words);
	return repl->force ? 0 : -1;
}

int
preflight_source_has_tls(const struct act *act)
{
	const char *have = facts_variable(&act->source_facts, "have_ssl");
	const char *cert = facts_variable(&act->source_facts, "ssl_cert");

	if (*ha_db_tls_version(act->source_db))
		return 1;
	return have ? !strcmp(have, "YES") : cert && *cert;
}

int
preflight_has_data(
    struct act *act, struct ha_db *db, int *has, struct ha_err *err)
{
	struct ha_db_result result = HA_DB_RESULT_INIT;
	struct ha_buf sql = HA_BUF_INIT;
	const char *table = act->repl->heartbeat_table;
	const char *dot = strchr(table, '.');
	char *schema = ha_xmemdup(table, (size_t)(dot - table));
	int failed;

	ha_buf_add_str(&sql,
	    "SELECT table_name FROM information_schema.tables WHERE "
	    "table_schema NOT IN ('mysql', 'information_schema', "
	    "'performance_schema', 'sys') AND NOT (table_schema = ");
	ha_db_add_string(&sql, schema);
	ha_buf_add_str(&sql, " AND table_name = ");
	ha_db_add_string(&sql, dot + 1);
	ha_buf_add_str(&sql, ") LIMIT 1");
	failed = ha_db_query(db, sql.data, act_statement_ns(act), &result, err);
	*has = result.rows > 0;
	ha_db_result_release(&result);
	ha_buf_release(&sql);
	free(schema);
	return failed;
}

static int
check_ids(const struct act *act, struct ha_err *err)
{
	const struct facts *node = &act->facts, *source = &act->source_facts;

	if (node->server_id == 0 || source->server_id == 0)
		return ha_err_set(err, EX_CONFIG, 0,
		    "%s: its server_id is 0; replication needs one of its own",
		    node->server_id ? act->source->name : act->node->name);
	if (node->server_id == source->server_id)
		return ha_err_set(err, EX_CONFIG, 0,
		    "%s and %s have the same server_id, %" PRId64
		    ": it would take nothing from there",
		    act->node->name, act->source->name, node->server_id);
	if (node->uuid && source->uuid && !strcmp(node->uuid, source->uuid))
		return ha_err_set(err, EX_CONFIG, 0,
		    "%s and %s have the same server_uuid: remove auto.cnf of "
		    "the copy and restart it",
		    act->node->name, act->source->name);
	return 0;
}

/* What it writes would be left out, as if it had arrived. */
static int
check_ignored(const struct act *act, struct ha_err *err)
{
	const char *ids = act->goal.ignored_ids ? act->goal.ignored_ids
						: act->old.ignored_ids;
	char *end;

	for (; ids && *ids; ids = *end ? end + 1 : end)
		if (strtoll(ids, &end, 10) == act->source_facts.server_id &&
		    end != ids)
			return preflight_refuse(act->repl, err,
			    "%s would ignore what %s writes itself: its "
			    "server_id %" PRId64 " is among those to ignore",
			    act->node->name, act->source->name,
			    act->source_facts.server_id);
	return 0;
}

static int
check_flavours(const struct act *act, struct ha_err *err)
{
	const struct facts *node = &act->facts, *source = &act->source_facts;

	if (node->flavour->gtid == source->flavour->gtid)
		return 0;
	if (act->goal.gtid != GTID_USE_NO)
		return ha_err_set(err, EX_CONFIG, 0,
		    "%s is %s and %s is %s: their GTIDs are not the same "
		    "thing; --gtid no",
		    act->node->name, node->flavour->name, act->source->name,
		    source->flavour->name);
	return preflight_refuse(act->repl, err,
	    "%s is %s and %s is %s: one may not understand the other",
	    act->node->name, node->flavour->name, act->source->name,
	    source->flavour->name);
}

static int
check_binlog(const struct act *act, struct ha_err *err)
{
	const struct facts *source = &act->source_facts;

	if (!source->own.file && facts_is_on(source, "log_bin") == 1)
		return ha_err_set(err, EX_NOPERM, 0,
		    "%s: the account may not see its binary log: %s",
		    act->source->name, source->denied);
	if (!source->own.file || !*source->own.file)
		return ha_err_set(err, EX_CONFIG, 0,
		    "%s: log_bin is off: it has nothing to replicate from",
		    act->source->name);
	if (source->channel_count &&
	    facts_is_on(source, source->flavour->log_updates) == 0)
		return preflight_refuse(act->repl, err,
		    "%s is a replica and its %s is off: what it replicates "
		    "itself would not arrive",
		    act->source->name, source->flavour->log_updates);
	return 0;
}

static int
check_gtid_mode(const struct act *act, struct ha_err *err)
{
	const struct facts *facts[] = { &act->facts, &act->source_facts };
	size_t i;

	if (act->goal.gtid != GTID_USE_AUTO)
		return 0;
	for (i = 0; i < 2; i++) {
		const char *mode = facts_variable(facts[i], "gtid_mode");

		if (!mode || strncmp(mode, "ON", 2))
			return ha_err_set(err, EX_CONFIG, 0,
			    "%s: gtid_mode is %s; --gtid no, or turn it on",
			    facts[i]->node->name, mode ? mode : "not known");
	}
	return 0;
}

static void
add_left(struct ha_buf *words, const struct gtid_set *left)
{
	gtid_add_text(words, left);
	if (words->len > 200) {
		ha_buf_truncate(words, 200);
		ha_buf_add_str(words, "...");
	}
}

/*
 * What the replica has and the source not.  One that replicates from it, in a
 * pair or a ring, gets a while to catch up.
 */
static int
check_errants(struct act *act, struct ha_err *err)
{
	int64_t deadline_ns = ha_clock_deadline(CATCH_UP_MS);
	struct gtid_set left = { 0 };
	struct ha_buf words = HA_BUF_INIT;
	int result = 0;

	if (act->facts.flavour->gtid != act->source_facts.flavour->gtid)
		return 0;
	for (;;) {
		gtid_release(&left);
		gtid_subtract(
		    &act->facts.executed, &act->source_facts.executed, &left);
		gtid_remove(&left, &act->source_facts.applied);
		if (gtid_is_empty(&left) || !act->source_facts.channel_count ||
		    ha_clock_now_ns() >= deadline_ns)
			break;
		poll(NULL, 0, 100);
		result = act_look_source(act, err);
		if (result)
			break;
	}
	if (!result && !gtid_is_empty(&left)) {
		add_left(&words, &left);
		result = preflight_refuse(act->repl, err,
		    "%s has %" PRIu64 " transaction%s that %s lacks (%s)",
		    act->node->name, gtid_count(&left),
		    gtid_count(&left) == 1 ? "" : "s", act->source->name,
		    words.data);
	}
	gtid_release(&left);
	ha_buf_release(&words);
	return result;
}

/* The first binary log that the source still has. */
static int
first_log(struct act *act, struct ha_db_result *logs, struct ha_err *err)
{
	if (ha_db_query(act->source_db, act->source_facts.flavour->show_logs,
		act_statement_ns(act), logs, err))
		return ha_err_set(err,
		    logs->error == 1227 ? EX_NOPERM : err->status, 0, "%s: %s",
		    act->source->name, err->msg);
	if (!logs->rows || !ha_db_get(logs, 0, "Log_name"))
		return ha_err_set(err, EX_CONFIG, 0, "%s: it has no binary log",
		    act->source->name);
	return 0;
}

static int
refuse_purged(struct act *act, const char *missing, struct ha_err *err)
{
	return ha_err_set(err, EX_NOPERM, 0,
	    "%s has purged what %s needs (%.300s): it has to be seeded anew",
	    act->source->name, act->node->name, missing);
}

static int
check_purged_mysql(struct act *act, struct ha_err *err)
{
	struct gtid_set left = { 0 };
	struct ha_buf words = HA_BUF_INIT;
	int result = 0;

	gtid_subtract(&act->source_facts.purged, &act->facts.executed, &left);
	if (!gtid_is_empty(&left)) {
		add_left(&words, &left);
		result = refuse_purged(act, words.data, err);
	}
	gtid_release(&left);
	ha_buf_release(&words);
	return result;
}

/* What was written before the first log that is left: its first GTID list. */
static int
read_start(struct act *act, struct gtid_set *start, struct ha_err *err)
{
	struct ha_db_result logs = HA_DB_RESULT_INIT, pos = HA_DB_RESULT_INIT;
	struct ha_buf sql = HA_BUF_INIT;
	const char *text = NULL;
	int result = first_log(act, &logs, err);

	if (!result) {
		ha_buf_add_str(&sql, "SELECT BINLOG_GTID_POS(");
		ha_db_add_string(&sql, ha_db_get(&logs, 0, "Log_name"));
		ha_buf_add_str(&sql, ", 4) AS pos");
		result = ha_db_query(
		    act->source_db, sql.data, act_statement_ns(act), &pos, err);
	}
	if (!result)
		text = ha_db_get(&pos, 0, "pos");
	if (!result)
		result = gtid_parse(start, GTID_MARIADB, text, err);
	ha_db_result_release(&logs);
	ha_db_result_release(&pos);
	ha_buf_release(&sql);
	return result;
}

/* Has somebody at that position come to the source's log as it is? */
static int
check_purged_mariadb(struct act *act, struct ha_err *err)
{
	struct gtid_set start = { 0 };
	struct ha_buf words = HA_BUF_INIT;
	int result = read_start(act, &start, err);

	if (!result && !gtid_contains(&act->facts.position, &start)) {
		ha_buf_add_str(&words, "all up to ");
		add_left(&words, &start);
		result = refuse_purged(act, words.data, err);
	} else if (!result && !gtid_contains(&act->source_facts.executed,
				  &act->facts.position)) {
		gtid_add_text(&words, &act->facts.position);
		result = ha_err_set(err, EX_NOPERM, 0,
		    "%s is at %.300s, which %s has not come to",
		    act->node->name, words.data, act->source->name);
	}
	gtid_release(&start);
	ha_buf_release(&words);
	return result;
}

static int
check_file(struct act *act, struct ha_err *err)
{
	struct ha_db_result logs = HA_DB_RESULT_INIT;
	const char *size;
	size_t i;
	int result = first_log(act, &logs, err);

	for (i = 0; !result && i < logs.rows; i++)
		if (!strcmp(ha_db_get(&logs, i, "Log_name"), act->goal.file))
			break;
	if (!result && i == logs.rows)
		result = refuse_purged(act, act->goal.file, err);
	if (!result) {
		size = ha_db_get(&logs, i, "File_size");
		if (size && strtoull(size, NULL, 10) < act->goal.at)
			result = ha_err_set(err, EX_NOPERM, 0,
			    "%s: its '%s' ends before position %" PRIu64,
			    act->source->name, act->goal.file, act->goal.at);
	}
	ha_db_result_release(&logs);
	return result;
}

static int
check_logs(struct act *act, struct ha_err *err)
{
	if (act->goal.gtid == GTID_USE_NO)
		return act->goal.file ? check_file(act, err) : 0;
	return act->goal.gtid == GTID_USE_AUTO ? check_purged_mysql(act, err)
					       : check_purged_mariadb(act, err);
}

/* A replica without the data that the source had before its logs begin. */
static int
check_data(struct act *act, struct ha_err *err)
{
	int here, there;

	if (preflight_has_data(act, act->db, &here, err) ||
	    preflight_has_data(act, act->source_db, &there, err))
		return -1;
	if (act->repl->is_empty && here && !act->old.is_there)
		return preflight_refuse(act->repl, err,
		    "--empty is given and %s has tables", act->node->name);
	if (there && !here && !act->repl->is_empty)
		return preflight_refuse(act->repl, err,
		    "%s has no tables and %s has: give it their data first, or "
		    "say --empty when all of it is to come from the binary "
		    "logs",
		    act->node->name, act->source->name);
	return 0;
}

/* May this account be a replica? */
static int
check_grants(struct act *act, struct ha_db *db, struct ha_err *err)
{
	struct ha_db_result grants = HA_DB_RESULT_INIT;
	size_t i;
	int has = 0;

	if (ha_db_query(db, "SHOW GRANTS", act_statement_ns(act), &grants, err))
		return -1;
	for (i = 0; i < grants.rows * grants.columns; i++)
		if (grants.cells[i] &&
		    (strstr(grants.cells[i], "REPLICATION SLAVE") ||
			strstr(grants.cells[i], "ALL PRIVILEGES ON *.*")))
			has = 1;
	ha_db_result_release(&grants);
	return has ? 0
		   : preflight_refuse(act->repl, err,
			 "'%s' has no REPLICATION SLAVE at %s",
			 act->credentials.user, act->source->name);
}

static int
log_in(struct act *act, struct ha_db *db, struct ha_err *err)
{
	struct ha_db_options options = { 0 };

	options.host = act->goal.host;
	options.port = act->goal.port;
	options.user = act->credentials.user;
	options.password = act->credentials.password;
	options.defaults_file = act->source->defaults_file
				    ? act->source->defaults_file
				    : act->repl->defaults_file;
	options.insecure =
	    act->repl->is_plain ? "--no-tls" : act->repl->insecure;
	options.deadline_ns = act_statement_ns(act);
	return ha_db_connect(db, &options, err);
}

/* From here: an account that is only for the replica's address fails. */
static int
check_login(struct act *act, struct ha_err *err)
{
	struct ha_db *db;
	unsigned number;
	int result;

	if (!act->credentials.user)
		return 0;
	db = ha_db_new();
	result = log_in(act, db, err);
	number = ha_db_error(db);
	if (!result)
		result = check_grants(act, db, err);
	else if (number == 1045 || number == 1130 || number == 1698)
		result = preflight_refuse(act->repl, err,
		    "'%s' can't log in to %s from here (%.300s), so %s may not "
		    "either",
		    act->credentials.user, act->source->name, err->msg,
		    act->node->name);
	else
		ha_err_set(err, err->status, 0, "%s, as '%s': %s",
		    act->source->name, act->credentials.user, err->msg);
	ha_db_free(db);
	return result;
}

int
preflight(struct act *act, struct ha_err *err)
{
	if (check_ids(act, err) || check_ignored(act, err) ||
	    check_flavours(act, err) || check_binlog(act, err) ||
	    check_gtid_mode(act, err) || check_login(act, err) ||
	    check_data(act, err) || check_errants(act, err) ||
	    check_logs(act, err))
		return -1;
	return 0;
}

int
preflight_seed(struct act *act, struct ha_err *err)
{
	if (check_ids(act, err) || check_ignored(act, err) ||
	    check_flavours(act, err) || check_binlog(act, err) ||
	    check_gtid_mode(act, err) || check_login(act, err))
		return -1;
	return 0;
}
