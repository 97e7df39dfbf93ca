/* SPDX-License-Identifier: ISC */
/*
 * proc - which processes a proc check is about, found here or in a helper.
 *
 * What can be known without waiting is known in look(): the set is then found
 * already.  Where a command line, systemd or another machine's file has to be
 * asked, a helper finds it, and judge() goes on from there.
 */
#ifndef PROC_H
#define PROC_H

#include <regex.h>
#include <stddef.h>
#include <stdint.h>

#include "check.h"
#include "pidfile.h"
#include "proctable.h"
#include "unit.h"

enum proc_how { BY_PIDFILE, BY_EXE, BY_UNIT };

struct proc_member {
	struct process process;
	uint64_t pss; /* UINT64_MAX: not known */
};

/* A check's own data. */
struct proc_data {
	enum proc_how how;
	const char *exe; /* that a pidfile's process has to be; or NULL */
	const regex_t *match; /* or NULL */
	int with_children, wants_pss;

	pid_t self;
	int is_found; /* the set is; else the helper is to find it */
	struct pidfile pidfile;
	struct unit unit;
	char *absence; /* why there is none, in words; or NULL; owned */
	struct proc_member *members; /* owned; the pidfile's or unit's own
					process is the first */
	size_t count;
	double cpu; /* percent of one processor; NAN: not known */
};

/* A pass over /proc, of one of the two looks; all checks share it. */
struct proc_pass {
	struct proctable table;
	int64_t at_ns; /* CLOCK_BOOTTIME */
	int is_read;
};

/* The pass of look 1 or 2, made if it was not yet.  NULL: EX_OSERR. */
struct proc_pass *proc_pass_of(unsigned look, struct ha_err *err);
/* Whether or not it was made. */
const struct proc_pass *proc_pass_peek(unsigned look);
/* For single processes: /proc without a pass. */
struct proctable *proc_table(void);
void proc_release_passes(void);

/*
 * At the first look: find the set, or start the helper that is to.  0, or -1:
 * it can't be known.
 */
int proc_find(struct check *check, struct ha_err *err);
/* In judge(): take what the helper has found, if there was one. */
int proc_finish_find(struct check *check, struct ha_err *err);

#endif
