/* SPDX-License-Identifier: ISC */
/*
 * clock - deadlines, durations, time stamps.
 *
 * Deadlines are nanoseconds of CLOCK_MONOTONIC, so that a step of the wall
 * clock neither fires nor delays one.
 */
#ifndef HA_CLOCK_H
#define HA_CLOCK_H

#include <stddef.h>
#include <stdint.h>

#include "err.h"

#define HA_CLOCK_NEVER INT64_MAX
#define HA_MS_NS INT64_C(1000000)
#define HA_S_NS INT64_C(1000000000)

/* CLOCK_MONOTONIC in nanoseconds. */
int64_t ha_clock_now_ns(void);
/* A deadline ms milliseconds from now; ms < 0 gives HA_CLOCK_NEVER. */
int64_t ha_clock_deadline(int64_t ms);
/*
 * What is left until deadline_ns, as poll(2)'s time-out: milliseconds rounded
 * up, 0 once it has passed, -1 for HA_CLOCK_NEVER.
 */
int ha_clock_poll_ms(int64_t deadline_ns);

/*
 * Parse a duration: a decimal number (a fraction is allowed) with ms, s, m, h
 * or d behind it; a bare number is seconds.  *ms receives milliseconds.
 * Returns 0, or -1 with status EX_USAGE.  Source: ha(7), DURATIONS.
 */
int ha_clock_parse_ms(const char *text, int64_t *ms, struct ha_err *err);

/* CLOCK_REALTIME in milliseconds since 1970, UTC: it may be stepped. */
int64_t ha_clock_wall_ms(void);

#define HA_CLOCK_RFC3339_SIZE 32
/*
 * Write the wall-clock time as RFC 3339 UTC with milliseconds
 * (2026-01-31T23:59:59.123Z) and a NUL to out.
 */
void ha_clock_rfc3339(char out[HA_CLOCK_RFC3339_SIZE]);
/* The same for a time of ha_clock_wall_ms(), in the years 1970 to 9999. */
void ha_clock_format_ms(int64_t wall_ms, char out[HA_CLOCK_RFC3339_SIZE]);
/*
 * Parse RFC 3339: "2026-01-31T23:59:59Z", a fraction of a second, an offset
 * (+08:00) instead of Z; a leap second is the one before it.  *wall_ms receives
 * the time, milliseconds cut.  Returns 0, or -1 (EX_DATAERR).
 */
int
ha_clock_parse_rfc3339(const char *text, int64_t *wall_ms, struct ha_err *err);

/* A duration in words for people: "350 ms", "12 s", "3 m 20 s", "2 h 5 m". */
void ha_clock_words(int64_t ms, char *out, size_t size);

#endif
