/* SPDX-License-Identifier: ISC */
/*
 * fields - what a template's placeholders stand for.
 */
#include "fields.h"

#include <stdlib.h>
#include <string.h>

#include "alloc.h"
#include "clock.h"
#include "words.h"

static struct ha_buf *
add(struct fields *fields, const char *name)
{
	struct field *field = &fields->fields[fields->count++];

	*field = (struct field){ .name = name, .text = HA_BUF_INIT };
	return &field->text;
}

static void
add_text(struct fields *fields, const char *name, const char *text)
{
	words_add(add(fields, name), text);
}

static void
add_number(struct fields *fields, const char *name, long long number)
{
	ha_buf_addf(add(fields, name), "%lld", number);
	fields->fields[fields->count - 1].is_number = 1;
	fields->fields[fields->count - 1].number = number;
}

/* A chat would show an empty line. */
static void
drop_last_end(struct ha_buf *text)
{
	if (text->len > 0 && text->data[text->len - 1] == '\n')
		ha_buf_truncate(text, text->len - 1);
}

static void
add_time(struct fields *fields, int64_t wall_ms, const char *rfc3339,
    const char *local, const char *unix_time)
{
	char text[HA_CLOCK_RFC3339_SIZE];

	ha_clock_format_ms(wall_ms, text);
	add_text(fields, rfc3339, text);
	words_add_time(add(fields, local), wall_ms);
	add_number(fields, unix_time, wall_ms / 1000);
}

static void
add_times(struct fields *fields, int64_t since_ms, int64_t time_ms)
{
	int64_t lasted_ms = time_ms > since_ms ? time_ms - since_ms : 0;
	char words[64];

	add_time(fields, since_ms, "since", "since_local", "since_unix");
	add_time(fields, time_ms, "time", "time_local", "time_unix");
	ha_clock_words(lasted_ms, words, sizeof(words));
	add_text(fields, "duration", words);
	add_number(fields, "duration_s", lasted_ms / 1000);
}

static const char *
event_name(const struct alert_item *item)
{
	return item->last->is_message
		   ? "message"
		   : ha_transition_name(item->last->transition.event);
}

/* A message says nothing of a state. */
static const char *
state_name(const struct alert_item *item, enum ha_status_state state)
{
	return item->last->is_message ? "INFO" : ha_status_name(state);
}

static void
add_item(struct fields *fields, const struct alert_item *item,
    const struct channel *channel)
{
	const struct ha_transition *transition = &item->last->transition;
	const struct ha_status *status = &transition->status;

	words_name(add(fields, "name"), item);
	add_text(fields, "event", event_name(item));
	add_text(fields, "state", state_name(item, status->state));
	add_text(fields, "old_state", state_name(item, words_old_state(item)));
	add_text(fields, "check", status->check);
	add_text(fields, "host", status->host);
	add_text(fields, "target", status->target);
	add_text(fields, "by", status->by);
	add_text(fields, "msg", status->msg);
	add_text(fields, "perf", status->perf);
	words_add_lines(add(fields, "body"), item->last->body);
	drop_last_end(&fields->fields[fields->count - 1].text);
	add_text(fields, "incident", transition->incident);
	words_look(add(fields, "look"), item, channel->look);
	add_number(fields, "ms", (long long)status->ms);
	add_number(fields, "changes", (long long)item->count);
	add_times(fields, item->first->since_ms, item->last->time_ms);
}

/* The value that all items have, or "". */
static const char *
common(const struct alert_bundle *bundle,
    const char *(*get)(const struct ha_status *status))
{
	const char *first = get(&bundle->items[0].last->transition.status);

	for (size_t i = 1; i < bundle->count; i++)
		if (strcmp(first,
			get(&bundle->items[i].last->transition.status)) != 0)
			return "";
	return first;
}

static const char *
host_of(const struct ha_status *status)
{
	return status->host;
}

static const char *
by_of(const struct ha_status *status)
{
	return status->by;
}

/* Several incidents as if they were one: as bad as its worst. */
static void
add_group(
    struct fields *fields, const struct alert_bundle *bundle, const char *key)
{
	const struct alert_item **items = words_sort(bundle);
	enum ha_status_state old = HA_STATUS_OK;
	int64_t since_ms = INT64_MAX, time_ms = 0;
	struct ha_buf *names;

	for (size_t i = 0; i < bundle->count; i++) {
		old = ha_status_worse(old, words_old_state(items[i]));
		if (items[i]->first->since_ms < since_ms)
			since_ms = items[i]->first->since_ms;
		if (items[i]->last->time_ms > time_ms)
			time_ms = items[i]->last->time_ms;
	}
	names = add(fields, "name");
	for (size_t i = 0; i < bundle->count; i++) {
		ha_buf_add_str(names, i > 0 ? ", " : "");
		words_name(names, items[i]);
	}
	add_text(fields, "event", event_name(items[0]));
	add_text(fields, "state",
	    state_name(items[0], items[0]->last->transition.status.state));
	add_text(fields, "old_state", ha_status_name(old));
	add_text(fields, "check", "");
	add_text(fields, "host", common(bundle, host_of));
	add_text(fields, "target", "");
	add_text(fields, "by", common(bundle, by_of));
	words_subject(add(fields, "msg"), bundle);
	add_text(fields, "perf", "");
	add_text(fields, "body", "");
	add_text(fields, "incident", key);
	add_text(fields, "look", "");
	add_number(fields, "ms", 0);
	add_number(fields, "changes", (long long)bundle->count);
	add_times(fields, since_ms, time_ms);
	free(items);
}

void
fields_init(struct fields *fields, const struct alert_bundle *bundle,
    const struct alert_item *item, const struct channel *channel)
{
	struct alert_bundle part = { .count = 1 };
	char key[ALERT_KEY_SIZE];

	fields->count = 0;
	alert_key(key, bundle);
	if (item == NULL && bundle->count > 1)
		add_group(fields, bundle, key);
	else
		add_item(fields, item != NULL ? item : bundle->items, channel);
	if (item != NULL)
		words_item(add(fields, "subject"), item);
	else
		words_subject(add(fields, "subject"), bundle);
	part.items = item;
	words_text(
	    add(fields, "text"), item != NULL ? &part : bundle, channel->look);
	drop_last_end(&fields->fields[fields->count - 1].text);
	add_text(fields, "key", key);
	add_text(fields, "channel", channel->name);
	add_text(fields, "here", ha_status_here());
	add_number(fields, "count", (long long)bundle->count);
	add_number(fields, "left_out", (long long)bundle->left_out);
}

void
fields_release(struct fields *fields)
{
	for (size_t i = 0; i < fields->count; i++)
		ha_buf_release(&fields->fields[i].text);
	fields->count = 0;
}

const struct field *
fields_find(const struct fields *fields, const char *name, size_t len)
{
	for (size_t i = 0; i < fields->count; i++)
		if (strlen(fields->fields[i].name) == len &&
		    memcmp(fields->fields[i].name, name, len) == 0)
			return &fields->fields[i];
	return NULL;
}
