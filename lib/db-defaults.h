/* SPDX-License-Identifier: ISC */
/*
 * db-defaults - MySQL's option files (my.cnf), what a client needs of them.
 *
 * Groups [client], [client-server], [client-mariadb] and one more; !include and
 * !includedir; a later line wins.  A line means what it means to
 * my_print_defaults(1): an unquoted '#' begins a comment in a value, too.
 * Options that are not named here are none of ours and skipped.  Login paths
 * (.mylogin.cnf) are not read: they are encrypted with a key that stands beside
 * them, and libmariadb knows none.
 *
 * Source: MySQL Reference Manual, "Using Option Files"; MariaDB, "Configuring
 * MariaDB with Option Files".
 */
#ifndef HA_DB_DEFAULTS_H
#define HA_DB_DEFAULTS_H

#include "err.h"

/* What was not said is NULL or 0; all strings are owned. */
struct ha_db_defaults {
	char *host, *user, *password, *socket;
	char *source; /* bind-address */
	unsigned port;
	int is_tcp; /* protocol=tcp */
	int tls; /* 1: asked for; -1: skip-ssl, ssl=0, ssl-mode=disabled */
	char *ssl_ca, *ssl_capath, *ssl_cert, *ssl_key;
	char *ssl_crl, *ssl_crlpath, *ssl_cipher, *tls_version;
};

/*
 * Read a file, or those that MySQL's own tools read when file is NULL:
 * /etc/my.cnf, /etc/mysql/my.cnf, my.cnf in $MARIADB_HOME or $MYSQL_HOME,
 * ~/.my.cnf; of these one that is missing or can't be read is passed over.
 * group may be NULL.  -1: EX_NOINPUT (the file, or one that it names, can't be
 * read), EX_CONFIG (it holds a password and others may read it, others may
 * write to it, it is no option file).  Release it in any case.
 */
int ha_db_defaults_read(struct ha_db_defaults *defaults, const char *file,
    const char *group, struct ha_err *err);
void ha_db_defaults_release(struct ha_db_defaults *defaults);

#endif
