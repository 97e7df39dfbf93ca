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

void
ha_clock_rfc3339(char out[HA_CLOCK_RFC3339_SIZE])
{
	struct timespec now;
	struct tm tm;
	size_t len;

	clock_gettime(CLOCK_REALTIME, &now);
	gmtime_r(&now.tv_sec, &tm);
	len = strftime(out, HA_CLOCK_RFC3339_SIZE, "%Y-%m-%dT%H:%M:%S", &tm);
	snprintf(out + len, HA_CLOCK_RFC3339_SIZE - len, ".%03dZ",
	    (int)(now.tv_nsec / 1000000));
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
