/* SPDX-License-Identifier: ISC */
/*
 * schedule - all targets of a sweep, as many at once as descriptors, memory
 * and one target's backlog allow, until the sweep's deadline.
 */
#ifndef SCHEDULE_H
#define SCHEDULE_H

#include "probe.h"

struct schedule_options {
	int64_t deadline_ns; /* -T */
	size_t parallel; /* -P; 0: as many as are sensible */
};

/*
 * Probe every target (with --each-address every address) once.  result() is
 * called for each as it is finished, its probe is gone afterwards; order is
 * the target's index.  At the deadline what is left is expired: result() is
 * called for all.  -1: EX_OSERR, this machine can't (no epoll, no memory).
 */
int schedule_run(const struct targets *targets,
    const struct schedule_options *options,
    void (*result)(void *context, size_t order, const struct probe *probe),
    void *context, struct ha_err *err);

#endif
