/* SPDX-License-Identifier: ISC */
/*
 * db - a connection to MySQL or MariaDB, with a deadline on everything.
 *
 * libmariadb is loaded (dlopen(3)) at the first connection.  Each call waits at
 * most until its deadline, whatever the server does; a connection whose
 * deadline has passed is of no use any more.  One connection belongs to one
 * thread at a time; several threads may have one each.  Name resolution alone
 * may outlast a deadline (getaddrinfo(3)): who can't wait for that does it in a
 * thread that can be left behind (cmd/ha-repl, fleet.h).
 *
 * Source: MariaDB Connector/C, API reference; MySQL "Client/Server Protocol".
 */
#ifndef HA_DB_H
#define HA_DB_H

#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

#include "buf.h"
#include "err.h"

struct ha_db;

/* What it waits for; another thread may look (atomic). */
enum ha_db_step {
	HA_DB_AT_SYN, /* nothing answers */
	HA_DB_AT_GREETING, /* connected, no greeting */
	HA_DB_AT_LOGIN, /* TLS and login */
	HA_DB_AT_QUERY,
};

/*
 * Where to and as whom.  What is NULL or 0 comes from the defaults file or the
 * usual ones; strings are borrowed during ha_db_connect() only.
 */
struct ha_db_options {
	const char *host; /* name or address */
	const char *name; /* that the certificate has to bear; NULL: host */
	unsigned port;
	const char *socket; /* path; instead of host */
	const char *source; /* address to connect from */
	const char *defaults_file; /* my.cnf with [client]; NULL: those that
				      MySQL's own tools read, ~/.my.cnf last */
	const char *group; /* one more group of it, or NULL */
	const char *user, *password; /* instead of the file's */
	const char *insecure; /* a reason in words: go on without a verified
				 certificate to another machine; or NULL */
	int tls_if_asked; /* TLS only if the file names an authority, whoever
			     the peer is; else in clear, by ways to log in
			     that show nobody the password */
	const struct ha_buf *proxy_header; /* PROXY protocol; or NULL */
	int64_t deadline_ns; /* of connecting and logging in */
};

/* Never NULL; given back by ha_db_free(), which closes without waiting. */
struct ha_db *ha_db_new(void);
void ha_db_free(struct ha_db *db);

/*
 * Connect and log in.  To another machine (neither a socket nor an address of
 * loopback) only with TLS whose certificate bears the name, by the CA of the
 * file or the system's; else EX_NOPERM before a password is sent, unless the
 * defaults file says skip-ssl (ssl=0) or insecure is given.
 * caching_sha2_password takes verified TLS, a socket, loopback, or TLS and
 * insecure: else it would show the password to whoever answers.  -1: EX_UNAVAILABLE
 * (can't connect, refused, deadline), EX_NOPERM (as above; login refused),
 * EX_NOINPUT (the defaults file, or one that it names), EX_CONFIG (it is
 * readable by others while it holds a password, db-defaults.h), EX_OSERR (no
 * library, this machine).  No password is ever in a message.  Only a socket
 * whose queue is full is waited for up to a second beyond the deadline.
 */
int ha_db_connect(
    struct ha_db *db, const struct ha_db_options *options, struct ha_err *err);

/*
 * The number of the last error: the server's (1045), the library's (2003), or
 * 0.  An error that is this machine's own (no descriptor, no route, a file)
 * is_local.
 */
unsigned ha_db_error(const struct ha_db *db);
int ha_db_error_is_local(const struct ha_db *db);
/*
 * connect(2)'s errno, if that was it; *at_once: it returned it by itself, no
 * packet was heard.  Else 0.
 */
int ha_db_connect_errno(const struct ha_db *db, int *at_once);
enum ha_db_step ha_db_step(const struct ha_db *db);
/* The server's words for itself: "10.11.19-MariaDB-log"; "" before. */
const char *ha_db_version(const struct ha_db *db);
/* Its id for this connection, as KILL takes it. */
uint64_t ha_db_connection_id(const struct ha_db *db);
/* "TLSv1.3", and the cipher; "" without TLS. */
const char *ha_db_tls_version(const struct ha_db *db);
const char *ha_db_tls_cipher(const struct ha_db *db);
/* When the connection was there, and the first byte of the greeting; or 0. */
int64_t ha_db_connected_ns(const struct ha_db *db);
int64_t ha_db_greeted_ns(const struct ha_db *db);

/*
 * What one statement returned: rows, or an error.  Set up by HA_DB_RESULT_INIT;
 * a query clears what was in it.
 */
struct ha_db_result {
	size_t columns, rows;
	char **names; /* columns of them */
	char **cells; /* rows * columns; NULL is SQL's NULL; may hold NULs */
	unsigned error; /* the server's number; 0: it went well */
	char *words; /* the server's words for it; NULL if none */
	uint64_t affected; /* rows, for what returns none */
	char *text; /* what names and cells point into */
};
#define HA_DB_RESULT_INIT                                                      \
	{                                                                      \
		0, 0, NULL, NULL, 0, NULL, 0, NULL                             \
	}
void ha_db_result_release(struct ha_db_result *result);
/* A result holds at most so many bytes; one that is larger ends the connection. */
#define HA_DB_MAX_RESULT ((size_t)64 * 1024 * 1024)
/*
 * By the column's name, without regard to case: NULL for SQL's NULL, for a row
 * that is none, and when no column has the name.
 */
const char *
ha_db_get(const struct ha_db_result *result, size_t row, const char *name);
/* Is there such a column? */
int ha_db_has(const struct ha_db_result *result, const char *name);

/*
 * One statement.  -1: EX_UNAVAILABLE when the connection is gone or the
 * deadline passed, EX_DATAERR when the server refuses the statement (then
 * result->error), with the server's words, cleaned, in the message.  result
 * may be NULL.
 */
int ha_db_query(struct ha_db *db, const char *sql, int64_t deadline_ns,
    struct ha_db_result *result, struct ha_err *err);

/*
 * Several statements, in one round trip if none fails; one that the server
 * refuses doesn't keep the ones behind it from being executed.  Each is one
 * that returns one result: no CALL, no ';' between statements.  A statement
 * that is NULL is left out, its result empty.  -1 only when the connection is
 * gone or the deadline passed: then results behind that are empty, with error 0.
 */
int ha_db_batch(struct ha_db *db, const char *const *statements, size_t count,
    int64_t deadline_ns, struct ha_db_result *results, struct ha_err *err);

/*
 * Append a string literal with its quotes, right with and without
 * NO_BACKSLASH_ESCAPES only when the text has no backslash: a session that
 * writes has to set sql_mode='' first.  An identifier in backquotes.
 */
void ha_db_add_string(struct ha_buf *sql, const char *text);
void ha_db_add_name(struct ha_buf *sql, const char *name);

#endif
