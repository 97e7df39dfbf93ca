/* SPDX-License-Identifier: ISC */
/* tell - from results to what somebody should hear. */
#include "tell.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "alloc.h"
#include "buf.h"
#include "clock.h"
#include "family.h"

/* Clocks of two machines may differ by so much. */
#define FUTURE_MS 60000
#define MINUTE_MS 60000
#define MINUTE_LEN (sizeof("20261123T0050Z") - 1)
/* Of the record's own words. */
#define MSG_MAX 2000
/* As far as a name may be ahead: then the clock was set back. */
#define NAME_AHEAD_MS (INT64_C(25) * 60 * MINUTE_MS)
#define REMIND_MAX_MS (INT64_C(24) * 3600 * 1000)
/* A check is stale after so many of its intervals, and not before ... */
#define STALE_INTERVALS 3
#define STALE_MIN_MS (INT64_C(10) * 60 * 1000)
/* ... or, when only one result is known, after a day's and some more. */
#define STALE_ONCE_MS (INT64_C(25) * 3600 * 1000)

static const struct rules_of *
rules_of(struct tell *tell, struct check *check)
{
	if (check->rules == NULL)
		check->rules =
		    rules_for(tell->rules, check->host, check->check);
	return check->rules;
}

void
tell_begin(struct tell *tell)
{
	struct state *state = tell->state;

	state->seq++;
	tell->first_sweep = state->sweeps + 1;
	for (size_t i = 0; i < state->count; i++)
		state->checks[i]->rules = NULL;
}

uint64_t
tell_sweep(struct tell *tell)
{
	return ++tell->state->sweeps;
}

/* From bad to worse is no change of its mind. */
static void
add_flip(struct check *check, enum ha_status_state before, int64_t now_ms)
{
	unsigned turn = judge_rank(check->level) > judge_rank(before)
			    ? STATE_WORSE
			    : STATE_BETTER;

	if (check->turn == turn)
		return;
	check->turn = turn;
	if (check->flip_count == STATE_FLIPS)
		memmove(check->flips, check->flips + 1,
		    --check->flip_count * sizeof(check->flips[0]));
	check->flips[check->flip_count++] = now_ms;
}

static void
judge(struct tell *tell, struct check *check, int is_first)
{
	enum ha_status_state before = check->level;
	int is_ok = check->last.state == HA_STATUS_OK;

	if (!is_ok && check->bad_ms == 0)
		check->bad_ms = check->last_ms;
	check->level = judge_add(&check->window, check->last.state, before,
	    &rules_of(tell, check)->judge);
	/* It may have been told of before what it held was lost. */
	if (tell->state->is_rebuilt && is_first)
		check->level = check->last.state;
	if (is_ok && check->level == HA_STATUS_OK)
		check->bad_ms = 0;
	if (!is_first && check->level != before)
		add_flip(check, before, tell->now_ms);
}

/*
 * A run by hand between two others makes the interval short, a night in which
 * nobody looked makes it long: it is followed slowly.  Not when the check came
 * back after it was stale: that may be how often it comes now.
 */
static void
set_interval(struct check *check, int64_t now_ms)
{
	int64_t interval_ms = now_ms - check->seen_ms;
	int64_t last_ms = check->interval_ms;

	if (check->seen_ms == 0 || interval_ms <= 0)
		return;
	if (interval_ms < last_ms / 4 * 3)
		interval_ms = last_ms / 4 * 3;
	if (interval_ms > last_ms * 2 && last_ms != 0 && !check->is_stale)
		interval_ms = last_ms * 2;
	check->interval_ms = interval_ms;
}

static void
set_sweep(struct tell *tell, struct check *check, const char *producer,
    uint64_t sweep)
{
	if (check->here_seq != tell->state->seq)
		check->old_sweep = 0;
	check->here_seq = tell->state->seq;
	check->is_missing = 0;
	if (sweep == 0)
		return;
	if (check->sweep < tell->first_sweep && check->producer == producer)
		check->old_sweep = check->sweep;
	check->producer = producer;
	check->sweep = sweep;
}

/* So bad that what stands behind it is silenced. */
static int
is_down(enum ha_status_state state)
{
	return judge_rank(state) >= judge_rank(HA_STATUS_UNKNOWN);
}

int
tell_has_other(const struct tell *tell, const struct ha_status *status)
{
	const struct check *check =
	    state_find(tell->state, status->host, status->check);

	return check != NULL && check->here_seq == tell->state->seq &&
	       check->last.state != status->state;
}

void
tell_take(struct tell *tell, const struct ha_status *status, int64_t time_ms,
    const char *producer, uint64_t sweep)
{
	struct check *check =
	    state_get(tell->state, status->host, status->check);
	int is_first = check->seen_ms == 0;
	int was_bad = is_down(check->last.state);

	set_sweep(tell, check, producer, sweep);
	if (!is_first && time_ms < check->last_ms) {
		if (check->last_ms <= tell->now_ms + FUTURE_MS) {
			tell->too_old++;
			return;
		}
		tell->from_future++;
	}
	check_set_last(check, status, time_ms);
	set_interval(check, tell->now_ms);
	check->seen_ms = tell->now_ms;
	check->waited_ms = 0;
	check->seen_seq = tell->state->seq;
	check->is_stale = 0;
	check->is_stale_told = 0;
	if (was_bad && !is_down(status->state))
		check->calm_seq = tell->state->seq;
	judge(tell, check, is_first);
}

static void
add_duration(struct ha_buf *words, int64_t ms)
{
	char text[32];

	ha_clock_words(ms > 0 ? ms : 0, text, sizeof(text));
	ha_buf_add_str(words, text);
}

/* Behind the record's words, in parentheses. */
static void
add_note(struct ha_buf *words, const char *note)
{
	ha_buf_addf(words, "%s(%s", words->len > 0 ? " " : "", note);
}

/* What is added must not be what is cut off. */
static void
add_cut(struct ha_buf *words, const char *msg)
{
	size_t len = strlen(msg);

	if (len <= MSG_MAX) {
		ha_buf_add(words, msg, len);
		return;
	}
	for (len = MSG_MAX; ((unsigned char)msg[len] & 0xc0) == 0x80; len--)
		continue;
	ha_buf_add(words, msg, len);
	ha_buf_add_str(words, "...");
}

/* What the record's words don't say. */
static void
add_words(struct tell *tell, const struct check *check,
    enum ha_transition_event event, struct ha_buf *words)
{
	add_cut(words, check->last.msg);
	switch (event) {
	case HA_TRANSITION_RECOVERY:
		if (check->told == HA_STATUS_OK) {
			add_note(words, "calm again: it was flapping for ");
			add_duration(words, tell->now_ms - check->since_ms);
		} else {
			add_note(words, "was ");
			ha_buf_addf(
			    words, "%s for ", ha_status_name(check->told));
			add_duration(words, check->last_ms - check->since_ms);
		}
		ha_buf_add_char(words, ')');
		break;
	case HA_TRANSITION_REMINDER:
		add_note(words, "still ");
		ha_buf_addf(words, "%s%s after ",
		    check->flapping_ms != 0 ? "flapping"
					    : ha_status_name(check->told),
		    check->is_calm ? ", and calm again," : "");
		add_duration(words, tell->now_ms - check->since_ms);
		ha_buf_add_char(words, ')');
		break;
	case HA_TRANSITION_STALE:
		ha_buf_reset(words);
		ha_buf_addf(words, "no %s for ",
		    check_is_sweep(check) ? "sweep" : "result");
		add_duration(words, tell->now_ms - check->seen_ms);
		ha_buf_addf(words, "; the last one was %s: %s",
		    ha_status_name(check->last.state), check->last.msg);
		break;
	case HA_TRANSITION_FLAPPING:
		add_note(words, "");
		ha_buf_addf(words, "%zu changes within ", check->flip_count);
		add_duration(words, tell->now_ms - check->flips[0]);
		ha_buf_add_str(words, "; nothing is told until it is calm)");
		break;
	case HA_TRANSITION_REMOVED:
		ha_buf_reset(words);
		ha_buf_addf(words, "not checked any more; it was %s: %s",
		    ha_status_name(check->last.state), check->last.msg);
		break;
	default:
		if (check->is_calm)
			ha_buf_addf(
			    words, "%s(calm again)", words->len > 0 ? " " : "");
		break;
	}
	if (check->behind > 0)
		ha_buf_addf(words, "; %u check%s behind it %s not OK",
		    check->behind, check->behind == 1 ? "" : "s",
		    check->behind == 1 ? "is" : "are");
}

/*
 * The minute it began in is in its name: one that begins in the minute of the
 * last one, or before, is named by the next minute, or it would be taken for
 * that one.
 */
static void
name_incident(struct check *check)
{
	char minute[sizeof("2026-11-23T00:50:00Z")];
	const char *last = check->incident;
	int64_t at_ms = check->since_ms, last_ms;
	struct ha_err err;

	/* Of "20261123T0050Z-...". */
	if (strlen(last) > MINUTE_LEN) {
		snprintf(minute, sizeof(minute), "%.4s-%.2s-%.2sT%.2s:%.2s:00Z",
		    last, last + 4, last + 6, last + 9, last + 11);
		if (ha_clock_parse_rfc3339(minute, &last_ms, &err) == 0 &&
		    last_ms >= at_ms - at_ms % MINUTE_MS &&
		    last_ms < at_ms + NAME_AHEAD_MS)
			at_ms = last_ms + MINUTE_MS;
	}
	ha_transition_incident(
	    check->incident, check->host, check->check, at_ms);
}

/* Nobody knows what it was before it was first seen. */
static enum ha_status_state
state_before(const struct check *check)
{
	if (*check->incident != '\0' ||
	    memchr(check->window.states, HA_STATUS_OK, check->window.len))
		return HA_STATUS_OK;
	return HA_STATUS_UNKNOWN;
}

static void
open_incident(struct tell *tell, struct check *check)
{
	if (check->is_told)
		return;
	check->is_told = 1;
	check->told = state_before(check);
	check->since_ms = check->bad_ms != 0 ? check->bad_ms : tell->now_ms;
	check->reminders = 0;
	name_incident(check);
}

static void
close_incident(struct check *check)
{
	check->is_told = 0;
	check->told = HA_STATUS_OK;
	check->since_ms = 0;
	check->remind_ms = 0;
	check->reminders = 0;
	free(check->ack);
	check->ack = NULL;
}

/* 1 h, 2 h, 4 h ... and then each day. */
static void
set_reminder(struct tell *tell, struct check *check)
{
	int64_t wait_ms = rules_of(tell, check)->remind_ms;

	if (wait_ms == 0) {
		check->remind_ms = 0;
		return;
	}
	for (unsigned i = 0; i < check->reminders && wait_ms < REMIND_MAX_MS;
	     i++)
		wait_ms *= 2;
	if (wait_ms > REMIND_MAX_MS &&
	    rules_of(tell, check)->remind_ms < REMIND_MAX_MS)
		wait_ms = REMIND_MAX_MS;
	check->remind_ms = tell->now_ms + wait_ms;
}

static int
is_told_now(enum ha_transition_event event)
{
	return event == HA_TRANSITION_REMINDER ||
	       event == HA_TRANSITION_STALE || event == HA_TRANSITION_REMOVED;
}

static void
emit(struct tell *tell, struct check *check, enum ha_transition_event event,
    enum ha_status_state state)
{
	char since[HA_CLOCK_RFC3339_SIZE], now[HA_CLOCK_RFC3339_SIZE];
	struct ha_buf words = HA_BUF_INIT;
	struct ha_transition transition = { .event = event,
		.incident = check->incident,
		.since = since,
		.old_state = check->told,
		.status = check->last };

	add_words(tell, check, event, &words);
	ha_clock_format_ms(check->since_ms, since);
	ha_clock_format_ms(tell->now_ms, now);
	transition.status.state = state;
	transition.status.msg = words.data;
	if (is_told_now(event) || *transition.status.time == '\0')
		transition.status.time = now;
	if (*transition.status.by == '\0')
		transition.status.by = ha_status_here();
	tell->each(tell->context, &transition);
	if (event != HA_TRANSITION_REMINDER)
		check_add_change(check, &transition);
	ha_buf_release(&words);
}

static void
tell_state(struct tell *tell, struct check *check,
    enum ha_transition_event event, enum ha_status_state state)
{
	open_incident(tell, check);
	emit(tell, check, event, state);
	if (judge_rank(state) > judge_rank(check->told)) {
		free(check->ack);
		check->ack = NULL;
		check->reminders = 0;
	}
	if (event == HA_TRANSITION_REMINDER)
		check->reminders++;
	check->told = state;
	set_reminder(tell, check);
}

static void
tell_end(struct tell *tell, struct check *check, enum ha_transition_event event)
{
	/* What nobody has heard of has no incident: it begins and ends now. */
	if (!check->is_told) {
		check->since_ms = tell->now_ms;
		name_incident(check);
	}
	emit(tell, check, event,
	    event == HA_TRANSITION_RECOVERY ? HA_STATUS_OK : check->level);
	close_incident(check);
}

static int
by_number(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return (x > y) - (x < y);
}

/* The sweeps that had what a later one of their producer has now. */
static size_t
old_sweeps(const struct state *state, uint64_t **sweeps)
{
	size_t count = 0, kept = 0;

	*sweeps = ha_xcalloc(state->count + 1, sizeof(**sweeps));
	for (size_t i = 0; i < state->count; i++) {
		const struct check *check = state->checks[i];

		if (check->here_seq == state->seq && check->old_sweep != 0 &&
		    (count == 0 || (*sweeps)[count - 1] != check->old_sweep))
			(*sweeps)[count++] = check->old_sweep;
	}
	qsort(*sweeps, count, sizeof(**sweeps), by_number);
	for (size_t i = 0; i < count; i++)
		if (i == 0 || (*sweeps)[i] != (*sweeps)[i - 1])
			(*sweeps)[kept++] = (*sweeps)[i];
	return kept;
}

/* What was with others that are here now, and is not. */
static void
mark_missing(struct tell *tell)
{
	struct state *state = tell->state;
	uint64_t *sweeps;
	size_t count = old_sweeps(state, &sweeps);

	for (size_t i = 0; count > 0 && i < state->count; i++) {
		struct check *check = state->checks[i];

		if (check->here_seq != state->seq && check->sweep != 0 &&
		    bsearch(&check->sweep, sweeps, count, sizeof(*sweeps),
			by_number) != NULL)
			check->is_missing = 1;
	}
	free(sweeps);
}

static void
tell_removed(struct tell *tell)
{
	struct state *state = tell->state;
	int count = 0;

	for (size_t i = 0; i < state->count; i++) {
		if (!state->checks[i]->is_missing)
			continue;
		tell_end(tell, state->checks[i], HA_TRANSITION_REMOVED);
		state->checks[i]->is_gone = 1;
		count++;
	}
	if (count > 0)
		state_sweep(state);
}

/* Flapping. */

static void
forget_flips(struct check *check, int64_t before_ms)
{
	size_t old = 0;

	while (old < check->flip_count && check->flips[old] < before_ms)
		old++;
	check->flip_count -= old;
	memmove(check->flips, check->flips + old,
	    check->flip_count * sizeof(check->flips[0]));
}

/* It flaps until nothing has changed for as long. */
static void
look_for_calm(struct tell *tell, struct check *check)
{
	forget_flips(check, tell->now_ms - rules_of(tell, check)->flap_ms);
	check->is_calm = check->flapping_ms != 0 && check->flip_count == 0;
	if (check->is_calm)
		check->flapping_ms = 0;
}

static int
begins_to_flap(const struct check *check)
{
	unsigned limit = check->rules->flap_n;

	return check->flapping_ms == 0 && limit != 0 &&
	       check->flip_count >= limit;
}

/*
 * While nobody looked at all, no result could come: a check that was not
 * overdue then gets its time once more, and only once.
 */
static int64_t
waits_since(const struct tell *tell, struct check *check, int64_t limit_ms)
{
	int64_t before_ms = tell->state->before_ms;

	if (check->waited_ms == 0 && before_ms != 0 &&
	    tell->now_ms - before_ms >= limit_ms &&
	    before_ms - check->seen_ms < limit_ms)
		check->waited_ms = tell->now_ms;
	return check->waited_ms != 0 ? check->waited_ms : check->seen_ms;
}

static void
look_for_stale(struct tell *tell, struct check *check)
{
	int64_t limit_ms = rules_of(tell, check)->stale_ms;

	if (check->is_stale || check->seen_ms == 0 || limit_ms == 0)
		return;
	if (limit_ms == RULES_STALE_AUTO) {
		limit_ms = check->interval_ms * STALE_INTERVALS;
		if (limit_ms < STALE_MIN_MS)
			limit_ms = STALE_MIN_MS;
		if (check->interval_ms == 0)
			limit_ms = STALE_ONCE_MS;
	}
	check->is_stale =
	    tell->now_ms - waits_since(tell, check, limit_ms) >= limit_ms;
}

static enum ha_transition_event
event_of(const struct check *check, enum ha_status_state state)
{
	if (check->is_stale && !check->is_stale_told)
		return HA_TRANSITION_STALE;
	if (check_is_sweep(check) && state == HA_STATUS_CRIT)
		return HA_TRANSITION_ABORTED;
	if (!check->is_told)
		return HA_TRANSITION_PROBLEM;
	return judge_rank(state) > judge_rank(check->told)
		   ? HA_TRANSITION_WORSE
		   : HA_TRANSITION_BETTER;
}

static int
has_changed(const struct check *check, enum ha_status_state state)
{
	return !check->is_told || state != check->told ||
	       (check->is_stale && !check->is_stale_told);
}

static int
is_reminder_due(struct tell *tell, struct check *check)
{
	/* The rules may have changed since. */
	if (check->remind_ms == 0)
		set_reminder(tell, check);
	if (check->is_calm)
		return 1;
	return check->ack == NULL && check->remind_ms != 0 &&
	       check->rules->remind_ms != 0 && check->remind_ms <= tell->now_ms;
}

static void
decide(struct tell *tell, struct check *check)
{
	enum ha_status_state state =
	    check->is_stale ? HA_STATUS_UNKNOWN : check->level;
	int is_held = state_maint(tell->state, check, tell->now_ms) != NULL ||
		      (check->was_silenced && state != HA_STATUS_OK);

	look_for_calm(tell, check);
	if (!is_held && begins_to_flap(check)) {
		check->flapping_ms = tell->now_ms;
		tell_state(tell, check, HA_TRANSITION_FLAPPING, state);
	} else if (check->flapping_ms == 0 && state == HA_STATUS_OK) {
		if (check->is_told)
			tell_end(tell, check, HA_TRANSITION_RECOVERY);
	} else if (is_held) {
		return;
	} else if (check->flapping_ms == 0 && has_changed(check, state)) {
		tell_state(tell, check, event_of(check, state), state);
		check->is_stale_told = check->is_stale;
	} else if (check->is_told && is_reminder_due(tell, check)) {
		tell_state(tell, check, HA_TRANSITION_REMINDER, state);
	}
}

static void
decide_all(struct tell *tell)
{
	struct state *state = tell->state;

	for (size_t i = 0; i < state->count; i++)
		if (!state->checks[i]->is_missing)
			look_for_stale(tell, state->checks[i]);
	family_silence(state, tell->rules);
	for (size_t i = 0; i < state->count; i++)
		if (!state->checks[i]->is_missing)
			decide(tell, state->checks[i]);
}

void
tell_part(struct tell *tell)
{
	state_end_maints(tell->state, tell->now_ms);
	mark_missing(tell);
	decide_all(tell);
}

void
tell_all(struct tell *tell)
{
	state_end_maints(tell->state, tell->now_ms);
	mark_missing(tell);
	tell_removed(tell);
	decide_all(tell);
}
