/* SPDX-License-Identifier: ISC */
/*
 * queue - which message goes to a channel next, and when.
 *
 * Pure: no file, no clock.  Times are ha_clock_wall_ms()'s.
 *
 * What is to be told of one incident becomes one part: a problem and its
 * recovery are told as "was down 12 m".  Parts of one check (HOST and CHECK) go
 * in their order; else one that has to wait holds up no other.  By group= what
 * is there is told as one, and a pause follows; by rate= so is what was too much.
 *
 * Source: ha-alert(1), DELIVERY.
 */
#ifndef ALERT_QUEUE_H
#define ALERT_QUEUE_H

#include <stddef.h>
#include <stdint.h>

#include "alert.h"
#include "entry.h"
#include "names.h"
#include "state.h"

/* So many items are told by name in one message. */
#define QUEUE_ITEMS_MAX 50
#define QUEUE_BACKOFF_FIRST_MS 5000
#define QUEUE_BACKOFF_MAX_MS (15 * 60 * 1000)
/* What a receiver may wish for: "0" would be a flood of requests. */
#define QUEUE_RETRY_AFTER_MIN_MS 1000
#define QUEUE_RETRY_AFTER_MAX_MS (60 * 60 * 1000)
/* So long nobody may have flushed, and the time counts towards give-up=. */
#define QUEUE_GAP_MS (60 * 60 * 1000)
#define QUEUE_NEVER INT64_MAX

struct queue_entry {
	char *name;
	struct entry entry;
	int64_t born_ms;
	/* Of the attempts. */
	unsigned attempts;
	int64_t next_ms;
	int is_frozen; /* when it is added: nothing becomes one with it */
};

struct queue_part {
	struct queue_entry **entries; /* owned */
	size_t count;
	size_t *keys; /* of its checks, numbers of queue->keys */
	size_t key_count;
	int is_frozen;
	struct queue_part *before, *after;
};

struct queue_rules {
	int64_t group_ms, rate_n, rate_ms;
	int is_one_by_one; /* no message tells of more than one incident */
};

struct queue {
	struct queue_rules rules;
	struct queue_part *first, *last;
	size_t count; /* of entries */
	struct names keys, incidents, names;
	unsigned *stamps; /* by key: held up in the present round */
	unsigned stamp;
	size_t stamp_count;
	struct queue_part **open; /* by incident: more of it belongs there */
	size_t open_count;
	char *is_there; /* by name */
	size_t there_count;
	int is_more; /* of one bundle that was too large for a message */
};

void queue_init(struct queue *queue, const struct queue_rules *rules);
void queue_release(struct queue *queue);
/* Is there an entry of this name? */
int queue_has(const struct queue *queue, const char *name);
/* Add an entry behind the others; *entry is owned by the queue then. */
void queue_add(struct queue *queue, const struct queue_entry *entry);

/* The message that is to be sent, until the queue changes. */
struct queue_plan {
	struct queue_part **parts;
	size_t count;
	struct alert_item *items;
	struct alert_bundle bundle; /* of these items */
	/* It is this entry as it is; NULL: several become one. */
	struct queue_entry *entry;
	int64_t wait_ms; /* nothing can be sent before; QUEUE_NEVER: empty */
};

/*
 * What is to be sent now, from what was sent before: 1; 0: nothing, and
 * plan->wait_ms is set.  The caller releases the plan in both cases.
 */
int queue_plan(struct queue *queue, const struct state *state, int64_t now_ms,
    struct queue_plan *plan);
void queue_plan_release(struct queue_plan *plan);
/* A plan of this part alone, due or not. */
void queue_plan_part(struct queue_plan *plan, struct queue_part *part);
/* The names of its entries; the array is the caller's. */
const char **queue_plan_names(const struct queue_plan *plan, size_t *count);
/*
 * One entry takes the place of all that are planned, and the plan becomes that
 * one's, which is frozen; *entry is owned by the queue then.
 */
void queue_join(struct queue *queue, struct queue_plan *plan,
    const struct queue_entry *entry);
/* May more of the same incident become one with it? */
void queue_freeze(struct queue *queue, struct queue_part *part, int is_frozen);
/* It was told, or given up. */
void queue_remove(struct queue *queue, struct queue_part *part);
/* When the first of its entries was taken. */
int64_t queue_born_ms(const struct queue_part *part);

/* The pause after so many attempts. */
int64_t queue_backoff_ms(unsigned attempts);
/* A fifth more or less of it; random is any number. */
int64_t queue_jitter_ms(int64_t pause_ms, unsigned random);
/*
 * The state of a flusher that begins now: what a step of the clock made wrong is
 * mended, and a time in which nobody flushed becomes a gap.
 */
void queue_wake(struct state *state, int64_t now_ms);
/* Remember that a message was delivered. */
void queue_sent(
    struct state *state, const struct queue_rules *rules, int64_t now_ms);
/* How long an entry of born_ms has waited, without the gaps. */
int64_t
queue_age_ms(const struct state *state, int64_t born_ms, int64_t now_ms);

#endif
