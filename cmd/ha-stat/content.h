/* SPDX-License-Identifier: ISC */
/*
 * content - read a file once: its digests, and lines that match.
 *
 * The whole file is read, however long; the deadline is the caller's.
 */
#ifndef HA_STAT_CONTENT_H
#define HA_STAT_CONTENT_H

#include <regex.h>
#include <stdint.h>

#define CONTENT_SHA256_SIZE 65
#define CONTENT_MD5_SIZE 33
/* A longer line is looked at in pieces of this. */
#define CONTENT_LINE_MAX 65536

struct content_wish {
	int sha256, md5;
	const regex_t *match, *nomatch; /* or NULL; compiled with REG_NOSUB */
};

/*
 * Plain memory, which a helper may share with who started it: read rises as it
 * goes on.  The digests are lower-case hexadecimal, "" for none.
 */
struct content {
	volatile uint64_t read; /* bytes so far */
	char sha256[CONTENT_SHA256_SIZE];
	char md5[CONTENT_MD5_SIZE];
	int has_match, has_nomatch;
};

/* Read fd to its end.  0, or an errno. */
int
content_read(int fd, const struct content_wish *wish, struct content *content);

#endif
