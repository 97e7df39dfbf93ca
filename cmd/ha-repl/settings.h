/* SPDX-License-Identifier: ISC */
/*
 * settings - what a channel replicates from and how: as it is, as it is
 * wanted, in the journal, and for the flavour's CHANGE statement.
 *
 * The password is in none of them: credentials.h.
 */
#ifndef REPL_SETTINGS_H
#define REPL_SETTINGS_H

#include "facts.h"
#include "flavour.h"
#include "journal.h"

/* All strings are owned; NULL and -1: not known, or to be left as it is. */
struct settings {
	int is_there; /* there is such a channel */
	char *host;
	unsigned port;
	char *user;
	enum gtid_use gtid;
	int is_demotion;
	char *file; /* GTID_USE_NO: where to go on */
	uint64_t at;
	int has_tls, is_verified;
	char *ca, *cert, *key;
	int gets_public_key;
	char *ignored_ids; /* "1,3"; "": none */
	double heartbeat_period_s; /* 0: none; -1 */
	int64_t connect_retry_s, retry_count;
	int receiver_runs, applier_runs;
	int is_connected; /* the receiver has a connection */
	char *applied; /* the GTIDs that were applied: gtid_slave_pos,
			  gtid_executed; "" */
};

void settings_init(struct settings *settings);
void settings_release(struct settings *settings);
/* Of a channel as it was read; NULL: there is none. */
void settings_read(struct settings *settings, const struct facts *facts,
    const struct channel *channel);
/* As pairs "old.host" and so on, prefix being "old". */
void settings_save(const struct settings *settings, struct journal *journal,
    const char *prefix);
/* EX_CONFIG when the journal has no such. */
int settings_load(struct settings *settings, const struct journal *journal,
    const char *prefix, struct ha_err *err);
/* The same source, user and way?  Not the position. */
int settings_equal(const struct settings *a, const struct settings *b);
/*
 * What CHANGE has to name to get from now to goal; user and password NULL:
 * those that are set stay.  All is borrowed.
 */
void settings_source(struct source *source, const char *channel,
    const struct settings *now, const struct settings *goal, const char *user,
    const char *password);

#endif
