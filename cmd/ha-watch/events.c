/* SPDX-License-Identifier: ISC */
/*
 * events - what each event means for the tree and the dirty set; joins the two
 * halves of a rename by their cookie.
 */
#include "events.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "alloc.h"
#include "change.h"
#include "clock.h"
#include "walk.h"

#define PAIR_NS (10 * HA_MS_NS)
/* The two renames of an exchange are read within so many rounds. */
#define EXCHANGE_ROUNDS 4

static void
on_create(struct watch *watch, const struct event *e)
{
	struct dir *node;

	if (!e->is_dir) {
		dirty_created(&watch->dirty, e->dir, e->name, e->len);
		return;
	}
	/* A listing that was quicker has watched and told it. */
	if (tree_find(&watch->tree, e->dir, e->name, e->len))
		return;
	node = tree_add(&watch->tree, e->dir, e->name, e->len);
	dirty_new_dir(&watch->dirty, node);
	walk_tell(watch, node);
}

static void
on_delete(struct watch *watch, const struct event *e)
{
	struct dir *node;

	if (e->is_dir) {
		node = tree_find(&watch->tree, e->dir, e->name, e->len);
		if (node)
			watch_remove(watch, node);
	}
	dirty_gone(
	    &watch->dirty, e->dir, e->name, e->len, e->is_dir ? 'd' : '-');
}

static struct pair *
add_pair(struct watch *watch)
{
	if (watch->pair_count == watch->pair_room) {
		watch->pair_room = watch->pair_room ? 2 * watch->pair_room : 8;
		watch->pairs = ha_xrealloc(
		    watch->pairs, watch->pair_room * sizeof(*watch->pairs));
	}
	return &watch->pairs[watch->pair_count++];
}

static void
on_from(struct watch *watch, const struct event *e)
{
	struct dirty *dirty = &watch->dirty;
	struct pair *pair = add_pair(watch);
	uint8_t epoch = dirty->epoch;

	memset(pair, 0, sizeof(*pair));
	pair->cookie = e->cookie;
	pair->is_dir = e->is_dir;
	pair->deadline_ns = dirty->now_ns + PAIR_NS;
	pair->dir = tree_ref(e->dir);
	memcpy(pair->name, e->name, e->len + 1);
	tree_path(&watch->tree, e->dir, e->name, e->len, &watch->path);
	pair->path = ha_xstrdup(watch->path.data);
	pair->source = dirty_find(dirty, e->dir, e->name, e->len);
	if (pair->source) {
		dirty->epoch = pair->source->epoch;
		dirty_take(dirty, pair->source);
	}
	if (e->is_dir)
		pair->node = tree_find(&watch->tree, e->dir, e->name, e->len);
	if (pair->node) {
		/*
		 * It came a moment ago: if by changing places
		 * (RENAME_EXCHANGE), what leaves is its predecessor.
		 */
		if (watch->round - pair->node->came <= EXCHANGE_ROUNDS)
			walk_lose_name(watch, e->dir, e->name);
		tree_ref(pair->node);
		tree_detach(&watch->tree, pair->node);
	}
	pair->move = dirty_move_begin(dirty, pair->node);
	dirty->epoch = epoch;
}

static void
release_pair(struct watch *watch, struct pair *pair)
{
	if (pair->move)
		dirty_free(&watch->dirty, pair->move);
	if (pair->source)
		dirty_free(&watch->dirty, pair->source);
	if (pair->node)
		tree_unref(pair->node);
	tree_unref(pair->dir);
	free(pair->path);
	walk_wake(watch);
}

/* Take count released pairs out of the table. */
static void
cut_pairs(struct watch *watch, struct pair *first, size_t count)
{
	struct pair *rest = first + count;
	struct pair *end = watch->pairs + watch->pair_count;

	memmove(first, rest, (size_t)(end - rest) * sizeof(*first));
	watch->pair_count -= count;
}

/* The old name is gone, and nobody needs to know where to. */
static void
tell_source_gone(struct watch *watch, struct pair *pair)
{
	struct dirty *dirty = &watch->dirty;
	size_t len = strlen(pair->name);
	char kind = pair->is_dir ? 'd' : '-';
	struct entry *again;

	if (pair->dir->flags & DIR_DEAD)
		return;
	if (pair->source && dirty_untold(dirty, pair->source))
		return;
	again = dirty_find(dirty, pair->dir, pair->name, len);
	if (again && again->flags & ENTRY_HERE) {
		/* Made anew meanwhile; the old one was told, though. */
		again->flags &= (uint16_t)~ENTRY_UNTOLD;
		if (again->gone != 'd')
			again->gone = kind;
		return;
	}
	if (pair->source && pair->source->gone == 'd')
		kind = 'd';
	dirty_gone(dirty, pair->dir, pair->name, len, kind);
}

/* Releases the pair. */
static void
moved_out(struct watch *watch, struct pair *pair)
{
	uint8_t epoch = watch->dirty.epoch;

	watch->dirty.epoch = pair->move->epoch;
	if (pair->node && !(pair->node->flags & DIR_DEAD))
		watch_remove(watch, pair->node);
	tell_source_gone(watch, pair);
	watch->dirty.epoch = epoch;
	release_pair(watch, pair);
}

static void
on_arrival(struct watch *watch, const struct event *e)
{
	struct dir *node = tree_find(&watch->tree, e->dir, e->name, e->len);

	if (!e->is_dir && node) {
		walk_relook(watch, e->dir, e->name, e->len);
		return;
	}
	if (!e->is_dir) {
		dirty_arrived(&watch->dirty, e->dir, e->name, e->len);
		return;
	}
	if (node)
		watch_remove(watch, node);
	node = tree_add(&watch->tree, e->dir, e->name, e->len);
	node->came = watch->round;
	dirty_new_dir(&watch->dirty, node)->flags &= (uint16_t)~ENTRY_UNTOLD;
	walk_tell(watch, node);
}

/*
 * The old name was never told: nobody needs to know it now.  What is below
 * such a directory may have been told in its old place only, hence R.
 */
static void
new_here(struct watch *watch, struct pair *pair, const struct event *e)
{
	struct dirty *dirty = &watch->dirty;
	struct entry *entry, *source = pair->source;

	tell_source_gone(watch, pair);
	if (pair->node) {
		tree_attach(&watch->tree, pair->node, e->dir, e->name, e->len);
		entry = dirty_new_dir(dirty, pair->node);
		entry->flags |= ENTRY_R;
	} else if (source && source->flags & ENTRY_HERE) {
		entry = dirty_find(dirty, e->dir, e->name, e->len);
		if (entry && !entry->gone)
			dirty_free(dirty, entry);
		pair->source = NULL;
		dirty_follow(dirty, source, e->dir, e->name, e->len);
	} else {
		dirty_arrived(dirty, e->dir, e->name, e->len);
		return;
	}
	entry = dirty_find(dirty, e->dir, e->name, e->len);
	if (entry)
		entry->flags &= (uint16_t)~ENTRY_UNTOLD;
}

/* M, and then what else is to be told of it. */
static void
moved_here(struct watch *watch, struct pair *pair, const struct event *e)
{
	struct dirty *dirty = &watch->dirty;
	struct entry *over = dirty_find(dirty, e->dir, e->name, e->len);
	struct entry *source = pair->source;
	size_t len = strlen(pair->path) + 1;
	char *paths;

	if (over)
		dirty_free(dirty, over);
	if (pair->node)
		tree_attach(&watch->tree, pair->node, e->dir, e->name, e->len);
	tree_path(&watch->tree, e->dir, e->name, e->len, &watch->path);
	paths = ha_xmalloc(len + watch->path.len + 1);
	memcpy(paths, pair->path, len);
	memcpy(paths + len, watch->path.data, watch->path.len + 1);
	dirty_move_end(dirty, pair->move, paths, pair->is_dir);
	pair->move = NULL;
	if (source && source->flags & ENTRY_HERE) {
		pair->source = NULL;
		dirty_follow(dirty, source, e->dir, e->name, e->len);
	}
	if (pair->node && watch->rules_have_paths)
		walk_heal(watch, pair->node, 1);
}

/* Can the rename be played by one who knows only what was told? */
static int
is_playable(
    const struct watch *watch, const struct pair *pair, const struct event *e)
{
	const struct entry *over =
	    dirty_find(&watch->dirty, e->dir, e->name, e->len);

	if (pair->source &&
	    (pair->source->flags & ENTRY_C || pair->source->gone))
		return 0;
	return !over || !over->gone || (over->gone != 'd' && !pair->is_dir);
}

/*
 * Watched since the queue was last empty: perhaps when another directory had
 * its name already.
 */
static void
doubt(struct watch *watch, struct dir *node)
{
	if (node && (node->id < 0 || node->round == watch->round))
		walk_lose(watch, node);
	if (node)
		node->came = watch->round;
}

static void
on_renamed(struct watch *watch, struct pair *pair, const struct event *e)
{
	struct dir *over = tree_find(&watch->tree, e->dir, e->name, e->len);
	struct dir *old_dir = tree_ref(pair->dir);
	char old_name[sizeof(pair->name)];
	uint8_t epoch = watch->dirty.epoch;

	watch->dirty.epoch = pair->move->epoch;
	memcpy(old_name, pair->name, sizeof(old_name));
	if (over) {
		/* It replaced an empty directory, or both changed places. */
		moved_out(watch, pair);
		cut_pairs(watch, pair, 1);
		if (!(old_dir->flags & DIR_DEAD))
			walk_relook(watch, old_dir, old_name, strlen(old_name));
		walk_relook(watch, e->dir, e->name, e->len);
	} else if (pair->is_dir && !pair->node) {
		moved_out(watch, pair);
		cut_pairs(watch, pair, 1);
		on_arrival(watch, e);
	} else {
		if (is_playable(watch, pair, e))
			moved_here(watch, pair, e);
		else
			new_here(watch, pair, e);
		doubt(watch, pair->node);
		release_pair(watch, pair);
		cut_pairs(watch, pair, 1);
	}
	tree_unref(old_dir);
	watch->dirty.epoch = epoch;
}

static int
is_below(const struct dir *dir, const struct dir *top)
{
	while (dir && dir != top)
		dir = dir->parent;
	return dir != NULL;
}

/*
 * A directory can't become its own child: events were lost, and what is known
 * is of another time.
 */
static void
can_not_be(struct watch *watch, struct pair *pair)
{
	moved_out(watch, pair);
	cut_pairs(watch, pair, 1);
	walk_heal_all(watch);
}

static void
on_to(struct watch *watch, const struct event *e, int excluded)
{
	size_t i = watch->pair_count;
	struct pair *pair = NULL;

	while (i-- > 0 && !pair)
		if (watch->pairs[i].cookie == e->cookie)
			pair = &watch->pairs[i];
	if (pair && excluded) {
		moved_out(watch, pair);
		cut_pairs(watch, pair, 1);
	} else if (pair && pair->node && is_below(e->dir, pair->node)) {
		can_not_be(watch, pair);
	} else if (pair) {
		on_renamed(watch, pair, e);
	} else if (!excluded) {
		on_arrival(watch, e);
	}
}

static void
on_attrib(struct watch *watch, const struct event *e)
{
	struct dir *node;

	dirty_attrib(&watch->dirty, e->dir, e->name, e->len, e->is_dir);
	if (!e->is_dir)
		return;
	/* It may have become readable. */
	node = tree_find(&watch->tree, e->dir, e->name, e->len);
	if (node && node->flags & DIR_TOLD_ERROR && !(node->flags & DIR_POLLED))
		walk_heal(watch, node, 1);
}

/* An event about a watched directory itself. */
static void
on_self(struct watch *watch, const struct event *e)
{
	struct dir *dir = e->dir;
	int is_root = dir == watch->tree.root;

	switch (e->op) {
	case EV_ATTRIB:
		if (dir->parent || is_root)
			dirty_attrib(&watch->dirty,
			    dir->parent ? dir->parent : dir, dir->name,
			    dir->name_len, 1);
		break;
	case EV_ROOT_GONE:
		if (is_root)
			watch_lost(watch, "was deleted");
		break;
	case EV_ROOT_MOVED:
		if (is_root)
			watch_lost(watch, "was renamed");
		break;
	case EV_UNMOUNT:
		if (is_root)
			watch_lost(watch, "was unmounted");
		dir->flags |= DIR_UNMOUNTED;
		watch->mounts_changed = watch->unmounted = 1;
		break;
	case EV_UNWATCHED:
		if (is_root)
			watch_check_root(watch);
		/* Mostly its deletion comes next, and ends this walk. */
		if (!(dir->flags & DIR_UNMOUNTED))
			walk_heal(watch, dir, 1);
		break;
	default:
		break;
	}
}

static void
ask_barrier(struct watch *watch, const char *name)
{
	struct cookies *asked = &watch->asked;

	for (size_t i = 0; i < asked->count; i++)
		if (!strcmp(asked->names[i], name))
			return;
	if (asked->count == COOKIES_MAX)
		return;
	asked->names[asked->count++] = ha_xstrdup(name);
	if (watch->barrier_open)
		dirty_hurry(&watch->dirty);
}

/*
 * The barrier is asked for by its removal, so that the root's own times, which
 * it has changed then for the last time, are told before.
 */
static void
on_cookie(struct watch *watch, const struct event *e)
{
	if (e->op != EV_CREATE && e->op != EV_DELETE)
		return;
	dirty_attrib(&watch->dirty, watch->tree.root, "", 0, 1);
	if (e->op == EV_DELETE)
		ask_barrier(watch, e->name);
}

void
events_forget_cookies(struct cookies *cookies)
{
	while (cookies->count > 0)
		free(cookies->names[--cookies->count]);
}

static void
on_child(struct watch *watch, const struct event *e)
{
	struct dirty *dirty = &watch->dirty;
	int excluded =
	    watch_excludes(watch, e->dir, e->name, e->len, e->is_dir);

	if (!e->is_dir && watch_is_cookie(watch, e->dir, e->name))
		on_cookie(watch, e);
	if (e->op == EV_TO)
		on_to(watch, e, excluded);
	if (e->op == EV_TO || excluded)
		return;
	switch (e->op) {
	case EV_CREATE:
		on_create(watch, e);
		break;
	case EV_DELETE:
		on_delete(watch, e);
		break;
	case EV_FROM:
		on_from(watch, e);
		break;
	case EV_CLOSE:
		dirty_written(dirty, e->dir, e->name, e->len);
		break;
	case EV_MODIFY:
		dirty_modified(dirty, e->dir, e->name, e->len);
		break;
	case EV_ATTRIB:
		on_attrib(watch, e);
		break;
	default:
		break;
	}
}

void
events_handle(void *ctx, const struct event *event)
{
	struct watch *watch = ctx;

	if (event->op == EV_OVERFLOW) {
		watch->overflowed = 1;
		return;
	}
	if (event->len)
		on_child(watch, event);
	else
		on_self(watch, event);
}

/*
 * Out of sight, unless it changed places (RENAME_EXCHANGE) with a directory
 * that is not watched: that one's arrival was told before this departure.
 */
static void
expire(struct watch *watch, struct pair *pair)
{
	struct dir *dir = tree_ref(pair->dir);
	int is_dir = pair->is_dir;
	char name[sizeof(pair->name)];
	size_t len = strlen(pair->name);
	struct stat st;

	memcpy(name, pair->name, len + 1);
	moved_out(watch, pair);
	if (is_dir && tree_attached(&watch->tree, dir) &&
	    !tree_find(&watch->tree, dir, name, len) &&
	    !watch_lstat(watch, dir, name, len, &st))
		walk_relook(watch, dir, name, len);
	tree_unref(dir);
}

void
events_expire(struct watch *watch, int64_t now_ns, int all)
{
	size_t n;

	for (n = 0; n < watch->pair_count; n++) {
		if (!all && watch->pairs[n].deadline_ns > now_ns)
			break;
		expire(watch, &watch->pairs[n]);
	}
	if (n)
		cut_pairs(watch, watch->pairs, n);
}

int64_t
events_next_ns(const struct watch *watch)
{
	return watch->pair_count ? watch->pairs[0].deadline_ns : HA_CLOCK_NEVER;
}

void
events_probe(struct watch *watch)
{
	struct dirty *dirty = &watch->dirty;
	struct link *at, *next;
	struct entry *entry;
	struct stat st;

	for (at = dirty->probe.next; at != &dirty->probe; at = next) {
		next = at->next;
		entry = (struct entry *)(void *)at;
		if (!tree_attached(&watch->tree, entry->dir)) {
			if (entry->dir->flags & DIR_DEAD)
				dirty_free(dirty, entry);
		} else if (watch_lstat(watch, entry->dir, entry->name,
			       entry->len, &st)) {
			dirty_probed(dirty, entry, '-', 0);
		} else {
			dirty_probed(dirty, entry, ha_change_kind(st.st_mode),
			    st.st_nlink > 1);
		}
	}
}
