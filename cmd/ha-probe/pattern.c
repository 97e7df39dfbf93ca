/* SPDX-License-Identifier: ISC */
/* pattern - POSIX extended regular expressions, on bytes. */
#include "pattern.h"

#include <ctype.h>
#include <locale.h>
#include <stdlib.h>
#include <string.h>

#include "buf.h"

#define LENGTH_MAX 1000
#define DEPTH_MAX 50
#define NODES_MAX 2000

/* The size of what regcomp(3) makes of a pattern, which copies what repeats. */
struct size {
	struct {
		unsigned long done, last;
	} level[DEPTH_MAX];
	size_t depth;
	int is_repeated; /* the last item */
};

static void
add_atom(struct size *size, unsigned long nodes)
{
	size->is_repeated = 0;
	size->level[size->depth].done += size->level[size->depth].last;
	size->level[size->depth].last = nodes;
}

/* The upper bound of what is behind a '{', or 1 when it is no repetition. */
static unsigned long
repetition(const char *p)
{
	unsigned long low, high;
	char *end;

	if (!isdigit((unsigned char)*p) && *p != ',')
		return 1;
	low = high = strtoul(p, &end, 10);
	if (*end == ',' && isdigit((unsigned char)end[1]))
		high = strtoul(end + 1, NULL, 10);
	return high > low ? high : low ? low : 1;
}

/*
 * -1: too large; or a repetition of a repetition, which POSIX leaves undefined
 * and regcomp(3) may take for ever over.
 */
static int
multiply(struct size *size, unsigned long times)
{
	unsigned long *last = &size->level[size->depth].last;

	if (size->is_repeated)
		return -1;
	size->is_repeated = 1;
	if (*last && times > NODES_MAX / *last)
		return -1;
	*last *= times;
	return 0;
}

static const char *
skip_bracket(const char *p)
{
	p += p[1] == '^' ? 2 : 1;
	p += *p == ']';
	return p + strcspn(p, "]");
}

/* Take in one item.  NULL: too large, or too deep. */
static const char *
weigh(struct size *size, const char *p)
{
	unsigned long inner;

	switch (*p) {
	case '(':
		if (++size->depth == DEPTH_MAX)
			return NULL;
		size->is_repeated = 0;
		memset(&size->level[size->depth], 0, sizeof(size->level[0]));
		return p + 1;
	case ')':
		inner = 1 + size->level[size->depth].done +
			size->level[size->depth].last;
		size->depth -= size->depth > 0;
		add_atom(size, inner);
		return p + 1;
	case '*':
	case '?':
		return multiply(size, 1) ? NULL : p + 1;
	case '+':
		return multiply(size, 2) ? NULL : p + 1;
	case '{':
		if (multiply(size, repetition(p + 1)))
			return NULL;
		p += strcspn(p, "}");
		return p + !!*p;
	case '[':
		p = skip_bracket(p);
		break;
	case '\\':
		p += !!p[1];
		break;
	}
	add_atom(size, 1);
	return p + !!*p;
}

static int
is_too_large(const char *text)
{
	struct size size;
	const char *p = text;

	memset(&size, 0, sizeof(size));
	while (p && *p) {
		p = weigh(&size, p);
		if (size.level[0].done > NODES_MAX)
			return 1;
	}
	return !p || p - text > LENGTH_MAX;
}

static int
has_back_reference(const char *p)
{
	for (; *p; p += !!*p)
		if (*p == '[')
			p = skip_bracket(p);
		else if (*p == '\\' && isdigit((unsigned char)*++p))
			return 1;
	return 0;
}

static locale_t
bytes_locale(void)
{
	static locale_t locale;

	if (!locale)
		locale = newlocale(LC_ALL_MASK, "C", NULL);
	return locale;
}

int
pattern_compile(regex_t *regex, const char *text, struct ha_err *err)
{
	char words[128];
	locale_t before;
	int result;

	if (has_back_reference(text))
		return ha_err_set(
		    err, EX_USAGE, 0, "regular expression: no back-references");
	if (is_too_large(text))
		return ha_err_set(err, EX_USAGE, 0,
		    "regular expression: too long, or too many repetitions");
	before = uselocale(bytes_locale());
	result = regcomp(regex, text, REG_EXTENDED | REG_NEWLINE | REG_NOSUB);
	uselocale(before);
	if (!result)
		return 0;
	regerror(result, regex, words, sizeof(words));
	return ha_err_set(err, EX_USAGE, 0, "regular expression: %s", words);
}

static void
add_without_cr(struct ha_buf *text, const char *data, size_t len)
{
	const char *end = data + len;
	const char *cr;

	while ((cr = memchr(data, '\r', (size_t)(end - data)))) {
		ha_buf_add(text, data,
		    (size_t)(cr - data) + !(cr + 1 < end && cr[1] == '\n'));
		data = cr + 1;
	}
	ha_buf_add(text, data, (size_t)(end - data));
}

int
pattern_matches(const regex_t *regex, const char *data, size_t len)
{
	struct ha_buf text = HA_BUF_INIT;
	regmatch_t range = { 0, 0 };
	locale_t before;
	int result;

	if (memchr(data, '\r', len)) {
		add_without_cr(&text, data, len);
		data = text.data;
		len = text.len;
	}
	range.rm_eo = (regoff_t)len;
	before = uselocale(bytes_locale());
	/* glibc's and the BSDs': the end is told, so NUL is a byte. */
	result = regexec(regex, data, 1, &range, REG_STARTEND);
	uselocale(before);
	ha_buf_release(&text);
	return !result;
}
