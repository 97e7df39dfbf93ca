/* SPDX-License-Identifier: ISC */
/*
 * report - a keeper's words and states.
 */
#include "report.h"

#include <poll.h>
#include <stdarg.h>
#include <stdlib.h>
#include <unistd.h>

#include "buf.h"
#include "clock.h"
#include "fs.h"
#include "msg.h"

#define EVERY_MS 30000

int
report_open(struct report *report, const struct keep_conf *conf,
    struct notify notify, struct ha_err *err)
{
	*report = (struct report){
		.conf = conf,
		.notify = notify,
		.last_state = -1,
		.next_ns = HA_CLOCK_NEVER,
		.watchdog_ns = notify.watchdog_ms
				   ? ha_clock_deadline(notify.watchdog_ms)
				   : HA_CLOCK_NEVER,
	};
	if (records_open(&report->records, conf->records, err))
		return -1;
	report->state_path = place_path(conf->dir, conf->name, "state");
	return 0;
}

void
report_close(struct report *report, int is_kept)
{
	if (!is_kept)
		unlink(report->state_path);
	free(report->state_path);
	ha_buf_release(&report->records.pending);
}

void
report_say(const struct keep_conf *conf, const char *fmt, ...)
{
	static unsigned long missed;
	struct pollfd pfd = { .fd = STDERR_FILENO, .events = POLLOUT };
	struct ha_buf text = HA_BUF_INIT;
	va_list ap;

	if (poll(&pfd, 1, 0) == 0) {
		missed++;
		return;
	}
	va_start(ap, fmt);
	ha_buf_vaddf(&text, fmt, ap);
	va_end(ap);
	if (missed)
		ha_buf_addf(&text,
		    " (%lu lines before this one are missing: nobody read "
		    "stderr)",
		    missed);
	missed = 0;
	ha_say("%s: %s", conf->name, text.data);
	ha_buf_release(&text);
}

void
report_save(struct report *report, const struct view *view)
{
	struct ha_buf line = HA_BUF_INIT;
	struct ha_err err;

	view_encode(&line, view);
	if (!ha_fs_replace_volatile(
		report->state_path, line.data, line.len, 0644, &err)) {
		report->has_failed = 0;
	} else if (!report->has_failed) {
		report->has_failed = 1;
		report_say(
		    report->conf, "warning: %s; the keeping goes on", err.msg);
	}
	ha_buf_release(&line);
}

static void
flush(struct report *report)
{
	struct ha_err err;

	if (records_flush(&report->records, &err))
		report_say(
		    report->conf, "warning: %s; the keeping goes on", err.msg);
}

static void
notify(struct report *report, const char *words)
{
	struct ha_buf text = HA_BUF_INIT;

	if (report->is_ready++)
		ha_buf_addf(&text, "STATUS=%s\n", words);
	else
		ha_buf_addf(&text, "READY=1\nSTATUS=%s\n", words);
	notify_send(&report->notify, text.data);
	ha_buf_release(&text);
}

/* A file gets what is new, a reader a heartbeat too. */
static void
tell(struct report *report, const struct view *view, int is_change)
{
	struct ha_buf msg = HA_BUF_INIT, perf = HA_BUF_INIT;
	struct ha_buf check = HA_BUF_INIT;
	struct ha_status status = { .host = ha_status_here() };

	status.state = view_judge(view, view_now_ms(), &msg, &perf);
	ha_buf_addf(&check, "keep:%s", view->name);
	status.check = check.data;
	status.target = view->command;
	status.msg = msg.data;
	status.perf = perf.data;
	if (is_change || !report->records.is_file)
		records_add(&report->records, &status);
	flush(report);
	if (is_change && (report->is_ready || view->phase == PHASE_RUNNING))
		notify(report, msg.data);
	report->next_ns = ha_clock_deadline(EVERY_MS);
	report->last_state = (int)status.state;
	report->last_phase = view->phase;
	ha_buf_release(&msg);
	ha_buf_release(&perf);
	ha_buf_release(&check);
}

void
report_change(struct report *report, const struct view *view)
{
	report_save(report, view);
	tell(report, view, 1);
}

void
report_run(struct report *report, const struct view *view)
{
	int64_t now_ns = ha_clock_now_ns();

	if (now_ns >= report->watchdog_ns) {
		notify_send(&report->notify, "WATCHDOG=1");
		report->watchdog_ns =
		    ha_clock_deadline(report->notify.watchdog_ms);
	}
	if (now_ns < report->next_ns)
		return;
	if (report->has_failed)
		report_save(report, view);
	tell(report, view, 0);
}

int64_t
report_due_ns(const struct report *report)
{
	return report->next_ns < report->watchdog_ns ? report->next_ns
						     : report->watchdog_ns;
}

void
report_stopping(const struct report *report)
{
	notify_send(&report->notify, "STOPPING=1");
}
