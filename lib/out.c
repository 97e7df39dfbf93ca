/* SPDX-License-Identifier: ISC */
/*
 * out - checked stdout.
 */
#include "out.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sysexits.h>
#include <unistd.h>

#include "msg.h"

enum way {
	WAY_UNKNOWN,
	WAY_ALL, /* a regular file: never waits for a reader */
	WAY_SEND, /* a socket: MSG_DONTWAIT */
	WAY_OWN, /* our own open file description, with O_NONBLOCK */
	WAY_POLL, /* what poll(2) calls writable takes PIPE_BUF bytes */
};

static enum way way;
static int own_fd = -1;
static int fatal_status = EX_IOERR;

void
ha_out_fatal(int status)
{
	fatal_status = status;
}

static short
poll_stdout(short events, int timeout_ms)
{
	struct pollfd pfd = { .fd = STDOUT_FILENO, .events = events };

	return poll(&pfd, 1, timeout_ms) > 0 ? pfd.revents : 0;
}

/* After a write(2) that failed: come back only if it is worth another try. */
static void
check_failure(int sys)
{
	if (sys == EPIPE)
		ha_out_die_of_pipe();
	if (sys == EAGAIN || sys == EINTR)
		return;
	ha_say("can't write to stdout: %s (%s)", strerrordesc_np(sys),
	    ha_err_name(sys));
	exit(fatal_status);
}

void
ha_out_write(const void *data, size_t len)
{
	const char *p = data;
	ssize_t n;

	while (len) {
		n = write(STDOUT_FILENO, p, len);
		if (n < 0) {
			check_failure(errno);
			poll_stdout(POLLOUT, -1);
			continue;
		}
		p += n;
		len -= (size_t)n;
	}
}

/*
 * O_NONBLOCK on the descriptor we were given would also be set for everybody
 * who shares it; opened anew, a pipe or terminal has an own set of flags.
 */
static enum way
find_way(void)
{
	struct stat st;

	if (fstat(STDOUT_FILENO, &st))
		return WAY_POLL;
	if (S_ISREG(st.st_mode))
		return WAY_ALL;
	if (S_ISSOCK(st.st_mode))
		return WAY_SEND;
	own_fd = open(
	    "/proc/self/fd/1", O_WRONLY | O_NONBLOCK | O_CLOEXEC | O_NOCTTY);
	return own_fd < 0 ? WAY_POLL : WAY_OWN;
}

static ssize_t
write_some(const void *data, size_t len)
{
	switch (way) {
	case WAY_SEND:
		return send(
		    STDOUT_FILENO, data, len, MSG_DONTWAIT | MSG_NOSIGNAL);
	case WAY_OWN:
		return write(own_fd, data, len);
	case WAY_ALL:
		return write(STDOUT_FILENO, data, len);
	default:
		if (!poll_stdout(POLLOUT, 0)) {
			errno = EAGAIN;
			return -1;
		}
		return write(
		    STDOUT_FILENO, data, len < PIPE_BUF ? len : PIPE_BUF);
	}
}

int
ha_out_offer(const void *data, size_t len, size_t *taken, struct ha_err *err)
{
	ssize_t n;

	if (way == WAY_UNKNOWN)
		way = find_way();
	*taken = 0;
	n = len ? write_some(data, len) : 0;
	if (n < 0 && errno != EAGAIN && errno != EINTR)
		return ha_err_set(
		    err, EX_IOERR, errno, "can't write to stdout");
	if (n > 0)
		*taken = (size_t)n;
	return 0;
}

size_t
ha_out_try(const void *data, size_t len)
{
	struct ha_err err;
	size_t taken;

	if (way == WAY_UNKNOWN)
		way = find_way();
	if (way == WAY_ALL) {
		ha_out_write(data, len);
		return len;
	}
	if (ha_out_offer(data, len, &taken, &err))
		check_failure(err.sys);
	return taken;
}

int
ha_out_reader_gone(void)
{
	return (poll_stdout(0, 0) & (POLLERR | POLLHUP)) != 0;
}

void
ha_out_die_of_pipe(void)
{
	sigset_t set;

	signal(SIGPIPE, SIG_DFL);
	sigemptyset(&set);
	sigaddset(&set, SIGPIPE);
	sigprocmask(SIG_UNBLOCK, &set, NULL);
	raise(SIGPIPE);
	/* Process 1 of a container survives its own signals. */
	_exit(128 + SIGPIPE);
}
