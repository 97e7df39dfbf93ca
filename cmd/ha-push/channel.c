/* SPDX-License-Identifier: ISC */
/*
 * channel - the bytes of a channel, whatever kind of transport moves them.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "alloc.h"
#include "transport-kind.h"

/* --- queues --- */

size_t
queue_len(const struct queue *q)
{
	return q->buf.len - q->start;
}

const char *
queue_head(const struct queue *q)
{
	return q->buf.data + q->start;
}

void
queue_drop(struct queue *q, size_t len)
{
	q->start += len;
	if (q->start == q->buf.len) {
		ha_buf_reset(&q->buf);
		q->start = 0;
	}
}

void
queue_compact(struct queue *q)
{
	if (q->start > 0)
		ha_buf_consume(&q->buf, q->start);
	q->start = 0;
}

char *
queue_room(struct queue *q, size_t len)
{
	queue_compact(q);
	ha_buf_reserve(&q->buf, len);
	return q->buf.data + q->buf.len;
}

void
queue_added(struct queue *q, size_t len)
{
	q->buf.len += len;
	q->buf.data[q->buf.len] = '\0';
}

void
queue_release(struct queue *q)
{
	ha_buf_release(&q->buf);
	q->start = 0;
}

/* --- attached descriptors --- */

static void
close_fd(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

/* When nobody reads to_fd any more, the peer's words are dropped. */
int
channel_deliver(struct channel *c)
{
	int moved = 0;

	if (!c->is_attached)
		return 0;
	while (queue_len(&c->in) > 0) {
		ssize_t n = c->to_fd < 0 ? (ssize_t)queue_len(&c->in)
					 : write(c->to_fd, queue_head(&c->in),
					       queue_len(&c->in));

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && errno == EAGAIN)
			break;
		if (n < 0)
			close_fd(&c->to_fd);
		else
			queue_drop(&c->in, (size_t)n);
		moved = 1;
	}
	return moved;
}

static int
wants_input(const struct channel *c)
{
	return c->from_fd >= 0 && !c->closed && queue_len(&c->out) < PACKET;
}

int
channel_gather(struct channel *c)
{
	size_t room = PUMP_ROOM - PACKET;
	ssize_t n;

	if (!wants_input(c))
		return 0;
	n = read(c->from_fd, queue_room(&c->out, room), room);
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return 0;
	if (n <= 0) {
		close_fd(&c->from_fd);
		c->eof_wanted = 1;
	} else {
		queue_added(&c->out, (size_t)n);
	}
	return 1;
}

int
channel_finish(struct channel *c)
{
	int moved = 0;

	/* Who writes there would wait for ever. */
	if (c->closed && c->from_fd >= 0) {
		close_fd(&c->from_fd);
		moved = 1;
	}
	if (c->eof && c->to_fd >= 0 && queue_len(&c->in) == 0) {
		close_fd(&c->to_fd);
		moved = 1;
	}
	return moved;
}

nfds_t
channel_poll(const struct transport *t, struct pollfd *fds)
{
	nfds_t n = 0;

	for (const struct channel *c = t->channels; c != NULL; c = c->next) {
		if (c->to_fd >= 0 && queue_len(&c->in) > 0)
			fds[n++] = (struct pollfd){ c->to_fd, POLLOUT, 0 };
		if (wants_input(c))
			fds[n++] = (struct pollfd){ c->from_fd, POLLIN, 0 };
	}
	return n;
}

/* --- the list of them --- */

struct channel *
channel_add(struct transport *t, void *own)
{
	struct channel *c = ha_xcalloc(1, sizeof(*c));

	c->transport = t;
	c->own = own;
	ha_buf_init(&c->in.buf);
	ha_buf_init(&c->out.buf);
	ha_buf_init(&c->errors);
	c->from_fd = -1;
	c->to_fd = -1;
	c->status = -1;
	c->next = t->channels;
	t->channels = c;
	t->count++;
	return c;
}

void
channel_rotate(struct transport *t)
{
	struct channel *head = t->channels;
	struct channel **end = &t->channels;

	if (head == NULL || head->next == NULL)
		return;
	t->channels = head->next;
	while (*end != NULL)
		end = &(*end)->next;
	*end = head;
	head->next = NULL;
}

static void
take_off(struct channel *c)
{
	struct channel **at = &c->transport->channels;

	c->transport->kind->forget(c);
	while (*at != c)
		at = &(*at)->next;
	*at = c->next;
	c->transport->count--;
}

void
channel_close(struct channel *c)
{
	if (c == NULL)
		return;
	if (c->transport != NULL)
		take_off(c);
	close_fd(&c->from_fd);
	close_fd(&c->to_fd);
	queue_release(&c->in);
	queue_release(&c->out);
	ha_buf_release(&c->errors);
	free(c);
}

/* --- what its user asks and says --- */

struct ha_buf *
channel_in(struct channel *c)
{
	return &c->in.buf;
}

struct ha_buf *
channel_out(struct channel *c)
{
	return &c->out.buf;
}

void
channel_attach(struct channel *c, int from_fd, int to_fd)
{
	const int fds[] = { from_fd, to_fd };

	for (size_t i = 0; i < 2; i++)
		if (fds[i] >= 0)
			fcntl(fds[i], F_SETFL,
			    fcntl(fds[i], F_GETFL) | O_NONBLOCK);
	c->is_attached = 1;
	c->from_fd = from_fd;
	c->to_fd = to_fd;
}

void
channel_send_eof(struct channel *c)
{
	c->eof_wanted = 1;
}

int
channel_is_done(const struct channel *c)
{
	return c->closed && (!c->is_attached || queue_len(&c->in) == 0);
}

int
channel_exit_status(const struct channel *c)
{
	return c->status;
}

const struct ha_buf *
channel_errors(const struct channel *c)
{
	return &c->errors;
}

uint64_t
channel_bytes(const struct channel *c)
{
	return c->bytes;
}

void
channel_trim_errors(struct channel *c)
{
	if (c->errors.len > ERRORS_KEPT)
		ha_buf_consume(&c->errors, c->errors.len - ERRORS_KEPT);
}

int
channel_signal(const char *name)
{
	static const char *const names[] = { "HUP", "INT", "QUIT", "ILL",
		"TRAP", "ABRT", "BUS", "FPE", "KILL", "USR1", "SEGV", "USR2",
		"PIPE", "ALRM", "TERM" };

	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
		if (strcmp(names[i], name) == 0)
			return (int)i + 1;
	return 0;
}
