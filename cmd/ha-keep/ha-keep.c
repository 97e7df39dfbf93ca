/* SPDX-License-Identifier: ISC */
/*
 * ha-keep - keep a foreground command running; ask, stop, restart keepers.
 */
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include "alloc.h"
#include "ask.h"
#include "clock.h"
#include "control.h"
#include "keep.h"
#include "lock.h"
#include "msg.h"
#include "opt.h"
#include "out.h"
#include "place.h"
#include "policy.h"
#include "sweep.h"
#include "view.h"

#define LOCK_MS 1000
/* Beyond the grace, for a keeper that is about to end. */
#define ENDING_MS 6000
#define TOTAL_MS 50000

static struct keep_conf conf = {
	.backoff_ms = 1000,
	.backoff_max_ms = 60000,
	.healthy_ms = 10000,
	.grace_ms = 10000,
	.stop_signal = SIGTERM,
};
static struct ask_conf asked = { .total_ms = TOTAL_MS };
static int is_status, is_stop, is_restart;
/* What bad usage ends with: as the wrapper, as the check, as neither. */
static int usage_status = KEEP_FAILED;

static _Noreturn void
refuse(const char *what)
{
	ha_die(usage_status, "%s; try 'ha-keep --help'", what);
}

/* A decimal number up to max; *end is behind it. */
static int
number(const char *text, long max, long *value, char **end)
{
	if (*text < '0' || *text > '9')
		return -1;
	*value = strtol(text, end, 10);
	return *value <= max ? 0 : -1;
}

static void
set_limit(void *target, const char *arg)
{
	struct ha_err err;
	char *end = NULL;
	long limit;

	(void)target;
	if (number(arg, POLICY_LIMIT_MAX, &limit, &end) || !limit ||
	    *end != '/' || ha_clock_parse_ms(end + 1, &conf.window_ms, &err) ||
	    !conf.window_ms)
		ha_die(usage_status,
		    "--limit: '%s' is not N/DURATION, as in 10/10m", arg);
	conf.limit = (size_t)limit;
}

static void
set_signal(void *target, const char *arg)
{
	const char *name = strncmp(arg, "SIG", 3) ? arg : arg + 3;
	char *end = NULL;
	long sig = 0;

	(void)target;
	if (!number(arg, NSIG - 1, &sig, &end) && !*end && sig) {
		conf.stop_signal = (int)sig;
		return;
	}
	for (sig = 1; sig < NSIG; sig++)
		if (sigabbrev_np((int)sig) &&
		    !strcmp(sigabbrev_np((int)sig), name)) {
			conf.stop_signal = (int)sig;
			return;
		}
	ha_die(usage_status, "--stop-signal: '%s' is no signal", arg);
}

static void
set_done(void *target, const char *arg)
{
	const char *at = arg;
	char *end = NULL;
	long status;

	(void)target;
	for (;; at = end + 1) {
		if (number(at, UCHAR_MAX, &status, &end) ||
		    (*end && *end != ','))
			ha_die(usage_status,
			    "--done: '%s' is no list of exit statuses, as in "
			    "0,3",
			    arg);
		conf.is_done[status] = 1;
		if (!*end)
			return;
	}
}

static const struct ha_opt opts[] = {
	{ 0, NULL, NULL, HA_OPT_GROUP, NULL, "To keep a command" },
	{ 0, "name", "NAME", HA_OPT_STRING, &conf.name,
	    "of this keeper, one of a name at a time (the command's name)" },
	{ 'l', "limit", "N/DURATION", HA_OPT_CALL, NULL,
	    "give up (75) when it ends more than N times in DURATION (never)",
	    set_limit },
	{ 0, "backoff", "DURATION", HA_OPT_DURATION, &conf.backoff_ms,
	    "wait before the second start in a row, doubled at each (1s)" },
	{ 0, "backoff-max", "DURATION", HA_OPT_DURATION, &conf.backoff_max_ms,
	    "but no longer than this (1m)" },
	{ 0, "healthy", "DURATION", HA_OPT_DURATION, &conf.healthy_ms,
	    "a run of this length was a good one: the next start is at once "
	    "(10s)" },
	{ 0, "stop-signal", "SIGNAL", HA_OPT_CALL, NULL,
	    "for all its processes, to end it (TERM)", set_signal },
	{ 0, "grace", "DURATION", HA_OPT_DURATION, &conf.grace_ms,
	    "between that and SIGKILL (10s)" },
	{ 0, "done", "STATUS,...", HA_OPT_CALL, NULL,
	    "end with the command when it ends with one of these (none)",
	    set_done },
	{ 'o', "records", "FILE", HA_OPT_STRING, &conf.records,
	    "status records to FILE, which may be a FIFO; - is stdout, and the "
	    "command's goes to stderr" },
	{ 0, NULL, NULL, HA_OPT_GROUP, NULL, "To keepers that run" },
	{ 0, "status", NULL, HA_OPT_FLAG, &is_status,
	    "a check: how are these, or all of them?" },
	{ 0, "stop", NULL, HA_OPT_FLAG, &is_stop,
	    "end these and their commands, and wait for it" },
	{ 0, "restart", NULL, HA_OPT_FLAG, &is_restart,
	    "end their commands, start them again, and wait for it" },
	{ 'T', "total", "DURATION", HA_OPT_DURATION, &asked.total_ms,
	    "limit of --status, --stop, --restart (50s)" },
	{ 'F', "format", "FORMAT", HA_OPT_STRING, &asked.format,
	    "of --status; table on a terminal, else tsv", NULL,
	    HA_SWEEP_FORMATS },
	{ 'q', "quiet", NULL, HA_OPT_FLAG, &asked.is_quiet,
	    "--status: only what is not OK" },
	{ 0, NULL, NULL, HA_OPT_FLAG, NULL, NULL },
};

static struct ha_opt_command command = {
	.name = "ha-keep",
	.synopsis = "[options] -- COMMAND [ARG...]",
	.purpose = "keep a foreground command running",
	.details =
	    "  ha-keep --name www -- sh -c 'ha-watch /srv/www | ha-push web2:/srv/www'\n"
	    "  ha-keep --status [NAME...]\n"
	    "  ha-keep --stop|--restart NAME...\n"
	    "\n"
	    "Exit status: 0 stopped as asked; 75 gave up, or a keeper of that name runs;\n"
	    "125 ha-keep itself failed; 126 COMMAND can't be executed; 127 not found;\n"
	    "with --done the command's.  --status: 0 OK, 1 WARN, 2 CRIT, 3 UNKNOWN.\n"
	    "--stop, --restart: 0 done; 1 no such keeper runs; 75 not in time.\n",
	.operands = "none",
	.opts = opts,
};

/* Where "--" stands; argc: nowhere. */
static int
find_command(int argc, char *const *argv)
{
	int i = 1;

	while (i < argc && strcmp(argv[i], "--") != 0)
		i++;
	return i;
}

/* Before a mistake in the options is told: as what is it to be told? */
static void
find_usage_status(int argc, char **argv)
{
	const char *chosen;

	if (ha_sweep_is_plugin(argv[0])) {
		command.help_status = HA_STATUS_UNKNOWN;
		asked.format = "nagios";
		is_status = 1;
	}
	for (int i = 1; i < find_command(argc, argv); i++) {
		if (!strcmp(argv[i], "--stop") || !strcmp(argv[i], "--restart"))
			usage_status = EX_USAGE;
		if (!strcmp(argv[i], "--status"))
			is_status = 1;
	}
	if (!is_status)
		return;
	usage_status = HA_STATUS_UNKNOWN;
	chosen = ha_opt_peek(argc, argv, &command, 'F');
	chosen = chosen ? chosen : asked.format;
	if (chosen && !strcmp(chosen, "nagios"))
		ha_msg_plugin("HA-KEEP");
}

static void
check_asked(int has_command, char *const *names)
{
	if (is_status + is_stop + is_restart > 1)
		refuse("--status, --stop and --restart exclude each other");
	if (has_command)
		refuse("--status, --stop and --restart take names, no command");
	if (conf.name || conf.records || conf.limit)
		refuse("--name, --limit and --records go with a command");
	if (!is_status && (asked.format || asked.is_quiet))
		refuse("-F and -q go with --status");
	if (!is_status && !*names)
		refuse("no NAME is given: 'ha-keep --status' shows them");
	if (!asked.total_ms)
		refuse("-T can't be 0");
}

static const char *
base_name(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

static void
check_keep(char *const *words)
{
	if (!*words)
		refuse("no COMMAND is given: ha-keep [options] -- COMMAND "
		       "[ARG...]");
	if (asked.format || asked.is_quiet)
		refuse("-F and -q go with --status");
	if (conf.records && !*conf.records)
		refuse("--records needs a name");
	if (!conf.name)
		conf.name = base_name(*words);
	if (!place_name_is_valid(conf.name))
		ha_die(usage_status,
		    "'%s' can't be the name: letters, digits, '.', '_' and "
		    "'-', at most %d; give one by --name",
		    conf.name, PLACE_NAME_MAX);
}

/* What stdin, stdout and stderr should be must not become a lock, or a socket. */
static void
fill_standard_fds(void)
{
	int fd;

	do
		fd = open("/dev/null", O_RDWR);
	while (fd >= 0 && fd <= STDERR_FILENO);
	if (fd >= 0)
		close(fd);
}

/* Is the one that holds the lock about to let it go? */
static int
is_ending(void)
{
	struct ha_buf answer = HA_BUF_INIT;
	struct ha_err err;
	struct view view;
	int result;

	if (control_ask(conf.dir, conf.name, "status",
		ha_clock_deadline(LOCK_MS), &answer, &err))
		result = err.status == EX_UNAVAILABLE;
	else
		result =
		    !view_decode(&view, answer.data, &err) && view.is_stopping;
	ha_buf_release(&answer);
	return result;
}

/* Held until both processes have ended. */
static void
take_lock(void)
{
	char *path = place_path(conf.dir, conf.name, "lock");
	int64_t grace_ms = conf.grace_ms + ENDING_MS;
	struct ha_err err;
	int failed, fd;

	failed = ha_lock_take(path, ha_clock_deadline(LOCK_MS), &fd, &err);
	if (failed && err.status == EX_TEMPFAIL && is_ending())
		failed =
		    ha_lock_take(path, ha_clock_deadline(grace_ms), &fd, &err);
	free(path);
	if (failed)
		ha_die(err.status == EX_TEMPFAIL ? EX_TEMPFAIL : KEEP_FAILED,
		    "%s: %s%s", conf.name, err.msg,
		    err.status == EX_CANTCREAT
			? "; HA_RUN_DIR is to be a directory to write to"
			: "");
}

static int
keep(char *const *words)
{
	union {
		char *const *in;
		const char *const *out;
	} argv = { .in = words };
	struct ha_err err;
	int status;

	check_keep(words);
	conf.argv = argv.out;
	fill_standard_fds();
	if (place_make_dir(&conf.dir, &err))
		ha_die(KEEP_FAILED, "%s", err.msg);
	take_lock();
	status = front_run(&conf);
	free(conf.dir);
	return status;
}

static int
ask(char *const *names)
{
	if (is_stop)
		return ask_stop(&asked, names);
	if (is_restart)
		return ask_restart(&asked, names);
	return ask_status(&asked, names);
}

int
main(int argc, char **argv)
{
	int command_at = find_command(argc, argv);
	int has_command = command_at < argc, first, status;

	ha_msg_init("ha-keep");
	find_usage_status(argc, argv);
	ha_alloc_fatal(usage_status);
	ha_out_fatal(usage_status);
	first = ha_opt_parse(argc, argv, &command, usage_status);
	if (is_status || is_stop || is_restart) {
		check_asked(has_command, argv + first);
		status = ask(argv + first);
	} else {
		/* Else a word that was forgotten might be the command. */
		if (first < argc && first != command_at + 1)
			refuse("COMMAND stands behind '--'");
		status = keep(argv + first);
	}
	return status;
}
