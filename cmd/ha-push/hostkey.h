/* SPDX-License-Identifier: ISC */
/*
 * hostkey - is the key that a host shows the one that is known for it?
 *
 * `ssh-keygen -F` searches the known-hosts files: it finds hashed names,
 * patterns, ports and markers, and a bad line spoils nothing.
 */
#ifndef PUSH_HOSTKEY_H
#define PUSH_HOSTKEY_H

#include <stddef.h>
#include <stdint.h>

#include "buf.h"
#include "err.h"
#include "sshconf.h"

enum hostkey_marker { HOSTKEY_KNOWN, HOSTKEY_REVOKED, HOSTKEY_AUTHORITY };

struct hostkey_line {
	enum hostkey_marker marker;
	char *type; /* "ssh-ed25519" */
	char *key; /* base64, as in the file */
	const char *file; /* borrowed from the configuration */
	unsigned long number; /* of the line */
	int portless; /* found under the name without its port */
};

struct hostkeys {
	const struct sshconf *conf; /* borrowed */
	char *name; /* what was looked for: host, [host]:port or the alias */
	struct hostkey_line *lines;
	size_t count;
};

/*
 * Look the host up in all its files; that it stands in none is no error.
 * EX_UNAVAILABLE when ssh-keygen can't be run.  keys is to be released in any
 * case, and before conf.
 */
int hostkeys_load(struct hostkeys *keys, const struct sshconf *conf,
    int64_t timeout_ms, struct ha_err *err);
void hostkeys_release(struct hostkeys *keys);

/*
 * The host-key algorithms to offer, comma-separated: those of the known keys
 * first, so that a host known by one key is not asked for another.
 */
void hostkeys_algorithms(const struct hostkeys *keys, struct ha_buf *out);
/* The same, only of the keys that are known; nothing when none is. */
void hostkeys_known_algorithms(const struct hostkeys *keys, struct ha_buf *out);
/* Is a @cert-authority known for the host? */
int hostkeys_have_authority(const struct hostkeys *keys);
/* Words for people: the types known, comma-separated; "" when none is. */
void hostkeys_types(const struct hostkeys *keys, struct ha_buf *out);

/*
 * Compare the server's key.  sha256 is the fingerprint, 32 bytes.
 * EX_NOPERM, with the way to mend it, when it is unknown, changed or revoked.
 */
int hostkeys_check(const struct hostkeys *keys, const void *blob, size_t len,
    const unsigned char *sha256, struct ha_err *err);

enum hostkey_fault {
	HOSTKEY_IS_UNKNOWN,
	HOSTKEY_HAS_CHANGED,
	HOSTKEY_IS_REVOKED
};

/*
 * The same refusal where ssh has compared: type and print ("SHA256:...") are of
 * the key that the server showed.
 */
int hostkeys_refuse(const struct hostkeys *keys, enum hostkey_fault fault,
    const char *type, const char *print, struct ha_err *err);

/* Base64 without line breaks; with "=" at the end if padded. */
void
hostkey_base64(struct ha_buf *out, const void *data, size_t len, int padded);

#endif
