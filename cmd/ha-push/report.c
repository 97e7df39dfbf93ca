/* SPDX-License-Identifier: ISC */
/*
 * report - derives the state from what waits, fails and is out of reach, and
 * tells it in three forms.
 */
#include "report.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "alloc.h"
#include "clock.h"
#include "fs.h"
#include "hold.h"
#include "msg.h"
#include "out.h"
#include "push.h"
#include "rec.h"
#include "status.h"

#define LAGGING_MS 30000
/* Three heartbeats of ha-watch's are missing. */
#define SILENCE_MS 90000
#define FAILING_LISTED 1000
/* The state is derived from all that waits: not at every wake-up. */
#define LOOK_AFTER_MS 200
#define IDLE_AFTER_MS 1000

/* Why the state is what it is: a change of kind is told too. */
enum kind {
	KIND_OK,
	KIND_LAGGING,
	KIND_UNWATCHED,
	KIND_WARNING,
	KIND_FAILING,
	KIND_HELD,
	KIND_SILENT,
	KIND_DIED,
	KIND_FAULT,
};

static const char *const kind_names[] = {
	[KIND_OK] = "ok",
	[KIND_LAGGING] = "lagging",
	[KIND_UNWATCHED] = "unwatched",
	[KIND_WARNING] = "warning",
	[KIND_FAILING] = "failing",
	[KIND_HELD] = "held",
	[KIND_SILENT] = "silent",
	[KIND_DIED] = "died",
	[KIND_FAULT] = "fault",
};

/* What the three forms are made of. */
struct view {
	enum ha_status_state state;
	enum kind kind;
	size_t waiting;
	size_t failing;
	int64_t lag_ms;
	char *words;
};

void
report_init(struct report *report)
{
	memset(report, 0, sizeof(*report));
	report->format = "tsv";
	report->acks_fd = -1;
	report->last_state = -1;
	report->last_kind = -1;
	report->next_ns = report->look_ns = HA_CLOCK_NEVER;
	report->silence_ms = SILENCE_MS;
	ha_buf_init(&report->pending);
}

void
report_release(struct report *report)
{
	for (unsigned i = 0; i < report->unwatched_count; i++)
		free(report->unwatched[i]);
	free(report->unwatched);
	free(report->fault);
	free(report->warning);
	ha_buf_release(&report->pending);
	if (report->acks_fd >= 0)
		close(report->acks_fd);
}

void
report_fault(struct report *report, const char *why)
{
	if (report->fault == NULL)
		report->fault_since_ns = ha_clock_now_ns();
	free(report->fault);
	report->fault = ha_xstrdup(why);
	report_touch(report);
}

void
report_no_fault(struct report *report)
{
	free(report->fault);
	report->fault = NULL;
	report_touch(report);
}

void
report_warning(struct report *report, const char *words)
{
	if (words == NULL && report->warning == NULL)
		return;
	if (words != NULL && report->warning != NULL &&
	    strcmp(words, report->warning) == 0)
		return;
	free(report->warning);
	report->warning = words != NULL ? ha_xstrdup(words) : NULL;
	if (words != NULL)
		ha_warn("%s", words);
	report_touch(report);
}

void
report_unwatched(struct report *report, const char *path, const char *why)
{
	for (unsigned i = 0; i < report->unwatched_count; i++)
		if (strcmp(report->unwatched[i], path) == 0)
			return;
	if (report->unwatched_count >= FAILING_LISTED)
		return;
	ha_warn("%s is not watched (%s): changes there are seen by rescans "
		"only",
	    path, why);
	report->unwatched = ha_xrealloc(report->unwatched,
	    (report->unwatched_count + 1) * sizeof(*report->unwatched));
	report->unwatched[report->unwatched_count++] = ha_xstrdup(path);
}

static int64_t
ms_since(int64_t ns)
{
	return (ha_clock_now_ns() - ns) / HA_MS_NS;
}

static const struct dirty_entry *
first_failing(const struct dirty *dirty)
{
	for (const struct dirty_entry *e = dirty->later.head; e != NULL;
	     e = e->next)
		if (e->failures > 0)
			return e;
	return NULL;
}

static void
judge(const struct push *push, struct view *view)
{
	const struct input *input = &push->input;
	int64_t silent_ms = 0;

	if (input->barrier_ns != 0 && !input->at_end)
		silent_ms = ms_since(input->barrier_ns);
	view->state = HA_STATUS_CRIT;
	if (push->report.fault != NULL) {
		view->kind = KIND_FAULT;
	} else if (input->at_end && !input->ended_well) {
		view->kind = KIND_DIED;
	} else if (silent_ms >= 2 * push->report.silence_ms) {
		view->kind = KIND_SILENT;
	} else if (push->dirty.hold_count > 0) {
		view->kind = KIND_HELD;
	} else {
		view->state = HA_STATUS_WARN;
		if (silent_ms >= push->report.silence_ms)
			view->kind = KIND_SILENT;
		else if (view->failing > 0)
			view->kind = KIND_FAILING;
		else if (view->lag_ms >= LAGGING_MS)
			view->kind = KIND_LAGGING;
		else if (push->report.warning != NULL)
			view->kind = KIND_WARNING;
		else if (push->report.unwatched_count > 0)
			view->kind = KIND_UNWATCHED;
		else
			view->kind = KIND_OK;
	}
	if (view->kind == KIND_OK)
		view->state = HA_STATUS_OK;
}

static void
say_kind(struct push *push, const struct view *view, struct ha_buf *words)
{
	const struct dirty_entry *entry;
	char since[64];

	switch (view->kind) {
	case KIND_FAULT:
		ha_buf_add_str(words, push->report.fault);
		if (ms_since(push->report.fault_since_ns) >= 1000) {
			ha_clock_words(ms_since(push->report.fault_since_ns),
			    since, sizeof(since));
			ha_buf_addf(words, " (for %s)", since);
		}
		ha_buf_add_str(words, "; ");
		break;
	case KIND_DIED:
		ha_buf_add_str(words, "ha-watch died: its records ended "
				      "without #end; ");
		break;
	case KIND_SILENT:
		ha_clock_words(
		    ms_since(push->input.barrier_ns), since, sizeof(since));
		ha_buf_addf(
		    words, "no heartbeat from ha-watch for %s; ", since);
		break;
	case KIND_HELD:
		hold_words(push, words);
		ha_buf_add_str(words, "; ");
		break;
	case KIND_FAILING:
		entry = first_failing(&push->dirty);
		ha_buf_addf(words, "%zu path%s can't be sent", view->failing,
		    view->failing == 1 ? "" : "s");
		if (entry != NULL) {
			ha_buf_addf(
			    words, ", first %s: %s", entry->path, entry->why);
		}
		ha_buf_add_str(words, "; ");
		break;
	case KIND_WARNING:
		ha_buf_addf(words, "%s; ", push->report.warning);
		break;
	case KIND_UNWATCHED:
		ha_buf_addf(words, "%u path%s not watched, first %s; ",
		    push->report.unwatched_count,
		    push->report.unwatched_count == 1 ? "" : "s",
		    push->report.unwatched[0]);
		break;
	default:
		break;
	}
}

static void
view_init(struct view *view, struct push *push)
{
	int64_t oldest_ns = dirty_oldest_ns(&push->dirty);
	struct ha_buf words = HA_BUF_INIT;
	char lag[64];

	view->waiting = push->dirty.count + push->dirty.rename_count;
	view->failing = dirty_failing(&push->dirty);
	view->lag_ms = oldest_ns == HA_CLOCK_NEVER ? 0 : ms_since(oldest_ns);
	judge(push, view);
	say_kind(push, view, &words);
	if (view->waiting > 0) {
		ha_clock_words(view->lag_ms, lag, sizeof(lag));
		ha_buf_addf(&words, "%zu path%s wait%s, the oldest for %s",
		    view->waiting, view->waiting == 1 ? "" : "s",
		    view->waiting == 1 ? "s" : "", lag);
	} else {
		ha_buf_add_str(&words, view->kind == KIND_OK
					   ? "all changes are on the peer"
					   : "nothing waits");
	}
	view->words = ha_buf_detach(&words);
}

char *
report_words(struct push *push)
{
	struct view view;

	view_init(&view, push);
	return view.words;
}

const char *
report_state(struct push *push, char **words)
{
	struct view view;

	view_init(&view, push);
	*words = view.words;
	return ha_status_name(view.state);
}

void
report_boot(char boot[REPORT_BOOT_SIZE])
{
	struct ha_buf text = HA_BUF_INIT;
	struct ha_err err;

	strcpy(boot, "-");
	if (ha_fs_read_file(
		"/proc/sys/kernel/random/boot_id", 4096, &text, &err) == 0) {
		text.data[strcspn(text.data, "\n")] = '\0';
		snprintf(boot, REPORT_BOOT_SIZE, "%s", text.data);
	}
	ha_buf_release(&text);
}

int64_t
report_uptime_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_BOOTTIME, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static void
add_perf(struct ha_buf *perf, const struct push *push, const struct view *view)
{
	const struct report *report = &push->report;

	ha_buf_addf(perf,
	    "waiting=%zu lag=%lld.%03llds failing=%zu held=%llu sent=%lluc "
	    "bytes=%lluB renames=%lluc deletions=%lluc logins=%lluc",
	    view->waiting, (long long)(view->lag_ms / 1000),
	    (long long)(view->lag_ms % 1000), view->failing,
	    (unsigned long long)dirty_held_names(&push->dirty),
	    (unsigned long long)report->sent_paths,
	    (unsigned long long)report->sent_bytes,
	    (unsigned long long)report->renames,
	    (unsigned long long)report->deletions,
	    (unsigned long long)report->logins);
}

/*
 * A whole frame of at most PIPE_BUF bytes: a pipe takes it at once or not at
 * all, so that several processes may write to one.
 */
static void
add_record(struct ha_buf *out, const struct push *push, const struct view *view)
{
	int json = strcmp(push->report.format, "json") == 0;
	struct ha_buf perf = HA_BUF_INIT, trailer = HA_BUF_INIT;
	char *check = ha_xasprintf("push:%s", push->conf.target.dir);
	struct ha_status status = {
		.host = push->conf.target.host,
		.check = check,
		.state = view->state,
		.ms = (double)view->lag_ms,
		.target = push->conf.target.typed,
		.msg = view->words,
	};
	char id[32];

	snprintf(id, sizeof(id), "%ld", (long)getpid());
	add_perf(&perf, push, view);
	status.perf = perf.data;
	ha_status_begin(out, "ha-push", id, json);
	ha_status_end(&trailer, id, 1, view->state, push->report.quiet, json);
	status.reserved = out->len + trailer.len;
	if (json)
		ha_status_encode_json(out, &status);
	else
		ha_status_encode(out, &status);
	ha_buf_add(out, trailer.data, trailer.len);
	ha_buf_release(&trailer);
	ha_buf_release(&perf);
	free(check);
}

/* The file's age, though the wall clock may be set. */
static void
add_boot_clock(struct ha_buf *text)
{
	char boot[REPORT_BOOT_SIZE];

	report_boot(boot);
	ha_buf_addf(text, "boot\t%s\nuptime_ms\t%lld\n", boot,
	    (long long)report_uptime_ms());
}

static void
add_text(struct ha_buf *text, const struct push *push, const struct view *view)
{
	char now[HA_CLOCK_RFC3339_SIZE];
	struct ha_buf perf = HA_BUF_INIT;

	ha_clock_rfc3339(now);
	add_perf(&perf, push, view);
	ha_buf_add_str(text, "#ha-push");
	ha_rec_add_pair(text, "v", "1", 1);
	ha_buf_addf(
	    text, "\ntime\t%s\npid\t%ld\nsource\t", now, (long)getpid());
	if (push->source.path != NULL)
		ha_rec_add_field(
		    text, push->source.path, strlen(push->source.path));
	ha_buf_add_str(text, "\ntarget\t");
	ha_rec_add_field(
	    text, push->conf.target.typed, strlen(push->conf.target.typed));
	ha_buf_addf(text, "\nstate\t%s\ncause\t%s\nmessage\t",
	    ha_status_name(view->state), kind_names[view->kind]);
	ha_rec_add_field(text, view->words, strlen(view->words));
	ha_buf_addf(text, "\nperf\t%s\n", perf.data);
	ha_buf_release(&perf);
	add_boot_clock(text);
}

/* A line a failing path: since when (ms), how often it was tried, why. */
static void
add_failing(struct ha_buf *text, const struct push *push)
{
	const struct dirty_entry *e;
	size_t listed = 0;

	for (e = push->dirty.later.head; e != NULL; e = e->next) {
		if (e->failures == 0 || listed++ >= FAILING_LISTED)
			continue;
		ha_buf_add_str(text, "failing\t");
		ha_rec_add_field(text, e->path, e->path_len);
		ha_buf_addf(text, "\t%lld\t%u\t",
		    (long long)ms_since(e->failing_since_ns), e->failures);
		ha_rec_add_field(text, e->why, strlen(e->why));
		ha_buf_add_char(text, '\n');
	}
	for (unsigned i = 0; i < push->report.unwatched_count; i++) {
		ha_buf_add_str(text, "unwatched\t");
		ha_rec_add_field(text, push->report.unwatched[i],
		    strlen(push->report.unwatched[i]));
		ha_buf_add_char(text, '\n');
	}
}

/* A label's value: backslash, quote and line feed are escaped. */
static void
add_label(struct ha_buf *text, const char *value)
{
	for (; *value != '\0'; value++) {
		if (*value == '\\' || *value == '"')
			ha_buf_add_char(text, '\\');
		if (*value == '\n')
			ha_buf_add_str(text, "\\n");
		else
			ha_buf_add_char(text, *value);
	}
}

static void
add_metric(struct ha_buf *text, const struct push *push, const char *name,
    const char *type, const char *help, double value)
{
	ha_buf_addf(text, "# HELP ha_push_%s %s\n# TYPE ha_push_%s %s\n", name,
	    help, name, type);
	ha_buf_addf(text, "ha_push_%s{target=\"", name);
	add_label(text, push->conf.target.typed);
	ha_buf_addf(text, "\"} %.17g\n", value);
}

static void
add_prom(struct ha_buf *text, const struct push *push, const struct view *view)
{
	const struct report *report = &push->report;

	add_metric(text, push, "state", "gauge",
	    "0 OK, 1 WARN, 2 CRIT, 3 UNKNOWN.", view->state);
	add_metric(text, push, "waiting_paths", "gauge",
	    "Paths that are not on the peer yet.", (double)view->waiting);
	add_metric(text, push, "lag_seconds", "gauge",
	    "Age of the oldest change that is not on the peer.",
	    (double)view->lag_ms / 1000);
	add_metric(text, push, "failing_paths", "gauge",
	    "Paths that can't be sent.", (double)view->failing);
	add_metric(text, push, "held_deletions", "gauge",
	    "Deletions that wait for a person.",
	    (double)dirty_held_names(&push->dirty));
	add_metric(text, push, "sent_paths_total", "counter",
	    "Paths brought to the peer.", (double)report->sent_paths);
	add_metric(text, push, "sent_bytes_total", "counter",
	    "Bytes exchanged by rsync.", (double)report->sent_bytes);
	add_metric(text, push, "logins_total", "counter", "Logins to the peer.",
	    (double)report->logins);
	add_metric(text, push, "renames_total", "counter",
	    "Renames played on the peer.", (double)report->renames);
	add_metric(text, push, "deletions_total", "counter",
	    "Paths removed on the peer.", (double)report->deletions);
}

static void
write_file(const struct push *push, const struct view *view)
{
	struct ha_buf text = HA_BUF_INIT;
	struct ha_err err;

	if (strcmp(push->report.format, "prom") == 0) {
		add_prom(&text, push, view);
	} else {
		add_text(&text, push, view);
		add_failing(&text, push);
		hold_list(push, FAILING_LISTED, &text);
	}
	if (ha_fs_replace(
		push->report.status_file, text.data, text.len, 0644, &err) != 0)
		ha_warn("--status: %s", err.msg);
	ha_buf_release(&text);
}

/* What waits is written first; a pipe takes a frame whole or not at all. */
static int
flush_pending(struct report *report)
{
	while (report->pending.len > 0) {
		size_t n =
		    ha_out_try(report->pending.data, report->pending.len);

		if (n == 0)
			return 0;
		ha_buf_consume(&report->pending, n);
	}
	return 1;
}

void
report_start(struct report *report)
{
	if (report->next_ns == HA_CLOCK_NEVER)
		report->next_ns = ha_clock_now_ns();
}

void
report_touch(struct report *report)
{
	int64_t look_ns = ha_clock_deadline(LOOK_AFTER_MS);

	if (look_ns < report->look_ns)
		report->look_ns = look_ns;
}

/* When the watcher, silent since its last S, becomes a WARN or a CRIT. */
static int64_t
silence_due_ns(const struct push *push, int64_t now_ns)
{
	int64_t limit_ns = push->report.silence_ms * HA_MS_NS;
	int64_t since_ns = push->input.barrier_ns;

	if (since_ns == 0 || push->input.at_end ||
	    now_ns >= since_ns + 2 * limit_ns)
		return HA_CLOCK_NEVER;
	return now_ns < since_ns + limit_ns ? since_ns + limit_ns
					    : since_ns + 2 * limit_ns;
}

int64_t
report_due_ns(const struct push *push)
{
	const struct report *report = &push->report;

	if (report->next_ns == HA_CLOCK_NEVER)
		return HA_CLOCK_NEVER;
	return report->look_ns < report->next_ns ? report->look_ns
						 : report->next_ns;
}

static void
tell(struct push *push, const struct view *view, int64_t now_ns)
{
	struct report *report = &push->report;

	report->last_state = (int)view->state;
	report->last_kind = (int)view->kind;
	report->last_waiting = view->waiting;
	report->last_held = push->dirty.hold_names;
	report->last_ns = now_ns;
	report->next_ns = now_ns + REPORT_EVERY_MS * HA_MS_NS;
	if (flush_pending(report) &&
	    (!report->quiet || view->state != HA_STATUS_OK))
		add_record(&report->pending, push, view);
	flush_pending(report);
	if (report->status_file != NULL)
		write_file(push, view);
}

void
report_run(struct push *push, int always)
{
	struct report *report = &push->report;
	int64_t now_ns = ha_clock_now_ns();
	struct view view;
	int due = always || now_ns >= report->next_ns;

	flush_pending(report);
	if (!always && now_ns < report_due_ns(push))
		return;
	report->look_ns = silence_due_ns(push, now_ns);
	view_init(&view, push);
	if ((int)view.state != report->last_state ||
	    (int)view.kind != report->last_kind)
		due = 1;
	/*
	 * That nothing waits any more, or other deletions are held, is worth a
	 * line, but not fifty a second.
	 */
	if ((view.waiting == 0 && report->last_waiting > 0) ||
	    push->dirty.hold_names != report->last_held) {
		if (now_ns - report->last_ns >= IDLE_AFTER_MS * HA_MS_NS)
			due = 1;
		else
			report->look_ns =
			    report->last_ns + IDLE_AFTER_MS * HA_MS_NS;
	}
	if (due)
		tell(push, &view, now_ns);
	free(view.words);
}

int
report_acks(struct push *push, struct ha_buf *acks, struct ha_err *err)
{
	if (push->report.acks_fd < 0 || acks->len == 0)
		return 0;
	if (ha_fs_write_all(push->report.acks_fd, acks->data, acks->len, err) !=
	    0) {
		char *why = ha_xstrdup(err->msg);

		ha_err_set(err, EX_IOERR, 0, "--acks: %s", why);
		free(why);
		return -1;
	}
	return 0;
}

static int progress_shown;

void
report_progress(const char *line)
{
	char text[160];
	int n;

	line += strspn(line, " ");
	n = snprintf(text, sizeof(text), "\rsending: %.120s\033[K", line);
	if (n > 0 && write(STDERR_FILENO, text, (size_t)n) == n)
		progress_shown = 1;
}

void
report_progress_end(void)
{
	static const char clear[] = "\r\033[K";

	if (progress_shown &&
	    write(STDERR_FILENO, clear, sizeof(clear) - 1) > 0)
		progress_shown = 0;
}
