/* SPDX-License-Identifier: ISC */
/*
 * stream - the way of tcp:// and unix://, and of dialogs over them.
 *
 * It closes politely, though that leaves a TIME_WAIT here: a reset would stand
 * in the log of many a server.
 */
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/un.h>

#include "alloc.h"
#include "clock.h"
#include "dialog.h"
#include "probe.h"
#include "socket.h"

/* Reads of one event, so that a flood does not starve the others. */
#define MAX_READS 4
/* A unix socket whose backlog is full says so at once. */
#define FULL_PAUSE_NS (20 * HA_MS_NS)

struct talk {
	struct probe *probe;
	const struct dialog *dialog;
	struct loop_source source;
	struct loop_timer timer; /* the address's share; the next try */
	int is_watched, is_connected;
	int is_broken; /* it could not be sent all */
	uint32_t events; /* watched for */
	struct ha_buf in, send;
	uint64_t received;
	char owed[100];
};

static void try_addresses(struct talk *talk);

/* Nothing more is to be heard or said; the rest is stop()'s. */
static void
rest(struct talk *talk)
{
	loop_close(talk->probe->run->loop, &talk->source);
	loop_clear_timer(talk->probe->run->loop, &talk->timer);
	talk->is_watched = 0;
}

static void
watch(struct talk *talk, uint32_t events)
{
	struct loop *loop = talk->probe->run->loop;
	int failed;

	if (talk->is_watched && talk->events == events)
		return;
	failed = talk->is_watched ? loop_change(loop, &talk->source, events)
				  : loop_add(loop, &talk->source, events);
	talk->is_watched = 1;
	talk->events = events;
	if (failed) {
		probe_fail(
		    talk->probe, FAULT_LOCAL, "epoll: %s", strerror(errno));
		rest(talk);
	}
}

static void
fail_reset(struct talk *talk)
{
	if (talk->received == 0)
		probe_fail(talk->probe, FAULT_TARGET,
		    "connection reset before the %s",
		    dialog_awaited(talk->probe));
	else
		probe_fail(talk->probe, FAULT_TARGET,
		    "connection reset after %llu bytes",
		    (unsigned long long)talk->received);
	rest(talk);
}

/*
 * Send what fits.  A peer that no longer reads may have said why: that is for
 * the reader to find.
 */
static void
flush(struct talk *talk)
{
	while (talk->send.len > 0) {
		ssize_t n = send(talk->source.fd, talk->send.data,
		    talk->send.len, MSG_NOSIGNAL);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && errno == EAGAIN)
			return;
		if (n < 0) {
			talk->is_broken = 1;
			n = (ssize_t)talk->send.len;
		}
		ha_buf_consume(&talk->send, (size_t)n);
	}
}

static void
watch_talk(struct talk *talk)
{
	watch(talk, EPOLLIN | (talk->send.len > 0 ? EPOLLOUT : 0U));
}

/*
 * A closed port of our own that the kernel also picked as our end's connects to
 * itself (RFC 9293, 3.5, simultaneous synchronization).
 */
static int
is_self(int fd)
{
	struct sockaddr_storage ends[2] = { 0 };
	socklen_t len[2] = { sizeof(ends[0]), sizeof(ends[1]) };

	return getsockname(fd, (struct sockaddr *)&ends[0], &len[0]) == 0 &&
	       getpeername(fd, (struct sockaddr *)&ends[1], &len[1]) == 0 &&
	       memcmp(&ends[0], &ends[1], sizeof(ends[0])) == 0;
}

/* Served by the connection itself, once all is sent? */
static int
is_enough(const struct talk *talk)
{
	return talk->dialog == &dialog_plain && talk->send.len == 0 &&
	       !dialog_plain_waits(talk->probe->target);
}

static void
done(struct talk *talk)
{
	if (talk->is_broken) {
		fail_reset(talk);
		return;
	}
	probe_done(talk->probe);
	rest(talk);
}

static void
connected(struct talk *talk)
{
	struct probe *probe = talk->probe;
	int version = probe->target->settings.proxy_protocol;

	talk->is_connected = 1;
	probe->seen.connect_ns = ha_clock_now_ns();
	loop_clear_timer(probe->run->loop, &talk->timer);
	if (version != 0)
		socket_add_proxy_header(&talk->send, talk->source.fd, version);
	talk->dialog->open(probe, &talk->send);
	flush(talk);
	if (probe_has_ended(probe))
		rest(talk);
	else if (is_enough(talk))
		done(talk);
	else
		watch_talk(talk);
}

/* Returns 0 when more is to be read. */
static int
step(struct talk *talk, int is_end)
{
	struct probe *probe = talk->probe;
	const struct dialog *dialog = talk->dialog;
	enum dialog_step next =
	    dialog->input(probe, &talk->in, is_end, &talk->send);

	flush(talk);
	if (next == DIALOG_DONE)
		probe_done(probe);
	else if (next == DIALOG_FAILED)
		probe_fail(probe, FAULT_TARGET, "the %s is not understood",
		    dialog_awaited(probe));
	else if (is_end)
		probe_fail(probe, FAULT_TARGET, "connection closed %s the %s",
		    talk->received == 0 ? "before" : "in the middle of",
		    dialog_awaited(probe));
	else if (talk->in.len > dialog->max_input)
		probe_fail(probe, FAULT_TARGET,
		    "the %s is longer than %zu bytes", dialog_awaited(probe),
		    dialog->max_input);
	if (!probe_has_ended(probe))
		return 0;
	rest(talk);
	return -1;
}

static void
keep(struct talk *talk, const char *data, size_t len)
{
	struct seen *seen = &talk->probe->seen;
	size_t room = SEEN_KEEP - seen->body.len;

	if (seen->first_ns == 0)
		seen->first_ns = ha_clock_now_ns();
	talk->received += len;
	ha_buf_add(&talk->in, data, len);
	if (talk->dialog != &dialog_plain)
		return;
	ha_buf_add(&seen->body, data, len < room ? len : room);
	seen->size += len;
}

static void
receive(struct talk *talk)
{
	static char chunk[16384];

	for (int i = 0; i < MAX_READS; i++) {
		ssize_t n = recv(talk->source.fd, chunk, sizeof(chunk), 0);

		if (n > 0) {
			keep(talk, chunk, (size_t)n);
			if (step(talk, 0) != 0)
				return;
			if ((size_t)n < sizeof(chunk))
				break;
		} else if (n == 0) {
			step(talk, 1);
			return;
		} else if (errno == EAGAIN) {
			break;
		} else if (errno != EINTR) {
			fail_reset(talk);
			return;
		}
	}
	watch_talk(talk);
}

/*
 * A reset is the end of a connection that was there, whether we saw it in
 * time or not; a SYN is refused.
 */
static void
reset_early(struct talk *talk)
{
	talk->probe->seen.connect_ns = ha_clock_now_ns();
	if (is_enough(talk) && talk->probe->target->settings.send == NULL)
		done(talk);
	else
		fail_reset(talk);
}

static void
connect_ended(struct talk *talk, uint32_t events)
{
	int sys = 0;
	socklen_t len = sizeof(sys);

	if (events & (EPOLLERR | EPOLLHUP))
		getsockopt(talk->source.fd, SOL_SOCKET, SO_ERROR, &sys, &len);
	else if (talk->probe->target->port >= IPPORT_RESERVED &&
		 is_self(talk->source.fd))
		sys = ECONNREFUSED;
	if (sys == 0) {
		connected(talk);
	} else if (sys == ECONNRESET) {
		reset_early(talk);
	} else {
		rest(talk);
		if (probe_next_errno(talk->probe, sys, 0))
			try_addresses(talk);
	}
}

static void
ready(struct loop_source *source, uint32_t events)
{
	struct talk *talk = LOOP_OWNER(source, struct talk, source);

	if (!talk->is_connected) {
		connect_ended(talk, events);
		return;
	}
	if (events & EPOLLOUT)
		flush(talk);
	if (is_enough(talk))
		done(talk);
	else if (events & ~(uint32_t)EPOLLOUT)
		receive(talk);
	else
		watch_talk(talk);
}

static void
fail_unix(struct talk *talk, int sys)
{
	struct probe *probe = talk->probe;
	const char *path = probe->target->path;

	switch (sys) {
	case ENOENT:
	case ENOTDIR:
		probe_fail(probe, FAULT_TARGET, "%s does not exist", path);
		break;
	case ECONNREFUSED:
		probe_fail(probe, FAULT_TARGET, "nobody listens at %s", path);
		break;
	case EACCES:
	case EPERM:
		probe_fail(probe, FAULT_LOCAL, "no permission for %s", path);
		break;
	case EPROTOTYPE:
		probe_fail(probe, FAULT_TARGET, "%s is no stream socket", path);
		break;
	default:
		probe_fail(
		    probe, probe_blame(sys, 1), "%s: %s", path, strerror(sys));
	}
	rest(talk);
}

/* '@' at the start is an abstract name (unix(7)). */
static socklen_t
fill_unix(struct sockaddr_un *un, const char *path)
{
	size_t len = strlen(path);

	memset(un, 0, sizeof(*un));
	un->sun_family = AF_UNIX;
	if (len >= sizeof(un->sun_path))
		return 0;
	memcpy(un->sun_path, path, len);
	if (path[0] != '@')
		len++;
	else
		un->sun_path[0] = '\0';
	return (socklen_t)(offsetof(struct sockaddr_un, sun_path) + len);
}

/* Returns 0, or an errno. */
static int
try_unix(struct talk *talk)
{
	struct probe *probe = talk->probe;
	struct address address;
	struct sockaddr_un un;
	socklen_t len = fill_unix(&un, probe->target->path);

	if (len == 0)
		return ENAMETOOLONG;
	if (probe->seen.address == NULL)
		probe->seen.address = ha_xstrdup(probe->target->path);
	memset(&address, 0, sizeof(address));
	address.sa.ss_family = AF_UNIX;
	talk->source.fd =
	    socket_open(&address, SOCK_STREAM, &probe->target->settings);
	if (talk->source.fd < 0 ||
	    connect(talk->source.fd, (struct sockaddr *)&un, len) != 0)
		return errno;
	return 0;
}

static void
connect_unix(struct talk *talk)
{
	int sys = try_unix(talk);

	if (sys == EAGAIN) {
		rest(talk);
		loop_set_timer(talk->probe->run->loop, &talk->timer,
		    ha_clock_now_ns() + FULL_PAUSE_NS);
	} else if (sys != 0) {
		fail_unix(talk, sys);
	} else {
		connected(talk);
	}
}

/* Returns 0 when the connection is under way or there, else an errno. */
static int
connect_address(struct talk *talk)
{
	struct probe *probe = talk->probe;
	struct seen *seen = &probe->seen;
	struct address address;
	int sys = 0;

	socket_address(&probe->addresses->list[seen->address_index],
	    probe->target->port, &address);
	free(seen->address);
	seen->address = socket_name(&address);
	talk->source.fd =
	    socket_open(&address, SOCK_STREAM, &probe->target->settings);
	if (talk->source.fd < 0)
		return errno;
	if (connect(talk->source.fd, (struct sockaddr *)&address.sa,
		address.len) != 0)
		sys = errno;
	if (sys == EINPROGRESS) {
		int64_t share_ns = probe_share_ns(probe);

		watch(talk, EPOLLOUT);
		if (share_ns != HA_CLOCK_NEVER)
			loop_set_timer(
			    probe->run->loop, &talk->timer, share_ns);
		return 0;
	}
	if (sys == 0)
		connected(talk);
	else
		rest(talk);
	return sys;
}

static void
try_addresses(struct talk *talk)
{
	int sys;

	do
		sys = connect_address(talk);
	while (sys != 0 && probe_next_errno(talk->probe, sys, 1));
}

static void
fire(struct loop_timer *timer)
{
	struct talk *talk = LOOP_OWNER(timer, struct talk, timer);

	if (talk->probe->target->host == NULL) {
		connect_unix(talk);
		return;
	}
	rest(talk);
	if (probe_next_silent(talk->probe))
		try_addresses(talk);
}

static void
start(struct probe *probe)
{
	struct talk *talk = ha_xcalloc(1, sizeof(*talk));

	probe->talk = talk;
	talk->probe = probe;
	talk->dialog = probe->target->scheme->dialog;
	talk->source.fd = -1;
	talk->source.ready = ready;
	talk->timer.fire = fire;
	ha_buf_init(&talk->in);
	ha_buf_init(&talk->send);
	if (probe->target->host == NULL)
		connect_unix(talk);
	else
		try_addresses(talk);
}

static void
stop(struct probe *probe)
{
	struct talk *talk = probe->talk;

	rest(talk);
	ha_buf_release(&talk->in);
	ha_buf_release(&talk->send);
	free(talk);
	probe->talk = NULL;
}

static const char *
awaiting(const struct probe *probe)
{
	struct talk *talk = probe->talk;
	const char *what = dialog_awaited(probe);

	if (!talk->is_connected)
		return probe->target->host == NULL ? "no room in its backlog"
						   : "no answer to SYN";
	if (talk->received == 0 || probe->awaited != NULL)
		snprintf(talk->owed, sizeof(talk->owed), "no %s", what);
	else
		snprintf(talk->owed, sizeof(talk->owed),
		    "no whole %s (%llu bytes came)", what,
		    (unsigned long long)talk->received);
	return talk->owed;
}

const struct way way_stream = {
	.start = start,
	.stop = stop,
	.awaiting = awaiting,
};
