/* SPDX-License-Identifier: ISC */
/*
 * patience - how long a run of rsync that moves nothing is waited for.
 *
 * rsync can wait for itself for ever (of hard links below a directory that is
 * replaced meanwhile, for one); nothing moves then, at neither end.  A healthy
 * run may be as quiet: the rsync there removes a million files, or reads a
 * huge one, without a word.  From here the two look alike.  So the limit is
 * short at first; each run that meets it doubles it, for an hour; and it is
 * never below twice the time for which a run that ended well was quiet.
 *
 * Times are ha_clock_now_ns()'s, and the caller's: nothing here waits.
 */
#ifndef PUSH_PATIENCE_H
#define PUSH_PATIENCE_H

#include <stdint.h>
#include <sys/types.h>

#define PATIENCE_MS 20000
#define PATIENCE_MAX_MS (10 * 60 * 1000)
#define PATIENCE_FORGET_MS (60 * 60 * 1000)

/* From run to run; zeros at first. */
struct patience {
	int64_t limit_ms;
	int64_t forget_ns; /* then the doubling is forgotten */
	int64_t longest_ms; /* a run that ended well was quiet */
};

/* Of one run. */
struct quiet {
	int64_t limit_ms;
	int64_t longest_ms;
	int64_t quiet_ns; /* nothing has moved for so long, */
	int64_t idle_ns; /* and the rsync here did nothing either */
	int64_t seen_ns;
	int64_t work;
	uint64_t bytes;
};

/*
 * What the process has done: its CPU time, in clock ticks, or PATIENCE_BUSY
 * while it waits for a disk.  It walks a large directory, or searches a large
 * file, without moving anything.  0 when that can't be read.  Source: proc(5),
 * /proc/pid/stat.
 */
int64_t patience_work(pid_t pid);
#define PATIENCE_BUSY (-1)

/* bytes: moved so far, of anything; work: patience_work(). */
void quiet_begin(struct quiet *quiet, struct patience *patience, int64_t now_ns,
    uint64_t bytes, int64_t work);
/*
 * Look, about each second.  1: nothing has moved for too long.  Of a time for
 * which nobody looked only two seconds count: who was stopped meanwhile can't
 * say what moved.
 */
int
quiet_look(struct quiet *quiet, int64_t now_ns, uint64_t bytes, int64_t work);
/* It is over. */
void quiet_end(const struct quiet *quiet, struct patience *patience,
    int64_t now_ns, int stalled);

#endif
