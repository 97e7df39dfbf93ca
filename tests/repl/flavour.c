/* SPDX-License-Identifier: ISC */
/* flavour - the statements of each, as its server takes them. */
#include "test.h"

#include "flavour.h"
#include "rows.h"

/* What leaves all as it is. */
#define LEFT                                                                   \
	.channel = "", .has_tls = -1, .is_verified = -1,                       \
	.gets_public_key = -1, .heartbeat_period_s = -1,                       \
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
assert_verb(const struct flavour *flavour, enum flavour_verb verb,
    const char *usual, const char *named)
{
	struct ha_buf sql = HA_BUF_INIT;

	flavour_add(&sql, flavour, verb, "");
	assert_string_equal(sql.data, usual);
	ha_buf_reset(&sql);
	flavour_add(&sql, flavour, verb, "my IO_THREAD's");
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

/* Of another source, a position that is not known is none by GTID. */
static void
test_no_position(void **state __attribute__((unused)))
{
	const struct source source = { LEFT, .host = "a" };

	assert_change(&flavour_mariadb, &source, NULL,
	    "CHANGE MASTER TO MASTER_HOST = 'a', MASTER_USE_GTID = no");
	assert_change(&flavour_mysql, &source, NULL,
	    "CHANGE REPLICATION SOURCE TO SOURCE_HOST = 'a', "
	    "SOURCE_AUTO_POSITION = 0");
}

static void
test_settings(void **state __attribute__((unused)))
{
	const struct source source = { .channel = "",
		.gets_public_key = -1,
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
	struct source source = { LEFT, .user = "r" };
	struct facts facts = { .status_rows =
				   rows_of("Get_master_public_key\n") };

	source.gets_public_key = 1;
	assert_change(&flavour_mysql, &source, NULL,
	    "CHANGE REPLICATION SOURCE TO SOURCE_USER = 'r', "
	    "GET_SOURCE_PUBLIC_KEY = 1");
	source.gets_public_key = 0;
	assert_change(&flavour_mysql_old, &source, &facts,
	    "CHANGE MASTER TO MASTER_USER = 'r', GET_MASTER_PUBLIC_KEY = 0");
	ha_db_result_release(&facts.status_rows);
	assert_change(&flavour_mysql_old, &source, &facts,
	    "CHANGE MASTER TO MASTER_USER = 'r'");
}

/* Named, a channel may look like a word. */
static void
test_verbs(void **state __attribute__((unused)))
{
	assert_verb(&flavour_mariadb, FLAVOUR_START, "START SLAVE",
	    "START SLAVE 'my IO_THREAD''s'");
	assert_verb(&flavour_mariadb, FLAVOUR_START_APPLIER,
	    "START SLAVE SQL_THREAD",
	    "START SLAVE 'my IO_THREAD''s' SQL_THREAD");
	assert_verb(&flavour_mariadb, FLAVOUR_STOP_RECEIVER,
	    "STOP SLAVE IO_THREAD", "STOP SLAVE 'my IO_THREAD''s' IO_THREAD");
	assert_verb(&flavour_mariadb, FLAVOUR_RESET, "RESET SLAVE ALL",
	    "RESET SLAVE 'my IO_THREAD''s' ALL");
	assert_verb(&flavour_mysql, FLAVOUR_STOP, "STOP REPLICA",
	    "STOP REPLICA FOR CHANNEL 'my IO_THREAD''s'");
	assert_verb(&flavour_mysql, FLAVOUR_START_RECEIVER,
	    "START REPLICA IO_THREAD",
	    "START REPLICA IO_THREAD FOR CHANNEL 'my IO_THREAD''s'");
	assert_verb(&flavour_mysql, FLAVOUR_RESET, "RESET REPLICA ALL",
	    "RESET REPLICA ALL FOR CHANNEL 'my IO_THREAD''s'");
	assert_verb(&flavour_mysql_old, FLAVOUR_START_APPLIER,
	    "START SLAVE SQL_THREAD",
	    "START SLAVE SQL_THREAD FOR CHANNEL 'my IO_THREAD''s'");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_which),
		cmocka_unit_test(test_gtid),
		cmocka_unit_test(test_position),
		cmocka_unit_test(test_no_position),
		cmocka_unit_test(test_settings),
		cmocka_unit_test(test_public_key),
		cmocka_unit_test(test_verbs),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
