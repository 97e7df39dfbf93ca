/* SPDX-License-Identifier: ISC */
/* names - strings as small numbers: the same one gets the same number. */
#ifndef ALERT_NAMES_H
#define ALERT_NAMES_H

#include <stddef.h>

struct names {
	char **list; /* by number */
	size_t count;
	size_t *slots; /* a hash table of numbers + 1; 0: free */
	size_t slot_count; /* a power of two, or 0 */
};

#define NAMES_NONE ((size_t)-1)

void names_init(struct names *names);
void names_release(struct names *names);
/* Its number, from 0 in the order in which they came. */
size_t names_add(struct names *names, const char *name);
/* NAMES_NONE: not there. */
size_t names_find(const struct names *names, const char *name);

#endif
