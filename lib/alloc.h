/* SPDX-License-Identifier: ISC */
/*
 * alloc - allocation that never returns NULL.
 *
 * When memory runs out the process ends with one line on stderr and the status
 * given to ha_alloc_fatal().  Memory is given back with free(3).
 */
#ifndef HA_ALLOC_H
#define HA_ALLOC_H

#include <stddef.h>

/* Set the exit status for "out of memory"; EX_OSERR (71) until called. */
void ha_alloc_fatal(int status);

/* As malloc(3), calloc(3), realloc(3), strdup(3), but never NULL. */
void *ha_xmalloc(size_t size);
void *ha_xcalloc(size_t count, size_t size);
void *ha_xrealloc(void *ptr, size_t size);
char *ha_xstrdup(const char *s);

/* A copy of len bytes with a NUL byte after them. */
char *ha_xmemdup(const void *data, size_t len);

/* printf(3) into new memory; the caller frees it. */
char *ha_xasprintf(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

#endif
