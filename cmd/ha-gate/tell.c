/* SPDX-License-Identifier: ISC */
/* tell - from results to what somebody should hear. */
#include "tell.h"

#include <stdlib.h>
#include <string.h>

#include "alloc.h"
#include "buf.h"
#include "clock.h"

#define SWEEP "sweep:"
/* Clocks of two machines may differ by so much. */
#define FUTURE_MS 60000
#define MINUTE_MS 60000
/* As far as a name may be ahead: then the clock was set back. */
#define NAME_AHEAD_MS (INT64_C(60) * MINUTE_MS)
#define REMIND_MAX_MS (INT64_C(24) * 3600 * 1000)
/* A check is stale after so many of its intervals, and not before ... */
#define STALE_INTERVALS 3
#define STALE_MIN_MS (INT64_C(10) * 60 * 1000)

enum { UNMARKED, VISITING, ROOTED };

char *
tell_sweep_check(const char *producer)
{
	return ha_xasprintf(SWEEP "%s", producer);
}

static int
is_sweep(const struct check *check)
{
	return strncmp(check->check, SWEEP, strlen(SWEEP)) == 0;
}

static const struct rules_of *
rules_of(struct tell *tell, struct check *check)
{
	if (check->rules == NULL)
		check->rules =
		    rules_for(tell->rules, check->host, check->check);
	return check->rules;
}

static void
add_flip(struct check *check, int64_t now_ms)
{
	if (check->flip_count == STATE_FLIPS)
		memmove(check->flips, check->flips + 1,
		    --check->flip_count * sizeof(check->flips[0]));
	check->flips[check->flip_count++] = now_ms;
}

static void
judge(struct tell *tell, struct check *check)
{
	enum ha_status_state before = check->level;
	int is_ok = check->last.state == HA_STATUS_OK;

	if (!is_ok && check->bad_ms == 0)
		check->bad_ms = check->last_ms;
	check->level = judge_add(&check->window, check->last.state, before,
	    &rules_of(tell, check)->judge);
	if (is_ok && check->level == HA_STATUS_OK)
		check->bad_ms = 0;
	if ((before == HA_STATUS_OK) != (check->level == HA_STATUS_OK))
		add_flip(check, tell->now_ms);
}

void
tell_take(struct tell *tell, const struct ha_status *status, int64_t time_ms,
    const char *producer)
{
	struct check *check =
	    state_get(tell->state, status->host, status->check);
	int was_bad = check->last.state != HA_STATUS_OK;

	if (check->seen_ms != 0 && time_ms < check->last_ms) {
		if (check->last_ms <= tell->now_ms + FUTURE_MS) {
			tell->too_old++;
			return;
		}
		tell->from_future++;
	}
	check_set_last(check, status, producer, time_ms);
	if (check->seen_ms != 0 && check->seen_ms < tell->now_ms &&
	    !check->is_stale)
		check->interval_ms = tell->now_ms - check->seen_ms;
	check->seen_ms = tell->now_ms;
	check->seen_seq = tell->state->seq;
	check->is_stale = 0;
	if (was_bad && status->state == HA_STATUS_OK)
		check->calm_seq = tell->state->seq;
	judge(tell, check);
}

static void
add_duration(struct ha_buf *words, int64_t ms)
{
	char text[32];

	ha_clock_words(ms > 0 ? ms : 0, text, sizeof(text));
	ha_buf_add_str(words, text);
}

/* What the record's words don't say. */
static void
add_words(struct tell *tell, const struct check *check,
    enum ha_transition_event event, struct ha_buf *words)
{
	ha_buf_add_str(words, check->last.msg);
	switch (event) {
	case HA_TRANSITION_RECOVERY:
		ha_buf_addf(words, "%s(was %s for ", words->len > 0 ? " " : "",
		    ha_status_name(check->told));
		add_duration(words, check->last_ms - check->since_ms);
		ha_buf_add_char(words, ')');
		break;
	case HA_TRANSITION_REMINDER:
		ha_buf_addf(words, "%s(still %s after ",
		    words->len > 0 ? " " : "", ha_status_name(check->told));
		add_duration(words, tell->now_ms - check->since_ms);
		ha_buf_addf(
		    words, "%s)", check->flapping_ms != 0 ? ", flapping" : "");
		break;
	case HA_TRANSITION_STALE:
		ha_buf_reset(words);
		ha_buf_add_str(words, "no result for ");
		add_duration(words, tell->now_ms - check->seen_ms);
		ha_buf_addf(words, "; the last one was %s: %s",
		    ha_status_name(check->last.state), check->last.msg);
		break;
	case HA_TRANSITION_FLAPPING:
		ha_buf_addf(words, "%s(%zu changes within ",
		    words->len > 0 ? " " : "", check->flip_count);
		add_duration(words, tell->now_ms - check->flips[0]);
		ha_buf_add_str(words, "; nothing is told until it is calm)");
		break;
	case HA_TRANSITION_REMOVED:
		ha_buf_reset(words);
		ha_buf_addf(words, "not checked any more; it was %s: %s",
		    ha_status_name(check->last.state), check->last.msg);
		break;
	default:
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
	static const size_t minute_len = sizeof("20261123T0050Z") - 1;
	char last[HA_TRANSITION_INCIDENT_SIZE];
	int64_t at_ms = check->since_ms;

	memcpy(last, check->incident, sizeof(last));
	ha_transition_incident(
	    check->incident, check->host, check->check, at_ms);
	while (strncmp(check->incident, last, minute_len) <= 0 &&
	       at_ms < check->since_ms + NAME_AHEAD_MS) {
		at_ms += MINUTE_MS;
		ha_transition_incident(
		    check->incident, check->host, check->check, at_ms);
	}
}

static void
open_incident(struct tell *tell, struct check *check)
{
	if (check->is_told)
		return;
	check->is_told = 1;
	check->told = HA_STATUS_OK;
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
	if (event == HA_TRANSITION_WORSE) {
		free(check->ack);
		check->ack = NULL;
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

void
tell_complete(struct tell *tell, const char *producer)
{
	struct state *state = tell->state;

	for (size_t i = 0; i < state->count; i++) {
		struct check *check = state->checks[i];

		if (check->producer != producer || is_sweep(check) ||
		    check->seen_seq == state->seq)
			continue;
		tell_end(tell, check, HA_TRANSITION_REMOVED);
		check->is_gone = 1;
	}
	state_sweep(state);
}

/* Dependencies. */

static int
is_bad(const struct check *check)
{
	return judge_rank(check->level) >= judge_rank(HA_STATUS_UNKNOWN) ||
	       (!check->is_stale && judge_rank(check->last.state) >=
					judge_rank(HA_STATUS_UNKNOWN));
}

/* Those that a pattern of dep= names and that are bad. */
struct parents {
	const char *pattern;
	struct check **checks;
	size_t count;
};

struct family {
	struct check **bad;
	size_t bad_count;
	struct parents *parents; /* one a pattern */
	size_t count;
};

static struct parents *
parents_by(struct family *family, const char *pattern)
{
	struct parents *parents;

	for (size_t i = 0; i < family->count; i++)
		if (strcmp(family->parents[i].pattern, pattern) == 0)
			return &family->parents[i];
	family->parents = ha_xrealloc(
	    family->parents, (family->count + 1) * sizeof(*family->parents));
	parents = &family->parents[family->count++];
	parents->pattern = pattern;
	parents->count = 0;
	parents->checks =
	    ha_xcalloc(family->bad_count + 1, sizeof(struct check *));
	for (size_t i = 0; i < family->bad_count; i++)
		if (ha_status_matches(
			pattern, family->bad[i]->host, family->bad[i]->check))
			parents->checks[parents->count++] = family->bad[i];
	return parents;
}

static struct check *
root_of(struct tell *tell, struct family *family, struct check *check);

/*
 * The check at the far end of a chain of bad ones above this one; NULL: there
 * is none.  A circle ends nowhere, and so silences nobody.
 */
static struct check *
root_above(struct tell *tell, struct family *family, struct check *check)
{
	const struct rules_of *rules = rules_of(tell, check);
	struct check *root = NULL;

	for (size_t i = 0; i < rules->dep_count && root == NULL; i++) {
		size_t index = (size_t)(parents_by(family, rules->deps[i]) -
					family->parents);

		for (size_t j = 0;
		     j < family->parents[index].count && root == NULL; j++)
			if (family->parents[index].checks[j] != check)
				root = root_of(tell, family,
				    family->parents[index].checks[j]);
	}
	return root;
}

static int
has_bad_parent(struct tell *tell, struct family *family, struct check *check)
{
	const struct rules_of *rules = rules_of(tell, check);

	for (size_t i = 0; i < rules->dep_count; i++) {
		const struct parents *parents =
		    parents_by(family, rules->deps[i]);

		if (parents->count > 1 ||
		    (parents->count == 1 && parents->checks[0] != check))
			return 1;
	}
	return 0;
}

static struct check *
root_of(struct tell *tell, struct family *family, struct check *check)
{
	struct check *root;

	if (check->mark == ROOTED)
		return check;
	if (check->mark == VISITING)
		return NULL;
	if (!has_bad_parent(tell, family, check)) {
		check->mark = ROOTED;
		return check;
	}
	check->mark = VISITING;
	root = root_above(tell, family, check);
	check->mark = UNMARKED;
	return root;
}

/*
 * Is one of its parents bad, or has it been until now?  Then only a later
 * result shows whether the child suffers from something else.
 */
static int
was_parent_calmed(struct tell *tell, const struct check *check)
{
	const struct rules_of *rules = check->rules;
	const struct state *state = tell->state;

	for (size_t i = 0; i < state->count; i++) {
		const struct check *parent = state->checks[i];

		if (parent->calm_seq < check->seen_seq || parent == check)
			continue;
		for (size_t j = 0; j < rules->dep_count; j++)
			if (ha_status_matches(
				rules->deps[j], parent->host, parent->check))
				return 1;
	}
	return 0;
}

static void
silence(struct tell *tell, struct family *family, struct check *check)
{
	struct check *root = NULL;

	if (rules_of(tell, check)->dep_count == 0) {
		check->was_silenced = 0;
		return;
	}
	check->mark = VISITING;
	root = root_above(tell, family, check);
	check->mark = UNMARKED;
	if (root != NULL) {
		check->was_silenced = 1;
		root->behind++;
	} else if (check->was_silenced) {
		check->was_silenced = was_parent_calmed(tell, check);
	}
}

static void
silence_all(struct tell *tell)
{
	struct state *state = tell->state;
	struct family family = { NULL, 0, NULL, 0 };

	family.bad = ha_xcalloc(state->count + 1, sizeof(struct check *));
	for (size_t i = 0; i < state->count; i++) {
		state->checks[i]->mark = UNMARKED;
		state->checks[i]->behind = 0;
		if (is_bad(state->checks[i]))
			family.bad[family.bad_count++] = state->checks[i];
	}
	for (size_t i = 0; i < state->count; i++) {
		struct check *check = state->checks[i];

		if (check->level != HA_STATUS_OK ||
		    check->last.state != HA_STATUS_OK || check->is_stale)
			silence(tell, &family, check);
		else
			check->was_silenced = 0;
	}
	for (size_t i = 0; i < family.count; i++)
		free(family.parents[i].checks);
	free(family.parents);
	free(family.bad);
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

/* Does it begin to flap now? */
static int
look_for_flapping(struct tell *tell, struct check *check)
{
	const struct rules_of *rules = rules_of(tell, check);

	forget_flips(check, tell->now_ms - rules->flap_ms);
	if (check->flapping_ms != 0) {
		if (check->flip_count == 0)
			check->flapping_ms = 0;
		return 0;
	}
	if (rules->flap_n == 0 || check->flip_count < rules->flap_n)
		return 0;
	check->flapping_ms = tell->now_ms;
	return 1;
}

static void
look_for_silence(struct tell *tell, struct check *check)
{
	int64_t limit_ms = rules_of(tell, check)->stale_ms;

	if (check->is_stale || check->seen_ms == 0 || limit_ms == 0 ||
	    is_sweep(check))
		return;
	if (limit_ms == RULES_STALE_AUTO) {
		if (check->interval_ms == 0)
			return;
		limit_ms = check->interval_ms * STALE_INTERVALS;
		if (limit_ms < STALE_MIN_MS)
			limit_ms = STALE_MIN_MS;
	}
	check->is_stale = tell->now_ms - check->seen_ms >= limit_ms;
}

static enum ha_transition_event
event_of(const struct check *check, enum ha_status_state state)
{
	if (check->is_stale)
		return HA_TRANSITION_STALE;
	if (!check->is_told)
		return is_sweep(check) && state == HA_STATUS_CRIT
			   ? HA_TRANSITION_ABORTED
			   : HA_TRANSITION_PROBLEM;
	return judge_rank(state) > judge_rank(check->told)
		   ? HA_TRANSITION_WORSE
		   : HA_TRANSITION_BETTER;
}

static void
decide(struct tell *tell, struct check *check)
{
	enum ha_status_state state =
	    check->is_stale ? HA_STATUS_UNKNOWN : check->level;
	int begins_to_flap = look_for_flapping(tell, check);
	int is_held = state_maint(tell->state, check, tell->now_ms) != NULL ||
		      (check->was_silenced && state != HA_STATUS_OK);

	if (begins_to_flap && !is_held) {
		tell_state(tell, check, HA_TRANSITION_FLAPPING, state);
		return;
	}
	if (check->flapping_ms == 0 && state == HA_STATUS_OK) {
		if (check->is_told)
			tell_end(tell, check, HA_TRANSITION_RECOVERY);
		return;
	}
	if (is_held)
		return;
	if (check->flapping_ms == 0 &&
	    (!check->is_told || state != check->told)) {
		tell_state(tell, check, event_of(check, state), state);
		return;
	}
	if (check->is_told && check->ack == NULL && check->remind_ms != 0 &&
	    check->remind_ms <= tell->now_ms)
		tell_state(tell, check, HA_TRANSITION_REMINDER, check->told);
}

void
tell_all(struct tell *tell)
{
	struct state *state = tell->state;

	state_end_maints(state, tell->now_ms);
	for (size_t i = 0; i < state->count; i++)
		look_for_silence(tell, state->checks[i]);
	silence_all(tell);
	for (size_t i = 0; i < state->count; i++)
		decide(tell, state->checks[i]);
}
