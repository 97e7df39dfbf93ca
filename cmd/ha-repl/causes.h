/* SPDX-License-Identifier: ISC */
/*
 * causes - what an error's number means for replication, in words, and the
 * command that would look closer.
 *
 * Source: MySQL "Server Error Message Reference", MariaDB "Error Codes".
 */
#ifndef REPL_CAUSES_H
#define REPL_CAUSES_H

#include <stddef.h>

struct cause {
	unsigned number;
	const char *part; /* NULL; or what the server's words must hold: 1236
			     has several causes */
	const char *meaning; /* "the source has purged what this one needs" */
	const char *look; /* "SHOW BINARY LOGS on the source"; or NULL.  SOURCE,
			     PORT and ACCOUNT stand for the channel's own */
};

/* NULL: the number is not known. */
const struct cause *cause_find(unsigned number, const char *words);

#endif
