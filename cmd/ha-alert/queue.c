/* SPDX-License-Identifier: ISC */
/* queue - parts, their order, and the pauses between messages. */
#include "queue.h"

#include <stdlib.h>
#include <string.h>

#include "alloc.h"

#define JITTER_PERCENT 20
/* A clock that is set back a little, as chronyd may do, is no step. */
#define STEP_BACK_MS 60000

void
queue_init(struct queue *queue, const struct queue_rules *rules)
{
	memset(queue, 0, sizeof(*queue));
	queue->rules = *rules;
}

static void
free_entry(struct queue_entry *entry)
{
	entry_release(&entry->entry);
	free(entry->name);
	free(entry);
}

static void
free_part(struct queue_part *part)
{
	for (size_t i = 0; i < part->count; i++)
		free_entry(part->entries[i]);
	free(part->entries);
	free(part->keys);
	free(part);
}

void
queue_release(struct queue *queue)
{
	struct queue_part *part;

	while ((part = queue->first) != NULL) {
		queue->first = part->after;
		free_part(part);
	}
	names_release(&queue->keys);
	names_release(&queue->incidents);
	names_release(&queue->names);
	free(queue->stamps);
	free(queue->open);
	free(queue->is_there);
	memset(queue, 0, sizeof(*queue));
}

/* Room for an element of each number; new ones are zero. */
static void
make_room(void **array, size_t *count, size_t number, size_t size)
{
	size_t more = 2 * (number + 32);

	if (number < *count)
		return;
	*array = ha_xrealloc(*array, more * size);
	memset((char *)*array + *count * size, 0, (more - *count) * size);
	*count = more;
}

static char *
is_there(struct queue *queue, const char *name)
{
	size_t number = names_add(&queue->names, name);
	void *array = queue->is_there;

	make_room(&array, &queue->there_count, number, 1);
	queue->is_there = array;
	return &queue->is_there[number];
}

int
queue_has(const struct queue *queue, const char *name)
{
	size_t number = names_find(&queue->names, name);

	return number != NAMES_NONE && queue->is_there[number];
}

static struct queue_part **
open_part(struct queue *queue, const struct alert *alert)
{
	size_t number =
	    names_add(&queue->incidents, alert->transition.incident);
	void *array = queue->open;

	make_room(&array, &queue->open_count, number, sizeof(*queue->open));
	queue->open = array;
	return &queue->open[number];
}

static size_t
key_of(struct queue *queue, const struct alert *alert)
{
	const struct ha_status *status = &alert->transition.status;
	/* A message is about itself. */
	char *key = alert->is_message
			? ha_xasprintf("%s", alert->transition.incident)
			: ha_xasprintf("%s\t%s", status->host, status->check);
	size_t number = names_add(&queue->keys, key);
	void *array = queue->stamps;

	free(key);
	make_room(&array, &queue->stamp_count, number, sizeof(*queue->stamps));
	queue->stamps = array;
	return number;
}

static void
add_key(struct queue_part *part, size_t key)
{
	for (size_t i = 0; i < part->key_count; i++)
		if (part->keys[i] == key)
			return;
	part->keys = ha_xrealloc(
	    part->keys, (part->key_count + 1) * sizeof(*part->keys));
	part->keys[part->key_count++] = key;
}

/* The part that has one of the entry's incidents already. */
static struct queue_part *
find_part(struct queue *queue, const struct queue_entry *entry)
{
	struct queue_part *part = NULL;

	if (entry->is_frozen)
		return NULL;
	for (size_t i = 0; i < entry->entry.item_count && !part; i++)
		part = *open_part(queue, entry->entry.items[i].first);
	return part;
}

static void
append(struct queue *queue, struct queue_part *part)
{
	part->before = queue->last;
	if (queue->last != NULL)
		queue->last->after = part;
	else
		queue->first = part;
	queue->last = part;
}

static void
prepend(struct queue *queue, struct queue_part *part)
{
	part->after = queue->first;
	if (queue->first != NULL)
		queue->first->before = part;
	else
		queue->last = part;
	queue->first = part;
}

/*
 * More of an incident goes to the last part that has it.  One that is frozen
 * takes no more, and what comes later is to come behind it: it has the key.
 */
static void
add_to_part(
    struct queue *queue, struct queue_part *part, struct queue_entry *entry)
{
	part->entries = ha_xrealloc(
	    part->entries, (part->count + 1) * sizeof(struct queue_entry *));
	part->entries[part->count++] = entry;
	for (size_t i = 0; i < entry->entry.item_count; i++) {
		const struct alert *alert = entry->entry.items[i].first;
		struct queue_part **open = open_part(queue, alert);

		add_key(part, key_of(queue, alert));
		if (part->is_frozen)
			*open = NULL;
		else if (*open == NULL)
			*open = part;
	}
	*is_there(queue, entry->name) = 1;
	queue->count++;
}

void
queue_add(struct queue *queue, const struct queue_entry *entry)
{
	struct queue_part *part = find_part(queue, entry);
	struct queue_entry *copy = ha_xmalloc(sizeof(*copy));

	*copy = *entry;
	if (part == NULL) {
		part = ha_xcalloc(1, sizeof(*part));
		part->is_frozen = entry->is_frozen;
		append(queue, part);
	}
	add_to_part(queue, part, copy);
}

void
queue_remove(struct queue *queue, struct queue_part *part)
{
	if (part->before != NULL)
		part->before->after = part->after;
	else
		queue->first = part->after;
	if (part->after != NULL)
		part->after->before = part->before;
	else
		queue->last = part->before;
	for (size_t i = 0; i < part->count; i++) {
		struct entry *entry = &part->entries[i]->entry;

		for (size_t j = 0; j < entry->item_count; j++) {
			struct queue_part **open =
			    open_part(queue, entry->items[j].first);

			if (*open == part)
				*open = NULL;
		}
		*is_there(queue, part->entries[i]->name) = 0;
	}
	queue->count -= part->count;
	free_part(part);
}

/* An incident begins with a problem and ends with its end, whatever the clock
 * says. */
static int
rank(const struct alert *alert)
{
	enum ha_transition_event event = alert->transition.event;

	if (ha_transition_is_end(event))
		return 2;
	return event != HA_TRANSITION_PROBLEM;
}

static int
is_before(const struct alert *a, const struct alert *b)
{
	if (rank(a) != rank(b))
		return rank(a) < rank(b);
	return a->time_ms < b->time_ms;
}

static int
is_same(const struct alert *a, const struct alert *b)
{
	char key_a[ALERT_KEY_SIZE], key_b[ALERT_KEY_SIZE];
	struct alert_item item_a = { a, a, 1 }, item_b = { b, b, 1 };
	struct alert_bundle bundle_a = { .items = &item_a, .count = 1 };
	struct alert_bundle bundle_b = { .items = &item_b, .count = 1 };

	alert_key(key_a, &bundle_a);
	alert_key(key_b, &bundle_b);
	return strcmp(key_a, key_b) == 0;
}

/*
 * Has it begun again, after it had ended, under the same name?  (Whoever names
 * it has only its minute.)  It is not the other node's view of what ended: that
 * began before the end.
 */
static int
is_again(const struct alert *alert, const struct alert *last)
{
	return !last->is_message &&
	       ha_transition_is_end(last->transition.event) &&
	       alert->since_ms > last->time_ms &&
	       alert->since_ms != last->since_ms;
}

/* More of the same incident; what was told twice, by both nodes, is once. */
static void
merge(struct alert_item *item, const struct alert_item *more)
{
	if (is_again(more->first, item->last)) {
		item->last = more->last;
		item->count += more->count;
		return;
	}
	if (more->first == more->last && (is_same(more->first, item->first) ||
					     is_same(more->first, item->last)))
		return;
	if (is_before(more->first, item->first))
		item->first = more->first;
	if (!is_before(more->last, item->last))
		item->last = more->last;
	item->count += more->count;
}

static void
plan_item(struct queue_plan *plan, size_t from, const struct alert_item *item)
{
	const char *incident = item->first->transition.incident;
	size_t *count = &plan->bundle.count;

	for (size_t i = from; i < *count; i++) {
		if (strcmp(plan->items[i].first->transition.incident,
			incident) != 0)
			continue;
		merge(&plan->items[i], item);
		return;
	}
	plan->items =
	    ha_xrealloc(plan->items, (*count + 1) * sizeof(*plan->items));
	plan->items[(*count)++] = *item;
}

static void
plan_part(struct queue_plan *plan, struct queue_part *part)
{
	size_t from = plan->bundle.count;

	plan->parts = ha_xrealloc(
	    plan->parts, (plan->count + 1) * sizeof(struct queue_part *));
	plan->parts[plan->count++] = part;
	for (size_t i = 0; i < part->count; i++) {
		const struct entry *entry = &part->entries[i]->entry;

		for (size_t j = 0; j < entry->item_count; j++)
			plan_item(plan, from, &entry->items[j]);
		plan->bundle.left_out += entry->left_out;
		if (plan->bundle.note == NULL)
			plan->bundle.note = entry->note;
	}
}

/* When it may be tried. */
static int64_t
due_ms(const struct queue_part *part)
{
	int64_t due = 0;

	for (size_t i = 0; i < part->count; i++)
		if (part->entries[i]->next_ms > due)
			due = part->entries[i]->next_ms;
	return due;
}

int64_t
queue_born_ms(const struct queue_part *part)
{
	int64_t born = INT64_MAX;

	for (size_t i = 0; i < part->count; i++)
		if (part->entries[i]->born_ms < born)
			born = part->entries[i]->born_ms;
	return born;
}

static int
is_held_up(const struct queue *queue, const struct queue_part *part)
{
	for (size_t i = 0; i < part->key_count; i++)
		if (queue->stamps[part->keys[i]] == queue->stamp)
			return 1;
	return 0;
}

static void
hold_up_others(struct queue *queue, const struct queue_part *part)
{
	for (size_t i = 0; i < part->key_count; i++)
		queue->stamps[part->keys[i]] = queue->stamp;
}

/* The pauses of group= and rate=. */
struct gate {
	int64_t until_ms; /* nothing goes before; 0: open */
	int64_t waited_ms; /* what was born before had to wait: it is told as
			      one */
	int is_rate; /* by rate= */
};

static struct gate
find_gate(const struct queue *queue, const struct state *state, int64_t now_ms)
{
	const struct queue_rules *rules = &queue->rules;
	size_t n = (size_t)rules->rate_n;
	struct gate gate = { 0, 0, 0 };
	int64_t end;

	if (rules->group_ms > 0 && state->sent_count && !queue->is_more)
		gate.until_ms =
		    state->sent[state->sent_count - 1] + rules->group_ms;
	if (rules->rate_n > 0 && state->sent_count >= n) {
		end = state->sent[state->sent_count - n] + rules->rate_ms;
		if (end > gate.until_ms)
			gate = (struct gate){ end, end, 1 };
	}
	if (gate.until_ms <= now_ms)
		gate.until_ms = 0;
	if (queue->is_more)
		gate.waited_ms = INT64_MAX;
	return gate;
}

/* The first part that may go; NULL: none, and *wait_ms says until when. */
static struct queue_part *
find_first(struct queue *queue, int64_t now_ms, int64_t *wait_ms)
{
	queue->stamp++;
	*wait_ms = QUEUE_NEVER;
	for (struct queue_part *part = queue->first; part; part = part->after) {
		int64_t due = due_ms(part);

		if (due <= now_ms && !is_held_up(queue, part))
			return part;
		if (due > now_ms && due < *wait_ms)
			*wait_ms = due;
		hold_up_others(queue, part);
	}
	return NULL;
}

/* All that may go with the first, which is on the plan already. */
static void
plan_others(struct queue *queue, struct queue_part *first,
    const struct gate *gate, int64_t now_ms, struct queue_plan *plan)
{
	for (struct queue_part *part = first->after; part; part = part->after) {
		if (part->is_frozen || due_ms(part) > now_ms ||
		    is_held_up(queue, part)) {
			hold_up_others(queue, part);
			continue;
		}
		if (!gate->is_rate &&
		    plan->bundle.count + part->key_count > QUEUE_ITEMS_MAX) {
			queue->is_more = 1;
			return;
		}
		plan_part(plan, part);
	}
}

/* The first ones and the last one by name. */
static void
leave_out(struct queue_plan *plan)
{
	size_t count = plan->bundle.count;

	if (count <= QUEUE_ITEMS_MAX)
		return;
	plan->items[QUEUE_ITEMS_MAX - 1] = plan->items[count - 1];
	plan->bundle.left_out += count - QUEUE_ITEMS_MAX;
	plan->bundle.count = QUEUE_ITEMS_MAX;
}

void
queue_plan_part(struct queue_plan *plan, struct queue_part *part)
{
	memset(plan, 0, sizeof(*plan));
	plan_part(plan, part);
	leave_out(plan);
	if (part->count == 1)
		plan->entry = part->entries[0];
	plan->bundle.items = plan->items;
}

int
queue_plan(struct queue *queue, const struct state *state, int64_t now_ms,
    struct queue_plan *plan)
{
	struct gate gate = find_gate(queue, state, now_ms);
	struct queue_part *first;
	int has_waited;

	memset(plan, 0, sizeof(*plan));
	plan->wait_ms = QUEUE_NEVER;
	if (queue->first == NULL)
		return 0;
	if (gate.until_ms < state->next_ms)
		gate.until_ms = state->next_ms;
	first = find_first(queue, now_ms, &plan->wait_ms);
	if (gate.until_ms > now_ms &&
	    (first != NULL || plan->wait_ms < gate.until_ms))
		plan->wait_ms = gate.until_ms;
	if (first == NULL || gate.until_ms > now_ms)
		return 0;
	queue->is_more = 0;
	plan_part(plan, first);
	has_waited = queue_born_ms(first) < gate.waited_ms;
	gate.is_rate &= has_waited;
	if (!first->is_frozen && !queue->rules.is_one_by_one &&
	    (has_waited || queue->rules.group_ms > 0))
		plan_others(queue, first, &gate, now_ms, plan);
	leave_out(plan);
	if (plan->count == 1 && first->count == 1)
		plan->entry = first->entries[0];
	plan->bundle.items = plan->items;
	return 1;
}

void
queue_plan_release(struct queue_plan *plan)
{
	free(plan->parts);
	free(plan->items);
	memset(plan, 0, sizeof(*plan));
}

const char **
queue_plan_names(const struct queue_plan *plan, size_t *count)
{
	const char **list = NULL;

	*count = 0;
	for (size_t i = 0; i < plan->count; i++) {
		list = ha_xrealloc(
		    list, (*count + plan->parts[i]->count) * sizeof(*list));
		for (size_t j = 0; j < plan->parts[i]->count; j++)
			list[(*count)++] = plan->parts[i]->entries[j]->name;
	}
	return list;
}

void
queue_join(struct queue *queue, struct queue_plan *plan,
    const struct queue_entry *entry)
{
	struct queue_part *part = ha_xcalloc(1, sizeof(*part));
	struct queue_entry *copy = ha_xmalloc(sizeof(*copy));

	*copy = *entry;
	for (size_t i = 0; i < plan->count; i++)
		queue_remove(queue, plan->parts[i]);
	part->is_frozen = 1;
	prepend(queue, part);
	add_to_part(queue, part, copy);
	queue_plan_release(plan);
	queue_plan_part(plan, part);
}

void
queue_freeze(struct queue *queue, struct queue_part *part, int is_frozen)
{
	part->is_frozen = is_frozen;
	for (size_t i = 0; i < part->count; i++) {
		const struct entry *entry = &part->entries[i]->entry;

		for (size_t j = 0; j < entry->item_count; j++) {
			struct queue_part **open =
			    open_part(queue, entry->items[j].first);

			if (*open == part && is_frozen)
				*open = NULL;
			else if (*open == NULL && !is_frozen)
				*open = part;
		}
	}
}

int64_t
queue_backoff_ms(unsigned attempts)
{
	int64_t pause_ms = QUEUE_BACKOFF_FIRST_MS;

	for (unsigned i = 1; i < attempts && pause_ms < QUEUE_BACKOFF_MAX_MS;
	     i++)
		pause_ms *= 2;
	return pause_ms < QUEUE_BACKOFF_MAX_MS ? pause_ms
					       : QUEUE_BACKOFF_MAX_MS;
}

int64_t
queue_jitter_ms(int64_t pause_ms, unsigned random)
{
	int64_t spread = pause_ms * JITTER_PERCENT / 100;

	return pause_ms - spread + (int64_t)random % (2 * spread + 1);
}

static int64_t
sane(int64_t next_ms, int64_t now_ms)
{
	return next_ms > now_ms + QUEUE_RETRY_AFTER_MAX_MS ? 0 : next_ms;
}

static void
add_gap(struct state *state, int64_t length_ms)
{
	/* The oldest two become one. */
	if (state->gap_count == STATE_GAPS) {
		state->gaps[1].length_ms += state->gaps[0].length_ms;
		memmove(state->gaps, state->gaps + 1,
		    (STATE_GAPS - 1) * sizeof(*state->gaps));
		state->gap_count--;
	}
	state->gaps[state->gap_count++] =
	    (struct state_gap){ state->seen_ms, length_ms };
}

void
queue_wake(struct state *state, int64_t now_ms)
{
	int64_t passed_ms = now_ms - state->seen_ms;
	size_t kept = 0;

	if (state->seen_ms &&
	    (passed_ms > QUEUE_GAP_MS || passed_ms < -STEP_BACK_MS))
		add_gap(state, passed_ms);
	state->seen_ms = now_ms;
	state->next_ms = sane(state->next_ms, now_ms);
	for (size_t i = 0; i < state->count; i++)
		state->entries[i].next_ms =
		    sane(state->entries[i].next_ms, now_ms);
	for (size_t i = 0; i < state->sent_count; i++)
		if (state->sent[i] <= now_ms)
			state->sent[kept++] = state->sent[i];
	state->sent_count = kept;
}

void
queue_sent(struct state *state, const struct queue_rules *rules, int64_t now_ms)
{
	size_t most = rules->rate_n > 1 ? (size_t)rules->rate_n : 1;

	if (state->sent_count >= most) {
		size_t drop = state->sent_count - most + 1;

		state->sent_count -= drop;
		memmove(state->sent, state->sent + drop,
		    state->sent_count * sizeof(*state->sent));
	}
	state->sent = ha_xrealloc(
	    state->sent, (state->sent_count + 1) * sizeof(*state->sent));
	state->sent[state->sent_count++] = now_ms;
}

int64_t
queue_age_ms(const struct state *state, int64_t born, int64_t now_ms)
{
	int64_t age_ms = now_ms - born;

	for (size_t i = 0; i < state->gap_count; i++) {
		const struct state_gap *gap = &state->gaps[i];
		int64_t end_ms = gap->at_ms + gap->length_ms;

		/* Of a clock that was set back: what was born between may be
		 * of before or of after it, and rather is too young. */
		if (gap->at_ms >= born && (gap->length_ms > 0 || end_ms > born))
			age_ms -= gap->length_ms;
	}
	return age_ms > 0 ? age_ms : 0;
}
