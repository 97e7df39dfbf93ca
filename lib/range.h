/* SPDX-License-Identifier: ISC */
/*
 * range - thresholds as Nagios writes them, and performance data.
 *
 * [@][START:][END]: a value outside START..END alerts, with @ one inside.
 * START is 0 when left out and -infinity as "~", END infinity when empty.
 * Numbers are decimal, with a fraction or an exponent; no blanks.
 * Source: Monitoring Plugins Development Guidelines, "Threshold and ranges",
 * "Performance data".
 */
#ifndef HA_RANGE_H
#define HA_RANGE_H

#include "buf.h"
#include "err.h"
#include "status.h"

/* What a number in a range may carry behind it. */
enum ha_range_unit {
	HA_RANGE_NUMBER, /* nothing */
	HA_RANGE_SECONDS, /* ms s m h d; a bare number is seconds */
	HA_RANGE_BYTES, /* K M G T, powers of 1024 */
};

struct ha_range {
	double start, end; /* in seconds or bytes; may be infinite */
	int is_inside; /* '@' */
	int is_percent; /* the numbers are percent of a whole: "80%", "80pct" */
};

/*
 * Parse one range.  EX_USAGE for what is none, with the column from 1 in the
 * message; for a start above the end; for a percentage mixed with a number; and
 * for a percentage of seconds, which have no whole.
 */
int ha_range_parse(const char *text, enum ha_range_unit unit,
    struct ha_range *range, struct ha_err *err);
/*
 * Does the value lie where the range alerts?  NAN lies outside of every range;
 * a percentage is compared with a value in percent.
 */
int ha_range_alerts(const struct ha_range *range, double value);
/* Append the range in plain numbers ("10:20"), as performance data has it. */
void ha_range_add(struct ha_buf *text, const struct ha_range *range);

/* A pair of them; either may be missing. */
struct ha_thresholds {
	int has_warn, has_crit;
	struct ha_range warn, crit;
};

/*
 * The state of value by both.  whole is what a percentage is of; a percentage
 * of nothing (whole <= 0) does not alert.  A value that is not known (NAN) is
 * UNKNOWN.
 */
enum ha_status_state ha_thresholds_judge(
    const struct ha_thresholds *thresholds, double value, double whole);

/*
 * Append "label=value[unit];warn;crit;min;max" behind a blank (none at the
 * start), the label quoted where it must be, trailing empty parts left out.
 * Numbers have six digits, or all of a whole number, and no exponent below
 * 9e18; a value that is not finite is "U".  A percentage is given as the number
 * of the unit that it stands for, out of whole.  Control bytes and '|' in the
 * label become '_'.  thresholds may be NULL; min and max are left out as NAN.
 */
struct ha_perf {
	const char *label;
	double value;
	const char *unit; /* "", "s", "%", "B", "c" */
	const struct ha_thresholds *thresholds;
	double whole, min, max;
};
void ha_perf_add(struct ha_buf *perf, const struct ha_perf *item);
/* The label alone, quoted and cleaned as above. */
void ha_perf_add_label(struct ha_buf *perf, const char *label);

/* An item as it stands in performance data; borrowed from there. */
struct ha_perf_text {
	const char *data; /* all that is behind the '=' */
	size_t len;
	size_t number_len; /* of the number that data begins with; 0: "U" */
	size_t unit_len; /* of the unit behind the number */
};

/*
 * The next item of *perf, which is moved behind it; label receives its label
 * without quotes.  Words that are no item are passed over.  Returns 1, or 0
 * when there are no more.
 */
int ha_perf_next(
    const char **perf, struct ha_buf *label, struct ha_perf_text *text);

#endif
