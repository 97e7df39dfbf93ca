/* SPDX-License-Identifier: ISC */
/*
 * intake - what is to be told, from stdin, the command line, monit or Nagios,
 * into the spool.
 *
 * Source: ha-alert(1), TAKING ALERTS.
 */
#ifndef ALERT_INTAKE_H
#define ALERT_INTAKE_H

#include <stddef.h>

#include "err.h"
#include "spool.h"

struct intake {
	struct spool *spool;
	const struct ha_err *no_spool; /* it can't be opened: all that is to be
					  taken is cried out; or NULL */
	const char *const *channels;
	size_t channel_count;
	int is_dry_run; /* the lines go to stdout and nothing is taken */
};

/*
 * Transition records of stdin until its end.  What came until a pause is taken
 * at once.  A line that is none is taken as a message that holds it.  Returns 0,
 * or -1: EX_DATAERR (there were such lines, or status records, which are not
 * taken; all else was), or what spool_take() says.
 */
int intake_records(const struct intake *intake, struct ha_err *err);

/* Words; body is read from stdin.  EX_IOERR, and as spool_take(). */
int intake_message(
    const struct intake *intake, const char *subject, struct ha_err *err);

/* A statement about a check whose incidents nobody else keeps. */
struct intake_report {
	const char *host, *check;
	enum ha_status_state state; /* OK ends the incident */
	const char *target, *msg;
	int64_t time_ms;
};

/*
 * Make a transition of it by what open/ knows of the check, and take it.
 * Nothing is to be told when an incident that isn't there ends: 1.
 */
int intake_report(const struct intake *intake,
    const struct intake_report *report, struct ha_err *err);

/*
 * monit's exec: the environment MONIT_*; is_problem as it stands on the
 * command line.  Returns as intake_report(); EX_USAGE without MONIT_SERVICE.
 */
int
intake_monit(const struct intake *intake, int is_problem, struct ha_err *err);

/*
 * A notification command of Nagios or Icinga: the environment NAGIOS_*.
 * EX_USAGE without NAGIOS_HOSTNAME or with a NOTIFICATIONTYPE that is unknown.
 */
int intake_nagios(const struct intake *intake, struct ha_err *err);

/* Take these lines, as they stand in the spool; on failure say them. */
int intake_lines(
    const struct intake *intake, const char *lines, struct ha_err *err);

#endif
