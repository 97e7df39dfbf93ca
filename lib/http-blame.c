/* SPDX-License-Identifier: ISC */
/* http-blame - what went wrong with a transfer, and how it is said. */
#include "http-blame.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static void __attribute__((format(printf, 3, 4)))
set_fault(const struct ha_http_blame *blame, enum ha_http_fault fault,
    const char *fmt, ...)
{
	struct ha_http_answer *answer = blame->answer;
	va_list ap;

	answer->fault = fault;
	va_start(ap, fmt);
	vsnprintf(answer->words, sizeof(answer->words), fmt, ap);
	va_end(ap);
}

/* The last line that came, without its end. */
static const char *
last_line(const struct ha_http_blame *blame, int *len)
{
	const struct ha_buf *lines = &blame->answer->headers;
	const char *end = lines->data + lines->len, *start;

	while (end > lines->data && (end[-1] == '\n' || end[-1] == '\r'))
		end--;
	for (start = end; start > lines->data && start[-1] != '\n';)
		start--;
	*len = (int)(end - start);
	return start;
}

/* OpenSSL's "error:0A00010B:SSL routines::wrong version number, errno 0". */
static void
openssl_reason(const char *error, char *reason, size_t size)
{
	const char *colon = strrchr(error, ':');
	const char *start = colon != NULL ? colon + 1 : error;
	size_t len;

	start += strspn(start, " ");
	len = strcspn(start, ",");
	snprintf(reason, size, "%.*s", (int)len, start);
}

/* libcurl's "Could not resolve host: mail.test". */
static void
blame_resolve(const struct ha_http_blame *blame)
{
	const char *colon = strrchr(blame->error, ':');
	const char *name = colon != NULL ? colon + 1 : blame->error;

	name += strspn(name, " ");
	set_fault(
	    blame, HA_HTTP_RESOLVE, "the name %s can't be resolved", name);
}

static void
blame_connect(const struct ha_http_blame *blame)
{
	struct ha_http_answer *answer = blame->answer;
	const char *by = blame->request->proxy != NULL ? "the proxy " : "";
	enum ha_http_fault fault =
	    blame->request->proxy != NULL ? HA_HTTP_PROXY : HA_HTTP_CONNECT;

	if (blame->socket_errno != 0)
		set_fault(blame, HA_HTTP_LOCAL, "no socket: %s",
		    strerror(blame->socket_errno));
	else if (answer->sys == ECONNREFUSED)
		set_fault(blame, fault, "connection refused by %s%s", by,
		    answer->address);
	else if (answer->sys != 0)
		set_fault(blame, fault, "no connection to %s%s: %s", by,
		    answer->address, strerror(answer->sys));
	else
		set_fault(blame, fault, "no connection to %s%s: %s", by,
		    answer->address, blame->error);
}

static void
blame_timeout(const struct ha_http_blame *blame)
{
	static const char *const words[] = {
		[HA_HTTP_CONNECTING] = "no answer to SYN",
		[HA_HTTP_SHAKING_HANDS] = "no TLS handshake",
		[HA_HTTP_WAITING] = "no answer",
		[HA_HTTP_READING] = "no end of the answer",
	};
	int len = 0;
	const char *line = last_line(blame, &len);

	if (blame->answer->address[0] == '\0') {
		set_fault(blame, HA_HTTP_TIMEOUT,
		    "the name was not resolved in time");
		return;
	}
	if (blame->request->recipients != NULL && len > 0 &&
	    blame->answer->phase == HA_HTTP_READING) {
		set_fault(blame, HA_HTTP_TIMEOUT, "no reply from %s after %.*s",
		    blame->answer->address, len, line);
		return;
	}
	set_fault(blame, HA_HTTP_TIMEOUT, "%s from %s",
	    words[blame->answer->phase], blame->answer->address);
}

/* "tlsv13 alert certificate required": an alert that the peer has sent. */
static int
blame_alert(const struct ha_http_blame *blame, const char *reason)
{
	const char *alert = strstr(reason, " alert ");

	if (alert == NULL)
		return 0;
	alert += strlen(" alert ");
	if (strcmp(alert, "certificate required") == 0)
		set_fault(blame, HA_HTTP_TLS, "%s wants a client's certificate",
		    blame->answer->address);
	else
		set_fault(blame, HA_HTTP_TLS,
		    "%s refuses the TLS handshake: %s", blame->answer->address,
		    alert);
	return 1;
}

static void
blame_handshake(const struct ha_http_blame *blame)
{
	const char *address = blame->answer->address;
	char reason[128];

	openssl_reason(blame->error, reason, sizeof(reason));
	if (blame_alert(blame, reason))
		return;
	if (strcmp(reason, "wrong version number") == 0)
		set_fault(blame, HA_HTTP_TLS,
		    "%s does not speak TLS on this port", address);
	else if (strstr(blame->error, "reset by peer") != NULL)
		set_fault(blame, HA_HTTP_TLS,
		    "connection reset by %s in the TLS handshake", address);
	else if (strstr(blame->error, "unexpected eof") != NULL ||
		 strstr(blame->error, "SSL_ERROR_SYSCALL") != NULL)
		set_fault(blame, HA_HTTP_TLS,
		    "connection closed by %s in the TLS handshake", address);
	else
		set_fault(
		    blame, HA_HTTP_TLS, "TLS handshake failed: %s", reason);
}

/* libcurl compares the name itself, and says: ... host name 'web.test'. */
static void
blame_name(const struct ha_http_blame *blame)
{
	const struct ha_tls_seen *tls = blame->answer->tls;
	const struct ha_tls_cert *leaf = &tls->certs[0];
	const char *end = strrchr(blame->error, '\'');
	const char *start = end;

	while (start != NULL && start > blame->error && start[-1] != '\'')
		start--;
	if (start == NULL || start == blame->error)
		set_fault(blame, HA_HTTP_TLS, "certificate is refused: %s",
		    blame->error);
	else
		set_fault(blame, HA_HTTP_TLS,
		    "certificate is not for %.*s, but for %s",
		    (int)(end - start), start,
		    leaf->names != NULL ? leaf->names : leaf->subject);
}

static void
blame_certificate(const struct ha_http_blame *blame)
{
	struct ha_http_answer *answer = blame->answer;

	answer->fault = HA_HTTP_TLS;
	if (blame->answer->tls->verdict != 0)
		ha_tls_words(
		    blame->answer->tls, answer->words, sizeof(answer->words));
	else if (blame->answer->tls->count > 0)
		blame_name(blame);
	else
		set_fault(blame, HA_HTTP_TLS, "TLS handshake failed: %s",
		    blame->error);
}

static void
blame_partial(const struct ha_http_blame *blame)
{
	unsigned long long missing;

	if (sscanf(blame->error, "transfer closed with %llu bytes remaining",
		&missing) == 1)
		set_fault(blame, HA_HTTP_CLOSED,
		    "connection closed by %s with %llu bytes missing",
		    blame->answer->address, missing);
	else
		set_fault(blame, HA_HTTP_CLOSED,
		    "connection closed by %s before the end of the answer",
		    blame->answer->address);
}

/* Ours is the limit of lines, libcurl's (300 KiB) the one of a line. */
static void
blame_headers(const struct ha_http_blame *blame)
{
	set_fault(blame, HA_HTTP_PROTOCOL, "more than %zu KiB of %s",
	    blame->max_headers / 1024, blame->is_mail ? "greeting" : "headers");
}

/* A read or a write failed, or libcurl calls it so. */
static void
blame_stream(const struct ha_http_blame *blame)
{
	const struct ha_http_answer *answer = blame->answer;
	const char *when = answer->phase == HA_HTTP_READING
			       ? "in the middle of the answer"
			       : "without an answer";
	char reason[128];
	int len;
	const char *line = last_line(blame, &len);

	if (blame->is_mail && len > 0)
		when = "after";
	else
		len = 0;
	openssl_reason(blame->error, reason, sizeof(reason));
	if (blame_alert(blame, reason))
		return;
	if (strstr(blame->error, "Too large response headers") != NULL) {
		blame_headers(blame);
	} else if (strstr(blame->error, "chunked") != NULL ||
		   strstr(blame->error, "header") != NULL) {
		set_fault(
		    blame, HA_HTTP_PROTOCOL, "broken answer: %s", blame->error);
	} else {
		set_fault(blame, HA_HTTP_CLOSED, "connection %s by %s %s%s%.*s",
		    answer->sys == ECONNRESET ? "reset" : "closed",
		    answer->address, when, len > 0 ? " " : "", len, line);
	}
}

/* Mail and ftp: the server's own words are the best. */
static void
blame_reply(const struct ha_http_blame *blame)
{
	int len;
	const char *line = last_line(blame, &len);

	if (strstr(blame->error, "HTTP/0.9") != NULL)
		set_fault(blame, HA_HTTP_PROTOCOL, "the answer is not HTTP");
	else if (!blame->is_mail)
		set_fault(blame, HA_HTTP_PROTOCOL, "the answer is not HTTP: %s",
		    blame->error);
	else if (len > 0)
		set_fault(blame, HA_HTTP_PROTOCOL, "it says: %.*s", len, line);
	else
		set_fault(blame, HA_HTTP_PROTOCOL, "%s", blame->error);
}

static void
blame_refused(const struct ha_http_blame *blame)
{
	blame_reply(blame);
	blame->answer->fault = HA_HTTP_REFUSED;
}

static void
blame_login(const struct ha_http_blame *blame)
{
	int len;
	const char *line = last_line(blame, &len);

	set_fault(
	    blame, HA_HTTP_LOGIN, "the login is refused: %.*s", len, line);
}

static void
blame_start_tls(const struct ha_http_blame *blame)
{
	int len;
	const char *line = last_line(blame, &len);

	if (strstr(blame->error, "denied") != NULL)
		set_fault(
		    blame, HA_HTTP_TLS, "STARTTLS is refused: %.*s", len, line);
	else
		set_fault(blame, HA_HTTP_TLS, "STARTTLS is not offered");
}

/* A tunnel that the proxy did not make: by its status whose fault it is. */
static void
blame_tunnel(const struct ha_http_blame *blame)
{
	set_fault(blame,
	    blame->tunnel_status >= 500 ? HA_HTTP_CONNECT : HA_HTTP_PROXY,
	    "the proxy %s answers %ld", blame->answer->address,
	    blame->tunnel_status);
}

static void
blame_source(const struct ha_http_blame *blame)
{
	int sys = blame->answer->sys;

	set_fault(blame, HA_HTTP_LOCAL, "can't send from %s: %s",
	    blame->request->source, sys != 0 ? strerror(sys) : blame->error);
}

static void
blame_memory(const struct ha_http_blame *blame)
{
	/* The limit of a header's line is told so, too. */
	if (blame->answer->phase >= HA_HTTP_WAITING)
		set_fault(blame, HA_HTTP_PROTOCOL,
		    "broken answer: a line is too long");
	else
		set_fault(blame, HA_HTTP_LOCAL, "out of memory");
}

static void
blame_client_cert(const struct ha_http_blame *blame)
{
	set_fault(blame, HA_HTTP_TLS, "%s wants a client's certificate",
	    blame->answer->address);
}

static void
blame_http2(const struct ha_http_blame *blame)
{
	set_fault(blame, HA_HTTP_PROTOCOL, "broken HTTP/2: %s", blame->error);
}

static void
blame_no_login(const struct ha_http_blame *blame)
{
	set_fault(blame, HA_HTTP_LOGIN, "no login is offered");
}

static void
blame_body(const struct ha_http_blame *blame)
{
	set_fault(blame, HA_HTTP_TOO_LARGE,
	    "the body is larger than %llu bytes",
	    (unsigned long long)blame->request->max_size);
}

static void
blame_ca_file(const struct ha_http_blame *blame)
{
	set_fault(blame, HA_HTTP_LOCAL, "%s%s", blame->error,
	    blame->request->ca_file != NULL
		? ""
		: " (is the package ca-certificates installed?)");
}

static void
blame_other(const struct ha_http_blame *blame)
{
	set_fault(blame, HA_HTTP_LOCAL, "%s", blame->error);
}

void
ha_http_blame(const struct ha_http_blame *blame)
{
	static void (*const blames[])(const struct ha_http_blame *blame) = {
		[HA_HTTP_BLAME_RESOLVE] = blame_resolve,
		[HA_HTTP_BLAME_CONNECT] = blame_connect,
		[HA_HTTP_BLAME_SOURCE] = blame_source,
		[HA_HTTP_BLAME_TIMEOUT] = blame_timeout,
		[HA_HTTP_BLAME_HANDSHAKE] = blame_handshake,
		[HA_HTTP_BLAME_CERTIFICATE] = blame_certificate,
		[HA_HTTP_BLAME_CLIENT_CERT] = blame_client_cert,
		[HA_HTTP_BLAME_START_TLS] = blame_start_tls,
		[HA_HTTP_BLAME_TUNNEL] = blame_tunnel,
		[HA_HTTP_BLAME_PARTIAL] = blame_partial,
		[HA_HTTP_BLAME_STREAM] = blame_stream,
		[HA_HTTP_BLAME_REPLY] = blame_reply,
		[HA_HTTP_BLAME_REFUSED] = blame_refused,
		[HA_HTTP_BLAME_HTTP2] = blame_http2,
		[HA_HTTP_BLAME_LOGIN] = blame_login,
		[HA_HTTP_BLAME_NO_LOGIN] = blame_no_login,
		[HA_HTTP_BLAME_HEADERS] = blame_headers,
		[HA_HTTP_BLAME_BODY] = blame_body,
		[HA_HTTP_BLAME_MEMORY] = blame_memory,
		[HA_HTTP_BLAME_CA_FILE] = blame_ca_file,
		[HA_HTTP_BLAME_OTHER] = blame_other,
	};

	blames[blame->kind](blame);
}
