/* SPDX-License-Identifier: ISC */
/* carrier - transfers one after the other, over a connection that is kept. */
#include "carrier.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "alloc.h"
#include "clock.h"

#define DAY_S 86400

struct carrier {
	struct ha_http *http;
	struct pollfd *fds;
	size_t count;
	int64_t due_ns;
	int is_done;
	void (*done)(void *context, const struct ha_http_answer *answer);
	void *context;
};

static void
watch(void *context, int fd, int readable, int writable)
{
	struct carrier *carrier = context;
	size_t i;

	for (i = 0; i < carrier->count && carrier->fds[i].fd != fd; i++)
		;
	if (!readable && !writable) {
		if (i < carrier->count)
			carrier->fds[i] = carrier->fds[--carrier->count];
		return;
	}
	if (i == carrier->count) {
		carrier->fds = ha_xrealloc(
		    carrier->fds, (carrier->count + 1) * sizeof(*carrier->fds));
		carrier->count++;
	}
	carrier->fds[i] = (struct pollfd){ .fd = fd,
		.events = (short)((readable ? POLLIN : 0) |
				  (writable ? POLLOUT : 0)) };
}

static void
timer(void *context, long ms)
{
	struct carrier *carrier = context;

	carrier->due_ns = ha_clock_deadline(ms);
}

struct carrier *
carrier_new(void)
{
	struct carrier *carrier = ha_xcalloc(1, sizeof(*carrier));

	carrier->due_ns = HA_CLOCK_NEVER;
	return carrier;
}

void
carrier_free(struct carrier *carrier)
{
	if (carrier == NULL)
		return;
	ha_http_free(carrier->http);
	free(carrier->fds);
	free(carrier);
}

static void
end(void *context, const struct ha_http_answer *answer)
{
	struct carrier *carrier = context;

	carrier->is_done = 1;
	carrier->done(carrier->context, answer);
}

/* libcurl may change what is watched at each call: a copy is gone through. */
static void
turn(struct carrier *carrier)
{
	size_t count = carrier->count;
	struct pollfd *ready = ha_xcalloc(count + 1, sizeof(*ready));
	int n;

	if (count > 0)
		memcpy(ready, carrier->fds, count * sizeof(*ready));
	n = poll(ready, count, ha_clock_poll_ms(carrier->due_ns));
	for (size_t i = 0; n > 0 && i < count; i++)
		if (ready[i].revents != 0)
			ha_http_ready(carrier->http, ready[i].fd,
			    ready[i].revents & ~POLLOUT,
			    ready[i].revents & ~POLLIN);
	free(ready);
	if (ha_clock_now_ns() >= carrier->due_ns) {
		carrier->due_ns = HA_CLOCK_NEVER;
		ha_http_timeout(carrier->http);
	}
}

int
carrier_run(struct carrier *carrier, struct ha_http_request *request,
    int64_t deadline_ns,
    void (*done)(void *context, const struct ha_http_answer *answer),
    void *context, struct ha_err *err)
{
	const struct ha_http_hooks hooks = { watch, timer, carrier };
	struct ha_http_transfer *transfer;

	if (carrier->http == NULL &&
	    ha_http_new(&carrier->http, &hooks, err) != 0)
		return -1;
	request->is_kept = 1;
	request->timeout_ms = (deadline_ns - ha_clock_now_ns()) / HA_MS_NS;
	if (request->timeout_ms < 1)
		request->timeout_ms = 1;
	carrier->is_done = 0;
	carrier->done = done;
	carrier->context = context;
	if (ha_http_start(
		carrier->http, request, end, carrier, &transfer, err) != 0)
		return -1;
	while (!carrier->is_done)
		turn(carrier);
	return 0;
}

static void
say_certificate(const struct sender_trace *trace, const struct ha_tls_seen *tls)
{
	const struct ha_tls_cert *leaf = &tls->certs[0];

	sender_say(trace, "%s, %s; certificate of %s, by %s, for %ld more days",
	    tls->version, tls->cipher, leaf->subject, leaf->issuer,
	    (long)(leaf->not_after - time(NULL)) / DAY_S);
}

void
carrier_say(
    const struct sender_trace *trace, const struct ha_http_answer *answer)
{
	if (answer->connect_us > 0 && answer->address[0] != '\0')
		sender_say(trace, "connected to %s within %lld ms",
		    answer->address, (long long)answer->connect_us / 1000);
	if (answer->tls->is_judged && answer->tls->verdict == 0 &&
	    answer->tls->count > 0)
		say_certificate(trace, answer->tls);
}
