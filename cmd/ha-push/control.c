/* SPDX-License-Identifier: ISC */
/*
 * control - clients, their lines, and who waits for which barrier.
 */
#include "control.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "alloc.h"
#include "change.h"
#include "clock.h"
#include "endpoint.h"
#include "explain.h"
#include "msg.h"
#include "push.h"
#include "rec.h"

#define QUESTIONS_MAX 64
#define OUT_MAX (256 * 1024)
#define IDLE_MS 10000
/* For a token: longer than anybody waits. */
#define SYNC_MS (60 * 60 * 1000)
#define NAME_LONGEST 255

struct client {
	int fd;
	int leaving; /* to be closed once all is sent */
	unsigned questions;
	int64_t due_ns; /* then it is sent away */
	char *token; /* of the barrier that it waits for, or NULL */
	int came; /* that barrier stands in the queue */
	struct ha_buf in, out;
	struct client *next;
};

struct control {
	int listen_fd, epoll_fd;
	const char *status_file; /* borrowed */
	struct client *clients;
	unsigned count;
};

static int
watch_fd(struct control *control, int op, int fd, uint32_t events)
{
	struct epoll_event event = { .events = events, .data.fd = fd };

	return epoll_ctl(control->epoll_fd, op, fd, &event);
}

int
control_open(struct push *push, struct ha_err *err)
{
	const char *file = push->report.status_file;
	struct control *control;
	int fd;

	if (file == NULL)
		return 0;
	if (endpoint_listen(file, &fd, err) != 0)
		return -1;
	control = push->control = ha_xcalloc(1, sizeof(*control));
	control->listen_fd = fd;
	control->status_file = file;
	control->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	if (control->epoll_fd < 0 ||
	    watch_fd(control, EPOLL_CTL_ADD, fd, EPOLLIN) != 0) {
		ha_err_set(err, EX_CANTCREAT, errno, "epoll");
		control_close(push);
		return -1;
	}
	return 0;
}

static void
drop(struct control *control, struct client *client)
{
	struct client **at = &control->clients;

	while (*at != client)
		at = &(*at)->next;
	*at = client->next;
	control->count--;
	close(client->fd);
	ha_buf_release(&client->in);
	ha_buf_release(&client->out);
	free(client->token);
	free(client);
}

void
control_close(struct push *push)
{
	struct control *control = push->control;

	if (control == NULL)
		return;
	endpoint_remove(control->status_file);
	while (control->clients != NULL)
		drop(control, control->clients);
	if (control->epoll_fd >= 0)
		close(control->epoll_fd);
	close(control->listen_fd);
	free(control);
	push->control = NULL;
}

int
control_fd(const struct push *push)
{
	return push->control != NULL ? push->control->epoll_fd : -1;
}

int64_t
control_due_ns(const struct push *push)
{
	int64_t due_ns = HA_CLOCK_NEVER;
	const struct client *client;

	if (push->control == NULL)
		return due_ns;
	for (client = push->control->clients; client; client = client->next)
		if (client->due_ns < due_ns)
			due_ns = client->due_ns;
	return due_ns;
}

static void
take_clients(struct control *control)
{
	struct client *client;

	for (int i = 0; i < CONTROL_CLIENTS; i++) {
		int fd = accept4(control->listen_fd, NULL, NULL,
		    SOCK_NONBLOCK | SOCK_CLOEXEC);

		if (fd < 0)
			break;
		if (!endpoint_is_ours(fd) ||
		    control->count >= CONTROL_CLIENTS ||
		    watch_fd(control, EPOLL_CTL_ADD, fd, EPOLLIN) != 0) {
			close(fd);
			continue;
		}
		client = ha_xcalloc(1, sizeof(*client));
		client->fd = fd;
		client->due_ns = ha_clock_deadline(IDLE_MS);
		ha_buf_init(&client->in);
		ha_buf_init(&client->out);
		client->next = control->clients;
		control->clients = client;
		control->count++;
	}
}

/* Returns -1 when it is gone, or to go. */
static int
send_out(struct control *control, struct client *client)
{
	struct ha_buf *out = &client->out;
	ssize_t n = 0;

	while (out->len > 0) {
		n = send(client->fd, out->data, out->len,
		    MSG_DONTWAIT | MSG_NOSIGNAL);
		if (n < 0)
			break;
		ha_buf_consume(out, (size_t)n);
	}
	if (n < 0 && errno != EAGAIN && errno != EINTR)
		return -1;
	if (out->len > OUT_MAX || (out->len == 0 && client->leaving))
		return -1;
	return watch_fd(control, EPOLL_CTL_MOD, client->fd,
	    out->len > 0 ? EPOLLOUT : EPOLLIN);
}

static void
answer(struct client *client, const char *word, const char *const *fields)
{
	ha_buf_add_str(&client->out, word);
	for (; *fields != NULL; fields++) {
		ha_buf_add_char(&client->out, '\t');
		ha_rec_add_field(&client->out, *fields, strlen(*fields));
	}
	ha_buf_add_char(&client->out, '\n');
}

static void
refuse(struct client *client, int status, const char *why)
{
	char *number = ha_xasprintf("%d", status);
	const char *fields[] = { number, why, NULL };

	answer(client, "fail", fields);
	free(number);
}

static void
answer_hello(struct push *push, struct client *client)
{
	char *dev = ha_xasprintf("%llu", (unsigned long long)push->source.dev);
	char *ino = ha_xasprintf("%llu", (unsigned long long)push->source.ino);
	const char *fields[] = { push->source.path, dev, ino,
		push->conf.target.typed, NULL };

	answer(client, "hello", fields);
	free(dev);
	free(ino);
}

/* Why no barrier is to come; NULL: one may. */
static const char *
no_barriers(const struct push *push)
{
	if (push->conf.all || push->conf.paths)
		return "it reads no records of ha-watch: it mirrors once and "
		       "ends";
	if (!push->input.at_end)
		return NULL;
	return push->input.ended_well ? "ha-watch has ended"
				      : "ha-watch died: its records ended "
					"without #end";
}

static void
answer_sync(struct push *push, struct client *client, const char *token)
{
	static const char *const nothing[] = { NULL };
	const char *why = no_barriers(push);

	if (strncmp(token, HA_CHANGE_COOKIE, sizeof(HA_CHANGE_COOKIE) - 1) !=
		0 ||
	    strlen(token) > NAME_LONGEST || client->token != NULL) {
		refuse(client, EX_USAGE, "no cookie's name, or a second one");
	} else if (why != NULL) {
		refuse(client, EX_TEMPFAIL, why);
	} else {
		client->token = ha_xstrdup(token);
		client->came = 0;
		answer(client, "ok", nothing);
	}
}

static void
answer_state(struct push *push, struct client *client)
{
	char *words;
	const char *state = report_state(push, &words);
	int is_untold = client->token != NULL && !client->came;
	char *all = ha_xasprintf(
	    "%s%s", is_untold ? "ha-watch has not told all yet; " : "", words);
	const char *fields[] = { state, all, NULL };

	answer(client, "state", fields);
	free(words);
	free(all);
}

static void
answer_explain(struct push *push, struct client *client, const char *path)
{
	struct ha_buf line = HA_BUF_INIT;

	explain_path(push, path, &line);
	ha_buf_add_str(&client->out, "explain\t");
	ha_buf_add(&client->out, line.data, line.len);
	ha_buf_add_char(&client->out, '\n');
	ha_buf_release(&line);
}

static void
answer_release(struct push *push, struct client *client, const char *reason)
{
	struct ha_buf words = HA_BUF_INIT;

	if (budget_release(push, reason, &words) != 0) {
		refuse(client, 1, words.data);
	} else {
		const char *fields[] = { words.data, NULL };

		answer(client, "released", fields);
	}
	ha_buf_release(&words);
}

static void
take_question(struct push *push, struct client *client, char *line)
{
	char *fields[2] = { NULL, NULL };
	char *arg = NULL;
	struct ha_err err;
	size_t len = 0;

	if (ha_rec_split(line, fields, 2) == 2) {
		arg = fields[1];
		arg[strcspn(arg, "\t")] = '\0';
		if (ha_rec_unescape(arg, &len, &err) != 0 || len == 0 ||
		    strlen(arg) != len)
			arg = NULL;
	}
	if (push->source.path == NULL)
		refuse(client, EX_TEMPFAIL, "its source is not known yet");
	else if (strcmp(line, "hello") == 0)
		answer_hello(push, client);
	else if (strcmp(line, "state") == 0)
		answer_state(push, client);
	else if (strcmp(line, "sync") == 0 && arg != NULL)
		answer_sync(push, client, arg);
	else if (strcmp(line, "explain") == 0 && arg != NULL)
		answer_explain(push, client, arg);
	else if (strcmp(line, "release") == 0 && arg != NULL)
		answer_release(push, client, arg);
	else
		refuse(client, EX_USAGE, "not a question that it knows");
}

static void
take_questions(struct push *push, struct client *client)
{
	struct ha_buf *in = &client->in;
	char *end;

	while (!client->leaving &&
	       (end = memchr(in->data, '\n', in->len)) != NULL) {
		*end = '\0';
		if (strlen(in->data) != (size_t)(end - in->data))
			refuse(client, EX_USAGE, "a NUL byte in a question");
		else
			take_question(push, client, in->data);
		ha_buf_consume(in, (size_t)(end - in->data) + 1);
		client->due_ns = ha_clock_deadline(
		    client->token != NULL ? SYNC_MS : IDLE_MS);
		client->leaving = ++client->questions >= QUESTIONS_MAX;
	}
}

/* Returns -1 when it is gone, or to go. */
static int
take_bytes(struct push *push, struct client *client)
{
	char bytes[4096];
	ssize_t n = recv(client->fd, bytes, sizeof(bytes), MSG_DONTWAIT);

	if (n < 0)
		return errno == EAGAIN || errno == EINTR ? 0 : -1;
	if (n == 0)
		return -1;
	ha_buf_add(&client->in, bytes, (size_t)n);
	take_questions(push, client);
	return client->in.len > CONTROL_LINE_MAX ? -1 : 0;
}

static struct client *
by_fd(const struct control *control, int fd)
{
	struct client *client = control->clients;

	while (client != NULL && client->fd != fd)
		client = client->next;
	return client;
}

static void
serve(struct push *push, const struct epoll_event *event)
{
	struct control *control = push->control;
	struct client *client = by_fd(control, event->data.fd);
	int rc = 0;

	if (client == NULL)
		return;
	if (event->events & EPOLLIN)
		rc = take_bytes(push, client);
	else if (!(event->events & EPOLLOUT))
		rc = -1;
	if (rc != 0 || send_out(control, client) != 0)
		drop(control, client);
}

void
control_serve(struct push *push)
{
	struct control *control = push->control;
	struct epoll_event events[CONTROL_CLIENTS + 1];
	int64_t now_ns = ha_clock_now_ns();
	struct client *next;
	int count;

	if (control == NULL)
		return;
	count = epoll_wait(control->epoll_fd, events, CONTROL_CLIENTS + 1, 0);
	for (int i = 0; i < count; i++)
		if (events[i].data.fd != control->listen_fd)
			serve(push, &events[i]);
	for (struct client *client = control->clients; client; client = next) {
		next = client->next;
		if (client->due_ns <= now_ns)
			drop(control, client);
	}
	take_clients(control);
}

int
control_awaits(struct push *push, const char *token)
{
	int awaits = 0;

	if (push->control == NULL)
		return 0;
	for (struct client *client = push->control->clients; client;
	     client = client->next)
		if (client->token != NULL && strcmp(client->token, token) == 0)
			awaits = client->came = 1;
	return awaits;
}

/* The token is answered: with "done", or with why it never will be. */
static void
end_wait(struct push *push, struct client *client, const char *why)
{
	static const char *const nothing[] = { NULL };

	free(client->token);
	client->token = NULL;
	client->due_ns = ha_clock_deadline(IDLE_MS);
	if (why != NULL)
		refuse(client, EX_TEMPFAIL, why);
	else
		answer(client, "done", nothing);
	if (send_out(push->control, client) != 0)
		drop(push->control, client);
}

void
control_settled(struct push *push, const char *token)
{
	struct client *next;

	if (push->control == NULL)
		return;
	for (struct client *client = push->control->clients; client;
	     client = next) {
		next = client->next;
		if (client->token != NULL && strcmp(client->token, token) == 0)
			end_wait(push, client, NULL);
	}
}

void
control_input_ended(struct push *push)
{
	struct client *next;

	if (push->control == NULL)
		return;
	for (struct client *client = push->control->clients; client;
	     client = next) {
		next = client->next;
		if (client->token != NULL && !client->came)
			end_wait(push, client, no_barriers(push));
	}
}
