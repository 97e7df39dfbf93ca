/* SPDX-License-Identifier: ISC */
/*
 * page - what a person wants to see of a machine first, on one page.
 *
 * On a terminal with bars and, unless NO_COLOR is set, colours.
 */
#ifndef PAGE_H
#define PAGE_H

#include "round.h"
#include "status.h"

/* Call add() for each CHECK that belongs on the page of this machine. */
void page_checks(void (*add)(void *context, const char *check), void *context);

/*
 * Run the round of these checks, print it; returns the worst state.  The
 * round's report and context are set here.
 */
enum ha_status_state page_show(struct round *round);

#endif
