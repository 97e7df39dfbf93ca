/* SPDX-License-Identifier: ISC */
/*
 * mysql - MySQL from 8.4: replicas and sources.
 *
 * Source: MySQL 9 "CHANGE REPLICATION SOURCE TO", "The
 * replication_connection_status Table".
 */
#include <inttypes.h>

#include "words.h"

static void
change(struct ha_buf *sql, const struct source *source,
    const struct facts *facts __attribute__((unused)))
{
	struct words words = { sql, "SOURCE_", 0 };

	ha_buf_add_str(sql, "CHANGE REPLICATION SOURCE TO ");
	words_source(&words, source);
	words_number(&words, "RETRY_COUNT", source->retry_count);
	words_auto_position(&words, source);
	if (source->gets_public_key) {
		words.prefix = "";
		words_number(&words, "GET_SOURCE_PUBLIC_KEY", 1);
	}
	words_for_channel(sql, source->channel);
}

static void
start(struct ha_buf *sql, const char *channel)
{
	ha_buf_add_str(sql, "START REPLICA");
	words_for_channel(sql, channel);
}

static void
stop(struct ha_buf *sql, const char *channel)
{
	ha_buf_add_str(sql, "STOP REPLICA");
	words_for_channel(sql, channel);
}

static void
stop_receiver(struct ha_buf *sql, const char *channel)
{
	ha_buf_add_str(sql, "STOP REPLICA IO_THREAD");
	words_for_channel(sql, channel);
}

static void
reset(struct ha_buf *sql, const char *channel)
{
	ha_buf_add_str(sql, "RESET REPLICA ALL");
	words_for_channel(sql, channel);
}

/* It says 1 when the time is over, which is no number of transactions. */
static void
wait_gtid(struct ha_buf *sql, const char *gtids, int64_t timeout_s)
{
	ha_buf_add_str(sql, "SELECT -WAIT_FOR_EXECUTED_GTID_SET(");
	ha_db_add_string(sql, gtids);
	ha_buf_addf(sql, ", %" PRId64 ")", timeout_s);
}

static void
wait_position(struct ha_buf *sql, const char *channel, const char *file,
    uint64_t at, int64_t timeout_s)
{
	words_wait_position(
	    sql, "SOURCE_POS_WAIT", channel, file, at, timeout_s);
}

const struct flavour flavour_mysql = {
	.name = "MySQL",
	.gtid = GTID_MYSQL,
	.source_word = "source",
	.replica_word = "replica",
	.show_channels = "SHOW REPLICA STATUS",
	.show_own = "SHOW BINARY LOG STATUS",
	.show_children = "SHOW REPLICAS",
	.show_logs = "SHOW BINARY LOGS",
	.received = MYSQL_RECEIVED,
	.failures = MYSQL_FAILURES,
	.gtids = MYSQL_GTIDS,
	.origins = MYSQL_ORIGINS,
	.column_prefix = "Source_",
	.semi_sync_source = "rpl_semi_sync_source_enabled",
	.semi_sync_replica = "rpl_semi_sync_replica_enabled",
	.log_updates = "log_replica_updates",
	.change = change,
	.start = start,
	.stop = stop,
	.stop_receiver = stop_receiver,
	.reset = reset,
	.wait_gtid = wait_gtid,
	.wait_position = wait_position,
};
