/* SPDX-License-Identifier: ISC */
/* scheme - the kinds of target: what stands before "://". */
#include "scheme.h"

#include <string.h>
#include <strings.h>

#include "dialog.h"

static const struct scheme schemes[] = {
	{ "tcp", 0, WAY_STREAM, .dialog = &dialog_plain },
	{ "udp", 0, WAY_DATAGRAM, .dialog = &dialog_plain },
	{ "unix", 0, WAY_UNIX, .has_path = 1, .dialog = &dialog_plain },
	{ "icmp", 0, WAY_ICMP },
	{ "tls", 443, WAY_WEB, .has_tls = 1 },
	{ "http", 80, WAY_WEB, .has_path = 1 },
	{ "https", 443, WAY_WEB, .has_tls = 1, .has_path = 1 },
	{ "smtp", 25, WAY_WEB, .can_starttls = 1 },
	{ "smtps", 465, WAY_WEB, .has_tls = 1 },
	{ "imap", 143, WAY_WEB, .can_starttls = 1 },
	{ "imaps", 993, WAY_WEB, .has_tls = 1 },
	{ "pop3", 110, WAY_WEB, .can_starttls = 1 },
	{ "pop3s", 995, WAY_WEB, .has_tls = 1 },
	{ "ftp", 21, WAY_WEB, .can_starttls = 1 },
	{ "ftps", 990, WAY_WEB, .has_tls = 1 },
	{ "ssh", 22, WAY_STREAM, .dialog = &dialog_ssh },
	{ "mysql", 3306, WAY_STREAM, .dialog = &dialog_mysql },
	{ "redis", 6379, WAY_STREAM, .dialog = &dialog_redis },
	{ "memcached", 11211, WAY_STREAM, .dialog = &dialog_memcached },
	{ "dns", 53, WAY_DATAGRAM, .has_path = 1, .dialog = &dialog_dns },
	{ "ntp", 123, WAY_DATAGRAM, .dialog = &dialog_ntp },
};

#define COUNT (sizeof(schemes) / sizeof(schemes[0]))

const struct scheme *
scheme_find(const char *name, size_t len)
{
	size_t i;

	for (i = 0; i < COUNT; i++)
		if (strlen(schemes[i].name) == len &&
		    !strncasecmp(schemes[i].name, name, len))
			return &schemes[i];
	return NULL;
}

const struct scheme *
scheme_at(size_t i)
{
	return i < COUNT ? &schemes[i] : NULL;
}

int
scheme_is_http(const struct scheme *scheme)
{
	return !strncmp(scheme->name, "http", 4);
}
