/* SPDX-License-Identifier: ISC */
/* mem - memory and swap.  proc(5), /proc/meminfo. */
#include <math.h>

#include "kernel.h"
#include "kinds.h"

enum { USED, FREE };

static const struct kind_option mem_options[] = {
	{ "used", OPTION_LIMIT, HA_RANGE_BYTES, NULL, "90%,95%",
	    "memory that no program could have without swapping: bytes, or "
	    "percent of all" },
	{ "available", OPTION_LIMIT, HA_RANGE_BYTES, NULL, NULL,
	    "the rest, such as available=1G:,500M:" },
	{ NULL },
};

static const struct kind_option swap_options[] = {
	{ "used", OPTION_LIMIT, HA_RANGE_BYTES, NULL, "50%,80%",
	    "swap in use: bytes, or percent of all" },
	{ "free", OPTION_LIMIT, HA_RANGE_BYTES, NULL, NULL,
	    "swap that is left, such as free=1G:" },
	{ NULL },
};

struct data {
	double total, left;
};

static double
bytes(const char *text, const char *key)
{
	uint64_t kib;

	return kernel_field(text, key, &kib) ? NAN : (double)kib * 1024;
}

/* What MemAvailable tells since Linux 3.14, roughly. */
static double
estimate_available(const char *text)
{
	return bytes(text, "MemFree") + bytes(text, "Buffers") +
	       bytes(text, "Cached");
}

static void
look(struct check *check, const char *total, const char *left)
{
	struct data *data = check->data;
	struct ha_buf text = HA_BUF_INIT;
	struct ha_err err;
	int failed = kernel_read("/proc/meminfo", &text, &err);

	if (!failed) {
		data->total = bytes(text.data, total);
		data->left = bytes(text.data, left);
		if (isnan(data->left) && check->kind == &kind_mem)
			data->left = estimate_available(text.data);
		if (isnan(data->total) || isnan(data->left))
			failed = ha_err_set(&err, EX_OSERR, 0,
			    "/proc/meminfo has no %s and %s", total, left);
	}
	if (failed)
		check_fail(check, &err);
	ha_buf_release(&text);
}

static void
mem_look(struct check *check)
{
	look(check, "MemTotal", "MemAvailable");
}

static void
swap_look(struct check *check)
{
	look(check, "SwapTotal", "SwapFree");
}

static void
judge(struct check *check)
{
	const struct data *data = check->data;
	struct measured used = { .option = USED,
		.value = data->total - data->left,
		.whole = data->total,
		.unit = "B",
		.min = 0,
		.max = data->total };
	struct measured left = used;
	char left_words[WORDS_SIZE], total_words[WORDS_SIZE];

	if (data->total <= 0) {
		check_say(check, HA_STATUS_OK, "no swap");
		return;
	}
	left.option = FREE;
	left.value = data->left;
	words_bytes(left_words, data->left);
	words_bytes(total_words, data->total);
	check->gauge = used.value / data->total;
	check_value(check, &used, 0, "%d%% used, %s %s of %s",
	    words_percent(100 * check->gauge), left_words,
	    check->kind == &kind_mem ? "available" : "free", total_words);
	check_value(check, &left, 1, "%s left", left_words);
}

const struct kind kind_mem = {
	.name = "mem",
	.help = "memory",
	.details = "Caches that the kernel would give back count as available.",
	.options = mem_options,
	.size = sizeof(struct data),
	.look = mem_look,
	.judge = judge,
};

const struct kind kind_swap = {
	.name = "swap",
	.help = "swap space",
	.details = "Without any it is OK.",
	.options = swap_options,
	.size = sizeof(struct data),
	.look = swap_look,
	.judge = judge,
};
