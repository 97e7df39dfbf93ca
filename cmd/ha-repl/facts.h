/* SPDX-License-Identifier: ISC */
/*
 * facts - what one server says of itself, read in one round of statements.
 *
 * Values that were not told are NULL, -1 or THREAD_UNKNOWN, never guessed.
 * All that is judged (check, lint, topology, show) is judged from this, so that
 * it can be tested without a server.
 */
#ifndef REPL_FACTS_H
#define REPL_FACTS_H

#include <stddef.h>
#include <stdint.h>

#include "db.h"
#include "err.h"
#include "gtid.h"
#include "node.h"

struct flavour;

enum thread_state {
	THREAD_UNKNOWN,
	THREAD_NO,
	THREAD_YES,
	THREAD_CONNECTING, /* the receiver only: and "Preparing" */
};

enum gtid_use {
	GTID_USE_NO, /* file and position */
	GTID_USE_AUTO, /* MySQL: auto-position */
	GTID_USE_SLAVE_POS, /* MariaDB's two */
	GTID_USE_CURRENT_POS,
};

struct position {
	char *file; /* owned; NULL: not known */
	uint64_t at;
};

struct channel {
	char *name; /* "" is the first and usually only one */
	char *source_host, *source_user;
	unsigned source_port;
	int64_t source_id; /* -1: never connected */
	char *source_uuid; /* MySQL's; or NULL */
	enum thread_state receiver, applier; /* IO and SQL thread */
	unsigned receiver_error, applier_error;
	char *receiver_words, *applier_words; /* "" if none */
	char *receiver_state, *applier_state; /* Slave_IO_State and so on */
	struct position read; /* in the source's log: received up to here */
	struct position executed; /* in the source's log: applied up to here */
	enum gtid_use gtid;
	struct gtid_set retrieved; /* MySQL: Retrieved; MariaDB: Gtid_IO_Pos */
	int64_t seconds_behind; /* Seconds_Behind_*; -1: NULL */
	int64_t delay_s; /* asked for (SQL_Delay) */
	int64_t heard_ms; /* since anything came, events or the protocol's
			     heartbeat; -1: the server can't tell */
	double heartbeat_period_s; /* the protocol's; -1 */
	char *filters; /* "Replicate_Do_DB=a Replicate_Ignore_Table=b"; "" */
	char *ignored_ids; /* "1, 3" */
	int is_tls, is_verified; /* Ssl_Allowed, Ssl_Verify_Server_Cert; -1 */
	const struct ha_db_result *row_of; /* the whole row, by name, in ... */
	size_t row; /* ... facts->status_rows */
};

/* A heartbeat row, as its writer left it and this server has it. */
struct beat {
	int64_t server_id; /* of its writer */
	int64_t written_us; /* microseconds since 1970, the writer's clock */
	struct position position; /* the writer's own binlog then; or NULL */
	struct position executed; /* relayed: the writer's source's; or NULL */
};

/* Who is connected as a replica, or registered (SHOW REPLICAS). */
struct child {
	int64_t server_id;
	char *host; /* "" when report_host is not set */
	unsigned port;
	char *uuid; /* or NULL */
};

struct facts {
	struct node *node; /* borrowed */
	const struct flavour *flavour; /* NULL: never connected */
	/* Why there is nothing, or not all; all else may be missing then. */
	int is_answered; /* it logged in and answered the round */
	unsigned error; /* MySQL's number; 0 */
	int is_local; /* the error is this machine's */
	struct ha_err why;
	enum ha_db_step step; /* how far it came, if it was too slow */

	char *version; /* VERSION() */
	int64_t asked_us, answered_us; /* our own clock, around the round */
	int64_t clock_us; /* the server's, UTC, in the middle of it */
	int64_t beats_us; /* the same as it read the beats; 0: clock_us */
	int64_t zone_s; /* its local time is so far ahead of UTC */
	double connect_ms, total_ms;
	struct ha_db_result variables, status; /* Variable_name, Value */
	struct ha_db_result status_rows; /* of all channels, as they came */
	int can_see_channels; /* else a privilege is missing, denied says */
	char *denied; /* "REPLICATION CLIENT" words of what was refused; "" */

	int64_t server_id; /* -1 */
	char *uuid; /* MySQL's server_uuid; or NULL */
	struct channel *channels;
	size_t channel_count;
	struct position own; /* SHOW MASTER STATUS; NULL: log_bin is off */
	char *log_filters; /* "Binlog_Do_DB=a Binlog_Ignore_DB=b"; "" */
	struct gtid_set executed; /* MySQL: gtid_executed; MariaDB: the binlog
				     state, or slave_pos with log_bin off */
	struct gtid_set position; /* MariaDB: gtid_current_pos; else executed */
	struct gtid_set purged; /* MySQL: gtid_purged */
	struct gtid_set applied; /* MariaDB: gtid_slave_pos, which its binary
				    log lacks with log_slave_updates off */
	struct beat *beats;
	size_t beat_count;
	struct child *children;
	size_t child_count;
	/* FACTS_ALL */
	struct ha_db_result origins; /* name, origin, persisted (its value) of
		what is not the server's default */
	struct ha_db_result tables; /* FACTS_TABLES_MAX at most of those without
		a primary key or without transactions: table_schema, table_name,
		engine, has_key, is_transactional ("0", "1") */
	struct ha_db_result events; /* likewise: enabled ones, event_schema,
		event_name */
	struct ha_db_result accounts; /* that may replicate: user, host,
		plugin */
};
#define FACTS_TABLES_MAX 100

/* Who gave a variable its value. */
enum origin {
	ORIGIN_UNKNOWN, /* not asked, or the server can't tell (MySQL 5.6) */
	ORIGIN_DEFAULT, /* the server itself */
	ORIGIN_FILE, /* my.cnf, or an option of the command line */
	ORIGIN_PERSISTED, /* SET PERSIST, before the start */
	ORIGIN_SET, /* SET GLOBAL or SET PERSIST since the start */
};

/* What to ask beyond the round that check needs. */
enum facts_depth {
	FACTS_CHECK, /* variables, status, channels, positions, heartbeats */
	FACTS_CHILDREN, /* and who replicates from it (topology) */
	FACTS_ALL, /* and what only lint asks: tables, filters, accounts */
};

struct facts_options {
	const char *defaults_file, *insecure; /* of the command; or NULL */
	const char *heartbeat_table; /* "ha.heartbeat": DATABASE.TABLE */
	enum facts_depth depth;
	int64_t deadline_ns;
};

/* Sets it up; nothing is asked. */
void facts_init(struct facts *facts, struct node *node);
void facts_release(struct facts *facts);
/*
 * Connect to facts->node, ask, disconnect.  What fails is in facts; returns
 * is_answered.
 */
int facts_read(struct facts *facts, const struct facts_options *options);
/* The same over a connection that stays open. */
int facts_read_from(
    struct facts *facts, struct ha_db *db, const struct facts_options *options);
/* Connect as facts_read() does, for who has more to say; -1 as ha_db_connect. */
int facts_connect(struct ha_db *db, const struct node *node,
    const struct facts_options *options, struct ha_err *err);

/* A variable's or a status' value; NULL: the server has none such. */
const char *facts_variable(const struct facts *facts, const char *name);
const char *facts_status(const struct facts *facts, const char *name);
/* Is it ON, 1, YES?  0: OFF and so on; -1: there is none such. */
int facts_is_on(const struct facts *facts, const char *name);
/* A number; -1: there is none such. */
int64_t facts_number(const struct facts *facts, const char *name);
enum origin facts_origin(const struct facts *facts, const char *name);
/*
 * The value that it will start with next time; NULL: not known, as what was
 * set since the start hides what my.cnf says.
 */
const char *facts_at_start(const struct facts *facts, const char *name);
/* May an ordinary account write?  read_only is off; -1: not known. */
int facts_is_writable(const struct facts *facts);
/*
 * By how much its clock was ahead of ours, give or take *around_us, half of the
 * time that the round took; 0: not known.
 */
int64_t facts_skew_us(const struct facts *facts, int64_t *around_us);
/* The channel called so (NULL: the only or the first one); NULL: none. */
const struct channel *
facts_channel(const struct facts *facts, const char *name);
/* Has its writer itself (NULL: not known) no newer row than this one? */
int facts_is_last_beat(const struct facts *writer, const struct beat *beat);
/*
 * Microseconds between the beat's writing and the server's clock when it was
 * asked; source is who wrote it, whose clock is compared with ours so that a
 * skew is taken out; NULL: the clocks are taken to be the same.  Below 0: it
 * was written in the future.
 */
int64_t facts_lag_us(const struct facts *facts, const struct beat *beat,
    const struct facts *source);

#endif
