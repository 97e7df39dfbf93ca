/* SPDX-License-Identifier: ISC */
/*
 * intake - what is to be told, from stdin and the command line, into the spool.
 *
 * Source: ha-alert(1), TAKING ALERTS.
 */
#ifndef ALERT_INTAKE_H
#define ALERT_INTAKE_H

#include <stddef.h>

#include "err.h"
#include "spool.h"

struct intake {
	struct spool *spool;
	const struct ha_err *no_spool; /* it can't be opened: all that is to be
					  taken is cried out; or NULL */
	const char *const *channels;
	size_t channel_count;
	int is_dry_run; /* the lines go to stdout and nothing is taken */
};

/*
 * Transition records of stdin until its end.  What came until a pause is taken
 * at once.  A line that is none is taken as a message that holds it.  Returns 0,
 * or -1: EX_DATAERR (there were such lines, or status records, which are not
 * taken; all else was), or what spool_take() says.
 */
int intake_records(const struct intake *intake, struct ha_err *err);

/*
 * Words; the body is read from stdin.  host NULL: this one.  EX_IOERR, and as
 * spool_take().
 */
int intake_message(const struct intake *intake, const char *host,
    const char *subject, struct ha_err *err);

/* Words about a check, subject and then stdin: report->msg is made of them. */
struct incident_report;
int intake_words(const struct intake *intake, const char *subject,
    const struct incident_report *report, struct ha_err *err);

/* Take these lines, as they stand in the spool; on failure say them. */
int intake_lines(
    const struct intake *intake, const char *lines, struct ha_err *err);

#endif
