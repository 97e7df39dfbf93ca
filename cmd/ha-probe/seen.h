/* SPDX-License-Identifier: ISC */
/*
 * seen - what one attempt saw of its target.
 *
 * Whoever speaks with the target fills it in; expect.c judges it, diagnose.c
 * shows it.  Times are CLOCK_MONOTONIC nanoseconds, 0 for what was not reached.
 */
#ifndef SEEN_H
#define SEEN_H

#include <stddef.h>
#include <stdint.h>
#include <time.h>

#include "buf.h"

/* Of a stream or a body this much is kept for expectations. */
#define SEEN_KEEP (1024 * 1024)

/* One certificate of a chain, as it was shown; strings are owned. */
struct seen_cert {
	char *subject, *issuer, *names; /* names: subjectAltName, or NULL */
	time_t not_before, not_after;
	unsigned depth; /* 0: the leaf */
	unsigned hop; /* 0: the first URL, 1: after the first redirect... */
	char *url; /* of the hop */
};

struct seen {
	int64_t start_ns, name_ns, connect_ns, tls_ns, first_ns, end_ns;
	char *address; /* the peer's, "192.0.2.1:80", "[2001:db8::1]:80" */
	size_t address_index, address_count; /* of those the name has */
	int status; /* HTTP: the last answer's number; SMTP, FTP: the
		       greeting's; or 0 */
	struct ha_buf headers; /* of the last response, lines of any end */
	struct ha_buf body; /* at most SEEN_KEEP bytes (or --max-body) */
	uint64_t size; /* bytes of body altogether */
	unsigned redirects;
	char *final_url;
	char tls_version[16]; /* "TLSv1.3", or "" */
	char tls_cipher[64];
	struct seen_cert *certs;
	size_t cert_count;
	struct ha_buf words; /* what the service says of itself: "200 OK",
				"8.0.36", "SSH-2.0-OpenSSH_9.2"; any bytes */
	struct ha_buf perf; /* ha_perf_add(): more than time */
};

void seen_init(struct seen *seen);
void seen_release(struct seen *seen);
/* As after seen_init(), keeping the memory. */
void seen_reset(struct seen *seen);

/* Append whom a certificate is of: "CN=www.example.org", else its subject. */
void seen_add_cert_name(struct ha_buf *text, const struct seen_cert *cert);
/* Append the day, "2026-12-02", in UTC. */
void seen_add_date(struct ha_buf *text, time_t when);

#endif
