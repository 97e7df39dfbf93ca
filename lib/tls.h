/* SPDX-License-Identifier: ISC */
/*
 * tls - what a handshake showed: the certificates, the verdict, the version.
 *
 * OpenSSL is not linked: its functions are taken from a library that brought it
 * along (libcurl).  Nothing is verified otherwise than without this module; it
 * looks on.
 *
 * Source: SSL_CTX_set_cert_verify_callback(3), X509_STORE_CTX_get_error(3),
 * RFC 5280.
 */
#ifndef HA_TLS_H
#define HA_TLS_H

#include <stddef.h>
#include <time.h>

/* Strings are UTF-8 as far as whoever made the certificate says so: foreign. */
struct ha_tls_cert {
	char *subject, *issuer; /* "CN=web.test,O=Example" (RFC 2253) */
	char *names; /* "web.test, *.web.test, 192.0.2.1"; or NULL */
	time_t not_before, not_after;
};

struct ha_tls_seen {
	int is_started; /* a handshake has begun */
	int is_judged; /* a certificate came; all below is known */
	char version[16], cipher[64]; /* "TLSv1.3", ... */
	struct ha_tls_cert *certs; /* as they were sent: the leaf first */
	size_t count;
	long verdict; /* 0: the chain is good; else X509_V_ERR_... */
	unsigned depth; /* of the one that the verdict is about */
	struct ha_tls_cert blamed; /* that one, which may be our own store's */
};

/*
 * Take OpenSSL's functions from library, a handle of dlopen(3), or what it
 * depends on.  -1: they are not all there (another TLS library).
 */
int ha_tls_load(void *library);
/* HMAC-SHA256 of data, after ha_tls_load(); -1: it can't be made here. */
int ha_tls_hmac_sha256(const void *key, size_t key_len, const void *data,
    size_t len, unsigned char hmac[32]);
/*
 * Look on at the handshakes of ssl_ctx (an SSL_CTX *); seen is filled in while
 * they run, and has to live as long as ssl_ctx.
 */
void ha_tls_watch(void *ssl_ctx, struct ha_tls_seen *seen);
/* seen starts zeroed; give back what it holds, zero it again. */
void ha_tls_clear(struct ha_tls_seen *seen);

/* Is the verdict that no known authority stands behind the chain? */
int ha_tls_is_unknown_issuer(const struct ha_tls_seen *seen);
/* The verdict in words: "certificate has expired (3 days ago)". */
void ha_tls_words(const struct ha_tls_seen *seen, char *words, size_t size);

#endif
