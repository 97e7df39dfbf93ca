/* SPDX-License-Identifier: ISC */
/*
 * rec - one record a line: fields, escapes, key=value lines.
 */
#include "rec.h"

#include <jansson.h>
#include <string.h>
#include <wchar.h>
#include <wctype.h>

static int
must_escape(unsigned char c)
{
	return c < 0x20 || c == 0x7f || c == '\\';
}

static void
add_escape(struct ha_buf *line, unsigned char c)
{
	if (c == '\\')
		ha_buf_add(line, "\\\\", 2);
	else if (c == '\t')
		ha_buf_add(line, "\\t", 2);
	else if (c == '\n')
		ha_buf_add(line, "\\n", 2);
	else
		ha_buf_addf(line, "\\0%03o", c);
}

static void
add_escaped(struct ha_buf *line, const void *data, size_t len)
{
	const unsigned char *p = data;
	size_t plain = 0, i;

	if (len == 1 && *p == '-') {
		ha_buf_add_str(line, "\\0055");
		return;
	}
	for (i = 0; i < len; i++) {
		if (!must_escape(p[i]))
			continue;
		ha_buf_add(line, p + plain, i - plain);
		add_escape(line, p[i]);
		plain = i + 1;
	}
	if (len)
		ha_buf_add(line, p + plain, len - plain);
}

void
ha_rec_add_field(struct ha_buf *line, const void *data, size_t len)
{
	if (len)
		add_escaped(line, data, len);
	else
		ha_buf_add_char(line, '-');
}

/* Characters that turn the direction of what follows can forge a line. */
static int
turns_direction(unsigned long wc)
{
	return (wc >= 0x202a && wc <= 0x202e) || (wc >= 0x2066 && wc <= 0x2069);
}

/* The length of the printable character that p begins with, or 0. */
static size_t
printable_len(const char *p, size_t len)
{
	mbstate_t state = { 0 };
	wchar_t wc;
	size_t n = mbrtowc(&wc, p, len, &state);

	if (n == 0 || n > len || !iswprint((wint_t)wc) ||
	    turns_direction((unsigned long)wc))
		return 0;
	return n;
}

void
ha_rec_add_printable(struct ha_buf *text, const void *data, size_t len)
{
	const char *p = data;
	const char *end = p + len;
	size_t n;

	while (p < end) {
		n = must_escape((unsigned char)*p) ? 0
		    : (unsigned char)*p < 0x80
			? 1
			: printable_len(p, (size_t)(end - p));
		if (n)
			ha_buf_add(text, p, n);
		else
			add_escape(text, (unsigned char)*p);
		p += n ? n : 1;
	}
}

/* The length of the UTF-8 character at p, and which one; or 0. */
static size_t
utf8_len(const unsigned char *p, size_t left, unsigned long *wc)
{
	static const unsigned long least[] = { 0, 0, 0x80, 0x800, 0x10000 };
	size_t len = *p < 0x80       ? 1
		     : *p >> 5 == 6  ? 2
		     : *p >> 4 == 14 ? 3
		     : *p >> 3 == 30 ? 4
				     : 0;
	size_t i;

	if (!len || len > left)
		return 0;
	*wc = len == 1 ? *p : *p & (0x7fU >> len);
	for (i = 1; i < len; i++) {
		if (p[i] >> 6 != 2)
			return 0;
		*wc = *wc << 6 | (p[i] & 0x3f);
	}
	if (*wc < least[len] || *wc > 0x10ffff || (*wc >> 11) == 0x1b)
		return 0;
	return len;
}

static int
steers_terminal(unsigned long wc)
{
	return wc < 0x20 || (wc >= 0x7f && wc < 0xa0) || turns_direction(wc);
}

void
ha_rec_add_utf8(struct ha_buf *text, const void *data, size_t len)
{
	const unsigned char *p = data;
	const unsigned char *end = p + len;
	unsigned long wc = 0;
	size_t n;

	while (p < end) {
		n = utf8_len(p, (size_t)(end - p), &wc);
		if (!n || steers_terminal(wc))
			ha_buf_add_char(text, '?');
		else
			ha_buf_add(text, p, n);
		p += n ? n : 1;
	}
}

size_t
ha_rec_split(char *line, char **fields, size_t max)
{
	size_t n = 0;
	char *tab;

	while (n < max) {
		fields[n++] = line;
		tab = strchr(line, '\t');
		if (!tab)
			break;
		*tab = '\0';
		line = tab + 1;
	}
	return n;
}

static int
octal(const char *p)
{
	int value = 0;
	int i;

	for (i = 0; i < 3; i++) {
		if (p[i] < '0' || p[i] > '7')
			return -1;
		value = value * 8 + (p[i] - '0');
	}
	return value;
}

/* The byte an escape stands for, -1 if it is none of ours; *used its length. */
static int
read_escape(const char *p, size_t *used)
{
	int value;

	*used = 2;
	if (p[1] == '\\')
		return '\\';
	if (p[1] == 't')
		return '\t';
	if (p[1] == 'n')
		return '\n';
	if (p[1] != '0')
		return -1;
	*used = 5;
	value = octal(p + 2);
	if (value > 0xff || value == '\t' || value == '\n' || value == '\\')
		return -1;
	return value >= 0x20 && value < 0x7f ? -1 : value;
}

int
ha_rec_unescape(char *field, size_t *len, struct ha_err *err)
{
	char *from = field, *to = field;
	size_t used;
	int value;

	*len = 0;
	if (!strcmp(field, "-")) {
		*field = '\0';
		return 0;
	}
	if (!strcmp(field, "\\0055")) {
		memcpy(field, "-", 2);
		*len = 1;
		return 0;
	}
	while (*from) {
		if (*from != '\\') {
			*to++ = *from++;
			continue;
		}
		value = read_escape(from, &used);
		if (value < 0)
			return ha_err_set(err, EX_DATAERR, 0,
			    "bad escape at column %td of a field",
			    from - field + 1);
		*to++ = (char)value;
		from += used;
	}
	*to = '\0';
	*len = (size_t)(to - field);
	return 0;
}

int
ha_rec_unescape_text(char *field, struct ha_err *err)
{
	size_t len;

	if (ha_rec_unescape(field, &len, err))
		return -1;
	if (strlen(field) != len)
		return ha_err_set(err, EX_DATAERR, 0, "a NUL byte in a field");
	return 0;
}

void
ha_rec_add_pair(
    struct ha_buf *line, const char *key, const void *value, size_t len)
{
	ha_buf_add_char(line, '\t');
	ha_buf_add_str(line, key);
	ha_buf_add_char(line, '=');
	add_escaped(line, value, len);
}

static void
add_base64(struct ha_buf *line, const unsigned char *data, size_t len)
{
	static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
				     "abcdefghijklmnopqrstuvwxyz0123456789+/";
	unsigned long bits;
	size_t i, n;

	ha_buf_add_str(line, "{\"b64\":\"");
	for (i = 0; i < len; i += 3) {
		n = len - i;
		bits = (unsigned long)data[i] << 16 |
		       (n > 1 ? data[i + 1] : 0UL) << 8 |
		       (n > 2 ? data[i + 2] : 0UL);
		ha_buf_add_char(line, digits[bits >> 18]);
		ha_buf_add_char(line, digits[bits >> 12 & 63]);
		ha_buf_add_char(line, n > 1 ? digits[bits >> 6 & 63] : '=');
		ha_buf_add_char(line, n > 2 ? digits[bits & 63] : '=');
	}
	ha_buf_add_str(line, "\"}");
}

/* What JSON itself leaves as it is, but a terminal would not show. */
static void
add_shown(struct ha_buf *line, const char *json, size_t len)
{
	const unsigned char *p = (const unsigned char *)json, *end = p + len;
	unsigned long wc = 0;
	size_t n;

	for (; p < end; p += n) {
		n = utf8_len(p, (size_t)(end - p), &wc);
		if (steers_terminal(wc))
			ha_buf_addf(line, "\\u%04lx", wc);
		else
			ha_buf_add(line, p, n);
	}
}

void
ha_rec_add_json(struct ha_buf *line, const void *data, size_t len)
{
	json_t *string = json_stringn(len ? data : "", len);
	struct ha_buf json = HA_BUF_INIT;
	size_t size;

	if (!string) {
		add_base64(line, data, len);
		return;
	}
	size = json_dumpb(string, NULL, 0, JSON_ENCODE_ANY);
	ha_buf_reserve(&json, size);
	json_dumpb(string, json.data, size, JSON_ENCODE_ANY);
	add_shown(line, json.data, size);
	ha_buf_release(&json);
	json_decref(string);
}
