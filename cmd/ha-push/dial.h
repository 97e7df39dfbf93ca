/* SPDX-License-Identifier: ISC */
/*
 * dial - a byte stream to a host's sshd: over TCP, or through a proxy.
 *
 * All waiting is in wait_poll(); names are looked up in a child, because
 * getaddrinfo(3) can block for as long as it likes.
 */
#ifndef PUSH_DIAL_H
#define PUSH_DIAL_H

#include <stdint.h>
#include <sys/types.h>

#include "err.h"
#include "sshconf.h"

struct dial {
	int fd; /* non-blocking; -1 when there is none */
	pid_t proxy; /* the ProxyCommand's or ProxyJump's process; 0: none */
};

#define DIAL_INIT                                                              \
	{                                                                      \
		.fd = -1                                                       \
	}

/*
 * What a link that is cut has taken must not arrive long after: the peer may
 * have become the active node meanwhile.  So the kernel gives bytes up that
 * nobody acknowledges for so long, those of a closed socket too.  Source:
 * tcp(7), TCP_USER_TIMEOUT.
 */
#define DIAL_UNHEARD_MS 10000
void dial_bound(int fd);

/*
 * Connect, trying each address in turn; timeout_ms is for the look-up and for
 * each address.  EX_UNAVAILABLE when the host is unknown, refuses, can't be
 * reached or does not answer; EX_TEMPFAIL when interrupted; EX_CONFIG.
 */
int dial_open(struct dial *dial, const struct sshconf *conf, int64_t timeout_ms,
    struct ha_err *err);
/* Close it; the proxy is ended and reaped. */
void dial_close(struct dial *dial);

#endif
