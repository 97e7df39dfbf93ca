/* SPDX-License-Identifier: ISC */
/*
 * render - an alert as its channel takes it.
 */
#include "render.h"

#include <stdlib.h>
#include <string.h>

#include "alloc.h"
#include "clock.h"
#include "mail.h"
#include "status.h"
#include "template.h"
#include "words.h"

#define DEFAULT_TEMPLATE "generic"

void
rendered_init(struct rendered *rendered)
{
	*rendered = (struct rendered){ .subject = HA_BUF_INIT,
		.text = HA_BUF_INIT,
		.body = HA_BUF_INIT,
		.path = HA_BUF_INIT };
	rendered->content_type = rendered->method = "";
}

/* The body may hold a secret of the channel. */
void
rendered_release(struct rendered *rendered)
{
	explicit_bzero(rendered->body.data, rendered->body.len);
	ha_buf_release(&rendered->body);
	explicit_bzero(rendered->path.data, rendered->path.len);
	ha_buf_release(&rendered->path);
	ha_buf_release(&rendered->subject);
	ha_buf_release(&rendered->text);
}

/* The template's name; NULL: the channel has none. */
static const char *
template_of(const struct channel *channel)
{
	const char *name = channel_get(channel, "template");

	return name == NULL && channel->kind == CHANNEL_WEBHOOK
		   ? DEFAULT_TEMPLATE
		   : name;
}

static int
is_mail(const struct channel *channel)
{
	return channel->kind == CHANNEL_SMTP ||
	       channel->kind == CHANNEL_SENDMAIL;
}

static const struct alert_item *
worst(const struct alert_bundle *bundle)
{
	const struct alert_item **items = words_sort(bundle);
	const struct alert_item *item = items[0];

	free(items);
	return item;
}

/* The key that the incident's first message had, if this is a later one. */
static int
add_thread(char key[ALERT_KEY_SIZE], const struct alert_bundle *bundle)
{
	const struct alert *first = bundle->items[0].first;
	struct alert problem = *first;
	const struct alert_item item = { &problem, &problem, 1 };
	const struct alert_bundle alone = { .items = &item, .count = 1 };

	if (bundle->count > 1 || first->is_message ||
	    first->transition.event == HA_TRANSITION_PROBLEM)
		return 0;
	problem.transition.event = HA_TRANSITION_PROBLEM;
	alert_key(key, &alone);
	return 1;
}

/* All but what depends on the time of sending; the strings are borrowed. */
static void
make_mail(struct mail *mail, const struct rendered *rendered,
    const struct alert_bundle *bundle, const struct channel *channel)
{
	const struct alert_item *item = worst(bundle);
	const struct ha_transition *transition = &item->last->transition;
	const char *to = channel_get(channel, "to");
	const char *from = channel_get(channel, "from");

	*mail = (struct mail){ .from = from,
		.to = to != NULL ? to : "",
		.cc = channel_get(channel, "cc"),
		.reply_to = channel_get(channel, "reply-to"),
		.subject = rendered->subject.data,
		.text = rendered->text.data,
		.key = rendered->key,
		.domain_of = from != NULL ? from
			     : to != NULL ? to
					  : "",
		.state = ha_status_name(transition->status.state),
		.event = ha_transition_name(transition->event),
		.incident = bundle->count == 1 ? transition->incident : "" };
	if (item->last->is_message)
		mail->state = "INFO", mail->event = "message";
	else
		mail->is_urgent = transition->status.state == HA_STATUS_CRIT &&
				  !words_is_end(item);
}

static void
render_mail(struct rendered *rendered, const struct alert_bundle *bundle,
    const struct channel *channel, int is_shown)
{
	char *here = ha_xasprintf("ha-alert@%s", ha_status_here());
	char thread[ALERT_KEY_SIZE];
	struct mail mail;

	make_mail(&mail, rendered, bundle, channel);
	if (mail.from == NULL)
		mail.from = here;
	if (add_thread(thread, bundle))
		mail.thread = thread;
	mail.date_ms = ha_clock_wall_ms();
	if (is_shown)
		mail_show(&rendered->body, &mail);
	else
		mail_add(&rendered->body, &mail);
	rendered->content_type = "message/rfc822";
	free(here);
}

static int
render_template(struct rendered *rendered, const struct alert_bundle *bundle,
    const struct channel *channel, int is_shown, struct ha_err *err)
{
	struct template *template;
	int failed;

	if (template_open(&template, template_of(channel), err) != 0)
		return -1;
	failed = template_expand(template, bundle, channel, is_shown,
	    &rendered->body, &rendered->path, err);
	rendered->method = template_method(template);
	rendered->content_type = "application/json";
	template_free(template);
	if (channel->kind != CHANNEL_WEBHOOK)
		ha_buf_add_char(&rendered->body, '\n');
	return failed;
}

static void
render_records(struct rendered *rendered, const struct alert_bundle *bundle)
{
	const struct alert_item *item;

	for (size_t i = 0; i < bundle->count; i++) {
		item = &bundle->items[i];
		if (item->first != item->last)
			alert_encode(&rendered->body, item->first);
		alert_encode(&rendered->body, item->last);
	}
	rendered->content_type = "text/tab-separated-values; charset=utf-8";
}

/* syslog has no more than a line: what the subject would leave out is in it. */
static void
render_line(struct rendered *rendered, const struct alert_bundle *bundle)
{
	const struct alert_item **items;

	rendered->content_type = "text/plain; charset=utf-8";
	if (bundle->count == 1) {
		ha_buf_add(&rendered->body, rendered->subject.data,
		    rendered->subject.len);
		return;
	}
	items = words_sort(bundle);
	for (size_t i = 0; i < bundle->count; i++) {
		ha_buf_add_str(&rendered->body, i > 0 ? "; " : "");
		words_item(&rendered->body, items[i]);
	}
	if (bundle->left_out > 0)
		ha_buf_addf(
		    &rendered->body, "; %zu left out", bundle->left_out);
	free(items);
}

static int
render_for(struct rendered *rendered, const struct alert_bundle *bundle,
    const struct channel *channel, int is_shown, struct ha_err *err)
{
	alert_key(rendered->key, bundle);
	rendered->worst = worst(bundle)->last;
	words_subject(&rendered->subject, bundle);
	words_text(&rendered->text, bundle, channel->look);
	if (is_mail(channel))
		render_mail(rendered, bundle, channel, is_shown);
	else if (template_of(channel) != NULL)
		return render_template(
		    rendered, bundle, channel, is_shown, err);
	else if (channel->kind == CHANNEL_SYSLOG)
		render_line(rendered, bundle);
	else
		render_records(rendered, bundle);
	return 0;
}

static void
reset(struct rendered *rendered)
{
	rendered_release(rendered);
	rendered_init(rendered);
}

int
render(struct rendered *rendered, const struct alert_bundle *bundle,
    const struct channel *channel, struct ha_err *err)
{
	reset(rendered);
	return render_for(rendered, bundle, channel, 0, err);
}

int
render_check(const struct channel *channel, struct ha_err *err)
{
	const char *name = template_of(channel);
	struct template *template;
	int failed;

	if (is_mail(channel) || name == NULL)
		return 0;
	if (template_open(&template, name, err) != 0)
		return -1;
	failed = template_check(template, channel, err);
	template_free(template);
	return failed;
}

int
render_is_one_by_one(const struct channel *channel)
{
	const char *name = template_of(channel);
	struct template *template;
	struct ha_err err;
	int is_one_by_one;

	if (name == NULL || is_mail(channel) ||
	    template_open(&template, name, &err) != 0)
		return 0;
	is_one_by_one = template_is_one_by_one(template);
	template_free(template);
	return is_one_by_one;
}

/* Its path and query may be as secret as a password: the host is shown. */
static void
show_host(struct ha_buf *out, const char *url)
{
	const char *scheme = strstr(url, "://");
	const char *host = scheme != NULL ? scheme + 3 : url;
	size_t len = strcspn(host, "/?#");
	const char *user = memrchr(host, '@', len);
	struct ha_buf shown = HA_BUF_INIT;

	ha_buf_add(&shown, url, (size_t)(host - url));
	if (user != NULL) {
		len -= (size_t)(user + 1 - host);
		host = user + 1;
	}
	ha_buf_add(&shown, host, len);
	words_add(out, shown.data);
	ha_buf_add_str(out, host[len] != '\0' ? "/***" : "");
	ha_buf_release(&shown);
}

static int
show_url(struct ha_buf *out, const struct rendered *rendered,
    const struct channel *channel, struct ha_err *err)
{
	const char *method = channel_get(channel, "method");
	char *url;

	if (channel_secret(channel, "url", &url, err) != 0)
		return -1;
	if (method == NULL)
		method = *rendered->method != '\0' ? rendered->method : "POST";
	ha_buf_addf(out, "%s ", method);
	show_host(out, url != NULL ? url : "");
	ha_buf_addf(out, "%s\n", rendered->path.data);
	channel_forget(url);
	return 0;
}

int
render_show(struct ha_buf *out, const struct alert_bundle *bundle,
    const struct channel *channel, struct ha_err *err)
{
	struct rendered rendered;
	int failed;

	rendered_init(&rendered);
	failed = render_for(&rendered, bundle, channel, 1, err);
	if (failed == 0)
		ha_buf_addf(out, "%s\nchannel: %s\nkey: %s\n\n",
		    rendered.subject.data, channel->name, rendered.key);
	if (failed == 0 && channel->kind == CHANNEL_WEBHOOK)
		failed = show_url(out, &rendered, channel, err);
	if (failed == 0) {
		words_add_lines(out, rendered.body.data);
		ha_buf_add_char(out, '\n');
	}
	rendered_release(&rendered);
	return failed;
}
