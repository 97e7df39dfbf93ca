/* SPDX-License-Identifier: ISC */
/*
 * target - what is to be probed and how: a URL and its settings.
 *
 * The settings of the command line are where each target starts from; a line
 * of a targets file changes its own.  One table serves both: --sni NAME is
 * sni=NAME in a file.
 */
#ifndef TARGET_H
#define TARGET_H

#include <stddef.h>
#include <stdint.h>

#include "conf.h"
#include "err.h"
#include "expect.h"
#include "range.h"
#include "scheme.h"

/* All strings are owned by whoever read them and live as long as the run. */
struct settings {
	int64_t timeout_ms; /* of one attempt; 5,000 */
	int64_t retries; /* further attempts after a failed one; 0 */
	struct ha_thresholds time; /* of the attempt, seconds */
	struct expect *expect; /* or NULL */
	int family; /* AF_UNSPEC, AF_INET, AF_INET6 */
	int each_address; /* every address is a check of its own */
	const char *host; /* HOST of the record; NULL: "-" */
	const char *source; /* -B: address or interface */
	const char *const *resolve; /* "HOST:ADDRESS[,ADDRESS]", NULL-ended */
	const char *send; /* tcp, udp, unix: bytes, escapes undone; or NULL */
	size_t send_len;
	int proxy_protocol; /* --haproxy: 0, or version 1 or 2 */

	/* TLS */
	const char *ca_file, *cert_file, *key_file, *key_password_file;
	const char *sni; /* also the name that the certificate must bear */
	const char *tls_min; /* "1.2" */
	int is_insecure; /* --insecure: the certificate is not verified */

	/* HTTP */
	const char *method; /* NULL: GET, or POST with a body */
	const char *const *headers; /* "Name: value", NULL-ended */
	const char *header_file; /* the same, a line each: secrets */
	const char *body_file;
	const char *user_file; /* USER:PASSWORD */
	const char *http_host; /* Host: */
	const char *proxy, *proxy_user_file;
	const char *http_version; /* "1.0", "1.1", "2", "2-prior" */
	const char *redirect; /* "no" (ok as it is), "follow", "same-host",
				 "warn", "crit" */
	int64_t max_redirects; /* 10 */
	int64_t max_body; /* bytes read at most; 1 MiB */

	/* mysql */
	const char *defaults_file;
};

struct target {
	char *name; /* CHECK: given, or the URL */
	char *url; /* as it was given, without user and password: TARGET */
	const struct scheme *scheme;
	int starttls;
	char *host; /* without brackets; NULL for unix */
	uint16_t port;
	char *path; /* from the '/' on, with its query; unix: the socket */
	struct settings settings;
};

/* "tcp://…" and so on; settings are copied (their strings borrowed).  EX_USAGE.
 * A URL that bears a password is refused: it would stand in argv. */
int target_parse(struct target *target, const char *url,
    const struct settings *settings, struct ha_err *err);
void target_release(struct target *target);

struct targets {
	struct target *list;
	size_t count, capacity;
};

void targets_add(struct targets *targets, const struct target *target);
/* "[NAME] URL [key=value]…" a line.  As ha_conf_read(). */
int targets_read(struct targets *targets, const char *path,
    const struct settings *settings, struct ha_err *err);
void targets_release(struct targets *targets);

/* One setting by its name ("timeout", "sni"…): EX_USAGE. */
int settings_set(struct settings *settings, const char *key, const char *value,
    struct ha_err *err);
void settings_init(struct settings *settings);

#endif
