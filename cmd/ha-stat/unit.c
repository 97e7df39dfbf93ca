/* SPDX-License-Identifier: ISC */
/* unit - what systemd says of a unit. */
#include "unit.h"

#include <limits.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "alloc.h"
#include "helper.h"
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
	size_t len = 0;
	const char *group = find_value(text, "ControlGroup", &len);

	unit->group = group && len ? ha_xmemdup(group, len) : NULL;
	take_word(text, "LoadState", unit->load);
	take_word(text, "ActiveState", unit->active);
	take_word(text, "SubState", unit->sub);
	take_word(text, "Result", unit->result);
	unit->main = main <= INT_MAX ? (pid_t)main : 0;
	unit->has_restarts = find_value(text, "NRestarts", &len) != NULL;
	unit->restarts = take_number(text, "NRestarts");
	unit->code = take_number(text, "ExecMainCode");
	unit->status = take_number(text, "ExecMainStatus");
	return *unit->active ? 0 : -1;
}

void
unit_release(struct unit *unit)
{
	free(unit->group);
	unit->group = NULL;
}

/* What its main process ended with, if that is what the result is about. */
static void
add_end(const struct unit *unit, struct ha_buf *words)
{
	const char *name;

	if (!strcmp(unit->result, "exit-code") && unit->code == CLD_EXITED &&
	    unit->status) {
		ha_buf_addf(words, " %u", (unsigned)unit->status);
	} else if ((!strcmp(unit->result, "signal") ||
		       !strcmp(unit->result, "core-dump")) &&
		   (unit->code == CLD_KILLED || unit->code == CLD_DUMPED)) {
		name = unit->status < NSIG ? sigabbrev_np((int)unit->status)
					   : NULL;
		if (name)
			ha_buf_addf(words, " %s", name);
	}
}

void
unit_describe(const struct unit *unit, struct ha_buf *words)
{
	int has_result = *unit->result && strcmp(unit->result, "success") != 0;
	int has_sub = strcmp(unit->sub, unit->active) != 0 || !has_result;

	ha_buf_addf(words, "%s (", unit->active);
	if (has_sub)
		ha_buf_add_str(words, unit->sub);
	if (has_result) {
		ha_buf_addf(words, "%s%s", has_sub ? ", " : "", unit->result);
		add_end(unit, words);
	}
	ha_buf_add_char(words, ')');
}

int
unit_refuse(const struct helper *helper, struct ha_err *err)
{
	const struct ha_buf *words = helper_errors(helper);

	return ha_err_set(err, EX_UNAVAILABLE, 0,
	    "systemctl ended with %d%s%.*s", helper_status(helper),
	    words->len ? ": " : "", (int)strcspn(words->data, "\n"),
	    words->data);
}
