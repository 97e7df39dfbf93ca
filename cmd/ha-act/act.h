/* SPDX-License-Identifier: ISC */
/*
 * act - what ha-act has to do: the records that wait, the commands that run.
 */
#ifndef ACT_ACT_H
#define ACT_ACT_H

#include <stddef.h>

#include "err.h"
#include "item.h"
#include "job.h"
#include "options.h"
#include "pass.h"

/* A command that runs. */
struct run {
	struct run *next;
	struct job job;
	struct item *item; /* owned */
	int lock; /* held while it runs */
	size_t number; /* the how manyth in the window */
};

struct act {
	const struct options *options;
	struct pass pass;
	struct item *queue; /* one a check, besides its recoveries */
	struct run *runs;
	char *dir; /* HA_STATE_DIR/act/NAME; owned */
	int is_dir_made;
	int is_ending; /* by a signal: nothing is started any more */
	int status; /* to exit with: of the first thing that failed */
	int standby_said;
};

void act_init(struct act *act, const struct options *options);
void act_release(struct act *act);

/* Remember that something failed. */
void act_failed(struct act *act, int status);

/*
 * Queue what a record asks for.  line is without its LF.  EX_DATAERR: it is no
 * transition record, and asks for nothing.
 */
int act_take(struct act *act, const char *line, size_t len, struct ha_err *err);
/*
 * See to the commands that run, and start what can be started.  1 while
 * something waits or runs.
 */
int act_step(struct act *act);
/* End what runs, drop what waits, in words: a signal came. */
void act_end(struct act *act);

#endif
