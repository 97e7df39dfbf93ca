/* SPDX-License-Identifier: ISC */
/*
 * ask - the commands to a keeper that runs: --status, --stop, --restart.
 */
#ifndef KEEP_ASK_H
#define KEEP_ASK_H

#include <stdint.h>

struct ask_conf {
	const char *format; /* of --status (sweep.h); or NULL */
	int is_quiet;
	int64_t total_ms; /* for all of it */
};

/*
 * Each is a keeper's name; none: all that there are.  The exit status of a
 * check; what can't be done ends the process with 3.
 */
int ask_status(const struct ask_conf *conf, char *const *names);

/*
 * Stop, or restart, each of these; words on stderr.  What a keeper left that was
 * killed is ended by ask_stop(), and a keeper that gave up forgotten.  0; else of the first one
 * that failed: 1 no such keeper runs, 69 it ended meanwhile, 70 a process can't be
 * ended, or a restart came into a stop, 75 not done in time, 77 another user's.
 */
int ask_stop(const struct ask_conf *conf, char *const *names);
int ask_restart(const struct ask_conf *conf, char *const *names);

#endif
