/* SPDX-License-Identifier: ISC */
/*
 * lint-same - rules on what has to be the same on all nodes.
 *
 * Sources, by the manuals' own titles:
 *
 * gtid-mode		MySQL "Changing GTID Mode on Online Servers": ON and OFF
 *			don't replicate
 * gtid-consistency	MySQL "Global Transaction ID System Variables"
 * lower-case		MySQL "Replication and Variables"; MariaDB
 *			"Identifier Case-sensitivity"
 * sql-mode, collation,
 * time-zone,
 * max-packet		MySQL "Replication Features and Issues": "... and Server
 *			SQL Mode", "... and Character Sets", "... and Time
 *			Zones", "... and max_allowed_packet"
 */
#include <string.h>
#include <strings.h>

#include "alloc.h"
#include "lint-rules.h"

/*
 * A variable that has to be the same everywhere: a node is told of that differs
 * from the first one that has it.
 */
struct same {
	const char *rule, *name;
	enum ha_status_state state;
	int is_dynamic;
	const char *why;
};

static const struct same same[] = {
	{ "lower-case", "lower_case_table_names", HA_STATUS_CRIT, 0,
	    "tables whose names differ in case only by node are not found" },
	{ "sql-mode", "sql_mode", HA_STATUS_WARN, 1,
	    "what clients may write changes at a failover" },
	/* in this order: setting the first one resets the second */
	{ "collation", "character_set_server", HA_STATUS_WARN, 1,
	    "new tables get another character set after a failover" },
	{ "collation", "collation_server", HA_STATUS_WARN, 1,
	    "new tables get another collation after a failover, and "
	    "comparisons another result" },
	{ "max-packet", "max_allowed_packet", HA_STATUS_WARN, 1,
	    "what clients may send changes at a failover, and a replica may "
	    "not take what its source took" },
	{ "gtid-consistency", "enforce_gtid_consistency", HA_STATUS_WARN, 1,
	    "statements that one node takes are refused by another" },
};

/* The first one that answered and knows the variable. */
static const struct facts *
first_with(const struct lint *lint, const char *name)
{
	for (size_t i = 0; i < lint_node_count(lint); i++) {
		const struct facts *facts = lint_facts(lint, i);

		if (facts && facts_variable(facts, name))
			return facts;
	}
	return NULL;
}

static void
judge_one_same(struct lint *lint, const struct same *one)
{
	const struct facts *first = first_with(lint, one->name);

	for (size_t i = 0; first && i < lint_node_count(lint); i++) {
		const struct facts *facts = lint_facts(lint, i);
		const char *want = facts_variable(first, one->name);
		const char *have =
		    facts ? facts_variable(facts, one->name) : NULL;
		char *mend;

		if (!have || !strcasecmp(have, want))
			continue;
		mend = one->is_dynamic
			   ? lint_mend_set(facts, one->name, want)
			   : ha_xasprintf(
				 "seed it anew with lower_case_table_names = "
				 "%s from the start",
				 want);
		lint_add(lint, one->state, i,
		    ha_xasprintf("%s is %s, on %s %s", one->name,
			*have ? have : "empty", first->node->name,
			*want ? want : "empty"),
		    one->why, mend);
	}
}

static void
judge_same(struct lint *lint)
{
	for (size_t i = 0; i < sizeof(same) / sizeof(*same); i++)
		if (!strcmp(same[i].rule, lint->rule))
			judge_one_same(lint, &same[i]);
}

static const char *
variable_or(const struct facts *facts, const char *name, const char *other)
{
	const char *value = facts_variable(facts, name);

	return value ? value : other;
}

/* SYSTEM: the machine's; UTC under one of its names; "" if it isn't told. */
static const char *
time_zone(const struct facts *facts)
{
	static const char *const names[] = { "GMT", "Etc/UTC", "Universal",
		"+00:00", "-00:00" };
	const char *zone = variable_or(facts, "time_zone", "");

	if (!strcasecmp(zone, "SYSTEM"))
		zone = variable_or(facts, "system_time_zone", "");
	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
		if (!strcasecmp(zone, names[i]))
			return "UTC";
	return zone;
}

/* To that of the first; my.cnf knows it by another name. */
static char *
mend_time_zone(const struct facts *facts, const struct facts *first)
{
	const char *zone = variable_or(first, "time_zone", "SYSTEM");

	if (!strcasecmp(time_zone(first), "UTC"))
		zone = "+00:00";
	if (!strcasecmp(zone, "SYSTEM"))
		return ha_xasprintf("give its machine the time zone of %s's, "
				    "and start the server anew",
		    first->node->name);
	if (lint_persists(facts))
		return lint_mend_set(facts, "time_zone", zone);
	return ha_xasprintf("SET GLOBAL time_zone = '%s'\n[mysqld] "
			    "default_time_zone = '%s'",
	    zone, zone);
}

static void
judge_time_zone(struct lint *lint)
{
	const struct facts *first = NULL;

	for (size_t i = 0; i < lint_node_count(lint); i++) {
		const struct facts *facts = lint_facts(lint, i);
		const char *zone = facts ? time_zone(facts) : "";

		if (!*zone)
			continue;
		if (!first)
			first = facts;
		if (strcasecmp(zone, time_zone(first)) != 0)
			lint_add(lint, HA_STATUS_WARN, i,
			    ha_xasprintf("its time zone is %s, %s's is %s",
				zone, first->node->name, time_zone(first)),
			    "the time of day in DATETIME columns changes at a "
			    "failover",
			    mend_time_zone(facts, first));
	}
}

static int
is_gtid_on(const char *mode)
{
	return !strcasecmp(mode, "ON") || !strcasecmp(mode, "ON_PERMISSIVE");
}

static void
judge_gtid_mode(struct lint *lint)
{
	const struct facts *first = first_with(lint, "gtid_mode");

	for (size_t i = 0; first && i < lint_node_count(lint); i++) {
		const struct facts *facts = lint_facts(lint, i);
		const char *want = facts_variable(first, "gtid_mode");
		const char *have =
		    facts ? facts_variable(facts, "gtid_mode") : NULL;

		if (have && is_gtid_on(have) != is_gtid_on(want))
			lint_add(lint, HA_STATUS_CRIT, i,
			    ha_xasprintf("gtid_mode is %s, on %s %s", have,
				first->node->name, want),
			    "a node with GTIDs and one without don't replicate "
			    "from each other",
			    ha_xstrdup("take gtid_mode through OFF_PERMISSIVE "
				       "and ON_PERMISSIVE to ON on all nodes, "
				       "one step at a time"));
		else if (have && strstr(have, "PERMISSIVE"))
			lint_add(lint, HA_STATUS_WARN, i,
			    ha_xasprintf("gtid_mode is %s", have),
			    "a change that was begun and not finished: "
			    "transactions without a GTID are possible",
			    lint_mend_set(facts, "gtid_mode", want));
	}
}

const struct lint_set_rule lint_same_rules[] = {
	{ "gtid-mode", judge_gtid_mode },
	{ "gtid-consistency", judge_same },
	{ "lower-case", judge_same },
	{ "sql-mode", judge_same },
	{ "collation", judge_same },
	{ "max-packet", judge_same },
	{ "time-zone", judge_time_zone },
	{ NULL, NULL },
};
