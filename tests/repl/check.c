/* SPDX-License-Identifier: ISC */
/* check - what is said of a node's replication, without any server. */
#include "test.h"

#include "alloc.h"
#include "causes.h"
#include "check.h"
#include "flavour.h"
#include "journal.h"

#define NODES 3
#define SETTINGS 8
#define NOW_US INT64_C(1800000000000000)

static struct node nodes[NODES];
static struct facts facts[NODES];
static struct channel channels[NODES];
static struct beat beats[NODES];
static struct facts *list[NODES] = { &facts[0], &facts[1], &facts[2] };
static struct fleet fleet = { list, NODES };
static struct edge edges[NODES];
static struct topology topology;
static struct check_options options;
static struct verdict verdict;
static int journal;

static char *cells[NODES][2 * SETTINGS];

int
journal_find(const char *node, struct ha_err *err)
{
	if (journal < 0)
		return ha_err_set(err, EX_IOERR, 0, "can't look at %s", node);
	return journal;
}

/* A variable of a node; the latest value counts. */
static void
set(size_t node, const char *name, const char *value)
{
	struct ha_db_result *variables = &facts[node].variables;
	char **row = cells[node];

	while (row < cells[node] + 2 * variables->rows && strcmp(row[0], name))
		row += 2;
	assert_true(row < cells[node] + 2 * (size_t)SETTINGS);
	if (row == cells[node] + 2 * variables->rows)
		variables->rows++;
	free(row[0]);
	free(row[1]);
	row[0] = ha_xstrdup(name);
	row[1] = ha_xstrdup(value);
}

static void
parse(struct gtid_set *into, enum gtid_kind kind, const char *text)
{
	struct ha_err err;

	if (gtid_parse(into, kind, text, &err))
		fail_msg("'%s': %s", text, err.msg);
}

/* db-a, which writes, and db-b and db-c, which replicate from it. */
static int
setup(void **state)
{
	static char name[] = "Variable_name", value[] = "Value";
	static char *columns[] = { name, value };
	static char names[NODES][8] = { "db-a", "db-b", "db-c" };
	static char user[] = "repl", empty[] = "", host[] = "10.0.0.1",
		    log[] = "log.000001";

	(void)state;
	journal = 0;
	fleet.count = 2;
	for (size_t i = 0; i < NODES; i++) {
		nodes[i] = (struct node){ .name = names[i], .host = host };
		channels[i] = (struct channel){
			.name = empty,
			.source_host = host,
			.source_port = 3306,
			.source_user = user,
			.receiver = THREAD_YES,
			.applier = THREAD_YES,
			.receiver_words = empty,
			.applier_words = empty,
			.receiver_state = empty,
			.applier_state = empty,
			.read = { log, 1000 },
			.executed = { log, 1000 },
			.seconds_behind = 0,
			.heard_ms = -1,
			.heartbeat_period_s = -1,
		};
		beats[i] = (struct beat){ .server_id = 1,
			.written_us = NOW_US - 120000 };
		facts[i] = (struct facts){
			.node = &nodes[i],
			.flavour = &flavour_mariadb,
			.is_answered = 1,
			.can_see_channels = 1,
			.server_id = (int64_t)i + 1,
			.asked_us = NOW_US - 1000,
			.answered_us = NOW_US + 1000,
			.clock_us = NOW_US,
			.channels = &channels[i],
			.channel_count = i > 0,
			.beats = &beats[i],
			.beat_count = 1,
			.variables = { .columns = 2,
			    .names = columns,
			    .cells = cells[i] },
		};
		set(i, "read_only", i ? "ON" : "OFF");
		edges[i] = (struct edge){ .replica = i + 1,
			.source = 0,
			.channel = &channels[(i + 1) % NODES] };
	}
	topology = (struct topology){ .fleet = &fleet,
		.edges = edges,
		.edge_count = 1,
		.kind = TOPOLOGY_ONEWAY,
		.writers = 1 };
	options =
	    (struct check_options){ .lag = { .has_warn = 1,
					.has_crit = 1,
					.warn = { .start = 0, .end = 10 },
					.crit = { .start = 0, .end = 60 } } };
	verdict_init(&verdict);
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	verdict_release(&verdict);
	for (size_t i = 0; i < NODES; i++) {
		gtid_release(&facts[i].executed);
		gtid_release(&facts[i].applied);
	}
	for (size_t i = 0; i < sizeof(cells) / sizeof(char *); i++) {
		free((&cells[0][0])[i]);
		(&cells[0][0])[i] = NULL;
	}
	return 0;
}

static void
expect_words(enum ha_status_state state, const char *words)
{
	if (verdict.state != state || !strstr(verdict.words.data, words))
		fail_msg("%s '%s' instead of %s '%s'",
		    ha_status_name(verdict.state), verdict.words.data,
		    ha_status_name(state), words);
}

static void
expect(size_t i, enum ha_status_state state, const char *words)
{
	check_judge(&verdict, &topology, i, &options);
	expect_words(state, words);
}

static void
expect_set(enum ha_status_state state, const char *words)
{
	check_judge_all(&verdict, &topology, &options);
	expect_words(state, words);
}

static void
expect_not(const char *words)
{
	if (strstr(verdict.words.data, words))
		fail_msg("'%s' has '%s'", verdict.words.data, words);
}

/* db-a replicates from db-b, too. */
static void
make_dual(void)
{
	facts[0].channel_count = 1;
	beats[0].server_id = 2;
	edges[1] =
	    (struct edge){ .replica = 0, .source = 1, .channel = &channels[0] };
	topology.edge_count = 2;
	topology.kind = TOPOLOGY_DUAL;
}

static void
test_all_well(void **state)
{
	(void)state;
	expect(0, HA_STATUS_OK, "primary: it may be written to");
	expect(1, HA_STATUS_OK, "replicates from db-a, 0.120 s behind");
	assert_string_equal(verdict.perf.data,
	    "lag=0.12s;10;60;0 receiver=1;;;0 applier=1;;;0");
	expect_set(HA_STATUS_OK, "db-a is the writer (oneway)");
	assert_string_equal(verdict.perf.data, "writers=1;;;0");
	make_dual();
	expect(0, HA_STATUS_OK, "writable");
	expect(1, HA_STATUS_OK, "replicates from db-a");
	expect_set(HA_STATUS_OK, "db-a is the writer (dual)");
}

static void
fail_to_answer(int status, unsigned error, enum ha_db_step step)
{
	facts[1].is_answered = 0;
	facts[1].flavour = NULL;
	facts[1].error = error;
	facts[1].step = step;
	ha_err_set(&facts[1].why, status, 0, "because\n|");
}

static void
test_no_answer(void **state)
{
	(void)state;
	fail_to_answer(EX_UNAVAILABLE, 0, HA_DB_AT_SYN);
	expect(1, HA_STATUS_CRIT, "nothing answers its address");
	assert_null(strchr(verdict.words.data, '\n'));
	fail_to_answer(EX_UNAVAILABLE, 0, HA_DB_AT_GREETING);
	expect(1, HA_STATUS_CRIT, "says nothing");
	fail_to_answer(EX_UNAVAILABLE, 0, HA_DB_AT_LOGIN);
	expect(1, HA_STATUS_CRIT, "login gets no answer");
	fail_to_answer(EX_UNAVAILABLE, 2013, HA_DB_AT_QUERY);
	expect(1, HA_STATUS_CRIT, "because");
	expect_not("statements get no answer");
	ha_err_set(&facts[1].why, EX_UNAVAILABLE, 0, "no answer in time");
	expect(1, HA_STATUS_CRIT, "statements get no answer");
	fail_to_answer(EX_UNAVAILABLE, 2002, HA_DB_AT_SYN);
	expect(1, HA_STATUS_CRIT, "because");
	fail_to_answer(EX_UNAVAILABLE, 1040, HA_DB_AT_GREETING);
	expect(1, HA_STATUS_CRIT, "alive, but it has too many connections");
	fail_to_answer(EX_NOPERM, 1045, HA_DB_AT_LOGIN);
	expect(1, HA_STATUS_CRIT, "refuses the login");
	expect(1, HA_STATUS_CRIT, "SELECT user, host FROM mysql.user");
	fail_to_answer(EX_NOPERM, 2026, HA_DB_AT_LOGIN);
	expect(1, HA_STATUS_UNKNOWN, "because");
	fail_to_answer(EX_CONFIG, 0, HA_DB_AT_SYN);
	expect(1, HA_STATUS_UNKNOWN, "because");
	fail_to_answer(EX_UNAVAILABLE, 0, HA_DB_AT_SYN);
	facts[1].is_local = 1;
	expect(1, HA_STATUS_UNKNOWN, "because");
	expect_set(HA_STATUS_OK, "db-b did not tell");
	set(0, "read_only", "ON");
	expect_set(HA_STATUS_UNKNOWN, "as far as is known: db-b did not tell");
	facts[1].is_local = 0;
	expect_set(HA_STATUS_CRIT, "as far as is known: db-b did not tell");
}

static void
test_privilege(void **state)
{
	static char of_10_5_2[] = "you need (at least one of) the SUPER, "
				  "REPLICATION SLAVE ADMIN privilege(s)",
		    of_10_4[] = "you need (at least one of) the SUPER, "
				"REPLICATION CLIENT privilege(s)",
		    interrupted[] = "max_statement_time exceeded";

	(void)state;
	facts[1].can_see_channels = 0;
	facts[1].channel_count = 0;
	topology.edge_count = 0;
	facts[1].status_rows.error = 1969;
	facts[1].status_rows.words = interrupted;
	expect(1, HA_STATUS_UNKNOWN,
	    "it doesn't tell of its replication: error 1969: max_statement_");
	facts[1].status_rows.error = 1227;
	facts[1].status_rows.words = NULL;
	expect(1, HA_STATUS_UNKNOWN, "GRANT SLAVE MONITOR, BINLOG MONITOR");
	expect_not("primary");
	facts[1].status_rows.words = of_10_5_2;
	expect(1, HA_STATUS_UNKNOWN, "GRANT REPLICATION SLAVE ADMIN, BINLOG ");
	facts[1].status_rows.words = of_10_4;
	expect(1, HA_STATUS_UNKNOWN, "GRANT REPLICATION CLIENT ON");
	facts[1].flavour = &flavour_mysql;
	expect(1, HA_STATUS_UNKNOWN, "GRANT REPLICATION CLIENT");
}

static void
test_stopped(void **state)
{
	struct channel *channel = &channels[1];
	static char words[] = "error connecting to master 'r@h:1' - "
			      "Can't connect (111 \"Connection refused\")|";
	static char duplicate[] = "Duplicate entry '1'";
	static char hostile[] = "a's;$(id)";

	(void)state;
	channel->receiver = channel->applier = THREAD_NO;
	expect(1, HA_STATUS_CRIT, "replication is stopped, without an error");
	channel->applier = THREAD_YES;
	expect(1, HA_STATUS_CRIT, "receiver (IO thread) is stopped, without");
	channel->receiver_error = 2003;
	channel->receiver_words = words;
	expect(1, HA_STATUS_CRIT,
	    "has stopped for good after its retries: the source refuses "
	    "connections: it is down, or listens elsewhere (error 2003: ");
	assert_null(strchr(verdict.words.data, '|'));
	channel->receiver = THREAD_CONNECTING;
	expect(1, HA_STATUS_CRIT, "can't connect to db-a: the source refuses");
	channel->receiver_error = 1045;
	expect(1, HA_STATUS_CRIT,
	    "see: mysql -h 10.0.0.1 -P 3306 -u repl -p, on the replica");
	channel->source_user = hostile;
	expect(1, HA_STATUS_CRIT, "-u 'a'\\''s;$(id)' -p, on the replica");
	channel->source_user = channels[2].source_user;
	channel->receiver_error = 0;
	expect(1, HA_STATUS_CRIT, "not connected to db-a and has no error yet");
	channel->receiver = THREAD_YES;
	channel->applier = THREAD_NO;
	channel->applier_error = 1062;
	channel->applier_words = duplicate;
	expect(1, HA_STATUS_CRIT,
	    "applier (SQL thread) has stopped: a row to "
	    "be inserted is there already");
	channel->applier_error = 60000;
	expect(1, HA_STATUS_CRIT,
	    "applier (SQL thread) has stopped: error 60000: Duplicate");
	channel->applier = THREAD_UNKNOWN;
	expect(1, HA_STATUS_UNKNOWN, "doesn't say whether its threads run");
}

static void
test_every_channel(void **state)
{
	static struct channel both[2];
	static char name[] = "west";

	(void)state;
	both[0] = both[1] = channels[1];
	both[1].name = name;
	both[0].source_id = 7; /* who has written no row */
	both[1].source_id = 1;
	both[1].applier = THREAD_NO;
	facts[1].channels = both;
	facts[1].channel_count = 2;
	edges[0] = (struct edge){
		.replica = 1, .source = STRANGER, .channel = &both[0]
	};
	edges[1] =
	    (struct edge){ .replica = 1, .source = 0, .channel = &both[1] };
	topology.edge_count = 2;
	expect(1, HA_STATUS_CRIT, "channel 'west': the applier");
	assert_non_null(strstr(verdict.perf.data, "lag=U"));
	assert_non_null(strstr(verdict.perf.data, "lag_west=0.12s"));
	assert_non_null(strstr(verdict.perf.data, " applier_west=0"));
	options.channel = "";
	expect(1, HA_STATUS_WARN,
	    "replicates from 10.0.0.1:3306, which is "
	    "none of these nodes");
	options.channel = "WEST"; /* names have no case */
	expect(1, HA_STATUS_CRIT, "channel 'west': the applier");
	options.channel = "east";
	expect(1, HA_STATUS_CRIT, "has no channel 'east'");
}

static void
test_lag(void **state)
{
	static char other[] = "log.000002", doing[] = "Update_rows";

	(void)state;
	beats[1].written_us = NOW_US - 20000000;
	expect(1, HA_STATUS_WARN,
	    "a silent link: the last heartbeat row is "
	    "20 s old although both threads say Yes");
	beats[1].written_us = NOW_US - 61000000;
	expect(1, HA_STATUS_CRIT, "a silent link");
	channels[1].read.file = other;
	channels[1].applier_state = doing;
	expect(1, HA_STATUS_CRIT,
	    "1 m 1 s behind: the applier is busy with a long transaction, or "
	    "too slow; it says: Update_rows");
	channels[1].delay_s = 55;
	expect(1, HA_STATUS_OK, "1 m 1 s behind (55 s of them asked for)");
	channels[1].delay_s = 45;
	expect(1, HA_STATUS_WARN, "1 m 1 s behind");
	channels[1].delay_s = 0;
	beats[0].written_us = beats[1].written_us;
	expect(
	    1, HA_STATUS_WARN, "db-a has written no heartbeat row for 1 m 1 s");
	beats[1].written_us = NOW_US + 5000000;
	expect(1, HA_STATUS_WARN, "5 s in the future");
	options.lag.warn.end = 0.1;
	beats[1].written_us = beats[0].written_us = NOW_US - 120000;
	beats[0].written_us++;
	expect(1, HA_STATUS_WARN, "0.120 s behind");
}

static void
test_no_row(void **state)
{
	(void)state;
	facts[1].beat_count = 0;
	expect(1, HA_STATUS_WARN, "no heartbeat row from db-a, so lag is not");
	assert_non_null(strstr(verdict.perf.data, "lag=U"));
	channels[1].seconds_behind = 100;
	expect(1, HA_STATUS_CRIT, "at least 100 s behind");
	channels[1].delay_s = 60;
	expect(1, HA_STATUS_WARN, "at least 100 s behind");
	channels[1].seconds_behind = -1;
	expect(1, HA_STATUS_WARN, "no heartbeat row");
}

/* The writer of a dual pair: from its read-only partner no row is to come. */
static void
test_nobody_writes_above(void **state)
{
	(void)state;
	make_dual();
	facts[0].beat_count = 0;
	expect(0, HA_STATUS_OK,
	    "replicates from db-b, where nobody may write now");
	facts[0].beat_count = 1;
	beats[0].written_us = beats[1].written_us = NOW_US - 61000000;
	beats[0].server_id = beats[1].server_id = 2;
	expect(0, HA_STATUS_OK, "nobody may write now");
	channels[0].seconds_behind = 100;
	facts[0].beat_count = 0;
	expect(0, HA_STATUS_CRIT, "at least 100 s behind");
	channels[0].seconds_behind = 0;
	set(1, "read_only", "OFF");
	expect(0, HA_STATUS_WARN, "no heartbeat row from db-b");
	set(1, "read_only", "ON");
	edges[1].source = STRANGER;
	expect(0, HA_STATUS_WARN, "no heartbeat row");
	options.topology = TOPOLOGY_DUAL; /* its other half, then */
	expect(0, HA_STATUS_WARN, "none of these nodes");
	expect_not("heartbeat");
}

static void
test_silent_link(void **state)
{
	static char v6[] = "fe80::1";

	(void)state;
	channels[1].heartbeat_period_s = 2;
	channels[1].heard_ms = 7000;
	expect(1, HA_STATUS_OK, "replicates from"); /* a row has just come */
	beats[1].written_us = NOW_US - 6500000;
	expect(
	    1, HA_STATUS_CRIT, "a silent link: nothing has come for 7.000 s");
	channels[1].heard_ms = 5900;
	expect(1, HA_STATUS_OK, "replicates from");
	facts[1].beat_count = 0;
	channels[1].heard_ms = 6100;
	expect(1, HA_STATUS_CRIT, "a silent link");
	facts[1].beat_count = 1;
	beats[1].written_us = NOW_US - 60500000;
	channels[1].delay_s = 60; /* one that had come before it fell silent */
	expect(1, HA_STATUS_CRIT, "a silent link: nothing has come");
	channels[1].delay_s = 0;
	channels[1].source_host = v6;
	expect(1, HA_STATUS_CRIT, "ha-probe mysql://'[fe80::1]':3306, on");
	channels[1].receiver = THREAD_NO;
	expect(1, HA_STATUS_CRIT, "is stopped");
	expect_not("silent");
}

static void
test_no_room(void **state)
{
	static char limit[] = "Waiting for the slave SQL thread to free "
			      "enough relay log space";
	static char mariadb[] = "Waiting for someone to free space";
	static char mysql[] = "Waiting for disk space";

	(void)state;
	channels[1].receiver_state = limit;
	expect(1, HA_STATUS_CRIT, "relay_log_space_limit is reached");
	channels[1].receiver_state = mariadb;
	expect(1, HA_STATUS_CRIT,
	    "the receiver (IO thread) hangs: the disk "
	    "is full");
	channels[1].receiver_state = limit + strlen(limit);
	channels[1].applier_state = mysql;
	expect(1, HA_STATUS_CRIT,
	    "the applier (SQL thread) hangs: the disk "
	    "is full");
}

static void
test_same_id(void **state)
{
	(void)state;
	facts[1].server_id = 1;
	expect(1, HA_STATUS_CRIT, "has the same server_id (1) as db-a");
	facts[0].server_id = facts[1].server_id = -1; /* not told */
	expect(1, HA_STATUS_OK, "replicates");
}

static void
test_errant_mysql(void **state)
{
	static char a[] = "aaaaaaaa-0000-0000-0000-000000000001";
	static char b[] = "bbbbbbbb-0000-0000-0000-000000000002";

	(void)state;
	facts[0].uuid = a;
	facts[1].uuid = b;
	parse(&facts[0].executed, GTID_MYSQL,
	    "aaaaaaaa-0000-0000-0000-000000000001:1-10,"
	    "cccccccc-0000-0000-0000-000000000003:1-5");
	parse(&facts[1].executed, GTID_MYSQL,
	    "aaaaaaaa-0000-0000-0000-000000000001:1-12,"
	    "cccccccc-0000-0000-0000-000000000003:1-7");
	expect(1, HA_STATUS_OK, "replicates"); /* it was read later */
	assert_non_null(strstr(verdict.perf.data, "errant=0"));
	parse(&facts[1].executed, GTID_MYSQL,
	    "aaaaaaaa-0000-0000-0000-000000000001:1-10,"
	    "bbbbbbbb-0000-0000-0000-000000000002:1-3");
	expect(1, HA_STATUS_WARN,
	    "3 errant transactions, which its source never had: "
	    "bbbbbbbb-0000-0000-0000-000000000002:1-3");
	assert_non_null(strstr(verdict.perf.data, "errant=3"));
	make_dual(); /* they go to db-a, sooner or later */
	expect(1, HA_STATUS_OK, "replicates");
	parse(&facts[1].executed, GTID_MYSQL,
	    "dddddddd-0000-0000-0000-000000000004:7");
	topology.edge_count = 1;
	expect(1, HA_STATUS_WARN, "1 errant transaction, ");
	edges[1] = (struct edge){
		.replica = 0, .source = STRANGER, .channel = &channels[0]
	};
	topology.edge_count = 2; /* from there, perhaps */
	check_judge(&verdict, &topology, 1, &options);
	expect_not("errant");
}

static void
test_errant_mariadb(void **state)
{
	(void)state;
	parse(&facts[0].executed, GTID_MARIADB, "0-1-100,0-9-50");
	parse(&facts[1].executed, GTID_MARIADB, "0-1-101,0-9-50");
	expect(1, HA_STATUS_OK, "replicates");
	parse(&facts[1].executed, GTID_MARIADB, "0-1-100,0-2-102");
	expect(1, HA_STATUS_WARN,
	    "2 errant transactions, which its source "
	    "never had: 0-2-101..102");
	assert_non_null(strstr(verdict.perf.data, "errant=2"));
	parse(&facts[1].executed, GTID_MARIADB, "0-1-9,0-2-10,0-9-5");
	expect(1, HA_STATUS_WARN,
	    "1 errant transaction, which its source "
	    "never had: 0-2-10");
	expect_not("up to");
	parse(&facts[1].executed, GTID_MARIADB, "0-1-100,0-2-10,0-9-5");
	expect(1, HA_STATUS_WARN,
	    "up to 5 errant transactions, which its "
	    "source never had: 0-2-6..10");
	parse(&facts[1].executed, GTID_MARIADB, "0-1-100,5-2-3");
	expect(1, HA_STATUS_WARN,
	    "3 errant transactions, which its source "
	    "never had: 5-2-3");
	parse(&facts[1].executed, GTID_MARIADB, "0-1-100,0-2-102");
	/* db-a had it of db-b, and doesn't log what it replicates. */
	parse(&facts[0].applied, GTID_MARIADB, "0-2-102");
	expect(1, HA_STATUS_OK, "replicates");
	parse(&facts[0].applied, GTID_MARIADB, "0-2-101");
	expect(1, HA_STATUS_WARN, "1 errant transaction, ");
	parse(&facts[0].executed, GTID_MARIADB, "");
	check_judge(&verdict, &topology, 1, &options);
	expect_not("errant");
}

static void
test_writable(void **state)
{
	(void)state;
	set(1, "read_only", "OFF");
	expect(1, HA_STATUS_WARN, "a replica that may be written to");
	expect_set(HA_STATUS_CRIT, "2 writers where one is wanted (oneway): "
				   "db-a, db-b");
	make_dual();
	expect(1, HA_STATUS_OK, "writable");
	expect_set(HA_STATUS_CRIT, "2 writers where one is wanted (dual)");
	topology.kind = TOPOLOGY_RING;
	expect_set(HA_STATUS_OK, "2 nodes of the ring write");
	topology.kind = TOPOLOGY_ANY;
	expect_set(HA_STATUS_WARN, "2 nodes may be written to");
	options.topology = TOPOLOGY_DUAL;
	expect_set(HA_STATUS_CRIT, "2 writers where one is wanted (dual)");
	fleet.count = 1;
	topology.edge_count = 0;
	expect(0, HA_STATUS_OK, "writable");
}

static void
test_read_only(void **state)
{
	(void)state;
	set(0, "read_only", "ON");
	expect(0, HA_STATUS_CRIT, "the primary is read-only");
	expect_set(HA_STATUS_CRIT, "no node may be written to");
	topology.edge_count = 0;
	expect(0, HA_STATUS_CRIT, "neither a primary nor a replica");
	set(0, "read_only", "OFF");
	expect(0, HA_STATUS_WARN, "none of the others from it");
	options.topology = TOPOLOGY_DUAL;
	expect(0, HA_STATUS_CRIT, "replicates from nobody, in a dual");
	expect_set(HA_STATUS_WARN, "meant to be a dual topology, but it is "
				   "oneway");
	topology.has_loop = 1;
	expect_set(HA_STATUS_WARN, "there is a loop");
}

static void
test_stranger(void **state)
{
	(void)state;
	edges[0].source = STRANGER;
	expect(1, HA_STATUS_WARN,
	    "replicates from 10.0.0.1:3306, which is "
	    "none of these nodes");
	fleet.count = 1;
	list[0] = &facts[1];
	edges[0].replica = 0;
	expect(0, HA_STATUS_OK, "replicates from 10.0.0.1:3306, 0.120 s");
	list[0] = &facts[0];
}

static void
test_semi_sync(void **state)
{
	(void)state;
	set(0, "rpl_semi_sync_master_enabled", "ON");
	set(0, "Rpl_semi_sync_master_status", "OFF");
	set(1, "rpl_semi_sync_replica_enabled", "ON");
	set(1, "Rpl_semi_sync_replica_status", "OFF");
	expect(0, HA_STATUS_WARN, "no replica acknowledges");
	expect(1, HA_STATUS_WARN, "semi-sync is enabled but OFF");
	set(0, "Rpl_semi_sync_master_status", "ON");
	set(1, "Rpl_semi_sync_replica_status", "ON");
	expect(0, HA_STATUS_OK, "primary");
	expect(1, HA_STATUS_OK, "replicates");
	set(1, "rpl_semi_sync_source_enabled", "ON");
	set(1, "Rpl_semi_sync_source_status", "OFF");
	expect(1, HA_STATUS_OK, "replicates"); /* it doesn't commit */
}

static void
test_clock(void **state)
{
	(void)state;
	facts[0].clock_us = NOW_US - 90000000;
	expect(
	    0, HA_STATUS_WARN, "its clock is 1 m 30 s behind this machine's");
	facts[0].clock_us = NOW_US + 3000000;
	expect(0, HA_STATUS_WARN, "its clock is 3.000 s ahead of this");
	facts[0].answered_us = NOW_US + 10000000; /* it may have been then */
	expect(0, HA_STATUS_OK, "primary");
}

static void
test_journal(void **state)
{
	(void)state;
	journal = 1;
	expect(1, HA_STATUS_CRIT, "run ha-repl recover db-b");
	journal = -1;
	expect(1, HA_STATUS_UNKNOWN, "can't tell whether an act");
}

static void
test_worst_first(void **state)
{
	const char *crit, *warn, *ok;

	(void)state;
	set(1, "read_only", "OFF");
	channels[1].receiver = THREAD_NO;
	expect(1, HA_STATUS_CRIT, "is stopped");
	crit = strstr(verdict.words.data, "is stopped");
	warn = strstr(verdict.words.data, "may be written to");
	ok = strstr(verdict.words.data, "0.120 s behind by now");
	assert_non_null(warn);
	assert_non_null(ok);
	assert_true(crit < warn && warn < ok);
}

static void
test_causes(void **state)
{
	(void)state;
	assert_null(cause_find(0, ""));
	assert_null(cause_find(60000, NULL));
	assert_ptr_equal(cause_find(1236, NULL), cause_find(13114, "else"));
	assert_non_null(
	    strstr(cause_find(1236, "the source purged required logs")->meaning,
		"purged"));
	assert_non_null(strstr(
	    cause_find(13117, "equal MySQL server UUIDs; these")->meaning,
	    "server_uuid"));
	assert_non_null(
	    strstr(cause_find(1593, "equal MySQL server ids; these")->meaning,
		"server_id"));
}

#define test(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		test(test_all_well),
		test(test_no_answer),
		test(test_privilege),
		test(test_stopped),
		test(test_every_channel),
		test(test_lag),
		test(test_no_row),
		test(test_nobody_writes_above),
		test(test_silent_link),
		test(test_no_room),
		test(test_same_id),
		test(test_errant_mysql),
		test(test_errant_mariadb),
		test(test_writable),
		test(test_read_only),
		test(test_stranger),
		test(test_semi_sync),
		test(test_clock),
		test(test_journal),
		test(test_worst_first),
		test(test_causes),
	};

	return cmocka_run_group_tests_name("check", tests, NULL, NULL);
}
