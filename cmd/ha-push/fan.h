/* SPDX-License-Identifier: ISC */
/*
 * fan - several targets: a process each, and one that gives all of them what
 * comes on stdin.
 *
 * A child that doesn't take its records never holds up the others.  Up to 8 MiB
 * wait for it; then they are dropped for one R of the root.  Bare paths can't
 * be made up for, so there reading stops until it takes them.
 *
 * A child that a signal ended, or EX_OSERR, is started again, after a second
 * doubling to a minute, and compares everything.  Any other end is final.
 */
#ifndef PUSH_FAN_H
#define PUSH_FAN_H

#include <stdint.h>
#include <sys/types.h>

#include "targets.h"

struct fan_conf {
	const struct targets *targets;
	int all; /* stdin is not read */
	int paths; /* it is bare paths */
	int has_source; /* records need no header */
	int64_t give_up_ms; /* after the end of input, to be started again */
	/*
	 * What a child does, its part of the input on stdin; its exit status.
	 * parent is the process that feeds it, and SIGTERM tells that it died.
	 */
	int (*mirror)(size_t index, pid_t parent);
};

/* Until all have ended.  Returns 0, or the first status that is not 0. */
int fan_run(const struct fan_conf *conf);
/* One after the other, a line "#target" and its name before each; as above. */
int fan_dry_run(const struct fan_conf *conf);

#endif
