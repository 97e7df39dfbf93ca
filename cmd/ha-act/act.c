/* SPDX-License-Identifier: ISC */
/*
 * act - what ha-act has to do: the records that wait, the commands that run.
 */
#include "act.h"

#include <stdlib.h>
#include <string.h>

#include "alloc.h"
#include "attempt.h"
#include "msg.h"

void
act_init(struct act *act, const struct options *options)
{
	const char *dir = getenv("HA_STATE_DIR");

	memset(act, 0, sizeof(*act));
	act->options = options;
	act->dir = ha_xasprintf(
	    "%s/act/%s", dir && *dir ? dir : "/var/lib/ha", options->name);
	pass_init(&act->pass);
}

void
act_release(struct act *act)
{
	pass_release(&act->pass);
	free(act->dir);
}

void
act_failed(struct act *act, int status)
{
	if (!act->status)
		act->status = status;
}

/*
 * The newest word on a check replaces what waits: after its recovery there is
 * nothing left to be done.
 */
static void
put(struct act *act, struct item *item)
{
	struct item **slot = &act->queue, *old;

	while ((old = *slot)) {
		if (!item_is_same_check(old, item) || item_is_end(old)) {
			slot = &old->next;
			continue;
		}
		if (item_is_end(item))
			ha_note("%s: not run: it has recovered by itself",
			    old->label);
		*slot = old->next;
		item_free(old);
	}
	*slot = item;
}

int
act_take(struct act *act, const char *line, size_t len, struct ha_err *err)
{
	struct item *item = item_new(act->options, line, len, err);

	if (!item)
		return -1;
	if (item_is_wanted(item, act->options))
		put(act, item);
	else
		item_free(item);
	return 0;
}

static int
is_running(const struct act *act, const struct item *item)
{
	for (const struct run *run = act->runs; run; run = run->next)
		if (!strcmp(run->item->key, item->key))
			return 1;
	return 0;
}

static int
is_full(const struct act *act)
{
	int64_t count = 0;

	for (const struct run *run = act->runs; run; run = run->next)
		count++;
	return count >= act->options->parallel;
}

static void
reap(struct act *act)
{
	struct run **slot = &act->runs, *run;

	while ((run = *slot)) {
		job_step(&run->job);
		if (!job_is_over(&run->job)) {
			slot = &run->next;
			continue;
		}
		*slot = run->next;
		attempt_ended(act, run);
	}
}

/* Before anything is started: what waits comes later than any of them. */
static void
take_recoveries(struct act *act)
{
	struct item **slot = &act->queue, *item;

	while ((item = *slot)) {
		if (!item_is_end(item)) {
			slot = &item->next;
			continue;
		}
		*slot = item->next;
		attempt_recovered(act, item);
		item_free(item);
	}
}

static void
drop_queue(struct act *act)
{
	struct item *item;

	while ((item = act->queue)) {
		act->queue = item->next;
		ha_say("%s: %s is not run: ended by a signal", item->label,
		    act->options->words);
		act_failed(act, EX_TEMPFAIL);
		item_free(item);
	}
}

/* The next one that may begin, taken out of the queue. */
static struct item *
next(struct act *act)
{
	struct item **slot = &act->queue, *item;

	if (is_full(act))
		return NULL;
	while ((item = *slot) && is_running(act, item))
		slot = &item->next;
	if (item)
		*slot = item->next;
	return item;
}

int
act_step(struct act *act)
{
	struct item *item;

	reap(act);
	take_recoveries(act);
	if (act->is_ending)
		drop_queue(act);
	while ((item = next(act)))
		attempt_begin(act, item);
	return act->queue || act->runs;
}

void
act_end(struct act *act)
{
	act->is_ending = 1;
	for (struct run *run = act->runs; run; run = run->next) {
		job_interrupt(&run->job);
		act_failed(act, EX_TEMPFAIL);
	}
}
