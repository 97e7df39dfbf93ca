/* SPDX-License-Identifier: ISC */
/* stop - a signal that ends the gate. */
#include "stop.h"

#include <signal.h>
#include <unistd.h>

#include "sig.h"

static int signals = -1, came;

int
stop_open(struct ha_err *err)
{
	return ha_sig_open(&signals, err);
}

int
stop_fd(void)
{
	return signals;
}

int
stop_came(void)
{
	int sig;

	while (signals >= 0 && (sig = ha_sig_next(signals)) != 0)
		if (sig == SIGTERM || sig == SIGINT || sig == SIGHUP)
			came = sig;
	return came;
}

void
stop_die(void)
{
	sigset_t set;

	signal(came, SIG_DFL);
	sigemptyset(&set);
	sigaddset(&set, came);
	sigprocmask(SIG_UNBLOCK, &set, NULL);
	raise(came);
	/* Process 1 of a container survives its own signals. */
	_exit(128 + came);
}
