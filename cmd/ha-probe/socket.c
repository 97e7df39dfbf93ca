/* SPDX-License-Identifier: ISC */
/* socket - non-blocking sockets as the settings ask. */
#include "socket.h"

#include <arpa/inet.h>
#include <errno.h>
#include <net/if.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "alloc.h"

/* For stdio, epoll, the resolver's threads and what a library opens. */
#define RESERVED 100
#define MAX_SOCKETS 1000000

static int
bind_source(int fd, int family, const char *source)
{
	const int on = 1;
	struct address address;

	if (!address_parse(&address, source, AF_UNSPEC))
		return setsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, source,
		    (socklen_t)strlen(source) + 1);
	if (address.sa.ss_family != family) {
		errno = EAFNOSUPPORT;
		return -1;
	}
	/* Or bind(2) picks a port that no other connection has at all. */
	setsockopt(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &on, sizeof(on));
	return bind(fd, (struct sockaddr *)&address.sa, address.len);
}

int
socket_open(
    const struct address *address, int type, const struct settings *settings)
{
	int family = address->sa.ss_family;
	int fd = socket(family, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	if (fd >= 0 && settings->source != NULL && family != AF_UNIX &&
	    bind_source(fd, family, settings->source) != 0) {
		int sys = errno;

		close(fd);
		errno = sys;
		return -1;
	}
	return fd;
}

void
socket_address(
    const struct address *address, uint16_t port, struct address *out)
{
	*out = *address;
	if (out->sa.ss_family == AF_INET)
		((struct sockaddr_in *)(void *)&out->sa)->sin_port =
		    htons(port);
	else
		((struct sockaddr_in6 *)(void *)&out->sa)->sin6_port =
		    htons(port);
}

char *
socket_name(const struct address *address)
{
	char text[INET6_ADDRSTRLEN] = "?", scope[IF_NAMESIZE + 1] = "";
	struct sockaddr_in in;
	struct sockaddr_in6 in6;

	if (address->sa.ss_family == AF_INET) {
		memcpy(&in, &address->sa, sizeof(in));
		inet_ntop(AF_INET, &in.sin_addr, text, sizeof(text));
		if (in.sin_port == 0)
			return ha_xstrdup(text);
		return ha_xasprintf("%s:%d", text, ntohs(in.sin_port));
	}
	memcpy(&in6, &address->sa, sizeof(in6));
	inet_ntop(AF_INET6, &in6.sin6_addr, text, sizeof(text));
	if (in6.sin6_scope_id != 0) {
		scope[0] = '%';
		if (if_indextoname(in6.sin6_scope_id, scope + 1) == NULL)
			snprintf(
			    scope + 1, IF_NAMESIZE, "%u", in6.sin6_scope_id);
	}
	if (in6.sin6_port == 0)
		return ha_xasprintf("%s%s", text, scope);
	return ha_xasprintf("[%s%s]:%d", text, scope, ntohs(in6.sin6_port));
}

static void
add_proxy_v1(struct ha_buf *send, int fd)
{
	struct address ends[2];
	char texts[2][INET6_ADDRSTRLEN];
	uint16_t ports[2];
	int family;

	memset(ends, 0, sizeof(ends));
	for (int i = 0; i < 2; i++) {
		struct sockaddr *sa = (struct sockaddr *)&ends[i].sa;
		const struct sockaddr_in *in = (const void *)sa;
		const struct sockaddr_in6 *in6 = (const void *)sa;

		ends[i].len = sizeof(ends[i].sa);
		if (i == 0)
			getsockname(fd, sa, &ends[i].len);
		else
			getpeername(fd, sa, &ends[i].len);
		family = sa->sa_family;
		if (family != AF_INET && family != AF_INET6) {
			ha_buf_add_str(send, "PROXY UNKNOWN\r\n");
			return;
		}
		inet_ntop(family,
		    family == AF_INET ? (const void *)&in->sin_addr
				      : (const void *)&in6->sin6_addr,
		    texts[i], sizeof(texts[i]));
		ports[i] =
		    ntohs(family == AF_INET ? in->sin_port : in6->sin6_port);
	}
	ha_buf_addf(send, "PROXY TCP%d %s %s %d %d\r\n",
	    family == AF_INET ? 4 : 6, texts[0], texts[1], ports[0], ports[1]);
}

void
socket_add_proxy_header(struct ha_buf *send, int fd, int version)
{
	/* Signature; version 2, LOCAL; no address family; nothing follows. */
	static const char local[] = "\r\n\r\n\0\r\nQUIT\n"
				    "\x20\0\0\0";

	if (version == 1)
		add_proxy_v1(send, fd);
	else
		ha_buf_add(send, local, sizeof(local) - 1);
}

size_t
socket_budget(void)
{
	struct rlimit limit;
	size_t most;

	if (getrlimit(RLIMIT_NOFILE, &limit) != 0)
		return 1;
	if (limit.rlim_cur != limit.rlim_max) {
		const struct rlimit raised = { limit.rlim_max, limit.rlim_max };

		if (setrlimit(RLIMIT_NOFILE, &raised) == 0)
			limit = raised;
	}
	most = limit.rlim_cur > MAX_SOCKETS ? MAX_SOCKETS : limit.rlim_cur;
	return most > 2 * RESERVED ? most - RESERVED : most / 2 + 1;
}
