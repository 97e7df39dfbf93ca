/* SPDX-License-Identifier: ISC */
/* lint - what will hurt at the next failover. */
#ifndef REPL_LINT_H
#define REPL_LINT_H

#include <stddef.h>

#include "buf.h"
#include "facts.h"
#include "status.h"
#include "topology.h"

/* One finding; all strings are owned by the list. */
struct finding {
	const char *rule; /* "server-id", as the man page lists it; static */
	enum ha_status_state state; /* WARN, CRIT; UNKNOWN: it is this machine
				       that can't read the node */
	size_t node; /* index of facts in the fleet */
	char *what; /* "sync_binlog is 0" */
	char *why; /* "a power cut loses transactions that replicas have" */
	char *mend; /* statements, and lines of my.cnf behind their section
		       ("[mysqld] sync_binlog = 1"), LF between; or words */
};

struct findings {
	struct finding *list; /* owned */
	size_t count;
};

/* Every rule, on everything that was read with FACTS_ALL. */
void lint_judge(struct findings *findings, const struct topology *topology,
    enum topology_kind kind);
void findings_release(struct findings *findings);

#endif
