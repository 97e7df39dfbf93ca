/* SPDX-License-Identifier: ISC */
/*
 * ha-alert - tell people: transition records, or words, into a durable spool,
 * and from there to mail, webhooks and commands.
 */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "alloc.h"
#include "intake.h"
#include "list.h"
#include "msg.h"
#include "opt.h"
#include "out.h"
#include "spool.h"
#include "sweep.h"

static const char *subject, *monit, *check, *host, *state, *format;
static const char *config, *drop, *reason;
static int64_t total_ms = -1, warn_ms = 5 * 60 * 1000, crit_ms = 15 * 60 * 1000;
static int nagios, inline_attempt, flush, queue, list, retry, ping, test;
static int render_only, check_config, quiet, dry_run;

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
	{ 0, "inline", NULL, HA_OPT_FLAG, &inline_attempt,
	    "and try to deliver it at once, for 5 s or -T" },
	{ 0, NULL, NULL, HA_OPT_GROUP, NULL, "Delivering" },
	{ 0, "flush", NULL, HA_OPT_FLAG, &flush,
	    "deliver what is in the spool, to all channels or these" },
	{ 'T', NULL, "DURATION", HA_OPT_DURATION, &total_ms,
	    "--flush: end after this time (50s)" },
	{ 0, NULL, NULL, HA_OPT_GROUP, NULL, "The spool" },
	{ 0, "queue", NULL, HA_OPT_FLAG, &queue,
	    "check the age of what is not told yet" },
	{ 'w', NULL, "DURATION", HA_OPT_DURATION, &warn_ms,
	    "--queue: WARN when it is older (5m)" },
	{ 'c', NULL, "DURATION", HA_OPT_DURATION, &crit_ms,
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
	{ 0, "render", NULL, HA_OPT_FLAG, &render_only,
	    "show what the records of stdin would be to the channels" },
	{ 0, "check-config", NULL, HA_OPT_FLAG, &check_config,
	    "check alert.conf, its templates and its secrets' files" },
	{ 0, "config", "FILE", HA_OPT_STRING, &config,
	    "another file than HA_CONFIG_DIR/alert.conf" },
	{ 0, NULL, NULL, HA_OPT_GROUP, NULL, "In most of them" },
	{ 'n', "dry-run", NULL, HA_OPT_FLAG, &dry_run,
	    "show what would be done, and do nothing" },
	{ 'q', "quiet", NULL, HA_OPT_FLAG, &quiet,
	    "--queue: only what is not OK; --flush: no word of what is tried "
	    "again" },
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
	    "Exit status: 0 it is in the spool, durably, or done; 1 no such ID, nothing\n"
	    "to tell; 64 usage; 65 lines that are no transition records; 69, 75 --test,\n"
	    "--ping: refused, not reached; 73, 74 the spool can't be written; 77 its\n"
	    "owner; 78 alert.conf.  --queue: 0 OK, 1 WARN, 2 CRIT, 3 UNKNOWN.\n",
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

static int
take(char **operands, size_t count)
{
	struct spool spool = { .fd = -1 };
	const char **channels = ha_xcalloc(count, sizeof(*channels));
	struct intake intake = { .spool = &spool,
		.channels = channels,
		.channel_count = name_channels(channels, operands, count),
		.is_dry_run = dry_run };
	struct ha_err err, no_spool;
	int result;

	if (!dry_run && spool_open(&spool, &no_spool) != 0)
		intake.no_spool = &no_spool;
	if (subject != NULL)
		result = intake_message(&intake, subject, &err);
	else
		result = intake_records(&intake, &err);
	if (spool.fd >= 0)
		spool_close(&spool);
	free(channels);
	if (result < 0)
		ha_die_err(&err);
	return result;
}

/* No spool: nothing was ever taken. */
static int
show_list(void)
{
	struct spool spool;
	struct ha_err err;
	int is_there = spool_open_existing(&spool, &err);

	if (is_there < 0)
		ha_die_err(&err);
	if (is_there && list_show(&spool, format, &err) != 0)
		ha_die_err(&err);
	if (is_there)
		spool_close(&spool);
	return EX_OK;
}

int
main(int argc, char **argv)
{
	int first;

	ha_msg_init("ha-alert");
	first = ha_opt_parse(argc, argv, &command, EX_USAGE);
	if (list)
		return show_list();
	if (first == argc)
		ha_die(EX_USAGE, "which channel? try 'ha-alert --help'");
	return take(argv + first, (size_t)(argc - first));
}
