/* SPDX-License-Identifier: ISC */
/*
 * watchdog - the end of a process that outlives its time.
 */
#include "watchdog.h"

#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#include "alloc.h"
#include "clock.h"
#include "msg.h"

/* Made beforehand: a handler may not. */
static char *unread, *late, *late_plugin;
static void (*before_end)(void);
static int end_status;

/* It must not wait for stderr's reader: that may be stdout's. */
static int
is_writable(int fd)
{
	struct pollfd pfd = { .fd = fd, .events = POLLOUT };

	return poll(&pfd, 1, 0) > 0 && pfd.revents & POLLOUT;
}

static void
give_up(int sig)
{
	int fd = STDERR_FILENO;
	const char *line = late;

	(void)sig;
	if (before_end)
		before_end();
	if (!is_writable(STDOUT_FILENO)) {
		line = unread;
	} else if (late_plugin) {
		line = late_plugin;
		fd = STDOUT_FILENO;
	}
	if (is_writable(fd) && write(fd, line, strlen(line)) < 0)
		_exit(end_status);
	_exit(end_status);
}

static void
make_lines(int64_t ms)
{
	const char *command = ha_msg_command();
	const char *plugin = ha_msg_plugin_service();
	char time[64];

	ha_clock_words(ms, time, sizeof(time));
	late =
	    ha_xasprintf("%s: not done within %s, given up\n", command, time);
	unread = ha_xasprintf(
	    "%s: stdout was not read within %s, given up\n", command, time);
	if (plugin)
		late_plugin =
		    ha_xasprintf("%s UNKNOWN - not done within %s, given up\n",
			plugin, time);
}

static void
listen_to(int sig)
{
	struct sigaction action;
	sigset_t set;

	memset(&action, 0, sizeof(action));
	action.sa_handler = give_up;
	sigfillset(&action.sa_mask);
	sigaction(sig, &action, NULL);
	sigemptyset(&set);
	sigaddset(&set, sig);
	sigprocmask(SIG_UNBLOCK, &set, NULL);
}

void
ha_watchdog_start(int64_t ms, int status, void (*last)(void))
{
	struct sigevent kill = { .sigev_notify = SIGEV_SIGNAL,
		.sigev_signo = SIGKILL };
	struct itimerspec kill_at = { .it_interval = { 0, 0 } };
	struct itimerval end_at = { .it_interval = { 0, 0 } };
	timer_t timer;

	before_end = last;
	end_status = status;
	ms += HA_WATCHDOG_GRACE_MS;
	make_lines(ms);
	listen_to(SIGALRM);
	end_at.it_value.tv_sec = ms / 1000;
	end_at.it_value.tv_usec = ms % 1000 * 1000;
	setitimer(ITIMER_REAL, &end_at, NULL);
	ms += HA_WATCHDOG_KILL_MS;
	kill_at.it_value.tv_sec = ms / 1000;
	kill_at.it_value.tv_nsec = ms % 1000 * 1000000;
	/* A user's timers may be used up (RLIMIT_SIGPENDING): one is left. */
	if (!timer_create(CLOCK_MONOTONIC, &kill, &timer))
		timer_settime(timer, 0, &kill_at, NULL);
}
