/* SPDX-License-Identifier: ISC */
/* cpu - where the processors' time goes.  proc(5), /proc/stat. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "kernel.h"
#include "kinds.h"
#include "rates.h"

enum { BUSY, IOWAIT, STEAL, USER, SYSTEM };

static const struct kind_option options[] = {
	{ "busy", OPTION_LIMIT, HA_RANGE_NUMBER, NULL, "90%,98%",
	    "percent of all processors' time in which they worked" },
	{ "iowait", OPTION_LIMIT, HA_RANGE_NUMBER, NULL, "50%,80%",
	    "percent in which they waited for disks" },
	{ "steal", OPTION_LIMIT, HA_RANGE_NUMBER, NULL, "20%,50%",
	    "percent that the hypervisor gave to others" },
	{ "user", OPTION_LIMIT, HA_RANGE_NUMBER, NULL, NULL,
	    "percent in programs, at any priority" },
	{ "system", OPTION_LIMIT, HA_RANGE_NUMBER, NULL, NULL,
	    "percent in the kernel, interrupts included" },
	{ NULL },
};

/* The columns of the line "cpu"; guests are in user and nice already. */
enum {
	T_USER,
	T_NICE,
	T_SYSTEM,
	T_IDLE,
	T_IOWAIT,
	T_IRQ,
	T_SOFTIRQ,
	T_STEAL,
	TIMES
};

struct data {
	struct sample now;
	const struct sample *before;
};

static int
read_times(struct sample *now, struct ha_err *err)
{
	struct ha_buf text = HA_BUF_INIT;
	const char *p;
	int result = kernel_read("/proc/stat", &text, err);

	p = text.data + 4;
	now->count = 0;
	if (!result && !strncmp(text.data, "cpu ", 4))
		while (now->count < TIMES &&
		       !kernel_number(&p, &now->counters[now->count]))
			now->count++;
	/* Old kernels have fewer columns; these are the least. */
	if (!result && now->count <= T_IDLE)
		result = ha_err_set(
		    err, EX_OSERR, 0, "/proc/stat has no line of all CPUs");
	while (!result && now->count < TIMES)
		now->counters[now->count++] = 0;
	/* A processor that goes offline, and iowait by itself, may fall. */
	now->may_fall = 1U << T_IDLE | 1U << T_IOWAIT;
	ha_buf_release(&text);
	return result;
}

static void
look(struct check *check)
{
	struct data *data = check->data;
	struct ha_err err;

	if (read_times(&data->now, &err)) {
		check_fail(check, &err);
		return;
	}
	data->before = rates_compare("cpu", &data->now);
	if (!data->before)
		check_look_again(check);
}

static void
report(struct check *check, size_t option, double percent, const char *words)
{
	struct measured measured = { .option = option,
		.value = percent,
		.whole = 100,
		.unit = "%",
		.min = 0,
		.max = 100 };

	check_value(check, &measured, option != BUSY, "%d%% %s",
	    words_percent(percent), words);
}

static void
judge(struct check *check)
{
	const struct data *data = check->data;
	double time[TIMES], total = 0, busy;

	if (!data->before) {
		check_say(check, HA_STATUS_UNKNOWN,
		    "the times of the processors went backwards");
		return;
	}
	for (size_t i = 0; i < TIMES; i++)
		total += time[i] =
		    rates_per_second(data->before, &data->now, i);
	if (total <= 0) {
		check_say(check, HA_STATUS_UNKNOWN,
		    "no time of the processors has passed");
		return;
	}
	busy = total - time[T_IDLE] - time[T_IOWAIT];
	report(check, BUSY, 100 * busy / total, "busy");
	report(check, IOWAIT, 100 * time[T_IOWAIT] / total, "waits for disks");
	report(check, STEAL, 100 * time[T_STEAL] / total, "stolen");
	report(check, USER, 100 * (time[T_USER] + time[T_NICE]) / total,
	    "in programs");
	report(check, SYSTEM,
	    100 * (time[T_SYSTEM] + time[T_IRQ] + time[T_SOFTIRQ]) / total,
	    "in the kernel");
	check->gauge = busy / total;
}

const struct kind kind_cpu = {
	.name = "cpu",
	.help = "the processors' time",
	.details = "A rate: since the last run, or of two looks (-i).",
	.options = options,
	.size = sizeof(struct data),
	.look = look,
	.judge = judge,
};
