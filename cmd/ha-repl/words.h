/* SPDX-License-Identifier: ISC */
/* words - what the flavours' statements are put together of. */
#ifndef REPL_WORDS_H
#define REPL_WORDS_H

#include <stdint.h>

#include "buf.h"
#include "flavour.h"

/*
 * What both of MySQL's ask; the tables are missing in 5.6, and some columns in
 * 5.7.  The columns are the server's own, and asked_at (in the session's time
 * zone, as they are) and since_s, the age of the receiver's thread.
 */
#define MYSQL_RECEIVED                                                         \
	"SELECT s.*, c.HEARTBEAT_INTERVAL, t.PROCESSLIST_TIME AS since_s, "    \
	"NOW(6) AS asked_at "                                                  \
	"FROM performance_schema.replication_connection_status AS s "          \
	"LEFT JOIN performance_schema.replication_connection_configuration "   \
	"AS c USING (CHANNEL_NAME) "                                           \
	"LEFT JOIN performance_schema.threads AS t USING (THREAD_ID)"
#define MYSQL_FAILURES                                                         \
	"SELECT CHANNEL_NAME, LAST_ERROR_NUMBER, LAST_ERROR_MESSAGE "          \
	"FROM performance_schema.replication_applier_status_by_worker "        \
	"WHERE LAST_ERROR_NUMBER <> 0 ORDER BY LAST_ERROR_TIMESTAMP DESC"
#define MYSQL_GTIDS                                                            \
	"SELECT @@global.gtid_executed AS executed, "                          \
	"@@global.gtid_executed AS position, @@global.gtid_purged AS purged"
#define MYSQL_ORIGINS                                                          \
	"SELECT i.VARIABLE_NAME AS name, i.VARIABLE_SOURCE AS origin, "        \
	"p.VARIABLE_VALUE AS persisted "                                       \
	"FROM performance_schema.variables_info AS i "                         \
	"LEFT JOIN performance_schema.persisted_variables AS p "               \
	"USING (VARIABLE_NAME) WHERE i.VARIABLE_SOURCE <> 'COMPILED' "         \
	"OR p.VARIABLE_NAME IS NOT NULL"

/*
 * The list behind CHANGE ... TO, separated by commas; each function adds its
 * settings if they are not to be left as they are.
 */
struct words {
	struct ha_buf *sql;
	const char *prefix; /* "MASTER_", "SOURCE_" */
	int is_begun; /* one is there */
};

/* ", PREFIX + NAME = ", for a value to follow. */
void words_name(struct words *words, const char *name);
void words_text(struct words *words, const char *name, const char *value);
void words_number(struct words *words, const char *name, int64_t value);
/* What all flavours call the same but for the prefix. */
void words_source(struct words *words, const struct source *source);
/* The file and position, if there is one. */
void words_position(struct words *words, const struct source *source);
/*
 * All behind the "TO" of both of MySQL's; public_key is what fetching the key
 * of caching_sha2_password is called, NULL where it is not known.
 */
void words_mysql(
    struct words *words, const struct source *source, const char *public_key);
/* " FOR CHANNEL 'x'"; nothing for "". */
void words_for_channel(struct ha_buf *sql, const char *channel);

#endif
