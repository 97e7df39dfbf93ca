/* SPDX-License-Identifier: ISC */
/*
 * map - where a replica that stands still is in the binary log of the server
 * that writes, found through that server's heartbeat rows.
 *
 * The row that the replica has last was written by the source at a position
 * that it names; behind it in the source's log come the row's own transaction
 * and as many more as the replica's log has behind that row.  Servers' ids of
 * those have to agree one by one, else nothing is found.
 * Source: MySQL "SHOW BINLOG EVENTS Statement".
 */
#ifndef REPL_MAP_H
#define REPL_MAP_H

#include <stddef.h>

#include "act.h"
#include "db.h"

/* One transaction of a binary log. */
struct map_commit {
	uint64_t end; /* the position behind it */
	int64_t server_id; /* who wrote it first */
	int is_beat; /* it changes the heartbeat's table */
};

/*
 * The transactions of SHOW BINLOG EVENTS that are whole; table is
 * "DATABASE.TABLE".  Where the log goes on in another file, the last one is
 * nobody's (server_id -1), as it is not known what follows.  The caller frees *commits.  Returns their number.
 */
size_t map_commits(const struct ha_db_result *events, const char *table,
    struct map_commit **commits);
/*
 * Which of source's, whose first beat is the replica's last one, is the last
 * that replica has; replica_count is 0 where it has no log of its own.  -1: not
 * to be told, *why says it.
 */
int map_match(const struct map_commit *source, size_t source_count,
    const struct map_commit *replica, size_t replica_count, int64_t writer,
    size_t *last, const char **why);

/* Has the replica a row of the source?  -1: EX_NOPERM. */
int map_is_possible(const struct act *act, struct ha_err *err);
/*
 * Set act->goal.file and at.  -1: EX_NOPERM, with the reason.
 */
int map_position(struct act *act, struct ha_err *err);

#endif
