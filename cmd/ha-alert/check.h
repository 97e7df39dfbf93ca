/* SPDX-License-Identifier: ISC */
/*
 * check - is everybody told?  The age of the oldest alert that waits, as a
 * check.
 *
 * Source: ha-alert(1), THE SPOOL.
 */
#ifndef ALERT_CHECK_H
#define ALERT_CHECK_H

#include <stdint.h>

#include "err.h"
#include "status.h"

struct check {
	int64_t warn_ms, crit_ms;
	const char *format; /* of lib/sweep; or NULL */
	const char *config; /* alert.conf; NULL: the usual one */
	int is_quiet;
};

/*
 * Print the results, one a channel and one of new/ and alert.conf.  *worst is
 * the exit status.  -1: the spool can't be read.
 */
int check_queue(
    const struct check *check, enum ha_status_state *worst, struct ha_err *err);

#endif
