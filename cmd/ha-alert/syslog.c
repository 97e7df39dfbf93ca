/* SPDX-License-Identifier: ISC */
/*
 * syslog - deliver to the local syslog's socket, which unlike syslog(3) says
 * whether anybody took it.
 *
 * Source: RFC 3164 section 4.1, in the form of syslog(3): without a host.
 */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <syslog.h>
#include <time.h>
#include <unistd.h>

#include "alloc.h"
#include "clock.h"
#include "keys.h"
#include "sender.h"

/* journald and rsyslog take as much in one datagram. */
#define LINE_MAX_LEN 8000

struct log {
	const struct channel *channel;
	const char *path;
};

static int
open_log(void **state, const struct channel *channel,
    const struct sender_trace *trace, struct ha_err *err)
{
	struct log *log = ha_xcalloc(1, sizeof(*log));
	const char *path = channel_get(channel, "socket");

	(void)trace;
	log->channel = channel;
	log->path = path != NULL ? path : "/dev/log";
	if (strlen(log->path) >= sizeof(((struct sockaddr_un *)0)->sun_path)) {
		free(log);
		return ha_err_set(err, EX_CONFIG, 0, "socket= is too long");
	}
	*state = log;
	return 0;
}

static void
close_log(void *state)
{
	free(state);
}

static int
priority(const struct rendered *rendered)
{
	if (rendered->worst->is_message)
		return LOG_NOTICE;
	switch (rendered->worst->transition.status.state) {
	case HA_STATUS_OK:
		return LOG_NOTICE;
	case HA_STATUS_WARN:
		return LOG_WARNING;
	case HA_STATUS_CRIT:
		return LOG_CRIT;
	default:
		return LOG_ERR;
	}
}

static void
add_line(
    struct ha_buf *line, const struct log *log, const struct rendered *rendered)
{
	const char *facility = channel_get(log->channel, "facility");
	const char *tag = channel_get(log->channel, "tag");
	int value = facility != NULL ? keys_facility(facility) : LOG_DAEMON;
	char stamp[32];
	struct tm tm;
	time_t now = time(NULL);
	size_t len;

	localtime_r(&now, &tm);
	strftime(stamp, sizeof(stamp), "%b %e %H:%M:%S", &tm);
	ha_buf_addf(line, "<%d>%s %s[%d]: ", value | priority(rendered), stamp,
	    tag != NULL ? tag : "ha-alert", (int)getpid());
	ha_buf_add(line, rendered->body.data, rendered->body.len);
	for (len = line->len; len > 0 && line->data[len - 1] == '\n';)
		len--;
	if (len > LINE_MAX_LEN)
		for (len = LINE_MAX_LEN;
		     ((unsigned char)line->data[len] & 0xc0) == 0x80; len--)
			;
	ha_buf_truncate(line, len);
}

static int
connect_to(const char *path, int type)
{
	struct sockaddr_un un = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	int sys;

	memcpy(un.sun_path, path, strlen(path) + 1);
	if (fd < 0 || connect(fd, (struct sockaddr *)&un, sizeof(un)) == 0)
		return fd;
	sys = errno;
	close(fd);
	errno = sys;
	return -1;
}

static int
put(int fd, const struct ha_buf *line, int64_t deadline_ns)
{
	struct pollfd pfd = { .fd = fd, .events = POLLOUT };
	size_t done = 0;
	ssize_t n;

	while (done < line->len) {
		n = send(fd, line->data + done, line->len - done, MSG_NOSIGNAL);
		if (n >= 0) {
			done += (size_t)n;
			continue;
		}
		if (errno != EAGAIN && errno != EINTR)
			return -1;
		if (poll(&pfd, 1, ha_clock_poll_ms(deadline_ns)) == 0) {
			errno = ETIMEDOUT;
			return -1;
		}
	}
	return 0;
}

static void
send_log(void *state, const struct rendered *rendered, int64_t deadline_ns,
    struct delivery *delivery)
{
	const struct log *log = state;
	struct ha_buf line = HA_BUF_INIT;
	int fd = connect_to(log->path, SOCK_DGRAM);

	add_line(&line, log, rendered);
	if (fd < 0 && errno == EPROTOTYPE) {
		/* A stream's records end with a NUL, as syslog(3) does it. */
		fd = connect_to(log->path, SOCK_STREAM);
		ha_buf_add_char(&line, '\0');
	}
	if (fd >= 0 && put(fd, &line, deadline_ns) == 0)
		sender_result(delivery, DELIVERY_DONE, "in %s", log->path);
	else
		sender_is_down(delivery, "%s: %s", log->path, strerror(errno));
	if (fd >= 0)
		close(fd);
	ha_buf_release(&line);
}

const struct sender_kind sender_syslog = { open_log, close_log, send_log };
