/* SPDX-License-Identifier: ISC */
/*
 * mend - what a person does with entries of the spool: try again, drop.
 *
 * Source: ha-alert(1), THE SPOOL.
 */
#ifndef ALERT_MEND_H
#define ALERT_MEND_H

#include <stddef.h>

#include "err.h"
#include "spool.h"

/*
 * Try these entries again at once, by the name that --list shows, on whatever
 * channel; "all": every one.  What waits in a channel's queue is tried with all
 * that waits there; what was given up begins anew, under another name.  Returns
 * how many there were (with is_dry_run: are), or -1: EX_IOERR, EX_CANTCREAT.
 */
long mend_retry(struct spool *spool, char *const *ids, size_t count,
    int is_dry_run, struct ha_err *err);

/* Remove the entries of this name; the reason goes to the system's log. */
long mend_drop(struct spool *spool, const char *id, const char *reason,
    int is_dry_run, struct ha_err *err);

#endif
