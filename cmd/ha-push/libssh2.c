/* SPDX-License-Identifier: ISC */
/*
 * libssh2 - the transport over that library; the only file that knows of it.
 *
 * libssh2 never touches the socket.  Its send callback appends to t->out and
 * never refuses, its recv callback hands out what t->in holds, and this file
 * alone moves both, in large pieces.  So no call can end half sent, which is
 * the state in which libssh2 wants the very same call again before any other
 * (else LIBSSH2_ERROR_BAD_USE): LIBSSH2_ERROR_EAGAIN only ever means that more
 * bytes from the peer are needed, or that keys are being exchanged.
 */
#include <errno.h>
#include <libssh2.h>
#include <poll.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "alloc.h"
#include "clock.h"
#include "dial.h"
#include "hostkey.h"
#include "identity.h"
#include "msg.h"
#include "offer.h"
#include "sshconf.h"
#include "transport-kind.h"
#include "wait.h"

enum {
	READ_SIZE = 128 * 1024, /* of every read from a channel; see there */
	FIRST_KEPT = 8 * 1024,
	WINDOW = 4 * 1024 * 1024
};

static const char rsa_trouble[] = "can't sign with RSA and SHA-2";

/* Nobody knows this type of channel, so every server must answer "no". */
static const char probe_type[] = "keepalive@ha-utils";

struct session {
	struct transport base;
	struct dial dial;
	LIBSSH2_SESSION *ssh;
	struct queue in, out;
	struct ha_buf first; /* the server's first bytes, for messages */
	struct ha_buf *inability; /* of transport_kind.open(), or NULL */
	struct identities identities;
	struct ha_buf note; /* what was wrong with these */
	int is_ready; /* logged in */
	int eof, sys; /* of the socket */
	char *farewell; /* the peer's last words */
	int is_opening; /* a channel is being opened */
	int is_probing; /* a keep-alive waits for its answer, */
	int64_t probed_ns; /* sent then */
	int64_t heard_ns; /* bytes came from the peer */
	int64_t stuck_ns; /* since then a window is open and nothing goes */
	LIBSSH2_CHANNEL **dying; /* closed by us, not yet by the peer */
	size_t dying_count;
};

static struct session *
session_of(struct transport *t)
{
	return (struct session *)t;
}

/* --- the socket --- */

static LIBSSH2_SEND_FUNC(send_to_queue)
{
	struct session *t = *abstract;

	(void)socket;
	(void)flags;
	if (t->base.is_up)
		ha_buf_add(&t->out.buf, buffer, length);
	return (ssize_t)length;
}

static LIBSSH2_RECV_FUNC(recv_from_queue)
{
	struct session *t = *abstract;
	size_t have = queue_len(&t->in);

	(void)socket;
	(void)flags;
	if (!t->base.is_up)
		return -ECONNRESET;
	if (have == 0)
		return t->eof ? 0 : -EAGAIN;
	if (length > have)
		length = have;
	memcpy(buffer, queue_head(&t->in), length);
	queue_drop(&t->in, length);
	return (ssize_t)length;
}

static LIBSSH2_DISCONNECT_FUNC(note_farewell)
{
	struct session *t = *abstract;

	(void)session;
	(void)reason;
	(void)language;
	(void)language_len;
	if (t->farewell == NULL && message != NULL && message_len > 0)
		t->farewell = ha_xmemdup(message, (size_t)message_len);
}

static void
keep_first(struct session *t, const char *data, size_t len)
{
	size_t room = FIRST_KEPT - t->first.len;

	if (!t->is_ready)
		ha_buf_add(&t->first, data, len < room ? len : room);
}

/* Returns 1 when bytes came, or the end of them. */
static int
fill(struct session *t)
{
	size_t room = SOCKET_ROOM - queue_len(&t->in);
	char *to;
	ssize_t n;

	if (t->eof || room == 0)
		return 0;
	to = queue_room(&t->in, room);
	n = recv(t->dial.fd, to, room, 0);
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return 0;
	if (n <= 0) {
		t->eof = 1;
		t->sys = n < 0 ? errno : 0;
		return 1;
	}
	queue_added(&t->in, (size_t)n);
	keep_first(t, to, (size_t)n);
	t->heard_ns = ha_clock_now_ns();
	return 1;
}

/* Returns 1 when bytes went. */
static int
flush(struct session *t)
{
	int moved = 0;

	while (queue_len(&t->out) > 0) {
		ssize_t n = send(t->dial.fd, queue_head(&t->out),
		    queue_len(&t->out), MSG_NOSIGNAL);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && errno != EAGAIN && !t->eof) {
			/* What the peer said before is still to be read. */
			t->sys = errno;
			t->eof =
			    recv(t->dial.fd, &(char){ 0 }, 1, MSG_PEEK) <= 0;
		}
		if (n < 0)
			break;
		queue_drop(&t->out, (size_t)n);
		moved = 1;
	}
	queue_compact(&t->out);
	return moved;
}

/* --- errors --- */

/* The session is over; say why. */
static int
link_lost(struct session *t, const char *doing, struct ha_err *err)
{
	const char *peer = t->base.conf->typed;
	char *reason = NULL;

	t->base.is_up = 0;
	libssh2_session_last_error(t->ssh, &reason, NULL, 0);
	if (t->farewell != NULL)
		return ha_err_set(err, EX_UNAVAILABLE, 0,
		    "%.200s ended the connection%s: %.200s", peer, doing,
		    t->farewell);
	if (t->sys != 0)
		return ha_err_set(err, EX_UNAVAILABLE, t->sys,
		    "the connection to %.200s is lost%s", peer, doing);
	if (t->eof)
		return ha_err_set(err, EX_UNAVAILABLE, 0,
		    "%.200s closed the connection%s", peer, doing);
	return ha_err_set(err, EX_UNAVAILABLE, 0,
	    "the session with %.200s broke%s: %.200s", peer, doing,
	    reason != NULL && *reason != '\0' ? reason : "no reason given");
}

/*
 * libssh2 can't do it, so that ssh may.  Callers that say more to somebody who
 * wants libssh2 fill in *err after this.
 */
static int __attribute__((format(printf, 3, 4)))
cant(struct session *t, struct ha_err *err, const char *fmt, ...)
{
	struct ha_buf words = HA_BUF_INIT;
	va_list ap;

	va_start(ap, fmt);
	ha_buf_addf(&words, "%s ", libssh2_version(0));
	ha_buf_vaddf(&words, fmt, ap);
	va_end(ap);
	ha_err_set(err, EX_CONFIG, 0, "libssh2 %s", words.data);
	if (t->inability != NULL && t->inability->len == 0)
		ha_buf_add(t->inability, words.data, words.len);
	ha_buf_release(&words);
	return -1;
}

/* --- the channels' bytes --- */

/*
 * All reads ask for READ_SIZE.  libssh2 widens the window first, by an amount
 * that it works out from the length asked for, and when that is interrupted by
 * an exchange of keys, works it out anew in the next call: with another length
 * the two sides disagree about the window from then on, and what the peer
 * sends beyond libssh2's idea of it is dropped without a word.
 * Returns the number of bytes appended, -1 when the link is lost.
 */
static ssize_t
read_stream(struct channel *c, int stream, struct ha_buf *to)
{
	ssize_t n;

	ha_buf_reserve(to, READ_SIZE);
	n = libssh2_channel_read_ex(
	    c->own, stream, to->data + to->len, READ_SIZE);
	if (n == LIBSSH2_ERROR_EAGAIN)
		return 0;
	if (n < 0)
		return -1;
	to->len += (size_t)n;
	to->data[to->len] = '\0';
	c->bytes += (uint64_t)n;
	return n;
}

/* Returns 1 when something came, -1 when the link is lost. */
static int
read_errors(struct channel *c)
{
	ssize_t n = read_stream(c, SSH_EXTENDED_DATA_STDERR, &c->errors);

	channel_trim_errors(c);
	return n > 0 ? 1 : (int)n;
}

static int
read_output(struct channel *c)
{
	size_t max = c->is_attached ? PUMP_ROOM : BUFFER_ROOM;
	ssize_t n;

	if (queue_len(&c->in) > max - READ_SIZE)
		return 0;
	queue_compact(&c->in);
	n = read_stream(c, 0, &c->in.buf);
	return n > 0 ? 1 : (int)n;
}

static void
take_status(struct channel *c)
{
	char *name = NULL;

	libssh2_channel_get_exit_signal(
	    c->own, &name, NULL, NULL, NULL, NULL, NULL);
	c->status = name != NULL ? 128 + channel_signal(name)
				 : libssh2_channel_get_exit_status(c->own);
	free(name);
}

/* The peer's exit status comes between its end of file and its close. */
static int
note_end(struct channel *c)
{
	int moved = 0;

	if (!c->eof && libssh2_channel_eof(c->own) == 1)
		c->eof = moved = 1;
	if (c->eof && !c->closed) {
		int rc = libssh2_channel_wait_closed(c->own);

		if (rc < 0 && rc != LIBSSH2_ERROR_EAGAIN)
			return -1;
		if (rc == 0) {
			c->closed = moved = 1;
			take_status(c);
		}
	}
	return channel_finish(c) | moved;
}

/* An open window that takes nothing means that keys are being exchanged. */
static void
note_stuck(struct channel *c)
{
	struct session *t = session_of(c->transport);

	if (t->stuck_ns == 0 && libssh2_channel_window_write(c->own) > 0)
		t->stuck_ns = ha_clock_now_ns();
}

static int
send_output(struct channel *c)
{
	size_t share = CHANNEL_SHARE;
	int moved = 0;

	if (c->closed || c->eof_sent)
		return 0;
	while (queue_len(&c->out) > 0 && share > 0) {
		ssize_t n = libssh2_channel_write(
		    c->own, queue_head(&c->out), queue_len(&c->out));

		if (n == LIBSSH2_ERROR_EAGAIN || n == 0) {
			note_stuck(c);
			break;
		}
		if (n < 0)
			return -1;
		queue_drop(&c->out, (size_t)n);
		c->bytes += (uint64_t)n;
		session_of(c->transport)->stuck_ns = 0;
		share -= (size_t)n < share ? (size_t)n : share;
		moved = 1;
	}
	queue_compact(&c->out);
	if (c->eof_wanted && queue_len(&c->out) == 0) {
		int rc = libssh2_channel_send_eof(c->own);

		if (rc < 0)
			return rc == LIBSSH2_ERROR_EAGAIN ? moved : -1;
		c->eof_sent = moved = 1;
	}
	return moved;
}

/* Reading goes first: it also takes in what there is for other channels. */
static int
pump(struct channel *c, int may_send)
{
	static int (*const steps[])(struct channel *) = { read_errors,
		read_output, channel_deliver, note_end, channel_gather,
		send_output };
	int moved = 0;

	for (size_t i = 0; i < (may_send ? 6 : 5); i++) {
		int rc = steps[i](c);

		if (rc < 0)
			return -1;
		moved |= rc;
	}
	return moved;
}

/* --- channels that we have closed --- */

/*
 * Give back what the peer has closed too.  Not earlier: libssh2 numbers a new
 * channel like a freed one, and would take the old one's last packets for its.
 */
static void
bury(struct session *t)
{
	size_t kept = 0;

	for (size_t i = 0; i < t->dying_count; i++) {
		LIBSSH2_CHANNEL *ssh = t->dying[i];

		if (libssh2_channel_close(ssh) == 0 &&
		    libssh2_channel_wait_closed(ssh) == 0)
			libssh2_channel_free(ssh);
		else
			t->dying[kept++] = ssh;
	}
	t->dying_count = kept;
}

static void
let_die(struct session *t, LIBSSH2_CHANNEL *ssh)
{
	t->dying =
	    ha_xrealloc(t->dying, (t->dying_count + 1) * sizeof(*t->dying));
	t->dying[t->dying_count++] = ssh;
}

/* --- keep-alives --- */

/*
 * Ask to open a channel of a type that can't be.  libssh2_keepalive_send()
 * would go by the wall clock, and never takes the answers off its list.
 * Returns -1 when the link is lost.
 */
static int
probe(struct session *t)
{
	LIBSSH2_CHANNEL *ssh;

	if (!t->is_probing)
		t->probed_ns = ha_clock_now_ns();
	t->is_probing = 1;
	ssh = libssh2_channel_open_ex(t->ssh, probe_type,
	    sizeof(probe_type) - 1, WINDOW, PACKET, NULL, 0);
	if (ssh != NULL)
		let_die(t, ssh);
	else if (libssh2_session_last_errno(t->ssh) == LIBSSH2_ERROR_EAGAIN)
		return 0;
	else if (libssh2_session_last_errno(t->ssh) !=
		 LIBSSH2_ERROR_CHANNEL_FAILURE)
		return -1;
	t->is_probing = 0;
	return 0;
}

static int64_t
keepalive_due(const struct session *t)
{
	int64_t since = t->heard_ns;

	if (!t->is_ready || t->base.keepalive_ms <= 0 || t->is_opening)
		return HA_CLOCK_NEVER;
	if (!t->is_probing)
		return since + t->base.keepalive_ms * HA_MS_NS;
	if (since < t->probed_ns)
		since = t->probed_ns;
	return since + LOST_AFTER * t->base.keepalive_ms * HA_MS_NS;
}

static int64_t
stuck_due(const struct session *t)
{
	int64_t patience_ms = LOST_AFTER * t->base.keepalive_ms;

	if (t->stuck_ns == 0)
		return HA_CLOCK_NEVER;
	if (patience_ms < t->base.timeout_ms)
		patience_ms = t->base.timeout_ms;
	return t->stuck_ns + patience_ms * HA_MS_NS;
}

static int
judge(struct session *t, struct ha_err *err)
{
	int64_t now = ha_clock_now_ns();

	if (now >= stuck_due(t))
		return transport_no_answer(
		    &t->base, t->stuck_ns, " to a change of keys", err);
	if (now < keepalive_due(t))
		return 0;
	if (t->is_probing)
		return transport_no_answer(&t->base, t->heard_ns, "", err);
	if (probe(t) < 0)
		return link_lost(t, "", err);
	flush(t);
	return 0;
}

/* --- a step --- */

/* Returns 1 when something moved, 0 when not, -1 when the link is lost. */
static int
pump_all(struct session *t)
{
	int may_send = queue_len(&t->out) < SOCKET_FULL;
	int moved = 0;

	/* First, because these read for everybody. */
	bury(t);
	if (t->is_probing && probe(t) < 0)
		return -1;
	for (struct channel *c = t->base.channels; c != NULL; c = c->next) {
		int rc = pump(c, may_send);

		if (rc < 0)
			return -1;
		moved |= rc;
	}
	channel_rotate(&t->base);
	/* libssh2 reads for somebody only: without a channel, for a probe. */
	if (queue_len(&t->in) > 0 && !t->is_opening && probe(t) < 0)
		return -1;
	return moved;
}

static int
move_all(struct session *t, struct ha_err *err)
{
	int moved = fill(t);

	if (t->is_ready) {
		int rc = pump_all(t);

		if (rc < 0 || (t->eof && queue_len(&t->in) == 0)) {
			flush(t);
			return link_lost(t, "", err);
		}
		moved |= rc;
	}
	return flush(t) | moved;
}

static int
wait_all(struct session *t, int64_t deadline_ns)
{
	struct pollfd fds[1 + 2 * TRANSPORT_MAX_CHANNELS];
	nfds_t n;

	fds[0] = (struct pollfd){ t->dial.fd, POLLIN, 0 };
	if (queue_len(&t->out) > 0)
		fds[0].events |= POLLOUT;
	n = 1 + channel_poll(&t->base, fds + 1);
	return wait_poll(fds, n, deadline_ns);
}

static int
step(struct transport *base, int64_t deadline_ns, struct ha_err *err)
{
	struct session *t = session_of(base);
	int64_t until_ns = deadline_ns;
	int moved;

	moved = move_all(t, err);
	if (moved != 0)
		return moved;
	if (judge(t, err) < 0)
		return -1;
	if (until_ns > keepalive_due(t))
		until_ns = keepalive_due(t);
	if (until_ns > stuck_due(t))
		until_ns = stuck_due(t);
	if (wait_all(t, until_ns) < 0)
		return ha_err_set(err, EX_TEMPFAIL, 0, "interrupted");
	return move_all(t, err);
}

/* --- key exchange --- */

/* Those of the words that libssh2 has too. */
static void
pick_supported(
    struct session *t, int method, const char *words, struct ha_buf *picked)
{
	struct ha_buf all = HA_BUF_INIT;
	const char **names = NULL;
	int count = libssh2_session_supported_algs(t->ssh, method, &names);

	for (int i = 0; i < count; i++)
		sshconf_pick(&all, names[i], NULL);
	if (count > 0)
		libssh2_free(t->ssh, names);
	sshconf_pick(picked, words, all.data);
	ha_buf_release(&all);
}

static int
supports_any(struct session *t, int method, const char *words)
{
	struct ha_buf picked = HA_BUF_INIT;
	int found;

	pick_supported(t, method, words, &picked);
	found = picked.len > 0;
	ha_buf_release(&picked);
	return found;
}

/* libssh2 1.10's own selection copies between overlapping strings. */
static int
prefer(struct session *t, int method, const char *name, const char *words,
    struct ha_err *err)
{
	struct ha_buf picked = HA_BUF_INIT;
	int is_set;

	pick_supported(t, method, words, &picked);
	is_set = picked.len > 0 &&
		 libssh2_session_method_pref(t->ssh, method, picked.data) == 0;
	ha_buf_release(&picked);
	if (is_set)
		return 0;
	cant(t, err, "has none of the %s that ssh's configuration asks for",
	    name);
	return ha_err_set(err, EX_CONFIG, 0,
	    "libssh2 %s has none of the %s that ssh's configuration asks for: "
	    "%.300s",
	    libssh2_version(0), name, words);
}

/* Both directions; what is fast here first, then what else is allowed. */
static int
prefer_both(struct session *t, int to_peer, int from_peer, const char *name,
    const char *fast, const char *allowed, struct ha_err *err)
{
	struct ha_buf words = HA_BUF_INIT;
	int rc;

	sshconf_pick(&words, fast, allowed);
	if (allowed != NULL)
		sshconf_pick(&words, allowed, NULL);
	rc = prefer(t, to_peer, name, words.data, err);
	if (rc == 0)
		rc = prefer(t, from_peer, name, words.data, err);
	ha_buf_release(&words);
	return rc;
}

static int
prefer_kex(struct session *t, struct ha_err *err)
{
	struct ha_buf words = HA_BUF_INIT;
	int rc;

	if (t->base.conf->kex == NULL)
		return 0;
	sshconf_pick(&words, t->base.conf->kex, NULL);
	/* No algorithms, but what both sides understand besides. */
	sshconf_pick(&words, "ext-info-c,kex-strict-c-v00@openssh.com", NULL);
	rc = prefer(t, LIBSSH2_METHOD_KEX, "KexAlgorithms", words.data, err);
	ha_buf_release(&words);
	return rc;
}

static int
prefer_host_keys(
    struct session *t, const struct hostkeys *keys, struct ha_err *err)
{
	struct ha_buf words = HA_BUF_INIT;
	int rc = 0;

	hostkeys_algorithms(keys, &words);
	if (words.len > 0)
		rc = prefer(t, LIBSSH2_METHOD_HOSTKEY, "HostKeyAlgorithms",
		    words.data, err);
	ha_buf_release(&words);
	return rc;
}

static int
set_preferences(
    struct session *t, const struct hostkeys *keys, struct ha_err *err)
{
	if (prefer_kex(t, err) < 0 || prefer_host_keys(t, keys, err) < 0 ||
	    prefer_both(t, LIBSSH2_METHOD_CRYPT_CS, LIBSSH2_METHOD_CRYPT_SC,
		"Ciphers", "aes128-ctr,aes256-ctr,aes192-ctr",
		t->base.conf->ciphers, err) < 0 ||
	    prefer_both(t, LIBSSH2_METHOD_MAC_CS, LIBSSH2_METHOD_MAC_SC, "MACs",
		"hmac-sha2-256,hmac-sha2-512", t->base.conf->macs, err) < 0)
		return -1;
	return 0;
}

/* Name the list that has nothing in common, and what to do about it. */
static int
nothing_in_common(
    struct session *t, const struct hostkeys *keys, struct ha_err *err)
{
	static const struct {
		enum offer_list list;
		int method;
		const char *what;
		const char *cure;
	} lists[] = {
		{ OFFER_KEX, LIBSSH2_METHOD_KEX, "key exchange",
		    "allow curve25519-sha256 in KexAlgorithms" },
		{ OFFER_HOST_KEY, LIBSSH2_METHOD_HOSTKEY, "host key",
		    "give the server an ed25519 host key (ssh-keygen -A)" },
		{ OFFER_CIPHER_IN, LIBSSH2_METHOD_CRYPT_CS, "cipher",
		    "allow aes128-ctr in Ciphers" },
		{ OFFER_MAC_IN, LIBSSH2_METHOD_MAC_CS, "MAC",
		    "allow hmac-sha2-256 in MACs" },
	};
	struct ha_buf offer = HA_BUF_INIT;
	struct ha_buf known = HA_BUF_INIT;
	size_t i;

	for (i = 0; i < sizeof(lists) / sizeof(*lists); i++) {
		ha_buf_reset(&offer);
		if (offer_get(&t->first, lists[i].list, &offer) == 0 &&
		    !supports_any(t, lists[i].method, offer.data))
			break;
	}
	hostkeys_types(keys, &known);
	cant(t, err, "and %.100s have no %s in common", t->base.conf->typed,
	    i < sizeof(lists) / sizeof(*lists) ? lists[i].what : "algorithm");
	if (i < sizeof(lists) / sizeof(*lists))
		ha_err_set(err, EX_CONFIG, 0,
		    "libssh2 %s and %.100s have no %s in common; the server "
		    "offers %.300s. In the server's sshd_config: %s",
		    libssh2_version(0), t->base.conf->typed, lists[i].what,
		    offer.data, lists[i].cure);
	else
		ha_err_set(err, EX_CONFIG, 0,
		    "ssh's configuration and %.100s leave libssh2 %s nothing in "
		    "common (it has no rsa-sha2, certificates, security keys, "
		    "-etm MACs, gcm or chacha20%s%.100s): allow an ed25519 "
		    "host key, curve25519-sha256, aes128-ctr and hmac-sha2-256",
		    t->base.conf->typed, libssh2_version(0),
		    known.len > 0 ? "; known host keys: " : "", known.data);
	ha_buf_release(&offer);
	ha_buf_release(&known);
	return -1;
}

static int
not_ssh(struct session *t, struct ha_err *err)
{
	struct ha_buf *first = &t->first;

	ha_buf_truncate(first, strcspn(first->data, "\r\n"));
	/* OpenSSH's only words without a version before them: sshd.c. */
	if (strcmp(first->data, "Exceeded MaxStartups") == 0)
		return ha_err_set(err, EX_UNAVAILABLE, 0,
		    "%.200s drops logins, as too many are under way (MaxStartups "
		    "in its sshd_config)",
		    t->base.conf->typed);
	return ha_err_set(err, EX_UNAVAILABLE, 0,
	    "port %d of %.200s does not speak SSH; it says: %.100s",
	    t->base.conf->port, t->base.conf->host, first->data);
}

static int
handshake_failed(
    struct session *t, int rc, const struct hostkeys *keys, struct ha_err *err)
{
	if (t->first.len > 0 && !offer_is_ssh(&t->first))
		return not_ssh(t, err);
	if (t->first.len == 0 && t->dial.proxy > 0)
		return ha_err_set(err, EX_UNAVAILABLE, 0,
		    "the proxy to %.200s ended before it connected (%s %.300s)",
		    t->base.conf->typed,
		    t->base.conf->proxy_command ? "ProxyCommand" : "ProxyJump",
		    t->base.conf->proxy_command ? t->base.conf->proxy_command
						: t->base.conf->proxy_jump);
	if (rc == LIBSSH2_ERROR_KEX_FAILURE || rc == LIBSSH2_ERROR_METHOD_NONE)
		return nothing_in_common(t, keys, err);
	link_lost(t, " during the key exchange", err);
	if (rc == LIBSSH2_ERROR_HOSTKEY_SIGN)
		err->status = EX_NOPERM;
	return -1;
}

static int
shake_hands(struct session *t, const struct hostkeys *keys, struct ha_err *err)
{
	int64_t start_ns = ha_clock_now_ns();
	int rc;

	while ((rc = libssh2_session_handshake(t->ssh, t->dial.fd)) ==
	       LIBSSH2_ERROR_EAGAIN) {
		if (transport_await(&t->base, start_ns,
			" to the SSH key exchange", err) == 0)
			continue;
		if (err->status == EX_UNAVAILABLE && t->first.len > 0 &&
		    !offer_is_ssh(&t->first))
			return not_ssh(t, err);
		return -1;
	}
	return rc == 0 ? 0 : handshake_failed(t, rc, keys, err);
}

static int
verify_host(struct session *t, const struct hostkeys *keys, struct ha_err *err)
{
	size_t len = 0;
	int type;
	const char *blob = libssh2_session_hostkey(t->ssh, &len, &type);
	const char *print =
	    libssh2_hostkey_hash(t->ssh, LIBSSH2_HOSTKEY_HASH_SHA256);

	if (blob == NULL || print == NULL)
		return ha_err_set(err, EX_CONFIG, 0,
		    "libssh2 %s does not tell the host key",
		    libssh2_version(0));
	return hostkeys_check(
	    keys, blob, len, (const unsigned char *)print, err);
}

/* --- login --- */

/* What keeps libssh2 from logging in with this key; NULL: nothing. */
static const char *
key_trouble(struct session *t, const struct identity *identity)
{
	const char *type = identity->type;

	if (identity->is_locked || *type == '\0')
		return NULL;
	if (strcmp(type, "ssh-rsa") == 0)
		return supports_any(t, LIBSSH2_METHOD_HOSTKEY, "rsa-sha2-256")
			   ? NULL
			   : rsa_trouble;
	if (strstr(type, "-cert-") != NULL)
		return "can't log in with certificates";
	if (strncmp(type, "sk-", 3) == 0)
		return "can't log in with security keys";
	return NULL;
}

static int
is_there(const char *path)
{
	return access(path, F_OK) == 0;
}

/* A certificate that ssh would show: of the configuration, or beside a key. */
static char *
certificate(const struct sshconf *conf)
{
	for (size_t i = 0; i < conf->certificates.count; i++)
		if (is_there(conf->certificates.items[i]))
			return ha_xstrdup(conf->certificates.items[i]);
	for (size_t i = 0; i < conf->identities.count; i++) {
		char *path =
		    ha_xasprintf("%s-cert.pub", conf->identities.items[i]);

		if (is_there(path))
			return path;
		free(path);
	}
	return NULL;
}

/* Is there anything to log in with that ssh could use, and libssh2 can't? */
static void
note_unused(struct session *t, const char *methods, struct ha_err *err)
{
	const struct sshconf *conf = t->base.conf;
	char *path = certificate(conf);

	if (strstr(methods, "publickey") != NULL) {
		for (size_t i = 0; i < t->identities.count; i++) {
			const struct identity *identity =
			    &t->identities.items[i];
			const char *trouble = key_trouble(t, identity);

			if (trouble != NULL)
				cant(t, err, "%s (%.100s)", trouble,
				    identity->name);
		}
		if (path != NULL)
			cant(t, err, "can't log in with certificates (%.200s)",
			    path);
		if (conf->pkcs11 != NULL)
			cant(t, err, "can't log in with PKCS11Provider");
	}
	if (conf->gssapi && strstr(methods, "gssapi-with-mic") != NULL)
		cant(t, err, "can't log in with GSSAPI");
	free(path);
}

struct signer {
	const struct identities *ids;
	const struct identity *identity;
	int64_t timeout_ms;
	struct ha_err err;
};

static LIBSSH2_USERAUTH_PUBLICKEY_SIGN_FUNC(sign)
{
	struct signer *signer = *abstract;
	struct ha_buf signature = HA_BUF_INIT;

	(void)session;
	if (identities_sign(signer->ids, signer->identity, data, data_len,
		signer->timeout_ms, &signature, &signer->err) < 0) {
		ha_buf_release(&signature);
		return -1;
	}
	*sig_len = signature.len;
	*sig = (unsigned char *)ha_buf_detach(&signature);
	return 0;
}

static int
try_once(
    struct session *t, const struct identity *identity, struct signer *signer)
{
	void *abstract = signer;

	if (identity->file == NULL)
		return libssh2_userauth_publickey(t->ssh, t->base.conf->user,
		    (const unsigned char *)identity->blob.data,
		    identity->blob.len, sign, &abstract);
	return libssh2_userauth_publickey_fromfile(
	    t->ssh, t->base.conf->user, NULL, identity->file, "");
}

static int
is_link_error(int rc)
{
	return rc == LIBSSH2_ERROR_SOCKET_DISCONNECT ||
	       rc == LIBSSH2_ERROR_SOCKET_RECV ||
	       rc == LIBSSH2_ERROR_SOCKET_SEND || rc == LIBSSH2_ERROR_TIMEOUT;
}

/* Returns 1 when logged in, 0 when refused (tried then says why), -1. */
static int
try_identity(struct session *t, const struct identities *ids,
    const struct identity *identity, struct ha_buf *tried, struct ha_err *err)
{
	struct signer signer = { ids, identity, t->base.timeout_ms, { 0 } };
	int64_t start_ns = ha_clock_now_ns();
	int rc;

	ha_buf_addf(
	    tried, "%s%.100s", tried->len > 0 ? ", " : "", identity->name);
	if (identity->is_locked) {
		ha_buf_add_str(tried, IDENTITY_LOCKED);
		return 0;
	}
	while ((rc = try_once(t, identity, &signer)) == LIBSSH2_ERROR_EAGAIN)
		if (transport_await(&t->base, start_ns, " to the login", err) <
		    0)
			return -1;
	if (rc == 0)
		return 1;
	if (signer.err.status == EX_TEMPFAIL) {
		*err = signer.err;
		return -1;
	}
	if (is_link_error(rc)) {
		link_lost(t, " during the login", err);
		if (t->farewell != NULL)
			err->status = EX_NOPERM;
		return -1;
	}
	if (signer.err.status != 0)
		ha_buf_addf(tried, " (%.100s)", signer.err.msg);
	else if (rc != LIBSSH2_ERROR_AUTHENTICATION_FAILED &&
		 rc != LIBSSH2_ERROR_PUBLICKEY_UNVERIFIED)
		ha_buf_add_str(tried, " (not readable for libssh2)");
	else if (strcmp(identity->type, "ssh-rsa") == 0 &&
		 !supports_any(t, LIBSSH2_METHOD_HOSTKEY, "rsa-sha2-256"))
		ha_buf_addf(tried,
		    " (libssh2 %s signs with RSA and SHA-1 only, which sshd "
		    "refuses since 8.8: use an ed25519 key)",
		    libssh2_version(0));
	return 0;
}

/* The ways to log in that the server offers; NULL when none is needed. */
static int
ask_methods(struct session *t, char **methods, struct ha_err *err)
{
	int64_t start_ns = ha_clock_now_ns();
	const char *list;

	while ((list = libssh2_userauth_list(t->ssh, t->base.conf->user,
		    (unsigned)strlen(t->base.conf->user))) == NULL &&
	       libssh2_session_last_errno(t->ssh) == LIBSSH2_ERROR_EAGAIN)
		if (transport_await(&t->base, start_ns, " to the login", err) <
		    0)
			return -1;
	*methods = list != NULL ? ha_xstrdup(list) : NULL;
	if (list == NULL && !libssh2_userauth_authenticated(t->ssh))
		return link_lost(t, " before the login", err);
	return 0;
}

static int
log_in(struct session *t, struct ha_err *err)
{
	const struct identities *ids = &t->identities;
	struct ha_buf tried = HA_BUF_INIT;
	char *methods;
	int rc = 0;

	if (ask_methods(t, &methods, err) < 0)
		return -1;
	if (methods == NULL)
		return 0;
	for (size_t i = 0; i < ids->count && rc == 0; i++)
		rc = try_identity(t, ids, &ids->items[i], &tried, err);
	if (rc == 0) {
		note_unused(t, methods, err);
		identities_refused(
		    t->base.conf, &tried, &t->note, methods, err);
	}
	ha_buf_release(&tried);
	free(methods);
	return rc == 1 ? 0 : -1;
}

/* --- a session --- */

static void
set_callbacks(LIBSSH2_SESSION *session)
{
	/* ISO C has no conversion of a function's address to a void *. */
	union {
		LIBSSH2_SEND_FUNC((*send));
		LIBSSH2_RECV_FUNC((*recv));
		LIBSSH2_DISCONNECT_FUNC((*disconnect));
		void *address;
	} callback;

	callback.send = send_to_queue;
	libssh2_session_callback_set(
	    session, LIBSSH2_CALLBACK_SEND, callback.address);
	callback.recv = recv_from_queue;
	libssh2_session_callback_set(
	    session, LIBSSH2_CALLBACK_RECV, callback.address);
	callback.disconnect = note_farewell;
	libssh2_session_callback_set(
	    session, LIBSSH2_CALLBACK_DISCONNECT, callback.address);
}

/* Does ssh know the host by keys that libssh2 can't verify, and no other? */
static int
foresee_host(struct session *t, const struct hostkeys *keys, struct ha_err *err)
{
	struct ha_buf types = HA_BUF_INIT;
	struct ha_buf words = HA_BUF_INIT;
	int rc = 0;

	hostkeys_types(keys, &types);
	hostkeys_known_algorithms(keys, &words);
	if (!supports_any(t, LIBSSH2_METHOD_HOSTKEY, words.data)) {
		if (types.len > 0)
			rc = cant(t, err, "can't verify %.100s host keys",
			    types.data);
		else if (hostkeys_have_authority(keys))
			rc = cant(t, err, "can't verify host certificates");
	}
	ha_buf_release(&types);
	ha_buf_release(&words);
	return rc;
}

/*
 * Are all the keys for nothing?  An RSA key is not: servers older than OpenSSH
 * 8.8 take its signature with SHA-1.
 */
static int
foresee_login(struct session *t, struct ha_err *err)
{
	const char *trouble = NULL;

	for (size_t i = 0; i < t->identities.count; i++) {
		const struct identity *identity = &t->identities.items[i];

		if (identity->is_locked)
			continue;
		trouble = key_trouble(t, identity);
		if (trouble == NULL || trouble == rsa_trouble)
			return 0;
	}
	return trouble != NULL ? cant(t, err, "%s", trouble) : 0;
}

/* Who wants libssh2 and no other gets its own word about what it can't do. */
static int
foresee(struct session *t, const struct hostkeys *keys, struct ha_err *err)
{
	if (t->base.conf->revoked_list != NULL)
		return cant(t, err,
		    "can't obey RevokedHostKeys (mark revoked keys with "
		    "@revoked in a known-hosts file)");
	if (t->inability == NULL)
		return 0;
	if (foresee_host(t, keys, err) < 0)
		return -1;
	return foresee_login(t, err);
}

static int
start_session(struct session *t, struct ha_err *err)
{
	struct hostkeys keys;
	int rc;

	t->ssh = libssh2_session_init_ex(NULL, NULL, NULL, t);
	if (t->ssh == NULL)
		return ha_err_set(err, EX_OSERR, 0, "libssh2 does not start");
	libssh2_session_set_blocking(t->ssh, 0);
	set_callbacks(t->ssh);
	rc = hostkeys_load(&keys, t->base.conf, t->base.timeout_ms, err);
	if (rc == 0)
		rc = identities_collect(&t->identities, t->base.conf,
		    t->base.timeout_ms, &t->note, err);
	if (rc == 0)
		rc = foresee(t, &keys, err);
	if (rc == 0)
		rc = set_preferences(t, &keys, err);
	if (rc == 0)
		rc = dial_open(&t->dial, t->base.conf, t->base.timeout_ms, err);
	t->base.is_up = rc == 0;
	if (rc == 0)
		rc = shake_hands(t, &keys, err);
	if (rc == 0)
		rc = verify_host(t, &keys, err);
	hostkeys_release(&keys);
	return rc;
}

static void
note_success(struct session *t)
{
	ha_note("logged in at %s as %s: %s, %s, %s, %s", t->base.conf->typed,
	    t->base.conf->user,
	    libssh2_session_methods(t->ssh, LIBSSH2_METHOD_KEX),
	    libssh2_session_methods(t->ssh, LIBSSH2_METHOD_HOSTKEY),
	    libssh2_session_methods(t->ssh, LIBSSH2_METHOD_CRYPT_CS),
	    libssh2_session_methods(t->ssh, LIBSSH2_METHOD_MAC_CS));
}

static int
open_session(
    struct transport *base, struct ha_buf *inability, struct ha_err *err)
{
	struct session *t = session_of(base);

	t->inability = inability;
	t->identities.agent_fd = -1;
	ha_buf_init(&t->note);
	ha_buf_init(&t->in.buf);
	ha_buf_init(&t->out.buf);
	ha_buf_init(&t->first);
	t->dial.fd = -1;
	if (start_session(t, err) < 0 || log_in(t, err) < 0)
		return -1;
	note_success(t);
	t->is_ready = 1;
	ha_buf_release(&t->first);
	identities_release(&t->identities);
	return 0;
}

static void
end_session(struct session *t)
{
	int tries = 100;

	if (t->ssh == NULL)
		return;
	if (t->base.is_up) {
		libssh2_session_disconnect(t->ssh, "done");
		flush(t);
	}
	/* From here on libssh2 gets errors instead of waiting for the peer. */
	t->base.is_up = 0;
	while (
	    libssh2_session_free(t->ssh) == LIBSSH2_ERROR_EAGAIN && --tries > 0)
		;
}

static void
close_session(struct transport *base)
{
	struct session *t = session_of(base);

	end_session(t);
	dial_close(&t->dial);
	identities_release(&t->identities);
	ha_buf_release(&t->note);
	queue_release(&t->in);
	queue_release(&t->out);
	ha_buf_release(&t->first);
	free(t->farewell);
	free(t->dying);
}

/* --- channels --- */

/* Returns NULL with the link up (the server refuses) or down. */
static LIBSSH2_CHANNEL *
open_session_channel(struct session *t, struct ha_err *err)
{
	int64_t start_ns = ha_clock_now_ns();
	LIBSSH2_CHANNEL *ssh;

	/* libssh2 opens one channel at a time, and a probe is one. */
	while (t->is_probing)
		if (transport_await(&t->base, start_ns, "", err) < 0)
			return NULL;
	t->is_opening = 1;
	while ((ssh = libssh2_channel_open_ex(t->ssh, "session",
		    sizeof("session") - 1, WINDOW, PACKET, NULL, 0)) == NULL &&
	       libssh2_session_last_errno(t->ssh) == LIBSSH2_ERROR_EAGAIN)
		if (transport_await(
			&t->base, start_ns, " to a new channel", err) < 0)
			return NULL;
	t->is_opening = 0;
	if (ssh != NULL)
		return ssh;
	if (libssh2_session_last_errno(t->ssh) != LIBSSH2_ERROR_CHANNEL_FAILURE)
		link_lost(t, "", err);
	else
		transport_no_channel(&t->base, err);
	return NULL;
}

static struct channel *
start(struct transport *base, const char *request, const char *message,
    struct ha_err *err)
{
	struct session *t = session_of(base);
	int64_t start_ns;
	LIBSSH2_CHANNEL *ssh = open_session_channel(t, err);
	struct channel *c;
	int rc;

	if (ssh == NULL)
		return NULL;
	c = channel_add(base, ssh);
	start_ns = ha_clock_now_ns();
	while ((rc = libssh2_channel_process_startup(ssh, request,
		    (unsigned)strlen(request), message,
		    (unsigned)strlen(message))) == LIBSSH2_ERROR_EAGAIN)
		if (transport_await(base, start_ns, " to a command", err) < 0)
			break;
	if (rc == 0)
		return c;
	if (rc == LIBSSH2_ERROR_CHANNEL_REQUEST_DENIED)
		transport_no_request(base, request, message, err);
	else if (rc != LIBSSH2_ERROR_EAGAIN)
		link_lost(t, "", err);
	channel_close(c);
	return NULL;
}

static void
forget(struct channel *c)
{
	struct session *t = session_of(c->transport);

	t->stuck_ns = 0;
	if (!t->base.is_up)
		return;
	let_die(t, c->own);
	bury(t);
	flush(t);
}

const struct transport_kind transport_libssh2 = {
	.name = "libssh2",
	.size = sizeof(struct session),
	.open = open_session,
	.close = close_session,
	.step = step,
	.start = start,
	.forget = forget,
};
