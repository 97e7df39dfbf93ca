/* SPDX-License-Identifier: ISC */
/* hold - what is told of deletions that are held, and when that is over. */
#ifndef PUSH_HOLD_H
#define PUSH_HOLD_H

#include <stdint.h>

#include "buf.h"

struct push;

/* After a round: say that deletions are held now, or no longer. */
void hold_settle(struct push *push);

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
