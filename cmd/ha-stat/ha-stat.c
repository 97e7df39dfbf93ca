/* SPDX-License-Identifier: ISC */
/*
 * ha-stat - look at this machine once and say what is wrong with it.
 */
#include <errno.h>
#include <limits.h>
#include <search.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include "alloc.h"
#include "check.h"
#include "clock.h"
#include "conf.h"
#include "explain.h"
#include "helper.h"
#include "kinds.h"
#include "msg.h"
#include "opt.h"
#include "out.h"
#include "page.h"
#include "rates.h"
#include "round.h"
#include "sweep.h"
#include "watchdog.h"

#define INTERVAL_MS 1000
#define CHECK_MS 5000
#define RUN_MS 50000

struct names {
	const char **items;
	size_t count;
};

static struct names files;
static const char *format, *out_file, *warn, *crit;
static int64_t check_ms = CHECK_MS, run_ms = RUN_MS, interval_ms = -1;
static int is_quiet, is_list, is_accept;

static void
add_file(void *target, const char *arg)
{
	struct names *names = target;

	names->items = ha_xrealloc(
	    names->items, (names->count + 1) * sizeof(*names->items));
	names->items[names->count++] = arg;
}

static const struct ha_opt opts[] = {
	{ 'f', "checks", "FILE", HA_OPT_CALL, &files,
	    "checks from FILE too, one a line: [NAME] CHECK [KEY=VALUE...]; "
	    "- is stdin; repeatable",
	    add_file },
	{ 'w', "warning", "RANGE", HA_OPT_STRING, &warn,
	    "WARN outside of RANGE: for checks without thresholds of their "
	    "own" },
	{ 'c', "critical", "RANGE", HA_OPT_STRING, &crit,
	    "CRIT outside of RANGE, likewise" },
	{ 'i', "interval", "DURATION", HA_OPT_DURATION, &interval_ms,
	    "look twice, this far apart, for rates; without -i the last run's "
	    "samples are used where there are any, else 1s" },
	{ 't', "timeout", "DURATION", HA_OPT_DURATION, &check_ms,
	    "limit of one check that waits for somebody (5s)" },
	{ 'T', "total", "DURATION", HA_OPT_DURATION, &run_ms,
	    "limit of the whole run (50s)" },
	{ 'F', "format", "FORMAT", HA_OPT_STRING, &format,
	    "of the output; table on a terminal, else tsv", NULL,
	    HA_SWEEP_FORMATS },
	{ 'o', "output", "FILE", HA_OPT_STRING, &out_file,
	    "with -F prom: replace FILE instead of writing to stdout" },
	{ 'q', "quiet", NULL, HA_OPT_FLAG, &is_quiet, "only what is not OK" },
	{ 0, "accept", NULL, HA_OPT_FLAG, &is_accept,
	    "record the files of these checks as they are now, as what they "
	    "ought to be" },
	{ 0, "list", NULL, HA_OPT_FLAG, &is_list,
	    "explain every kind of check, or those named" },
	{ 0, NULL, NULL, HA_OPT_FLAG, NULL, NULL },
};

static struct ha_opt_command command = {
	.name = "ha-stat",
	.synopsis = "[options] [-f FILE] [CHECK ...]",
	.purpose = "look at this machine once and say what is wrong with it",
	.details =
	    "  ha-stat                              a page for a person\n"
	    "  ha-stat load 'disk:/?warn=80%&crit=90%' proc:exe=nginx\n"
	    "  ha-stat -q -F table -f /etc/ha/stat  from cron: silent when OK\n"
	    "\n"
	    "Exit status: 0 OK, 1 WARN, 2 CRIT, 3 UNKNOWN, the worst of all; 3 for usage,\n"
	    "too.\n",
	.operands = "load|cpu|mem|swap|disk:|inode:|io|net|uptime|clock|units|"
		    "proc:|cgroup:|file:|dir:|mount:|exit:",
	.opts = opts,
};

struct list {
	struct check **checks;
	size_t count;
	void *names; /* of tsearch(3), borrowed: one each */
};

static _Noreturn void
refuse(const char *what)
{
	ha_die(HA_STATUS_UNKNOWN, "%s; try 'ha-stat --help'", what);
}

static int
compare_names(const void *a, const void *b)
{
	return strcmp(a, b);
}

static void
keep_name(void *name)
{
	(void)name;
}

/* Takes the check over, also when its name is there already: -1, EX_USAGE. */
static int
list_add(struct list *list, struct check *check, struct ha_err *err)
{
	const char *const *first;

	list->checks = ha_xrealloc(
	    list->checks, (list->count + 1) * sizeof(*list->checks));
	list->checks[list->count++] = check;
	first = tsearch(check->name, &list->names, compare_names);
	if (!first)
		return ha_err_set(err, EX_OSERR, ENOMEM, "a check's name");
	if (*first == check->name)
		return 0;
	return ha_err_set(err, EX_USAGE, 0,
	    "the check '%s' is there already; in a file of checks each can "
	    "have a name",
	    check->name);
}

static struct check *
complete(struct check *check, struct ha_err *err)
{
	if (check && check_complete(check, warn, crit, err)) {
		check_free(check);
		return NULL;
	}
	return check;
}

static void
add_operand(struct list *list, const char *text)
{
	struct ha_err err;
	size_t offset;
	struct check *check = complete(check_parse(text, &offset, &err), &err);

	if (!check || list_add(list, check, &err))
		ha_die(HA_STATUS_UNKNOWN, "'%s': %s", text, err.msg);
}

static int
is_check(const char *word)
{
	return kind_find(word, strcspn(word, ":?")) != NULL;
}

/* Is the first word a name for the check that the second one is? */
static int
has_name(const struct ha_conf_line *line)
{
	if (line->count < 2)
		return 0;
	return !is_check(line->words[0].text) || is_check(line->words[1].text);
}

static int
add_line(void *context, const struct ha_conf_line *line, struct ha_err *err)
{
	size_t word = (size_t)has_name(line), offset = 0;
	struct check *check = check_parse(line->words[word].text, &offset, err);
	size_t i = word;

	if (!check)
		return ha_conf_err(line, word, offset, err, "%s", err->msg);
	while (++i < line->count)
		if (check_add(check, line->words[i].text, &offset, err)) {
			check_free(check);
			return ha_conf_err(
			    line, i, offset, err, "%s", err->msg);
		}
	if (word) {
		free(check->name);
		check->name = ha_xstrdup(line->words[0].text);
	}
	check = complete(check, err);
	if (!check)
		return ha_conf_err(line, word, 0, err, "%s", err->msg);
	if (list_add(context, check, err))
		return ha_conf_err(line, 0, 0, err, "%s", err->msg);
	return 0;
}

static void
add_page_check(void *context, const char *text)
{
	add_operand(context, text);
}

static void
gather(struct list *list, char **operands)
{
	struct ha_err err;

	for (size_t i = 0; i < files.count; i++) {
		if (ha_conf_read(files.items[i], add_line, list, &err))
			ha_die(HA_STATUS_UNKNOWN, "%s", err.msg);
		if (!list->count)
			ha_die(HA_STATUS_UNKNOWN, "'%s' holds no check",
			    files.items[i]);
	}
	for (; *operands; operands++)
		add_operand(list, *operands);
	if (!list->count)
		page_checks(add_page_check, list);
}

static void
release(struct list *list)
{
	tdestroy(list->names, keep_name);
	for (size_t i = 0; i < list->count; i++)
		check_free(list->checks[i]);
	free(list->checks);
	free(files.items);
}

/* What a run writes to, and what stands in every record. */
struct output {
	struct ha_sweep *sweep;
	char host[HOST_NAME_MAX + 1];
};

static void
report(void *context, size_t order, struct check *check)
{
	struct output *output = context;
	struct ha_buf msg = HA_BUF_INIT;
	struct ha_status status = {
		.host = output->host,
		.check = check->name,
		.state = check->state,
		.ms = (double)check->spent_ns / (double)HA_MS_NS,
		.target = check->target,
		.perf = check->perf.data,
	};

	check_message(check, &msg);
	status.msg = msg.data;
	ha_sweep_add(output->sweep, order, &status);
	ha_buf_release(&msg);
}

static struct round
make_round(const struct list *list)
{
	return (struct round){
		.checks = list->checks,
		.count = list->count,
		.check_ms = check_ms,
		.interval_ms = interval_ms < 0 ? INTERVAL_MS : interval_ms,
		.deadline_ns = ha_clock_deadline(run_ms),
	};
}

/* One round into the format asked for; the exit status. */
static int
sweep(const struct list *list)
{
	const struct ha_sweep_options options = {
		.producer = "ha-stat",
		.format = format,
		.file = out_file,
		.is_quiet = is_quiet,
		.expected = list->count,
	};
	struct output output = { .host = "" };
	struct round round = make_round(list);
	enum ha_status_state worst;
	struct ha_err err;

	if (gethostname(output.host, sizeof(output.host) - 1))
		output.host[0] = '\0';
	if (ha_sweep_begin(&output.sweep, &options, &err))
		refuse(err.msg);
	round.report = report;
	round.context = &output;
	rates_open(interval_ms >= 0);
	round_run(&round);
	if (rates_close(&err))
		ha_warn("nothing is kept for the rates of the next run: %s",
		    err.msg);
	if (ha_sweep_end(output.sweep, &worst, &err))
		ha_die(HA_STATUS_UNKNOWN, "%s", err.msg);
	return (int)worst;
}

/* With two looks of its own: a person can wait for that. */
static int
show_page(const struct list *list)
{
	const struct round round = make_round(list);

	return (int)page_show(&round);
}

static int
accept_all(const struct list *list)
{
	enum ha_status_state worst = HA_STATUS_OK;
	size_t count = 0;
	struct ha_err err;

	for (size_t i = 0; i < list->count; i++) {
		struct check *check = list->checks[i];

		if (!check->kind->accept)
			continue;
		count++;
		check->deadline_ns = ha_clock_deadline(check_ms);
		if (check->kind->accept(check, &err)) {
			ha_say("%s: %s", check->name, err.msg);
			worst = HA_STATUS_UNKNOWN;
		} else {
			ha_say("%s: accepted as it is", check->name);
		}
	}
	if (!count)
		refuse("--accept: none of these checks records anything");
	return (int)worst;
}

static void
check_usage(char *const *operands)
{
	if (is_accept && !files.count && !*operands)
		refuse("--accept needs checks");
	if ((warn || crit) && !files.count && !*operands)
		refuse("-w and -c need checks");
	if (!interval_ms || !check_ms || !run_ms)
		refuse("-i, -t and -T can't be 0");
	if (interval_ms >= run_ms)
		refuse("-i must be shorter than -T");
}

/* Before a mistake in the options is told: as one who looks at stdout sees it. */
static void
begin_plugin(int argc, char **argv)
{
	const char *chosen = ha_opt_peek(argc, argv, &command, 'F');

	if (ha_sweep_is_plugin(argv[0])) {
		command.help_status = HA_STATUS_UNKNOWN;
		format = "nagios";
	}
	chosen = chosen ? chosen : format;
	if (chosen && !strcmp(chosen, "nagios"))
		ha_msg_plugin("HA-STAT");
}

int
main(int argc, char **argv)
{
	struct list list = { NULL, 0, NULL };
	struct ha_err err;
	int first, status;

	ha_msg_init("ha-stat");
	ha_alloc_fatal(HA_STATUS_UNKNOWN);
	ha_out_fatal(HA_STATUS_UNKNOWN);
	begin_plugin(argc, argv);
	first = ha_opt_parse(argc, argv, &command, HA_STATUS_UNKNOWN);
	if (is_list) {
		if (explain_kinds(argv + first, &err))
			ha_die(HA_STATUS_UNKNOWN, "%s", err.msg);
		return 0;
	}
	check_usage(argv + first);
	ha_watchdog_start(run_ms, HA_STATUS_UNKNOWN, helper_end_all);
	gather(&list, argv + first);
	if (is_accept)
		status = accept_all(&list);
	else if (first == argc && !files.count && !format && !out_file &&
		 !is_quiet)
		status = show_page(&list);
	else
		status = sweep(&list);
	release(&list);
	return status;
}
