/* SPDX-License-Identifier: ISC */
/* check - is replication alive, right and in time? */
#ifndef REPL_CHECK_H
#define REPL_CHECK_H

#include "buf.h"
#include "facts.h"
#include "fleet.h"
#include "range.h"
#include "status.h"
#include "topology.h"

struct check_options {
	struct ha_thresholds lag; /* seconds */
	enum topology_kind topology;
	const char *channel; /* NULL: all of them */
};

/*
 * One finding; the verdict on a node is the worst of its findings, its words
 * those of the worst ones.
 */
struct verdict {
	enum ha_status_state state;
	struct ha_buf words; /* worst first, "; " between them */
	struct ha_buf perf; /* lag per channel, threads, errant, ... */
};
void verdict_init(struct verdict *verdict);
void verdict_release(struct verdict *verdict);

/* Judge the i-th node among all that were read. */
void check_judge(struct verdict *verdict, const struct topology *topology,
    size_t i, const struct check_options *options);
/* Judge the set: how many write, and whether that is what is wanted. */
void check_judge_all(struct verdict *verdict, const struct topology *topology,
    const struct check_options *options);

#endif
