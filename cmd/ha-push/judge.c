/* SPDX-License-Identifier: ISC */
/*
 * judge - what is on the peer now?  rsync's exit status 0 answers for all
 * names; after any other a dry run over the same names says what still
 * differs, and only that stays dirty.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "alloc.h"
#include "change.h"
#include "clock.h"
#include "fs.h"
#include "msg.h"
#include "round.h"

/* rsync(1), EXIT VALUES: some files were not sent; some vanished. */
enum { RSYNC_PARTIAL = 23, RSYNC_VANISHED = 24 };

/* Update, kind, and nine letters of what differs: --itemize-changes. */
#define ITEM_LETTERS 11

/*
 * "IO error encountered -- skipping file deletion", on stdout of most releases.
 */
#define SKIPPING "skipping file deletion"

/* How long a missing path waits for the record that says what became of it. */
#define MISSING_MS 100

/* More than this many differences below a directory: it is compared again. */
#define TREE_MARKS_MAX 1000

struct difference {
	char *path;
	int is_dir;
	int is_same; /* listed because it is equal: proven */
};

struct differences {
	struct difference *list;
	size_t count, cap;
	uint64_t extra; /* those that are only on the peer */
};

static void
add_difference(void *context, const char *item, const char *path)
{
	struct differences *all = context;

	if (all->count == all->cap) {
		all->cap = all->cap * 2 + 16;
		all->list =
		    ha_xrealloc(all->list, all->cap * sizeof(*all->list));
	}
	all->list[all->count].path = ha_xstrdup(path);
	all->list[all->count].is_dir = item[1] == 'd';
	all->list[all->count].is_same =
	    item[0] == '.' && strspn(item + 2, " ") == ITEM_LETTERS - 2;
	all->extra += item[0] == '*';
	all->count++;
}

static int
by_path(const void *a, const void *b)
{
	const struct difference *x = a, *y = b;

	return strcmp(x->path, y->path);
}

static void
differences_release(struct differences *all)
{
	for (size_t i = 0; i < all->count; i++)
		free(all->list[i].path);
	free(all->list);
}

/*
 * A dry run over the same names lists what differs; for single names also what
 * is proven equal, as rsync has no line for what it could not look at.  1: it
 * could not tell.  2: it could not see all (of a tree).
 */
static int
find_differences(struct round *round, enum fate fate,
    const struct ha_buf *names, struct differences *all, struct ha_err *err)
{
	enum rsync_kind kind = fate == FATE_ROOT    ? RSYNC_ROOT
			       : fate != FATE_TREE  ? RSYNC_ATTR
			       : round->keeps_extra ? RSYNC_TREE_KEEP
						    : RSYNC_TREE;
	/* A tree may be huge: there, size and time in nanoseconds must do. */
	unsigned flags = fate == FATE_TREE
			     ? RSYNC_DRY
			     : RSYNC_DRY | RSYNC_CHECKSUM | RSYNC_LIST_SAME;
	struct rsync_result result;
	struct rsync_run *run;
	int rc;

	rsync_result_init(&result);
	rc = batch_start(round->push, kind, flags, names, &run, err);
	if (rc == 0) {
		rc = rsync_finish(run, NULL, &result, err);
		rsync_free(run);
	}
	if (rc == 0 && result.code != 0 && result.code != RSYNC_PARTIAL &&
	    result.code != RSYNC_VANISHED)
		rc = 1;
	if (rc == 0 && fate == FATE_TREE && result.code == RSYNC_PARTIAL)
		rc = 2;
	if (rc == 0 || rc == 2) {
		rsync_each_item(&result.output, add_difference, all);
		if (all->count > 0)
			qsort(
			    all->list, all->count, sizeof(*all->list), by_path);
	}
	rsync_result_release(&result);
	return rc;
}

static int
is_proven(const struct differences *all, const char *path)
{
	struct difference key = { .path = NULL };
	char *copy = ha_xstrdup(path);
	const struct difference *found = NULL;

	key.path = copy;
	if (all->count > 0)
		found =
		    bsearch(&key, all->list, all->count, sizeof(key), by_path);
	free(copy);
	return found != NULL && found->is_same;
}

static void
fail(struct item *item, const struct rsync_result *result)
{
	item->outcome = OUTCOME_FAILED;
	free(item->why);
	item->why = rsync_why(&result->errors, result->code, item->entry->path);
	item->is_ours = strstr(item->why, "[sender]") != NULL;
	/* A directory may stand in a file's way there. */
	if (!S_ISDIR(item->st.st_mode))
		item->entry->flags |= DIRTY_REPLACED;
}

static size_t
count_fate(const struct round *round, enum fate fate)
{
	size_t count = 0;

	for (size_t i = 0; i < round->count; i++)
		count += round->items[i].fate == fate &&
			 round->items[i].outcome == OUTCOME_OPEN;
	return count;
}

/* What a run of this fate finds is as old as the oldest of its changes. */
static void
mark_as_old(
    struct round *round, enum fate fate, const char *path, unsigned flags)
{
	struct dirty *dirty = &round->push->dirty;
	int64_t first_ns = ha_clock_now_ns();
	uint64_t epoch = dirty->epoch;

	for (size_t i = 0; i < round->count; i++) {
		const struct item *item = &round->items[i];

		/* The parents of what is gone go with what is sent. */
		if (item->fate != fate &&
		    (fate != FATE_SEND || item->fate != FATE_GONE))
			continue;
		if (item->entry->first_ns < first_ns)
			first_ns = item->entry->first_ns;
		if (item->entry->epoch < epoch)
			epoch = item->entry->epoch;
	}
	dirty_mark_at(dirty, path, flags, first_ns, epoch);
}

static int
has_item(const struct round *round, const char *path)
{
	for (size_t i = 0; i < round->count; i++)
		if (strcmp(round->items[i].entry->path, path) == 0)
			return 1;
	return 0;
}

/*
 * Nothing is known of these names: halve the batch until the culprit is alone.
 */
static void
blame_all(struct round *round, enum fate fate, const struct ha_buf *names,
    const struct rsync_result *result)
{
	size_t count = count_fate(round, fate);

	for (size_t i = 0; i < round->count; i++) {
		struct item *item = &round->items[i];

		if (item->fate == fate && item->outcome == OUTCOME_OPEN &&
		    count == 1)
			fail(item, result);
	}
	if (count > 1)
		round->push->chunk = count / 2;
	if (fate != FATE_SEND)
		return;
	for (size_t at = 0; at < names->len;
	     at += strlen(names->data + at) + 1) {
		const char *name = names->data + at;

		if (strncmp(name, "./", 2) == 0)
			name += 2;
		if (!has_item(round, name))
			mark_as_old(round, fate, name, DIRTY_ATTR);
	}
}

/* What differs but was no item of this round becomes dirty by itself. */
static void
mark_strangers(
    struct round *round, enum fate fate, const struct differences *all)
{
	for (size_t i = 0; i < all->count; i++) {
		const struct difference *d = &all->list[i];

		if (!d->is_same && !has_item(round, d->path))
			mark_as_old(round, fate, d->path,
			    d->is_dir ? DIRTY_ATTR : DIRTY_CONTENT);
	}
}

static int
is_gone(const struct round *round, const struct item *item)
{
	struct stat st;

	return ha_fs_lstat_beneath(
		   round->push->source.fd, item->entry->path, &st) != 0 &&
	       errno == ENOENT;
}

static void
judge_names(struct round *round, enum fate fate, const struct differences *all,
    const struct rsync_result *result)
{
	size_t failed = 0, count = count_fate(round, fate);

	for (size_t i = 0; i < round->count; i++) {
		struct item *item = &round->items[i];

		if (item->fate != fate || item->outcome != OUTCOME_OPEN)
			continue;
		if (is_proven(all, item->entry->path)) {
			item->outcome = OUTCOME_DONE;
			continue;
		}
		/* Gone since it was looked at: it is looked at again. */
		if (is_gone(round, item))
			continue;
		failed++;
		/* On a full disk a large file fails and smaller ones may go. */
		if (!round->disk_fails || count == 1)
			fail(item, result);
	}
	if (round->disk_fails && failed > 1)
		round->push->chunk = failed / 2;
	mark_strangers(round, fate, all);
}

/*
 * A tree in which single paths failed is done, and those paths are dirty;
 * unless rsync held its deletions back, or too much differs.
 */
static void
judge_trees(struct round *round, const struct differences *all, int saw_all,
    const struct rsync_result *result)
{
	int again = !saw_all || all->count > TREE_MARKS_MAX ||
		    strstr(result->errors.data, SKIPPING) != NULL ||
		    strstr(result->output.data, SKIPPING) != NULL;

	for (size_t i = 0; i < round->count; i++) {
		struct item *item = &round->items[i];

		if (item->fate != FATE_TREE || item->outcome != OUTCOME_OPEN)
			continue;
		if (again)
			fail(item, result);
		else
			item->outcome = OUTCOME_DONE;
	}
	for (size_t i = 0; i < all->count && i < TREE_MARKS_MAX; i++)
		mark_as_old(round, FATE_TREE, all->list[i].path,
		    all->list[i].is_dir ? DIRTY_ATTR
					: DIRTY_CONTENT | DIRTY_REPLACED);
}

static void
all_done(struct round *round, enum fate fate)
{
	for (size_t i = 0; i < round->count; i++)
		if (round->items[i].fate == fate &&
		    round->items[i].outcome == OUTCOME_OPEN)
			round->items[i].outcome = OUTCOME_DONE;
}

int
judge_run(struct round *round, enum fate fate, const struct ha_buf *names,
    const struct rsync_result *result, struct ha_err *err)
{
	struct differences all = { NULL, 0, 0, 0 };
	int rc;

	if (result->code == 0) {
		all_done(round, fate);
		return 0;
	}
	if (!transport_is_up(round->push->peer.transport))
		return ha_err_set(err, EX_UNAVAILABLE, 0,
		    "the link was lost during a transfer");
	ha_note("rsync ended with status %d: %.500s", result->code,
	    result->errors.data);
	if (rsync_peer_disk_fails(&result->errors)) {
		round->disk_fails = 1;
		free(round->disk_why);
		round->disk_why =
		    rsync_why(&result->errors, result->code, NULL);
	}
	rc = find_differences(round, fate, names, &all, err);
	/* Not the names' fault, if nothing works there any more. */
	if (rc == 1 && batch_check_peer(round->push, err) != 0)
		rc = -1;
	if (rc == 0 && fate == FATE_TREE && !round->keeps_extra)
		trees_settle_doubt(round, all.extra);
	if (rc == 1)
		blame_all(round, fate, names, result);
	else if (rc >= 0 && fate == FATE_TREE)
		judge_trees(round, &all, rc == 0, result);
	else if (rc == 0)
		judge_names(round, fate, &all, result);
	differences_release(&all);
	return rc < 0 ? -1 : 0;
}

/* Did the path change between the first look and now?  -1: it is gone. */
static int
has_changed(const struct round *round, const struct item *item)
{
	struct stat st;

	if (ha_fs_lstat_beneath(
		round->push->source.fd, item->entry->path, &st) != 0)
		return -1;
	/* What changes in a directory brings records of its own. */
	if (S_ISDIR(item->st.st_mode))
		return !S_ISDIR(st.st_mode);
	return st.st_ino != item->st.st_ino || st.st_dev != item->st.st_dev ||
	       st.st_size != item->st.st_size ||
	       st.st_mode != item->st.st_mode ||
	       st.st_mtim.tv_sec != item->st.st_mtim.tv_sec ||
	       st.st_mtim.tv_nsec != item->st.st_mtim.tv_nsec ||
	       st.st_ctim.tv_sec != item->st.st_ctim.tv_sec ||
	       st.st_ctim.tv_nsec != item->st.st_ctim.tv_nsec;
}

static void
settle_done(struct round *round, struct item *item, struct ha_buf *acks)
{
	struct push *push = round->push;
	struct stat st;
	int changed = 0;

	push->report.sent_paths++;
	recent_add(&push->recent, item->entry->path, ha_clock_now_ns());
	push->last_progress_ns = ha_clock_now_ns();
	if (item->fate == FATE_GONE)
		changed = ha_fs_lstat_beneath(
			      push->source.fd, item->entry->path, &st) == 0
			      ? -1
			      : 0;
	else if (item->fate == FATE_SEND || item->fate == FATE_ATTR)
		changed = has_changed(round, item);
	/* It came or went meanwhile: perhaps nothing of it was sent. */
	if (changed < 0)
		dirty_return(&push->dirty, item->entry);
	else if (changed)
		dirty_changed(
		    &push->dirty, item->entry, acks, ha_clock_now_ns());
	else
		dirty_done(&push->dirty, item->entry, acks);
}

size_t
judge_settle(struct round *round, struct ha_buf *acks)
{
	struct dirty *dirty = &round->push->dirty;
	size_t done = 0;

	for (size_t i = 0; i < round->count; i++) {
		struct item *item = &round->items[i];

		done += item->outcome == OUTCOME_DONE;
		if (item->outcome == OUTCOME_DONE)
			settle_done(round, item, acks);
		else if (item->outcome == OUTCOME_FAILED)
			dirty_fail(dirty, item->entry, item->why, item->is_ours,
			    ha_clock_now_ns());
		else if (item->outcome == OUTCOME_WAITS)
			dirty_wait(
			    dirty, item->entry, ha_clock_deadline(MISSING_MS));
		else if (item->outcome == OUTCOME_HELD)
			dirty_hold(dirty, item->entry, item->extra,
			    &item->extra_names);
		else
			dirty_return(dirty, item->entry);
		free(item->gone);
		free(item->why);
		ha_buf_release(&item->extra_names);
	}
	return done;
}
