/* SPDX-License-Identifier: ISC */
/*
 * ha-gate - status records in, transition records out: what has changed for
 * long enough that somebody should hear of it.
 */
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "gate.h"
#include "msg.h"
#include "ops.h"
#include "opt.h"
#include "show.h"
#include "stop.h"

#define COMMAND_MS 30000
#define SWEEP_MS (5 * 60 * 1000)
/* What is stale, or to be reminded of, is looked for as often. */
#define TICK_MS 30000

static struct rules_of options;
static struct gate gate = { .command_ms = COMMAND_MS };
static int64_t sweep_ms = SWEEP_MS;
static int64_t maint_ms = -1;
static const char *format, *reason, *history;
static const char *down_warn, *down_crit;
static int is_ack, is_show, is_open_end;

/* The rule that an option of the same name stands for. */
static void
set_rule(void *target, const char *value)
{
	struct ha_err err;

	if (rules_set(&options, target, value, &err) < 0)
		ha_die(EX_USAGE, "--%s: %s", (const char *)target, err.msg);
}

static char down[] = "down", up[] = "up", remind[] = "remind", flap[] = "flap",
	    stale[] = "stale", warn[] = "down-warn", crit[] = "down-crit";

static const struct ha_opt opts[] = {
	{ 0, "down", "N/M", HA_OPT_CALL, down,
	    "tell when N of the last M results are as bad (1/1)", set_rule },
	{ 0, "down-warn", "N/M", HA_OPT_STRING, &down_warn,
	    "the same for WARN" },
	{ 0, "down-crit", "N/M", HA_OPT_STRING, &down_crit,
	    "the same for CRIT and UNKNOWN" },
	{ 0, "up", "N", HA_OPT_CALL, up,
	    "tell that it is better after N results in a row (1)", set_rule },
	{ 'R', "remind", "DURATION", HA_OPT_CALL, remind,
	    "remind of what is not OK after it, then after twice as long, to "
	    "once a day (1h; 0: never)",
	    set_rule },
	{ 0, "flap", "N/DURATION", HA_OPT_CALL, flap,
	    "so many changes are flapping: said once, then held until it is "
	    "calm as long (5/30m; 0: never)",
	    set_rule },
	{ 0, "stale", "DURATION", HA_OPT_CALL, stale,
	    "tell of a check without a result for so long (auto: three of its "
	    "intervals, 10m at least; 0: never)",
	    set_rule },
	{ 'f', "rules", "FILE", HA_OPT_STRING, &gate.file,
	    "rules of single checks: a line 'PATTERN dep=PATTERN down=2/3 ...'" },
	{ 't', "timeout", "DURATION", HA_OPT_DURATION, &gate.command_ms,
	    "COMMAND has to end in it (30s)" },
	{ 'T', "total", "DURATION", HA_OPT_DURATION, &sweep_ms,
	    "a sweep has to end in it, else it is aborted (5m)" },
	{ 'F', "format", "FORMAT", HA_OPT_STRING, &format,
	    "of transitions tsv or json; with --show and --history tsv or "
	    "table",
	    NULL, "tsv|json|table" },
	{ 'n', "dry-run", NULL, HA_OPT_FLAG, &gate.is_dry,
	    "print what would be told; start no COMMAND, keep the state as it "
	    "is" },
	{ 0, "maint", "DURATION", HA_OPT_DURATION, &maint_ms,
	    "tell nothing of PATTERN for so long (0: end it); with --reason" },
	{ 0, "ack", NULL, HA_OPT_FLAG, &is_ack,
	    "no more reminders of PATTERN until it changes; with --reason" },
	{ 0, "reason", "WORDS", HA_OPT_STRING, &reason,
	    "why, for --maint and --ack" },
	{ 0, "show", NULL, HA_OPT_FLAG, &is_show,
	    "print what is known of each check" },
	{ 0, "history", "CHECK", HA_OPT_STRING, &history,
	    "print its last changes" },
	{ 0, NULL, NULL, HA_OPT_FLAG, NULL, NULL },
};

static const struct ha_opt_command command = {
	.name = "ha-gate",
	.synopsis = "NAME [options] [-- COMMAND [ARG...]]",
	.purpose = "tell what of the checks has changed for long enough",
	.details =
	    "NAME is the state's: one for each line of the crontab.  Without COMMAND the\n"
	    "transitions go to stdout.  What could not be told is told by the next run.\n"
	    "  ha-probe -f targets | ha-gate web --down 2/3 -- ha-alert ops\n"
	    "  ha-gate [NAME] --maint 30m 'db*' --reason 'new disks'\n"
	    "  ha-gate [NAME] --ack 'disk:*@web1' --reason 'ordered'\n"
	    "  ha-gate [NAME] --show;  ha-gate [NAME] --history web-a\n"
	    "\n"
	    "Exit status: 0 done; 1 no such check; 64 usage; 65 bad input; 73, 74, 77 the\n"
	    "state can't be written or read: what is not OK was passed on; 75 COMMAND\n"
	    "failed, or the state is locked; 78 the rules.\n",
	.operands = "none",
	.opts = opts,
};

static void
load_rules(void)
{
	struct ha_err err;

	/* Whatever their order is, what is said of one level counts. */
	if (down_warn != NULL)
		set_rule(warn, down_warn);
	if (down_crit != NULL)
		set_rule(crit, down_crit);
	gate.rules = rules_new(&options);
	if (gate.file != NULL && rules_read(gate.rules, gate.file, &err) != 0)
		ha_die_err(&err);
}

/* Worse is what came first. */
static void
keep_status(int *status, const struct ha_err *err)
{
	if (*status == EX_OK)
		*status = err->status;
}

/* 1 while there may be more. */
static int
take(struct feed *feed, int *status)
{
	struct feed_batch batch;
	struct ha_err err;
	int rc;

	feed_batch_init(&batch);
	rc = feed_next(feed, &batch, &err);
	if (rc < 0) {
		ha_say("%s", err.msg);
		keep_status(status, &err);
	}
	if (stop_came() == 0 &&
	    (rc > 0 || batch.count > 0 || batch.sweep_count > 0) &&
	    gate_batch(&gate, &batch, &err) != 0)
		keep_status(status, &err);
	feed_batch_release(&batch);
	if (stop_came() != 0)
		stop_die();
	return rc > 0;
}

static int
run(void)
{
	struct feed feed;
	struct ha_err err;
	int status = EX_OK;

	feed_init(&feed, STDIN_FILENO, sweep_ms, TICK_MS);
	while (take(&feed, &status))
		continue;
	if (!feed.was_fed &&
	    gate_nothing_came(&gate,
		feed.bad > 0 ? "nothing came on stdin that can be read"
			     : "nothing came on stdin",
		&err) != 0)
		keep_status(&status, &err);
	if (feed.bad > 0) {
		ha_say("%u line%s no status record%s", feed.bad,
		    feed.bad == 1 ? " is" : "s are", feed.bad == 1 ? "" : "s");
		ha_err_set(&err, EX_DATAERR, 0, "bad input");
		keep_status(&status, &err);
	}
	feed_release(&feed);
	rules_free(gate.rules);
	return status;
}

/* [NAME] PATTERN, or only [NAME]. */
static int
operate(char **operands, size_t count)
{
	size_t patterns = maint_ms >= 0 || is_ack;
	struct ops ops = { .maint_ms = maint_ms, .reason = reason };

	if (count < patterns || count > patterns + 1)
		ha_die(EX_USAGE, patterns
				     ? "--maint and --ack take [NAME] PATTERN"
				     : "--show and --history take [NAME]");
	ops.name = count > patterns ? operands[0] : NULL;
	if (ops.name != NULL && !state_is_name(ops.name))
		ha_die(EX_USAGE, "'%s' is no gate's name", ops.name);
	if (patterns > 0) {
		if (reason == NULL && maint_ms != 0)
			ha_die(EX_USAGE, "--reason is missing");
		ops.pattern = operands[count - 1];
		return ops_run(&ops);
	}
	load_rules();
	return show_run(ops.name, history, format, gate.rules);
}

/* What stands behind "--" in the operands; NULL: nothing. */
static const char *const *
find_command(int argc, char **argv, int first)
{
	int is_named = first > 1 && strcmp(argv[first - 1], "--") == 0;
	int at = first + 1;

	if (is_open_end)
		ha_die(EX_USAGE, "no COMMAND behind '--'");

	/* With POSIXLY_CORRECT it stays where it stood. */
	if (at < argc && strcmp(argv[at], "--") == 0) {
		is_named = 1;
		at++;
	}
	if (at < argc && !is_named)
		ha_die(EX_USAGE,
		    "'%s': COMMAND stands behind '--'; try 'ha-gate --help'",
		    argv[at]);
	return at < argc ? (const char *const *)(argv + at) : NULL;
}

static void
check_usage(int argc, char **argv, int first)
{
	if (reason != NULL)
		ha_die(EX_USAGE, "--reason goes with --maint and --ack");
	if (first == argc)
		ha_die(EX_USAGE,
		    "the NAME of the gate is missing; try 'ha-gate --help'");
	if (!state_is_name(argv[first]))
		ha_die(EX_USAGE,
		    "'%s' is no name: letters, digits, '.', '_' and '-', not "
		    "first a dot",
		    argv[first]);
	if (format != NULL && strcmp(format, "table") == 0)
		ha_die(EX_USAGE, "transitions are tsv or json");
	if (gate.command_ms == 0 || sweep_ms == 0)
		ha_die(EX_USAGE, "-t and -T are more than 0");
	if (gate.file != NULL && strcmp(gate.file, "-") == 0)
		ha_die(EX_USAGE, "-f -: stdin is for the records");
}

/* What is opened later must not become one of these by chance. */
static void
check_descriptors(void)
{
	if (fcntl(STDIN_FILENO, F_GETFD) < 0)
		ha_die(EX_IOERR, "stdin is closed");
	if (fcntl(STDOUT_FILENO, F_GETFD) < 0 &&
	    (gate.argv == NULL || gate.is_dry))
		ha_die(EX_IOERR, "stdout is closed");
	for (int fd = STDOUT_FILENO; fd <= STDERR_FILENO; fd++)
		if (fcntl(fd, F_GETFD) < 0 && open("/dev/null", O_WRONLY) < 0)
			exit(EX_IOERR);
}

static void
prepare(void)
{
	struct ha_err err;

	check_descriptors();
	load_rules();
	signal(SIGPIPE, SIG_IGN);
	if (gate.argv != NULL && !gate.is_dry && stop_open(&err) != 0)
		ha_die_err(&err);
	if (isatty(STDIN_FILENO))
		ha_say("waiting for status records from the terminal; usual "
		       "is: ha-probe ... | ha-gate NAME ... -- ha-alert ...");
}

int
main(int argc, char **argv)
{
	int first, modes;

	ha_msg_init("ha-gate");
	/* Before getopt(3) moves it: a COMMAND that a variable did not hold. */
	is_open_end = argc > 1 && strcmp(argv[argc - 1], "--") == 0;
	rules_set_defaults(&options);
	first = ha_opt_parse(argc, argv, &command, EX_USAGE);
	modes = (maint_ms >= 0) + is_ack + is_show + (history != NULL);
	if (modes > 1)
		ha_die(EX_USAGE,
		    "--maint, --ack, --show and --history are one at a time");
	if (modes == 1)
		return operate(argv + first, (size_t)(argc - first));
	check_usage(argc, argv, first);
	gate.name = argv[first];
	gate.is_json = format != NULL && strcmp(format, "json") == 0;
	gate.argv = find_command(argc, argv, first);
	prepare();
	return run();
}
