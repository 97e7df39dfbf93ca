/* SPDX-License-Identifier: ISC */
/*
 * sweep - subtrees that can't be watched: each is looked through again and
 * again, and what differs is told as R.
 */
#ifndef WATCH_SWEEP_H
#define WATCH_SWEEP_H

#include "watch.h"

/* Poll dir and all below it, and tell E with sys once. */
void sweep_add(struct watch *watch, struct dir *dir, int sys);
/* Is one under way or due? */
int sweep_pending(const struct watch *watch, int64_t now_ns);
/* When the next is due; HA_CLOCK_NEVER. */
int64_t sweep_next_ns(const struct watch *watch);
/* Poll it no more. */
void sweep_drop(struct watch *watch, struct unit *unit);
/* Do one portion. */
void sweep_step(struct watch *watch, int64_t now_ns);

#endif
