/* SPDX-License-Identifier: ISC */
/*
 * carrier - transfers of lib/http one after the other, over a connection that
 * is kept.
 */
#ifndef ALERT_CARRIER_H
#define ALERT_CARRIER_H

#include <stdint.h>

#include "err.h"
#include "http.h"
#include "sender.h"

struct carrier;

/* Nothing is loaded yet. */
struct carrier *carrier_new(void);
void carrier_free(struct carrier *carrier);

/*
 * Do it: done() is called once, with the answer, before it returns 0; at
 * deadline_ns that is HA_HTTP_TIMEOUT.  is_kept and timeout_ms of the request
 * are set here.  -1: it can't begin, as ha_http_new() and ha_http_start().
 */
int carrier_run(struct carrier *carrier, struct ha_http_request *request,
    int64_t deadline_ns,
    void (*done)(void *context, const struct ha_http_answer *answer),
    void *context, struct ha_err *err);

/* The connection, the TLS version and the certificate, for --test. */
void carrier_say(
    const struct sender_trace *trace, const struct ha_http_answer *answer);

#endif
