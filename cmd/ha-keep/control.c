/* SPDX-License-Identifier: ISC */
/*
 * control - both ends of a keeper's socket.
 */
#include "control.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "clock.h"
#include "place.h"

#define BACKLOG 16
#define QUESTION_MAX 64
#define ANSWER_MAX (64 * 1024)
/* For a question; and for somebody who waits for an end, which may not come. */
#define IDLE_MS 10000
#define WAIT_MS (24 * 60 * 60 * 1000)

static const char *const verbs[] = {
	[CONTROL_STATUS] = "status",
	[CONTROL_STOP] = "stop",
	[CONTROL_RESTART] = "restart",
};

static int
new_socket(void)
{
	return socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
}

/* Through a descriptor a path of any length has room in sun_path. */
static int
set_address(struct sockaddr_un *at, int dir_fd, const char *name)
{
	memset(at, 0, sizeof(*at));
	at->sun_family = AF_UNIX;
	return snprintf(at->sun_path, sizeof(at->sun_path),
		   "/proc/self/fd/%d/%s.sock", dir_fd,
		   name) < (int)sizeof(at->sun_path)
		   ? 0
		   : -1;
}

static int
open_dir(const char *dir)
{
	return open(dir, O_PATH | O_DIRECTORY | O_CLOEXEC);
}

static int
listen_in(int dir_fd, const char *name, int fd)
{
	struct sockaddr_un at;
	mode_t mask = umask(0177);
	int failed;

	failed = set_address(&at, dir_fd, name) ||
		 bind(fd, (const struct sockaddr *)&at, sizeof(at)) ||
		 listen(fd, BACKLOG);
	umask(mask);
	return failed;
}

int
control_open(struct control *control, const char *dir, const char *name,
    struct ha_err *err)
{
	int dir_fd = open_dir(dir), failed, sys;

	control->path = place_path(dir, name, "sock");
	for (size_t i = 0; i < CONTROL_CLIENTS; i++)
		control->clients[i] = (struct control_client){ .fd = -1 };
	unlink(control->path);
	control->listen_fd = new_socket();
	failed = dir_fd < 0 || control->listen_fd < 0 ||
		 listen_in(dir_fd, name, control->listen_fd);
	sys = errno;
	if (dir_fd >= 0)
		close(dir_fd);
	if (!failed)
		return 0;
	ha_err_set(
	    err, EX_CANTCREAT, sys, "can't listen at '%s'", control->path);
	free(control->path);
	if (control->listen_fd >= 0)
		close(control->listen_fd);
	return -1;
}

static void
drop(struct control_client *client)
{
	close(client->fd);
	*client = (struct control_client){ .fd = -1 };
}

void
control_close(struct control *control)
{
	unlink(control->path);
	for (size_t i = 0; i < CONTROL_CLIENTS; i++)
		if (control->clients[i].fd >= 0)
			drop(&control->clients[i]);
	close(control->listen_fd);
	free(control->path);
}

void
control_poll(const struct control *control, struct pollfd pfds[CONTROL_FDS])
{
	int is_full = 1;

	for (size_t i = 0; i < CONTROL_CLIENTS; i++) {
		const struct control_client *client = &control->clients[i];

		pfds[i] = (struct pollfd){ .fd = client->fd, .events = POLLIN };
		is_full &= client->fd >= 0;
	}
	pfds[CONTROL_CLIENTS] =
	    (struct pollfd){ .fd = is_full ? -1 : control->listen_fd,
		    .events = POLLIN };
}

int64_t
control_due_ns(const struct control *control)
{
	int64_t due_ns = HA_CLOCK_NEVER;

	for (size_t i = 0; i < CONTROL_CLIENTS; i++)
		if (control->clients[i].fd >= 0 &&
		    control->clients[i].due_ns < due_ns)
			due_ns = control->clients[i].due_ns;
	return due_ns;
}

static int
is_ours(int fd)
{
	struct ucred who;
	socklen_t size = sizeof(who);

	return !getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &who, &size) &&
	       (who.uid == 0 || who.uid == geteuid());
}

static void
take_client(struct control *control)
{
	int fd = accept4(
	    control->listen_fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);

	if (fd < 0)
		return;
	for (size_t i = 0; is_ours(fd) && i < CONTROL_CLIENTS; i++)
		if (control->clients[i].fd < 0) {
			control->clients[i] = (struct control_client){
				.fd = fd,
				.due_ns = ha_clock_deadline(IDLE_MS),
			};
			return;
		}
	close(fd);
}

static enum control_verb
find_verb(const char *line)
{
	for (int verb = CONTROL_STATUS; verb <= CONTROL_RESTART; verb++)
		if (!strcmp(line, verbs[verb]))
			return (enum control_verb)verb;
	return CONTROL_NOTHING;
}

/* A question comes whole, or it is none: a line is less than a packet. */
static enum control_verb
take_question(struct control_client *client)
{
	char line[QUESTION_MAX];
	ssize_t n = recv(client->fd, line, sizeof(line) - 1, 0);
	enum control_verb verb = CONTROL_NOTHING;

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return CONTROL_NOTHING;
	if (n > 1 && !client->waits_for && line[n - 1] == '\n') {
		line[n - 1] = '\0';
		verb = find_verb(line);
	}
	if (verb == CONTROL_NOTHING) {
		drop(client);
	} else {
		client->waits_for = verb;
		client->due_ns = ha_clock_deadline(WAIT_MS);
	}
	return verb;
}

void
control_run(struct control *control, const struct pollfd pfds[CONTROL_FDS],
    void (*ask)(void *context, enum control_verb verb), void *context)
{
	enum control_verb verb;

	for (size_t i = 0; i < CONTROL_CLIENTS; i++) {
		struct control_client *client = &control->clients[i];

		if (client->fd < 0 || client->fd != pfds[i].fd)
			continue;
		if (ha_clock_now_ns() >= client->due_ns) {
			drop(client);
		} else if (pfds[i].revents) {
			verb = take_question(client);
			if (verb != CONTROL_NOTHING)
				ask(context, verb);
		}
	}
	if (pfds[CONTROL_CLIENTS].fd >= 0 && pfds[CONTROL_CLIENTS].revents)
		take_client(control);
}

void
control_answer(
    struct control *control, enum control_verb verb, const char *line)
{
	for (size_t i = 0; i < CONTROL_CLIENTS; i++) {
		struct control_client *client = &control->clients[i];

		if (client->fd < 0 || client->waits_for != verb)
			continue;
		/* It fits into the socket's buffer, which is empty. */
		send(client->fd, line, strlen(line),
		    MSG_DONTWAIT | MSG_NOSIGNAL);
		drop(client);
	}
}

static int
connect_to(const char *dir, const char *name)
{
	struct sockaddr_un at;
	int dir_fd = open_dir(dir);
	int fd = dir_fd < 0 ? -1 : new_socket();
	int sys;

	if (fd >= 0 &&
	    (set_address(&at, dir_fd, name) ||
		connect(fd, (const struct sockaddr *)&at, sizeof(at)))) {
		sys = errno;
		close(fd);
		fd = -1;
		errno = sys;
	}
	sys = errno;
	if (dir_fd >= 0)
		close(dir_fd);
	errno = sys;
	return fd;
}

static int
refuse(int sys, const char *name, struct ha_err *err)
{
	if (sys == EACCES || sys == EPERM)
		return ha_err_set(err, EX_NOPERM, 0,
		    "the keeper of %s is another user's", name);
	if (sys == EAGAIN)
		return ha_err_set(err, EX_TEMPFAIL, 0,
		    "the keeper of %s does not answer", name);
	return ha_err_set(
	    err, EX_UNAVAILABLE, sys, "can't reach the keeper of %s", name);
}

/* Up to the LF, which is not kept. */
static int
read_answer(int fd, const char *name, int64_t deadline_ns,
    struct ha_buf *answer, struct ha_err *err)
{
	struct pollfd pfd = { .fd = fd, .events = POLLIN };
	char bytes[4096], *end;
	ssize_t n;
	int ms;

	for (;;) {
		ms = ha_clock_poll_ms(deadline_ns);
		if (poll(&pfd, 1, ms) == 0 && ms == 0)
			return ha_err_set(err, EX_TEMPFAIL, 0,
			    "the keeper of %s did not answer in time", name);
		n = recv(fd, bytes, sizeof(bytes), 0);
		if (n < 0 && (errno == EAGAIN || errno == EINTR))
			continue;
		if (n <= 0 || answer->len > ANSWER_MAX)
			return ha_err_set(err, EX_UNAVAILABLE, 0,
			    "the keeper of %s hung up", name);
		ha_buf_add(answer, bytes, (size_t)n);
		end = memchr(answer->data, '\n', answer->len);
		if (end) {
			ha_buf_truncate(answer, (size_t)(end - answer->data));
			return 0;
		}
	}
}

int
control_ask(const char *dir, const char *name, const char *question,
    int64_t deadline_ns, struct ha_buf *answer, struct ha_err *err)
{
	int fd = connect_to(dir, name);
	char line[QUESTION_MAX];
	int result, len;

	if (fd < 0)
		return refuse(errno, name, err);
	if (geteuid() && !is_ours(fd)) {
		close(fd);
		return refuse(EACCES, name, err);
	}
	len = snprintf(line, sizeof(line), "%s\n", question);
	if (send(fd, line, (size_t)len, MSG_NOSIGNAL) != len)
		result = refuse(errno, name, err);
	else
		result = read_answer(fd, name, deadline_ns, answer, err);
	close(fd);
	return result;
}
