/* SPDX-License-Identifier: ISC */
/*
 * rude - a server on 127.0.0.1 that misbehaves, for tests of network checks.
 *
 * usage: rude [--port N | --unix PATH] MODE [TEXT]...
 *
 * It prints the port (or the path), then a line for each connection, its peer,
 * and serves until it is killed.  TEXT knows \r \n \t \\ and \xHH.
 *
 *	silent		accepts and says nothing
 *	reset		resets each connection when the client has said
 *			something, or 50 ms after accept(2)
 *	close		closes each connection after accept(2)
 *	backlog		never accepts, and its backlog is full
 *	talk TEXT...	sends the first at once, each other one when the client
 *			has said something; then nothing any more
 *	bye TEXT...	... then it closes
 *	echo		sends back what it gets
 *	banner [TEXT]	TEXT, then escape sequences, control bytes and invalid
 *			UTF-8, to the end of the line
 *	flood		bytes without an end of line, without end
 *	drip [TEXT]	TEXT (a beginning of an HTTP answer), a byte a second,
 *			then x for ever
 *	endless		HTTP: a body without end
 *	headerbomb	HTTP: header lines without end
 *	chunkgarbage	HTTP: chunks whose sizes are none
 *	half		HTTP: closes in the middle of the body
 *	udp-echo	sends back each datagram
 *	udp-mute	takes datagrams and says nothing
 *	udp-say TEXT...	answers each datagram with these
 *	dns CODE	answers each query with this RCODE (RFC 1035 4.1.1)
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
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define OK "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n"
#define FILLERS 8

struct text {
	const char *bytes;
	size_t len;
};

struct mode {
	const char *name;
	/* In a process of its own, and what it leaves is closed; or NULL. */
	void (*serve)(int fd);
	/* Instead of accepting. */
	void (*instead)(int fd);
	int type;
};

static const char *unix_path;
static unsigned port;
static struct text *texts;
static int text_count;
static char block[65536];

/* The end when the client has gone. */
static void
say(int fd, const void *bytes, size_t len)
{
	const char *at = bytes;

	while (len) {
		ssize_t n = send(fd, at, len, MSG_NOSIGNAL);

		if (n < 0)
			_exit(0);
		at += n;
		len -= (size_t)n;
	}
}

static void
say_string(int fd, const char *string)
{
	say(fd, string, strlen(string));
}

static size_t
hear(int fd)
{
	ssize_t n = recv(fd, block, sizeof(block), 0);

	if (n <= 0)
		_exit(0);
	return (size_t)n;
}

/* Until the client goes, which is not in a hurry. */
static void
stay(int fd)
{
	for (;;)
		hear(fd);
}

/* What is not read when it closes would be answered by a reset. */
static void
leave(int fd)
{
	shutdown(fd, SHUT_WR);
	stay(fd);
}

static void
take_request(int fd)
{
	size_t len = 0;

	while (len < sizeof(block) - 1 && !strstr(block, "\r\n\r\n")) {
		ssize_t n = recv(fd, block + len, sizeof(block) - 1 - len, 0);

		if (n <= 0)
			_exit(0);
		len += (size_t)n;
		block[len] = '\0';
	}
}

static void
do_reset(int fd)
{
	struct linger linger = { .l_onoff = 1, .l_linger = 0 };
	struct pollfd pollfd = { .fd = fd, .events = POLLIN };

	/* It shall see that it is connected. */
	poll(&pollfd, 1, 50);
	setsockopt(fd, SOL_SOCKET, SO_LINGER, &linger, sizeof(linger));
}

static void
do_close(int fd)
{
	leave(fd);
}

static void
do_bye(int fd)
{
	for (int i = 0; i < text_count; i++) {
		if (i)
			hear(fd);
		say(fd, texts[i].bytes, texts[i].len);
	}
	leave(fd);
}

static void
do_talk(int fd)
{
	for (int i = 0; i < text_count; i++) {
		if (i)
			hear(fd);
		say(fd, texts[i].bytes, texts[i].len);
	}
	stay(fd);
}

static void
do_echo(int fd)
{
	for (;;) {
		size_t len = hear(fd);

		say(fd, block, len);
	}
}

static void
do_banner(int fd)
{
	/* Colour, title, bell, NUL, C1, overlong and cut UTF-8, bidi. */
	static const char bad[] =
	    "a\033[31mb\033]0;title\007c\0d\x9b"
	    "2Je\xc0\xaf\xff\xe2\x82 \t\b\x7f\xe2\x80\xae|\"<&>\r\n";

	if (text_count)
		say(fd, texts[0].bytes, texts[0].len);
	say(fd, bad, sizeof(bad) - 1);
	stay(fd);
}

static void
do_flood(int fd)
{
	memset(block, 'x', sizeof(block));
	for (;;)
		say(fd, block, sizeof(block));
}

static void
do_drip(int fd)
{
	static const char begin[] = OK "X-Drip: ";
	struct text text = { begin, sizeof(begin) - 1 };

	if (text_count)
		text = texts[0];
	for (size_t i = 0;; i++) {
		say(fd, i < text.len ? text.bytes + i : "x", 1);
		sleep(1);
	}
}

static void
do_endless(int fd)
{
	take_request(fd);
	say_string(fd, OK "Connection: close\r\n\r\n");
	do_flood(fd);
}

static void
do_headerbomb(int fd)
{
	char line[128];

	take_request(fd);
	say_string(fd, OK);
	for (unsigned long i = 0;; i++) {
		snprintf(line, sizeof(line), "X-Line-%lu: %064lu\r\n", i, i);
		say_string(fd, line);
	}
}

static void
do_chunkgarbage(int fd)
{
	take_request(fd);
	say_string(fd, OK "Transfer-Encoding: chunked\r\n\r\n"
			  "5\r\nhello\r\nzz-5\r\nworld\r\n\033[31m\r\n");
}

static void
do_half(int fd)
{
	take_request(fd);
	say_string(fd, OK "Content-Length: 1000\r\n\r\nhalf a body");
	leave(fd);
}

static socklen_t
address(struct sockaddr_storage *addr)
{
	struct sockaddr_in in = {
		.sin_family = AF_INET,
		.sin_port = htons((uint16_t)port),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	};
	struct sockaddr_un un = { .sun_family = AF_UNIX };

	if (!unix_path) {
		memcpy(addr, &in, sizeof(in));
		return sizeof(in);
	}
	if (strlen(unix_path) >= sizeof(un.sun_path))
		errx(64, "%s: too long", unix_path);
	strcpy(un.sun_path, unix_path);
	memcpy(addr, &un, sizeof(un));
	return sizeof(un);
}

/* Connections of its own until one more does not fit. */
static void
fill_backlog(int fd)
{
	struct sockaddr_storage addr;
	socklen_t len = address(&addr);
	int filler = -1;

	if (listen(fd, 0))
		err(1, "listen");
	for (int i = 0; i < FILLERS; i++) {
		struct pollfd pollfd = { .events = POLLOUT };

		filler = socket(addr.ss_family, SOCK_STREAM | SOCK_NONBLOCK, 0);
		if (filler < 0)
			err(1, "socket");
		pollfd.fd = filler;
		if (connect(filler, (struct sockaddr *)&addr, len) &&
		    (unix_path || poll(&pollfd, 1, 100) == 0))
			return;
	}
	errx(1, "the backlog can't be filled");
}

static void
do_backlog(int fd)
{
	(void)fd;
	for (;;)
		pause();
}

/* No process for each: there may be thousands. */
static void
do_silent(int fd)
{
	for (;;) {
		if (accept(fd, NULL, NULL) < 0)
			pause();
		else
			printf("accepted\n");
	}
}

static void
datagrams(int fd, int answers)
{
	struct sockaddr_in peer;
	socklen_t size = sizeof(peer);

	for (;; size = sizeof(peer)) {
		ssize_t n = recvfrom(fd, block, sizeof(block), 0,
		    (struct sockaddr *)&peer, &size);

		if (n < 0)
			err(1, "recvfrom");
		printf("%zd bytes\n", n);
		for (int i = 0; i < answers; i++) {
			const char *bytes = text_count ? texts[i].bytes : block;
			size_t len = text_count ? texts[i].len : (size_t)n;

			sendto(
			    fd, bytes, len, 0, (struct sockaddr *)&peer, size);
		}
	}
}

static void
do_udp_echo(int fd)
{
	datagrams(fd, 1);
}

static void
do_udp_mute(int fd)
{
	datagrams(fd, 0);
}

static void
do_udp_say(int fd)
{
	datagrams(fd, text_count);
}

static void
do_dns(int fd)
{
	struct sockaddr_in peer;
	socklen_t size = sizeof(peer);

	for (;; size = sizeof(peer)) {
		ssize_t n = recvfrom(fd, block, sizeof(block), 0,
		    (struct sockaddr *)&peer, &size);

		if (n < 12 || !text_count)
			errx(1, "no query, or no code");
		block[2] = (char)(block[2] | 0x80);
		block[3] = (char)(0x80 | strtoul(texts[0].bytes, NULL, 10));
		sendto(fd, block, (size_t)n, 0, (struct sockaddr *)&peer, size);
	}
}

static const struct mode modes[] = {
	{ "silent", NULL, do_silent, SOCK_STREAM },
	{ "reset", do_reset, NULL, SOCK_STREAM },
	{ "close", do_close, NULL, SOCK_STREAM },
	{ "backlog", NULL, do_backlog, SOCK_STREAM },
	{ "talk", do_talk, NULL, SOCK_STREAM },
	{ "bye", do_bye, NULL, SOCK_STREAM },
	{ "echo", do_echo, NULL, SOCK_STREAM },
	{ "banner", do_banner, NULL, SOCK_STREAM },
	{ "flood", do_flood, NULL, SOCK_STREAM },
	{ "drip", do_drip, NULL, SOCK_STREAM },
	{ "endless", do_endless, NULL, SOCK_STREAM },
	{ "headerbomb", do_headerbomb, NULL, SOCK_STREAM },
	{ "chunkgarbage", do_chunkgarbage, NULL, SOCK_STREAM },
	{ "half", do_half, NULL, SOCK_STREAM },
	{ "udp-echo", NULL, do_udp_echo, SOCK_DGRAM },
	{ "udp-mute", NULL, do_udp_mute, SOCK_DGRAM },
	{ "udp-say", NULL, do_udp_say, SOCK_DGRAM },
	{ "dns", NULL, do_dns, SOCK_DGRAM },
};

static const struct mode *
mode_named(const char *name)
{
	for (size_t i = 0; i < sizeof(modes) / sizeof(modes[0]); i++)
		if (!strcmp(modes[i].name, name))
			return &modes[i];
	errx(64, "there is no mode %s", name);
}

/* In place: what is meant is never longer than what is written. */
static struct text
decode(char *written)
{
	static const char names[] = "rnt\\", values[] = "\r\n\t\\";
	struct text text = { written, 0 };

	for (const char *at = written; *at; at++) {
		char c = *at;

		if (c == '\\' && at[1] == 'x' && at[2] && at[3]) {
			char digits[] = { at[2], at[3], '\0' };

			c = (char)strtoul(digits, NULL, 16);
			at += 3;
		} else if (c == '\\' && at[1] && strchr(names, at[1])) {
			c = values[strchr(names, *++at) - names];
		}
		written[text.len++] = c;
	}
	return text;
}

static int
open_socket(const struct mode *mode)
{
	struct sockaddr_storage addr;
	socklen_t len = address(&addr);
	int fd = socket(addr.ss_family, mode->type, 0);
	int on = 1;

	if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)))
		err(1, "socket");
	if (unix_path)
		unlink(unix_path);
	if (bind(fd, (struct sockaddr *)&addr, len) ||
	    getsockname(fd, (struct sockaddr *)&addr, &len))
		err(1, "bind");
	if (!unix_path)
		port = ntohs(((struct sockaddr_in *)&addr)->sin_port);
	if (mode->instead == do_backlog)
		fill_backlog(fd);
	else if (mode->type == SOCK_STREAM && listen(fd, 4096))
		err(1, "listen");
	return fd;
}

static void
accept_all(int listener, void (*serve)(int fd))
{
	pid_t self = getpid();

	for (;;) {
		struct sockaddr_in peer = { 0 };
		socklen_t size = sizeof(peer);
		int fd = accept(listener, (struct sockaddr *)&peer, &size);

		if (fd < 0)
			continue;
		if (unix_path)
			printf("accepted\n");
		else
			printf("%s:%d\n", inet_ntoa(peer.sin_addr),
			    ntohs(peer.sin_port));
		if (!fork()) {
			prctl(PR_SET_PDEATHSIG, SIGKILL);
			if (getppid() == self)
				serve(fd);
			_exit(0);
		}
		close(fd);
	}
}

static void
take_arguments(int argc, char **argv)
{
	texts = calloc((size_t)argc + 1, sizeof(*texts));
	if (!texts)
		err(1, "calloc");
	for (; argv[text_count]; text_count++)
		texts[text_count] = decode(argv[text_count]);
}

int
main(int argc, char **argv)
{
	struct rlimit files;
	const struct mode *mode;
	int first = 1;
	int fd;

	if (argc > 3 && !strcmp(argv[1], "--port"))
		port = (unsigned)strtoul(argv[2], NULL, 10);
	else if (argc > 3 && !strcmp(argv[1], "--unix"))
		unix_path = argv[2];
	if (port || unix_path)
		first = 3;
	if (argc <= first)
		errx(64, "usage: rude [--port N | --unix PATH] MODE [TEXT]...");
	mode = mode_named(argv[first]);
	take_arguments(argc - first - 1, argv + first + 1);
	signal(SIGCHLD, SIG_IGN);
	setvbuf(stdout, NULL, _IOLBF, 0);
	if (!getrlimit(RLIMIT_NOFILE, &files)) {
		files.rlim_cur = files.rlim_max;
		setrlimit(RLIMIT_NOFILE, &files);
	}
	fd = open_socket(mode);
	if (unix_path)
		printf("%s\n", unix_path);
	else
		printf("%u\n", port);
	if (mode->instead)
		mode->instead(fd);
	else
		accept_all(fd, mode->serve);
	return 0;
}
