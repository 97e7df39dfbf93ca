/* SPDX-License-Identifier: ISC */
/* shape - groups, and which of the four topologies (topology.h) they make. */
#ifndef REPL_SHAPE_H
#define REPL_SHAPE_H

#include "topology.h"

/* Fills in seems, has_loop and groups from the edges. */
void shape_recognise(struct topology *topology);

/* Does replica replicate from source, by an edge or by what is told? */
int
shape_is_linked(const struct topology *topology, size_t source, size_t replica);
/*
 * The members of the group of a node, in an order in which each is the source
 * of the next if it is a pair or ring; first a writer, if there is one.  Their
 * number; members has room for all nodes.  *is_loop: it is neither.
 */
size_t shape_members(const struct topology *topology, size_t node,
    size_t *members, int *is_loop);

#endif
