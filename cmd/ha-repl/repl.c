/* SPDX-License-Identifier: ISC */
/*
 * repl - what the subcommands make of what was asked.
 */
#include "repl.h"

#include "clock.h"
#include "msg.h"

struct facts_options
repl_facts_options(const struct repl *repl, enum facts_depth depth)
{
	int64_t ms = repl->statement_ms;

	if (repl->run_ms >= 0 && repl->run_ms < ms)
		ms = repl->run_ms;
	return (struct facts_options){
		.defaults_file = repl->defaults_file,
		.insecure = repl->insecure,
		.heartbeat_table = repl->heartbeat_table,
		.depth = depth,
		.deadline_ns = ha_clock_deadline(ms),
	};
}

enum topology_kind
repl_topology(const struct repl *repl)
{
	enum topology_kind kind = repl->nodes.topology;
	struct ha_err err;

	if (repl->topology && topology_parse(repl->topology, &kind, &err))
		ha_die_err(&err);
	return kind;
}
