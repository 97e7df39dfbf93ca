/* SPDX-License-Identifier: ISC */
/*
 * dirty - what changed and has not been told: one entry a path, however often
 * it changes, in the order in which they are to be told.
 *
 * An entry is keyed by its directory's node and its name, so that renaming the
 * directory renames it too.  Entries below a directory whose own appearance or
 * renaming has not been told wait behind that one (dir->holder).
 */
#ifndef WATCH_DIRTY_H
#define WATCH_DIRTY_H

#include <stddef.h>
#include <stdint.h>

#include "tree.h"

/*
 * A name that lived no longer than this was told to nobody and seen by nobody;
 * a reader that compares a directory may have copied one that lived longer.
 */
#define DIRTY_TRUST_NS INT64_C(5000000)
#define DIRTY_LIMIT 1000000

enum entry_flag {
	ENTRY_C = 1,
	ENTRY_W = 2,
	ENTRY_A = 4,
	ENTRY_R = 8,
	ENTRY_E = 16,
	ENTRY_MOVE = 32, /* an M: paths is set, no key */
	ENTRY_UNTOLD = 64, /* did not exist before: nobody was told of it */
	ENTRY_LINK = 128, /* a further link of a file */
	ENTRY_ARRIVED = 256, /* renamed from elsewhere: complete */
};

#define ENTRY_HERE (ENTRY_C | ENTRY_W | ENTRY_A | ENTRY_R | ENTRY_E)

enum entry_list {
	LIST_NONE,
	LIST_READY, /* to be told */
	LIST_HELD, /* behind a holder */
	LIST_SETTLE, /* closed; waits for the settle time */
	LIST_QUIET, /* being written; waits for the quiet time */
	LIST_PROBE, /* created; what is it? */
};

struct link {
	struct link *prev, *next;
};

struct entry {
	struct link link; /* first: an entry is found by its link */
	struct entry *hash_next;
	char *paths; /* ENTRY_MOVE: old path NUL new path NUL */
	struct link *held; /* entries that wait for this one; or NULL */
	struct dir *dir; /* counted; NULL for ENTRY_MOVE */
	struct dir *node; /* counted: the directory that this one holds */
	int64_t since_ns; /* it was made after this */
	int64_t first_ns;
	int64_t due_ns;
	uint32_t hash;
	uint16_t flags;
	uint16_t sys; /* ENTRY_E: the errno */
	uint8_t list; /* enum entry_list */
	uint8_t was; /* the list that dirty_take() took it from */
	uint8_t epoch;
	uint8_t len;
	char kind; /* of what is here; '?': not known yet */
	char gone; /* kind of what was told and is gone; 0: nothing */
	char name[];
};

struct dirty {
	int64_t now_ns; /* set before each round of calls */
	int64_t empty_ns; /* when no event was queued last */
	int64_t settle_ns, quiet_ns;
	size_t limit;
	size_t count; /* entries, without moves that wait for their pair */
	size_t waiting[2]; /* whatever must come before a barrier, by epoch */
	uint8_t epoch; /* 0 or 1: of what is noted now */
	uint8_t newest; /* epoch, when it is not set back for older news */
	int hurry; /* nothing of the older epoch is delayed */
	int listed; /* a listing may have told what an event tells again */
	int overfull; /* the limit was passed: the caller clears */
	struct link ready, settle, quiet, probe;
	struct entry **buckets;
	size_t bucket_count;
};

void dirty_init(struct dirty *dirty);
void dirty_release(struct dirty *dirty);
/* Forget everything. */
void dirty_clear(struct dirty *dirty);

/* What happened to name in dir; an empty name is dir itself (the root). */

/* Not a directory; probed for what it is unless it is closed before. */
void dirty_created(
    struct dirty *dirty, struct dir *dir, const char *name, size_t len);
/* Renamed to here from outside: complete. */
void dirty_arrived(
    struct dirty *dirty, struct dir *dir, const char *name, size_t len);
/* Met by a listing, or probed: kind is known. */
void dirty_found(struct dirty *dirty, struct dir *dir, const char *name,
    size_t len, char kind);
/* A new directory; node is its node, which it holds. */
struct entry *dirty_new_dir(struct dirty *dirty, struct dir *node);
void dirty_written(
    struct dirty *dirty, struct dir *dir, const char *name, size_t len);
void dirty_modified(
    struct dirty *dirty, struct dir *dir, const char *name, size_t len);
void dirty_attrib(struct dirty *dirty, struct dir *dir, const char *name,
    size_t len, int is_dir);
/* kind: 'd', or '-' for anything else. */
void dirty_gone(struct dirty *dirty, struct dir *dir, const char *name,
    size_t len, char kind);
/* The directory of this node: what is below is unknown; can't be watched. */
void dirty_unknown(struct dirty *dirty, struct dir *node);
void dirty_error(struct dirty *dirty, struct dir *node, int sys);
/* Tell this node's record before everything else. */
void dirty_first(struct dirty *dirty, struct dir *node);

/* A probe's result for an entry of the probe list; kind '-': it vanished. */
void
dirty_probed(struct dirty *dirty, struct entry *entry, char kind, int is_link);

/* For renames. */
struct entry *dirty_find(const struct dirty *dirty, const struct dir *dir,
    const char *name, size_t len);
/* Take it out of key and list; the caller frees it. */
void dirty_take(struct dirty *dirty, struct entry *entry);
void dirty_free(struct dirty *dirty, struct entry *entry);
/* Is it known that nobody was told of it? */
int dirty_untold(const struct dirty *dirty, const struct entry *entry);
/* An M that is not complete yet; it holds node, if not NULL. */
struct entry *dirty_move_begin(struct dirty *dirty, struct dir *node);
/* Both paths are known (paths: owned by the entry): to be told next. */
void dirty_move_end(
    struct dirty *dirty, struct entry *move, char *paths, int is_dir);
/*
 * Let name in dir go on where source, which was taken and is freed here,
 * stands: its state and its times.
 */
void dirty_follow(struct dirty *dirty, struct entry *source, struct dir *dir,
    const char *name, size_t len);

/* Move what is due to the ready list; with all, everything. */
void dirty_due(struct dirty *dirty, int all);
/*
 * What the open barrier waits for is told at once, however it was delayed;
 * until hurry is taken back.
 */
void dirty_hurry(struct dirty *dirty);
/* When the next is due; HA_CLOCK_NEVER. */
int64_t dirty_next_ns(const struct dirty *dirty);
/* The next to be told, or NULL; free it with dirty_free() once it was told. */
struct entry *dirty_next(struct dirty *dirty);

#endif
