/* SPDX-License-Identifier: ISC */
/*
 * kernel - what the kernel tells in /proc and /sys.
 */
#include "kernel.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "alloc.h"
#include "fs.h"

/* A mount table of thousands of containers has some MiB. */
#define MAX_FILE ((size_t)16 * 1024 * 1024)

const char *kernel_root = "";

int
kernel_read(const char *path, struct ha_buf *buf, struct ha_err *err)
{
	char *rooted = NULL;
	int result;

	if (*kernel_root)
		path = rooted = ha_xasprintf("%s%s", kernel_root, path);
	ha_buf_reset(buf);
	result = ha_fs_read_file(path, MAX_FILE, buf, err);
	free(rooted);
	return result;
}

int
kernel_read_number(const char *path, int64_t *number)
{
	struct ha_buf text = HA_BUF_INIT;
	struct ha_err err;
	const char *p;
	uint64_t size;
	int result = -1, is_negative;

	if (!kernel_read(path, &text, &err)) {
		is_negative = text.data[0] == '-';
		p = text.data + is_negative;
		if (*p >= '0' && *p <= '9' && !kernel_number(&p, &size) &&
		    size <= INT64_MAX) {
			*number = is_negative ? -(int64_t)size : (int64_t)size;
			result = 0;
		}
	}
	ha_buf_release(&text);
	return result;
}

int
kernel_number(const char **text, uint64_t *number)
{
	const char *p = *text;
	uint64_t value = 0;

	while (*p == ' ' || *p == '\t')
		p++;
	if (*p < '0' || *p > '9')
		return -1;
	for (; *p >= '0' && *p <= '9'; p++)
		if (__builtin_mul_overflow(value, 10, &value) ||
		    __builtin_add_overflow(value, (unsigned)(*p - '0'), &value))
			value = UINT64_MAX;
	*text = p;
	*number = value;
	return 0;
}

const char *
kernel_line_end(const char *text)
{
	return text + strcspn(text, "\n");
}

int
kernel_field(const char *text, const char *key, uint64_t *number)
{
	size_t len = strlen(key);

	for (;; text++) {
		if (!strncmp(text, key, len) &&
		    (text[len] == ':' || text[len] == ' ')) {
			text += len + 1;
			return kernel_number(&text, number);
		}
		text = kernel_line_end(text);
		if (!*text)
			return -1;
	}
}

double
kernel_memory(void)
{
	struct ha_buf text = HA_BUF_INIT;
	uint64_t kib = 0;
	struct ha_err err;

	if (!kernel_read("/proc/meminfo", &text, &err) &&
	    kernel_field(text.data, "MemTotal", &kib))
		kib = 0;
	ha_buf_release(&text);
	return (double)kib * 1024;
}

unsigned
kernel_cpus(void)
{
	long count = sysconf(_SC_NPROCESSORS_ONLN);

	return count > 0 ? (unsigned)count : 1;
}
