/* SPDX-License-Identifier: ISC */
/* discover - nodes that nobody named, by what the others say. */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "alloc.h"
#include "clock.h"
#include "topology.h"

#define HOST_MAX 255

/* Nodes to be asked next. */
struct level {
	struct candidate {
		struct node *node;
		int64_t id; /* that is said to be there; -1: not told */
		int is_guessed; /* its id and port are those of one who answers,
				   which it is if it can't be reached */
	} * list;
	size_t count;
};

struct search {
	struct fleet *fleet;
	const struct nodes *known;
	struct nodes *found; /* all that were asked, too */
	struct level next;
};

/* A name or an address, and nothing that a server made up. */
static int
is_host(const char *host)
{
	size_t len = strlen(host);

	if (!len || len > HOST_MAX || *host == '-')
		return 0;
	for (; *host; host++)
		if (!isalnum((unsigned char)*host) && !strchr("-._:%", *host))
			return 0;
	return 1;
}

/* Do both tell it, and differently?  equal counts those that are the same. */
static int
differs(const struct facts *a, const struct facts *b, const char *variable,
    int *equal)
{
	const char *one = facts_variable(a, variable);
	const char *two = facts_variable(b, variable);

	if (!one || !two)
		return 0;
	if (strcmp(one, two) != 0)
		return 1;
	++*equal;
	return 0;
}

static int
is_same_server(const struct facts *a, const struct facts *b)
{
	int ports = 0, others = 0;

	if (!a->is_answered || !b->is_answered || a->server_id < 0 ||
	    a->server_id != b->server_id)
		return 0;
	if (a->uuid && b->uuid && strcasecmp(a->uuid, b->uuid) != 0)
		return 0;
	if (differs(a, b, "port", &ports) ||
	    differs(a, b, "hostname", &others) ||
	    differs(a, b, "datadir", &others))
		return 0;
	return (a->uuid && b->uuid) || ports;
}

static void
add_alias(struct node *node, const struct node *other)
{
	if (!other->host || node_is(node, other->host, other->port))
		return;
	node->aliases = ha_xrealloc(
	    node->aliases, (node->alias_count + 1) * sizeof(*node->aliases));
	node->aliases[node->alias_count++] = ha_xstrdup(node_address(other));
}

static void
drop(struct fleet *fleet, size_t i)
{
	facts_release(fleet->facts[i]);
	free(fleet->facts[i]);
	fleet->count--;
	memmove(&fleet->facts[i], &fleet->facts[i + 1],
	    (fleet->count - i) * sizeof(*fleet->facts));
}

/* The servers from first on that were there before, by another address. */
static void
join(struct fleet *fleet, size_t first)
{
	for (size_t i = first; i < fleet->count; i++) {
		size_t j = 0;

		while (
		    j < i && !is_same_server(fleet->facts[j], fleet->facts[i]))
			j++;
		if (j == i)
			continue;
		add_alias(fleet->facts[j]->node, fleet->facts[i]->node);
		drop(fleet, i--);
	}
}

static int
is_asked(const struct search *search, const char *host, unsigned port)
{
	for (size_t i = 0; i < search->next.count; i++)
		if (node_is(search->next.list[i].node, host, port))
			return 1;
	for (size_t i = 0; i < search->found->count; i++)
		if (node_is(search->found->list[i], host, port))
			return 1;
	return 0;
}

static struct node *
new_node(const struct nodes *known, const char *host, unsigned port)
{
	for (size_t i = 0; known && i < known->count; i++)
		if (node_is(known->list[i], host, port))
			return node_copy(known->list[i]);
	return node_new(host, port);
}

/* An address that a server tells of. */
static void
consider(struct search *search, const char *host, unsigned port, int64_t id,
    int is_guessed)
{
	struct level *next = &search->next;

	if (!is_host(host) || !port || port > 65535 ||
	    is_asked(search, host, port))
		return;
	for (size_t i = 0; i < search->fleet->count; i++) {
		const struct facts *facts = search->fleet->facts[i];

		if (topology_is_at(facts, host, port) &&
		    (id < 0 || !facts->is_answered || facts->server_id == id))
			return;
	}
	next->list =
	    ha_xrealloc(next->list, (next->count + 1) * sizeof(*next->list));
	next->list[next->count++] = (struct candidate){
		.node = new_node(search->known, host, port),
		.id = id,
		.is_guessed = is_guessed,
	};
}

/* One that was made out by its id and port alone is asked all the same. */
static void
consider_sources(struct search *search, const struct topology *topology)
{
	for (size_t i = 0; i < topology->edge_count; i++) {
		const struct edge *edge = &topology->edges[i];
		const struct channel *channel = edge->channel;
		const struct facts *source = NULL;

		if (!channel->source_host)
			continue;
		if (edge->source != STRANGER)
			source = search->fleet->facts[edge->source];
		if (source && source->uuid && channel->source_uuid &&
		    !strcasecmp(source->uuid, channel->source_uuid))
			continue;
		consider(search,
		    topology_host(search->fleet->facts[edge->replica],
			channel->source_host),
		    channel->source_port, -1, source != NULL);
	}
}

/* Has it a replica with this id already?  Then it is that one. */
static int
has_replica(
    const struct topology *topology, size_t source, const struct child *child)
{
	for (size_t i = 0; i < topology->edge_count; i++) {
		const struct edge *edge = &topology->edges[i];
		const struct facts *facts =
		    topology->fleet->facts[edge->replica];

		if (edge->source == source && child->server_id >= 0 &&
		    facts->server_id == child->server_id &&
		    (!child->uuid || !facts->uuid ||
			!strcasecmp(child->uuid, facts->uuid)))
			return 1;
	}
	return 0;
}

static void
consider_children(struct search *search, const struct topology *topology)
{
	for (size_t i = 0; i < search->fleet->count; i++) {
		const struct facts *facts = search->fleet->facts[i];

		for (size_t j = 0; j < facts->child_count; j++) {
			const struct child *child = &facts->children[j];

			if (!has_replica(topology, i, child))
				consider(search,
				    topology_host(facts, child->host),
				    child->port, child->server_id, 0);
		}
	}
}

/*
 * Whoever answers with another id than was told is somebody else; who doesn't
 * answer and was made out already is the one who does.
 */
static void
drop_others(struct fleet *fleet, size_t first, const struct level *asked)
{
	size_t at = first;

	for (size_t i = 0; at < fleet->count; i++) {
		const struct facts *facts = fleet->facts[at];
		const struct candidate *candidate = &asked->list[i];

		if (facts->is_answered ? candidate->id >= 0 &&
					     facts->server_id != candidate->id
				       : candidate->is_guessed)
			drop(fleet, at);
		else
			at++;
	}
}

static void
keep(struct nodes *found, struct node *node)
{
	found->list =
	    ha_xrealloc(found->list, (found->count + 1) * sizeof(*found->list));
	found->list[found->count++] = node;
}

static void
ask(struct search *search, const struct facts_options *options,
    int64_t level_ms)
{
	struct facts_options limited = *options;
	struct level *next = &search->next;
	size_t first = search->fleet->count;
	struct node **nodes = ha_xcalloc(next->count, sizeof(*nodes));
	int64_t until_ns = ha_clock_deadline(level_ms);

	if (until_ns < limited.deadline_ns)
		limited.deadline_ns = until_ns;
	for (size_t i = 0; i < next->count; i++) {
		nodes[i] = next->list[i].node;
		keep(search->found, nodes[i]);
	}
	fleet_add(search->fleet, nodes, next->count, &limited);
	drop_others(search->fleet, first, next);
	join(search->fleet, first);
	free(nodes);
	free(next->list);
	*next = (struct level){ NULL, 0 };
}

static int
is_linked(const struct topology *topology, size_t node)
{
	for (size_t i = 0; i < topology->edge_count; i++)
		if (topology->edges[i].source == node ||
		    topology->edges[i].replica == node)
			return 1;
	for (size_t i = 0; i < topology->told_count; i++)
		if (topology->told[i].source == node ||
		    topology->told[i].replica == node)
			return 1;
	return 0;
}

/*
 * Of what was found: an address that is out of reach, of a server that has
 * answered at another, is in nobody's way.
 */
static void
drop_unlinked(struct fleet *fleet, size_t named)
{
	struct topology topology;

	topology_build(&topology, fleet);
	for (size_t i = fleet->count; i-- > named;)
		if (!is_linked(&topology, i))
			drop(fleet, i);
	topology_release(&topology);
}

int
topology_discover(struct fleet *fleet, const struct nodes *known,
    struct nodes *found, const struct facts_options *options, int64_t level_ms,
    struct ha_err *err)
{
	struct search search = { fleet, known, found, { NULL, 0 } };
	struct topology topology;
	size_t named, asked = fleet->count;
	int result = 0;

	join(fleet, 0);
	named = fleet->count;
	for (;;) {
		topology_build(&topology, fleet);
		consider_sources(&search, &topology);
		consider_children(&search, &topology);
		topology_release(&topology);
		asked += search.next.count;
		if (!search.next.count)
			break;
		if (asked > DISCOVER_MAX)
			result = ha_err_set(err, EX_UNAVAILABLE, 0,
			    "there are more than %d nodes", DISCOVER_MAX);
		else if (ha_clock_now_ns() >= options->deadline_ns)
			result = ha_err_set(err, EX_TEMPFAIL, 0,
			    "time was up before all nodes were asked");
		if (result)
			break;
		ask(&search, options, level_ms);
	}
	for (size_t i = 0; i < search.next.count; i++)
		node_free(search.next.list[i].node);
	free(search.next.list);
	drop_unlinked(fleet, named);
	return result;
}
