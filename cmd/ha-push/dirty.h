/* SPDX-License-Identifier: ISC */
/*
 * dirty - the paths that may differ on the peer, and the renames to play.
 *
 * Invariant: a path is equal on both sides unless it, or a parent marked
 * DIRTY_TREE, stands here.  An entry leaves only when it was sent and did not
 * change meanwhile; an entry that is marked again while it is in flight stays.
 */
#ifndef PUSH_DIRTY_H
#define PUSH_DIRTY_H

#include <stddef.h>
#include <stdint.h>

#include "buf.h"

enum {
	DIRTY_CONTENT = 1, /* send the content, whatever size and time say */
	DIRTY_ATTR = 2, /* compare, send what differs */
	DIRTY_TREE = 4, /* compare everything below, delete what is extra */
	DIRTY_REPLACED =
	    8, /* it was gone in between: another kind may stand there */
};

/* A deletion that waits for a person: more would go than may in an hour. */
struct dirty_hold {
	int64_t since_ns;
	uint64_t count; /* names that would go */
	struct ha_buf names; /* some of them, a NUL behind each; or empty */
};

struct dirty_entry {
	char *path;
	size_t path_len;
	uint32_t hash;
	unsigned flags;
	int in_flight;
	int again; /* marked while in flight */
	unsigned again_flags;
	int64_t first_ns; /* the oldest change that is not on the peer */
	int64_t again_ns;
	uint64_t epoch; /* the barrier that this change belongs before */
	uint64_t again_epoch;
	int64_t again_due_ns; /* what again is not to be tried before; 0: now */
	int was_missing; /* once it was not there, and nothing told why */
	unsigned failures; /* in a row */
	int64_t failing_since_ns;
	int64_t pause_ms; /* the last pause given; doubles */
	int64_t due_ns; /* not to be tried before; 0: now */
	char *why; /* the last failure in words, or NULL */
	int is_ours; /* the failure is on this side: it can't be read */
	struct dirty_hold *hold; /* until it is done; or NULL */
	int is_held; /* nothing is tried until it is marked again */
	/*
	 * So many names may go whatever the limit: they were let go, or counted
	 * before the link was lost.
	 */
	uint64_t allowed;
	/*
	 * So many were counted for a tree of which it is not known what became
	 * of them.
	 */
	uint64_t doubted;
	struct ha_buf acks; /* records to echo once this is on the peer */
	struct ha_buf again_acks;
	struct dirty_entry *chain;
	struct dirty_entry *next, *prev;
};

struct dirty_rename {
	char *from, *to;
	char kind;
	char *ack; /* the record to echo, or NULL */
	uint64_t epoch;
	int64_t first_ns;
	struct dirty_rename *next;
};

struct dirty_list {
	struct dirty_entry *head, *tail;
	size_t count;
};

struct dirty {
	struct dirty_entry **table;
	size_t table_size;
	size_t count; /* entries in all */
	struct dirty_list ready; /* to be sent now */
	struct dirty_list later; /* waiting for due_ns */
	struct dirty_list flying;
	struct dirty_list held; /* waiting for a mark, or dirty_let_go() */
	struct dirty_rename *renames, **renames_tail;
	size_t rename_count;
	uint64_t epoch; /* the epoch of what is marked now */
	uint64_t hurried; /* what is of a lower epoch gets no pause */
	size_t failing; /* entries whose last try failed */
	size_t hold_count; /* entries with a hold, in any list */
	uint64_t hold_names; /* the sum of their counts */
	int64_t oldest_ns; /* of the entries, while it is known */
	int oldest_known;
	struct {
		uint64_t first; /* the lowest epoch counted */
		size_t *counts; /* entries and renames, an epoch each */
		size_t size;
	} epochs;
};

void dirty_init(struct dirty *dirty);
void dirty_release(struct dirty *dirty);

/* The entry of this path, or NULL. */
const struct dirty_entry *
dirty_find(const struct dirty *dirty, const char *path);

/*
 * Mark path with flags (DIRTY_…); ack, unless NULL, is the record's line that
 * is echoed once it is on the peer.  A path that waits keeps its pause, unless
 * it fails and more than its content is marked.
 */
void dirty_mark(struct dirty *dirty, const char *path, unsigned flags,
    const char *ack, size_t ack_len);

/*
 * As dirty_mark(), on account of an older change: its barriers wait for this
 * too.  What was seen of path may be older than a rename that is queued by
 * now, so it is marked wherever renames take it, too.
 */
void dirty_mark_at(struct dirty *dirty, const char *path, unsigned flags,
    int64_t first_ns, uint64_t epoch);
/* Mark an entry in flight again, not to be tried before due_ns. */
void dirty_again_later(struct dirty *dirty, struct dirty_entry *entry,
    unsigned flags, int64_t due_ns);

/*
 * Queue a rename to be played before anything marked from now on.  What is
 * dirty at from or below it is dirty at its new place from here on; if all
 * below a parent of from is unknown, so is all below to.  Neither path may be
 * the other one, or below it.
 */
void dirty_rename(struct dirty *dirty, const char *from, const char *to,
    char kind, const char *ack);
/*
 * The next rename, taken out; NULL when there is none.  The caller settles it.
 */
struct dirty_rename *dirty_next_rename(struct dirty *dirty);
/* It could not be tried: it is the next one again. */
void dirty_put_back_rename(struct dirty *dirty, struct dirty_rename *rename);
/* The rename is played or turned into marks; frees it. */
void dirty_settle_rename(struct dirty *dirty, struct dirty_rename *rename);

/*
 * Move entries that are due from ready to flying, at most max entries and about
 * max_bytes bytes of paths, and store them in entries.  Returns their number.
 */
size_t dirty_take(struct dirty *dirty, struct dirty_entry **entries, size_t max,
    size_t max_bytes, int64_t now_ns);

/*
 * It is on the peer.  Unless it was marked again meanwhile the entry is freed;
 * its acks are appended to acks.
 */
void
dirty_done(struct dirty *dirty, struct dirty_entry *entry, struct ha_buf *acks);
/* Not tried to the end, and not the path's own fault: ready again. */
void dirty_return(struct dirty *dirty, struct dirty_entry *entry);
/* It is not there, untold: not to be tried before due_ns. */
void dirty_wait(struct dirty *dirty, struct dirty_entry *entry, int64_t due_ns);
/*
 * What was sent is on the peer, but the path changed meanwhile: barriers no
 * longer wait for it; it is tried again after a pause that doubles up to 30 s.
 */
void dirty_changed(struct dirty *dirty, struct dirty_entry *entry,
    struct ha_buf *acks, int64_t now_ns);
/* It fails by itself: wait 1 s, doubling to 5 min. */
void dirty_fail(struct dirty *dirty, struct dirty_entry *entry, const char *why,
    int is_ours, int64_t now_ns);

/*
 * What was marked up to now is tried without a pause that it was given, so
 * that barriers are not held up by what keeps changing; what fails, once.
 */
void dirty_hurry(struct dirty *dirty);

/*
 * Its deletion is held: count names, some of which are in names (a NUL behind
 * each; NULL: the path itself).  Nothing is tried until it is marked again, and
 * barriers wait; the hold is over when the entry is done.
 */
void dirty_hold(struct dirty *dirty, struct dirty_entry *entry, uint64_t count,
    const struct ha_buf *names);
/* Look again at what is held but trees, as if it had been marked. */
void dirty_look_again(struct dirty *dirty);
/* The same, trees too. */
void dirty_look_again_at_all(struct dirty *dirty);
/* How many names are held; what is held with a directory above it counts once. */
uint64_t dirty_held_names(const struct dirty *dirty);
/*
 * All that is held is ready, and what was counted may go.  Returns the number
 * of names.
 */
uint64_t dirty_let_go(struct dirty *dirty);

/* When the next entry in later is due; HA_CLOCK_NEVER when there is none. */
int64_t dirty_next_due(const struct dirty *dirty);
int dirty_has_work(const struct dirty *dirty, int64_t now_ns);
/* Since when the oldest change waits; HA_CLOCK_NEVER when nothing waits. */
int64_t dirty_oldest_ns(struct dirty *dirty);
size_t dirty_failing(const struct dirty *dirty);
/* Of these, those that can't be read here. */
size_t dirty_failing_here(const struct dirty *dirty);

/*
 * Start a new epoch; returns the one that ends: it's complete when
 * dirty_epoch_is_done().
 */
uint64_t dirty_barrier(struct dirty *dirty);
int dirty_epoch_is_done(const struct dirty *dirty, uint64_t epoch);

#endif
