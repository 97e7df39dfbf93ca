/* SPDX-License-Identifier: ISC */
/* scheme - the kinds of target: what stands before "://". */
#ifndef SCHEME_H
#define SCHEME_H

#include <stddef.h>
#include <stdint.h>

struct dialog;

/* Who does the probing. */
enum scheme_way {
	WAY_STREAM, /* stream.c: TCP, and a dialog over it */
	WAY_DATAGRAM, /* datagram.c: UDP, and a dialog over it */
	WAY_UNIX, /* stream.c: a stream socket of the file system */
	WAY_ICMP, /* icmp.c */
	WAY_WEB, /* web.c: what libcurl speaks, and everything with TLS */
};

struct scheme {
	const char *name;
	uint16_t port; /* when the URL has none; 0: it must have one */
	enum scheme_way way;
	int has_tls; /* TLS from the first byte */
	int can_starttls; /* "+starttls" may follow the name */
	int has_path; /* a path may follow the host */
	const struct dialog *dialog; /* of a stream or datagram, else NULL */
};

/* The scheme of that name of len bytes, in any case of letters, or NULL. */
const struct scheme *scheme_find(const char *name, size_t len);
/* The table, for messages and help; NULL behind the last. */
const struct scheme *scheme_at(size_t i);
/* HTTP, with TLS or without. */
int scheme_is_http(const struct scheme *scheme);

#endif
