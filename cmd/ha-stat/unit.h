/* SPDX-License-Identifier: ISC */
/* unit - what systemd says of a unit.  systemctl(1), show. */
#ifndef UNIT_H
#define UNIT_H

#include <stdint.h>
#include <sys/types.h>

#include "buf.h"
#include "err.h"

struct helper;

#define UNIT_WORD 32

struct unit {
	char load[UNIT_WORD]; /* loaded, not-found, masked, ... */
	char active[UNIT_WORD]; /* active, inactive, failed, ... */
	char sub[UNIT_WORD]; /* running, dead, auto-restart, ... */
	char result[UNIT_WORD]; /* success, exit-code, oom-kill, ... */
	pid_t main; /* 0: none */
	int has_restarts; /* else it is none that is started again */
	uint64_t restarts;
	uint64_t code; /* how the main process ended: 0 (did not), CLD_EXITED,
			  CLD_KILLED, CLD_DUMPED */
	uint64_t status; /* with which exit status, by which signal */
	char *group; /* below the mount of control groups; NULL: none; owned */
};

/* What unit_parse() reads: an option of systemctl. */
#define UNIT_PROPERTIES                                                        \
	"--property=LoadState,ActiveState,SubState,Result,MainPID,NRestarts,"  \
	"ExecMainCode,ExecMainStatus,ControlGroup"

/* May this be a unit's name, and no option or pattern? */
int unit_is_name(const char *name);
/*
 * "KEY=VALUE" lines; what is missing is "" and 0.  -1 when there is no
 * ActiveState.  To be released in either case.
 */
int unit_parse(const char *text, struct unit *unit);
void unit_release(struct unit *unit);
/*
 * Append its state in words: "failed (exit-code 1)", "active (running)",
 * "activating (auto-restart, signal KILL)".
 */
void unit_describe(const struct unit *unit, struct ha_buf *words);
/* systemctl gave no answer: EX_UNAVAILABLE with what it said.  -1. */
int unit_refuse(const struct helper *helper, struct ha_err *err);

#endif
