/* SPDX-License-Identifier: ISC */
/* unit - what systemd says of a unit. */
#include "unit.h"

#include <limits.h>
#include <string.h>

#include "kernel.h"

#define MAX_NAME 255

int
unit_is_name(const char *name)
{
	static const char allowed[] = "abcdefghijklmnopqrstuvwxyz"
				      "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
				      "0123456789:-_.\\@";
	size_t len = strlen(name);

	return len && len <= MAX_NAME && strspn(name, allowed) == len &&
	       *name != '-' && *name != '.';
}

/* The value of "KEY=" at the start of a line; NULL: there is none. */
static const char *
find_value(const char *text, const char *key, size_t *len)
{
	size_t key_len = strlen(key);

	for (;; text++) {
		if (!strncmp(text, key, key_len) && text[key_len] == '=') {
			text += key_len + 1;
			*len = (size_t)(kernel_line_end(text) - text);
			return text;
		}
		text = kernel_line_end(text);
		if (!*text)
			return NULL;
	}
}

static void
take_word(const char *text, const char *key, char out[UNIT_WORD])
{
	size_t len = 0;
	const char *value = find_value(text, key, &len);

	if (len >= UNIT_WORD)
		len = UNIT_WORD - 1;
	if (value)
		memcpy(out, value, len);
	out[len] = '\0';
}

static uint64_t
take_number(const char *text, const char *key)
{
	size_t len;
	const char *value = find_value(text, key, &len);
	uint64_t number;

	return value && !kernel_number(&value, &number) ? number : 0;
}

int
unit_parse(const char *text, struct unit *unit)
{
	uint64_t main = take_number(text, "MainPID");

	take_word(text, "LoadState", unit->load);
	take_word(text, "ActiveState", unit->active);
	take_word(text, "SubState", unit->sub);
	take_word(text, "Result", unit->result);
	unit->main = main <= INT_MAX ? (pid_t)main : 0;
	unit->restarts = take_number(text, "NRestarts");
	return *unit->active ? 0 : -1;
}
