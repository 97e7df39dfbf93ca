/* SPDX-License-Identifier: ISC */
/* loop - what ha-push does until its end; it implements wait.h, too. */
#ifndef PUSH_LOOP_H
#define PUSH_LOOP_H

#include "push.h"

/*
 * Take the signals; push is what wait_poll() serves from here on, so this comes
 * before anything that waits.  Ends the process on failure.
 */
void loop_init(struct push *push);

/*
 * Until the header of the records has told source and patterns; at once when
 * they are known.  Ends the process when the input does.
 */
void loop_await_source(void);

/*
 * Bring what comes to the peer: until the end of input and all is there, -T is
 * over, a signal, or a fault that ends the run.  Returns the exit status.
 */
int loop_run(void);
/* Read all input and print what would be done.  Returns the exit status. */
int loop_dry_run(void);
/* Close the session, if there is one. */
void loop_end(void);

#endif
