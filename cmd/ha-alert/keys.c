/* SPDX-License-Identifier: ISC */
/* keys - what each kind of channel can be told in alert.conf. */
#include "keys.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <syslog.h>

#include "address.h"
#include "alloc.h"

#define FACILITIES                                                             \
	"kern|user|mail|daemon|auth|syslog|lpr|news|uucp|cron|authpriv|ftp|"   \
	"local0|local1|local2|local3|local4|local5|local6|local7"

int
keys_choose(const char *choices, const char *value)
{
	size_t len = strlen(value), n;

	for (int i = 0;; i++) {
		n = strcspn(choices, "|");
		if (n == len && memcmp(choices, value, n) == 0)
			return i;
		if (choices[n] == '\0')
			return -1;
		choices += n + 1;
	}
}

static int
check_choice(const struct key *key, const char *value, struct ha_err *err)
{
	if (keys_choose(key->choices, value) >= 0)
		return 0;
	return ha_err_set(
	    err, EX_CONFIG, 0, "'%s' is none of %s", value, key->choices);
}

int
keys_facility(const char *name)
{
	static const int values[] = { LOG_KERN, LOG_USER, LOG_MAIL, LOG_DAEMON,
		LOG_AUTH, LOG_SYSLOG, LOG_LPR, LOG_NEWS, LOG_UUCP, LOG_CRON,
		LOG_AUTHPRIV, LOG_FTP, LOG_LOCAL0, LOG_LOCAL1, LOG_LOCAL2,
		LOG_LOCAL3, LOG_LOCAL4, LOG_LOCAL5, LOG_LOCAL6, LOG_LOCAL7 };
	int i = keys_choose(FACILITIES, name);

	return i < 0 ? LOG_DAEMON : values[i];
}

static int
check_addresses(const struct key *key, const char *value, struct ha_err *err)
{
	struct address_list list = { NULL, 0 };
	int failed = address_add(&list, value, err);

	(void)key;
	address_release(&list);
	return failed;
}

static int
check_address(const struct key *key, const char *value, struct ha_err *err)
{
	struct address_list list = { NULL, 0 };
	int failed = address_add(&list, value, err);

	(void)key;
	if (failed == 0 && list.count != 1)
		failed = ha_err_set(
		    err, EX_CONFIG, 0, "is one address, not %zu", list.count);
	address_release(&list);
	return failed;
}

static int
check_absolute(const struct key *key, const char *value, struct ha_err *err)
{
	(void)key;
	if (*value == '/')
		return 0;
	return ha_err_set(err, EX_CONFIG, 0, "a whole path begins with '/'");
}

/* What a name, an address or a port can be made of. */
static int
is_host(const char *text, size_t len)
{
	if (len == 0 || len > 255 || *text == '-')
		return 0;
	for (size_t i = 0; i < len; i++)
		if (!isalnum((unsigned char)text[i]) &&
		    strchr("-._:", text[i]) == NULL)
			return 0;
	return 1;
}

static int
parse_port(const char *text, unsigned *port)
{
	unsigned long value;
	char *end;

	if (!isdigit((unsigned char)*text) || strlen(text) > 5)
		return -1;
	value = strtoul(text, &end, 10);
	*port = (unsigned)value;
	return *end != '\0' || value < 1 || value > 65535 ? -1 : 0;
}

int
keys_parse_server(
    const char *server, char **host, unsigned *port, struct ha_err *err)
{
	const char *start = server, *end = strrchr(server, ':'), *rest;

	*port = 0;
	if (*server == '[') {
		start = server + 1;
		end = strchr(server, ']');
		rest = end != NULL ? end + 1 : "?";
	} else {
		if (end == NULL)
			end = server + strlen(server);
		rest = end;
	}
	if ((*rest != '\0' && *rest != ':') ||
	    (*rest == ':' && parse_port(rest + 1, port) != 0) ||
	    !is_host(start, (size_t)(end - start)) ||
	    (*server != '[' && memchr(start, ':', (size_t)(end - start)))) {
		ha_err_set(err, EX_CONFIG, 0,
		    "'%s' is no server: HOST, HOST:PORT or [ADDRESS]:PORT",
		    server);
		return -1;
	}
	*host = ha_xmemdup(start, (size_t)(end - start));
	return 0;
}

static int
check_server(const struct key *key, const char *value, struct ha_err *err)
{
	unsigned port;
	char *host;

	(void)key;
	if (keys_parse_server(value, &host, &port, err) != 0)
		return -1;
	free(host);
	return 0;
}

static int
check_host(const struct key *key, const char *value, struct ha_err *err)
{
	(void)key;
	if (is_host(value, strlen(value)))
		return 0;
	return ha_err_set(err, EX_CONFIG, 0, "'%s' is no host's name", value);
}

static int
is_loopback(const char *host)
{
	return strcasecmp(host, "localhost") == 0 || strcmp(host, "::1") == 0 ||
	       (strncmp(host, "127.", 4) == 0 &&
		   strspn(host, "0123456789.") == strlen(host));
}

int
keys_check_plain(
    const struct channel *channel, const char *host, struct ha_err *err)
{
	if (is_loopback(host) || channel_get(channel, "insecure") != NULL)
		return 0;
	return ha_err_set(err, EX_CONFIG, 0,
	    "to %s it would go unencrypted: if it has to, insecure= takes the "
	    "reason",
	    host);
}

int
keys_check_plain_url(
    const struct channel *channel, const char *url, struct ha_err *err)
{
	const char *start = url + 7, *at;
	char *server, *host;
	unsigned port;
	size_t len;
	int failed;

	if (strncmp(url, "http://", 7) != 0)
		return 0;
	len = strcspn(start, "/?#");
	at = memrchr(start, '@', len);
	if (at != NULL) {
		len -= (size_t)(at + 1 - start);
		start = at + 1;
	}
	server = ha_xmemdup(start, len);
	failed = keys_parse_server(server, &host, &port, err);
	free(server);
	if (failed == 0) {
		failed = keys_check_plain(channel, host, err);
		free(host);
	}
	return failed;
}

static int
check_url(const struct key *key, const char *value, struct ha_err *err)
{
	size_t scheme = strncmp(value, "https://", 8) == 0  ? 8
			: strncmp(value, "http://", 7) == 0 ? 7
							    : 0;

	(void)key;
	for (const char *p = value; *p != '\0'; p++)
		if (*p <= 0x20 || *p >= 0x7f)
			return ha_err_set(err, EX_CONFIG, 0,
			    "a URL holds no blank, and other characters than "
			    "ASCII as %%HH");
	if (scheme == 0 || strcspn(value + scheme, "/?#") == 0)
		return ha_err_set(err, EX_CONFIG, 0,
		    "is no URL that begins with https://HOST or http://HOST");
	return 0;
}

static int
check_header(const struct key *key, const char *value, struct ha_err *err)
{
	static const char *const ours[] = { "Content-Length",
		"Transfer-Encoding", "Idempotency-Key", "Connection" };
	size_t len = strspn(value, "abcdefghijklmnopqrstuvwxyz"
				   "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
				   "!#$%&'*+-.^_`|~");

	(void)key;
	if (len == 0 || value[len] != ':')
		return ha_err_set(
		    err, EX_CONFIG, 0, "is no header: 'Name: value'");
	for (size_t i = 0; i < sizeof(ours) / sizeof(ours[0]); i++)
		if (strlen(ours[i]) == len &&
		    strncasecmp(value, ours[i], len) == 0)
			return ha_err_set(err, EX_CONFIG, 0,
			    "the header %s is made here", ours[i]);
	return 0;
}

static int
check_expect(const struct key *key, const char *value, struct ha_err *err)
{
	(void)key;
	if (*value != '/' || strchr(value, '=') != NULL)
		return 0;
	return ha_err_set(err, EX_CONFIG, 0,
	    "is /POINTER=VALUE of JSON, or the text that is answered");
}

static int
has(const struct channel *channel, const char *key)
{
	return channel_get(channel, key) != NULL;
}

static int
has_secret(const struct channel *channel, const char *key)
{
	char file[32];

	snprintf(file, sizeof(file), "%s-file", key);
	return has(channel, key) || has(channel, file);
}

/* Without TLS only to this machine, or with a reason. */
static int
check_servers(const struct channel *channel, struct ha_err *err)
{
	const char *tls = channel_get(channel, "tls");
	int failed = 0;
	unsigned port;
	char *host;

	if (tls == NULL || strcmp(tls, "none") != 0)
		return 0;
	for (size_t i = 0; failed == 0 && i < channel->count; i++) {
		if (strcmp(channel->settings[i].key, "server") != 0)
			continue;
		failed = keys_parse_server(
		    channel->settings[i].value, &host, &port, err);
		if (failed != 0)
			break;
		failed = keys_check_plain(channel, host, err);
		free(host);
	}
	return failed;
}

static int
check_smtp(const struct channel *channel, struct ha_err *err)
{
	const char *auth = channel_get(channel, "auth");
	int is_token = auth != NULL && strcmp(auth, "xoauth2") == 0;
	int has_password = has_secret(channel, "password");
	int has_command = has(channel, "token-command");

	if (is_token && !has_command)
		return ha_err_set(
		    err, EX_CONFIG, 0, "auth=xoauth2 needs token-command=");
	if (!is_token && has_command)
		return ha_err_set(
		    err, EX_CONFIG, 0, "token-command= is for auth=xoauth2");
	if (!has(channel, "user") ? auth != NULL || has_password
				  : !is_token && !has_password)
		return ha_err_set(err, EX_CONFIG, 0,
		    "a login takes user= and password-file=");
	if (has(channel, "token-arg") && !has_command)
		return ha_err_set(
		    err, EX_CONFIG, 0, "token-arg= is for token-command=");
	return check_servers(channel, err);
}

static int
check_webhook(const struct channel *channel, struct ha_err *err)
{
	const char *sign = channel_get(channel, "sign");
	const char *expect = channel_get(channel, "expect");
	const char *url = channel_get(channel, "url");

	if (sign != NULL && strcmp(sign, "none") != 0 &&
	    !has_secret(channel, "secret"))
		return ha_err_set(
		    err, EX_CONFIG, 0, "sign=%s needs secret-file=", sign);
	if (has_secret(channel, "token") && has(channel, "user"))
		return ha_err_set(
		    err, EX_CONFIG, 0, "user= or token-file=, not both");
	if (has(channel, "user") != has_secret(channel, "password"))
		return ha_err_set(err, EX_CONFIG, 0,
		    "a login takes user= and password-file=");
	if (has(channel, "busy") && expect != NULL && *expect != '/')
		return ha_err_set(
		    err, EX_CONFIG, 0, "busy= needs a pointer in expect=");
	return url != NULL ? keys_check_plain_url(channel, url, err) : 0;
}

#define CERTIFICATES                                                           \
	{ "ca", KEY_FILE, NULL, NULL,                                          \
		"the authorities that may have signed the server's "           \
		"certificate" },                                               \
	    { "cert", KEY_FILE, NULL, NULL, "our own certificate" },           \
	    { "key", KEY_FILE | KEY_PRIVATE, NULL, NULL,                       \
		    "the key of cert=, if it is not in the same file" },       \
	    { "key-password", KEY_SECRET, NULL, NULL,                          \
		    "what the key is encrypted with" },                        \
	{                                                                      \
		"insecure", 0, NULL, NULL,                                     \
		    "why it may go unencrypted, in words"                      \
	}
#define ADDRESSES                                                              \
	{ "to", KEY_NEEDED, check_addresses, NULL, "who gets it: a@b,c@d" },   \
	    { "cc", 0, check_addresses, NULL, "who gets a copy" },             \
	    { "from", 0, check_address, NULL, "who it is from" },              \
	    { "reply-to", 0, check_addresses, NULL, "where replies go" },      \
	{                                                                      \
		"envelope-from", 0, check_address, NULL,                       \
		    "who hears that it could not be delivered"                 \
	}
#define LOGIN                                                                  \
	{ "user", 0, NULL, NULL, "the name to log in with" },                  \
	{                                                                      \
		"password", KEY_SECRET, NULL, NULL, "its password"             \
	}
#define TEMPLATE                                                               \
	{                                                                      \
		"template", 0, NULL, NULL,                                     \
		    "what is sent: a shipped template, or a file by its path"  \
	}
#define END                                                                    \
	{                                                                      \
		NULL, 0, NULL, NULL, NULL                                      \
	}

static const struct key smtp_keys[] = {
	{ "server", KEY_NEEDED | KEY_MANY, check_server, NULL,
	    "HOST or HOST:PORT; several are tried in order" },
	{ "tls", 0, check_choice, "starttls|tls|none",
	    "how it is encrypted (starttls)" },
	CERTIFICATES,
	LOGIN,
	{ "auth", 0, check_choice, "plain|login|xoauth2", "how to log in" },
	{ "token-command", KEY_PROGRAM, NULL, NULL,
	    "what prints the token of auth=xoauth2" },
	{ "token-arg", KEY_MANY | KEY_EMPTY, NULL, NULL,
	    "an argument of token-command" },
	ADDRESSES,
	{ "ehlo", 0, check_host, NULL, "the name to greet with" },
	END,
};

static const struct key sendmail_keys[] = {
	{ "path", KEY_PROGRAM, check_absolute, NULL,
	    "the program (/usr/sbin/sendmail)" },
	ADDRESSES,
	END,
};

static const struct key webhook_keys[] = {
	{ "url", KEY_NEEDED | KEY_SECRET, check_url, NULL, "where it is sent" },
	TEMPLATE,
	{ "method", 0, check_choice, "POST|PUT|PATCH|GET", "POST" },
	{ "header", KEY_MANY | KEY_SECRET, check_header, NULL,
	    "'Name: value', one more header" },
	{ "token", KEY_SECRET, NULL, NULL, "for 'Authorization: Bearer'" },
	LOGIN,
	{ "secret", KEY_SECRET, NULL, NULL, "what it is signed with" },
	{ "sign", 0, check_choice, "standard|dingtalk|feishu|none",
	    "how it is signed" },
	CERTIFICATES,
	{ "proxy", KEY_SECRET, check_url, NULL, "an HTTP proxy's URL" },
	{ "expect", 0, check_expect, NULL,
	    "/POINTER=VALUE, or a text: what a good answer has" },
	{ "busy", 0, NULL, NULL,
	    "VALUE,VALUE of expect's pointer: try again later" },
	END,
};

static const struct key exec_keys[] = {
	{ "command", KEY_NEEDED | KEY_PROGRAM, NULL, NULL,
	    "the program to run" },
	{ "arg", KEY_MANY | KEY_EMPTY, NULL, NULL, "an argument of it" },
	TEMPLATE,
	END,
};

static const struct key file_keys[] = {
	{ "path", KEY_NEEDED, check_absolute, NULL, "the file to append to" },
	TEMPLATE,
	END,
};

static const struct key syslog_keys[] = {
	{ "facility", 0, check_choice, FACILITIES, "daemon" },
	{ "tag", 0, NULL, NULL, "ha-alert" },
	{ "socket", 0, check_absolute, NULL, "/dev/log" },
	END,
};

const struct keys_kind keys_kinds[] = {
	[CHANNEL_SMTP] = { "smtp", 30000, smtp_keys, check_smtp },
	[CHANNEL_SENDMAIL] = { "sendmail", 30000, sendmail_keys, NULL },
	[CHANNEL_WEBHOOK] = { "webhook", 10000, webhook_keys, check_webhook },
	[CHANNEL_EXEC] = { "exec", 10000, exec_keys, NULL },
	[CHANNEL_FILE] = { "file", 10000, file_keys, NULL },
	[CHANNEL_SYSLOG] = { "syslog", 10000, syslog_keys, NULL },
};

const struct key *
keys_find(enum channel_kind kind, const char *name, int *is_file)
{
	const struct key *key = keys_kinds[kind].keys;
	size_t len;

	for (; key->name != NULL; key++) {
		len = strlen(key->name);
		if (strncmp(name, key->name, len) != 0)
			continue;
		*is_file = (key->flags & KEY_SECRET) != 0 &&
			   strcmp(name + len, "-file") == 0;
		if (name[len] == '\0' || *is_file)
			return key;
	}
	return NULL;
}

int
keys_check_value(
    const struct key *key, int is_file, const char *value, struct ha_err *err)
{
	if (*value == '\0' && !(key->flags & KEY_EMPTY))
		return ha_err_set(err, EX_CONFIG, 0, "%s%s= is empty: %s",
		    key->name, is_file ? "-file" : "", key->help);
	if (is_file || key->check == NULL)
		return 0;
	return key->check(key, value, err);
}
