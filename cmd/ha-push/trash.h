/* SPDX-License-Identifier: ISC */
/*
 * trash - a directory on the peer that keeps what is deleted or overwritten.
 *
 * Each round of it stands below DIR/2026-11-22T182328Z (UTC, by the clock
 * here; .2, .3 … behind it within one second), under the path that it had.
 * Such a directory is made by mkdir(2) each time, so nothing in it is older,
 * and no link that someone put there is followed.
 */
#ifndef PUSH_TRASH_H
#define PUSH_TRASH_H

#include <stdint.h>

#include "buf.h"
#include "err.h"

struct peer;

struct trash {
	const char *dir; /* as given; NULL: nothing is kept; borrowed */
	int64_t keep_ms; /* the age limit, unless keep_kib */
	uint64_t keep_kib; /* or the limit of the size; 0: none */
	char *path; /* absolute, as the peer resolves it */
	char *stamp; /* path and stamp, while something is moved there */
	char last[32]; /* the last stamp, without its number */
	unsigned number;
	char **made; /* directories below stamp */
	size_t made_count, made_cap;
	int64_t prune_ns; /* not before */
};

/* "7d" or "10G" (K M G T: kibibytes and so on).  EX_USAGE. */
int trash_parse_keep(struct trash *trash, const char *text, struct ha_err *err);
/* Is the trash inside the target, by the words?  EX_USAGE. */
int trash_check_words(
    const struct trash *trash, const char *target, struct ha_err *err);
void trash_release(struct trash *trash);

/*
 * After a login: find the directory, or make it (one level, mode 0700).
 * EX_CANTCREAT: it can't be made, or is on another file system than the
 * target; EX_CONFIG: it is inside the target; EX_UNAVAILABLE.
 */
int trash_open(struct trash *trash, struct peer *peer, struct ha_err *err);

/* Make a new dated directory: trash->stamp.  EX_CANTCREAT, EX_UNAVAILABLE. */
int trash_begin(struct trash *trash, struct peer *peer, struct ha_err *err);
/* Nothing more is put there; it is removed if it is empty. */
void trash_end(struct trash *trash, struct peer *peer);
/* The same, of one that was filled by trash_room(). */
void trash_leave(struct trash *trash);
/*
 * Where path (below the target) is to be renamed to, its parents made and, if
 * need be, a dated directory.  The caller frees it.  NULL: EX_CANTCREAT, or
 * EX_UNAVAILABLE when the link is lost.
 */
char *trash_room(struct trash *trash, struct peer *peer, const char *path,
    struct ha_err *err);

/*
 * Is it time to look what is too old or too much?  Then remove some of it, the
 * oldest first, and nothing but dated directories.  Failures are said.
 */
int trash_is_due(const struct trash *trash, int64_t now_ns);
void trash_prune(struct trash *trash, struct peer *peer);

#endif
