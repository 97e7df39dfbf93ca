/* SPDX-License-Identifier: ISC */
/*
 * mysql-old - MySQL 5.6 to 8.0: masters and slaves, as 8.0 still takes them.
 *
 * Source: MySQL 5.6 to 8.0 "CHANGE MASTER TO", "Functions Used with Global
 * Transaction Identifiers (GTIDs)".
 */
#include <inttypes.h>

#include "words.h"

/* Only 8.0 knows the key of caching_sha2_password, and its column then. */
static void
change(
    struct ha_buf *sql, const struct source *source, const struct facts *facts)
{
	struct words words = { sql, "MASTER_", 0 };

	ha_buf_add_str(sql, "CHANGE MASTER TO ");
	words_source(&words, source);
	words_number(&words, "RETRY_COUNT", source->retry_count);
	words_auto_position(&words, source);
	if (source->gets_public_key && facts &&
	    ha_db_has(&facts->status_rows, "Get_master_public_key")) {
		words.prefix = "";
		words_number(&words, "GET_MASTER_PUBLIC_KEY", 1);
	}
	words_for_channel(sql, source->channel);
}

static void
start(struct ha_buf *sql, const char *channel)
{
	ha_buf_add_str(sql, "START SLAVE");
	words_for_channel(sql, channel);
}

static void
stop(struct ha_buf *sql, const char *channel)
{
	ha_buf_add_str(sql, "STOP SLAVE");
	words_for_channel(sql, channel);
}

static void
stop_receiver(struct ha_buf *sql, const char *channel)
{
	ha_buf_add_str(sql, "STOP SLAVE IO_THREAD");
	words_for_channel(sql, channel);
}

static void
reset(struct ha_buf *sql, const char *channel)
{
	ha_buf_add_str(sql, "RESET SLAVE ALL");
	words_for_channel(sql, channel);
}

static void
wait_gtid(struct ha_buf *sql, const char *gtids, int64_t timeout_s)
{
	ha_buf_add_str(sql, "SELECT WAIT_UNTIL_SQL_THREAD_AFTER_GTIDS(");
	ha_db_add_string(sql, gtids);
	ha_buf_addf(sql, ", %" PRId64 ")", timeout_s);
}

static void
wait_position(struct ha_buf *sql, const char *channel, const char *file,
    uint64_t at, int64_t timeout_s)
{
	words_wait_position(
	    sql, "MASTER_POS_WAIT", channel, file, at, timeout_s);
}

const struct flavour flavour_mysql_old = {
	.name = "MySQL",
	.gtid = GTID_MYSQL,
	.source_word = "master",
	.replica_word = "slave",
	.show_channels = "SHOW SLAVE STATUS",
	.show_own = "SHOW MASTER STATUS",
	.show_children = "SHOW SLAVE HOSTS",
	.show_logs = "SHOW BINARY LOGS",
	.received = MYSQL_RECEIVED,
	.failures = MYSQL_FAILURES,
	.gtids = MYSQL_GTIDS,
	.origins = MYSQL_ORIGINS,
	.column_prefix = "Master_",
	.semi_sync_source = "rpl_semi_sync_master_enabled",
	.semi_sync_replica = "rpl_semi_sync_slave_enabled",
	.log_updates = "log_slave_updates",
	.change = change,
	.start = start,
	.stop = stop,
	.stop_receiver = stop_receiver,
	.reset = reset,
	.wait_gtid = wait_gtid,
	.wait_position = wait_position,
};
