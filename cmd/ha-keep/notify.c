/* SPDX-License-Identifier: ISC */
/*
 * notify - datagrams for a service manager.
 */
#include "notify.h"

#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define MESSAGE_MAX 4096

static struct sockaddr_un address;
static socklen_t address_len;

static int
set_address(const char *path, struct ha_err *err)
{
	size_t len = strlen(path);

	if ((*path != '/' && *path != '@') || len < 2 ||
	    len >= sizeof(address.sun_path))
		return ha_err_set(err, EX_USAGE, 0,
		    "NOTIFY_SOCKET is no address: '%s'", path);
	address.sun_family = AF_UNIX;
	memcpy(address.sun_path, path, len);
	if (*path == '@')
		address.sun_path[0] = '\0';
	address_len = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + len);
	return 0;
}

/* Half of the time that the manager waits, in ms; 0: it waits for none. */
static int64_t
watchdog_ms(void)
{
	const char *usec = getenv("WATCHDOG_USEC");
	const char *pid = getenv("WATCHDOG_PID");
	int64_t ms;

	if (!usec || (pid && strtol(pid, NULL, 10) != (long)getpid()))
		return 0;
	ms = strtoll(usec, NULL, 10) / 2000;
	return ms > 0 ? ms : 0;
}

int
notify_open(struct notify *notify, int *relay_fd, struct ha_err *err)
{
	const char *path = getenv("NOTIFY_SOCKET");
	int ends[2];

	*notify = (struct notify){ .fd = -1 };
	*relay_fd = -1;
	if (!path || !*path)
		return 0;
	if (set_address(path, err))
		return -1;
	notify->watchdog_ms = watchdog_ms();
	unsetenv("NOTIFY_SOCKET");
	unsetenv("WATCHDOG_USEC");
	unsetenv("WATCHDOG_PID");
	if (socketpair(
		AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends))
		return ha_err_set(
		    err, EX_OSERR, errno, "can't make a socket pair");
	*relay_fd = ends[0];
	notify->fd = ends[1];
	return 0;
}

void
notify_send(const struct notify *notify, const char *text)
{
	/* The manager that doesn't listen misses a word, no more. */
	if (notify->fd >= 0)
		send(notify->fd, text, strlen(text), MSG_NOSIGNAL);
}

void
notify_relay(int relay_fd)
{
	char text[MESSAGE_MAX];
	ssize_t n;
	int fd;

	fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	while ((n = recv(relay_fd, text, sizeof(text), 0)) > 0)
		if (fd >= 0)
			sendto(fd, text, (size_t)n, MSG_NOSIGNAL,
			    (const struct sockaddr *)&address, address_len);
	if (fd >= 0)
		close(fd);
}
