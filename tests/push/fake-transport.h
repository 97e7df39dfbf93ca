/* SPDX-License-Identifier: ISC */
/* fake-transport - a transport whose one channel says what a test gave it. */
#ifndef FAKE_TRANSPORT_H
#define FAKE_TRANSPORT_H

#include <stdlib.h>
#include <string.h>

#include "alloc.h"
#include "transport.h"

struct channel {
	struct ha_buf in, out, errors;
};

struct transport {
	struct channel channel;
	struct ha_buf script; /* what the peer still says */
	size_t share; /* bytes a step; 0: all */
	int is_open;
	int (*answer)(struct transport *transport); /* or NULL */
};

int
transport_open(struct transport **transport, const struct transport_conf *conf,
    struct ha_err *err)
{
	(void)transport;
	(void)conf;
	return ha_err_set(err, EX_UNAVAILABLE, 0, "there is no network");
}

void
transport_close(struct transport *transport)
{
	(void)transport;
}

struct channel *
transport_subsystem(
    struct transport *transport, const char *name, struct ha_err *err)
{
	(void)name;
	(void)err;
	transport->is_open = 1;
	ha_buf_init(&transport->channel.in);
	ha_buf_init(&transport->channel.out);
	ha_buf_init(&transport->channel.errors);
	return &transport->channel;
}

struct channel *
transport_exec(
    struct transport *transport, const char *command, struct ha_err *err)
{
	return transport_subsystem(transport, command, err);
}

int
transport_is_up(const struct transport *transport)
{
	(void)transport;
	return 1;
}

int
transport_step(
    struct transport *transport, int64_t deadline_ns, struct ha_err *err)
{
	struct ha_buf *script = &transport->script;
	size_t n = script->len;

	(void)deadline_ns;
	if (n == 0 && transport->answer != NULL)
		return transport->answer(transport);
	if (n == 0)
		return ha_err_set(err, EX_UNAVAILABLE, 0, "the script ended");
	if (transport->share > 0 && n > transport->share)
		n = transport->share;
	ha_buf_add(&transport->channel.in, script->data, n);
	ha_buf_consume(script, n);
	return 1;
}

struct ha_buf *
channel_in(struct channel *channel)
{
	return &channel->in;
}

struct ha_buf *
channel_out(struct channel *channel)
{
	return &channel->out;
}

void
channel_attach(struct channel *channel, int from_fd, int to_fd)
{
	(void)channel;
	(void)from_fd;
	(void)to_fd;
}

void
channel_send_eof(struct channel *channel)
{
	(void)channel;
}

int
channel_exit_status(const struct channel *channel)
{
	(void)channel;
	return 0;
}

const struct ha_buf *
channel_errors(const struct channel *channel)
{
	return &channel->errors;
}

uint64_t
channel_bytes(const struct channel *channel)
{
	return channel->in.len;
}

int
channel_is_done(const struct channel *channel)
{
	(void)channel;
	return 0;
}

void
channel_close(struct channel *channel)
{
	if (channel == NULL)
		return;
	ha_buf_release(&channel->in);
	ha_buf_release(&channel->out);
	ha_buf_release(&channel->errors);
}

#endif
