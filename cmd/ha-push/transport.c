/* SPDX-License-Identifier: ISC */
/*
 * transport - one authenticated session to the peer and its channels.
 *
 * The kinds of it stand behind transport-kind.h.
 */
#include "transport.h"

#include <stdlib.h>
#include <string.h>

#include "alloc.h"
#include "clock.h"
#include "msg.h"
#include "transport-kind.h"

static int
is_lost(const struct transport *t, struct ha_err *err)
{
	if (t->is_up)
		return 0;
	return ha_err_set(err, EX_UNAVAILABLE, 0,
	    "the connection to %.200s is lost", t->conf->typed);
}

int
transport_no_answer(struct transport *t, int64_t since_ns, const char *doing,
    struct ha_err *err)
{
	char words[64];

	t->is_up = 0;
	ha_clock_words(
	    (ha_clock_now_ns() - since_ns) / HA_MS_NS, words, sizeof(words));
	return ha_err_set(err, EX_UNAVAILABLE, 0,
	    "no answer from %.200s for %s%s", t->conf->typed, words, doing);
}

int
transport_no_channel(const struct transport *t, struct ha_err *err)
{
	return ha_err_set(err, EX_UNAVAILABLE, 0,
	    "%.200s refuses one more channel (MaxSessions in its sshd_config?)",
	    t->conf->typed);
}

int
transport_no_request(const struct transport *t, const char *request,
    const char *message, struct ha_err *err)
{
	return ha_err_set(err, EX_UNAVAILABLE, 0,
	    "%.200s refuses the %s: %.200s", t->conf->typed,
	    *request == 'e' ? "command" : request, message);
}

int
transport_await(struct transport *t, int64_t start_ns, const char *doing,
    struct ha_err *err)
{
	int64_t deadline_ns = start_ns + t->timeout_ms * HA_MS_NS;

	if (ha_clock_now_ns() >= deadline_ns)
		return transport_no_answer(t, start_ns, doing, err);
	if (t->kind->step(t, deadline_ns, err) < 0) {
		t->is_up = 0;
		return -1;
	}
	return 0;
}

/* Gives back everything but the configuration. */
static void
free_link(struct transport *t)
{
	t->kind->close(t);
	for (struct channel *c = t->channels; c != NULL; c = c->next)
		c->transport = NULL;
	free(t);
}

static void
free_conf(struct sshconf *conf)
{
	sshconf_release(conf);
	free(conf);
}

static struct transport *
open_kind(const struct transport_kind *kind, struct sshconf *ssh,
    const struct transport_conf *conf, struct ha_buf *inability,
    struct ha_err *err)
{
	struct transport *t = ha_xcalloc(1, kind->size);

	t->kind = kind;
	t->conf = ssh;
	t->timeout_ms = conf->timeout_ms;
	t->keepalive_ms = conf->keepalive_ms;
	if (kind->open(t, inability, err) == 0)
		return t;
	free_link(t);
	return NULL;
}

/*
 * libssh2 first, without being asked: it needs no other process.  What it can't
 * do today it can't tomorrow, and a failed login each time would be noise.
 */
static struct transport *
open_either(
    struct sshconf *ssh, const struct transport_conf *conf, struct ha_err *err)
{
	static int is_unfit;
	struct ha_buf inability = HA_BUF_INIT;
	struct transport *t = NULL;

	if (!is_unfit)
		t = open_kind(&transport_libssh2, ssh, conf, &inability, err);
	if (inability.len > 0) {
		ha_say("%s: libssh2 %s; using ssh", ssh->typed, inability.data);
		is_unfit = 1;
	}
	ha_buf_release(&inability);
	if (t == NULL && is_unfit)
		t = open_kind(&transport_openssh, ssh, conf, NULL, err);
	return t;
}

static struct transport *
open_wanted(
    struct sshconf *ssh, const struct transport_conf *conf, struct ha_err *err)
{
	if (conf->kind == NULL)
		return open_either(ssh, conf, err);
	if (strcmp(conf->kind, transport_openssh.name) == 0)
		return open_kind(&transport_openssh, ssh, conf, NULL, err);
	return open_kind(&transport_libssh2, ssh, conf, NULL, err);
}

int
transport_open(struct transport **transport, const struct transport_conf *conf,
    struct ha_err *err)
{
	struct sshconf *ssh = ha_xcalloc(1, sizeof(*ssh));

	*transport = NULL;
	if (sshconf_load(ssh, conf->host, conf->user, conf->config_file,
		conf->timeout_ms, err) == 0)
		*transport = open_wanted(ssh, conf, err);
	if (*transport != NULL)
		return 0;
	free_conf(ssh);
	return -1;
}

void
transport_close(struct transport *t)
{
	struct sshconf *conf;

	if (t == NULL)
		return;
	conf = t->conf;
	free_link(t);
	free_conf(conf);
}

int
transport_is_up(const struct transport *t)
{
	return t->is_up;
}

int
transport_step(struct transport *t, int64_t deadline_ns, struct ha_err *err)
{
	if (is_lost(t, err) != 0)
		return -1;
	return t->kind->step(t, deadline_ns, err);
}

static struct channel *
start(struct transport *t, const char *request, const char *message,
    struct ha_err *err)
{
	if (is_lost(t, err) != 0)
		return NULL;
	if (t->count < TRANSPORT_MAX_CHANNELS)
		return t->kind->start(t, request, message, err);
	ha_err_set(err, EX_UNAVAILABLE, 0, "all channels are in use");
	return NULL;
}

struct channel *
transport_exec(struct transport *t, const char *command, struct ha_err *err)
{
	return start(t, "exec", command, err);
}

struct channel *
transport_subsystem(struct transport *t, const char *name, struct ha_err *err)
{
	return start(t, "subsystem", name, err);
}
