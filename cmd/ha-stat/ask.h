/* SPDX-License-Identifier: ISC */
/* ask - what checks of paths and processes have in common. */
#ifndef ASK_H
#define ASK_H

#include <time.h>

#include "check.h"
#include "mounts.h"

/* Make the argument absolute, without empty names, "." and a final slash. */
int ask_make_absolute(struct check *check, struct ha_err *err);

/* An option's parse(): value becomes a regex_t, which release() regfree(3)s. */
int
ask_parse_regex(struct setting *setting, const char *text, struct ha_err *err);

/* The key of a helper that asks mount: its point; NULL: it will answer. */
const char *ask_key(const struct mount *mount);

/*
 * Have work(argument) done in a helper, by the check's deadline, of those with
 * the same key one at a time; NULL: none is to be waited for.
 */
void ask_in_helper(struct check *check, const char *key,
    int (*work)(const void *argument, struct ha_buf *answer),
    const void *argument);

/*
 * Copy the helper's answer, which has to be of that size.  0; -1: the helper
 * ended without one, which is reported.
 */
int ask_answer(struct check *check, void *answer, size_t size);

/*
 * What a call on a path failed with, as a state: what is not there, or damaged,
 * is CRIT; what we may not look at is UNKNOWN.
 */
enum ha_status_state ask_state(int sys);

/* Seconds since a file's time; one that lies ahead is 0 s ago. */
double ask_age_s(const struct timespec *time);

#endif
