/* SPDX-License-Identifier: ISC */
/* show - the state of gates, for a person or another program. */
#ifndef GATE_SHOW_H
#define GATE_SHOW_H

#include "rules.h"

/*
 * Print what is known of each check of a gate, or of all (name is NULL); with
 * history, a pattern of ha_status_matches(), the last changes of those that it
 * names.  format: "tsv", "table", NULL (table on a terminal).  The state is
 * read without its lock, as it is replaced whole.  Returns the exit status: 1
 * when there is nothing to show.
 */
int show_run(const char *name, const char *history, const char *format,
    struct rules *rules);

#endif
