/* SPDX-License-Identifier: ISC */
/* command - give the transitions to the COMMAND behind "--". */
#ifndef GATE_COMMAND_H
#define GATE_COMMAND_H

#include <stdint.h>

#include "buf.h"
#include "err.h"

/*
 * Run argv with the records on its stdin, its stdout and stderr being ours.  0
 * when it ended with 0.  Otherwise -1, EX_TEMPFAIL: it could not be started,
 * ended with another status, or was ended, its whole process group, as it had
 * not ended at deadline_ns.
 */
int command_run(const char *const *argv, const struct ha_buf *records,
    int64_t deadline_ns, struct ha_err *err);

#endif
