/* SPDX-License-Identifier: ISC */
/*
 * lint-node - rules that need one node alone.
 *
 * Sources, by the manuals' own titles (MySQL: Reference Manual 5.6 to 9.x,
 * chapter Replication; MariaDB: Server Documentation):
 *
 * server-id		MySQL "Setting the Replication Source Configuration":
 *			with 0 the source refuses every replica
 * log-bin		MySQL "The Binary Log"; MariaDB "Activating the Binary
 *			Log"
 * log-updates		MySQL "Binary Logging Options and Variables",
 *			log_replica_updates: needed for chains; MariaDB
 *			"log_slave_updates"
 * binlog-format	MySQL "Advantages and Disadvantages of Statement-Based
 *			and Row-Based Replication"; MariaDB "Unsafe Statements
 *			for Statement-Based Replication"
 * binlog-row-image	MySQL binlog_row_image: minimal and noblob need the same
 *			columns and keys on both ends; MariaDB
 *			"binlog_row_image"
 * sync-binlog,
 * innodb-flush		MySQL "Setting the Replication Source Configuration":
 *			both 1 for durability; MariaDB "Binary Log Group Commit
 *			and InnoDB Flushing Performance" (3 flushes too)
 * relay-log-recovery	MySQL "Handling an Unexpected Halt of a Replica";
 *			MariaDB "relay_log_recovery"
 * info-repository	MySQL 5.6/5.7 "Replication Metadata Repositories": a
 *			file is not crash-safe
 * commit-order		MySQL "Replication and Transaction Inconsistencies"
 * exec-mode		MySQL replica_exec_mode: IDEMPOTENT suppresses duplicate
 *			key and no-key-found errors; MariaDB "slave_exec_mode"
 * skip-errors		MySQL replica_skip_errors: do not use this option
 *			lightly; MariaDB "slave_skip_errors"
 * gtid-strict		MariaDB "gtid_strict_mode"
 * read-only,
 * read-only-start,
 * super-read-only	MySQL "Server System Variables", read_only,
 *			super_read_only; "Persisted System Variables"; MariaDB
 *			"read_only"
 * net-timeout		MySQL replica_net_timeout, default 60; MariaDB
 *			"slave_net_timeout"
 * report-host		MySQL "Checking Replication Status", SHOW REPLICAS;
 *			MariaDB "report_host"
 * binlog-retention	MySQL binlog_expire_logs_seconds, expire_logs_days;
 *			MariaDB "Using and Maintaining the Binary Log"
 * same-server-id	MySQL replicate_same_server_id: can cause infinite loops
 * events		MySQL "Replication of Invoked Features": an event that
 *			is enabled on a replica runs there, too
 * log-filter		MySQL "Evaluation of Database-Level Replication and
 *			Binary Logging Options"
 * primary-key		MySQL "Replication Source Options and Variables", Group
 *			Replication "Requirements"; MariaDB "Row-based
 *			Replication With No Primary Key"
 * engine		MySQL "Replication and Transactions"; MariaDB
 *			"Replication and Foreign Keys"
 */
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "alloc.h"
#include "lint-rules.h"

/* More seconds than these without a word from the source are many. */
#define NET_TIMEOUT_MAX_S 30
#define NET_TIMEOUT_MEND "10"
#define RETENTION_MIN_S 86400
#define RETENTION_MEND "604800"
#define TABLES_TOLD 5

static void
judge_server_id(struct lint *lint, size_t node)
{
	char *id;

	if (lint_facts(lint, node)->server_id != 0)
		return;
	id = lint_free_number(lint, "server_id", node);
	lint_add(lint, HA_STATUS_CRIT, node, ha_xasprintf("server_id is 0"),
	    "it can be neither source nor replica",
	    lint_mend_file("server_id", id));
	free(id);
}

static void
judge_log_bin(struct lint *lint, size_t node)
{
	if (facts_is_on(lint_facts(lint, node), "log_bin"))
		return;
	if (lint->members[node].is_source)
		lint_add(lint, HA_STATUS_CRIT, node,
		    ha_xasprintf("log_bin is OFF"),
		    "a source without a binary log has nothing to replicate",
		    lint_mend_file("log_bin", "binlog"));
	else
		lint_add(lint, HA_STATUS_WARN, node,
		    ha_xasprintf("log_bin is OFF"),
		    "this replica can't become the source at a failover",
		    lint_mend_file("log_bin", "binlog"));
}

static void
judge_log_updates(struct lint *lint, size_t node)
{
	const struct facts *facts = lint_facts(lint, node);
	const char *name =
	    lint_known(facts, "log_replica_updates", "log_slave_updates");

	if (!name || facts_is_on(facts, name))
		return;
	if (lint->members[node].is_middle)
		lint_add(lint, HA_STATUS_CRIT, node,
		    ha_xasprintf("%s is OFF", name),
		    "what it gets from its source never reaches its replicas",
		    lint_mend_file(name, "1"));
	else
		lint_add(lint, HA_STATUS_WARN, node,
		    ha_xasprintf("%s is OFF", name),
		    "once it is the source, replicas that are behind miss what "
		    "it has applied itself",
		    lint_mend_file(name, "1"));
}

/* A variable that has one right value, or two. */
struct wanted {
	const char *rule;
	const char *name, *other; /* the new and the old one */
	const char *value, *also;
	enum ha_status_state state;
	int is_dynamic;
	const char *why;
};

static const struct wanted wanted[] = {
	{ "binlog-format", "binlog_format", "binlog_format", "ROW", NULL,
	    HA_STATUS_WARN, 1,
	    "a statement may do something else on a replica than on its "
	    "source" },
	{ "binlog-row-image", "binlog_row_image", "binlog_row_image", "FULL",
	    "FULL_NODUP", HA_STATUS_WARN, 1,
	    "without whole rows a replica whose table differs finds the wrong "
	    "row or none" },
	{ "sync-binlog", "sync_binlog", "sync_binlog", "1", NULL,
	    HA_STATUS_WARN, 1,
	    "a power cut takes transactions out of the binary log that "
	    "replicas may have, or never get" },
	{ "innodb-flush", "innodb_flush_log_at_trx_commit",
	    "innodb_flush_log_at_trx_commit", "1", "3", HA_STATUS_WARN, 1,
	    "a power cut loses transactions that were committed and may have "
	    "been replicated" },
	{ "exec-mode", "replica_exec_mode", "slave_exec_mode", "STRICT", NULL,
	    HA_STATUS_CRIT, 1,
	    "missing rows and duplicate keys are passed over: the data drift "
	    "apart in silence" },
	{ "skip-errors", "replica_skip_errors", "slave_skip_errors", "OFF",
	    NULL, HA_STATUS_CRIT, 0,
	    "statements that fail are passed over: the data drift apart in "
	    "silence" },
};

static void
judge_wanted(struct lint *lint, size_t node)
{
	const struct facts *facts = lint_facts(lint, node);

	for (size_t i = 0; i < sizeof(wanted) / sizeof(*wanted); i++) {
		const struct wanted *one = &wanted[i];
		const char *name = lint_known(facts, one->name, one->other);
		const char *value;

		if (!name || strcmp(one->rule, lint->rule) != 0)
			continue;
		value = facts_variable(facts, name);
		if (!strcasecmp(value, one->value) ||
		    (one->also && !strcasecmp(value, one->also)))
			continue;
		lint_add(lint, one->state, node,
		    ha_xasprintf("%s is %s", name, value), one->why,
		    one->is_dynamic ? lint_mend_set(facts, name, one->value)
				    : lint_mend_file(name, one->value));
	}
}

/* MariaDB with GTIDs fetches its relay log anew in any case. */
static void
judge_relay_log_recovery(struct lint *lint, size_t node)
{
	const struct facts *facts = lint_facts(lint, node);
	int is_mariadb = facts->executed.kind == GTID_MARIADB;

	if (!lint->members[node].is_replica ||
	    facts_is_on(facts, "relay_log_recovery") != 0 ||
	    (is_mariadb && lint_uses_gtid(lint)))
		return;
	lint_add(lint, HA_STATUS_WARN, node,
	    ha_xasprintf("relay_log_recovery is OFF"),
	    "after a crash it may go on in a damaged relay log, or lose its "
	    "place",
	    lint_mend_file("relay_log_recovery", "1"));
}

static void
judge_info_repository(struct lint *lint, size_t node)
{
	static const char *const names[] = { "master_info_repository",
		"relay_log_info_repository" };
	const struct facts *facts = lint_facts(lint, node);
	struct ha_buf mend = HA_BUF_INIT;

	if (!lint->members[node].is_replica)
		return;
	for (size_t i = 0; i < 2; i++) {
		const char *value = facts_variable(facts, names[i]);

		if (value && !strcasecmp(value, "FILE"))
			ha_buf_addf(&mend, "%s[mysqld] %s = TABLE",
			    mend.len ? "\n" : "", names[i]);
	}
	if (mend.len)
		lint_add(lint, HA_STATUS_WARN, node,
		    ha_xasprintf("its place in the source's log and the "
				 "source's password are kept in files"),
		    "a crash leaves them behind the data, and transactions are "
		    "applied twice; who can read the files has the password",
		    ha_buf_detach(&mend));
	else
		ha_buf_release(&mend);
}

static void
judge_commit_order(struct lint *lint, size_t node)
{
	const struct facts *facts = lint_facts(lint, node);
	const char *workers = lint_known(
	    facts, "replica_parallel_workers", "slave_parallel_workers");
	const char *order = lint_known(facts, "replica_preserve_commit_order",
	    "slave_preserve_commit_order");

	if (!workers || !order || !lint->members[node].is_replica ||
	    facts_number(facts, workers) < 2 || facts_is_on(facts, order))
		return;
	lint_add(lint, HA_STATUS_WARN, node, ha_xasprintf("%s is OFF", order),
	    "several workers commit in an order that the source never had; "
	    "when it stops there are gaps",
	    lint_mend_file(order, "1"));
}

static void
judge_gtid_strict(struct lint *lint, size_t node)
{
	const struct facts *facts = lint_facts(lint, node);

	if (lint_uses_gtid(lint) && facts_is_on(facts, "gtid_strict_mode") == 0)
		lint_add(lint, HA_STATUS_WARN, node,
		    ha_xasprintf("gtid_strict_mode is OFF"),
		    "transactions out of order, as two writers make them, are "
		    "taken in silence",
		    lint_mend_set(facts, "gtid_strict_mode", "1"));
}

/* What keeps writes off: super_read_only where there is one. */
static const char *
read_only_name(const struct facts *facts)
{
	return lint_known(facts, "super_read_only", "read_only");
}

static void
judge_read_only(struct lint *lint, size_t node)
{
	const struct facts *facts = lint_facts(lint, node);
	const char *name = read_only_name(facts);

	if (name && lint->members[node].is_replica &&
	    !lint->members[node].is_writer && facts_is_writable(facts) == 1)
		lint_add(lint, HA_STATUS_CRIT, node,
		    ha_xasprintf("a replica that takes writes"),
		    "whatever is written here alone breaks replication or is "
		    "lost at the next failover",
		    lint_mend_set(facts, name, "1"));
}

/* 1, 0; -1: not known. */
static int
is_on_at_start(const struct facts *facts, const char *name)
{
	const char *value = facts_at_start(facts, name);

	if (!value)
		return -1;
	return strcasecmp(value, "OFF") != 0 && strcmp(value, "0") != 0;
}

/*
 * super_read_only turns read_only on, which then seems to be the server's own
 * default.
 */
static int
starts_read_only(const struct facts *facts)
{
	int is_super = is_on_at_start(facts, "super_read_only");
	int is_plain = is_on_at_start(facts, "read_only");

	if (is_super == 1)
		return 1;
	if (facts_origin(facts, "super_read_only") == ORIGIN_SET)
		return is_plain == 0 ? 0 : -1;
	return is_plain;
}

static void
judge_read_only_start(struct lint *lint, size_t node)
{
	const struct facts *facts = lint_facts(lint, node);
	const struct lint_member *member = &lint->members[node];
	const char *name = read_only_name(facts);
	int is_writable = facts_is_writable(facts);
	int starts = starts_read_only(facts);

	if (!name || lint->kind == TOPOLOGY_RING || starts == 1 ||
	    !(member->is_source || member->is_replica) ||
	    (is_writable && member->is_replica && !member->is_writer))
		return;
	if (starts < 0 &&
	    (is_writable || (facts_origin(facts, "read_only") != ORIGIN_SET &&
				facts_origin(facts, name) != ORIGIN_SET)))
		return;
	lint_add(lint, HA_STATUS_WARN, node,
	    starts < 0
		? ha_xasprintf("read_only was set by a statement: what a "
			       "restart makes of it can't be seen")
		: ha_xasprintf("it comes up writable after a restart"),
	    "one that returns after a failover is a second writer",
	    lint_persists(facts) ? ha_xasprintf("SET PERSIST_ONLY %s = 1", name)
				 : lint_mend_file(name, "1"));
}

static void
judge_super_read_only(struct lint *lint, size_t node)
{
	const struct facts *facts = lint_facts(lint, node);

	if (lint->members[node].is_replica && !lint->members[node].is_writer &&
	    facts_is_writable(facts) == 0 &&
	    facts_is_on(facts, "super_read_only") == 0)
		lint_add(lint, HA_STATUS_WARN, node,
		    ha_xasprintf("super_read_only is OFF"),
		    "accounts with SUPER or CONNECTION_ADMIN can still write to "
		    "this replica",
		    lint_mend_set(facts, "super_read_only", "1"));
}

static void
judge_net_timeout(struct lint *lint, size_t node)
{
	const struct facts *facts = lint_facts(lint, node);
	const char *name =
	    lint_known(facts, "replica_net_timeout", "slave_net_timeout");
	int64_t seconds = name ? facts_number(facts, name) : -1;

	if (!lint->members[node].is_replica || seconds <= NET_TIMEOUT_MAX_S)
		return;
	lint_add(lint, HA_STATUS_WARN, node,
	    ha_xasprintf("%s is %lld s", name, (long long)seconds),
	    "a source that lost its power looks connected for as long; takes "
	    "effect when the channel is started",
	    lint_mend_set(facts, name, NET_TIMEOUT_MEND));
}

static void
judge_report_host(struct lint *lint, size_t node)
{
	const struct facts *facts = lint_facts(lint, node);
	const char *value = facts_variable(facts, "report_host");

	if (value && !*value && lint->members[node].is_replica)
		lint_add(lint, HA_STATUS_WARN, node,
		    ha_xasprintf("report_host is not set"),
		    "who asks its source for replicas can't find it",
		    lint_mend_file("report_host", facts->node->host
						      ? facts->node->host
						      : facts->node->name));
}

/* In seconds; 0: kept for ever; -1: not told. */
static int64_t
retention(const struct facts *facts)
{
	int64_t seconds = facts_number(facts, "binlog_expire_logs_seconds");
	int64_t days = facts_number(facts, "expire_logs_days");

	if (facts_is_on(facts, "binlog_expire_logs_auto_purge") == 0)
		return 0;
	if (seconds <= 0 && days > 0)
		return days * 86400;
	return seconds < 0 ? days : seconds;
}

static void
judge_retention(struct lint *lint, size_t node)
{
	const struct facts *facts = lint_facts(lint, node);
	int64_t seconds = retention(facts);
	int is_seconds =
	    facts_variable(facts, "binlog_expire_logs_seconds") != NULL;
	const char *name =
	    is_seconds ? "binlog_expire_logs_seconds" : "expire_logs_days";
	const char *mend = is_seconds ? RETENTION_MEND : "7";

	if (seconds == 0 && facts_number(facts, "max_binlog_total_size") <= 0)
		lint_add(lint, HA_STATUS_WARN, node,
		    ha_xasprintf("binary logs are kept for ever"),
		    "the day the disk is full the server stops",
		    facts_is_on(facts, "binlog_expire_logs_auto_purge") == 0
			? lint_mend_set(
			      facts, "binlog_expire_logs_auto_purge", "1")
			: lint_mend_set(facts, name, mend));
	else if (seconds > 0 && seconds < RETENTION_MIN_S)
		lint_add(lint, HA_STATUS_WARN, node,
		    ha_xasprintf("binary logs are kept for %lld s only",
			(long long)seconds),
		    "a replica that is away for longer has to be seeded anew",
		    lint_mend_set(facts, name, mend));
}

static void
judge_same_server_id(struct lint *lint, size_t node)
{
	const struct facts *facts = lint_facts(lint, node);

	if (lint->members[node].is_in_loop &&
	    facts_is_on(facts, "replicate_same_server_id") == 1)
		lint_add(lint, HA_STATUS_CRIT, node,
		    ha_xasprintf("replicate_same_server_id is ON"),
		    "its own changes come back to it and go round for ever",
		    lint_mend_file("replicate_same_server_id", "0"));
}

/* Names of the first ones that has a "0" in this column; how many there are. */
static size_t
list_tables(const struct ha_db_result *tables, const char *column,
    struct ha_buf *names, struct ha_buf *mend, const char *rest)
{
	size_t count = 0;

	for (size_t i = 0; i < tables->rows; i++) {
		const char *is_good = ha_db_get(tables, i, column);
		const char *schema = ha_db_get(tables, i, "table_schema");
		const char *name = ha_db_get(tables, i, "table_name");

		if (!is_good || strcmp(is_good, "0") != 0 || !schema || !name ||
		    ++count > TABLES_TOLD)
			continue;
		ha_buf_addf(
		    names, "%s%s.%s", names->len ? ", " : "", schema, name);
		if (strchr(schema, '\n') || strchr(name, '\n'))
			continue; /* no statement could be on one line */
		ha_buf_addf(mend, "%sALTER TABLE ", mend->len ? "\n" : "");
		ha_db_add_name(mend, schema);
		ha_buf_add_char(mend, '.');
		ha_db_add_name(mend, name);
		ha_buf_add_str(mend, rest);
	}
	if (count > TABLES_TOLD)
		ha_buf_addf(names, " and %s%zu more",
		    tables->rows == FACTS_TABLES_MAX ? "at least " : "",
		    count - TABLES_TOLD);
	return count;
}

/* All nodes have the same tables: they are told of one. */
static void
judge_tables(struct lint *lint, size_t node, const char *column,
    const char *what, const char *why, const char *rest)
{
	struct ha_buf names = HA_BUF_INIT, mend = HA_BUF_INIT;

	if (lint->members[node].is_first &&
	    list_tables(
		&lint_facts(lint, node)->tables, column, &names, &mend, rest))
		lint_add(lint, HA_STATUS_WARN, node,
		    ha_xasprintf("%s: %s", what, names.data), why,
		    ha_buf_detach(&mend));
	ha_buf_release(&names);
	ha_buf_release(&mend);
}

static void
judge_primary_key(struct lint *lint, size_t node)
{
	judge_tables(lint, node, "has_key", "tables without a primary key",
	    "a replica reads the whole table for each row that changes: it "
	    "falls behind for hours",
	    " ADD PRIMARY KEY (the columns that tell its rows apart)");
}

static void
judge_engine(struct lint *lint, size_t node)
{
	judge_tables(lint, node, "is_transactional",
	    "tables without transactions",
	    "what is half done in a crash stays, and the replica differs",
	    " ENGINE = InnoDB");
}

static void
judge_log_filter(struct lint *lint, size_t node)
{
	const char *filters = lint_facts(lint, node)->log_filters;

	if (filters && *filters)
		lint_add(lint, HA_STATUS_WARN, node,
		    ha_xasprintf("the binary log leaves out: %s", filters),
		    "it is on no replica, and in no backup that is rolled "
		    "forward by the log",
		    ha_xstrdup("remove the filter from my.cnf, and seed its "
			       "replicas anew"));
}

static void
judge_events(struct lint *lint, size_t node)
{
	const struct facts *facts = lint_facts(lint, node);
	const struct ha_db_result *events = &facts->events;
	const char *schema = ha_db_get(events, 0, "event_schema");
	const char *name = ha_db_get(events, 0, "event_name");

	if (!schema || !name || !lint->members[node].is_replica ||
	    lint->members[node].is_writer ||
	    facts_is_on(facts, "event_scheduler") != 1)
		return;
	lint_add(lint, HA_STATUS_WARN, node,
	    ha_xasprintf("it runs events of its own: %s.%s%s", schema, name,
		events->rows > 1 ? " and others" : ""),
	    "a replica that runs them does what its source does too; switch "
	    "them on at a failover",
	    lint_mend_set(facts, "event_scheduler", "OFF"));
}

const struct lint_node_rule lint_node_rules[] = {
	{ "server-id", judge_server_id },
	{ "log-bin", judge_log_bin },
	{ "log-updates", judge_log_updates },
	{ "read-only", judge_read_only },
	{ "read-only-start", judge_read_only_start },
	{ "super-read-only", judge_super_read_only },
	{ "binlog-format", judge_wanted },
	{ "binlog-row-image", judge_wanted },
	{ "sync-binlog", judge_wanted },
	{ "innodb-flush", judge_wanted },
	{ "exec-mode", judge_wanted },
	{ "skip-errors", judge_wanted },
	{ "relay-log-recovery", judge_relay_log_recovery },
	{ "info-repository", judge_info_repository },
	{ "commit-order", judge_commit_order },
	{ "gtid-strict", judge_gtid_strict },
	{ "net-timeout", judge_net_timeout },
	{ "report-host", judge_report_host },
	{ "binlog-retention", judge_retention },
	{ "same-server-id", judge_same_server_id },
	{ "log-filter", judge_log_filter },
	{ "events", judge_events },
	{ "primary-key", judge_primary_key },
	{ "engine", judge_engine },
	{ NULL, NULL },
};
