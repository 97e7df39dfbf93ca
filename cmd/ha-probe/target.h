/* SPDX-License-Identifier: ISC */
/*
 * target - what is to be probed and how: a URL and its settings.
 *
 * The settings of the command line are where each target starts from; a line
 * of a targets file changes its own.
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

/* Copies share all that is pointed to, which lives until settings_release(). */
struct settings {
	int64_t timeout_ms; /* of one attempt; 5,000 */
	int64_t retries; /* further attempts after a failed one; 0 */
	struct ha_thresholds time; /* of the attempt, seconds */
	struct expect *expect; /* or NULL */
	int family; /* AF_UNSPEC, AF_INET, AF_INET6 */
	int each_address; /* every address is a check of its own */
	int is_diagnosed; /* look at everything, certificates too */
	const char *host; /* HOST of the record; NULL: "-" */
	const char *source; /* -B: address or interface */
	const char *const *resolve; /* "HOST:ADDRESS[,ADDRESS]", NULL-ended; an
				       IPv6 address may stand in brackets */
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

	uint64_t given; /* bit i: setting i of settings.h was set */
};

struct target {
	char *name; /* CHECK: given, or the URL */
	char *url; /* as it was given: TARGET */
	const struct scheme *scheme;
	int starttls;
	char *host; /* without brackets, with its zone; NULL for unix */
	uint16_t port; /* 0: unix and icmp have none */
	char *path; /* from the '/' on, with its query, "" when there is none;
		       unix: the socket's, decoded */
	struct settings settings;
	const char *file; /* where it stands; NULL: an operand */
	unsigned line, column; /* of its name; or line is the operand's number,
				  0 of --while */
};

/*
 * "tcp://…" and so on.  EX_USAGE; *offset (if not NULL) receives the byte where
 * the mistake is.  A URL that bears a user or a password is refused: it would
 * stand in argv, or in a file that others may read.  The target's name is its
 * URL.  Whatever of settings or of its expectations such a target can't have is
 * refused, too.
 */
int target_parse(struct target *target, const char *url,
    const struct settings *settings, size_t *offset, struct ha_err *err);
void target_release(struct target *target);
/* url as it may be shown: what stands before an '@' in it is "***". */
char *target_shown(const char *url);

struct targets {
	struct target *list;
	size_t count, capacity;
};

/* target is moved into the list. */
void targets_add(struct targets *targets, const struct target *target);
/* The operand number (from 1; 0: of --while); EX_USAGE with the column. */
int targets_add_operand(struct targets *targets, const char *url,
    unsigned number, const struct settings *settings, struct ha_err *err);
/* "[NAME] URL [key=value]..." a line.  As ha_conf_read(). */
int targets_read(struct targets *targets, const char *path,
    const struct settings *settings, struct ha_err *err);
/*
 * Of all of them together: two may not have the same host and name, and each
 * setting of the command line has to be one that some target can have.
 * EX_USAGE, or EX_CONFIG with "file:line:column: ".
 */
int targets_check(const struct targets *targets,
    const struct settings *settings, struct ha_err *err);
void targets_release(struct targets *targets);
/* Append the line of a targets file that means it, with its LF. */
void targets_add_line(struct ha_buf *text, const struct target *target);

/*
 * One setting by its name ("timeout", "sni"...); value is copied, NULL for a
 * flag that stands alone.  EX_USAGE; *offset (if not NULL) receives the byte of
 * value where the mistake is.
 */
int settings_set(struct settings *settings, const char *key, const char *value,
    size_t *offset, struct ha_err *err);
void settings_init(struct settings *settings);
/* Of all settings that there are. */
void settings_release(void);

#endif
