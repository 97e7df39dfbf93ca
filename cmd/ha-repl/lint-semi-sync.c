/* SPDX-License-Identifier: ISC */
/*
 * lint-semi-sync - does a commit wait for a replica, on both ends of a link?
 *
 * Source: MySQL "Semisynchronous Replication", "Monitoring"; MariaDB
 * "Semisynchronous Replication".
 */
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "alloc.h"
#include "lint-rules.h"

/* The two names of each, before and after MySQL 8.0.26. */
#define SEMI_SOURCE                                                            \
	"rpl_semi_sync_source_enabled", "rpl_semi_sync_master_enabled"
#define SEMI_REPLICA                                                           \
	"rpl_semi_sync_replica_enabled", "rpl_semi_sync_slave_enabled"

#define SEMI_POINT                                                             \
	"rpl_semi_sync_source_wait_point", "rpl_semi_sync_master_wait_point"

static int
is_semi(const struct facts *facts, const char *name, const char *other)
{
	const char *known = lint_known(facts, name, other);

	return known && facts_is_on(facts, known) == 1;
}

/* Is the status, under either name, told to be OFF? */
static int
is_status_off(const struct facts *facts, const char *name, const char *other)
{
	const char *value = facts_status(facts, name);

	if (!value)
		value = facts_status(facts, other);
	return value && !strcasecmp(value, "OFF");
}

static void
judge_semi_source(struct lint *lint, size_t node)
{
	const struct facts *facts = lint_facts(lint, node);
	const char *point = lint_known(facts, SEMI_POINT);

	if (is_status_off(facts, "Rpl_semi_sync_source_status",
		"Rpl_semi_sync_master_status"))
		lint_add(lint, HA_STATUS_CRIT, node,
		    ha_xasprintf("semi-sync is enabled, its status is OFF"),
		    "commits don't wait for a replica any more: a failover "
		    "loses the last ones",
		    ha_xstrdup("see why no replica acknowledges: ha-repl "
			       "check"));
	if (point && strcasecmp(facts_variable(facts, point), "AFTER_SYNC"))
		lint_add(lint, HA_STATUS_WARN, node,
		    ha_xasprintf(
			"%s is %s", point, facts_variable(facts, point)),
		    "others see a transaction before a replica has it, and "
		    "lose it at a failover",
		    lint_mend_set(facts, point, "AFTER_SYNC"));
}

/* The receiver has to be started anew to take part. */
static char *
mend_semi_replica(const struct facts *facts, const struct channel *channel)
{
	const char *name = lint_known(facts, SEMI_REPLICA);
	struct ha_buf sql = HA_BUF_INIT;
	char *set;

	if (!name)
		return ha_xstrdup("install the plugin of a semi-sync replica");
	set = lint_mend_set(facts, name, "1");
	ha_buf_addf(&sql, "%s\n", set);
	free(set);
	flavour_add(&sql, facts->flavour, FLAVOUR_STOP, channel->name);
	ha_buf_add_char(&sql, '\n');
	flavour_add(&sql, facts->flavour, FLAVOUR_START, channel->name);
	return ha_buf_detach(&sql);
}

static char *
mend_semi_source(const struct facts *facts)
{
	const char *name = lint_known(facts, SEMI_SOURCE);
	const char *point = lint_known(facts, SEMI_POINT);
	char *enable, *wait, *both;

	if (!name)
		return ha_xstrdup("install the plugin of a semi-sync source");
	enable = lint_mend_set(facts, name, "1");
	if (!point || !strcasecmp(facts_variable(facts, point), "AFTER_SYNC"))
		return enable;
	wait = lint_mend_set(facts, point, "AFTER_SYNC");
	both = ha_xasprintf("%s\n%s", wait, enable);
	free(wait);
	free(enable);
	return both;
}

static void
judge_semi_edge(struct lint *lint, const struct edge *edge)
{
	const struct facts *replica = lint_facts(lint, edge->replica);
	const struct facts *source = lint_source(lint, edge);

	if (!replica || !source)
		return;
	if (is_semi(source, SEMI_SOURCE) && !is_semi(replica, SEMI_REPLICA))
		lint_add(lint, HA_STATUS_WARN, edge->replica,
		    ha_xasprintf("semi-sync is enabled on %s and not here",
			source->node->name),
		    "the source waits for a replica that never acknowledges, "
		    "then goes on without",
		    mend_semi_replica(replica, edge->channel));
	else if (is_semi(replica, SEMI_REPLICA) &&
		 !is_semi(source, SEMI_SOURCE))
		lint_add(lint, HA_STATUS_WARN, edge->source,
		    ha_xasprintf("semi-sync is enabled on %s and not here",
			replica->node->name),
		    "nothing waits: a failover loses the last commits",
		    mend_semi_source(source));
}

static void
judge_semi_sync(struct lint *lint)
{
	for (size_t i = 0; i < lint_node_count(lint); i++) {
		const struct facts *facts = lint_facts(lint, i);

		if (facts && lint->members[i].is_source &&
		    is_semi(facts, SEMI_SOURCE))
			judge_semi_source(lint, i);
	}
	for (size_t i = 0; i < lint->topology->edge_count; i++)
		judge_semi_edge(lint, &lint->topology->edges[i]);
}

const struct lint_set_rule lint_semi_sync_rules[] = {
	{ "semi-sync", judge_semi_sync },
	{ NULL, NULL },
};
