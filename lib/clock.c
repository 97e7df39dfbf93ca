/* SPDX-License-Identifier: ISC */
/*
 * clock - deadlines, durations, time stamps.
 */
#include "clock.h"

#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

/* A deadline made of any duration accepted fits in int64_t nanoseconds. */
#define MAX_MS (INT64_MAX / HA_MS_NS / 2)

static const struct {
	const char *name;
	int64_t ms;
} units[] = {
	{ "", 1000 },
	{ "ms", 1 },
	{ "s", 1000 },
	{ "m", INT64_C(60) * 1000 },
	{ "h", INT64_C(3600) * 1000 },
	{ "d", INT64_C(86400) * 1000 },
};

int64_t
ha_clock_now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * HA_S_NS + now.tv_nsec;
}

int64_t
ha_clock_deadline(int64_t ms)
{
	int64_t ns;

	if (ms < 0 || __builtin_mul_overflow(ms, HA_MS_NS, &ns) ||
	    __builtin_add_overflow(ns, ha_clock_now_ns(), &ns))
		return HA_CLOCK_NEVER;
	return ns;
}

int
ha_clock_poll_ms(int64_t deadline_ns)
{
	int64_t now = ha_clock_now_ns();
	int64_t ms;

	if (deadline_ns == HA_CLOCK_NEVER)
		return -1;
	if (deadline_ns <= now)
		return 0;
	ms = (deadline_ns - now - 1) / HA_MS_NS + 1;
	return ms > INT_MAX ? INT_MAX : (int)ms;
}

/* Digits with at most one point into nanounits; NULL if there are none. */
static const char *
parse_number(const char *text, int64_t *whole, int64_t *nano)
{
	int64_t scale = HA_S_NS / 10;
	const char *p = text;

	*whole = 0;
	*nano = 0;
	for (; *p >= '0' && *p <= '9'; p++)
		if (*whole <= MAX_MS)
			*whole = *whole * 10 + (*p - '0');
	if (p == text || *p != '.')
		return p == text ? NULL : p;
	text = ++p;
	for (; *p >= '0' && *p <= '9'; p++) {
		*nano += (*p - '0') * scale;
		scale /= 10;
	}
	return p == text ? NULL : p;
}

int
ha_clock_parse_ms(const char *text, int64_t *ms, struct ha_err *err)
{
	const char *suffix;
	int64_t whole, nano;
	size_t i;

	suffix = parse_number(text, &whole, &nano);
	for (i = 0; suffix && i < sizeof(units) / sizeof(units[0]); i++) {
		if (strcmp(suffix, units[i].name))
			continue;
		if (whole >= MAX_MS / units[i].ms)
			return ha_err_set(err, EX_USAGE, 0,
			    "'%s' is too long a duration", text);
		/* Up, so that what is not nothing never becomes 0. */
		*ms = whole * units[i].ms +
		      (nano * units[i].ms + HA_S_NS - 1) / HA_S_NS;
		return 0;
	}
	return ha_err_set(err, EX_USAGE, 0,
	    "'%s' is no duration (such as 500ms, 5s, 2m, 1h)", text);
}

int64_t
ha_clock_wall_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / HA_MS_NS;
}

void
ha_clock_format_ms(int64_t wall_ms, char out[HA_CLOCK_RFC3339_SIZE])
{
	time_t seconds = (time_t)(wall_ms / 1000);
	struct tm tm;
	size_t len;

	gmtime_r(&seconds, &tm);
	len = strftime(out, HA_CLOCK_RFC3339_SIZE, "%Y-%m-%dT%H:%M:%S", &tm);
	snprintf(out + len, HA_CLOCK_RFC3339_SIZE - len, ".%03dZ",
	    (int)(wall_ms % 1000));
}

void
ha_clock_rfc3339(char out[HA_CLOCK_RFC3339_SIZE])
{
	ha_clock_format_ms(ha_clock_wall_ms(), out);
}

/* Exactly digits of them, at most max; *p goes behind; -1: something else. */
static int
take_digits(const char **p, int digits, int max)
{
	int value = 0;

	for (; digits > 0; digits--, (*p)++) {
		if (**p < '0' || **p > '9')
			return -1;
		value = value * 10 + (**p - '0');
	}
	return value <= max ? value : -1;
}

static int
take_char(const char **p, const char *set)
{
	if (!**p || !strchr(set, **p))
		return -1;
	return *(*p)++;
}

/* What follows the seconds: a fraction, and Z or an offset in minutes. */
static int
take_zone(const char **p, int *ms, int *minutes)
{
	int scale = 100, sign, hours;

	*ms = 0;
	if (**p == '.') {
		const char *first = ++*p;

		for (; **p >= '0' && **p <= '9'; (*p)++, scale /= 10)
			*ms += (**p - '0') * scale;
		if (*p == first)
			return -1;
	}
	*minutes = 0;
	sign = take_char(p, "Zz+-");
	if (sign == 'Z' || sign == 'z')
		return 0;
	if (sign < 0 || (hours = take_digits(p, 2, 23)) < 0 ||
	    take_char(p, ":") < 0 || (*minutes = take_digits(p, 2, 59)) < 0)
		return -1;
	*minutes = (sign == '-' ? -1 : 1) * (hours * 60 + *minutes);
	return 0;
}

int
ha_clock_parse_rfc3339(const char *text, int64_t *wall_ms, struct ha_err *err)
{
	struct tm tm = { .tm_isdst = 0 }, seen;
	const char *p = text;
	int ms = 0, minutes = 0;
	time_t seconds;

	if ((tm.tm_year = take_digits(&p, 4, 9999)) < 1970 ||
	    take_char(&p, "-") < 0 ||
	    (tm.tm_mon = take_digits(&p, 2, 12)) < 1 ||
	    take_char(&p, "-") < 0 ||
	    (tm.tm_mday = take_digits(&p, 2, 31)) < 1 ||
	    take_char(&p, "Tt ") < 0 ||
	    (tm.tm_hour = take_digits(&p, 2, 23)) < 0 ||
	    take_char(&p, ":") < 0 ||
	    (tm.tm_min = take_digits(&p, 2, 59)) < 0 ||
	    take_char(&p, ":") < 0 ||
	    (tm.tm_sec = take_digits(&p, 2, 60)) < 0 ||
	    take_zone(&p, &ms, &minutes) < 0 || *p)
		return ha_err_set(err, EX_DATAERR, 0,
		    "'%s' is no time such as 2026-01-31T23:59:59.123Z", text);
	tm.tm_year -= 1900;
	tm.tm_mon--;
	if (tm.tm_sec == 60)
		tm.tm_sec = 59;
	seen = tm;
	seconds = timegm(&seen);
	/* The 31st of a month that has 30 days would be the next one's 1st. */
	if (seen.tm_mday != tm.tm_mday || seconds < minutes * 60)
		return ha_err_set(
		    err, EX_DATAERR, 0, "'%s': there is no such day", text);
	*wall_ms = ((int64_t)seconds - minutes * 60) * 1000 + ms;
	return 0;
}

static void
two_units(char *out, size_t size, int64_t n, int64_t per, const char *large,
    const char *small)
{
	if (n % per)
		snprintf(out, size, "%" PRId64 " %s %" PRId64 " %s", n / per,
		    large, n % per, small);
	else
		snprintf(out, size, "%" PRId64 " %s", n / per, large);
}

void
ha_clock_words(int64_t ms, char *out, size_t size)
{
	int64_t s = ms / 1000;

	if (ms < 1000)
		snprintf(out, size, "%" PRId64 " ms", ms);
	else if (s < 60)
		snprintf(out, size, "%" PRId64 " s", s);
	else if (s < 3600)
		two_units(out, size, s, 60, "m", "s");
	else if (s < 86400)
		two_units(out, size, s / 60, 60, "h", "m");
	else
		two_units(out, size, s / 3600, 24, "d", "h");
}
