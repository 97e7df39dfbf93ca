/* SPDX-License-Identifier: ISC */
/*
 * exit - a program's own exit status and its first line, as a monitoring
 * plugin's.  Monitoring Plugins Development Guidelines, "Plugin Output".
 */
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "alloc.h"
#include "helper.h"
#include "kinds.h"

#define LINE_MAX_LEN 1024

enum { PLAIN };

static const struct kind_option options[] = {
	{ "plain", OPTION_FLAG, HA_RANGE_NUMBER, NULL, NULL,
	    "a program that knows nothing of WARN: 0 is OK, anything else "
	    "CRIT" },
	{ NULL },
};

struct data {
	char **argv;
	size_t argc;
};

/* One word at *text, which moves behind it, quotes taken off as conf.h has it. */
static int
take_word(const char **text, struct ha_buf *word, struct ha_err *err)
{
	const char *p = *text;
	char quote = '\0';

	for (; *p && (quote || !strchr(" \t", *p)); p++) {
		if (*p == quote) {
			quote = '\0';
		} else if (!quote && (*p == '\'' || *p == '"')) {
			quote = *p;
		} else {
			if (*p == '\\' && quote != '\'' && !*++p)
				return ha_err_set(err, EX_USAGE, 0,
				    "a backslash at the end of the command");
			ha_buf_add_char(word, *p);
		}
	}
	if (quote)
		return ha_err_set(
		    err, EX_USAGE, 0, "%c without its other one", quote);
	*text = p;
	return 0;
}

static int
prepare(struct check *check, struct ha_err *err)
{
	const char *p = check->argument + strspn(check->argument, " \t");
	struct data *data = check->data;
	struct ha_buf word;

	data->argv = ha_xcalloc(strlen(p) / 2 + 2, sizeof(*data->argv));
	while (*p) {
		ha_buf_init(&word);
		if (take_word(&p, &word, err)) {
			ha_buf_release(&word);
			return -1;
		}
		if (!word.len)
			ha_buf_add(&word, "", 0);
		data->argv[data->argc++] = ha_xmemdup(word.data, word.len);
		ha_buf_release(&word);
		p += strspn(p, " \t");
	}
	if (data->argc && *data->argv[0])
		return 0;
	return ha_err_set(err, EX_USAGE, 0, "exit needs a program");
}

static void
look(struct check *check)
{
	struct data *data = check->data;
	const char **argv = ha_xcalloc(data->argc + 1, sizeof(*argv));
	struct helper_task task = { .argv = argv,
		.key = check->argument,
		.deadline_ns = check->deadline_ns };

	/* For the words if there is no answer. */
	check_subject(check, "%s:", data->argv[0]);
	memcpy(argv, data->argv, data->argc * sizeof(*argv));
	check->helper = helper_start(&task);
	free(argv);
}

/* The first line's length, without blanks at its end. */
static size_t
first_line(const char *text)
{
	size_t len = strcspn(text, "\n");

	if (len > LINE_MAX_LEN)
		len = LINE_MAX_LEN;
	while (len && strchr(" \t\r", text[len - 1]))
		len--;
	return len;
}

/* value[unit][;warn[;crit[;min[;max]]]] */
static int
is_value(const char *text, size_t len)
{
	static const char digits[] = "0123456789";
	static const char letters[] = "abcdefghijklmnopqrstuvwxyz"
				      "ABCDEFGHIJKLMNOPQRSTUVWXYZ%";
	char *value = ha_xmemdup(text, len);
	const char *p = value + (*value == '-');
	size_t fields = 0, count = strspn(p, digits);
	int is_one;

	is_one = count || *p == 'U';
	p += count;
	if (*p == '.')
		p += 1 + strspn(p + 1, digits);
	for (p += strspn(p, letters); *p == ';'; fields++)
		p += 1 + strspn(p + 1, "-.:@~0123456789");
	is_one = is_one && !*p && fields <= 4;
	free(value);
	return is_one;
}

/* "label=value", quotes around the label or not, without control bytes. */
static int
is_perf(const char *item, size_t len)
{
	const char *equals = NULL;
	char quote = '\0';
	size_t i;

	for (i = 0; i < len; i++) {
		if ((unsigned char)item[i] < 0x20 || item[i] == 0x7f ||
		    item[i] == '|')
			return 0;
		if (item[i] == '\'')
			quote = quote ? '\0' : '\'';
		else if (item[i] == '=' && !quote && !equals)
			equals = item + i;
	}
	if (quote || !equals || equals == item)
		return 0;
	equals++;
	return is_value(equals, len - (size_t)(equals - item));
}

/* What looks like performance data goes on, item by item. */
static void
add_perf(struct check *check, const char *text, size_t len)
{
	const char *end = text + len;
	int is_quoted;

	while (text < end) {
		const char *p = text;

		for (is_quoted = 0; p < end && (is_quoted || *p != ' '); p++)
			if (*p == '\'')
				is_quoted = !is_quoted;
		if (is_perf(text, (size_t)(p - text))) {
			if (check->perf.len)
				ha_buf_add_char(&check->perf, ' ');
			ha_buf_add(&check->perf, text, (size_t)(p - text));
		}
		text = p + (p < end);
	}
}

/* The words of its first line; its performance data is kept. */
static char *
take_line(struct check *check)
{
	const struct ha_buf *answer = helper_answer(check->helper);
	const struct ha_buf *errors = helper_errors(check->helper);
	const char *text = answer->data, *bar;
	size_t len = first_line(text);

	bar = memchr(text, '|', len);
	if (bar) {
		add_perf(check, bar + 1, (size_t)(text + len - bar - 1));
		len = (size_t)(bar - text);
		while (len && text[len - 1] == ' ')
			len--;
	}
	if (!len) {
		text = errors->data;
		len = first_line(text);
	}
	return ha_xmemdup(text, len);
}

static enum ha_status_state
state_of(int status, int is_killed, int is_plain)
{
	if (is_plain)
		return status ? HA_STATUS_CRIT : HA_STATUS_OK;
	if (is_killed)
		return HA_STATUS_CRIT;
	return status <= HA_STATUS_UNKNOWN ? (enum ha_status_state)status
					   : HA_STATUS_UNKNOWN;
}

static void
judge(struct check *check)
{
	int status = helper_status(check->helper);
	int killed_by = helper_signal(check->helper);
	int is_plain = (int)check_setting(check, PLAIN)->number;
	enum ha_status_state state = state_of(status, killed_by, is_plain);
	char *line = take_line(check);

	free(check->subject);
	check->subject = NULL;
	if (*line)
		check_say(check, state, "%s", line);
	if (killed_by)
		check_say(check, state, "%s was killed by SIG%s",
		    ((struct data *)check->data)->argv[0],
		    sigabbrev_np(killed_by) ? sigabbrev_np(killed_by) : "RT");
	else if (!*line || is_plain || status > HA_STATUS_UNKNOWN)
		check_say(check, state, "%s ended with %d",
		    ((struct data *)check->data)->argv[0], status);
	free(line);
}

static void
release(struct check *check)
{
	struct data *data = check->data;

	for (size_t i = 0; i < data->argc; i++)
		free(data->argv[i]);
	free(data->argv);
}

const struct kind kind_exit = {
	.name = "exit",
	.argument = "PROGRAM [ARGUMENT...]",
	.help = "a program's own exit status and first line of output",
	.details =
	    "Run without a shell, split at blanks, with quotes as in a file "
	    "of checks; a ? is written %3F. 0 is OK, 1 WARN, 2 CRIT, "
	    "anything else UNKNOWN, a signal CRIT; what stands behind a | is "
	    "performance data. What it leaves behind in its process group "
	    "is killed when it ends, and all of it at the deadline, which is "
	    "CRIT.",
	.options = options,
	.size = sizeof(struct data),
	.prepare = prepare,
	.look = look,
	.judge = judge,
	.release = release,
};
