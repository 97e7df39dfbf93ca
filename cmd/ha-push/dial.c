/* SPDX-License-Identifier: ISC */
/*
 * dial - a byte stream to a host's sshd: over TCP, or through a proxy.
 *
 * Which it is says ssh's configuration.
 */
#include "dial.h"

#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "alloc.h"
#include "buf.h"
#include "clock.h"
#include "run.h"
#include "wait.h"

#define MAX_ADDRESSES 16

/* What the look-up's child writes: an EAI_ value, then addresses. */
struct answer {
	int gai;
	int sys;
	size_t count;
	struct sockaddr_storage addresses[MAX_ADDRESSES];
};

static int
interrupted(struct ha_err *err)
{
	return ha_err_set(err, EX_TEMPFAIL, 0, "interrupted");
}

/* Returns 1 when fd is ready, 0 at the deadline, -1 when interrupted. */
static int
wait_for(int fd, short events, int64_t deadline_ns, struct ha_err *err)
{
	while (ha_clock_now_ns() < deadline_ns) {
		struct pollfd pfd = { .fd = fd, .events = events };
		int n = wait_poll(&pfd, 1, deadline_ns);

		if (n < 0)
			return interrupted(err);
		if (n > 0 && pfd.revents != 0)
			return 1;
	}
	return 0;
}

static void
look_up(const struct sshconf *conf, int flags, struct answer *answer)
{
	struct addrinfo hints = { .ai_socktype = SOCK_STREAM,
		.ai_flags = flags | AI_NUMERICSERV };
	struct addrinfo *found = NULL;
	char port[16];

	memset(answer, 0, sizeof(*answer));
	if (conf->address_family != NULL &&
	    strcmp(conf->address_family, "inet") == 0)
		hints.ai_family = AF_INET;
	else if (conf->address_family != NULL &&
		 strcmp(conf->address_family, "inet6") == 0)
		hints.ai_family = AF_INET6;
	snprintf(port, sizeof(port), "%d", conf->port);
	answer->gai = getaddrinfo(conf->host, port, &hints, &found);
	answer->sys = answer->gai == EAI_SYSTEM ? errno : 0;
	for (struct addrinfo *ai = found; ai != NULL; ai = ai->ai_next)
		if (answer->count < MAX_ADDRESSES)
			memcpy(&answer->addresses[answer->count++], ai->ai_addr,
			    ai->ai_addrlen);
	if (found != NULL)
		freeaddrinfo(found);
}

static void __attribute__((noreturn))
look_up_in_child(const struct sshconf *conf, int fd)
{
	struct answer answer;
	const char *p = (const char *)&answer;
	size_t left = sizeof(answer);
	sigset_t none;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	look_up(conf, 0, &answer);
	while (left > 0) {
		ssize_t n = write(fd, p, left);

		if (n < 0)
			_exit(1);
		p += n;
		left -= (size_t)n;
	}
	_exit(0);
}

static int
read_answer(
    int fd, struct answer *answer, int64_t deadline_ns, struct ha_err *err)
{
	size_t have = 0;

	while (have < sizeof(*answer)) {
		int ready = wait_for(fd, POLLIN, deadline_ns, err);
		ssize_t n;

		if (ready <= 0)
			return ready;
		n = read(fd, (char *)answer + have, sizeof(*answer) - have);
		if (n < 0 && (errno == EAGAIN || errno == EINTR))
			continue;
		if (n <= 0)
			return ha_err_set(err, EX_OSERR, n < 0 ? errno : 0,
			    "the look-up of a host name died");
		have += (size_t)n;
	}
	return 1;
}

static int
judge_answer(
    const struct sshconf *conf, const struct answer *answer, struct ha_err *err)
{
	switch (answer->gai) {
	case 0:
		return 0;
	case EAI_NONAME:
	case EAI_NODATA:
		return ha_err_set(
		    err, EX_UNAVAILABLE, 0, "unknown host %.200s", conf->host);
	case EAI_SYSTEM:
		return ha_err_set(err, EX_UNAVAILABLE, answer->sys,
		    "can't look up host %.200s", conf->host);
	default:
		return ha_err_set(err, EX_UNAVAILABLE, 0,
		    "can't look up host %.200s: %s", conf->host,
		    gai_strerror(answer->gai));
	}
}

static int
resolve(const struct sshconf *conf, struct answer *answer, int64_t timeout_ms,
    struct ha_err *err)
{
	int fds[2];
	int rc;
	pid_t pid;

	look_up(conf, AI_NUMERICHOST, answer);
	if (answer->gai == 0)
		return 0;
	if (pipe2(fds, O_CLOEXEC | O_NONBLOCK) < 0)
		return ha_err_set(err, EX_OSERR, errno, "pipe");
	pid = fork();
	if (pid == 0)
		look_up_in_child(conf, fds[1]);
	close(fds[1]);
	if (pid < 0) {
		close(fds[0]);
		return ha_err_set(err, EX_OSERR, errno, "fork");
	}
	rc = read_answer(fds[0], answer, ha_clock_deadline(timeout_ms), err);
	close(fds[0]);
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	if (rc == 0)
		return ha_err_set(err, EX_UNAVAILABLE, 0,
		    "looking up host %.200s timed out", conf->host);
	return rc < 0 ? -1 : judge_answer(conf, answer, err);
}

static socklen_t
address_size(const struct sockaddr_storage *address)
{
	return address->ss_family == AF_INET6 ? sizeof(struct sockaddr_in6)
					      : sizeof(struct sockaddr_in);
}

static int
bind_to(int fd, int family, const char *name, struct ha_err *err)
{
	struct addrinfo hints = { .ai_family = family,
		.ai_socktype = SOCK_STREAM,
		.ai_flags = AI_NUMERICHOST };
	struct addrinfo *found;
	int rc;

	if (name == NULL)
		return 0;
	if (getaddrinfo(name, NULL, &hints, &found) != 0)
		return ha_err_set(err, EX_CONFIG, 0,
		    "BindAddress %.200s is no address of the peer's family",
		    name);
	rc = bind(fd, found->ai_addr, found->ai_addrlen);
	freeaddrinfo(found);
	if (rc < 0)
		return ha_err_set(err, EX_CONFIG, errno,
		    "can't use BindAddress %.200s", name);
	return 0;
}

static int
connect_failed(const struct sshconf *conf,
    const struct sockaddr_storage *address, int sys, struct ha_err *err)
{
	char numeric[NI_MAXHOST] = "?";

	getnameinfo((const struct sockaddr *)address, address_size(address),
	    numeric, sizeof(numeric), NULL, 0, NI_NUMERICHOST);
	if (strcmp(numeric, conf->host) == 0)
		return ha_err_set(err, EX_UNAVAILABLE, sys,
		    "can't connect to %s port %d", numeric, conf->port);
	return ha_err_set(err, EX_UNAVAILABLE, sys,
	    "can't connect to %.200s (%s) port %d", conf->host, numeric,
	    conf->port);
}

static int
await_connect(int fd, int64_t deadline_ns, int *sys, struct ha_err *err)
{
	socklen_t len = sizeof(*sys);
	int ready = wait_for(fd, POLLOUT, deadline_ns, err);

	if (ready < 0)
		return -1;
	if (ready == 0)
		*sys = ETIMEDOUT;
	else
		getsockopt(fd, SOL_SOCKET, SO_ERROR, sys, &len);
	return 0;
}

void
dial_bound(int fd)
{
	unsigned ms = DIAL_UNHEARD_MS;

	setsockopt(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &ms, sizeof(ms));
}

/* Returns the socket, or -1. */
static int
connect_to(const struct sshconf *conf, const struct sockaddr_storage *address,
    int64_t timeout_ms, struct ha_err *err)
{
	int fd = socket(
	    address->ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	int sys = 0;

	if (fd < 0)
		return ha_err_set(err, EX_OSERR, errno, "socket");
	if (bind_to(fd, address->ss_family, conf->bind_address, err) < 0)
		goto fail;
	if (connect(fd, (const struct sockaddr *)address,
		address_size(address)) < 0)
		sys = errno;
	if (sys == EINPROGRESS &&
	    await_connect(fd, ha_clock_deadline(timeout_ms), &sys, err) < 0)
		goto fail;
	if (sys == 0) {
		int on = 1;

		setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
		dial_bound(fd);
		return fd;
	}
	connect_failed(conf, address, sys, err);
fail:
	close(fd);
	return -1;
}

static int
dial_tcp(struct dial *dial, const struct sshconf *conf, int64_t timeout_ms,
    struct ha_err *err)
{
	struct answer answer;

	if (conf->connect_ms >= 0 && conf->connect_ms < timeout_ms)
		timeout_ms = conf->connect_ms;
	if (resolve(conf, &answer, timeout_ms, err) < 0)
		return -1;
	for (size_t i = 0; i < answer.count && dial->fd < 0; i++) {
		dial->fd =
		    connect_to(conf, &answer.addresses[i], timeout_ms, err);
		if (dial->fd < 0 && err->status == EX_TEMPFAIL)
			return -1;
	}
	return dial->fd < 0 ? -1 : 0;
}

static int
start_proxy(struct dial *dial, const char *const *argv, struct ha_err *err)
{
	struct ha_run run = HA_RUN_INIT;
	int ends[2];
	int rc;

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) < 0)
		return ha_err_set(err, EX_OSERR, errno, "socketpair");
	run.argv = argv;
	run.in = ends[1];
	run.out = ends[1];
	rc = ha_run_start(&run, &dial->proxy, NULL, err);
	close(ends[1]);
	if (rc < 0) {
		dial->proxy = 0;
		close(ends[0]);
		return -1;
	}
	/* Only our end: the proxy may not expect it of its own. */
	fcntl(ends[0], F_SETFL, O_NONBLOCK);
	dial->fd = ends[0];
	return 0;
}

static int
dial_command(struct dial *dial, const struct sshconf *conf, struct ha_err *err)
{
	char *line = ha_xasprintf("exec %s", conf->proxy_command);
	const char *argv[] = { "/bin/sh", "-c", line, NULL };
	int rc = start_proxy(dial, argv, err);

	free(line);
	return rc;
}

/* Split "[USER@]HOST[:PORT]" or "ssh://…" in place. */
static void
split_jump(char *jump, char **user, char **host, char **port)
{
	char *at, *colon;

	if (strncmp(jump, "ssh://", 6) == 0)
		jump += 6;
	*user = *port = NULL;
	at = strrchr(jump, '@');
	if (at != NULL) {
		*at = '\0';
		*user = jump;
		jump = at + 1;
	}
	colon = strrchr(jump, ':');
	if (*jump == '[' && strchr(jump, ']') != NULL) {
		char *close_at = strchr(jump, ']');

		*close_at = '\0';
		jump++;
		colon = close_at[1] == ':' ? close_at + 1 : NULL;
	} else if (colon != NULL && strchr(jump, ':') != colon) {
		colon = NULL;
	}
	if (colon != NULL) {
		*colon = '\0';
		*port = colon + 1;
	}
	*host = jump;
}

/* As OpenSSH: the last jump is the one to start, by way of those before it. */
static int
dial_jump(struct dial *dial, const struct sshconf *conf, struct ha_err *err)
{
	char *chain = ha_xstrdup(conf->proxy_jump);
	char *last = strrchr(chain, ',');
	char *target = ha_xasprintf("[%s]:%d", conf->host, conf->port);
	const char *argv[18] = { "ssh", "-o", "BatchMode=yes", "-W", target };
	size_t n = 5;
	char *user, *host, *port;
	int rc;

	if (last != NULL)
		*last = '\0';
	split_jump(last != NULL ? last + 1 : chain, &user, &host, &port);
	if (conf->file != NULL) {
		argv[n++] = "-F";
		argv[n++] = conf->file;
	}
	if (user != NULL) {
		argv[n++] = "-l";
		argv[n++] = user;
	}
	if (port != NULL) {
		argv[n++] = "-p";
		argv[n++] = port;
	}
	if (last != NULL) {
		argv[n++] = "-J";
		argv[n++] = chain;
	}
	argv[n++] = "--";
	argv[n] = host;
	rc = start_proxy(dial, argv, err);
	free(target);
	free(chain);
	return rc;
}

int
dial_open(struct dial *dial, const struct sshconf *conf, int64_t timeout_ms,
    struct ha_err *err)
{
	if (conf->proxy_command != NULL)
		return dial_command(dial, conf, err);
	if (conf->proxy_jump != NULL)
		return dial_jump(dial, conf, err);
	return dial_tcp(dial, conf, timeout_ms, err);
}

void
dial_close(struct dial *dial)
{
	if (dial->fd >= 0)
		close(dial->fd);
	if (dial->proxy > 0)
		ha_run_reap(dial->proxy, ha_clock_now_ns());
	dial->fd = -1;
	dial->proxy = 0;
}
