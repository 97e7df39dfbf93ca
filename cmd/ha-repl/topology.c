/* SPDX-License-Identifier: ISC */
#include "topology.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "alloc.h"
#include "causes.h"
#include "clock.h"
#include "shape.h"

/* So many of the protocol's heartbeats may be missed. */
#define MISSED_MAX 3
/* A heartbeat's row so old is nobody's latest, if its writer still writes. */
#define STALE_US INT64_C(10000000)
/* Of a server's own words for an error. */
#define QUOTE_MAX 160

static int
is_loopback(const char *host)
{
	return !strcasecmp(host, "localhost") || !strcmp(host, "::1") ||
	       !strncmp(host, "127.", 4);
}

const char *
topology_host(const struct facts *facts, const char *host)
{
	return is_loopback(host) && facts->node->host ? facts->node->host
						      : host;
}

static unsigned
port_of(const struct facts *facts)
{
	int64_t port = facts_number(facts, "port");

	return port > 0 ? (unsigned)port : facts->node->port;
}

int
topology_is_at(const struct facts *facts, const char *host, unsigned port)
{
	const char *reported, *name;
	int64_t reported_port;

	if (node_is(facts->node, host, port))
		return 1;
	if (!facts->is_answered)
		return 0;
	reported = facts_variable(facts, "report_host");
	reported_port = facts_number(facts, "report_port");
	if (reported && *reported && !strcasecmp(reported, host) &&
	    port ==
		(reported_port > 0 ? (unsigned)reported_port : port_of(facts)))
		return 1;
	name = facts_variable(facts, "hostname");
	return name && *name && !strcasecmp(name, host) &&
	       port == port_of(facts);
}

/* -1: one of them has none. */
static int
is_same_uuid(const struct facts *facts, const struct channel *channel)
{
	if (!facts->uuid || !channel->source_uuid || !*channel->source_uuid)
		return -1;
	return !strcasecmp(facts->uuid, channel->source_uuid);
}

/* Is it connected to somebody else than this one? */
static int
is_contradicted(const struct facts *facts, const struct channel *channel)
{
	if (!facts->is_answered || channel->receiver != THREAD_YES)
		return 0;
	return is_same_uuid(facts, channel) == 0 ||
	       (channel->source_id > 0 && facts->server_id > 0 &&
		   channel->source_id != facts->server_id);
}

static int
is_only_one(const struct fleet *fleet, int64_t server_id)
{
	size_t count = 0;

	for (size_t i = 0; i < fleet->count; i++)
		count += fleet->facts[i]->server_id == server_id;
	return count == 1;
}

/* The tests of topology.h, the surest first. */
enum test { UUID_AND_ADDRESS, ADDRESS, UUID, ID_AND_PORT, TESTS };

static int
is_source(const struct fleet *fleet, const struct facts *replica,
    const struct channel *channel, const struct facts *facts, enum test test)
{
	const char *host = channel->source_host ? channel->source_host : "";
	int is_at = topology_is_at(
	    facts, topology_host(replica, host), channel->source_port);

	switch (test) {
	case UUID_AND_ADDRESS:
		return is_at && is_same_uuid(facts, channel) == 1;
	case ADDRESS:
		return is_at && !is_contradicted(facts, channel);
	case UUID:
		return facts != replica && is_same_uuid(facts, channel) == 1;
	default:
		return facts != replica && facts->is_answered &&
		       is_same_uuid(facts, channel) != 0 &&
		       channel->source_id > 0 &&
		       channel->source_id == facts->server_id &&
		       port_of(facts) == channel->source_port &&
		       is_only_one(fleet, facts->server_id);
	}
}

static size_t
source_of(const struct fleet *fleet, const struct facts *replica,
    const struct channel *channel)
{
	for (int test = 0; test < TESTS; test++)
		for (size_t i = 0; i < fleet->count; i++)
			if (is_source(fleet, replica, channel, fleet->facts[i],
				(enum test)test))
				return i;
	return STRANGER;
}

char *
topology_ancestors(const struct topology *topology, size_t node, size_t without)
{
	size_t nodes = topology->fleet->count, todo_count = 1;
	char *is_ancestor = ha_xcalloc(nodes + 1, 1);
	size_t *todo = ha_xcalloc(nodes + 1, sizeof(*todo));

	todo[0] = node;
	while (todo_count) {
		size_t count, replica = todo[--todo_count];
		const struct edge *edges =
		    topology_sources(topology, replica, &count);

		for (size_t i = 0; i < count; i++) {
			size_t source = edges[i].source;

			if (source == STRANGER || source == without ||
			    is_ancestor[source])
				continue;
			is_ancestor[source] = 1;
			todo[todo_count++] = source;
		}
	}
	free(todo);
	return is_ancestor;
}

int
topology_is_in_loop(const struct topology *topology, size_t node)
{
	char *ancestors = topology_ancestors(topology, node, STRANGER);
	int is_in_loop = ancestors[node] != 0;

	free(ancestors);
	return is_in_loop;
}

/* Is the writer above this edge, over other nodes? */
static int
is_above(
    const struct topology *topology, const struct edge *edge, int64_t writer)
{
	const struct fleet *fleet = topology->fleet;
	char *above;
	int is_it = 0;

	if (edge->source == STRANGER)
		return 0;
	above = topology_ancestors(topology, edge->source, edge->replica);
	above[edge->source] = 1;
	for (size_t i = 0; i < fleet->count && !is_it; i++)
		is_it = above[i] && fleet->facts[i]->is_answered &&
			fleet->facts[i]->server_id == writer;
	free(above);
	return is_it;
}

/*
 * Of several channels, did the row come through this one for certain?  What a
 * channel's source wrote itself came through that one.
 */
static int
came_through(const struct topology *topology, size_t replica,
    const struct channel *channel, int64_t writer)
{
	size_t count;
	const struct edge *edges = topology_sources(topology, replica, &count);
	int is_here = 0;

	for (size_t i = 0; i < count; i++)
		if (edges[i].channel->source_id == writer)
			return channel->source_id == writer;
	for (size_t i = 0; i < count; i++) {
		if (!is_above(topology, &edges[i], writer))
			continue;
		if (edges[i].channel != channel)
			return 0;
		is_here = 1;
	}
	return is_here;
}

const struct beat *
topology_beat(const struct topology *topology, size_t replica,
    const struct channel *channel)
{
	const struct facts *facts = topology->fleet->facts[replica];
	const struct beat *freshest = NULL;

	for (size_t i = 0; i < facts->beat_count; i++) {
		const struct beat *beat = &facts->beats[i];

		if (beat->server_id == facts->server_id ||
		    (freshest && beat->written_us <= freshest->written_us))
			continue;
		if (facts->channel_count < 2 ||
		    came_through(topology, replica, channel, beat->server_id))
			freshest = beat;
	}
	return freshest;
}

static int64_t
age_us(const struct topology *topology, size_t replica, const struct beat *beat)
{
	return facts_lag_us(topology->fleet->facts[replica], beat,
	    fleet_by_server(topology->fleet, beat->server_id, NULL));
}

int64_t
topology_lag_us(const struct topology *topology, const struct edge *edge)
{
	const struct beat *beat =
	    topology_beat(topology, edge->replica, edge->channel);
	int64_t lag_us;

	if (!beat)
		return INT64_MIN;
	lag_us = age_us(topology, edge->replica, beat);
	if (lag_us > STALE_US &&
	    facts_is_last_beat(
		fleet_by_server(topology->fleet, beat->server_id, NULL), beat))
		return INT64_MIN;
	return lag_us;
}

int
topology_is_silent(const struct topology *topology, size_t replica,
    const struct channel *channel)
{
	double bound_ms = MISSED_MAX * channel->heartbeat_period_s * 1000;
	const struct beat *beat;

	if (channel->receiver != THREAD_YES || bound_ms <= 0 ||
	    channel->heard_ms < 0 || (double)channel->heard_ms <= bound_ms)
		return 0;
	beat = topology_beat(topology, replica, channel);
	return channel->delay_s > 0 || !beat ||
	       (double)age_us(topology, replica, beat) / 1000 >= bound_ms;
}

static int
is_broken(const struct topology *topology, const struct edge *edge)
{
	const struct channel *channel = edge->channel;

	return channel->receiver == THREAD_NO ||
	       channel->receiver == THREAD_CONNECTING ||
	       channel->applier == THREAD_NO ||
	       topology_is_silent(topology, edge->replica, channel);
}

static void
append(struct edge **edges, size_t *count, const struct edge *edge)
{
	*edges = ha_xrealloc(*edges, (*count + 1) * sizeof(**edges));
	(*edges)[(*count)++] = *edge;
}

static void
add_edges(struct topology *topology, size_t replica)
{
	const struct fleet *fleet = topology->fleet;
	const struct facts *facts = fleet->facts[replica];

	for (size_t i = 0; i < facts->channel_count; i++) {
		const struct channel *channel = &facts->channels[i];
		struct edge edge = {
			.replica = replica,
			.source = source_of(fleet, facts, channel),
			.channel = channel,
		};

		if (edge.source == STRANGER)
			topology->is_partial = 1;
		append(&topology->edges, &topology->edge_count, &edge);
	}
}

/* Who replicates from it, by its own words, but could not be asked. */
static void
add_told(struct topology *topology, size_t source)
{
	const struct facts *facts = topology->fleet->facts[source];

	for (size_t i = 0; i < topology->fleet->count; i++) {
		const struct facts *other = topology->fleet->facts[i];
		struct edge edge = { .replica = i, .source = source };

		if (other->is_answered || i == source)
			continue;
		for (size_t j = 0; j < facts->child_count; j++) {
			const struct child *child = &facts->children[j];

			if (!*child->host ||
			    !node_is(other->node,
				topology_host(facts, child->host), child->port))
				continue;
			append(&topology->told, &topology->told_count, &edge);
			break;
		}
	}
}

void
topology_build(struct topology *topology, const struct fleet *fleet)
{
	memset(topology, 0, sizeof(*topology));
	topology->fleet = fleet;
	for (size_t i = 0; i < fleet->count; i++) {
		const struct facts *facts = fleet->facts[i];

		if (!facts->is_answered || !facts->can_see_channels)
			topology->is_partial = 1;
		if (!facts->is_answered)
			continue;
		topology->writers += facts_is_writable(facts) == 1;
		add_edges(topology, i);
		add_told(topology, i);
	}
	for (size_t i = 0; i < topology->edge_count; i++)
		topology->edges[i].is_broken =
		    is_broken(topology, &topology->edges[i]);
	shape_recognise(topology);
	topology->kind = topology->is_partial ? TOPOLOGY_ANY : topology->seems;
}

void
topology_release(struct topology *topology)
{
	free(topology->edges);
	free(topology->told);
	free(topology->groups);
	memset(topology, 0, sizeof(*topology));
}

const struct edge *
topology_sources(const struct topology *topology, size_t replica, size_t *count)
{
	const struct edge *first = NULL;

	*count = 0;
	for (size_t i = 0; i < topology->edge_count; i++) {
		if (topology->edges[i].replica != replica)
			continue;
		if (!first)
			first = &topology->edges[i];
		++*count;
	}
	return first;
}

int
topology_is_stranger(const struct topology *topology, size_t node)
{
	const struct facts *facts = topology->fleet->facts[node];
	const struct nodes *known = topology->known;

	if (!known || !known->count)
		return 0;
	for (size_t i = 0; i < known->count; i++)
		if (!strcmp(known->list[i]->name, facts->node->name) ||
		    (known->list[i]->host &&
			topology_is_at(
			    facts, known->list[i]->host, known->list[i]->port)))
			return 0;
	return 1;
}

static void
add_error(struct ha_buf *words, unsigned error, const char *quote)
{
	const struct cause *cause = cause_find(error, quote);
	size_t len = quote ? strlen(quote) : 0;

	if (!error)
		return;
	if (cause)
		ha_buf_addf(words, ": %s (error %u)", cause->meaning, error);
	else
		ha_buf_addf(words, ": error %u: %.*s%s", error,
		    (int)(len > QUOTE_MAX ? QUOTE_MAX : len),
		    quote ? quote : "", len > QUOTE_MAX ? "..." : "");
}

static void
add_broken(struct ha_buf *words, const struct channel *channel)
{
	int has_receiver = channel->receiver != THREAD_NO;
	int has_applier = channel->applier != THREAD_NO;

	if (!has_receiver && !has_applier)
		ha_buf_add_str(words, "stopped");
	else if (!has_receiver)
		ha_buf_add_str(words, "receiver stopped");
	else if (channel->receiver == THREAD_CONNECTING)
		ha_buf_add_str(words, "can't connect");
	if (channel->receiver != THREAD_YES)
		add_error(
		    words, channel->receiver_error, channel->receiver_words);
	if (has_applier)
		return;
	if (has_receiver)
		ha_buf_addf(words, "%sapplier stopped",
		    channel->receiver == THREAD_YES ? "" : "; ");
	add_error(words, channel->applier_error, channel->applier_words);
}

static void
add_lag(struct ha_buf *words, int64_t lag_us, const struct channel *channel)
{
	if (lag_us != INT64_MIN)
		ha_buf_addf(words, "%.3f s behind",
		    lag_us > 0 ? (double)lag_us / 1e6 : 0.0);
	else if (channel->seconds_behind >= 0)
		ha_buf_addf(words, "%lld s behind by its own count",
		    (long long)channel->seconds_behind);
	else
		ha_buf_add_str(words, "lag not known");
	if (channel->delay_s > 0)
		ha_buf_addf(words, " (a delay of %lld s is asked for)",
		    (long long)channel->delay_s);
}

void
topology_add_words(struct ha_buf *words, const struct topology *topology,
    const struct edge *edge)
{
	const struct channel *channel = edge->channel;
	char heard[64];

	if (edge->is_broken)
		ha_buf_add_str(words, "BROKEN: ");
	if (channel->receiver == THREAD_UNKNOWN ||
	    channel->applier == THREAD_UNKNOWN)
		ha_buf_add_str(words, "doesn't say whether it runs");
	else if (!edge->is_broken)
		add_lag(words, topology_lag_us(topology, edge), channel);
	if (!edge->is_broken)
		return;
	if (channel->receiver == THREAD_YES && channel->applier != THREAD_NO) {
		ha_clock_words(channel->heard_ms, heard, sizeof(heard));
		ha_buf_addf(words, "silent: nothing has come for %s", heard);
		return;
	}
	add_broken(words, channel);
}
