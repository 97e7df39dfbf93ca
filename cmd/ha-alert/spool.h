/* SPDX-License-Identifier: ISC */
/*
 * spool - alerts on disk, from the moment that they are taken until they are
 * told.
 *
 * HA_STATE_DIR/alert, mode 0700:
 *
 *	tmp/		being written; what is older than a day is removed
 *	new/ID		taken: for which channels, and the alerts
 *	queue/CHANNEL/ID.N	alert N of it, to be told there: a link to the
 *			file that was new/ID
 *	queue/CHANNEL/ID.N+M	M entries that became one message
 *	queue/CHANNEL/.state	next attempt, rate, the last message's time
 *	queue/CHANNEL/.trying	the entry that is being sent
 *	queue/CHANNEL/.retry	somebody wants all of it tried at once
 *	queue/CHANNEL/.lock	flock(2) of whoever delivers there
 *	failed/CHANNEL/	given up, and beside each entry ENTRY.why
 *	failed/+new/	what was no file of ours in new/
 *	open/+check/	incidents of those that know of none (monit)
 *	open/+ended/	the last one of each, for a day
 *	open/CHANNEL/	those that a channel with min= has heard of
 *	reserve		1 MiB that is given up when the disk is full
 *
 * A file appears whole or not at all: tmp/, fsync(2), renameat2(2) with
 * RENAME_NOREPLACE, fsync of the directory.  It is text: "#ha-alert" with
 * key=value fields, the lines of alert.h, "#end" with n=.  Of several that
 * became one a "#member" line names each, and "#item" stands before the one or
 * two lines of an incident.
 */
#ifndef ALERT_SPOOL_H
#define ALERT_SPOOL_H

#include <stddef.h>
#include <stdint.h>

#include "alert.h"
#include "buf.h"
#include "err.h"

struct spool {
	int fd; /* the directory */
	char *path;
};

/* As many alerts as one file of new/ may hold. */
#define SPOOL_FILE_MAX 256
#define SPOOL_RESERVE (1024 * 1024)
#define SPOOL_GARBAGE "+new"
#define SPOOL_RETRY ".retry"
#define SPOOL_ENDED "+ended"
#define SPOOL_ID_SIZE 64

/*
 * Open HA_STATE_DIR/alert, making it and its directories where they are
 * missing.  EX_CANTCREAT, EX_NOPERM (it belongs to somebody else, or others may
 * write to it).
 */
int spool_open(struct spool *spool, struct ha_err *err);
/*
 * The same of one that is there already, and nothing is made: 1; 0 when there
 * is none.
 */
int spool_open_existing(struct spool *spool, struct ha_err *err);
void spool_close(struct spool *spool);

/* May a channel be called so: letters, digits, "._-", no "." first? */
int spool_is_name(const char *channel);

/*
 * Take alerts for channels: one chain of fsyncs for each SPOOL_FILE_MAX; when
 * it returns 0 a power cut can't lose them.  Nothing is locked, no network is
 * used.  EX_CANTCREAT, EX_IOERR (a full disk: after the reserve of 1 MiB is
 * used up).
 */
int spool_take(struct spool *spool, const char *const *channels,
    size_t channel_count, const struct alert *alerts, size_t count,
    struct ha_err *err);

/*
 * A file with this content appears in dir_fd under name: 0, also when there is
 * one already; -1: EX_CANTCREAT, EX_IOERR.  dir_fd is synced.
 */
int spool_put(struct spool *spool, int dir_fd, const char *name,
    const struct ha_buf *content, struct ha_err *err);

/* A directory below the spool, made if need be: a descriptor or -1. */
int spool_dir(struct spool *spool, const char *parent, const char *name,
    struct ha_err *err);
/* The same of one that is there; -1: errno. */
int
spool_open_dir(const struct spool *spool, const char *parent, const char *name);
/*
 * The names in a directory that begin with no ".", sorted by their bytes.  The
 * caller frees names by spool_free_names().
 */
int spool_names(int dir_fd, char ***names, size_t *count, struct ha_err *err);
void spool_free_names(char **names, size_t count);

/* So long that no two are the same, and in the order of time. */
void spool_make_id(char id[SPOOL_ID_SIZE]);
/* The wall clock's milliseconds that an ID begins with; -1: it is none. */
int64_t spool_id_ms(const char *name);

/* Make the reserve if there is none and the disk has room to spare. */
void spool_keep_reserve(struct spool *spool);
/* The disk is full: give the reserve up.  0: there was none. */
int spool_spend_reserve(struct spool *spool);
/*
 * Remove what was left in tmp/ more than a day ago, and the notes of what a
 * channel heard of when they are older than 90 days.
 */
void spool_clean(struct spool *spool);

#endif
