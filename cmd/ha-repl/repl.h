/* SPDX-License-Identifier: ISC */
/*
 * repl - what was asked of ha-repl; one file a subcommand.
 *
 * ha-repl.c parses; a subcommand checks that the options go together, does its
 * work, and returns the exit status.
 */
#ifndef REPL_REPL_H
#define REPL_REPL_H

#include <stdint.h>

#include "facts.h"
#include "node.h"
#include "range.h"

struct repl {
	struct nodes nodes; /* of repl.conf */
	const char *defaults_file; /* --defaults-file */
	const char *insecure; /* --insecure=REASON */
	const char *config; /* -f */
	const char *format; /* -F; NULL */
	const char *output; /* -o */
	const char *channel; /* --channel; NULL: all, or the usual one */
	const char *topology; /* --topology; NULL: as repl.conf says */
	const char *heartbeat_table; /* --heartbeat-table; ha.heartbeat */
	struct ha_thresholds lag; /* -w, -c in seconds */
	int64_t statement_ms; /* -t: connecting; each statement */
	int64_t run_ms; /* -T; -1: the subcommand's own */
	int is_quiet, is_dry_run, is_verbose;
	int is_plugin; /* called as check_ha_repl */
	/* heartbeat */
	int is_once, is_create;
	int64_t interval_ms; /* 0: not given */
	/* point, seed, recover */
	const char *source; /* --source; seed's --from */
	const char *pos; /* --pos FILE:POSITION */
	const char *gtid; /* --gtid slave_pos|current_pos|auto|no; NULL */
	const char *credentials, *old_credentials; /* files with [client] */
	const char *assume_equal; /* --assume-equal=REASON */
	const char *force; /* --force=REASON */
	const char *ignored_ids; /* --ignore-server-ids */
	const char *ca, *cert, *key; /* of the replication link */
	int64_t lock_wait_ms; /* --lock-wait; -1 */
	int is_empty; /* --empty: no data is meant to be there */
	int is_back, is_forward; /* recover --back, --forward */
	int is_plain; /* --no-tls on the replication link */
	const char *how; /* seed --method dump */
};

/*
 * For facts_read() and fleet_read(), from now on: all that is asked of a node
 * has to be answered within -t (or -T, if that is shorter).
 */
struct facts_options
repl_facts_options(const struct repl *repl, enum facts_depth depth);
/* --topology, else repl.conf's. */
enum topology_kind repl_topology(const struct repl *repl);

/* operands: what follows the subcommand's name, ended by NULL. */
int check_run(const struct repl *repl, char **operands);
int lint_run(const struct repl *repl, char **operands);
int show_run(const struct repl *repl, char **operands);
int topology_run(const struct repl *repl, char **operands);
int heartbeat_run(const struct repl *repl, char **operands);
int point_run(const struct repl *repl, char **operands);
int recover_run(const struct repl *repl, char **operands);
int seed_run(const struct repl *repl, char **operands);

#endif
