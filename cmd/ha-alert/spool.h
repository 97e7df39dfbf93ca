/* SPDX-License-Identifier: ISC */
/*
 * spool - alerts on disk, from the moment that they are taken until they are
 * told.
 *
 * HA_STATE_DIR/alert, mode 0700:
 *
 *	tmp/		being written; what is older than a day is removed
 *	new/ID		taken: for which channels, and the alerts
 *	queue/CHANNEL/ID	to be told there
 *	failed/CHANNEL/ID	given up, with the last words of the server
 *	open/		incidents of those that know of none (monit)
 *	queue/CHANNEL/.state	next attempt, rate, the last message's time
 *	queue/CHANNEL/.lock	flock(2) of whoever delivers there
 *
 * A file appears whole or not at all: tmp/, fsync(2), renameat2(2) with
 * RENAME_NOREPLACE, fsync of the directory.  It is text: "#ha-alert" with
 * key=value fields, the lines of alert.h, "#end" with n=.
 */
#ifndef ALERT_SPOOL_H
#define ALERT_SPOOL_H

#include <stddef.h>

#include "alert.h"
#include "err.h"

struct spool {
	int fd; /* the directory */
	char *path;
};

/*
 * Open HA_STATE_DIR/alert, making it and its directories where they are
 * missing.  EX_CANTCREAT, EX_NOPERM (it belongs to somebody else, or others may
 * write to it).
 */
int spool_open(struct spool *spool, struct ha_err *err);
void spool_close(struct spool *spool);

/*
 * Take alerts for channels: one file, one chain of fsyncs; when it returns 0 a
 * power cut can't lose them.  Nothing is locked, no network is used.
 * EX_CANTCREAT, EX_IOERR (a full disk: after the reserve of 1 MiB is used up).
 */
int spool_take(struct spool *spool, const char *const *channels,
    size_t channel_count, const struct alert *alerts, size_t count,
    struct ha_err *err);

#endif
