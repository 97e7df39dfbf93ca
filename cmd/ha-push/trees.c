/* SPDX-License-Identifier: ISC */
/*
 * trees - the trees of a round.  Before rsync deletes what is extra there it
 * lists that, so that all of it goes or none.
 */
#include <stdlib.h>
#include <string.h>

#include "alloc.h"
#include "change.h"
#include "round.h"

/* rsync(1), EXIT VALUES. */
enum { RSYNC_PARTIAL = 23, RSYNC_VANISHED = 24, RSYNC_MAX_DELETE = 25 };
/* What it says of that beside an error that has another status. */
#define MAX_DELETE_WORDS "due to --max-delete limit"

/* To look into more directories costs more than to list what is extra. */
#define LOOKS_MAX 64
#define NAMES_LISTED 1000

/* What --delete would remove on the peer. */
struct extra {
	struct item **trees; /* sorted by path */
	size_t tree_count;
	uint64_t count;
	uint64_t replaced; /* there, and another kind here */
};

static int
by_path(const void *a, const void *b)
{
	const struct item *x = *(struct item *const *)a;
	const struct item *y = *(struct item *const *)b;

	return strcmp(x->entry->path, y->entry->path);
}

static void
find_trees(struct round *round, struct extra *extra)
{
	extra->trees = ha_xcalloc(round->count + 1, sizeof(struct item *));
	for (size_t i = 0; i < round->count; i++)
		if (round->items[i].fate == FATE_TREE &&
		    round->items[i].outcome == OUTCOME_OPEN)
			extra->trees[extra->tree_count++] = &round->items[i];
	qsort(extra->trees, extra->tree_count, sizeof(struct item *), by_path);
}

static struct item *
tree_at(const struct extra *extra, const char *path)
{
	size_t low = 0, high = extra->tree_count;

	while (low < high) {
		size_t mid = (low + high) / 2;
		int order = strcmp(path, extra->trees[mid]->entry->path);

		if (order == 0)
			return extra->trees[mid];
		if (order < 0)
			high = mid;
		else
			low = mid + 1;
	}
	return NULL;
}

/* The tree of the round that path is in. */
static struct item *
tree_of(const struct extra *extra, const char *path)
{
	char *parent = ha_xstrdup(path), *slash;
	struct item *item = NULL;

	while (item == NULL && (slash = strrchr(parent, '/')) != NULL) {
		*slash = '\0';
		item = tree_at(extra, parent);
	}
	free(parent);
	if (item == NULL)
		item = tree_at(extra, HA_CHANGE_ROOT);
	return item != NULL ? item : extra->trees[0];
}

static void
take_item(void *context, const char *letters, const char *path)
{
	struct extra *extra = context;
	struct item *item;

	if (letters[0] != '*') {
		extra->replaced += letters[2] == '+';
		return;
	}
	extra->count++;
	item = tree_of(extra, path);
	if (item->extra++ < NAMES_LISTED)
		ha_buf_add(&item->extra_names, path, strlen(path) + 1);
}

/* Where the peer has nothing there is nothing to list.  1, 0, -1. */
static int
is_all_new(struct round *round, const struct extra *extra, struct ha_err *err)
{
	int rc = extra->tree_count <= LOOKS_MAX;

	for (size_t i = 0; i < extra->tree_count && rc == 1; i++)
		rc = peer_has_nothing_below(
		    &round->push->peer, extra->trees[i]->entry->path, err);
	return rc;
}

/* 1: rsync could not list it, and the items say so. */
static int
list_extra(struct round *round, struct extra *extra, struct ha_err *err)
{
	struct rsync_result result;
	int rc;

	rsync_result_init(&result);
	rc = batch_run(
	    round->push, RSYNC_TREE_EXTRA, &round->trees, &result, err);
	if (rc == 0 && result.code != 0 && result.code != RSYNC_PARTIAL &&
	    result.code != RSYNC_VANISHED) {
		rc = judge_run(round, FATE_TREE, &round->trees, &result, err);
		rc = rc == 0 ? 1 : rc;
	}
	if (rc == 0)
		rsync_each_item(&result.output, take_item, extra);
	rsync_result_release(&result);
	return rc;
}

/* Those that are more than was let go. */
static uint64_t
charge_of(const struct item *item)
{
	uint64_t allowed = item->entry->allowed;

	return item->extra > allowed ? item->extra - allowed : 0;
}

static uint64_t
charge(const struct extra *extra)
{
	uint64_t charged = 0;

	for (size_t i = 0; i < extra->tree_count; i++)
		charged += charge_of(extra->trees[i]);
	return charged;
}

static void
doubt(const struct extra *extra)
{
	for (size_t i = 0; i < extra->tree_count; i++)
		extra->trees[i]->entry->doubted = charge_of(extra->trees[i]);
}

/* Each by its own: what is extra in another tree was not counted then. */
static void
settle_doubts(struct budget *budget, const struct extra *extra)
{
	for (size_t i = 0; i < extra->tree_count; i++) {
		const struct item *item = extra->trees[i];
		uint64_t doubted = item->entry->doubted;

		budget_refund(
		    budget, item->extra < doubted ? item->extra : doubted);
		item->entry->doubted = 0;
	}
}

void
trees_settle_doubt(struct round *round, uint64_t still_there)
{
	uint64_t doubted = 0;

	for (size_t i = 0; i < round->count; i++) {
		doubted += round->items[i].entry->doubted;
		round->items[i].entry->doubted = 0;
	}
	budget_refund(&round->push->budget,
	    still_there < doubted ? still_there : doubted);
}

static void
recount(const struct extra *extra)
{
	for (size_t i = 0; i < extra->tree_count; i++) {
		struct item *item = extra->trees[i];

		item->outcome = OUTCOME_FAILED;
		item->why =
		    ha_xstrdup("more was to be deleted than had been counted; "
			       "it is counted again");
	}
}

/* Was more to be deleted than the ceiling?  So much was deleted then. */
static int
met_ceiling(const struct rsync_result *result)
{
	return result->code == RSYNC_MAX_DELETE ||
	       strstr(result->errors.data, MAX_DELETE_WORDS) != NULL ||
	       strstr(result->output.data, MAX_DELETE_WORDS) != NULL;
}

/* The ceiling is what was counted: the source may change meanwhile. */
static int
delete_extra(struct round *round, const struct extra *extra, struct ha_err *err)
{
	struct push *push = round->push;
	struct rsync_result result;
	int rc;

	push->rsync.max_delete = extra->count + extra->replaced;
	rsync_result_init(&result);
	rc = batch_run(push, RSYNC_TREE, &round->trees, &result, err);
	push->rsync.max_delete = UINT64_MAX;
	if (rc != 0 || (result.code != 0 && !met_ceiling(&result)))
		doubt(extra);
	if (rc == 0 && result.code == RSYNC_MAX_DELETE)
		recount(extra);
	else if (rc == 0)
		rc = judge_run(round, FATE_TREE, &round->trees, &result, err);
	rsync_result_release(&result);
	return rc;
}

/* Everything is sent, and what is extra stays. */
static int
keep_extra(struct round *round, const struct extra *extra, struct ha_err *err)
{
	int rc;

	round->keeps_extra = 1;
	rc = batch_run_rsync(
	    round, FATE_TREE, RSYNC_TREE_KEEP, &round->trees, err);
	for (size_t i = 0; i < extra->tree_count; i++)
		if (extra->trees[i]->outcome == OUTCOME_DONE &&
		    extra->trees[i]->extra > 0)
			extra->trees[i]->outcome = OUTCOME_HELD;
	return rc;
}

static int
run_counted(struct round *round, struct extra *extra, struct ha_err *err)
{
	struct budget *budget = &round->push->budget;
	int rc = is_all_new(round, extra, err);

	if (rc == 0)
		rc = list_extra(round, extra, err);
	else if (rc == 1)
		rc = 0;
	if (rc != 0)
		return rc < 0 ? -1 : 0;
	settle_doubts(budget, extra);
	return budget_take(budget, charge(extra))
		   ? delete_extra(round, extra, err)
		   : keep_extra(round, extra, err);
}

/* The peer is equal to the source: so what was held below it is settled. */
static void
settle_root(struct round *round, const struct extra *extra)
{
	const struct item *root = tree_at(extra, HA_CHANGE_ROOT);

	if (root == NULL || root->outcome != OUTCOME_DONE)
		return;
	budget_counted(&round->push->budget, round->files);
	dirty_look_again(&round->push->dirty);
}

int
trees_run(struct round *round, struct ha_err *err)
{
	struct extra extra = { .tree_count = 0 };
	int rc;

	if (round->trees.len == 0)
		return 0;
	find_trees(round, &extra);
	round->push->rsync.has_links = links_count(round->push->links) > 0;
	if (budget_is_unlimited(&round->push->budget))
		rc = batch_run_rsync(
		    round, FATE_TREE, RSYNC_TREE, &round->trees, err);
	else
		rc = run_counted(round, &extra, err);
	if (rc == 0)
		settle_root(round, &extra);
	free(extra.trees);
	return rc;
}
