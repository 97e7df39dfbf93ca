/* SPDX-License-Identifier: ISC */
/* intake - records of stdin and words of a person, into the spool. */
#include "intake.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <syslog.h>
#include <unistd.h>

#include "alert.h"
#include "alloc.h"
#include "in.h"
#include "incident.h"
#include "msg.h"
#include "out.h"
#include "rec.h"
#include "status.h"

/* A producer that writes no more for so long may not end for hours. */
#define PAUSE_MS 200
#define BODY_MAX 65536
/* Of a line that is no record; the rest is told as a number. */
#define RAW_MAX 3000

struct batch {
	const struct intake *intake;
	struct alert *alerts;
	size_t count, cap;
	int failed; /* what came last is not in the spool; err says why */
	unsigned malformed, bare;
};

/* The last resort: whoever reads stderr or the system's log hears of it. */
static void
cry(const struct alert *alert, const struct ha_err *err)
{
	struct ha_buf words = HA_BUF_INIT;

	ha_rec_add_utf8(&words, alert->line, strlen(alert->line));
	ha_warn("lost: %s", words.data);
	openlog("ha-alert", LOG_PID, LOG_DAEMON);
	syslog(LOG_CRIT, "not taken (%s): %s", err->msg, words.data);
	ha_buf_release(&words);
}

static int
take(const struct intake *intake, const struct alert *alerts, size_t count,
    struct ha_err *err)
{
	struct ha_buf lines = HA_BUF_INIT;
	int failed = 0;

	if (intake->is_dry_run) {
		for (size_t i = 0; i < count; i++)
			alert_encode(&lines, &alerts[i]);
		ha_out_write(lines.data, lines.len);
	} else if (intake->no_spool != NULL) {
		*err = *intake->no_spool;
		failed = -1;
	} else {
		failed = spool_take(intake->spool, intake->channels,
		    intake->channel_count, alerts, count, err);
	}
	for (size_t i = 0; i < count && failed; i++)
		cry(&alerts[i], err);
	ha_buf_release(&lines);
	return failed;
}

static void
flush_batch(struct batch *batch, struct ha_err *err)
{
	if (batch->count &&
	    take(batch->intake, batch->alerts, batch->count, err) != 0)
		batch->failed = 1;
	for (size_t i = 0; i < batch->count; i++)
		alert_release(&batch->alerts[i]);
	batch->count = 0;
}

static void
add(struct batch *batch, const struct alert *alert, struct ha_err *err)
{
	if (batch->count == batch->cap) {
		batch->cap = batch->cap ? 2 * batch->cap : 16;
		batch->alerts = ha_xrealloc(
		    batch->alerts, batch->cap * sizeof(*batch->alerts));
	}
	batch->alerts[batch->count++] = *alert;
	if (batch->count == SPOOL_FILE_MAX)
		flush_batch(batch, err);
}

/* Nothing that came is lost, whatever it is. */
static void
add_malformed(struct batch *batch, const char *line, size_t len,
    unsigned long long number, const struct ha_err *why, struct ha_err *err)
{
	char *subject = ha_xasprintf("line %llu of ha-alert's input is no "
				     "transition record: %s",
	    number, why->msg);
	struct ha_buf body = HA_BUF_INIT, encoded = HA_BUF_INIT;
	struct alert alert;
	struct ha_err unused;

	ha_warn("line %llu: %s", number, why->msg);
	batch->malformed++;
	ha_rec_add_utf8(&body, line, len < RAW_MAX ? len : RAW_MAX);
	if (len > RAW_MAX)
		ha_buf_addf(&body, " ... (%zu bytes more)", len - RAW_MAX);
	alert_encode_message(&encoded, ha_status_here(), subject, body.data, 1);
	ha_buf_truncate(&encoded, encoded.len - 1);
	if (alert_decode(&alert, encoded.data, &unused) == 0)
		add(batch, &alert, err);
	ha_buf_release(&encoded);
	ha_buf_release(&body);
	free(subject);
}

static int
is_bare(const char *line)
{
	struct ha_status status;
	struct ha_err unused;
	char *copy = ha_xstrdup(line);
	int is_status = ha_status_decode(copy, &status, &unused) == 0;

	free(copy);
	return is_status;
}

static void
add_line(struct batch *batch, const char *line, size_t len,
    unsigned long long number, struct ha_err *err)
{
	struct alert alert;
	struct ha_err why;

	if (line[0] == '#' || len == 0)
		return;
	if (strlen(line) < len)
		ha_err_set(&why, EX_DATAERR, 0, "a NUL byte");
	else if (alert_decode(&alert, line, &why) == 0) {
		add(batch, &alert, err);
		return;
	} else if (is_bare(line)) {
		if (!batch->bare++)
			ha_warn("line %llu: %s", number, why.msg);
		return;
	}
	add_malformed(batch, line, len, number, &why, err);
}

static void
add_lines(struct batch *batch, struct ha_in *in, struct ha_err *err)
{
	struct ha_err why;
	char *line;
	size_t len;
	int got;

	while ((got = ha_in_next(in, &line, &len, &why)) != 0)
		if (got > 0)
			add_line(batch, line, len, in->number, err);
		else
			add_malformed(batch, "", 0, in->number, &why, err);
}

/* Something to read, or a pause. */
static int
is_readable(int timeout_ms)
{
	struct pollfd fd = { .fd = STDIN_FILENO, .events = POLLIN };

	return poll(&fd, 1, timeout_ms) != 0;
}

static int
read_all(struct batch *batch, struct ha_in *in, struct ha_err *err)
{
	struct ha_err why;
	int got;

	for (;;) {
		if (!is_readable(batch->count ? PAUSE_MS : -1)) {
			flush_batch(batch, err);
			continue;
		}
		got = ha_in_fill(in, &why);
		if (got < 0 && why.sys == EAGAIN)
			continue;
		add_lines(batch, in, err);
		if (got < 0) {
			*err = why;
			batch->failed = 1;
		}
		if (got <= 0)
			return got;
	}
}

static int
finish(const struct batch *batch, struct ha_err *err)
{
	if (batch->failed)
		return -1;
	if (batch->bare)
		return ha_err_set(err, EX_DATAERR, 0,
		    "%u status record%s not taken; ha-gate makes "
		    "transitions of them",
		    batch->bare, batch->bare == 1 ? " was" : "s were");
	if (batch->malformed)
		return ha_err_set(err, EX_DATAERR, 0,
		    batch->malformed == 1
			? "%u line was no transition record; it is told as it "
			  "is"
			: "%u lines were no transition records; they are told "
			  "as they are",
		    batch->malformed);
	return 0;
}

int
intake_records(const struct intake *intake, struct ha_err *err)
{
	struct batch batch = { .intake = intake };
	struct ha_err why;
	struct ha_in in;
	size_t rest;

	ha_in_init(&in, STDIN_FILENO, '\n');
	read_all(&batch, &in, err);
	rest = ha_in_rest(&in);
	if (rest) {
		ha_err_set(&why, EX_DATAERR, 0, "it breaks off");
		add_malformed(&batch, in.buf.data + in.start, rest,
		    in.number + 1, &why, err);
	}
	flush_batch(&batch, err);
	free(batch.alerts);
	ha_in_release(&in);
	return finish(&batch, err);
}

int
intake_lines(const struct intake *intake, const char *lines, struct ha_err *err)
{
	char *copy = ha_xstrdup(lines), *rest = copy, *line;
	struct alert alert;
	int failed = 0;

	while (!failed && (line = strsep(&rest, "\n")) != NULL && *line) {
		failed = alert_decode(&alert, line, err);
		if (failed)
			break;
		failed = take(intake, &alert, 1, err);
		alert_release(&alert);
	}
	free(copy);
	return failed;
}

/* All of stdin, of which only so much is kept. */
static int
read_body(struct ha_buf *body, struct ha_err *err)
{
	char piece[4096];
	size_t more = 0;
	ssize_t n;

	while ((n = read(STDIN_FILENO, piece, sizeof(piece))) != 0) {
		size_t room = BODY_MAX - body->len;

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return ha_err_set(
			    err, EX_IOERR, errno, "can't read stdin");
		if (room > (size_t)n)
			room = (size_t)n;
		ha_buf_add(body, piece, room);
		more += (size_t)n - room;
	}
	if (more)
		ha_buf_addf(body, "\n... (%zu bytes more)", more);
	return 0;
}

/* Without its NULs and its last line ends. */
static int
read_text(struct ha_buf *text, struct ha_err *err)
{
	int failed = read_body(text, err);

	for (size_t i = 0; i < text->len; i++)
		if (text->data[i] == '\0')
			text->data[i] = '?';
	while (text->len && text->data[text->len - 1] == '\n')
		ha_buf_truncate(text, text->len - 1);
	return failed;
}

int
intake_message(const struct intake *intake, const char *host,
    const char *subject, struct ha_err *err)
{
	struct ha_buf body = HA_BUF_INIT, line = HA_BUF_INIT;
	struct ha_buf clean = HA_BUF_INIT;
	/* What was read by then is told all the same. */
	int failed = read_text(&body, err);

	ha_rec_add_utf8(&clean, subject, strlen(subject));
	alert_encode_message(&line, host != NULL ? host : ha_status_here(),
	    clean.data, body.data, 0);
	if (intake_lines(intake, line.data, err) != 0)
		failed = -1;
	ha_buf_release(&clean);
	ha_buf_release(&line);
	ha_buf_release(&body);
	return failed;
}

int
intake_words(const struct intake *intake, const char *subject,
    const struct incident_report *report, struct ha_err *err)
{
	struct incident_report filled = *report;
	struct ha_buf msg = HA_BUF_INIT;
	int failed;

	ha_buf_add_str(&msg, subject);
	ha_buf_add_char(&msg, '\n');
	failed = read_text(&msg, err);
	filled.msg = msg.data;
	if (incident_take(intake, &filled, err) != 0)
		failed = -1;
	ha_buf_release(&msg);
	return failed;
}
