/* SPDX-License-Identifier: ISC */
/*
 * outcome - what ha-act did, or could not do, as transition records of its own
 * behind those it passes on.
 */
#ifndef ACT_OUTCOME_H
#define ACT_OUTCOME_H

#include <stdint.h>

#include "act.h"
#include "err.h"
#include "state.h"

/* How the job ended: 0 when all is well; words says how. */
int outcome_of_job(
    const struct act *act, const struct job *job, struct ha_buf *words);

/* It did not do what it should; opens the state's incident, or goes on. */
void outcome_failed(struct act *act, const struct item *item,
    struct state *state, const char *msg, const struct job *job);
/* It did; ends the state's incident. */
void outcome_succeeded(struct act *act, const struct item *item,
    struct state *state, const char *msg, const struct job *job);
/*
 * It can't be run by a fault of this machine.  There is no state to remember
 * an incident in: it is named after the record's, so that the same is told each
 * time.
 */
void outcome_impossible(
    struct act *act, const struct item *item, const struct ha_err *err);

#endif
