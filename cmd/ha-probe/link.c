/* SPDX-License-Identifier: ISC */
/* link - is it our own cable? */
#include "link.h"

#include <netinet/in.h>
#include <stdint.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <linux/netlink.h>
#include <linux/rtnetlink.h>

struct question {
	struct nlmsghdr header;
	struct rtmsg route;
	struct rtattr attribute;
	uint8_t address[16];
};

static size_t
fill(struct question *question, const struct address *address)
{
	int family = address->sa.ss_family;
	const struct sockaddr_in *in = (const void *)&address->sa;
	const struct sockaddr_in6 *in6 = (const void *)&address->sa;
	size_t len =
	    family == AF_INET ? sizeof(in->sin_addr) : sizeof(in6->sin6_addr);
	size_t size = offsetof(struct question, address) + len;

	memset(question, 0, sizeof(*question));
	question->header.nlmsg_len = (uint32_t)size;
	question->header.nlmsg_type = RTM_GETROUTE;
	question->header.nlmsg_flags = NLM_F_REQUEST;
	question->route.rtm_family = (unsigned char)family;
	question->route.rtm_dst_len = (unsigned char)(8 * len);
	question->attribute.rta_type = RTA_DST;
	question->attribute.rta_len = (unsigned short)RTA_LENGTH(len);
	memcpy(question->address,
	    family == AF_INET ? (const void *)&in->sin_addr
			      : (const void *)&in6->sin6_addr,
	    len);
	return size;
}

/* The index in an answer of n bytes, or 0. */
static int
find_interface(struct nlmsghdr *header, size_t n)
{
	const struct rtattr *attribute;
	size_t left;
	int index;

	if (!NLMSG_OK(header, n) || header->nlmsg_type != RTM_NEWROUTE)
		return 0;
	attribute = RTM_RTA(NLMSG_DATA(header));
	left = RTM_PAYLOAD(header);
	for (; RTA_OK(attribute, left); attribute = RTA_NEXT(attribute, left))
		if (attribute->rta_type == RTA_OIF &&
		    RTA_PAYLOAD(attribute) >= sizeof(index)) {
			memcpy(&index, RTA_DATA(attribute), sizeof(index));
			return index;
		}
	return 0;
}

static int
route_interface(const struct address *address)
{
	const struct sockaddr_in6 *in6 = (const void *)&address->sa;
	struct question question;
	size_t size = fill(&question, address);
	union {
		char bytes[2048];
		struct nlmsghdr header;
	} answer;
	int fd, index = 0;
	ssize_t n;

	if (address->sa.ss_family == AF_INET6 && in6->sin6_scope_id != 0)
		return (int)in6->sin6_scope_id;
	fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);
	if (fd < 0)
		return 0;
	if (send(fd, &question, size, 0) == (ssize_t)size) {
		n = recv(fd, &answer, sizeof(answer), 0);
		if (n > 0)
			index = find_interface(&answer.header, (size_t)n);
	}
	close(fd);
	return index;
}

int
link_is_down(const struct address *address, char name[IF_NAMESIZE])
{
	const short wanted = IFF_UP | IFF_RUNNING;
	int index = route_interface(address), fd, is_down;
	struct ifreq request;

	memset(&request, 0, sizeof(request));
	if (index == 0 ||
	    if_indextoname((unsigned)index, request.ifr_name) == NULL)
		return 0;
	fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return 0;
	is_down = ioctl(fd, SIOCGIFFLAGS, &request) == 0 &&
		  (request.ifr_flags & wanted) != wanted;
	close(fd);
	memcpy(name, request.ifr_name, IF_NAMESIZE);
	name[IF_NAMESIZE - 1] = '\0';
	return is_down;
}
