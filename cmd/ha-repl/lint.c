/* SPDX-License-Identifier: ISC */
/* lint - who is what, and every rule in turn. */
#include "lint.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "alloc.h"
#include "lint-rules.h"

void
lint_add(struct lint *lint, enum ha_status_state state, size_t node, char *what,
    const char *why, char *mend)
{
	struct findings *findings = lint->findings;

	findings->list = ha_xrealloc(
	    findings->list, (findings->count + 1) * sizeof(*findings->list));
	findings->list[findings->count++] = (struct finding){
		.rule = lint->rule,
		.state = state,
		.node = node,
		.what = what,
		.why = ha_xstrdup(why),
		.mend = mend,
	};
}

void
findings_release(struct findings *findings)
{
	for (size_t i = 0; i < findings->count; i++) {
		free(findings->list[i].what);
		free(findings->list[i].why);
		free(findings->list[i].mend);
	}
	free(findings->list);
	*findings = (struct findings){ 0 };
}

size_t
lint_node_count(const struct lint *lint)
{
	return lint->topology->fleet->count;
}

const struct facts *
lint_facts(const struct lint *lint, size_t node)
{
	const struct facts *facts = lint->topology->fleet->facts[node];

	return facts->is_answered ? facts : NULL;
}

const char *
lint_node_name(const struct lint *lint, size_t node)
{
	return lint->topology->fleet->facts[node]->node->name;
}

const char *
lint_known(const struct facts *facts, const char *name, const char *other)
{
	if (facts_variable(facts, name))
		return name;
	return facts_variable(facts, other) ? other : NULL;
}

const struct facts *
lint_source(const struct lint *lint, const struct edge *edge)
{
	return edge->source == STRANGER ? NULL : lint_facts(lint, edge->source);
}

int
lint_uses_gtid(const struct lint *lint)
{
	const struct topology *topology = lint->topology;

	for (size_t i = 0; i < topology->edge_count; i++)
		if (topology->edges[i].channel->gtid != GTID_USE_NO)
			return 1;
	return !topology->edge_count;
}

int
lint_persists(const struct facts *facts)
{
	return facts_variable(facts, "persisted_globals_load") != NULL;
}

char *
lint_free_number(const struct lint *lint, const char *name, size_t node)
{
	int64_t highest = 0;

	for (size_t i = 0; i < lint->topology->fleet->count; i++) {
		const struct facts *facts = lint_facts(lint, i);

		if (facts && facts_number(facts, name) > highest)
			highest = facts_number(facts, name);
	}
	return ha_xasprintf("%lld", (long long)highest + (long long)node);
}

static int
is_word(const char *value)
{
	while (isalnum((unsigned char)*value) || *value == '_')
		value++;
	return !*value;
}

char *
lint_mend_set(const struct facts *facts, const char *name, const char *value)
{
	struct ha_buf literal = HA_BUF_INIT;
	char *mend;

	if (is_word(value) && *value)
		ha_buf_add_str(&literal, value);
	else
		ha_db_add_string(&literal, value);
	mend = lint_persists(facts)
		   ? ha_xasprintf("SET PERSIST %s = %s", name, literal.data)
		   : ha_xasprintf("SET GLOBAL %s = %s\n[mysqld] %s = %s", name,
			 literal.data, name, literal.data);
	ha_buf_release(&literal);
	return mend;
}

char *
lint_mend_file(const char *name, const char *value)
{
	return ha_xasprintf("[mysqld] %s = %s", name, value);
}

char *
lint_mend_channel(const struct facts *facts, const struct channel *channel,
    struct source source)
{
	struct ha_buf sql = HA_BUF_INIT;

	source.channel = channel->name;
	source.gtid = channel->gtid;
	flavour_add(&sql, facts->flavour, FLAVOUR_STOP, channel->name);
	ha_buf_add_char(&sql, '\n');
	facts->flavour->change(&sql, &source, facts);
	ha_buf_add_char(&sql, '\n');
	flavour_add(&sql, facts->flavour, FLAVOUR_START, channel->name);
	return ha_buf_detach(&sql);
}

static void
by_edges(const struct topology *topology, struct lint_member *members)
{
	for (size_t i = 0; i < topology->edge_count; i++) {
		const struct edge *in = &topology->edges[i];

		members[in->replica].is_replica = 1;
		if (in->source != STRANGER)
			members[in->source].is_source = 1;
		for (size_t j = 0; j < topology->edge_count; j++) {
			const struct edge *out = &topology->edges[j];

			if (out->source == in->replica &&
			    out->replica != in->source)
				members[in->replica].is_middle = 1;
		}
	}
	for (size_t i = 0; i < topology->fleet->count; i++)
		members[i].is_in_loop = topology_is_in_loop(topology, i);
}

/* Nothing replicates yet: as they stand in the list. */
static void
by_order(const struct lint *lint, struct lint_member *members)
{
	size_t count = lint->topology->fleet->count;
	size_t pair = lint->kind == TOPOLOGY_RING ? count : 2;

	for (size_t i = 0; i < count && lint->kind != TOPOLOGY_ANY; i++) {
		struct lint_member *member = &members[i];

		if (lint->kind == TOPOLOGY_ONEWAY) {
			member->is_source = i == 0;
			member->is_replica = i > 0;
			continue;
		}
		member->is_replica = 1;
		member->is_in_loop = member->is_source = i < pair;
		member->is_middle = i < pair && lint->kind != TOPOLOGY_DUAL;
	}
}

/* In a ring all write; else one: who has no source, who writes, the first. */
static void
find_writers(const struct lint *lint, struct lint_member *members)
{
	const struct fleet *fleet = lint->topology->fleet;
	size_t writer = STRANGER;

	for (size_t i = 0; i < fleet->count; i++) {
		if (lint->kind == TOPOLOGY_RING)
			members[i].is_writer = 1;
		else if (!members[i].is_replica)
			members[i].is_writer = members[i].is_source;
		else if (members[i].is_in_loop && writer == STRANGER &&
			 facts_is_writable(fleet->facts[i]) == 1)
			writer = i;
	}
	if (writer != STRANGER)
		members[writer].is_writer = 1;
}

/* The first writer that answered, else the first node that did. */
static void
find_first(const struct lint *lint, struct lint_member *members)
{
	size_t first = STRANGER;

	for (size_t i = lint->topology->fleet->count; i-- > 0;)
		if (lint_facts(lint, i) &&
		    (first == STRANGER || members[i].is_writer ||
			!members[first].is_writer))
			first = i;
	if (first != STRANGER)
		members[first].is_first = 1;
}

static void
add_point(
    struct ha_buf *mend, const struct lint *lint, size_t replica, size_t source)
{
	ha_buf_addf(mend, "%sha-repl point %s --source %s",
	    mend->len ? "\n" : "", lint_node_name(lint, replica),
	    lint_node_name(lint, source));
}

/* What makes it of nodes that stand in the order of by_order(). */
static void
add_points(struct ha_buf *mend, const struct lint *lint)
{
	size_t count = lint->topology->fleet->count;

	for (size_t i = 1; i < count; i++) {
		size_t source = lint->kind == TOPOLOGY_RING ? i - 1
				: lint->kind == TOPOLOGY_CASCADE && i > 1 ? 1
									  : 0;

		add_point(mend, lint, i, source);
	}
	if (lint->kind != TOPOLOGY_ONEWAY && count > 1)
		add_point(
		    mend, lint, 0, lint->kind == TOPOLOGY_RING ? count - 1 : 1);
}

/* Nodes that tell too little, strangers: rules of their own tell of these. */
static int
is_whole(const struct lint *lint)
{
	const struct topology *topology = lint->topology;

	for (size_t i = 0; i < topology->fleet->count; i++)
		if (!lint_facts(lint, i) ||
		    !lint_facts(lint, i)->can_see_channels)
			return 0;
	for (size_t i = 0; i < topology->edge_count; i++)
		if (topology->edges[i].source == STRANGER)
			return 0;
	return topology->fleet->count > 0;
}

static void
judge_topology(struct lint *lint)
{
	const struct topology *topology = lint->topology;
	struct ha_buf mend = HA_BUF_INIT;

	lint->rule = "topology";
	if (!is_whole(lint) || lint->kind == TOPOLOGY_ANY ||
	    topology->kind == lint->kind)
		return;
	if (!topology->edge_count) {
		add_points(&mend, lint);
		lint_add(lint, HA_STATUS_WARN, 0,
		    ha_xasprintf("nothing replicates between these nodes"),
		    "they were judged as what they are to become, in the order "
		    "given",
		    ha_buf_detach(&mend));
		return;
	}
	ha_buf_add_str(&mend, "ha-repl topology");
	lint_add(lint, HA_STATUS_CRIT, 0,
	    ha_xasprintf("the topology is %s, not %s",
		topology->kind == TOPOLOGY_ANY ? "none of the known ones"
					       : topology_name(topology->kind),
		topology_name(lint->kind)),
	    "what a failover does follows from the topology",
	    ha_buf_detach(&mend));
}

/* What can't be read is not judged, and that is no OK. */
static void
judge_answers(struct lint *lint)
{
	const struct fleet *fleet = lint->topology->fleet;

	for (size_t i = 0; i < fleet->count; i++) {
		const struct facts *facts = fleet->facts[i];

		lint->rule = "answer";
		if (!facts->is_answered) {
			lint_add(lint,
			    facts->is_local ? HA_STATUS_UNKNOWN
					    : HA_STATUS_CRIT,
			    i, ha_xasprintf("%s", facts->why.msg),
			    "what can't be read is not judged",
			    ha_xasprintf(
				"ha-repl check %s", lint_node_name(lint, i)));
			continue;
		}
		lint->rule = "privilege";
		if (facts->denied && *facts->denied)
			lint_add(lint, HA_STATUS_WARN, i,
			    ha_xasprintf("refused: %s", facts->denied),
			    "what can't be read is not judged",
			    ha_xstrdup("grant this login what ha-repl(1) has "
				       "under GRANTS"));
		else if (!facts->can_see_channels)
			lint_add(lint, HA_STATUS_WARN, i,
			    ha_xasprintf("its replication is not told: %s",
				facts->status_rows.words
				    ? facts->status_rows.words
				    : ""),
			    "what can't be read is not judged",
			    ha_xasprintf(
				"ha-repl check %s", lint_node_name(lint, i)));
	}
}

static void
judge_set_rules(struct lint *lint, const struct lint_set_rule *rule)
{
	for (; rule->name; rule++) {
		lint->rule = rule->name;
		rule->judge(lint);
	}
}

static void
judge_rules(struct lint *lint)
{
	const struct topology *topology = lint->topology;

	judge_set_rules(lint, lint_set_rules);
	judge_set_rules(lint, lint_same_rules);
	judge_set_rules(lint, lint_semi_sync_rules);
	for (const struct lint_channel_rule *rule = lint_channel_rules;
	     rule->name; rule++) {
		lint->rule = rule->name;
		for (size_t i = 0; i < topology->edge_count; i++)
			if (lint_facts(lint, topology->edges[i].replica))
				rule->judge(lint, &topology->edges[i]);
	}
	for (const struct lint_node_rule *rule = lint_node_rules; rule->name;
	     rule++) {
		lint->rule = rule->name;
		for (size_t i = 0; i < topology->fleet->count; i++)
			if (lint_facts(lint, i))
				rule->judge(lint, i);
	}
}

void
lint_judge(struct findings *findings, const struct topology *topology,
    enum topology_kind kind)
{
	size_t count = topology->fleet->count;
	struct lint_member *members = ha_xcalloc(count + 1, sizeof(*members));
	struct lint lint = { .topology = topology,
		.kind = kind == TOPOLOGY_ANY ? topology->kind : kind,
		.members = members,
		.findings = findings };

	if (topology->edge_count)
		by_edges(topology, members);
	else
		by_order(&lint, members);
	find_writers(&lint, members);
	find_first(&lint, members);
	judge_answers(&lint);
	judge_topology(&lint);
	judge_rules(&lint);
	free(members);
}
