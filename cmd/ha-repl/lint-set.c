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
 * gtid-purged		MySQL "GTID Functions", GTID_SUBSET; "GTID
 *			Auto-Positioning"
 * flavour		MySQL and MariaDB: MariaDB "Replication Compatibility
 *			Between MariaDB and MySQL"
 * version		MySQL "Replication Compatibility Between MySQL Versions";
 *			MariaDB "Replication Compatibility"
 * clock		MySQL "Replication Features and Issues": "... of
 *			CURRENT_TIMESTAMP", SHOW REPLICA STATUS: the lag is a
 *			difference of two clocks
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "alloc.h"
#include "lint-rules.h"

/* Clocks may differ by as much, beyond what the reading itself took. */
#define SKEW_MAX_US 1000000

static void
judge_server_id_unique(struct lint *lint)
{
	for (size_t i = 0; i < lint_node_count(lint); i++) {
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
	for (size_t i = 0; i < lint_node_count(lint); i++) {
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

	for (size_t i = 0; i < lint_node_count(lint); i++)
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

	for (size_t i = 0; i < lint_node_count(lint); i++) {
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

	for (size_t i = 0; i < lint_node_count(lint); i++) {
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
	for (size_t i = 0; i < lint_node_count(lint); i++) {
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
	for (size_t i = 0; i < lint_node_count(lint); i++)
		for (size_t j = 0; j < lint_node_count(lint); j++)
			if (i != j && lint_facts(lint, i) &&
			    lint_facts(lint, j))
				judge_purged_pair(lint, i, j);
}

static int
is_same_flavour(const struct facts *a, const struct facts *b)
{
	return !strstr(a->version, "MariaDB") == !strstr(b->version, "MariaDB");
}

static void
judge_flavour(struct lint *lint)
{
	const struct facts *first = NULL;

	for (size_t i = 0; i < lint_node_count(lint); i++) {
		const struct facts *facts = lint_facts(lint, i);

		if (!facts)
			continue;
		if (!first)
			first = facts;
		if (is_same_flavour(facts, first))
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

static void
judge_version(struct lint *lint)
{
	for (size_t i = 0; i < lint_node_count(lint); i++) {
		const struct facts *facts = lint_facts(lint, i);
		const struct facts *newest = facts;
		size_t other = i;

		for (size_t j = 0; facts && j < lint_node_count(lint); j++) {
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

	for (size_t i = 0; i < lint_node_count(lint); i++) {
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

const struct lint_set_rule lint_set_rules[] = {
	{ "server-id-unique", judge_server_id_unique },
	{ "server-uuid", judge_uuid },
	{ "flavour", judge_flavour },
	{ "version", judge_version },
	{ "gtid-purged", judge_purged },
	{ "gtid-domain-id", judge_domain_id },
	{ "auto-increment", judge_auto_increment },
	{ "clock", judge_clock },
	{ NULL, NULL },
};
