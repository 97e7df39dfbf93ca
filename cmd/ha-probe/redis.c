/* SPDX-License-Identifier: ISC */
/*
 * redis - PING, and AUTH when it asks and a user-file is given.
 *
 * Source: redis.io "RESP protocol spec", PING, AUTH, "Error replies".
 */
#include "dialog.h"

#include <stdlib.h>
#include <string.h>

#include "fs.h"
#include "probe.h"

#define MAX_USER_FILE 4096

/* What was sent, in note[0]. */
enum {
	SENT_PING,
	SENT_AUTH,
	SENT_PING_AGAIN,
};

static void
add_ping(struct ha_buf *send)
{
	ha_buf_add_str(send, "*1\r\n$4\r\nPING\r\n");
}

static void
redis_open(struct probe *probe, struct ha_buf *send)
{
	probe->note[0] = SENT_PING;
	add_ping(send);
}

static void
add_word(struct ha_buf *send, const char *word, size_t len)
{
	ha_buf_addf(send, "$%zu\r\n", len);
	ha_buf_add(send, word, len);
	ha_buf_add_str(send, "\r\n");
}

/* USER:PASSWORD; the user is left out for a server without users (before 6). */
static void
add_auth(struct ha_buf *send, const char *user, size_t len)
{
	const char *colon = memchr(user, ':', len);
	size_t user_len = colon ? (size_t)(colon - user) : 0;
	const char *password = colon ? colon + 1 : user;

	ha_buf_add_str(send, user_len > 0 ? "*3\r\n" : "*2\r\n");
	add_word(send, "AUTH", 4);
	if (user_len > 0)
		add_word(send, user, user_len);
	add_word(send, password, (size_t)(user + len - password));
}

static enum dialog_step
log_in(struct probe *probe, struct ha_buf *send)
{
	struct ha_buf user = HA_BUF_INIT;
	struct ha_err err;

	if (ha_fs_read_file(probe->target->settings.user_file, MAX_USER_FILE,
		&user, &err)) {
		probe_fail(probe, FAULT_LOCAL, "%s", err.msg);
		ha_buf_release(&user);
		return DIALOG_FAILED;
	}
	add_auth(send, user.data, strcspn(user.data, "\r\n"));
	explicit_bzero(user.data, user.len);
	ha_buf_release(&user);
	probe->note[0] = SENT_AUTH;
	probe->awaited = "answer to AUTH";
	return DIALOG_MORE;
}

static enum dialog_step
say(struct probe *probe, const char *words)
{
	dialog_say(probe, words, strlen(words));
	return DIALOG_DONE;
}

/* The errors that PING is answered by, and what they mean to a client. */
static const struct refusal {
	const char *start;
	enum probe_fault fault;
	const char *words;
} refusals[] = {
	{ "-LOADING", FAULT_WARN, "it is loading its data" },
	{ "-MISCONF", FAULT_WARN, "it can't save its data: no writes" },
	{ "-ERR max number of clients", FAULT_WARN, "too many connections" },
	{ "-MASTERDOWN", FAULT_TARGET, "a replica whose master is down" },
	{ "-BUSY", FAULT_TARGET, "busy with a script" },
	{ "-DENIED", FAULT_TARGET, "protected mode: only its own host may" },
	{ "-WRONGPASS", FAULT_TARGET, "wrong user or password" },
	{ "-ERR invalid password", FAULT_TARGET, "wrong password" },
	{ NULL, FAULT_TARGET, NULL },
};

static int
is_line(const char *line, const char *start)
{
	return strncmp(line, start, strlen(start)) == 0;
}

/*
 * How much of a line to quote: its first word after a login, which an error may
 * repeat ("unknown command 'AUTH', with args beginning with: ...").
 */
static int
quotable(const struct probe *probe, const char *line, size_t len)
{
	int n = dialog_line(line, len);

	if (probe->note[0] != SENT_PING)
		for (int i = 0; i < n; i++)
			if (line[i] == ' ')
				return i;
	while (n > 1 && line[n - 1] == ' ')
		n--;
	return n;
}

static enum dialog_step
refused(struct probe *probe, const char *line, size_t len)
{
	const struct refusal *r = refusals;
	int quoted = quotable(probe, line, len);

	while (r->start && !is_line(line, r->start))
		r++;
	if (r->start && r->fault == FAULT_WARN) {
		probe_warn(probe, "%s (%.*s)", r->words, quoted - 1, line + 1);
		return DIALOG_DONE;
	}
	if (r->start)
		probe_fail(probe, r->fault, "%s (%.*s)", r->words, quoted - 1,
		    line + 1);
	else
		probe_fail(probe, FAULT_TARGET, "no %s, but %.*s",
		    probe->note[0] == SENT_AUTH ? "login" : "PONG", quoted,
		    line);
	return DIALOG_FAILED;
}

static enum dialog_step
answered(struct probe *probe, const char *line, size_t len, struct ha_buf *send)
{
	if (probe->note[0] == SENT_AUTH && is_line(line, "+OK")) {
		probe->note[0] = SENT_PING_AGAIN;
		probe->awaited = NULL;
		add_ping(send);
		return DIALOG_MORE;
	}
	if (probe->note[0] != SENT_AUTH && is_line(line, "+PONG"))
		return say(probe, "PONG");
	if (is_line(line, "-NOAUTH") && probe->note[0] == SENT_PING)
		return probe->target->settings.user_file
			   ? log_in(probe, send)
			   : say(probe, "asks for a password");
	/* Logged in, but not allowed to PING: it serves all the same. */
	if (is_line(line, "-NOPERM"))
		return say(probe, "may not PING");
	return refused(probe, line, len);
}

static enum dialog_step
redis_input(
    struct probe *probe, struct ha_buf *in, int is_end, struct ha_buf *send)
{
	const char *end;

	while ((end = memchr(in->data, '\n', in->len))) {
		size_t len = (size_t)(end - in->data);
		enum dialog_step step;

		if (len > 0 && in->data[len - 1] == '\r')
			len--;
		step = answered(probe, in->data, len, send);
		ha_buf_consume(in, (size_t)(end - in->data) + 1);
		if (step != DIALOG_MORE)
			return step;
	}
	if (!is_end)
		return DIALOG_MORE;
	probe_fail(probe, FAULT_TARGET, "closed without %s",
	    probe->note[0] == SENT_AUTH ? "an answer to AUTH" : "a PONG");
	return DIALOG_FAILED;
}

const struct dialog dialog_redis = {
	.open = redis_open,
	.input = redis_input,
	.max_input = 2048,
	.awaited = "answer to PING",
};
