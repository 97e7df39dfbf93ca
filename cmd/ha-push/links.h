/* SPDX-License-Identifier: ISC */
/*
 * links - which names in the source are the same file.
 *
 * rsync keeps hard links among the names of one run only, so a file with
 * several names is sent with all of them.  A record tells one name; the others
 * come from here: from earlier records and walks, or from a walk made for them.
 */
#ifndef PUSH_LINKS_H
#define PUSH_LINKS_H

#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>

#include "match.h"

struct links;

struct links *links_new(int root_fd, const struct ha_match *match);
void links_free(struct links *links);

/*
 * From here on links_first() is 1 again, once for each file: what it is now,
 * by st, is about to be sent.
 */
void links_new_round(struct links *links);
int links_first(struct links *links, const struct stat *st);

/*
 * path is gone (st is NULL) or st now.  Call each for the other names of the
 * file that it was, if that changed since it was sent: nobody tells of those.
 */
void links_left(struct links *links, const char *path, const struct stat *st,
    void (*each)(void *context, const char *path), void *context);

/* from, and with is_dir what is below it, has another name now. */
void links_renamed(
    struct links *links, const char *from, const char *to, int is_dir);

/* How many files are known; those that are gone are forgotten by and by. */
size_t links_count(const struct links *links);

/* path was seen with st; remembered if it is a file with several names. */
void links_note(struct links *links, const char *path, const struct stat *st);

/*
 * Call each for every name of st's file that is known and still is that file.
 * Returns the number of names; fewer than st_nlink: some are unknown or
 * outside.
 */
size_t links_names(struct links *links, const struct stat *st,
    void (*each)(void *context, const char *path), void *context);

/*
 * Is a walk needed to find the names of st's file?  No when enough names are
 * known, or a walk since the last change of its link count found no more.
 */
int links_wants_walk(struct links *links, const struct stat *st);

struct links_totals {
	uint64_t files; /* everything but directories */
	uint64_t dirs;
	uint64_t bytes; /* of regular files */
	int whole; /* it was the whole source */
	int stopped; /* tick() said so */
};

/*
 * Walk the directory path (HA_CHANGE_ROOT: all) but for what is excluded, and
 * note every file with several names.  tick is called now and then; non-zero
 * stops the walk.
 */
void links_walk(struct links *links, const char *path,
    struct links_totals *totals, int (*tick)(void));

/*
 * After a walk of path: has a file there names that only a walk of all finds?
 */
int links_has_unknown(const struct links *links, const char *path);

/*
 * After a walk of path: call each for every known name of the files that have
 * names both at or below path and elsewhere.
 */
void links_crossing(struct links *links, const char *path,
    void (*each)(void *context, const char *path), void *context);

#endif
