/* SPDX-License-Identifier: ISC */
/*
 * hold - deletions over the budget: told once, listed, and let go by a person.
 */
#include "hold.h"

#include <string.h>

#include "budget.h"
#include "clock.h"
#include "msg.h"
#include "push.h"
#include "rec.h"

/* To look again takes at most one part in this of the time. */
#define LOOK_SHARE 20
#define LOOK_MS 10000

void
hold_looked(struct push *push, int64_t took_ns)
{
	push->hold_look_ns = ha_clock_deadline(LOOK_MS);
	if (LOOK_SHARE * took_ns > LOOK_MS * HA_MS_NS)
		push->hold_look_ns = ha_clock_now_ns() + LOOK_SHARE * took_ns;
}

int64_t
hold_due_ns(const struct push *push)
{
	return push->dirty.held.count > 0 && !push->input.at_end
		   ? push->hold_look_ns
		   : HA_CLOCK_NEVER;
}

void
hold_look_again(struct push *push)
{
	dirty_look_again_at_all(&push->dirty);
}

void
hold_settle(struct push *push)
{
	struct ha_buf words = HA_BUF_INIT;

	/* A release may have come in the middle of the round. */
	if (push->dirty.held.count > 0)
		push->budget.holds = 1;
	if (!push->budget.holds)
		return;
	if (push->dirty.hold_count == 0) {
		if (push->hold_said)
			ha_say("%s: no deletion is held any more",
			    push->peer.label);
		budget_end_hold(&push->budget);
		push->hold_said = 0;
	} else if (!push->hold_said && push->dirty.held.count > 0 &&
		   !push->input.at_end) {
		hold_words(push, &words);
		ha_warn("%s: %s", push->peer.label, words.data);
		push->hold_said = 1;
		hold_looked(push, 0);
	}
	ha_buf_release(&words);
}

int
hold_is_all(const struct push *push)
{
	return push->input.at_end && push->dirty.held.count > 0 &&
	       push->dirty.held.count == push->dirty.count &&
	       push->dirty.renames == NULL;
}

static void
add_count(const struct push *push, struct ha_buf *words)
{
	uint64_t count = dirty_held_names(&push->dirty);
	const struct dirty_entry *first = push->dirty.held.head;

	ha_buf_addf(words, "%llu deletion%s held: more than ",
	    (unsigned long long)count, count == 1 ? " is" : "s are");
	budget_words(&push->budget, words);
	if (first != NULL)
		ha_buf_addf(words, "; first %s",
		    first->hold->names.len > 0 ? first->hold->names.data
					       : first->path);
}

/* The limit that would let count more go. */
static unsigned long long
needed(struct push *push, uint64_t count)
{
	count += budget_spent(&push->budget);
	return count;
}

/* Nobody reaches a run that ends by itself: the next one is to be let. */
static void
add_cure(struct push *push, struct ha_buf *words)
{
	const char *file = push->report.status_file;

	if (push->input.at_end)
		ha_buf_addf(words, "; let them go with --max-delete %llu",
		    needed(push, dirty_held_names(&push->dirty)));
	else
		ha_buf_addf(words,
		    "; let them go with: ha-push --release %s --reason WORDS, or "
		    "raise --max-delete",
		    file != NULL ? file : "STATUSFILE (of --status)");
}

void
hold_words(struct push *push, struct ha_buf *words)
{
	add_count(push, words);
	add_cure(push, words);
}

void
hold_say_end(struct push *push)
{
	struct ha_buf words = HA_BUF_INIT;

	hold_words(push, &words);
	ha_say("%s: everything is on the peer, but %s", push->peer.label,
	    words.data);
	ha_buf_release(&words);
}

void
hold_foretell(struct push *push, uint64_t count)
{
	struct ha_buf words = HA_BUF_INIT;

	if (count <= budget_left(&push->budget))
		return;
	budget_words(&push->budget, &words);
	ha_say("%s: %llu deletion%s would be held: more than %s; let them go "
	       "with --max-delete %llu",
	    push->peer.label, (unsigned long long)count, count == 1 ? "" : "s",
	    words.data, needed(push, count));
	ha_buf_release(&words);
}

static void
add_line(struct ha_buf *text, const char *path, size_t len, int64_t since_ns,
    uint64_t count)
{
	ha_buf_add_str(text, "held\t");
	ha_rec_add_field(text, path, len);
	ha_buf_addf(text, "\t%lld\t%llu\n",
	    (long long)((ha_clock_now_ns() - since_ns) / HA_MS_NS),
	    (unsigned long long)count);
}

/* Returns how many lines were added. */
static size_t
list_entry(const struct dirty_entry *entry, size_t max, struct ha_buf *text)
{
	const struct dirty_hold *hold = entry->hold;
	const char *name = hold->names.data;
	const char *end = name + hold->names.len;
	size_t n = 0;

	if (max > 0 && name == end) {
		add_line(text, entry->path, entry->path_len, hold->since_ns,
		    hold->count);
		return 1;
	}
	for (; name < end && n < max; name += strlen(name) + 1, n++)
		add_line(text, name, strlen(name), hold->since_ns, 1);
	return n;
}

void
hold_list(const struct push *push, size_t max, struct ha_buf *text)
{
	const struct dirty_list *const lists[] = { &push->dirty.held,
		&push->dirty.flying };

	for (size_t i = 0; i < sizeof(lists) / sizeof(lists[0]); i++)
		for (const struct dirty_entry *e = lists[i]->head;
		     e != NULL && max > 0; e = e->next)
			if (e->hold != NULL)
				max -= list_entry(e, max, text);
}

int
budget_release(struct push *push, const char *reason, struct ha_buf *answer)
{
	uint64_t count;

	if (push->dirty.hold_count == 0) {
		ha_buf_add_str(answer, "no deletion is held");
		return 1;
	}
	count = dirty_let_go(&push->dirty);
	budget_start_anew(&push->budget);
	push->hold_said = 0;
	ha_say("%s: %llu deletion%s released: %s", push->peer.label,
	    (unsigned long long)count, count == 1 ? "" : "s", reason);
	ha_buf_addf(answer, "%llu deletion%s released",
	    (unsigned long long)count, count == 1 ? "" : "s");
	report_touch(&push->report);
	return 0;
}
