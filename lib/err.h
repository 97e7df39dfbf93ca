/* SPDX-License-Identifier: ISC */
/*
 * err - an error as a value.
 *
 * A library function that can fail returns 0 or -1 and takes the caller's
 * struct ha_err last; it is filled in only on -1.  status is what the command
 * should exit with if it gives up because of it: a sysexits(3) value.
 */
#ifndef HA_ERR_H
#define HA_ERR_H

#include <sysexits.h>

struct ha_err {
	int status; /* a sysexits(3) value, EX_USAGE to EX_CONFIG */
	int sys; /* an errno, or 0 */
	char msg[1024]; /* one line for a person, without a final newline */
};

/*
 * Fill in *err and return -1.  When sys is not 0, ": " and its strerror(3) are
 * appended.  A message that doesn't fit is cut.  The arguments may point into
 * err->msg, so that a caller can put words before an error it passes on.
 */
int ha_err_set(struct ha_err *err, int status, int sys, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));

/* An errno's symbolic name ("ENOSPC"), or "E<number>" for an unknown one. */
const char *ha_err_name(int sys);

#endif
