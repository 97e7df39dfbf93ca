/* SPDX-License-Identifier: ISC */
/*
 * target - a URL, taken apart by hand: the small part of RFC 3986 that names a
 * service.
 */
#include <arpa/inet.h>
#include <ctype.h>
#include <net/if.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/un.h>

#include "alloc.h"
#include "dialog.h"
#include "settings.h"

#define NAME_MAX_LEN 253

struct parser {
	struct target *target;
	const char *url;
	const char *at; /* the first byte that is not taken yet */
	size_t *offset;
	struct ha_err *err;
};

static int __attribute__((format(printf, 3, 4)))
refuse(const struct parser *parser, const char *at, const char *fmt, ...)
{
	struct ha_buf text = HA_BUF_INIT;
	va_list ap;

	va_start(ap, fmt);
	ha_buf_vaddf(&text, fmt, ap);
	va_end(ap);
	if (parser->offset)
		*parser->offset = (size_t)(at - parser->url);
	ha_err_set(parser->err, EX_USAGE, 0, "%s", text.data);
	ha_buf_release(&text);
	return -1;
}

static int
refuse_scheme(const struct parser *parser, size_t len)
{
	struct ha_buf names = HA_BUF_INIT;
	size_t i;

	for (i = 0; scheme_at(i); i++)
		ha_buf_addf(&names, "%s%s", i ? " " : "", scheme_at(i)->name);
	refuse(parser, parser->url, "'%.*s' is none of %s", (int)len,
	    parser->url, names.data);
	ha_buf_release(&names);
	return -1;
}

/* HOST:PORT, with nothing that says what is spoken there? */
static int
is_bare(const char *text)
{
	size_t len = strcspn(text, "/?#");
	const char *colon = memrchr(text, ':', len);
	size_t digits;

	if (!colon || memchr(text, '@', len))
		return 0;
	digits = strspn(colon + 1, "0123456789");
	return digits && colon + 1 + digits == text + len;
}

/* What comes before "://"; without it a hint at what may be meant. */
static int
parse_scheme(struct parser *parser)
{
	const char *end = strstr(parser->url, "://");
	const char *plus;
	size_t len;

	if (!end && is_bare(parser->url))
		return refuse(parser, parser->url,
		    "what is spoken there? tcp://%s?", parser->url);
	if (!end)
		return refuse(parser, parser->url,
		    "that is no URL, such as https://web1/ or tcp://web1:22");
	len = (size_t)(end - parser->url);
	plus = memchr(parser->url, '+', len);
	if (plus)
		len = (size_t)(plus - parser->url);
	parser->target->scheme = scheme_find(parser->url, len);
	if (!parser->target->scheme)
		return refuse_scheme(parser, len);
	parser->at = end + 3;
	if (!plus)
		return 0;
	if (end - plus != 9 || strncasecmp(plus, "+starttls", 9))
		return refuse(parser, plus, "only +starttls may stand here");
	if (!parser->target->scheme->can_starttls)
		return refuse(parser, plus,
		    "%s has no STARTTLS; smtp, imap, pop3 and ftp do",
		    parser->target->scheme->name);
	parser->target->starttls = 1;
	return 0;
}

static int
hex_digit(char c)
{
	if (isdigit((unsigned char)c))
		return c - '0';
	return isxdigit((unsigned char)c) ? tolower((unsigned char)c) - 'a' + 10
					  : -1;
}

/* Only what RFC 3986 lets stand in a path and query. */
static int
check_path(const struct parser *parser, const char *path)
{
	for (; *path; path++) {
		if (*path == '#')
			return refuse(parser, path,
			    "what follows '#' is never sent: leave it out, or "
			    "write %%23");
		if ((unsigned char)*path <= ' ' || *path & 0x80 ||
		    strchr("\"<>\\^`{|}\x7f", *path))
			return refuse(parser, path,
			    "this byte has to be written %%%02X",
			    (unsigned char)*path);
		if (*path == '%' &&
		    (hex_digit(path[1]) < 0 || hex_digit(path[2]) < 0))
			return refuse(
			    parser, path, "two hex digits have to follow '%%'");
	}
	return 0;
}

static int
parse_unix(struct parser *parser)
{
	struct sockaddr_un sun;
	struct ha_buf path = HA_BUF_INIT;
	const char *p = parser->at;
	int c, result = 0;

	if ((*p != '/' && *p != '@') || !p[1])
		return refuse(parser, p, "it reads unix:///path/of/the/socket");
	if (check_path(parser, p))
		return -1;
	while (*p && !result) {
		c = (unsigned char)*p;
		if (c == '%')
			c = 16 * hex_digit(p[1]) + hex_digit(p[2]);
		if (!c)
			result = refuse(
			    parser, p, "a NUL byte can't stand in a path");
		ha_buf_add_char(&path, (char)c);
		p += *p == '%' ? 3 : 1;
	}
	if (!result && path.len >= sizeof(sun.sun_path))
		result = refuse(parser, parser->at,
		    "the path is longer than the %zu bytes that unix(7) has",
		    sizeof(sun.sun_path) - 1);
	parser->target->path = ha_buf_detach(&path);
	return result;
}

/* Between the brackets; a zone follows '%', or "%25" as RFC 6874 has it. */
static int
parse_ipv6(struct parser *parser, const char *start, size_t len)
{
	struct in6_addr addr;
	char *host = ha_xmemdup(start, len);
	char *zone = strchr(host, '%');
	size_t zone_len;

	parser->target->host = host;
	if (zone && !strncmp(zone, "%25", 3) && zone[3])
		memmove(zone + 1, zone + 3, strlen(zone + 3) + 1);
	if (zone)
		*zone = '\0';
	if (inet_pton(AF_INET6, host, &addr) != 1)
		return refuse(parser, start, "'%s' is no IPv6 address", host);
	if (!zone)
		return 0;
	*zone = '%';
	zone_len = strlen(zone + 1);
	if (!zone_len || zone_len >= IF_NAMESIZE || strpbrk(zone + 1, "%[]/: "))
		return refuse(parser, start + (zone - host),
		    "an interface's name has to follow '%%'");
	return 0;
}

static int
check_name(const struct parser *parser, const char *start, const char *host)
{
	struct in_addr addr;
	const char *p;

	for (p = host; *p; p++)
		if (!isalnum((unsigned char)*p) && !strchr("-._", *p))
			return refuse(parser, start + (p - host),
			    *p & 0x80 ? "a name with other letters is written "
					"in its xn-- form"
				      : "that can't stand in a host's name");
	if (p - host > NAME_MAX_LEN)
		return refuse(parser, start, "no host's name is so long");
	if (*host == '.' || *host == '-' || strstr(host, ".."))
		return refuse(parser, start, "that is no host's name");
	/* getaddrinfo(3) would make 10.0.0.1 of "10.1". */
	if (!host[strspn(host, "0123456789.")] &&
	    inet_pton(AF_INET, host, &addr) != 1)
		return refuse(parser, start, "that is no IPv4 address");
	return 0;
}

static int
parse_port(struct parser *parser, const char *start, const char *end)
{
	const struct scheme *scheme = parser->target->scheme;
	unsigned port = 0;
	const char *p;

	if (scheme->way == WAY_ICMP)
		return refuse(parser, start, "icmp has no ports");
	for (p = start; p < end && isdigit((unsigned char)*p) && port < 65536;
	     p++)
		port = 10 * port + (unsigned)(*p - '0');
	if (p < end || port == 0 || port > 65535)
		return refuse(
		    parser, start, "a port is a number from 1 to 65535");
	parser->target->port = (uint16_t)port;
	return 0;
}

static int
parse_host(struct parser *parser, const char *end)
{
	const char *start = parser->at;
	const char *close, *stop;

	if (start == end)
		return refuse(parser, start, "a host has to stand here");
	if (*start == '[') {
		close = memchr(start, ']', (size_t)(end - start));
		if (!close)
			return refuse(parser, start, "there is no ']'");
		parser->at = close + 1;
		return parse_ipv6(
		    parser, start + 1, (size_t)(close - start - 1));
	}
	stop = memchr(start, ':', (size_t)(end - start));
	if (stop && memchr(stop + 1, ':', (size_t)(end - stop - 1)))
		return refuse(parser, start,
		    "an IPv6 address stands in brackets: [2001:db8::1]");
	parser->at = stop ? stop : end;
	if (parser->at == start)
		return refuse(parser, start, "a host has to stand here");
	parser->target->host = ha_xmemdup(start, (size_t)(parser->at - start));
	return check_name(parser, start, parser->target->host);
}

static int
parse_authority(struct parser *parser)
{
	const struct scheme *scheme = parser->target->scheme;
	const char *start = parser->at;
	const char *end = start + strcspn(start, "/?#");
	unsigned can = setting_targets(scheme, 0);

	if (memchr(start, '@', (size_t)(end - start)))
		return refuse(parser, start,
		    "no user or password can stand in a URL, where everybody "
		    "sees it; %s",
		    can & FOR_LOGIN
			? "user-file names a file with USER:PASSWORD"
		    : can & FOR_MYSQL ? "defaults-file names a file with them"
				      : "leave it out");
	parser->target->port = scheme->port;
	if (parse_host(parser, end))
		return -1;
	if (parser->at < end && *parser->at != ':')
		return refuse(parser, parser->at, "only :PORT may follow");
	if (parser->at < end && parse_port(parser, parser->at + 1, end))
		return -1;
	if (!parser->target->port && scheme->way != WAY_ICMP)
		return refuse(parser, end, "%s needs a port: %s://%s:PORT",
		    scheme->name, scheme->name, parser->target->host);
	parser->at = end;
	return 0;
}

static int
parse_path(struct parser *parser)
{
	const struct scheme *scheme = parser->target->scheme;

	if (check_path(parser, parser->at))
		return -1;
	if (!scheme->has_path && strcmp(parser->at, "/") && *parser->at)
		return refuse(
		    parser, parser->at, "%s has no paths", scheme->name);
	parser->target->path =
	    ha_xasprintf("%s%s", *parser->at == '?' ? "/" : "", parser->at);
	return 0;
}

/* Terms that such a target can never show would always fail. */
static int
check_expect(const struct parser *parser)
{
	const struct target *target = parser->target;
	const struct scheme *scheme = target->scheme;
	unsigned can = 0, wanted;

	if (scheme_is_http(scheme))
		can = EXPECT_STATUS | EXPECT_RESPONSE | EXPECT_TLS;
	else if (scheme->way == WAY_WEB && strcmp(scheme->name, "tls"))
		can = EXPECT_STATUS;
	else if (scheme->dialog)
		can = EXPECT_REPLY;
	if (scheme->has_tls || target->starttls)
		can |= EXPECT_TLS;
	wanted = expect_about(target->settings.expect) & ~can;
	if (!wanted)
		return 0;
	return refuse(parser, parser->url, "%s%s has no %s to expect",
	    scheme->name, target->starttls ? "+starttls" : "",
	    wanted & EXPECT_RESPONSE ? "HTTP response"
	    : wanted & EXPECT_TLS    ? "certificate or TLS version"
	    : wanted & EXPECT_STATUS ? "status"
				     : "reply");
}

/* Settings that only make sense together. */
static int
check_settings(const struct parser *parser)
{
	const struct target *target = parser->target;
	const struct settings *settings = &target->settings;
	const struct scheme *scheme = target->scheme;

	if (settings->key_file && !settings->cert_file)
		return refuse(parser, parser->url, "key needs cert");
	/* Then the key stands in it, too. */
	if (settings->cert_file && !settings->key_file &&
	    settings_check_private(settings->cert_file, parser->err))
		return -1;
	if (settings->key_password_file && !settings->cert_file)
		return refuse(
		    parser, parser->url, "key-password-file needs cert");
	if (settings->proxy_user_file && !settings->proxy)
		return refuse(
		    parser, parser->url, "proxy-user-file needs proxy");
	if (settings->proxy_protocol == 2 && scheme->way == WAY_WEB)
		return refuse(parser, parser->url,
		    "%s can begin with version 1 of the PROXY protocol only",
		    scheme->name);
	/* It would be asked for a tunnel to that name, not to the URL's. */
	if (settings->sni && settings->proxy)
		return refuse(
		    parser, parser->url, "a proxy looks up the name: no sni");
	if (settings->each_address && settings->proxy)
		return refuse(parser, parser->url,
		    "a proxy looks up the name: no each-address");
	return 0;
}

static int
parse(struct parser *parser)
{
	struct target *target = parser->target;

	if (parse_scheme(parser))
		return -1;
	if (target->scheme->way == WAY_UNIX) {
		if (parse_unix(parser))
			return -1;
	} else if (parse_authority(parser) || parse_path(parser)) {
		return -1;
	}
	if (check_expect(parser) || check_settings(parser))
		return -1;
	if (!target->scheme->dialog || !target->scheme->dialog->check)
		return 0;
	return target->scheme->dialog->check(target, parser->err);
}

int
target_parse(struct target *target, const char *url,
    const struct settings *settings, size_t *offset, struct ha_err *err)
{
	struct parser parser = { target, url, url, offset, err };

	memset(target, 0, sizeof(*target));
	target->settings = *settings;
	if (offset)
		*offset = 0;
	if (parse(&parser)) {
		target_release(target);
		return -1;
	}
	target->url = ha_xstrdup(url);
	target->name = ha_xstrdup(url);
	return 0;
}

void
target_release(struct target *target)
{
	free(target->name);
	free(target->url);
	free(target->host);
	free(target->path);
	memset(target, 0, sizeof(*target));
}

char *
target_shown(const char *url)
{
	const char *start = strstr(url, "://");
	const char *at;

	start = start ? start + 3 : url;
	at = memrchr(start, '@', strcspn(start, "/?#"));
	if (!at)
		return ha_xstrdup(url);
	return ha_xasprintf("%.*s***%s", (int)(start - url), url, at);
}
