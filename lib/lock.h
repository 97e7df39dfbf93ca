/* SPDX-License-Identifier: ISC */
/*
 * lock - one holder at a time, by flock(2), which the kernel undoes when the
 * holder dies.  The lock file stays; its content names the last holder.
 */
#ifndef HA_LOCK_H
#define HA_LOCK_H

#include <stdint.h>

#include "err.h"

/*
 * Take the lock at path, waiting until deadline_ns (clock.h; 0: don't wait).
 * *fd receives a descriptor with O_CLOEXEC; closing it gives the lock back.
 * EX_TEMPFAIL when it is held, with the holder's process id and command in the
 * message; EX_CANTCREAT when the file can't be made.
 */
int ha_lock_take(
    const char *path, int64_t deadline_ns, int *fd, struct ha_err *err);

#endif
