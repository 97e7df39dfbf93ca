/* SPDX-License-Identifier: ISC */
/* name - what checks and commands are called, in words and as files. */
#ifndef ACT_NAME_H
#define ACT_NAME_H

#include "buf.h"

/* Append the command line as a person would type it, '...' where needed. */
void name_add_words(struct ha_buf *words, const char *const *argv);
/*
 * A name for the command: the words of its line, its program without the
 * directory, joined by "-"; where that leaves more out, "~" and a hash of all
 * is its end.  The caller frees it.
 */
char *name_of_command(const char *const *argv);
/* Letters, digits, "-", "_" and ".", no "." first, at most 64. */
int name_is_valid(const char *name);

/*
 * CHECK@HOST as a file's name: other bytes than letters, digits, "._:+-" are
 * "%XX", and what is too long ends in "~" and a hash.  It never begins with
 * ".".  The caller frees it.
 */
char *name_of_file(const char *check, const char *host);
/* CHECK@HOST, or CHECK without a host; the caller frees it. */
char *name_of_check(const char *check, const char *host);

#endif
