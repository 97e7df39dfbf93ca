/* SPDX-License-Identifier: ISC */
/*
 * range - thresholds as Nagios writes them, and performance data.
 */
#include "range.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define DIGITS 6
#define MAX_DECIMALS 9
/* A long long holds what is below. */
#define MAX_PLAIN 9e18

struct suffix {
	const char *name;
	double factor;
};

static const struct suffix seconds[] = {
	{ "ms", 0.001 },
	{ "s", 1 },
	{ "m", 60 },
	{ "h", 3600 },
	{ "d", 86400 },
	{ NULL, 0 },
};

static const struct suffix bytes[] = {
	{ "K", 1024.0 },
	{ "M", 1024.0 * 1024 },
	{ "G", 1024.0 * 1024 * 1024 },
	{ "T", 1024.0 * 1024 * 1024 * 1024 },
	{ NULL, 0 },
};

static const struct suffix none[] = {
	{ NULL, 0 },
};

/* What a range is read from. */
struct text {
	const char *start, *at;
	enum ha_range_unit unit;
	int has_number; /* one that is no percentage */
	int has_percent;
	struct ha_err *err;
};

static int
refuse(const struct text *text, const char *why)
{
	return ha_err_set(text->err, EX_USAGE, 0,
	    "threshold '%s', column %zu: %s", text->start,
	    (size_t)(text->at - text->start) + 1, why);
}

static size_t
count_digits(const char *p)
{
	return strspn(p, "0123456789");
}

/*
 * The length of a decimal number, 0 if there is none: strtod(3) alone would
 * take blanks, hexadecimal digits, "inf" and "nan" too.
 */
static size_t
number_len(const char *text)
{
	const char *p = text + (*text == '-' || *text == '+');
	size_t whole = count_digits(p), fraction = 0;
	const char *e;

	p += whole;
	if (*p == '.') {
		fraction = count_digits(p + 1);
		p += 1 + fraction;
	}
	if (!whole && !fraction)
		return 0;
	if (*p == 'e' || *p == 'E') {
		e = p + 1 + (p[1] == '-' || p[1] == '+');
		if (count_digits(e))
			p = e + count_digits(e);
	}
	return (size_t)(p - text);
}

static const struct suffix *
suffixes_of(enum ha_range_unit unit)
{
	return unit == HA_RANGE_SECONDS ? seconds
	       : unit == HA_RANGE_BYTES ? bytes
					: none;
}

static const char *
expected(enum ha_range_unit unit)
{
	return unit == HA_RANGE_SECONDS ? "only ms, s, m, h or d may follow "
					  "the number"
	       : unit == HA_RANGE_BYTES ? "only K, M, G, T or % may follow the "
					  "number"
					: "only % may follow the number";
}

static size_t
percent_len(const char *p)
{
	return *p == '%' ? 1 : strncmp(p, "pct", 3) == 0 ? 3 : 0;
}

/* What stands behind a number, up to the ':' or the end. */
static int
read_suffix(struct text *text, double *number)
{
	const struct suffix *suffix = suffixes_of(text->unit);
	size_t len = strcspn(text->at, ":");
	size_t percent = percent_len(text->at);

	if (percent && percent == len && text->unit != HA_RANGE_SECONDS) {
		text->has_percent = 1;
		text->at += len;
		return 0;
	}
	text->has_number = 1;
	if (!len)
		return 0;
	for (; suffix->name; suffix++) {
		if (strlen(suffix->name) != len ||
		    strncmp(text->at, suffix->name, len) != 0)
			continue;
		*number *= suffix->factor;
		text->at += len;
		return 0;
	}
	return refuse(text, expected(text->unit));
}

static int
read_number(struct text *text, double *number)
{
	const char *at = text->at;
	size_t len = number_len(at);

	if (*text->at == '~')
		return refuse(text, "'~' stands only before a ':'");
	if (!len)
		return refuse(text, "here is no number");
	/* LC_NUMERIC is "C" always: ha_msg_init() sets LC_CTYPE alone. */
	*number = strtod(text->at, NULL);
	text->at += len;
	if (read_suffix(text, number))
		return -1;
	if (!isfinite(*number)) {
		text->at = at;
		return refuse(text, "the number is too large");
	}
	return 0;
}

static int
read_start(struct text *text, struct ha_range *range)
{
	if (text->at[0] == '~' && text->at[1] == ':') {
		range->start = -INFINITY;
		text->at++;
	} else if (*text->at != ':' && read_number(text, &range->start)) {
		return -1;
	}
	text->at++;
	return 0;
}

int
ha_range_parse(const char *text, enum ha_range_unit unit,
    struct ha_range *range, struct ha_err *err)
{
	struct text in = { text, text, unit, 0, 0, err };

	*range = (struct ha_range){ .end = INFINITY };
	if (*in.at == '@') {
		range->is_inside = 1;
		in.at++;
	}
	if (!*in.at)
		return refuse(&in, "here is no number");
	if (strchr(in.at, ':') && read_start(&in, range))
		return -1;
	if ((*in.at || in.at[-1] != ':') && read_number(&in, &range->end))
		return -1;
	if (*in.at)
		return refuse(&in, "one ':' is enough");
	if (in.has_percent && in.has_number)
		return ha_err_set(err, EX_USAGE, 0,
		    "threshold '%s': a percentage and a plain number", text);
	if (range->start > range->end)
		return ha_err_set(err, EX_USAGE, 0,
		    "threshold '%s': the start is above the end", text);
	range->is_percent = in.has_percent;
	return 0;
}

int
ha_range_alerts(const struct ha_range *range, double value)
{
	int within = value >= range->start && value <= range->end;

	return within == range->is_inside;
}

/* As many as make DIGITS digits in all; a whole number needs none. */
static int
decimals_of(double value)
{
	double size = fabs(value);
	int decimals = DIGITS - 1;

	if (value == (double)(long long)value)
		return 0;
	for (; size >= 10 && decimals > 0; size /= 10)
		decimals--;
	for (; size < 1 && decimals < MAX_DECIMALS; size *= 10)
		decimals++;
	return decimals;
}

/* No exponent: not all that read performance data know one. */
static void
add_number(struct ha_buf *text, double value)
{
	char number[64];
	int decimals, len;

	if (fabs(value) >= MAX_PLAIN) {
		ha_buf_addf(text, "%.15g", value);
		return;
	}
	decimals = decimals_of(value);
	len = snprintf(number, sizeof(number), "%.*f", decimals, value);
	while (decimals && number[len - 1] == '0')
		len--;
	if (decimals && number[len - 1] == '.')
		len--;
	number[len] = '\0';
	ha_buf_add_str(text, strcmp(number, "-0") ? number : "0");
}

void
ha_range_add(struct ha_buf *text, const struct ha_range *range)
{
	if (range->is_inside)
		ha_buf_add_char(text, '@');
	if (isinf(range->start))
		ha_buf_add_str(text, "~:");
	else if (range->start != 0 || isinf(range->end)) {
		add_number(text, range->start);
		ha_buf_add_char(text, ':');
	}
	if (!isinf(range->end))
		add_number(text, range->end);
}

static int
alerts(const struct ha_range *range, double value, double whole)
{
	if (!range->is_percent)
		return ha_range_alerts(range, value);
	return whole > 0 && ha_range_alerts(range, value * 100 / whole);
}

enum ha_status_state
ha_thresholds_judge(
    const struct ha_thresholds *thresholds, double value, double whole)
{
	if (isnan(value))
		return HA_STATUS_UNKNOWN;
	if (thresholds->has_crit && alerts(&thresholds->crit, value, whole))
		return HA_STATUS_CRIT;
	if (thresholds->has_warn && alerts(&thresholds->warn, value, whole))
		return HA_STATUS_WARN;
	return HA_STATUS_OK;
}

void
ha_perf_add_label(struct ha_buf *perf, const char *label)
{
	int quoted = !*label || strpbrk(label, " ='") != NULL;

	if (quoted)
		ha_buf_add_char(perf, '\'');
	for (; *label; label++) {
		if (*label == '\'')
			ha_buf_add_char(perf, '\'');
		if ((unsigned char)*label < 0x20 || *label == 0x7f ||
		    *label == '|')
			ha_buf_add_char(perf, '_');
		else
			ha_buf_add_char(perf, *label);
	}
	if (quoted)
		ha_buf_add_char(perf, '\'');
}

static void
add_threshold(
    struct ha_buf *perf, int is_set, const struct ha_range *range, double whole)
{
	struct ha_range plain = *range;

	ha_buf_add_char(perf, ';');
	if (!is_set || (range->is_percent && !(whole > 0)))
		return;
	if (range->is_percent) {
		plain.start = range->start * whole / 100;
		plain.end = range->end * whole / 100;
	}
	ha_range_add(perf, &plain);
}

static void
add_limit(struct ha_buf *perf, double limit)
{
	ha_buf_add_char(perf, ';');
	if (isfinite(limit))
		add_number(perf, limit);
}

void
ha_perf_add(struct ha_buf *perf, const struct ha_perf *item)
{
	static const struct ha_thresholds no_thresholds;
	const struct ha_thresholds *thresholds =
	    item->thresholds ? item->thresholds : &no_thresholds;
	size_t len;

	if (perf->len)
		ha_buf_add_char(perf, ' ');
	ha_perf_add_label(perf, item->label);
	ha_buf_add_char(perf, '=');
	if (isfinite(item->value)) {
		add_number(perf, item->value);
		ha_buf_add_str(perf, item->unit);
	} else {
		ha_buf_add_char(perf, 'U');
	}
	add_threshold(
	    perf, thresholds->has_warn, &thresholds->warn, item->whole);
	add_threshold(
	    perf, thresholds->has_crit, &thresholds->crit, item->whole);
	add_limit(perf, item->min);
	add_limit(perf, item->max);
	len = perf->len;
	while (perf->data[len - 1] == ';')
		len--;
	ha_buf_truncate(perf, len);
}

/* Behind the '=' of the word at p, whose label is stored; NULL: no item. */
static const char *
read_label(const char *p, struct ha_buf *label)
{
	const char quote = '\'';
	size_t len;

	ha_buf_reset(label);
	if (*p != quote) {
		len = strcspn(p, "= ");
		ha_buf_add(label, p, len);
		return len && p[len] == '=' ? p + len + 1 : NULL;
	}
	for (p++;; p++) {
		len = strcspn(p, "'");
		ha_buf_add(label, p, len);
		p += len;
		if (!*p)
			return NULL;
		if (*++p != quote)
			return *p == '=' ? p + 1 : NULL;
		ha_buf_add_char(label, quote);
	}
}

int
ha_perf_next(const char **perf, struct ha_buf *label, struct ha_perf_text *text)
{
	const char *p = *perf, *data = NULL;

	while (!data && *p) {
		p += strspn(p, " ");
		data = read_label(p, label);
		if (!data)
			p += strcspn(p, " ");
	}
	*perf = p;
	if (!data)
		return 0;
	text->data = data;
	text->len = strcspn(data, " ");
	text->number_len = number_len(data);
	text->unit_len = 0;
	if (text->number_len)
		text->unit_len = strcspn(data + text->number_len, "; ");
	*perf = data + text->len;
	return 1;
}
