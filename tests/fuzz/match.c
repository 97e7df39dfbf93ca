/* SPDX-License-Identifier: ISC */
/*
 * match - any patterns against any path, in bounded time and inside memory.
 */
#include "match.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "alloc.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* The input's first line is the path, each other a pattern. */
int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *input = ha_xmemdup(data, size);
	struct ha_match *match = ha_match_new();
	char *rest = input;
	char *path = strsep(&rest, "\n");
	struct ha_err err;
	size_t depth = 0;
	char *pattern;
	int rule, excluded;

	while ((pattern = strsep(&rest, "\n")))
		(void)ha_match_add(match, pattern, &err);
	excluded = ha_match_excludes(match, path, 0, NULL);
	if (excluded && !ha_match_excludes_below(match, path, 0, &rule, &depth))
		abort();
	(void)ha_match_excludes_below(match, path, 1, &rule, &depth);
	if (depth > strlen(path) || rule >= (int)ha_match_count(match))
		abort();
	ha_match_free(match);
	free(input);
	return 0;
}
