/* SPDX-License-Identifier: ISC */
/*
 * monit - what monit's exec has in its environment.
 *
 * Source: monit(1), ENVIRONMENT.
 */
#include <stdlib.h>
#include <string.h>

#include "alloc.h"
#include "incident.h"

static const char *
variable(const char *name)
{
	const char *value = getenv(name);

	return value != NULL ? value : "";
}

/*
 * A check of this set ends with 1 for WARN and says so; any other program's 1
 * is as bad as it gets.
 */
static enum ha_status_state
state_of(const char *status, const char *words)
{
	if (strcmp(status, "1") == 0 && strstr(words, "WARN") != NULL)
		return HA_STATUS_WARN;
	if (strcmp(status, "3") == 0 && strstr(words, "UNKNOWN") != NULL)
		return HA_STATUS_UNKNOWN;
	return HA_STATUS_CRIT;
}

int
monit_take(const struct intake *intake, int is_problem, struct ha_err *err)
{
	const char *event = variable("MONIT_EVENT");
	const char *words = variable("MONIT_DESCRIPTION");
	struct incident_report report = { .host = variable("MONIT_HOST"),
		.check = variable("MONIT_SERVICE"),
		.target = "monit",
		.is_end = !is_problem };
	char *msg;
	int result;

	if (!*report.check)
		return ha_err_set(err, EX_USAGE, 0,
		    "--monit: there is no MONIT_SERVICE in the environment");
	if (!*report.host)
		report.host = ha_status_here();
	if (is_problem)
		report.state =
		    state_of(variable("MONIT_PROGRAM_STATUS"), words);
	msg =
	    ha_xasprintf("%s%s%s", event, *event && *words ? ": " : "", words);
	report.msg = msg;
	result = incident_take(intake, &report, err);
	free(msg);
	return result;
}
