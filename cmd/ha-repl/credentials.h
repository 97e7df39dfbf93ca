/* SPDX-License-Identifier: ISC */
/*
 * credentials - user and password of the replication account, out of the
 * [client] group of a file as my.cnf is written, so that they never stand in
 * argv.
 *
 * Source: MySQL "Using Option Files".
 */
#ifndef REPL_CREDENTIALS_H
#define REPL_CREDENTIALS_H

#include "err.h"

struct credentials {
	char *user, *password; /* owned; NULL: not read */
};

/*
 * Read them; both must be there, the password may be empty.  credentials is one
 * that was set up ({0}).  EX_NOINPUT: can't be read; EX_CONFIG: its owner is
 * neither root nor this user, others may read or write it, or what is in it;
 * no byte of a value is in the message.
 */
int credentials_read(
    struct credentials *credentials, const char *path, struct ha_err *err);
/* Overwrites the password before it gives the memory back. */
void credentials_release(struct credentials *credentials);

#endif
