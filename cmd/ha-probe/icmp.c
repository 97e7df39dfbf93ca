/* SPDX-License-Identifier: ISC */
/*
 * icmp - echo requests of all probes, by one socket a family.
 *
 * The sequence number says whose request an ICMP error quotes; of an answer the
 * payload does, which nobody can guess: 8 random bytes of this run, the slot,
 * its generation, the time.  Source: RFC 792, RFC 4443, icmp(7), ip(7).
 */
#include "icmp.h"

/* Before the kernel's headers, which then leave out what it has. */
#include <net/if.h>

#include <arpa/inet.h>
#include <errno.h>
#include <linux/errqueue.h>
#include <linux/icmp.h>
#include <linux/icmpv6.h>
#include <math.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

#include "alloc.h"
#include "clock.h"
#include "probe.h"
#include "range.h"
#include "socket.h"

#define MAX_SLOTS 65536 /* sequence numbers */
#define MAX_REQUESTS 3
#define REQUEST_PAUSE_NS HA_S_NS
#define BUSY_PAUSE_NS (5 * HA_MS_NS)
#define RECEIVE_BUFFER (1024 * 1024)
/* Reads of one event, so that a flood does not starve the others. */
#define MAX_READS 256

struct header {
	uint8_t type, code;
	uint16_t checksum, id, sequence;
};

struct payload {
	uint8_t secret[8];
	uint32_t slot, generation;
	int64_t sent_ns;
	uint8_t filler[32]; /* as long as ping(8)'s */
};

struct request {
	struct header header;
	struct payload payload;
};

/* Both families' sockets; fd is -1 where sys says why. */
struct end {
	struct loop_source source;
	struct icmp *icmp;
	int family, is_raw, is_open;
	int sys;
};

struct icmp {
	struct loop *loop;
	struct end ends[2]; /* IPv4, IPv6 */
	uint8_t secret[8];
	uint16_t id;
	uint32_t generation;
	struct talk *slots[MAX_SLOTS];
	uint32_t next_slot;
};

struct talk {
	struct probe *probe;
	struct icmp *icmp;
	struct address address;
	struct loop_timer share, again;
	uint32_t slot, generation;
	unsigned requests;
	int64_t pause_ns;
};

static void try_addresses(struct talk *talk);
static void ready(struct loop_source *source, uint32_t events);

static uint16_t
checksum(const void *data, size_t len)
{
	const uint8_t *bytes = data;
	uint32_t sum = 0;

	for (size_t i = 0; i + 1 < len; i += 2)
		sum += (uint32_t)bytes[i] << 8 | bytes[i + 1];
	if (len % 2 != 0)
		sum += (uint32_t)bytes[len - 1] << 8;
	while (sum >> 16 != 0)
		sum = (sum & 0xffff) + (sum >> 16);
	return htons((uint16_t)~sum);
}

static struct icmp *
icmp_new(struct loop *loop)
{
	struct icmp *icmp = ha_xcalloc(1, sizeof(*icmp));

	icmp->loop = loop;
	for (int i = 0; i < 2; i++) {
		icmp->ends[i].icmp = icmp;
		icmp->ends[i].family = i == 0 ? AF_INET : AF_INET6;
		icmp->ends[i].source.fd = -1;
		icmp->ends[i].source.ready = ready;
	}
	if (getrandom(icmp->secret, sizeof(icmp->secret), 0) < 0 ||
	    getrandom(&icmp->id, sizeof(icmp->id), 0) < 0)
		icmp->id = (uint16_t)getpid();
	return icmp;
}

void
icmp_free(struct icmp *icmp)
{
	if (icmp == NULL)
		return;
	for (int i = 0; i < 2; i++)
		loop_close(icmp->loop, &icmp->ends[i].source);
	free(icmp);
}

/* Answers and the errors' queue, and of raw sockets nothing else. */
static void
set_up(const struct end *end)
{
	const int on = 1, size = RECEIVE_BUFFER;
	int fd = end->source.fd;
	const struct icmp_filter filter4 = { ~(1U << ICMP_ECHOREPLY) };
	struct icmp6_filter filter6;

	setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof(size));
	if (end->family == AF_INET) {
		setsockopt(fd, IPPROTO_IP, IP_RECVERR, &on, sizeof(on));
		if (end->is_raw)
			setsockopt(fd, SOL_RAW, ICMP_FILTER, &filter4,
			    sizeof(filter4));
		return;
	}
	setsockopt(fd, IPPROTO_IPV6, IPV6_RECVERR, &on, sizeof(on));
	memset(&filter6, 0xff, sizeof(filter6));
	filter6.data[ICMPV6_ECHO_REPLY >> 5] &=
	    ~(1U << (ICMPV6_ECHO_REPLY & 31));
	if (end->is_raw)
		setsockopt(fd, IPPROTO_ICMPV6, ICMPV6_FILTER, &filter6,
		    sizeof(filter6));
}

/* Without a privilege if this machine lets us (icmp(7), ping_group_range). */
static void
open_end(struct end *end)
{
	const int flags = SOCK_NONBLOCK | SOCK_CLOEXEC;
	int protocol =
	    end->family == AF_INET ? (int)IPPROTO_ICMP : (int)IPPROTO_ICMPV6;

	end->is_open = 1;
	end->source.fd = socket(end->family, SOCK_DGRAM | flags, protocol);
	if (end->source.fd < 0 && (errno == EACCES || errno == EPERM)) {
		end->is_raw = 1;
		end->source.fd =
		    socket(end->family, SOCK_RAW | flags, protocol);
	}
	if (end->source.fd < 0) {
		end->sys = errno;
		return;
	}
	set_up(end);
	if (loop_add(end->icmp->loop, &end->source, EPOLLIN) != 0) {
		end->sys = errno;
		loop_close(end->icmp->loop, &end->source);
	}
}

static struct end *
end_of(struct talk *talk)
{
	struct end *end =
	    &talk->icmp->ends[talk->address.sa.ss_family == AF_INET6];

	if (!end->is_open)
		open_end(end);
	return end;
}

static void
rest(struct talk *talk)
{
	if (talk->icmp->slots[talk->slot] == talk)
		talk->icmp->slots[talk->slot] = NULL;
	loop_clear_timer(talk->icmp->loop, &talk->share);
	loop_clear_timer(talk->icmp->loop, &talk->again);
}

/* -B, which is another one for each probe. */
static void
add_source(struct msghdr *message, const char *source, int family)
{
	struct cmsghdr *control = CMSG_FIRSTHDR(message);
	struct address from;
	int is_address = address_parse(&from, source, family);
	unsigned index = is_address ? 0 : if_nametoindex(source);
	struct in_pktinfo info4 = { .ipi_ifindex = (int)index };
	struct in6_pktinfo info6 = { .ipi6_ifindex = index };
	size_t size = family == AF_INET ? sizeof(info4) : sizeof(info6);

	if (is_address && family == AF_INET)
		info4.ipi_spec_dst =
		    ((struct sockaddr_in *)(void *)&from.sa)->sin_addr;
	else if (is_address)
		info6.ipi6_addr =
		    ((struct sockaddr_in6 *)(void *)&from.sa)->sin6_addr;
	control->cmsg_level = family == AF_INET ? IPPROTO_IP : IPPROTO_IPV6;
	control->cmsg_type = family == AF_INET ? IP_PKTINFO : IPV6_PKTINFO;
	control->cmsg_len = CMSG_LEN(size);
	memcpy(CMSG_DATA(control),
	    family == AF_INET ? (void *)&info4 : (void *)&info6, size);
	message->msg_controllen = CMSG_SPACE(size);
}

/* Can -B be used at all?  The kernel would say something else of it. */
static int
check_source(const struct talk *talk)
{
	const struct settings *settings = &talk->probe->target->settings;
	int fd;

	if (settings->source == NULL)
		return 0;
	fd = socket_open(&talk->address, SOCK_DGRAM, settings);
	if (fd < 0)
		return errno;
	close(fd);
	return 0;
}

static ssize_t
transmit(struct talk *talk, int fd)
{
	int family = talk->address.sa.ss_family;
	const char *source = talk->probe->target->settings.source;
	union {
		char bytes[CMSG_SPACE(sizeof(struct in6_pktinfo))];
		struct cmsghdr align;
	} control;
	struct request request = {
		.header.type =
		    family == AF_INET ? ICMP_ECHO : ICMPV6_ECHO_REQUEST,
		.header.id = talk->icmp->id,
		.header.sequence = htons((uint16_t)talk->slot),
		.payload.slot = talk->slot,
		.payload.generation = talk->generation,
		.payload.sent_ns = ha_clock_now_ns(),
	};
	struct iovec iov = { &request, sizeof(request) };
	struct msghdr message = { .msg_name = &talk->address.sa,
		.msg_namelen = talk->address.len,
		.msg_iov = &iov,
		.msg_iovlen = 1 };

	memcpy(request.payload.secret, talk->icmp->secret,
	    sizeof(request.payload.secret));
	if (family == AF_INET)
		request.header.checksum = checksum(&request, sizeof(request));
	if (source != NULL) {
		memset(&control, 0, sizeof(control));
		message.msg_control = control.bytes;
		message.msg_controllen = sizeof(control.bytes);
		add_source(&message, source, family);
	}
	return sendmsg(fd, &message, MSG_NOSIGNAL);
}

/*
 * Returns 0 when it has left, or will later, else an errno.  The socket may
 * report what befell an earlier request to somebody else: then once more.
 */
static int
send_request(struct talk *talk)
{
	struct end *end = end_of(talk);
	int64_t pause_ns = talk->pause_ns;
	ssize_t n;

	if (end->source.fd < 0)
		return end->sys;
	n = transmit(talk, end->source.fd);
	if (n < 0 && errno != EAGAIN && errno != ENOBUFS)
		n = transmit(talk, end->source.fd);
	if (n < 0 && errno != EAGAIN && errno != ENOBUFS)
		return errno;
	if (n < 0)
		pause_ns = BUSY_PAUSE_NS;
	else
		talk->requests++;
	if (talk->requests < MAX_REQUESTS)
		loop_set_timer(talk->icmp->loop, &talk->again,
		    ha_clock_now_ns() + pause_ns);
	return 0;
}

static int
next_errno(struct talk *talk, int sys)
{
	if ((sys == EACCES || sys == EPERM) && end_of(talk)->source.fd < 0)
		return probe_next(talk->probe, FAULT_LOCAL,
		    "no privilege for ICMP: sysctl "
		    "net.ipv4.ping_group_range='0 2147483647', or setcap "
		    "cap_net_raw+ep ha-probe");
	return probe_next_errno(talk->probe, sys, 1);
}

static int
take_slot(struct talk *talk)
{
	struct icmp *icmp = talk->icmp;

	for (uint32_t i = 0; i < MAX_SLOTS; i++) {
		uint32_t slot = icmp->next_slot++ % MAX_SLOTS;

		if (icmp->slots[slot] == NULL) {
			icmp->slots[slot] = talk;
			talk->slot = slot;
			talk->generation = ++icmp->generation;
			return 0;
		}
	}
	return EBUSY;
}

/* Returns 0 when a request is on its way, else an errno. */
static int
try_address(struct talk *talk)
{
	struct probe *probe = talk->probe;
	struct seen *seen = &probe->seen;
	int64_t now_ns = ha_clock_now_ns();
	int64_t share_ns = probe_share_ns(probe);
	int64_t until_ns =
	    share_ns < probe->deadline_ns ? share_ns : probe->deadline_ns;
	int sys;

	talk->address = probe->addresses->list[seen->address_index];
	talk->requests = 0;
	talk->pause_ns = (until_ns - now_ns) / MAX_REQUESTS;
	if (talk->pause_ns > REQUEST_PAUSE_NS)
		talk->pause_ns = REQUEST_PAUSE_NS;
	free(seen->address);
	seen->address = socket_name(&talk->address);
	sys = check_source(talk);
	if (sys == 0)
		sys = take_slot(talk);
	if (sys == 0)
		sys = send_request(talk);
	if (sys == 0 && share_ns != HA_CLOCK_NEVER)
		loop_set_timer(talk->icmp->loop, &talk->share, share_ns);
	return sys;
}

static void
try_addresses(struct talk *talk)
{
	int sys;

	while ((sys = try_address(talk)) != 0) {
		rest(talk);
		if (!next_errno(talk, sys))
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
again(struct loop_timer *timer)
{
	struct talk *talk = LOOP_OWNER(timer, struct talk, again);
	int sys = send_request(talk);

	if (sys == 0)
		return;
	rest(talk);
	if (next_errno(talk, sys))
		try_addresses(talk);
}

static void
answered(struct talk *talk, int64_t sent_ns)
{
	struct seen *seen = &talk->probe->seen;
	double ms = (double)(ha_clock_now_ns() - sent_ns) / HA_MS_NS;
	unsigned lost = talk->requests - 1;
	const struct ha_perf rta = { .label = "rta",
		.value = (double)(int64_t)(ms * 1000) / 1000,
		.unit = "ms",
		.min = 0,
		.max = NAN };
	const struct ha_perf loss = { .label = "pl",
		.value = 100.0 * lost / talk->requests,
		.unit = "%",
		.min = 0,
		.max = 100 };

	seen->first_ns = ha_clock_now_ns();
	ha_perf_add(&seen->perf, &rta);
	ha_perf_add(&seen->perf, &loss);
	ha_buf_addf(
	    &seen->words, "answer from %s in %.2f ms", seen->address, ms);
	if (lost > 0)
		ha_buf_addf(&seen->words, ", %u of %u requests lost", lost,
		    talk->requests);
	rest(talk);
	probe_done(talk->probe);
}

static int
is_same_address(const struct address *a, const struct sockaddr_storage *b)
{
	struct sockaddr_in in[2];
	struct sockaddr_in6 in6[2];

	if (a->sa.ss_family != b->ss_family)
		return 0;
	if (b->ss_family == AF_INET) {
		memcpy(&in[0], &a->sa, sizeof(in[0]));
		memcpy(&in[1], b, sizeof(in[1]));
		return in[0].sin_addr.s_addr == in[1].sin_addr.s_addr;
	}
	memcpy(&in6[0], &a->sa, sizeof(in6[0]));
	memcpy(&in6[1], b, sizeof(in6[1]));
	return memcmp(&in6[0].sin6_addr, &in6[1].sin6_addr,
		   sizeof(in6[0].sin6_addr)) == 0;
}

/* One packet, whose sender is known. */
static void
take_packet(struct end *end, const uint8_t *data, size_t len,
    const struct sockaddr_storage *from)
{
	struct icmp *icmp = end->icmp;
	int type = end->family == AF_INET ? ICMP_ECHOREPLY : ICMPV6_ECHO_REPLY;
	struct request request;
	struct talk *talk;

	if (end->is_raw && end->family == AF_INET) {
		size_t header = len > 0 ? (size_t)(data[0] & 15) * 4 : 0;

		if (header < 20 || header > len ||
		    checksum(data + header, len - header) != 0)
			return;
		data += header;
		len -= header;
	}
	if (len < sizeof(request))
		return;
	memcpy(&request, data, sizeof(request));
	if (request.header.type != type ||
	    (end->is_raw && request.header.id != icmp->id) ||
	    memcmp(request.payload.secret, icmp->secret,
		sizeof(icmp->secret)) != 0 ||
	    request.payload.slot >= MAX_SLOTS)
		return;
	talk = icmp->slots[request.payload.slot];
	if (talk != NULL && talk->generation == request.payload.generation &&
	    is_same_address(&talk->address, from))
		answered(talk, request.payload.sent_ns);
}

/* In words; NULL for what is no end of it. */
static const char *
error_words(const struct sock_extended_err *error)
{
	if (error->ee_origin == SO_EE_ORIGIN_ICMP) {
		if (error->ee_type == ICMP_TIME_EXCEEDED)
			return "time to live exceeded";
		if (error->ee_type != ICMP_DEST_UNREACH ||
		    error->ee_code == ICMP_FRAG_NEEDED)
			return NULL;
		switch (error->ee_code) {
		case ICMP_NET_UNREACH:
			return "network unreachable";
		case ICMP_HOST_UNREACH:
			return "host unreachable";
		case ICMP_PKT_FILTERED:
		case ICMP_NET_ANO:
		case ICMP_HOST_ANO:
			return "prohibited";
		default:
			return "unreachable";
		}
	}
	if (error->ee_origin != SO_EE_ORIGIN_ICMP6)
		return NULL;
	if (error->ee_type == ICMPV6_TIME_EXCEED)
		return "time to live exceeded";
	if (error->ee_type != ICMPV6_DEST_UNREACH)
		return NULL;
	switch (error->ee_code) {
	case ICMPV6_NOROUTE:
		return "network unreachable";
	case ICMPV6_ADDR_UNREACH:
		return "host unreachable";
	case ICMPV6_ADM_PROHIBITED:
		return "prohibited";
	default:
		return "unreachable";
	}
}

/* What a router, or our own neighbour table, says of a request. */
static void
take_error(struct end *end, const struct sock_extended_err *error,
    const struct request *quoted, const struct sockaddr_storage *to)
{
	const struct sockaddr *offender = (const void *)SO_EE_OFFENDER(error);
	const char *words = error_words(error);
	struct talk *talk = end->icmp->slots[ntohs(quoted->header.sequence)];
	struct address router;
	char *name;
	int more;

	if (words == NULL || talk == NULL ||
	    (end->is_raw && quoted->header.id != end->icmp->id) ||
	    !is_same_address(&talk->address, to))
		return;
	rest(talk);
	memset(&router, 0, sizeof(router));
	memcpy(&router.sa, offender,
	    offender->sa_family == AF_INET ? sizeof(struct sockaddr_in)
					   : sizeof(struct sockaddr_in6));
	name = socket_name(&router);
	more = probe_next_mute(talk->probe, "%s: %s, says %s",
	    talk->probe->seen.address, words, name);
	free(name);
	if (more)
		try_addresses(talk);
}

static int
is_error(const struct cmsghdr *control)
{
	return (control->cmsg_level == IPPROTO_IP &&
		   control->cmsg_type == IP_RECVERR) ||
	       (control->cmsg_level == IPPROTO_IPV6 &&
		   control->cmsg_type == IPV6_RECVERR);
}

static int
read_error(struct end *end)
{
	struct request quoted;
	struct sockaddr_storage to = { 0 };
	union {
		char bytes[512];
		struct cmsghdr align;
	} space;
	struct iovec iov = { &quoted, sizeof(quoted) };
	struct msghdr message = { .msg_name = &to,
		.msg_namelen = sizeof(to),
		.msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = space.bytes,
		.msg_controllen = sizeof(space.bytes) };
	ssize_t n = recvmsg(end->source.fd, &message, MSG_ERRQUEUE);
	struct cmsghdr *control;

	if (n < 0)
		return -1;
	for (control = CMSG_FIRSTHDR(&message); control != NULL;
	     control = CMSG_NXTHDR(&message, control))
		if (is_error(control) && n >= (ssize_t)sizeof(quoted.header))
			take_error(end, (const void *)CMSG_DATA(control),
			    &quoted, &to);
	return 0;
}

static void
ready(struct loop_source *source, uint32_t events)
{
	struct end *end = LOOP_OWNER(source, struct end, source);
	static uint8_t packet[65536];

	for (int i = 0; events & EPOLLERR && i < MAX_READS; i++)
		if (read_error(end) != 0)
			break;
	for (int i = 0; i < MAX_READS; i++) {
		struct sockaddr_storage from = { 0 };
		socklen_t len = sizeof(from);
		ssize_t n = recvfrom(source->fd, packet, sizeof(packet), 0,
		    (struct sockaddr *)&from, &len);

		if (n >= 0)
			take_packet(end, packet, (size_t)n, &from);
		else if (errno == EAGAIN)
			break;
	}
}

static void
start(struct probe *probe)
{
	struct talk *talk = ha_xcalloc(1, sizeof(*talk));

	if (probe->run->icmp == NULL)
		probe->run->icmp = icmp_new(probe->run->loop);
	talk->icmp = probe->run->icmp;
	talk->probe = probe;
	talk->share.fire = share_over;
	talk->again.fire = again;
	probe->talk = talk;
	try_addresses(talk);
}

static void
stop(struct probe *probe)
{
	struct talk *talk = probe->talk;

	rest(talk);
	free(talk);
	probe->talk = NULL;
}

static const char *
awaiting(const struct probe *probe)
{
	(void)probe;
	return "no answer to ICMP echo";
}

const struct way way_icmp = {
	.start = start,
	.stop = stop,
	.awaiting = awaiting,
};
