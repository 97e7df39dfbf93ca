/* SPDX-License-Identifier: ISC */
/*
 * run - start an argv, reap it, leave no child behind.
 *
 * A child starts with default signal actions, an empty signal mask and no
 * descriptors but those named; if this process dies it gets SIGTERM (prctl(2),
 * PR_SET_PDEATHSIG).  Nothing passes through a shell.
 */
#ifndef HA_RUN_H
#define HA_RUN_H

#include <stdint.h>
#include <sys/types.h>

#include "buf.h"
#include "err.h"

struct ha_run {
	const char *const
	    *argv; /* NULL-terminated; argv[0] is looked up in PATH */
	int in; /* the child's stdin; -1: /dev/null */
	int out; /* stdout; -1: /dev/null */
	int err; /* stderr; -1: this process's own */
	int keep; /* one more descriptor that stays open under its number; -1 */
	int cwd; /* directory descriptor to start in; -1: where we are */
	int own_group; /* lead a process group of its own, for kill(2) */
	const char *const
	    *env; /* "NAME=value" to add or replace, ended by NULL; or NULL */
};

#define HA_RUN_INIT                                                            \
	{                                                                      \
		.in = -1, .out = -1, .err = -1, .keep = -1, .cwd = -1          \
	}

/*
 * Start it.  *pid receives the child's id and *pidfd, if pidfd is not NULL, a
 * pidfd_open(2) descriptor that poll(2) finds readable once it has ended.
 * A command that can't be executed is found out here: EX_UNAVAILABLE with its
 * errno (ENOENT: not installed).  EX_OSERR otherwise.
 */
int ha_run_start(
    const struct ha_run *run, pid_t *pid, int *pidfd, struct ha_err *err);

/*
 * Reap the child.  Returns its exit status, or 128 + the signal that ended it,
 * as a shell would; 255 for what is no child.  Waits until deadline_ns, then
 * SIGTERM, a second, SIGKILL.
 */
int ha_run_reap(pid_t pid, int64_t deadline_ns);

/*
 * Run to the end and append its stdout to out, and, if errors is not NULL, its
 * stderr to errors (each at most 1 MiB, the rest is read and dropped); ends it
 * at deadline_ns, with own_group all of its group.  What a grandchild writes
 * later is not waited for.  *status is as from ha_run_reap().  run's in is
 * used, its out and err are not.  -1 only when it can't be started or watched.
 */
int ha_run_capture(const struct ha_run *run, int64_t deadline_ns,
    struct ha_buf *out, struct ha_buf *errors, int *status, struct ha_err *err);

#endif
