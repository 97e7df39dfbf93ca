/* SPDX-License-Identifier: ISC */
/*
 * ha-repl - know the truth about MySQL and MariaDB replication, and point a
 * replica.
 */
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#include "alloc.h"
#include "fleet.h"
#include "msg.h"
#include "opt.h"
#include "out.h"
#include "repl.h"
#include "sweep.h"
#include "watchdog.h"

#define STATEMENT_MS 5000
#define RUN_MS 50000

static struct repl repl = {
	.heartbeat_table = "ha.heartbeat",
	.statement_ms = STATEMENT_MS,
	.run_ms = -1,
	.lock_wait_ms = -1,
};
static const char *warn = "10", *crit = "60";
static const char *is_warned, *is_crit, *table, *seed_source;
static int64_t statement_ms = -1, interval_ms = -1;

static const struct ha_opt opts[] = {
	{ 0, NULL, NULL, HA_OPT_GROUP, NULL, "Servers" },
	{ 'f', "nodes", "FILE", HA_OPT_STRING, &repl.config,
	    "the nodes, one a line; instead of HA_CONFIG_DIR/repl.conf" },
	{ 0, "defaults-file", "FILE", HA_OPT_STRING, &repl.defaults_file,
	    "log in as this my.cnf says, instead of the usual ones" },
	{ 0, "insecure", "REASON", HA_OPT_STRING, &repl.insecure,
	    "log in to another machine without a verified certificate" },
	{ 0, "heartbeat-table", "DATABASE.TABLE", HA_OPT_STRING, &table,
	    "where the heartbeat's rows are (ha.heartbeat)" },
	{ 't', "timeout", "DURATION", HA_OPT_DURATION, &statement_ms,
	    "limit of a node's answer, or of a statement (5s)" },
	{ 'T', "total", "DURATION", HA_OPT_DURATION, &repl.run_ms,
	    "limit of the whole run (50s); point: of waiting for the marker; "
	    "seed: of standing still" },
	{ 0, NULL, NULL, HA_OPT_GROUP, NULL, "check, lint, show, topology" },
	{ 'w', "warning", "RANGE", HA_OPT_STRING, &is_warned,
	    "check: WARN when the lag is outside of RANGE (10s)" },
	{ 'c', "critical", "RANGE", HA_OPT_STRING, &is_crit,
	    "check: CRIT when it is outside of RANGE (60s)" },
	{ 0, "topology", "TOPOLOGY", HA_OPT_STRING, &repl.topology,
	    "check, lint: what it is to be; else as repl.conf says", NULL,
	    TOPOLOGY_KINDS },
	{ 'F', "format", "FORMAT", HA_OPT_STRING, &repl.format,
	    "of the output; table on a terminal, else tsv; topology: table, "
	    "json or dot",
	    NULL, HA_SWEEP_FORMATS "|dot" },
	{ 'o', "output", "FILE", HA_OPT_STRING, &repl.output,
	    "check, lint -F prom: replace FILE instead of writing to stdout" },
	{ 'q', "quiet", NULL, HA_OPT_FLAG, &repl.is_quiet,
	    "check, lint: only what is not OK" },
	{ 0, NULL, NULL, HA_OPT_GROUP, NULL, "heartbeat" },
	{ 0, "once", NULL, HA_OPT_FLAG, &repl.is_once, "write one row" },
	{ 'i', "interval", "DURATION", HA_OPT_DURATION, &interval_ms,
	    "write one so often, until SIGTERM" },
	{ 0, "create", NULL, HA_OPT_FLAG, &repl.is_create,
	    "make the table and its database if they are not there" },
	{ 0, NULL, NULL, HA_OPT_GROUP, NULL, "point, seed, recover" },
	{ 0, "source", "NODE", HA_OPT_STRING, &repl.source,
	    "point: replicate from this one" },
	{ 0, "from", "NODE", HA_OPT_STRING, &seed_source,
	    "seed: take the data from this one" },
	{ 0, "channel", "NAME", HA_OPT_STRING, &repl.channel,
	    "the channel (MySQL) or connection (MariaDB); check: this alone" },
	{ 0, "gtid", "HOW", HA_OPT_STRING, &repl.gtid,
	    "point: by which GTIDs, or without", NULL,
	    "auto|slave_pos|current_pos|no" },
	{ 0, "pos", "FILE:POSITION", HA_OPT_STRING, &repl.pos,
	    "point: from there in the source's binary log" },
	{ 0, "assume-equal", "REASON", HA_OPT_STRING, &repl.assume_equal,
	    "point: from the source's present position: what was written "
	    "since the replica's data was taken is skipped" },
	{ 0, "lock-wait", "DURATION", HA_OPT_DURATION, &repl.lock_wait_ms,
	    "point --assume-equal, seed of MySQL: lock the source's tables, "
	    "waiting so long for it" },
	{ 0, "credentials", "FILE", HA_OPT_STRING, &repl.credentials,
	    "user and password of the replication, [client] of a my.cnf" },
	{ 0, "old-credentials", "FILE", HA_OPT_STRING, &repl.old_credentials,
	    "those in use, to put them back if it fails" },
	{ 0, "ssl-ca", "FILE", HA_OPT_STRING, &repl.ca,
	    "the replica verifies the source by this (on the replica)" },
	{ 0, "ssl-cert", "FILE", HA_OPT_STRING, &repl.cert,
	    "the replica's certificate (on the replica)" },
	{ 0, "ssl-key", "FILE", HA_OPT_STRING, &repl.key,
	    "and its key (on the replica)" },
	{ 0, "no-tls", NULL, HA_OPT_FLAG, &repl.is_plain,
	    "replicate without TLS" },
	{ 0, "ignore-server-ids", "LIST", HA_OPT_STRING, &repl.ignored_ids,
	    "servers whose events are not applied" },
	{ 0, "empty", NULL, HA_OPT_FLAG, &repl.is_empty,
	    "point: there is meant to be no data" },
	{ 0, "back", NULL, HA_OPT_FLAG, &repl.is_back,
	    "recover: put the old settings back" },
	{ 0, "forward", NULL, HA_OPT_FLAG, &repl.is_forward,
	    "recover: finish what was begun" },
	{ 0, "method", "HOW", HA_OPT_STRING, &repl.how,
	    "seed: how; auto is the best that both ends have", NULL,
	    "auto|clone|backup|dump" },
	{ 0, "force", "REASON", HA_OPT_STRING, &repl.force,
	    "go on where it would refuse; the reason is logged" },
	{ 'n', "dry-run", NULL, HA_OPT_FLAG, &repl.is_dry_run,
	    "show the statements, and do nothing" },
	{ 0, NULL, NULL, HA_OPT_FLAG, NULL, NULL },
};

static struct ha_opt_command command = {
	.name = "ha-repl",
	.synopsis = "[options] SUBCOMMAND [NODE ...]",
	.purpose = "know the truth about MySQL and MariaDB replication, and "
		   "point a replica",
	.details =
	    "SUBCOMMAND is check, lint, show, topology, heartbeat, point, recover or seed.\n"
	    "NODE is a name of repl.conf, HOST:PORT or a socket's path.\n"
	    "  ha-repl check                        all of repl.conf\n"
	    "  ha-repl lint --topology=dual db-a db-b\n"
	    "  ha-repl topology 10.0.0.1\n"
	    "  ha-repl heartbeat --once db-a\n"
	    "  ha-repl point -n db-b --source db-a --credentials /etc/ha/repl.cnf\n"
	    "\n"
	    "Exit status: check, lint: 0 OK, 1 WARN, 2 CRIT, 3 UNKNOWN and usage.  The\n"
	    "others: 0 done; 64 usage; 69 not reached; 70 half done: run ha-repl recover;\n"
	    "75 nothing changed, try again; 77 refused; 78 repl.conf or a server's settings.\n",
	.operands = "check|lint|show|topology|heartbeat|point|recover|seed",
	.opts = opts,
};

/* One bit each, for what an option goes with. */
enum {
	CHECK = 1,
	LINT = 2,
	SHOW = 4,
	TOPOLOGY = 8,
	HEARTBEAT = 16,
	POINT = 32,
	RECOVER = 64,
	SEED = 128,
	CHECKS = CHECK | LINT,
	ACTS = POINT | RECOVER | SEED,
};

static const struct subcommand {
	const char *name;
	int (*run)(const struct repl *repl, char **operands);
	int bit;
	const char *formats; /* each between '|'; NULL: it has no -F */
} subcommands[] = {
	{ "check", check_run, CHECK, "|" HA_SWEEP_FORMATS "|" },
	{ "lint", lint_run, LINT, "|" HA_SWEEP_FORMATS "|" },
	{ "show", show_run, SHOW, "|tsv|json|table|" },
	{ "topology", topology_run, TOPOLOGY, "|table|json|dot|" },
	{ "heartbeat", heartbeat_run, HEARTBEAT, NULL },
	{ "point", point_run, POINT, NULL },
	{ "recover", recover_run, RECOVER, NULL },
	{ "seed", seed_run, SEED, NULL },
};

#define SUBCOMMANDS (sizeof(subcommands) / sizeof(subcommands[0]))

/* What a plugin does. */
static const struct subcommand *const checking = subcommands;
static int usage_status = EX_USAGE;

static const struct subcommand *
find(const char *name)
{
	for (size_t i = 0; i < SUBCOMMANDS; i++)
		if (!strcmp(name, subcommands[i].name))
			return &subcommands[i];
	return NULL;
}

/*
 * What is meant, before the options are parsed, whose mistakes end with another
 * status in a check.
 */
static const struct subcommand *
guess(int argc, char **argv)
{
	const struct subcommand *found = NULL;

	for (int i = 1; i < argc && !found; i++)
		found = find(argv[i]);
	return found ? found : repl.is_plugin ? checking : NULL;
}

/* Before a mistake in the options is told: as one who looks at stdout sees it. */
static void
begin(int argc, char **argv)
{
	const struct subcommand *subcommand;
	const char *chosen = ha_opt_peek(argc, argv, &command, 'F');

	repl.is_plugin = ha_sweep_is_plugin(argv[0]);
	subcommand = guess(argc, argv);
	if (repl.is_plugin) {
		command.help_status = HA_STATUS_UNKNOWN;
		repl.format = "nagios";
	}
	if (!subcommand || !(subcommand->bit & CHECKS))
		return;
	usage_status = HA_STATUS_UNKNOWN;
	ha_alloc_fatal(HA_STATUS_UNKNOWN);
	ha_out_fatal(HA_STATUS_UNKNOWN);
	chosen = chosen ? chosen : repl.format;
	if (chosen && !strcmp(chosen, "nagios"))
		ha_msg_plugin("HA-REPL");
}

static _Noreturn void
refuse(const char *what)
{
	ha_die(usage_status, "%s; try 'ha-repl --help'", what);
}

/* Was it given, and what does it go with? */
static void
check_option(
    const char *option, int is_given, int bits, const struct subcommand *sub)
{
	if (is_given && !(bits & sub->bit))
		ha_die(usage_status,
		    "%s doesn't go with %s; try 'ha-repl --help'", option,
		    sub->name);
}

static void
check_options(const struct subcommand *sub)
{
	const struct {
		const char *option;
		int is_given, bits;
	} given[] = {
		{ "-w", is_warned != NULL, CHECK },
		{ "-c", is_crit != NULL, CHECK },
		{ "--topology", repl.topology != NULL, CHECKS },
		{ "-F", repl.format != NULL, CHECKS | SHOW | TOPOLOGY },
		{ "-o", repl.output != NULL, CHECKS },
		{ "-q", repl.is_quiet, CHECKS },
		{ "--once", repl.is_once, HEARTBEAT },
		{ "-i", interval_ms >= 0, HEARTBEAT },
		{ "--create", repl.is_create, HEARTBEAT },
		{ "--source", repl.source != NULL, POINT },
		{ "--from", seed_source != NULL, SEED },
		{ "--channel", repl.channel != NULL, CHECK | ACTS },
		{ "--gtid", repl.gtid != NULL, POINT | SEED },
		{ "--pos", repl.pos != NULL, POINT },
		{ "--assume-equal", repl.assume_equal != NULL, POINT },
		{ "--lock-wait", repl.lock_wait_ms >= 0, POINT | SEED },
		{ "--credentials", repl.credentials != NULL, ACTS },
		{ "--old-credentials", repl.old_credentials != NULL, ACTS },
		{ "--ssl-ca", repl.ca != NULL, POINT | SEED },
		{ "--ssl-cert", repl.cert != NULL, POINT | SEED },
		{ "--ssl-key", repl.key != NULL, POINT | SEED },
		{ "--no-tls", repl.is_plain, POINT | SEED },
		{ "--ignore-server-ids", repl.ignored_ids != NULL,
		    POINT | SEED },
		{ "--empty", repl.is_empty, POINT },
		{ "--back", repl.is_back, RECOVER },
		{ "--forward", repl.is_forward, RECOVER },
		{ "--method", repl.how != NULL, SEED },
		{ "--force", repl.force != NULL, ACTS },
		{ "-n", repl.is_dry_run, HEARTBEAT | ACTS },
	};

	for (size_t i = 0; i < sizeof(given) / sizeof(given[0]); i++)
		check_option(
		    given[i].option, given[i].is_given, given[i].bits, sub);
}

/* "|a|b|" has "b". */
static int
has_format(const char *formats, const char *name)
{
	size_t len = strlen(name);

	for (const char *p = formats + 1; *p; p += strcspn(p, "|") + 1)
		if (strcspn(p, "|") == len && !strncmp(p, name, len))
			return 1;
	return 0;
}

static void
check_format(const struct subcommand *sub)
{
	if (repl.format && sub->formats &&
	    !has_format(sub->formats, repl.format))
		ha_die(usage_status,
		    "%s has no -F %s: it is one of %.*s; try 'ha-repl --help'",
		    sub->name, repl.format, (int)strlen(sub->formats) - 2,
		    sub->formats + 1);
}

static void
parse_lag(const char *text, const char *option, struct ha_range *range)
{
	struct ha_err err;

	if (ha_range_parse(text, HA_RANGE_SECONDS, range, &err))
		ha_die(usage_status, "%s %s: %s", option, text, err.msg);
}

/* A reason is what is read in the log: it needs words. */
static void
check_reason(const char *option, const char *reason)
{
	if (reason && !reason[strspn(reason, " \t")])
		ha_die(usage_status, "%s needs a reason, in words", option);
}

static void
complete(const struct subcommand *sub)
{
	check_options(sub);
	check_format(sub);
	parse_lag(is_warned ? is_warned : warn, "-w", &repl.lag.warn);
	parse_lag(is_crit ? is_crit : crit, "-c", &repl.lag.crit);
	repl.lag.has_warn = repl.lag.has_crit = 1;
	check_reason("--insecure", repl.insecure);
	check_reason("--force", repl.force);
	check_reason("--assume-equal", repl.assume_equal);
	if (statement_ms >= 0)
		repl.statement_ms = statement_ms;
	if (!repl.statement_ms || !repl.run_ms || !interval_ms)
		refuse("-t, -T and -i can't be 0");
	if (interval_ms >= 0)
		repl.interval_ms = interval_ms;
	if (table)
		repl.heartbeat_table = table;
	if (!strchr(repl.heartbeat_table, '.') ||
	    *repl.heartbeat_table == '.' ||
	    !strchr(repl.heartbeat_table, '.')[1])
		refuse("--heartbeat-table is DATABASE.TABLE");
	if (seed_source)
		repl.source = seed_source;
	repl.is_verbose = ha_msg_verbosity;
}

/* The first operand says what is to be done, but to a plugin. */
static const struct subcommand *
choose(char ***operands)
{
	const struct subcommand *sub = **operands ? find(**operands) : NULL;

	if (sub) {
		++*operands;
		return sub;
	}
	if (repl.is_plugin)
		return checking;
	if (**operands)
		ha_die(EX_USAGE, "'%s' is none of %s; try 'ha-repl --help'",
		    **operands, command.operands);
	refuse("what is to be done? check, lint, show, topology, heartbeat, "
	       "point, recover or seed");
}

int
main(int argc, char **argv)
{
	const struct subcommand *sub;
	struct ha_err err;
	char **operands;

	ha_msg_init("ha-repl");
	signal(SIGPIPE, SIG_IGN); /* of a connection that broke */
	begin(argc, argv);
	operands = argv + ha_opt_parse(argc, argv, &command, usage_status);
	sub = choose(&operands);
	complete(sub);
	if (sub->bit & (CHECKS | SHOW | TOPOLOGY))
		ha_watchdog_start(repl.run_ms < 0 ? RUN_MS : repl.run_ms,
		    sub->bit & CHECKS ? (int)HA_STATUS_UNKNOWN : EX_TEMPFAIL,
		    NULL);
	if (nodes_read(&repl.nodes, repl.config, &err))
		ha_die(sub->bit & CHECKS ? (int)HA_STATUS_UNKNOWN : err.status,
		    "%s", err.msg);
	fleet_exit(sub->run(&repl, operands));
}
