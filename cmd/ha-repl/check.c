/* SPDX-License-Identifier: ISC */
/*
 * check - read the nodes, judge each and all, report.
 *
 * Records: CHECK is "repl" with a node's name as HOST; of several nodes also
 * "repl-writers", with all their names as HOST.
 */
#include "check.h"

#include <stdlib.h>
#include <string.h>

#include "alloc.h"
#include "clock.h"
#include "msg.h"
#include "repl.h"
#include "sweep.h"

/* The nodes to check: of the operands, which are owned, or of repl.conf. */
struct chosen {
	struct node **list;
	size_t count;
	int is_owned;
};

static void
chosen_release(struct chosen *chosen)
{
	if (!chosen->is_owned)
		return;
	for (size_t i = 0; i < chosen->count; i++)
		node_free(chosen->list[i]);
	free(chosen->list);
}

static void
refuse_twice(const struct chosen *chosen, const struct node *node)
{
	for (size_t i = 0; i < chosen->count; i++)
		if (!strcmp(node_address(chosen->list[i]), node_address(node)))
			ha_die(HA_STATUS_UNKNOWN,
			    "'%s' and '%s' are the same node; try 'ha-repl "
			    "--help'",
			    chosen->list[i]->name, node->name);
}

static void
choose(struct chosen *chosen, const struct repl *repl, char **operands)
{
	struct ha_err err;

	*chosen = (struct chosen){ repl->nodes.list, repl->nodes.count, 0 };
	if (!*operands && !chosen->count)
		ha_die(HA_STATUS_UNKNOWN, "no node is named, and repl.conf "
					  "has none; try 'ha-repl --help'");
	if (!*operands)
		return;
	*chosen = (struct chosen){ NULL, 0, 1 };
	for (; *operands; operands++) {
		struct node *node = node_find(&repl->nodes, *operands, &err);

		if (!node)
			ha_die(
			    HA_STATUS_UNKNOWN, "'%s': %s", *operands, err.msg);
		refuse_twice(chosen, node);
		chosen->list = ha_xrealloc(
		    chosen->list, (chosen->count + 1) * sizeof(*chosen->list));
		chosen->list[chosen->count++] = node;
	}
}

static struct check_options
make_options(const struct repl *repl)
{
	struct check_options options = {
		.lag = repl->lag,
		.topology = repl->nodes.topology,
		.channel = repl->channel,
	};
	struct ha_err err;

	if (repl->topology &&
	    topology_parse(repl->topology, &options.topology, &err))
		ha_die(HA_STATUS_UNKNOWN, "%s", err.msg);
	return options;
}

static void
read_all(
    struct fleet *fleet, const struct chosen *chosen, const struct repl *repl)
{
	const struct facts_options options = {
		.defaults_file = repl->defaults_file,
		.insecure = repl->insecure,
		.heartbeat_table = repl->heartbeat_table,
		.depth = FACTS_CHECK,
		.deadline_ns = ha_clock_deadline(repl->statement_ms),
	};

	fleet_read(fleet, chosen->list, chosen->count, &options);
}

static void
report_node(struct ha_sweep *sweep, const struct topology *topology, size_t i,
    const struct check_options *options)
{
	const struct facts *facts = topology->fleet->facts[i];
	struct ha_status status = {
		.host = facts->node->name,
		.check = "repl",
		.ms = facts->total_ms,
		.target = node_address(facts->node),
	};
	struct verdict verdict;

	verdict_init(&verdict);
	check_judge(&verdict, topology, i, options);
	status.state = verdict.state;
	status.msg = verdict.words.data;
	status.perf = verdict.perf.data;
	ha_sweep_add(sweep, i, &status);
	verdict_release(&verdict);
}

static void
report_all(struct ha_sweep *sweep, const struct topology *topology,
    const struct check_options *options)
{
	const struct fleet *fleet = topology->fleet;
	struct ha_buf names = HA_BUF_INIT;
	struct ha_status status = { .check = "repl-writers" };
	struct verdict verdict;

	for (size_t i = 0; i < fleet->count; i++) {
		if (names.len)
			ha_buf_add_char(&names, ',');
		ha_buf_add_str(&names, fleet->facts[i]->node->name);
		if (fleet->facts[i]->total_ms > status.ms)
			status.ms = fleet->facts[i]->total_ms;
	}
	verdict_init(&verdict);
	check_judge_all(&verdict, topology, options);
	status.host = names.data;
	status.target = names.data;
	status.state = verdict.state;
	status.msg = verdict.words.data;
	status.perf = verdict.perf.data;
	ha_sweep_add(sweep, fleet->count, &status);
	verdict_release(&verdict);
	ha_buf_release(&names);
}

static void
report(struct ha_sweep *sweep, const struct fleet *fleet,
    const struct check_options *options)
{
	struct topology topology;

	topology_build(&topology, fleet);
	for (size_t i = 0; i < fleet->count; i++)
		report_node(sweep, &topology, i, options);
	if (fleet->count > 1)
		report_all(sweep, &topology, options);
	topology_release(&topology);
}

int
check_run(const struct repl *repl, char **operands)
{
	const struct check_options options = make_options(repl);
	struct ha_sweep_options sweep_options = {
		.producer = "ha-repl",
		.format = repl->format,
		.file = repl->output,
		.is_quiet = repl->is_quiet,
	};
	enum ha_status_state worst;
	struct chosen chosen;
	struct ha_sweep *sweep;
	struct fleet fleet;
	struct ha_err err;

	choose(&chosen, repl, operands);
	sweep_options.expected = chosen.count + (chosen.count > 1);
	if (ha_sweep_begin(&sweep, &sweep_options, &err))
		ha_die(HA_STATUS_UNKNOWN, "%s; try 'ha-repl --help'", err.msg);
	read_all(&fleet, &chosen, repl);
	report(sweep, &fleet, &options);
	if (ha_sweep_end(sweep, &worst, &err))
		ha_die(HA_STATUS_UNKNOWN, "%s", err.msg);
	fleet_release(&fleet);
	chosen_release(&chosen);
	return (int)worst;
}
