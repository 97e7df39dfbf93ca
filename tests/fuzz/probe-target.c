/* SPDX-License-Identifier: ISC */
/*
 * probe-target - a URL of any bytes is refused, with a place inside of it, or
 * means one thing; so does a word key=value, and what is printed of both.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "alloc.h"
#include "fake-dialogs.h"
#include "settings.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
check_target(const struct target *target, const char *url)
{
	if (strcmp(target->url, url) || !target->path)
		abort();
	if ((target->host == NULL) != (target->scheme->way == WAY_UNIX))
		abort();
	if (target->host && (!*target->host || strchr(target->host, '@')))
		abort();
}

static void
try_url(const char *url, const struct settings *settings)
{
	struct target target;
	struct ha_err err;
	size_t offset;

	free(target_shown(url));
	if (target_parse(&target, url, settings, &offset, &err)) {
		if (offset > strlen(url) || err.status != EX_USAGE)
			abort();
		return;
	}
	check_target(&target, url);
	target_release(&target);
}

static void
try_setting(char *text, struct settings *settings)
{
	struct ha_buf line = HA_BUF_INIT;
	char *value = strchr(text, '=');
	struct ha_err err;
	size_t offset;

	if (value)
		*value++ = '\0';
	/* Which files there are is not the matter. */
	if (strstr(text, "file") || strstr(text, "cert") ||
	    !strcmp(text, "key") || !strcmp(text, "expect"))
		return;
	if (settings_set(settings, text, value, &offset, &err)) {
		if (offset > (value ? strlen(value) : 0))
			abort();
	} else {
		settings_add(&line, settings);
	}
	ha_buf_release(&line);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = ha_xmemdup(data, size);
	char *url = text + strlen(text) + 1;
	struct settings settings;

	settings_init(&settings);
	/* Before a NUL byte stands a setting. */
	if (url <= text + size) {
		try_setting(text, &settings);
		try_url(url, &settings);
	} else {
		try_url(text, &settings);
	}
	settings_release();
	free(text);
	return 0;
}
