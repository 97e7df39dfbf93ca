/* SPDX-License-Identifier: ISC */
/*
 * stop - a signal that ends the gate: it must not leave a COMMAND behind, nor
 * commit what that has not taken.  Where there is no COMMAND nothing is caught.
 */
#ifndef GATE_STOP_H
#define GATE_STOP_H

#include "err.h"

/* From now on SIGTERM, SIGINT and SIGHUP only set stop_came().  EX_OSERR. */
int stop_open(struct ha_err *err);
/* Readable when a signal came, which may be another; -1: they aren't caught. */
int stop_fd(void);
/* The signal that came, or 0. */
int stop_came(void);
/* End as by that signal. */
void stop_die(void) __attribute__((noreturn));

#endif
