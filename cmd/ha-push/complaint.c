/* SPDX-License-Identifier: ISC */
/*
 * complaint - what ssh says on stderr, and what it means.
 */
#include "complaint.h"

#include <stdlib.h>
#include <string.h>

#include "alloc.h"
#include "clock.h"
#include "hostkey.h"
#include "identity.h"

static const char login[] = " during the login";
static const char exchange[] = " during the key exchange";

enum { WORDS_KEPT = 8 * 1024, LINE_MAX_LEN = 2048 };

void
complaint_init(struct complaint *c)
{
	memset(c, 0, sizeof(*c));
	ha_buf_init(&c->line);
	ha_buf_init(&c->words);
}

void
complaint_release(struct complaint *c)
{
	ha_buf_release(&c->line);
	ha_buf_release(&c->words);
	free(c->key);
	free(c->greeting);
	c->key = c->greeting = NULL;
}

void
complaint_forget(struct complaint *c)
{
	ha_buf_reset(&c->words);
}

/* What stands behind prefix in text; NULL when it begins with something else. */
static const char *
after(const char *text, const char *prefix)
{
	size_t len = strlen(prefix);

	return strncmp(text, prefix, len) == 0 ? text + len : NULL;
}

static void
take_debug(struct complaint *c, const char *text)
{
	static const char banner[] = "banner line 0: ";
	const char *key = after(text, "Server host key: ");
	const char *greeting = strstr(text, banner);

	if (key != NULL && c->key == NULL)
		c->key = ha_xstrdup(key);
	else if (after(text, "Remote protocol version ") != NULL)
		c->is_ssh = 1;
	else if (after(text, "SSH2_MSG_NEWKEYS received") != NULL)
		c->is_asking = 1;
	else if (greeting != NULL && c->greeting == NULL)
		c->greeting = ha_xstrdup(greeting + sizeof(banner) - 1);
}

static void
take_line(struct complaint *c)
{
	const char *debug = after(c->line.data, "debug1: ");

	while (c->line.len > 0 && c->line.data[c->line.len - 1] == '\r')
		ha_buf_truncate(&c->line, c->line.len - 1);
	if (debug != NULL) {
		take_debug(c, debug);
	} else if (c->line.len > 0) {
		ha_buf_add(&c->words, c->line.data, c->line.len);
		ha_buf_add_char(&c->words, '\n');
	}
	if (c->words.len > WORDS_KEPT)
		ha_buf_consume(&c->words, c->words.len - WORDS_KEPT);
	ha_buf_reset(&c->line);
}

void
complaint_add(struct complaint *c, const char *data, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if (data[i] == '\n')
			take_line(c);
		else if (c->line.len < LINE_MAX_LEN && data[i] != '\0')
			ha_buf_add_char(&c->line, data[i]);
}

/* A copy of what follows part, up to the end of its line; NULL: not there. */
static char *
find(const struct complaint *c, const char *part)
{
	const char *at = strstr(c->words.data, part);

	if (at == NULL)
		return NULL;
	at += strlen(part);
	return ha_xmemdup(at, strcspn(at, "\n"));
}

static int
has(const struct complaint *c, const char *part)
{
	return strstr(c->words.data, part) != NULL;
}

/* The last line, and what there is when there is none. */
static char *
last_words(const struct complaint *c, int status)
{
	char *text = ha_xstrdup(c->words.data);
	size_t len = strlen(text);
	char *lf, *last;

	if (len > 0)
		text[len - 1] = '\0';
	lf = strrchr(text, '\n');
	if (len > 0)
		last = ha_xstrdup(lf != NULL ? lf + 1 : text);
	else if (status > 128 && status < 255)
		last =
		    ha_xasprintf("ssh was killed by signal %d", status - 128);
	else
		last = ha_xasprintf("ssh ended with status %d", status);
	free(text);
	return last;
}

/* --- before the login --- */

static int
refuse_host(const struct complaint *c, const struct sshconf *conf,
    int64_t timeout_ms, struct ha_err *err)
{
	enum hostkey_fault fault = HOSTKEY_IS_UNKNOWN;
	char *type = ha_xstrdup(c->key != NULL ? c->key : "a key");
	char *print = strchr(type, ' ');
	struct hostkeys keys;
	int rc;

	if (print != NULL)
		*print++ = '\0';
	if (has(c, "REVOKED HOST KEY") || has(c, " revoked by file "))
		fault = HOSTKEY_IS_REVOKED;
	else if (has(c, "HOST IDENTIFICATION HAS CHANGED"))
		fault = HOSTKEY_HAS_CHANGED;
	rc = hostkeys_load(&keys, conf, timeout_ms, err);
	if (rc == 0)
		rc = hostkeys_refuse(
		    &keys, fault, type, print != NULL ? print : "", err);
	hostkeys_release(&keys);
	free(type);
	return rc;
}

static int
refuse_login(const struct sshconf *conf, const char *methods,
    int64_t timeout_ms, struct ha_err *err)
{
	struct identities ids = IDENTITIES_INIT;
	struct ha_buf tried = HA_BUF_INIT;
	struct ha_buf note = HA_BUF_INIT;
	char *copy = ha_xmemdup(methods, strcspn(methods, ")"));
	int rc = identities_collect(&ids, conf, timeout_ms, &note, err);

	if (rc == 0) {
		identities_words(&ids, &tried);
		rc = identities_refused(conf, &tried, &note, copy, err);
	}
	identities_release(&ids);
	ha_buf_release(&tried);
	ha_buf_release(&note);
	free(copy);
	return rc;
}

/* "no matching cipher found. Their offer: aes128-gcm@openssh.com" */
static int
nothing_in_common(
    const struct sshconf *conf, const char *words, struct ha_err *err)
{
	const char *what = strstr(words, "no matching ");
	const char *offer = strstr(words, "offer: ");
	size_t len;

	if (what == NULL || offer == NULL)
		return ha_err_set(err, EX_CONFIG, 0,
		    "ssh and %.100s have nothing in common: %.300s",
		    conf->typed, words);
	what += strlen("no matching ");
	len = strcspn(what, ".");
	if (len > 6 && strncmp(what + len - 6, " found", 6) == 0)
		len -= 6;
	return ha_err_set(err, EX_CONFIG, 0,
	    "ssh and %.100s have no %.*s in common; the server offers %.300s. "
	    "Allow one of these in ssh's configuration, or another one in the "
	    "server's sshd_config",
	    conf->typed, (int)len, what, offer + strlen("offer: "));
}

/* "HOST: Name or service not known" */
static int
no_such_host(const struct sshconf *conf, const char *words, struct ha_err *err)
{
	const char *reason = strstr(words, ": ");

	reason = reason != NULL ? reason + 2 : words;
	if (strcmp(reason, "Name or service not known") == 0)
		return ha_err_set(
		    err, EX_UNAVAILABLE, 0, "unknown host %.200s", conf->host);
	return ha_err_set(err, EX_UNAVAILABLE, 0,
	    "can't look up host %.200s: %.200s", conf->host, reason);
}

static int
proxy_failed(const struct complaint *c, const struct sshconf *conf,
    const char *last, struct ha_err *err)
{
	return ha_err_set(err, EX_UNAVAILABLE, 0,
	    "the proxy to %.200s ended before it connected (%s %.300s)%s%.200s",
	    conf->typed, conf->proxy_command ? "ProxyCommand" : "ProxyJump",
	    conf->proxy_command ? conf->proxy_command : conf->proxy_jump,
	    c->words.len > 0 ? ": " : "", c->words.len > 0 ? last : "");
}

/* What the words before the first greeting mean. */
static int
no_connection(const struct complaint *c, const struct sshconf *conf,
    const char *last, int64_t timeout_ms, struct ha_err *err)
{
	char *words = NULL;
	char since[64];
	int rc;

	ha_clock_words(timeout_ms, since, sizeof(since));
	if ((words = find(c, "Could not resolve hostname ")) != NULL)
		rc = no_such_host(conf, words, err);
	else if ((words = find(c, "connect to host ")) != NULL ||
		 (words = find(c, "connect to address ")) != NULL)
		rc = ha_err_set(
		    err, EX_UNAVAILABLE, 0, "can't connect to %.300s", words);
	else if (c->greeting != NULL)
		rc = ha_err_set(err, EX_UNAVAILABLE, 0,
		    "port %d of %.200s does not speak SSH; it says: %.100s",
		    conf->port, conf->host, c->greeting);
	else if (has(c, "timed out during banner exchange"))
		rc = ha_err_set(err, EX_UNAVAILABLE, 0,
		    "no answer from %.200s for %s to the SSH key exchange",
		    conf->typed, since);
	else if (has(c, "onfiguration option") ||
		 has(c, "Bad owner or permissions"))
		rc = ha_err_set(err, EX_CONFIG, 0, "ssh %.200s fails: %.500s",
		    conf->typed, last);
	else if (conf->proxy_command != NULL || conf->proxy_jump != NULL)
		rc = proxy_failed(c, conf, last, err);
	else
		rc = ha_err_set(err, EX_UNAVAILABLE, 0,
		    "%.200s closed the connection during the key exchange: "
		    "%.300s",
		    conf->typed, last);
	free(words);
	return rc;
}

/* doing: "", or " during the login". */
static int
session_ended(const struct complaint *c, const struct sshconf *conf,
    const char *doing, const char *last, struct ha_err *err)
{
	int is_login = strcmp(doing, login) == 0;
	char *farewell = find(c, "Received disconnect from ");
	int rc;

	if (farewell != NULL) {
		const char *text = strchr(farewell, ':');

		text = text != NULL ? text + 1 : farewell;
		text += strspn(text, "0123456789: ");
		rc = ha_err_set(err, is_login ? EX_NOPERM : EX_UNAVAILABLE, 0,
		    "%.200s ended the connection%s: %.200s", conf->typed, doing,
		    text);
	} else if (has(c, "onnection closed") || has(c, "onnection reset") ||
		   has(c, "closed by remote host") || has(c, "Broken pipe")) {
		rc = ha_err_set(err, EX_UNAVAILABLE, 0,
		    "%.200s closed the connection%s", conf->typed, doing);
	} else {
		rc = ha_err_set(err,
		    has(c, "incorrect signature") ? EX_NOPERM : EX_UNAVAILABLE,
		    0, "the session with %.200s broke%s: %.300s", conf->typed,
		    doing, last);
	}
	free(farewell);
	return rc;
}

int
complaint_no_login(const struct complaint *c, const struct sshconf *conf,
    int status, int64_t timeout_ms, struct ha_err *err)
{
	char *last = last_words(c, status);
	char *words = NULL;
	int rc;

	/* A jump host's complaints look the same. */
	if (!c->is_ssh)
		rc = no_connection(c, conf, last, timeout_ms, err);
	else if (has(c, "Host key verification failed"))
		rc = refuse_host(c, conf, timeout_ms, err);
	else if ((words = find(c, "Permission denied (")) != NULL)
		rc = refuse_login(conf, words, timeout_ms, err);
	else if ((words = find(c, "Unable to negotiate with ")) != NULL)
		rc = nothing_in_common(conf, words, err);
	else
		rc = session_ended(
		    c, conf, c->is_asking ? login : exchange, last, err);
	free(words);
	free(last);
	return rc;
}

/* An agent that does not answer keeps ssh from everything. */
int
complaint_no_answer(const struct complaint *c, const struct sshconf *conf,
    const char *since, int64_t timeout_ms, struct ha_err *err)
{
	struct identities ids = IDENTITIES_INIT;
	struct ha_buf note = HA_BUF_INIT;
	int rc = 0;

	if (c->is_asking)
		rc = identities_collect(&ids, conf, timeout_ms, &note, err);
	if (rc == 0)
		rc = ha_err_set(err, EX_UNAVAILABLE, 0,
		    "no answer from %.200s for %s to the %s%.200s", conf->typed,
		    since, c->is_asking ? "login" : "SSH key exchange",
		    note.data);
	identities_release(&ids);
	ha_buf_release(&note);
	return rc;
}

/* --- after it --- */

int
complaint_lost(const struct complaint *c, const struct sshconf *conf,
    int status, const char *silence, struct ha_err *err)
{
	char *last = last_words(c, status);
	int rc;

	if (has(c, "Timeout, server "))
		rc = ha_err_set(err, EX_UNAVAILABLE, 0,
		    "no answer from %.200s for %s", conf->typed, silence);
	else if (c->words.len > 0)
		rc = session_ended(c, conf, "", last, err);
	else
		rc = ha_err_set(err, EX_UNAVAILABLE, 0,
		    "the session with %.200s is lost: %s", conf->typed, last);
	free(last);
	return rc;
}
