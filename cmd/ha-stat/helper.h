/* SPDX-License-Identifier: ISC */
/*
 * helper - a child for what may never return: a call on a file system that
 * does not answer, somebody else's program.
 *
 * At its deadline it is killed, its whole process group, and waited for a
 * moment; what one that ends by itself leaves in its group is killed, too.  One that can't die (state D) is left: it holds the lock of its key
 * in HA_RUN_DIR until the kernel lets it go, and as long as that is held no
 * further one is started for the same key; this is known at once.
 */
#ifndef HELPER_H
#define HELPER_H

#include <stdint.h>
#include <sys/types.h>

#include "buf.h"
#include "err.h"

struct helper;

struct helper_task {
	/*
	 * What may hang ("/mnt/nfs"), one at a time; NULL: nothing to hold.  A
	 * bounded wait for another run's helper of the same key that is merely
	 * busy is part of the task.
	 */
	const char *key;
	/*
	 * Called in the child.  What it appends to answer is what the parent
	 * gets, its return value the status (0 to 255).  It writes to no
	 * descriptor, and its memory is gone afterwards.
	 */
	int (*work)(const void *argument, struct ha_buf *answer);
	const void *argument;
	/* Instead of work: a program.  Its stdout is the answer. */
	const char *const *argv;
	int64_t deadline_ns; /* CLOCK_MONOTONIC */
};

enum helper_state {
	HELPER_BUSY, /* poll(2) helper_fd(), until its deadline */
	HELPER_DONE, /* ended: helper_status(), helper_answer() */
	HELPER_LATE, /* the deadline passed: killed */
	HELPER_STUCK, /* an earlier one still holds the key: not started */
	HELPER_FAILED, /* it couldn't be started or watched: helper_err() */
};

/* Start it; never NULL: a failure is a state. */
struct helper *helper_start(const struct helper_task *task);
/*
 * Read what came, see whether it ended or is late; never waits longer than
 * the moment it takes to bury a killed one.
 */
enum helper_state helper_step(struct helper *helper);
/* Readable when helper_step() has something to do; -1: nothing to wait for. */
int helper_fd(const struct helper *helper);
int64_t helper_deadline_ns(const struct helper *helper);

/* At most 64 KiB, the rest was dropped; borrowed until helper_free(). */
const struct ha_buf *helper_answer(const struct helper *helper);
/* The same of a program's stderr. */
const struct ha_buf *helper_errors(const struct helper *helper);
/* As ha_run_reap() gives it: 128 + N for a signal. */
int helper_status(const struct helper *helper);
/* The signal that ended it, or 0: a program may itself exit with 128 + N. */
int helper_signal(const struct helper *helper);
const struct ha_err *helper_err(const struct helper *helper);
/* HELPER_STUCK: for how long the earlier one is stuck, in milliseconds. */
int64_t helper_stuck_ms(const struct helper *helper);
/* Its process id. */
pid_t helper_stuck_pid(const struct helper *helper);
/* Ends it if it has not; NULL is none. */
void helper_free(struct helper *helper);

/* Kill all that are there, with their groups.  signal-safety(7). */
void helper_end_all(void);

#endif
