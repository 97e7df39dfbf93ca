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

/* Run the round, print it; returns the worst state.  Its report is not used. */
enum ha_status_state page_show(const struct round *round);

#endif
