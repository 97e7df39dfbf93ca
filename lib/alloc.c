/* SPDX-License-Identifier: ISC */
/*
 * alloc - allocation that never returns NULL.
 */
#include "alloc.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include "msg.h"

static int fatal_status = EX_OSERR;

static _Noreturn void
out_of_memory(void)
{
	const char *name = ha_msg_command();
	static const char text[] = ": out of memory\n";

	/* Not through stdio, which may want memory itself. */
	if (write(STDERR_FILENO, name, strlen(name)) >= 0 &&
	    write(STDERR_FILENO, text, sizeof(text) - 1) >= 0)
		_exit(fatal_status);
	_exit(fatal_status);
}

void
ha_alloc_fatal(int status)
{
	fatal_status = status;
}

void *
ha_xmalloc(size_t size)
{
	void *ptr = malloc(size ? size : 1);

	if (!ptr)
		out_of_memory();
	return ptr;
}

void *
ha_xcalloc(size_t count, size_t size)
{
	void *ptr = calloc(count ? count : 1, size ? size : 1);

	if (!ptr)
		out_of_memory();
	return ptr;
}

void *
ha_xrealloc(void *ptr, size_t size)
{
	ptr = realloc(ptr, size ? size : 1);
	if (!ptr)
		out_of_memory();
	return ptr;
}

char *
ha_xstrdup(const char *s)
{
	return ha_xmemdup(s, strlen(s));
}

char *
ha_xmemdup(const void *data, size_t len)
{
	char *copy;

	if (len == SIZE_MAX)
		out_of_memory();
	copy = ha_xmalloc(len + 1);
	if (len)
		memcpy(copy, data, len);
	copy[len] = '\0';
	return copy;
}

char *
ha_xasprintf(const char *fmt, ...)
{
	va_list ap;
	char *text;
	int len;

	va_start(ap, fmt);
	len = vasprintf(&text, fmt, ap);
	va_end(ap);
	if (len < 0)
		out_of_memory();
	return text;
}
