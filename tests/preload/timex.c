/* SPDX-License-Identifier: ISC */
/*
 * timex - for LD_PRELOAD: adjtimex(2) answers what HA_TEST_TIMEX says, six
 * numbers: RESULT STATUS OFFSET ESTERROR MAXERROR ERRNO.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/timex.h>

int
adjtimex(struct timex *timex)
{
	const char *text = getenv("HA_TEST_TIMEX");
	int result = 0, sys = 0;

	memset(timex, 0, sizeof(*timex));
	if (text == NULL ||
	    sscanf(text, "%d %d %ld %ld %ld %d", &result, &timex->status,
		&timex->offset, &timex->esterror, &timex->maxerror, &sys) < 5)
		abort();
	errno = sys;
	return result;
}
