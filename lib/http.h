/* SPDX-License-Identifier: ISC */
/*
 * http - libcurl, loaded at its first use, driven by the caller's event loop.
 *
 * Nothing is linked: ha_http_new() loads libcurl.so.4 (it costs 5 ms and 7 MB,
 * which a command that needs no transfer should not pay).  Transfers run on
 * curl_multi_socket_action(3); each has a connection of its own unless it asks
 * for a kept one, knows of no cookies, no .netrc and no proxy but the request's,
 * and follows no redirect.  Names are resolved by the caller and given with the
 * request, so that none blocks the others; else libcurl resolves them, in a
 * thread for each.  What to retry, and what an answer means, is the caller's.
 *
 * Source: libcurl-multi(3), curl_easy_setopt(3).
 */
#ifndef HA_HTTP_H
#define HA_HTTP_H

#include <stddef.h>
#include <stdint.h>

#include "buf.h"
#include "err.h"
#include "tls.h"

struct ha_http;
struct ha_http_transfer;

/* What the loop has to do for it; no function of this module may be called. */
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

/* NULL and 0 are curl's defaults.  All is borrowed until done(). */
struct ha_http_request {
	const char *url; /* http(s), smtp(s), imap(s), pop3(s), ftp(s) */
	/*
	 * No request is made.  http: TCP (and TLS); smtp, imap, pop3: the
	 * greeting, what the server can, STARTTLS, and with a user the login,
	 * then a farewell; ftp: the greeting, TLS, and with a user the login.
	 */
	int is_connect_only;
	int must_start_tls; /* smtp, imap, pop3, ftp: STARTTLS or nothing */
	/*
	 * Take a connection that such a transfer to the same server has left,
	 * and leave it to the next.
	 */
	int is_kept;
	const char *method; /* or the protocol's own command */
	const char *const *headers; /* "Name: value", NULL-ended */
	const char *body; /* sent when not NULL */
	size_t body_len;
	/*
	 * smtp: send body, a message whose lines end with CR LF, from this
	 * address ("" is nobody) to these (NULL-ended).  It is sent if one of
	 * them is taken.  With a user it is not sent without a login.
	 */
	const char *mail_from;
	const char *const *recipients;
	const char *user, *password;
	const char *login; /* smtp: only these, "AUTH=PLAIN;AUTH=LOGIN" */
	const char *bearer; /* a token instead of the password: XOAUTH2 */
	const char *user_agent;
	const char *resolve; /* where url's host, or the proxy's, is:
				"host:port:addr[,addr...]" */
	const char *source; /* address, or interface */
	int64_t timeout_ms;
	int is_haproxy; /* send a PROXY protocol v1 header */
	const char *proxy, *proxy_user, *proxy_password;
	const char *http_version; /* "1.0", "1.1", "2", "2-prior" */
	const char *ca_file, *cert_file, *key_file, *key_password;
	const char *tls_min; /* "1.2" */
	int is_insecure; /* the certificate is not verified */
	int has_no_body; /* HEAD */
	size_t max_body; /* bytes kept */
	uint64_t max_size; /* bytes of body after which it is ended; 0: never */
	size_t max_headers; /* bytes; 0: 256 KiB */
};

enum ha_http_fault {
	HA_HTTP_OK,
	HA_HTTP_RESOLVE, /* no address of the server, or of the proxy */
	HA_HTTP_CONNECT, /* no connection: sys, is_at_once */
	HA_HTTP_TIMEOUT,
	HA_HTTP_TLS, /* handshake or certificate */
	HA_HTTP_CLOSED, /* by the peer, too early; reset: sys */
	HA_HTTP_PROTOCOL, /* what came was not the protocol */
	HA_HTTP_TOO_LARGE, /* max_size: ended by us; status and headers stand */
	HA_HTTP_LOGIN, /* the peer refused the login */
	HA_HTTP_REFUSED, /* smtp: this message, by the reply that is status */
	HA_HTTP_PROXY, /* the proxy: no connection to it, or its refusal */
	HA_HTTP_LOCAL, /* this machine: descriptors, files, memory */
};

/* What a transfer waits for. */
enum ha_http_phase {
	HA_HTTP_CONNECTING,
	HA_HTTP_SHAKING_HANDS, /* TLS */
	HA_HTTP_WAITING, /* for the first line: an answer, or a greeting */
	HA_HTTP_READING, /* what follows */
};

/* Valid during done() only. */
struct ha_http_answer {
	enum ha_http_fault fault;
	int sys; /* connect's or read's errno, or 0 */
	int is_at_once; /* connect(2) itself said so: no packet left */
	char
	    words[256]; /* of the fault, for a person; may hold foreign bytes */
	enum ha_http_phase phase; /* that it came to */
	int status; /* the last reply's number */
	/* headers: of the last response; of mail and ftp all lines that came */
	struct ha_buf headers, body;
	uint64_t size; /* of body, in all */
	uint64_t sent; /* of the request's body, or more: bytes */
	int is_reused; /* it began on a kept connection */
	const char *redirect_url; /* where the response points; or NULL */
	const char *address; /* the peer's, with port: "[::1]:80"; or "" */
	/* Since the start; 0: not reached. */
	int64_t connect_us, tls_us, first_us, total_us;
	int64_t retry_after_s; /* -1: not said */
	const char *http_version; /* "1.1", "2"; or NULL */
	const struct ha_tls_seen *tls;
};

/*
 * Begin a transfer.  done() is called from ha_http_ready() or
 * ha_http_timeout(), once, unless it is cancelled; it may begin and cancel
 * others.  -1: EX_USAGE (a request that libcurl can't take), EX_UNAVAILABLE
 * (TLS of another make than OpenSSL), EX_SOFTWARE.
 */
int ha_http_start(struct ha_http *http, const struct ha_http_request *request,
    void (*done)(void *context, const struct ha_http_answer *answer),
    void *context, struct ha_http_transfer **transfer, struct ha_err *err);
void ha_http_cancel(struct ha_http_transfer *transfer);
enum ha_http_phase ha_http_phase(const struct ha_http_transfer *transfer);
#define HA_HTTP_HMAC_SIZE 32
/*
 * HMAC-SHA256 (RFC 2104) of data by the OpenSSL that libcurl brings.
 * EX_UNAVAILABLE as ha_http_new() and ha_http_start().
 */
int ha_http_hmac_sha256(const void *key, size_t key_len, const void *data,
    size_t len, unsigned char hmac[HA_HTTP_HMAC_SIZE], struct ha_err *err);

/* The headers, or lines of mail and ftp, so far; borrowed until the next call
 * of this module. */
const struct ha_buf *ha_http_heard(const struct ha_http_transfer *transfer);

#endif
