/* SPDX-License-Identifier: ISC */
/*
 * mariadb - MariaDB's words, which are the old ones, and several connections.
 *
 * Source: MariaDB "CHANGE MASTER TO", "Multi-Source Replication", "Global
 * Transaction ID".
 */
#include "words.h"

static void
add_gtid(struct words *words, const struct source *source)
{
	if (source->gtid == GTID_USE_NO) {
		if (!source->file && !source->host)
			return;
		words_position(words, source);
	}
	words_name(words, "USE_GTID");
	ha_buf_add_str(words->sql, source->gtid == GTID_USE_NO ? "no"
				   : source->gtid == GTID_USE_CURRENT_POS
				       ? "current_pos"
				       : "slave_pos");
	if (source->is_demotion && source->gtid != GTID_USE_NO &&
	    source->gtid != GTID_USE_CURRENT_POS)
		words_number(words, "DEMOTE_TO_SLAVE", 1);
}

/* It has no number of attempts, and its library fetches the key itself. */
static void
change(struct ha_buf *sql, const struct source *source,
    const struct facts *facts __attribute__((unused)))
{
	struct words words = { sql, "MASTER_", 0 };

	ha_buf_add_str(sql, "CHANGE MASTER ");
	if (*source->channel) {
		ha_db_add_string(sql, source->channel);
		ha_buf_add_char(sql, ' ');
	}
	ha_buf_add_str(sql, "TO ");
	words_source(&words, source);
	add_gtid(&words, source);
}

const struct flavour flavour_mariadb = {
	.name = "MariaDB",
	.gtid = GTID_MARIADB,
	.show_channels = "SHOW ALL SLAVES STATUS",
	.show_own = "SHOW MASTER STATUS",
	.show_children = "SHOW SLAVE HOSTS",
	.show_logs = "SHOW BINARY LOGS",
	.gtids = "SELECT IF(@@global.log_bin, @@global.gtid_binlog_state, "
		 "@@global.gtid_slave_pos) AS executed, "
		 "@@global.gtid_current_pos AS position, NULL AS purged",
	.origins = "SELECT VARIABLE_NAME AS name, GLOBAL_VALUE_ORIGIN AS "
		   "origin, NULL AS persisted "
		   "FROM information_schema.SYSTEM_VARIABLES "
		   "WHERE GLOBAL_VALUE_ORIGIN <> 'COMPILE-TIME'",
	.column_prefix = "Master_",
	.log_updates = "log_slave_updates",
	.replica = "SLAVE",
	.names_channel_first = 1,
	.change = change,
};
