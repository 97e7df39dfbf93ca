/* SPDX-License-Identifier: ISC */
/*
 * ha-gate - status records in, transition records out: what has changed for
 * long enough that somebody should hear of it.
 */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "gate.h"
#include "msg.h"
#include "ops.h"
#include "opt.h"
#include "show.h"

#define COMMAND_MS 30000
#define SWEEP_MS (5 * 60 * 1000)
/* What is stale, or to be reminded of, is looked for as often. */
#define TICK_MS 30000
#define REMIND_MS (60 * 60 * 1000)
#define FLAP_MS (30 * 60 * 1000)

static struct rules_of options = {
	.judge = { .down = { { 1, 1 }, { 1, 1 }, { 1, 1 }, { 1, 1 } },
	    .up = 1 },
	.remind_ms = REMIND_MS,
	.flap_n = 5,
	.flap_ms = FLAP_MS,
	.stale_ms = RULES_STALE_AUTO,
};
static struct gate gate = { .command_ms = COMMAND_MS };
static int64_t sweep_ms = SWEEP_MS;
static int64_t maint_ms = -1;
static const char *format, *reason, *history;
static int is_ack, is_show;

/* The rule that an option of the same name stands for. */
static void
set_rule(void *target, const char *value)
{
	struct ha_err err;

	if (rules_set(&options, target, value, &err) < 0)
		ha_die(EX_USAGE, "--%s: %s", (const char *)target, err.msg);
}

static char down[] = "down", down_warn[] = "down-warn",
	    down_crit[] = "down-crit", up[] = "up", remind[] = "remind",
	    flap[] = "flap", stale[] = "stale";

static const struct ha_opt opts[] = {
	{ 0, "down", "N/M", HA_OPT_CALL, down,
	    "tell when N of the last M results are as bad (1/1)", set_rule },
	{ 0, "down-warn", "N/M", HA_OPT_CALL, down_warn, "the same for WARN",
	    set_rule },
	{ 0, "down-crit", "N/M", HA_OPT_CALL, down_crit,
	    "the same for CRIT and UNKNOWN", set_rule },
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
	{ 'f', "file", "FILE", HA_OPT_STRING, &gate.file,
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
	.purpose = "from status records to what somebody should hear",
	.details =
	    "NAME is the state's: one for each line of the crontab.  Without COMMAND the\n"
	    "transitions go to stdout.  The state is kept only after they were told.\n"
	    "  ha-probe -f targets | ha-gate web --down 2/3 -- ha-alert ops\n"
	    "  ha-gate [NAME] --maint 30m 'db*' --reason 'new disks'\n"
	    "  ha-gate [NAME] --ack 'disk:*@web1' --reason 'ordered'\n"
	    "  ha-gate [NAME] --show;  ha-gate [NAME] --history web-a\n"
	    "\n"
	    "Exit status: 0 done; 1 no such check; 64 usage; 65 bad input; 73, 74 the state\n"
	    "can't be written or read: what is not OK was passed on; 75 COMMAND failed, or\n"
	    "the state is locked; 78 the rules.\n",
	.operands = "none",
	.opts = opts,
};

static void
load_rules(void)
{
	struct ha_err err;

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

static int
run(void)
{
	struct feed feed;
	struct feed_batch batch;
	struct ha_err err;
	int status = EX_OK, rc = 1;

	feed_init(&feed, STDIN_FILENO, sweep_ms, TICK_MS);
	while (rc > 0) {
		feed_batch_init(&batch);
		rc = feed_next(&feed, &batch, &err);
		if (rc < 0) {
			ha_say("%s", err.msg);
			keep_status(&status, &err);
		}
		if ((rc > 0 || batch.count > 0 || batch.sweep_count > 0) &&
		    gate_batch(&gate, &batch, &err) != 0)
			keep_status(&status, &err);
		feed_batch_release(&batch);
	}
	if (!feed.was_fed && gate_nothing_came(&gate, &err) != 0)
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

int
main(int argc, char **argv)
{
	int first, modes;
	size_t count;

	ha_msg_init("ha-gate");
	first = ha_opt_parse(argc, argv, &command, EX_USAGE);
	count = (size_t)(argc - first);
	modes = (maint_ms >= 0) + is_ack + is_show + (history != NULL);

	if (modes > 1)
		ha_die(EX_USAGE,
		    "--maint, --ack, --show and --history are one at a time");
	if (modes == 1)
		return operate(argv + first, count);
	if (reason != NULL)
		ha_die(EX_USAGE, "--reason goes with --maint and --ack");
	if (count == 0)
		ha_die(EX_USAGE, "the NAME of the gate is missing");
	gate.name = argv[first];
	if (!state_is_name(gate.name))
		ha_die(EX_USAGE,
		    "'%s' is no name: letters, digits, '.', '_' and '-', not "
		    "first a dot",
		    gate.name);
	if (format != NULL && strcmp(format, "table") == 0)
		ha_die(EX_USAGE, "transitions are tsv or json");
	gate.is_json = format != NULL && strcmp(format, "json") == 0;
	if (count > 1)
		gate.argv = (const char *const *)(argv + first + 1);
	load_rules();
	return run();
}
