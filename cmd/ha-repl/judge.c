/* SPDX-License-Identifier: ISC */
#include "judge.h"

#include <ctype.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "alloc.h"
#include "clock.h"
#include "flavour.h"
#include "journal.h"
#include "rec.h"

/* MySQL's ER_SPECIFIC_ACCESS_DENIED_ERROR. */
#define NEEDS_PRIVILEGE 1227
/* How much of a server's own words is told. */
#define QUOTE_MAX 160
/* Two clocks that differ by more mislead whoever reads their logs, and lag. */
#define SKEW_WARN_US INT64_C(2000000)

void
verdict_init(struct verdict *verdict)
{
	verdict->state = HA_STATUS_OK;
	ha_buf_init(&verdict->words);
	ha_buf_init(&verdict->perf);
}

void
verdict_release(struct verdict *verdict)
{
	ha_buf_release(&verdict->words);
	ha_buf_release(&verdict->perf);
}

void
judge_init(struct judge *judge, const struct topology *topology, size_t i,
    const struct check_options *options)
{
	*judge = (struct judge){
		.topology = topology,
		.options = options,
		.i = i,
		.kind = options->topology ? options->topology : topology->kind,
		.prefix = "",
	};
	if (i < topology->fleet->count)
		judge->facts = topology->fleet->facts[i];
	for (size_t s = 0; s <= HA_STATUS_UNKNOWN; s++)
		ha_buf_init(&judge->words[s]);
	ha_buf_init(&judge->perf);
}

void
judge_finish(struct judge *judge, struct verdict *verdict)
{
	static const enum ha_status_state worst_first[] = { HA_STATUS_CRIT,
		HA_STATUS_UNKNOWN, HA_STATUS_WARN, HA_STATUS_OK };

	verdict_release(verdict);
	verdict_init(verdict);
	verdict->state = judge->state;
	for (size_t i = 0; i < 4; i++) {
		struct ha_buf *words = &judge->words[worst_first[i]];

		if (words->len && verdict->words.len)
			ha_buf_add_str(&verdict->words, "; ");
		ha_buf_add(&verdict->words, words->data, words->len);
		ha_buf_release(words);
	}
	ha_buf_release(&verdict->perf);
	verdict->perf = judge->perf;
	ha_buf_init(&judge->perf);
}

void
judge_say(struct judge *judge, enum ha_status_state state, const char *look,
    const char *fmt, ...)
{
	struct ha_buf *words = &judge->words[state];
	va_list ap;

	judge->state = ha_status_worse(judge->state, state);
	if (words->len)
		ha_buf_add_str(words, "; ");
	ha_buf_add_str(words, judge->prefix);
	va_start(ap, fmt);
	ha_buf_vaddf(words, fmt, ap);
	va_end(ap);
	if (look)
		ha_buf_addf(words, ", see: %s", look);
}

void
judge_perf(struct judge *judge, const char *name, const char *channel,
    double value, const char *unit, const struct ha_thresholds *thresholds)
{
	struct ha_buf label = HA_BUF_INIT;
	struct ha_perf item = {
		.value = value,
		.unit = unit,
		.thresholds = thresholds,
		.min = 0,
		.max = NAN,
	};

	ha_buf_add_str(&label, name);
	if (channel && *channel)
		ha_buf_addf(&label, "_%s", channel);
	item.label = label.data;
	ha_perf_add(&judge->perf, &item);
	ha_buf_release(&label);
}

void
judge_add_quote(struct ha_buf *text, const char *words)
{
	size_t len = strlen(words), start = text->len;

	ha_rec_add_utf8(text, words, len > QUOTE_MAX ? QUOTE_MAX : len);
	if (len > QUOTE_MAX)
		ha_buf_add_str(text, "...");
	for (char *at = text->data + start; *at; at++)
		if (*at == '|') /* begins Nagios' performance data */
			*at = '/';
}

void
judge_seconds(double seconds, char *out, size_t size)
{
	if (seconds < 10)
		snprintf(out, size, "%.3f s", seconds);
	else
		ha_clock_words((int64_t)(seconds * 1000), out, size);
}

const struct edge *
judge_edge(const struct judge *judge, const struct channel *channel)
{
	size_t count;
	const struct edge *edges =
	    topology_sources(judge->topology, judge->i, &count);

	for (size_t i = 0; i < count; i++)
		if (edges[i].channel == channel)
			return &edges[i];
	return NULL;
}

void
judge_source(const struct judge *judge, const struct channel *channel,
    char *out, size_t size)
{
	const struct edge *edge = judge_edge(judge, channel);
	const char *host = channel->source_host ? channel->source_host : "?";

	if (edge && edge->source != STRANGER)
		snprintf(out, size, "%s",
		    judge->topology->fleet->facts[edge->source]->node->name);
	else if (strchr(host, ':'))
		snprintf(out, size, "[%s]:%u", host, channel->source_port);
	else
		snprintf(out, size, "%s:%u", host, channel->source_port);
}

int
judge_is_late(const struct facts *facts)
{
	return !facts->is_answered && !facts->is_local &&
	       facts->why.status == EX_UNAVAILABLE &&
	       (!facts->error || strstr(facts->why.msg, " in time"));
}

static const char *
waited_for(const struct facts *facts)
{
	if (!judge_is_late(facts))
		return "";
	switch (facts->step) {
	case HA_DB_AT_SYN:
		return " (nothing answers its address: the machine is down, "
		       "or a firewall drops packets)";
	case HA_DB_AT_GREETING:
		return " (it accepts connections and says nothing: the server "
		       "hangs or is stopped)";
	case HA_DB_AT_LOGIN:
		return " (it greets, but the login gets no answer)";
	case HA_DB_AT_QUERY:
		return " (it lets us in, but the statements get no answer: it "
		       "hangs, perhaps of a full disk)";
	}
	return "";
}

static int
is_full(unsigned error)
{
	return error == 1040 || error == 1203 || error == 1226;
}

/* By the server itself: the library's own errors are from 2000 to 2999. */
static int
is_refused(const struct facts *facts)
{
	return facts->error && (facts->error < 2000 || facts->error > 2999) &&
	       facts->why.status == EX_NOPERM;
}

int
judge_is_own_fault(const struct facts *facts)
{
	if (facts->is_local)
		return 1;
	return facts->why.status != EX_UNAVAILABLE &&
	       facts->why.status != EX_DATAERR && !is_refused(facts);
}

static void
judge_silence(struct judge *judge)
{
	const struct facts *facts = judge->facts;
	struct ha_buf why = HA_BUF_INIT;

	ha_rec_add_utf8(&why, facts->why.msg, strlen(facts->why.msg));
	if (is_full(facts->error))
		judge_say(judge, HA_STATUS_CRIT,
		    "SHOW PROCESSLIST, as an account with CONNECTION ADMIN "
		    "or SUPER",
		    "alive, but it has too many connections, so nothing else "
		    "is known: %s",
		    why.data);
	else if (judge_is_own_fault(facts))
		judge_say(judge, HA_STATUS_UNKNOWN, NULL, "%s", why.data);
	else if (is_refused(facts))
		judge_say(judge, HA_STATUS_CRIT,
		    "SELECT user, host FROM mysql.user, and the password in "
		    "the defaults file",
		    "refuses the login: %s", why.data);
	else
		judge_say(judge, HA_STATUS_CRIT, NULL, "%s%s", why.data,
		    waited_for(facts));
	ha_buf_release(&why);
}

static void
judge_journal(struct judge *judge)
{
	const char *name = judge->facts->node->name;
	struct ha_err err;
	int is_open = journal_find(name, &err);

	if (is_open < 0)
		judge_say(judge, HA_STATUS_UNKNOWN, NULL,
		    "can't tell whether an act was left half done: %s",
		    err.msg);
	else if (is_open)
		judge_say(judge, HA_STATUS_CRIT, NULL,
		    "an act on it was left half done: run ha-repl recover %s",
		    name);
}

/* What lets one see it; MariaDB has had three names for it. */
static const char *
privilege_for(const struct facts *facts)
{
	const char *words =
	    facts->status_rows.words ? facts->status_rows.words : "";

	if (facts->flavour->gtid != GTID_MARIADB ||
	    strstr(words, "REPLICATION CLIENT"))
		return "REPLICATION CLIENT";
	if (strstr(words, "REPLICATION SLAVE ADMIN"))
		return "REPLICATION SLAVE ADMIN, BINLOG MONITOR";
	return "SLAVE MONITOR, BINLOG MONITOR";
}

static void
judge_sight(struct judge *judge)
{
	const struct facts *facts = judge->facts;
	struct ha_buf quote = HA_BUF_INIT;

	if (facts->can_see_channels)
		return;
	if (facts->status_rows.error == NEEDS_PRIVILEGE) {
		judge_say(judge, HA_STATUS_UNKNOWN, NULL,
		    "the account may not see the replication: GRANT %s ON *.* "
		    "TO it",
		    privilege_for(facts));
		return;
	}
	if (facts->status_rows.words)
		judge_add_quote(&quote, facts->status_rows.words);
	judge_say(judge, HA_STATUS_UNKNOWN, facts->flavour->show_channels,
	    "it doesn't tell of its replication: error %u: %s",
	    facts->status_rows.error, quote.data);
	ha_buf_release(&quote);
}

static void
judge_clock(struct judge *judge)
{
	const struct facts *facts = judge->facts;
	int64_t around_us, skew_us = facts_skew_us(facts, &around_us);
	char words[32];

	if (llabs(skew_us) - around_us < SKEW_WARN_US)
		return;
	judge_seconds((double)llabs(skew_us) / 1e6, words, sizeof(words));
	judge_say(judge, HA_STATUS_WARN, "chronyc tracking, on both machines",
	    "its clock is %s %s this machine's", words,
	    skew_us > 0 ? "ahead of" : "behind");
}

/* 1, 0; -1: there is no such variable. */
static int
is_on_of(const struct facts *facts, const char *mariadb, const char *mysql)
{
	int is_on = facts_is_on(facts, mariadb);

	return is_on < 0 ? facts_is_on(facts, mysql) : is_on;
}

static void
judge_semi_sync(struct judge *judge)
{
	const struct facts *facts = judge->facts;
	const struct channel *channel = facts_channel(facts, NULL);

	if (facts_is_writable(facts) == 1 &&
	    is_on_of(facts, "rpl_semi_sync_master_enabled",
		"rpl_semi_sync_source_enabled") == 1 &&
	    is_on_of(facts, "Rpl_semi_sync_master_status",
		"Rpl_semi_sync_source_status") == 0)
		judge_say(judge, HA_STATUS_WARN,
		    "SHOW STATUS LIKE 'Rpl_semi_sync%'",
		    "semi-sync is enabled but OFF: no replica acknowledges, "
		    "commits don't wait");
	if (channel && channel->receiver == THREAD_YES &&
	    is_on_of(facts, "rpl_semi_sync_slave_enabled",
		"rpl_semi_sync_replica_enabled") == 1 &&
	    is_on_of(facts, "Rpl_semi_sync_slave_status",
		"Rpl_semi_sync_replica_status") == 0)
		judge_say(judge, HA_STATUS_WARN,
		    "SHOW STATUS LIKE 'Rpl_semi_sync%'",
		    "semi-sync is enabled but OFF: the source has none, or "
		    "the receiver runs since before it was enabled");
}

static int
has_replicas(const struct judge *judge)
{
	for (size_t e = 0; e < judge->topology->edge_count; e++)
		if (judge->topology->edges[e].source == judge->i)
			return 1;
	return 0;
}

/* It replicates from nobody. */
static void
judge_root(struct judge *judge)
{
	int is_writable = facts_is_writable(judge->facts);

	if (judge->kind == TOPOLOGY_DUAL || judge->kind == TOPOLOGY_RING)
		judge_say(judge, HA_STATUS_CRIT,
		    judge->facts->flavour->show_channels,
		    "replicates from nobody, in a %s",
		    topology_name(judge->kind));
	else if (is_writable == 0)
		judge_say(judge, HA_STATUS_CRIT, "SELECT @@read_only",
		    has_replicas(judge)
			? "the primary is read-only: nobody can write"
			: "read-only, and it replicates from nobody: neither a "
			  "primary nor a replica");
	else if (judge->topology->fleet->count > 1 && !has_replicas(judge))
		judge_say(judge, HA_STATUS_WARN,
		    judge->facts->flavour->show_channels,
		    "replicates from nobody, and none of the others from it");
	else
		judge_say(judge, HA_STATUS_OK, NULL,
		    "primary: it may be written to, and replicates from "
		    "nobody");
}

/* In a dual pair or a ring a replica may write; the set counts how many do. */
static void
judge_writable_replica(struct judge *judge)
{
	if (facts_is_writable(judge->facts) != 1)
		return;
	if (topology_is_in_loop(judge->topology, judge->i) ||
	    (judge->topology->fleet->count == 1 &&
		judge->options->topology > TOPOLOGY_ONEWAY))
		judge_say(judge, HA_STATUS_OK, NULL, "writable");
	else
		judge_say(judge, HA_STATUS_WARN, "SELECT @@read_only",
		    "a replica that may be written to: SET GLOBAL "
		    "read_only=ON, and in my.cnf");
}

static void
judge_same_id(struct judge *judge)
{
	const struct fleet *fleet = judge->topology->fleet;
	const struct facts *facts = judge->facts;

	for (size_t j = 0; j < fleet->count; j++) {
		const struct facts *other = fleet->facts[j];

		if (j == judge->i || !other->is_answered ||
		    facts->server_id < 0 ||
		    other->server_id != facts->server_id)
			continue;
		judge_say(judge, HA_STATUS_CRIT, "SELECT @@server_id on both",
		    "has the same server_id (%lld) as %s",
		    (long long)facts->server_id, other->node->name);
	}
}

static void
judge_channels(struct judge *judge)
{
	const struct facts *facts = judge->facts;
	const char *wanted = judge->options->channel;
	size_t count = 0;

	for (size_t c = 0; c < facts->channel_count; c++) {
		if (wanted && strcasecmp(facts->channels[c].name, wanted) != 0)
			continue;
		judge_channel(judge, &facts->channels[c]);
		count++;
	}
	if (wanted && !count)
		judge_say(judge, HA_STATUS_CRIT, facts->flavour->show_channels,
		    "has no channel '%s'", wanted);
	else if (!count)
		judge_root(judge);
	else
		judge_writable_replica(judge);
}

void
check_judge(struct verdict *verdict, const struct topology *topology, size_t i,
    const struct check_options *options)
{
	struct judge judge;

	judge_init(&judge, topology, i, options);
	judge_journal(&judge);
	if (!judge.facts->is_answered) {
		judge_silence(&judge);
	} else {
		judge_sight(&judge);
		judge_same_id(&judge);
		if (judge.facts->can_see_channels)
			judge_channels(&judge);
		judge_errant(&judge);
		judge_semi_sync(&judge);
		judge_clock(&judge);
	}
	judge_finish(&judge, verdict);
}
