/* SPDX-License-Identifier: ISC */
/* target - [USER@]HOST:DIR, where the mirror is to be. */
#ifndef PUSH_TARGET_H
#define PUSH_TARGET_H

#include "err.h"

struct target {
	char *typed; /* as it was given */
	char *user; /* or NULL */
	char *host; /* an IPv6 address without its brackets */
	char *dir; /* absolute, or below the home of the login there */
};

/*
 * Take text apart; HOST may be an IPv6 address in brackets.  EX_USAGE for what
 * is none.  target is to be released in any case.
 */
int target_parse(struct target *target, const char *text, struct ha_err *err);
void target_release(struct target *target);

#endif
