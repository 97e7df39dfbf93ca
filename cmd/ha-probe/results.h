/* SPDX-License-Identifier: ISC */
/*
 * results - a probe as a status record; and the records of one sweep, kept,
 * for a sweep that is only printed when it was the last.
 */
#ifndef RESULTS_H
#define RESULTS_H

#include <stddef.h>

#include "probe.h"
#include "status.h"
#include "sweep.h"

/* The record of a finished probe, which it borrows from. */
void result_describe(struct ha_status *status, const struct probe *probe);

struct result {
	size_t order; /* the target's index */
	struct ha_status status;
	char *check, *msg, *perf; /* the status's own */
};

struct results {
	struct result *list;
	size_t count, capacity;
};

/* As schedule_run()'s result(); context is a struct results. */
void results_add(void *context, size_t order, const struct probe *probe);
void results_release(struct results *results);
/* The worst of those whose order is below end; UNKNOWN when there is none. */
enum ha_status_state results_worst(const struct results *results, size_t end);
void results_write(const struct results *results, struct ha_sweep *sweep);

#endif
