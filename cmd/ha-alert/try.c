/* SPDX-License-Identifier: ISC */
/* try - sends, renders and checks without the spool. */
#include "try.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "alert.h"
#include "alloc.h"
#include "child.h"
#include "clock.h"
#include "deliver.h"
#include "in.h"
#include "msg.h"
#include "out.h"
#include "queue.h"
#include "rec.h"
#include "render.h"
#include "status.h"

static int
report(const struct channel *channel, const struct delivery *delivery,
    int64_t ms, int is_quiet)
{
	char time[64];

	ha_clock_words(ms, time, sizeof(time));
	switch (delivery->result) {
	case DELIVERY_DONE:
		if (!is_quiet || delivery->is_partial)
			ha_say("%s: delivered%s in %s%s%s", channel->name,
			    delivery->is_partial ? ", but not to all," : "",
			    time, *delivery->words ? ": " : "",
			    delivery->words);
		return delivery->is_partial ? EX_UNAVAILABLE : EX_OK;
	case DELIVERY_LATER:
		ha_say("%s: not delivered after %s, which may pass: %s",
		    channel->name, time, delivery->words);
		return EX_TEMPFAIL;
	default:
		ha_say("%s: refused: %s", channel->name, delivery->words);
		return EX_UNAVAILABLE;
	}
}

static void
say_step(const void *context, const char *words)
{
	const struct channel *channel = context;

	ha_say("%s: %s", channel->name, words);
}

static int
deliver(const struct channel *channel, const struct alert *alert,
    int64_t deadline_ns, int is_quiet, struct delivery *delivery,
    struct ha_err *err)
{
	struct alert_item item = { alert, alert, 1 };
	struct alert_bundle bundle = { .items = &item, .count = 1 };
	int64_t own_ns = ha_clock_deadline(channel->timeout_ms);
	struct rendered rendered;
	struct sender *sender;
	int failed;

	child_ends_with_us();
	rendered_init(&rendered);
	failed = render(&rendered, &bundle, channel, err);
	if (!failed)
		failed = sender_new(&sender, channel, err);
	if (!failed) {
		if (!is_quiet)
			sender_trace(sender, say_step, channel);
		sender_send(sender, &rendered,
		    own_ns < deadline_ns ? own_ns : deadline_ns, delivery);
		sender_free(sender);
	}
	rendered_release(&rendered);
	return failed;
}

int
try_send(const struct channel *channel, const char *subject, const char *body,
    int64_t deadline_ns, int is_quiet)
{
	struct delivery delivery = { .retry_after_ms = -1 };
	struct ha_buf line = HA_BUF_INIT;
	int64_t start_ns = ha_clock_now_ns();
	struct alert alert;
	struct ha_err err;
	int failed, status = EX_OK;

	alert_encode_message(&line, ha_status_here(), subject, body, 0);
	ha_buf_truncate(&line, line.len - 1);
	failed = alert_decode(&alert, line.data, &err);
	if (!failed) {
		failed = deliver(
		    channel, &alert, deadline_ns, is_quiet, &delivery, &err);
		alert_release(&alert);
	}
	ha_buf_release(&line);
	if (!failed)
		status = report(channel, &delivery,
		    (ha_clock_now_ns() - start_ns) / HA_MS_NS, is_quiet);
	else
		ha_say("%s: %s", channel->name, err.msg);
	return failed ? err.status : status;
}

static int
add_alert(
    struct queue *queue, const char *line, size_t number, struct ha_err *err)
{
	struct queue_entry entry = {
		.name = ha_xasprintf("%zu", number),
	};

	entry.entry.alerts = ha_xcalloc(1, sizeof(struct alert));
	entry.entry.items = ha_xcalloc(1, sizeof(struct alert_item));
	entry.entry.items[0] =
	    (struct alert_item){ entry.entry.alerts, entry.entry.alerts, 1 };
	if (alert_decode(entry.entry.alerts, line, err) != 0) {
		ha_err_set(
		    err, EX_DATAERR, 0, "line %zu: %s", number, err->msg);
		free(entry.entry.alerts);
		free(entry.entry.items);
		free(entry.name);
		return -1;
	}
	entry.entry.count = entry.entry.item_count = 1;
	queue_add(queue, &entry);
	return 0;
}

static int
read_alerts(struct queue *queue, struct ha_err *err)
{
	struct ha_in in;
	int got = 1, failed = 0;
	char *line;
	size_t len;

	ha_in_init(&in, STDIN_FILENO, '\n');
	while (got > 0 && !failed) {
		got = ha_in_fill(&in, err);
		while (!failed && ha_in_next(&in, &line, &len, err) > 0)
			if (len && *line != '#')
				failed = add_alert(
				    queue, line, (size_t)in.number, err);
	}
	ha_in_release(&in);
	return failed || got < 0 ? -1 : 0;
}

static int
show_words(
    struct ha_buf *out, const struct alert_bundle *bundle, struct ha_err *err)
{
	static char name[] = "-";
	struct channel plain = { .name = name, .kind = CHANNEL_SYSLOG };
	struct rendered rendered;
	int failed;

	rendered_init(&rendered);
	failed = render(&rendered, bundle, &plain, err);
	ha_buf_addf(
	    out, "%s\n\n%s\n", rendered.subject.data, rendered.text.data);
	rendered_release(&rendered);
	return failed;
}

int
try_render(const struct channel *const *list, size_t count, struct ha_err *err)
{
	struct queue_rules rules = { 0, 0, 0, 0 };
	struct state state;
	struct queue_plan plan;
	struct queue queue;
	int failed;

	state_init(&state);
	queue_init(&queue, &rules);
	failed = read_alerts(&queue, err);
	while (!failed && queue_plan(&queue, &state, 1, &plan)) {
		struct ha_buf out = HA_BUF_INIT;

		if (!count)
			failed = show_words(&out, &plan.bundle, err);
		for (size_t i = 0; i < count && !failed; i++)
			failed = render_show(&out, &plan.bundle, list[i], err);
		if (!failed)
			ha_out_write(out.data, out.len);
		ha_buf_release(&out);
		queue_remove(&queue, plan.parts[0]);
		queue_plan_release(&plan);
	}
	queue_release(&queue);
	state_release(&state);
	return failed;
}

int
try_config(const struct channels *channels)
{
	int status = EX_OK;

	for (size_t i = 0; i < channels->count; i++) {
		const struct channel *channel = &channels->channels[i];
		struct ha_err err;

		if (channel_check(channel, &err) == 0 &&
		    render_check(channel, &err) == 0)
			continue;
		ha_say("%s: %s", channel->name, err.msg);
		status = EX_CONFIG;
	}
	return status;
}
