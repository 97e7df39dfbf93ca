/* SPDX-License-Identifier: ISC */
/*
 * settings - one table for the command line and for the lines of a targets
 * file: --sni NAME is sni=NAME there.
 */
#ifndef SETTINGS_H
#define SETTINGS_H

#include "buf.h"
#include "target.h"

enum setting_kind {
	SETTING_FLAG, /* int */
	SETTING_IPV4, /* flags that choose the family */
	SETTING_IPV6,
	SETTING_DURATION, /* int64_t, milliseconds, not 0 */
	SETTING_NUMBER, /* int64_t */
	SETTING_BYTES, /* int64_t, K M G allowed */
	SETTING_WARN, /* ranges in struct ha_thresholds */
	SETTING_CRIT,
	SETTING_WORD, /* const char *: no blank, no control byte */
	SETTING_CHOICE, /* const char *, one of choices */
	SETTING_NAME, /* const char *: a host's name */
	SETTING_SOURCE, /* const char *: an address or interface */
	SETTING_METHOD, /* const char *: HTTP's token */
	SETTING_PROXY, /* const char *: a URL without a user */
	SETTING_FILE, /* const char *: readable */
	SETTING_SECRET, /* const char *: readable, and by nobody else */
	SETTING_HEADER, /* lists of const char * */
	SETTING_RESOLVE,
	SETTING_SEND, /* bytes, with escapes */
	SETTING_EXPECT, /* adds to what there is */
};

/* Which targets can have it. */
enum setting_for {
	FOR_ALL = 1 << 0,
	FOR_NET = 1 << 1, /* all with an address */
	FOR_PLAIN = 1 << 2, /* tcp, udp, unix */
	FOR_STREAM = 1 << 3, /* all over TCP */
	FOR_TLS = 1 << 4, /* where TLS is, or a redirect may lead to it */
	FOR_HTTP = 1 << 5,
	FOR_LOGIN = 1 << 6, /* http, mail, ftp, redis */
	FOR_MYSQL = 1 << 7,
};

struct setting {
	char letter; /* of the option, or 0 */
	const char *key;
	const char *argument; /* in the help; NULL: a flag */
	enum setting_kind kind;
	size_t member; /* offsetof(struct settings, ...) */
	unsigned targets; /* enum setting_for */
	const char *help;
	const char *choices; /* "1.2|1.3", or NULL */
	const char *group; /* the heading in the help; NULL: as before */
};

/* The table's entry i; NULL behind the last.  There are at most 64. */
struct setting *setting_at(size_t i);
/* enum setting_for of a scheme. */
unsigned setting_targets(const struct scheme *scheme, int starttls);
/* "http and https": who can have it, in words. */
const char *setting_targets_words(const struct setting *setting);
/* Append a word of a line, in quotes where conf.h needs them. */
void settings_add_word(struct ha_buf *text, const char *word, size_t len);
/* Append " key=value" of all that was given, quoted as conf.h reads it. */
void settings_add(struct ha_buf *text, const struct settings *settings);

/* A file that others may read holds no secret: EX_USAGE, with what to do. */
int settings_check_private(const char *path, struct ha_err *err);
/* A copy that lives until settings_release(). */
const char *settings_keep(const char *text);

#endif
