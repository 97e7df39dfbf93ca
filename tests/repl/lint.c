/* SPDX-License-Identifier: ISC */
/*
 * Every rule of lint on facts that are made up: a good set of each topology and
 * flavour has no finding, and one thing that is wrong fires its rule alone.
 */
#include "lint.h"

#include "alloc.h"
#include "flavour.h"
#include "lint-rules.h"
#include "test.h"

#define NODES 4
#define VARIABLES 80

struct set {
	struct node nodes[NODES];
	struct facts facts[NODES];
	struct facts *list[NODES];
	char *cells[NODES][2][VARIABLES * 2];
	struct channel channels[NODES];
	struct edge edges[NODES];
	char *row_names[2], *row_cells[NODES][2];
	struct fleet fleet;
	struct topology topology;
	struct findings findings;
};

static void
fake_change(
    struct ha_buf *sql, const struct source *source, const struct facts *facts)
{
	(void)facts;
	ha_buf_addf(sql, "CHANGE gtid %d tls %d verify %d beat %g retry %d %d",
	    source->gtid, source->has_tls, source->is_verified,
	    source->heartbeat_period_s, (int)source->retry_count,
	    (int)source->connect_retry_s);
	if (source->ignored_ids)
		ha_buf_addf(sql, " ignore (%s)", source->ignored_ids);
}

static const struct flavour fake_mariadb = { .name = "MariaDB",
	.gtid = GTID_MARIADB,
	.replica = "SLAVE",
	.change = fake_change };
static const struct flavour fake_mysql = { .name = "MySQL",
	.gtid = GTID_MYSQL,
	.replica = "SLAVE",
	.change = fake_change };

static void
put(struct set *set, size_t node, int is_status, const char *name,
    const char *value)
{
	struct ha_db_result *result =
	    is_status ? &set->facts[node].status : &set->facts[node].variables;
	size_t row = 0;

	while (row < result->rows && strcmp(result->cells[row * 2], name) != 0)
		row++;
	if (row == result->rows) {
		assert_true(row < VARIABLES);
		result->cells[result->rows++ * 2] = ha_xstrdup(name);
	} else {
		free(result->cells[row * 2 + 1]);
	}
	result->cells[row * 2 + 1] = value ? ha_xstrdup(value) : NULL;
	if (!value) { /* not told */
		free(result->cells[row * 2]);
		result->rows--;
		memcpy(&result->cells[row * 2],
		    &result->cells[result->rows * 2], 2 * sizeof(char *));
	}
}

static void
put_all(struct set *set, const char *name, const char *value)
{
	for (size_t i = 0; i < set->fleet.count; i++)
		put(set, i, 0, name, value);
}

static const char *const good[][2] = {
	{ "log_bin", "ON" },
	{ "binlog_format", "ROW" },
	{ "binlog_row_image", "FULL" },
	{ "sync_binlog", "1" },
	{ "innodb_flush_log_at_trx_commit", "1" },
	{ "relay_log_recovery", "ON" },
	{ "lower_case_table_names", "0" },
	{ "sql_mode", "STRICT_TRANS_TABLES" },
	{ "collation_server", "utf8mb4_general_ci" },
	{ "character_set_server", "utf8mb4" },
	{ "max_allowed_packet", "67108864" },
	{ "time_zone", "SYSTEM" },
	{ "system_time_zone", "UTC" },
	{ "event_scheduler", "OFF" },
	{ "replicate_same_server_id", "OFF" },
};

static const char *const good_mariadb[][2] = {
	{ "log_slave_updates", "ON" },
	{ "gtid_strict_mode", "ON" },
	{ "slave_exec_mode", "STRICT" },
	{ "slave_skip_errors", "OFF" },
	{ "slave_net_timeout", "10" },
	{ "slave_max_allowed_packet", "1073741824" },
	{ "expire_logs_days", "7.000000" },
	{ "binlog_expire_logs_seconds", "604800" },
	{ "rpl_semi_sync_master_enabled", "OFF" },
	{ "rpl_semi_sync_slave_enabled", "OFF" },
	{ "rpl_semi_sync_master_wait_point", "AFTER_COMMIT" },
};

static const char *const good_mysql[][2] = {
	{ "log_replica_updates", "ON" },
	{ "gtid_mode", "ON" },
	{ "enforce_gtid_consistency", "ON" },
	{ "replica_exec_mode", "STRICT" },
	{ "replica_skip_errors", "OFF" },
	{ "replica_net_timeout", "10" },
	{ "replica_max_allowed_packet", "1073741824" },
	{ "replica_parallel_workers", "4" },
	{ "replica_preserve_commit_order", "ON" },
	{ "binlog_expire_logs_seconds", "2592000" },
	{ "binlog_expire_logs_auto_purge", "ON" },
	{ "persisted_globals_load", "ON" },
	{ "rpl_semi_sync_source_enabled", "OFF" },
	{ "rpl_semi_sync_replica_enabled", "OFF" },
	{ "rpl_semi_sync_source_wait_point", "AFTER_SYNC" },
};

#define LENGTH(array) (sizeof(array) / sizeof(*(array)))

static void
put_good(struct set *set, size_t i, int is_mariadb, int is_loop, size_t loop)
{
	char text[24];

	for (size_t j = 0; j < LENGTH(good); j++)
		put(set, i, 0, good[j][0], good[j][1]);
	for (size_t j = 0; is_mariadb && j < LENGTH(good_mariadb); j++)
		put(set, i, 0, good_mariadb[j][0], good_mariadb[j][1]);
	for (size_t j = 0; !is_mariadb && j < LENGTH(good_mysql); j++)
		put(set, i, 0, good_mysql[j][0], good_mysql[j][1]);
	snprintf(text, sizeof(text), "%zu", i + 1);
	put(set, i, 0, "server_id", text);
	put(set, i, 0, "report_host", text);
	put(set, i, 0, "auto_increment_offset", is_loop ? text : "1");
	if (is_mariadb)
		put(set, i, 0, "gtid_domain_id", is_loop ? text : "0");
	snprintf(text, sizeof(text), "%zu", is_loop ? loop : 1);
	put(set, i, 0, "auto_increment_increment", text);
}

static void
add_edge(struct set *set, size_t replica, size_t source, int is_mariadb)
{
	size_t n = set->topology.edge_count++;
	struct channel *channel = &set->channels[n];
	static char name[] = "", filters[] = "", host[] = "127.0.0.1";

	set->row_cells[n][0] = ha_xstrdup("86400");
	set->row_cells[n][1] = ha_xstrdup("60");
	set->facts[replica].status_rows = (struct ha_db_result){ .columns = 2,
		.rows = 1,
		.names = set->row_names,
		.cells = set->row_cells[n] };
	*channel = (struct channel){ .name = name,
		.source_host = host,
		.source_port = 3306,
		.source_id = (int64_t)source + 1,
		.gtid = is_mariadb ? GTID_USE_SLAVE_POS : GTID_USE_AUTO,
		.heartbeat_period_s = 2,
		.filters = filters,
		.is_tls = 0,
		.is_verified = 0,
		.row_of = &set->facts[replica].status_rows };
	set->edges[n] = (struct edge){
		.replica = replica, .source = source, .channel = channel
	};
	set->facts[replica].channels = channel;
	set->facts[replica].channel_count = 1;
}

/* How many nodes, and in the loop, of each kind. */
static const size_t sizes[] = { [TOPOLOGY_ONEWAY] = 3,
	[TOPOLOGY_DUAL] = 2,
	[TOPOLOGY_CASCADE] = 3,
	[TOPOLOGY_RING] = 3 };
static const size_t loops[] = { [TOPOLOGY_ONEWAY] = 0,
	[TOPOLOGY_DUAL] = 2,
	[TOPOLOGY_CASCADE] = 2,
	[TOPOLOGY_RING] = 3 };

static void
add_edges(struct set *set, enum topology_kind kind, int is_mariadb)
{
	if (kind == TOPOLOGY_ONEWAY) {
		add_edge(set, 1, 0, is_mariadb);
		add_edge(set, 2, 0, is_mariadb);
	} else if (kind == TOPOLOGY_RING) {
		for (size_t i = 0; i < 3; i++)
			add_edge(set, (i + 1) % 3, i, is_mariadb);
	} else {
		add_edge(set, 1, 0, is_mariadb);
		add_edge(set, 0, 1, is_mariadb);
		if (kind == TOPOLOGY_CASCADE)
			add_edge(set, 2, 1, is_mariadb);
	}
}

static void
set_up(struct set *set, enum topology_kind kind, int is_mariadb, int has_edges)
{
	static char names[NODES][6] = { "db-a", "db-b", "db-c", "db-d" };
	static char uuids[NODES][3] = { "u1", "u2", "u3", "u4" };
	static char mariadb[] = "10.11.19-MariaDB", mysql[] = "9.7.1";
	static char count[] = "Source_Retry_Count", every[] = "Connect_Retry";
	static char variable[] = "Variable_name", value[] = "Value";
	static char *columns[] = { variable, value };

	memset(set, 0, sizeof(*set));
	set->row_names[0] = count;
	set->row_names[1] = every;
	set->fleet = (struct fleet){ .facts = set->list, .count = sizes[kind] };
	set->topology = (struct topology){ .fleet = &set->fleet,
		.edges = set->edges,
		.kind = has_edges ? kind : TOPOLOGY_ANY };
	for (size_t i = 0; i < sizes[kind]; i++) {
		struct facts *facts = &set->facts[i];
		int is_read_only = kind != TOPOLOGY_RING && i > 0;

		set->nodes[i].name = names[i];
		set->list[i] = facts;
		facts->node = &set->nodes[i];
		facts->flavour = is_mariadb ? &fake_mariadb : &fake_mysql;
		facts->is_answered = 1;
		facts->version = is_mariadb ? mariadb : mysql;
		facts->server_id = (int64_t)i + 1;
		facts->uuid = is_mariadb ? NULL : uuids[i];
		facts->executed.kind = facts->purged.kind =
		    is_mariadb ? GTID_MARIADB : GTID_MYSQL;
		facts->asked_us = 1000000000;
		facts->answered_us = 1000002000;
		facts->clock_us = 1000001000;
		facts->variables.columns = facts->status.columns = 2;
		facts->variables.names = facts->status.names = columns;
		facts->variables.cells = set->cells[i][0];
		facts->status.cells = set->cells[i][1];
		facts->can_see_channels = 1;
		put_good(set, i, is_mariadb, i < loops[kind], loops[kind]);
		put(set, i, 0, "read_only", is_read_only ? "ON" : "OFF");
		if (!is_mariadb)
			put(set, i, 0, "super_read_only",
			    is_read_only ? "ON" : "OFF");
	}
	if (has_edges)
		add_edges(set, kind, is_mariadb);
}

static void
tear_down(struct set *set)
{
	findings_release(&set->findings);
	for (size_t i = 0; i < set->fleet.count; i++) {
		struct facts *facts = &set->facts[i];

		for (size_t j = 0; j < facts->variables.rows * 2; j++)
			free(facts->variables.cells[j]);
		for (size_t j = 0; j < facts->status.rows * 2; j++)
			free(facts->status.cells[j]);
		gtid_release(&facts->purged);
		gtid_release(&facts->executed);
	}
	for (size_t i = 0; i < set->topology.edge_count; i++) {
		free(set->row_cells[i][0]);
		free(set->row_cells[i][1]);
	}
}

static void
judge(struct set *set, enum topology_kind kind)
{
	findings_release(&set->findings);
	lint_judge(&set->findings, &set->topology, kind);
	for (size_t i = 0; i < set->findings.count; i++) {
		struct finding *finding = &set->findings.list[i];

		assert_true(*finding->what && *finding->why);
		assert_non_null(finding->mend);
	}
}

static void
show(const struct set *set)
{
	for (size_t i = 0; i < set->findings.count; i++)
		printf("# %s %s: %s: %s: %s\n",
		    set->nodes[set->findings.list[i].node].name,
		    set->findings.list[i].rule, set->findings.list[i].what,
		    set->findings.list[i].why, set->findings.list[i].mend);
}

/* As one line. */
static int
mends_by(const struct finding *finding, const char *words)
{
	struct ha_buf line = HA_BUF_INIT;
	int is_it;

	for (const char *next = finding->mend; *next; next++)
		if (*next == '\n')
			ha_buf_add_str(&line, "; ");
		else
			ha_buf_add_char(&line, *next);
	is_it = strstr(line.data, words) != NULL;
	ha_buf_release(&line);
	return is_it;
}

static int
has(const struct set *set, const char *rule, enum ha_status_state state,
    size_t node, const char *what, const char *mend)
{
	for (size_t i = 0; i < set->findings.count; i++) {
		const struct finding *finding = &set->findings.list[i];

		if (!strcmp(finding->rule, rule) && finding->state == state &&
		    finding->node == node && strstr(finding->what, what) &&
		    mends_by(finding, mend))
			return 1;
	}
	return 0;
}

/* There is this finding, and all there are are of this rule. */
static void
expect(struct set *set, const char *rule, enum ha_status_state state,
    size_t node, const char *what, const char *mend)
{
	int is_good = has(set, rule, state, node, what, mend);

	for (size_t i = 0; i < set->findings.count; i++)
		if (strcmp(set->findings.list[i].rule, rule) != 0)
			is_good = 0;
	if (is_good)
		return;
	show(set);
	fail_msg("not only %s %s of node %zu with %s, %s", rule,
	    ha_status_name(state), node, what, mend);
}

static void
expect_none(struct set *set)
{
	show(set);
	assert_int_equal(set->findings.count, 0);
}

static void
good_sets_have_no_finding(void **state)
{
	(void)state;
	for (int kind = TOPOLOGY_ONEWAY; kind <= TOPOLOGY_RING; kind++)
		for (int is_mariadb = 0; is_mariadb < 2; is_mariadb++) {
			struct set set;

			set_up(&set, (enum topology_kind)kind, is_mariadb, 1);
			judge(&set, (enum topology_kind)kind);
			expect_none(&set);
			judge(&set, TOPOLOGY_ANY);
			expect_none(&set);
			tear_down(&set);
		}
}

static void
good_sets_by_position_have_no_finding(void **state)
{
	(void)state;
	for (int kind = TOPOLOGY_ONEWAY; kind <= TOPOLOGY_RING; kind++) {
		struct set set;

		set_up(&set, (enum topology_kind)kind, 1, 1);
		for (size_t i = 0; i < set.topology.edge_count; i++)
			set.channels[i].gtid = GTID_USE_NO;
		put_all(&set, "gtid_strict_mode", "OFF");
		put_all(&set, "gtid_domain_id", "0");
		judge(&set, (enum topology_kind)kind);
		expect_none(&set);
		tear_down(&set);
	}
}

static void
what_is_not_told_is_not_judged(void **state)
{
	(void)state;
	for (int kind = TOPOLOGY_ONEWAY; kind <= TOPOLOGY_RING; kind++) {
		struct set set;

		set_up(&set, (enum topology_kind)kind, 1, 1);
		for (size_t i = 0; i < set.fleet.count; i++) {
			struct facts *facts = &set.facts[i];

			while (facts->variables.rows)
				put(&set, i, 0, facts->variables.cells[0],
				    NULL);
			facts->server_id = -1;
			facts->clock_us = 0;
		}
		for (size_t i = 0; i < set.topology.edge_count; i++) {
			set.channels[i].filters = NULL;
			set.channels[i].row_of = NULL;
			set.channels[i].is_tls = -1;
			set.channels[i].heartbeat_period_s = -1;
		}
		judge(&set, (enum topology_kind)kind);
		expect_none(&set);
		tear_down(&set);
	}
}

#define B_A "ha-repl point db-b --source db-a"
static const char *const points[] = {
	[TOPOLOGY_ONEWAY] = B_A "; ha-repl point db-c --source db-a",
	[TOPOLOGY_DUAL] = B_A "; ha-repl point db-a --source db-b",
	[TOPOLOGY_CASCADE] = B_A "; ha-repl point db-c --source db-b; "
				 "ha-repl point db-a --source db-b",
	[TOPOLOGY_RING] = B_A "; ha-repl point db-c --source db-b; "
			      "ha-repl point db-a --source db-c",
};

static void
nothing_replicates_yet(void **state)
{
	(void)state;
	for (int kind = TOPOLOGY_ONEWAY; kind <= TOPOLOGY_RING; kind++) {
		struct set set;

		set_up(&set, (enum topology_kind)kind, kind % 2, 0);
		judge(&set, (enum topology_kind)kind);
		expect(&set, "topology", HA_STATUS_WARN, 0,
		    "nothing replicates", points[kind]);
		assert_int_equal(set.findings.count, 1);
		tear_down(&set);
	}
}

/* One variable of one node. */
struct wrong {
	enum topology_kind kind;
	int is_mariadb;
	size_t node;
	const char *variable, *value;
	const char *rule;
	enum ha_status_state state;
	const char *what, *mend;
};
#define ONEWAY TOPOLOGY_ONEWAY
#define DUAL TOPOLOGY_DUAL
#define CASCADE TOPOLOGY_CASCADE
#define RING TOPOLOGY_RING
#define WARN HA_STATUS_WARN
#define CRIT HA_STATUS_CRIT

static const struct wrong wrongs[] = {
	{ ONEWAY, 1, 0, "log_bin", "OFF", "log-bin", CRIT, "log_bin is OFF",
	    "[mysqld] log_bin = binlog" },
	{ ONEWAY, 1, 1, "log_bin", "OFF", "log-bin", WARN, "log_bin is OFF",
	    "[mysqld] log_bin = binlog" },
	{ DUAL, 0, 1, "log_bin", "OFF", "log-bin", CRIT, "OFF", "[mysqld]" },
	{ ONEWAY, 1, 2, "log_slave_updates", "OFF", "log-updates", WARN,
	    "log_slave_updates is OFF", "[mysqld] log_slave_updates = 1" },
	{ DUAL, 0, 1, "log_replica_updates", "OFF", "log-updates", WARN,
	    "log_replica_updates is OFF", "[mysqld] log_replica_updates = 1" },
	{ CASCADE, 0, 1, "log_replica_updates", "OFF", "log-updates", CRIT,
	    "OFF", "[mysqld] log_replica_updates = 1" },
	{ CASCADE, 1, 0, "log_slave_updates", "OFF", "log-updates", WARN, "OFF",
	    "" },
	{ RING, 1, 2, "log_slave_updates", "OFF", "log-updates", CRIT, "OFF",
	    "" },
	{ ONEWAY, 1, 0, "binlog_format", "MIXED", "binlog-format", WARN,
	    "binlog_format is MIXED",
	    "SET GLOBAL binlog_format = ROW; [mysqld] binlog_format = ROW" },
	{ ONEWAY, 0, 1, "binlog_row_image", "MINIMAL", "binlog-row-image", WARN,
	    "MINIMAL", "SET PERSIST binlog_row_image = FULL" },
	{ RING, 1, 1, "sync_binlog", "0", "sync-binlog", WARN,
	    "sync_binlog is 0", "SET GLOBAL sync_binlog = 1; [mysqld]" },
	{ DUAL, 0, 0, "innodb_flush_log_at_trx_commit", "2", "innodb-flush",
	    WARN, "is 2", "SET PERSIST innodb_flush_log_at_trx_commit = 1" },
	{ ONEWAY, 1, 1, "slave_exec_mode", "IDEMPOTENT", "exec-mode", CRIT,
	    "IDEMPOTENT", "SET GLOBAL slave_exec_mode = STRICT" },
	{ ONEWAY, 0, 1, "replica_skip_errors", "1062", "skip-errors", CRIT,
	    "1062", "[mysqld] replica_skip_errors = OFF" },
	{ ONEWAY, 0, 1, "relay_log_recovery", "OFF", "relay-log-recovery", WARN,
	    "OFF", "[mysqld] relay_log_recovery = 1" },
	{ DUAL, 0, 0, "master_info_repository", "FILE", "info-repository", WARN,
	    "files", "[mysqld] master_info_repository = TABLE" },
	{ ONEWAY, 0, 1, "relay_log_info_repository", "FILE", "info-repository",
	    WARN, "files", "[mysqld] relay_log_info_repository = TABLE" },
	{ ONEWAY, 0, 1, "replica_preserve_commit_order", "OFF", "commit-order",
	    WARN, "replica_preserve_commit_order is OFF", "[mysqld]" },
	{ ONEWAY, 1, 0, "gtid_strict_mode", "OFF", "gtid-strict", WARN, "OFF",
	    "SET GLOBAL gtid_strict_mode = 1; [mysqld]" },
	{ ONEWAY, 1, 1, "read_only", "OFF", "read-only", CRIT, "takes writes",
	    "SET GLOBAL read_only = 1; [mysqld] read_only = 1" },
	{ CASCADE, 1, 2, "read_only", "OFF", "read-only", CRIT, "takes writes",
	    "" },
	{ DUAL, 1, 1, "read_only", "OFF", "read-only", CRIT, "takes writes",
	    "" },
	{ DUAL, 0, 1, "super_read_only", "OFF", "super-read-only", WARN, "OFF",
	    "SET PERSIST super_read_only = 1" },
	{ ONEWAY, 1, 1, "slave_net_timeout", "60", "net-timeout", WARN,
	    "slave_net_timeout is 60 s", "SET GLOBAL slave_net_timeout = 10" },
	{ ONEWAY, 1, 2, "report_host", "", "report-host", WARN, "not set",
	    "[mysqld] report_host = db-c" },
	{ ONEWAY, 0, 0, "binlog_expire_logs_seconds", "0", "binlog-retention",
	    WARN, "for ever", "SET PERSIST binlog_expire_logs_seconds = " },
	{ ONEWAY, 0, 0, "binlog_expire_logs_seconds", "600", "binlog-retention",
	    WARN, "600 s", "SET PERSIST" },
	{ ONEWAY, 0, 0, "binlog_expire_logs_auto_purge", "OFF",
	    "binlog-retention", WARN, "for ever",
	    "SET PERSIST binlog_expire_logs_auto_purge = 1" },
	{ RING, 1, 1, "replicate_same_server_id", "ON", "same-server-id", CRIT,
	    "ON", "[mysqld] replicate_same_server_id = 0" },
	{ ONEWAY, 0, 1, "gtid_mode", "OFF", "gtid-mode", CRIT,
	    "gtid_mode is OFF, on db-a ON", "OFF_PERMISSIVE" },
	{ ONEWAY, 0, 1, "gtid_mode", "ON_PERMISSIVE", "gtid-mode", WARN,
	    "ON_PERMISSIVE", "SET PERSIST gtid_mode = ON" },
	{ ONEWAY, 0, 2, "enforce_gtid_consistency", "WARN", "gtid-consistency",
	    WARN, "WARN, on db-a ON",
	    "SET PERSIST enforce_gtid_consistency = ON" },
	{ RING, 1, 2, "gtid_domain_id", "1", "gtid-domain-id", CRIT,
	    "gtid_domain_id 1 is db-a's too", "SET GLOBAL gtid_domain_id = 4" },
	{ DUAL, 1, 1, "gtid_domain_id", "1", "gtid-domain-id", WARN, "db-a",
	    "SET GLOBAL gtid_domain_id = 2" },
	{ DUAL, 0, 1, "auto_increment_offset", "1", "auto-increment", WARN,
	    "auto_increment_offset 1",
	    "SET PERSIST auto_increment_increment = 2; SET PERSIST "
	    "auto_increment_offset = 2" },
	{ RING, 1, 1, "auto_increment_increment", "2", "auto-increment", CRIT,
	    "with 3 nodes", "auto_increment_increment = 3" },
	{ CASCADE, 0, 1, "auto_increment_offset", "3", "auto-increment", WARN,
	    "offset 3", "auto_increment_offset = 2" },
	{ ONEWAY, 1, 1, "lower_case_table_names", "1", "lower-case", CRIT,
	    "is 1, on db-a 0", "seed it anew" },
	{ ONEWAY, 0, 2, "sql_mode", "", "sql-mode", WARN, "is empty, on db-a",
	    "SET PERSIST sql_mode = STRICT_TRANS_TABLES" },
	{ ONEWAY, 1, 1, "collation_server", "latin1_swedish_ci", "collation",
	    WARN, "latin1",
	    "SET GLOBAL collation_server = utf8mb4_general_ci" },
	{ ONEWAY, 1, 1, "max_allowed_packet", "1048576", "max-packet", WARN,
	    "1048576", "SET GLOBAL max_allowed_packet = 67108864" },
	{ ONEWAY, 1, 1, "slave_max_allowed_packet", "1048576", "replica-packet",
	    CRIT, "max_allowed_packet of db-a",
	    "SET GLOBAL slave_max_allowed_packet = 1073741824" },
	{ ONEWAY, 1, 1, "system_time_zone", "CET", "time-zone", WARN,
	    "CET, db-a's is UTC",
	    "SET GLOBAL time_zone = '+00:00'; [mysqld] default_time_zone" },
	{ ONEWAY, 0, 1, "time_zone", "+02:00", "time-zone", WARN, "+02:00",
	    "SET PERSIST time_zone = '+00:00'" },
};

static void
each_variable_fires_its_rule_alone(void **state)
{
	(void)state;
	for (size_t i = 0; i < LENGTH(wrongs); i++) {
		const struct wrong *wrong = &wrongs[i];
		struct set set;

		set_up(&set, wrong->kind, wrong->is_mariadb, 1);
		put(&set, wrong->node, 0, wrong->variable, wrong->value);
		judge(&set, wrong->kind);
		expect(&set, wrong->rule, wrong->state, wrong->node,
		    wrong->what, wrong->mend);
		tear_down(&set);
	}
}

/* What is fine although it is not the usual. */
static const struct wrong fine[] = {
	{ ONEWAY, 1, 1, "relay_log_recovery", "OFF" },
	{ ONEWAY, 1, 0, "innodb_flush_log_at_trx_commit", "3" },
	{ ONEWAY, 1, 0, "binlog_row_image", "FULL_NODUP" },
	{ ONEWAY, 1, 0, "slave_net_timeout", "60" }, /* no replica */
	{ ONEWAY, 1, 0, "report_host", "" },
	{ ONEWAY, 0, 0, "master_info_repository", "FILE" },
	{ ONEWAY, 0, 1, "master_info_repository", "TABLE" },
	{ ONEWAY, 1, 1, "gtid_domain_id", "7" },
	{ ONEWAY, 1, 1, "auto_increment_increment", "7" },
	{ ONEWAY, 0, 1, "replica_parallel_workers", "0" },
	{ ONEWAY, 0, 1, "replicate_same_server_id", "ON" }, /* no loop */
	{ RING, 1, 1, "read_only", "ON" },
	{ ONEWAY, 1, 0, "read_only", "ON" },
	{ ONEWAY, 1, 1, "rpl_semi_sync_master_wait_point", "AFTER_COMMIT" },
};

static void
what_is_fine_fires_nothing(void **state)
{
	(void)state;
	for (size_t i = 0; i < LENGTH(fine); i++) {
		struct set set;

		set_up(&set, fine[i].kind, fine[i].is_mariadb, 1);
		put(&set, fine[i].node, 0, fine[i].variable, fine[i].value);
		judge(&set, fine[i].kind);
		expect_none(&set);
		tear_down(&set);
	}
}

static void
server_ids(void **state)
{
	struct set set;

	(void)state;
	set_up(&set, ONEWAY, 1, 1);
	set.facts[2].server_id = 1;
	judge(&set, ONEWAY);
	expect(&set, "server-id-unique", CRIT, 2, "server_id 1 is db-a's too",
	    "[mysqld] server_id = 5");
	set.facts[2].server_id = 0;
	judge(&set, ONEWAY);
	expect(&set, "server-id", CRIT, 2, "server_id is 0", "server_id = ");
	tear_down(&set);
	set_up(&set, ONEWAY, 0, 1);
	set.facts[1].uuid = set.facts[0].uuid;
	judge(&set, ONEWAY);
	expect(&set, "server-uuid", CRIT, 1, "u1 is db-a's too", "auto.cnf");
	tear_down(&set);
}

static void
versions(void **state)
{
	static char mysql[] = "8.4.5", older[] = "10.6.2-MariaDB",
		    patch[] = "10.11.2-MariaDB-log";
	struct set set;

	(void)state;
	set_up(&set, ONEWAY, 1, 1);
	set.facts[1].version = older;
	judge(&set, ONEWAY);
	expect(&set, "version", CRIT, 1, "db-a is 10.11.19", "db-a");
	set.facts[1].version = patch;
	judge(&set, ONEWAY);
	expect_none(&set);
	set.facts[0].version = older;
	judge(&set, ONEWAY);
	expect(&set, "version", WARN, 0, "db-b is 10.11.2", "db-b");
	set.facts[0].version = patch;
	set.facts[2].version = mysql;
	judge(&set, ONEWAY);
	expect(&set, "flavour", CRIT, 2, "it is 8.4.5", "db-a");
	tear_down(&set);
}

static void
purged(void **state)
{
	static const char uuid[] = "3e11fa47-71ca-11e1-9e33-c80aa9429562";
	struct ha_err err;
	struct set set;
	char text[64];

	(void)state;
	set_up(&set, ONEWAY, 0, 1);
	snprintf(text, sizeof(text), "%s:1-10", uuid);
	for (size_t i = 0; i < 3; i++)
		assert_int_equal(
		    gtid_parse(&set.facts[i].executed, GTID_MYSQL, text, &err),
		    0);
	snprintf(text, sizeof(text), "%s:1-5", uuid);
	assert_int_equal(
	    gtid_parse(&set.facts[0].purged, GTID_MYSQL, text, &err), 0);
	judge(&set, ONEWAY);
	expect_none(&set);
	snprintf(text, sizeof(text), "%s:1-3", uuid);
	gtid_release(&set.facts[2].executed);
	assert_int_equal(
	    gtid_parse(&set.facts[2].executed, GTID_MYSQL, text, &err), 0);
	judge(&set, ONEWAY);
	expect(&set, "gtid-purged", CRIT, 2, ":4-5",
	    "ha-repl point db-c --source db-a");
	snprintf(text, sizeof(text), "%s:1-5", uuid);
	assert_int_equal(
	    gtid_parse(&set.facts[1].purged, GTID_MYSQL, text, &err), 0);
	gtid_release(&set.facts[0].purged);
	judge(&set, ONEWAY);
	expect(
	    &set, "gtid-purged", WARN, 2, "db-b has purged", "--source db-b");
	tear_down(&set);
}

static void
clocks(void **state)
{
	struct set set;

	(void)state;
	set_up(&set, ONEWAY, 1, 1);
	set.facts[1].clock_us += 1000000; /* within what the reading took */
	judge(&set, ONEWAY);
	expect_none(&set);
	set.facts[1].clock_us += 1000000;
	judge(&set, ONEWAY);
	expect(&set, "clock", WARN, 1, "2.0 s ahead of that of db-a", "NTP");
	set.facts[1].clock_us -= 12000000;
	judge(&set, ONEWAY);
	expect(&set, "clock", WARN, 1, "10.0 s behind that of db-a", "NTP");
	tear_down(&set);
}

static void
semi_sync(void **state)
{
	struct set set;

	(void)state;
	set_up(&set, DUAL, 1, 1);
	put_all(&set, "rpl_semi_sync_master_enabled", "ON");
	put_all(&set, "rpl_semi_sync_slave_enabled", "ON");
	put_all(&set, "rpl_semi_sync_master_wait_point", "AFTER_SYNC");
	put(&set, 0, 1, "Rpl_semi_sync_master_status", "ON");
	put(&set, 1, 1, "Rpl_semi_sync_master_status", "ON");
	judge(&set, DUAL);
	expect_none(&set);
	put(&set, 0, 1, "Rpl_semi_sync_master_status", "OFF");
	judge(&set, DUAL);
	expect(
	    &set, "semi-sync", CRIT, 0, "its status is OFF", "ha-repl check");
	put(&set, 0, 1, "Rpl_semi_sync_master_status", "ON");
	put(&set, 0, 0, "rpl_semi_sync_master_wait_point", "AFTER_COMMIT");
	judge(&set, DUAL);
	expect(&set, "semi-sync", WARN, 0, "AFTER_COMMIT",
	    "SET GLOBAL rpl_semi_sync_master_wait_point = AFTER_SYNC");
	tear_down(&set);
	set_up(&set, ONEWAY, 0, 1);
	put(&set, 0, 0, "rpl_semi_sync_source_enabled", "ON");
	judge(&set, ONEWAY);
	expect(&set, "semi-sync", WARN, 2, "on db-a and not here",
	    "SET PERSIST rpl_semi_sync_replica_enabled = 1; STOP SLAVE; "
	    "START SLAVE");
	put(&set, 0, 0, "rpl_semi_sync_source_enabled", "OFF");
	put(&set, 1, 0, "rpl_semi_sync_replica_enabled", "ON");
	judge(&set, ONEWAY);
	expect(&set, "semi-sync", WARN, 0, "on db-b and not here",
	    "SET PERSIST rpl_semi_sync_source_enabled = 1");
	tear_down(&set);
}

static void
channels(void **state)
{
	static char filters[] = "Replicate_Do_DB=a", host[] = "10.0.0.1",
		    name[] = "x", ids[] = "7, 1", gone[] = "7";
	struct channel *channel;
	struct set set;

	(void)state;
	set_up(&set, ONEWAY, 0, 1);
	channel = &set.channels[0];
	channel->heartbeat_period_s = 30;
	judge(&set, ONEWAY);
	expect(&set, "heartbeat", WARN, 1, "30 s",
	    "STOP SLAVE; CHANGE gtid 1 tls -1 verify -1 beat 2 retry -1 -1; "
	    "START SLAVE");
	channel->heartbeat_period_s = 0;
	judge(&set, ONEWAY);
	expect(&set, "heartbeat", WARN, 1, "no heartbeats", "beat 2");
	channel->heartbeat_period_s = 2;
	channel->name = name;
	free(set.row_cells[0][0]);
	set.row_cells[0][0] = ha_xstrdup("10");
	judge(&set, ONEWAY);
	expect(&set, "retry", WARN, 1, "of channel x gives up after 10 tries",
	    "beat -1 retry 86400 10; START SLAVE FOR CHANNEL 'x'");
	*set.row_cells[0][0] = '0'; /* 00: without end */
	judge(&set, ONEWAY);
	expect_none(&set);
	channel->source_host = host;
	judge(&set, ONEWAY);
	expect(&set, "tls", WARN, 1, "no TLS", "tls 1 verify 1 beat -1");
	channel->is_tls = 1;
	judge(&set, ONEWAY);
	expect(&set, "tls", WARN, 1, "not verified", "tls 1 verify 1 beat -1");
	channel->is_verified = 1;
	judge(&set, ONEWAY);
	expect_none(&set);
	channel->ignored_ids = ids;
	judge(&set, ONEWAY);
	expect(&set, "ignored-ids", CRIT, 1, "db-a (server_id 1)", "ignore ()");
	channel->ignored_ids = gone;
	judge(&set, ONEWAY);
	expect(&set, "ignored-ids", WARN, 1, "7 are ignored", "ignore ()");
	channel->ignored_ids = NULL;
	set.channels[0].filters = set.channels[1].filters = filters;
	judge(&set, ONEWAY);
	expect(&set, "filter", WARN, 1, "Replicate_Do_DB=a", "my.cnf");
	assert_int_equal(set.findings.count, 2);
	tear_down(&set);
}

static char origin_name[] = "name", origin_origin[] = "origin",
	    origin_persisted[] = "persisted";
static char *origin_names[] = { origin_name, origin_origin, origin_persisted };

static struct ha_db_result
origins(char **cells, size_t rows)
{
	return (struct ha_db_result){ .columns = 3,
		.rows = rows,
		.names = origin_names,
		.cells = cells };
}

static void
read_only_at_start(void **state)
{
	static char name[] = "read_only", super[] = "super_read_only",
		    set_by_sql[] = "SQL", dynamic[] = "DYNAMIC", on[] = "ON",
		    file[] = "CONFIG";
	char *by_sql[] = { name, set_by_sql, NULL };
	char *by_file[] = { name, file, NULL };
	char *persisted[] = { super, dynamic, on };
	char *unsaved[] = { super, dynamic, NULL };
	struct set set;

	(void)state;
	set_up(&set, ONEWAY, 1, 1);
	for (size_t i = 0; i < 3; i++) {
		put(&set, i, 0, "read_only", "ON");
		set.facts[i].origins = origins(by_file, 1);
	}
	judge(&set, ONEWAY);
	expect_none(&set);
	put(&set, 0, 0, "read_only", "OFF");
	judge(&set, ONEWAY);
	expect(&set, "read-only-start", WARN, 0, "comes up writable",
	    "[mysqld] read_only = 1");
	set.facts[0].origins = origins(by_sql, 1);
	judge(&set, ONEWAY);
	expect_none(&set); /* taken off by a statement: my.cnf can't be seen */
	set.facts[1].origins = origins(by_sql, 1);
	judge(&set, ONEWAY);
	expect(&set, "read-only-start", WARN, 1, "by a statement",
	    "[mysqld] read_only = 1");
	tear_down(&set);
	set_up(&set, RING, 1, 1);
	set.facts[0].origins = origins(by_file, 1);
	judge(&set, RING);
	expect_none(&set);
	tear_down(&set);
	set_up(&set, DUAL, 0, 1);
	set.facts[0].origins = set.facts[1].origins = origins(persisted, 1);
	judge(&set, DUAL);
	expect_none(&set);
	set.facts[1].origins = origins(unsaved, 1);
	judge(&set, DUAL);
	expect(&set, "read-only-start", WARN, 1, "can't be seen",
	    "SET PERSIST_ONLY super_read_only = 1");
	tear_down(&set);
}

static void
tables(void **state)
{
	static char schema[] = "table_schema", name[] = "table_name",
		    engine[] = "engine", has_key[] = "has_key",
		    is_safe[] = "is_transactional", a[] = "a", t[] = "t`",
		    u[] = "u", myisam[] = "MyISAM", no[] = "0", yes[] = "1";
	char *names[] = { schema, name, engine, has_key, is_safe };
	char *cells[] = { a, t, myisam, yes, no, a, u, myisam, yes, no };
	struct set set;

	(void)state;
	set_up(&set, ONEWAY, 1, 1);
	for (size_t i = 0; i < 3; i++) /* on all: told once */
		set.facts[i].tables = (struct ha_db_result){
			.columns = 5, .rows = 2, .names = names, .cells = cells
		};
	judge(&set, ONEWAY);
	expect(&set, "engine", WARN, 0, "a.t`, a.u",
	    "ALTER TABLE `a`.`t``` ENGINE = InnoDB; ALTER TABLE `a`.`u` "
	    "ENGINE = InnoDB");
	assert_int_equal(set.findings.count, 1);
	cells[3] = cells[8] = no;
	cells[4] = cells[9] = yes;
	judge(&set, ONEWAY);
	expect(&set, "primary-key", WARN, 0, "a.t`, a.u",
	    "ALTER TABLE `a`.`u` ADD PRIMARY KEY");
	assert_int_equal(set.findings.count, 1);
	tear_down(&set);
}

static void
events(void **state)
{
	static char schema[] = "event_schema", name[] = "event_name", a[] = "a",
		    e[] = "e";
	char *names[] = { schema, name }, *cells[] = { a, e };
	struct set set;

	(void)state;
	set_up(&set, ONEWAY, 0, 1);
	put_all(&set, "event_scheduler", "ON");
	judge(&set, ONEWAY);
	expect_none(&set);
	set.facts[0].events = set.facts[1].events = (struct ha_db_result){
		.columns = 2, .rows = 1, .names = names, .cells = cells
	};
	judge(&set, ONEWAY);
	expect(&set, "events", WARN, 1, "a.e",
	    "SET PERSIST event_scheduler = OFF");
	assert_int_equal(set.findings.count, 1);
	tear_down(&set);
}

static void
native_passwords(void **state)
{
	static char user[] = "user", host[] = "host", plugin[] = "plugin",
		    repl[] = "repl", any[] = "%",
		    native[] = "mysql_native_password",
		    sha2[] = "caching_sha2_password";
	char *names[] = { user, host, plugin },
	     *cells[] = { repl, any, native };
	struct set set;

	(void)state;
	for (int is_mariadb = 0; is_mariadb < 2; is_mariadb++) {
		set_up(&set, ONEWAY, is_mariadb, 1);
		cells[2] = native;
		set.facts[0].accounts = (struct ha_db_result){
			.columns = 3, .rows = 1, .names = names, .cells = cells
		};
		judge(&set, ONEWAY);
		expect_none(&set); /* another one's account */
		set.channels[0].source_user = repl;
		judge(&set, ONEWAY);
		if (is_mariadb)
			expect_none(&set);
		else
			expect(&set, "native-password", WARN, 0, "repl@%",
			    "ALTER USER 'repl'@'%'");
		cells[2] = sha2;
		judge(&set, ONEWAY);
		expect_none(&set);
		tear_down(&set);
	}
}

static void
log_filters(void **state)
{
	static char filters[] = "Binlog_Do_DB=a";
	struct set set;

	(void)state;
	set_up(&set, ONEWAY, 1, 1);
	set.facts[0].log_filters = filters;
	judge(&set, ONEWAY);
	expect(&set, "log-filter", WARN, 0, "Binlog_Do_DB=a", "my.cnf");
	tear_down(&set);
}

static void
filters_that_differ(void **state)
{
	static char filters[] = "Replicate_Do_DB=a";
	struct set set;

	(void)state;
	set_up(&set, ONEWAY, 1, 1);
	set.channels[1].filters = filters;
	judge(&set, ONEWAY);
	assert_int_equal(set.findings.count, 2);
	assert_true(has(&set, "filter", WARN, 2, "Do_DB=a", ""));
	assert_true(
	    has(&set, "filter-differs", WARN, 2, "those of db-b", "best none"));
	tear_down(&set);
}

static void
strangers_and_other_topologies(void **state)
{
	struct set set;

	(void)state;
	set_up(&set, ONEWAY, 1, 1);
	set.edges[1].source = STRANGER;
	judge(&set, ONEWAY);
	expect(&set, "stranger", CRIT, 2, "127.0.0.1:3306", "repl.conf");
	set.topology.kind = TOPOLOGY_ANY;
	judge(&set, ONEWAY);
	expect(&set, "stranger", CRIT, 2, "127.0.0.1:3306", "repl.conf");
	set.topology.kind = ONEWAY;
	set.edges[1].source = 0;
	judge(&set, DUAL);
	expect(
	    &set, "topology", CRIT, 0, "oneway, not dual", "ha-repl topology");
	set.topology.kind = TOPOLOGY_ANY;
	judge(&set, ONEWAY);
	expect(&set, "topology", CRIT, 0, "none of the known ones", "");
	judge(&set, TOPOLOGY_ANY);
	expect_none(&set);
	tear_down(&set);
}

static void
gtid_and_position_mixed(void **state)
{
	struct set set;

	(void)state;
	set_up(&set, ONEWAY, 1, 1);
	set.channels[1].gtid = GTID_USE_NO;
	judge(&set, ONEWAY);
	expect(&set, "gtid-use", WARN, 2, "file and position",
	    "ha-repl point db-c --source db-a");
	tear_down(&set);
}

static void
what_did_not_answer_is_told(void **state)
{
	static char denied[] = "REPLICATION CLIENT";
	struct set set;

	(void)state;
	set_up(&set, ONEWAY, 1, 1);
	set.facts[1].is_answered = 0;
	snprintf(set.facts[1].why.msg, sizeof(set.facts[1].why.msg), "gone");
	put(&set, 1, 0, "sync_binlog", "0");
	judge(&set, ONEWAY);
	expect(&set, "answer", CRIT, 1, "gone", "ha-repl check db-b");
	set.facts[1].is_local = 1;
	judge(&set, ONEWAY);
	expect(&set, "answer", HA_STATUS_UNKNOWN, 1, "gone", "");
	set.facts[1].is_answered = 1;
	put(&set, 1, 0, "sync_binlog", "1");
	set.facts[0].denied = denied;
	judge(&set, ONEWAY);
	expect(&set, "privilege", WARN, 0, "REPLICATION CLIENT", "GRANTS");
	set.facts[0].denied = NULL;
	set.facts[0].can_see_channels = 0;
	judge(&set, ONEWAY);
	expect(&set, "privilege", WARN, 0, "is not told", "ha-repl check db-a");
	tear_down(&set);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(good_sets_have_no_finding),
		cmocka_unit_test(good_sets_by_position_have_no_finding),
		cmocka_unit_test(what_is_not_told_is_not_judged),
		cmocka_unit_test(nothing_replicates_yet),
		cmocka_unit_test(each_variable_fires_its_rule_alone),
		cmocka_unit_test(what_is_fine_fires_nothing),
		cmocka_unit_test(server_ids),
		cmocka_unit_test(versions),
		cmocka_unit_test(purged),
		cmocka_unit_test(clocks),
		cmocka_unit_test(semi_sync),
		cmocka_unit_test(channels),
		cmocka_unit_test(read_only_at_start),
		cmocka_unit_test(tables),
		cmocka_unit_test(events),
		cmocka_unit_test(native_passwords),
		cmocka_unit_test(log_filters),
		cmocka_unit_test(filters_that_differ),
		cmocka_unit_test(strangers_and_other_topologies),
		cmocka_unit_test(gtid_and_position_mixed),
		cmocka_unit_test(what_did_not_answer_is_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
