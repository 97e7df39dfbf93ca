/* SPDX-License-Identifier: ISC */
/*
 * lint-channel - rules on a channel, and on its two ends.
 *
 * Sources, by the manuals' own titles:
 *
 * stranger		ha-repl(1), LINT RULES
 * filter, filter-differs
 *			MySQL "How Servers Evaluate Replication Filtering
 *			Rules"; MariaDB "Replication Filters"
 * heartbeat, retry	MySQL "CHANGE REPLICATION SOURCE TO": SOURCE_HEARTBEAT_
 *			PERIOD, SOURCE_RETRY_COUNT, SOURCE_CONNECT_RETRY;
 *			MariaDB "CHANGE MASTER TO"
 * tls			MySQL "Setting Up Replication to Use Encrypted
 *			Connections"; MariaDB "Replication with Secure
 *			Connections"
 * native-password	MySQL 8.0 "Native Pluggable Authentication"; 9.0 release
 *			notes
 * ignored-ids		MySQL, MariaDB "CHANGE ... TO", IGNORE_SERVER_IDS
 * gtid-use		MariaDB "Global Transaction ID", Using_Gtid; MySQL "GTID
 *			Auto-Positioning"
 * replica-packet	MySQL replica_max_allowed_packet, MariaDB "slave_max_
 *			allowed_packet"
 */
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "alloc.h"
#include "facts-parts.h"
#include "lint-rules.h"

/* A channel that gives up sooner does not outlast a night. */
#define RETRY_MIN_S 86400
#define RETRY_COUNT_MEND 86400
#define RETRY_EVERY_MEND_S 10
/* Not below the usual net timeout once that is mended (lint-node.c). */
#define HEARTBEAT_MAX_S 10
#define HEARTBEAT_MEND_S 2

/* " of channel x", or nothing for the usual one; the caller frees it. */
static char *
of_channel(const struct channel *channel)
{
	if (!*channel->name)
		return ha_xstrdup("");
	return ha_xasprintf(" of channel %s", channel->name);
}

static void
judge_stranger(struct lint *lint, const struct edge *edge)
{
	const struct channel *channel = edge->channel;
	char *where;

	if (edge->source != STRANGER)
		return;
	where = of_channel(channel);
	lint_add(lint, HA_STATUS_CRIT, edge->replica,
	    ha_xasprintf("the source%s, %s:%u, is none of the nodes", where,
		channel->source_host ? channel->source_host : "",
		channel->source_port),
	    "a failover of these nodes knows nothing of it",
	    ha_xstrdup("name it among the nodes (or as an alias in repl.conf "
		       "if it is one of them), or remove the channel"));
	free(where);
}

static void
judge_filter(struct lint *lint, const struct edge *edge)
{
	const char *filters = edge->channel->filters;
	char *where;

	if (!filters || !*filters)
		return;
	where = of_channel(edge->channel);
	lint_add(lint, HA_STATUS_WARN, edge->replica,
	    ha_xasprintf("a filter%s: %s", where, filters),
	    "what it leaves out is missing after a failover; filters by "
	    "database go by USE, not by the table's own",
	    ha_xstrdup("remove the filter from my.cnf, and seed it anew"));
	free(where);
}

static void
judge_filter_differs(struct lint *lint, const struct edge *edge)
{
	const struct topology *topology = lint->topology;

	for (size_t i = 0; i < topology->edge_count; i++) {
		const struct edge *first = &topology->edges[i];

		if (first == edge)
			return;
		if (!first->channel->filters || !edge->channel->filters ||
		    !strcmp(first->channel->filters, edge->channel->filters))
			continue;
		lint_add(lint, HA_STATUS_WARN, edge->replica,
		    ha_xasprintf("its filters are not those of %s%s",
			lint_node_name(lint, first->replica),
			first->replica == edge->replica ? "'s first channel"
							: ""),
		    "replicas hold different data: which one becomes the "
		    "source decides what is lost",
		    ha_xstrdup("give all of them the same filters, best none, "
			       "and seed it anew"));
		return;
	}
}

static void
judge_heartbeat(struct lint *lint, const struct edge *edge)
{
	const struct facts *facts = lint_facts(lint, edge->replica);
	double period_s = edge->channel->heartbeat_period_s;
	char *where;

	if (period_s < 0 || (period_s > 0 && period_s < HEARTBEAT_MAX_S))
		return;
	where = of_channel(edge->channel);
	lint_add(lint, HA_STATUS_WARN, edge->replica,
	    period_s > 0
		? ha_xasprintf("the source%s is heard every %g s at least",
		      where, period_s)
		: ha_xasprintf("the source%s sends no heartbeats", where),
	    "until then one that is dead looks like one that is idle",
	    lint_mend_channel(facts, edge->channel,
		(struct source){
		    LINT_SOURCE, .heartbeat_period_s = HEARTBEAT_MEND_S }));
	free(where);
}

/* What a channel's row says as a number; -1: nothing. */
static int64_t
row_number(const struct channel *channel, const char *name, const char *other)
{
	const char *value = NULL;

	if (channel->row_of)
		value = ha_db_get(channel->row_of, channel->row, name);
	if (!value && channel->row_of)
		value = ha_db_get(channel->row_of, channel->row, other);
	return facts_integer(value, -1);
}

static void
judge_retry(struct lint *lint, const struct edge *edge)
{
	const struct facts *facts = lint_facts(lint, edge->replica);
	int64_t count = row_number(
	    edge->channel, "Source_Retry_Count", "Master_Retry_Count");
	int64_t every_s =
	    row_number(edge->channel, "Connect_Retry", "Connect_Retry");
	char *where;

	if (count <= 0 || every_s <= 0 || count >= RETRY_MIN_S ||
	    every_s >= RETRY_MIN_S || count * every_s >= RETRY_MIN_S)
		return;
	where = of_channel(edge->channel);
	lint_add(lint, HA_STATUS_WARN, edge->replica,
	    ha_xasprintf("the receiver%s gives up after %lld tries, %lld s "
			 "apart",
		where, (long long)count, (long long)every_s),
	    "a source that is away for longer is never asked again",
	    lint_mend_channel(facts, edge->channel,
		(struct source){ .has_tls = -1,
		    .is_verified = -1,
		    .gets_public_key = -1,
		    .heartbeat_period_s = -1,
		    .connect_retry_s = RETRY_EVERY_MEND_S,
		    .retry_count = RETRY_COUNT_MEND }));
	free(where);
}

/* This machine itself needs no TLS. */
static int
is_here(const char *host)
{
	return !host || !*host || !strcasecmp(host, "localhost") ||
	       !strncmp(host, "127.", 4) || !strcmp(host, "::1");
}

static void
judge_tls(struct lint *lint, const struct edge *edge)
{
	const struct facts *facts = lint_facts(lint, edge->replica);
	const struct channel *channel = edge->channel;
	char *where;

	if (is_here(channel->source_host) ||
	    (channel->is_tls != 0 && channel->is_verified != 0))
		return;
	where = of_channel(channel);
	lint_add(lint, HA_STATUS_WARN, edge->replica,
	    channel->is_tls == 0
		? ha_xasprintf("the connection%s to %s has no TLS", where,
		      channel->source_host)
		: ha_xasprintf("the certificate of %s%s is not verified",
		      channel->source_host, where),
	    "who is on the way can read all data, or play the source",
	    lint_mend_channel(facts, channel,
		(struct source){ .has_tls = 1,
		    .is_verified = 1,
		    .gets_public_key = -1,
		    .heartbeat_period_s = -1,
		    .connect_retry_s = -1,
		    .retry_count = -1 }));
	free(where);
}

static char *
mend_account(const char *user, const char *host)
{
	struct ha_buf sql = HA_BUF_INIT;

	ha_buf_add_str(&sql, "ALTER USER ");
	ha_db_add_string(&sql, user);
	ha_buf_add_char(&sql, '@');
	ha_db_add_string(&sql, host);
	ha_buf_add_str(&sql, " IDENTIFIED WITH caching_sha2_password BY (its "
			     "password)");
	return ha_buf_detach(&sql);
}

/* Its user's account on the source, if that has a successor. */
static void
judge_native_password(struct lint *lint, const struct edge *edge)
{
	const struct facts *source = lint_source(lint, edge);
	const char *name = edge->channel->source_user;

	if (!source || !name || !lint_persists(source))
		return;
	for (size_t i = 0; i < source->accounts.rows; i++) {
		const char *user = ha_db_get(&source->accounts, i, "user");
		const char *host = ha_db_get(&source->accounts, i, "host");
		const char *plugin = ha_db_get(&source->accounts, i, "plugin");

		if (!user || !host || !plugin || strcmp(user, name) != 0 ||
		    strcmp(plugin, "mysql_native_password") != 0)
			continue;
		lint_add(lint, HA_STATUS_WARN, edge->source,
		    ha_xasprintf("%s@%s, who replicates, logs in by "
				 "mysql_native_password",
			user, host),
		    "MySQL 9.0 has it no more: replicas of one that is "
		    "upgraded are refused",
		    mend_account(user, host));
		return;
	}
}

static int
has_id(const char *ids, int64_t id)
{
	while (ids && *ids) {
		char *end;
		long long number = strtoll(ids, &end, 10);

		if (end == ids)
			return 0;
		if (number == id)
			return 1;
		ids = end + strspn(end, ", ");
	}
	return 0;
}

/* A former node's id may be ignored; that of one which lives may not. */
static void
judge_ignored_ids(struct lint *lint, const struct edge *edge)
{
	const struct facts *facts = lint_facts(lint, edge->replica);
	const struct channel *channel = edge->channel;
	const struct fleet *fleet = lint->topology->fleet;

	for (size_t i = 0; i < fleet->count; i++) {
		const struct facts *other = lint_facts(lint, i);

		if (!other || i == edge->replica ||
		    !has_id(channel->ignored_ids, other->server_id))
			continue;
		lint_add(lint, HA_STATUS_CRIT, edge->replica,
		    ha_xasprintf("it ignores what %s (server_id %lld) writes",
			other->node->name, (long long)other->server_id),
		    "a node that lives is left out: its changes go no further",
		    lint_mend_channel(facts, channel,
			(struct source){ LINT_SOURCE, .heartbeat_period_s = -1,
			    .ignored_ids = "" }));
		return;
	}
	if (channel->gtid == GTID_USE_AUTO && channel->ignored_ids &&
	    *channel->ignored_ids)
		lint_add(lint, HA_STATUS_WARN, edge->replica,
		    ha_xasprintf("server_ids %s are ignored, with GTIDs",
			channel->ignored_ids),
		    "GTIDs pass over what was applied already; what is ignored "
		    "leaves gaps in the set",
		    lint_mend_channel(facts, channel,
			(struct source){ LINT_SOURCE, .heartbeat_period_s = -1,
			    .ignored_ids = "" }));
}

static void
judge_gtid_use(struct lint *lint, const struct edge *edge)
{
	const struct facts *facts = lint_facts(lint, edge->replica);

	if (!lint_uses_gtid(lint) || edge->channel->gtid != GTID_USE_NO)
		return;
	lint_add(lint, HA_STATUS_WARN, edge->replica,
	    ha_xasprintf("it replicates by file and position, others by GTID"),
	    "at a failover its place has to be found by hand",
	    ha_xasprintf("ha-repl point %s --source %s", facts->node->name,
		edge->source == STRANGER ? "SOURCE"
					 : lint_node_name(lint, edge->source)));
}

/* The receiver's limit must hold what the source's clients may send. */
static void
judge_replica_packet(struct lint *lint, const struct edge *edge)
{
	const struct facts *facts = lint_facts(lint, edge->replica);
	const struct facts *source = lint_source(lint, edge);
	const char *name = lint_known(
	    facts, "replica_max_allowed_packet", "slave_max_allowed_packet");

	if (!name || !source ||
	    facts_number(facts, name) >=
		facts_number(source, "max_allowed_packet"))
		return;
	lint_add(lint, HA_STATUS_CRIT, edge->replica,
	    ha_xasprintf("%s is less than max_allowed_packet of %s", name,
		source->node->name),
	    "replication stops at the first row that is larger",
	    lint_mend_set(facts, name, "1073741824"));
}

const struct lint_channel_rule lint_channel_rules[] = {
	{ "stranger", judge_stranger },
	{ "gtid-use", judge_gtid_use },
	{ "filter", judge_filter },
	{ "filter-differs", judge_filter_differs },
	{ "ignored-ids", judge_ignored_ids },
	{ "heartbeat", judge_heartbeat },
	{ "retry", judge_retry },
	{ "tls", judge_tls },
	{ "native-password", judge_native_password },
	{ "replica-packet", judge_replica_packet },
	{ NULL, NULL },
};
