/* SPDX-License-Identifier: ISC */
/*
 * relay - a TCP relay on 127.0.0.1 that spoils what goes through it.
 *
 * usage: relay TO [after WORD] [mute WORD | swap WORD WITH | cut N]
 *
 *	after	nothing is spoiled before a client has sent WORD ("\xHH" is a
 *		byte), and on its connection alone
 *	mute	once a client has sent WORD, it hears nothing more on that
 *		connection, which stays
 *	swap	a client's WORD arrives as WITH, which is as long
 *	cut	the connection on which clients send the N'th piece ends there,
 *		unsent
 *
 * It writes the port that it listens on to stdout, and stays.  A WORD is found
 * when it comes in one piece.
 */
#include <arpa/inet.h>
#include <err.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

static const char *mode;
static char gate[256], word[256], with[256];
static size_t gate_len, word_len;
static long *pieces; /* shared by all connections */
static long cut_at;

static struct sockaddr_in
loopback(const char *port)
{
	return (struct sockaddr_in){
		.sin_family = AF_INET,
		.sin_port = htons((uint16_t)atoi(port)),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	};
}

/* "\x12" and plain characters. */
static size_t
decode(const char *text, char *bytes)
{
	size_t len = 0;

	while (*text && len < sizeof(word) - 1) {
		if (text[0] == '\\' && text[1] == 'x') {
			const char hex[] = { text[2], text[3], '\0' };

			bytes[len++] = (char)strtol(hex, NULL, 16);
			text += 4;
		} else {
			bytes[len++] = *text++;
		}
	}
	return len;
}

static void
send_all(int fd, const char *bytes, size_t len)
{
	while (len) {
		ssize_t n = send(fd, bytes, len, MSG_NOSIGNAL);

		if (n < 0)
			_exit(0);
		bytes += n;
		len -= (size_t)n;
	}
}

static size_t
receive(int fd, char *bytes, size_t size)
{
	ssize_t n = recv(fd, bytes, size, 0);

	if (n <= 0)
		_exit(0);
	return (size_t)n;
}

/* What a client sends; 1: it hears nothing from now on. */
static int
spoil(char *bytes, size_t len, int *is_open)
{
	char *at = memmem(bytes, len, word, word_len);
	int was_open = *is_open;

	if (memmem(bytes, len, gate, gate_len))
		*is_open = 1;
	if (!was_open && gate_len)
		return 0;
	if (!strcmp(mode, "cut") &&
	    __atomic_add_fetch(pieces, 1, __ATOMIC_SEQ_CST) == cut_at)
		_exit(0);
	if (at && !strcmp(mode, "swap"))
		memcpy(at, with, word_len);
	return at && !strcmp(mode, "mute");
}

static void
carry(int client, int server)
{
	static char bytes[1 << 16];
	struct pollfd fds[] = { { client, POLLIN, 0 }, { server, POLLIN, 0 } };
	int is_mute = 0, is_open = 0;
	size_t len;

	while (poll(fds, 2, -1) > 0) {
		if (fds[0].revents) {
			len = receive(client, bytes, sizeof(bytes));
			is_mute |= spoil(bytes, len, &is_open);
			send_all(server, bytes, len);
		}
		if (fds[1].revents) {
			len = receive(server, bytes, sizeof(bytes));
			if (!is_mute)
				send_all(client, bytes, len);
		}
	}
	_exit(0);
}

static void
serve(int listener, const char *to)
{
	struct sockaddr_in addr = loopback(to);
	int client = accept(listener, NULL, NULL), server;
	pid_t pid = client < 0 ? -1 : fork();

	if (pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		close(listener);
		server = socket(AF_INET, SOCK_STREAM, 0);
		if (connect(server, (struct sockaddr *)&addr, sizeof(addr)))
			_exit(0);
		carry(client, server);
	}
	if (client >= 0)
		close(client);
}

static int
listen_anywhere(void)
{
	struct sockaddr_in addr = loopback("0");
	socklen_t size = sizeof(addr);
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	if (fd < 0 || bind(fd, (struct sockaddr *)&addr, size) ||
	    listen(fd, 128) || getsockname(fd, (struct sockaddr *)&addr, &size))
		err(1, "socket");
	printf("%u\n", ntohs(addr.sin_port));
	fflush(stdout);
	return fd;
}

int
main(int argc, char **argv)
{
	const char *to = argv[1];
	int listener;

	if (argc > 3 && !strcmp(argv[2], "after")) {
		gate_len = decode(argv[3], gate);
		argv += 2;
		argc -= 2;
	}
	if (argc < 2 || argc == 3)
		errx(64, "usage: relay TO [after WORD] [mute WORD | "
			 "swap WORD WITH | cut N]");
	mode = argc > 3 ? argv[2] : "";
	if (!strcmp(mode, "cut"))
		cut_at = atol(argv[3]);
	else if (argc > 3)
		word_len = decode(argv[3], word);
	if (!strcmp(mode, "swap") &&
	    (argc < 5 || decode(argv[4], with) != word_len))
		errx(64, "swap: two words of one length");
	pieces = mmap(NULL, sizeof(*pieces), PROT_READ | PROT_WRITE,
	    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (pieces == MAP_FAILED)
		err(1, "mmap");
	signal(SIGCHLD, SIG_IGN);
	listener = listen_anywhere();
	for (;;)
		serve(listener, to);
}
