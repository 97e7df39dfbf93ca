/* SPDX-License-Identifier: ISC */
/*
 * dirty - the dirty set: coalescing, holding back, due times, order.
 * Delays are constants, so each list is in the order of its due times.
 */
#include "dirty.h"

#include <stdlib.h>
#include <string.h>

#include "alloc.h"
#include "clock.h"

#define FIRST_BUCKETS 1024
#define LATEST_NS (10 * HA_S_NS)

static void
list_init(struct link *list)
{
	list->prev = list->next = list;
}

static int
list_empty(const struct link *list)
{
	return list->next == list;
}

static void
list_insert(struct link *before, struct link *link)
{
	link->prev = before->prev;
	link->next = before;
	link->prev->next = link;
	before->prev = link;
}

static void
list_remove(struct link *link)
{
	link->prev->next = link->next;
	link->next->prev = link->prev;
}

static struct entry *
entry_of(struct link *link)
{
	return (struct entry *)(void *)link;
}

static struct entry *
list_head(const struct link *list)
{
	/* What is freed was taken out before, which the analyzer can't see. */
	/* NOLINTNEXTLINE(clang-analyzer-unix.Malloc) */
	return list_empty(list) ? NULL : entry_of(list->next);
}

void
dirty_init(struct dirty *dirty)
{
	memset(dirty, 0, sizeof(*dirty));
	dirty->limit = DIRTY_LIMIT;
	list_init(&dirty->ready);
	list_init(&dirty->settle);
	list_init(&dirty->quiet);
	list_init(&dirty->probe);
	dirty->bucket_count = FIRST_BUCKETS;
	dirty->buckets = ha_xcalloc(FIRST_BUCKETS, sizeof(*dirty->buckets));
}

void
dirty_release(struct dirty *dirty)
{
	dirty_clear(dirty);
	free(dirty->buckets);
}

static void
grow(struct dirty *dirty)
{
	struct entry **old = dirty->buckets, *entry, *next, **to;
	size_t i, n = dirty->bucket_count;

	dirty->bucket_count = 2 * n;
	dirty->buckets = ha_xcalloc(2 * n, sizeof(*dirty->buckets));
	for (i = 0; i < n; i++) {
		for (entry = old[i]; entry; entry = next) {
			next = entry->hash_next;
			to = &dirty->buckets[entry->hash & (2 * n - 1)];
			entry->hash_next = *to;
			*to = entry;
		}
	}
	free(old);
}

static struct entry *
find(const struct dirty *dirty, uint32_t hash, const struct dir *dir,
    const char *name, size_t len)
{
	struct entry *entry = dirty->buckets[hash & (dirty->bucket_count - 1)];

	while (
	    entry && (entry->hash != hash || entry->dir != dir ||
			 entry->len != len || memcmp(entry->name, name, len)))
		entry = entry->hash_next;
	return entry;
}

struct entry *
dirty_find(const struct dirty *dirty, const struct dir *dir, const char *name,
    size_t len)
{
	return find(dirty, tree_hash(dir, name, len), dir, name, len);
}

static struct entry *
new_entry(struct dirty *dirty, size_t len)
{
	struct entry *entry = ha_xmalloc(sizeof(*entry) + len + 1);

	memset(entry, 0, sizeof(*entry));
	entry->first_ns = dirty->now_ns;
	entry->since_ns = dirty->empty_ns;
	entry->epoch = dirty->epoch;
	entry->len = (uint8_t)len;
	entry->kind = '-';
	dirty->waiting[entry->epoch]++;
	if (++dirty->count > dirty->limit)
		dirty->overfull = 1;
	return entry;
}

static struct entry *
get(struct dirty *dirty, struct dir *dir, const char *name, size_t len)
{
	uint32_t hash = tree_hash(dir, name, len);
	struct entry *entry = find(dirty, hash, dir, name, len);
	struct entry **to;

	if (entry) {
		/* It carries older news now. */
		if (dirty->epoch != dirty->newest) {
			dirty->waiting[entry->epoch]--;
			entry->epoch = dirty->epoch;
			dirty->waiting[entry->epoch]++;
		}
		return entry;
	}
	entry = new_entry(dirty, len);
	if (dirty->count > dirty->bucket_count)
		grow(dirty);
	memcpy(entry->name, name, len);
	entry->name[len] = '\0';
	entry->dir = tree_ref(dir);
	entry->hash = hash;
	to = &dirty->buckets[hash & (dirty->bucket_count - 1)];
	entry->hash_next = *to;
	*to = entry;
	return entry;
}

static void
unlist(struct entry *entry)
{
	if (entry->list != LIST_NONE)
		list_remove(&entry->link);
	entry->list = LIST_NONE;
}

static void
enlist(struct entry *entry, struct link *list, enum entry_list which)
{
	unlist(entry);
	list_insert(list, &entry->link);
	entry->list = (uint8_t)which;
}

void
dirty_take(struct dirty *dirty, struct entry *entry)
{
	struct entry **at;

	if (entry->list != LIST_NONE)
		entry->was = entry->list;
	unlist(entry);
	if (!entry->dir)
		return;
	at = &dirty->buckets[entry->hash & (dirty->bucket_count - 1)];
	while (*at != entry)
		at = &(*at)->hash_next;
	*at = entry->hash_next;
	tree_unref(entry->dir);
	entry->dir = NULL;
}

/* What waited behind entry is told next, in its order. */
static void
let_go(struct dirty *dirty, struct entry *entry)
{
	struct link *at, *before = dirty->ready.next;

	if (!entry->held)
		return;
	while (!list_empty(entry->held)) {
		at = entry->held->next;
		list_remove(at);
		list_insert(before, at);
		entry_of(at)->list = LIST_READY;
	}
	free(entry->held);
	entry->held = NULL;
}

static void
set_node(struct entry *entry, struct dir *node)
{
	if (entry->node == node)
		return;
	if (entry->node) {
		if (entry->node->holder == entry)
			entry->node->holder = NULL;
		tree_unref(entry->node);
	}
	entry->node = node ? tree_ref(node) : NULL;
	if (node)
		node->holder = entry;
}

void
dirty_free(struct dirty *dirty, struct entry *entry)
{
	dirty_take(dirty, entry);
	set_node(entry, NULL);
	let_go(dirty, entry);
	dirty->waiting[entry->epoch]--;
	dirty->count--;
	free(entry->paths);
	free(entry);
}

static void
clear_list(struct dirty *dirty, struct link *list)
{
	struct entry *entry;

	while ((entry = list_head(list)))
		dirty_free(dirty, entry);
}

void
dirty_clear(struct dirty *dirty)
{
	clear_list(dirty, &dirty->settle);
	clear_list(dirty, &dirty->quiet);
	clear_list(dirty, &dirty->probe);
	/* Last: what is held comes to it. */
	clear_list(dirty, &dirty->ready);
	dirty->overfull = 0;
}

static int
is_waiting_for_reader(const struct entry *entry)
{
	return entry->list == LIST_READY || entry->list == LIST_HELD;
}

static void
ready(struct dirty *dirty, struct entry *entry)
{
	if (!is_waiting_for_reader(entry))
		enlist(entry, &dirty->ready, LIST_READY);
}

/* Delay it, but never beyond the latest time from its first change. */
static void
delay(struct dirty *dirty, struct entry *entry, enum entry_list which)
{
	int64_t ns = which == LIST_QUIET ? dirty->quiet_ns : dirty->settle_ns;
	int64_t latest = ns > LATEST_NS ? ns : LATEST_NS;

	if (is_waiting_for_reader(entry))
		return;
	if (ns == 0 || (dirty->hurry && entry->epoch != dirty->newest)) {
		ready(dirty, entry);
		return;
	}
	if ((entry->list == LIST_QUIET || entry->list == LIST_SETTLE) &&
	    dirty->now_ns + ns > entry->first_ns + latest)
		return;
	entry->due_ns = dirty->now_ns + ns;
	enlist(
	    entry, which == LIST_QUIET ? &dirty->quiet : &dirty->settle, which);
}

static struct entry *
appear(struct dirty *dirty, struct dir *dir, const char *name, size_t len,
    char kind)
{
	size_t before = dirty->count;
	struct entry *entry = get(dirty, dir, name, len);

	if (dirty->count != before && !dirty->listed)
		entry->flags |= ENTRY_UNTOLD;
	entry->flags |= ENTRY_C;
	entry->kind = kind;
	return entry;
}

void
dirty_created(
    struct dirty *dirty, struct dir *dir, const char *name, size_t len)
{
	struct entry *entry = dirty_find(dirty, dir, name, len);

	/* A listing was quicker and told what it is. */
	if (entry && entry->flags & ENTRY_HERE)
		return;
	entry = appear(dirty, dir, name, len, '?');
	enlist(entry, &dirty->probe, LIST_PROBE);
}

void
dirty_arrived(
    struct dirty *dirty, struct dir *dir, const char *name, size_t len)
{
	struct entry *entry = appear(dirty, dir, name, len, '?');

	entry->flags =
	    (uint16_t)((entry->flags | ENTRY_ARRIVED) & ~ENTRY_UNTOLD);
	enlist(entry, &dirty->probe, LIST_PROBE);
}

void
dirty_found(struct dirty *dirty, struct dir *dir, const char *name, size_t len,
    char kind)
{
	struct entry *entry = get(dirty, dir, name, len);

	entry->kind = kind;
	entry->flags |= kind == 'f' ? ENTRY_W : ENTRY_C;
	if (kind == 'f')
		delay(dirty, entry, LIST_SETTLE);
	else
		ready(dirty, entry);
}

struct entry *
dirty_new_dir(struct dirty *dirty, struct dir *node)
{
	struct entry *entry =
	    appear(dirty, node->parent, node->name, node->name_len, 'd');

	set_node(entry, node);
	ready(dirty, entry);
	return entry;
}

void
dirty_written(
    struct dirty *dirty, struct dir *dir, const char *name, size_t len)
{
	struct entry *entry = get(dirty, dir, name, len);

	entry->flags |= ENTRY_W;
	if (entry->kind == '?' || entry->kind == '-')
		entry->kind = 'f';
	delay(dirty, entry, LIST_SETTLE);
}

void
dirty_modified(
    struct dirty *dirty, struct dir *dir, const char *name, size_t len)
{
	struct entry *entry = get(dirty, dir, name, len);
	int was_closed = entry->list == LIST_SETTLE && entry->flags & ENTRY_W;

	entry->flags |= ENTRY_W;
	if (entry->list == LIST_PROBE)
		return;
	if (entry->kind == '-')
		entry->kind = 'f';
	delay(dirty, entry, was_closed ? LIST_SETTLE : LIST_QUIET);
}

void
dirty_attrib(struct dirty *dirty, struct dir *dir, const char *name, size_t len,
    int is_dir)
{
	struct entry *entry = get(dirty, dir, name, len);

	entry->flags |= ENTRY_A;
	if (is_dir)
		entry->kind = 'd';
	if (entry->list == LIST_NONE || entry->list == LIST_SETTLE)
		delay(dirty, entry, LIST_SETTLE);
}

int
dirty_untold(const struct dirty *dirty, const struct entry *entry)
{
	return entry->flags & ENTRY_UNTOLD && !entry->gone &&
	       dirty->now_ns - entry->since_ns <= DIRTY_TRUST_NS;
}

void
dirty_gone(struct dirty *dirty, struct dir *dir, const char *name, size_t len,
    char kind)
{
	struct entry *entry = dirty_find(dirty, dir, name, len);

	if (entry && dirty_untold(dirty, entry)) {
		dirty_free(dirty, entry);
		return;
	}
	if (!entry)
		entry = get(dirty, dir, name, len);
	if (entry->gone != 'd')
		entry->gone = kind;
	set_node(entry, NULL);
	entry->flags = 0;
	entry->kind = '-';
	if (kind == 'd')
		ready(dirty, entry);
	else
		delay(dirty, entry, LIST_SETTLE);
}

/* The key of a directory's own entry. */
static struct entry *
get_own(struct dirty *dirty, struct dir *node)
{
	struct entry *entry = get(dirty, node->parent ? node->parent : node,
	    node->name, node->name_len);

	entry->kind = 'd';
	return entry;
}

void
dirty_unknown(struct dirty *dirty, struct dir *node)
{
	struct entry *entry = get_own(dirty, node);

	entry->flags |= ENTRY_R;
	ready(dirty, entry);
}

void
dirty_error(struct dirty *dirty, struct dir *node, int sys)
{
	struct entry *entry = get_own(dirty, node);

	entry->flags |= ENTRY_E;
	entry->sys = (uint16_t)sys;
	ready(dirty, entry);
}

void
dirty_first(struct dirty *dirty, struct dir *node)
{
	struct entry *entry = get_own(dirty, node);

	unlist(entry);
	list_insert(dirty->ready.next, &entry->link);
	entry->list = LIST_READY;
}

void
dirty_probed(struct dirty *dirty, struct entry *entry, char kind, int is_link)
{
	entry->kind = kind;
	if (kind == 'f' && is_link)
		entry->flags |= ENTRY_LINK;
	if (kind == 'f' && entry->flags & ENTRY_ARRIVED) {
		entry->flags |= ENTRY_W;
		delay(dirty, entry, LIST_SETTLE);
	} else if (kind == '-' || (kind == 'f' && !is_link)) {
		delay(dirty, entry, LIST_QUIET);
	} else {
		ready(dirty, entry);
	}
}

struct entry *
dirty_move_begin(struct dirty *dirty, struct dir *node)
{
	struct entry *move = new_entry(dirty, 0);

	move->flags = ENTRY_MOVE;
	if (node)
		set_node(move, node);
	return move;
}

void
dirty_move_end(struct dirty *dirty, struct entry *move, char *paths, int is_dir)
{
	move->paths = paths;
	move->kind = is_dir ? 'd' : '-';
	ready(dirty, move);
}

void
dirty_follow(struct dirty *dirty, struct entry *source, struct dir *dir,
    const char *name, size_t len)
{
	struct entry *entry = get(dirty, dir, name, len);

	entry->flags |= source->flags & ENTRY_HERE;
	entry->flags |= source->flags & (ENTRY_LINK | ENTRY_ARRIVED);
	entry->kind = source->kind;
	entry->sys = source->sys;
	if (source->first_ns < entry->first_ns)
		entry->first_ns = source->first_ns;
	if (source->was == LIST_PROBE)
		enlist(entry, &dirty->probe, LIST_PROBE);
	else
		delay(dirty, entry,
		    source->was == LIST_QUIET ? LIST_QUIET : LIST_SETTLE);
	dirty_free(dirty, source);
}

static void
due_of(struct dirty *dirty, struct link *list, int all)
{
	struct entry *entry;

	while ((entry = list_head(list)) &&
	       (all || entry->due_ns <= dirty->now_ns))
		enlist(entry, &dirty->ready, LIST_READY);
}

static void
hurry(struct dirty *dirty, struct link *list)
{
	struct link *at, *next;

	for (at = list->next; at != list; at = next) {
		next = at->next;
		if (entry_of(at)->epoch != dirty->newest)
			enlist(entry_of(at), &dirty->ready, LIST_READY);
	}
}

void
dirty_hurry(struct dirty *dirty)
{
	dirty->hurry = 1;
	hurry(dirty, &dirty->settle);
	hurry(dirty, &dirty->quiet);
}

void
dirty_due(struct dirty *dirty, int all)
{
	due_of(dirty, &dirty->settle, all);
	due_of(dirty, &dirty->quiet, all);
}

int64_t
dirty_next_ns(const struct dirty *dirty)
{
	const struct entry *settle = list_head(&dirty->settle);
	const struct entry *quiet = list_head(&dirty->quiet);
	int64_t next = settle ? settle->due_ns : HA_CLOCK_NEVER;

	return quiet && quiet->due_ns < next ? quiet->due_ns : next;
}

/* What must be told before anything in dir; or NULL. */
static struct entry *
holder_of(const struct entry *entry, struct dir *dir)
{
	for (; dir; dir = dir->parent)
		if (dir->holder && dir->holder != entry)
			return dir->holder;
	return NULL;
}

static void
hold(struct entry *entry, struct entry *holder)
{
	if (!holder->held) {
		holder->held = ha_xmalloc(sizeof(*holder->held));
		list_init(holder->held);
	}
	enlist(entry, holder->held, LIST_HELD);
}

struct entry *
dirty_next(struct dirty *dirty)
{
	struct entry *entry, *holder;

	while ((entry = list_head(&dirty->ready))) {
		if (entry->flags & ENTRY_MOVE)
			return entry;
		if (entry->dir->flags & DIR_DEAD) {
			dirty_free(dirty, entry);
			continue;
		}
		holder = holder_of(entry, entry->dir);
		if (!holder)
			return entry;
		hold(entry, holder);
	}
	return NULL;
}
