/* SPDX-License-Identifier: ISC */
/*
 * http-blame - what went wrong with a transfer of http.h, and how it is said.
 *
 * libcurl tells much of it in words only (CURLOPT_ERRORBUFFER(3)): those of
 * 7.88 and OpenSSL 3.0 are known here, others are passed on.
 */
#ifndef HA_HTTP_BLAME_H
#define HA_HTTP_BLAME_H

#include "http.h"

enum ha_http_blame_kind {
	HA_HTTP_BLAME_RESOLVE,
	HA_HTTP_BLAME_CONNECT,
	HA_HTTP_BLAME_SOURCE, /* an address to send from */
	HA_HTTP_BLAME_TIMEOUT,
	HA_HTTP_BLAME_HANDSHAKE,
	HA_HTTP_BLAME_CERTIFICATE,
	HA_HTTP_BLAME_CLIENT_CERT, /* ours, which is wanted */
	HA_HTTP_BLAME_START_TLS,
	HA_HTTP_BLAME_TUNNEL, /* that the proxy does not make */
	HA_HTTP_BLAME_PARTIAL, /* body */
	HA_HTTP_BLAME_STREAM, /* reading or writing */
	HA_HTTP_BLAME_REPLY, /* that is none, or a refusal */
	HA_HTTP_BLAME_REFUSED, /* a message */
	HA_HTTP_BLAME_HTTP2,
	HA_HTTP_BLAME_LOGIN, /* that was refused */
	HA_HTTP_BLAME_NO_LOGIN, /* that could not be tried */
	HA_HTTP_BLAME_HEADERS, /* too many */
	HA_HTTP_BLAME_BODY, /* too large */
	HA_HTTP_BLAME_MEMORY,
	HA_HTTP_BLAME_CA_FILE,
	HA_HTTP_BLAME_OTHER,
};

struct ha_http_blame {
	enum ha_http_blame_kind kind;
	const char *error; /* libcurl's words */
	const struct ha_http_request *request;
	int is_mail; /* or ftp */
	int socket_errno; /* socket(2) failed so; or 0 */
	long tunnel_status; /* of the proxy */
	size_t max_headers;
	struct ha_http_answer *answer; /* fault and words are filled in */
};

void ha_http_blame(const struct ha_http_blame *blame);

#endif
