/* SPDX-License-Identifier: ISC */
/* settings - one table for the command line and for a targets file's lines. */
#include "settings.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <errno.h>
#include <net/if.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "alloc.h"
#include "clock.h"
#include "escape.h"
#include "url.h"

#define MEMBER(name) offsetof(struct settings, name)

#define RETRIES_MAX 100
#define REDIRECTS_MAX 50
#define BODY_MAX (INT64_C(1) << 30)

static struct setting table[] = {
	{ 't', "timeout", "DURATION", SETTING_DURATION, MEMBER(timeout_ms),
	    FOR_ALL, "deadline of one attempt (5s; as a plugin 10s)",
	    .group = "Each target (in a targets file: timeout=2s and so on)" },
	{ 'r', "retries", "N", SETTING_NUMBER, MEMBER(retries), FOR_ALL,
	    "further attempts when one fails (0)" },
	{ 'e', "expect", "TERMS", SETTING_EXPECT, MEMBER(expect), FOR_ALL,
	    "what it has to show: 'status=200 body~\"ok\" cert=14'; repeatable" },
	{ 'w', "warning", "RANGE", SETTING_WARN, MEMBER(time), FOR_ALL,
	    "WARN when it took longer, or lies outside of the range; 500ms, 2" },
	{ 'c', "critical", "RANGE", SETTING_CRIT, MEMBER(time), FOR_ALL,
	    "likewise CRIT" },
	{ 0, "host", "NAME", SETTING_WORD, MEMBER(host), FOR_ALL,
	    "the machine that it is about: the record's HOST" },
	{ '4', "ipv4", NULL, SETTING_IPV4, MEMBER(family), FOR_NET,
	    "IPv4 addresses only", .group = "Reaching it" },
	{ '6', "ipv6", NULL, SETTING_IPV6, MEMBER(family), FOR_NET,
	    "IPv6 addresses only" },
	{ 'B', "source", "ADDRESS", SETTING_SOURCE, MEMBER(source), FOR_NET,
	    "from this address or interface" },
	{ 0, "resolve", "HOST:ADDRESS", SETTING_RESOLVE, MEMBER(resolve),
	    FOR_NET,
	    "HOST is at ADDRESS[,ADDRESS...], whatever the resolver says; "
	    "repeatable" },
	{ 0, "each-address", NULL, SETTING_FLAG, MEMBER(each_address), FOR_NET,
	    "every address of the name is a check of its own" },
	{ 0, "haproxy", "VERSION", SETTING_CHOICE, MEMBER(proxy_protocol),
	    FOR_STREAM, "begin with HAProxy's PROXY protocol, version 1 or 2",
	    "1|2" },
	{ 0, "send", "BYTES", SETTING_SEND, MEMBER(send), FOR_PLAIN,
	    "tcp, udp, unix: say this first; \\r \\n \\xHH as in printf(1)" },
	{ 0, "defaults-file", "FILE", SETTING_SECRET, MEMBER(defaults_file),
	    FOR_MYSQL, "mysql: log in, with the [client] of this file" },
	{ 0, "cacert", "FILE", SETTING_FILE, MEMBER(ca_file), FOR_TLS,
	    "authorities to trust, instead of the system's", .group = "TLS" },
	{ 0, "cert", "FILE", SETTING_FILE, MEMBER(cert_file), FOR_TLS,
	    "the client's certificate, with its chain" },
	{ 0, "key", "FILE", SETTING_SECRET, MEMBER(key_file), FOR_TLS,
	    "its key, if that is not in the same file" },
	{ 0, "key-password-file", "FILE", SETTING_SECRET,
	    MEMBER(key_password_file), FOR_TLS, "the key's password" },
	{ 0, "sni", "NAME", SETTING_NAME, MEMBER(sni), FOR_TLS,
	    "ask for, and verify, this name instead of the URL's" },
	{ 0, "tls-min", "VERSION", SETTING_CHOICE, MEMBER(tls_min), FOR_TLS,
	    "offer no TLS below this", "1.0|1.1|1.2|1.3" },
	{ 0, "insecure", NULL, SETTING_FLAG, MEMBER(is_insecure), FOR_TLS,
	    "don't verify the certificate" },
	{ 0, "method", "METHOD", SETTING_METHOD, MEMBER(method), FOR_HTTP,
	    "instead of GET, or of POST with a body", .group = "HTTP" },
	{ 0, "header", "LINE", SETTING_HEADER, MEMBER(headers), FOR_HTTP,
	    "send 'Name: value', too; repeatable" },
	{ 0, "header-file", "FILE", SETTING_SECRET, MEMBER(header_file),
	    FOR_HTTP, "the same out of a file, a line each: secrets" },
	{ 0, "body-file", "FILE", SETTING_FILE, MEMBER(body_file), FOR_HTTP,
	    "send this file" },
	{ 0, "user-file", "FILE", SETTING_SECRET, MEMBER(user_file), FOR_LOGIN,
	    "log in as USER:PASSWORD, which FILE holds" },
	{ 0, "http-host", "NAME", SETTING_WORD, MEMBER(http_host), FOR_HTTP,
	    "Host: NAME instead of the URL's" },
	{ 0, "proxy", "URL", SETTING_PROXY, MEMBER(proxy), FOR_HTTP,
	    "through this HTTP proxy, http://HOST:PORT" },
	{ 0, "proxy-user-file", "FILE", SETTING_SECRET, MEMBER(proxy_user_file),
	    FOR_HTTP, "the proxy's USER:PASSWORD" },
	{ 0, "http-version", "VERSION", SETTING_CHOICE, MEMBER(http_version),
	    FOR_HTTP, "HTTP 1.0, 1.1 (default), 2; 2-prior: 2 without TLS",
	    "1.0|1.1|2|2-prior" },
	{ 0, "redirect", "POLICY", SETTING_CHOICE, MEMBER(redirect), FOR_HTTP,
	    "no: it is the answer (default); same-host: another one is CRIT; warn, crit: that is the state",
	    "no|follow|same-host|warn|crit" },
	{ 0, "max-redirects", "N", SETTING_NUMBER, MEMBER(max_redirects),
	    FOR_HTTP, "follow at most N (10)" },
	{ 0, "max-body", "BYTES", SETTING_BYTES, MEMBER(max_body), FOR_HTTP,
	    "read at most this much of a body: 100K, 10M (1M)" },
};

#define COUNT (sizeof(table) / sizeof(table[0]))
_Static_assert(COUNT <= 64, "settings.given has a bit for each");

/* Settings are copied by assignment, so what they point to is kept here. */
static struct kept {
	void *data;
	void (*release)(void *data);
} * kept;
static size_t kept_count, kept_room;

static void *
keep(void *data, void (*release)(void *data))
{
	if (kept_count == kept_room) {
		kept_room = kept_room ? 2 * kept_room : 64;
		kept = ha_xrealloc(kept, kept_room * sizeof(*kept));
	}
	kept[kept_count++] = (struct kept){ data, release };
	return data;
}

const char *
settings_keep(const char *text)
{
	return keep(ha_xstrdup(text), free);
}

void
settings_release(void)
{
	while (kept_count) {
		kept_count--;
		kept[kept_count].release(kept[kept_count].data);
	}
	free(kept);
	kept = NULL;
	kept_room = 0;
}

void
settings_init(struct settings *settings)
{
	memset(settings, 0, sizeof(*settings));
	settings->timeout_ms = 5000;
	settings->redirect = "no";
	settings->max_redirects = 10;
	settings->max_body = SEEN_KEEP;
}

struct setting *
setting_at(size_t i)
{
	return i < COUNT ? &table[i] : NULL;
}

unsigned
setting_targets(const struct scheme *scheme, int starttls)
{
	unsigned targets = FOR_ALL;

	if (scheme->way != WAY_UNIX)
		targets |= FOR_NET;
	if (!strcmp(scheme->name, "tcp") || !strcmp(scheme->name, "udp") ||
	    scheme->way == WAY_UNIX)
		targets |= FOR_PLAIN;
	if (scheme->way == WAY_STREAM || scheme->way == WAY_WEB)
		targets |= FOR_STREAM;
	if (scheme->has_tls || starttls || scheme_is_http(scheme))
		targets |= FOR_TLS;
	if (scheme_is_http(scheme))
		targets |= FOR_HTTP;
	if (scheme->way == WAY_WEB ? strcmp(scheme->name, "tls") != 0
				   : !strcmp(scheme->name, "redis"))
		targets |= FOR_LOGIN;
	if (!strcmp(scheme->name, "mysql"))
		targets |= FOR_MYSQL;
	return targets;
}

const char *
setting_targets_words(const struct setting *setting)
{
	switch (setting->targets) {
	case FOR_NET:
		return "targets with an address";
	case FOR_PLAIN:
		return "tcp, udp and unix";
	case FOR_STREAM:
		return "targets over TCP";
	case FOR_TLS:
		return "targets with TLS";
	case FOR_HTTP:
		return "http and https";
	case FOR_LOGIN:
		return "http, smtp, imap, pop3, ftp and redis";
	case FOR_MYSQL:
		return "mysql";
	default:
		return "all targets";
	}
}

/* Where a value is being put. */
struct place {
	struct settings *settings;
	const struct setting *setting;
	void *member;
	size_t *offset;
	struct ha_err *err;
};

static int __attribute__((format(printf, 3, 4)))
refuse(const struct place *place, size_t offset, const char *fmt, ...)
{
	struct ha_buf text = HA_BUF_INIT;
	va_list ap;

	va_start(ap, fmt);
	ha_buf_vaddf(&text, fmt, ap);
	va_end(ap);
	*place->offset = offset;
	ha_err_set(place->err, EX_USAGE, 0, "%s", text.data);
	ha_buf_release(&text);
	return -1;
}

static int
set_flag(const struct place *place, const char *value)
{
	int is_on = !value || !strcmp(value, "yes");

	if (!is_on && strcmp(value, "no"))
		return refuse(place, 0, "'%s' is neither yes nor no", value);
	if (place->setting->kind == SETTING_FLAG)
		*(int *)place->member = is_on;
	else if (!is_on)
		*(int *)place->member = AF_UNSPEC;
	else
		*(int *)place->member =
		    place->setting->kind == SETTING_IPV4 ? AF_INET : AF_INET6;
	return 0;
}

static int
set_duration(const struct place *place, const char *value)
{
	int64_t ms;

	if (ha_clock_parse_ms(value, &ms, place->err))
		return -1;
	if (ms == 0)
		return refuse(place, 0, "it can't be 0");
	*(int64_t *)place->member = ms;
	return 0;
}

/* Decimal digits, and for bytes K, M or G behind them. */
static int
set_number(const struct place *place, const char *value)
{
	int64_t max = place->setting->member == MEMBER(retries) ? RETRIES_MAX
		      : place->setting->member == MEMBER(max_redirects)
			  ? REDIRECTS_MAX
			  : BODY_MAX;
	int64_t number = 0;
	const char *p;

	for (p = value; *p >= '0' && *p <= '9' && number <= max; p++)
		number = 10 * number + (*p - '0');
	if (place->setting->kind == SETTING_BYTES && p != value && *p &&
	    strchr("KMG", *p)) {
		number <<= *p == 'K' ? 10 : *p == 'M' ? 20 : 30;
		p++;
	}
	if (p == value || (*p && number <= max))
		return refuse(place, (size_t)(p - value), "'%s' is no number%s",
		    value,
		    place->setting->kind == SETTING_BYTES ? " of bytes" : "");
	if (number > max)
		return refuse(place, 0, "at most %lld", (long long)max);
	*(int64_t *)place->member = number;
	return 0;
}

static int
set_range(const struct place *place, const char *value)
{
	struct ha_thresholds *time = place->member;
	int is_warn = place->setting->kind == SETTING_WARN;

	if (ha_range_parse(value, HA_RANGE_SECONDS,
		is_warn ? &time->warn : &time->crit, place->err))
		return -1;
	*(is_warn ? &time->has_warn : &time->has_crit) = 1;
	return 0;
}

static int
set_string(const struct place *place, const char *value)
{
	*(const char **)place->member = settings_keep(value);
	return 0;
}

static int
set_word(const struct place *place, const char *value)
{
	size_t i;

	for (i = 0; value[i]; i++)
		if ((unsigned char)value[i] <= ' ' || value[i] == 0x7f)
			return refuse(place, i,
			    "a blank or control byte can't stand here");
	if (!*value)
		return refuse(place, 0, "it can't be empty");
	return set_string(place, value);
}

static int
set_choice(const struct place *place, const char *value)
{
	const char *p = place->setting->choices;
	size_t len = strlen(value);

	for (; p; p = strchr(p, '|') ? strchr(p, '|') + 1 : NULL)
		if (!strncmp(p, value, len) && (!p[len] || p[len] == '|'))
			break;
	if (!p || !len || strchr(value, '|'))
		return refuse(place, 0, "'%s' is none of %s", value,
		    place->setting->choices);
	if (place->setting->member == MEMBER(proxy_protocol)) {
		place->settings->proxy_protocol = *value - '0';
		return 0;
	}
	return set_string(place, value);
}

static int
set_name(const struct place *place, const char *value)
{
	struct in_addr addr;
	size_t i;

	for (i = 0; value[i]; i++)
		if (!isalnum((unsigned char)value[i]) &&
		    !strchr("-._", value[i]))
			return refuse(place, i, "that is no host's name");
	/* libcurl would connect to it; SNI is for names (RFC 6066, 3). */
	if (inet_aton(value, &addr))
		return refuse(place, 0, "an address is no name");
	return set_word(place, value);
}

static int
is_address(const char *text)
{
	struct in6_addr addr;
	char plain[INET6_ADDRSTRLEN];
	size_t len = strcspn(text, "%");

	if (inet_pton(AF_INET, text, &addr) == 1)
		return 1;
	if (len >= sizeof(plain))
		return 0;
	memcpy(plain, text, len);
	plain[len] = '\0';
	return inet_pton(AF_INET6, plain, &addr) == 1;
}

static int
set_source(const struct place *place, const char *value)
{
	if (!is_address(value) &&
	    (strlen(value) >= IF_NAMESIZE || strpbrk(value, "/: ")))
		return refuse(place, 0,
		    "'%s' is neither an address nor an interface", value);
	return set_word(place, value);
}

/* RFC 9110, section 5.6.2. */
static size_t
token_len(const char *text)
{
	size_t len = 0;

	while (isalnum((unsigned char)text[len]) ||
	       (text[len] && strchr("!#$%&'*+-.^_`|~", text[len])))
		len++;
	return len;
}

static int
set_method(const struct place *place, const char *value)
{
	size_t len = token_len(value);

	if (value[len])
		return refuse(place, len, "'%s' is no method", value);
	return set_word(place, value);
}

static int
set_proxy(const struct place *place, const char *value)
{
	struct url url;

	if (strchr(value, '@'))
		return refuse(place, 0,
		    "a user and password stand in a file: "
		    "proxy-user-file");
	if (url_split(&url, value))
		return refuse(place, 0, "it reads http://HOST:PORT");
	url_release(&url);
	if (url.is_https || !url.has_port || *url.rest)
		return refuse(place, 0, "it reads http://HOST:PORT");
	return set_word(place, value);
}

int
settings_check_private(const char *path, struct ha_err *err)
{
	struct stat st;

	if (stat(path, &st))
		return ha_err_set(
		    err, EX_USAGE, errno, "can't read '%s'", path);
	if (S_ISREG(st.st_mode) && (st.st_mode & 077))
		return ha_err_set(err, EX_USAGE, 0,
		    "'%s' holds a secret, and others may read it: "
		    "chmod 600 '%s'",
		    path, path);
	return 0;
}

/* Now, when nothing runs yet, and not in the middle of a sweep. */
static int
set_file(const struct place *place, const char *value)
{
	struct stat st;

	if (!*value)
		return refuse(place, 0, "it can't be empty");
	if (stat(value, &st) || access(value, R_OK)) {
		*place->offset = 0;
		return ha_err_set(
		    place->err, EX_USAGE, errno, "can't read '%s'", value);
	}
	if (S_ISDIR(st.st_mode))
		return refuse(place, 0, "'%s' is a directory", value);
	if (place->setting->kind == SETTING_SECRET &&
	    settings_check_private(value, place->err))
		return -1;
	return set_string(place, value);
}

/* The list with one more; other settings may hold the old one. */
static int
set_list(const struct place *place, const char *value)
{
	const char *const **list = place->member;
	const char **longer;
	size_t count = 0;

	while (*list && (*list)[count])
		count++;
	longer = keep(ha_xcalloc(count + 2, sizeof(*longer)), free);
	if (count)
		memcpy(longer, *list, count * sizeof(*longer));
	longer[count] = keep(ha_xstrdup(value), free);
	*list = longer;
	return 0;
}

static int
set_header(const struct place *place, const char *value)
{
	static const char *const secrets[] = { "authorization",
		"proxy-authorization", "cookie" };
	size_t len = token_len(value);
	size_t i;

	if (!len || value[len] != ':')
		return refuse(place, len, "a header reads 'Name: value'");
	for (i = 0; i < sizeof(secrets) / sizeof(secrets[0]); i++)
		if (strlen(secrets[i]) == len &&
		    !strncasecmp(secrets[i], value, len))
			return refuse(
			    place, 0, "a secret stands in a file: header-file");
	for (i = len; value[i]; i++)
		if ((unsigned char)value[i] < ' ' && value[i] != '\t')
			return refuse(
			    place, i, "a control byte can't stand here");
	return set_list(place, value);
}

static int
set_resolve(const struct place *place, const char *value)
{
	size_t start = strcspn(value, ":"), len;
	char one[64];

	if (!start || !value[start])
		return refuse(place, start, "it reads HOST:ADDRESS[,ADDRESS]");
	do {
		start++;
		len = strcspn(value + start, ",");
		if (value[start] == '[' && len > 2 &&
		    value[start + len - 1] == ']') {
			start++;
			len -= 2;
		}
		if (len >= sizeof(one))
			return refuse(place, start, "that is no address");
		memcpy(one, value + start, len);
		one[len] = '\0';
		if (!is_address(one))
			return refuse(place, start, "that is no address");
		start += len + (value[start + len] == ']');
	} while (value[start]);
	return set_list(place, value);
}

static int
set_send(const struct place *place, const char *value)
{
	struct ha_buf bytes = HA_BUF_INIT;

	escape_undo(&bytes, value, strlen(value));
	place->settings->send_len = bytes.len;
	place->settings->send = keep(ha_buf_detach(&bytes), free);
	return 0;
}

static void
release_expect(void *expect)
{
	expect_free(expect);
}

static int
set_expect(const struct place *place, const char *value)
{
	struct expect *expect = expect_copy(place->settings->expect);
	int result = expect_parse(&expect, value, place->offset, place->err);

	if (expect)
		keep(expect, release_expect);
	if (!result)
		place->settings->expect = expect;
	return result;
}

static int (*const setters[])(const struct place *place, const char *value) = {
	[SETTING_FLAG] = set_flag,
	[SETTING_IPV4] = set_flag,
	[SETTING_IPV6] = set_flag,
	[SETTING_DURATION] = set_duration,
	[SETTING_NUMBER] = set_number,
	[SETTING_BYTES] = set_number,
	[SETTING_WARN] = set_range,
	[SETTING_CRIT] = set_range,
	[SETTING_WORD] = set_word,
	[SETTING_CHOICE] = set_choice,
	[SETTING_NAME] = set_name,
	[SETTING_SOURCE] = set_source,
	[SETTING_METHOD] = set_method,
	[SETTING_PROXY] = set_proxy,
	[SETTING_FILE] = set_file,
	[SETTING_SECRET] = set_file,
	[SETTING_HEADER] = set_header,
	[SETTING_RESOLVE] = set_resolve,
	[SETTING_SEND] = set_send,
	[SETTING_EXPECT] = set_expect,
};

int
settings_set(struct settings *settings, const char *key, const char *value,
    size_t *offset, struct ha_err *err)
{
	struct place place = { .settings = settings, .err = err };
	size_t ignored = 0, i;

	for (i = 0; i < COUNT && strcmp(table[i].key, key); i++)
		;
	place.offset = offset ? offset : &ignored;
	*place.offset = 0;
	if (i == COUNT)
		return ha_err_set(
		    err, EX_USAGE, 0, "there is no setting '%s'", key);
	place.setting = &table[i];
	place.member = (char *)settings + table[i].member;
	if (!value && table[i].argument)
		return ha_err_set(
		    err, EX_USAGE, 0, "it reads %s=%s", key, table[i].argument);
	settings->given |= UINT64_C(1) << i;
	return setters[table[i].kind](&place, value);
}

void
settings_add_word(struct ha_buf *text, const char *word, size_t len)
{
	const char *end = word + len;

	if (len && !memchr(word, '\'', len) &&
	    strcspn(word, " \t\r\n\\\"#") >= len) {
		ha_buf_add(text, word, len);
		return;
	}
	ha_buf_add_char(text, '\'');
	for (; word < end; word++)
		if (*word == '\'')
			ha_buf_add_str(text, "'\\''");
		else
			ha_buf_add_char(text, *word);
	ha_buf_add_char(text, '\'');
}

static void
add_pair(struct ha_buf *text, const char *key, const char *value, size_t len)
{
	ha_buf_addf(text, " %s=", key);
	settings_add_word(text, value, len);
}

static void
add_text(struct ha_buf *text, const char *key, const char *value)
{
	add_pair(text, key, value, strlen(value));
}

static void
add_number(struct ha_buf *text, const struct setting *setting, int64_t number)
{
	ha_buf_addf(text, " %s=%lld%s", setting->key, (long long)number,
	    setting->kind == SETTING_DURATION ? "ms" : "");
}

static void
add_range(struct ha_buf *text, const char *key, const struct ha_range *range)
{
	ha_buf_addf(text, " %s=", key);
	ha_range_add(text, range);
}

static void
add_send(struct ha_buf *text, const struct settings *settings)
{
	struct ha_buf escaped = HA_BUF_INIT;

	escape_add(&escaped, settings->send, settings->send_len);
	add_pair(text, "send", escaped.data, escaped.len);
	ha_buf_release(&escaped);
}

static void
add_one(struct ha_buf *text, const struct settings *settings,
    const struct setting *setting)
{
	const void *member = (const char *)settings + setting->member;
	const char *const *item;

	switch (setting->kind) {
	case SETTING_FLAG:
		add_text(
		    text, setting->key, *(const int *)member ? "yes" : "no");
		break;
	case SETTING_IPV4:
	case SETTING_IPV6:
		if (*(const int *)member ==
		    (setting->kind == SETTING_IPV4 ? AF_INET : AF_INET6))
			ha_buf_addf(text, " %s", setting->key);
		break;
	case SETTING_DURATION:
	case SETTING_NUMBER:
	case SETTING_BYTES:
		add_number(text, setting, *(const int64_t *)member);
		break;
	case SETTING_WARN:
		add_range(text, setting->key, &settings->time.warn);
		break;
	case SETTING_CRIT:
		add_range(text, setting->key, &settings->time.crit);
		break;
	case SETTING_HEADER:
	case SETTING_RESOLVE:
		for (item = *(const char *const *const *)member; *item; item++)
			add_text(text, setting->key, *item);
		break;
	case SETTING_SEND:
		add_send(text, settings);
		break;
	case SETTING_EXPECT:
		add_text(text, setting->key, expect_text(settings->expect));
		break;
	default:
		if (setting->member == MEMBER(proxy_protocol))
			add_number(text, setting, settings->proxy_protocol);
		else
			add_text(
			    text, setting->key, *(const char *const *)member);
		break;
	}
}

void
settings_add(struct ha_buf *text, const struct settings *settings)
{
	size_t i;

	for (i = 0; i < COUNT; i++)
		if (settings->given >> i & 1)
			add_one(text, settings, &table[i]);
}
