/* SPDX-License-Identifier: ISC */
/*
 * proxy - an HTTP proxy on 127.0.0.1, for with-web.
 *
 * usage: proxy PORT [CREDENTIALS]
 *
 * It goes to the background when it listens.  It knows CONNECT and plain
 * requests (RFC 9110 9.3.6, RFC 9112 3.2.2), takes every host for 127.0.0.1,
 * and writes the first line of each request to stdout.  With CREDENTIALS (base64)
 * it answers 407 to those who do not give them.
 */
#include <arpa/inet.h>
#include <err.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define REQUEST_MAX 16384

static struct sockaddr_in
loopback(unsigned port)
{
	return (struct sockaddr_in){
		.sin_family = AF_INET,
		.sin_port = htons((uint16_t)port),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	};
}

static int
listen_on(unsigned port)
{
	struct sockaddr_in addr = loopback(port);
	int fd = socket(AF_INET, SOCK_STREAM, 0);
	int on = 1;

	if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)))
		err(1, "socket");
	if (bind(fd, (struct sockaddr *)&addr, sizeof(addr)) || listen(fd, 128))
		err(1, "127.0.0.1:%u", port);
	return fd;
}

static int
send_all(int fd, const char *bytes, size_t len)
{
	while (len) {
		ssize_t n = send(fd, bytes, len, MSG_NOSIGNAL);

		if (n < 0)
			return -1;
		bytes += n;
		len -= (size_t)n;
	}
	return 0;
}

static void
answer(int fd, const char *status)
{
	char text[256];
	int len = snprintf(text, sizeof(text),
	    "HTTP/1.1 %s\r\nProxy-Authenticate: Basic realm=\"proxy\"\r\n"
	    "Content-Length: 0\r\nConnection: close\r\n\r\n",
	    status);

	send_all(fd, text, (size_t)len);
}

/* The end of one direction is told to the other side; two ends are the end. */
static void
relay(int client, int server)
{
	struct pollfd fds[2] = { { client, POLLIN, 0 }, { server, POLLIN, 0 } };
	char bytes[65536];
	int left = 2;

	while (left && poll(fds, 2, -1) > 0) {
		for (int i = 0; i < 2; i++) {
			ssize_t n;

			if (fds[i].fd < 0 || !fds[i].revents)
				continue;
			n = recv(fds[i].fd, bytes, sizeof(bytes), 0);
			if (n <= 0) {
				shutdown(i ? client : server, SHUT_WR);
				fds[i].fd = -1;
				left--;
			} else if (send_all(
				       i ? client : server, bytes, (size_t)n)) {
				return;
			}
		}
	}
}

/* Up to the empty line; 0 when the client left before it. */
static size_t
read_request(int fd, char *text)
{
	size_t len = 0;

	while (len < REQUEST_MAX) {
		ssize_t n = recv(fd, text + len, REQUEST_MAX - len, 0);

		if (n <= 0)
			return 0;
		len += (size_t)n;
		text[len] = '\0';
		if (strstr(text, "\r\n\r\n"))
			return len;
	}
	return 0;
}

/* Of "CONNECT host:port" and "GET http://host[:port]/"; 0 if there is none. */
static unsigned
port_of(const char *request, bool connect)
{
	const char *host = strchr(request, ' ');
	const char *colon;

	if (!host || (!connect && strncmp(host, " http://", 8)))
		return 0;
	host += connect ? 1 : 8;
	colon = host + strcspn(host, "]/ \r");
	if (*colon != ']')
		colon = host;
	colon += strcspn(colon, ":/ \r");
	if (*colon == ':')
		return (unsigned)strtoul(colon + 1, NULL, 10) & 65535;
	return connect ? 0 : 80;
}

static bool
may_pass(const char *request, const char *credentials)
{
	char line[256];

	if (!credentials)
		return true;
	snprintf(line, sizeof(line), "\r\nProxy-Authorization: Basic %s\r\n",
	    credentials);
	return strcasestr(request, line);
}

static void
serve(int client, const char *credentials)
{
	static char request[REQUEST_MAX + 1];
	size_t len = read_request(client, request);
	bool connects = !strncmp(request, "CONNECT ", 8);
	struct sockaddr_in addr;
	int server;

	if (!len)
		return;
	dprintf(
	    STDOUT_FILENO, "%.*s\n", (int)strcspn(request, "\r\n"), request);
	if (!may_pass(request, credentials)) {
		answer(client, "407 Proxy Authentication Required");
		return;
	}
	addr = loopback(port_of(request, connects));
	if (!addr.sin_port) {
		answer(client, "400 Bad Request");
		return;
	}
	server = socket(AF_INET, SOCK_STREAM, 0);
	if (server < 0 ||
	    connect(server, (struct sockaddr *)&addr, sizeof(addr))) {
		answer(client, "502 Bad Gateway");
		return;
	}
	if (connects)
		dprintf(client, "HTTP/1.1 200 Connected\r\n\r\n");
	else if (send_all(server, request, len))
		return;
	relay(client, server);
}

int
main(int argc, char **argv)
{
	int fd;

	if (argc < 2 || argc > 3)
		errx(64, "usage: proxy PORT [CREDENTIALS]");
	signal(SIGCHLD, SIG_IGN);
	fd = listen_on((unsigned)strtoul(argv[1], NULL, 10));
	if (fork())
		_exit(0);
	for (;;) {
		int client = accept(fd, NULL, NULL);

		if (client < 0)
			continue;
		if (!fork()) {
			close(fd);
			serve(client, argc == 3 ? argv[2] : NULL);
			_exit(0);
		}
		close(client);
	}
}
