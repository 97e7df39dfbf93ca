/* SPDX-License-Identifier: ISC */
/*
 * rules - what is asked of each check before it is told.
 *
 * A file of lib/conf.h, a line "PATTERN KEY=VALUE..." for the checks that the
 * pattern names (ha_status_matches()); what a later line says counts, dep= adds
 * up.  The check of a sweep itself, sweep:PRODUCER, is told at once, whatever
 * down and up are, unless a line's pattern begins with "sweep:".  Source:
 * ha-gate(1), RULES.
 */
#ifndef GATE_RULES_H
#define GATE_RULES_H

#include <stddef.h>
#include <stdint.h>

#include "err.h"
#include "judge.h"

#define RULES_STALE_AUTO (-1)
/* The check of a sweep. */
#define RULES_SWEEP "sweep:"

struct rules_of {
	struct judge_conf judge;
	int64_t remind_ms; /* 0: no reminders */
	unsigned flap_n; /* so many changes of level ... */
	int64_t flap_ms; /* ... within this time; 0: it is not looked for */
	int64_t stale_ms; /* 0: never; RULES_STALE_AUTO: by its own interval */
	const size_t *deps; /* parents: numbers for rules_dep(); borrowed */
	size_t dep_count;
};

struct rules;

/* What holds when nobody says otherwise. */
void rules_set_defaults(struct rules_of *of);
/* Only what the options say. */
struct rules *rules_new(const struct rules_of *options);
/* EX_CONFIG with "file:line:column: ", EX_NOINPUT. */
int rules_read(struct rules *rules, const char *path, struct ha_err *err);
void rules_free(struct rules *rules);
/* Borrowed from rules until rules_forget(). */
const struct rules_of *
rules_for(struct rules *rules, const char *host, const char *check);
void rules_forget(struct rules *rules);

/* The patterns of all dep=, each once: as many, and the one of a number. */
size_t rules_dep_count(const struct rules *rules);
const char *rules_dep(const struct rules *rules, size_t number);

/*
 * One "KEY=VALUE" into of: down, down-warn, down-crit, up, remind, flap, stale.
 * down says it for all levels, whatever was said of one.  1; 0 when there is no
 * such key; -1, EX_USAGE.
 */
int rules_set(struct rules_of *of, const char *key, const char *value,
    struct ha_err *err);

#endif
