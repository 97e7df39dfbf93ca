/* SPDX-License-Identifier: ISC */
/*
 * alert-sink - a receiver of webhooks on 127.0.0.1 that counts what it gets.
 *
 * usage: alert-sink [--port N] [--save DIR] LOG [ANSWER]...
 *
 * It prints its port and serves HTTP/1.1 until it is killed.  Each request is
 * answered by the next ANSWER, the last one for all that follow (200):
 *
 *	CODE[,HEADER]...[|BODY]	"429,Retry-After: 2|slow down"
 *	hang			never
 *	close			the end of the connection
 *	half			an answer that ends in its middle
 *	garbage			bytes that are no HTTP
 *
 * Before that a line is appended to LOG, its fields with TABs between: the
 * connection's number, the method, the target, Idempotency-Key, webhook-id,
 * the answer's code or name, the body's length.  With --save the head and the
 * body of request N, from 1, are in DIR/N.head and DIR/N.body.
 */
#include <arpa/inet.h>
#include <ctype.h>
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

#define MAX_CONNECTIONS 512
#define MAX_REQUEST (4 * 1024 * 1024)
#define FIELD_SIZE 512

struct connection {
	unsigned number;
	int is_hanging;
	char *data;
	size_t len, cap;
};

static struct pollfd fds[MAX_CONNECTIONS + 1];
static struct connection connections[MAX_CONNECTIONS + 1];
static size_t count = 1;
static unsigned connection_count, request_count;
static const char *save;
static char **answers;
static int answer_count, log_fd;

static void
finish(size_t i)
{
	close(fds[i].fd);
	free(connections[i].data);
	count--;
	fds[i] = fds[count];
	connections[i] = connections[count];
}

/* The value of a header, "-" if there is none. */
static void
header(const char *head, const char *name, char value[FIELD_SIZE])
{
	size_t len = strlen(name);
	const char *line = strstr(head, "\r\n");

	strcpy(value, "-");
	for (; line != NULL; line = strstr(line + 2, "\r\n")) {
		if (strncasecmp(line + 2, name, len) != 0 ||
		    line[2 + len] != ':')
			continue;
		line += 3 + len + strspn(line + 3 + len, " ");
		snprintf(
		    value, FIELD_SIZE, "%.*s", (int)strcspn(line, "\r"), line);
		return;
	}
}

static void
save_part(const char *suffix, const char *data, size_t len)
{
	char path[4096];
	FILE *file;

	snprintf(path, sizeof(path), "%s/%u.%s", save, request_count, suffix);
	file = fopen(path, "w");
	if (file == NULL || fwrite(data, 1, len, file) != len ||
	    fclose(file) != 0)
		err(1, "%s", path);
}

static void
note(const struct connection *connection, const char *head, size_t body_len,
    const char *answer)
{
	char key[FIELD_SIZE], id[FIELD_SIZE], line[4 * FIELD_SIZE];
	size_t method = strcspn(head, " ");
	size_t target = strcspn(head + method + 1, " ");
	int len;

	header(head, "Idempotency-Key", key);
	header(head, "webhook-id", id);
	len = snprintf(line, sizeof(line),
	    "%u\t%.*s\t%.*s\t%s\t%s\t%.*s\t%zu\n", connection->number,
	    (int)method, head, (int)target, head + method + 1, key, id,
	    (int)strcspn(answer, ",|"), answer, body_len);
	if (write(log_fd, line, (size_t)len) != len)
		err(1, "log");
}

static int
say(int fd, const char *text, size_t len)
{
	while (len > 0) {
		ssize_t n = send(fd, text, len, MSG_NOSIGNAL);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -1;
		text += n;
		len -= (size_t)n;
	}
	return 0;
}

/* "CODE,HEADER,HEADER|BODY" */
static int
say_answer(int fd, const char *answer)
{
	static char text[65536];
	size_t code = strcspn(answer, ",|"), n;
	const char *p = answer + code;
	const char *body = strchr(answer, '|');
	int len;

	body = body != NULL ? body + 1 : "";
	len = snprintf(text, sizeof(text),
	    "HTTP/1.1 %.*s Told\r\nContent-Length: %zu\r\n", (int)code, answer,
	    strlen(body));
	while (*p == ',') {
		n = strcspn(++p, ",|");
		len += snprintf(text + len, sizeof(text) - (size_t)len,
		    "%.*s\r\n", (int)n, p);
		p += n;
	}
	len += snprintf(text + len, sizeof(text) - (size_t)len, "\r\n%s", body);
	return say(fd, text, (size_t)len);
}

static const char *
next_answer(void)
{
	if (answer_count == 0)
		return "200";
	if (request_count < (unsigned)answer_count)
		return answers[request_count];
	return answers[answer_count - 1];
}

/* -1: the connection is over. */
static int
answer(struct connection *connection, int fd, const char *text)
{
	static const char half[] = "HTTP/1.1 200 OK\r\n"
				   "Content-Length: 1000\r\n\r\nhalf";
	static const char garbage[] = "\001\002 this is no HTTP\r\n\r\n";

	if (isdigit((unsigned char)*text))
		return say_answer(fd, text);
	if (strcmp(text, "hang") == 0) {
		connection->is_hanging = 1;
		return 0;
	}
	if (strcmp(text, "half") == 0)
		say(fd, half, sizeof(half) - 1);
	else if (strcmp(text, "garbage") == 0)
		say(fd, garbage, sizeof(garbage) - 1);
	return -1;
}

/* 1: a request was whole and answered; 0: not yet; -1: the end. */
static int
take_request(struct connection *connection, int fd)
{
	char *end =
	    connection->data != NULL
		? memmem(connection->data, connection->len, "\r\n\r\n", 4)
		: NULL;
	char length[FIELD_SIZE];
	const char *text;
	size_t head_len, body_len, whole;

	if (end == NULL || connection->is_hanging)
		return 0;
	end[2] = '\0';
	head_len = (size_t)(end + 4 - connection->data);
	header(connection->data, "Content-Length", length);
	end[2] = '\r';
	body_len = strtoul(length, NULL, 10);
	whole = head_len + body_len;
	if (connection->len < whole)
		return 0;
	end[2] = '\0';
	text = next_answer();
	request_count++;
	if (save != NULL) {
		save_part("head", connection->data, head_len - 2);
		save_part("body", connection->data + head_len, body_len);
	}
	note(connection, connection->data, body_len, text);
	memmove(connection->data, connection->data + whole,
	    connection->len - whole);
	connection->len -= whole;
	return answer(connection, fd, text) != 0 ? -1 : 1;
}

static int
hear(struct connection *connection, int fd)
{
	ssize_t n;
	int taken;

	if (connection->cap - connection->len < 65536) {
		connection->cap = connection->cap * 2 + 65536;
		connection->data = realloc(connection->data, connection->cap);
		if (connection->data == NULL || connection->cap > MAX_REQUEST)
			errx(1, "too large a request");
	}
	n = recv(fd, connection->data + connection->len,
	    connection->cap - connection->len - 1, 0);
	if (n <= 0)
		return -1;
	connection->len += (size_t)n;
	while ((taken = take_request(connection, fd)) > 0)
		;
	return taken;
}

static void
meet(void)
{
	const int on = 1;
	int fd = accept4(fds[0].fd, NULL, NULL, SOCK_CLOEXEC);

	if (fd < 0)
		return;
	if (count > MAX_CONNECTIONS)
		errx(1, "too many connections");
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	fds[count] = (struct pollfd){ .fd = fd, .events = POLLIN };
	connections[count] =
	    (struct connection){ .number = ++connection_count };
	count++;
}

static void
listen_on(unsigned port)
{
	struct sockaddr_in in = { .sin_family = AF_INET,
		.sin_port = htons((uint16_t)port) };
	socklen_t len = sizeof(in);
	const int on = 1;
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	in.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (fd < 0 || bind(fd, (struct sockaddr *)&in, len) != 0 ||
	    listen(fd, 128) != 0 ||
	    getsockname(fd, (struct sockaddr *)&in, &len) != 0)
		err(1, "can't listen");
	fds[0] = (struct pollfd){ .fd = fd, .events = POLLIN };
	printf("%u\n", ntohs(in.sin_port));
	fflush(stdout);
}

int
main(int argc, char **argv)
{
	unsigned port = 0;
	int at = 1;

	prctl(PR_SET_PDEATHSIG, SIGTERM);
	for (; at + 1 < argc && strncmp(argv[at], "--", 2) == 0; at += 2)
		if (strcmp(argv[at], "--port") == 0)
			port = (unsigned)strtoul(argv[at + 1], NULL, 10);
		else if (strcmp(argv[at], "--save") == 0)
			save = argv[at + 1];
		else
			errx(64, "unknown option %s", argv[at]);
	if (at >= argc)
		errx(64, "usage: alert-sink [--port N] [--save DIR] LOG "
			 "[ANSWER]...");
	log_fd =
	    open(argv[at], O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0644);
	if (log_fd < 0)
		err(1, "%s", argv[at]);
	answers = argv + at + 1;
	answer_count = argc - at - 1;
	listen_on(port);
	for (;;) {
		if (poll(fds, count, -1) < 0 && errno != EINTR)
			err(1, "poll");
		for (size_t i = count; i-- > 1;)
			if (fds[i].revents != 0 &&
			    hear(&connections[i], fds[i].fd) < 0)
				finish(i);
		if (fds[0].revents != 0)
			meet();
	}
}
