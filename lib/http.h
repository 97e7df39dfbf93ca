/* SPDX-License-Identifier: ISC */
/*
 * http - libcurl, loaded at its first use, driven by the caller's event loop.
 *
 * Nothing is linked: ha_http_new() loads libcurl.so.4 (it costs 5 ms and 7 MB,
 * which a command that needs no transfer should not pay).  Transfers run on
 * curl_multi_socket_action(3); names are resolved by the caller and given with
 * the request, so that none blocks the others.  What to retry, and what an
 * answer means, is the caller's.
 *
 * Source: libcurl-multi(3), curl_easy_setopt(3).
 */
#ifndef HA_HTTP_H
#define HA_HTTP_H

#include <stddef.h>
#include <stdint.h>
#include <time.h>

#include "buf.h"
#include "err.h"

struct ha_http;
struct ha_http_transfer;

/* What the loop has to do for it. */
struct ha_http_hooks {
	/* Watch fd for reading and/or writing; neither: forget it. */
	void (*watch)(void *context, int fd, int readable, int writable);
	/* Call ha_http_timeout() in ms milliseconds; -1: not at all. */
	void (*timer)(void *context, long ms);
	void *context;
};

/* EX_UNAVAILABLE when libcurl can't be loaded, with the package's name. */
int ha_http_new(struct ha_http **http, const struct ha_http_hooks *hooks,
    struct ha_err *err);
/* Running transfers are dropped; no done() is called. */
void ha_http_free(struct ha_http *http);
void ha_http_ready(struct ha_http *http, int fd, int readable, int writable);
void ha_http_timeout(struct ha_http *http);

enum ha_http_start_tls {
	HA_HTTP_NO_TLS_UPGRADE,
	HA_HTTP_MUST_UPGRADE, /* STARTTLS or nothing */
};

/* NULL and 0 are curl's defaults.  All is borrowed until done(). */
struct ha_http_request {
	const char *url; /* http(s), smtp(s), imap(s), pop3(s), ftp(s) */
	int connect_only; /* https: TCP and TLS, no request */
	const char *method; /* or the protocol's own command (NOOP) */
	const char *const *headers; /* "Name: value", NULL-ended */
	const char *body; /* sent when not NULL */
	size_t body_len;
	const char *user, *password;
	const char *resolve; /* "host:port:addr[,addr...]" */
	const char *source; /* address, or interface */
	int family; /* AF_INET, AF_INET6 */
	int64_t timeout_ms;
	int haproxy; /* send a PROXY protocol v1 header */
	const char *proxy, *proxy_user, *proxy_password;
	const char *http_version; /* "1.0", "1.1", "2", "2-prior" */
	enum ha_http_start_tls start_tls;
	const char *ca_file, *cert_file, *key_file, *key_password;
	const char *sni; /* connect to url's host, but ask for and verify this
			    name */
	const char *tls_min; /* "1.2" */
	int is_insecure, want_certs;
	int no_body; /* HEAD, or no transfer after the greeting */
	size_t max_body; /* bytes kept; after max_size in all it is ended */
	uint64_t max_size;
	size_t max_headers; /* bytes; 0: 256 KiB */
};

struct ha_http_cert {
	char *subject, *issuer, *names; /* owned by the answer */
	time_t not_before, not_after;
};

enum ha_http_fault {
	HA_HTTP_OK,
	HA_HTTP_REFUSED, /* by the peer, with its words or errno */
	HA_HTTP_TIMEOUT,
	HA_HTTP_TLS, /* handshake or certificate */
	HA_HTTP_PROTOCOL, /* what came was not the protocol */
	HA_HTTP_TOO_LARGE, /* max_size or max_headers: ended by us */
	HA_HTTP_LOGIN, /* the peer refused the login */
	HA_HTTP_LOCAL, /* this machine: descriptors, files, no route */
};

/* Valid during done() only. */
struct ha_http_answer {
	enum ha_http_fault fault;
	int sys; /* connect's errno, or 0 */
	char
	    words[256]; /* of the fault, for a person; foreign bytes possible */
	int status; /* the last reply's number */
	struct ha_buf headers, body; /* headers: of the last response only */
	uint64_t size;
	char *redirect_url; /* where the response points; not followed */
	char *address; /* the peer's, with port */
	int64_t name_us, connect_us, tls_us, first_us, total_us;
	int64_t retry_after_s; /* -1: not said */
	const char *http_version; /* "1.1", "2" */
	char tls_version[16], tls_cipher[64];
	struct ha_http_cert *certs;
	size_t cert_count;
};

/*
 * Begin a transfer.  done() is called from ha_http_ready() or
 * ha_http_timeout(), once, unless it is cancelled.  -1: EX_USAGE (a request
 * that libcurl can't take), EX_SOFTWARE.
 */
int ha_http_start(struct ha_http *http, const struct ha_http_request *request,
    void (*done)(void *context, const struct ha_http_answer *answer),
    void *context, struct ha_http_transfer **transfer, struct ha_err *err);
void ha_http_cancel(struct ha_http_transfer *transfer);

#endif
