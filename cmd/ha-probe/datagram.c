/* SPDX-License-Identifier: ISC */
/*
 * datagram - the way of dialogs over UDP.
 *
 * A datagram that gets no answer is sent again, as a resolver would; but not
 * send= of udp://, which may do something: that is -r's.
 */
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "alloc.h"
#include "clock.h"
#include "dialog.h"
#include "probe.h"
#include "socket.h"

#define RESEND_NS HA_S_NS
#define MAX_DATAGRAM 65536
/* Reads of one event, so that a flood does not starve the others. */
#define MAX_READS 16

struct talk {
	struct probe *probe;
	const struct dialog *dialog;
	struct loop_source source;
	struct loop_timer share, resend;
	struct ha_buf in, send, last; /* last: what was sent last */
	int has_answered;
	char owed[100];
};

static void try_addresses(struct talk *talk);

static void
rest(struct talk *talk)
{
	struct loop *loop = talk->probe->run->loop;

	loop_close(loop, &talk->source);
	loop_clear_timer(loop, &talk->share);
	loop_clear_timer(loop, &talk->resend);
}

/* Returns 0, or the errno of a datagram that did not leave. */
static int
transmit(struct talk *talk)
{
	ssize_t n;

	do
		n = send(talk->source.fd, talk->last.data, talk->last.len,
		    MSG_NOSIGNAL);
	while (n < 0 && errno == EINTR);
	if (talk->dialog != &dialog_plain)
		loop_set_timer(talk->probe->run->loop, &talk->resend,
		    ha_clock_now_ns() + RESEND_NS);
	return n < 0 && errno != EAGAIN ? errno : 0;
}

/* Send what the dialog gave, if anything; 0 or an errno. */
static int
send_next(struct talk *talk)
{
	if (talk->send.len == 0)
		return 0;
	ha_buf_reset(&talk->last);
	ha_buf_add(&talk->last, talk->send.data, talk->send.len);
	ha_buf_reset(&talk->send);
	return transmit(talk);
}

static void
go_on(struct talk *talk, int sys, int at_once)
{
	rest(talk);
	if (probe_next_errno(talk->probe, sys, at_once))
		try_addresses(talk);
}

/* An ICMP error of an earlier datagram is what send(2) reports, too. */
static int
is_at_once(int sys)
{
	return sys != ECONNREFUSED;
}

static void
handle(struct talk *talk, const char *data, size_t len)
{
	struct probe *probe = talk->probe;
	struct seen *seen = &probe->seen;
	enum dialog_step next;
	int sys;

	if (seen->first_ns == 0)
		seen->first_ns = ha_clock_now_ns();
	talk->has_answered = 1;
	if (talk->dialog == &dialog_plain) {
		size_t room = SEEN_KEEP - seen->body.len;

		ha_buf_add(&seen->body, data, len < room ? len : room);
		seen->size += len;
	}
	ha_buf_reset(&talk->in);
	ha_buf_add(&talk->in, data, len);
	next = talk->dialog->input(probe, &talk->in, 0, &talk->send);
	sys = send_next(talk);
	if (next == DIALOG_DONE)
		probe_done(probe);
	else if (next == DIALOG_FAILED)
		probe_fail(probe, FAULT_TARGET, "the %s is not understood",
		    dialog_awaited(probe));
	if (probe_has_ended(probe))
		rest(talk);
	else if (sys != 0)
		go_on(talk, sys, is_at_once(sys));
}

static void
ready(struct loop_source *source, uint32_t events)
{
	static char datagram[MAX_DATAGRAM];
	struct talk *talk = LOOP_OWNER(source, struct talk, source);

	(void)events;
	for (int i = 0; i < MAX_READS && source->fd >= 0; i++) {
		ssize_t n = recv(source->fd, datagram, sizeof(datagram), 0);

		if (n >= 0) {
			handle(talk, datagram, (size_t)n);
		} else if (errno == EAGAIN) {
			return;
		} else if (errno != EINTR) {
			go_on(talk, errno, 0);
			return;
		}
	}
}

/* A router's "unreachable" is told to UDP only on demand (ip(7)). */
static void
ask_for_errors(int fd, int family)
{
	const int on = 1;

	if (family == AF_INET)
		setsockopt(fd, IPPROTO_IP, IP_RECVERR, &on, sizeof(on));
	else
		setsockopt(fd, IPPROTO_IPV6, IPV6_RECVERR, &on, sizeof(on));
}

/* Returns 0 when the first datagram has left, else an errno. */
static int
try_address(struct talk *talk)
{
	struct probe *probe = talk->probe;
	struct seen *seen = &probe->seen;
	struct loop *loop = probe->run->loop;
	int64_t share_ns = probe_share_ns(probe);
	struct address address;

	socket_address(&probe->addresses->list[seen->address_index],
	    probe->target->port, &address);
	free(seen->address);
	seen->address = socket_name(&address);
	talk->source.fd =
	    socket_open(&address, SOCK_DGRAM, &probe->target->settings);
	if (talk->source.fd < 0)
		return errno;
	ask_for_errors(talk->source.fd, address.sa.ss_family);
	if (connect(talk->source.fd, (struct sockaddr *)&address.sa,
		address.len) != 0 ||
	    loop_add(loop, &talk->source, EPOLLIN) != 0)
		return errno;
	seen->connect_ns = ha_clock_now_ns();
	ha_buf_reset(&talk->send);
	talk->dialog->open(probe, &talk->send);
	if (share_ns != HA_CLOCK_NEVER)
		loop_set_timer(loop, &talk->share, share_ns);
	return send_next(talk);
}

static void
try_addresses(struct talk *talk)
{
	int sys;

	while ((sys = try_address(talk)) != 0) {
		rest(talk);
		if (!probe_next_errno(talk->probe, sys, 1))
			return;
	}
}

static void
share_over(struct loop_timer *timer)
{
	struct talk *talk = LOOP_OWNER(timer, struct talk, share);

	rest(talk);
	if (probe_next_silent(talk->probe))
		try_addresses(talk);
}

static void
resend(struct loop_timer *timer)
{
	struct talk *talk = LOOP_OWNER(timer, struct talk, resend);
	int sys = 0, at_once;
	socklen_t len = sizeof(sys);

	getsockopt(talk->source.fd, SOL_SOCKET, SO_ERROR, &sys, &len);
	at_once = sys == 0;
	if (at_once)
		sys = transmit(talk);
	if (sys != 0)
		go_on(talk, sys, at_once);
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
	talk->share.fire = share_over;
	talk->resend.fire = resend;
	ha_buf_init(&talk->in);
	ha_buf_init(&talk->send);
	ha_buf_init(&talk->last);
	try_addresses(talk);
}

static void
stop(struct probe *probe)
{
	struct talk *talk = probe->talk;

	rest(talk);
	ha_buf_release(&talk->in);
	ha_buf_release(&talk->send);
	ha_buf_release(&talk->last);
	free(talk);
	probe->talk = NULL;
}

static const char *
awaiting(const struct probe *probe)
{
	struct talk *talk = probe->talk;
	const char *what = dialog_awaited(probe);

	snprintf(talk->owed, sizeof(talk->owed),
	    talk->has_answered && probe->awaited == NULL ? "no fitting %s"
							 : "no %s",
	    what);
	return talk->owed;
}

const struct way way_datagram = {
	.start = start,
	.stop = stop,
	.awaiting = awaiting,
};
