/* SPDX-License-Identifier: ISC */
/* sig - signals as bytes on a descriptor (signalfd(2)), not in handlers. */
#ifndef HA_SIG_H
#define HA_SIG_H

#include <sys/types.h>

#include "err.h"

/*
 * Block SIGTERM, SIGINT, SIGHUP, SIGUSR1 and SIGCHLD, ignore SIGPIPE, and give
 * a non-blocking descriptor that is readable when one of them came.  A signal
 * that was ignored when the process started (nohup's SIGHUP) stays ignored.
 * EX_OSERR.  Children get the defaults back through lib/run.
 */
int ha_sig_open(int *fd, struct ha_err *err);

/* The next pending signal's number, 0 when there is none. */
int ha_sig_next(int fd);
/* The same; *sender receives the process that sent it, 0 for the kernel. */
int ha_sig_next_from(int fd, pid_t *sender);

#endif
