/* SPDX-License-Identifier: ISC */
/*
 * opt - one table of options: parsing, --help, --dump-options.
 *
 * Parsing is getopt_long(3)'s, POSIXLY_CORRECT or not as that says.  Each
 * command gets -h --help, -V --version, -v --verbose and --dump-options
 * without naming them.
 */
#ifndef HA_OPT_H
#define HA_OPT_H

#include <stdint.h>

enum ha_opt_kind {
	HA_OPT_FLAG, /* int *: set to 1 */
	HA_OPT_STRING, /* const char **: borrowed from argv */
	HA_OPT_DURATION, /* int64_t *: milliseconds (clock.h) */
	HA_OPT_NUMBER, /* int64_t *: decimal, not negative */
	HA_OPT_CALL, /* call(target, argument); may ha_die(EX_USAGE, ...) */
	HA_OPT_GROUP, /* no option: a heading in the help; first of all, if any */
};

struct ha_opt {
	char short_name; /* 0: none */
	const char *long_name; /* NULL: none */
	const char *argument; /* "DURATION" in the help; NULL: takes none */
	enum ha_opt_kind kind;
	void *target;
	const char *help; /* one line, no final stop */
	void (*call)(void *target, const char *arg);
	const char
	    *choices; /* "tsv|json": checked for HA_OPT_STRING; or NULL */
	int hidden; /* parsed, but in no help, man page or completion */
};

struct ha_opt_command {
	const char *name; /* "ha-watch" */
	const char *synopsis; /* what follows the name: "[options] DIR" */
	const char *purpose; /* one line */
	const char
	    *details; /* lines below the options (examples, exit status) */
	const char *operands; /* completion of operands: "dir", "file", "host",
				 "none", or the words, as in "show|set" */
	const struct ha_opt *opts; /* ended by an entry whose help is NULL */
	int help_status; /* --help and --version end with it: 0, or 3 for what
			    is called as a Nagios plugin */
};

/*
 * Parse the options of argv.  Returns the index of the first operand.  On an
 * error one line and a hint at --help go to stderr and the process ends with
 * status usage_status (EX_USAGE, or 3 for a check).  --help, --version and
 * --dump-options print to stdout and exit 0, or help_status for the first two
 * (EX_IOERR if stdout fails).
 *
 * --dump-options prints a line an option, five TAB-separated fields:
 * short (or -), long (or -), argument (or -), choices (or -), help; before
 * them "#command", name, operands, purpose.
 */
int ha_opt_parse(int argc, char **argv, const struct ha_opt_command *command,
    int usage_status);

/*
 * What stands behind the option with this letter, the last time that it is
 * there, in either spelling; NULL: nowhere.  For what must be known before a
 * mistake in the options is told; nothing else is done.
 */
const char *ha_opt_peek(
    int argc, char **argv, const struct ha_opt_command *command, char letter);

#endif
