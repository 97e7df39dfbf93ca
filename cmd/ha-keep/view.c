/* SPDX-License-Identifier: ISC */
/*
 * view - what is known of a keeper, as a line and as a verdict.
 */
#include "view.h"

#include <inttypes.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#include "clock.h"
#include "fs.h"
#include "rec.h"

#define HEAD "#keep"
#define FIELDS 32
#define STATE_MAX 16384
/* The difference of two is a number, too. */
#define NUMBER_MAX (INT64_MAX / 4)

static const char *const phases[] = {
	[PHASE_RUNNING] = "running",
	[PHASE_ENDING] = "ending",
	[PHASE_WAITING] = "waiting",
	[PHASE_GAVE_UP] = "gave-up",
	[PHASE_KILLED] = "killed",
};

/* Text of size bytes, or a number when that is 0. */
struct field {
	const char *key;
	size_t offset, size;
};

#define TEXT(member)                                                           \
	{                                                                      \
#member, offsetof(struct view, member),                        \
		    sizeof(((struct view *)0)->member)                         \
	}
#define NUMBER(member)                                                         \
	{                                                                      \
#member, offsetof(struct view, member), 0                      \
	}

static const struct field fields[] = {
	TEXT(name),
	TEXT(id),
	NUMBER(keeper),
	NUMBER(pid),
	NUMBER(since_ms),
	NUMBER(due_ms),
	NUMBER(restarts),
	NUMBER(failures),
	NUMBER(is_stuck),
	NUMBER(is_stopping),
	NUMBER(stop_signal),
	NUMBER(grace_ms),
	TEXT(last),
	TEXT(note),
	TEXT(command),
};

int64_t
view_now_ms(void)
{
	return ha_clock_now_ns() / HA_MS_NS;
}

void
view_print(char *member, size_t size, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(member, size, fmt, ap);
	va_end(ap);
}

static void
add_text(struct ha_buf *line, const char *key, const char *text)
{
	ha_rec_add_pair(line, key, text, strlen(text));
}

void
view_encode(struct ha_buf *line, const struct view *view)
{
	char number[32];
	int64_t value;

	ha_buf_add_str(line, HEAD);
	add_text(line, "v", "1");
	add_text(line, "phase", phases[view->phase]);
	for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++) {
		const char *member = (const char *)view + fields[i].offset;

		if (fields[i].size) {
			add_text(line, fields[i].key, member);
			continue;
		}
		memcpy(&value, member, sizeof(value));
		snprintf(number, sizeof(number), "%" PRId64, value);
		add_text(line, fields[i].key, number);
	}
	ha_buf_add_char(line, '\n');
}

static int
set_phase(struct view *view, const char *value, struct ha_err *err)
{
	for (size_t i = 0; i < sizeof(phases) / sizeof(phases[0]); i++)
		if (!strcmp(value, phases[i])) {
			view->phase = (enum phase)i;
			return 0;
		}
	return ha_err_set(err, EX_DATAERR, 0, "an unknown phase");
}

static int
set_pair(
    struct view *view, const char *key, const char *value, struct ha_err *err)
{
	const struct field *field = fields;
	const struct field *end = fields + sizeof(fields) / sizeof(fields[0]);
	char *member, *rest;
	int64_t number;

	if (!strcmp(key, "phase"))
		return set_phase(view, value, err);
	while (field < end && strcmp(key, field->key) != 0)
		field++;
	if (field == end)
		return 0;
	member = (char *)view + field->offset;
	if (field->size) {
		snprintf(member, field->size, "%s", value);
		return 0;
	}
	number = strtoll(value, &rest, 10);
	if (rest == value || *rest || number < 0 || number > NUMBER_MAX)
		return ha_err_set(err, EX_DATAERR, 0, "%s is no number", key);
	memcpy(member, &number, sizeof(number));
	return 0;
}

int
view_decode(struct view *view, char *line, struct ha_err *err)
{
	char *pairs[FIELDS], *value;
	size_t count = ha_rec_split(line, pairs, FIELDS);

	memset(view, 0, sizeof(*view));
	if (strcmp(pairs[0], HEAD) != 0 || count < 3)
		return ha_err_set(
		    err, EX_DATAERR, 0, "this is no line of ha-keep's");
	for (size_t i = 1; i < count; i++) {
		value = strchr(pairs[i], '=');
		if (!value)
			continue;
		*value++ = '\0';
		if (ha_rec_unescape_text(value, err) ||
		    set_pair(view, pairs[i], value, err))
			return -1;
	}
	return 0;
}

int
view_read(
    struct view *view, const char *dir, const char *name, struct ha_err *err)
{
	char *path = place_path(dir, name, "state");
	struct ha_buf text = HA_BUF_INIT;
	int result = ha_fs_read_file(path, STATE_MAX, &text, err);

	if (!result) {
		text.data[strcspn(text.data, "\n")] = '\0';
		result = view_decode(view, text.data, err);
	}
	ha_buf_release(&text);
	free(path);
	return result;
}

void
view_say_end(int wait_status, char *words, size_t size)
{
	const char *name;

	if (!WIFSIGNALED(wait_status)) {
		snprintf(words, size, "ended with status %d",
		    WEXITSTATUS(wait_status));
		return;
	}
	name = sigabbrev_np(WTERMSIG(wait_status));
	if (name)
		snprintf(words, size, "was ended by SIG%s", name);
	else
		snprintf(words, size, "was ended by signal %d",
		    WTERMSIG(wait_status));
}

static void
add_duration(struct ha_buf *msg, int64_t ms)
{
	char text[64];

	ha_clock_words(ms < 0 ? 0 : ms, text, sizeof(text));
	ha_buf_add_str(msg, text);
}

static void
add_failures(struct ha_buf *msg, const struct view *view)
{
	if (view->failures > 1)
		ha_buf_addf(
		    msg, " after %" PRId64 " ends in a row", view->failures);
	if (*view->last)
		ha_buf_addf(msg, ": it %s", view->last);
}

static enum ha_status_state
by_failures(const struct view *view)
{
	return view->failures >= VIEW_CRIT_FAILURES ? HA_STATUS_CRIT
						    : HA_STATUS_WARN;
}

static enum ha_status_state
judge_running(const struct view *view, int64_t now_ms, struct ha_buf *msg)
{
	ha_buf_addf(msg, "process %" PRId64 " has run for ", view->pid);
	add_duration(msg, now_ms - view->since_ms);
	if (view->failures > 0) {
		add_failures(msg, view);
		return by_failures(view);
	}
	if (view->restarts > 0)
		ha_buf_addf(msg, "; %" PRId64 " restart%s, the last time it %s",
		    view->restarts, view->restarts == 1 ? "" : "s", view->last);
	return HA_STATUS_OK;
}

static enum ha_status_state
judge_phase(const struct view *view, int64_t now_ms, struct ha_buf *msg)
{
	switch (view->phase) {
	case PHASE_RUNNING:
		return judge_running(view, now_ms, msg);
	case PHASE_WAITING:
		ha_buf_add_str(msg, "starts again in ");
		add_duration(msg, view->due_ms - now_ms);
		add_failures(msg, view);
		return by_failures(view);
	case PHASE_ENDING:
		ha_buf_add_str(msg, "its processes are being ended");
		return view->is_stuck ? HA_STATUS_CRIT : by_failures(view);
	case PHASE_GAVE_UP:
		ha_buf_add_str(msg, "gave up");
		return HA_STATUS_CRIT;
	case PHASE_KILLED:
		ha_buf_add_str(msg, "the keeper was killed");
		return HA_STATUS_CRIT;
	}
	return HA_STATUS_UNKNOWN;
}

static void
add_perf(struct ha_buf *perf, const struct view *view, int64_t uptime_ms)
{
	ha_buf_addf(perf,
	    "restarts=%" PRId64 "c uptime=%" PRId64 "s pid=%" PRId64,
	    view->restarts, uptime_ms / 1000, view->pid);
}

enum ha_status_state
view_judge(const struct view *view, int64_t now_ms, struct ha_buf *msg,
    struct ha_buf *perf)
{
	enum ha_status_state state = judge_phase(view, now_ms, msg);

	if (*view->note)
		ha_buf_addf(msg, ": %s", view->note);
	add_perf(perf, view,
	    view->phase == PHASE_RUNNING && now_ms > view->since_ms
		? now_ms - view->since_ms
		: 0);
	return state;
}

enum ha_status_state
view_judge_dead(
    const struct view *view, struct ha_buf *msg, struct ha_buf *perf)
{
	if (view->phase == PHASE_GAVE_UP || view->phase == PHASE_KILLED)
		return view_judge(view, 0, msg, perf);
	ha_buf_addf(msg,
	    "the keeper is gone: process %" PRId64 " was killed; the next "
	    "start ends what it left",
	    view->keeper);
	add_perf(perf, view, 0);
	return HA_STATUS_CRIT;
}
