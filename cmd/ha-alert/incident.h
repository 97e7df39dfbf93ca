/* SPDX-License-Identifier: ISC */
/*
 * incident - transitions out of statements about a check, for those who know
 * of no incidents: monit, a script.
 *
 * What is known of a check stands in open/+check/, from its problem to its
 * recovery: INCIDENT, SINCE, STATE.
 */
#ifndef ALERT_INCIDENT_H
#define ALERT_INCIDENT_H

#include "err.h"
#include "intake.h"
#include "status.h"
#include "transition.h"

struct incident_report {
	const char *host, *check;
	enum ha_status_state state; /* OK ends the incident */
	const char *target, *msg; /* msg: lines; made one */
	int is_end; /* somebody says that it ends: told even if it is not
		       known to have begun */
};

/*
 * Take the transition that it is: problem, worse, better, reminder, recovery.
 * OK is nothing to tell unless an incident is known or is_end.  As
 * spool_take(); what is known changes only when it is taken.
 */
int incident_take(const struct intake *intake,
    const struct incident_report *report, struct ha_err *err);

/* What is known of a check. */
struct incident {
	char *name, *since; /* owned; NULL: nothing is */
	enum ha_status_state state;
};

void incident_read(const struct intake *intake, const char *host,
    const char *check, struct incident *incident);
void incident_release(struct incident *incident);
/*
 * Take the transition, whose status is the report's, and keep its incident or,
 * if it ends, forget it.
 */
int incident_take_as(const struct intake *intake,
    const struct incident_report *report, enum ha_transition_event event,
    const char *name, const char *since, enum ha_status_state old_state,
    struct ha_err *err);

/*
 * monit's exec: the environment MONIT_*; is_problem as it stands on the
 * command line.  EX_USAGE without MONIT_SERVICE.
 */
int monit_take(const struct intake *intake, int is_problem, struct ha_err *err);

/*
 * A notification command of Nagios or Icinga: the environment NAGIOS_*.
 * EX_USAGE without NAGIOS_NOTIFICATIONTYPE and NAGIOS_HOSTNAME.
 */
int nagios_take(const struct intake *intake, struct ha_err *err);

#endif
