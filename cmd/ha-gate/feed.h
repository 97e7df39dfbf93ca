/* SPDX-License-Identifier: ISC */
/*
 * feed - stdin, cut into batches: sweeps that are whole, records that come by
 * themselves, and what is missing of a sweep.
 *
 * Several producers may share the pipe.  A record doesn't say of which sweep it
 * is, so the records of sweeps that overlap are counted together, and none of
 * them is known to be of one of these.  Source: ha(7), STATUS RECORDS.
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
	int is_alone; /* no other one overlaps it: its records are known */
	uint64_t checks; /* by its #end */
	char *words; /* owned; why it is aborted; else NULL */
	size_t until; /* records of the batch before its end; those of sweeps
			 that overlapped have the same */
};

struct feed_record {
	size_t at; /* its line in the batch's lines, NUL-terminated */
	size_t sweep; /* 1 + the index of the one that it is of; 0: unknown */
};

struct feed_batch {
	struct ha_buf lines;
	struct feed_record *records;
	size_t count, cap;
	struct feed_sweep *sweeps;
	size_t sweep_count;
	int is_quiet; /* a producer left out what is OK */
};

/* A sweep from its #begin to the end of all that overlap it. */
struct feed_member {
	char *id, *producer; /* owned */
	int64_t deadline_ns;
	int is_open; /* its #end has not come */
	uint64_t checks;
};

struct feed {
	struct ha_in in;
	int64_t sweep_ms; /* a sweep is aborted after that; -1: never */
	int64_t tick_ms; /* an empty batch after that; -1: never */
	/* Records without a frame are one batch until nothing comes for so long,
	   or they have come for so long without a pause. */
	int64_t pause_ms, old_ms;
	/* The sweeps that overlap. */
	struct feed_member *members;
	size_t member_count, open_count;
	uint64_t came; /* their records */
	uint64_t gone; /* as many belong to those that have gone out */
	size_t first; /* of these in the batch */
	int is_short; /* one of them was aborted: no number is known */
	int is_cut; /* some of them went out with another batch */
	int has_news; /* and one has ended since */
	int64_t old_ns; /* the batch goes out then, unless it is part of one */
	int64_t input_ns; /* when something was read last */
	int64_t left_ns; /* when feed_next() returned */
	int was_fed; /* a record or a frame has ever come */
	unsigned bad; /* lines that are none, in all */
	int is_json; /* and JSON is among them */
};

void feed_init(struct feed *feed, int fd, int64_t sweep_ms, int64_t tick_ms);
void feed_release(struct feed *feed);

/*
 * Wait for the next batch: a sweep's end with nothing behind it yet, a pause
 * after records without a frame or after the end of one of several sweeps that
 * overlap, these for too long without a pause, the end of input, a time that is
 * up.  What is between two calls counts for no sweep's time.  Lines that are no
 * records are said (the first few) and counted in feed->bad.
 * Returns 1; 0 at the end of input or when a signal came (stop.h), when batch
 * may hold something too; -1, EX_IOERR, likewise.
 */
int feed_next(struct feed *feed, struct feed_batch *batch, struct ha_err *err);
void feed_batch_init(struct feed_batch *batch);
void feed_batch_release(struct feed_batch *batch);
/* words may be NULL, or become the batch's. */
void feed_batch_add_sweep(struct feed_batch *batch, const char *producer,
    enum feed_fate fate, char *words);

/*
 * Decode record i.  The strings point into the batch, once: a second time is
 * another's business, see feed_batch's lines.
 */
void feed_decode(struct feed_batch *batch, size_t i, struct ha_status *status,
    int64_t *time_ms);

#endif
