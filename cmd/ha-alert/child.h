/* SPDX-License-Identifier: ISC */
/* child - run a command with a text on its stdin, and hear what it says. */
#ifndef ALERT_CHILD_H
#define ALERT_CHILD_H

#include <stddef.h>
#include <stdint.h>

#include "buf.h"
#include "err.h"

struct child {
	const char *const *argv; /* NULL-ended */
	const char *const *env; /* "NAME=value" to add, NULL-ended; or NULL */
	const void *text; /* of stdin */
	size_t len;
	int64_t deadline_ns; /* then it is ended, with what it started */
};

/*
 * Append to out what it wrote to stdout and to errors what it wrote to stderr,
 * at most 1 MiB each; *status is as from ha_run_reap().  EX_UNAVAILABLE: it
 * can't be started.
 */
int child_run(const struct child *child, struct ha_buf *out,
    struct ha_buf *errors, int *status, struct ha_err *err);

/*
 * From now on a SIGTERM, SIGINT or SIGHUP of this process ends the command that
 * runs, too, with what it started: it has a process group of its own.
 */
void child_ends_with_us(void);

/*
 * How it ended and its last words, for a person: "exit status 75: try later",
 * "signal 9 ...".  What it said on stderr counts before stdout.
 */
void child_words(struct ha_buf *words, int status, const struct ha_buf *out,
    const struct ha_buf *errors);

#endif
