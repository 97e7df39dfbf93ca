/* SPDX-License-Identifier: ISC */
/* options - what ha-act was called with. */
#ifndef ACT_OPTIONS_H
#define ACT_OPTIONS_H

#include <stddef.h>
#include <stdint.h>

#include "policy.h"

struct options {
	const char *const *argv; /* the command; ended by NULL */
	char *words; /* as a person would type it; owned */
	char *name; /* of the command, for its files; owned */
	const char **patterns; /* of checks; owned, not what they point to */
	size_t pattern_count;
	unsigned events, states; /* bits: 1 << event */
	struct policy policy;
	const char *limit; /* as it was typed: "3/10m" */
	const char *window; /* "10m" of it */
	int64_t deadline_ms, grace_ms;
	int64_t parallel;
	int together; /* all checks are one service */
	int dry_run;
	const char *force; /* a reason, or NULL */
};

/* Ends the process for --help, and with EX_USAGE for what can't be. */
void options_parse(struct options *options, int argc, char **argv);
void options_release(struct options *options);

#endif
