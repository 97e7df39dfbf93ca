/* SPDX-License-Identifier: ISC */
/*
 * fail - what can't be told: it moves to failed/, with the words why, and
 * somebody hears of it.
 */
#ifndef ALERT_FAIL_H
#define ALERT_FAIL_H

#include "alert.h"
#include "channel.h"
#include "err.h"
#include "spool.h"

#define FAIL_WHY ".why"

/*
 * Move an entry to failed/WHERE, NAME.why beside it.  Done twice it is as done
 * once.
 */
int fail_move(struct spool *spool, int from_fd, const char *name,
    const char *where, const char *why, struct ha_err *err);
/*
 * The same of a file that is none of ours, and a message about it to channel;
 * NULL: nobody is there to be told.
 */
int fail_garbage(struct spool *spool, int from_fd, const char *name,
    const char *where, const char *why, const char *channel,
    struct ha_err *err);
/*
 * Put what could not be told on channel into new/ again, for its fallback, if
 * it has one.
 */
int
fail_over(struct spool *spool, const struct channel *channel, const char *name,
    const struct alert_bundle *bundle, const char *why, struct ha_err *err);

#endif
