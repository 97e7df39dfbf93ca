/* SPDX-License-Identifier: ISC */
/*
 * time - since when the machine is up, and how true its clock is.
 * proc(5), /proc/uptime; adjtimex(2).
 */
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <sys/timex.h>
#include <time.h>

#include "clock.h"
#include "kernel.h"
#include "kinds.h"
#include "proc.h"

enum { UPTIME };
enum { OFFSET, ERROR, MAXERROR, UNSYNC };

static const struct kind_option uptime_options[] = {
	{ "uptime", OPTION_LIMIT, HA_RANGE_SECONDS, NULL, NULL,
	    "time since the machine started, such as uptime=10m: to be told of "
	    "a restart" },
	{ NULL },
};

static int
parse_state(struct setting *setting, const char *text, struct ha_err *err);

static const struct kind_option clock_options[] = {
	{ "offset", OPTION_LIMIT, HA_RANGE_SECONDS, NULL, "100ms,1s",
	    "what the kernel still has to correct, in either direction" },
	{ "error", OPTION_LIMIT, HA_RANGE_SECONDS, NULL, "100ms,1s",
	    "the error that the NTP daemon estimates" },
	{ "maxerror", OPTION_LIMIT, HA_RANGE_SECONDS, NULL, NULL,
	    "the largest error possible; it grows by 0.5 ms a second until the "
	    "daemon hears from its servers again" },
	{ "unsync", OPTION_TEXT, HA_RANGE_NUMBER, "OK|WARN|CRIT", "WARN",
	    "the state of a clock that nothing keeps right", parse_state },
	{ NULL },
};

static int
parse_state(struct setting *setting, const char *text, struct ha_err *err)
{
	for (int state = HA_STATUS_OK; state <= HA_STATUS_CRIT; state++)
		if (!strcmp(
			text, ha_status_name((enum ha_status_state)state))) {
			setting->number = state;
			return 0;
		}
	return ha_err_set(
	    err, EX_USAGE, 0, "'%s' is none of OK, WARN, CRIT", text);
}

struct uptime_data {
	double seconds;
};

static void
uptime_look(struct check *check)
{
	struct uptime_data *data = check->data;
	struct ha_buf text = HA_BUF_INIT;
	struct ha_err err;

	if (kernel_read("/proc/uptime", &text, &err)) {
		check_fail(check, &err);
	} else if (sscanf(text.data, "%lf", &data->seconds) != 1) {
		ha_err_set(&err, EX_OSERR, 0, "/proc/uptime holds no number");
		check_fail(check, &err);
	}
	ha_buf_release(&text);
}

static void
uptime_judge(struct check *check)
{
	const struct uptime_data *data = check->data;
	struct measured measured = { .option = UPTIME,
		.value = data->seconds,
		.unit = "s",
		.min = 0,
		.max = NAN };
	time_t start = time(NULL) - (time_t)data->seconds;
	char words[64], when[32];
	struct tm tm;

	ha_clock_words((int64_t)(data->seconds * 1000), words, sizeof(words));
	gmtime_r(&start, &tm);
	strftime(when, sizeof(when), "%Y-%m-%d %H:%M UTC", &tm);
	check_value(check, &measured, 0, "up %s, since %s", words, when);
}

struct clock_data {
	int result; /* of adjtimex(2) */
	struct timex timex;
};

static void
clock_look(struct check *check)
{
	struct clock_data *data = check->data;
	struct ha_err err;

	data->result = adjtimex(&data->timex);
	if (data->result >= 0)
		return;
	ha_err_set(&err, EX_OSERR, errno, "the kernel's clock can't be asked");
	check_fail(check, &err);
}

/* The kernel knows a process by 15 bytes of its name (TASK_COMM_LEN). */
#define COMM_LEN 15

static const char *const daemons[] = { "chronyd", "ntpd", "ntp-daemon",
	"openntpd", "ptp4l", "phc2sys", "systemd-timesyncd", "timemaster" };

static const char *
daemon_name(const struct process *process)
{
	for (size_t i = 0; i < sizeof(daemons) / sizeof(*daemons); i++)
		if (!strncmp(process->comm, daemons[i], COMM_LEN))
			return daemons[i];
	return NULL;
}

/* Only asked when something is wrong; NULL: none runs. */
static const char *
find_daemon(void)
{
	struct ha_err err;
	const struct proc_pass *pass = proc_pass_of(1, &err);
	const char *name = NULL;

	for (size_t i = 0; pass && !name && i < pass->table.count; i++)
		name = daemon_name(&pass->table.all[i]);
	return name;
}

static void
judge_unsync(struct check *check)
{
	enum ha_status_state state =
	    (enum ha_status_state)check_setting(check, UNSYNC)->number;

	const char *daemon = find_daemon();

	/* Its clock may be right: on Linux it says so with rtcsync only. */
	if (daemon && !strcmp(daemon, "chronyd"))
		check_say(check, state,
		    "not synchronized as far as the kernel knows, though "
		    "chronyd runs: no server answers it (chronyc tracking), or "
		    "it does not tell the kernel (no rtcsync, or -x)");
	else if (daemon)
		check_say(check, state,
		    "not synchronized, though %s runs: do its servers answer?",
		    daemon);
	else
		check_say(check, state, "not synchronized: no NTP daemon runs");
}

static double
seconds_of(long value, int is_nano)
{
	return (double)value / (is_nano ? 1e9 : 1e6);
}

static void
report(struct check *check, size_t option, double seconds, const char *words)
{
	struct measured measured = { .option = option,
		.value = seconds,
		.unit = "s",
		.min = 0,
		.max = NAN };

	check_value(check, &measured, option != OFFSET, "%s %.3g ms", words,
	    seconds * 1000);
}

static void
clock_judge(struct check *check)
{
	const struct clock_data *data = check->data;
	const struct timex *timex = &data->timex;

	if (data->result == TIME_ERROR || timex->status & STA_UNSYNC) {
		judge_unsync(check);
		return;
	}
	check_say(check, HA_STATUS_OK, "synchronized");
	report(check, OFFSET,
	    fabs(seconds_of(timex->offset, timex->status & STA_NANO)),
	    "offset");
	report(check, ERROR, seconds_of(timex->esterror, 0), "estimated error");
	report(check, MAXERROR, seconds_of(timex->maxerror, 0),
	    "error of at most");
	if (data->result == TIME_INS || data->result == TIME_DEL)
		check_say(check, HA_STATUS_OK, "a leap second at midnight UTC");
}

const struct kind kind_uptime = {
	.name = "uptime",
	.help = "since when the machine is up",
	.options = uptime_options,
	.size = sizeof(struct uptime_data),
	.look = uptime_look,
	.judge = uptime_judge,
};

const struct kind kind_clock = {
	.name = "clock",
	.help = "is the clock kept right (NTP)?",
	.details =
	    "What the kernel knows of it, adjtimex(2); no server is asked.",
	.options = clock_options,
	.size = sizeof(struct clock_data),
	.look = clock_look,
	.judge = clock_judge,
};
