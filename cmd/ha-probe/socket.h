/* SPDX-License-Identifier: ISC */
/* socket - non-blocking sockets as the settings ask: -B, PROXY protocol. */
#ifndef SOCKET_H
#define SOCKET_H

#include "buf.h"
#include "resolve.h"
#include "target.h"

/*
 * A non-blocking, close-on-exec socket of type for address, bound to the
 * settings' source (an address or an interface), if one is set.  -1 with errno
 * set; a source that can't be used is EADDRNOTAVAIL, EAFNOSUPPORT or ENODEV.
 */
int socket_open(
    const struct address *address, int type, const struct settings *settings);
/* address with port filled in, for connect(2). */
void socket_address(
    const struct address *address, uint16_t port, struct address *out);
/*
 * "192.0.2.1:80", "[2001:db8::1]:80"; with port 0 "192.0.2.1", "2001:db8::1".
 * The caller frees it.
 */
char *socket_name(const struct address *address);
/*
 * The PROXY protocol header of a connected socket, version 1 or 2: in version 1
 * we are the client, in 2 the connection is LOCAL, a health check.  Source:
 * haproxy's proxy-protocol.txt, sections 2.1 and 2.2.
 */
void socket_add_proxy_header(struct ha_buf *send, int fd, int version);
/* Raise RLIMIT_NOFILE's soft limit; returns how many sockets may be open. */
size_t socket_budget(void);

#endif
