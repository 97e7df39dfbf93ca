/* SPDX-License-Identifier: ISC */
/*
 * opt - one table of options: parsing, --help, --dump-options.
 */
#include "opt.h"

#include <errno.h>
#include <getopt.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#include "alloc.h"
#include "buf.h"
#include "clock.h"
#include "msg.h"
#include "out.h"
#include "text.h"

#define WIDTH 79
#define HELP_COLUMN 26
/* getopt_long(3)'s values for long options: beyond every letter. */
#define FIRST_LONG 256

static int show_help, show_version, show_dump;

static void
more_words(void *target, const char *arg)
{
	(void)arg;
	++*(int *)target;
}

static const struct ha_opt standard[] = {
	{ 'v', "verbose", NULL, HA_OPT_CALL, &ha_msg_verbosity,
	    "say more on stderr; twice: still more", more_words, NULL, 0 },
	{ 'h', "help", NULL, HA_OPT_FLAG, &show_help, "show this and exit",
	    NULL, NULL, 0 },
	{ 'V', "version", NULL, HA_OPT_FLAG, &show_version,
	    "show the version and exit", NULL, NULL, 0 },
	{ 0, "dump-options", NULL, HA_OPT_FLAG, &show_dump,
	    "show this table for programs and exit", NULL, NULL, 1 },
};

#define STANDARD (sizeof(standard) / sizeof(standard[0]))

/* The command's options and then the standard ones, as one table. */
struct table {
	const struct ha_opt_command *command;
	const struct ha_opt **opts;
	size_t count;
	int usage_status;
};

static void
build_table(struct table *table, const struct ha_opt_command *command)
{
	size_t own = 0, i;

	while (command->opts[own].help)
		own++;
	table->command = command;
	table->count = own + STANDARD;
	table->opts = ha_xcalloc(table->count, sizeof(*table->opts));
	for (i = 0; i < own; i++)
		table->opts[i] = &command->opts[i];
	for (i = 0; i < STANDARD; i++)
		table->opts[own + i] = &standard[i];
}

static void
add_wrapped(struct ha_buf *text, const char *words, size_t indent)
{
	ha_text_add_wrapped(text, words, WIDTH - indent, indent);
	ha_buf_add_char(text, '\n');
}

static void
add_option_help(struct ha_buf *text, const struct ha_opt *opt)
{
	const char *argument = opt->choices ? opt->choices : opt->argument;
	size_t start = text->len;
	size_t col;

	if (opt->short_name)
		ha_buf_addf(text, "  -%c", opt->short_name);
	else
		ha_buf_add_str(text, "    ");
	if (opt->long_name)
		ha_buf_addf(text, "%s --%s", opt->short_name ? "," : " ",
		    opt->long_name);
	if (argument)
		ha_buf_addf(text, "%c%s", opt->long_name ? '=' : ' ', argument);
	col = text->len - start;
	if (col + 2 > HELP_COLUMN) {
		ha_buf_add_char(text, '\n');
		col = 0;
	}
	ha_buf_addf(text, "%*s", (int)(HELP_COLUMN - col), "");
	add_wrapped(text, opt->help, HELP_COLUMN);
}

static void
add_help(struct ha_buf *text, const struct table *table)
{
	const struct ha_opt_command *command = table->command;
	size_t i;
	int grouped = command->opts[0].kind == HA_OPT_GROUP;

	ha_buf_addf(text, "Usage: %s %s\n", command->name, command->synopsis);
	add_wrapped(text, command->purpose, 0);
	if (!grouped)
		ha_buf_add_str(text, "\nOptions:\n");
	for (i = 0; i < table->count; i++) {
		if (grouped && table->opts[i] == standard)
			ha_buf_add_str(text, "\nIn all commands:\n");
		if (table->opts[i]->kind == HA_OPT_GROUP)
			ha_buf_addf(text, "\n%s:\n", table->opts[i]->help);
		else if (!table->opts[i]->hidden)
			add_option_help(text, table->opts[i]);
	}
	if (command->details && *command->details)
		ha_buf_addf(text, "\n%s", command->details);
	if (text->data[text->len - 1] != '\n')
		ha_buf_add_char(text, '\n');
	ha_buf_addf(
	    text, "\nThe whole story: man %s, man 7 ha\n", command->name);
}

static const char *
or_dash(const char *s)
{
	return s && *s ? s : "-";
}

static void
add_dump(struct ha_buf *text, const struct table *table)
{
	const struct ha_opt_command *command = table->command;
	const struct ha_opt *opt;
	char letter[2] = "";
	size_t i;

	ha_buf_addf(text, "#command\t%s\t%s\t%s\n", command->name,
	    or_dash(command->operands), command->purpose);
	for (i = 0; i < table->count; i++) {
		opt = table->opts[i];
		if (opt->hidden || opt->kind == HA_OPT_GROUP)
			continue;
		letter[0] = opt->short_name;
		ha_buf_addf(text, "%s\t%s\t%s\t%s\t%s\n", or_dash(letter),
		    or_dash(opt->long_name), or_dash(opt->argument),
		    or_dash(opt->choices), opt->help);
	}
}

/* What --help, --version or --dump-options asked for, and the end. */
static void
show(const struct table *table)
{
	struct ha_buf text = HA_BUF_INIT;

	if (show_dump)
		add_dump(&text, table);
	else if (show_help)
		add_help(&text, table);
	else
		ha_buf_addf(&text, "%s %s\n", table->command->name, HA_VERSION);
	ha_out_write(text.data, text.len);
	ha_buf_release(&text);
	exit(show_dump ? EX_OK : table->command->help_status);
}

/* "-x" or "--long", whichever was typed; the caller frees it. */
static char *
typed_name(const struct ha_opt *opt, int by_letter)
{
	if (by_letter)
		return ha_xasprintf("-%c", opt->short_name);
	return ha_xasprintf("--%s", opt->long_name);
}

static void __attribute__((format(printf, 2, 3), noreturn))
refuse(const struct table *table, const char *fmt, ...)
{
	struct ha_buf text = HA_BUF_INIT;
	va_list ap;

	va_start(ap, fmt);
	ha_buf_vaddf(&text, fmt, ap);
	va_end(ap);
	ha_die(table->usage_status, "%s; try '%s --help'", text.data,
	    table->command->name);
}

static int
is_choice(const char *choices, const char *arg)
{
	size_t len = strlen(arg);
	const char *p;

	for (p = choices; p; p = strchr(p, '|') ? strchr(p, '|') + 1 : NULL)
		if (!strncmp(p, arg, len) && (!p[len] || p[len] == '|'))
			return 1;
	return 0;
}

static void
set_number(const struct table *table, const char *name, int64_t *target,
    const char *arg)
{
	char *end;

	errno = 0;
	if (*arg >= '0' && *arg <= '9') {
		*target = strtoll(arg, &end, 10);
		if (!errno && !*end)
			return;
	}
	refuse(table, "option '%s': '%s' is no number", name, arg);
}

static void
apply(const struct table *table, const struct ha_opt *opt, const char *name,
    const char *arg)
{
	struct ha_err err;

	switch (opt->kind) {
	case HA_OPT_FLAG:
		*(int *)opt->target = 1;
		break;
	case HA_OPT_STRING:
		if (opt->choices && !is_choice(opt->choices, arg))
			refuse(table, "option '%s': '%s' is none of %s", name,
			    arg, opt->choices);
		*(const char **)opt->target = arg;
		break;
	case HA_OPT_DURATION:
		if (ha_clock_parse_ms(arg, opt->target, &err))
			refuse(table, "option '%s': %s", name, err.msg);
		break;
	case HA_OPT_NUMBER:
		set_number(table, name, opt->target, arg);
		break;
	case HA_OPT_CALL:
		opt->call(opt->target, arg);
		break;
	case HA_OPT_GROUP:
		break;
	}
}

/* getopt_long(3)'s two tables out of ours. */
struct spelling {
	struct ha_buf letters;
	struct option *longs;
};

static void
build_spelling(struct spelling *spelling, const struct table *table)
{
	const struct ha_opt *opt;
	struct option *next;
	size_t i;

	ha_buf_init(&spelling->letters);
	/* A leading ':' tells a missing argument from an unknown option. */
	ha_buf_add_char(&spelling->letters, ':');
	spelling->longs = ha_xcalloc(table->count + 1, sizeof(struct option));
	next = spelling->longs;
	for (i = 0; i < table->count; i++) {
		opt = table->opts[i];
		if (opt->short_name) {
			ha_buf_add_char(&spelling->letters, opt->short_name);
			if (opt->argument)
				ha_buf_add_char(&spelling->letters, ':');
		}
		if (opt->long_name)
			*next++ = (struct option){ opt->long_name,
				opt->argument ? required_argument : no_argument,
				NULL, FIRST_LONG + (int)i };
	}
}

/* The table's entry for what getopt_long(3) returned or put into optopt. */
static const struct ha_opt *
find(const struct table *table, int value)
{
	size_t i;

	if (value >= FIRST_LONG)
		return table->opts[value - FIRST_LONG];
	for (i = 0; i < table->count; i++)
		if (value && table->opts[i]->short_name == value)
			return table->opts[i];
	return NULL;
}

/* Is word the beginning of more than one long option? */
static int
is_ambiguous(const struct table *table, const char *word)
{
	size_t len = strcspn(word, "=");
	size_t i, n = 0;

	for (i = 0; i < table->count; i++)
		if (table->opts[i]->long_name &&
		    !strncmp(table->opts[i]->long_name, word, len))
			n++;
	return n > 1;
}

static _Noreturn void
refuse_option(const struct table *table, int result, const char *word)
{
	const struct ha_opt *opt = find(table, optopt);

	if (opt && result == ':')
		refuse(table, "option '%s' needs an argument (%s)",
		    typed_name(opt, optopt < FIRST_LONG), opt->argument);
	if (opt && optopt >= FIRST_LONG)
		refuse(
		    table, "option '%s' takes no argument", typed_name(opt, 0));
	if (optopt)
		refuse(table, "unknown option '-%c'", optopt);
	refuse(table, "%s option '%.*s'",
	    is_ambiguous(table, word + 2) ? "ambiguous" : "unknown",
	    (int)strcspn(word, "="), word);
}

static int
next_option(int argc, char **argv, const struct spelling *spelling)
{
	return getopt_long(
	    argc, argv, spelling->letters.data, spelling->longs, NULL);
}

static void
begin(struct table *table, struct spelling *spelling,
    const struct ha_opt_command *command)
{
	build_table(table, command);
	build_spelling(spelling, table);
	opterr = 0;
	optind = 0;
}

static void
end(struct table *table, struct spelling *spelling)
{
	ha_buf_release(&spelling->letters);
	free(spelling->longs);
	free(table->opts);
}

int
ha_opt_parse(int argc, char **argv, const struct ha_opt_command *command,
    int usage_status)
{
	struct table table = { .usage_status = usage_status };
	const struct ha_opt *opt;
	struct spelling spelling;
	char *name;
	int result;

	begin(&table, &spelling, command);
	while ((result = next_option(argc, argv, &spelling)) != -1) {
		opt = find(&table, result);
		if (!opt)
			refuse_option(&table, result, argv[optind - 1]);
		name = typed_name(opt, result < FIRST_LONG);
		apply(&table, opt, name, optarg);
		free(name);
		if (show_help || show_version || show_dump)
			show(&table);
	}
	end(&table, &spelling);
	return optind;
}

const char *
ha_opt_peek(
    int argc, char **argv, const struct ha_opt_command *command, char letter)
{
	struct table table = { .usage_status = 0 };
	const char *argument = NULL;
	const struct ha_opt *opt;
	struct spelling spelling;
	int result;

	begin(&table, &spelling, command);
	while ((result = next_option(argc, argv, &spelling)) != -1) {
		opt = find(&table, result);
		if (opt && opt->short_name == letter)
			argument = optarg;
	}
	end(&table, &spelling);
	return argument;
}
