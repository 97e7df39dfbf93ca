/* SPDX-License-Identifier: ISC */
/* hold - what is told of deletions that are held, and when that is over. */
#ifndef PUSH_HOLD_H
#define PUSH_HOLD_H

#include <stdint.h>

#include "buf.h"

struct push;

/* After a round: say that deletions are held now, or no longer. */
void hold_settle(struct push *push);

/*
 * When hold_look_again() is to be called: no record tells that what was extra
 * there has gone, nor, of a directory, that what was missing here is back.
 */
int64_t hold_due_ns(const struct push *push);
void hold_look_again(struct push *push);
/* The round for it took so long. */
void hold_looked(struct push *push, int64_t took_ns);

/* Is all that is left held, with no more to come? */
int hold_is_all(const struct push *push);

/* How many, why, and what to do about it. */
void hold_words(struct push *push, struct ha_buf *words);
/* The same as a last line, for a run that ends with it. */
void hold_say_end(struct push *push);
/* A dry run: would so many deletions be held? */
void hold_foretell(struct push *push, uint64_t count);

/* At most max lines "held", path, since (ms), count. */
void hold_list(const struct push *push, size_t max, struct ha_buf *text);

#endif
