/* SPDX-License-Identifier: ISC */
/* load - the load averages, in percent of the processors.  proc(5), loadavg. */
#include <math.h>
#include <stdio.h>

#include "kernel.h"
#include "kinds.h"

enum { LOAD5, LOAD1, LOAD15 };

static const struct kind_option options[] = {
	{ "load5", OPTION_LIMIT, HA_RANGE_NUMBER, NULL, "150%,300%",
	    "load average of 5 minutes, or its percentage of the processors" },
	{ "load1", OPTION_LIMIT, HA_RANGE_NUMBER, NULL, NULL, "of 1 minute" },
	{ "load15", OPTION_LIMIT, HA_RANGE_NUMBER, NULL, NULL,
	    "of 15 minutes" },
	{ NULL },
};

struct data {
	double load[3];
};

static void
look(struct check *check)
{
	struct data *data = check->data;
	struct ha_buf text = HA_BUF_INIT;
	struct ha_err err;

	if (kernel_read("/proc/loadavg", &text, &err))
		check_fail(check, &err);
	else if (sscanf(text.data, "%lf %lf %lf", &data->load[0],
		     &data->load[1], &data->load[2]) != 3) {
		ha_err_set(&err, EX_OSERR, 0, "/proc/loadavg is not readable");
		check_fail(check, &err);
	}
	ha_buf_release(&text);
}

static struct measured
measure(size_t option, double load)
{
	return (struct measured){ .option = option,
		.value = load,
		.whole = kernel_cpus(),
		.unit = "",
		.min = 0,
		.max = NAN };
}

static void
judge(struct check *check)
{
	const struct data *data = check->data;
	struct measured load1 = measure(LOAD1, data->load[0]);
	struct measured load5 = measure(LOAD5, data->load[1]);
	struct measured load15 = measure(LOAD15, data->load[2]);
	unsigned cpus = kernel_cpus();

	check_value(check, &load1, 1, "%.2f in 1 minute", load1.value);
	check_value(check, &load5, 0, "load %.2f %.2f %.2f on %u CPU%s",
	    load1.value, load5.value, load15.value, cpus, cpus > 1 ? "s" : "");
	check_value(check, &load15, 1, "%.2f in 15 minutes", load15.value);
	check->gauge = load1.value / cpus;
}

const struct kind kind_load = {
	.name = "load",
	.help = "load averages",
	.details =
	    "Tasks that run, want to run or wait for a disk, on average.",
	.options = options,
	.size = sizeof(struct data),
	.look = look,
	.judge = judge,
};
