/* SPDX-License-Identifier: ISC */
/*
 * url - the parts of an absolute http or https URL that we did not write: where
 * a redirect leads, and a proxy's.
 */
#ifndef URL_H
#define URL_H

#include <stdint.h>

struct url {
	int is_https;
	int has_user; /* "USER[:PASSWORD]@" stands before the host */
	int has_port; /* it is said; otherwise port is the usual one */
	char *host; /* without brackets, in small letters; owned */
	uint16_t port;
	const char *rest; /* of the text: its path, query, or "" */
};

/* Returns 0, or -1 when text is no such URL; then nothing is to be released. */
int url_split(struct url *url, const char *text);
void url_release(struct url *url);
/* Do both lead to the same server, spoken to in the same way? */
int url_is_same_origin(const struct url *a, const struct url *b);

#endif
