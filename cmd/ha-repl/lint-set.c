/* SPDX-License-Identifier: ISC */
/*
 * lint-set - rules between nodes.
 *
 * Sources, by the manuals' own titles:
 *
 * server-id-unique	MySQL "Setting the Replication Source Configuration"
 * server-uuid		MySQL "Replication and Binary Logging Options and
 *			Variables", server_uuid
 * auto-increment	MySQL "Options and Variables on Source", auto_increment_
 *			increment and _offset: distinct in circular replication,
 *			an offset above the increment is ignored
 * gtid-domain-id	MariaDB "Global Transaction ID", "Use With Multi-Source
 *			and Other Multi-Primary Setups"
 * gtid-mode		MySQL "Changing GTID Mode on Online Servers": ON and OFF
 *			don't replicate
 * gtid-consistency	MySQL "Global Transaction ID System Variables"
 * gtid-purged		MySQL "GTID Functions", GTID_SUBSET; "GTID
 *			Auto-Positioning"
 * flavour		MySQL and MariaDB: MariaDB "Replication Compatibility
 *			Between MariaDB and MySQL"
 * version		MySQL "Replication Compatibility Between MySQL Versions";
 *			MariaDB "Replication Compatibility"
 * lower-case		MySQL "Replication and Variables"; MariaDB
 *			"Identifier Case-sensitivity"
 * sql-mode, collation,
 * time-zone,
 * max-packet		MySQL "Replication Features and Issues": "... and Server
 *			SQL Mode", "... and Character Sets", "... and Time
 *			Zones", "... and max_allowed_packet"
 * clock		MySQL "Replication Features and Issues": "... of
 *			CURRENT_TIMESTAMP", SHOW REPLICA STATUS: the lag is a
 *			difference of two clocks
 * semi-sync		MySQL "Semisynchronous Replication", "Monitoring";
 *			MariaDB "Semisynchronous Replication"
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "alloc.h"
#include "lint-rules.h"

/* Clocks may differ by as much, beyond what the reading itself took. */
#define SKEW_MAX_US 1000000

static size_t
node_count(const struct lint *lint)
{
	return lint->topology->fleet->count;
}

static void
judge_server_id_unique(struct lint *lint)
{
	for (size_t i = 0; i < node_count(lint); i++) {
		const struct facts *facts = lint_facts(lint, i);

		for (size_t j = 0; facts && j < i; j++) {
			const struct facts *other = lint_facts(lint, j);
			char *id;

			if (!other || facts->server_id <= 0 ||
			    facts->server_id != other->server_id)
				continue;
			id = lint_free_number(lint, "server_id", i);
			lint_add(lint, HA_STATUS_CRIT, i,
			    ha_xasprintf("server_id %lld is %s's too",
				(long long)facts->server_id,
				lint_node_name(lint, j)),
			    "each takes the other's changes for its own and "
			    "drops them, or is refused",
			    lint_mend_file("server_id", id));
			free(id);
			break;
		}
	}
}

static void
judge_uuid(struct lint *lint)
{
	for (size_t i = 0; i < node_count(lint); i++) {
		const struct facts *facts = lint_facts(lint, i);

		for (size_t j = 0; facts && facts->uuid && j < i; j++) {
			const struct facts *other = lint_facts(lint, j);

			if (!other || !other->uuid ||
			    strcasecmp(facts->uuid, other->uuid) != 0)
				continue;
			lint_add(lint, HA_STATUS_CRIT, i,
			    ha_xasprintf("server_uuid %s is %s's too",
				facts->uuid, lint_node_name(lint, j)),
			    "they can't replicate from each other, and a "
			    "source takes them for one replica",
			    ha_xstrdup("stop it, remove auto.cnf from its data "
				       "directory, start it"));
			break;
		}
	}
}

/* Nodes that may write at the same time, or one after the other. */
static size_t
count_loop(const struct lint *lint)
{
	size_t count = 0;

	for (size_t i = 0; i < node_count(lint); i++)
		count += (size_t)lint->members[i].is_in_loop;
	return count;
}

static char *
mend_increment(const struct lint *lint, const struct facts *facts, size_t node)
{
	size_t place = 0;
	char number[24];
	char *increment, *offset, *both;

	for (size_t i = 0; i <= node; i++)
		place += (size_t)lint->members[i].is_in_loop;
	snprintf(number, sizeof(number), "%zu", count_loop(lint));
	increment = lint_mend_set(facts, "auto_increment_increment", number);
	snprintf(number, sizeof(number), "%zu", place);
	offset = lint_mend_set(facts, "auto_increment_offset", number);
	both = ha_xasprintf("%s\n%s", increment, offset);
	free(increment);
	free(offset);
	return both;
}

/* The loop's nodes before this one whose numbers collide with it. */
static int
has_collision(const struct lint *lint, size_t node)
{
	const struct facts *facts = lint_facts(lint, node);
	int64_t increment = facts_number(facts, "auto_increment_increment");
	int64_t offset = facts_number(facts, "auto_increment_offset");

	for (size_t i = 0; i < node_count(lint); i++) {
		const struct facts *other = lint_facts(lint, i);

		if (i == node || !other || !lint->members[i].is_in_loop)
			continue;
		if (facts_number(other, "auto_increment_increment") !=
			increment ||
		    facts_number(other, "auto_increment_offset") == offset)
			return 1;
	}
	return increment < (int64_t)count_loop(lint) || offset > increment;
}

static void
judge_auto_increment(struct lint *lint)
{
	enum ha_status_state state =
	    lint->kind == TOPOLOGY_RING ? HA_STATUS_CRIT : HA_STATUS_WARN;

	for (size_t i = 0; i < node_count(lint); i++) {
		const struct facts *facts = lint_facts(lint, i);

		if (!facts || !lint->members[i].is_in_loop ||
		    facts_number(facts, "auto_increment_increment") < 1 ||
		    !has_collision(lint, i))
			continue;
		lint_add(lint, state, i,
		    ha_xasprintf("auto_increment_increment is %lld and "
				 "auto_increment_offset %lld, with %zu nodes "
				 "that may write",
			(long long)facts_number(
			    facts, "auto_increment_increment"),
			(long long)facts_number(facts, "auto_increment_offset"),
			count_loop(lint)),
		    "two of them give the same number to different rows",
		    mend_increment(lint, facts, i));
	}
}

static void
judge_domain_id(struct lint *lint)
{
	for (size_t i = 0; i < node_count(lint); i++) {
		const struct facts *facts = lint_facts(lint, i);
		const char *id =
		    facts ? facts_variable(facts, "gtid_domain_id") : NULL;

		if (!id || !lint->members[i].is_in_loop ||
		    !lint_uses_gtid(lint))
			continue;
		for (size_t j = 0; j < i; j++) {
			const struct facts *other = lint_facts(lint, j);
			const char *same =
			    other ? facts_variable(other, "gtid_domain_id")
				  : NULL;
			char *number;

			if (!same || !lint->members[j].is_in_loop ||
			    strcmp(same, id) != 0)
				continue;
			number = lint_free_number(lint, "gtid_domain_id", i);
			lint_add(lint,
			    lint->kind == TOPOLOGY_RING ? HA_STATUS_CRIT
							: HA_STATUS_WARN,
			    i,
			    ha_xasprintf("gtid_domain_id %s is %s's too", id,
				lint_node_name(lint, j)),
			    "two writers in one domain number their "
			    "transactions over each other's",
			    lint_mend_set(facts, "gtid_domain_id", number));
			free(number);
			break;
		}
	}
}

/*
 * A variable that has to be the same everywhere: a node that differs from the
 * first one that tells it.  A what that is NULL is made here.
 */
struct same {
	const char *rule, *name;
	enum ha_status_state state;
	int is_dynamic;
	const char *why;
};

static const struct same same[] = {
	{ "lower-case", "lower_case_table_names", HA_STATUS_CRIT, -1,
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
	for (size_t i = 0; i < node_count(lint); i++) {
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

	for (size_t i = 0; first && i < node_count(lint); i++) {
		const struct facts *facts = lint_facts(lint, i);
		const char *want = facts_variable(first, one->name);
		const char *have =
		    facts ? facts_variable(facts, one->name) : NULL;
		char *mend;

		if (!have || !strcasecmp(have, want))
			continue;
		mend = one->is_dynamic > 0
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

	for (size_t i = 0; i < node_count(lint); i++) {
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

	for (size_t i = 0; first && i < node_count(lint); i++) {
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

static int
is_edge(const struct lint *lint, size_t replica, size_t source)
{
	for (size_t i = 0; i < lint->topology->edge_count; i++)
		if (lint->topology->edges[i].replica == replica &&
		    lint->topology->edges[i].source == source)
			return 1;
	return 0;
}

/* Could the replica be pointed to the source? */
static void
judge_purged_pair(struct lint *lint, size_t source, size_t replica)
{
	const struct facts *from = lint_facts(lint, source);
	const struct facts *to = lint_facts(lint, replica);
	struct gtid_set missing = { 0 };
	struct ha_buf what = HA_BUF_INIT;

	if (from->purged.kind != GTID_MYSQL ||
	    to->executed.kind != GTID_MYSQL || gtid_is_empty(&from->purged) ||
	    gtid_contains(&to->executed, &from->purged))
		return;
	gtid_subtract(&from->purged, &to->executed, &missing);
	ha_buf_addf(&what, "%s has purged what this one never had: ",
	    lint_node_name(lint, source));
	gtid_add_text(&what, &missing);
	lint_add(lint,
	    is_edge(lint, replica, source) ? HA_STATUS_CRIT : HA_STATUS_WARN,
	    replica, ha_buf_detach(&what), "it can't be pointed there",
	    ha_xasprintf("fill it from a new backup of %s, then ha-repl point "
			 "%s --source %s",
		lint_node_name(lint, source), lint_node_name(lint, replica),
		lint_node_name(lint, source)));
	gtid_release(&missing);
}

static void
judge_purged(struct lint *lint)
{
	for (size_t i = 0; i < node_count(lint); i++)
		for (size_t j = 0; j < node_count(lint); j++)
			if (i != j && lint_facts(lint, i) &&
			    lint_facts(lint, j))
				judge_purged_pair(lint, i, j);
}

static void
judge_flavour(struct lint *lint)
{
	const struct facts *first = NULL;

	for (size_t i = 0; i < node_count(lint); i++) {
		const struct facts *facts = lint_facts(lint, i);

		if (!facts)
			continue;
		if (!first)
			first = facts;
		if (!strstr(facts->version, "MariaDB") ==
		    !strstr(first->version, "MariaDB"))
			continue;
		lint_add(lint, HA_STATUS_CRIT, i,
		    ha_xasprintf("it is %s, %s is %s", facts->version,
			first->node->name, first->version),
		    "MySQL can't replicate from MariaDB, so there is no way "
		    "back after a failover",
		    ha_xasprintf("replace it by the same server as %s has",
			first->node->name));
	}
}

/* The series: what is before the second dot, as a number. */
static unsigned long
series(const char *version)
{
	char *end;
	unsigned long major = strtoul(version, &end, 10);
	unsigned long minor = *end == '.' ? strtoul(end + 1, NULL, 10) : 0;

	return major * 1000 + minor;
}

static int
is_same_flavour(const struct facts *a, const struct facts *b)
{
	return !strstr(a->version, "MariaDB") == !strstr(b->version, "MariaDB");
}

static void
judge_version(struct lint *lint)
{
	for (size_t i = 0; i < node_count(lint); i++) {
		const struct facts *facts = lint_facts(lint, i);
		const struct facts *newest = facts;
		size_t other = i;

		for (size_t j = 0; facts && j < node_count(lint); j++) {
			const struct facts *it = lint_facts(lint, j);

			if (it && is_same_flavour(it, facts) &&
			    series(it->version) > series(newest->version)) {
				newest = it;
				other = j;
			}
		}
		if (other == i)
			continue;
		lint_add(lint,
		    is_edge(lint, i, other) ? HA_STATUS_CRIT : HA_STATUS_WARN,
		    i,
		    ha_xasprintf("it is %s, %s is %s", facts->version,
			newest->node->name, newest->version),
		    "an older server can't be relied on to replicate from a "
		    "newer one",
		    ha_xasprintf(
			"upgrade it to the series of %s", newest->node->name));
	}
}

static void
judge_clock(struct lint *lint)
{
	const struct facts *first = NULL;
	int64_t zero = 0, sure = 0;

	for (size_t i = 0; i < node_count(lint); i++) {
		const struct facts *facts = lint_facts(lint, i);
		int64_t ahead, around;

		if (!facts || facts->clock_us <= 0 || facts->asked_us <= 0)
			continue;
		ahead = facts_skew_us(facts, &around);
		if (!first) {
			first = facts;
			zero = ahead;
			sure = around;
			continue;
		}
		if (llabs(ahead - zero) <= SKEW_MAX_US + around + sure)
			continue;
		lint_add(lint, HA_STATUS_WARN, i,
		    ha_xasprintf("its clock is %.1f s %s that of %s",
			(double)llabs(ahead - zero) / 1e6,
			ahead > zero ? "ahead of" : "behind",
			first->node->name),
		    "lag is a difference of clocks, and time jumps at a "
		    "failover",
		    ha_xstrdup("let both machines keep the time by NTP"));
	}
}

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
	for (size_t i = 0; i < node_count(lint); i++) {
		const struct facts *facts = lint_facts(lint, i);

		if (facts && lint->members[i].is_source &&
		    is_semi(facts, SEMI_SOURCE))
			judge_semi_source(lint, i);
	}
	for (size_t i = 0; i < lint->topology->edge_count; i++)
		judge_semi_edge(lint, &lint->topology->edges[i]);
}

const struct lint_set_rule lint_set_rules[] = {
	{ "server-id-unique", judge_server_id_unique },
	{ "server-uuid", judge_uuid },
	{ "flavour", judge_flavour },
	{ "version", judge_version },
	{ "gtid-mode", judge_gtid_mode },
	{ "gtid-consistency", judge_same },
	{ "gtid-purged", judge_purged },
	{ "gtid-domain-id", judge_domain_id },
	{ "auto-increment", judge_auto_increment },
	{ "semi-sync", judge_semi_sync },
	{ "lower-case", judge_same },
	{ "sql-mode", judge_same },
	{ "collation", judge_same },
	{ "max-packet", judge_same },
	{ "time-zone", judge_time_zone },
	{ "clock", judge_clock },
	{ NULL, NULL },
};
