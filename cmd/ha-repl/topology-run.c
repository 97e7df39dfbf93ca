/* SPDX-License-Identifier: ISC */
/* topology-run - ha-repl topology: find all, draw it. */
#include <string.h>

#include "clock.h"
#include "msg.h"
#include "out.h"
#include "repl.h"
#include "text.h"
#include "topology.h"

#define RUN_MS 50000
/* What is left of the whole run for drawing. */
#define MARGIN_MS 500

static void
print(const struct topology *topology, const char *format)
{
	struct ha_buf out = HA_BUF_INIT;

	if (format && !strcmp(format, "json"))
		topology_json(&out, topology);
	else if (format && !strcmp(format, "dot"))
		topology_dot(&out, topology);
	else
		topology_draw(&out, topology, ha_text_is_coloured());
	ha_out_write(out.data, out.len);
	ha_buf_release(&out);
}

/* Somebody has answered; else what the first one met. */
static int
status_of(const struct fleet *fleet)
{
	for (size_t i = 0; i < fleet->count; i++)
		if (fleet->facts[i]->is_answered)
			return EX_OK;
	return EX_UNAVAILABLE;
}

static int64_t
whole_deadline(const struct repl *repl)
{
	int64_t ms = repl->run_ms >= 0 ? repl->run_ms : RUN_MS;

	return ha_clock_deadline(ms > 2 * MARGIN_MS ? ms - MARGIN_MS : ms / 2);
}

int
topology_run(const struct repl *repl, char **operands)
{
	struct facts_options options = repl_facts_options(repl, FACTS_CHILDREN);
	struct nodes nodes, found = { 0 };
	struct topology topology;
	struct fleet fleet;
	struct ha_err err;
	int64_t until_ns = whole_deadline(repl);
	int status;

	if (nodes_choose(&nodes, &repl->nodes, operands, &err))
		ha_die_err(&err);
	if (until_ns < options.deadline_ns)
		options.deadline_ns = until_ns;
	fleet_read(&fleet, nodes.list, nodes.count, &options);
	options.deadline_ns = until_ns;
	if (topology_discover(&fleet, &repl->nodes, &found, &options,
		repl->statement_ms, &err))
		ha_warn("%s: the drawing is not complete", err.msg);
	topology_build(&topology, &fleet);
	topology.known = &repl->nodes;
	print(&topology, repl->format);
	status = status_of(&fleet);
	topology_release(&topology);
	fleet_release(&fleet);
	nodes_release(&found);
	nodes_release(&nodes);
	return status;
}
