/* SPDX-License-Identifier: ISC */
/*
 * text - what a person sees on a terminal: columns, wrapped words, colours.
 */
#include "text.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>
#include <wchar.h>

/* Of a terminal that does not say. */
#define WIDTH 80

/* The bytes of the character at p, and the columns that it takes. */
static size_t
character(const char *p, size_t left, size_t *width)
{
	mbstate_t state = { 0 };
	wchar_t wc = L'\0';
	size_t len = mbrtowc(&wc, p, left, &state);
	int columns;

	*width = 1;
	if (len == 0 || len > left)
		return 1;
	columns = wcwidth(wc);
	if (columns >= 0)
		*width = (size_t)columns;
	return len;
}

size_t
ha_text_fit(const char *text, size_t len, size_t max, size_t *used)
{
	size_t at = 0, n, width;

	*used = 0;
	while (at < len) {
		n = character(text + at, len - at, &width);
		if (*used + width > max)
			break;
		*used += width;
		at += n;
	}
	return at;
}

size_t
ha_text_width(const char *text)
{
	size_t used;

	ha_text_fit(text, strlen(text), SIZE_MAX, &used);
	return used;
}

/* Behind the last blank of what fits, if there is one. */
static size_t
break_at(const char *text, size_t len, size_t fits)
{
	size_t at = fits;

	if (fits == len)
		return len;
	while (at && text[at] != ' ')
		at--;
	return at ? at : fits;
}

void
ha_text_add_wrapped(
    struct ha_buf *out, const char *text, size_t width, size_t indent)
{
	size_t left = strlen(text), used, len;

	for (;;) {
		len = ha_text_fit(text, left, width, &used);
		len = break_at(text, left, len);
		/* Too narrow for anything is no reason to lose it. */
		if (!len && left)
			len = character(text, left, &used);
		used = len;
		while (used && text[used - 1] == ' ')
			used--;
		ha_buf_add(out, text, used);
		text += len;
		left -= len;
		while (left && *text == ' ') {
			text++;
			left--;
		}
		if (!left)
			break;
		ha_buf_addf(out, "\n%*s", (int)indent, "");
	}
}

size_t
ha_text_terminal_width(void)
{
	struct winsize size;

	if (!isatty(STDOUT_FILENO))
		return 0;
	if (!ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) && size.ws_col)
		return size.ws_col;
	return WIDTH;
}

int
ha_text_is_coloured(void)
{
	const char *no_color = getenv("NO_COLOR");

	return isatty(STDOUT_FILENO) && (!no_color || !*no_color);
}

const char *
ha_text_colour(enum ha_status_state state)
{
	switch (state) {
	case HA_STATUS_OK:
		return "\033[32m";
	case HA_STATUS_WARN:
		return "\033[33m";
	case HA_STATUS_CRIT:
		return "\033[31m";
	default:
		return "\033[35m";
	}
}
