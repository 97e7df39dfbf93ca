/* SPDX-License-Identifier: ISC */
/*
 * leave - may this node act?
 */
#include "leave.h"

#include <stdlib.h>
#include <syslog.h>

#include "msg.h"
#include "role.h"

int
leave_to_act(struct ha_err *err)
{
	char *path = ha_role_path();
	struct ha_role role;
	int result;

	ha_role_init(&role);
	result = ha_role_read(&role, path, err);
	if (result == 0) {
		result = 1;
	} else if (result > 0 && !role.is_active) {
		ha_err_set(
		    err, EX_NOPERM, 0, "this node is standby ('%s')", path);
		result = 0;
	}
	ha_role_release(&role);
	free(path);
	return result;
}

void
leave_forced(const char *words, const char *reason, const char *why)
{
	static int is_said;

	if (is_said)
		return;
	is_said = 1;
	ha_warn("forced (%s) though %s", reason, why);
	openlog(ha_msg_command(), LOG_PID, LOG_DAEMON);
	syslog(LOG_WARNING, "%s: forced (%s) though %s", words, reason, why);
	closelog();
}
