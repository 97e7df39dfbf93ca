/* SPDX-License-Identifier: ISC */
/*
 * tell - deliver what is in the queue of one channel.
 *
 * Source: ha-alert(1), DELIVERY.
 */
#ifndef ALERT_TELL_H
#define ALERT_TELL_H

#include <stdint.h>

#include "channel.h"
#include "spool.h"

struct tell {
	struct spool *spool;
	const struct channels *channels;
	const char *name; /* the channel's; alert.conf may not have it */
	int64_t deadline_ns;
	int is_quiet; /* no word of what is tried again */
};

/*
 * Deliver until the queue is empty, nothing can be tried before the deadline,
 * or it has passed.  Returns an exit status: 0, also when another process is
 * at it; EX_TEMPFAIL when that has been so for minutes; what the spool's errors
 * are.
 */
int tell_run(const struct tell *tell);

#endif
