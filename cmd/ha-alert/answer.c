/* SPDX-License-Identifier: ISC */
/* answer - what a webhook's answer means. */
#include "answer.h"

#include <ctype.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "alloc.h"
#include "buf.h"
#include "sender.h"

#define EXCERPT_MAX 200
#define VALUE_MAX 64
#define SCHEME_MAX 16
#define HOST_MAX 255

/* These answer 200 and say in JSON that they have not taken it. */
static const struct {
	const char *template;
	struct answer_rules rules;
} services[] = {
	{ "dingtalk", { "/errcode=0", "-1,90030,130101,410100" } },
	{ "feishu", { "/code=0", "11232,99991400" } },
	{ "slack", { "/ok=true?", NULL } },
	{ "telegram", { "/ok=true", NULL } },
	{ "wecom", { "/errcode=0", "-1,45009,45033" } },
};

void
answer_rules(struct answer_rules *rules, const struct channel *channel)
{
	const char *template = channel_get(channel, "template");
	const char *expect = channel_get(channel, "expect");
	const char *busy = channel_get(channel, "busy");

	*rules = (struct answer_rules){ NULL, NULL };
	for (size_t i = 0; template && i < sizeof(services) / sizeof(*services);
	     i++)
		if (strcmp(services[i].template, template) == 0)
			*rules = services[i].rules;
	if (expect != NULL)
		*rules = (struct answer_rules){ expect, NULL };
	if (busy != NULL)
		rules->busy = busy;
}

/* "a~1b" is "a/b" (RFC 6901). */
static char *
token_of(const char *text, size_t len)
{
	char *token = ha_xmemdup(text, len), *to = token;

	for (const char *from = token; *from != '\0'; from++) {
		*to = *from;
		if (from[0] == '~' && (from[1] == '0' || from[1] == '1'))
			*to = *++from == '1' ? '/' : '~';
		to++;
	}
	*to = '\0';
	return token;
}

static const json_t *
step(const json_t *json, const char *token)
{
	char *end;
	unsigned long index;

	if (json_is_object(json))
		return json_object_get(json, token);
	if (!json_is_array(json) || !isdigit((unsigned char)*token))
		return NULL;
	index = strtoul(token, &end, 10);
	return *end == '\0' ? json_array_get(json, index) : NULL;
}

/* What the pointer, which ends at end, leads to; NULL: nowhere. */
static const json_t *
follow(const json_t *json, const char *pointer, const char *end)
{
	while (json != NULL && pointer < end) {
		size_t len = 0;
		char *token;

		for (pointer++; pointer + len < end && pointer[len] != '/';)
			len++;
		token = token_of(pointer, len);
		json = step(json, token);
		free(token);
		pointer += len;
	}
	return json;
}

static json_t *
parse(const struct answer *answer)
{
	return json_loadb(answer->body, answer->len, JSON_DECODE_ANY, NULL);
}

/* As it would stand in a setting: 0, true, ok. */
static char *
value_text(const json_t *json)
{
	if (json_is_string(json))
		return ha_xstrdup(json_string_value(json));
	return json_dumps(json, JSON_ENCODE_ANY | JSON_COMPACT);
}

static int
is_listed(const char *list, const char *value)
{
	size_t len = strlen(value), n;

	for (; list != NULL && *list != '\0'; list += n + (list[n] == ',')) {
		n = strcspn(list, ",");
		if (n == len && memcmp(list, value, n) == 0)
			return 1;
	}
	return 0;
}

/* One line of the body, its blanks as one, for a person. */
static void
add_excerpt(struct ha_buf *text, const struct answer *answer)
{
	size_t start = text->len, len;
	int is_blank = 1;

	for (size_t i = 0; i < answer->len && text->len < start + EXCERPT_MAX;
	     i++) {
		unsigned char c = (unsigned char)answer->body[i];

		if (c > 0x20 && c != 0x7f)
			ha_buf_add_char(text, (char)c);
		else if (!is_blank)
			ha_buf_add_char(text, ' ');
		is_blank = c <= 0x20 || c == 0x7f;
	}
	if (text->len < start + EXCERPT_MAX)
		return;
	for (len = text->len;
	     ((unsigned char)text->data[len - 1] & 0xc0) == 0x80;)
		len--;
	if ((unsigned char)text->data[len - 1] >= 0xc0)
		len--;
	ha_buf_truncate(text, len);
	ha_buf_add_str(text, "...");
}

/* Telegram: parameters.retry_after; Discord: retry_after, with a fraction. */
static double
json_retry_after_s(const struct answer *answer)
{
	json_t *json = parse(answer);
	const json_t *value = json_object_get(json, "retry_after");
	double s = -1;

	if (value == NULL)
		value = json_object_get(
		    json_object_get(json, "parameters"), "retry_after");
	if (json_is_number(value))
		s = json_number_value(value);
	json_decref(json);
	return s;
}

static void
set_retry_after(struct delivery *delivery, const struct answer *answer)
{
	double s = (double)answer->retry_after_s;

	if (s < 0)
		s = json_retry_after_s(answer);
	if (s >= 0 && s < 1e6)
		delivery->retry_after_ms = (int64_t)(s * 1000);
}

static void
judge(struct delivery *delivery, enum delivery_result result,
    const struct answer *answer, const char *why)
{
	struct ha_buf words = HA_BUF_INIT;

	ha_buf_addf(&words, "it answers %d", answer->status);
	if (why != NULL)
		ha_buf_addf(&words, ", %s", why);
	if (answer->len > 0) {
		ha_buf_add_str(&words, ": ");
		add_excerpt(&words, answer);
	}
	sender_result(delivery, result, "%s", words.data);
	ha_buf_release(&words);
	if (result != DELIVERY_LATER)
		return;
	delivery->is_channel_down = 1;
	set_retry_after(delivery, answer);
}

static void
judge_value(const struct answer *answer, const struct answer_rules *rules,
    const json_t *value, struct delivery *delivery)
{
	const char *wanted = strrchr(rules->expect, '=') + 1;
	int is_optional = wanted[strcspn(wanted, "?")] != '\0';
	char *got, *why;

	if (value == NULL) {
		delivery->may_have_it = !is_optional;
		judge(delivery, is_optional ? DELIVERY_DONE : DELIVERY_LATER,
		    answer,
		    is_optional ? NULL : "but not as the service would");
		return;
	}
	got = value_text(value);
	if (strncmp(got, wanted, strcspn(wanted, "?")) == 0 &&
	    strlen(got) == strcspn(wanted, "?")) {
		judge(delivery, DELIVERY_DONE, answer, NULL);
	} else {
		why = ha_xasprintf("but %.*s is %.*s",
		    (int)strcspn(rules->expect, "="), rules->expect, VALUE_MAX,
		    got);
		judge(delivery,
		    is_listed(rules->busy, got) ? DELIVERY_LATER
						: DELIVERY_NEVER,
		    answer, why);
		free(why);
	}
	free(got);
}

static void
judge_text(const struct answer *answer, const struct answer_rules *rules,
    struct delivery *delivery)
{
	int is_there = memmem(answer->body, answer->len, rules->expect,
			   strlen(rules->expect)) != NULL;

	if (is_there)
		judge(delivery, DELIVERY_DONE, answer, NULL);
	else
		judge(delivery, DELIVERY_NEVER, answer,
		    "but without what is expected");
}

/* A status of 2xx. */
static void
judge_body(const struct answer *answer, const struct answer_rules *rules,
    struct delivery *delivery)
{
	const char *expect = rules->expect;
	json_t *json;

	if (expect == NULL) {
		judge(delivery, DELIVERY_DONE, answer, NULL);
	} else if (*expect != '/') {
		judge_text(answer, rules, delivery);
	} else {
		json = parse(answer);
		judge_value(answer, rules,
		    follow(json, expect, expect + strcspn(expect, "=")),
		    delivery);
		json_decref(json);
	}
}

/* Its path may be a secret that was sent back. */
static void
judge_redirect(const struct answer *answer, struct delivery *delivery)
{
	const char *url = answer->redirect_url;
	const char *host = url != NULL ? strstr(url, "://") : NULL;
	const char *at;
	size_t len;

	if (host == NULL || host - url > SCHEME_MAX) {
		sender_result(delivery, DELIVERY_NEVER,
		    "it answers %d, and no redirect is followed",
		    answer->status);
		return;
	}
	host += 3;
	len = strcspn(host, "/?#");
	at = memrchr(host, '@', len);
	if (at != NULL) {
		len -= (size_t)(at + 1 - host);
		host = at + 1;
	}
	if (len > HOST_MAX)
		len = HOST_MAX;
	sender_result(delivery, DELIVERY_NEVER,
	    "it answers %d and points to %.*s://%.*s/...: no redirect is "
	    "followed, is the URL right?",
	    answer->status, (int)strcspn(url, ":"), url, (int)len, host);
}

void
answer_judge(const struct answer *answer, const struct answer_rules *rules,
    struct delivery *delivery)
{
	int status = answer->status;

	if (status >= 200 && status < 300) {
		judge_body(answer, rules, delivery);
	} else if (status >= 300 && status < 400) {
		judge_redirect(answer, delivery);
	} else if (status == 408 || status == 425 || status == 429) {
		judge(delivery, DELIVERY_LATER, answer, NULL);
	} else if (status >= 500) {
		judge(delivery, DELIVERY_LATER, answer, NULL);
		delivery->may_have_it = 1;
	} else {
		judge(delivery, DELIVERY_NEVER, answer, NULL);
	}
}
