/* SPDX-License-Identifier: ISC */
#include <ctype.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "alloc.h"
#include "settings.h"

void
settings_init(struct settings *settings)
{
	memset(settings, 0, sizeof(*settings));
	settings->has_tls = settings->is_verified = -1;
	settings->gets_public_key = -1;
	settings->heartbeat_period_s = -1;
	settings->connect_retry_s = settings->retry_count = -1;
}

void
settings_release(struct settings *settings)
{
	free(settings->host);
	free(settings->user);
	free(settings->file);
	free(settings->ca);
	free(settings->cert);
	free(settings->key);
	free(settings->ignored_ids);
	free(settings->applied);
	settings_init(settings);
}

static char *
copy(const char *text)
{
	return text ? ha_xstrdup(text) : NULL;
}

/* A column with the flavour's "Master_" or "Source_" in its name; or NULL. */
static const char *
column(const struct facts *facts, const struct channel *channel,
    const char *before, const char *after)
{
	char name[64];

	if (!channel->row_of)
		return NULL;
	snprintf(name, sizeof(name), "%s%s%s", before,
	    facts->flavour->column_prefix, after);
	return ha_db_get(channel->row_of, channel->row, name);
}

static int64_t
number(const char *text)
{
	char *end;
	long long value;

	if (!text || !*text)
		return -1;
	value = strtoll(text, &end, 10);
	return *end ? -1 : value;
}

/* "1, 3" as the statement takes it. */
static char *
without_blanks(const char *text)
{
	struct ha_buf out = HA_BUF_INIT;

	for (; text && *text; text++)
		if (!isspace((unsigned char)*text))
			ha_buf_add_char(&out, *text);
	return ha_buf_detach(&out);
}

static void
read_applied(struct settings *settings, const struct facts *facts)
{
	struct ha_buf text = HA_BUF_INIT;
	const char *slave_pos = facts_variable(facts, "gtid_slave_pos");

	if (slave_pos)
		ha_buf_add_str(&text, slave_pos);
	else
		gtid_add_text(&text, &facts->executed);
	settings->applied = ha_buf_detach(&text);
}

void
settings_read(struct settings *settings, const struct facts *facts,
    const struct channel *channel)
{
	const char *text;

	settings_release(settings);
	read_applied(settings, facts);
	if (!channel || !channel->source_host || !*channel->source_host)
		return;
	settings->is_there = 1;
	settings->host = copy(channel->source_host);
	settings->port = channel->source_port;
	settings->user = copy(channel->source_user);
	settings->gtid = channel->gtid;
	if (channel->gtid == GTID_USE_NO && channel->executed.file &&
	    *channel->executed.file) {
		settings->file = copy(channel->executed.file);
		settings->at = channel->executed.at;
	}
	settings->has_tls = channel->is_tls;
	settings->is_verified = channel->is_verified;
	settings->ca = copy(column(facts, channel, "", "SSL_CA_File"));
	settings->cert = copy(column(facts, channel, "", "SSL_Cert"));
	settings->key = copy(column(facts, channel, "", "SSL_Key"));
	text = column(facts, channel, "Get_", "public_key");
	settings->gets_public_key = text ? atoi(text) != 0 : -1;
	settings->ignored_ids = without_blanks(channel->ignored_ids);
	settings->heartbeat_period_s = channel->heartbeat_period_s;
	settings->connect_retry_s = channel->row_of
					? number(ha_db_get(channel->row_of,
					      channel->row, "Connect_Retry"))
					: -1;
	settings->retry_count =
	    number(column(facts, channel, "", "Retry_Count"));
	settings->is_connected = channel->receiver == THREAD_YES;
	settings->receiver_runs = channel->receiver == THREAD_YES ||
				  channel->receiver == THREAD_CONNECTING;
	settings->applier_runs = channel->applier == THREAD_YES;
}

static const char *const gtid_names[] = { "no", "auto", "slave_pos",
	"current_pos" };

static void
save(struct journal *journal, const char *prefix, const char *key,
    const char *value)
{
	char name[64];

	snprintf(name, sizeof(name), "%s.%s", prefix, key);
	if (value)
		journal_set(journal, name, value);
}

static void
save_number(
    struct journal *journal, const char *prefix, const char *key, int64_t value)
{
	char text[32];

	snprintf(text, sizeof(text), "%" PRId64, value);
	save(journal, prefix, key, text);
}

struct text_member {
	const char *key;
	size_t offset;
};
#define TEXT(member)                                                           \
	{                                                                      \
#member, offsetof(struct settings, member)                     \
	}
static const struct text_member texts[] = { TEXT(host), TEXT(user), TEXT(file),
	TEXT(ca), TEXT(cert), TEXT(key), TEXT(ignored_ids), TEXT(applied) };
static const struct text_member flags[] = { TEXT(is_there), TEXT(is_demotion),
	TEXT(has_tls), TEXT(is_verified), TEXT(gets_public_key),
	TEXT(receiver_runs), TEXT(applier_runs), TEXT(is_connected) };
#undef TEXT
#define COUNT(list) (sizeof(list) / sizeof((list)[0]))

void
settings_save(const struct settings *settings, struct journal *journal,
    const char *prefix)
{
	const char *base = (const char *)settings;
	char period[32];
	size_t i;

	for (i = 0; i < COUNT(texts); i++)
		save(journal, prefix, texts[i].key,
		    *(char *const *)(const void *)(base + texts[i].offset));
	for (i = 0; i < COUNT(flags); i++)
		save_number(journal, prefix, flags[i].key,
		    *(const int *)(const void *)(base + flags[i].offset));
	snprintf(period, sizeof(period), "%.3f", settings->heartbeat_period_s);
	save(journal, prefix, "heartbeat_period_s", period);
	save(journal, prefix, "gtid", gtid_names[settings->gtid]);
	save_number(journal, prefix, "port", settings->port);
	save_number(journal, prefix, "at", (int64_t)settings->at);
	save_number(
	    journal, prefix, "connect_retry_s", settings->connect_retry_s);
	save_number(journal, prefix, "retry_count", settings->retry_count);
}

static const char *
load(const struct journal *journal, const char *prefix, const char *key)
{
	char name[64];

	snprintf(name, sizeof(name), "%s.%s", prefix, key);
	return journal_get(journal, name);
}

/* COUNT(gtid_names): it is none of them. */
static size_t
gtid_of(const char *name)
{
	size_t i = 0;

	while (i < COUNT(gtid_names) &&
	       (!name || strcmp(name, gtid_names[i]) != 0))
		i++;
	return i;
}

/* All that settings_save() writes whatever it is. */
static int
is_whole(const struct journal *journal, const char *prefix)
{
	static const char *const others[] = { "heartbeat_period_s", "port",
		"at", "connect_retry_s", "retry_count" };
	const char *host = load(journal, prefix, "host");
	int64_t port = number(load(journal, prefix, "port"));
	size_t i;

	if (gtid_of(load(journal, prefix, "gtid")) == COUNT(gtid_names))
		return 0;

	for (i = 0; i < COUNT(flags); i++)
		if (!load(journal, prefix, flags[i].key))
			return 0;
	for (i = 0; i < COUNT(others); i++)
		if (!load(journal, prefix, others[i]))
			return 0;
	return number(load(journal, prefix, "is_there")) == 0 ||
	       (host && *host && port > 0 && port <= 65535);
}

int
settings_load(struct settings *settings, const struct journal *journal,
    const char *prefix, struct ha_err *err)
{
	char *base = (char *)settings;
	size_t i;

	settings_release(settings);
	if (!is_whole(journal, prefix))
		return ha_err_set(err, EX_CONFIG, 0,
		    "the journal has no '%s' settings", prefix);
	settings->gtid = (enum gtid_use)gtid_of(load(journal, prefix, "gtid"));
	for (i = 0; i < COUNT(texts); i++)
		*(char **)(void *)(base + texts[i].offset) =
		    copy(load(journal, prefix, texts[i].key));
	for (i = 0; i < COUNT(flags); i++)
		*(int *)(void *)(base + flags[i].offset) =
		    (int)number(load(journal, prefix, flags[i].key));
	settings->heartbeat_period_s =
	    strtod(load(journal, prefix, "heartbeat_period_s"), NULL);
	settings->port = (unsigned)number(load(journal, prefix, "port"));
	settings->at = (uint64_t)number(load(journal, prefix, "at"));
	settings->connect_retry_s =
	    number(load(journal, prefix, "connect_retry_s"));
	settings->retry_count = number(load(journal, prefix, "retry_count"));
	return 0;
}

static int
same_place(const struct settings *a, const struct settings *b)
{
	return a->host && b->host && !strcasecmp(a->host, b->host) &&
	       a->port == b->port;
}

/* NULL and "" are one, and so is what the goal leaves as it is. */
static int
same_text(const char *a, const char *b)
{
	return !a || !b || !strcmp(a, b);
}

static int
same_flag(int a, int b)
{
	return a < 0 || b < 0 || a == b;
}

int
settings_equal(const struct settings *a, const struct settings *b)
{
	if (a->is_there != b->is_there)
		return 0;
	return !a->is_there ||
	       (same_place(a, b) && same_text(a->user, b->user) &&
		   a->gtid == b->gtid && same_flag(a->has_tls, b->has_tls) &&
		   same_flag(a->is_verified, b->is_verified) &&
		   same_flag(a->gets_public_key, b->gets_public_key) &&
		   same_text(a->ca, b->ca) && same_text(a->cert, b->cert) &&
		   same_text(a->key, b->key) &&
		   same_text(a->ignored_ids, b->ignored_ids));
}

void
settings_source(struct source *source, const char *channel,
    const struct settings *now, const struct settings *goal, const char *user,
    const char *password)
{
	memset(source, 0, sizeof(*source));
	source->channel = channel;
	if (!same_place(now, goal) || goal->file || now->gtid != goal->gtid) {
		source->host = goal->host;
		source->port = goal->port;
	}
	source->user = user;
	source->password = password;
	source->gtid = goal->gtid;
	source->is_demotion = goal->is_demotion == 1;
	source->file = goal->gtid == GTID_USE_NO ? goal->file : NULL;
	source->at = goal->at;
	source->has_tls = goal->has_tls;
	source->is_verified = goal->is_verified;
	source->ca = goal->ca;
	source->cert = goal->cert;
	source->key = goal->key;
	source->gets_public_key = goal->gets_public_key;
	source->ignored_ids = goal->ignored_ids;
	source->heartbeat_period_s = goal->heartbeat_period_s;
	source->connect_retry_s = goal->connect_retry_s;
	source->retry_count = goal->retry_count;
}
