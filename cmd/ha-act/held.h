/* SPDX-License-Identifier: ISC */
/*
 * held - the state of a check or service, locked, read, and perhaps written.
 *
 * All is in HA_STATE_DIR/act/NAME: KEY is a state, "KEY~lock" is held while the
 * command runs, "~lock" while a state is changed.
 */
#ifndef ACT_HELD_H
#define ACT_HELD_H

#include "err.h"
#include "state.h"

struct held {
	struct state state;
	char *path; /* owned */
	int lock; /* -1: not locked */
};

/*
 * Make the directory, and clear it of what a crash left half written.
 * EX_CANTCREAT, EX_TEMPFAIL.
 */
int held_make_dir(const char *dir, struct ha_err *err);
/*
 * The lock to run the command under.  EX_TEMPFAIL: somebody else has it, and
 * is named.
 */
int held_take_run_lock(
    const char *dir, const char *key, int *fd, struct ha_err *err);

/* Is there a state? */
int held_exists(const char *dir, const char *key);
/*
 * Read a state, an empty one if there is none; under the lock if is_locked,
 * and then one that is damaged is set aside, which is said.  EX_CANTCREAT,
 * EX_IOERR, EX_TEMPFAIL.
 */
int held_open(struct held *held, const char *dir, const char *key,
    int is_locked, struct ha_err *err);
/* Write it durably. */
int held_write(struct held *held, struct ha_err *err);
void held_release(struct held *held);

#endif
