/* SPDX-License-Identifier: ISC */
/*
 * fleet - all nodes at once: a thread for each, and nobody waits for the
 * slowest longer than the deadline.
 */
#ifndef REPL_FLEET_H
#define REPL_FLEET_H

#include <stddef.h>
#include <stdint.h>

#include "facts.h"

/*
 * What was read of each node, in their order.  facts[i] of a node whose thread
 * had not ended by the deadline says so (is_answered 0, CRIT's words in why,
 * step); that thread is left behind and touches nothing of ours.  A process
 * that left one behind ends by fleet_exit().
 */
struct fleet {
	struct facts **facts; /* owned */
	size_t count;
};

/*
 * Read all of them.  nodes are borrowed as long as the fleet.  Doesn't fail:
 * a thread that can't be started is that node's own (is_local) error.
 */
void fleet_read(struct fleet *fleet, struct node *const *nodes, size_t count,
    const struct facts_options *options);
/* Reads further nodes and appends them (topology finds more as it goes). */
void fleet_add(struct fleet *fleet, struct node *const *nodes, size_t count,
    const struct facts_options *options);
void fleet_release(struct fleet *fleet);
/* The facts of the server with this id, or uuid if both have one; or NULL. */
struct facts *
fleet_by_server(const struct fleet *fleet, int64_t server_id, const char *uuid);
/* The node that others know by this address; NULL: none. */
struct facts *
fleet_by_address(const struct fleet *fleet, const char *host, unsigned port);
/* exit(3), or _exit(2) behind a flush when a thread was left behind. */
_Noreturn void fleet_exit(int status);

#endif
