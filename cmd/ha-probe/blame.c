/* SPDX-License-Identifier: ISC */
/* blame - whose fault a failure is, and which address is next. */
#include <errno.h>
#include <netinet/in.h>
#include <stdarg.h>
#include <string.h>

#include "clock.h"
#include "link.h"
#include "probe.h"

/* Of the addresses that failed, so many are named. */
#define MAX_TRIED 3

enum probe_fault
probe_blame(int sys, int at_once)
{
	switch (sys) {
	case ECONNREFUSED:
	case ECONNRESET:
	case ECONNABORTED:
	case EPIPE:
	case ETIMEDOUT:
	case EPROTO:
	case EMSGSIZE:
		return FAULT_TARGET;
	case EHOSTUNREACH:
	case ENETUNREACH:
	case EHOSTDOWN:
	case EACCES: /* RFC 4443's "administratively prohibited" */
	case ENOPROTOOPT:
	case EOPNOTSUPP:
		return at_once ? FAULT_LOCAL : FAULT_TARGET;
	default:
		return FAULT_LOCAL;
	}
}

int64_t
probe_share_ns(const struct probe *probe)
{
	size_t left = probe->addresses->count - probe->seen.address_index;
	int64_t now_ns = ha_clock_now_ns();

	if (left <= 1)
		return HA_CLOCK_NEVER;
	return now_ns + (probe->deadline_ns - now_ns) / (int64_t)left;
}

static int __attribute__((format(printf, 3, 0))) next_address(
    struct probe *probe, enum probe_fault fault, const char *fmt, va_list ap)
{
	size_t index = probe->seen.address_index;

	/* One address of which we know is enough to know of the target. */
	if (index == 0 || probe->fault == FAULT_LOCAL)
		probe->fault = fault;
	if (index < MAX_TRIED) {
		if (probe->tried.len > 0)
			ha_buf_add_str(&probe->tried, "; ");
		ha_buf_vaddf(&probe->tried, fmt, ap);
	}
	if (index + 1 < probe->addresses->count) {
		probe->seen.address_index++;
		return 1;
	}
	if (index >= MAX_TRIED)
		ha_buf_addf(&probe->tried, "; %zu more", index + 1 - MAX_TRIED);
	probe_fail(probe, probe->fault, "%s", probe->tried.data);
	return 0;
}

int
probe_next(struct probe *probe, enum probe_fault fault, const char *fmt, ...)
{
	va_list ap;
	int more;

	va_start(ap, fmt);
	more = next_address(probe, fault, fmt, ap);
	va_end(ap);
	return more;
}

/* Where strerror(3) would not say what to do; NULL: it does. */
static const char *
errno_words(const struct probe *probe, int sys, int at_once)
{
	const struct address *address =
	    &probe->addresses->list[probe->seen.address_index];
	const struct sockaddr_in6 *in6 = (const void *)&address->sa;

	switch (sys) {
	case ECONNREFUSED:
		return "connection refused by";
	case ECONNRESET:
		return "connection reset by";
	case ENETUNREACH:
	case EHOSTUNREACH:
		return "no route to";
	case EADDRNOTAVAIL:
		return probe->target->settings.source != NULL
			   ? "this machine does not have the -B address, for"
			   : "no local port is left for";
	case ENODEV:
		return "this machine does not have the -B interface, for";
	case EMFILE:
	case ENFILE:
		return "no file descriptor is left for";
	case EACCES:
	case EPERM:
		return at_once ? "this machine's own rules forbid"
			       : "a rule on the way forbids";
	case EINVAL: /* ip-route(8), "blackhole" */
		return address->sa.ss_family == AF_INET6 &&
			       IN6_IS_ADDR_LINKLOCAL(&in6->sin6_addr)
			   ? "%INTERFACE has to follow"
			   : "this machine has a blackhole route to";
	default:
		return NULL;
	}
}

int
probe_next_errno(struct probe *probe, int sys, int at_once)
{
	enum probe_fault fault = probe_blame(sys, at_once);
	const char *address = probe->seen.address;
	const char *words = errno_words(probe, sys, at_once);

	if (!at_once && (sys == ENETUNREACH || sys == EHOSTUNREACH))
		return probe_next_mute(probe, "%s is unreachable", address);
	if (words != NULL)
		return probe_next(probe, fault, "%s %s", words, address);
	return probe_next(probe, fault, "%s: %s", address, strerror(sys));
}

int
probe_link_is_down(const struct probe *probe, char name[IF_NAMESIZE])
{
	const struct addresses *addresses = probe->addresses;

	return addresses != NULL &&
	       probe->seen.address_index < addresses->count &&
	       link_is_down(&addresses->list[probe->seen.address_index], name);
}

int
probe_next_mute(struct probe *probe, const char *fmt, ...)
{
	char name[IF_NAMESIZE];
	va_list ap;
	int more;

	if (probe_link_is_down(probe, name))
		return probe_next(probe, FAULT_LOCAL,
		    "our link is down: %s, to %s", name, probe->seen.address);
	va_start(ap, fmt);
	more = next_address(probe, FAULT_TARGET, fmt, ap);
	va_end(ap);
	return more;
}

int
probe_next_silent(struct probe *probe)
{
	return probe_next_mute(probe, "%s from %s", probe->way->awaiting(probe),
	    probe->seen.address);
}
