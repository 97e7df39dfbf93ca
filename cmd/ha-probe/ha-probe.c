/* SPDX-License-Identifier: ISC */
/*
 * ha-probe - ask services over the network whether they serve; what was found
 * goes out as status records.  One sweep, then it ends.
 */
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "alloc.h"
#include "clock.h"
#include "diagnose.h"
#include "msg.h"
#include "opt.h"
#include "out.h"
#include "results.h"
#include "schedule.h"
#include "settings.h"
#include "sweep.h"
#include "wait.h"
#include "watchdog.h"

#define SWEEP_MS 50000
#define PLUGIN_TIMEOUT_MS 10000
#define INTERVAL_MS 1000
#define TIMES 3

struct list {
	const char **items;
	size_t count;
};

static struct settings settings;
static struct list files, witnesses;
static const char *format, *output;
static int quiet, dry_run, diagnose;
static int64_t sweep_ms = SWEEP_MS, parallel = -1;
static int64_t wait_ms = -1, wait_down_ms = -1, interval_ms = -1;
static int64_t confirm = -1;

static void
add_item(void *target, const char *arg)
{
	struct list *list = target;

	list->items =
	    ha_xrealloc(list->items, (list->count + 1) * sizeof(*list->items));
	list->items[list->count++] = arg;
}

static void
set(void *target, const char *arg)
{
	const struct setting *setting = target;
	struct ha_err err;
	size_t offset;

	if (!settings_set(&settings, setting->key, arg, &offset, &err))
		return;
	if (setting->kind == SETTING_EXPECT)
		ha_die(HA_STATUS_UNKNOWN, "--%s: column %zu: %s", setting->key,
		    offset + 1, err.msg);
	ha_die(HA_STATUS_UNKNOWN, "--%s: %s", setting->key, err.msg);
}

static const struct ha_opt before[] = {
	{ .kind = HA_OPT_GROUP, .help = "What is probed" },
	{ 'f', "targets", "FILE", HA_OPT_CALL, &files,
	    "targets from FILE too, one a line; - is stdin; repeatable",
	    add_item },
	{ 'T', "total", "DURATION", HA_OPT_DURATION, &sweep_ms,
	    "end the sweep then; what is not answered is CRIT (50s)" },
	{ 'P', "parallel", "N", HA_OPT_NUMBER, &parallel,
	    "at most N at once (as many as are sensible)" },
	{ 'n', "dry-run", NULL, HA_OPT_FLAG, &dry_run,
	    "print each target as it was understood, and probe nothing" },
};

static const struct ha_opt after[] = {
	{ .kind = HA_OPT_GROUP, .help = "Waiting" },
	{ 0, "wait", "DURATION", HA_OPT_DURATION, &wait_ms,
	    "sweep again until all are OK, at most so long" },
	{ 0, "wait-down", "DURATION", HA_OPT_DURATION, &wait_down_ms,
	    "sweep again until all are CRIT: exit 0; 1 still up, 3 not known" },
	{ 0, "while", "TARGET", HA_OPT_CALL, &witnesses,
	    "with --wait-down: this one has to be OK meanwhile; repeatable",
	    add_item },
	{ 0, "times", "N", HA_OPT_NUMBER, &confirm,
	    "with --wait-down: N sweeps in a row (3)" },
	{ 0, "interval", "DURATION", HA_OPT_DURATION, &interval_ms,
	    "from one sweep's start to the next (1s)" },
	{ .kind = HA_OPT_GROUP, .help = "What it tells" },
	{ 'F', "format", "FORMAT", HA_OPT_STRING, &format,
	    "table on a terminal, else tsv; as a plugin nagios", NULL,
	    HA_SWEEP_FORMATS },
	{ 'o', "output", "FILE", HA_OPT_STRING, &output,
	    "with -F prom: replace FILE" },
	{ 'q', "quiet", NULL, HA_OPT_FLAG, &quiet, "only what is not OK" },
	{ 0, "diagnose", NULL, HA_OPT_FLAG, &diagnose,
	    "one target: where the time goes, and its certificates" },
};

#define COUNT(table) (sizeof(table) / sizeof((table)[0]))

static struct ha_opt_command command = {
	.name = "ha-probe",
	.synopsis = "[options] URL ... | -f FILE",
	.purpose = "ask services whether they serve",
	.operands = "tcp://|udp://|unix:///|icmp://|tls://|http://|https://|"
		    "smtp://|smtps://|imap://|imaps://|pop3://|pop3s://|"
		    "ftp://|ftps://|ssh://|mysql://|redis://|memcached://|"
		    "dns://|ntp://",
};

/* The command's own options around the table of settings. */
static const struct ha_opt *
build_options(void)
{
	static struct ha_opt opts[COUNT(before) + COUNT(after) + 2 * 64 + 1];
	struct ha_opt *opt = opts;
	struct setting *setting;
	size_t i;

	memcpy(opt, before, sizeof(before));
	opt += COUNT(before);
	for (i = 0; (setting = setting_at(i)); i++) {
		if (setting->group)
			*opt++ = (struct ha_opt){ .kind = HA_OPT_GROUP,
				.help = setting->group };
		*opt++ = (struct ha_opt){ setting->letter, setting->key,
			setting->argument, HA_OPT_CALL, setting, setting->help,
			set, setting->choices, 0 };
	}
	memcpy(opt, after, sizeof(after));
	return opts;
}

static void
build_details(struct ha_buf *text)
{
	const struct scheme *scheme;
	size_t i, col = 0;

	ha_buf_add_str(text, "Schemes:");
	for (i = 0; (scheme = scheme_at(i)); i++) {
		if (col > 60) {
			ha_buf_add_str(text, "\n        ");
			col = 0;
		}
		ha_buf_addf(text, " %s", scheme->name);
		col += strlen(scheme->name) + 1;
	}
	ha_buf_add_str(text,
	    "\n+starttls may follow smtp, imap, pop3 and ftp.\n\n"
	    "  ha-probe https://web1/health -e 'status=200 cert=14'\n"
	    "  ha-probe -f /etc/ha/targets -q\n"
	    "  ha-probe --wait 60s tcp://db2:3306 && echo up\n"
	    "\n"
	    "Exit status: 0 OK, 1 WARN, 2 CRIT, 3 UNKNOWN (usage, too): the "
	    "worst of all.\n");
}

static void __attribute__((noreturn)) die(const struct ha_err *err)
{
	ha_die(HA_STATUS_UNKNOWN, "%s", err->msg);
}

static void __attribute__((noreturn)) refuse(const char *what)
{
	ha_die(HA_STATUS_UNKNOWN, "%s; try 'ha-probe --help'", what);
}

static void
check_usage(size_t operands)
{
	int waits = (wait_ms >= 0) + (wait_down_ms >= 0);

	if (!operands && !files.count)
		refuse("no target is given");
	if (waits + dry_run + diagnose > 1)
		refuse("one of --wait, --wait-down, --diagnose and -n");
	if (wait_down_ms >= 0 && !witnesses.count)
		refuse("--wait-down needs --while TARGET, which shows that "
		       "this machine's own link is up");
	if (wait_down_ms < 0 && witnesses.count)
		refuse("--while goes with --wait-down");
	if (wait_down_ms < 0 && confirm >= 0)
		refuse("--times goes with --wait-down");
	if (!waits && interval_ms >= 0)
		refuse("--interval goes with --wait and --wait-down");
	if (!confirm)
		refuse("--times: at least 1");
	if (!interval_ms)
		refuse("--interval: more than 0");
	if (!parallel)
		refuse("--parallel: at least 1");
	if (sweep_ms < 1)
		refuse("--total: more than 0");
	if (diagnose && (format || output || quiet))
		refuse("--diagnose is for people: no -F, -o, -q");
}

/* Whether it serves is all that is asked of a witness. */
static void
read_witnesses(struct targets *targets)
{
	struct settings plain = settings;
	struct ha_err err;
	size_t i;

	plain.expect = NULL;
	plain.send = NULL;
	memset(&plain.time, 0, sizeof(plain.time));
	for (i = 0; i < witnesses.count; i++)
		if (targets_add_operand(
			targets, witnesses.items[i], 0, &plain, &err))
			ha_die(HA_STATUS_UNKNOWN, "--while %s", err.msg);
}

static void
read_targets(struct targets *targets, char **operands, size_t count)
{
	struct ha_err err;
	size_t i;

	for (i = 0; i < files.count; i++)
		if (targets_read(targets, files.items[i], &settings, &err))
			die(&err);
	for (i = 0; i < count; i++)
		if (targets_add_operand(targets, operands[i], (unsigned)(i + 1),
			&settings, &err))
			die(&err);
	if (!targets->count)
		ha_die(HA_STATUS_UNKNOWN, "%s names no target", files.items[0]);
	read_witnesses(targets);
	if (targets_check(targets, &settings, &err))
		die(&err);
}

static void
show_targets(const struct targets *targets)
{
	struct ha_buf line = HA_BUF_INIT;
	size_t i;

	for (i = 0; i < targets->count; i++) {
		ha_buf_reset(&line);
		targets_add_line(&line, &targets->list[i]);
		ha_out_write(line.data, line.len);
	}
	ha_buf_release(&line);
}

static void
begin(struct ha_sweep **sweep, size_t expected)
{
	const struct ha_sweep_options options = {
		.producer = "ha-probe",
		.format = format,
		.file = output,
		.is_quiet = quiet,
		.expected = settings.each_address ? 0 : expected,
	};
	struct ha_err err;

	if (ha_sweep_begin(sweep, &options, &err))
		die(&err);
}

static enum ha_status_state
end(struct ha_sweep *sweep)
{
	enum ha_status_state worst;
	struct ha_err err;

	if (ha_sweep_end(sweep, &worst, &err))
		die(&err);
	return worst;
}

static void
write_result(void *context, size_t order, const struct probe *probe)
{
	struct ha_status status;

	result_describe(&status, probe);
	ha_sweep_add(context, order, &status);
}

static struct schedule_options
schedule_options(void)
{
	return (struct schedule_options){
		.deadline_ns = ha_clock_deadline(sweep_ms),
		.parallel = parallel < 0 ? 0 : (size_t)parallel,
	};
}

static int
sweep_once(const struct targets *targets)
{
	struct schedule_options options = schedule_options();
	struct ha_sweep *sweep;
	struct ha_err err;

	begin(&sweep, targets->count);
	if (schedule_run(targets, &options, write_result, sweep, &err))
		die(&err);
	return end(sweep);
}

static int
sweep_again(const struct targets *targets)
{
	const struct wait_options options = {
		.limit_ms = wait_ms >= 0 ? wait_ms : wait_down_ms,
		.interval_ms = interval_ms < 0 ? INTERVAL_MS : interval_ms,
		.sweep_ms = sweep_ms,
		.parallel = parallel < 0 ? 0 : (size_t)parallel,
		.witnesses = witnesses.count,
		.confirm = confirm < 0 ? TIMES : confirm,
	};
	enum wait_verdict verdict = WAIT_NOT_KNOWN;
	struct ha_buf words = HA_BUF_INIT;
	struct results last;
	struct ha_sweep *sweep;
	struct ha_err err;
	int status;

	if (wait_ms >= 0 ? wait_until_ok(targets, &options, &last, &err)
			 : wait_until_down(targets, &options, &verdict, &words,
			       &last, &err))
		die(&err);
	begin(&sweep, last.count);
	results_write(&last, sweep);
	status = end(sweep);
	if (wait_ms < 0) {
		ha_say("%s", words.data);
		status = verdict == WAIT_DOWN ? HA_STATUS_OK
			 : verdict == WAIT_UP ? HA_STATUS_WARN
					      : HA_STATUS_UNKNOWN;
	}
	results_release(&last);
	ha_buf_release(&words);
	return status;
}

struct diagnosis {
	struct ha_buf text;
	enum ha_status_state worst;
};

static void
add_diagnosis(void *context, size_t order, const struct probe *probe)
{
	struct diagnosis *diagnosis = context;

	(void)order;
	if (diagnosis->text.len)
		ha_buf_add_str(&diagnosis->text, "\n\n");
	diagnose_add(&diagnosis->text, probe);
	diagnosis->worst = ha_status_worse(diagnosis->worst, probe->state);
}

static int
explain(const struct targets *targets)
{
	struct schedule_options options = schedule_options();
	struct diagnosis diagnosis = { HA_BUF_INIT, HA_STATUS_OK };
	struct ha_err err;

	if (targets->count > 1)
		refuse("--diagnose takes one target");
	targets->list[0].settings.is_diagnosed = 1;
	if (schedule_run(targets, &options, add_diagnosis, &diagnosis, &err))
		die(&err);
	ha_out_write(diagnosis.text.data, diagnosis.text.len);
	ha_buf_release(&diagnosis.text);
	return diagnosis.worst;
}

static int
run(const struct targets *targets)
{
	if (dry_run) {
		show_targets(targets);
		return HA_STATUS_OK;
	}
	if (diagnose)
		return explain(targets);
	if (wait_ms >= 0 || wait_down_ms >= 0)
		return sweep_again(targets);
	return sweep_once(targets);
}

/* Before a mistake in the options is told: as one who looks at stdout sees it. */
static void
begin_plugin(int argc, char **argv)
{
	const char *chosen = ha_opt_peek(argc, argv, &command, 'F');

	if (ha_sweep_is_plugin(argv[0])) {
		settings.timeout_ms = PLUGIN_TIMEOUT_MS;
		command.help_status = HA_STATUS_UNKNOWN;
		format = "nagios";
	}
	chosen = chosen ? chosen : format;
	if (chosen && !strcmp(chosen, "nagios"))
		ha_msg_plugin("HA-PROBE");
}

/* Whatever it waits for, the next sweep of cron finds this one gone. */
static void
start_watchdog(void)
{
	int64_t ms = wait_ms >= 0        ? wait_ms
		     : wait_down_ms >= 0 ? wait_down_ms
					 : sweep_ms;

	ha_watchdog_start(ms, HA_STATUS_UNKNOWN, NULL);
}

int
main(int argc, char **argv)
{
	struct targets targets = { NULL, 0, 0 };
	struct ha_buf details = HA_BUF_INIT;
	int first, status;

	ha_msg_init("ha-probe");
	ha_alloc_fatal(HA_STATUS_UNKNOWN);
	ha_out_fatal(HA_STATUS_UNKNOWN);
	settings_init(&settings);
	build_details(&details);
	command.details = details.data;
	command.opts = build_options();
	begin_plugin(argc, argv);
	first = ha_opt_parse(argc, argv, &command, HA_STATUS_UNKNOWN);
	check_usage((size_t)(argc - first));
	start_watchdog();
	signal(SIGPIPE, SIG_IGN);
	read_targets(&targets, argv + first, (size_t)(argc - first));
	status = run(&targets);
	targets_release(&targets);
	settings_release();
	ha_buf_release(&details);
	free(files.items);
	free(witnesses.items);
	/* Threads of the resolver may still wait for a dead server. */
	_exit(status);
}
