/* SPDX-License-Identifier: ISC */
/* tls - what a handshake showed: the certificates, the verdict, the version. */
#include "tls.h"

#include <arpa/inet.h>
#include <dlfcn.h>
#include <limits.h>
#include <openssl/hmac.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "alloc.h"
#include "buf.h"

/* More than this of a chain, or of its names, is not looked at. */
#define MAX_CERTS 16
#define MAX_NAMES 4096
#define DAY_S 86400

#define FUNCTIONS(X)                                                           \
	X(ASN1_STRING_get0_data)                                               \
	X(ASN1_STRING_length)                                                  \
	X(ASN1_TIME_to_tm)                                                     \
	X(BIO_ctrl)                                                            \
	X(BIO_free)                                                            \
	X(BIO_new)                                                             \
	X(BIO_s_mem)                                                           \
	X(EVP_sha256)                                                          \
	X(GENERAL_NAMES_free)                                                  \
	X(GENERAL_NAME_get0_value)                                             \
	X(HMAC)                                                                \
	X(OPENSSL_sk_num)                                                      \
	X(OPENSSL_sk_value)                                                    \
	X(SSL_CIPHER_get_name)                                                 \
	X(SSL_CTX_set_cert_verify_callback)                                    \
	X(SSL_get_pending_cipher)                                              \
	X(SSL_get_ex_data_X509_STORE_CTX_idx)                                  \
	X(SSL_get_version)                                                     \
	X(X509_NAME_print_ex)                                                  \
	X(X509_STORE_CTX_get0_untrusted)                                       \
	X(X509_STORE_CTX_get_current_cert)                                     \
	X(X509_STORE_CTX_get_error)                                            \
	X(X509_STORE_CTX_get_error_depth)                                      \
	X(X509_STORE_CTX_get_ex_data)                                          \
	X(X509_get0_notAfter)                                                  \
	X(X509_get0_notBefore)                                                 \
	X(X509_get_ext_d2i)                                                    \
	X(X509_get_issuer_name)                                                \
	X(X509_get_subject_name)                                               \
	X(X509_verify_cert)                                                    \
	X(X509_verify_cert_error_string)

#define MEMBER(name) __typeof__(name) *(name);
static struct {
	FUNCTIONS(MEMBER)
} ssl;

int
ha_tls_load(void *library)
{
	static const struct {
		const char *name;
		size_t member;
	} table[] = {
#define ENTRY(name) { #name, offsetof(__typeof__(ssl), name) },
		FUNCTIONS(ENTRY)
	};

	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		void *function = dlsym(library, table[i].name);

		if (function == NULL)
			return -1;
		memcpy((char *)&ssl + table[i].member, &function,
		    sizeof(function));
	}
	return 0;
}

int
ha_tls_hmac_sha256(const void *key, size_t key_len, const void *data,
    size_t len, unsigned char hmac[32])
{
	unsigned written = 0;

	if (key_len > INT_MAX || ssl.HMAC(ssl.EVP_sha256(), key, (int)key_len,
				     data, len, hmac, &written) == NULL)
		return -1;
	return written == 32 ? 0 : -1;
}

static char *
name_text(const X509_NAME *name)
{
	BIO *bio = ssl.BIO_new(ssl.BIO_s_mem());
	char *data = NULL, *text;
	long len;

	if (bio == NULL)
		return ha_xstrdup("");
	ssl.X509_NAME_print_ex(bio, name, 0,
	    XN_FLAG_RFC2253 & ~(unsigned long)ASN1_STRFLGS_ESC_MSB);
	len = ssl.BIO_ctrl(bio, BIO_CTRL_INFO, 0, &data);
	text = ha_xmemdup(data, len > 0 && data != NULL ? (size_t)len : 0);
	ssl.BIO_free(bio);
	return text;
}

static void
add_address(struct ha_buf *names, const unsigned char *bytes, size_t len)
{
	char text[INET6_ADDRSTRLEN];

	if ((len == 4 || len == 16) &&
	    inet_ntop(len == 4 ? AF_INET : AF_INET6, bytes, text, sizeof(text)))
		ha_buf_add_str(names, text);
	else
		ha_buf_add_char(names, '?');
}

/* The names of subjectAltName that a host can have. */
static char *
alternative_names(const X509 *cert)
{
	GENERAL_NAMES *list =
	    ssl.X509_get_ext_d2i(cert, NID_subject_alt_name, NULL, NULL);
	struct ha_buf names = HA_BUF_INIT;

	for (int i = 0; i < ssl.OPENSSL_sk_num((const OPENSSL_STACK *)list) &&
			names.len < MAX_NAMES;
	     i++) {
		const GENERAL_NAME *name =
		    ssl.OPENSSL_sk_value((const OPENSSL_STACK *)list, i);
		int type;
		const ASN1_STRING *value =
		    ssl.GENERAL_NAME_get0_value(name, &type);

		if (type != GEN_DNS && type != GEN_IPADD)
			continue;
		if (names.len > 0)
			ha_buf_add_str(&names, ", ");
		if (type == GEN_DNS)
			ha_buf_add(&names, ssl.ASN1_STRING_get0_data(value),
			    (size_t)ssl.ASN1_STRING_length(value));
		else
			add_address(&names, ssl.ASN1_STRING_get0_data(value),
			    (size_t)ssl.ASN1_STRING_length(value));
	}
	if (list == NULL)
		return NULL;
	ssl.GENERAL_NAMES_free(list);
	return ha_buf_detach(&names);
}

static time_t
seconds(const ASN1_TIME *time)
{
	struct tm tm;

	return ssl.ASN1_TIME_to_tm(time, &tm) ? timegm(&tm) : 0;
}

static void
copy_cert(struct ha_tls_cert *copy, const X509 *cert)
{
	copy->subject = name_text(ssl.X509_get_subject_name(cert));
	copy->issuer = name_text(ssl.X509_get_issuer_name(cert));
	copy->names = alternative_names(cert);
	copy->not_before = seconds(ssl.X509_get0_notBefore(cert));
	copy->not_after = seconds(ssl.X509_get0_notAfter(cert));
}

static void
release_cert(struct ha_tls_cert *cert)
{
	free(cert->subject);
	free(cert->issuer);
	free(cert->names);
}

void
ha_tls_clear(struct ha_tls_seen *seen)
{
	for (size_t i = 0; i < seen->count; i++)
		release_cert(&seen->certs[i]);
	free(seen->certs);
	release_cert(&seen->blamed);
	memset(seen, 0, sizeof(*seen));
}

static void
note_connection(struct ha_tls_seen *seen, const SSL *connection)
{
	/* It becomes the current one at the end of the handshake. */
	const char *cipher =
	    ssl.SSL_CIPHER_get_name(ssl.SSL_get_pending_cipher(connection));

	snprintf(seen->version, sizeof(seen->version), "%s",
	    ssl.SSL_get_version(connection));
	snprintf(seen->cipher, sizeof(seen->cipher), "%s", cipher);
}

static void
note_chain(struct ha_tls_seen *seen, const OPENSSL_STACK *sent)
{
	int count = ssl.OPENSSL_sk_num(sent);

	if (count < 0)
		count = 0;
	if (count > MAX_CERTS)
		count = MAX_CERTS;
	seen->certs = ha_xcalloc((size_t)count + 1, sizeof(*seen->certs));
	seen->count = (size_t)count;
	for (int i = 0; i < count; i++)
		copy_cert(&seen->certs[i], ssl.OPENSSL_sk_value(sent, i));
}

/* In place of X509_verify_cert(3), which does the work. */
static int
verify(X509_STORE_CTX *context, void *arg)
{
	struct ha_tls_seen *seen = arg;
	const X509 *blamed;
	int result;

	ha_tls_clear(seen);
	seen->is_started = 1;
	note_connection(seen, ssl.X509_STORE_CTX_get_ex_data(context,
				  ssl.SSL_get_ex_data_X509_STORE_CTX_idx()));
	note_chain(seen,
	    (const OPENSSL_STACK *)ssl.X509_STORE_CTX_get0_untrusted(context));
	result = ssl.X509_verify_cert(context);
	seen->verdict = ssl.X509_STORE_CTX_get_error(context);
	seen->is_judged = 1;
	if (seen->verdict != X509_V_OK) {
		seen->depth =
		    (unsigned)ssl.X509_STORE_CTX_get_error_depth(context);
		blamed = ssl.X509_STORE_CTX_get_current_cert(context);
		if (blamed != NULL)
			copy_cert(&seen->blamed, blamed);
	}
	return result;
}

void
ha_tls_watch(void *ssl_ctx, struct ha_tls_seen *seen)
{
	seen->is_started = 1;
	ssl.SSL_CTX_set_cert_verify_callback(ssl_ctx, verify, seen);
}

int
ha_tls_is_unknown_issuer(const struct ha_tls_seen *seen)
{
	switch (seen->verdict) {
	case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT:
	case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
	case X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE:
	case X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT:
	case X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN:
		return 1;
	default:
		return 0;
	}
}

static void
add_distance(struct ha_buf *text, time_t from, time_t to)
{
	long s = (long)(to - from);

	if (s >= 2 * DAY_S)
		ha_buf_addf(text, "%ld days", s / DAY_S);
	else if (s >= 7200)
		ha_buf_addf(text, "%ld hours", s / 3600);
	else
		ha_buf_addf(text, "%ld minutes", s / 60);
}

void
ha_tls_words(const struct ha_tls_seen *seen, char *words, size_t size)
{
	const struct ha_tls_cert *blamed = &seen->blamed;
	struct ha_buf text = HA_BUF_INIT;
	time_t now = time(NULL);

	ha_buf_add_str(&text, "certificate ");
	if (seen->depth > 0 && blamed->subject != NULL)
		ha_buf_addf(&text, "of its issuer %s ", blamed->subject);
	switch (seen->verdict) {
	case X509_V_ERR_CERT_HAS_EXPIRED:
		ha_buf_add_str(&text, "has expired (");
		add_distance(&text, blamed->not_after, now);
		ha_buf_add_str(&text, " ago)");
		break;
	case X509_V_ERR_CERT_NOT_YET_VALID:
		ha_buf_add_str(&text, "is not valid yet (in ");
		add_distance(&text, now, blamed->not_before);
		ha_buf_add_str(&text, ")");
		break;
	case X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT:
		ha_buf_add_str(&text, "is self-signed");
		break;
	case X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN:
		ha_buf_add_str(&text, "is of no authority that is known here");
		break;
	case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT:
	case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
	case X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE:
		ha_buf_addf(&text,
		    "is signed by %s, neither sent nor known here",
		    blamed->issuer != NULL ? blamed->issuer : "somebody");
		break;
	default:
		ha_buf_addf(&text, "is refused: %s",
		    ssl.X509_verify_cert_error_string(seen->verdict));
		break;
	}
	snprintf(words, size, "%s", text.data);
	ha_buf_release(&text);
}
