/* SPDX-License-Identifier: ISC */
#include "judge.h"

#include <stdio.h>

/* What was counted, and who. */
struct writers {
	size_t count, replicas; /* replicas: those that have a source here */
	size_t unknown; /* nodes that did not tell */
	size_t unasked; /* of these: those that this machine couldn't ask */
	struct ha_buf names, silent;
};

static void
add_name(struct ha_buf *names, const char *name)
{
	if (names->len)
		ha_buf_add_str(names, ", ");
	ha_buf_add_str(names, name);
}

static void
count_writers(const struct topology *topology, struct writers *writers)
{
	const struct fleet *fleet = topology->fleet;

	for (size_t i = 0; i < fleet->count; i++) {
		const struct facts *facts = fleet->facts[i];
		int is_writable =
		    facts->is_answered ? facts_is_writable(facts) : -1;

		if (is_writable < 0) {
			writers->unknown++;
			writers->unasked +=
			    !facts->is_answered && judge_is_own_fault(facts);
			add_name(&writers->silent, facts->node->name);
		} else if (is_writable) {
			size_t sources;

			topology_sources(topology, i, &sources);
			writers->count++;
			writers->replicas += sources > 0;
			add_name(&writers->names, facts->node->name);
		}
	}
}

static void
say_none(struct judge *judge, const struct writers *writers)
{
	if (writers->unknown)
		judge_say(judge,
		    writers->unasked ? HA_STATUS_UNKNOWN : HA_STATUS_CRIT, NULL,
		    "no node may be written to, as far as is known: %s did "
		    "not tell",
		    writers->silent.data);
	else
		judge_say(judge, HA_STATUS_CRIT, "SELECT @@read_only on each",
		    "no node may be written to: all are read-only");
}

static void
say_several(struct judge *judge, const struct writers *writers)
{
	const char *names = writers->names.data;

	switch (judge->kind) {
	case TOPOLOGY_RING:
		judge_say(judge, HA_STATUS_OK, NULL,
		    "%zu nodes of the ring write: %s", writers->count, names);
		break;
	case TOPOLOGY_ONEWAY:
	case TOPOLOGY_DUAL:
	case TOPOLOGY_CASCADE:
		judge_say(judge, HA_STATUS_CRIT, "SELECT @@read_only on each",
		    "%zu writers where one is wanted (%s): %s", writers->count,
		    topology_name(judge->kind), names);
		break;
	case TOPOLOGY_ANY:
		judge_say(judge,
		    writers->replicas ? HA_STATUS_WARN : HA_STATUS_OK,
		    writers->replicas ? "ha-repl topology" : NULL,
		    "%zu nodes may be written to: %s", writers->count, names);
		break;
	}
}

void
check_judge_all(struct verdict *verdict, const struct topology *topology,
    const struct check_options *options)
{
	struct writers writers = { .names = HA_BUF_INIT,
		.silent = HA_BUF_INIT };
	struct judge judge;

	judge_init(&judge, topology, (size_t)-1, options);
	count_writers(topology, &writers);
	if (!writers.count)
		say_none(&judge, &writers);
	else if (writers.count > 1)
		say_several(&judge, &writers);
	else
		judge_say(&judge, HA_STATUS_OK, NULL, "%s is the writer (%s)",
		    writers.names.data, topology_name(judge.kind));
	if (writers.count && writers.unknown)
		judge_say(&judge, HA_STATUS_OK, NULL, "%s did not tell",
		    writers.silent.data);
	if (options->topology && topology->kind &&
	    options->topology != topology->kind)
		judge_say(&judge, HA_STATUS_WARN, "ha-repl topology",
		    "meant to be a %s topology, but it is %s",
		    topology_name(options->topology),
		    topology_name(topology->kind));
	if (topology->has_loop)
		judge_say(&judge, HA_STATUS_WARN, "ha-repl topology",
		    "there is a loop that is neither a dual pair nor a ring");
	judge_perf(&judge, "writers", NULL, (double)writers.count, "", NULL);
	judge_finish(&judge, verdict);
	ha_buf_release(&writers.names);
	ha_buf_release(&writers.silent);
}
