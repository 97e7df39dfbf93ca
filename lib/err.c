/* SPDX-License-Identifier: ISC */
/*
 * err - an error as a value.
 */
#include "err.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

int
ha_err_set(struct ha_err *err, int status, int sys, const char *fmt, ...)
{
	char text[sizeof(err->msg)];
	char reason[128];
	va_list ap;
	size_t len;

	va_start(ap, fmt);
	if (vsnprintf(text, sizeof(text), fmt, ap) < 0)
		text[0] = '\0';
	va_end(ap);
	len = strlen(text);
	if (sys)
		snprintf(text + len, sizeof(text) - len, ": %s",
		    strerror_r(sys, reason, sizeof(reason)));
	err->status = status;
	err->sys = sys;
	/* Only now: the arguments may point into err->msg. */
	memcpy(err->msg, text, strlen(text) + 1);
	return -1;
}

const char *
ha_err_name(int sys)
{
	static _Thread_local char number[16];
	const char *name = strerrorname_np(sys);

	if (name)
		return name;
	snprintf(number, sizeof(number), "E%d", sys);
	return number;
}
