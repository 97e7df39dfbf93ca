/* SPDX-License-Identifier: ISC */
/*
 * flavour - one dialect: the words for replication, and what they return.
 *
 * mariadb.c	MariaDB 10 and 11
 * mysql.c	MySQL from 8.4: only the new words
 * mysql-old.c	MySQL 5.6 to 8.0: the old words, which 8.0 still takes
 *
 * Which it is follows from VERSION() ("MariaDB" in it) and else from whether
 * the server takes the new words: a number is never compared.  Statements are
 * borrowed and end without a semicolon; what is NULL the flavour hasn't.
 */
#ifndef REPL_FLAVOUR_H
#define REPL_FLAVOUR_H

#include "buf.h"
#include "db.h"
#include "facts.h"

/* What to replicate from, for CHANGE MASTER. */
struct source {
	const char *channel; /* "" is the usual one */
	const char *host; /* NULL: leave as it is, as with all here */
	unsigned port; /* 0 */
	const char *user, *password;
	enum gtid_use gtid; /* GTID_USE_NO without file and host: leave */
	int is_demotion; /* MariaDB, slave_pos: MASTER_DEMOTE_TO_SLAVE, which
			    is unknown (1064) before 10.10: then current_pos */
	const char *file; /* with GTID_USE_NO */
	uint64_t at;
	int has_tls; /* 0, 1; -1: leave */
	int is_verified; /* 0, 1; -1: leave */
	const char *ca, *cert, *key;
	int gets_public_key; /* caching_sha2_password without TLS; 0, 1; -1:
				leave */
	const char *ignored_ids; /* "1,3"; "": none; NULL: leave */
	double heartbeat_period_s; /* the protocol's, 0: none; -1: leave */
	int64_t connect_retry_s, retry_count; /* -1: leave */
};

struct flavour {
	const char *name; /* "MariaDB", "MySQL" */
	enum gtid_kind gtid;
	/* What is read. */
	const char *show_channels; /* SHOW ALL SLAVES STATUS */
	const char *show_own; /* SHOW MASTER STATUS */
	const char *show_children; /* SHOW SLAVE HOSTS */
	const char *show_logs; /* SHOW BINARY LOGS */
	const char *received; /* a query for heard_ms by channel; or NULL */
	const char *failures; /* a query for what each worker failed of, the
				 latest first; or NULL */
	const char *gtids; /* SELECT ... of the sets, columns executed,
			      position, purged */
	const char *origins; /* SELECT name, origin, persisted; or NULL */
	const char *column_prefix; /* "Master_" or "Source_" in the columns */
	const char *log_updates; /* "log_slave_updates" */

	/* What is written. */
	const char *replica; /* "SLAVE", "REPLICA", as in START SLAVE */
	int names_channel_first; /* START SLAVE 'x'; else ... FOR CHANNEL 'x' */
	/* Appended to sql. */
	void (*change)(struct ha_buf *sql, const struct source *source,
	    const struct facts *facts);
};

extern const struct flavour flavour_mariadb, flavour_mysql, flavour_mysql_old;

/*
 * Of a server that says it is this version; for MySQL the newer one, which is
 * replaced by flavour_other() when its show_channels is refused with 1064.
 */
const struct flavour *flavour_of(const char *version);
/* The one to try instead; NULL: there is none. */
const struct flavour *flavour_other(const struct flavour *flavour);

enum flavour_verb {
	FLAVOUR_START,
	FLAVOUR_START_RECEIVER,
	FLAVOUR_START_APPLIER,
	FLAVOUR_STOP,
	FLAVOUR_STOP_RECEIVER,
	FLAVOUR_RESET, /* ... ALL: the channel goes */
};
/* "START SLAVE 'x' IO_THREAD" and so on; the channel is "" for the usual. */
void flavour_add(struct ha_buf *sql, const struct flavour *flavour,
    enum flavour_verb verb, const char *channel);

#endif
