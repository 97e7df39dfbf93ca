/* SPDX-License-Identifier: ISC */
/*
 * resolve - names to addresses, each name once, in threads.
 *
 * getaddrinfo(3) blocks for as long as the resolver likes: it runs in at most
 * 16 threads, started at the first name that is no address; the answer
 * comes through an eventfd(2) to the loop.  Answers live until the end.
 */
#ifndef RESOLVE_H
#define RESOLVE_H

#include <stddef.h>
#include <sys/socket.h>

#include "err.h"
#include "loop.h"

struct resolver;

struct address {
	struct sockaddr_storage sa; /* without a port */
	socklen_t len;
};

struct addresses {
	struct address *list; /* in the resolver's order (RFC 6724) */
	size_t count;
	/* When there is none: */
	int is_local; /* this machine's resolver is at fault: UNKNOWN */
	char words[160]; /* "no such name", "the resolver does not answer" */
};

int
resolver_new(struct resolver **resolver, struct loop *loop, struct ha_err *err);
/* Threads that still wait are left to the end of the process. */
void resolver_free(struct resolver *resolver);

/*
 * Ask for host in family (AF_UNSPEC...).  done() is called from the loop, or at
 * once when host is an address or known already; *addresses is the
 * resolver's.  Return value: 1 when done() was called at once, else 0.
 */
struct resolve_wait {
	void (*done)(
	    struct resolve_wait *wait, const struct addresses *addresses);
	struct resolve_wait *next; /* the resolver's */
	void *name; /* the resolver's; NULL when not waiting */
};
int resolver_ask(struct resolver *resolver, const char *host, int family,
    struct resolve_wait *wait);
/* No longer interested. */
void resolver_forget(struct resolver *resolver, struct resolve_wait *wait);

#endif
