/* SPDX-License-Identifier: ISC */
/*
 * report - a keeper's words and states: stderr, status records, the state file,
 * the service manager.  None of them is waited for, and none that fails ends
 * the keeping.
 */
#ifndef KEEP_REPORT_H
#define KEEP_REPORT_H

#include <stdint.h>

#include "err.h"
#include "keep.h"
#include "notify.h"
#include "records.h"
#include "view.h"

struct report {
	const struct keep_conf *conf; /* borrowed */
	struct records records;
	struct notify notify;
	char *state_path; /* owned */
	int has_failed; /* the state file couldn't be written; told once */
	int is_ready; /* READY=1 has been sent */
	int last_state; /* of the last record; -1: none */
	enum phase last_phase;
	int64_t next_ns; /* of the next record, changed or not */
	int64_t watchdog_ns; /* of the next sign of life */
};

/* EX_CANTCREAT when the records can't be written where they should. */
int report_open(struct report *report, const struct keep_conf *conf,
    struct notify notify, struct ha_err *err);
/* is_kept: the state file stays for --status. */
void report_close(struct report *report, int is_kept);

/* Write the state file, no more. */
void report_save(struct report *report, const struct view *view);
/* Something in the view has changed. */
void report_change(struct report *report, const struct view *view);
/* What is due by itself: a record every 30 s, a sign of life. */
void report_run(struct report *report, const struct view *view);
int64_t report_due_ns(const struct report *report);
/* It has begun to stop. */
void report_stopping(const struct report *report);

/* A line about this keeper on stderr; counted when nobody reads that. */
void report_say(const struct keep_conf *conf, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

#endif
