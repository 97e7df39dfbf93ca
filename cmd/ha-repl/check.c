/* SPDX-License-Identifier: ISC */
/*
 * check - read the nodes, judge each and all, report.
 *
 * Records: CHECK is "repl" with a node's name as HOST; of several nodes also
 * "repl-writers", with all their names as HOST.
 */
#include "check.h"

#include "clock.h"
#include "judge.h"
#include "msg.h"
#include "repl.h"
#include "sweep.h"

/* For a second look at a server whose statements get no answer. */
#define CLOSER_MS 1000

/*
 * What the replication's threads wait for.  SHOW ... STATUS hangs with them,
 * the lists of threads don't.  The first takes MySQL's SELECT on the
 * performance schema, the second the privilege PROCESS.
 */
#define IS_FULL(column)                                                        \
	" WHERE " column " LIKE '%disk space%'"                                \
	" OR " column " LIKE '%free space%' LIMIT 1"
static const char *const lists[] = {
	"SELECT processlist_state AS state FROM performance_schema.threads" IS_FULL(
	    "processlist_state"),
	"SELECT state FROM information_schema.processlist" IS_FULL("state"),
};

static void
look_closer(struct facts *facts, const struct facts_options *options)
{
	struct ha_db_result result = HA_DB_RESULT_INIT;
	struct ha_db *db = ha_db_new();
	const char *state = NULL;
	struct ha_err err;

	if (!facts_connect(db, facts->node, options, &err))
		for (size_t i = 0; i < 2 && !state; i++)
			if (!ha_db_query(db, lists[i], options->deadline_ns,
				&result, &err))
				state = ha_db_get(&result, 0, "state");
	if (state)
		ha_err_set(&facts->why, EX_UNAVAILABLE, 0,
		    "%s: a thread of the replication says \"%s\": the disk "
		    "is full",
		    facts->why.msg, state);
	ha_db_result_release(&result);
	ha_db_free(db);
}

static void
read_all(
    struct fleet *fleet, const struct nodes *nodes, const struct repl *repl)
{
	struct facts_options options = repl_facts_options(repl, FACTS_CHECK);

	fleet_read(fleet, nodes->list, nodes->count, &options);
	options.deadline_ns = ha_clock_deadline(CLOSER_MS);
	for (size_t i = 0; i < fleet->count; i++)
		if (judge_is_late(fleet->facts[i]) &&
		    fleet->facts[i]->step == HA_DB_AT_QUERY)
			look_closer(fleet->facts[i], &options);
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
	const struct check_options options = {
		.lag = repl->lag,
		.topology = repl_topology(repl),
		.channel = repl->channel,
	};
	struct ha_sweep_options sweep_options = {
		.producer = "ha-repl",
		.format = repl->format,
		.file = repl->output,
		.is_quiet = repl->is_quiet,
	};
	enum ha_status_state worst;
	struct ha_sweep *sweep;
	struct fleet fleet;
	struct nodes nodes;
	struct ha_err err;

	if (nodes_choose(&nodes, &repl->nodes, operands, &err))
		ha_die(HA_STATUS_UNKNOWN, "%s", err.msg);
	sweep_options.expected = nodes.count + (nodes.count > 1);
	if (ha_sweep_begin(&sweep, &sweep_options, &err))
		ha_die(HA_STATUS_UNKNOWN, "%s; try 'ha-repl --help'", err.msg);
	read_all(&fleet, &nodes, repl);
	report(sweep, &fleet, &options);
	if (ha_sweep_end(sweep, &worst, &err))
		ha_die(HA_STATUS_UNKNOWN, "%s", err.msg);
	fleet_release(&fleet);
	nodes_release(&nodes);
	return (int)worst;
}
