/* SPDX-License-Identifier: ISC */
/*
 * check - is the mirror well?  Judges by its status file alone.
 *
 * Source: ha(7), STATUS RECORDS and EXIT STATUS of checks; the line for Nagios
 * is that of the Monitoring Plugins Development Guidelines.
 */
#ifndef PUSH_CHECK_H
#define PUSH_CHECK_H

#include <stdint.h>

#include "status.h"

struct check_conf {
	const char *file; /* a status file, or the index of several */
	int64_t warn_ms, crit_ms; /* of the lag */
	const char *format; /* "tsv", "json" or "nagios" */
	int quiet; /* records only of what is not OK */
};

/* Print the answer.  Returns the worst state, which is the exit status. */
enum ha_status_state check_run(const struct check_conf *conf);

#endif
