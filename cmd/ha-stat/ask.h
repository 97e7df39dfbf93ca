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

/*
 * Have work(argument) done in a helper, by the check's deadline.  mount is what
 * it asks; where that may block, one helper asks it at a time.
 */
void ask_in_helper(struct check *check, const struct mount *mount,
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
