/* SPDX-License-Identifier: ISC */
/*
 * topology - who replicates from whom: the graph, its shape, what is wrong
 * with it.
 *
 * topology.c		the edges
 * shape.c		which of the known shapes they make
 * discover.c		nodes that nobody named
 * draw.c, draw-json.c, draw-dot.c
 *
 * The source of a channel is the node that, in this order: has its uuid and its
 * address; has its address (HOST:PORT of the node, an alias, report_host or
 * hostname with the server's own port; loopback is the replica's machine) and,
 * while it is connected, no other uuid or server_id; has its uuid; is the only
 * one with its server_id and listens on its port.
 *
 * The shape follows from who replicates from whom alone; who may write is
 * another matter.  Nodes that replicate from each other, directly or through
 * others, are one group: a dual pair is one of two, a ring one of three or more
 * in which each has one source and one replica; any other is a loop that is
 * none.  It is one of the four when no group is such a loop, there is one group
 * from which all are reached, and each other one has one link to it; then:
 *
 * ring		the first group is a ring, and no other is a ring or pair
 * dual		a pair, and nothing else
 * oneway	no pair, and all others replicate from the first
 * cascade	all else without a ring: a pair with replicas below, another
 *		pair below it, a replica that is a source
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
	const struct nodes *known; /* borrowed; if there are any, who is not
				      among them is a stranger; or NULL */
	struct edge *edges; /* those of one replica stand together */
	size_t edge_count;
	/* What a source says of a replica that did not answer; no channels. */
	struct edge *told;
	size_t told_count;
	enum topology_kind kind; /* recognised; TOPOLOGY_ANY: none of them, or
				    not all is known */
	enum topology_kind seems; /* the same of that which is known */
	int is_partial; /* a node did not answer or didn't show its channels, or
			   a source is none of the nodes */
	size_t writers; /* nodes that are writable */
	int has_loop; /* a cycle that is neither a dual pair nor a ring */
	size_t *groups; /* of each node: the first node of its group */
};

/* Build it from what is known; nothing is asked. */
void topology_build(struct topology *topology, const struct fleet *fleet);
void topology_release(struct topology *topology);
/* The edges into a replica: *count of them, from the first. */
const struct edge *topology_sources(
    const struct topology *topology, size_t replica, size_t *count);

/* Of a server, what it calls its machine's own address is the node's. */
const char *topology_host(const struct facts *facts, const char *host);
/* Is the node there, as far as can be told from what it says of itself? */
int topology_is_at(const struct facts *facts, const char *host, unsigned port);
/* Append what goes on, or wrong, on an edge: "0.012 s behind"; raw bytes. */
void topology_add_words(struct ha_buf *words, const struct topology *topology,
    const struct edge *edge);
/*
 * Mark whom the node replicates from, directly or over others, but not over
 * without (STRANGER: over any): an array of as many as there are nodes, freed
 * by the caller.
 */
char *topology_ancestors(
    const struct topology *topology, size_t node, size_t without);
/* Is the node its own source, over others? */
int topology_is_in_loop(const struct topology *topology, size_t node);
/*
 * The freshest heartbeat row that another server wrote and that came through
 * the channel; NULL: none.  Where the replica has several channels a row counts
 * only if its writer is this one's source, or else is known to be above this
 * one and above no other.
 */
const struct beat *topology_beat(const struct topology *topology,
    size_t replica, const struct channel *channel);
/*
 * Has nothing been heard for three of the protocol's heartbeats, although the
 * receiver says Yes?  A row that has just been applied came over the link, but
 * not where a delay is asked for.
 */
int topology_is_silent(const struct topology *topology, size_t replica,
    const struct channel *channel);
/*
 * Lag by heartbeat rows in microseconds; INT64_MIN: not known, as when all rows
 * have arrived that their writer has written, and the last one is old.
 */
int64_t
topology_lag_us(const struct topology *topology, const struct edge *edge);
/* Is it a node that repl.conf doesn't have, though it has some? */
int topology_is_stranger(const struct topology *topology, size_t node);

/*
 * Follow sources and replicas from the fleet's nodes until nobody new is
 * found; known names and logins of repl.conf are used for who is in it.  The
 * new nodes belong to found, which the fleet then borrows.  Each round of new
 * nodes has level_ms, all of them options->deadline_ns.  Where an address can't
 * be reached it is a node that did not answer.
 *
 * A server that is met under a second address is one node, the address its
 * alias: the one with the same server_uuid, server_id, port, hostname and
 * datadir, as far as both tell; without uuids id and port must be told.
 *
 * Returns 0, or -1 when it ended before all were asked: DISCOVER_MAX nodes, or
 * the deadline; then err says which.
 */
#define DISCOVER_MAX 256
int topology_discover(struct fleet *fleet, const struct nodes *known,
    struct nodes *found, const struct facts_options *options, int64_t level_ms,
    struct ha_err *err);

/*
 * Draw it: a tree of text for a person (colour as asked), one JSON object, or
 * Graphviz' dot.  Bytes from servers are made printable.
 */
void topology_draw(
    struct ha_buf *out, const struct topology *topology, int is_coloured);
void topology_json(struct ha_buf *out, const struct topology *topology);
void topology_dot(struct ha_buf *out, const struct topology *topology);

#endif
