/* SPDX-License-Identifier: ISC */
/*
 * mysql - MySQL from 8.4: replicas and sources.
 *
 * Source: MySQL 9 "CHANGE REPLICATION SOURCE TO", "The
 * replication_connection_status Table".
 */
#include "words.h"

static void
change(struct ha_buf *sql, const struct source *source,
    const struct facts *facts __attribute__((unused)))
{
	struct words words = { sql, "SOURCE_", 0 };

	ha_buf_add_str(sql, "CHANGE REPLICATION SOURCE TO ");
	words_mysql(&words, source, "GET_SOURCE_PUBLIC_KEY");
}

const struct flavour flavour_mysql = {
	.name = "MySQL",
	.gtid = GTID_MYSQL,
	.show_channels = "SHOW REPLICA STATUS",
	.show_own = "SHOW BINARY LOG STATUS",
	.show_children = "SHOW REPLICAS",
	.show_logs = "SHOW BINARY LOGS",
	.received = MYSQL_RECEIVED,
	.failures = MYSQL_FAILURES,
	.gtids = MYSQL_GTIDS,
	.origins = MYSQL_ORIGINS,
	.column_prefix = "Source_",
	.log_updates = "log_replica_updates",
	.replica = "REPLICA",
	.change = change,
};
