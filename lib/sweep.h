/* SPDX-License-Identifier: ISC */
/*
 * sweep - what a round of checks found, in the form asked for.
 *
 * tsv, json	status records between #begin and #end (status.h), each written
 *		as it comes, by one write(2); when one result is expected, all
 *		three by one write(2) at the end
 * nagios	one line of at most 400 bytes at the end, "NAME STATE - words|perf",
 *		what is worst first, NAME being the check or, for several, the
 *		producer, and warnings that are held (msg.h) at their end; the
 *		performance data that doesn't fit is left out in whole items;
 *		is_quiet changes nothing
 * prom		Prometheus' text format (state, up, duration, performance data),
 *		at the end; to a file by replacing it; of results with the same
 *		labels only the worst
 * table	columns for a person, at the end, in the order of the checks;
 *		colour on a terminal, never with NO_COLOR; quiet, nothing at all
 *		when all is OK
 *
 * Source: ha(7), STATUS RECORDS, FORMATS; Monitoring Plugins Development
 * Guidelines; Prometheus "Exposition formats".
 */
#ifndef HA_SWEEP_H
#define HA_SWEEP_H

#include <stddef.h>

#include "err.h"
#include "status.h"

struct ha_sweep;

struct ha_sweep_options {
	const char *producer; /* "ha-probe": in #begin, and without a service */
	const char *format; /* one of HA_SWEEP_FORMATS; NULL: table on a
			       terminal, else tsv */
	const char
	    *file; /* prom: written there instead of to stdout; or NULL */
	int is_quiet; /* only what is not OK */
	size_t expected; /* how many results are to come, if known; or 0 */
};

#define HA_SWEEP_FORMATS "tsv|json|nagios|prom|table"

/*
 * argv[0] of a command that is called as check_ha_* (a link to it): then the
 * default format is to be nagios, and --help is to end with 3 (opt.h,
 * help_status).
 */
int ha_sweep_is_plugin(const char *argv0);

/*
 * Begin: #begin is written where the format has one.  EX_USAGE when the
 * options don't go together: a file without prom, is_quiet with it.  options'
 * strings are borrowed until the end.
 */
int ha_sweep_begin(struct ha_sweep **sweep,
    const struct ha_sweep_options *options, struct ha_err *err);
/*
 * One result; nothing of it is kept by reference.  order is its place among
 * the checks, for nagios, prom and table.  status->reserved is ignored.
 */
void ha_sweep_add(
    struct ha_sweep *sweep, size_t order, const struct ha_status *status);
/*
 * The end: what is gathered is written, sweep freed.  *worst receives the exit
 * status (UNKNOWN when there was no result).  -1 when the file could not be
 * replaced (EX_CANTCREAT, EX_IOERR).
 */
int ha_sweep_end(
    struct ha_sweep *sweep, enum ha_status_state *worst, struct ha_err *err);

#endif
