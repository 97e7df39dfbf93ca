/* SPDX-License-Identifier: ISC */
/*
 * keep - what the options say, for everybody; and how a keeper is made.
 *
 * Two processes keep one command.  The one that was called, the front, holds
 * the service manager's and the terminal's end: it passes signals down and
 * messages up.  The keeper below it starts the command and does all the rest.
 * Both are subreapers, so when either is killed the other one has, or gets, all
 * that is below, and ends it.
 */
#ifndef KEEP_KEEP_H
#define KEEP_KEEP_H

#include <stddef.h>
#include <stdint.h>

#include "notify.h"

/* env(1)'s, for a wrapper's own failures. */
enum {
	KEEP_FAILED = 125,
	KEEP_CANT_EXEC = 126,
	KEEP_NOT_FOUND = 127,
};

struct keep_conf {
	const char *name;
	const char *const *argv; /* NULL-terminated */
	char *dir; /* HA_RUN_DIR/keep */
	const char *records; /* a file, "-"; or NULL */
	int64_t backoff_ms, backoff_max_ms, healthy_ms, grace_ms;
	int64_t window_ms; /* of the limit */
	size_t limit; /* 0: none */
	int stop_signal;
	unsigned char is_done[256]; /* statuses that are no failure */
};

/* Keep the command, until the end; the exit status.  The lock is held. */
int front_run(const struct keep_conf *conf);

/* The same in the keeper, a child of the process front, with its own session. */
int keeper_run(const struct keep_conf *conf, struct notify notify, long front);

/*
 * Give back what only the start needed of the programs and libraries that are
 * mapped: it is read again from the page cache when it is.  Two small processes
 * stay for years.
 */
void keep_slim(void);

/*
 * signalfd(2) for all that sig.h has and SIGUSR2.  EX_OSERR.
 */
struct ha_err;
int keep_open_signals(int *fd, struct ha_err *err);

#endif
