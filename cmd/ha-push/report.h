/* SPDX-License-Identifier: ISC */
/*
 * report - what ha-push says of itself: status records on stdout, the status
 * file, acknowledged records, a progress line on a terminal.
 *
 * Source: ha(7), STATUS RECORDS; the textfile format is node_exporter's
 * (Prometheus text exposition format 0.0.4).
 */
#ifndef PUSH_REPORT_H
#define PUSH_REPORT_H

#include <stdint.h>

#include "buf.h"
#include "err.h"

struct push;

struct report {
	/* Set by options. */
	const char *format; /* "tsv", "json" or "prom" */
	const char *status_file; /* or NULL */
	int quiet; /* only what is not OK */
	int64_t silence_ms; /* without an S: WARN, and twice that: CRIT */
	const char *acks_file; /* or NULL */
	int acks_fd; /* -1: none */
	/* The peer's or the source's fault that stops everything, in words. */
	char *fault;
	int64_t fault_since_ns;
	/* Counters. */
	uint64_t sent_paths, sent_bytes, logins, renames, deletions;
	/* Something is to be mended, but all is sent: in words, or NULL. */
	char *warning;
	/* Paths that ha-watch can't watch. */
	char **unwatched;
	unsigned unwatched_count;
	/* What was said last, and when it is due again. */
	int last_state;
	int last_kind;
	size_t last_waiting;
	uint64_t last_held;
	int64_t last_ns;
	int64_t next_ns; /* never: report_start() was not called yet */
	int64_t
	    look_ns; /* something happened: look whether the state changed */
	struct ha_buf pending; /* of stdout: a frame that is partly written */
};

#define REPORT_EVERY_MS 30000

void report_init(struct report *report);
void report_release(struct report *report);

/* There is something to say from now on: the peer was reached, or wasn't. */
void report_start(struct report *report);

/* Everything waits because of this; replaces what was there. */
void report_fault(struct report *report, const char *why);
void report_no_fault(struct report *report);
/* Until another call: a WARN, told once on stderr.  NULL: no more. */
void report_warning(struct report *report, const char *words);
void report_unwatched(struct report *report, const char *path, const char *why);

/* Something happened that may have changed the state. */
void report_touch(struct report *report);

/* When report_run() is to be called next. */
int64_t report_due_ns(const struct push *push);
/*
 * Write a status record if the state changed or one is due; with always, in any
 * case.  Never waits for stdout's reader: a record that can't be written is
 * superseded.
 */
void report_run(struct push *push, int always);
/* Append records that are on the peer to --acks.  EX_IOERR. */
int report_acks(struct push *push, struct ha_buf *acks, struct ha_err *err);

/* rsync's progress line, for a terminal; and its end. */
void report_progress(const char *line);
void report_progress_end(void);

/*
 * The state in words, for the last message of a run that failed: caller frees.
 */
char *report_words(struct push *push);

#define REPORT_BOOT_SIZE 64
/*
 * By what the status file's age is measured: this start of the machine ("-":
 * not known), and the time since then (CLOCK_BOOTTIME), which nobody sets.
 */
void report_boot(char boot[REPORT_BOOT_SIZE]);
int64_t report_uptime_ms(void);

/*
 * The state's name (ha_status_name()), and the same words; *words is the
 * caller's to free.
 */
const char *report_state(struct push *push, char **words);

#endif
