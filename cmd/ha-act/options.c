/* SPDX-License-Identifier: ISC */
/*
 * options - what ha-act was called with.
 */
#include "options.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#include "alloc.h"
#include "clock.h"
#include "msg.h"
#include "name.h"
#include "opt.h"
#include "transition.h"

#define RUNS_MAX 1000

static struct options given = {
	.events = 1U << HA_TRANSITION_PROBLEM | 1U << HA_TRANSITION_WORSE |
		  1U << HA_TRANSITION_REMINDER,
	.states = 1U << HA_STATUS_CRIT,
	.policy = { .backoff_ms = 10000 },
	.limit = "3/10m",
	.deadline_ms = 60000,
	.grace_ms = 5000,
	.parallel = 1,
};
static const char *name;

static void
add_pattern(void *target, const char *arg)
{
	struct options *o = target;

	o->patterns = ha_xrealloc(
	    o->patterns, (o->pattern_count + 1) * sizeof(*o->patterns));
	o->patterns[o->pattern_count++] = arg;
}

/* Each word of a list, to add(). */
static void
each_word(const char *list, void (*add)(const char *word))
{
	char *copy = ha_xstrdup(list), *rest = copy, *word;

	while ((word = strsep(&rest, ",")))
		add(word);
	free(copy);
}

static void
add_event(const char *word)
{
	enum ha_transition_event event;

	if (ha_transition_parse_event(word, &event))
		ha_die(EX_USAGE,
		    "--on: '%s' is no event: problem, worse, better, reminder, "
		    "flapping, stale, aborted",
		    word);
	if (ha_transition_is_end(event))
		ha_die(EX_USAGE,
		    "--on: at %s runs are forgotten, and nothing can be run",
		    word);
	given.events |= 1U << event;
}

static void
set_events(void *target, const char *arg)
{
	(void)target;
	given.events = 0;
	each_word(arg, add_event);
}

static void
add_state(const char *word)
{
	enum ha_status_state state;

	if (ha_status_parse_state(word, &state))
		ha_die(EX_USAGE,
		    "--state: '%s' is no state (OK, WARN, CRIT, UNKNOWN)",
		    word);
	given.states |= 1U << state;
}

static void
set_states(void *target, const char *arg)
{
	(void)target;
	given.states = 0;
	each_word(arg, add_state);
}

static const struct ha_opt opts[] = {
	{ 'm', "match", "PATTERN", HA_OPT_CALL, &given,
	    "only for checks that match, as CHECK or CHECK@HOST; repeatable",
	    add_pattern },
	{ 0, "on", "EVENT,...", HA_OPT_CALL, NULL,
	    "at these events (problem,worse,reminder)", set_events },
	{ 0, "state", "STATE,...", HA_OPT_CALL, NULL, "in these states (CRIT)",
	    set_states },
	{ 'l', "limit", "N/DURATION", HA_OPT_STRING, &given.limit,
	    "give up after N runs for a check in DURATION (3/10m)" },
	{ 0, "backoff", "DURATION", HA_OPT_DURATION, &given.policy.backoff_ms,
	    "wait between runs, doubled after each until the check has "
	    "recovered (10s)" },
	{ 't', "timeout", "DURATION", HA_OPT_DURATION, &given.deadline_ms,
	    "limit of one run: then SIGTERM to its process group (1m)" },
	{ 0, "grace", "DURATION", HA_OPT_DURATION, &given.grace_ms,
	    "from SIGTERM to SIGKILL (5s)" },
	{ 0, "together", NULL, HA_OPT_FLAG, &given.together,
	    "all checks that match are of one service: one run, one limit" },
	{ 0, "parallel", "N", HA_OPT_NUMBER, &given.parallel,
	    "run at most N at the same time, for different checks (1)" },
	{ 0, "name", "NAME", HA_OPT_STRING, &name,
	    "count runs under this name (the words of COMMAND)" },
	{ 'n', "dry-run", NULL, HA_OPT_FLAG, &given.dry_run,
	    "say on stderr what would be run and what not; run nothing" },
	{ 0, "force", "REASON", HA_OPT_STRING, &given.force,
	    "act on a standby too; logged" },
	{ 0, NULL, NULL, HA_OPT_FLAG, NULL, NULL },
};

static const struct ha_opt_command command = {
	.name = "ha-act",
	.synopsis = "[options] -- COMMAND [ARG...]",
	.purpose = "run a command when a check goes bad, and pass its "
		   "transition records on",
	.details =
	    "  ha-gate web ... | ha-act -m 'nginx*' -l 3/10m -- systemctl restart nginx |\n"
	    "      ha-alert ops\n"
	    "\n"
	    "Exit status: 0 all is passed on and what was done is told, also when the\n"
	    "command failed; 64 usage; 65 a line was no transition record; 71 system; 73,\n"
	    "74 the state can't be written, so nothing was run; output failed; 75 ended\n"
	    "by a signal; 78 the role file can't be read.\n",
	.operands = "none",
	.opts = opts,
};

static _Noreturn void
refuse(const char *what)
{
	ha_die(EX_USAGE, "%s; try 'ha-act --help'", what);
}

static void
parse_limit(void)
{
	struct policy *policy = &given.policy;
	struct ha_err err;
	char *end;
	long runs;

	errno = 0;
	runs = strtol(given.limit, &end, 10);
	if (errno || end == given.limit || *end != '/' || runs < 1 ||
	    runs > RUNS_MAX)
		refuse("-l takes N/DURATION, as 3/10m; N is 1 to 1000");
	given.window = end + 1;
	if (ha_clock_parse_ms(given.window, &policy->window_ms, &err))
		ha_die(EX_USAGE, "-l: %s", err.msg);
	if (!policy->window_ms)
		refuse("-l: a limit needs a time");
	policy->max_runs = (size_t)runs;
}

static void
take_command(char **argv, int argc, int first)
{
	struct ha_buf words = HA_BUF_INIT;

	if (first == argc)
		refuse("no COMMAND is given");
	/* Else its options would be taken for ours. */
	if (strcmp(argv[first - 1], "--") != 0)
		refuse("COMMAND comes after --");
	if (!*argv[first])
		refuse("COMMAND is empty");
	given.argv = (const char *const *)(argv + first);
	name_add_words(&words, given.argv);
	given.words = ha_buf_detach(&words);
	if (name && !name_is_valid(name))
		refuse("--name is of letters, digits, '-', '_' and '.', "
		       "64 at most");
	given.name = name ? ha_xstrdup(name) : name_of_command(given.argv);
}

static void
check_usage(void)
{
	parse_limit();
	if (!given.deadline_ms)
		refuse("-t can't be 0");
	if (given.parallel < 1)
		refuse("--parallel is 1 at least");
	if (given.force && !*given.force)
		refuse("--force needs a reason in words");
	for (size_t i = 0; i < given.pattern_count; i++)
		if (!*given.patterns[i])
			refuse("-m needs a PATTERN");
}

void
options_parse(struct options *options, int argc, char **argv)
{
	int first = ha_opt_parse(argc, argv, &command, EX_USAGE);

	check_usage();
	take_command(argv, argc, first);
	*options = given;
}

void
options_release(struct options *options)
{
	free(options->words);
	free(options->name);
	free(options->patterns);
}
