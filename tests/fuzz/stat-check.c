/* SPDX-License-Identifier: ISC */
/*
 * stat-check - a check of any bytes is refused, with a place inside of it, or
 * is one; and what the kernel's tables hold breaks nothing that reads them.
 *
 * The first byte says which of the two, and of which table.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "buf.h"
#include "err.h"

int kernel_read(const char *path, struct ha_buf *buf, struct ha_err *err);
#define kernel_read kernel_read_file
#include "kernel.c"
#undef kernel_read
#include "mounts.c"

#include "kinds.h"
#include "rates.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

const struct kind *const kinds[] = { &kind_cpu, &kind_io, &kind_mem, &kind_net,
	NULL };
static const char *content;
static size_t content_len;

/* Every file of the kernel holds the input. */
int
kernel_read(const char *path, struct ha_buf *buf, struct ha_err *err)
{
	(void)path;
	(void)err;
	ha_buf_reset(buf);
	ha_buf_add(buf, content, content_len);
	return 0;
}

static void
look_and_judge(const char *text)
{
	struct ha_buf msg = HA_BUF_INIT;
	struct ha_err err;
	size_t offset;
	struct check *check = check_parse(text, &offset, &err);

	if (!check || check_complete(check, NULL, NULL, &err))
		abort();
	check->kind->look(check);
	rates_second();
	if (!check->is_failed)
		check->kind->look(check);
	if (!check->is_failed)
		check->kind->judge(check);
	check_message(check, &msg);
	if (!msg.len)
		abort();
	ha_buf_release(&msg);
	check_free(check);
	rates_close(&err);
}

static void
try_mounts(void)
{
	const struct mount *mounts;
	struct ha_err err;
	size_t count;

	if (mounts_all(&mounts, &count, &err))
		abort();
	for (size_t i = 0; i < count; i++)
		if (mounts_at(mounts[i].point) == NULL ||
		    mounts_has(mounts[i].options, "") < 0)
			abort();
	mounts_of("/proc/self/../../etc/mtab");
	free(table.all);
	free(table.text);
	memset(&table, 0, sizeof(table));
}

static void
try_check(const char *text)
{
	struct ha_err err;
	size_t offset = 0;
	struct check *check = check_parse(text, &offset, &err);

	if (check) {
		if (strcmp(check->target, text) != 0)
			abort();
		check_add(check, text, &offset, &err);
		check_complete(check, "5", NULL, &err);
		check_free(check);
	} else if (offset > strlen(text) || err.status != EX_USAGE) {
		abort();
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char *const checks[] = { "cpu", "io", "io:sda", "mem",
		"net", "net:eth0" };
	char *text;

	if (!size)
		return 0;
	text = ha_xmemdup(data + 1, size - 1);
	content = text;
	content_len = size - 1;
	rates_open(1);
	if (data[0] < sizeof(checks) / sizeof(*checks))
		look_and_judge(checks[data[0]]);
	else if (data[0] % 2)
		try_mounts();
	else
		try_check(text);
	free(text);
	return 0;
}
