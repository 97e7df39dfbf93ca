/* SPDX-License-Identifier: ISC */
/*
 * smtp - deliver to a mail server, or to the next one if that is not there.
 *
 * Source: RFC 5321, 3207, 4954; for XOAUTH2 Google's "OAuth 2.0 Mechanism".
 */
#include <stdlib.h>
#include <string.h>

#include "address.h"
#include "alloc.h"
#include "base64.h"
#include "carrier.h"
#include "child.h"
#include "clock.h"
#include "keys.h"
#include "replies.h"
#include "sender.h"

#define LOGIN_DEFAULT "AUTH=PLAIN;AUTH=LOGIN"

struct server {
	char *name; /* as in alert.conf */
	char *url;
};

struct smtp {
	const struct channel *channel;
	const struct sender_trace *trace;
	struct carrier *carrier;
	struct server *servers;
	size_t count;
	size_t first; /* the one that took the last message */
	int must_start_tls;
	struct address_list from, to;
	char *password, *key_password;
	char *token; /* as long as it is taken; or NULL */
	/*
	 * Who has taken the message of this key, when others shall try again:
	 * as many as there are in to.
	 */
	char key[ALERT_KEY_SIZE];
	char *is_taken;
};

/* One message to one server. */
struct call {
	struct smtp *smtp;
	const struct server *server;
	const struct rendered *rendered;
	const char **recipients; /* those that have not taken it */
	size_t *numbers; /* of theirs in to */
	size_t count;
	int is_over; /* no other server is to be tried */
	int is_stale; /* the kept connection had ended */
	int is_token_refused;
	struct delivery *delivery;
};

static void
close_smtp(void *state)
{
	struct smtp *smtp = state;

	carrier_free(smtp->carrier);
	for (size_t i = 0; i < smtp->count; i++) {
		free(smtp->servers[i].name);
		free(smtp->servers[i].url);
	}
	free(smtp->servers);
	address_release(&smtp->from);
	address_release(&smtp->to);
	channel_forget(smtp->password);
	channel_forget(smtp->key_password);
	channel_forget(smtp->token);
	free(smtp->is_taken);
	free(smtp);
}

static int
add_server(
    struct smtp *smtp, const char *name, const char *tls, struct ha_err *err)
{
	int is_tls = tls != NULL && strcmp(tls, "tls") == 0;
	int is_plain = tls != NULL && strcmp(tls, "none") == 0;
	const char *ehlo = channel_get(smtp->channel, "ehlo");
	unsigned port;
	char *host;

	if (keys_parse_server(name, &host, &port, err) != 0)
		return -1;
	if (port == 0)
		port = is_tls ? 465 : is_plain ? 25 : 587;
	smtp->servers = ha_xrealloc(
	    smtp->servers, (smtp->count + 1) * sizeof(*smtp->servers));
	smtp->servers[smtp->count++] = (struct server){
		.name = ha_xasprintf("%s:%u", host, port),
		.url =
		    ha_xasprintf(strchr(host, ':') != NULL ? "%s://[%s]:%u/%s"
							   : "%s://%s:%u/%s",
			is_tls ? "smtps" : "smtp", host, port,
			ehlo != NULL ? ehlo : ha_status_here()),
	};
	smtp->must_start_tls = !is_tls && !is_plain;
	free(host);
	return 0;
}

static int
add_servers(struct smtp *smtp, struct ha_err *err)
{
	const struct channel *channel = smtp->channel;
	const char *tls = channel_get(channel, "tls");

	for (size_t i = 0; i < channel->count; i++)
		if (strcmp(channel->settings[i].key, "server") == 0 &&
		    add_server(smtp, channel->settings[i].value, tls, err) != 0)
			return -1;
	return 0;
}

/* As the mail's From: has it when alert.conf says nothing. */
static int
add_envelope(struct smtp *smtp, struct ha_err *err)
{
	char *here;
	int failed;

	if (address_envelope(smtp->channel, &smtp->from, &smtp->to, err) != 0)
		return -1;
	if (smtp->from.count > 0)
		return 0;
	here = ha_xasprintf("ha-alert@%s", ha_status_here());
	failed = address_add(&smtp->from, here, err);
	free(here);
	return failed;
}

static int
open_smtp(void **state, const struct channel *channel,
    const struct sender_trace *trace, struct ha_err *err)
{
	struct smtp *smtp = ha_xcalloc(1, sizeof(*smtp));

	smtp->channel = channel;
	smtp->trace = trace;
	if (add_servers(smtp, err) != 0 || add_envelope(smtp, err) != 0 ||
	    channel_secret(channel, "password", &smtp->password, err) != 0 ||
	    channel_secret(channel, "key-password", &smtp->key_password, err) !=
		0) {
		close_smtp(smtp);
		return -1;
	}
	smtp->is_taken = ha_xcalloc(smtp->to.count, 1);
	smtp->carrier = carrier_new();
	*state = smtp;
	return 0;
}

/* A token is one line of ASCII. */
static int
take_token(struct smtp *smtp, struct ha_buf *out, struct delivery *delivery)
{
	size_t len = strcspn(out->data, "\r\n");

	for (size_t i = 0; i < len; i++)
		if (out->data[i] <= 0x20 || out->data[i] >= 0x7f)
			len = 0;
	if (len > 0) {
		smtp->token = ha_xmemdup(out->data, len);
		return 0;
	}
	sender_is_down(delivery, "token-command gives no token");
	return -1;
}

static int
run_token_command(struct smtp *smtp, const char *const *argv,
    int64_t deadline_ns, struct delivery *delivery)
{
	const struct child child = {
		.argv = argv, .text = "", .deadline_ns = deadline_ns
	};
	struct ha_buf out = HA_BUF_INIT, errors = HA_BUF_INIT;
	struct ha_buf words = HA_BUF_INIT, nothing = HA_BUF_INIT;
	struct ha_err err;
	int status, failed = -1;

	if (child_run(&child, &out, &errors, &status, &err) != 0) {
		sender_is_down(delivery, "token-command: %s", err.msg);
	} else if (status != 0) {
		child_words(&words, status, &nothing, &errors);
		sender_is_down(delivery, "token-command: %s", words.data);
	} else {
		failed = take_token(smtp, &out, delivery);
	}
	explicit_bzero(out.data, out.len);
	ha_buf_release(&out);
	ha_buf_release(&errors);
	ha_buf_release(&words);
	return failed;
}

static int
fetch_token(struct smtp *smtp, int64_t deadline_ns, struct delivery *delivery)
{
	const struct channel *channel = smtp->channel;
	const char **argv;
	size_t argc = 1;
	int failed;

	if (smtp->token != NULL ||
	    channel_get(channel, "token-command") == NULL)
		return 0;
	argv = ha_xcalloc(channel->count + 2, sizeof(*argv));
	argv[0] = channel_get(channel, "token-command");
	for (size_t i = 0; i < channel->count; i++)
		if (strcmp(channel->settings[i].key, "token-arg") == 0)
			argv[argc++] = channel->settings[i].value;
	sender_say(smtp->trace, "running %s for a token", argv[0]);
	failed = run_token_command(smtp, argv, deadline_ns, delivery);
	free(argv);
	return failed;
}

/* What several servers say stands in one line. */
static void __attribute__((format(printf, 3, 4))) say_result(
    const struct call *call, enum delivery_result result, const char *fmt, ...)
{
	struct ha_buf words = HA_BUF_INIT;
	struct delivery *delivery = call->delivery;
	va_list ap;

	if (delivery->words[0] != '\0')
		ha_buf_addf(&words, "%s; ", delivery->words);
	if (result != DELIVERY_DONE)
		ha_buf_addf(&words, "%s: ", call->server->name);
	va_start(ap, fmt);
	ha_buf_vaddf(&words, fmt, ap);
	va_end(ap);
	sender_result(delivery, result, "%s", words.data);
	ha_buf_release(&words);
}

/* The recipients that were not taken, and why; *is_any_later: one by a 4xx. */
static void
add_refused(struct ha_buf *words, const struct call *call,
    const struct reply *replies, int *is_any_later)
{
	*is_any_later = 0;
	for (size_t i = 0; i < call->count; i++) {
		if (replies[i].code < 400)
			continue;
		*is_any_later |= replies[i].code < 500;
		ha_buf_addf(words, "%s%s: %.*s", words->len > 0 ? "; " : "",
		    call->recipients[i], (int)replies[i].len, replies[i].line);
	}
}

static void
remember_taken(const struct call *call, const struct reply *replies)
{
	struct smtp *smtp = call->smtp;

	for (size_t i = 0; i < call->count; i++)
		if (replies[i].code < 500)
			smtp->is_taken[call->numbers[i]] =
			    replies[i].code < 400;
		else
			smtp->is_taken[call->numbers[i]] = 1;
	memcpy(smtp->key, call->rendered->key, sizeof(smtp->key));
}

/* Who is refused for good is told; who may be taken later is tried again. */
static void
judge_taken(struct call *call, const struct replies *replies)
{
	const struct reply *rcpts = replies_recipients(replies, call->count);
	const struct reply *last =
	    replies->count > 0 ? &replies->list[replies->count - 1] : NULL;
	struct ha_buf refused = HA_BUF_INIT;
	int is_any_later = 0;

	call->delivery->words[0] = '\0';
	if (rcpts != NULL)
		add_refused(&refused, call, rcpts, &is_any_later);
	if (refused.len == 0) {
		say_result(call, DELIVERY_DONE, "%s: %.*s", call->server->name,
		    last != NULL ? (int)last->len : 0,
		    last != NULL ? last->line : "");
	} else if (is_any_later) {
		remember_taken(call, rcpts);
		say_result(call, DELIVERY_LATER, "taken, but not for %s",
		    refused.data);
		call->delivery->may_have_it = 1;
	} else {
		say_result(call, DELIVERY_DONE, "%s: taken, but not for %s",
		    call->server->name, refused.data);
		call->delivery->is_partial = 1;
	}
	ha_buf_release(&refused);
}

/* The message, its sender, or all recipients. */
static void
judge_refused(struct call *call, const struct replies *replies,
    const struct ha_http_answer *answer)
{
	const struct reply *rcpts = replies_recipients(replies, call->count);
	int is_any_later = answer->status < 500;
	struct ha_buf refused = HA_BUF_INIT;

	if (rcpts != NULL && call->count > 1)
		add_refused(&refused, call, rcpts, &is_any_later);
	say_result(call, is_any_later ? DELIVERY_LATER : DELIVERY_NEVER, "%s",
	    refused.len > 0 ? refused.data : answer->words);
	ha_buf_release(&refused);
	/* 421: the server goes away. */
	call->is_over = answer->status != 421;
	if (answer->status == 421)
		call->delivery->is_channel_down = 1;
}

/* Why a token is refused stands in a challenge, which libcurl leaves alone. */
static void
add_challenge(struct ha_buf *words, const struct replies *replies)
{
	const struct reply *last;
	char *text;

	if (replies->count == 0)
		return;
	last = &replies->list[replies->count - 1];
	if (last->code != 334 || last->len < 5)
		return;
	text = ha_xmemdup(last->line + 4, last->len - 4);
	ha_buf_add_str(words, "the login is refused: ");
	if (base64_decode(words, text) != 0)
		ha_buf_reset(words);
	free(text);
}

static void
judge_login(struct call *call, const struct replies *replies,
    const struct ha_http_answer *answer)
{
	int is_passing = answer->status >= 400 && answer->status < 500;
	struct ha_buf words = HA_BUF_INIT;

	add_challenge(&words, replies);
	say_result(call, is_passing ? DELIVERY_LATER : DELIVERY_NEVER, "%s",
	    words.len > 0 ? words.data : answer->words);
	ha_buf_release(&words);
	/* Another server may know of the password that this one does not. */
	call->delivery->is_channel_down = is_passing;
	call->is_token_refused = call->smtp->token != NULL;
}

/* The server or the way to it; whose words they are is told before them. */
static void
judge_fault(struct call *call, const struct ha_http_answer *answer)
{
	int may_have_it = answer->sent >= call->rendered->body.len;

	if (answer->is_reused && !may_have_it &&
	    answer->fault == HA_HTTP_CLOSED) {
		call->is_stale = 1;
		return;
	}
	sender_say(
	    call->smtp->trace, "%s: %s", call->server->name, answer->words);
	say_result(call, DELIVERY_LATER, "%s", answer->words);
	call->delivery->is_channel_down = 1;
	call->delivery->may_have_it = may_have_it;
	call->is_over = may_have_it;
}

static void
say_steps(const struct call *call, const struct ha_http_answer *answer,
    const struct replies *replies)
{
	carrier_say(call->smtp->trace, answer);
	for (size_t i = 0; i < replies->count; i++)
		if (replies->list[i].code == 235)
			sender_say(call->smtp->trace, "logged in: %.*s",
			    (int)replies->list[i].len, replies->list[i].line);
}

static void
done(void *context, const struct ha_http_answer *answer)
{
	struct call *call = context;
	struct replies replies;

	replies_parse(&replies, answer->headers.data, answer->headers.len);
	say_steps(call, answer, &replies);
	switch (answer->fault) {
	case HA_HTTP_OK:
		judge_taken(call, &replies);
		call->is_over = 1;
		break;
	case HA_HTTP_REFUSED:
		if (answer->status == 421 && answer->is_reused)
			call->is_stale = 1;
		else
			judge_refused(call, &replies, answer);
		break;
	case HA_HTTP_LOGIN:
		judge_login(call, &replies, answer);
		break;
	default:
		judge_fault(call, answer);
		break;
	}
	replies_release(&replies);
}

static const char *
login_of(const struct smtp *smtp)
{
	const char *auth = channel_get(smtp->channel, "auth");

	if (channel_get(smtp->channel, "user") == NULL)
		return NULL;
	if (auth == NULL)
		return LOGIN_DEFAULT;
	return strcmp(auth, "plain") == 0   ? "AUTH=PLAIN"
	       : strcmp(auth, "login") == 0 ? "AUTH=LOGIN"
					    : "AUTH=XOAUTH2";
}

static void
carry(struct call *call, int64_t deadline_ns)
{
	const struct smtp *smtp = call->smtp;
	const struct channel *channel = smtp->channel;
	struct ha_http_request request = { .url = call->server->url,
		.must_start_tls = smtp->must_start_tls,
		.body = call->rendered->body.data,
		.body_len = call->rendered->body.len,
		.mail_from = smtp->from.addresses[0],
		.recipients = call->recipients,
		.user = channel_get(channel, "user"),
		.password = smtp->password,
		.login = login_of(smtp),
		.bearer = smtp->token,
		.ca_file = channel_get(channel, "ca"),
		.cert_file = channel_get(channel, "cert"),
		.key_file = channel_get(channel, "key"),
		.key_password = smtp->key_password };
	struct ha_err err;

	sender_say(smtp->trace, "trying %s", call->server->name);
	call->is_stale = call->is_token_refused = 0;
	if (carrier_run(
		smtp->carrier, &request, deadline_ns, done, call, &err) == 0)
		return;
	say_result(call, DELIVERY_LATER, "%s", err.msg);
	call->delivery->is_channel_down = 1;
}

/* A token may have run out since it was fetched: once it is fetched anew. */
static void
try_server(struct call *call, int64_t deadline_ns)
{
	struct smtp *smtp = call->smtp;
	int is_old = smtp->token != NULL;
	struct delivery before = *call->delivery;

	if (fetch_token(smtp, deadline_ns, call->delivery) != 0) {
		call->is_over = 1;
		return;
	}
	carry(call, deadline_ns);
	if (call->is_stale)
		carry(call, deadline_ns);
	if (!call->is_token_refused)
		return;
	channel_forget(smtp->token);
	smtp->token = NULL;
	if (!is_old)
		return;
	*call->delivery = before;
	call->is_over = 0;
	if (fetch_token(smtp, deadline_ns, call->delivery) == 0)
		carry(call, deadline_ns);
	else
		call->is_over = 1;
}

/* Whom it still has to reach. */
static void
choose_recipients(struct call *call)
{
	struct smtp *smtp = call->smtp;

	if (strcmp(smtp->key, call->rendered->key) != 0) {
		memset(smtp->is_taken, 0, smtp->to.count);
		smtp->key[0] = '\0';
	}
	call->recipients =
	    ha_xcalloc(smtp->to.count + 1, sizeof(*call->recipients));
	call->numbers = ha_xcalloc(smtp->to.count, sizeof(*call->numbers));
	for (size_t i = 0; i < smtp->to.count; i++) {
		if (smtp->is_taken[i])
			continue;
		call->numbers[call->count] = i;
		call->recipients[call->count++] = smtp->to.addresses[i];
	}
}

/* Each server has its part of the time that is left. */
static void
send_smtp(void *state, const struct rendered *rendered, int64_t deadline_ns,
    struct delivery *delivery)
{
	struct smtp *smtp = state;
	struct call call = {
		.smtp = smtp, .rendered = rendered, .delivery = delivery
	};
	size_t first = smtp->first, left = smtp->count;

	choose_recipients(&call);
	for (size_t i = 0; !call.is_over && left > 0; i++, left--) {
		size_t number = (first + i) % smtp->count;
		int64_t now_ns = ha_clock_now_ns();
		int64_t own_ns = (deadline_ns - now_ns) / (int64_t)left;

		call.server = &smtp->servers[number];
		delivery->is_channel_down = 0;
		try_server(&call, now_ns + own_ns);
		if (call.is_over)
			smtp->first = number;
	}
	free(call.recipients);
	free(call.numbers);
}

const struct sender_kind sender_smtp = { open_smtp, close_smtp, send_smtp };
