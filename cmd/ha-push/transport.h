/* SPDX-License-Identifier: ISC */
/*
 * transport - one authenticated session to the peer and its channels.
 *
 * Calls look blocking; inside they wait in wait_poll() only.  After a call has
 * failed with the link lost, transport_is_up() is 0, every channel is dead and
 * only channel_close() and transport_close() may follow.
 */
#ifndef PUSH_TRANSPORT_H
#define PUSH_TRANSPORT_H

#include <stdint.h>

#include "buf.h"
#include "err.h"

struct transport;
struct channel;

#define TRANSPORT_MAX_CHANNELS 8

struct transport_conf {
	const char *kind; /* "libssh2", "ssh"; NULL: what can do it */
	const char *host; /* as the user typed it: ssh's HOST argument */
	const char *user; /* NULL: what ssh's configuration says */
	const char *config_file; /* ssh -F; NULL: the default files */
	int64_t
	    timeout_ms; /* for each step: name, connect, key exchange, login */
	int64_t
	    keepalive_ms; /* idle time before a keep-alive; three of them unanswered end the link */
};

/*
 * Look up, connect, verify the host key, log in.  On failure the status says
 * whose fault: EX_UNAVAILABLE (unknown host, refused, timed out, lost),
 * EX_NOPERM (host key unknown, changed or revoked; login refused), EX_USAGE (a
 * host that begins with "-"), EX_CONFIG (ssh -G fails; the two sides have
 * nothing in common, or RevokedHostKeys is set, which libssh2 can't obey),
 * EX_TEMPFAIL (interrupted).  The message names the cure.
 *
 * Without a kind, libssh2 is used unless it can't do what the host or ssh's
 * configuration needs; then, and as long as this process lives, ssh is.  That
 * is said once.
 */
int transport_open(struct transport **transport,
    const struct transport_conf *conf, struct ha_err *err);
/*
 * Say good-bye if the link is up, without waiting long; frees. NULL is nothing.
 */
void transport_close(struct transport *transport);
int transport_is_up(const struct transport *transport);

/*
 * Move what can be moved on every channel; when nothing can, wait once until
 * something can or deadline_ns.  Returns 1 when bytes moved or a channel's
 * state changed, 0 when not (deadline, or wait_poll() returned for something
 * else), -1 when the link is lost or interrupted.
 * Keep-alives are sent and judged here, so an idle caller calls this too.
 */
int transport_step(
    struct transport *transport, int64_t deadline_ns, struct ha_err *err);

/*
 * Open a channel and start a command (as the peer's login shell reads it) or a
 * subsystem on it.  EX_UNAVAILABLE when the server refuses; the link may still
 * be up then.
 */
struct channel *transport_exec(
    struct transport *transport, const char *command, struct ha_err *err);
struct channel *transport_subsystem(
    struct transport *transport, const char *name, struct ha_err *err);

/*
 * Without attached descriptors a channel has two buffers: bytes appended to
 * channel_out() go to the peer in the next steps; bytes from the peer are
 * appended to channel_in(), and the caller consumes them.  With 1 MiB there
 * the peer has to wait.
 */
struct ha_buf *channel_in(struct channel *channel);
struct ha_buf *channel_out(struct channel *channel);

/*
 * Or two descriptors: what from_fd gives goes to the peer (its end of file is
 * sent on), what the peer says goes to to_fd (closed at the peer's end of
 * file; once nobody reads it any more, the rest is dropped).  Both become the
 * channel's, are made non-blocking, and are closed with it; they are two, not
 * one number twice.  -1 is none.
 */
void channel_attach(struct channel *channel, int from_fd, int to_fd);

/* Tell the peer that nothing more comes, once channel_out() is empty. */
void channel_send_eof(struct channel *channel);

/* Has the peer's command ended, and all it said been delivered? */
int channel_is_done(const struct channel *channel);
/*
 * Its exit status once done; 128 + n for a signal; -1 before.  A peer that ends
 * a command without giving a status gives 255 over ssh, 0 over libssh2, which
 * can't tell; OpenSSH always gives one.
 */
int channel_exit_status(const struct channel *channel);
/*
 * What it wrote to stderr, the last 8 KiB; always drained by transport_step().
 */
const struct ha_buf *channel_errors(const struct channel *channel);
/* Bytes moved so far, to and from the peer: for progress and stalls. */
uint64_t channel_bytes(const struct channel *channel);

/* Close, in any state, without waiting for the peer; frees. NULL is nothing. */
void channel_close(struct channel *channel);

#endif
