/* SPDX-License-Identifier: ISC */
/*
 * place - HA_RUN_DIR/keep: for each name a lock, a socket and a state file.
 */
#ifndef KEEP_PLACE_H
#define KEEP_PLACE_H

#include <stddef.h>

#include "err.h"

#define PLACE_NAME_MAX 64

/* Letters, digits, ". _ -", the first one a letter, a digit or "_". */
int place_name_is_valid(const char *name);

/* HA_RUN_DIR/keep, whether or not it is there; the caller frees it. */
char *place_dir(void);
/* The same, made if need be.  EX_CANTCREAT. */
int place_make_dir(char **dir, struct ha_err *err);

/* The path of NAME's "lock", "sock" or "state"; the caller frees it. */
char *place_path(const char *dir, const char *name, const char *what);

/*
 * Does a keeper of that name live?  It takes the lock for a moment.  -1: that
 * can't be known, the lock is another user's.
 */
int place_is_held(const char *dir, const char *name);

/*
 * The names there, sorted, those whose keepers ended as they should left out.
 * *names and each of it are the caller's to free.  EX_NOINPUT when the
 * directory can't be read; that there is none is no error.
 */
int
place_names(const char *dir, char ***names, size_t *count, struct ha_err *err);

#endif
