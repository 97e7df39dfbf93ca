/* SPDX-License-Identifier: ISC */
/*
 * sign - who sent a webhook, told by a secret that both sides have.
 *
 * Source: Standard Webhooks 1.0.0 (https://www.standardwebhooks.com); DingTalk,
 * "custom robot security settings"; Feishu, "custom bot usage guide".
 */
#ifndef ALERT_SIGN_H
#define ALERT_SIGN_H

#include <stddef.h>
#include <stdint.h>

#include "buf.h"
#include "err.h"

/*
 * The value of webhook-signature: "v1," and what is made of id, time and body.
 * secret is "whsec_" and base64, else its bytes are the key.  EX_CONFIG: no
 * base64; EX_UNAVAILABLE as ha_http_hmac_sha256(), here and below.
 */
int sign_standard(struct ha_buf *out, const char *secret, const char *id,
    int64_t time_s, const void *body, size_t len, struct ha_err *err);
/* "timestamp=...&sign=...", to stand behind the URL. */
int sign_dingtalk(struct ha_buf *out, const char *secret, int64_t time_ms,
    struct ha_err *err);
/* The JSON object with timestamp and sign in it.  EX_DATAERR: it is none. */
int sign_feishu(struct ha_buf *out, const char *secret, int64_t time_s,
    const void *body, size_t len, struct ha_err *err);

#endif
