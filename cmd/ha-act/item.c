/* SPDX-License-Identifier: ISC */
/*
 * item - a record that waits for its turn, or that a command runs for.
 */
#include "item.h"

#include <stdlib.h>
#include <string.h>

#include "alloc.h"
#include "name.h"

/* The file of a service with several checks; a check's has an "@". */
#define TOGETHER "all"
/* Of what ha-act itself tells; no other check is called so. */
#define OWN "act:"

void
item_free(struct item *item)
{
	free(item->line);
	free(item->text);
	free(item->key);
	free(item->label);
	free(item);
}

struct item *
item_new(const struct options *options, const char *line, size_t len,
    struct ha_err *err)
{
	struct item *item = ha_xcalloc(1, sizeof(*item));
	const struct ha_status *status = &item->transition.status;

	item->text = ha_xmemdup(line, len);
	if (strlen(item->text) != len)
		ha_err_set(err, EX_DATAERR, 0, "it holds a NUL");
	else if (len >= HA_STATUS_MAX)
		ha_err_set(err, EX_DATAERR, 0, "it is longer than %d bytes",
		    HA_STATUS_MAX);
	else if (!ha_transition_decode(item->text, &item->transition, err)) {
		item->line = ha_xasprintf("%s\n", line);
		item->len = len + 1;
		item->key = options->together
				? ha_xstrdup(TOGETHER)
				: name_of_file(status->check, status->host);
		item->label = name_of_check(status->check, status->host);
		return item;
	}
	item_free(item);
	return NULL;
}

/*
 * What an ha-act before this one tells is no service: somebody has to ask for
 * it.
 */
static int
is_matched(const struct options *options, const struct ha_status *status)
{
	if (!options->pattern_count)
		return strncmp(status->check, OWN, strlen(OWN)) != 0;
	for (size_t i = 0; i < options->pattern_count; i++)
		if (ha_status_matches(
			options->patterns[i], status->host, status->check))
			return 1;
	return 0;
}

int
item_is_end(const struct item *item)
{
	return ha_transition_is_end(item->transition.event);
}

int
item_is_wanted(const struct item *item, const struct options *options)
{
	const struct ha_transition *transition = &item->transition;

	if (!is_matched(options, &transition->status))
		return 0;
	return item_is_end(item) ||
	       ((options->events >> transition->event & 1) &&
		   (options->states >> transition->status.state & 1));
}

int
item_is_same_check(const struct item *a, const struct item *b)
{
	return !strcmp(
		   a->transition.status.check, b->transition.status.check) &&
	       !strcmp(a->transition.status.host, b->transition.status.host);
}
