/* SPDX-License-Identifier: ISC */
/*
 * words - what the flavours' statements are put together of.
 *
 * Source: MySQL "CHANGE MASTER TO", "CHANGE REPLICATION SOURCE TO"; MariaDB
 * "CHANGE MASTER TO".
 */
#include <inttypes.h>

#include "words.h"

void
words_name(struct words *words, const char *name)
{
	ha_buf_addf(words->sql, "%s%s%s = ", words->is_begun ? ", " : "",
	    words->prefix, name);
	words->is_begun = 1;
}

void
words_text(struct words *words, const char *name, const char *value)
{
	if (!value)
		return;
	words_name(words, name);
	ha_db_add_string(words->sql, value);
}

void
words_number(struct words *words, const char *name, int64_t value)
{
	if (value < 0)
		return;
	words_name(words, name);
	ha_buf_addf(words->sql, "%" PRId64, value);
}

/* Without printf's %f, which writes a locale's decimal point. */
static void
add_period(struct words *words, double period_s)
{
	int64_t ms = (int64_t)(period_s * 1000 + 0.5);

	if (period_s < 0)
		return;
	words_name(words, "HEARTBEAT_PERIOD");
	ha_buf_addf(words->sql, "%" PRId64 ".%03" PRId64, ms / 1000, ms % 1000);
}

/* The one that has no prefix. */
static void
add_ignored_ids(struct words *words, const char *ids)
{
	if (!ids)
		return;
	ha_buf_addf(
	    words->sql, "%sIGNORE_SERVER_IDS = (", words->is_begun ? ", " : "");
	for (; *ids; ids++)
		if ((*ids >= '0' && *ids <= '9') || *ids == ',' || *ids == ' ')
			ha_buf_add_char(words->sql, *ids);
	ha_buf_add_char(words->sql, ')');
	words->is_begun = 1;
}

void
words_source(struct words *words, const struct source *source)
{
	words_text(words, "HOST", source->host);
	words_number(words, "PORT", source->port ? (int64_t)source->port : -1);
	words_text(words, "USER", source->user);
	words_text(words, "PASSWORD", source->password);
	words_number(words, "SSL", source->has_tls);
	words_text(words, "SSL_CA", source->ca);
	words_text(words, "SSL_CERT", source->cert);
	words_text(words, "SSL_KEY", source->key);
	words_number(words, "SSL_VERIFY_SERVER_CERT", source->is_verified);
	words_number(words, "CONNECT_RETRY", source->connect_retry_s);
	add_period(words, source->heartbeat_period_s);
	add_ignored_ids(words, source->ignored_ids);
}

void
words_position(struct words *words, const struct source *source)
{
	if (source->gtid != GTID_USE_NO || !source->file)
		return;
	words_text(words, "LOG_FILE", source->file);
	words_name(words, "LOG_POS");
	ha_buf_addf(words->sql, "%" PRIu64, source->at);
}

static void
add_auto_position(struct words *words, const struct source *source)
{
	if (source->gtid != GTID_USE_NO)
		words_number(words, "AUTO_POSITION", 1);
	else if (source->file || source->host)
		words_number(words, "AUTO_POSITION", 0);
	words_position(words, source);
}

void
words_for_channel(struct ha_buf *sql, const char *channel)
{
	if (!*channel)
		return;
	ha_buf_add_str(sql, " FOR CHANNEL ");
	ha_db_add_string(sql, channel);
}

void
words_mysql(
    struct words *words, const struct source *source, const char *public_key)
{
	words_source(words, source);
	words_number(words, "RETRY_COUNT", source->retry_count);
	add_auto_position(words, source);
	if (public_key) {
		words->prefix = "";
		words_number(words, public_key, source->gets_public_key);
	}
	words_for_channel(words->sql, source->channel);
}
