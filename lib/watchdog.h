/* SPDX-License-Identifier: ISC */
/*
 * watchdog - the end of a process that outlives its time, whatever it waits
 * for: a reader of its stdout that reads no more, a FIFO that nobody writes.
 *
 * It ends with a word on stderr, or, as a plugin (msg.h) whose stdout is still
 * read, with the plugin's line there.  What hears no signal but SIGKILL, as a
 * call on a dead file server does, gets that one; what hears none (state D)
 * lives on.
 */
#ifndef HA_WATCHDOG_H
#define HA_WATCHDOG_H

#include <stdint.h>

/* What a process has left, after its time, to say what it knows and end. */
#define HA_WATCHDOG_GRACE_MS 2000
/* And what SIGKILL waits for after that. */
#define HA_WATCHDOG_KILL_MS 1000

/*
 * From now on: after ms milliseconds and the grace, last() is called if it is
 * not NULL, in a signal's handler (signal-safety(7)), and the process ends with
 * status.  ha_msg_init() and ha_msg_plugin() come before.  Uses SIGALRM and
 * setitimer(2)'s ITIMER_REAL.  At most once.
 */
void ha_watchdog_start(int64_t ms, int status, void (*last)(void));

#endif
