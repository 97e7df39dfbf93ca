/* SPDX-License-Identifier: ISC */
/* incident - keeps from a problem to its recovery what they have in common. */
#include "incident.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "alloc.h"
#include "clock.h"
#include "fs.h"
#include "msg.h"
#include "rec.h"

#define KNOWN "+check"
#define MINUTE_MS (60 * INT64_C(1000))
/* A name is of a later minute by at most so much. */
#define AHEAD_MS (60 * MINUTE_MS)
#define KNOWN_SIZE 512
enum { F_NAME, F_SINCE, F_STATE, FIELDS };

/* A file's name for a check: the hash of an incident's name. */
static char *
file_of(const char *host, const char *check)
{
	char name[HA_TRANSITION_INCIDENT_SIZE];

	ha_transition_incident(name, host, check, 0);
	return ha_xstrdup(strchr(name, '-') + 1);
}

static void
read_from(const struct intake *intake, const char *dir, const char *host,
    const char *check, struct incident *incident)
{
	char *file = file_of(host, check), *fields[FIELDS];
	int dir_fd = -1, fd = -1;
	char text[KNOWN_SIZE];
	ssize_t n = 0;

	memset(incident, 0, sizeof(*incident));
	if (intake->spool->fd >= 0)
		dir_fd = spool_open_dir(intake->spool, "open", dir);
	if (dir_fd >= 0) {
		fd = openat(dir_fd, file, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
		close(dir_fd);
	}
	if (fd >= 0) {
		n = read(fd, text, sizeof(text) - 1);
		close(fd);
	}
	free(file);
	text[n > 0 ? n : 0] = '\0';
	text[strcspn(text, "\n")] = '\0';
	if (ha_rec_split(text, fields, FIELDS) < FIELDS ||
	    ha_status_parse_state(fields[F_STATE], &incident->state) != 0)
		return;
	incident->name = ha_xstrdup(fields[F_NAME]);
	incident->since = ha_xstrdup(fields[F_SINCE]);
}

void
incident_read(const struct intake *intake, const char *host, const char *check,
    struct incident *incident)
{
	read_from(intake, KNOWN, host, check, incident);
}

void
incident_release(struct incident *incident)
{
	free(incident->name);
	free(incident->since);
	memset(incident, 0, sizeof(*incident));
}

/* In open/, below dir. */
static int
write_to(const struct intake *intake, const char *dir, const char *file,
    const char *text, struct ha_err *err)
{
	char *path =
	    ha_xasprintf("%s/open/%s/%s", intake->spool->path, dir, file);
	int fd = spool_dir(intake->spool, "open", dir, err);
	int failed =
	    fd < 0 || ha_fs_replace(path, text, strlen(text), 0600, err) != 0;

	if (fd >= 0)
		close(fd);
	free(path);
	return failed ? -1 : 0;
}

static int
remove_known(const struct intake *intake, const char *file, struct ha_err *err)
{
	char *path =
	    ha_xasprintf("%s/open/" KNOWN "/%s", intake->spool->path, file);
	int failed = 0;

	if (unlink(path) != 0 && errno != ENOENT)
		failed =
		    ha_err_set(err, EX_IOERR, errno, "can't remove '%s'", path);
	free(path);
	return failed;
}

/* The alert is safe already: what fails here makes a reminder a problem. */
static void
keep(const struct intake *intake, const struct incident_report *report,
    const char *name, const char *since, int is_end)
{
	char *file = file_of(report->host, report->check);
	char *text = ha_xasprintf(
	    "%s\t%s\t%s\n", name, since, ha_status_name(report->state));
	struct ha_err err;
	int failed =
	    write_to(intake, is_end ? SPOOL_ENDED : KNOWN, file, text, &err);

	if (is_end && remove_known(intake, file, &err) != 0)
		failed = -1;
	if (failed)
		ha_warn("%s: the next one is told as a new incident", err.msg);
	free(file);
	free(text);
}

/* Lines as one. */
static char *
one_line(const char *msg)
{
	struct ha_buf text = HA_BUF_INIT;
	struct ha_buf clean = HA_BUF_INIT;

	for (const char *p = msg; *p; p++)
		if (*p != '\n')
			ha_buf_add_char(&text, *p == '\t' ? ' ' : *p);
		else if (p[1] != '\n' && p[1])
			ha_buf_add_str(&text, "; ");
	ha_rec_add_utf8(&clean, text.data, text.len);
	ha_buf_release(&text);
	return ha_buf_detach(&clean);
}

int
incident_take_as(const struct intake *intake,
    const struct incident_report *report, enum ha_transition_event event,
    const char *name, const char *since, enum ha_status_state old_state,
    struct ha_err *err)
{
	char *msg = one_line(report->msg);
	struct ha_transition transition = { .event = event,
		.incident = name,
		.since = since,
		.old_state = old_state,
		.status = { .host = report->host,
		    .check = report->check,
		    .state = report->state,
		    .target = report->target,
		    .msg = msg,
		    .perf = "" } };
	struct ha_buf line = HA_BUF_INIT;
	int failed;

	ha_transition_encode(&line, &transition);
	failed = intake_lines(intake, line.data, err);
	ha_buf_release(&line);
	free(msg);
	if (!failed && !intake->is_dry_run)
		keep(intake, report, name, since, ha_transition_is_end(event));
	return failed;
}

static enum ha_transition_event
event_of(const struct incident *known, enum ha_status_state state)
{
	if (state == HA_STATUS_OK)
		return HA_TRANSITION_RECOVERY;
	if (known->name == NULL)
		return HA_TRANSITION_PROBLEM;
	if (known->state == state)
		return HA_TRANSITION_REMINDER;
	return ha_status_worse(known->state, state) == state
		   ? HA_TRANSITION_WORSE
		   : HA_TRANSITION_BETTER;
}

/*
 * The minute it begins in is in its name: one that begins in the minute of the
 * last one is named by the next, or a receiver would take it for that one.
 */
static void
name_new(const struct intake *intake, const struct incident_report *report,
    int64_t now_ms, char name[HA_TRANSITION_INCIDENT_SIZE])
{
	static const size_t minute_len = sizeof("20261123T0050Z") - 1;
	int64_t end_ms = now_ms + AHEAD_MS;
	struct incident last;

	read_from(intake, SPOOL_ENDED, report->host, report->check, &last);
	ha_transition_incident(name, report->host, report->check, now_ms);
	while (last.name != NULL && now_ms < end_ms &&
	       strncmp(name, last.name, minute_len) <= 0) {
		now_ms += MINUTE_MS;
		ha_transition_incident(
		    name, report->host, report->check, now_ms);
	}
	incident_release(&last);
}

int
incident_take(const struct intake *intake, const struct incident_report *report,
    struct ha_err *err)
{
	char name[HA_TRANSITION_INCIDENT_SIZE], since[HA_CLOCK_RFC3339_SIZE];
	int64_t now_ms = ha_clock_wall_ms();
	struct incident known;
	int result;

	incident_read(intake, report->host, report->check, &known);
	if (report->state == HA_STATUS_OK && known.name == NULL &&
	    !report->is_end) {
		ha_note("%s is not known to have been bad: nothing to tell",
		    report->check);
		return 0;
	}
	name_new(intake, report, now_ms, name);
	ha_clock_format_ms(now_ms, since);
	result =
	    incident_take_as(intake, report, event_of(&known, report->state),
		known.name != NULL ? known.name : name,
		known.name != NULL ? known.since : since,
		known.name != NULL              ? known.state
		: report->state == HA_STATUS_OK ? HA_STATUS_UNKNOWN
						: HA_STATUS_OK,
		err);
	incident_release(&known);
	return result;
}
