/* SPDX-License-Identifier: ISC */
/*
 * attempt - run the command for a record, or say why not, and tell what came
 * of it.
 */
#ifndef ACT_ATTEMPT_H
#define ACT_ATTEMPT_H

#include "act.h"
#include "item.h"

/*
 * May the command be run?  Then it is started.  Takes over the item, which is
 * out of the queue.
 */
void attempt_begin(struct act *act, struct item *item);
/* Its job is over.  Takes over the run, which is out of the list. */
void attempt_ended(struct act *act, struct run *run);
/* The check has recovered, or is checked no more. */
void attempt_recovered(struct act *act, const struct item *item);

#endif
