/* SPDX-License-Identifier: ISC */
/*
 * ha-alert - tell people: transition records, or words, into a durable spool,
 * and from there to mail, webhooks and commands.
 */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "alias.h"
#include "alloc.h"
#include "channel.h"
#include "check.h"
#include "clock.h"
#include "flush.h"
#include "incident.h"
#include "intake.h"
#include "list.h"
#include "mend.h"
#include "msg.h"
#include "opt.h"
#include "out.h"
#include "spool.h"
#include "sweep.h"
#include "template.h"
#include "try.h"

#define INLINE_MS 5000
#define FLUSH_MS 50000

static const char *subject, *monit, *check, *host, *state, *format;
static const char *config, *drop, *reason, *template_name;
static int64_t total_ms = -1, warn_ms = 5 * 60 * 1000, crit_ms = 15 * 60 * 1000;
static int nagios, is_inline, flush, queue, list, retry, ping, test;
static int is_render, check_config, quiet, dry_run;

static const struct ha_opt opts[] = {
	{ 0, NULL, NULL, HA_OPT_GROUP, NULL, "Taking alerts" },
	{ 's', "subject", "TEXT", HA_OPT_STRING, &subject,
	    "tell these words, with the body on stdin" },
	{ 0, "check", "NAME", HA_OPT_STRING, &check,
	    "with -s: they are about this check; OK ends its incident" },
	{ 0, "state", "STATE", HA_OPT_STRING, &state,
	    "with --check: its state (CRIT)", NULL, "OK|WARN|CRIT|UNKNOWN" },
	{ 0, "host", "HOST", HA_OPT_STRING, &host,
	    "with -s: the machine that they are about (this one)" },
	{ 0, "monit", "EVENT", HA_OPT_STRING, &monit,
	    "called by monit: take its environment", NULL, "problem|recover" },
	{ 0, "nagios", NULL, HA_OPT_FLAG, &nagios,
	    "called by Nagios or Icinga: take the macros of the environment" },
	{ 0, "inline", NULL, HA_OPT_FLAG, &is_inline,
	    "and try to deliver it at once, for 5 s or -T" },
	{ 0, NULL, NULL, HA_OPT_GROUP, NULL, "Delivering" },
	{ 0, "flush", NULL, HA_OPT_FLAG, &flush,
	    "deliver what is in the spool, to all channels or these" },
	{ 'T', "total", "DURATION", HA_OPT_DURATION, &total_ms,
	    "--flush: end after this time (50s)" },
	{ 0, NULL, NULL, HA_OPT_GROUP, NULL, "The spool" },
	{ 0, "queue", NULL, HA_OPT_FLAG, &queue,
	    "check the age of what is not told yet" },
	{ 'w', "warning", "DURATION", HA_OPT_DURATION, &warn_ms,
	    "--queue: WARN when it is older (5m)" },
	{ 'c', "critical", "DURATION", HA_OPT_DURATION, &crit_ms,
	    "--queue: CRIT when it is older (15m)" },
	{ 0, "list", NULL, HA_OPT_FLAG, &list, "list what is in the spool" },
	{ 'F', "format", "FORMAT", HA_OPT_STRING, &format,
	    "--queue, --list: how (--list knows tsv, json, table)", NULL,
	    HA_SWEEP_FORMATS },
	{ 0, "retry", NULL, HA_OPT_FLAG, &retry,
	    "try these IDs, or all, again now" },
	{ 0, "drop", "ID", HA_OPT_STRING, &drop,
	    "remove it, told or not; needs --reason" },
	{ 0, "reason", "WORDS", HA_OPT_STRING, &reason, "--drop: why" },
	{ 0, NULL, NULL, HA_OPT_GROUP, NULL, "Channels" },
	{ 0, "test", NULL, HA_OPT_FLAG, &test,
	    "send a test to the channels and say what happened" },
	{ 0, "ping", NULL, HA_OPT_FLAG, &ping,
	    "send a sign of life to the channels, past the spool" },
	{ 0, "render", NULL, HA_OPT_FLAG, &is_render,
	    "show what the records of stdin would be to the channels" },
	{ 0, "template", "NAME", HA_OPT_STRING, &template_name,
	    "print a template that is shipped, to make one's own of it" },
	{ 0, "check-config", NULL, HA_OPT_FLAG, &check_config,
	    "check alert.conf, its templates and its secrets' files" },
	{ 0, "config", "FILE", HA_OPT_STRING, &config,
	    "another file than HA_CONFIG_DIR/alert.conf" },
	{ 0, NULL, NULL, HA_OPT_GROUP, NULL, "In most of them" },
	{ 'n', "dry-run", NULL, HA_OPT_FLAG, &dry_run,
	    "show what would be done, and do nothing" },
	{ 'q', "quiet", NULL, HA_OPT_FLAG, &quiet,
	    "--queue: only what is not OK; --flush, --inline: no word of what "
	    "is tried again" },
	{ 0, NULL, NULL, HA_OPT_FLAG, NULL, NULL },
};

static struct ha_opt_command command = {
	.name = "ha-alert",
	.synopsis = "[options] CHANNEL...",
	.purpose = "tell people of transitions, through a durable spool",
	.details =
	    "  ha-probe -f targets | ha-gate web -- ha-alert ops\n"
	    "  ha-alert --flush -q        # from cron, every minute\n"
	    "  ha-alert --queue -w 5m -c 15m\n"
	    "\n"
	    "Exit status: 0 it is in the spool, durably, or done; 1 no such ID; 64 usage;\n"
	    "65 lines that are no transition records; 66, 77, 78 alert.conf is missing, open\n"
	    "to others, wrong; 69, 75 --test, --ping: refused, not reached; 73, 74 the spool\n"
	    "can't be written.  --queue: 0 OK, 1 WARN, 2 CRIT, 3 UNKNOWN.\n",
	.operands = "none",
	.opts = opts,
};

/* The operands, without those that were given before. */
static size_t
name_channels(const char **channels, char **operands, size_t count)
{
	size_t named = 0;

	for (size_t i = 0; i < count; i++) {
		size_t j = 0;

		if (!spool_is_name(operands[i]))
			ha_die(EX_USAGE, "'%s' can't be a channel's name",
			    operands[i]);
		while (j < named && strcmp(channels[j], operands[i]) != 0)
			j++;
		if (j == named)
			channels[named++] = operands[i];
	}
	return named;
}

/* It waits in the spool until alert.conf has it; but somebody should know. */
static void
warn_of_unknown(const struct channels *known, const struct intake *intake)
{
	struct names names;

	names_init(&names);
	for (size_t i = 0; i < intake->channel_count; i++)
		alias_expand(&names, known, intake->channels[i]);
	for (size_t i = 0; i < names.count; i++)
		if (channels_find(known, names.list[i]) == NULL)
			ha_warn("%s has no channel '%s': what is told there "
				"waits in the spool until it has",
			    known->path, names.list[i]);
	names_release(&names);
}

static int
flush_with(struct spool *spool, const struct channels *channels,
    const char *const *wanted, size_t count, int64_t ms)
{
	struct flush conf = { .spool = spool,
		.channels = channels,
		.wanted = wanted,
		.wanted_count = count,
		.deadline_ns = ha_clock_deadline(ms),
		.is_quiet = quiet };

	return flush_run(&conf);
}

static void
try_inline(const struct intake *intake, const struct channels *channels)
{
	flush_with(intake->spool, channels, intake->channels,
	    intake->channel_count, total_ms >= 0 ? total_ms : INLINE_MS);
}

static int
take_one(const struct intake *intake, struct ha_err *err)
{
	struct incident_report report = {
		.host = host != NULL ? host : ha_status_here(),
		.check = check,
		.target = "ha-alert",
		.state = HA_STATUS_CRIT
	};

	if (monit != NULL)
		return monit_take(intake, strcmp(monit, "problem") == 0, err);
	if (nagios)
		return nagios_take(intake, err);
	if (state != NULL)
		ha_status_parse_state(state, &report.state);
	if (check != NULL)
		return intake_words(intake, subject, &report, err);
	if (subject != NULL)
		return intake_message(intake, host, subject, err);
	return intake_records(intake, err);
}

/*
 * First into the spool, whatever is wrong with alert.conf: what is not there
 * when this ends is lost.
 */
static int
take(char **operands, size_t count)
{
	struct spool spool = { .fd = -1 };
	const char **names = ha_xcalloc(count, sizeof(*names));
	struct intake intake = { .spool = &spool,
		.channels = names,
		.channel_count = name_channels(names, operands, count),
		.is_dry_run = dry_run };
	struct ha_err err, no_spool, no_config;
	struct channels channels;
	int result, has_config;

	if (!dry_run && spool_open(&spool, &no_spool) != 0)
		intake.no_spool = &no_spool;
	result = take_one(&intake, &err);
	has_config = channels_read(&channels, config, &no_config) == 0;
	if (has_config)
		warn_of_unknown(&channels, &intake);
	else
		ha_warn("%s: what is told waits in the spool", no_config.msg);
	if (is_inline && has_config && spool.fd >= 0)
		try_inline(&intake, &channels);
	if (has_config)
		channels_release(&channels);
	if (spool.fd >= 0)
		spool_close(&spool);
	free(names);
	if (result != 0)
		ha_die_err(&err);
	return EX_OK;
}

static void
read_config(struct channels *channels)
{
	struct ha_err err;

	if (channels_read(channels, config, &err) != 0)
		ha_die_err(&err);
}

/* No spool: nothing was ever taken. */
static int
open_spool(struct spool *spool)
{
	struct ha_err err;
	int is_there = spool_open_existing(spool, &err);

	if (is_there < 0)
		ha_die_err(&err);
	return is_there;
}

/* A name that neither alert.conf nor the spool knows is a mistake. */
static void
refuse_unknown(const struct spool *spool, const struct channels *channels,
    const char *const *wanted, size_t count)
{
	struct names names;
	int fd;

	names_init(&names);
	for (size_t i = 0; i < count; i++)
		alias_expand(&names, channels, wanted[i]);
	for (size_t i = 0; i < names.count; i++) {
		if (channels_find(channels, names.list[i]) != NULL)
			continue;
		fd = spool_open_dir(spool, "queue", names.list[i]);
		if (fd < 0)
			ha_die(EX_CONFIG, "%s has no channel '%s'",
			    channels->path, names.list[i]);
		close(fd);
	}
	names_release(&names);
}

static int
flush_all(char **operands, size_t count)
{
	const char **names = ha_xcalloc(count + 1, sizeof(*names));
	size_t named = name_channels(names, operands, count);
	struct channels channels;
	struct spool spool;
	int status = EX_OK;

	read_config(&channels);
	if (open_spool(&spool)) {
		refuse_unknown(&spool, &channels, names, named);
		status = flush_with(&spool, &channels, names, named,
		    total_ms >= 0 ? total_ms : FLUSH_MS);
		spool_close(&spool);
	}
	channels_release(&channels);
	free(names);
	return status;
}

static int
show_list(void)
{
	struct spool spool;
	struct ha_err err;

	if (!open_spool(&spool))
		return EX_OK;
	if (list_show(&spool, format, &err) != 0)
		ha_die_err(&err);
	spool_close(&spool);
	return EX_OK;
}

static int
show_queue(void)
{
	struct check conf = { .warn_ms = warn_ms,
		.crit_ms = crit_ms,
		.format = format,
		.config = config,
		.is_quiet = quiet };
	enum ha_status_state worst;
	struct ha_err err;

	ha_alloc_fatal(HA_STATUS_UNKNOWN);
	ha_out_fatal(HA_STATUS_UNKNOWN);
	if (format != NULL && strcmp(format, "nagios") == 0)
		ha_msg_plugin("HA-ALERT");
	if (check_queue(&conf, &worst, &err) != 0)
		ha_die(HA_STATUS_UNKNOWN, "%s", err.msg);
	return (int)worst;
}

/* --retry IDs, --drop. */
static int
mend(char **ids, size_t count)
{
	struct spool spool;
	struct ha_err err;
	long done = 0;

	if (open_spool(&spool)) {
		done = drop != NULL
			   ? mend_drop(&spool, drop, reason, dry_run, &err)
			   : mend_retry(&spool, ids, count, dry_run, &err);
		spool_close(&spool);
	}
	if (done < 0)
		ha_die_err(&err);
	if (done == 0 && drop == NULL && strcmp(ids[0], "all") == 0)
		return EX_OK;
	if (done == 0)
		ha_say("the spool has no entry '%s'",
		    drop != NULL ? drop : ids[0]);
	return done > 0 ? EX_OK : 1;
}

/* Those of aliases, too; the array is the caller's. */
static const struct channel **
find_channels(const struct channels *channels, char **operands, size_t *count)
{
	const struct channel **found;
	struct names names;

	names_init(&names);
	for (size_t i = 0; i < *count; i++)
		alias_expand(&names, channels, operands[i]);
	found = ha_xcalloc(names.count + 1, sizeof(*found));
	for (size_t i = 0; i < names.count; i++) {
		found[i] = channels_find(channels, names.list[i]);
		if (found[i] == NULL)
			ha_die(EX_CONFIG, "%s has no channel '%s'",
			    channels->path, names.list[i]);
	}
	*count = names.count;
	names_release(&names);
	return found;
}

/* --test, --ping. */
static int
send_now(char **operands, size_t count)
{
	const char *here = ha_status_here();
	struct channels channels;
	const struct channel **found;
	int64_t deadline_ns =
	    ha_clock_deadline(total_ms >= 0 ? total_ms : FLUSH_MS);
	int status = EX_OK;

	read_config(&channels);
	found = find_channels(&channels, operands, &count);
	for (size_t i = 0; i < count; i++) {
		char *words = test ? ha_xasprintf("test of the channel %s, "
						  "from %s",
					 found[i]->name, here)
				   : ha_xasprintf("%s is alive", here);
		int sent = try_send(found[i], words, "", deadline_ns, !test);

		status = sent != EX_OK ? sent : status;
		free(words);
	}
	free(found);
	channels_release(&channels);
	return status;
}

static int
show_rendered(char **operands, size_t count)
{
	struct channels channels = { .count = 0 };
	const struct channel **shown;
	struct ha_err err;
	int failed;

	if (count)
		read_config(&channels);
	shown = find_channels(&channels, operands, &count);
	failed = try_render(shown, count, &err);
	free(shown);
	if (channels.path != NULL)
		channels_release(&channels);
	if (failed)
		ha_die_err(&err);
	return EX_OK;
}

static int
show_template(void)
{
	struct ha_buf names = HA_BUF_INIT;
	size_t len;
	const char *text = template_shipped(template_name, &len);

	template_names(&names);
	if (text == NULL)
		ha_die(EX_USAGE, "'%s' is no template that is shipped: %s",
		    template_name, names.data);
	ha_buf_release(&names);
	ha_out_write(text, len);
	return EX_OK;
}

static int
show_config(void)
{
	struct channels channels;
	int status;

	read_config(&channels);
	status = try_config(&channels);
	if (status == EX_OK && !quiet)
		ha_say("%s: %zu channel%s, all right", channels.path,
		    channels.count, channels.count == 1 ? "" : "s");
	channels_release(&channels);
	return status;
}

static _Noreturn void
refuse(const char *what)
{
	ha_die(queue ? HA_STATUS_UNKNOWN : EX_USAGE,
	    "%s; try 'ha-alert --help'", what);
}

static void
check_usage(size_t operands)
{
	int modes = flush + queue + list + retry + (drop != NULL) + test +
		    ping + is_render + (template_name != NULL) + check_config;
	int sources = (subject != NULL) + (monit != NULL) + nagios;
	int is_alone = queue || list || drop != NULL || check_config ||
		       template_name != NULL;

	if (modes > 1 || sources > 1 || (modes && sources))
		refuse("one of -s, --monit, --nagios, --flush, --queue, "
		       "--list, --retry, --drop, --test, --ping, --render, "
		       "--template and --check-config");
	if (is_alone && operands)
		refuse("it takes no operand");
	if (!operands && retry)
		refuse("--retry needs an ID, or all");
	if (!operands && (test || ping || !modes))
		refuse("no CHANNEL is given");
	if ((drop != NULL) != (reason != NULL && *reason))
		refuse("--drop ID and --reason WORDS go together");
	if ((check != NULL || host != NULL) && subject == NULL)
		refuse("--check, --state and --host go with -s");
	if (state != NULL && check == NULL)
		refuse("--state goes with --check");
	if (check != NULL && !*check)
		refuse("--check needs a name");
	if (list && format != NULL && strcmp(format, "tsv") != 0 &&
	    strcmp(format, "json") != 0 && strcmp(format, "table") != 0)
		refuse("--list knows tsv, json and table");
	if (format != NULL && !queue && !list)
		refuse("-F goes with --queue and --list");
	if (is_inline && modes)
		refuse("--inline goes with taking alerts");
}

static int
run(char **operands, size_t count)
{
	check_usage(count);
	if (flush && !dry_run)
		return flush_all(operands, count);
	if (list || flush)
		return show_list();
	if (queue)
		return show_queue();
	if (retry || drop != NULL)
		return mend(operands, count);
	if (test || ping)
		return send_now(operands, count);
	if (is_render)
		return show_rendered(operands, count);
	if (template_name != NULL)
		return show_template();
	if (check_config)
		return show_config();
	return take(operands, count);
}

int
main(int argc, char **argv)
{
	int first, status = EX_USAGE;

	ha_msg_init("ha-alert");
	/* Of a check all that is wrong is UNKNOWN. */
	for (int i = 1; i < argc; i++)
		if (strcmp(argv[i], "--queue") == 0)
			status = HA_STATUS_UNKNOWN;
	first = ha_opt_parse(argc, argv, &command, status);
	return run(argv + first, (size_t)(argc - first));
}
