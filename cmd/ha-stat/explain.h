/* SPDX-License-Identifier: ISC */
/* explain - --list: what every kind of check looks at, and its options. */
#ifndef EXPLAIN_H
#define EXPLAIN_H

#include "err.h"

/*
 * Print all kinds, or those of a NULL-terminated list of names.  EX_USAGE for
 * a name that is none.
 */
int explain_kinds(char *const *names, struct ha_err *err);

#endif
