/* SPDX-License-Identifier: ISC */
/*
 * webhook - deliver by an HTTP request.
 *
 * Source: RFC 9110; draft-ietf-httpapi-idempotency-key-header; sign.h.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "alloc.h"
#include "answer.h"
#include "carrier.h"
#include "clock.h"
#include "keys.h"
#include "secret.h"
#include "sender.h"
#include "sign.h"

#define USER_AGENT "ha-alert/" HA_VERSION
/* Of an answer so much is looked at, and not more than that is taken. */
#define BODY_MAX (64 * 1024)
#define BODY_SIZE_MAX (4 * 1024 * 1024)
/* A shorter one may stand in any word. */
#define MASK_MIN 6
#define MASK_PART_MIN 12 /* of a URL, whose other parts are words */

enum sign { SIGN_STANDARD, SIGN_DINGTALK, SIGN_FEISHU, SIGN_NONE };

struct lines {
	char **list;
	size_t count;
};

struct webhook {
	const struct channel *channel;
	const struct sender_trace *trace;
	struct carrier *carrier;
	struct answer_rules rules;
	enum sign sign;
	char *url, *token, *password, *secret, *key_password, *proxy;
	struct lines headers; /* of the channel, and its token's */
};

/* One request. */
struct call {
	struct webhook *webhook;
	struct ha_buf url, body;
	struct lines headers; /* of this request alone */
	size_t body_len;
	struct delivery *delivery;
};

static void
add_line(struct lines *lines, char *line)
{
	lines->list =
	    ha_xrealloc(lines->list, (lines->count + 1) * sizeof(*lines->list));
	lines->list[lines->count++] = line;
}

static void
release_lines(struct lines *lines)
{
	for (size_t i = 0; i < lines->count; i++)
		channel_forget(lines->list[i]);
	free(lines->list);
	*lines = (struct lines){ NULL, 0 };
}

static void
close_webhook(void *state)
{
	struct webhook *webhook = state;

	carrier_free(webhook->carrier);
	channel_forget(webhook->url);
	channel_forget(webhook->token);
	channel_forget(webhook->password);
	channel_forget(webhook->secret);
	channel_forget(webhook->key_password);
	channel_forget(webhook->proxy);
	release_lines(&webhook->headers);
	free(webhook);
}

/* With a secret it is signed, in its service's way. */
static enum sign
sign_of(const struct webhook *webhook)
{
	const char *sign = channel_get(webhook->channel, "sign");
	const char *template = channel_get(webhook->channel, "template");

	if (webhook->secret == NULL)
		return SIGN_NONE;
	if (sign != NULL)
		return (enum sign)keys_choose(
		    "standard|dingtalk|feishu|none", sign);
	if (template != NULL && strcmp(template, "dingtalk") == 0)
		return SIGN_DINGTALK;
	if (template != NULL && strcmp(template, "feishu") == 0)
		return SIGN_FEISHU;
	return SIGN_STANDARD;
}

static int
check_line(const struct webhook *webhook, const char *line, const char *path,
    struct ha_err *err)
{
	const struct key *key;
	int is_file;

	for (const char *p = line; *p != '\0'; p++)
		if ((unsigned char)*p < 0x20 || *p == 0x7f)
			return ha_err_set(
			    err, EX_CONFIG, 0, "%s: a control character", path);
	key = keys_find(webhook->channel->kind, "header", &is_file);
	if (key->check(key, line, err) != 0)
		return ha_err_set(err, EX_CONFIG, 0, "%s: %s", path, err->msg);
	return 0;
}

/* A header a line. */
static int
read_headers(struct webhook *webhook, const char *path, struct ha_err *err)
{
	char *text, *line;
	int failed = secret_read(path, &text, err);

	if (failed != 0)
		return -1;
	for (const char *p = text; failed == 0 && *p != '\0';) {
		size_t len = strcspn(p, "\r\n");

		line = ha_xmemdup(p, len);
		if (len > 0)
			failed = check_line(webhook, line, path, err);
		if (len > 0 && failed == 0)
			add_line(&webhook->headers, line);
		else
			channel_forget(line);
		p += len + (p[len] != '\0');
	}
	channel_forget(text);
	return failed;
}

static int
add_headers(struct webhook *webhook, struct ha_err *err)
{
	const struct channel *channel = webhook->channel;

	for (size_t i = 0; i < channel->count; i++) {
		const struct channel_setting *setting = &channel->settings[i];

		if (strcmp(setting->key, "header") == 0)
			add_line(&webhook->headers, ha_xstrdup(setting->value));
		else if (strcmp(setting->key, "header-file") == 0 &&
			 read_headers(webhook, setting->value, err) != 0)
			return -1;
	}
	if (webhook->token != NULL)
		add_line(&webhook->headers,
		    ha_xasprintf("Authorization: Bearer %s", webhook->token));
	return 0;
}

static int
read_secrets(struct webhook *webhook, struct ha_err *err)
{
	const struct channel *channel = webhook->channel;
	const struct {
		const char *key;
		char **secret;
	} secrets[] = {
		{ "url", &webhook->url },
		{ "token", &webhook->token },
		{ "password", &webhook->password },
		{ "secret", &webhook->secret },
		{ "key-password", &webhook->key_password },
		{ "proxy", &webhook->proxy },
	};

	for (size_t i = 0; i < sizeof(secrets) / sizeof(secrets[0]); i++)
		if (channel_secret(
			channel, secrets[i].key, secrets[i].secret, err) != 0)
			return -1;
	return 0;
}

static int
check_url(const struct webhook *webhook, struct ha_err *err)
{
	const struct key *key;
	int is_file;

	key = keys_find(webhook->channel->kind, "url", &is_file);
	if (key->check(key, webhook->url, err) != 0)
		return ha_err_set(err, EX_CONFIG, 0, "the URL %s", err->msg);
	return keys_check_plain_url(webhook->channel, webhook->url, err);
}

static int
open_webhook(void **state, const struct channel *channel,
    const struct sender_trace *trace, struct ha_err *err)
{
	struct webhook *webhook = ha_xcalloc(1, sizeof(*webhook));

	webhook->channel = channel;
	webhook->trace = trace;
	if (read_secrets(webhook, err) != 0 || check_url(webhook, err) != 0 ||
	    add_headers(webhook, err) != 0) {
		close_webhook(webhook);
		return -1;
	}
	answer_rules(&webhook->rules, channel);
	webhook->sign = sign_of(webhook);
	webhook->carrier = carrier_new();
	*state = webhook;
	return 0;
}

/* The template's path stands behind that of the URL, before its query. */
static void
make_url(struct call *call, const struct rendered *rendered)
{
	const char *url = call->webhook->url;
	size_t len = strcspn(url, "?#"), kept = len;

	if (rendered->path.len > 0 && rendered->path.data[0] == '/')
		while (kept > 0 && url[kept - 1] == '/')
			kept--;
	ha_buf_add(&call->url, url, kept);
	ha_buf_add(&call->url, rendered->path.data, rendered->path.len);
	if (url[len] == '?' && strchr(call->url.data, '?') != NULL)
		ha_buf_addf(&call->url, "&%s", url + len + 1);
	else
		ha_buf_add_str(&call->url, url + len);
}

static int
sign_url(struct call *call, struct ha_err *err)
{
	ha_buf_add_char(
	    &call->url, strchr(call->url.data, '?') != NULL ? '&' : '?');
	return sign_dingtalk(
	    &call->url, call->webhook->secret, ha_clock_wall_ms(), err);
}

static int
sign_headers(
    struct call *call, const struct rendered *rendered, struct ha_err *err)
{
	struct ha_buf signature = HA_BUF_INIT;
	int64_t now_s = ha_clock_wall_ms() / 1000;

	if (sign_standard(&signature, call->webhook->secret, rendered->key,
		now_s, call->body.data, call->body_len, err) != 0) {
		ha_buf_release(&signature);
		return -1;
	}
	add_line(&call->headers, ha_xasprintf("webhook-id: %s", rendered->key));
	add_line(
	    &call->headers, ha_xasprintf("webhook-timestamp: %" PRId64, now_s));
	add_line(&call->headers,
	    ha_xasprintf("webhook-signature: %s", signature.data));
	ha_buf_release(&signature);
	return 0;
}

static int
sign(struct call *call, const struct rendered *rendered, struct ha_err *err)
{
	struct webhook *webhook = call->webhook;

	if (webhook->sign == SIGN_FEISHU) {
		if (sign_feishu(&call->body, webhook->secret,
			ha_clock_wall_ms() / 1000, rendered->body.data,
			rendered->body.len, err) != 0)
			return -1;
	} else {
		ha_buf_add(
		    &call->body, rendered->body.data, rendered->body.len);
	}
	call->body_len = call->body.len;
	if (webhook->sign == SIGN_DINGTALK)
		return sign_url(call, err);
	if (webhook->sign == SIGN_STANDARD)
		return sign_headers(call, rendered, err);
	return 0;
}

static const char *
method_of(const struct webhook *webhook, const struct rendered *rendered)
{
	const char *method = channel_get(webhook->channel, "method");

	if (method != NULL)
		return method;
	return *rendered->method != '\0' ? rendered->method : "POST";
}

/* A secret that the server has sent back is not told on. */
static void
mask(struct delivery *delivery, const char *secret)
{
	size_t len = secret != NULL ? strlen(secret) : 0;
	char *at;

	if (len < MASK_MIN)
		return;
	while ((at = strstr(delivery->words, secret)) != NULL) {
		memset(at, '*', 3);
		memmove(at + 3, at + len, strlen(at + len) + 1);
	}
}

/* What its template knows by a name of its own: a bot's token, a key. */
static void
mask_own(const struct channel *channel, struct delivery *delivery)
{
	struct ha_err unused;
	char *key, *secret;
	int is_file;

	for (size_t i = 0; i < channel->count; i++) {
		const char *name = channel->settings[i].key;
		size_t len = strlen(name);

		if (keys_find(channel->kind, name, &is_file) != NULL)
			continue;
		if (len > 5 && strcmp(name + len - 5, "-file") == 0)
			len -= 5;
		key = ha_xmemdup(name, len);
		if (channel_secret(channel, key, &secret, &unused) == 0) {
			mask(delivery, secret);
			channel_forget(secret);
		}
		free(key);
	}
}

static void
mask_all(const struct call *call, struct delivery *delivery)
{
	const struct webhook *webhook = call->webhook;
	const char *path = strstr(call->url.data, "://") + 3;
	const char *value;
	char *part;
	size_t len;

	mask_own(webhook->channel, delivery);
	mask(delivery, webhook->token);
	mask(delivery, webhook->password);
	mask(delivery, webhook->secret);
	for (size_t i = 0; i < webhook->headers.count; i++) {
		value = strchr(webhook->headers.list[i], ':') + 1;
		mask(delivery, value + strspn(value, " "));
	}
	path += strcspn(path, "/?#");
	while (*path != '\0') {
		path++;
		len = strcspn(path, "/?&=#");
		part = ha_xmemdup(path, len);
		if (len >= MASK_PART_MIN)
			mask(delivery, part);
		channel_forget(part);
		path += len;
	}
}

static void
judge_fault(const struct call *call, const struct ha_http_answer *answer)
{
	sender_is_down(call->delivery, "%s", answer->words);
	call->delivery->may_have_it =
	    answer->phase >= HA_HTTP_WAITING && answer->sent >= call->body_len;
}

static void
done(void *context, const struct ha_http_answer *got)
{
	struct call *call = context;
	const struct answer answer = { .status = got->status,
		.body = got->body.data,
		.len = got->body.len,
		.retry_after_s = got->retry_after_s,
		.redirect_url = got->redirect_url };

	carrier_say(call->webhook->trace, got);
	if (got->fault == HA_HTTP_OK || got->fault == HA_HTTP_TOO_LARGE)
		answer_judge(&answer, &call->webhook->rules, call->delivery);
	else
		judge_fault(call, got);
	mask_all(call, call->delivery);
}

/* The lists as one, NULL-ended; the strings are borrowed. */
static const char **
join_headers(const struct call *call)
{
	const struct lines *lists[] = { &call->webhook->headers,
		&call->headers };
	const char **all;
	size_t n = 0;

	all = ha_xcalloc(lists[0]->count + lists[1]->count + 1, sizeof(*all));
	for (size_t i = 0; i < 2; i++)
		for (size_t j = 0; j < lists[i]->count; j++)
			all[n++] = lists[i]->list[j];
	return all;
}

static void
say_where(const struct webhook *webhook, const char *method)
{
	const char *host = strstr(webhook->url, "://") + 3;
	size_t len = strcspn(host, "/?#");
	const char *at = memrchr(host, '@', len);

	if (at != NULL) {
		len -= (size_t)(at + 1 - host);
		host = at + 1;
	}
	sender_say(webhook->trace, "%s to %.*s%.*s", method,
	    (int)(strstr(webhook->url, "://") + 3 - webhook->url), webhook->url,
	    (int)len, host);
}

static void
carry(struct call *call, const char *method, int64_t deadline_ns)
{
	const struct webhook *webhook = call->webhook;
	const struct channel *channel = webhook->channel;
	const char **headers = join_headers(call);
	struct ha_http_request request = { .url = call->url.data,
		.method = method,
		.headers = headers,
		.user_agent = USER_AGENT,
		.user = channel_get(channel, "user"),
		.password = webhook->password,
		.proxy = webhook->proxy,
		.ca_file = channel_get(channel, "ca"),
		.cert_file = channel_get(channel, "cert"),
		.key_file = channel_get(channel, "key"),
		.key_password = webhook->key_password,
		.max_body = BODY_MAX,
		.max_size = BODY_SIZE_MAX };
	struct ha_err err;

	if (call->body_len > 0) {
		request.body = call->body.data;
		request.body_len = call->body_len;
	}
	say_where(webhook, method);
	if (carrier_run(
		webhook->carrier, &request, deadline_ns, done, call, &err) != 0)
		sender_is_down(call->delivery, "%s", err.msg);
	free(headers);
}

static void
send_webhook(void *state, const struct rendered *rendered, int64_t deadline_ns,
    struct delivery *delivery)
{
	struct call call = { .webhook = state,
		.url = HA_BUF_INIT,
		.body = HA_BUF_INIT,
		.delivery = delivery };
	const char *method = method_of(call.webhook, rendered);
	struct ha_err err;

	make_url(&call, rendered);
	add_line(
	    &call.headers, ha_xasprintf("Idempotency-Key: %s", rendered->key));
	/* Nor would a server that knows nothing of it be waited for. */
	add_line(&call.headers, ha_xstrdup("Expect:"));
	if (strcmp(method, "GET") != 0)
		add_line(&call.headers,
		    ha_xasprintf("Content-Type: %s", rendered->content_type));
	if (sign(&call, rendered, &err) != 0) {
		sender_is_down(delivery, "%s", err.msg);
	} else {
		if (strcmp(method, "GET") == 0)
			call.body_len = 0;
		carry(&call, method, deadline_ns);
	}
	release_lines(&call.headers);
	explicit_bzero(call.url.data, call.url.len);
	ha_buf_release(&call.url);
	explicit_bzero(call.body.data, call.body.len);
	ha_buf_release(&call.body);
}

const struct sender_kind sender_webhook = { open_webhook, close_webhook,
	send_webhook };
