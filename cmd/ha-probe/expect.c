/* SPDX-License-Identifier: ISC */
/* expect - what a target has to show: parsing and compiling the terms. */
#include "expect.h"

#include <ctype.h>
#include <math.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "alloc.h"
#include "escape.h"
#include "pattern.h"
#include "term.h"

struct parser {
	const char *text;
	const char *at;
	size_t *offset;
	struct ha_err *err;
};

/* A value as it was written and as it is meant. */
struct value {
	const char *start; /* behind the opening quote */
	char quote; /* or 0 */
	struct ha_buf bytes;
};

static const struct {
	const char *name;
	enum term_subject subject;
	const char *relations; /* of "=~!" */
	unsigned about;
} subjects[] = {
	{ "status", TERM_STATUS, "=", EXPECT_STATUS },
	{ "body", TERM_BODY, "~!", EXPECT_RESPONSE },
	{ "header", TERM_HEADER, "=~!", EXPECT_RESPONSE },
	{ "json", TERM_JSON, "=~!", EXPECT_RESPONSE },
	{ "size", TERM_SIZE, "=", EXPECT_RESPONSE },
	{ "url", TERM_URL, "=~!", EXPECT_RESPONSE },
	{ "redirects", TERM_REDIRECTS, "=", EXPECT_RESPONSE },
	{ "cert", TERM_CERT, "=", EXPECT_TLS },
	{ "tls", TERM_TLS, "=", EXPECT_TLS },
	{ "reply", TERM_REPLY, "=~!", EXPECT_REPLY },
};

#define SUBJECTS (sizeof(subjects) / sizeof(subjects[0]))

static int __attribute__((format(printf, 3, 4)))
refuse(const struct parser *parser, const char *at, const char *fmt, ...)
{
	struct ha_buf text = HA_BUF_INIT;
	va_list ap;

	va_start(ap, fmt);
	ha_buf_vaddf(&text, fmt, ap);
	va_end(ap);
	*parser->offset = (size_t)(at - parser->text);
	ha_err_set(parser->err, EX_USAGE, 0, "%s", text.data);
	ha_buf_release(&text);
	return -1;
}

static int
is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\n';
}

static void
term_free(struct term *term)
{
	if (--term->users)
		return;
	if (term->has_regex)
		regfree(&term->regex);
	json_decref(term->json);
	free(term->name);
	free(term->value);
	free(term->spans);
	free(term);
}

static void
add_term(struct expect *expect, struct term *term)
{
	expect->terms = ha_xrealloc(
	    expect->terms, (expect->count + 1) * sizeof(*expect->terms));
	expect->terms[expect->count++] = term;
}

/* The value up to the next blank, or to the closing quote. */
static int
parse_value(struct parser *parser, struct value *value)
{
	const char *p = parser->at;

	value->quote = *p == '"' || *p == '\'' ? *p++ : '\0';
	value->start = p;
	for (; value->quote ? *p && *p != value->quote : *p && !is_blank(*p);
	     p++) {
		if (value->quote == '"' && *p == '\\' && p[1]) {
			if (p[1] != '"')
				ha_buf_add_char(&value->bytes, *p);
			p++;
		}
		ha_buf_add_char(&value->bytes, *p);
	}
	if (value->quote && !*p)
		return refuse(
		    parser, value->start - 1, "the quote is not closed");
	if (value->quote && p[1] && !is_blank(p[1]))
		return refuse(parser, p + 1, "a blank has to follow the quote");
	parser->at = p + !!value->quote;
	return 0;
}

static int
parse_span(const char **p, struct term_span *span)
{
	int *number = &span->from;

	for (;;) {
		if (!isdigit((unsigned char)(*p)[0]) ||
		    !isdigit((unsigned char)(*p)[1]) ||
		    !isdigit((unsigned char)(*p)[2]))
			return -1;
		*number = 100 * ((*p)[0] - '0') + 10 * ((*p)[1] - '0') +
			  ((*p)[2] - '0');
		*p += 3;
		if (number == &span->to)
			break;
		span->to = span->from;
		if (**p != '-')
			break;
		++*p;
		number = &span->to;
	}
	return span->from > span->to ? -1 : 0;
}

static int
parse_status(
    const struct parser *parser, struct term *term, const struct value *value)
{
	const char *p = value->bytes.data;

	do {
		term->spans = ha_xrealloc(
		    term->spans, (term->span_count + 1) * sizeof(*term->spans));
		if (parse_span(&p, &term->spans[term->span_count++]))
			return refuse(parser,
			    value->start + (p - value->bytes.data),
			    "three digits, as in 200,204,300-399");
	} while (*p++ == ',');
	if (p[-1])
		return refuse(parser,
		    value->start + (p - 1 - value->bytes.data),
		    "only , or - may follow, as in 200,204,300-399");
	return 0;
}

static int
parse_range(
    const struct parser *parser, struct term *term, const struct value *value)
{
	enum ha_range_unit unit =
	    term->subject == TERM_SIZE ? HA_RANGE_BYTES : HA_RANGE_NUMBER;
	struct ha_err err;

	if (ha_range_parse(value->bytes.data, unit, &term->range, &err))
		return refuse(parser, value->start, "%s", err.msg);
	if (term->range.is_percent)
		return refuse(parser, value->start, "percent of what?");
	return 0;
}

/* At most four digits. */
static int
parse_days(const char **p, struct ha_range *range)
{
	unsigned days = 0;
	const char *start = *p;

	for (; isdigit((unsigned char)**p) && *p - start < 4; ++*p)
		days = 10 * days + (unsigned)(**p - '0');
	*range = (struct ha_range){ .start = days, .end = INFINITY };
	return *p == start ? -1 : 0;
}

static int
parse_cert(
    const struct parser *parser, struct term *term, const struct value *value)
{
	struct ha_thresholds *days = &term->days;
	const char *p = value->bytes.data;
	int is_bad = parse_days(&p, &days->warn);

	days->has_warn = 1;
	if (!is_bad && *p == ',') {
		p++;
		days->has_crit = 1;
		is_bad = parse_days(&p, &days->crit);
	}
	if (is_bad || *p)
		return refuse(parser, value->start + (p - value->bytes.data),
		    "days, as in 14 or 14,7");
	if (days->has_crit && days->crit.start > days->warn.start)
		return refuse(parser, value->start,
		    "the second number can't be more than the first");
	return 0;
}

static int
parse_tls(const struct parser *parser, const struct value *value)
{
	const char *text = value->bytes.data;

	if (value->bytes.len != 3 || strncmp(text, "1.", 2) ||
	    !strchr("0123", text[2]))
		return refuse(
		    parser, value->start, "one of 1.0, 1.1, 1.2, 1.3");
	return 0;
}

/*
 * RFC 8259 sets no limit to integers, of which jansson takes 64 bits, and lets
 * a string have NUL.
 */
json_t *
term_load_json(const char *text, size_t len)
{
	const size_t flags = JSON_DECODE_ANY | JSON_ALLOW_NUL;
	json_t *json = json_loadb(text, len, flags, NULL);

	return json ? json
		    : json_loadb(
			  text, len, flags | JSON_DECODE_INT_AS_REAL, NULL);
}

/* The whole of a quoted value is JSON's string; of another one what it says. */
static int
parse_json(
    const struct parser *parser, struct term *term, const struct value *value)
{
	const char *start = value->start - (value->quote == '"');

	term->json = term_load_json(
	    start, (size_t)(parser->at - start) - (value->quote == '\''));
	if (!term->json)
		term->json = json_stringn(value->bytes.data, value->bytes.len);
	if (!term->json)
		return refuse(parser, value->start, "that is no UTF-8");
	return 0;
}

static int
parse_regex(
    const struct parser *parser, struct term *term, const struct value *value)
{
	struct ha_err err;

	if (pattern_compile(&term->regex, value->bytes.data, &err))
		return refuse(parser, value->start, "%s", err.msg);
	term->has_regex = 1;
	return 0;
}

static int
parse_bytes(
    const struct parser *parser, struct term *term, const struct value *value)
{
	struct ha_buf bytes = HA_BUF_INIT;

	escape_undo(&bytes, value->bytes.data, value->bytes.len);
	free(term->value);
	term->value_len = bytes.len;
	term->value = ha_buf_detach(&bytes);
	return term->value_len
		   ? 0
		   : refuse(parser, value->start, "it can't be empty");
}

static int
parse_meaning(
    const struct parser *parser, struct term *term, const struct value *value)
{
	if (term->relation != TERM_EQUALS)
		return parse_regex(parser, term, value);
	switch (term->subject) {
	case TERM_STATUS:
		return parse_status(parser, term, value);
	case TERM_SIZE:
	case TERM_REDIRECTS:
		return parse_range(parser, term, value);
	case TERM_CERT:
		return parse_cert(parser, term, value);
	case TERM_TLS:
		return parse_tls(parser, value);
	case TERM_JSON:
		return parse_json(parser, term, value);
	case TERM_REPLY:
		return parse_bytes(parser, term, value);
	default:
		return 0;
	}
}

/* RFC 6901: '~' only as ~0 or ~1, else it is the relation. */
static size_t
name_len(const char *p, enum term_subject subject)
{
	size_t len = 0;

	if (subject == TERM_HEADER)
		return strcspn(p, "=~! \t\n");
	for (;;) {
		len += strcspn(p + len, "=~! \t\n");
		if (p[len] != '~' || (p[len + 1] != '0' && p[len + 1] != '1'))
			return len;
		len += 2;
	}
}

static int
parse_name(struct parser *parser, struct term *term)
{
	size_t len;

	if (*parser->at != ':')
		return refuse(parser, parser->at,
		    term->subject == TERM_HEADER
			? "a name has to follow, as in header:Server~nginx"
			: "a pointer has to follow, as in json:/state=ok");
	parser->at++;
	len = name_len(parser->at, term->subject);
	if (term->subject == TERM_HEADER && !len)
		return refuse(parser, parser->at, "the header has no name");
	if (term->subject == TERM_JSON && len && *parser->at != '/')
		return refuse(parser, parser->at,
		    "a pointer begins with '/', as in json:/state=ok");
	term->name = ha_xmemdup(parser->at, len);
	parser->at += len;
	return 0;
}

static int
parse_relation(struct parser *parser, struct term *term, const char *relations)
{
	const char *at = parser->at;
	int is_known =
	    *at && strchr(relations, *at) && (*at != '!' || at[1] == '~');

	if (!is_known)
		return refuse(parser, at, "one of%s%s%s has to stand here",
		    strchr(relations, '=') ? " =" : "",
		    strchr(relations, '~') ? " ~" : "",
		    strchr(relations, '!') ? " !~" : "");
	term->relation = *at == '='   ? TERM_EQUALS
			 : *at == '~' ? TERM_MATCHES
				      : TERM_LACKS;
	parser->at += *at == '!' ? 2 : 1;
	return 0;
}

static int
parse_term(struct parser *parser, struct term *term)
{
	struct value value = { .bytes = HA_BUF_INIT };
	const char *start = parser->at;
	size_t len = 0, i;
	int result;

	while (islower((unsigned char)start[len]))
		len++;
	for (i = 0; i < SUBJECTS; i++)
		if (strlen(subjects[i].name) == len &&
		    !strncmp(subjects[i].name, start, len))
			break;
	if (i == SUBJECTS)
		return refuse(parser, start,
		    "'%.*s' is none of status body header json size url "
		    "redirects cert tls reply",
		    (int)len, start);
	term->subject = subjects[i].subject;
	term->about = subjects[i].about;
	parser->at += len;
	if ((term->subject == TERM_HEADER || term->subject == TERM_JSON) &&
	    parse_name(parser, term))
		return -1;
	if (parse_relation(parser, term, subjects[i].relations))
		return -1;
	result = parse_value(parser, &value);
	if (!result) {
		term->value = ha_xstrdup(value.bytes.data);
		result = parse_meaning(parser, term, &value);
	}
	ha_buf_release(&value.bytes);
	return result;
}

int
expect_parse(struct expect **expect, const char *text, size_t *offset,
    struct ha_err *err)
{
	struct parser parser = { text, text, offset, err };
	struct term *term;

	if (!*expect) {
		*expect = ha_xcalloc(1, sizeof(**expect));
		ha_buf_init(&(*expect)->text);
	}
	for (;;) {
		while (is_blank(*parser.at))
			parser.at++;
		if (!*parser.at)
			break;
		term = ha_xcalloc(1, sizeof(*term));
		term->users = 1;
		add_term(*expect, term);
		if (parse_term(&parser, term))
			return -1;
	}
	if (parser.at == text || !(*expect)->count)
		return refuse(&parser, text,
		    "what is expected? such as status=200 or body~ok");
	ha_buf_addf(
	    &(*expect)->text, "%s%s", (*expect)->text.len ? " " : "", text);
	return 0;
}

struct expect *
expect_copy(const struct expect *expect)
{
	struct expect *copy;
	size_t i;

	if (!expect)
		return NULL;
	copy = ha_xcalloc(1, sizeof(*copy));
	ha_buf_init(&copy->text);
	ha_buf_add(&copy->text, expect->text.data, expect->text.len);
	for (i = 0; i < expect->count; i++) {
		expect->terms[i]->users++;
		add_term(copy, expect->terms[i]);
	}
	return copy;
}

void
expect_free(struct expect *expect)
{
	size_t i;

	if (!expect)
		return;
	for (i = 0; i < expect->count; i++)
		term_free(expect->terms[i]);
	free(expect->terms);
	ha_buf_release(&expect->text);
	free(expect);
}

const char *
expect_text(const struct expect *expect)
{
	return expect->text.data;
}

unsigned
expect_about(const struct expect *expect)
{
	unsigned about = 0;
	size_t i;

	for (i = 0; expect && i < expect->count; i++)
		about |= expect->terms[i]->about;
	return about;
}

static int
has_subject(const struct expect *expect, enum term_subject subject)
{
	size_t i;

	for (i = 0; expect && i < expect->count; i++)
		if (expect->terms[i]->subject == subject)
			return 1;
	return 0;
}

int
expect_wants_certs(const struct expect *expect)
{
	return has_subject(expect, TERM_CERT);
}

int
expect_wants_body(const struct expect *expect)
{
	return has_subject(expect, TERM_BODY) ||
	       has_subject(expect, TERM_JSON) || has_subject(expect, TERM_SIZE);
}

int
expect_wants_status(const struct expect *expect)
{
	return has_subject(expect, TERM_STATUS);
}

int
expect_wants_reply(const struct expect *expect)
{
	return has_subject(expect, TERM_REPLY);
}
