/* SPDX-License-Identifier: ISC */
/* facts - what is read out of what the servers of three flavours returned. */
#include "test.h"

#include <inttypes.h>

#include "facts-parts.h"
#include "flavour.h"
#include "rows.h"

#define U "b84767e4-e6f9-11f1-aa6d-02fc00000001"

static char name[] = "db";
static struct node node = { .name = name };

static void
begin(struct facts *facts, enum gtid_kind kind)
{
	facts_init(facts, &node);
	facts->executed.kind = kind;
}

static void
assert_set(const struct gtid_set *set, const char *wanted)
{
	struct ha_buf text = HA_BUF_INIT;

	gtid_add_text(&text, set);
	assert_string_equal(text.data, wanted);
	ha_buf_release(&text);
}

static void
assert_stamp(const char *text, int64_t wanted)
{
	int64_t us = 0;

	assert_int_equal(facts_stamp(text, &us), 0);
	if (us != wanted)
		fail_msg("%s is %" PRId64, text, us);
}

static void
test_stamp(void **state __attribute__((unused)))
{
	static const char *const wrong[] = { NULL, "", "2026-11-23",
		"2026-11-23T04:20", "2026-11-23T04:20:00Z",
		"0000-00-00 00:00:00.000000", "2026-13-01T00:00:00",
		"2026-11-23T04:20:00.1x", "2026-11-23T24:20:00",
		"1969-12-31T23:59:59", "20x6-11-23T04:20:00" };
	int64_t us;

	assert_stamp("1970-01-01 00:00:00", 0);
	assert_stamp("2026-11-23T04:53:19.961392", 1795409599961392);
	assert_stamp("2026-11-23 04:53:19.5", 1795409599500000);
	assert_stamp("2024-02-29T12:00:00.0000019", 1709208000000001);
	assert_stamp("2100-03-01T00:00:00", 4107542400000000);
	assert_stamp("9999-12-31T23:59:59.999999", 253402300799999999);
	for (size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); i++)
		assert_int_equal(facts_stamp(wrong[i], &us), -1);
}

static void
test_numbers(void **state __attribute__((unused)))
{
	assert_int_equal(facts_integer("-7", -1), -7);
	assert_int_equal(facts_integer(NULL, -1), -1);
	assert_int_equal(facts_integer("", 5), 5);
	assert_int_equal(facts_integer("12x", -1), -1);
	assert_int_equal(facts_integer("3.000", -1), 3);
	assert_int_equal(facts_integer("-1e99", -1), -1);
	assert_int_equal(
	    facts_integer("-99999999999999999999", -1), -FACTS_INTEGER_MAX);
	assert_int_equal(
	    facts_integer("18446744073709551615", -1), FACTS_INTEGER_MAX);
	assert_true(facts_offset("18446744073709551615") == UINT64_MAX);
	assert_true(facts_offset("99999999999999999999") == UINT64_MAX);
	assert_int_equal(facts_offset("-1"), 0);
	assert_int_equal(facts_offset(NULL), 0);
	assert_int_equal(facts_thousandths("2.5", -1), 2500);
	assert_int_equal(facts_thousandths("0.001", -1), 1);
	assert_int_equal(facts_thousandths("30", -1), 30000);
	assert_int_equal(facts_thousandths("18446744073709551615", -1), -1);
	assert_int_equal(facts_thousandths(NULL, -1), -1);
}

/* SHOW ALL SLAVES STATUS of 10.11: two connections, the second never began. */
static const char mariadb_rows[] =
    "Connection_name|Slave_IO_State|Master_Host|Master_User|Master_Port|"
    "Master_Log_File|Read_Master_Log_Pos|Relay_Master_Log_File|"
    "Slave_IO_Running|Slave_SQL_Running|Replicate_Do_DB|"
    "Replicate_Wild_Ignore_Table|Exec_Master_Log_Pos|Master_SSL_Allowed|"
    "Seconds_Behind_Master|Master_SSL_Verify_Server_Cert|Last_IO_Errno|"
    "Last_IO_Error|Last_SQL_Errno|Last_SQL_Error|"
    "Replicate_Ignore_Server_Ids|Master_Server_Id|Using_Gtid|Gtid_IO_Pos|"
    "Replicate_Ignore_Domain_Ids|SQL_Delay|Slave_SQL_Running_State|"
    "Slave_heartbeat_period\n"
    "|Waiting for master to send event|10.0.0.1|repl|3306|binlog.000007|"
    "18446744073709551615|binlog.000006|Yes|No|a,b|t.x%|4|Yes|0|No|0||1062|"
    "Duplicate entry||1|Slave_Pos|0-1-4,1-2-7||5|broken|3.000\n"
    "b||db-c|repl|3307||4||Connecting|Yes|||0|No|NULL|Yes|2003|can't||NULL|"
    "7, 9|0|Current_Pos||3|0||2.500\n";

static void
test_mariadb(void **state __attribute__((unused)))
{
	struct facts facts;
	const struct channel *one, *two;

	begin(&facts, GTID_MARIADB);
	facts.status_rows = rows_of(mariadb_rows);
	facts_add_channels(&facts);
	assert_int_equal(facts.channel_count, 2);
	one = facts_channel(&facts, "");
	two = facts_channel(&facts, "B");
	assert_ptr_equal(one, facts_channel(&facts, NULL));
	assert_null(facts_channel(&facts, "c"));
	assert_string_equal(one->source_host, "10.0.0.1");
	assert_string_equal(one->source_user, "repl");
	assert_int_equal(one->source_port, 3306);
	assert_int_equal(one->source_id, 1);
	assert_null(one->source_uuid);
	assert_int_equal(one->receiver, THREAD_YES);
	assert_int_equal(one->applier, THREAD_NO);
	assert_int_equal(one->applier_error, 1062);
	assert_string_equal(one->applier_words, "Duplicate entry");
	assert_string_equal(one->applier_state, "broken");
	assert_string_equal(
	    one->receiver_state, "Waiting for master to send event");
	assert_string_equal(one->read.file, "binlog.000007");
	assert_true(one->read.at == UINT64_MAX);
	assert_string_equal(one->executed.file, "binlog.000006");
	assert_int_equal(one->executed.at, 4);
	assert_int_equal(one->gtid, GTID_USE_SLAVE_POS);
	assert_set(&one->retrieved, "0-1-4,1-2-7");
	assert_int_equal(one->delay_s, 5);
	assert_int_equal(one->heard_ms, -1);
	assert_true(one->heartbeat_period_s == 3);
	assert_string_equal(one->filters,
	    "Replicate_Do_DB=a,b Replicate_Wild_Ignore_Table=t.x%");
	assert_string_equal(one->ignored_ids, "");
	assert_int_equal(one->is_tls, 1);
	assert_int_equal(one->is_verified, 0);
	assert_string_equal(
	    ha_db_get(one->row_of, one->row, "Master_Host"), "10.0.0.1");

	assert_string_equal(two->name, "b");
	assert_int_equal(two->source_id, -1);
	assert_int_equal(two->receiver, THREAD_CONNECTING);
	assert_int_equal(two->receiver_error, 2003);
	assert_string_equal(two->receiver_words, "can't");
	assert_string_equal(two->applier_words, "");
	assert_null(two->read.file);
	assert_null(two->executed.file);
	assert_int_equal(two->gtid, GTID_USE_CURRENT_POS);
	assert_int_equal(two->seconds_behind, -1);
	assert_string_equal(two->ignored_ids, "7, 9");
	assert_string_equal(two->filters, "Replicate_Ignore_Domain_Ids=3");
	facts_release(&facts);
}

/* SHOW REPLICA STATUS of 9.7, as far as it is read. */
static const char mysql_row[] =
    "Replica_IO_State|Waiting for source to send event\n"
    "Source_Host|10.0.0.1\n"
    "Source_User|repl\n"
    "Source_Port|3306\n"
    "Source_Log_File|binlog.000001\n"
    "Read_Source_Log_Pos|793\n"
    "Relay_Source_Log_File|binlog.000001\n"
    "Replica_IO_Running|Yes\n"
    "Replica_SQL_Running|Yes\n"
    "Replicate_Do_DB|\n"
    "Exec_Source_Log_Pos|158\n"
    "Source_SSL_Allowed|Yes\n"
    "Seconds_Behind_Source|1\n"
    "Source_SSL_Verify_Server_Cert|Yes\n"
    "Last_IO_Errno|0\n"
    "Last_IO_Error|\n"
    "Last_SQL_Errno|0\n"
    "Last_SQL_Error|\n"
    "Replicate_Ignore_Server_Ids|\n"
    "Source_Server_Id|3\n"
    "Source_UUID|" U "\n"
    "SQL_Delay|0\n"
    "Replica_SQL_Running_State|Replica has read all relay log\n"
    "Retrieved_Gtid_Set|" U ":1-3\n"
    "Executed_Gtid_Set|" U ":1-3\n"
    "Auto_Position|1\n"
    "Channel_Name|east\n";

static void
test_mysql(void **state __attribute__((unused)))
{
	struct facts facts;
	const struct channel *channel;

	begin(&facts, GTID_MYSQL);
	facts.status_rows = rows_of_one(mysql_row);
	facts_add_channels(&facts);
	assert_int_equal(facts.channel_count, 1);
	channel = facts_channel(&facts, "east");
	assert_non_null(channel);
	assert_string_equal(channel->source_uuid, U);
	assert_int_equal(channel->source_id, 3);
	assert_int_equal(channel->receiver, THREAD_YES);
	assert_int_equal(channel->applier, THREAD_YES);
	assert_int_equal(channel->read.at, 793);
	assert_int_equal(channel->executed.at, 158);
	assert_int_equal(channel->gtid, GTID_USE_AUTO);
	assert_set(&channel->retrieved, U ":1-3");
	assert_int_equal(channel->seconds_behind, 1);
	assert_int_equal(channel->is_verified, 1);
	assert_string_equal(channel->filters, "");
	assert_string_equal(
	    channel->applier_state, "Replica has read all relay log");
	facts_release(&facts);
}

/* 5.6 has no channels' names, and tells the period in its status. */
static void
test_mysql_old(void **state __attribute__((unused)))
{
	struct facts facts;
	const struct channel *channel;

	begin(&facts, GTID_MYSQL);
	facts.status = rows_of("Variable_name|Value\n"
			       "Slave_heartbeat_period|1800.250\n");
	facts.status_rows = rows_of_one("Master_Host|10.0.0.1\n"
					"Master_Log_File|binlog.000001\n"
					"Read_Master_Log_Pos|663\n"
					"Relay_Master_Log_File|binlog.000001\n"
					"Exec_Master_Log_Pos|600\n"
					"Slave_IO_Running|No\n"
					"Slave_SQL_Running|Yes\n"
					"Master_UUID|\n"
					"Master_Server_Id|5\n"
					"Seconds_Behind_Master|NULL\n"
					"Auto_Position|0\n"
					"Retrieved_Gtid_Set|junk\n");
	facts_add_channels(&facts);
	channel = facts_channel(&facts, "");
	assert_non_null(channel);
	assert_null(channel->source_uuid);
	assert_int_equal(channel->source_id, 5);
	assert_int_equal(channel->receiver, THREAD_NO);
	assert_int_equal(channel->executed.at, 600);
	assert_int_equal(channel->gtid, GTID_USE_NO);
	assert_int_equal(channel->seconds_behind, -1);
	assert_int_equal(channel->is_tls, -1);
	assert_true(gtid_is_empty(&channel->retrieved));
	assert_true(channel->heartbeat_period_s == 1800.25);
	facts_release(&facts);
}

#define RECEIVED_NAMES                                                         \
	"CHANNEL_NAME|LAST_HEARTBEAT_TIMESTAMP|"                               \
	"LAST_QUEUED_TRANSACTION_END_QUEUE_TIMESTAMP|"                         \
	"QUEUEING_TRANSACTION_START_QUEUE_TIMESTAMP|HEARTBEAT_INTERVAL|"       \
	"since_s|asked_at\n"
#define NEVER "0000-00-00 00:00:00.000000"

static void
assert_heard(const char *row, int64_t wanted_ms)
{
	struct facts facts;
	struct ha_db_result received = rows_of(row);

	begin(&facts, GTID_MYSQL);
	facts.status_rows = rows_of("Channel_Name|Source_Host\na|x\n|y\n");
	facts_add_channels(&facts);
	facts_add_received(&facts, &received);
	assert_int_equal(facts.channels[0].heard_ms, -1);
	assert_int_equal(facts.channels[1].heard_ms, wanted_ms);
	ha_db_result_release(&received);
	facts_release(&facts);
}

static void
test_heard(void **state __attribute__((unused)))
{
	/* Whatever came last, the heartbeat or a transaction. */
	assert_heard(RECEIVED_NAMES
	    "|2026-11-23 04:00:00.000000|2026-11-23 04:00:09.500000|" NEVER
	    "|2.500|100|2026-11-23 04:00:10.000000\n",
	    500);
	assert_heard(RECEIVED_NAMES "|2026-11-23 04:00:00.000000|" NEVER
				    "|" NEVER
				    "|2.500|NULL|2026-11-23 04:00:10.000000\n",
	    10000);
	/* No longer than since the thread began. */
	assert_heard(RECEIVED_NAMES "|2026-11-23 04:00:00.000000|" NEVER
				    "|" NEVER
				    "|2.500|3|2026-11-23 04:00:10.000000\n",
	    4000);
	assert_heard(RECEIVED_NAMES "|" NEVER "|" NEVER "|" NEVER
				    "|2.500|3|2026-11-23 04:00:10.000000\n",
	    4000);
	assert_heard(RECEIVED_NAMES "|" NEVER "|" NEVER "|" NEVER
				    "|2.500|NULL|2026-11-23 04:00:10.000000\n",
	    -1);
	/* 5.7 tells of heartbeats alone. */
	assert_heard("CHANNEL_NAME|LAST_HEARTBEAT_TIMESTAMP|asked_at\n"
		     "|2026-11-23 04:00:00|2026-11-23 04:00:10.000000\n",
	    -1);
}

static void
test_period(void **state __attribute__((unused)))
{
	struct facts facts;
	struct ha_db_result received = rows_of(
	    "CHANNEL_NAME|HEARTBEAT_INTERVAL\n|2.500\nnone|7\nNULL|1\n");

	begin(&facts, GTID_MYSQL);
	facts.status_rows = rows_of("Channel_Name|Source_Host\n|x\n");
	facts_add_channels(&facts);
	assert_true(facts.channels[0].heartbeat_period_s == -1);
	facts_add_received(&facts, &received);
	assert_true(facts.channels[0].heartbeat_period_s == 2.5);
	ha_db_result_release(&received);
	facts_release(&facts);
}

static void
test_failures(void **state __attribute__((unused)))
{
	struct facts facts;
	struct ha_db_result failures =
	    rows_of("CHANNEL_NAME|LAST_ERROR_NUMBER|LAST_ERROR_MESSAGE\n"
		    "|1062|the latest\n|1062|an older one\n|1032|another\n"
		    "b|1062|of b\n");

	begin(&facts, GTID_MYSQL);
	facts.status_rows = rows_of("Channel_Name|Last_SQL_Errno|"
				    "Last_SQL_Error\n|1062|see there\nb|0|\n");
	facts_add_channels(&facts);
	facts_add_failures(&facts, &failures);
	assert_string_equal(facts.channels[0].applier_words, "the latest");
	assert_string_equal(facts.channels[1].applier_words, "");
	ha_db_result_release(&failures);
	facts_release(&facts);
}

static void
test_own(void **state __attribute__((unused)))
{
	struct facts facts;
	struct ha_db_result own =
	    rows_of("File|Position|Binlog_Do_DB|Binlog_Ignore_DB|"
		    "Executed_Gtid_Set\nbinlog.000001|810|a,b|c|x\n");
	struct ha_db_result gtids = rows_of(
	    "executed|position|purged\n" U ":1-9|" U ":1-9|" U ":1-4\n");
	struct ha_db_result none = HA_DB_RESULT_INIT;

	begin(&facts, GTID_MYSQL);
	facts_add_own(&facts, &own, &gtids);
	assert_string_equal(facts.own.file, "binlog.000001");
	assert_int_equal(facts.own.at, 810);
	assert_string_equal(
	    facts.log_filters, "Binlog_Do_DB=a,b Binlog_Ignore_DB=c");
	assert_set(&facts.executed, U ":1-9");
	assert_set(&facts.position, U ":1-9");
	assert_set(&facts.purged, U ":1-4");
	facts_release(&facts);

	begin(&facts, GTID_MARIADB);
	facts.variables =
	    rows_of("Variable_name|Value\ngtid_slave_pos|0-1-3\n");
	facts_add_own(&facts, &none, &none);
	assert_set(&facts.applied, "0-1-3");
	assert_null(facts.own.file);
	assert_string_equal(facts.log_filters, "");
	assert_int_equal(facts.executed.kind, GTID_MARIADB);
	facts_release(&facts);
	ha_db_result_release(&own);
	ha_db_result_release(&gtids);
}

static void
test_beats(void **state __attribute__((unused)))
{
	struct facts facts;
	struct ha_db_result rows =
	    rows_of("ts|server_id|file|position|relay_master_log_file|"
		    "exec_master_log_pos|asked_at\n"
		    "2026-11-23T04:00:00.250000|1|binlog.000001|12|NULL|NULL|"
		    "2026-11-23 04:00:10.000000\n"
		    "never|2|NULL|NULL|NULL|NULL|2026-11-23 04:00:10.000000\n"
		    "2026-11-23T04:00:09|3|b|1|a|18446744073709551615|"
		    "2026-11-23 04:00:10.000000\n");

	begin(&facts, GTID_MYSQL);
	facts_add_beats(&facts, &rows);
	assert_int_equal(facts.beat_count, 2);
	assert_int_equal(facts.beats[0].server_id, 1);
	assert_string_equal(facts.beats[0].position.file, "binlog.000001");
	assert_int_equal(facts.beats[0].position.at, 12);
	assert_null(facts.beats[0].executed.file);
	assert_int_equal(facts_lag_us(&facts, &facts.beats[0], NULL), 9750000);
	assert_string_equal(facts.beats[1].executed.file, "a");
	assert_true(facts.beats[1].executed.at == UINT64_MAX);
	facts_release(&facts);
	ha_db_result_release(&rows);
}

/* pt-heartbeat without --utc, east of Greenwich. */
static void
test_local_beats(void **state __attribute__((unused)))
{
	struct facts facts;
	struct ha_db_result rows =
	    rows_of("ts|server_id|asked_at\n"
		    "2026-11-23T12:00:07.000000|1|2026-11-23 04:00:10.000000\n"
		    "2026-11-23T04:00:08.000000|2|2026-11-23 04:00:10.000000\n"
		    "2026-11-23T04:00:12.000000|3|2026-11-23 04:00:10.000000"
		    "\n");

	begin(&facts, GTID_MYSQL);
	facts.zone_s = 8 * 3600;
	facts_add_beats(&facts, &rows);
	assert_int_equal(facts_lag_us(&facts, &facts.beats[0], NULL), 3000000);
	assert_int_equal(facts_lag_us(&facts, &facts.beats[1], NULL), 2000000);
	assert_int_equal(facts_lag_us(&facts, &facts.beats[2], NULL), -2000000);
	facts_release(&facts);
	ha_db_result_release(&rows);
}

/* ... and west of it, where only the writer's own row tells. */
static void
test_west(void **state __attribute__((unused)))
{
	const int64_t hour_us = INT64_C(3600000000);
	struct beat own = { .server_id = 1, .written_us = 100 * hour_us };
	struct beat beat = own;
	struct facts replica = { .server_id = 2,
		.clock_us = 105 * hour_us + 7000000 };
	struct facts source = { .server_id = 1,
		.zone_s = -5 * 3600,
		.beats = &own,
		.beat_count = 1,
		.clock_us = 105 * hour_us + 3000000 };

	replica.asked_us = replica.answered_us = replica.clock_us;
	source.asked_us = source.answered_us = source.clock_us;
	assert_int_equal(facts_lag_us(&replica, &beat, &source), 7000000);
	source.zone_s = 0;
	assert_true(
	    facts_lag_us(&replica, &beat, &source) == 5 * hour_us + 7000000);
	source.zone_s = -4 * 3600;
	assert_true(
	    facts_lag_us(&replica, &beat, &source) == 5 * hour_us + 7000000);
}

/* Whose clock is wrong, and by how much, makes no difference. */
static void
test_skew(void **state __attribute__((unused)))
{
	const struct beat beat = { .server_id = 1, .written_us = 7000000 };
	struct facts replica = { .asked_us = 9000000,
		.answered_us = 11000000,
		.clock_us = 10000000 + 300 };
	struct facts source = { .asked_us = 9000000,
		.answered_us = 9000500,
		.clock_us = 9000250 - 2000000 };

	assert_int_equal(facts_lag_us(&replica, &beat, NULL), 3000300);
	assert_int_equal(facts_lag_us(&replica, &beat, &source), 1000000);
	replica.clock_us += 5000000;
	assert_int_equal(facts_lag_us(&replica, &beat, &source), 1000000);
	source.clock_us = 0;
	assert_int_equal(facts_lag_us(&replica, &beat, &source), 8000300);
}

static void
assert_hosts(const char *replicas, const char *dumps, const char *wanted)
{
	struct facts facts;
	struct ha_db_result result = rows_of(replicas);
	struct ha_db_result senders = rows_of(dumps);
	struct ha_buf hosts = HA_BUF_INIT;

	begin(&facts, GTID_MYSQL);
	facts_add_children(&facts, &result, &senders);
	for (size_t i = 0; i < facts.child_count; i++)
		ha_buf_addf(&hosts, "%" PRId64 "@%s:%u ",
		    facts.children[i].server_id, facts.children[i].host,
		    facts.children[i].port);
	assert_string_equal(hosts.data, wanted);
	ha_buf_release(&hosts);
	ha_db_result_release(&result);
	ha_db_result_release(&senders);
	facts_release(&facts);
}

static void
test_children(void **state __attribute__((unused)))
{
	assert_hosts("Server_Id|Host|Port|Source_Id|Replica_UUID\n"
		     "4|10.0.0.4|3306|3|" U "\n",
	    "Host\n10.0.0.4:41100\n", "4@10.0.0.4:3306 ");
	/* Not told, but it is the only address. */
	assert_hosts("Server_id|Host|Port|Master_id\n4||3306|3\n5|e|3307|3\n",
	    "Host\n[fe80::4]:41100\ne:7\n", "4@[fe80::4]:3306 5@e:3307 ");
	/* Which of the two? */
	assert_hosts("Server_id|Host|Port|Master_id\n4||3306|3\n5||3307|3\n",
	    "Host\n10.0.0.4:41100\n10.0.0.5:7\n", "4@:3306 5@:3307 ");
	assert_hosts(
	    "Server_id|Host|Port|Master_id\n4||3306|3\n", "Host\n", "4@:3306 ");
}

static void
assert_denied(unsigned error, const char *words, const char *wanted)
{
	struct facts facts;
	struct ha_db_result refused = rows_refused(error, words);

	begin(&facts, GTID_MYSQL);
	facts_add_denied(&facts, &refused, "SHOW X");
	assert_string_equal(facts.denied, wanted);
	if (*wanted) {
		facts_add_denied(&facts, &refused, "SHOW Y");
		assert_non_null(strstr(facts.denied, "SHOW X; "));
	}
	ha_db_result_release(&refused);
	facts_release(&facts);
}

static void
test_denied(void **state __attribute__((unused)))
{
	assert_denied(1227,
	    "Access denied; you need (at least one of) the SUPER, REPLICATION "
	    "CLIENT privilege(s) for this operation",
	    "SUPER or REPLICATION CLIENT for SHOW X");
	assert_denied(1227, "Zugriff verweigert", "a privilege for SHOW X");
	assert_denied(1142, "SELECT command denied", "SELECT on SHOW X");
	assert_denied(1146, "Table doesn't exist", "");
	assert_denied(1064, "syntax", "");
	assert_denied(0, "", "");
}

static void
test_values(void **state __attribute__((unused)))
{
	struct facts facts;

	begin(&facts, GTID_MYSQL);
	assert_int_equal(facts_is_on(&facts, "read_only"), -1);
	assert_int_equal(facts_is_writable(&facts), -1);
	assert_int_equal(facts_number(&facts, "server_id"), -1);
	facts.variables = rows_of("Variable_name|Value\nread_only|OFF\n"
				  "server_id|4294967295\nsync_binlog|1\n"
				  "gtid_mode|ON_PERMISSIVE\nnothing|NULL\n");
	facts.status = rows_of("Variable_name|Value\n"
			       "Rpl_semi_sync_source_status|ON\n");
	assert_int_equal(facts_is_on(&facts, "READ_ONLY"), 0);
	assert_int_equal(facts_is_writable(&facts), 1);
	assert_true(facts_number(&facts, "server_id") == 4294967295);
	assert_int_equal(facts_number(&facts, "read_only"), -1);
	assert_int_equal(facts_is_on(&facts, "sync_binlog"), 1);
	assert_int_equal(facts_is_on(&facts, "gtid_mode"), 0);
	assert_int_equal(facts_is_on(&facts, "nothing"), -1);
	assert_int_equal(facts_is_on(&facts, "rpl_semi_sync_source_status"), 1);
	assert_null(facts_variable(&facts, "rpl_semi_sync_source_status"));
	ha_db_result_release(&facts.variables);
	facts.variables = rows_of("Variable_name|Value\n"
				  "read_only|NO_LOCK_NO_ADMIN\n");
	assert_int_equal(facts_is_writable(&facts), 0);
	facts_release(&facts);
}

static void
test_origins(void **state __attribute__((unused)))
{
	struct facts facts;

	begin(&facts, GTID_MYSQL);
	facts.variables = rows_of("Variable_name|Value\nread_only|OFF\n"
				  "server_id|3\nsync_binlog|0\n"
				  "super_read_only|ON\nbinlog_format|ROW\n");
	assert_int_equal(facts_origin(&facts, "read_only"), ORIGIN_UNKNOWN);
	assert_null(facts_at_start(&facts, "read_only"));
	facts.origins = rows_of("name|origin|persisted\n"
				"READ_ONLY|DYNAMIC|ON\n"
				"server_id|EXPLICIT|NULL\n"
				"super_read_only|PERSISTED|ON\n"
				"sync_binlog|SQL|NULL\n");
	assert_int_equal(facts_origin(&facts, "read_only"), ORIGIN_SET);
	assert_string_equal(facts_at_start(&facts, "read_only"), "ON");
	assert_int_equal(facts_origin(&facts, "server_id"), ORIGIN_FILE);
	assert_string_equal(facts_at_start(&facts, "server_id"), "3");
	assert_int_equal(
	    facts_origin(&facts, "super_read_only"), ORIGIN_PERSISTED);
	assert_int_equal(facts_origin(&facts, "sync_binlog"), ORIGIN_SET);
	assert_null(facts_at_start(&facts, "sync_binlog"));
	assert_int_equal(facts_origin(&facts, "binlog_format"), ORIGIN_DEFAULT);
	assert_string_equal(facts_at_start(&facts, "binlog_format"), "ROW");
	assert_int_equal(facts_origin(&facts, "no_such"), ORIGIN_UNKNOWN);
	facts_release(&facts);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_stamp),
		cmocka_unit_test(test_numbers),
		cmocka_unit_test(test_mariadb),
		cmocka_unit_test(test_mysql),
		cmocka_unit_test(test_mysql_old),
		cmocka_unit_test(test_heard),
		cmocka_unit_test(test_period),
		cmocka_unit_test(test_failures),
		cmocka_unit_test(test_own),
		cmocka_unit_test(test_beats),
		cmocka_unit_test(test_local_beats),
		cmocka_unit_test(test_west),
		cmocka_unit_test(test_skew),
		cmocka_unit_test(test_children),
		cmocka_unit_test(test_denied),
		cmocka_unit_test(test_values),
		cmocka_unit_test(test_origins),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
