/* SPDX-License-Identifier: ISC */
/*
 * notify - what a service manager is told.  Source: sd_notify(3),
 * sd_watchdog_enabled(3); datagrams to the socket that NOTIFY_SOCKET names.
 *
 * The manager listens to the process that it started; so the keeper below it
 * gives its messages to that one, over a socket pair.
 */
#ifndef KEEP_NOTIFY_H
#define KEEP_NOTIFY_H

#include <stdint.h>

#include "err.h"

struct notify {
	int fd; /* for notify_send(); -1: nobody wants to know */
	int64_t watchdog_ms; /* how often a sign of life is due; 0: never */
};

/*
 * The first process: look at the environment, and take out of it what is not
 * for the command.  *relay_fd receives its end of the pair; -1: no manager.
 * EX_OSERR; EX_USAGE for an address that is none.
 */
int notify_open(struct notify *notify, int *relay_fd, struct ha_err *err);

/* The keeper: tell it, "READY=1" and so on; never waits. */
void notify_send(const struct notify *notify, const char *text);

/* The first process: pass on what there is; never waits. */
void notify_relay(int relay_fd);

#endif
