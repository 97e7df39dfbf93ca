/* SPDX-License-Identifier: ISC */
/*
 * budget - how much may be deleted on the peer in an hour.
 *
 * What is deleted is counted before it happens, by the minute, in a file that
 * outlives the process: a slow `rm -rf` that trickles through small batches
 * and restarts is one deletion of many names.  A name counts 1, a directory
 * and each thing below it.  Once more is asked for than is left nothing more
 * is granted until budget_end_hold(): neither smaller wishes nor time.
 *
 * The file is written ahead for more than was asked, so that not each deletion
 * waits for a disk; killed by SIGKILL, up to a sixteenth of the rest counts
 * that was not deleted, and never less than what was.
 */
#ifndef PUSH_BUDGET_H
#define PUSH_BUDGET_H

#include <stdint.h>

#include "buf.h"
#include "err.h"

#define BUDGET_SECONDS 3600
/* The default is the larger of these. */
#define BUDGET_DEFAULT 100
#define BUDGET_DEFAULT_PERCENT 10

struct budget_limit {
	int given; /* 0: the default */
	int is_percent; /* of the files last counted */
	uint64_t value;
};

/* "N", "P%" or "Ppct"; P is at most 100.  EX_USAGE. */
int
budget_parse(struct budget_limit *limit, const char *text, struct ha_err *err);

/* Seconds since the machine was started, and of the wall clock. */
struct budget_time {
	int64_t boot_s, wall_s;
};

struct budget_minute {
	int64_t start_s; /* since the start of the machine; may be negative */
	uint64_t count;
};

struct budget {
	struct budget_limit limit;
	char *path; /* the file; NULL: nothing is kept */
	const char *source, *target; /* borrowed */
	uint64_t files; /* when counted last; 0: never */
	uint64_t files_kept; /* the same, in the file */
	struct budget_minute *minutes; /* oldest first */
	size_t minute_count, minute_cap;
	uint64_t ahead; /* in the file for this minute, and not taken yet */
	int64_t ahead_minute_s;
	int holds; /* more was asked for than was left */
	int write_failed; /* it was said */
	void (*now)(struct budget_time *time);
};

/*
 * The counts of source (an absolute path) and target (as typed) out of
 * HA_STATE_DIR; both stay the caller's.  With read_only nothing is ever written,
 * and what can't be read is taken for none.  A file that can't be understood is
 * set aside with a warning, and counting starts anew: with the hour taken for
 * spent every deletion would be held until a person comes, while anew costs at
 * most one more hour's budget.  EX_CANTCREAT: the directory can't be made.
 */
int budget_open(struct budget *budget, const char *source, const char *target,
    int read_only, struct ha_err *err);
/* Give back what was written ahead. */
void budget_close(struct budget *budget);

/* Is anything allowed (100%)?  Then nothing needs to be counted beforehand. */
int budget_is_unlimited(const struct budget *budget);
/* How many an hour may go, as it is now. */
uint64_t budget_limit(const struct budget *budget);
/* How many went in the last hour. */
uint64_t budget_spent(struct budget *budget);
/* How many of these are left; 0 while it holds. */
uint64_t budget_left(struct budget *budget);
/* The limit in words: "200 in an hour (10 % of 2000 files)". */
void budget_words(const struct budget *budget, struct ha_buf *words);

/*
 * May count be deleted?  1: they are written down; 0: nothing of it, and
 * nothing from now on.  A file that can't be written is a warning, and the
 * counts are kept in memory.
 */
int budget_take(struct budget *budget, uint64_t count);
/* count of what was taken was not there. */
void budget_refund(struct budget *budget, uint64_t count);
/* count will be asked for one by one: write once. */
void budget_expect(struct budget *budget, uint64_t count);

/* The whole source was walked, and the peer is equal to it. */
void budget_counted(struct budget *budget, uint64_t files);
/* The source has so many files; taken only when none were counted before. */
void budget_first_count(struct budget *budget, uint64_t files);

/* Nothing is held any more. */
void budget_end_hold(struct budget *budget);
/* The same, and a new hour begins. */
void budget_start_anew(struct budget *budget);

struct push;

/*
 * hold.c: let go what is held now: it is deleted in the next rounds, up to the
 * number that was counted, whatever the limit; the reason is said on stderr.
 * answer receives what to tell who asked.  Returns 0, or 1: nothing is held.
 */
int
budget_release(struct push *push, const char *reason, struct ha_buf *answer);

#endif
