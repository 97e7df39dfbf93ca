/* SPDX-License-Identifier: ISC */
/*
 * flush - deliver what is in the spool: a process a channel, so that one that
 * hangs holds up no other.
 */
#ifndef ALERT_FLUSH_H
#define ALERT_FLUSH_H

#include <stddef.h>
#include <stdint.h>

#include "channel.h"
#include "spool.h"

struct flush {
	struct spool *spool;
	const struct channels *channels;
	const char *const *wanted; /* only these and their aliases' members */
	size_t wanted_count; /* 0: all */
	int64_t deadline_ns;
	int is_quiet;
};

/*
 * Deliver until all is told, nothing can be tried before the deadline, or it
 * has passed.  That something could not be told is no error.  Returns an exit
 * status.
 */
int flush_run(const struct flush *flush);

#endif
