/* SPDX-License-Identifier: ISC */
/* events - what each event means for the tree and the dirty set. */
#ifndef WATCH_EVENTS_H
#define WATCH_EVENTS_H

#include "watch.h"

/* A backend's handler; ctx is the struct watch. */
void events_handle(void *ctx, const struct event *event);

/*
 * Renames whose other half did not come by now_ns (or, with all, at all) went
 * to somewhere else.  To be called when nothing is queued.
 */
void events_expire(struct watch *watch, int64_t now_ns, int all);
/* When the first of them will be given up; HA_CLOCK_NEVER. */
int64_t events_next_ns(const struct watch *watch);

/* Free the names. */
void events_forget_cookies(struct cookies *cookies);

/* Find out what was created but not closed. */
void events_probe(struct watch *watch);

#endif
