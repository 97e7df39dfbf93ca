/* SPDX-License-Identifier: ISC */
/*
 * match - exclude patterns with rsync's meaning.
 *
 * One matcher for live events and for rescans, so that both ends of the pipe
 * and rsync itself agree.  Source: rsync(1), FILTER RULES, PATTERN MATCHING
 * RULES, --exclude and --exclude-from: a pattern is an exclude; with "- "
 * before it too; with "+ " it is an include; a lone "!" clears the list; the
 * first rule that matches decides.
 */
#ifndef HA_MATCH_H
#define HA_MATCH_H

#include <stddef.h>

#include "err.h"

struct ha_match;

struct ha_match *ha_match_new(void);
void ha_match_free(struct ha_match *match);

/*
 * Add one rule, as rsync's --exclude=PATTERN takes it.  EX_USAGE for an empty
 * one or one that rsync would refuse.
 */
int
ha_match_add(struct ha_match *match, const char *pattern, struct ha_err *err);

/*
 * Add the command's own rule, which a later "!" does not clear.  To be called
 * before any other rule is added.
 */
int
ha_match_keep(struct ha_match *match, const char *pattern, struct ha_err *err);

/*
 * Add each line of a file as rsync's --exclude-from does: empty lines and those
 * that start with # or ; are comments.  "-" is stdin.  EX_NOINPUT, or
 * EX_CONFIG with file and line in the message.
 */
int
ha_match_add_file(struct ha_match *match, const char *path, struct ha_err *err);

/* The rules as they were added, comments left out, for the stream's header. */
size_t ha_match_count(const struct ha_match *match);
const char *ha_match_pattern(const struct ha_match *match, size_t i);

/*
 * Is path (relative to the root, no "./") excluded by itself?  Its parents
 * are not looked at: a walk from the root asks for each directory on its way.
 * *rule, if not NULL, receives the index of the rule that decided, or -1.
 */
int ha_match_excludes(
    const struct ha_match *match, const char *path, int is_dir, int *rule);

/*
 * Is path or any of its parents excluded?  For a path out of a record.
 * rule as above; *depth, if not NULL, receives the length of the part
 * of path that was excluded.
 */
int ha_match_excludes_below(const struct ha_match *match, const char *path,
    int is_dir, int *rule, size_t *depth);

#endif
