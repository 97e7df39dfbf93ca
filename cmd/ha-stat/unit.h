/* SPDX-License-Identifier: ISC */
/* unit - what systemd says of a unit.  systemctl(1), show. */
#ifndef UNIT_H
#define UNIT_H

#include <stdint.h>
#include <sys/types.h>

#define UNIT_WORD 32

struct unit {
	char load[UNIT_WORD]; /* loaded, not-found, masked, ... */
	char active[UNIT_WORD]; /* active, inactive, failed, ... */
	char sub[UNIT_WORD]; /* running, dead, auto-restart, ... */
	char result[UNIT_WORD]; /* success, exit-code, oom-kill, ... */
	pid_t main; /* 0: none */
	uint64_t restarts;
};

/* What unit_parse() reads: an option of systemctl. */
#define UNIT_PROPERTIES                                                        \
	"--property=LoadState,ActiveState,SubState,Result,MainPID,NRestarts"

/* May this be a unit's name, and no option or pattern? */
int unit_is_name(const char *name);
/*
 * "KEY=VALUE" lines; what is missing is "" and 0.  -1 when there is no
 * ActiveState.
 */
int unit_parse(const char *text, struct unit *unit);

#endif
