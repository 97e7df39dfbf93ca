/* SPDX-License-Identifier: ISC */
/* fake-wait - what tests of single files of ha-push wait with. */
#ifndef FAKE_WAIT_H
#define FAKE_WAIT_H

#include "clock.h"
#include "wait.h"

int
wait_poll(struct pollfd *fds, nfds_t count, int64_t deadline_ns)
{
	return poll(fds, count, ha_clock_poll_ms(deadline_ns));
}

#endif
