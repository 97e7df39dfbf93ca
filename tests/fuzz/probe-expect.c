/* SPDX-License-Identifier: ISC */
/*
 * probe-expect - terms of any bytes are refused, with a place inside of them,
 * or can be judged, whatever came from the target.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "alloc.h"
#include "expect.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* The same bytes stand for all that a server sends. */
static void
see(struct seen *seen, const void *data, size_t len)
{
	const char *text = data;

	ha_buf_add(&seen->headers, data, len);
	ha_buf_add(&seen->body, data, len);
	ha_buf_add(&seen->words, data, len);
	seen->size = len;
	seen->status = (int)len % 600;
	seen->final_url = ha_xmemdup(data, len);
	snprintf(seen->tls_version, sizeof(seen->tls_version), "%s", text);
	seen->certs = ha_xcalloc(1, sizeof(*seen->certs));
	seen->cert_count = 1;
	seen->certs->subject = ha_xmemdup(data, len);
	seen->certs->issuer = ha_xmemdup(data, len);
	if (len >= sizeof(time_t))
		memcpy(&seen->certs->not_after, data, sizeof(time_t));
}

static void
check(const struct expect *expect, const struct seen *seen)
{
	struct ha_buf msg = HA_BUF_INIT, perf = HA_BUF_INIT;
	enum ha_status_state state = expect_judge(expect, seen, &msg, &perf);

	if ((state == HA_STATUS_OK) != (msg.len == 0))
		abort();
	if (state == HA_STATUS_OK && expect_reply_is_open(expect, seen, 1))
		abort();
	ha_buf_release(&msg);
	ha_buf_release(&perf);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = ha_xmemdup(data, size);
	size_t offset, len = strlen(text);
	struct expect *expect = NULL;
	struct ha_err err;
	struct seen seen;

	seen_init(&seen);
	if (len < size)
		see(&seen, text + len + 1, size - len - 1);
	if (!expect_parse(&expect, text, &offset, &err))
		check(expect, &seen);
	else if (offset > len || err.status != EX_USAGE)
		abort();
	expect_free(expect);
	seen_release(&seen);
	free(text);
	return 0;
}
