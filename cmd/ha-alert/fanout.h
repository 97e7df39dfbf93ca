/* SPDX-License-Identifier: ISC */
/*
 * fanout - from new/ to the queue of each channel.
 */
#ifndef ALERT_FANOUT_H
#define ALERT_FANOUT_H

#include "channel.h"
#include "err.h"
#include "names.h"
#include "spool.h"

/*
 * Bring all of new/ to the queues of its channels: by names that a repetition
 * gives again, and synced before new/ID is removed.  A channel that alert.conf
 * doesn't have gets a queue, too: it may have it tomorrow.  What can't be read
 * moves to failed/.  queues gets the names of those that were put into, synced
 * or not.  EX_IOERR, EX_CANTCREAT: something stays in new/.
 */
int fanout(struct spool *spool, const struct channels *channels,
    struct names *queues, struct ha_err *err);

#endif
