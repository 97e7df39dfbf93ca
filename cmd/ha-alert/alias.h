/* SPDX-License-Identifier: ISC */
/*
 * alias - names of alert.conf that stand for several channels.
 */
#ifndef ALERT_ALIAS_H
#define ALERT_ALIAS_H

#include "channel.h"
#include "names.h"
#include "spool.h"

/* Add the channels of an alias, or the name itself if it is none. */
void alias_expand(
    struct names *names, const struct channels *channels, const char *name);
/*
 * What was queued for a channel of that name, before it became an alias, goes
 * to the queues of its channels.  What can't is warned of and stays.
 */
void alias_move(struct spool *spool, const struct channels *channels);

#endif
