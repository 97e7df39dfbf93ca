/* SPDX-License-Identifier: ISC */
/*
 * resolve - names to addresses, each name once, in threads.
 *
 * getaddrinfo(3) blocks for as long as the resolver likes: it runs in at most
 * 64 threads, started at the first name that is no address; the answer
 * comes through an eventfd(2) to the loop.  Answers live until the end, but for
 * this machine's own failures, of which a retry asks anew.
 */
#ifndef RESOLVE_H
#define RESOLVE_H

#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

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
	char words[160]; /* "no such name", "the resolver has no answer" */
};

/*
 * host as a numeric address ("192.0.2.1", "2001:db8::1", "fe80::1%eth0") of
 * family.  Returns 1; 0 when it is none, or of the other family.
 */
int address_parse(struct address *address, const char *host, int family);

/*
 * The addresses that the entries "HOST:ADDRESS[,ADDRESS]..." of list (NULL:
 * none) have for host, those of family.  addresses is zeroed; its list is the
 * caller's to free.  Returns 1 when there is such an entry, even if none of the
 * family is in it.
 */
int addresses_are_set(struct addresses *addresses, const char *const *list,
    const char *host, int family);

struct resolver *resolver_new(struct loop *loop);
/*
 * Threads that still wait for an answer are left to the end of the process,
 * which they don't delay.
 */
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
