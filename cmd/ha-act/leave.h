/* SPDX-License-Identifier: ISC */
/*
 * leave - may this node act?  A standby may not.  Source: ha(7), ROLES.
 */
#ifndef ACT_LEAVE_H
#define ACT_LEAVE_H

#include "err.h"

/*
 * Asked each time, as roles change.  1: it may.  0: it is standby; err has it
 * in words.  -1: EX_CONFIG, its role can't be read.
 */
int leave_to_act(struct ha_err *err);
/* Say and log, the first time, that why was overridden for a reason. */
void leave_forced(const char *words, const char *reason, const char *why);

#endif
