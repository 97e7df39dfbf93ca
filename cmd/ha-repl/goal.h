/* SPDX-License-Identifier: ISC */
/* goal - what the options, the source and what is set make of a channel. */
#ifndef REPL_GOAL_H
#define REPL_GOAL_H

#include "act.h"

/* Do the options go together?  -1: EX_USAGE. */
int goal_check(const struct repl *repl, struct ha_err *err);
/*
 * Fill in act->goal; node and source were read, act->old is what is.  -1:
 * EX_USAGE, EX_CONFIG, EX_NOPERM.
 */
int goal_make(struct act *act, struct ha_err *err);
/* Does it need a position that is not known before the threads stand still? */
int goal_lacks_position(const struct act *act);
/*
 * Find it, now that they do; locks the source meanwhile if that was asked for.
 * -1: EX_NOPERM when there is no way to know, EX_TEMPFAIL.
 */
int goal_find_position(struct act *act, struct ha_err *err);
/*
 * Those that the old settings need to be put back: --old-credentials, or the
 * new ones when they open the old source too.  -1: EX_NOPERM.
 */
int goal_old_credentials(struct act *act, struct ha_err *err);

#endif
