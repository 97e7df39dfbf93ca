/* SPDX-License-Identifier: ISC */
/* item - a record that waits for its turn, or that a command runs for. */
#ifndef ACT_ITEM_H
#define ACT_ITEM_H

#include <stddef.h>

#include "err.h"
#include "options.h"
#include "transition.h"

struct item {
	struct item *next;
	char *line; /* as it came, with its LF; owned */
	size_t len;
	char *text; /* what transition points into; owned */
	struct ha_transition transition;
	char *key; /* the name of its state's file; owned */
	char *label; /* CHECK@HOST; owned */
};

/*
 * Decode a line without its LF.  NULL, EX_DATAERR: it is no transition record.
 */
struct item *item_new(const struct options *options, const char *line,
    size_t len, struct ha_err *err);
void item_free(struct item *item);

/* Does it ask for something: to run the command, or to forget the runs? */
int item_is_wanted(const struct item *item, const struct options *options);
/* The latter. */
int item_is_end(const struct item *item);
int item_is_same_check(const struct item *a, const struct item *b);

#endif
