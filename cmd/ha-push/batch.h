/* SPDX-License-Identifier: ISC */
/* batch - one round of work: what is dirty is looked at, and sent. */
#ifndef PUSH_BATCH_H
#define PUSH_BATCH_H

#include "err.h"
#include "push.h"

/*
 * Play the renames, then bring one batch of dirty paths to the peer.  0: the
 * round went through; paths that failed by themselves are in the dirty set with
 * their reason.  1: the same, but the peer's disk is full or read-only (err
 * says so).  -1: everything waits, and is still dirty: EX_UNAVAILABLE (the link
 * is lost, no rsync there), EX_IOERR (the peer's disk), EX_NOPERM (an empty
 * source against a peer that has files), EX_NOINPUT (the source is gone or
 * another directory), EX_TEMPFAIL (interrupted).
 */
int batch_round(struct push *push, struct ha_err *err);

/*
 * Start the run that the next round will need, if there is none and more may
 * come; context is the struct push.
 */
void batch_warm_up(void *context);

/*
 * What a round would do, as change records on stdout; changes nothing.  Takes
 * everything out of the dirty set.
 */
int batch_dry_run(struct push *push, struct ha_err *err);

#endif
