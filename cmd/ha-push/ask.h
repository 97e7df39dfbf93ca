/* SPDX-License-Identifier: ISC */
/*
 * ask - the client's side: --sync, --check, --explain and --release ask a
 * running ha-push, or read what it wrote.  Nothing here needs a peer, a lock
 * or a login.
 */
#ifndef PUSH_ASK_H
#define PUSH_ASK_H

#include <stdint.h>

#include "match.h"

struct ask {
	/* At most one of these is the question; each the option's argument. */
	const char *sync, *check, *explain, *release;
	const char *reason; /* --reason, or NULL */
	int64_t timeout_ms; /* -T; negative: not given */
	int64_t warn_ms, crit_ms; /* -w and -c; negative: not given */
	const char *format; /* -F, or NULL */
	int quiet;
	const char *source; /* -C, or NULL */
	const struct ha_match *match; /* -x and -X, for --explain without one */
};

/* Set what has another default than 0. */
void ask_init(struct ask *ask);
/*
 * The status of bad usage: of a check it is not sysexits'.  For before the
 * options are parsed.
 */
int ask_usage_status(int argc, char *const *argv);
/* Was a question asked?  Ends the process when it was asked the wrong way. */
int ask_is_question(const struct ask *ask, int usage_status);
/* Answer it.  operands is ended by NULL.  Returns the exit status. */
int ask_run(const struct ask *ask, char *const *operands);

#endif
