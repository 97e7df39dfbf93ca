/* SPDX-License-Identifier: ISC */
/*
 * leftover - what a keeper left that was killed with SIGKILL together with its
 * guard: found by a mark in the environment that everything below it has.
 *
 * Source: proc(5), /proc/PID/environ, which shows what was there at the last
 * execve(2).
 */
#ifndef KEEP_LEFTOVER_H
#define KEEP_LEFTOVER_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "err.h"

#define LEFTOVER_MARK "HA_KEEP_ID"
#define LEFTOVER_ID_SIZE 33

/* A new id, at random, in hexadecimal: no two keepers have the same. */
void leftover_new_id(char id[LEFTOVER_ID_SIZE]);
/* Could it be one? */
int leftover_is_id(const char *id);

/*
 * Send sig (0: none, only count; else SIGCONT too) to each process that has
 * the mark with this id.  Returns how many there are; *first is one of them.
 */
size_t leftover_signal(const char *id, int sig, pid_t *first);

/*
 * End them: sig, and when grace_ms are over, or signal_fd (sig.h) becomes
 * readable, SIGKILL.  Returns when they are gone; -1 (EX_TEMPFAIL) when somebody
 * can't be ended.
 */
int leftover_end(const char *id, int sig, int64_t grace_ms, int signal_fd,
    struct ha_err *err);

#endif
