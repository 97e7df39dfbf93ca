/* SPDX-License-Identifier: ISC */
/* explain - what a running ha-push knows about one path. */
#ifndef PUSH_EXPLAIN_H
#define PUSH_EXPLAIN_H

#include "buf.h"
#include "match.h"
#include "push.h"

/*
 * Append five fields, escaped and separated by TABs: a word for the state of
 * path (relative to the source); since when it waits, in milliseconds; how
 * often it failed in a row; in how many milliseconds it is tried again; and
 * all of that in words.  What does not apply is "-".
 */
void explain_path(struct push *push, const char *path, struct ha_buf *line);

/*
 * Is path excluded, itself or by a parent?  Then *words receives by what; the
 * caller frees it.  The rules from own on are not -x and -X of this command.
 */
int explain_excluded(const struct ha_match *match, size_t own, const char *path,
    int is_dir, char **words);

#endif
