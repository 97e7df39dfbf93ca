/* SPDX-License-Identifier: ISC */
/*
 * mysql-old - MySQL 5.6 to 8.0: masters and slaves, as 8.0 still takes them.
 *
 * Source: MySQL 5.6 to 8.0 "CHANGE MASTER TO", "Functions Used with Global
 * Transaction Identifiers (GTIDs)".
 */
#include "words.h"

/* Only 8.0 knows the key of caching_sha2_password, and its column then. */
static void
change(
    struct ha_buf *sql, const struct source *source, const struct facts *facts)
{
	struct words words = { sql, "MASTER_", 0 };
	int has_key =
	    facts && ha_db_has(&facts->status_rows, "Get_master_public_key");

	ha_buf_add_str(sql, "CHANGE MASTER TO ");
	words_mysql(&words, source, has_key ? "GET_MASTER_PUBLIC_KEY" : NULL);
}

const struct flavour flavour_mysql_old = {
	.name = "MySQL",
	.gtid = GTID_MYSQL,
	.show_channels = "SHOW SLAVE STATUS",
	.show_own = "SHOW MASTER STATUS",
	.show_children = "SHOW SLAVE HOSTS",
	.show_logs = "SHOW BINARY LOGS",
	.received = MYSQL_RECEIVED,
	.failures = MYSQL_FAILURES,
	.gtids = MYSQL_GTIDS,
	.origins = MYSQL_ORIGINS,
	.column_prefix = "Master_",
	.log_updates = "log_slave_updates",
	.replica = "SLAVE",
	.change = change,
};
