/* SPDX-License-Identifier: ISC */
/*
 * keys - what each kind of channel can be told in alert.conf.
 *
 * Source: ha-alert(1), CHANNELS.
 */
#ifndef ALERT_KEYS_H
#define ALERT_KEYS_H

#include "channel.h"
#include "err.h"

#define KEY_NEEDED 1U
#define KEY_MANY 2U /* may be given several times */
#define KEY_SECRET 4U /* NAME-file= will do, too */
#define KEY_FILE 8U /* a file's path, that may be relative */
#define KEY_PRIVATE 32U /* ... that nobody else may read */
#define KEY_EMPTY 64U /* nothing is a value, too */
#define KEY_PROGRAM 16U /* looked up in PATH */

struct key {
	const char *name;
	unsigned flags;
	/* -1: no such value, err->msg has words; NULL: any. */
	int (*check)(
	    const struct key *key, const char *value, struct ha_err *err);
	const char *choices; /* "a|b|c", of a check that looks there */
	const char *help; /* what it is, one line */
};

struct keys_kind {
	const char *name; /* "smtp" */
	int64_t timeout_ms; /* if none is given */
	const struct key *keys; /* ended by a name that is NULL */
	/* Do the settings fit each other?  May be NULL. */
	int (*check)(const struct channel *channel, struct ha_err *err);
};

extern const struct keys_kind keys_kinds[];
#define KEYS_KINDS (CHANNEL_SYSLOG + 1)

/*
 * By its name, of which *is_file tells whether it was NAME-file=; NULL: the
 * kind has none such.
 */
const struct key *
keys_find(enum channel_kind kind, const char *name, int *is_file);
/* err->msg says what is wrong with it. */
int keys_check_value(
    const struct key *key, int is_file, const char *value, struct ha_err *err);

/* The setting's number among choices, -1 if it is none of them. */
int keys_choose(const char *choices, const char *value);
/* "HOST", "HOST:PORT", "[ADDRESS]:PORT": *port is 0 if there is none. */
int keys_parse_server(
    const char *server, char **host, unsigned *port, struct ha_err *err);
/*
 * May the channel talk to host in clear?  To this machine, or with insecure=.
 * EX_CONFIG.
 */
int keys_check_plain(
    const struct channel *channel, const char *host, struct ha_err *err);
/* The same of a URL, which https:// is well with. */
int keys_check_plain_url(
    const struct channel *channel, const char *url, struct ha_err *err);
/* The value of syslog's facility=, shifted as in <syslog.h>. */
int keys_facility(const char *name);

#endif
