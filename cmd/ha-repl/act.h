/* SPDX-License-Identifier: ISC */
/*
 * act - the steps by which a channel gets another source, each journaled before
 * it is done, and how they are undone: what point and recover share.
 *
 * receiver	stop the receiver, let the applier reach what was received
 * stop		stop both threads
 * change	CHANGE MASTER
 * start	start both threads
 * back		the old settings again, and the threads as they were
 */
#ifndef REPL_ACT_H
#define REPL_ACT_H

#include "credentials.h"
#include "db.h"
#include "facts.h"
#include "flavour.h"
#include "journal.h"
#include "repl.h"
#include "settings.h"

/* Between two looks. */
#define ACT_POLL_MS 50

struct act {
	const struct repl *repl;
	struct node *node, *source; /* owned; source may be NULL */
	struct facts_options options;
	struct ha_db *db, *source_db; /* owned; NULL: not connected */
	struct facts facts, source_facts; /* as they were read last */
	const char *channel; /* "": the usual one; borrowed */
	struct journal *journal; /* NULL: nothing is journaled (-n) */
	struct settings old, goal;
	struct credentials credentials, old_credentials; /* NULLs: they stay */
	int64_t deadline_ns;
};

void act_init(struct act *act, const struct repl *repl);
/* Closes the journal as it is, if it is open. */
void act_release(struct act *act);
/* The deadline of one statement now. */
int64_t act_statement_ns(const struct act *act);

/*
 * Connect to the node, so that no other ha-repl acts on it meanwhile
 * (GET_LOCK(), EX_TEMPFAIL), and read it.  -1: as ha_db_connect().
 */
int act_connect(struct act *act, struct ha_err *err);
int act_connect_source(struct act *act, struct ha_err *err);
/* Read the node, the source, once more. */
int act_look(struct act *act, struct ha_err *err);
int act_look_source(struct act *act, struct ha_err *err);
/* The channel as it was read last; NULL: there is none. */
const struct channel *act_channel(const struct act *act);

/*
 * The statements, for this channel alone; the change to the goal, and back,
 * with '***' for a password when is_shown.
 */
void act_add(struct ha_buf *sql, const struct act *act, enum flavour_verb verb);
void act_add_change(struct ha_buf *sql, const struct act *act, int is_shown);
void act_add_back(struct ha_buf *sql, const struct act *act, int is_shown);

/*
 * The steps.  -1: EX_TEMPFAIL (a deadline), EX_NOPERM (refused, a privilege),
 * EX_CONFIG (the server refuses the statement), EX_UNAVAILABLE (it is gone).
 */
/* Nothing received is left unapplied when it returns 0; forced: or as it is. */
int act_drain(struct act *act, struct ha_err *err);
int act_stop(struct act *act, struct ha_err *err);
int act_change(struct act *act, struct ha_err *err);
int act_start(struct act *act, struct ha_err *err);
/*
 * Undo whatever was done.  -1: EX_SOFTWARE, what is half done, when it can't.
 * Connects again if need be.
 */
int act_back(struct act *act, struct ha_err *err);
/*
 * Is something applied from the goal's source that going back would repeat, or
 * of which a channel that goes alone knows?
 */
int act_has_moved(const struct act *act);
/* Has it gone on from the goal's position, which would be repeated from there? */
int act_is_past_goal(const struct act *act);

/* The GTIDs that this channel's applier has come to; the caller releases it. */
void act_applied(const struct act *act, struct gtid_set *set);

/* verify.c: */
/*
 * Wait until both threads run, all that the source had when this began has
 * arrived, and something that it wrote or said after that: a row in the
 * heartbeat's table, which is written for that where it does no harm, else
 * anything behind, or the protocol's heartbeat.  -1 as soon as it is known that
 * it won't, with the cause.
 */
int act_verify(struct act *act, struct ha_err *err);
/* Why nothing will arrive, -1; 0: it still may. */
int act_find_failure(
    const struct act *act, const struct channel *channel, struct ha_err *err);

#endif
