/* SPDX-License-Identifier: ISC */
/*
 * All nodes are read at about the same time, so a replica may be read after
 * its source and have what the source had not yet: only what can't have come
 * from there is errant.
 */
#include "judge.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "flavour.h"

/* Room for the sets in a message. */
#define SET_MAX 120

static int
is_origin(const struct gtid_range *range, const struct facts *facts)
{
	if (facts->executed.kind == GTID_MARIADB)
		return range->server == facts->server_id;
	return facts->uuid &&
	       !strncasecmp(range->origin, facts->uuid, strlen(facts->uuid));
}

static int
is_same_origin(const struct gtid_set *set, const struct gtid_range *a,
    const struct gtid_range *b)
{
	if (set->kind == GTID_MARIADB)
		return a->domain == b->domain && a->server == b->server;
	return !strcmp(a->origin, b->origin);
}

/* Does it go on where the source, read a little before, ended? */
static int
follows(const struct gtid_range *range, const struct gtid_set *of)
{
	uint64_t last = 0;

	for (size_t i = 0; i < of->count; i++)
		if (is_same_origin(of, range, &of->ranges[i]) &&
		    of->ranges[i].last > last)
			last = of->ranges[i].last;
	return last && range->first > last;
}

struct search {
	const struct judge *judge;
	const char *is_ancestor;
	int has_stranger; /* there are sources that were not looked at */
};

static int
is_errant(const struct search *search, const struct gtid_range *range)
{
	const struct fleet *fleet = search->judge->topology->fleet;

	if (is_origin(range, search->judge->facts))
		return !search->is_ancestor[search->judge->i];
	if (search->has_stranger)
		return 0;
	for (size_t j = 0; j < fleet->count; j++)
		if (search->is_ancestor[j] &&
		    (is_origin(range, fleet->facts[j]) ||
			follows(range, &fleet->facts[j]->executed)))
			return 0;
	return 1;
}

/* left = what the node has and none of those it replicates from. */
static void
subtract_ancestors(const struct search *search, struct gtid_set *left)
{
	const struct fleet *fleet = search->judge->topology->fleet;
	const struct gtid_set none = {
		.kind = search->judge->facts->executed.kind
	};

	gtid_subtract(&search->judge->facts->executed, &none, left);
	for (size_t j = 0; j < fleet->count; j++) {
		if (!search->is_ancestor[j] || j == search->judge->i)
			continue;
		gtid_remove(left, &fleet->facts[j]->executed);
		gtid_remove(left, &fleet->facts[j]->applied);
	}
}

/*
 * MariaDB numbers a domain's transactions, whoever writes them, and keeps only
 * the last number of each server: what is errant begins behind the last that
 * another server wrote before it.  Where another's last is later than that,
 * the one before can't be told: 0, and first is the least that it may be.
 */
static int
narrow(struct gtid_range *range, const struct gtid_set *had)
{
	int is_exact = 1;

	for (size_t i = 0; i < had->count; i++) {
		const struct gtid_range *other = &had->ranges[i];

		if (other->domain != range->domain ||
		    other->server == range->server)
			continue;
		if (other->last > range->last)
			is_exact = 0;
		else if (other->last >= range->first)
			range->first =
			    other->last + (other->last < range->last);
	}
	return is_exact || range->first == range->last;
}

/*
 * Keep what is errant; the others' strings are freed with the set.  0: there
 * may be fewer.
 */
static int
keep_errant(const struct search *search, struct gtid_set *left)
{
	const struct gtid_set *had = &search->judge->facts->executed;
	size_t kept = 0;
	int is_exact = 1;

	for (size_t i = 0; i < left->count; i++) {
		struct gtid_range range = left->ranges[i];

		if (!is_errant(search, &range))
			continue;
		if (left->kind == GTID_MARIADB && !narrow(&range, had))
			is_exact = 0;
		left->ranges[i] = left->ranges[kept];
		left->ranges[kept++] = range;
	}
	while (left->count > kept)
		free(left->ranges[--left->count].origin);
	return is_exact;
}

/* 0: nobody to compare with was read. */
static int
find_ancestors(struct search *search)
{
	const struct fleet *fleet = search->judge->topology->fleet;
	const struct topology *topology = search->judge->topology;
	int is_known = 0;

	for (size_t e = 0; e < topology->edge_count; e++) {
		const struct edge *edge = &topology->edges[e];

		if (edge->source == STRANGER &&
		    (edge->replica == search->judge->i ||
			search->is_ancestor[edge->replica]))
			search->has_stranger = 1;
	}
	for (size_t j = 0; j < fleet->count; j++) {
		if (!search->is_ancestor[j] || j == search->judge->i)
			continue;
		if (!fleet->facts[j]->is_answered)
			search->has_stranger = 1;
		else if (!gtid_is_empty(&fleet->facts[j]->executed))
			is_known = 1;
	}
	return is_known;
}

static void
say_errant(struct judge *judge, const struct gtid_set *errant, int is_exact)
{
	struct ha_buf text = HA_BUF_INIT;
	uint64_t count = gtid_count(errant);

	gtid_add_text(&text, errant);
	if (text.len > SET_MAX) {
		ha_buf_truncate(&text, SET_MAX);
		ha_buf_add_str(&text, "...");
	}
	judge_say(judge, HA_STATUS_WARN,
	    errant->kind == GTID_MARIADB ? "SELECT @@gtid_binlog_state on both"
					 : "SELECT @@gtid_executed on both",
	    "%s%llu errant transaction%s, which its source never had: %s",
	    is_exact ? "" : "up to ", (unsigned long long)count,
	    count == 1 ? "" : "s", text.data);
	ha_buf_release(&text);
}

void
judge_errant(struct judge *judge)
{
	char *is_ancestor =
	    topology_ancestors(judge->topology, judge->i, STRANGER);
	struct search search = { judge, is_ancestor, 0 };
	struct gtid_set left = { 0 };
	int is_exact;

	if (find_ancestors(&search)) {
		subtract_ancestors(&search, &left);
		is_exact = keep_errant(&search, &left);
		if (left.count)
			say_errant(judge, &left, is_exact);
		judge_perf(
		    judge, "errant", NULL, (double)gtid_count(&left), "", NULL);
	}
	gtid_release(&left);
	free(is_ancestor);
}
