/* SPDX-License-Identifier: ISC */
/*
 * lint-rules - what the rules of lint share: who is what in the topology, and
 * how a finding is made.
 *
 * A rule judges only what the servers have told; it is silent about the rest.
 * Those that need one node alone are in lint-node.c, those on a channel in
 * lint-channel.c, those between nodes in lint-set.c, lint-same.c and
 * lint-semi-sync.c, each with its source.
 */
#ifndef REPL_LINT_RULES_H
#define REPL_LINT_RULES_H

#include <stddef.h>

#include "facts.h"
#include "flavour.h"
#include "lint.h"
#include "topology.h"

/* What a node is, or (when nothing replicates yet) is meant to become. */
struct lint_member {
	int is_source, is_replica;
	int is_middle; /* hands on what it got: to another than it got it of */
	int is_in_loop; /* a dual pair or a ring */
	int is_writer; /* takes the writes; in a ring all do */
	int is_first; /* tells of what is the same on all: a writer, if any */
};

struct lint {
	const struct topology *topology;
	enum topology_kind kind; /* wanted, else recognised */
	const struct lint_member *members; /* one a node */
	struct findings *findings;
	const char *rule; /* whose turn it is */
};

struct lint_node_rule {
	const char *name;
	void (*judge)(struct lint *lint, size_t node); /* one that answered */
};
struct lint_set_rule {
	const char *name;
	void (*judge)(struct lint *lint);
};
struct lint_channel_rule {
	const char *name;
	/* whose replica answered */
	void (*judge)(struct lint *lint, const struct edge *edge);
};
/* Ended by a name that is NULL. */
extern const struct lint_node_rule lint_node_rules[];
extern const struct lint_set_rule lint_set_rules[], lint_same_rules[],
    lint_semi_sync_rules[];
extern const struct lint_channel_rule lint_channel_rules[];

/* Add a finding; what and mend become the list's own, why is copied. */
void lint_add(struct lint *lint, enum ha_status_state state, size_t node,
    char *what, const char *why, char *mend);

size_t lint_node_count(const struct lint *lint);
/* The facts of a node, of a channel's source that answered; else NULL. */
const struct facts *lint_facts(const struct lint *lint, size_t node);
const struct facts *
lint_source(const struct lint *lint, const struct edge *edge);
const char *lint_node_name(const struct lint *lint, size_t node);
/* The first of two names that the server knows; NULL: neither. */
const char *
lint_known(const struct facts *facts, const char *name, const char *other);
/* Does any channel of any node use GTIDs, or are there none at all? */
int lint_uses_gtid(const struct lint *lint);
/* Does it take SET PERSIST? */
int lint_persists(const struct facts *facts);

/* A value of this variable that no node has, another for each node. */
char *lint_free_number(const struct lint *lint, const char *name, size_t node);

/* Mends, each for the caller to give to lint_add(). */
/* At once and at the next start. */
char *
lint_mend_set(const struct facts *facts, const char *name, const char *value);
/* By my.cnf and a restart. */
char *lint_mend_file(const char *name, const char *value);
/*
 * By changing a channel, with its stop and start around: what is in source
 * beyond LINT_SOURCE, which leaves all as it is but for the heartbeat period.
 */
char *lint_mend_channel(const struct facts *facts,
    const struct channel *channel, struct source source);
#define LINT_SOURCE                                                            \
	.has_tls = -1, .is_verified = -1, .gets_public_key = -1,               \
	.connect_retry_s = -1, .retry_count = -1

#endif
