/* SPDX-License-Identifier: ISC */
/* gate - a batch through the gate, and the state that it leaves behind. */
#ifndef GATE_GATE_H
#define GATE_GATE_H

#include <stdint.h>

#include "err.h"
#include "feed.h"
#include "rules.h"
#include "state.h"

struct gate {
	const char *name;
	const char *file; /* of the rules; NULL: none */
	struct rules *rules;
	const char *const *argv; /* COMMAND; NULL: to stdout */
	int64_t command_ms;
	int is_dry;
	int is_json;
};

/*
 * A gate's state, under its lock, from gate_open() until gate_close().  A file
 * that is damaged is set aside, and said so.
 */
struct gate_lock {
	char *path; /* the state's file */
	int fd; /* -1: only looked at */
	struct state state;
};

/*
 * EX_TEMPFAIL (held at deadline_ns still), EX_CANTCREAT, EX_NOPERM, EX_IOERR:
 * nothing is open then.
 */
int gate_open(struct gate_lock *lock, const char *name, int64_t deadline_ns,
    struct ha_err *err);
/* Without the lock, as the file is replaced whole; nothing can be written. */
int gate_look(struct gate_lock *lock, const char *name, struct ha_err *err);
void gate_close(struct gate_lock *lock);
/* Replace the file by what the state is now.  EX_CANTCREAT, EX_IOERR. */
int
gate_keep(const struct gate_lock *lock, const char *name, struct ha_err *err);

/*
 * Take a batch, and tell.  What is to be told is in the state's file before, as
 * owed, and is owed until it was told: a run that fails or dies in between has
 * the next one tell the same, to the letter, whatever has happened since.  0;
 * -1 when something is wrong that has been said: err's status is the exit
 * status.
 */
int gate_batch(
    const struct gate *gate, struct feed_batch *batch, struct ha_err *err);
/*
 * Nothing has come that can be read, for the reason in words: whoever was to
 * write could not even begin.  The sweeps of the producers that are known are
 * aborted; EX_DATAERR if none is.
 */
int gate_nothing_came(
    const struct gate *gate, const char *words, struct ha_err *err);

#endif
