/* SPDX-License-Identifier: ISC */
/* explain - why a path is or isn't watched, for --explain. */
#ifndef WATCH_EXPLAIN_H
#define WATCH_EXPLAIN_H

#include "watch.h"

/*
 * Print it to stdout.  path is absolute or relative to the root.  Returns the
 * exit status: 0 when it is watched, 1 when not.
 */
int explain(struct watch *watch, const char *path);

#endif
