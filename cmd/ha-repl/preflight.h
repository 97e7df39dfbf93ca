/* SPDX-License-Identifier: ISC */
/*
 * preflight - would the replica find at the source what it needs, and would it
 * do harm?  Nothing is changed by asking.
 */
#ifndef REPL_PREFLIGHT_H
#define REPL_PREFLIGHT_H

#include "act.h"

/* Has the source TLS to offer? */
int preflight_source_has_tls(const struct act *act);

/*
 * Both are connected and were read, the replica first; act->goal is complete
 * but for a position that is known only later (file NULL).  -1: EX_CONFIG
 * (server_id, log_bin, gtid_mode, flavours), EX_NOPERM (what --force may
 * override says so), EX_UNAVAILABLE.  What is overridden is warned of and
 * logged.
 */
int preflight(struct act *act, struct ha_err *err);
/* The part of it that can be known before the replica has the data. */
int preflight_seed(struct act *act, struct ha_err *err);
/* Has this connection's server a table that a person made? */
int preflight_has_data(
    struct act *act, struct ha_db *db, int *has, struct ha_err *err);

/*
 * EX_NOPERM, unless --force is given, which is then logged: -1 or 0.  The
 * words end without a mention of --force.
 */
int preflight_refuse(const struct repl *repl, struct ha_err *err,
    const char *fmt, ...) __attribute__((format(printf, 3, 4)));

#endif
