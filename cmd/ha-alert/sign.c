/* SPDX-License-Identifier: ISC */
/* sign - who sent a webhook, told by a secret that both sides have. */
#include "sign.h"

#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base64.h"
#include "channel.h"
#include "http.h"

#define PREFIX "whsec_"

static void
forget(struct ha_buf *buf)
{
	explicit_bzero(buf->data, buf->len);
	ha_buf_release(buf);
}

static int
key_of(struct ha_buf *key, const char *secret, struct ha_err *err)
{
	if (strncmp(secret, PREFIX, strlen(PREFIX)) != 0)
		ha_buf_add_str(key, secret);
	else if (base64_decode(key, secret + strlen(PREFIX)) != 0)
		return ha_err_set(err, EX_CONFIG, 0,
		    "the secret is no base64 behind " PREFIX);
	return 0;
}

int
sign_standard(struct ha_buf *out, const char *secret, const char *id,
    int64_t time_s, const void *body, size_t len, struct ha_err *err)
{
	struct ha_buf key = HA_BUF_INIT, content = HA_BUF_INIT;
	unsigned char hmac[HA_HTTP_HMAC_SIZE];
	int failed = key_of(&key, secret, err);

	ha_buf_addf(&content, "%s.%" PRId64 ".", id, time_s);
	ha_buf_add(&content, body, len);
	if (failed == 0)
		failed = ha_http_hmac_sha256(
		    key.data, key.len, content.data, content.len, hmac, err);
	if (failed == 0) {
		ha_buf_add_str(out, "v1,");
		base64_add(out, hmac, sizeof(hmac));
	}
	forget(&key);
	ha_buf_release(&content);
	return failed;
}

static void
add_escaped(struct ha_buf *out, const char *base64)
{
	for (; *base64 != '\0'; base64++)
		if (strchr("+/=", *base64) != NULL)
			ha_buf_addf(out, "%%%02X", (unsigned char)*base64);
		else
			ha_buf_add_char(out, *base64);
}

int
sign_dingtalk(
    struct ha_buf *out, const char *secret, int64_t time_ms, struct ha_err *err)
{
	struct ha_buf content = HA_BUF_INIT, base64 = HA_BUF_INIT;
	unsigned char hmac[HA_HTTP_HMAC_SIZE];
	int failed;

	ha_buf_addf(&content, "%" PRId64 "\n%s", time_ms, secret);
	failed = ha_http_hmac_sha256(
	    secret, strlen(secret), content.data, content.len, hmac, err);
	if (failed == 0) {
		base64_add(&base64, hmac, sizeof(hmac));
		ha_buf_addf(out, "timestamp=%" PRId64 "&sign=", time_ms);
		add_escaped(out, base64.data);
	}
	forget(&content);
	ha_buf_release(&base64);
	return failed;
}

static int
add_members(struct ha_buf *out, const char *sign, int64_t time_s,
    const void *body, size_t len, struct ha_err *err)
{
	json_t *json = json_loadb(body, len, 0, NULL);
	char stamp[32];
	char *text;

	if (!json_is_object(json)) {
		json_decref(json);
		return ha_err_set(
		    err, EX_DATAERR, 0, "sign=feishu takes a JSON object");
	}
	snprintf(stamp, sizeof(stamp), "%" PRId64, time_s);
	json_object_set_new(json, "timestamp", json_string(stamp));
	json_object_set_new(json, "sign", json_string(sign));
	text = json_dumps(json, JSON_COMPACT);
	json_decref(json);
	ha_buf_add_str(out, text);
	channel_forget(text);
	return 0;
}

/* The key is what elsewhere is signed, and nothing is signed with it. */
int
sign_feishu(struct ha_buf *out, const char *secret, int64_t time_s,
    const void *body, size_t len, struct ha_err *err)
{
	struct ha_buf key = HA_BUF_INIT, base64 = HA_BUF_INIT;
	unsigned char hmac[HA_HTTP_HMAC_SIZE];
	int failed;

	ha_buf_addf(&key, "%" PRId64 "\n%s", time_s, secret);
	failed = ha_http_hmac_sha256(key.data, key.len, "", 0, hmac, err);
	if (failed == 0) {
		base64_add(&base64, hmac, sizeof(hmac));
		failed = add_members(out, base64.data, time_s, body, len, err);
	}
	forget(&key);
	ha_buf_release(&base64);
	return failed;
}
