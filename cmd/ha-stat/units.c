/* SPDX-License-Identifier: ISC */
/* units - what systemd could not start or keep running.  systemctl(1). */
#include <math.h>
#include <string.h>
#include <unistd.h>

#include "helper.h"
#include "kinds.h"
#include "unit.h"

/* Names in the message; the number says how many there are. */
#define NAMES 8

enum { FAILED };

static const struct kind_option options[] = {
	{ "failed", OPTION_LIMIT, HA_RANGE_NUMBER, NULL, "0",
	    "how many units failed" },
	{ NULL },
};

/* sd_booted(3) asks this, too. */
static int
is_systemd(void)
{
	return !access("/run/systemd/system", F_OK);
}

static void
look(struct check *check)
{
	static const char *const argv[] = { "systemctl", "list-units",
		"--failed", "--plain", "--full", "--no-legend", "--no-pager",
		NULL };

	if (is_systemd())
		check->helper = helper_start(&(struct helper_task){
		    .argv = argv,
		    .deadline_ns = check->deadline_ns,
		});
}

/* The first word of each line is a unit's name. */
static unsigned
add_names(struct ha_buf *names, const char *lines)
{
	unsigned count = 0;

	for (; *lines; lines += strspn(lines, "\n")) {
		size_t len = strcspn(lines, " \n");

		if (len && count++ < NAMES)
			ha_buf_addf(names, "%s%.*s", names->len ? " " : ": ",
			    (int)len, lines);
		lines += strcspn(lines, "\n");
	}
	if (count > NAMES)
		ha_buf_add_str(names, " ...");
	return count;
}

static void
judge(struct check *check)
{
	struct measured measured = { .option = FAILED, .unit = "", .max = NAN };
	struct ha_buf names = HA_BUF_INIT;
	struct ha_err err;

	if (!check->helper) {
		check_say(
		    check, HA_STATUS_OK, "systemd does not run this machine");
		return;
	}
	if (helper_status(check->helper)) {
		unit_refuse(check->helper, &err);
		check_fail(check, &err);
		return;
	}
	measured.value = add_names(&names, helper_answer(check->helper)->data);
	check_value(
	    check, &measured, 0, "%.0f failed%s", measured.value, names.data);
	ha_buf_release(&names);
}

const struct kind kind_units = {
	.name = "units",
	.help = "units of systemd that failed",
	.details = "Where systemd does not run it is OK.",
	.options = options,
	.look = look,
	.judge = judge,
};
