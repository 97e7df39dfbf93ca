/* SPDX-License-Identifier: ISC */
/*
 * gtid - sets of global transaction ids, MySQL's and MariaDB's.
 *
 * MySQL: "uuid:1-5:7,\nuuid:tag:1-3": intervals a uuid and tag.  MariaDB:
 * "0-1-100,1-2-7": for each domain (and, in a binlog state, each server in it)
 * the last sequence number; everything up to it counts as present.
 * Source: MySQL "GTID Format and Storage" (tags: 8.4); MariaDB "Global
 * Transaction ID".
 */
#ifndef REPL_GTID_H
#define REPL_GTID_H

#include <stddef.h>
#include <stdint.h>

#include "buf.h"
#include "err.h"

enum gtid_kind { GTID_MYSQL, GTID_MARIADB };

struct gtid_range {
	char *origin; /* MySQL: "uuid" or "uuid:tag", lower case; MariaDB: "" */
	uint32_t domain, server; /* MariaDB's */
	uint64_t first, last; /* MariaDB: first is 1 */
};

/* Sorted, no two overlap or touch; {0} is the empty set. */
struct gtid_set {
	enum gtid_kind kind;
	struct gtid_range *ranges; /* owned */
	size_t count;
};

void gtid_release(struct gtid_set *set);
/*
 * Parse text ("" or NULL: empty) as SHOW and variables have it, with blanks and
 * line ends anywhere between items.  Where a MariaDB server is named twice the
 * higher number counts; the number 0 is none.  set is one that was set up or
 * {0}.  EX_DATAERR, with the column, set empty.
 */
int gtid_parse(struct gtid_set *set, enum gtid_kind kind, const char *text,
    struct ha_err *err);
/*
 * Append in the server's own words, "," between items; "" for none.  What
 * gtid_subtract() leaves of a MariaDB server's, for which it has no words, is
 * "0-1-7..9", or "0-1-7" for one.
 */
void gtid_add_text(struct ha_buf *text, const struct gtid_set *set);
int gtid_equal(const struct gtid_set *a, const struct gtid_set *b);
int gtid_is_empty(const struct gtid_set *set);

/*
 * *left becomes a without b.  MySQL: GTID_SUBTRACT().  MariaDB: for each
 * (domain, server) of a what lies above the sequence number that b has for that
 * same (domain, server), as is right between two binlog states: what a server
 * wrote and b never saw.  left is one that was set up or {0}, neither a nor b;
 * two flavours have nothing in common.
 */
void gtid_subtract(
    const struct gtid_set *a, const struct gtid_set *b, struct gtid_set *left);
/* *set becomes that without b, in the same sense. */
void gtid_remove(struct gtid_set *set, const struct gtid_set *b);
/*
 * Has somebody at position b everything of a?  MySQL: GTID_SUBSET(a, b).
 * MariaDB: in every domain of a, b's last number (of any server) is as high.
 */
int gtid_contains(const struct gtid_set *b, const struct gtid_set *a);
/*
 * How many transactions; MariaDB: of what gtid_subtract() gave.  UINT64_MAX: as
 * many, or more.
 */
uint64_t gtid_count(const struct gtid_set *set);

#endif
