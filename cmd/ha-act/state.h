/* SPDX-License-Identifier: ISC */
/*
 * state - what is known of a check from one run of ha-act to the next: a text
 * file each in HA_STATE_DIR/act/NAME, replaced durably.
 *
 *	failing	CHECK	HOST	INCIDENT
 *	run	TIME
 *	ended	TIME
 *	tries	N
 *	gave-up
 *	incident	NAME	SINCE
 *
 * Fields are those of records; lines with other words are of later versions.
 */
#ifndef ACT_STATE_H
#define ACT_STATE_H

#include <stddef.h>

#include "buf.h"
#include "clock.h"
#include "err.h"
#include "policy.h"
#include "transition.h"

/* A check that is not well. */
struct state_failing {
	char *key; /* CHECK TAB HOST, escaped; owned */
	char *incident; /* its own; owned */
};

struct state {
	struct history history;
	struct state_failing *failing; /* owned */
	size_t failing_count;
	char incident[HA_TRANSITION_INCIDENT_SIZE]; /* "": none is open */
	char since[HA_CLOCK_RFC3339_SIZE];
};

void state_init(struct state *state);
void state_release(struct state *state);

/*
 * Note that the check is not well, in this incident; each stands there once.
 * 1: all had recovered meanwhile, which nobody said: it is alone there, and
 * this is another incident of it.
 */
int state_add_failing(struct state *state, const char *check, const char *host,
    const char *incident);
/* It is well.  Was it the last one there? */
int
state_remove_failing(struct state *state, const char *check, const char *host);

void state_encode(struct ha_buf *text, const struct state *state);
/* EX_DATAERR, with the line's number, when it is damaged. */
int state_decode(
    struct state *state, const char *text, size_t len, struct ha_err *err);

/*
 * Read a file into a state that was set up.  1; 0: there is none; -1: it can't
 * be read, or is damaged (EX_DATAERR).
 */
int state_read(struct state *state, const char *path, struct ha_err *err);
/* Replace the file, or remove it when nothing is left to be known. */
int
state_write(const struct state *state, const char *path, struct ha_err *err);

#endif
