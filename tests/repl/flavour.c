/* SPDX-License-Identifier: ISC */
/* flavour - the statements of each, as its server takes them. */
#include "test.h"

#include "flavour.h"
#include "rows.h"

/* What leaves all as it is. */
#define LEFT                                                                   \
	.channel = "", .has_tls = -1, .is_verified = -1,                       \
	.connect_retry_s = -1, .retry_count = -1

static void
assert_change(const struct flavour *flavour, const struct source *source,
    const struct facts *facts, const char *wanted)
{
	struct ha_buf sql = HA_BUF_INIT;

	flavour->change(&sql, source, facts);
	assert_string_equal(sql.data, wanted);
	ha_buf_release(&sql);
}

static void
assert_channel(void (*add)(struct ha_buf *, const char *), const char *usual,
    const char *named)
{
	struct ha_buf sql = HA_BUF_INIT;

	add(&sql, "");
	assert_string_equal(sql.data, usual);
	ha_buf_reset(&sql);
	add(&sql, "we'st");
	assert_string_equal(sql.data, named);
	ha_buf_release(&sql);
}

static void
test_which(void **state __attribute__((unused)))
{
	assert_ptr_equal(
	    flavour_of("10.11.19-MariaDB-0+deb12u1"), &flavour_mariadb);
	assert_ptr_equal(
	    flavour_of("5.5.5-10.11.19-MariaDB"), &flavour_mariadb);
	assert_ptr_equal(flavour_of("9.7.4-2"), &flavour_mysql);
	assert_ptr_equal(flavour_of("5.6.24-log"), &flavour_mysql);
	assert_ptr_equal(flavour_of(""), &flavour_mysql);
	assert_ptr_equal(flavour_other(&flavour_mysql), &flavour_mysql_old);
	assert_ptr_equal(flavour_other(&flavour_mysql_old), &flavour_mysql);
	assert_null(flavour_other(&flavour_mariadb));
}

static void
test_gtid(void **state __attribute__((unused)))
{
	struct source source = { LEFT, .host = "10.0.0.1", .port = 3307,
		.user = "repl", .password = "it's",
		.gtid = GTID_USE_SLAVE_POS };

	assert_change(&flavour_mariadb, &source, NULL,
	    "CHANGE MASTER TO MASTER_HOST = '10.0.0.1', MASTER_PORT = 3307, "
	    "MASTER_USER = 'repl', MASTER_PASSWORD = 'it''s', "
	    "MASTER_USE_GTID = slave_pos");
	source = (struct source){ LEFT, .gtid = GTID_USE_SLAVE_POS,
		.is_demotion = 1 };
	assert_change(&flavour_mariadb, &source, NULL,
	    "CHANGE MASTER TO MASTER_USE_GTID = slave_pos, "
	    "MASTER_DEMOTE_TO_SLAVE = 1");
	source.gtid = GTID_USE_CURRENT_POS;
	assert_change(&flavour_mariadb, &source, NULL,
	    "CHANGE MASTER TO MASTER_USE_GTID = current_pos");
	source.gtid = GTID_USE_AUTO;
	assert_change(&flavour_mysql, &source, NULL,
	    "CHANGE REPLICATION SOURCE TO SOURCE_AUTO_POSITION = 1");
	assert_change(&flavour_mysql_old, &source, NULL,
	    "CHANGE MASTER TO MASTER_AUTO_POSITION = 1");
}

static void
test_position(void **state __attribute__((unused)))
{
	struct source source = { LEFT, .file = "b.000001", .at = UINT64_MAX };

	source.channel = "w";
	assert_change(&flavour_mariadb, &source, NULL,
	    "CHANGE MASTER 'w' TO MASTER_LOG_FILE = 'b.000001', "
	    "MASTER_LOG_POS = 18446744073709551615, MASTER_USE_GTID = no");
	assert_change(&flavour_mysql, &source, NULL,
	    "CHANGE REPLICATION SOURCE TO SOURCE_AUTO_POSITION = 0, "
	    "SOURCE_LOG_FILE = 'b.000001', "
	    "SOURCE_LOG_POS = 18446744073709551615 FOR CHANNEL 'w'");
	assert_change(&flavour_mysql_old, &source, NULL,
	    "CHANGE MASTER TO MASTER_AUTO_POSITION = 0, "
	    "MASTER_LOG_FILE = 'b.000001', "
	    "MASTER_LOG_POS = 18446744073709551615 FOR CHANNEL 'w'");
}

static void
test_settings(void **state __attribute__((unused)))
{
	const struct source source = { .channel = "",
		.has_tls = 1,
		.is_verified = 0,
		.ca = "a",
		.cert = "b",
		.key = "c",
		.ignored_ids = "1, 3); DROP",
		.heartbeat_period_s = 0.25,
		.connect_retry_s = 3,
		.retry_count = 7 };

	assert_change(&flavour_mysql, &source, NULL,
	    "CHANGE REPLICATION SOURCE TO SOURCE_SSL = 1, SOURCE_SSL_CA = 'a', "
	    "SOURCE_SSL_CERT = 'b', SOURCE_SSL_KEY = 'c', "
	    "SOURCE_SSL_VERIFY_SERVER_CERT = 0, SOURCE_CONNECT_RETRY = 3, "
	    "SOURCE_HEARTBEAT_PERIOD = 0.250, IGNORE_SERVER_IDS = (1, 3 ), "
	    "SOURCE_RETRY_COUNT = 7");
	assert_change(&flavour_mariadb, &source, NULL,
	    "CHANGE MASTER TO MASTER_SSL = 1, MASTER_SSL_CA = 'a', "
	    "MASTER_SSL_CERT = 'b', MASTER_SSL_KEY = 'c', "
	    "MASTER_SSL_VERIFY_SERVER_CERT = 0, MASTER_CONNECT_RETRY = 3, "
	    "MASTER_HEARTBEAT_PERIOD = 0.250, IGNORE_SERVER_IDS = (1, 3 )");
}

/* 5.x has no caching_sha2_password, and no word for its key. */
static void
test_public_key(void **state __attribute__((unused)))
{
	const struct source source = { LEFT, .user = "r",
		.gets_public_key = 1 };
	struct facts facts = { .status_rows =
				   rows_of("Get_master_public_key\n") };

	assert_change(&flavour_mysql, &source, NULL,
	    "CHANGE REPLICATION SOURCE TO SOURCE_USER = 'r', "
	    "GET_SOURCE_PUBLIC_KEY = 1");
	assert_change(&flavour_mysql_old, &source, &facts,
	    "CHANGE MASTER TO MASTER_USER = 'r', GET_MASTER_PUBLIC_KEY = 1");
	ha_db_result_release(&facts.status_rows);
	assert_change(&flavour_mysql_old, &source, &facts,
	    "CHANGE MASTER TO MASTER_USER = 'r'");
}

static void
test_verbs(void **state __attribute__((unused)))
{
	assert_channel(
	    flavour_mariadb.start, "START SLAVE", "START SLAVE 'we''st'");
	assert_channel(flavour_mariadb.stop_receiver, "STOP SLAVE IO_THREAD",
	    "STOP SLAVE 'we''st' IO_THREAD");
	assert_channel(flavour_mariadb.reset, "RESET SLAVE ALL",
	    "RESET SLAVE 'we''st' ALL");
	assert_channel(flavour_mysql.stop, "STOP REPLICA",
	    "STOP REPLICA FOR CHANNEL 'we''st'");
	assert_channel(flavour_mysql.stop_receiver, "STOP REPLICA IO_THREAD",
	    "STOP REPLICA IO_THREAD FOR CHANNEL 'we''st'");
	assert_channel(flavour_mysql.reset, "RESET REPLICA ALL",
	    "RESET REPLICA ALL FOR CHANNEL 'we''st'");
	assert_channel(flavour_mysql_old.start, "START SLAVE",
	    "START SLAVE FOR CHANNEL 'we''st'");
	assert_channel(flavour_mysql_old.reset, "RESET SLAVE ALL",
	    "RESET SLAVE ALL FOR CHANNEL 'we''st'");
}

static void
test_wait(void **state __attribute__((unused)))
{
	struct ha_buf sql = HA_BUF_INIT;

	flavour_mariadb.wait_gtid(&sql, "0-1-2", 5);
	assert_string_equal(sql.data, "SELECT MASTER_GTID_WAIT('0-1-2', 5)");
	ha_buf_reset(&sql);
	flavour_mysql.wait_gtid(&sql, "u:1", 5);
	assert_string_equal(
	    sql.data, "SELECT -WAIT_FOR_EXECUTED_GTID_SET('u:1', 5)");
	ha_buf_reset(&sql);
	flavour_mysql.wait_position(&sql, "w", "b.1", 4, 5);
	assert_string_equal(
	    sql.data, "SELECT SOURCE_POS_WAIT('b.1', 4, 5, 'w')");
	ha_buf_reset(&sql);
	flavour_mysql_old.wait_position(&sql, "", "b.1", 4, 5);
	assert_string_equal(sql.data, "SELECT MASTER_POS_WAIT('b.1', 4, 5)");
	ha_buf_release(&sql);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_which),
		cmocka_unit_test(test_gtid),
		cmocka_unit_test(test_position),
		cmocka_unit_test(test_settings),
		cmocka_unit_test(test_public_key),
		cmocka_unit_test(test_verbs),
		cmocka_unit_test(test_wait),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
