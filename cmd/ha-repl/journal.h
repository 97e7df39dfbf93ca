/* SPDX-License-Identifier: ISC */
/*
 * journal - what an act is about to do and how it is undone, on disk before it
 * is done, so that it can be finished or undone after a SIGKILL.
 *
 * HA_STATE_DIR/repl/NODE.journal, text, mode 0600: lines of three fields as
 * ha(7) has them, "set KEY VALUE" (act, node, the old settings, the goal, the
 * statements without their passwords: the files that hold those are named),
 * "step NAME TIME" when one begins and "done NAME TIME" once it was answered.
 * Nothing is on disk before the first step; each step, with all that was set
 * before it, is synced before the call returns.  There is one open journal a
 * node; it is removed when the act has ended either way.
 */
#ifndef REPL_JOURNAL_H
#define REPL_JOURNAL_H

#include <stddef.h>

#include "buf.h"
#include "err.h"

struct journal;

/* 1: an act that did not end left a journal; 0: there is none; -1. */
int journal_find(const char *node, struct ha_err *err);
/*
 * Begin one.  The node's lock is held until it is closed (EX_TEMPFAIL when
 * another holds it; EX_SOFTWARE, 70, when one is open: "run ha-repl recover
 * NODE").
 */
int journal_begin(struct journal **journal, const char *node, const char *act,
    struct ha_err *err);
/* Open the one that was left, locked, to recover; EX_NOINPUT: there is none. */
int
journal_open(struct journal **journal, const char *node, struct ha_err *err);
/*
 * A key and its value: "old.host", "goal.gtid".  Last one wins.  It is on disk
 * with the next step that begins or is done.
 */
void journal_set(struct journal *journal, const char *key, const char *value);
/* NULL: not set. */
const char *journal_get(const struct journal *journal, const char *key);
/* A step begins; was answered. */
int journal_step(struct journal *journal, const char *step, struct ha_err *err);
int journal_done(struct journal *journal, const char *step, struct ha_err *err);
int journal_is_begun(const struct journal *journal, const char *step);
int journal_is_done(const struct journal *journal, const char *step);
/* It has ended: the file is removed, durably, and the lock given back. */
int journal_end(struct journal *journal, struct ha_err *err);
/* Leave it as it is for recover. */
void journal_close(struct journal *journal);

#endif
