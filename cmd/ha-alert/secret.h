/* SPDX-License-Identifier: ISC */
/* secret - files that nobody else may read. */
#ifndef ALERT_SECRET_H
#define ALERT_SECRET_H

#include <sys/stat.h>

#include "err.h"

/*
 * Is a file as one with secrets has to be: this user's or root's, closed to
 * others?  EX_NOPERM.
 */
int
secret_check_mode(const char *path, const struct stat *st, struct ha_err *err);

/*
 * What the file holds, at most 64 KiB, its final line end cut; a NUL byte is a
 * mistake.  The caller gives it to channel_forget().  EX_NOINPUT, EX_NOPERM,
 * EX_CONFIG.
 */
int secret_read(const char *path, char **secret, struct ha_err *err);

/* The whole path of a file that alert.conf, in directory, names; to be freed. */
char *secret_path(const char *directory, const char *name);

#endif
