/* SPDX-License-Identifier: ISC */
/*
 * feed - stdin, cut into batches: sweeps that are whole, records that come by
 * themselves, and what is missing of a sweep.
 *
 * Several producers may share the pipe.  A record doesn't say of which sweep it
 * is, so sweeps that overlap are counted together.  Source: ha(7), STATUS
 * RECORDS.
 */
#ifndef GATE_FEED_H
#define GATE_FEED_H

#include <stddef.h>
#include <stdint.h>

#include "buf.h"
#include "err.h"
#include "in.h"
#include "status.h"

enum feed_fate {
	FEED_COMPLETE,
	FEED_EMPTY, /* complete, with no check in it */
	FEED_ABORTED,
};

struct feed_sweep {
	char *producer; /* owned */
	enum feed_fate fate;
	char *words; /* owned; why it is aborted; else NULL */
};

struct feed_record {
	size_t at; /* its line in the batch's lines, NUL-terminated */
	const char *producer; /* borrowed from feed; NULL: not known */
};

struct feed_batch {
	struct ha_buf lines;
	struct feed_record *records;
	size_t count, cap;
	struct feed_sweep *sweeps;
	size_t sweep_count;
	int is_quiet; /* a producer left out what is OK */
};

struct feed_open {
	char *id;
	const char *producer;
};

struct feed {
	struct ha_in in;
	int64_t sweep_ms; /* a sweep is aborted after that; -1: never */
	int64_t tick_ms; /* an empty batch after that; -1: never */
	char **producers; /* owned */
	size_t producer_count;
	/* The sweeps that overlap. */
	struct feed_open *open;
	size_t open_count;
	const char **ended; /* producers of those that have ended */
	size_t ended_count;
	uint64_t expected; /* by their #end lines */
	size_t first; /* record of the batch */
	int64_t deadline_ns;
	int was_fed; /* a record or a frame has ever come */
	unsigned bad; /* lines that are none, in all */
};

void feed_init(struct feed *feed, int fd, int64_t sweep_ms, int64_t tick_ms);
void feed_release(struct feed *feed);

/*
 * Wait for the next batch: a sweep's end with nothing behind it yet, a pause
 * after records without a frame, the end of input, a time that is up.  Lines
 * that are no records are said (the first few) and counted in feed->bad.
 * Returns 1; 0 at the end of input, when batch may hold something too; -1,
 * EX_IOERR.
 */
int feed_next(struct feed *feed, struct feed_batch *batch, struct ha_err *err);
void feed_batch_init(struct feed_batch *batch);
void feed_batch_release(struct feed_batch *batch);

/*
 * Decode record i.  0 for every record of a batch; the strings point into the
 * batch, once.
 */
void feed_decode(struct feed_batch *batch, size_t i, struct ha_status *status,
    int64_t *time_ms);

#endif
