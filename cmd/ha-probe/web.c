/* SPDX-License-Identifier: ISC */
/* web - the targets that libcurl speaks, on the loop through lib/http. */
#include "web.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "alloc.h"
#include "clock.h"
#include "http.h"
#include "request.h"
#include "socket.h"

/* This much before the attempt's deadline we say whose fault it is. */
#define EARLY_NS HA_MS_NS
#define MAX_WORDS 200

/* One descriptor of libcurl's. */
struct web_source {
	struct loop_source source;
	struct web *web;
	uint32_t events; /* watched for; 0: not at all */
};

/* Addresses that --resolve has for where a redirect led. */
struct web_addresses {
	struct web_addresses *next;
	struct addresses addresses;
};

struct web {
	struct ha_http *http; /* NULL: it can't be loaded */
	struct ha_err err;
	struct loop *loop;
	struct loop_timer timer;
	struct web_source **sources; /* by descriptor */
	size_t source_count;
	struct web_addresses *kept;
};

/* An attempt. */
struct talk {
	struct probe *probe;
	struct request request;
	struct ha_http_transfer *transfer; /* NULL: none is under way */
	struct url at; /* where this hop leads */
	char **urls; /* of all hops, as they were named */
	size_t hops;
	struct resolve_wait wait;
	struct loop_timer timer; /* the address's share, the resolver's end */
	int64_t begun_ns; /* the transfer */
	char owed[MAX_WORDS];
};

static void dial(struct talk *talk);

static void
source_ready(struct loop_source *source, uint32_t events)
{
	struct web_source *mine = LOOP_OWNER(source, struct web_source, source);
	const uint32_t both = EPOLLERR | EPOLLHUP;

	ha_http_ready(mine->web->http, source->fd,
	    (events & (EPOLLIN | both)) != 0,
	    (events & (EPOLLOUT | both)) != 0);
}

static struct web_source *
source_of(struct web *web, int fd)
{
	size_t count = web->source_count;

	if ((size_t)fd >= count) {
		web->source_count = (size_t)fd * 2 + 16;
		web->sources = ha_xrealloc(
		    web->sources, web->source_count * sizeof(*web->sources));
		memset(web->sources + count, 0,
		    (web->source_count - count) * sizeof(*web->sources));
	}
	if (web->sources[fd] == NULL) {
		web->sources[fd] = ha_xcalloc(1, sizeof(**web->sources));
		web->sources[fd]->source.fd = fd;
		web->sources[fd]->source.ready = source_ready;
		web->sources[fd]->web = web;
	}
	return web->sources[fd];
}

static void
watch(void *context, int fd, int readable, int writable)
{
	struct web *web = context;
	struct web_source *source = source_of(web, fd);
	uint32_t events =
	    (readable ? EPOLLIN : 0U) | (writable ? EPOLLOUT : 0U);

	if (events == 0 && source->events != 0)
		loop_remove(web->loop, &source->source);
	else if (source->events == 0 && events != 0)
		loop_add(web->loop, &source->source, events);
	else if (events != source->events)
		loop_change(web->loop, &source->source, events);
	source->events = events;
}

/* At once, 0, is the loop's next step: or it would see nothing else any more. */
static void
set_timer(void *context, long ms)
{
	struct web *web = context;

	if (ms < 0)
		loop_clear_timer(web->loop, &web->timer);
	else
		loop_set_timer(
		    web->loop, &web->timer, ha_clock_now_ns() + ms * HA_MS_NS);
}

static void
timer_fired(struct loop_timer *timer)
{
	ha_http_timeout(LOOP_OWNER(timer, struct web, timer)->http);
}

void
web_prepare(struct run *run)
{
	struct web *web = ha_xcalloc(1, sizeof(*web));
	const struct ha_http_hooks hooks = { watch, set_timer, web };

	run->web = web;
	web->loop = run->loop;
	web->timer.fire = timer_fired;
	if (ha_http_new(&web->http, &hooks, &web->err) != 0)
		web->http = NULL;
}

void
web_free(struct web *web)
{
	if (web == NULL)
		return;
	ha_http_free(web->http);
	loop_clear_timer(web->loop, &web->timer);
	for (size_t i = 0; i < web->source_count; i++)
		free(web->sources[i]);
	free(web->sources);
	for (struct web_addresses *kept; (kept = web->kept) != NULL;) {
		web->kept = kept->next;
		free(kept->addresses.list);
		free(kept);
	}
	free(web);
}

static int
is_http(const struct talk *talk)
{
	return scheme_is_http(talk->probe->target->scheme);
}

static int
is_tls_only(const struct talk *talk)
{
	return strcmp(talk->probe->target->scheme->name, "tls") == 0;
}

static unsigned
redirects(const struct talk *talk)
{
	return (unsigned)talk->hops - 1;
}

/* " (redirect 1, https://b/)"; nothing at the target's own URL. */
static const char *
place(const struct talk *talk, char *text, size_t size)
{
	text[0] = '\0';
	if (redirects(talk) > 0)
		snprintf(text, size, " (redirect %u, %s)", redirects(talk),
		    talk->urls[talk->hops - 1]);
	return text;
}

static void __attribute__((format(printf, 3, 4)))
fail(struct talk *talk, enum probe_fault fault, const char *fmt, ...)
{
	char words[512], where[MAX_WORDS];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(words, sizeof(words), fmt, ap);
	va_end(ap);
	probe_fail(talk->probe, fault, "%s%s", words,
	    place(talk, where, sizeof(where)));
}

static void
note_certs(struct talk *talk, const struct ha_tls_seen *tls)
{
	struct seen *seen = &talk->probe->seen;

	if (tls->count == 0)
		return;
	seen->certs = ha_xrealloc(seen->certs,
	    (seen->cert_count + tls->count) * sizeof(*seen->certs));
	for (size_t i = 0; i < tls->count; i++) {
		const struct ha_tls_cert *from = &tls->certs[i];
		struct seen_cert *to = &seen->certs[seen->cert_count++];

		to->subject = ha_xstrdup(from->subject);
		to->issuer = ha_xstrdup(from->issuer);
		to->names = from->names ? ha_xstrdup(from->names) : NULL;
		to->not_before = from->not_before;
		to->not_after = from->not_after;
		to->depth = (unsigned)i;
		to->hop = redirects(talk);
		to->url = ha_xstrdup(talk->urls[talk->hops - 1]);
	}
}

/* Of several hops the oldest version counts. */
static void
note_tls(struct talk *talk, const struct ha_tls_seen *tls)
{
	struct seen *seen = &talk->probe->seen;

	note_certs(talk, tls);
	if (!tls->is_judged ||
	    (seen->tls_version[0] != '\0' &&
		strcmp(tls->version, seen->tls_version) >= 0))
		return;
	memcpy(seen->tls_version, tls->version, sizeof(seen->tls_version));
	memcpy(seen->tls_cipher, tls->cipher, sizeof(seen->tls_cipher));
}

static int64_t
when(const struct talk *talk, int64_t us)
{
	return us > 0 ? talk->begun_ns + us * 1000 : 0;
}

/* The phases of a connection are the first one's, the answer is the last's. */
static void
note_times(struct talk *talk, const struct ha_http_answer *answer)
{
	struct seen *seen = &talk->probe->seen;

	if (redirects(talk) == 0) {
		seen->connect_ns = when(talk, answer->connect_us);
		seen->tls_ns = when(talk, answer->tls_us);
	}
	seen->first_ns = when(talk, answer->first_us);
}

/* The number that a line of SMTP or FTP begins with; 0: none. */
static int
reply_number(const char *line)
{
	if (strspn(line, "0123456789") != 3)
		return 0;
	return (line[0] - '0') * 100 + (line[1] - '0') * 10 + (line[2] - '0');
}

static void
note(struct talk *talk, const struct ha_http_answer *answer)
{
	struct seen *seen = &talk->probe->seen;

	note_times(talk, answer);
	note_tls(talk, answer->tls);
	/* Of mail and ftp it is the greeting's. */
	seen->status =
	    is_http(talk) ? answer->status : reply_number(answer->headers.data);
	ha_buf_reset(&seen->headers);
	ha_buf_add(&seen->headers, answer->headers.data, answer->headers.len);
	ha_buf_reset(&seen->body);
	ha_buf_add(&seen->body, answer->body.data, answer->body.len);
	seen->size = answer->size;
	seen->redirects = redirects(talk);
	free(seen->final_url);
	seen->final_url = ha_xstrdup(talk->urls[talk->hops - 1]);
}

/* "503 Service Unavailable"; where there are no words, "HTTP/2 503". */
static void
status_words(const struct talk *talk, char *words, size_t size)
{
	const char *line = talk->probe->seen.headers.data;
	size_t len = strcspn(line, "\r\n"), skip = strcspn(line, " ");

	while (len > 0 && line[len - 1] == ' ')
		len--;
	skip = len > skip + 4 ? skip + 1 : 0;
	snprintf(words, size, "%.*s", (int)(len - skip), line + skip);
}

/* "1 MiB", "100 KiB", "1000 bytes" */
static void
size_words(int64_t bytes, char *words, size_t size)
{
	if (bytes > 0 && bytes % (1024 * 1024) == 0)
		snprintf(
		    words, size, "%lld MiB", (long long)bytes / (1024 * 1024));
	else if (bytes > 0 && bytes % 1024 == 0)
		snprintf(words, size, "%lld KiB", (long long)bytes / 1024);
	else
		snprintf(words, size, "%lld bytes", (long long)bytes);
}

/* Too large for whom?  Where no term asks for the body, it serves. */
static int
is_body_missed(struct talk *talk, const struct ha_http_answer *answer)
{
	const struct settings *settings = &talk->probe->target->settings;
	char size[32];

	if (answer->fault != HA_HTTP_TOO_LARGE ||
	    !expect_wants_body(settings->expect))
		return 0;
	size_words(settings->max_body, size, sizeof(size));
	fail(talk, FAULT_TARGET, "the body is larger than %s (max-body)", size);
	return 1;
}

static int
is_version_missed(struct talk *talk, const struct ha_http_answer *answer)
{
	const char *wanted = talk->probe->target->settings.http_version;

	if (wanted == NULL || wanted[0] != '2' ||
	    answer->http_version == NULL || answer->http_version[0] == '2')
		return 0;
	fail(talk, FAULT_TARGET, "HTTP/%s is spoken, wanted 2",
	    answer->http_version);
	return 1;
}

/* check_http's states, where no term names any. */
static void
judge_status(struct talk *talk, const char *words)
{
	struct probe *probe = talk->probe;
	char where[MAX_WORDS];
	int class = probe->seen.status / 100;

	place(talk, where, sizeof(where));
	if (expect_wants_status(probe->target->settings.expect) || class == 2 ||
	    class == 3)
		ha_buf_addf(&probe->seen.words, "%s%s", words, where);
	else if (class == 4)
		probe_warn(probe, "%s%s", words, where);
	else
		probe_fail(probe, FAULT_TARGET, "%s%s", words, where);
	probe_done(probe);
}

static void
end_http(struct talk *talk, const struct ha_http_answer *answer)
{
	struct probe *probe = talk->probe;
	const char *policy = probe->target->settings.redirect;
	const char *to = answer->redirect_url;
	char words[MAX_WORDS];

	if (is_body_missed(talk, answer) || is_version_missed(talk, answer))
		return;
	status_words(talk, words, sizeof(words));
	if (to == NULL) {
		judge_status(talk, words);
	} else if (strcmp(policy, "crit") == 0) {
		fail(talk, FAULT_TARGET, "%s, redirects to %s", words, to);
	} else if (strcmp(policy, "warn") == 0) {
		probe_warn(probe, "%s, redirects to %s", words, to);
		probe_done(probe);
	} else {
		ha_buf_addf(
		    &probe->seen.words, "%s, redirects to %s", words, to);
		probe_done(probe);
	}
}

static void
add_hop(struct talk *talk, const char *url)
{
	talk->urls =
	    ha_xrealloc(talk->urls, (talk->hops + 1) * sizeof(*talk->urls));
	talk->urls[talk->hops++] = ha_xstrdup(url);
}

static int
was_here(const struct talk *talk, const char *url)
{
	for (size_t i = 0; i < talk->hops; i++)
		if (strcmp(talk->urls[i], url) == 0)
			return 1;
	return 0;
}

static int
is_status_redirect(int status)
{
	return status == 301 || status == 302 || status == 303 ||
	       status == 307 || status == 308;
}

static int
is_followed(const struct talk *talk, const struct ha_http_answer *answer)
{
	const char *policy = talk->probe->target->settings.redirect;

	return answer->redirect_url != NULL &&
	       is_status_redirect(answer->status) &&
	       (strcmp(policy, "follow") == 0 ||
		   strcmp(policy, "same-host") == 0);
}

/*
 * What speaks against going there; NULL when nothing does.  From https to http
 * what was sent secretly, and what comes, would be open to all on the way.
 */
static const char *
objection(const struct talk *talk, const char *to, const struct url *there)
{
	const struct settings *settings = &talk->probe->target->settings;
	const struct url *at = &talk->at;

	if (there->has_user)
		return "with a user in it";
	if (was_here(talk, to))
		return "in a loop";
	if (at->is_https && !there->is_https)
		return "from https to http";
	if (strcmp(settings->redirect, "same-host") == 0 &&
	    strcmp(at->host, there->host) != 0)
		return "to another host";
	if (talk->request.has_body &&
	    !url_is_same_origin(there, &talk->request.home))
		return "a body to another server";
	return NULL;
}

static void ask(struct talk *talk);

static void
follow(struct talk *talk, const struct ha_http_answer *answer)
{
	const struct settings *settings = &talk->probe->target->settings;
	const char *to = answer->redirect_url, *why;
	struct url there;

	if (redirects(talk) >= (unsigned)settings->max_redirects) {
		fail(talk, FAULT_TARGET, "more than %lld redirects, to %s",
		    (long long)settings->max_redirects, to);
		return;
	}
	if (url_split(&there, to) != 0) {
		fail(talk, FAULT_TARGET,
		    "redirects to what is no http or https URL: %s", to);
		return;
	}
	request_redirect(&talk->request, answer->status);
	why = objection(talk, to, &there);
	if (why != NULL) {
		fail(talk, FAULT_TARGET, "redirects %s: %s", why, to);
		url_release(&there);
		return;
	}
	url_release(&talk->at);
	talk->at = there;
	add_hop(talk, to);
	ha_buf_reset(&talk->probe->tried);
	if (talk->request.proxy.host == NULL)
		ask(talk);
	else
		dial(talk);
}

/* "220 mail.test ESMTP"; of tls:// what there is to say of it. */
static void
end_other(struct talk *talk)
{
	struct seen *seen = &talk->probe->seen;

	if (is_tls_only(talk)) {
		ha_buf_add_str(&seen->words, seen->tls_version);
		if (seen->cert_count > 0) {
			ha_buf_add_str(&seen->words, ", certificate until ");
			seen_add_date(&seen->words, seen->certs[0].not_after);
		}
	} else {
		ha_buf_add(&seen->words, seen->headers.data,
		    strcspn(seen->headers.data, "\r\n"));
	}
	probe_done(talk->probe);
}

/* No connection: another address may have one. */
static void
no_connection(struct talk *talk, const struct ha_http_answer *answer)
{
	struct probe *probe = talk->probe;
	enum probe_fault fault = FAULT_LOCAL;
	char where[MAX_WORDS];
	int more;

	if (answer->fault == HA_HTTP_CONNECT)
		fault = answer->sys != 0
			    ? probe_blame(answer->sys, answer->is_at_once)
			    : FAULT_TARGET;
	if (answer->fault == HA_HTTP_CONNECT && answer->sys != 0 &&
	    redirects(talk) == 0)
		more = probe_next_errno(probe, answer->sys, answer->is_at_once);
	else
		more = probe_next(probe, fault, "%s%s", answer->words,
		    place(talk, where, sizeof(where)));
	if (more)
		dial(talk);
}

static void
done(void *context, const struct ha_http_answer *answer)
{
	struct talk *talk = context;

	talk->transfer = NULL;
	loop_clear_timer(talk->probe->run->loop, &talk->timer);
	note(talk, answer);
	switch (answer->fault) {
	case HA_HTTP_OK:
	case HA_HTTP_TOO_LARGE:
		if (!is_http(talk))
			end_other(talk);
		else if (is_followed(talk, answer))
			follow(talk, answer);
		else
			end_http(talk, answer);
		break;
	case HA_HTTP_CONNECT:
	case HA_HTTP_PROXY:
		no_connection(talk, answer);
		break;
	case HA_HTTP_LOCAL:
		if (answer->phase == HA_HTTP_CONNECTING)
			no_connection(talk, answer);
		else
			fail(talk, FAULT_LOCAL, "%s", answer->words);
		break;
	default:
		fail(talk, FAULT_TARGET, "%s", answer->words);
		break;
	}
}

/* Through a proxy to a plain server only its own silence keeps us waiting. */
static int
is_silence_of_proxy(const struct talk *talk)
{
	return talk->request.proxy.host != NULL && !talk->at.is_https;
}

/* An address that says nothing has its share of the time, and no more. */
static void
set_share(struct talk *talk)
{
	struct probe *probe = talk->probe;
	int64_t share_ns = probe_share_ns(probe);

	if (share_ns == HA_CLOCK_NEVER && is_silence_of_proxy(talk))
		share_ns = probe->deadline_ns - EARLY_NS;
	if (share_ns != HA_CLOCK_NEVER)
		loop_set_timer(probe->run->loop, &talk->timer, share_ns);
}

static void
dial(struct talk *talk)
{
	struct probe *probe = talk->probe;
	const struct address *found =
	    &probe->addresses->list[probe->seen.address_index];
	struct address address;
	struct ha_err err;

	socket_address(
	    found, request_port(&talk->request, &talk->at), &address);
	free(probe->seen.address);
	probe->seen.address = socket_name(&address);
	request_aim(&talk->request,
	    redirects(talk) > 0 ? talk->urls[talk->hops - 1] : NULL, &talk->at,
	    found);
	talk->begun_ns = ha_clock_now_ns();
	if (ha_http_start(probe->run->web->http, &talk->request.http, done,
		talk, &talk->transfer, &err) != 0) {
		talk->transfer = NULL;
		fail(talk, FAULT_LOCAL, "%s", err.msg);
		return;
	}
	set_share(talk);
}

static void
resolved(struct resolve_wait *wait, const struct addresses *addresses)
{
	struct talk *talk = LOOP_OWNER(wait, struct talk, wait);
	struct probe *probe = talk->probe;

	loop_clear_timer(probe->run->loop, &talk->timer);
	if (addresses->count == 0) {
		fail(talk,
		    addresses->is_local || talk->request.proxy.host != NULL
			? FAULT_LOCAL
			: FAULT_TARGET,
		    "%s: %s", request_host(&talk->request, &talk->at),
		    addresses->words);
		return;
	}
	probe->addresses = addresses;
	probe->seen.address_index = 0;
	probe->seen.address_count = addresses->count;
	dial(talk);
}

/* Where is the proxy, or where a redirect leads? */
static void
ask(struct talk *talk)
{
	struct probe *probe = talk->probe;
	const struct settings *settings = &probe->target->settings;
	const char *host = request_host(&talk->request, &talk->at);
	struct web_addresses *kept = ha_xcalloc(1, sizeof(*kept));

	if (addresses_are_set(
		&kept->addresses, settings->resolve, host, settings->family)) {
		kept->next = probe->run->web->kept;
		probe->run->web->kept = kept;
		resolved(&talk->wait, &kept->addresses);
		return;
	}
	free(kept);
	if (!resolver_ask(
		probe->run->resolver, host, settings->family, &talk->wait))
		loop_set_timer(probe->run->loop, &talk->timer,
		    probe->deadline_ns - EARLY_NS);
}

static void
fire(struct loop_timer *timer)
{
	struct talk *talk = LOOP_OWNER(timer, struct talk, timer);
	struct probe *probe = talk->probe;

	if (talk->transfer == NULL) {
		fail(talk, FAULT_LOCAL, "%s: the resolver has no answer",
		    request_host(&talk->request, &talk->at));
		return;
	}
	if (ha_http_phase(talk->transfer) != HA_HTTP_CONNECTING)
		return;
	if (talk->request.proxy.host != NULL) {
		ha_http_cancel(talk->transfer);
		talk->transfer = NULL;
		if (probe_next(probe, FAULT_LOCAL,
			"no answer from the proxy %s", probe->seen.address))
			dial(talk);
	} else if (probe_next_silent(probe)) {
		ha_http_cancel(talk->transfer);
		talk->transfer = NULL;
		dial(talk);
	}
}

static void
start(struct probe *probe)
{
	struct talk *talk = ha_xcalloc(1, sizeof(*talk));
	struct ha_err err;

	probe->talk = talk;
	talk->probe = probe;
	talk->wait.done = resolved;
	talk->timer.fire = fire;
	add_hop(talk, probe->target->url);
	if (probe->run->web == NULL)
		web_prepare(probe->run);
	if (request_init(&talk->request, probe->target, &err) != 0) {
		fail(talk, FAULT_LOCAL, "%s", err.msg);
		return;
	}
	if (probe->run->web->http == NULL) {
		fail(talk, FAULT_LOCAL, "%s", probe->run->web->err.msg);
		return;
	}
	talk->at = talk->request.home;
	talk->at.host = ha_xstrdup(talk->at.host);
	if (talk->request.proxy.host != NULL)
		ask(talk);
	else
		dial(talk);
}

static void
stop(struct probe *probe)
{
	struct talk *talk = probe->talk;

	loop_clear_timer(probe->run->loop, &talk->timer);
	if (talk->wait.name != NULL)
		resolver_forget(probe->run->resolver, &talk->wait);
	if (talk->transfer != NULL)
		ha_http_cancel(talk->transfer);
	request_release(&talk->request);
	url_release(&talk->at);
	for (size_t i = 0; i < talk->hops; i++)
		free(talk->urls[i]);
	free(talk->urls);
	free(talk);
	probe->talk = NULL;
}

/* What of the first answer's line there is, for a person who wonders. */
static const char *
owed_reply(const struct talk *talk)
{
	const struct ha_buf *heard = ha_http_heard(talk->transfer);
	static char words[MAX_WORDS];

	snprintf(words, sizeof(words), "no more of a greeting than \"%.*s\"",
	    (int)strcspn(heard->data, "\r\n"), heard->data);
	return words;
}

static const char *
owed(const struct talk *talk)
{
	if (talk->transfer == NULL)
		return "the resolver has no answer";
	switch (ha_http_phase(talk->transfer)) {
	case HA_HTTP_CONNECTING:
		return talk->request.proxy.host != NULL
			   ? "no connection through the proxy"
			   : "no answer to SYN";
	case HA_HTTP_SHAKING_HANDS:
		return "no TLS handshake";
	case HA_HTTP_WAITING:
		return is_http(talk) ? "no answer after the request"
				     : "no greeting";
	default:
		return is_http(talk) ? "no end of the answer"
				     : owed_reply(talk);
	}
}

static const char *
awaiting(const struct probe *probe)
{
	struct talk *talk = probe->talk;
	char where[MAX_WORDS];

	snprintf(talk->owed, sizeof(talk->owed), "%s%s", owed(talk),
	    place(talk, where, sizeof(where)));
	return talk->owed;
}

static int
owes_ourselves(const struct probe *probe)
{
	const struct talk *talk = probe->talk;

	return talk->transfer == NULL ||
	       (is_silence_of_proxy(talk) &&
		   ha_http_phase(talk->transfer) == HA_HTTP_CONNECTING);
}

const struct way way_web = {
	.start = start,
	.stop = stop,
	.awaiting = awaiting,
	.owes_ourselves = owes_ourselves,
};
