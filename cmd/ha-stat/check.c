/* SPDX-License-Identifier: ISC */
/*
 * check - one thing to look at: how it is written and what is said of it.
 */
#include "check.h"

#include <ctype.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "alloc.h"
#include "clock.h"
#include "helper.h"

struct check_phrase {
	enum ha_status_state state;
	char *text;
};

const struct kind *
kind_find(const char *name, size_t len)
{
	for (size_t i = 0; kinds[i]; i++)
		if (strlen(kinds[i]->name) == len &&
		    !memcmp(kinds[i]->name, name, len))
			return kinds[i];
	return NULL;
}

static size_t
count_options(const struct kind *kind)
{
	size_t count = 0;

	while (kind->options && kind->options[count].name)
		count++;
	return count;
}

static int
has_main(const struct kind *kind)
{
	const struct kind_option *first = kind->options;

	return first && first->name && first->type == OPTION_LIMIT;
}

static int
hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c = (char)tolower((unsigned char)c);
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/*
 * A copy of len bytes without their escapes, or as they are.  NULL for an
 * escaped NUL, which no argument can hold.
 */
static char *
unescape(const char *text, size_t len, int is_raw)
{
	char *copy = ha_xmemdup(text, len);
	char *to = copy;

	for (size_t i = 0; i < len && !is_raw; i++) {
		*to = text[i];
		if (text[i] == '%' && len - i > 2 &&
		    hex_digit(text[i + 1]) >= 0 &&
		    hex_digit(text[i + 2]) >= 0) {
			*to = (char)(hex_digit(text[i + 1]) * 16 +
				     hex_digit(text[i + 2]));
			i += 2;
		}
		if (!*to++) {
			free(copy);
			return NULL;
		}
	}
	if (!is_raw)
		*to = '\0';
	return copy;
}

static int
parse_half(char **half, int *has, struct ha_range *range, const char *text,
    size_t len, enum ha_range_unit unit, struct ha_err *err)
{
	char *copy = ha_xmemdup(text, len);

	if (!len || ha_range_parse(copy, unit, range, err)) {
		free(copy);
		if (!len)
			ha_err_set(err, EX_USAGE, 0, "a threshold is missing");
		return -1;
	}
	free(*half);
	*half = copy;
	*has = 1;
	return 0;
}

static int
parse_warn(struct setting *setting, const struct kind_option *option,
    const char *text, size_t len, struct ha_err *err)
{
	return parse_half(&setting->warn, &setting->limit.has_warn,
	    &setting->limit.warn, text, len, option->unit, err);
}

static int
parse_crit(struct setting *setting, const struct kind_option *option,
    const char *text, size_t len, struct ha_err *err)
{
	return parse_half(&setting->crit, &setting->limit.has_crit,
	    &setting->limit.crit, text, len, option->unit, err);
}

/* "WARN,CRIT", "WARN", ",CRIT". */
static int
parse_limit(struct setting *setting, const struct kind_option *option,
    const char *text, size_t *offset, struct ha_err *err)
{
	size_t len = strcspn(text, ",");
	const char *crit = text[len] ? text + len + 1 : NULL;

	*offset = 0;
	if ((len || !crit || !*crit) &&
	    parse_warn(setting, option, text, len, err))
		return -1;
	if (!crit || !*crit)
		return 0;
	*offset = len + 1;
	return parse_crit(setting, option, crit, strlen(crit), err);
}

static int
parse_flag(struct setting *setting, const char *text, struct ha_err *err)
{
	setting->number = !*text || !strcmp(text, "yes");
	if (setting->number || !strcmp(text, "no"))
		return 0;
	return ha_err_set(err, EX_USAGE, 0, "'%s' is neither yes nor no", text);
}

static int
parse_setting(struct setting *setting, const struct kind_option *option,
    const char *text, size_t *offset, struct ha_err *err)
{
	int result = 0;

	*offset = 0;
	if (option->type == OPTION_LIMIT)
		result = parse_limit(setting, option, text, offset, err);
	else if (option->type == OPTION_DURATION)
		result = ha_clock_parse_ms(text, &setting->number, err);
	else if (option->type == OPTION_FLAG)
		result = parse_flag(setting, text, err);
	if (!result && option->parse)
		result = option->parse(setting, text, err);
	if (result)
		return -1;
	free(setting->text);
	setting->text = ha_xstrdup(text);
	return 0;
}

static int
refuse_key(
    const struct kind *kind, const char *key, size_t len, struct ha_err *err)
{
	struct ha_buf names = HA_BUF_INIT;

	if (has_main(kind))
		ha_buf_add_str(&names, ", warn, crit");
	for (size_t i = 0; i < count_options(kind); i++)
		ha_buf_addf(&names, ", %s", kind->options[i].name);
	ha_err_set(err, EX_USAGE, 0, "%s has no option '%.*s'; it has: %s",
	    kind->name, (int)len, key, names.len ? names.data + 2 : "none");
	ha_buf_release(&names);
	return -1;
}

static int
set_twice(const char *key, size_t len, struct ha_err *err)
{
	return ha_err_set(
	    err, EX_USAGE, 0, "'%.*s' is given twice", (int)len, key);
}

/* warn= or crit=: half of the main value's limit. */
static int
set_half(struct check *check, const char *key, size_t len, const char *value,
    size_t *offset, struct ha_err *err)
{
	struct setting *setting = &check->settings[0];
	int is_warn = *key == 'w';

	if (setting->text || (is_warn ? setting->warn : setting->crit))
		return set_twice(key, len, err);
	setting->is_given = 1;
	*offset = len + 1;
	return (is_warn ? parse_warn : parse_crit)(
	    setting, check->kind->options, value, strlen(value), err);
}

static size_t
find_option(const struct kind *kind, const char *key, size_t len)
{
	size_t count = count_options(kind), i = 0;

	while (i < count && (strlen(kind->options[i].name) != len ||
				memcmp(kind->options[i].name, key, len) != 0))
		i++;
	return i;
}

/* *offset: 0 where it is the key that is wrong, else behind its "=". */
static int
set_option(struct check *check, const char *key, size_t len, const char *value,
    size_t *offset, struct ha_err *err)
{
	const struct kind *kind = check->kind;
	size_t i = find_option(kind, key, len), inside;

	*offset = 0;
	if (i == count_options(kind)) {
		if (has_main(kind) && len == 4 &&
		    (!memcmp(key, "warn", 4) || !memcmp(key, "crit", 4)))
			return set_half(check, key, len, value, offset, err);
		return refuse_key(kind, key, len, err);
	}
	if (check->settings[i].is_given)
		return set_twice(key, len, err);
	check->settings[i].is_given = 1;
	if (!parse_setting(
		&check->settings[i], &kind->options[i], value, &inside, err))
		return 0;
	*offset = len + 1 + inside;
	return -1;
}

static int
is_flag(const struct kind *kind, const char *key, size_t len)
{
	size_t i = find_option(kind, key, len);

	return i < count_options(kind) && kind->options[i].type == OPTION_FLAG;
}

/* One KEY=VALUE of len bytes. */
static int
add_pair(struct check *check, const char *text, size_t len, int is_raw,
    size_t *offset, struct ha_err *err)
{
	const char *equals = memchr(text, '=', len);
	size_t key = equals ? (size_t)(equals - text) : len;
	char *value;
	int result;

	*offset = 0;
	if (!equals && !is_flag(check->kind, text, key))
		return ha_err_set(
		    err, EX_USAGE, 0, "'%.*s' is no KEY=VALUE", (int)len, text);
	value = equals ? unescape(equals + 1, len - key - 1, is_raw)
		       : ha_xstrdup("");
	if (!value)
		return ha_err_set(err, EX_USAGE, 0, "%%00 can't stand here");
	result = set_option(check, text, key, value, offset, err);
	free(value);
	return result;
}

static int
parse_query(struct check *check, const char *text, const char *query,
    size_t *offset, struct ha_err *err)
{
	for (;;) {
		size_t len = strcspn(query, "&");
		size_t inside;

		if (add_pair(check, query, len, 0, &inside, err)) {
			*offset = (size_t)(query - text) + inside;
			return -1;
		}
		if (!query[len])
			return 0;
		query += len + 1;
	}
}

static int
parse_argument(struct check *check, const char *text, size_t len,
    size_t *offset, struct ha_err *err)
{
	const struct kind *kind = check->kind;
	size_t colon = strlen(kind->name);

	*offset = colon;
	if (text[colon] == ':' && !kind->argument)
		return ha_err_set(
		    err, EX_USAGE, 0, "%s takes no argument", kind->name);
	if (text[colon] != ':' || colon + 1 == len) {
		if (!kind->argument || *kind->argument == '[')
			return 0;
		return ha_err_set(err, EX_USAGE, 0, "it is written %s:%s",
		    kind->name, kind->argument);
	}
	check->argument = unescape(text + colon + 1, len - colon - 1, 0);
	if (check->argument)
		return 0;
	return ha_err_set(err, EX_USAGE, 0, "%%00 can't stand here");
}

static struct check *
new_check(const struct kind *kind, const char *text, size_t name)
{
	struct check *check = ha_xcalloc(1, sizeof(*check));

	check->kind = kind;
	check->settings =
	    ha_xcalloc(count_options(kind) + 1, sizeof(*check->settings));
	check->data = ha_xcalloc(1, kind->size + 1);
	check->target = ha_xstrdup(text);
	check->name = ha_xmemdup(text, name);
	check->gauge = NAN;
	ha_buf_init(&check->perf);
	return check;
}

struct check *
check_parse(const char *text, size_t *offset, struct ha_err *err)
{
	size_t len = strcspn(text, "?");
	const struct kind *kind = kind_find(text, strcspn(text, ":?"));
	struct check *check;

	*offset = 0;
	if (!kind) {
		ha_err_set(err, EX_USAGE, 0,
		    "'%.*s' is no kind of check; see 'ha-stat --list'",
		    (int)strcspn(text, ":?"), text);
		return NULL;
	}
	check = new_check(kind, text, len);
	if (!parse_argument(check, text, len, offset, err) &&
	    (!text[len] ||
		!parse_query(check, text, text + len + 1, offset, err)))
		return check;
	check_free(check);
	return NULL;
}

int
check_add(
    struct check *check, const char *word, size_t *offset, struct ha_err *err)
{
	char *target;

	if (add_pair(check, word, strlen(word), 1, offset, err))
		return -1;
	target = ha_xasprintf("%s %s", check->target, word);
	free(check->target);
	check->target = target;
	return 0;
}

/* -w and -c; that neither is given leaves the fallback. */
static int
set_main(
    struct check *check, const char *warn, const char *crit, struct ha_err *err)
{
	struct setting *setting = &check->settings[0];
	const struct kind_option *option = check->kind->options;

	if (!has_main(check->kind) || setting->is_given || (!warn && !crit))
		return 0;
	setting->is_given = 1;
	if (warn && parse_warn(setting, option, warn, strlen(warn), err))
		return ha_err_set(err, EX_USAGE, 0, "-w: %s", err->msg);
	if (crit && parse_crit(setting, option, crit, strlen(crit), err))
		return ha_err_set(err, EX_USAGE, 0, "-c: %s", err->msg);
	return 0;
}

int
check_complete(
    struct check *check, const char *warn, const char *crit, struct ha_err *err)
{
	const struct kind *kind = check->kind;
	size_t count = count_options(kind), offset;

	if (set_main(check, warn, crit, err))
		return -1;
	for (size_t i = 0; i < count; i++)
		if (!check->settings[i].is_given && kind->options[i].fallback &&
		    parse_setting(&check->settings[i], &kind->options[i],
			kind->options[i].fallback, &offset, err))
			return -1;
	return kind->prepare ? kind->prepare(check, err) : 0;
}

void
check_free(struct check *check)
{
	if (check->kind->release)
		check->kind->release(check);
	for (size_t i = 0; i < count_options(check->kind); i++) {
		free(check->settings[i].text);
		free(check->settings[i].warn);
		free(check->settings[i].crit);
		free(check->settings[i].value);
	}
	for (size_t i = 0; i < check->phrase_count; i++)
		free(check->phrases[i].text);
	free(check->phrases);
	free(check->settings);
	free(check->data);
	free(check->name);
	free(check->target);
	free(check->argument);
	free(check->subject);
	ha_buf_release(&check->perf);
	free(check);
}

const struct setting *
check_setting(const struct check *check, size_t option)
{
	return &check->settings[option];
}

void
check_look_again(struct check *check)
{
	check->is_again = 1;
}

void
check_subject(struct check *check, const char *fmt, ...)
{
	struct ha_buf text = HA_BUF_INIT;
	va_list ap;

	va_start(ap, fmt);
	ha_buf_vaddf(&text, fmt, ap);
	va_end(ap);
	free(check->subject);
	check->subject = ha_buf_detach(&text);
}

/* The text is taken over. */
static void
add_phrase(struct check *check, enum ha_status_state state, char *text)
{
	check->state = ha_status_worse(check->state, state);
	check->phrases = ha_xrealloc(check->phrases,
	    (check->phrase_count + 1) * sizeof(*check->phrases));
	check->phrases[check->phrase_count++] =
	    (struct check_phrase){ state, text };
}

void
check_say(struct check *check, enum ha_status_state state, const char *fmt, ...)
{
	struct ha_buf text = HA_BUF_INIT;
	va_list ap;

	va_start(ap, fmt);
	ha_buf_vaddf(&text, fmt, ap);
	va_end(ap);
	add_phrase(check, state, ha_buf_detach(&text));
}

void
check_fail(struct check *check, const struct ha_err *err)
{
	check->is_failed = 1;
	check_say(check, HA_STATUS_UNKNOWN, "%s", err->msg);
}

static void
add_perf(struct check *check, const struct measured *measured)
{
	const struct setting *setting = &check->settings[measured->option];
	struct ha_perf item = {
		.label = measured->label
			     ? measured->label
			     : check->kind->options[measured->option].name,
		.value = measured->value,
		.unit = measured->unit,
		.thresholds = &setting->limit,
		.whole = measured->whole,
		.min = measured->min,
		.max = measured->max,
	};

	ha_perf_add(&check->perf, &item);
}

enum ha_status_state
check_value(struct check *check, const struct measured *measured, int only_bad,
    const char *fmt, ...)
{
	const struct setting *setting = &check->settings[measured->option];
	enum ha_status_state state = ha_thresholds_judge(
	    &setting->limit, measured->value, measured->whole);
	struct ha_buf text = HA_BUF_INIT;
	va_list ap;

	add_perf(check, measured);
	check->state = ha_status_worse(check->state, state);
	if (only_bad && state == HA_STATUS_OK)
		return state;
	va_start(ap, fmt);
	ha_buf_vaddf(&text, fmt, ap);
	va_end(ap);
	if (text.len && state != HA_STATUS_OK)
		ha_buf_addf(&text, " (%s %s)", ha_status_name(state),
		    state == HA_STATUS_WARN ? setting->warn : setting->crit);
	if (text.len)
		add_phrase(check, state, ha_buf_detach(&text));
	ha_buf_release(&text);
	return state;
}

void
check_words(const struct check *check, struct ha_buf *msg)
{
	static const enum ha_status_state order[] = { HA_STATUS_CRIT,
		HA_STATUS_UNKNOWN, HA_STATUS_WARN, HA_STATUS_OK };
	const char *between = "";

	for (size_t i = 0; i < sizeof(order) / sizeof(order[0]); i++)
		for (size_t j = 0; j < check->phrase_count; j++) {
			if (check->phrases[j].state != order[i])
				continue;
			ha_buf_addf(
			    msg, "%s%s", between, check->phrases[j].text);
			between = ", ";
		}
}

void
check_message(const struct check *check, struct ha_buf *msg)
{
	if (check->subject)
		ha_buf_addf(msg, "%s ", check->subject);
	check_words(check, msg);
}

int
words_percent(double percent)
{
	/* Quotients of rates: 50 may come as 49.99999999999999. */
	return (int)(percent + 1e-9);
}

const char *
words_bytes(char out[WORDS_SIZE], double bytes)
{
	static const char units[][4] = { "B", "KiB", "MiB", "GiB", "TiB",
		"PiB" };
	size_t unit = 0;

	/* What would be printed as 1024 is 1 of the next. */
	while (bytes >= 1023.5 && unit + 1 < sizeof(units) / sizeof(units[0])) {
		bytes /= 1024;
		unit++;
	}
	snprintf(out, WORDS_SIZE, "%.*f %s", unit && bytes < 99.95 ? 1 : 0,
	    bytes, units[unit]);
	return out;
}
