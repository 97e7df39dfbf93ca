/* SPDX-License-Identifier: ISC */
/*
 * dirty - the set of paths to send: a hash by path, and a list for each state
 * that an entry can be in.
 */
#include "dirty.h"

#include <stdlib.h>
#include <string.h>

#include "alloc.h"
#include "change.h"
#include "clock.h"

#define FAIL_FIRST_MS 1000
#define FAIL_MAX_MS (5 * 60 * 1000)
#define CHANGED_FIRST_MS 100
#define CHANGED_MAX_MS 30000

static uint32_t
hash_of(const char *data, size_t len)
{
	uint32_t h = 2166136261u;

	for (size_t i = 0; i < len; i++)
		h = (h ^ (unsigned char)data[i]) * 16777619u;
	return h;
}

static void
list_add(struct dirty_list *list, struct dirty_entry *entry)
{
	entry->next = NULL;
	entry->prev = list->tail;
	if (list->tail != NULL)
		list->tail->next = entry;
	else
		list->head = entry;
	list->tail = entry;
	list->count++;
}

static void
list_remove(struct dirty_list *list, struct dirty_entry *entry)
{
	if (entry->prev != NULL)
		entry->prev->next = entry->next;
	else
		list->head = entry->next;
	if (entry->next != NULL)
		entry->next->prev = entry->prev;
	else
		list->tail = entry->prev;
	entry->next = entry->prev = NULL;
	list->count--;
}

static void
epoch_add(struct dirty *dirty, uint64_t epoch)
{
	size_t i = (size_t)(epoch - dirty->epochs.first);

	if (i >= dirty->epochs.size) {
		size_t size = (i + 1) * 2;

		dirty->epochs.counts = ha_xrealloc(
		    dirty->epochs.counts, size * sizeof(*dirty->epochs.counts));
		memset(dirty->epochs.counts + dirty->epochs.size, 0,
		    (size - dirty->epochs.size) *
			sizeof(*dirty->epochs.counts));
		dirty->epochs.size = size;
	}
	dirty->epochs.counts[i]++;
}

static void
epoch_drop(struct dirty *dirty, uint64_t epoch)
{
	dirty->epochs.counts[epoch - dirty->epochs.first]--;
}

/* An entry waits since first_ns now. */
static void
age_add(struct dirty *dirty, int64_t first_ns)
{
	if (first_ns < dirty->oldest_ns)
		dirty->oldest_ns = first_ns;
}

/* An entry doesn't wait since first_ns any more. */
static void
age_drop(struct dirty *dirty, int64_t first_ns)
{
	if (first_ns <= dirty->oldest_ns)
		dirty->oldest_known = 0;
}

void
dirty_init(struct dirty *dirty)
{
	memset(dirty, 0, sizeof(*dirty));
	dirty->table_size = 1024;
	dirty->table = ha_xcalloc(dirty->table_size, sizeof(*dirty->table));
	dirty->renames_tail = &dirty->renames;
	dirty->oldest_ns = HA_CLOCK_NEVER;
	dirty->oldest_known = 1;
}

static void
hold_free(struct dirty_hold *hold)
{
	if (hold == NULL)
		return;
	ha_buf_release(&hold->names);
	free(hold);
}

static void
entry_free(struct dirty_entry *entry)
{
	hold_free(entry->hold);
	ha_buf_release(&entry->acks);
	ha_buf_release(&entry->again_acks);
	free(entry->why);
	free(entry->path);
	free(entry);
}

static void
rename_free(struct dirty_rename *rename)
{
	free(rename->from);
	free(rename->to);
	free(rename->ack);
	free(rename);
}

void
dirty_release(struct dirty *dirty)
{
	struct dirty_rename *rename;

	for (size_t i = 0; i < dirty->table_size; i++) {
		struct dirty_entry *entry = dirty->table[i];

		while (entry != NULL) {
			struct dirty_entry *chain = entry->chain;

			entry_free(entry);
			entry = chain;
		}
	}
	while ((rename = dirty->renames) != NULL) {
		dirty->renames = rename->next;
		rename_free(rename);
	}
	free(dirty->table);
	free(dirty->epochs.counts);
}

static void
table_grow(struct dirty *dirty)
{
	size_t size = dirty->table_size * 2;
	struct dirty_entry **table = ha_xcalloc(size, sizeof(*table));

	for (size_t i = 0; i < dirty->table_size; i++) {
		struct dirty_entry *entry = dirty->table[i];

		while (entry != NULL) {
			struct dirty_entry *chain = entry->chain;
			size_t slot = entry->hash & (size - 1);

			entry->chain = table[slot];
			table[slot] = entry;
			entry = chain;
		}
	}
	free(dirty->table);
	dirty->table = table;
	dirty->table_size = size;
}

static struct dirty_entry *
find(const struct dirty *dirty, const char *path, size_t len, uint32_t hash)
{
	struct dirty_entry *entry =
	    dirty->table[hash & (dirty->table_size - 1)];

	while (
	    entry != NULL && (entry->hash != hash || entry->path_len != len ||
				 memcmp(entry->path, path, len) != 0))
		entry = entry->chain;
	return entry;
}

const struct dirty_entry *
dirty_find(const struct dirty *dirty, const char *path)
{
	size_t len = strlen(path);

	return find(dirty, path, len, hash_of(path, len));
}

static struct dirty_entry *
add(struct dirty *dirty, const char *path, size_t len, uint32_t hash)
{
	struct dirty_entry *entry = ha_xcalloc(1, sizeof(*entry));
	struct dirty_entry **slot;

	if (dirty->count >= dirty->table_size)
		table_grow(dirty);
	slot = &dirty->table[hash & (dirty->table_size - 1)];
	entry->path = ha_xmemdup(path, len);
	entry->path_len = len;
	entry->hash = hash;
	ha_buf_init(&entry->acks);
	ha_buf_init(&entry->again_acks);
	entry->chain = *slot;
	*slot = entry;
	dirty->count++;
	return entry;
}

static void
end_hold(struct dirty *dirty, struct dirty_entry *entry)
{
	entry->allowed = entry->doubted = 0;
	if (entry->hold == NULL)
		return;
	dirty->hold_count--;
	dirty->hold_names -= entry->hold->count;
	hold_free(entry->hold);
	entry->hold = NULL;
}

static void
unlink_entry(struct dirty *dirty, struct dirty_entry *entry)
{
	struct dirty_entry **slot =
	    &dirty->table[entry->hash & (dirty->table_size - 1)];

	while (*slot != entry)
		slot = &(*slot)->chain;
	*slot = entry->chain;
	dirty->count--;
	dirty->failing -= entry->failures > 0;
	end_hold(dirty, entry);
	age_drop(dirty, entry->first_ns);
}

static struct dirty_list *
list_of(struct dirty *dirty, struct dirty_entry *entry)
{
	if (entry->in_flight)
		return &dirty->flying;
	if (entry->is_held)
		return &dirty->held;
	return entry->due_ns != 0 ? &dirty->later : &dirty->ready;
}

static void
wake_held(struct dirty *dirty, struct dirty_entry *entry)
{
	list_remove(&dirty->held, entry);
	entry->is_held = 0;
	list_add(&dirty->ready, entry);
}

/* Of two marks of one path, barriers and lag go by the older. */
static void
older(struct dirty *dirty, uint64_t *epoch, int64_t *ns, uint64_t new_epoch,
    int64_t new_ns)
{
	if (new_ns < *ns)
		*ns = new_ns;
	if (new_epoch >= *epoch)
		return;
	epoch_drop(dirty, *epoch);
	*epoch = new_epoch;
	epoch_add(dirty, new_epoch);
}

static struct dirty_entry *
mark_at(struct dirty *dirty, const char *path, size_t len, unsigned flags,
    int64_t first_ns, uint64_t epoch)
{
	uint32_t hash = hash_of(path, len);
	struct dirty_entry *entry = find(dirty, path, len, hash);

	if (entry == NULL) {
		entry = add(dirty, path, len, hash);
		entry->flags = flags;
		entry->first_ns = first_ns;
		entry->epoch = epoch;
		epoch_add(dirty, epoch);
		age_add(dirty, first_ns);
		list_add(&dirty->ready, entry);
	} else if (!entry->in_flight) {
		entry->flags |= flags;
		older(dirty, &entry->epoch, &entry->first_ns, epoch, first_ns);
		age_add(dirty, first_ns);
		if (entry->is_held)
			wake_held(dirty, entry);
	} else if (entry->again) {
		entry->again_flags |= flags;
		entry->again_due_ns = 0;
		older(dirty, &entry->again_epoch, &entry->again_ns, epoch,
		    first_ns);
	} else {
		entry->again = 1;
		entry->again_flags = flags;
		entry->again_ns = first_ns;
		entry->again_epoch = epoch;
		epoch_add(dirty, epoch);
	}
	return entry;
}

void
dirty_mark(struct dirty *dirty, const char *path, unsigned flags,
    const char *ack, size_t ack_len)
{
	struct dirty_entry *entry = mark_at(
	    dirty, path, strlen(path), flags, ha_clock_now_ns(), dirty->epoch);

	if (ack != NULL)
		ha_buf_add(entry->in_flight ? &entry->again_acks : &entry->acks,
		    ack, ack_len);
	/* Other than more content, this may be what mends a failing path. */
	if (entry->failures > 0 && !entry->in_flight && entry->due_ns != 0 &&
	    (flags & ~(unsigned)DIRTY_CONTENT) != 0) {
		list_remove(&dirty->later, entry);
		entry->due_ns = 0;
		list_add(&dirty->ready, entry);
	}
}

static int
is_at_or_below(const char *path, const char *dir, size_t len)
{
	return strncmp(path, dir, len) == 0 &&
	       (path[len] == '\0' || path[len] == '/');
}

/* path is unknown: so is what each of these renames makes of it. */
static void
mark_moved(struct dirty *dirty, const struct dirty_rename *renames,
    const char *path, unsigned flags, int64_t first_ns, uint64_t epoch)
{
	char *at = ha_xstrdup(path);

	for (; renames != NULL; renames = renames->next) {
		size_t len = strlen(renames->from);

		if (is_at_or_below(at, renames->from, len)) {
			char *moved =
			    ha_xasprintf("%s%s", renames->to, at + len);

			free(at);
			at = moved;
			mark_at(dirty, at, strlen(at), flags, first_ns, epoch);
		} else if (flags & (DIRTY_TREE | DIRTY_REPLACED) &&
			   is_at_or_below(renames->from, at, strlen(at))) {
			mark_at(dirty, renames->to, strlen(renames->to), flags,
			    first_ns, epoch);
			mark_moved(dirty, renames->next, renames->to, flags,
			    first_ns, epoch);
		}
	}
	free(at);
}

void
dirty_mark_at(struct dirty *dirty, const char *path, unsigned flags,
    int64_t first_ns, uint64_t epoch)
{
	mark_at(dirty, path, strlen(path), flags, first_ns, epoch);
	mark_moved(dirty, dirty->renames, path, flags, first_ns, epoch);
}

void
dirty_again_later(struct dirty *dirty, struct dirty_entry *entry,
    unsigned flags, int64_t due_ns)
{
	int was_again = entry->again;

	mark_at(dirty, entry->path, entry->path_len, flags, entry->first_ns,
	    entry->epoch);
	if (!was_again)
		entry->again_due_ns = due_ns;
}

/* What is in flight under its old name fails there; its successor is new. */
static void
move_entry(struct dirty *dirty, struct dirty_entry *entry, size_t from_len,
    const char *to)
{
	struct ha_buf path = HA_BUF_INIT;
	struct dirty_entry *moved;

	ha_buf_add_str(&path, to);
	ha_buf_add_str(&path, entry->path + from_len);
	moved = mark_at(dirty, path.data, path.len,
	    entry->flags | entry->again_flags, entry->first_ns, entry->epoch);
	ha_buf_release(&path);
	if (entry->in_flight)
		return;
	if (moved->hold == NULL) {
		moved->hold = entry->hold;
		moved->allowed = entry->allowed;
		entry->hold = NULL;
	}
	ha_buf_add(moved->in_flight ? &moved->again_acks : &moved->acks,
	    entry->acks.data, entry->acks.len);
	list_remove(list_of(dirty, entry), entry);
	unlink_entry(dirty, entry);
	epoch_drop(dirty, entry->epoch);
	entry_free(entry);
}

static void
move_below(struct dirty *dirty, struct dirty_list *list, const char *from,
    const char *to)
{
	size_t from_len = strlen(from);
	size_t left =
	    list->count; /* what is added at the tail is not visited */

	for (struct dirty_entry *entry = list->head; left > 0; left--) {
		struct dirty_entry *next = entry->next;

		if (is_at_or_below(entry->path, from, from_len))
			move_entry(dirty, entry, from_len, to);
		entry = next;
	}
}

/* So that what is held at or below dir is moved with what is ready. */
static void
wake_below(struct dirty *dirty, const char *dir)
{
	size_t len = strlen(dir);
	struct dirty_entry *next;

	for (struct dirty_entry *e = dirty->held.head; e != NULL; e = next) {
		next = e->next;
		if (is_at_or_below(e->path, dir, len))
			wake_held(dirty, e);
	}
}

/* What leaves a directory that is still to be compared takes that along. */
static void
inherit_tree(struct dirty *dirty, const char *from, const char *to)
{
	for (size_t len = strlen(from); len > 0; len--) {
		const struct dirty_entry *parent;
		unsigned flags;

		if (from[len] != '/' || is_at_or_below(to, from, len))
			continue;
		parent = find(dirty, from, len, hash_of(from, len));
		if (parent == NULL)
			continue;
		flags = parent->flags | parent->again_flags;
		if (flags & (DIRTY_TREE | DIRTY_REPLACED))
			mark_at(dirty, to, strlen(to), flags, parent->first_ns,
			    parent->epoch);
	}
}

void
dirty_rename(struct dirty *dirty, const char *from, const char *to, char kind,
    const char *ack)
{
	struct dirty_rename *rename = ha_xcalloc(1, sizeof(*rename));

	inherit_tree(dirty, from, to);
	if (kind == 'd') {
		move_below(dirty, &dirty->flying, from, to);
		wake_below(dirty, from);
		move_below(dirty, &dirty->later, from, to);
		move_below(dirty, &dirty->ready, from, to);
	} else {
		size_t len = strlen(from);
		struct dirty_entry *entry =
		    find(dirty, from, len, hash_of(from, len));

		if (entry != NULL)
			move_entry(dirty, entry, len, to);
	}
	rename->from = ha_xstrdup(from);
	rename->to = ha_xstrdup(to);
	rename->kind = kind;
	rename->ack = ack != NULL ? ha_xstrdup(ack) : NULL;
	rename->epoch = dirty->epoch;
	rename->first_ns = ha_clock_now_ns();
	epoch_add(dirty, rename->epoch);
	*dirty->renames_tail = rename;
	dirty->renames_tail = &rename->next;
	dirty->rename_count++;
}

struct dirty_rename *
dirty_next_rename(struct dirty *dirty)
{
	struct dirty_rename *rename = dirty->renames;

	if (rename == NULL)
		return NULL;
	dirty->renames = rename->next;
	if (dirty->renames == NULL)
		dirty->renames_tail = &dirty->renames;
	dirty->rename_count--;
	return rename;
}

void
dirty_put_back_rename(struct dirty *dirty, struct dirty_rename *rename)
{
	rename->next = dirty->renames;
	if (dirty->renames == NULL)
		dirty->renames_tail = &rename->next;
	dirty->renames = rename;
	dirty->rename_count++;
}

void
dirty_settle_rename(struct dirty *dirty, struct dirty_rename *rename)
{
	epoch_drop(dirty, rename->epoch);
	rename_free(rename);
}

static void
wake(struct dirty *dirty, int64_t now_ns)
{
	struct dirty_entry *next;

	for (struct dirty_entry *entry = dirty->later.head; entry != NULL;
	     entry = next) {
		next = entry->next;
		if (entry->due_ns > now_ns)
			continue;
		list_remove(&dirty->later, entry);
		entry->due_ns = 0;
		list_add(&dirty->ready, entry);
	}
}

size_t
dirty_take(struct dirty *dirty, struct dirty_entry **entries, size_t max,
    size_t max_bytes, int64_t now_ns)
{
	size_t count = 0, bytes = 0;

	wake(dirty, now_ns);
	while (count < max && dirty->ready.head != NULL) {
		struct dirty_entry *entry = dirty->ready.head;

		bytes += entry->path_len + 1;
		if (count > 0 && bytes > max_bytes)
			break;
		list_remove(&dirty->ready, entry);
		entry->in_flight = 1;
		list_add(&dirty->flying, entry);
		entries[count++] = entry;
	}
	return count;
}

/* What was marked while in flight becomes what the entry stands for. */
static void
adopt_again(struct dirty *dirty, struct dirty_entry *entry, int keep_old)
{
	if (!entry->again)
		return;
	if (keep_old) {
		entry->flags |= entry->again_flags;
		older(dirty, &entry->epoch, &entry->first_ns,
		    entry->again_epoch, entry->again_ns);
		epoch_drop(dirty, entry->again_epoch);
	} else {
		age_drop(dirty, entry->first_ns);
		entry->flags = entry->again_flags;
		entry->first_ns = entry->again_ns;
		epoch_drop(dirty, entry->epoch);
		entry->epoch = entry->again_epoch;
		entry->was_missing = 0;
	}
	age_add(dirty, entry->first_ns);
	ha_buf_add(&entry->acks, entry->again_acks.data, entry->again_acks.len);
	ha_buf_reset(&entry->again_acks);
	entry->again = 0;
	entry->again_flags = 0;
	entry->again_due_ns = 0;
}

static void
land(struct dirty *dirty, struct dirty_entry *entry, int64_t due_ns)
{
	list_remove(&dirty->flying, entry);
	entry->in_flight = 0;
	entry->due_ns = due_ns;
	list_add(due_ns != 0 ? &dirty->later : &dirty->ready, entry);
}

static void
forget_failure(struct dirty *dirty, struct dirty_entry *entry)
{
	dirty->failing -= entry->failures > 0;
	entry->failures = 0;
	entry->pause_ms = 0;
	free(entry->why);
	entry->why = NULL;
}

void
dirty_done(struct dirty *dirty, struct dirty_entry *entry, struct ha_buf *acks)
{
	ha_buf_add(acks, entry->acks.data, entry->acks.len);
	ha_buf_reset(&entry->acks);
	if (entry->again) {
		int64_t due_ns = entry->again_due_ns;

		forget_failure(dirty, entry);
		end_hold(dirty, entry);
		adopt_again(dirty, entry, 0);
		land(dirty, entry, due_ns);
		return;
	}
	list_remove(&dirty->flying, entry);
	unlink_entry(dirty, entry);
	epoch_drop(dirty, entry->epoch);
	entry_free(entry);
}

void
dirty_wait(struct dirty *dirty, struct dirty_entry *entry, int64_t due_ns)
{
	adopt_again(dirty, entry, 1);
	entry->was_missing = 1;
	land(dirty, entry, due_ns);
}

void
dirty_return(struct dirty *dirty, struct dirty_entry *entry)
{
	adopt_again(dirty, entry, 1);
	land(dirty, entry, 0);
}

void
dirty_changed(struct dirty *dirty, struct dirty_entry *entry,
    struct ha_buf *acks, int64_t now_ns)
{
	int64_t pause_ms = entry->pause_ms;

	forget_failure(dirty, entry);
	end_hold(dirty, entry);
	entry->pause_ms = pause_ms == 0 ? CHANGED_FIRST_MS : pause_ms * 2;
	if (entry->pause_ms > CHANGED_MAX_MS)
		entry->pause_ms = CHANGED_MAX_MS;
	ha_buf_add(acks, entry->acks.data, entry->acks.len);
	ha_buf_reset(&entry->acks);
	if (entry->again) {
		adopt_again(dirty, entry, 0);
	} else {
		age_drop(dirty, entry->first_ns);
		epoch_drop(dirty, entry->epoch);
		entry->epoch = dirty->epoch;
		epoch_add(dirty, entry->epoch);
		entry->first_ns = now_ns;
		age_add(dirty, now_ns);
	}
	/* The first time at once: most files change once more and then rest. */
	if (pause_ms == 0 || entry->epoch < dirty->hurried)
		land(dirty, entry, 0);
	else
		land(dirty, entry, now_ns + pause_ms * HA_MS_NS);
}

void
dirty_fail(struct dirty *dirty, struct dirty_entry *entry, const char *why,
    int is_ours, int64_t now_ns)
{
	adopt_again(dirty, entry, 1);
	free(entry->why);
	entry->why = ha_xstrdup(why);
	entry->is_ours = is_ours;
	if (entry->failures++ == 0) {
		dirty->failing++;
		entry->failing_since_ns = now_ns;
		entry->pause_ms = FAIL_FIRST_MS;
	} else if (entry->pause_ms < FAIL_MAX_MS / 2) {
		entry->pause_ms *= 2;
	} else {
		entry->pause_ms = FAIL_MAX_MS;
	}
	land(dirty, entry, now_ns + entry->pause_ms * HA_MS_NS);
}

void
dirty_hurry(struct dirty *dirty)
{
	struct dirty_entry *next;

	dirty->hurried = dirty->epoch + 1;
	for (struct dirty_entry *entry = dirty->later.head; entry != NULL;
	     entry = next) {
		next = entry->next;
		/* What is missing waits for the record that tells why. */
		if (entry->pause_ms == 0)
			continue;
		list_remove(&dirty->later, entry);
		entry->due_ns = 0;
		list_add(&dirty->ready, entry);
	}
}

void
dirty_hold(struct dirty *dirty, struct dirty_entry *entry, uint64_t count,
    const struct ha_buf *names)
{
	int was_again = entry->again;

	/* It was let go meanwhile. */
	if (entry->hold != NULL && entry->allowed >= count) {
		dirty_return(dirty, entry);
		return;
	}
	if (entry->hold == NULL) {
		entry->hold = ha_xcalloc(1, sizeof(*entry->hold));
		entry->hold->since_ns = ha_clock_now_ns();
		ha_buf_init(&entry->hold->names);
		dirty->hold_count++;
	}
	dirty->hold_names += count - entry->hold->count;
	entry->hold->count = count;
	ha_buf_reset(&entry->hold->names);
	if (names != NULL)
		ha_buf_add(&entry->hold->names, names->data, names->len);
	entry->allowed = 0;
	forget_failure(dirty, entry);
	adopt_again(dirty, entry, 1);
	land(dirty, entry, 0);
	if (was_again)
		return;
	list_remove(&dirty->ready, entry);
	entry->is_held = 1;
	list_add(&dirty->held, entry);
}

void
dirty_look_again(struct dirty *dirty)
{
	struct dirty_entry *next;

	for (struct dirty_entry *e = dirty->held.head; e != NULL; e = next) {
		next = e->next;
		if (!(e->flags & DIRTY_TREE))
			wake_held(dirty, e);
	}
}

void
dirty_look_again_at_all(struct dirty *dirty)
{
	while (dirty->held.head != NULL)
		wake_held(dirty, dirty->held.head);
}

static int
is_held_with_parent(const struct dirty *dirty, const struct dirty_entry *entry)
{
	const struct dirty_entry *parent = dirty_find(dirty, HA_CHANGE_ROOT);
	char *part = ha_xstrdup(entry->path);
	char *slash = part;

	while (parent == NULL || parent == entry || parent->hold == NULL) {
		slash = strchr(slash, '/');
		if (slash == NULL)
			break;
		*slash = '\0';
		parent = dirty_find(dirty, part);
		*slash++ = '/';
	}
	free(part);
	return parent != NULL && parent != entry && parent->hold != NULL;
}

uint64_t
dirty_held_names(const struct dirty *dirty)
{
	const struct dirty_list *const lists[] = { &dirty->held, &dirty->ready,
		&dirty->later, &dirty->flying };
	uint64_t names = dirty->hold_names;

	if (dirty->hold_count <= 1)
		return names;
	for (size_t i = 0; i < sizeof(lists) / sizeof(lists[0]); i++)
		for (const struct dirty_entry *e = lists[i]->head; e != NULL;
		     e = e->next)
			if (e->hold != NULL && is_held_with_parent(dirty, e))
				names -= e->hold->count;
	return names;
}

static void
allow(struct dirty_list *list)
{
	for (struct dirty_entry *e = list->head; e != NULL; e = e->next)
		if (e->hold != NULL)
			e->allowed = e->hold->count;
}

uint64_t
dirty_let_go(struct dirty *dirty)
{
	uint64_t names = dirty_held_names(dirty);

	allow(&dirty->flying);
	allow(&dirty->later);
	allow(&dirty->ready);
	allow(&dirty->held);
	dirty_look_again_at_all(dirty);
	return names;
}

int64_t
dirty_next_due(const struct dirty *dirty)
{
	int64_t due_ns = HA_CLOCK_NEVER;

	for (const struct dirty_entry *entry = dirty->later.head; entry != NULL;
	     entry = entry->next)
		if (entry->due_ns < due_ns)
			due_ns = entry->due_ns;
	return due_ns;
}

int
dirty_has_work(const struct dirty *dirty, int64_t now_ns)
{
	return dirty->ready.head != NULL || dirty->renames != NULL ||
	       dirty_next_due(dirty) <= now_ns;
}

static int64_t
oldest_of(const struct dirty_list *list, int64_t oldest_ns)
{
	for (const struct dirty_entry *entry = list->head; entry != NULL;
	     entry = entry->next)
		if (entry->first_ns < oldest_ns)
			oldest_ns = entry->first_ns;
	return oldest_ns;
}

int64_t
dirty_oldest_ns(struct dirty *dirty)
{
	int64_t oldest_ns = HA_CLOCK_NEVER;

	if (!dirty->oldest_known) {
		oldest_ns = oldest_of(&dirty->flying, oldest_ns);
		oldest_ns = oldest_of(&dirty->later, oldest_ns);
		oldest_ns = oldest_of(&dirty->held, oldest_ns);
		dirty->oldest_ns = oldest_of(&dirty->ready, oldest_ns);
		dirty->oldest_known = 1;
	}
	if (dirty->renames != NULL &&
	    dirty->renames->first_ns < dirty->oldest_ns)
		return dirty->renames->first_ns;
	return dirty->oldest_ns;
}

size_t
dirty_failing(const struct dirty *dirty)
{
	return dirty->failing;
}

size_t
dirty_failing_here(const struct dirty *dirty)
{
	size_t count = 0;

	for (const struct dirty_entry *entry = dirty->later.head; entry != NULL;
	     entry = entry->next)
		count += entry->failures > 0 && entry->is_ours;
	return count;
}

uint64_t
dirty_barrier(struct dirty *dirty)
{
	size_t done = 0;

	while (done < dirty->epochs.size && dirty->epochs.counts[done] == 0 &&
	       dirty->epochs.first + done < dirty->epoch)
		done++;
	if (done > 0) {
		dirty->epochs.first += done;
		dirty->epochs.size -= done;
		memmove(dirty->epochs.counts, dirty->epochs.counts + done,
		    dirty->epochs.size * sizeof(*dirty->epochs.counts));
	}
	return dirty->epoch++;
}

int
dirty_epoch_is_done(const struct dirty *dirty, uint64_t epoch)
{
	for (uint64_t e = dirty->epochs.first; e <= epoch; e++) {
		size_t i = (size_t)(e - dirty->epochs.first);

		if (i < dirty->epochs.size && dirty->epochs.counts[i] > 0)
			return 0;
	}
	return 1;
}
