/* SPDX-License-Identifier: ISC */
/*
 * beat - the heartbeat's table, and one row written to it.
 *
 * The table is pt-heartbeat's: ts, server_id (the key), file, position,
 * relay_master_log_file, exec_master_log_pos.  ts is the writing server's own
 * clock, UTC, with microseconds (2026-01-31T23:59:59.123456).
 *
 * A row is written only while the server's read_only is off, which the same
 * statement asks, since an account with SUPER, READ ONLY ADMIN or
 * CONNECTION_ADMIN could write to a read-only server.  The events are rows
 * (binlog_format): then a statement that writes none leaves nothing in the
 * binary log, and a replica doesn't ask again, of itself.
 * Source: pt-heartbeat, --create-table; MySQL "Binary Logging Formats".
 */
#ifndef REPL_BEAT_H
#define REPL_BEAT_H

#include "buf.h"
#include "db.h"
#include "err.h"
#include "facts.h"
#include "flavour.h"

/* What one connection knows. */
struct beat_writer {
	struct ha_db *db; /* borrowed; connected */
	const char *database, *table; /* borrowed */
	const struct flavour *flavour;
	int64_t timeout_ms; /* of each round trip */
	char *denied; /* why no positions are written; NULL: they are */
};

enum beat_result {
	BEAT_FAILED, /* err */
	BEAT_WRITTEN,
	BEAT_READ_ONLY, /* nothing written, nothing in the binary log */
};

/*
 * Prepare the session: EX_NOPERM when it would write statements instead of
 * rows and may not change that; else as ha_db_batch().
 */
int beat_open(struct beat_writer *writer, struct ha_err *err);
void beat_close(struct beat_writer *writer);
/*
 * Read the positions and write the row; with sql (not NULL) append the
 * statement that would write it instead.  EX_CONFIG: there is no such table
 * (ha_db_error() 1146, 1049), EX_NOPERM: not allowed; EX_UNAVAILABLE.
 */
enum beat_result
beat_write(struct beat_writer *writer, struct ha_buf *sql, struct ha_err *err);
/*
 * Make the database and the table where they are missing; with sql append
 * what would.  BEAT_WRITTEN: it is there now.
 */
enum beat_result
beat_create(struct beat_writer *writer, struct ha_buf *sql, struct ha_err *err);
/* Is the last failure that the table is not there? */
int beat_is_missing(const struct beat_writer *writer);

/* The statement alone; positions may be without a file. */
void beat_add_sql(struct ha_buf *sql, const char *database, const char *table,
    const struct position *own, const struct position *executed);

#endif
