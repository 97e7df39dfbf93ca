/* SPDX-License-Identifier: ISC */
/* diagnose - one probe in words. */
#include "diagnose.h"

#include <math.h>
#include <string.h>

#include "clock.h"
#include "expect.h"
#include "rec.h"

#define WIDTH 10
#define DAY_S 86400

static void
add_clean(struct ha_buf *text, const char *words)
{
	ha_rec_add_printable(text, words, strlen(words));
}

static void
add_line(struct ha_buf *text, const char *label, const char *words)
{
	if (!words || !*words)
		return;
	ha_buf_addf(text, "%-*s ", WIDTH, label);
	add_clean(text, words);
	ha_buf_add_char(text, '\n');
}

/* What a phase took: since the one before it that was reached. */
static void
add_phase(struct ha_buf *text, const char *label, int64_t *since, int64_t at)
{
	if (!at)
		return;
	ha_buf_addf(text, "  %-*s %9.2f ms\n", WIDTH + 4, label,
	    (double)(at - *since) / HA_MS_NS);
	*since = at;
}

static void
add_phases(struct ha_buf *text, const struct probe *probe)
{
	const struct seen *seen = &probe->seen;
	int64_t since = seen->start_ns;

	if (!since)
		return;
	ha_buf_addf(text, "\nPhases%s\n",
	    probe->attempt > 1 ? " of the last attempt" : "");
	add_phase(text, "name", &since, seen->name_ns);
	add_phase(text, "connect", &since, seen->connect_ns);
	add_phase(text, "TLS", &since, seen->tls_ns);
	add_phase(text, "first byte", &since, seen->first_ns);
	add_phase(text, "the rest", &since, seen->end_ns);
	ha_buf_addf(text, "  %-*s %9.2f ms\n", WIDTH + 4, "total", probe->ms);
}

static void
add_tls(struct ha_buf *text, const struct seen *seen)
{
	struct ha_buf words = HA_BUF_INIT;

	ha_buf_add_str(&words, seen->tls_version);
	if (*seen->tls_cipher)
		ha_buf_addf(&words, ", %s", seen->tls_cipher);
	add_line(text, "TLS", words.data);
	ha_buf_release(&words);
}

static void
add_validity(struct ha_buf *text, const struct seen_cert *cert, time_t now)
{
	double days = floor(difftime(cert->not_after, now) / DAY_S);

	ha_buf_add_str(text, "     from ");
	seen_add_date(text, cert->not_before);
	ha_buf_add_str(text, " until ");
	seen_add_date(text, cert->not_after);
	if (now < cert->not_before)
		ha_buf_add_str(text, ": not valid yet\n");
	else if (days < 0)
		ha_buf_addf(text, ": expired %.0f day%s ago\n", -days,
		    days == -1 ? "" : "s");
	else
		ha_buf_addf(
		    text, ": %.0f day%s left\n", days, days == 1 ? "" : "s");
}

static void
add_cert(struct ha_buf *text, const struct seen_cert *cert, time_t now)
{
	ha_buf_addf(text, "  %u  ", cert->depth);
	add_clean(text, cert->subject);
	ha_buf_add_str(text, "\n     issued by ");
	if (!strcmp(cert->subject, cert->issuer))
		ha_buf_add_str(text, "itself");
	else
		add_clean(text, cert->issuer);
	if (cert->names) {
		ha_buf_add_str(text, "\n     for ");
		add_clean(text, cert->names);
	}
	ha_buf_add_char(text, '\n');
	add_validity(text, cert, now);
}

static void
add_chain(struct ha_buf *text, const struct seen *seen)
{
	const struct seen_cert *cert;
	time_t now = time(NULL);
	unsigned hop = 0;
	size_t i;

	for (i = 0; i < seen->cert_count; i++) {
		cert = &seen->certs[i];
		if (i == 0 || cert->hop != hop) {
			ha_buf_add_str(text, "\nCertificates shown by ");
			add_clean(text, cert->url ? cert->url : seen->address);
			ha_buf_add_char(text, '\n');
			hop = cert->hop;
		}
		add_cert(text, cert, now);
	}
}

static void
add_addresses(struct ha_buf *text, const struct seen *seen)
{
	struct ha_buf words = HA_BUF_INIT;

	if (!seen->address)
		return;
	ha_buf_add_str(&words, seen->address);
	if (seen->address_count > 1)
		ha_buf_addf(&words, ", the %zu. of %zu addresses",
		    seen->address_index + 1, seen->address_count);
	add_line(text, "address", words.data);
	ha_buf_release(&words);
}

void
diagnose_add(struct ha_buf *text, const struct probe *probe)
{
	const struct seen *seen = &probe->seen;

	ha_buf_addf(text, "%-*s ", WIDTH, ha_status_name(probe->state));
	add_clean(text, probe->msg.data);
	ha_buf_add_char(text, '\n');
	add_line(text, "target", probe->target->url);
	add_addresses(text, seen);
	if (seen->final_url && strcmp(seen->final_url, probe->target->url))
		add_line(text, "ended at", seen->final_url);
	if (!strstr(probe->msg.data, seen->words.data))
		add_line(text, "it says", seen->words.data);
	add_tls(text, seen);
	add_phases(text, probe);
	add_chain(text, seen);
}
