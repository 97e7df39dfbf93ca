/* SPDX-License-Identifier: ISC */
/* explain - --list: what every kind of check looks at, and its options. */
#include "explain.h"

#include <string.h>

#include "buf.h"
#include "check.h"
#include "out.h"
#include "text.h"

#define WIDTH 79
#define OPTION_COLUMN 4
#define HELP_COLUMN 27

static void
add_wrapped(struct ha_buf *text, const char *words, size_t indent)
{
	ha_text_add_wrapped(text, words, WIDTH - indent, indent);
	ha_buf_add_char(text, '\n');
}

/* "used=WARN,CRIT", and what it is. */
static void
add_option(struct ha_buf *text, const struct kind_option *option, int is_main)
{
	struct ha_buf help = HA_BUF_INIT;
	size_t start = text->len, col;

	ha_buf_addf(text, "%*s%s", OPTION_COLUMN, "", option->name);
	if (option->type == OPTION_LIMIT)
		ha_buf_add_str(text, "=WARN,CRIT");
	else if (option->argument)
		ha_buf_addf(text, "=%s", option->argument);
	col = text->len - start;
	if (col + 2 > HELP_COLUMN) {
		ha_buf_add_char(text, '\n');
		col = 0;
	}
	ha_buf_addf(text, "%*s", (int)(HELP_COLUMN - col), "");
	ha_buf_add_str(&help, option->help);
	if (option->fallback)
		ha_buf_addf(&help, " [%s]", option->fallback);
	if (is_main)
		ha_buf_add_str(&help, "; also by warn= and crit=, -w and -c");
	add_wrapped(text, help.data, HELP_COLUMN);
	ha_buf_release(&help);
}

static void
add_kind(struct ha_buf *text, const struct kind *kind)
{
	size_t start = text->len, col;

	ha_buf_add_str(text, kind->name);
	if (kind->argument && *kind->argument == '[')
		ha_buf_addf(text, "[:%s", kind->argument + 1);
	else if (kind->argument)
		ha_buf_addf(text, ":%s", kind->argument);
	col = text->len - start;
	if (col + 2 > HELP_COLUMN) {
		ha_buf_add_char(text, '\n');
		col = 0;
	}
	ha_buf_addf(text, "%*s", (int)(HELP_COLUMN - col), "");
	add_wrapped(text, kind->help, HELP_COLUMN);
	if (kind->details) {
		ha_buf_addf(text, "%*s", OPTION_COLUMN, "");
		add_wrapped(text, kind->details, OPTION_COLUMN);
	}
	for (size_t i = 0; kind->options && kind->options[i].name; i++)
		add_option(text, &kind->options[i],
		    !i && kind->options[i].type == OPTION_LIMIT);
}

static void
add_all(struct ha_buf *text)
{
	ha_buf_add_str(text,
	    "CHECK is KIND[:ARGUMENT][?KEY=VALUE&KEY=VALUE...]. WARN and CRIT are\n"
	    "ranges as Nagios has them: 80 alerts above 80 and below 0, 10: below 10,\n"
	    "20:80 outside of that, @20:80 inside; 80% (80pct) of the whole; 10G; 5m.\n"
	    "Either one may be left out: 80%  or  ,90%. In [brackets] is the default.\n");
	for (size_t i = 0; kinds[i]; i++) {
		ha_buf_add_char(text, '\n');
		add_kind(text, kinds[i]);
	}
}

int
explain_kinds(char *const *names, struct ha_err *err)
{
	struct ha_buf text = HA_BUF_INIT;

	if (!*names)
		add_all(&text);
	for (; *names; names++) {
		const struct kind *kind =
		    kind_find(*names, strcspn(*names, ":"));

		if (!kind) {
			ha_buf_release(&text);
			return ha_err_set(err, EX_USAGE, 0,
			    "'%s' is no kind of check; see 'ha-stat --list'",
			    *names);
		}
		add_kind(&text, kind);
	}
	ha_out_write(text.data, text.len);
	ha_buf_release(&text);
	return 0;
}
