/* SPDX-License-Identifier: ISC */
/* url - the parts of an absolute http or https URL that we did not write. */
#include "url.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "alloc.h"

#define MAX_HOST 255

/* The digits from start to end, 1 to 65535; an empty port is the default. */
static int
parse_port(struct url *url, const char *start, const char *end)
{
	unsigned long port = 0;

	url->port = url->is_https ? 443 : 80;
	if (start == end)
		return 0;
	url->has_port = 1;
	for (; start < end; start++) {
		if (!isdigit((unsigned char)*start) || port > 65535)
			return -1;
		port = 10 * port + (unsigned long)(*start - '0');
	}
	url->port = (uint16_t)port;
	return port >= 1 && port <= 65535 ? 0 : -1;
}

static int
take_host(struct url *url, const char *start, const char *end, const char *more)
{
	size_t len = (size_t)(end - start);

	if (len == 0 || len > MAX_HOST)
		return -1;
	for (const char *p = start; p < end; p++)
		if (!isalnum((unsigned char)*p) && strchr(more, *p) == NULL)
			return -1;
	url->host = ha_xmemdup(start, len);
	for (char *p = url->host; *p != '\0'; p++)
		*p = (char)tolower((unsigned char)*p);
	return 0;
}

/* "host:port", "[address]:port". */
static int
parse_authority(struct url *url, const char *start, const char *end)
{
	int is_bracketed = start < end && *start == '[';
	const char *host_end, *host = start + is_bracketed;

	if (is_bracketed) {
		host_end = memchr(start, ']', (size_t)(end - start));
		if (host_end == NULL)
			return -1;
		start = host_end + 1;
	} else {
		host_end = memchr(start, ':', (size_t)(end - start));
		if (host_end == NULL)
			host_end = end;
		start = host_end;
	}
	if (start < end && *start != ':')
		return -1;
	if (parse_port(url, start < end ? start + 1 : end, end) != 0)
		return -1;
	return take_host(url, host, host_end, is_bracketed ? ":.%" : ".-_");
}

int
url_split(struct url *url, const char *text)
{
	const char *end, *at;

	memset(url, 0, sizeof(*url));
	if (strncasecmp(text, "https://", 8) == 0)
		url->is_https = 1;
	else if (strncasecmp(text, "http://", 7) != 0)
		return -1;
	text += url->is_https ? 8 : 7;
	end = text + strcspn(text, "/?#\\");
	/* Of what stands behind it there are two opinions. */
	if (*end == '\\')
		return -1;
	url->rest = end;
	at = memrchr(text, '@', (size_t)(end - text));
	url->has_user = at != NULL;
	return parse_authority(url, at != NULL ? at + 1 : text, end);
}

void
url_release(struct url *url)
{
	free(url->host);
	url->host = NULL;
}

int
url_is_same_origin(const struct url *a, const struct url *b)
{
	return a->is_https == b->is_https && a->port == b->port &&
	       strcmp(a->host, b->host) == 0;
}
