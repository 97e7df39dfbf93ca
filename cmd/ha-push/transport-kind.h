/* SPDX-License-Identifier: ISC */
/*
 * transport-kind - what the two kinds of transport have in common.
 *
 * transport.c chooses one and calls it, libssh2.c and openssh.c are them, and
 * channel.c holds the bytes of both.  Everybody else knows transport.h only.
 */
#ifndef PUSH_TRANSPORT_KIND_H
#define PUSH_TRANSPORT_KIND_H

#include <poll.h>
#include <stddef.h>
#include <stdint.h>

#include "buf.h"
#include "err.h"
#include "sshconf.h"
#include "transport.h"

enum {
	SOCKET_ROOM = 256 * 1024, /* bytes from the socket held at most */
	SOCKET_FULL = 256 * 1024, /* waiting for the socket: no more is added */
	CHANNEL_SHARE =
	    128 * 1024, /* of one channel in one step, to the socket */
	PUMP_ROOM = 256 * 1024, /* between a descriptor and the channel */
	BUFFER_ROOM = 1024 * 1024, /* channel_in(): beyond it the peer waits */
	ERRORS_KEPT = 8 * 1024,
	PACKET = 32 * 1024,
	LOST_AFTER = 3 /* times keepalive_ms without an answer */
};

/* Bytes on their way: buf from start on. */
struct queue {
	struct ha_buf buf;
	size_t start;
};

struct channel {
	struct transport *transport; /* NULL once that is closed */
	struct channel *next;
	void *own; /* the kind's */
	struct queue in, out;
	struct ha_buf errors;
	int from_fd, to_fd; /* -1: none, or no more */
	int is_attached;
	int eof_wanted, eof_sent;
	int eof, closed; /* the peer's */
	int status;
	uint64_t bytes;
};

struct transport {
	const struct transport_kind *kind;
	struct sshconf *conf; /* owned */
	int64_t timeout_ms, keepalive_ms;
	int is_up;
	struct channel *channels;
	size_t count;
};

/* Each is called with the link up, unless it says otherwise. */
struct transport_kind {
	const char *name;
	size_t size; /* of a struct that begins with a struct transport */
	/*
	 * Connect and log in; set is_up.  Where it fails because this kind
	 * can't do what is needed, inability, if not NULL, receives the words:
	 * "1.10.0 can't ...".
	 */
	int (*open)(
	    struct transport *t, struct ha_buf *inability, struct ha_err *err);
	/* Say good-bye if the link is up; give back all but the base. */
	void (*close)(struct transport *t);
	/* transport_step() */
	int (*step)(
	    struct transport *t, int64_t deadline_ns, struct ha_err *err);
	/* request is "exec" or "subsystem". */
	struct channel *(*start)(struct transport *t, const char *request,
	    const char *message, struct ha_err *err);
	/* The channel, still in the list, is closed by us; the link may be down. */
	void (*forget)(struct channel *c);
};

extern const struct transport_kind transport_libssh2, transport_openssh;

/* --- transport.c --- */

/*
 * One step on the way to something that began at start_ns.  What is awaited
 * can't be called off, so a failure, or timeout_ms without it, ends the link.
 * doing, in messages: " to the login".
 */
int transport_await(struct transport *t, int64_t start_ns, const char *doing,
    struct ha_err *err);
/* The link is lost: nothing was heard since then.  EX_UNAVAILABLE. */
int transport_no_answer(struct transport *t, int64_t since_ns,
    const char *doing, struct ha_err *err);
/* What a server refuses while the link stays up.  EX_UNAVAILABLE. */
int transport_no_channel(const struct transport *t, struct ha_err *err);
int transport_no_request(const struct transport *t, const char *request,
    const char *message, struct ha_err *err);

/* --- channel.c --- */

size_t queue_len(const struct queue *q);
const char *queue_head(const struct queue *q);
void queue_drop(struct queue *q, size_t len);
/* Move what waits to the front. */
void queue_compact(struct queue *q);
/* Where up to len bytes can be read to; queue_added() then takes them in. */
char *queue_room(struct queue *q, size_t len);
void queue_added(struct queue *q, size_t len);
void queue_release(struct queue *q);

/* Make one, of which own is the kind's part, and put it in the list. */
struct channel *channel_add(struct transport *t, void *own);
/*
 * The next round begins with another channel, so that none of them starves.
 */
void channel_rotate(struct transport *t);
/* The attached descriptors' wishes: at most two a channel; returns how many. */
nfds_t channel_poll(const struct transport *t, struct pollfd *fds);

/* These return 1 when bytes moved or a state changed, else 0. */
/* What came from the peer, to to_fd. */
int channel_deliver(struct channel *c);
/* What from_fd has, to the bytes for the peer. */
int channel_gather(struct channel *c);
/*
 * Once the peer has said all and it is delivered, to_fd is closed; once it has
 * closed the channel, from_fd.
 */
int channel_finish(struct channel *c);

/* Only the last of what the peer wrote to stderr is kept. */
void channel_trim_errors(struct channel *c);
/* The number of a signal that SSH names ("TERM"); 0 for an unknown one. */
int channel_signal(const char *name);

#endif
