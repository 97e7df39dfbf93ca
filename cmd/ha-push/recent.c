/* SPDX-License-Identifier: ISC */
/* recent - a ring of paths with the time of each. */
#include "recent.h"

#include <stdlib.h>
#include <string.h>

#include "alloc.h"
#include "clock.h"

void
recent_init(struct recent *recent)
{
	recent->paths = ha_xcalloc(RECENT_PATHS, sizeof(*recent->paths));
	recent->ns = ha_xcalloc(RECENT_PATHS, sizeof(*recent->ns));
	recent->next = 0;
}

void
recent_release(struct recent *recent)
{
	for (size_t i = 0; recent->paths != NULL && i < RECENT_PATHS; i++)
		free(recent->paths[i]);
	free(recent->paths);
	free(recent->ns);
}

void
recent_add(struct recent *recent, const char *path, int64_t now_ns)
{
	size_t i = recent->next;

	free(recent->paths[i]);
	recent->paths[i] = ha_xstrdup(path);
	recent->ns[i] = now_ns;
	recent->next = (i + 1) % RECENT_PATHS;
}

int
recent_has_below(const struct recent *recent, const char *dir, int64_t now_ns)
{
	int64_t since_ns = now_ns - RECENT_MS * HA_MS_NS;
	size_t len = strlen(dir);

	/* The slot that is written next is the oldest. */
	if (recent->paths[recent->next] != NULL &&
	    recent->ns[recent->next] >= since_ns)
		return 1;
	for (size_t i = 0; i < RECENT_PATHS; i++) {
		const char *path = recent->paths[i];

		if (path != NULL && recent->ns[i] >= since_ns &&
		    strncmp(path, dir, len) == 0 &&
		    (path[len] == '\0' || path[len] == '/'))
			return 1;
	}
	return 0;
}
