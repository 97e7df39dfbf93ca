/* SPDX-License-Identifier: ISC */
/*
 * walk - watch, then list, then tell: new directories, the first round and the
 * healing ones, in small portions between which events are read.
 */
#ifndef WATCH_WALK_H
#define WATCH_WALK_H

#include "watch.h"

/* A directory that came to be: watch all below it, tell all that is found. */
void walk_tell(struct watch *watch, struct dir *dir);
/*
 * Make nodes and watches below dir what the file system has; then, if
 * tell_unknown, R of dir.
 */
void walk_heal(struct watch *watch, struct dir *dir, int tell_unknown);
/* Everything; then one R of the root.  Once more if it is under way. */
void walk_heal_all(struct watch *watch);
/* Is there something to do now? */
int walk_pending(const struct watch *watch);
/* Do one portion.  read_events() is called between its parts. */
void walk_step(struct watch *watch, void (*read_events)(struct watch *watch));
/* Give up all that is to be done. */
void walk_release(struct watch *watch);
/* A directory that waited for its rename may be looked at again. */
void walk_wake(struct watch *watch);

/* Can dir itself be watched (again)?  0, or -1. */
int walk_try(struct watch *watch, struct dir *dir);

/* What this node is, and whether it is watched, is in doubt. */
void walk_lose(struct watch *watch, struct dir *dir);
/* There may be a directory of which no node is known. */
void walk_lose_name(struct watch *watch, struct dir *dir, const char *name);
/*
 * Look again at what was not where it should be.  To be called when no event
 * is queued: those that explain it have come.
 */
void walk_find_lost(struct watch *watch);

/* Look at name in dir again, whatever was believed: a swap, a mount. */
void
walk_relook(struct watch *watch, struct dir *dir, const char *name, size_t len);

#endif
