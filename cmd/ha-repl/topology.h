/* SPDX-License-Identifier: ISC */
/*
 * topology - who replicates from whom: the graph, its shape, what is wrong
 * with it.
 */
#ifndef REPL_TOPOLOGY_H
#define REPL_TOPOLOGY_H

#include <stddef.h>

#include "buf.h"
#include "facts.h"
#include "fleet.h"

struct edge {
	size_t replica; /* index of facts in the fleet */
	size_t source; /* likewise; STRANGER: not among the nodes */
	const struct channel *channel;
	int is_broken; /* a thread does not run, or nothing is heard */
};
#define STRANGER ((size_t)-1)

struct topology {
	const struct fleet *fleet; /* borrowed */
	struct edge *edges;
	size_t edge_count;
	enum topology_kind kind; /* recognised; TOPOLOGY_ANY: none of them */
	size_t writers; /* nodes that are writable */
	int has_loop; /* a cycle that is neither a dual pair nor a ring */
};

/* Build it from what is known; nothing is asked. */
void topology_build(struct topology *topology, const struct fleet *fleet);
void topology_release(struct topology *topology);
/* The edges into a replica: *count of them, from the first. */
const struct edge *topology_sources(
    const struct topology *topology, size_t replica, size_t *count);

/*
 * Follow sources and replicas from the fleet's nodes until nobody new is
 * found; known names and logins of repl.conf are used for who is in it.  The
 * new nodes belong to found.  A server that is met under a second address is
 * one node (by its server_uuid, or its id and port), the address its alias.
 */
void topology_discover(struct fleet *fleet, const struct nodes *known,
    struct nodes *found, const struct facts_options *options);

/*
 * Draw it: a tree of text for a person (colour as asked), one JSON object, or
 * Graphviz' dot.  Bytes from servers are made printable.
 */
void topology_draw(
    struct ha_buf *out, const struct topology *topology, int is_coloured);
void topology_json(struct ha_buf *out, const struct topology *topology);
void topology_dot(struct ha_buf *out, const struct topology *topology);

#endif
