/* SPDX-License-Identifier: ISC */
/* escape - bytes that are written as printf(1)'s %b takes them. */
#include "escape.h"

#include <ctype.h>
#include <string.h>

static const char letters[] = "\\abfnrtv";
static const char values[] = "\\\a\b\f\n\r\t\v";

/* At most max digits of the base; returns how many there are. */
static size_t
parse_digits(const char *text, size_t len, size_t max, unsigned base, char *c)
{
	unsigned number = 0, digit;
	size_t i;

	for (i = 0; i < len && i < max; i++) {
		if (!isxdigit((unsigned char)text[i]))
			break;
		digit = isdigit((unsigned char)text[i])
			    ? (unsigned)(text[i] - '0')
			    : (unsigned)(tolower(text[i]) - 'a') + 10;
		if (digit >= base)
			break;
		number = base * number + digit;
	}
	*c = (char)(number & 0xff);
	return i;
}

/* text is behind a backslash.  Returns the length of the escape, 0 if none. */
static size_t
undo_one(const char *text, size_t len, char *c)
{
	const char *letter = len && *text ? strchr(letters, *text) : NULL;
	size_t digits;

	if (letter) {
		*c = values[letter - letters];
		return 1;
	}
	if (len && *text == '0')
		return 1 + parse_digits(text + 1, len - 1, 3, 8, c);
	if (len && *text == 'x') {
		digits = parse_digits(text + 1, len - 1, 2, 16, c);
		return digits ? 1 + digits : 0;
	}
	return 0;
}

void
escape_undo(struct ha_buf *bytes, const char *text, size_t len)
{
	const char *end = text + len;
	size_t taken;
	char c;

	while (text < end) {
		c = *text++;
		taken =
		    c == '\\' ? undo_one(text, (size_t)(end - text), &c) : 0;
		ha_buf_add_char(bytes, c);
		text += taken;
	}
}

void
escape_add(struct ha_buf *text, const char *bytes, size_t len)
{
	const char *value;
	size_t i;

	for (i = 0; i < len; i++) {
		value = bytes[i] ? strchr(values, bytes[i]) : NULL;
		if (value)
			ha_buf_addf(text, "\\%c", letters[value - values]);
		else if ((unsigned char)bytes[i] < ' ' || bytes[i] == 0x7f)
			ha_buf_addf(text, "\\0%03o", (unsigned char)bytes[i]);
		else
			ha_buf_add_char(text, bytes[i]);
	}
}
