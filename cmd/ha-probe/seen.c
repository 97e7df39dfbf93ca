/* SPDX-License-Identifier: ISC */
/* seen - what one attempt saw of its target. */
#include "seen.h"

#include <stdlib.h>
#include <string.h>

void
seen_init(struct seen *seen)
{
	memset(seen, 0, sizeof(*seen));
	ha_buf_init(&seen->headers);
	ha_buf_init(&seen->body);
	ha_buf_init(&seen->words);
	ha_buf_init(&seen->perf);
}

static void
release_certs(struct seen *seen)
{
	size_t i;

	for (i = 0; i < seen->cert_count; i++) {
		free(seen->certs[i].subject);
		free(seen->certs[i].issuer);
		free(seen->certs[i].names);
		free(seen->certs[i].url);
	}
	free(seen->certs);
}

/* All but the buffers. */
static void
release_rest(struct seen *seen)
{
	free(seen->address);
	free(seen->final_url);
	release_certs(seen);
}

void
seen_release(struct seen *seen)
{
	release_rest(seen);
	ha_buf_release(&seen->headers);
	ha_buf_release(&seen->body);
	ha_buf_release(&seen->words);
	ha_buf_release(&seen->perf);
}

void
seen_reset(struct seen *seen)
{
	struct seen fresh;

	release_rest(seen);
	seen_init(&fresh);
	fresh.headers = seen->headers;
	fresh.body = seen->body;
	fresh.words = seen->words;
	fresh.perf = seen->perf;
	*seen = fresh;
	ha_buf_reset(&seen->headers);
	ha_buf_reset(&seen->body);
	ha_buf_reset(&seen->words);
	ha_buf_reset(&seen->perf);
}

/* Behind "CN=" or "CN = " at the start of a part of the subject. */
static const char *
find_common_name(const char *subject)
{
	const char *p;

	for (p = subject; (p = strstr(p, "CN")); p += 2) {
		if (p > subject && !strchr(" ,/+", p[-1]))
			continue;
		if (p[2 + strspn(p + 2, " ")] != '=')
			continue;
		p += 2 + strspn(p + 2, " ") + 1;
		return p + strspn(p, " ");
	}
	return NULL;
}

void
seen_add_cert_name(struct ha_buf *text, const struct seen_cert *cert)
{
	const char *name = find_common_name(cert->subject);

	if (name)
		ha_buf_addf(text, "CN=%.*s", (int)strcspn(name, ",/+"), name);
	else
		ha_buf_add_str(text, *cert->subject || !cert->names
					 ? cert->subject
					 : cert->names);
}

void
seen_add_date(struct ha_buf *text, time_t when)
{
	struct tm tm;
	char day[32];

	if (gmtime_r(&when, &tm) && strftime(day, sizeof(day), "%Y-%m-%d", &tm))
		ha_buf_add_str(text, day);
	else
		ha_buf_add_str(text, "a year that can't be written");
}
