/* SPDX-License-Identifier: ISC */
/* judge - hold expectations against what was seen of a target. */
#include <math.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "pattern.h"
#include "term.h"

#define EXCERPT 40
#define DAY_S 86400

struct judgement {
	const struct seen *seen;
	json_t *json; /* of the body, once it was asked for */
	int is_parsed;
	enum ha_status_state state;
	struct ha_buf crit, warn; /* words */
	struct ha_buf *perf;
};

static void __attribute__((format(printf, 3, 4)))
fail(struct judgement *judgement, enum ha_status_state state, const char *fmt,
    ...)
{
	struct ha_buf *words =
	    state == HA_STATUS_CRIT ? &judgement->crit : &judgement->warn;
	va_list ap;

	judgement->state = ha_status_worse(judgement->state, state);
	if (words->len)
		ha_buf_add_str(words, "; ");
	va_start(ap, fmt);
	ha_buf_vaddf(words, fmt, ap);
	va_end(ap);
}

/* In quotes, on one line, cut at a whole character. */
static char *
excerpt(const char *data, size_t len)
{
	struct ha_buf text = HA_BUF_INIT;
	size_t i;

	for (i = 0; i < len && text.len <= EXCERPT; i++)
		if ((unsigned char)data[i] > ' ' && data[i] != 0x7f)
			ha_buf_add_char(&text, data[i]);
		else if (text.len && text.data[text.len - 1] != ' ')
			ha_buf_add_char(&text, ' ');
	if (text.len && text.data[text.len - 1] == ' ')
		ha_buf_truncate(&text, text.len - 1);
	if (text.len > EXCERPT) {
		i = EXCERPT;
		while (i && (text.data[i] & 0xc0) == 0x80)
			i--;
		ha_buf_truncate(&text, i);
		ha_buf_add_str(&text, "...");
	}
	return ha_buf_detach(&text);
}

/* The words of one failed comparison of text. */
static void
fail_text(struct judgement *judgement, const struct term *term,
    const char *what, const char *data, size_t len)
{
	char *got = excerpt(data, len);
	char *wanted = excerpt(term->value, strlen(term->value));

	if (term->relation == TERM_LACKS)
		fail(judgement, HA_STATUS_CRIT, "%s has \"%s\"", what, wanted);
	else if (term->relation == TERM_MATCHES)
		fail(judgement, HA_STATUS_CRIT, "%s lacks \"%s\": \"%s\"", what,
		    wanted, got);
	else
		fail(judgement, HA_STATUS_CRIT, "%s is \"%s\", wanted \"%s\"",
		    what, got, wanted);
	free(got);
	free(wanted);
}

static int
holds(const struct term *term, const char *data, size_t len)
{
	if (term->relation == TERM_EQUALS)
		return strlen(term->value) == len &&
		       !memcmp(term->value, data, len);
	return pattern_matches(&term->regex, data, len) ==
	       (term->relation == TERM_MATCHES);
}

static void
judge_status(struct judgement *judgement, const struct term *term)
{
	int status = judgement->seen->status;
	size_t i;

	for (i = 0; i < term->span_count; i++)
		if (status >= term->spans[i].from &&
		    status <= term->spans[i].to)
			return;
	if (status)
		fail(judgement, HA_STATUS_CRIT, "status %d, wanted %s", status,
		    term->value);
	else
		fail(judgement, HA_STATUS_CRIT, "no status, wanted %s",
		    term->value);
}

static void
judge_body(struct judgement *judgement, const struct term *term)
{
	const struct ha_buf *body = &judgement->seen->body;

	if (holds(term, body->data, body->len))
		return;
	if (!body->len && term->relation == TERM_MATCHES)
		fail(judgement, HA_STATUS_CRIT, "the body is empty");
	else
		fail_text(judgement, term, "body", body->data, body->len);
}

/* The next line that is the header name; its value, without blanks around. */
static const char *
next_header(const char **rest, const char *end, const char *name, size_t *len)
{
	size_t name_len = strlen(name);
	const char *line, *stop, *value;

	while (*rest < end) {
		line = *rest;
		stop = memchr(line, '\n', (size_t)(end - line));
		*rest = stop ? stop + 1 : end;
		stop = stop ? stop : end;
		if ((size_t)(stop - line) <= name_len ||
		    strncasecmp(line, name, name_len) || line[name_len] != ':')
			continue;
		value = line + name_len + 1;
		while (value < stop && strchr(" \t", *value))
			value++;
		while (stop > value && strchr(" \t\r", stop[-1]))
			stop--;
		*len = (size_t)(stop - value);
		return value;
	}
	return NULL;
}

/* One of several of the name is enough; with "!~" it is one too many. */
static void
judge_header(struct judgement *judgement, const struct term *term)
{
	const struct ha_buf *headers = &judgement->seen->headers;
	const char *rest = headers->data, *end = rest + headers->len;
	const char *value, *last = NULL;
	size_t len, last_len = 0;
	int is_wanted = term->relation != TERM_LACKS;

	while ((value = next_header(&rest, end, term->name, &len))) {
		last = value;
		last_len = len;
		if (holds(term, value, len) == is_wanted)
			break;
	}
	if (is_wanted ? value != NULL : value == NULL)
		return;
	if (!last) {
		fail(judgement, HA_STATUS_CRIT, "no header %s", term->name);
		return;
	}
	fail_text(judgement, term, term->name, last, last_len);
}

/* RFC 6901, section 4.  The reference token is unescaped into token. */
static const json_t *
step(const json_t *json, const char *start, size_t len, struct ha_buf *token)
{
	size_t i, index = 0;

	ha_buf_reset(token);
	for (i = 0; i < len; i++)
		if (start[i] == '~')
			ha_buf_add_char(token, start[++i] == '1' ? '/' : '~');
		else
			ha_buf_add_char(token, start[i]);
	if (json_is_object(json))
		return json_object_getn(json, token->data, token->len);
	if (!json_is_array(json) || !token->len || token->len > 9 ||
	    strspn(token->data, "0123456789") != token->len ||
	    (token->data[0] == '0' && token->len > 1))
		return NULL;
	for (i = 0; i < token->len; i++)
		index = 10 * index + (size_t)(token->data[i] - '0');
	return json_array_get(json, index);
}

static const json_t *
resolve(const json_t *json, const char *pointer)
{
	struct ha_buf token = HA_BUF_INIT;
	size_t len;

	while (json && *pointer == '/') {
		len = strcspn(++pointer, "/");
		json = step(json, pointer, len, &token);
		pointer += len;
	}
	ha_buf_release(&token);
	return json;
}

static int
is_equal(const json_t *a, const json_t *b)
{
	/* As doubles, large ones that differ are the same. */
	if (json_is_number(a) && json_is_number(b) &&
	    !(json_is_integer(a) && json_is_integer(b)))
		return json_number_value(a) == json_number_value(b);
	return json_equal(a, b);
}

static int
json_holds(const struct term *term, const json_t *value)
{
	char *text;
	int result;

	if (term->relation == TERM_EQUALS)
		return is_equal(value, term->json);
	if (json_is_string(value))
		return holds(
		    term, json_string_value(value), json_string_length(value));
	text = json_dumps(value, JSON_ENCODE_ANY | JSON_COMPACT);
	result = text && holds(term, text, strlen(text));
	free(text);
	return result;
}

static void
fail_json(
    struct judgement *judgement, const struct term *term, const json_t *value)
{
	char *what, *text, *got, *wanted;

	what = excerpt(term->name, strlen(term->name));
	text = json_dumps(value, JSON_ENCODE_ANY | JSON_COMPACT);
	got = excerpt(text ? text : "", text ? strlen(text) : 0);
	wanted = excerpt(term->value, strlen(term->value));
	fail(judgement, HA_STATUS_CRIT, "json %s is %s, %s%s", what, got,
	    term->relation == TERM_EQUALS    ? "wanted "
	    : term->relation == TERM_MATCHES ? "wanted ~"
					     : "wanted !~",
	    wanted);
	free(what);
	free(text);
	free(got);
	free(wanted);
}

static int
parse_body(struct judgement *judgement)
{
	const struct seen *seen = judgement->seen;

	if (!judgement->is_parsed)
		judgement->json =
		    term_load_json(seen->body.data, seen->body.len);
	judgement->is_parsed = 1;
	return judgement->json != NULL;
}

static void
judge_json(struct judgement *judgement, const struct term *term)
{
	const struct seen *seen = judgement->seen;
	const json_t *value;
	char *got;

	if (!parse_body(judgement)) {
		got = excerpt(seen->body.data, seen->body.len);
		if (seen->size > seen->body.len && seen->body.len)
			fail(judgement, HA_STATUS_CRIT,
			    "the body is longer than the %zu bytes of "
			    "max-body: no JSON",
			    seen->body.len);
		else
			fail(judgement, HA_STATUS_CRIT,
			    "the body is no JSON: \"%s\"", got);
		free(got);
		return;
	}
	value = resolve(judgement->json, term->name);
	if (value && json_holds(term, value))
		return;
	if (value)
		fail_json(judgement, term, value);
	else if (term->relation != TERM_LACKS)
		fail(judgement, HA_STATUS_CRIT, "json has no %s", term->name);
}

/* One number: size or redirects. */
static void
judge_number(struct judgement *judgement, const struct term *term,
    const char *label, const char *unit, const char *words, uint64_t number)
{
	const struct ha_thresholds thresholds = {
		.has_crit = 1,
		.crit = term->range,
	};
	const struct ha_perf perf = { label, (double)number, unit, &thresholds,
		NAN, 0, NAN };

	ha_perf_add(judgement->perf, &perf);
	if (ha_range_alerts(&term->range, (double)number))
		fail(judgement, HA_STATUS_CRIT, "%llu %s, wanted %s",
		    (unsigned long long)number, words, term->value);
}

static void
judge_url(struct judgement *judgement, const struct term *term)
{
	const char *url = judgement->seen->final_url;

	if (url && holds(term, url, strlen(url)))
		return;
	fail(judgement, HA_STATUS_CRIT, "ended at %s, wanted %s%s",
	    url ? url : "no URL",
	    term->relation == TERM_EQUALS    ? ""
	    : term->relation == TERM_MATCHES ? "~"
					     : "!~",
	    term->value);
}

/* "1.0" of "TLSv1", which is how OpenSSL writes it. */
static const char *
tls_number(const char *version)
{
	if (strncmp(version, "TLSv", 4))
		return "0";
	return strlen(version) > 5 ? version + 4 : "1.0";
}

static void
judge_tls(struct judgement *judgement, const struct term *term)
{
	const char *version = judgement->seen->tls_version;

	if (!*version)
		fail(judgement, HA_STATUS_CRIT, "no TLS, wanted %s",
		    term->value);
	else if (strcmp(tls_number(version), term->value) < 0)
		fail(judgement, HA_STATUS_CRIT, "%s, wanted %s at least",
		    version, term->value);
}

/* Whole days, so that "ends in 0 days" is still today. */
static double
days_left(const struct seen_cert *cert, time_t now)
{
	return floor(difftime(cert->not_after, now) / DAY_S);
}

/* "certificate of CN=www", and where it was shown if not by the URL itself. */
static void
add_cert(struct ha_buf *text, const struct seen_cert *cert)
{
	ha_buf_addf(
	    text, "%scertificate of ", cert->depth ? "intermediate " : "");
	seen_add_cert_name(text, cert);
	if (cert->hop)
		ha_buf_addf(text, " (redirect %u, %s)", cert->hop,
		    cert->url ? cert->url : "");
}

static void
fail_cert(struct judgement *judgement, enum ha_status_state state,
    const struct seen_cert *cert, time_t now)
{
	struct ha_buf text = HA_BUF_INIT;
	double days = days_left(cert, now);
	double ago = floor(difftime(now, cert->not_after) / DAY_S);

	add_cert(&text, cert);
	if (now < cert->not_before)
		ha_buf_add_str(&text, " is not valid before ");
	else if (days < 0)
		ha_buf_addf(&text, " has expired %.0f day%s ago (", ago,
		    ago == 1 ? "" : "s");
	else
		ha_buf_addf(
		    &text, " ends in %.0f day%s (", days, days == 1 ? "" : "s");
	seen_add_date(
	    &text, now < cert->not_before ? cert->not_before : cert->not_after);
	if (now >= cert->not_before)
		ha_buf_add_char(&text, ')');
	fail(judgement, state, "%s", text.data);
	ha_buf_release(&text);
}

/* All certificates count; the one that ends first is named. */
static void
judge_cert(struct judgement *judgement, const struct term *term)
{
	const struct seen *seen = judgement->seen;
	const struct seen_cert *cert, *first = NULL;
	struct ha_perf perf = { "cert_days", 0, "", &term->days, NAN, NAN,
		NAN };
	enum ha_status_state state;
	time_t now = time(NULL);
	size_t i;

	for (i = 0; i < seen->cert_count; i++) {
		cert = &seen->certs[i];
		if (!first || cert->not_after < first->not_after)
			first = cert;
		if (now < cert->not_before)
			fail_cert(judgement, HA_STATUS_CRIT, cert, now);
	}
	if (!first) {
		fail(judgement, HA_STATUS_CRIT, "no certificate was shown");
		return;
	}
	perf.value = days_left(first, now);
	ha_perf_add(judgement->perf, &perf);
	state = perf.value < 0
		    ? HA_STATUS_CRIT
		    : ha_thresholds_judge(&term->days, perf.value, NAN);
	if (state != HA_STATUS_OK && now >= first->not_before)
		fail_cert(judgement, state, first, now);
}

static const struct ha_buf *
reply_of(const struct seen *seen)
{
	return seen->body.len ? &seen->body : &seen->words;
}

static int
reply_holds(const struct term *term, const struct seen *seen)
{
	const struct ha_buf *reply = reply_of(seen);

	if (term->relation != TERM_EQUALS)
		return holds(term, reply->data, reply->len);
	return reply->len >= term->value_len &&
	       !memcmp(reply->data, term->value, term->value_len);
}

/* Whatever more may come. */
static int
has_failed(const struct term *term, const struct seen *seen)
{
	const struct ha_buf *reply = reply_of(seen);
	size_t len =
	    reply->len < term->value_len ? reply->len : term->value_len;

	if (term->relation == TERM_LACKS)
		return !reply_holds(term, seen);
	return term->relation == TERM_EQUALS &&
	       memcmp(reply->data, term->value, len);
}

static void
judge_reply(struct judgement *judgement, const struct term *term)
{
	const struct ha_buf *reply = reply_of(judgement->seen);
	char *got, *wanted;

	if (reply_holds(term, judgement->seen))
		return;
	if (!reply->len) {
		fail(judgement, HA_STATUS_CRIT, "no reply");
	} else if (term->relation != TERM_EQUALS) {
		fail_text(judgement, term, "reply", reply->data, reply->len);
	} else {
		got = excerpt(reply->data, reply->len);
		wanted = excerpt(term->value, term->value_len);
		fail(judgement, HA_STATUS_CRIT,
		    "reply begins \"%s\", wanted \"%s\"", got, wanted);
		free(got);
		free(wanted);
	}
}

static void
judge_term(struct judgement *judgement, const struct term *term)
{
	const struct seen *seen = judgement->seen;

	switch (term->subject) {
	case TERM_STATUS:
		judge_status(judgement, term);
		break;
	case TERM_BODY:
		judge_body(judgement, term);
		break;
	case TERM_HEADER:
		judge_header(judgement, term);
		break;
	case TERM_JSON:
		judge_json(judgement, term);
		break;
	case TERM_SIZE:
		judge_number(
		    judgement, term, "size", "B", "bytes of body", seen->size);
		break;
	case TERM_REDIRECTS:
		judge_number(judgement, term, "redirects", "", "redirects",
		    seen->redirects);
		break;
	case TERM_URL:
		judge_url(judgement, term);
		break;
	case TERM_TLS:
		judge_tls(judgement, term);
		break;
	case TERM_CERT:
		judge_cert(judgement, term);
		break;
	case TERM_REPLY:
		judge_reply(judgement, term);
		break;
	}
}

static void
add_words(struct ha_buf *msg, const struct ha_buf *words)
{
	if (msg->len && words->len)
		ha_buf_add_str(msg, "; ");
	ha_buf_add(msg, words->data, words->len);
}

enum ha_status_state
expect_judge(const struct expect *expect, const struct seen *seen,
    struct ha_buf *msg, struct ha_buf *perf)
{
	struct judgement judgement = { .seen = seen, .perf = perf };
	size_t i;

	ha_buf_init(&judgement.crit);
	ha_buf_init(&judgement.warn);
	for (i = 0; expect && i < expect->count; i++)
		judge_term(&judgement, expect->terms[i]);
	add_words(msg, &judgement.crit);
	add_words(msg, &judgement.warn);
	ha_buf_release(&judgement.crit);
	ha_buf_release(&judgement.warn);
	json_decref(judgement.json);
	return judgement.state;
}

int
expect_reply_is_open(
    const struct expect *expect, const struct seen *seen, int is_end)
{
	const struct term *term;
	int is_open = 0;
	size_t i;

	for (i = 0; expect && !is_end && i < expect->count; i++) {
		term = expect->terms[i];
		if (term->subject != TERM_REPLY)
			continue;
		if (has_failed(term, seen))
			return 0;
		if (!reply_of(seen)->len || !reply_holds(term, seen))
			is_open = 1;
	}
	return is_open;
}
