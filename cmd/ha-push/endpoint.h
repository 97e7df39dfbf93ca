/* SPDX-License-Identifier: ISC */
/*
 * endpoint - the socket beside a status file, at which a running ha-push is
 * asked: FILE.sock, a stream socket of mode 0600.  FILE may be of any length:
 * what unix(7) has room for is a path through a descriptor.
 */
#ifndef PUSH_ENDPOINT_H
#define PUSH_ENDPOINT_H

#include "err.h"

/*
 * Listen beside status_file; *fd receives a non-blocking descriptor.  What a
 * dead process left is replaced.  EX_TEMPFAIL when a living one of this user or
 * of root listens there, EX_CANTCREAT otherwise.
 */
int endpoint_listen(const char *status_file, int *fd, struct ha_err *err);
/* Remove the socket's name. */
void endpoint_remove(const char *status_file);

/*
 * Connect to the process that keeps status_file; *fd receives a non-blocking
 * descriptor.  EX_TEMPFAIL when there is none, EX_NOPERM when it is another
 * user's and this one is not root.
 */
int endpoint_connect(const char *status_file, int *fd, struct ha_err *err);

/*
 * Is the other end, who connected or who listens, root's or this user's?
 * Source: unix(7), SO_PEERCRED.
 */
int endpoint_is_ours(int fd);

#endif
