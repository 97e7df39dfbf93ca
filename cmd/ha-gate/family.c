/* SPDX-License-Identifier: ISC */
/* family - which checks are silenced, as they stand behind others. */
#include "family.h"

#include <stdlib.h>

#include "alloc.h"

/* What a pattern of dep= names.  Of some two are enough: one may be the child
 * itself. */
struct parents {
	const char *pattern;
	struct check **bad;
	size_t count;
	struct check *rooted[2]; /* bad ones whose root is known */
	struct check *calm[2]; /* that became OK last, the last one first */
	int is_calm_known;
};

struct family {
	const struct state *state;
	struct check **bad;
	size_t bad_count;
	struct check **calm; /* that have been bad, once */
	size_t calm_count;
	struct check **children; /* what is not OK, and may be silenced */
	size_t child_count;
	struct parents *parents; /* by the number of their dep= */
	size_t count;
};

/* Of what is stale nobody knows how bad it is now: it excuses nobody. */
static int
is_bad_level(const struct check *check)
{
	if (check->is_stale)
		return check_is_sweep(check);
	return judge_rank(check->level) >= judge_rank(HA_STATUS_UNKNOWN);
}

static int
is_bad(const struct check *check)
{
	return is_bad_level(check) ||
	       (!check->is_stale && judge_rank(check->last.state) >=
					judge_rank(HA_STATUS_UNKNOWN));
}

static void
sort_out(struct family *family)
{
	const struct state *state = family->state;

	for (size_t i = 0; i < state->count; i++) {
		struct check *check = state->checks[i];

		check->root = NULL;
		check->behind = 0;
		if (is_bad(check))
			family->bad[family->bad_count++] = check;
		else if (check->calm_seq > 0)
			family->calm[family->calm_count++] = check;
		if (check->level != HA_STATUS_OK || check->is_stale ||
		    check->last.state != HA_STATUS_OK) {
			family->children[family->child_count++] = check;
		} else {
			check->was_silenced = 0;
			check->held = 0;
		}
	}
}

static void
find_bad(const struct family *family, struct parents *parents)
{
	parents->bad = ha_xcalloc(family->bad_count + 1, sizeof(*parents->bad));
	for (size_t i = 0; i < family->bad_count; i++)
		if (ha_status_matches(parents->pattern, family->bad[i]->host,
			family->bad[i]->check))
			parents->bad[parents->count++] = family->bad[i];
}

static void
find_calm(const struct family *family, struct parents *parents)
{
	for (size_t i = 0; i < family->calm_count; i++) {
		struct check *check = family->calm[i];

		if (parents->calm[1] != NULL &&
		    check->calm_seq <= parents->calm[1]->calm_seq)
			continue;
		if (!ha_status_matches(
			parents->pattern, check->host, check->check))
			continue;
		parents->calm[1] = check;
		if (parents->calm[0] == NULL ||
		    check->calm_seq > parents->calm[0]->calm_seq) {
			parents->calm[1] = parents->calm[0];
			parents->calm[0] = check;
		}
	}
	parents->is_calm_known = 1;
}

static int
has_bad_parent(const struct family *family, const struct check *check)
{
	for (size_t i = 0; i < check->rules->dep_count; i++) {
		const struct parents *parents =
		    &family->parents[check->rules->deps[i]];

		if (parents->count > 1 ||
		    (parents->count == 1 && parents->bad[0] != check))
			return 1;
	}
	return 0;
}

/* One that somebody is told of is the better root. */
static void
add_rooted(struct parents *parents, struct check *check)
{
	struct check **to = parents->rooted;

	if (check == to[0] || check == to[1])
		return;
	if (to[0] == NULL ||
	    (!is_bad_level(to[0]->root) && is_bad_level(check->root))) {
		to[1] = to[0];
		to[0] = check;
	} else if (to[1] == NULL) {
		to[1] = check;
	}
}

static struct check *
root_above(const struct family *family, const struct check *check)
{
	struct check *root = NULL;

	for (size_t i = 0; i < check->rules->dep_count; i++) {
		struct check *const *rooted =
		    family->parents[check->rules->deps[i]].rooted;
		const struct check *parent =
		    rooted[0] != check ? rooted[0] : rooted[1];

		if (parent != NULL && (root == NULL || !is_bad_level(root)))
			root = parent->root;
	}
	return root;
}

/* A generation further down. */
static int
descend(struct family *family)
{
	int found = 0;

	for (size_t i = 0; i < family->count; i++)
		for (size_t j = 0; j < family->parents[i].count; j++)
			if (family->parents[i].bad[j]->root != NULL)
				add_rooted(&family->parents[i],
				    family->parents[i].bad[j]);
	for (size_t i = 0; i < family->child_count; i++) {
		struct check *check = family->children[i];

		if (check->root != NULL)
			continue;
		check->root = root_above(family, check);
		found |= check->root != NULL;
	}
	return found;
}

/* A result that is missing is no news while the whole sweep is. */
static void
look_at_sweeps(struct family *family)
{
	for (size_t i = 0; i < family->child_count; i++) {
		struct check *check = family->children[i];
		const struct check *sweep;

		if (check->root != NULL || !check->is_stale ||
		    check_is_sweep(check))
			continue;
		sweep = state_find_sweep(family->state, check->producer);
		if (sweep != NULL)
			check->root = sweep->root;
	}
}

static void
find_roots(struct family *family)
{
	for (size_t i = 0; i < family->bad_count; i++)
		if (!has_bad_parent(family, family->bad[i]))
			family->bad[i]->root = family->bad[i];
	while (descend(family))
		continue;
	look_at_sweeps(family);
}

/* The parent that came back last, since the check's own last result. */
static struct check *
calm_parent(struct family *family, const struct check *check)
{
	struct check *last = NULL;

	for (size_t i = 0; i < check->rules->dep_count; i++) {
		struct parents *parents =
		    &family->parents[check->rules->deps[i]];
		struct check *calm;

		if (!parents->is_calm_known)
			find_calm(family, parents);
		calm = parents->calm[parents->calm[0] == check];
		if (calm != NULL && calm->calm_seq >= check->seen_seq &&
		    (last == NULL || calm->calm_seq > last->calm_seq))
			last = calm;
	}
	return last;
}

/* Is it still to be held behind one that nobody is told of? */
static int
is_held(
    const struct state *state, struct check *check, const struct check *parent)
{
	unsigned most = parent->rules->judge.down[HA_STATUS_CRIT].m;

	if (check->seen_seq == state->seq)
		check->held++;
	return check->held <= most;
}

static void
silence(struct family *family, struct check *check)
{
	const struct check *parent;

	if (check->root != NULL && check->root != check) {
		if (is_bad_level(check->root))
			check->held = 0;
		check->was_silenced =
		    is_bad_level(check->root) ||
		    is_held(family->state, check, check->root);
		check->root->behind += (unsigned)check->was_silenced;
		return;
	}
	/* Of what is stale no later result comes that could show it. */
	parent = check->was_silenced && !check->is_stale
		     ? calm_parent(family, check)
		     : NULL;
	check->was_silenced =
	    parent != NULL && is_held(family->state, check, parent);
}

void
family_silence(const struct state *state, const struct rules *rules)
{
	struct family family = { .state = state,
		.count = rules_dep_count(rules) };

	family.bad = ha_xcalloc(state->count + 1, sizeof(*family.bad));
	family.calm = ha_xcalloc(state->count + 1, sizeof(*family.calm));
	family.children =
	    ha_xcalloc(state->count + 1, sizeof(*family.children));
	family.parents = ha_xcalloc(family.count + 1, sizeof(*family.parents));
	sort_out(&family);
	for (size_t i = 0; i < family.count; i++) {
		family.parents[i].pattern = rules_dep(rules, i);
		find_bad(&family, &family.parents[i]);
	}
	find_roots(&family);
	for (size_t i = 0; i < family.child_count; i++)
		silence(&family, family.children[i]);
	for (size_t i = 0; i < family.count; i++)
		free(family.parents[i].bad);
	free(family.parents);
	free(family.children);
	free(family.calm);
	free(family.bad);
}
