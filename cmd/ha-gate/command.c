/* SPDX-License-Identifier: ISC */
/* command - give the transitions to the COMMAND behind "--". */
#include "command.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <sys/mman.h>
#include <unistd.h>

#include "clock.h"
#include "fs.h"
#include "run.h"
#include "stop.h"

#define TERM_MS 1000

/* A file rather than a pipe: what reads nothing can't block us. */
static int
open_records(const struct ha_buf *records, struct ha_err *err)
{
	int fd = memfd_create("ha-gate-transitions", MFD_CLOEXEC);

	if (fd >= 0 &&
	    ha_fs_write_all(fd, records->data, records->len, err) == 0 &&
	    lseek(fd, 0, SEEK_SET) == 0)
		return fd;
	ha_err_set(err, EX_TEMPFAIL, errno, "can't hold the transitions");
	if (fd >= 0)
		close(fd);
	return -1;
}

/* 1; 0 when it has not at the deadline, or when a signal is to end us. */
static int
has_ended(int pidfd, int64_t deadline_ns, int stop)
{
	struct pollfd fds[2] = { { .fd = pidfd, .events = POLLIN },
		{ .fd = stop, .events = POLLIN } };
	int ms;

	do {
		ms = ha_clock_poll_ms(deadline_ns);
		if (poll(fds, 2, ms) < 0)
			fds[0].revents = 0;
		if (fds[0].revents != 0)
			return 1;
	} while (ms != 0 && (stop < 0 || stop_came() == 0));
	return 0;
}

static int
wait_for(const char *name, pid_t pid, int pidfd, int64_t deadline_ns,
    struct ha_err *err)
{
	int in_time = has_ended(pidfd, deadline_ns, stop_fd()), status;

	if (!in_time) {
		kill(-pid, SIGTERM);
		has_ended(pidfd, ha_clock_deadline(TERM_MS), -1);
	}
	/* Before it is reaped: its id may be another's then. */
	if (!in_time)
		kill(-pid, SIGKILL);
	status = ha_run_reap(pid, ha_clock_deadline(TERM_MS));
	if (!in_time && stop_came())
		return ha_err_set(err, EX_TEMPFAIL, 0,
		    "%s was stopped, as a signal ends ha-gate", name);
	if (!in_time)
		return ha_err_set(err, EX_TEMPFAIL, 0,
		    "%s had not ended in time (-t) and was stopped", name);
	if (status > 128)
		return ha_err_set(err, EX_TEMPFAIL, 0,
		    "%s was ended by signal %d", name, status - 128);
	if (status != 0)
		return ha_err_set(err, EX_TEMPFAIL, 0,
		    "%s ended with status %d", name, status);
	return 0;
}

int
command_run(const char *const *argv, const struct ha_buf *records,
    int64_t deadline_ns, struct ha_err *err)
{
	struct ha_run run = HA_RUN_INIT;
	int pidfd, rc;
	pid_t pid;

	run.argv = argv;
	run.own_group = 1;
	run.out = STDOUT_FILENO;
	run.in = open_records(records, err);
	if (run.in < 0)
		return -1;
	rc = ha_run_start(&run, &pid, &pidfd, err);
	close(run.in);
	if (rc != 0)
		return ha_err_set(err, EX_TEMPFAIL, 0, "%s", err->msg);
	rc = wait_for(argv[0], pid, pidfd, deadline_ns, err);
	close(pidfd);
	return rc;
}
