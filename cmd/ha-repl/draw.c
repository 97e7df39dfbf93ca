/* SPDX-License-Identifier: ISC */
#include "draw.h"

#include <string.h>

#include "flavour.h"

const char *
draw_role(const struct facts *facts)
{
	int is_writable;

	if (!facts->is_answered)
		return "no answer";
	is_writable = facts_is_writable(facts);
	return is_writable < 0 ? "may write?"
	       : is_writable   ? "writer"
			       : "read-only";
}

void
draw_add_version(struct ha_buf *text, const struct facts *facts)
{
	const char *version = facts->version ? facts->version : "";

	if (!facts->is_answered)
		return;
	ha_buf_addf(text, "%s %.*s",
	    facts->flavour ? facts->flavour->name : "MySQL",
	    (int)strcspn(version, "-"), version);
}

static void
add_count(struct ha_buf *text, size_t count, const char *word)
{
	ha_buf_addf(text, "%zu %s%s", count, word, count == 1 ? "" : "s");
}

void
draw_add_title(struct ha_buf *text, const struct topology *topology)
{
	const struct fleet *fleet = topology->fleet;
	size_t silent = 0;

	for (size_t i = 0; i < fleet->count; i++)
		silent += !fleet->facts[i]->is_answered;
	if (topology->seems == TOPOLOGY_ANY)
		ha_buf_add_str(text, "none of the known topologies");
	else
		ha_buf_add_str(text, topology_name(topology->seems));
	if (topology->is_partial)
		ha_buf_add_str(text, ", as far as is known");
	ha_buf_add_str(text, ": ");
	add_count(text, fleet->count, "node");
	if (silent)
		ha_buf_addf(text, " (%zu of them without an answer)", silent);
	ha_buf_add_str(text, ", ");
	add_count(text, topology->writers, "writer");
}

void
draw_add_source(struct ha_buf *text, const struct channel *channel)
{
	const char *host = channel->source_host ? channel->source_host : "";

	ha_buf_addf(text, strchr(host, ':') ? "[%s]:%u" : "%s:%u", host,
	    channel->source_port);
}

static const char *
name_of(const struct topology *topology, size_t node)
{
	return topology->fleet->facts[node]->node->name;
}

struct remarks {
	const struct topology *topology;
	void (*tell)(void *context, const char *remark);
	void *context;
};

__attribute__((format(printf, 2, 3))) static void
tell(const struct remarks *remarks, const char *fmt, ...)
{
	struct ha_buf text = HA_BUF_INIT;
	va_list ap;

	va_start(ap, fmt);
	ha_buf_vaddf(&text, fmt, ap);
	va_end(ap);
	remarks->tell(remarks->context, text.data);
	ha_buf_release(&text);
}

static void
tell_writers(const struct remarks *remarks)
{
	const struct topology *topology = remarks->topology;
	const struct fleet *fleet = topology->fleet;
	struct ha_buf names = HA_BUF_INIT;

	if (!topology->writers && !topology->is_partial)
		tell(remarks, "nobody may write: all are read-only");
	for (size_t i = 0; i < fleet->count; i++)
		if (fleet->facts[i]->is_answered &&
		    facts_is_writable(fleet->facts[i]) == 1)
			ha_buf_addf(&names, "%s%s", names.len ? ", " : "",
			    name_of(topology, i));
	if (topology->writers > 1 && topology->seems != TOPOLOGY_ANY &&
	    topology->seems != TOPOLOGY_RING)
		tell(remarks, "%zu writers where one is wanted: %s",
		    topology->writers, names.data);
	ha_buf_release(&names);
}

/* Sources that are no nodes, and nodes that nobody has heard of. */
static void
tell_strangers(const struct remarks *remarks)
{
	const struct topology *topology = remarks->topology;
	struct ha_buf source = HA_BUF_INIT;

	for (size_t i = 0; i < topology->edge_count; i++) {
		const struct edge *edge = &topology->edges[i];

		if (edge->source != STRANGER)
			continue;
		ha_buf_reset(&source);
		draw_add_source(&source, edge->channel);
		tell(remarks,
		    "stranger: %s replicates from %s, which is none of the "
		    "nodes",
		    name_of(topology, edge->replica), source.data);
	}
	for (size_t i = 0; i < topology->fleet->count; i++)
		if (topology_is_stranger(topology, i))
			tell(remarks, "stranger: %s is not in repl.conf",
			    name_of(topology, i));
	ha_buf_release(&source);
}

/* Replicas that nobody can find: no report_host, several addresses. */
static void
tell_hidden(const struct remarks *remarks)
{
	const struct fleet *fleet = remarks->topology->fleet;

	for (size_t i = 0; i < fleet->count; i++) {
		const struct facts *facts = fleet->facts[i];

		for (size_t j = 0; j < facts->child_count; j++) {
			const struct child *child = &facts->children[j];

			if (*child->host || fleet_by_server(fleet,
						child->server_id, child->uuid))
				continue;
			tell(remarks,
			    "unknown replica: %s has one with server_id %lld, "
			    "whose address is not known (report_host is not "
			    "set)",
			    name_of(remarks->topology, i),
			    (long long)child->server_id);
		}
	}
}

void
draw_tell_remarks(const struct topology *topology,
    void (*tell_one)(void *context, const char *remark), void *context)
{
	const struct remarks remarks = { topology, tell_one, context };

	tell_writers(&remarks);
	if (topology->has_loop)
		tell(&remarks,
		    "there is a loop that is neither a dual pair nor a ring");
	tell_strangers(&remarks);
	tell_hidden(&remarks);
}
