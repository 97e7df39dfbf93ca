/* SPDX-License-Identifier: ISC */
/*
 * channel - where alerts go: alert.conf.
 *
 * Lines of lib/conf.h:
 *
 *	channel NAME KIND [KEY=VALUE...]
 *	alias NAME CHANNEL...
 *	default KEY=VALUE...	for the channels below it
 *
 * The file, and each that it includes, is refused (EX_NOPERM) when others than
 * its owner can read or write it (mode & 077, an owner that is neither root nor
 * this user), as is every file of a secret that it names.  A relative file is
 * the one in $CREDENTIALS_DIRECTORY if there is one, else beside alert.conf.
 * Source: ha-alert(1), CHANNELS.
 */
#ifndef ALERT_CHANNEL_H
#define ALERT_CHANNEL_H

#include <stddef.h>
#include <stdint.h>

#include "err.h"
#include "status.h"

enum channel_kind {
	CHANNEL_SMTP,
	CHANNEL_SENDMAIL,
	CHANNEL_WEBHOOK,
	CHANNEL_EXEC,
	CHANNEL_FILE,
	CHANNEL_SYSLOG,
};

/*
 * A setting of the kind: url=, to=, template= ... in the order of the file.
 * What names a file has its whole path.
 */
struct channel_setting {
	char *key, *value;
};

struct channel {
	char *name; /* letters, digits, ". _ -": a directory of the spool */
	enum channel_kind kind;
	struct channel_setting *settings;
	size_t count;
	/* Common to all kinds. */
	char *match; /* match=PATTERN: only these checks; NULL: all */
	enum ha_status_state min; /* min=CRIT: problems below it are not told
				     here; their recovery isn't either */
	unsigned events; /* events=problem,recovery: bits 1 << event */
	int64_t group_ms; /* group=30s: what is there is one message, and the
			     next ones wait so long for each other; 0: each by
			     itself, at once */
	int64_t rate_n, rate_ms; /* rate=20/10m: at most; 0: no limit */
	int64_t give_up_ms; /* give-up=3d */
	int64_t timeout_ms; /* timeout=10s, of one delivery */
	char *fallback; /* fallback=NAME: after giving up; or NULL */
	char *look; /* look=COMMAND: "to look closer", a line for people; %c the
		       check, %h the host; or NULL */
};

struct channels {
	char *path;
	struct channel *channels;
	size_t count;
	struct channel_alias {
		char *name;
		char **members;
		size_t count;
	} * aliases;
	size_t alias_count;
};

/*
 * Read HA_CONFIG_DIR/alert.conf, or path if it is not NULL.  EX_CONFIG with
 * "file:line:column: ", EX_NOINPUT, EX_NOPERM; then nothing is held.  All keys
 * and values are checked here; files that they name are not looked at, so that
 * one that is missing stops one channel and not all.
 */
int
channels_read(struct channels *channels, const char *path, struct ha_err *err);
void channels_release(struct channels *channels);
/* NULL: no such channel. */
const struct channel *
channels_find(const struct channels *channels, const char *name);
/* The last value of a key; NULL: not set. */
const char *channel_get(const struct channel *channel, const char *key);
/* "smtp", "webhook", ... */
const char *channel_kind_name(enum channel_kind kind);
/*
 * The value of KEY=, or what the file named by KEY-file= holds (its final line
 * end cut).  The caller gives it to channel_forget().  *secret is NULL when
 * neither is set.  EX_CONFIG, EX_NOPERM (readable by others), EX_NOINPUT.
 */
int channel_secret(const struct channel *channel, const char *key,
    char **secret, struct ha_err *err);
/* Overwrite a secret and free it; NULL is none. */
void channel_forget(char *secret);
/*
 * Are the files and commands there that the channel names, and secrets as they
 * have to be?  EX_CONFIG, EX_NOPERM, EX_NOINPUT.  For --check-config.
 */
int channel_check(const struct channel *channel, struct ha_err *err);

#endif
