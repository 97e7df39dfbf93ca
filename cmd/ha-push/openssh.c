/* SPDX-License-Identifier: ISC */
/*
 * openssh - the transport over one kept `ssh`, for what libssh2 can't do.
 *
 * ssh is a ControlMaster of our own.  Over the one connection to its control
 * socket, which nobody else can make, it is asked for "proxy" mode: from then
 * on the messages of SSH's connection protocol go to and fro, while ssh does
 * the encryption, the keys and the keep-alives.  So a channel costs no process
 * and no descriptor, and its end has a status and a signal, which ssh's other
 * mode, with descriptors, does not tell.
 * Source: OpenSSH's PROTOCOL.mux, sections 1 and 9; RFC 4254.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <unistd.h>

#include "alloc.h"
#include "clock.h"
#include "complaint.h"
#include "dial.h"
#include "msg.h"
#include "run.h"
#include "transport-kind.h"
#include "wait.h"
#include "wire.h"

enum {
	MUX_HELLO = 1,
	MUX_VERSION = 4,
	MUX_PROXY = 0x1000000f,
	MUX_REQUEST = 1, /* our one request's number */

	SSH_CHANNEL_OPEN = 90,
	SSH_CHANNEL_CONFIRMATION = 91,
	SSH_CHANNEL_FAILURE_TO_OPEN = 92,
	SSH_CHANNEL_WINDOW_ADJUST = 93,
	SSH_CHANNEL_DATA = 94,
	SSH_CHANNEL_EXTENDED_DATA = 95,
	SSH_CHANNEL_EOF = 96,
	SSH_CHANNEL_CLOSE = 97,
	SSH_CHANNEL_REQUEST = 98,
	SSH_CHANNEL_SUCCESS = 99,
	SSH_CHANNEL_FAILURE = 100,

	MESSAGE_MAX = 1024 * 1024,
	LOGIN_STEPS = 4, /* name, connect, key exchange, login */
	LAST_WORDS_MS = 1000, /* for ssh's own end, once the socket is closed */
	NO_STATUS = 255,
	SUN_PATH = sizeof(((struct sockaddr_un *)NULL)->sun_path),
	TEMPORARY = 17 /* what ssh appends to the socket's name for a moment */
};

/* PROTOCOL.mux's, which is no int. */
#define MUX_IS_PROXY 0x8000000fU

enum phase { GREETING, REQUESTING, PROXYING };

struct session {
	struct transport base;
	pid_t ssh; /* 0: none */
	int pidfd, stderr_fd;
	int fd; /* the control connection */
	struct queue in, out;
	struct complaint complaint;
	enum phase phase;
	int eof;
	uint32_t last_id; /* of a channel */
};

/* A channel's numbers.  Its struct channel is what the bytes are in. */
struct line {
	uint32_t id, peer_id;
	uint32_t window, packet; /* what the peer takes yet, and at once */
	uint32_t granted; /* what it may send yet */
	int is_open, is_refused;
	int answer; /* to our request: 1 yes, -1 no */
	int status; /* -1: none came */
	int close_sent;
};

static struct session *
session_of(struct transport *t)
{
	return (struct session *)t;
}

static void
close_fd(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

/* --- ssh's words --- */

static void
hear(struct session *t)
{
	char text[4096];
	ssize_t n;

	while (t->stderr_fd >= 0) {
		n = read(t->stderr_fd, text, sizeof(text));
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && errno == EAGAIN)
			return;
		if (n <= 0)
			close_fd(&t->stderr_fd);
		else
			complaint_add(&t->complaint, text, (size_t)n);
	}
}

static int
has_ended(const struct session *t)
{
	struct pollfd pfd = { t->pidfd, POLLIN, 0 };

	return poll(&pfd, 1, 0) > 0;
}

/* ssh's status, as from ha_run_reap(); one that is still there is ended. */
static int
reap(struct session *t)
{
	int status;

	if (t->ssh == 0)
		return NO_STATUS;
	status = ha_run_reap(t->ssh, ha_clock_now_ns());
	t->ssh = 0;
	close_fd(&t->pidfd);
	hear(t);
	return status;
}

/* The control connection is at its end: ssh is, too, or about to be. */
static int
link_lost(struct session *t, struct ha_err *err)
{
	int64_t deadline_ns = ha_clock_deadline(LAST_WORDS_MS);
	char silence[64];
	int status;

	t->base.is_up = 0;
	while (
	    t->ssh != 0 && !has_ended(t) && ha_clock_now_ns() < deadline_ns) {
		struct pollfd fds[2] = { { t->pidfd, POLLIN, 0 },
			{ t->stderr_fd, POLLIN, 0 } };

		if (wait_poll(fds, 2, deadline_ns) < 0)
			break;
		hear(t);
	}
	status = reap(t);
	ha_clock_words(
	    LOST_AFTER * t->base.keepalive_ms, silence, sizeof(silence));
	return complaint_lost(
	    &t->complaint, t->base.conf, status, silence, err);
}

static int
nonsense(struct session *t, struct ha_err *err)
{
	t->base.is_up = 0;
	return ha_err_set(err, EX_UNAVAILABLE, 0,
	    "the session with %.200s broke: ssh's control socket does not "
	    "speak its protocol",
	    t->base.conf->typed);
}

/* --- messages --- */

/* Proxy mode: a length, a padding of none, a type, the rest. */
static void
put_head(struct session *t, int type, size_t rest)
{
	wire_put_number(&t->out.buf, (uint32_t)(2 + rest));
	ha_buf_add_char(&t->out.buf, 0);
	ha_buf_add_char(&t->out.buf, (char)type);
}

/* A message that is only about the channel. */
static void
put_short(struct session *t, int type, const struct line *line)
{
	put_head(t, type, 4);
	wire_put_number(&t->out.buf, line->peer_id);
}

static void
put_adjust(struct session *t, struct line *line, uint32_t more)
{
	put_head(t, SSH_CHANNEL_WINDOW_ADJUST, 8);
	wire_put_number(&t->out.buf, line->peer_id);
	wire_put_number(&t->out.buf, more);
	line->granted += more;
}

static void
put_data(
    struct session *t, const struct line *line, const char *data, size_t len)
{
	put_head(t, SSH_CHANNEL_DATA, 8 + len);
	wire_put_number(&t->out.buf, line->peer_id);
	wire_put_string(&t->out.buf, data, len);
}

static void
put_open(struct session *t, const struct line *line)
{
	static const char type[] = "session";

	put_head(t, SSH_CHANNEL_OPEN, 4 + sizeof(type) - 1 + 12);
	wire_put_string(&t->out.buf, type, sizeof(type) - 1);
	wire_put_number(&t->out.buf, line->id);
	wire_put_number(&t->out.buf, line->granted);
	wire_put_number(&t->out.buf, PACKET);
}

static void
put_request(struct session *t, const struct line *line, const char *request,
    const char *message)
{
	size_t len = strlen(message);

	put_head(t, SSH_CHANNEL_REQUEST, 4 + 4 + strlen(request) + 1 + 4 + len);
	wire_put_number(&t->out.buf, line->peer_id);
	wire_put_string(&t->out.buf, request, strlen(request));
	ha_buf_add_char(&t->out.buf, 1);
	wire_put_string(&t->out.buf, message, len);
}

static void
put_close(struct session *t, struct line *line)
{
	if (!line->close_sent)
		put_short(t, SSH_CHANNEL_CLOSE, line);
	line->close_sent = 1;
}

/* --- what the peer says about a channel --- */

static int
is_text(const struct wire_cursor *string, const char *text)
{
	return string->left == strlen(text) &&
	       memcmp(string->p, text, string->left) == 0;
}

static int
take_confirmation(struct line *line, struct wire_cursor *m)
{
	if (wire_get_number(m, &line->peer_id) < 0 ||
	    wire_get_number(m, &line->window) < 0 ||
	    wire_get_number(m, &line->packet) < 0)
		return -1;
	if (line->packet > PACKET)
		line->packet = PACKET;
	line->is_open = 1;
	return 0;
}

static int
take_adjust(struct line *line, struct wire_cursor *m)
{
	uint32_t more;

	if (wire_get_number(m, &more) < 0)
		return -1;
	line->window =
	    more > UINT32_MAX - line->window ? UINT32_MAX : line->window + more;
	return 0;
}

static int
take_data(struct channel *c, int is_extended, struct wire_cursor *m)
{
	struct line *line = c->own;
	struct wire_cursor data;
	uint32_t kind = 0;

	if ((is_extended && wire_get_number(m, &kind) < 0) ||
	    wire_get_string(m, &data) < 0 || data.left > line->granted)
		return -1;
	line->granted -= (uint32_t)data.left;
	c->bytes += data.left;
	if (!is_extended) {
		ha_buf_add(&c->in.buf, data.p, data.left);
		return 0;
	}
	ha_buf_add(&c->errors, data.p, data.left);
	channel_trim_errors(c);
	return 0;
}

/* How the command ended; what else there is, like a keep-alive, gets a no. */
static int
take_request(struct session *t, struct line *line, struct wire_cursor *m)
{
	struct wire_cursor name, signal;
	uint32_t status;
	int wants_answer;

	if (wire_get_string(m, &name) < 0 || m->left < 1)
		return -1;
	wants_answer = *m->p++;
	m->left--;
	if (is_text(&name, "exit-status") && wire_get_number(m, &status) == 0) {
		line->status = (int)(status & 255);
	} else if (is_text(&name, "exit-signal") &&
		   wire_get_string(m, &signal) == 0) {
		char *text = ha_xmemdup(signal.p, signal.left);

		line->status = 128 + channel_signal(text);
		free(text);
	}
	if (wants_answer && !line->close_sent)
		put_short(t, SSH_CHANNEL_FAILURE, line);
	return 0;
}

static int
take_close(struct session *t, struct channel *c)
{
	struct line *line = c->own;

	c->eof = c->closed = 1;
	c->status = line->status < 0 ? NO_STATUS : line->status;
	put_close(t, line);
	return 0;
}

/* Returns -1 for what can't be. */
static int
take_channel_message(
    struct session *t, struct channel *c, int type, struct wire_cursor *m)
{
	struct line *line = c->own;

	switch (type) {
	case SSH_CHANNEL_CONFIRMATION:
		return take_confirmation(line, m);
	case SSH_CHANNEL_FAILURE_TO_OPEN:
		line->is_refused = 1;
		return 0;
	case SSH_CHANNEL_WINDOW_ADJUST:
		return take_adjust(line, m);
	case SSH_CHANNEL_DATA:
		return take_data(c, 0, m);
	case SSH_CHANNEL_EXTENDED_DATA:
		return take_data(c, 1, m);
	case SSH_CHANNEL_EOF:
		c->eof = 1;
		return 0;
	case SSH_CHANNEL_CLOSE:
		return take_close(t, c);
	case SSH_CHANNEL_REQUEST:
		return take_request(t, line, m);
	case SSH_CHANNEL_SUCCESS:
	case SSH_CHANNEL_FAILURE:
		line->answer = type == SSH_CHANNEL_SUCCESS ? 1 : -1;
		return 0;
	}
	return 0;
}

static struct channel *
channel_of(const struct session *t, uint32_t id)
{
	struct channel *c = t->base.channels;

	while (c != NULL && ((const struct line *)c->own)->id != id)
		c = c->next;
	return c;
}

/* What comes for a channel that we have closed is nobody's. */
static int
take_proxied(struct session *t, struct wire_cursor *m)
{
	struct channel *c;
	uint32_t id;
	int type;

	if (m->left < 2)
		return -1;
	type = m->p[1];
	m->p += 2;
	m->left -= 2;
	if (wire_get_number(m, &id) < 0)
		return -1;
	c = channel_of(t, id);
	return c != NULL ? take_channel_message(t, c, type, m) : 0;
}

static int
take_greeting(struct session *t, struct wire_cursor *m)
{
	uint32_t type, value;

	if (wire_get_number(m, &type) < 0 || wire_get_number(m, &value) < 0)
		return -1;
	if (t->phase == GREETING && type == MUX_HELLO && value == MUX_VERSION)
		t->phase = REQUESTING;
	else if (t->phase == REQUESTING && type == MUX_IS_PROXY)
		t->phase = PROXYING;
	else
		return -1;
	return 0;
}

/* Returns 1 when messages came, 0 when not, -1 for what can't be. */
static int
take_messages(struct session *t)
{
	int taken = 0;

	while (queue_len(&t->in) >= 4) {
		struct wire_cursor m = {
			(const unsigned char *)queue_head(&t->in) + 4,
			wire_number_at(queue_head(&t->in))
		};
		size_t len = 4 + m.left;

		if (m.left > MESSAGE_MAX)
			return -1;
		if (queue_len(&t->in) < len)
			break;
		if ((t->phase == PROXYING ? take_proxied(t, &m)
					  : take_greeting(t, &m)) < 0)
			return -1;
		queue_drop(&t->in, len);
		taken = 1;
	}
	return taken;
}

/* --- the control connection --- */

static int
fill(struct session *t)
{
	char *to = queue_room(&t->in, SOCKET_ROOM);
	ssize_t n = recv(t->fd, to, SOCKET_ROOM, 0);

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return 0;
	if (n <= 0) {
		t->eof = 1;
		return 1;
	}
	queue_added(&t->in, (size_t)n);
	return 1;
}

/* What ssh said before it went is still to be read, so no error is met here. */
static int
flush(struct session *t)
{
	int moved = 0;

	while (queue_len(&t->out) > 0) {
		ssize_t n = send(t->fd, queue_head(&t->out), queue_len(&t->out),
		    MSG_NOSIGNAL);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			break;
		queue_drop(&t->out, (size_t)n);
		moved = 1;
	}
	queue_compact(&t->out);
	return moved;
}

static int
send_output(struct session *t, struct channel *c)
{
	struct line *line = c->own;
	size_t share = CHANNEL_SHARE;
	int moved = 0;

	if (c->closed || c->eof_sent || !line->is_open)
		return 0;
	while (queue_len(&t->out) < SOCKET_FULL && share > 0) {
		size_t n = queue_len(&c->out);

		n = n < line->window ? n : line->window;
		n = n < line->packet ? n : line->packet;
		n = n < share ? n : share;
		if (n == 0)
			break;
		put_data(t, line, queue_head(&c->out), n);
		queue_drop(&c->out, n);
		line->window -= (uint32_t)n;
		c->bytes += n;
		share -= n;
		moved = 1;
	}
	queue_compact(&c->out);
	if (c->eof_wanted && queue_len(&c->out) == 0) {
		put_short(t, SSH_CHANNEL_EOF, line);
		c->eof_sent = moved = 1;
	}
	return moved;
}

/* The peer may send as much as there is room for. */
static void
grant(struct session *t, struct channel *c)
{
	struct line *line = c->own;
	size_t taken = queue_len(&c->in) + line->granted;

	if (line->is_open && !c->eof && taken <= BUFFER_ROOM / 2)
		put_adjust(t, line, (uint32_t)(BUFFER_ROOM - taken));
}

static int
pump_all(struct session *t)
{
	int moved = 0;

	for (struct channel *c = t->base.channels; c != NULL; c = c->next) {
		moved |= channel_deliver(c);
		moved |= channel_finish(c);
		moved |= channel_gather(c);
		moved |= send_output(t, c);
		grant(t, c);
	}
	channel_rotate(&t->base);
	return moved;
}

static int
move_all(struct session *t, struct ha_err *err)
{
	int moved = fill(t);
	int taken = take_messages(t);

	hear(t);
	if (taken < 0)
		return nonsense(t, err);
	moved |= pump_all(t) | taken;
	if (t->eof)
		return link_lost(t, err);
	return flush(t) | moved;
}

static int
wait_all(struct session *t, int64_t deadline_ns)
{
	struct pollfd fds[2 + 2 * TRANSPORT_MAX_CHANNELS];
	nfds_t n;

	fds[0] = (struct pollfd){ t->fd, POLLIN, 0 };
	if (queue_len(&t->out) > 0)
		fds[0].events |= POLLOUT;
	fds[1] = (struct pollfd){ t->stderr_fd, POLLIN, 0 };
	n = 2 + channel_poll(&t->base, fds + 2);
	return wait_poll(fds, n, deadline_ns);
}

static int
step(struct transport *base, int64_t deadline_ns, struct ha_err *err)
{
	struct session *t = session_of(base);
	int moved = move_all(t, err);

	if (moved != 0)
		return moved;
	if (wait_all(t, deadline_ns) < 0)
		return ha_err_set(err, EX_TEMPFAIL, 0, "interrupted");
	return move_all(t, err);
}

/* --- the directory of the control socket --- */

/* It is there only until the one connection is made. */
struct nest {
	int fd, inotify;
	char *path;
};

#define SOCKET_NAME "m"

static int
nest_open(struct nest *nest, struct ha_err *err)
{
	const char *parent = getenv("TMPDIR");

	if (parent == NULL || *parent != '/')
		parent = "/tmp";
	nest->fd = nest->inotify = -1;
	nest->path = ha_xasprintf("%s/ha-push.XXXXXX", parent);
	if (mkdtemp(nest->path) == NULL) {
		ha_err_set(err, EX_CANTCREAT, errno,
		    "can't make a directory for ssh in %.200s", parent);
		free(nest->path);
		nest->path = NULL;
		return -1;
	}
	nest->fd = open(nest->path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	nest->inotify = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
	if (nest->fd < 0 || nest->inotify < 0 ||
	    inotify_add_watch(nest->inotify, nest->path, IN_CREATE) < 0)
		return ha_err_set(
		    err, EX_OSERR, errno, "can't watch %.200s", nest->path);
	return 0;
}

/* An ssh that was ended may have left its socket under the first name. */
static void
nest_empty(const struct nest *nest)
{
	DIR *dir = opendir(nest->path);
	const struct dirent *entry;

	while (dir != NULL && (entry = readdir(dir)) != NULL)
		if (*entry->d_name != '.')
			unlinkat(nest->fd, entry->d_name, 0);
	if (dir != NULL)
		closedir(dir);
}

static void
nest_close(struct nest *nest)
{
	if (nest->fd >= 0)
		nest_empty(nest);
	if (nest->path != NULL)
		rmdir(nest->path);
	close_fd(&nest->fd);
	close_fd(&nest->inotify);
	free(nest->path);
	nest->path = NULL;
}

/* A socket's address is short; a long directory has a short name in /proc. */
static char *
nest_socket(const struct nest *nest)
{
	char *path = ha_xasprintf("%s/" SOCKET_NAME, nest->path);

	if (strlen(path) + TEMPORARY < SUN_PATH)
		return path;
	free(path);
	return ha_xasprintf(
	    "/proc/%ld/fd/%d/" SOCKET_NAME, (long)getpid(), nest->fd);
}

/* Returns the connection, -1 when ssh is not listening yet. */
static int
nest_connect(const struct nest *nest)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	snprintf(address.sun_path, sizeof(address.sun_path),
	    "/proc/self/fd/%d/" SOCKET_NAME, nest->fd);
	if (fd >= 0 &&
	    connect(fd, (const struct sockaddr *)&address, sizeof(address)) < 0)
		close_fd(&fd);
	return fd;
}

static void
nest_read_events(const struct nest *nest)
{
	char events[1024];

	while (read(nest->inotify, events, sizeof(events)) > 0)
		;
}

/* --- login --- */

/* ssh counts in seconds. */
static int
seconds(int64_t ms)
{
	return ms <= 0 ? 0 : (int)((ms + 999) / 1000);
}

static int64_t
connect_ms(const struct session *t)
{
	int64_t ms = t->base.conf->connect_ms;

	return ms > 0 && ms < t->base.timeout_ms ? ms : t->base.timeout_ms;
}

/*
 * What could make ssh ask, forward, fork, share or run something is switched
 * off; all the rest is the user's configuration.
 */
static int
start_ssh(struct session *t, const struct nest *nest, int stderr_fd,
    struct ha_err *err)
{
	const struct sshconf *conf = t->base.conf;
	struct ha_run run = HA_RUN_INIT;
	char *path = nest_socket(nest);
	char *alive = ha_xasprintf(
	    "ServerAliveInterval=%d", seconds(t->base.keepalive_ms));
	char *count = ha_xasprintf("ServerAliveCountMax=%d", LOST_AFTER);
	char *wait = ha_xasprintf("ConnectTimeout=%d", seconds(connect_ms(t)));
	const char *argv[48] = { "ssh", "-N", "-M", "-S", path, "-T", "-a",
		"-x", "-o", alive, "-o", count, "-o", wait, "-o",
		"BatchMode=yes", "-o", "StrictHostKeyChecking=yes", "-o",
		"UpdateHostKeys=no", "-o", "ControlPersist=no", "-o",
		"ClearAllForwardings=yes", "-o", "Tunnel=no", "-o",
		"RemoteCommand=none", "-o", "PermitLocalCommand=no", "-o",
		"LogLevel=DEBUG1" };
	size_t n = 0;
	int rc;

	while (argv[n] != NULL)
		n++;
	if (conf->file != NULL) {
		argv[n++] = "-F";
		argv[n++] = conf->file;
	}
	if (conf->login != NULL) {
		argv[n++] = "-l";
		argv[n++] = conf->login;
	}
	/* Older ones don't know this option. */
	if (conf->forks) {
		argv[n++] = "-o";
		argv[n++] = "ForkAfterAuthentication=no";
	}
	argv[n++] = "--";
	argv[n] = conf->typed;
	run.argv = argv;
	run.err = stderr_fd;
	rc = ha_run_start(&run, &t->ssh, &t->pidfd, err);
	if (rc < 0)
		t->ssh = 0;
	free(path);
	free(alive);
	free(count);
	free(wait);
	return rc;
}

static int
start(struct session *t, const struct nest *nest, struct ha_err *err)
{
	int ends[2];
	int rc;

	if (pipe2(ends, O_CLOEXEC) < 0)
		return ha_err_set(err, EX_OSERR, errno, "pipe");
	t->stderr_fd = ends[0];
	fcntl(ends[0], F_SETFL, O_NONBLOCK);
	rc = start_ssh(t, nest, ends[1], err);
	close(ends[1]);
	return rc;
}

static int
no_login_yet(struct session *t, int64_t start_ns, struct ha_err *err)
{
	char since[64];

	ha_clock_words(
	    (ha_clock_now_ns() - start_ns) / HA_MS_NS, since, sizeof(since));
	return complaint_no_answer(
	    &t->complaint, t->base.conf, since, t->base.timeout_ms, err);
}

/* ssh listens to its control socket once it has logged in. */
static int
await_login(struct session *t, const struct nest *nest, struct ha_err *err)
{
	int64_t start_ns = ha_clock_now_ns();
	int64_t deadline_ns =
	    ha_clock_deadline(LOGIN_STEPS * t->base.timeout_ms);

	for (;;) {
		struct pollfd fds[3] = { { nest->inotify, POLLIN, 0 },
			{ t->stderr_fd, POLLIN, 0 }, { t->pidfd, POLLIN, 0 } };

		nest_read_events(nest);
		hear(t);
		t->fd = nest_connect(nest);
		if (t->fd >= 0)
			return 0;
		if (has_ended(t))
			return complaint_no_login(&t->complaint, t->base.conf,
			    reap(t), t->base.timeout_ms, err);
		if (ha_clock_now_ns() >= deadline_ns)
			return no_login_yet(t, start_ns, err);
		if (wait_poll(fds, 3, deadline_ns) < 0)
			return ha_err_set(err, EX_TEMPFAIL, 0, "interrupted");
	}
}

/*
 * The socket is ssh's, which has no option for this; behind a proxy it is
 * another process's.  Source: pidfd_getfd(2), Linux 5.6.
 */
static void
bound_sockets(const struct session *t)
{
	char *path = ha_xasprintf("/proc/%ld/fd", (long)t->ssh);
	DIR *dir = opendir(path);
	const struct dirent *entry;
	int is_denied = 0;

	while (dir != NULL && (entry = readdir(dir)) != NULL) {
		int fd = (int)syscall(
		    SYS_pidfd_getfd, t->pidfd, atoi(entry->d_name), 0);

		is_denied |= fd < 0 && errno == EPERM;
		if (fd >= 0) {
			dial_bound(fd);
			close(fd);
		}
	}
	if (is_denied)
		ha_note("%s: ssh's socket can't be reached (kernel.yama."
			"ptrace_scope?): what it sends may arrive long after "
			"the link was cut",
		    t->base.conf->typed);
	if (dir != NULL)
		closedir(dir);
	free(path);
}

static int
enter_proxy_mode(struct session *t, struct ha_err *err)
{
	int64_t start_ns = ha_clock_now_ns();

	complaint_forget(&t->complaint);
	t->base.is_up = 1;
	wire_put_number(&t->out.buf, 8);
	wire_put_number(&t->out.buf, MUX_HELLO);
	wire_put_number(&t->out.buf, MUX_VERSION);
	wire_put_number(&t->out.buf, 8);
	wire_put_number(&t->out.buf, MUX_PROXY);
	wire_put_number(&t->out.buf, MUX_REQUEST);
	while (t->phase != PROXYING)
		if (transport_await(&t->base, start_ns,
			" to ssh's control socket", err) < 0)
			return -1;
	return 0;
}

/* Once ssh has answered it has given up the socket's first name, too. */
static int
log_in(struct session *t, struct ha_err *err)
{
	struct nest nest;
	int rc = nest_open(&nest, err);

	if (rc == 0)
		rc = start(t, &nest, err);
	if (rc == 0)
		rc = await_login(t, &nest, err);
	if (rc == 0)
		rc = enter_proxy_mode(t, err);
	if (rc == 0)
		bound_sockets(t);
	if (rc < 0)
		reap(t);
	nest_close(&nest);
	return rc;
}

static int
open_session(
    struct transport *base, struct ha_buf *inability, struct ha_err *err)
{
	struct session *t = session_of(base);

	(void)inability;
	t->pidfd = t->stderr_fd = t->fd = -1;
	ha_buf_init(&t->in.buf);
	ha_buf_init(&t->out.buf);
	complaint_init(&t->complaint);
	if (log_in(t, err) < 0)
		return -1;
	ha_note("logged in at %s as %s with ssh: %s", base->conf->typed,
	    base->conf->user, t->complaint.key != NULL ? t->complaint.key : "");
	return 0;
}

static void
close_session(struct transport *base)
{
	struct session *t = session_of(base);

	for (struct channel *c = base->channels; c != NULL; c = c->next) {
		free(c->own);
		c->own = NULL;
	}
	if (base->is_up)
		flush(t);
	reap(t);
	close_fd(&t->fd);
	close_fd(&t->stderr_fd);
	queue_release(&t->in);
	queue_release(&t->out);
	complaint_release(&t->complaint);
}

/* --- channels --- */

static void
forget(struct channel *c)
{
	struct session *t = session_of(c->transport);
	struct line *line = c->own;

	if (t->base.is_up && line->is_open) {
		put_close(t, line);
		flush(t);
	}
	free(line);
	c->own = NULL;
}

/* Returns 1 when it is open, 0 when it is refused, -1. */
static int
open_channel(struct session *t, const struct line *line, struct ha_err *err)
{
	int64_t start_ns = ha_clock_now_ns();

	put_open(t, line);
	while (!line->is_open && !line->is_refused)
		if (transport_await(
			&t->base, start_ns, " to a new channel", err) < 0)
			return -1;
	return line->is_open;
}

static int
ask(struct session *t, const struct channel *c, const char *request,
    const char *message, struct ha_err *err)
{
	const struct line *line = c->own;
	int64_t start_ns = ha_clock_now_ns();

	put_request(t, line, request, message);
	while (line->answer == 0 && !c->closed)
		if (transport_await(&t->base, start_ns, " to a command", err) <
		    0)
			return -1;
	if (line->answer > 0)
		return 0;
	return transport_no_request(&t->base, request, message, err);
}

static struct channel *
start_channel(struct transport *base, const char *request, const char *message,
    struct ha_err *err)
{
	struct session *t = session_of(base);
	struct line *line = ha_xcalloc(1, sizeof(*line));
	struct channel *c = channel_add(base, line);
	int rc;

	line->id = ++t->last_id;
	line->granted = BUFFER_ROOM;
	line->status = -1;
	rc = open_channel(t, line, err);
	if (rc == 0)
		transport_no_channel(base, err);
	if (rc == 1 && ask(t, c, request, message, err) == 0)
		return c;
	channel_close(c);
	return NULL;
}

const struct transport_kind transport_openssh = {
	.name = "ssh",
	.size = sizeof(struct session),
	.open = open_session,
	.close = close_session,
	.step = step,
	.start = start_channel,
	.forget = forget,
};
