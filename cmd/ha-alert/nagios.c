/* SPDX-License-Identifier: ISC */
/*
 * nagios - what a notification command has in its environment.
 *
 * Nagios numbers its problems, so that several contacts' commands make one
 * incident of them.  Source: Nagios Core, Standard Macros in Nagios.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "alloc.h"
#include "buf.h"
#include "clock.h"
#include "incident.h"
#include "rec.h"

#define NAME_SIZE 64

struct notification {
	const char *type, *host, *service; /* service "": about the host */
	const char *state, *old_state, *output;
	const char *number; /* of the notifications of this problem */
	const char *problem, *old_problem; /* ids; "" or "0": none */
	struct incident_report report;
};

/* NAGIOS_SERVICE... or NAGIOS_HOST..., whichever it is about. */
static const char *
macro(const struct notification *it, const char *before, const char *after)
{
	char *name = ha_xasprintf(
	    "NAGIOS_%s%s%s", before, *it->service ? "SERVICE" : "HOST", after);
	const char *value = getenv(name);

	free(name);
	return value != NULL ? value : "";
}

static const char *
plain(const char *name)
{
	const char *value = getenv(name);

	return value != NULL ? value : "";
}

static enum ha_status_state
state_of(const char *name)
{
	static const struct {
		const char *name;
		enum ha_status_state state;
	} states[] = {
		{ "OK", HA_STATUS_OK },
		{ "UP", HA_STATUS_OK },
		{ "WARNING", HA_STATUS_WARN },
		{ "UNKNOWN", HA_STATUS_UNKNOWN },
		{ "UNREACHABLE", HA_STATUS_UNKNOWN },
	};

	for (size_t i = 0; i < sizeof(states) / sizeof(*states); i++)
		if (strcmp(name, states[i].name) == 0)
			return states[i].state;
	return HA_STATUS_CRIT;
}

static void
read_macros(struct notification *it)
{
	it->type = plain("NAGIOS_NOTIFICATIONTYPE");
	it->host = plain("NAGIOS_HOSTNAME");
	it->service = plain("NAGIOS_SERVICEDESC");
	it->state = macro(it, "", "STATE");
	it->old_state = macro(it, "LAST", "STATE");
	it->output = macro(it, "", "OUTPUT");
	it->number = macro(it, "", "NOTIFICATIONNUMBER");
	it->problem = macro(it, "", "PROBLEMID");
	it->old_problem = macro(it, "LAST", "PROBLEMID");
	it->report = (struct incident_report){
		.host = it->host,
		.check = *it->service ? it->service : "host",
		.state = state_of(it->state),
		.target = "nagios",
		.msg = it->output,
	};
}

/* An acknowledgement, a downtime: nothing happened to the check. */
static int
take_words(const struct intake *intake, const struct notification *it,
    struct ha_err *err)
{
	char *subject = ha_xasprintf("%s: %s on %s is %s", it->type,
	    it->report.check, it->host, it->state);
	char *body =
	    ha_xasprintf("%s: %s\n%s", plain("NAGIOS_NOTIFICATIONAUTHOR"),
		plain("NAGIOS_NOTIFICATIONCOMMENT"), it->output);
	struct ha_buf line = HA_BUF_INIT;
	int result;

	alert_encode_message(&line, it->host, subject, body, 0);
	result = intake_lines(intake, line.data, err);
	ha_buf_release(&line);
	free(subject);
	free(body);
	return result;
}

static int
is_id(const char *id)
{
	return *id && strcmp(id, "0") != 0 &&
	       strspn(id, "0123456789") == strlen(id) && strlen(id) < 20;
}

static enum ha_transition_event
event_of(const struct notification *it)
{
	enum ha_status_state old_state = state_of(it->old_state);
	enum ha_status_state state = it->report.state;

	if (strcmp(it->type, "RECOVERY") == 0)
		return HA_TRANSITION_RECOVERY;
	if (strcmp(it->type, "FLAPPINGSTART") == 0)
		return HA_TRANSITION_FLAPPING;
	if (atol(it->number) <= 1)
		return HA_TRANSITION_PROBLEM;
	if (old_state == state || old_state == HA_STATUS_OK)
		return HA_TRANSITION_REMINDER;
	return ha_status_worse(state, old_state) == state
		   ? HA_TRANSITION_WORSE
		   : HA_TRANSITION_BETTER;
}

/* "nagios-ID-" and the hash of HOST and CHECK. */
static void
name_problem(
    char name[NAME_SIZE], const struct notification *it, const char *id)
{
	char hashed[HA_TRANSITION_INCIDENT_SIZE];

	ha_transition_incident(hashed, it->host, it->report.check, 0);
	snprintf(name, NAME_SIZE, "nagios-%s%s", id, strchr(hashed, '-'));
}

static int
take_problem(const struct intake *intake, const struct notification *it,
    const char *id, struct ha_err *err)
{
	char name[NAME_SIZE], since[HA_CLOCK_RFC3339_SIZE];
	enum ha_transition_event event = event_of(it);
	struct incident known;
	int is_known, result;

	name_problem(name, it, id);
	incident_read(intake, it->host, it->report.check, &known);
	is_known = known.name != NULL && strcmp(known.name, name) == 0;
	ha_clock_rfc3339(since);
	result = incident_take_as(intake, &it->report, event, name,
	    is_known ? known.since : since,
	    is_known                         ? known.state
	    : event == HA_TRANSITION_PROBLEM ? HA_STATUS_OK
					     : HA_STATUS_UNKNOWN,
	    err);
	incident_release(&known);
	return result;
}

int
nagios_take(const struct intake *intake, struct ha_err *err)
{
	struct notification it;
	int is_end;

	read_macros(&it);
	if (!*it.type || !*it.host)
		return ha_err_set(err, EX_USAGE, 0,
		    "--nagios: there is no %s in the environment "
		    "(enable_environment_macros=1)",
		    *it.type ? "NAGIOS_HOSTNAME" : "NAGIOS_NOTIFICATIONTYPE");
	is_end = strcmp(it.type, "RECOVERY") == 0;
	if (!is_end && strcmp(it.type, "PROBLEM") != 0 &&
	    (strcmp(it.type, "FLAPPINGSTART") != 0 || !is_id(it.problem)))
		return take_words(intake, &it, err);
	if (is_end && is_id(it.old_problem))
		return take_problem(intake, &it, it.old_problem, err);
	if (!is_end && is_id(it.problem))
		return take_problem(intake, &it, it.problem, err);
	it.report.is_end = is_end;
	return incident_take(intake, &it.report, err);
}
