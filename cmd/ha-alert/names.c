/* SPDX-License-Identifier: ISC */
/* names - a hash table that only grows. */
#include "names.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "alloc.h"

void
names_init(struct names *names)
{
	memset(names, 0, sizeof(*names));
}

void
names_release(struct names *names)
{
	for (size_t i = 0; i < names->count; i++)
		free(names->list[i]);
	free(names->list);
	free(names->slots);
	names_init(names);
}

/* FNV-1a: http://www.isthe.com/chongo/tech/comp/fnv/ */
static size_t
hash(const char *name)
{
	uint64_t value = UINT64_C(14695981039346656037);

	for (; *name; name++)
		value =
		    (value ^ (unsigned char)*name) * UINT64_C(1099511628211);
	return (size_t)(value ^ value >> 32);
}

/* Where it is, or the free slot where it would be. */
static size_t
slot_of(const struct names *names, const char *name)
{
	size_t mask = names->slot_count - 1, at = hash(name) & mask;

	while (names->slots[at] &&
	       strcmp(names->list[names->slots[at] - 1], name) != 0)
		at = (at + 1) & mask;
	return at;
}

/* Half of the slots are free at least. */
static void
grow(struct names *names)
{
	if (2 * (names->count + 1) <= names->slot_count)
		return;
	free(names->slots);
	names->slot_count = names->slot_count ? 2 * names->slot_count : 64;
	names->slots = ha_xcalloc(names->slot_count, sizeof(*names->slots));
	names->list =
	    ha_xrealloc(names->list, names->slot_count * sizeof(*names->list));
	for (size_t i = 0; i < names->count; i++)
		names->slots[slot_of(names, names->list[i])] = i + 1;
}

size_t
names_find(const struct names *names, const char *name)
{
	size_t at;

	if (!names->slot_count)
		return NAMES_NONE;
	at = slot_of(names, name);
	return names->slots[at] ? names->slots[at] - 1 : NAMES_NONE;
}

size_t
names_add(struct names *names, const char *name)
{
	size_t at;

	grow(names);
	at = slot_of(names, name);
	if (!names->slots[at]) {
		names->list[names->count++] = ha_xstrdup(name);
		names->slots[at] = names->count;
	}
	return names->slots[at] - 1;
}
