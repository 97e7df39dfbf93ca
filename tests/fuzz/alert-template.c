/* SPDX-License-Identifier: ISC */
/*
 * alert-template - a template, and behind a NUL byte what a check says: JSON, or
 * a mistake that is named.
 */
#include <jansson.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "alloc.h"
#include "template.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

const char *
channel_get(const struct channel *channel, const char *key)
{
	(void)channel;
	return strcmp(key, "topic") == 0 ? "{state}\"" : NULL;
}

int
channel_secret(const struct channel *channel, const char *key, char **secret,
    struct ha_err *err)
{
	(void)channel;
	(void)err;
	*secret = strcmp(key, "token") == 0 ? ha_xstrdup("{text}") : NULL;
	return 0;
}

void
channel_forget(char *secret)
{
	free(secret);
}

static void
expand(const struct template *template, const char *words)
{
	char name[] = "ops", check[] = "web", host[] = "web1";
	struct channel channel = { .name = name };
	struct alert alert = { .is_message = *words & 1, .body = words };
	struct alert_item item = { &alert, &alert, 1 };
	struct alert_bundle bundle = { .items = &item, .count = 1 };
	struct ha_buf body = HA_BUF_INIT, path = HA_BUF_INIT;
	struct ha_err err;

	alert.transition.event = (enum ha_transition_event)(
	    (unsigned char)*words / 2 % HA_TRANSITION_EVENTS);
	alert.transition.incident = "20261123T0850Z-0123456789abcdef";
	alert.transition.status = (struct ha_status){ .by = host,
		.host = host,
		.check = check,
		.target = words,
		.msg = words,
		.perf = words };
	if (template_expand(
		template, &bundle, &channel, 0, &body, &path, &err) == 0) {
		json_t *json =
		    json_loadb(body.data, body.len, JSON_DECODE_ANY, NULL);

		if (json == NULL && body.len > 0)
			abort();
		json_decref(json);
	}
	ha_buf_release(&body);
	ha_buf_release(&path);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = ha_xmemdup(data, size);
	size_t len = strlen(text);
	struct template *template;
	struct ha_err err;

	if (template_parse(&template, "t", text, len, &err) == 0) {
		expand(template, len < size ? text + len + 1 : "");
		template_free(template);
	} else if (err.status != EX_CONFIG || *err.msg == '\0') {
		abort();
	}
	free(text);
	return 0;
}
