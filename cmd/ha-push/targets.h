/* SPDX-License-Identifier: ISC */
/* targets - all that a command is to mirror to, and the files of each. */
#ifndef PUSH_TARGETS_H
#define PUSH_TARGETS_H

#include <stddef.h>

#include "err.h"
#include "target.h"

struct targets {
	struct target *list;
	size_t count;
};

/* Append text; EX_USAGE for what is no target, or one that is there. */
int targets_add(struct targets *targets, const char *text, struct ha_err *err);
/*
 * Append those of a file, one a line; empty lines and lines that start with
 * "#" are comments.  "-" is stdin.  EX_CONFIG with file and line for a mistake
 * in it, EX_NOINPUT, EX_IOERR.
 */
int targets_read(struct targets *targets, const char *file, struct ha_err *err);
void targets_release(struct targets *targets);

/*
 * The file of one of several: its host is put before the suffix of file's name,
 * with bytes that are odd in a name replaced by "_"; a host that was named
 * before gets -2, -3 ... behind it.  The caller frees it.
 */
char *
targets_file(const struct targets *targets, size_t index, const char *file);
/*
 * Write to file which targets there are, and in which file each has its state
 * (ha-push(1), STATUS FILE).  As ha_fs_replace().
 */
int targets_write_index(
    const struct targets *targets, const char *file, struct ha_err *err);

#endif
