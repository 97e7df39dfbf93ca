/* SPDX-License-Identifier: ISC */
/*
 * wait - the one place where ha-push waits.
 *
 * Work on the peer is written as straight code; whatever it has to wait for,
 * it waits for here, and meanwhile records are read from stdin into the dirty
 * set, signals are noted and due status records are written.
 */
#ifndef PUSH_WAIT_H
#define PUSH_WAIT_H

#include <poll.h>
#include <stdint.h>

/*
 * poll(2) for fds until deadline_ns (lib/clock.h).  Returns the number of
 * fds with revents; 0 when the deadline passed or when something else happened
 * that the caller of this moment may care about (new input, a signal): callers
 * loop on their own condition and deadline.
 * Returns -1 when the process is to stop at once (a second SIGTERM): the
 * caller gives up with EX_TEMPFAIL and "interrupted".
 */
int wait_poll(struct pollfd *fds, nfds_t count, int64_t deadline_ns);

#endif
