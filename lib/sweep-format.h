/* SPDX-License-Identifier: ISC */
/*
 * sweep-format - what lib/sweep gathers, and the formats written at its end.
 *
 * Private to lib/sweep*.c.
 */
#ifndef HA_SWEEP_FORMAT_H
#define HA_SWEEP_FORMAT_H

#include <stddef.h>

#include "buf.h"
#include "status.h"

/* No string is NULL. */
struct ha_sweep_result {
	char *text; /* owned: all the others, which follow one another */
	const char *by, *host, *check, *target, *msg, *perf;
	enum ha_status_state state;
	double ms;
	size_t order;
	int is_namesake; /* another one has the same check */
};

struct ha_sweep_results {
	const char *producer;
	struct ha_sweep_result *list; /* by order */
	size_t count;
	size_t states[HA_STATUS_UNKNOWN + 1]; /* how many of each */
	enum ha_status_state worst;
};

/* Append the line for Nagios, its LF counted in the 400 bytes. */
void
ha_sweep_nagios(struct ha_buf *out, const struct ha_sweep_results *results);

/* Append Prometheus' text; file, if not NULL, tells this sweep from others. */
void ha_sweep_prom(struct ha_buf *out, const struct ha_sweep_results *results,
    const char *file);

struct ha_sweep_table {
	size_t width; /* columns of the terminal; 0: no limit */
	int is_coloured;
	int is_quiet; /* only what is not OK, and nothing if all is */
};

/* Append the table. */
void ha_sweep_table(struct ha_buf *out, const struct ha_sweep_results *results,
    const struct ha_sweep_table *table);

#endif
