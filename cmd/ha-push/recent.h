/* SPDX-License-Identifier: ISC */
/*
 * recent - the paths that were sent or removed a moment ago.
 *
 * A record may be read after its path was renamed away and used again: then
 * the wrong file was looked at, and the rename, which comes later, carries the
 * error along.  So a renamed directory below which something was looked at
 * just before is compared at its new place.
 */
#ifndef PUSH_RECENT_H
#define PUSH_RECENT_H

#include <stddef.h>
#include <stdint.h>

#define RECENT_PATHS 4096
/* Longer than ha-watch keeps any record back (10 s), and a pipe's delay. */
#define RECENT_MS 60000

struct recent {
	char **paths; /* a ring */
	int64_t *ns;
	size_t next;
};

void recent_init(struct recent *recent);
void recent_release(struct recent *recent);
void recent_add(struct recent *recent, const char *path, int64_t now_ns);
/*
 * Was dir or a path below it added in the last RECENT_MS?  When more was added
 * than is remembered, the answer is yes.
 */
int
recent_has_below(const struct recent *recent, const char *dir, int64_t now_ns);

#endif
