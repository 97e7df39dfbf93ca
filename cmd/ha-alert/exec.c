/* SPDX-License-Identifier: ISC */
/*
 * exec - deliver to a command: its arguments are alert.conf's alone, what is
 * told comes on stdin and in the environment.
 */
#include <stdlib.h>
#include <string.h>

#include "alloc.h"
#include "child.h"
#include "clock.h"
#include "sender.h"

#define MAX_ENV 16

struct exec {
	const struct channel *channel;
	const struct sender_trace *trace;
	const char **argv;
};

static int
open_exec(void **state, const struct channel *channel,
    const struct sender_trace *trace, struct ha_err *err)
{
	struct exec *exec = ha_xcalloc(1, sizeof(*exec));
	size_t argc = 1;

	(void)err;
	exec->channel = channel;
	exec->trace = trace;
	exec->argv = ha_xcalloc(channel->count + 2, sizeof(*exec->argv));
	exec->argv[0] = channel_get(channel, "command");
	for (size_t i = 0; i < channel->count; i++)
		if (strcmp(channel->settings[i].key, "arg") == 0)
			exec->argv[argc++] = channel->settings[i].value;
	*state = exec;
	return 0;
}

static void
close_exec(void *state)
{
	struct exec *exec = state;

	free(exec->argv);
	free(exec);
}

/* Of the worst that is told; the names are ha-act's, too. */
static void
add_environment(
    char **env, const struct exec *exec, const struct rendered *rendered)
{
	const struct ha_transition *worst = &rendered->worst->transition;
	const struct {
		const char *name, *value;
	} values[] = {
		{ "HA_EVENT", rendered->worst->is_message
				  ? "message"
				  : ha_transition_name(worst->event) },
		{ "HA_INCIDENT", worst->incident },
		{ "HA_SINCE", worst->since },
		{ "HA_OLDSTATE", ha_status_name(worst->old_state) },
		{ "HA_STATE", ha_status_name(worst->status.state) },
		{ "HA_HOST", worst->status.host },
		{ "HA_CHECK", worst->status.check },
		{ "HA_TARGET", worst->status.target },
		{ "HA_MSG", worst->status.msg },
		{ "HA_BY", worst->status.by },
		{ "HA_TIME", worst->status.time },
		{ "HA_KEY", rendered->key },
		{ "HA_SUBJECT", rendered->subject.data },
		{ "HA_CHANNEL", exec->channel->name },
	};
	size_t count = sizeof(values) / sizeof(values[0]);

	_Static_assert(sizeof(values) / sizeof(values[0]) < MAX_ENV,
	    "and a NULL behind them");
	for (size_t i = 0; i < count; i++)
		env[i] = ha_xasprintf("%s=%s", values[i].name,
		    values[i].value != NULL ? values[i].value : "");
}

/* sysexits(3): what says that it would be the same another time. */
static int
is_final(int status)
{
	switch (status) {
	case EX_USAGE:
	case EX_DATAERR:
	case EX_NOINPUT:
	case EX_NOUSER:
	case EX_NOHOST:
	case EX_SOFTWARE:
	case EX_PROTOCOL:
	case EX_NOPERM:
	case EX_CONFIG:
		return 1;
	default:
		return 0;
	}
}

static void
judge(struct delivery *delivery, int status, int is_late,
    const struct ha_buf *words)
{
	if (status == 0)
		sender_result(delivery, DELIVERY_DONE, "%s", words->data);
	else if (is_late)
		sender_result(delivery, DELIVERY_LATER,
		    "it was ended, as it took too long: %s", words->data);
	else
		sender_result(delivery,
		    is_final(status) ? DELIVERY_NEVER : DELIVERY_LATER, "%s",
		    words->data);
	/* An exit status is its answer; who was ended had no time for one. */
	delivery->may_have_it =
	    delivery->result == DELIVERY_LATER && (is_late || status > 128);
}

static void
run(const struct exec *exec, const struct child *child,
    struct delivery *delivery)
{
	struct ha_buf out = HA_BUF_INIT, errors = HA_BUF_INIT;
	struct ha_buf words = HA_BUF_INIT;
	struct ha_err err;
	int status;

	sender_say(exec->trace, "running %s", child->argv[0]);
	if (child_run(child, &out, &errors, &status, &err) != 0) {
		sender_is_down(delivery, "%s", err.msg);
	} else {
		child_words(&words, status, &out, &errors);
		judge(delivery, status,
		    ha_clock_poll_ms(child->deadline_ns) == 0, &words);
	}
	ha_buf_release(&words);
	ha_buf_release(&out);
	ha_buf_release(&errors);
}

static void
send_exec(void *state, const struct rendered *rendered, int64_t deadline_ns,
    struct delivery *delivery)
{
	const struct exec *exec = state;
	char *env[MAX_ENV] = { NULL };
	const char *given[MAX_ENV];
	const struct child child = { .argv = exec->argv,
		.env = given,
		.text = rendered->body.data,
		.len = rendered->body.len,
		.deadline_ns = deadline_ns };

	add_environment(env, exec, rendered);
	memcpy(given, env, sizeof(given));
	run(exec, &child, delivery);
	for (size_t i = 0; i < MAX_ENV; i++)
		free(env[i]);
}

const struct sender_kind sender_exec = { open_exec, close_exec, send_exec };
