/* SPDX-License-Identifier: ISC */
/*
 * outcome - what ha-act did, or could not do, as transition records.
 */
#include "outcome.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "alloc.h"
#include "clock.h"
#include "msg.h"

#define WORDS_MAX 200
/* The last millisecond that RFC 3339 can write. */
#define LAST_MS INT64_C(253402300799999)

/* The command line, which may be a whole script. */
static void
add_command(struct ha_buf *words, const struct options *options)
{
	size_t len = strlen(options->words);

	if (len <= WORDS_MAX) {
		ha_buf_add_str(words, options->words);
		return;
	}
	for (len = WORDS_MAX;
	     len && ((unsigned char)options->words[len] & 0xc0) == 0x80; len--)
		;
	ha_buf_add(words, options->words, len);
	ha_buf_add_str(words, "...");
}

static void
add_duration(struct ha_buf *words, int64_t ns)
{
	char text[64];

	if (ns < 60 * HA_S_NS) {
		ha_buf_addf(words, "%.1f s", (double)ns / (double)HA_S_NS);
		return;
	}
	ha_clock_words(ns / HA_MS_NS, text, sizeof(text));
	ha_buf_add_str(words, text);
}

static void
add_forced_end(
    struct ha_buf *words, const struct act *act, const struct job *job)
{
	char limit[64];

	ha_clock_words(act->options->deadline_ms, limit, sizeof(limit));
	if (job->is_interrupted)
		ha_buf_add_str(
		    words, "was ended early, as ha-act got a signal");
	else
		ha_buf_addf(words, "was ended at its deadline of %s", limit);
	if (job->stage == JOB_STUCK)
		ha_buf_add_str(words, ", and survives SIGKILL");
	else if (job->was_killed)
		ha_buf_add_str(words, ", by SIGKILL");
}

int
outcome_of_job(
    const struct act *act, const struct job *job, struct ha_buf *words)
{
	const char *signal =
	    job->status > 128 ? sigabbrev_np(job->status - 128) : NULL;

	add_command(words, act->options);
	ha_buf_add_str(words, ": ");
	if (job->was_terminated) {
		add_forced_end(words, act, job);
	} else {
		ha_buf_addf(words, "ended with %d", job->status);
		if (signal)
			ha_buf_addf(words, " (SIG%s)", signal);
		ha_buf_add_str(words, " in ");
		add_duration(words, job->end_ns - job->start_ns);
	}
	return job->was_terminated || job->status != 0;
}

/* Of one service, or of a check, with its host if that is another one. */
static char *
name_check(const struct act *act, const struct item *item)
{
	const struct ha_status *status = &item->transition.status;

	if (act->options->together)
		return ha_xasprintf("act:%s", act->options->name);
	if (!*status->host || !strcmp(status->host, ha_status_here()))
		return ha_xasprintf("act:%s", status->check);
	return ha_xasprintf("act:%s@%s", status->check, status->host);
}

/* What happened has to be heard somewhere. */
static void
say(const struct act *act, const struct ha_transition *transition)
{
	const struct ha_status *status = &transition->status;

	if (status->state != HA_STATUS_OK || act->pass.is_gone)
		ha_say("%s %s: %s", status->check,
		    ha_status_name(status->state), status->msg);
	else
		ha_note("%s %s: %s", status->check,
		    ha_status_name(status->state), status->msg);
}

static void
tell(struct act *act, const struct ha_transition *begun, const char *msg,
    const struct job *job)
{
	struct ha_transition transition = *begun;
	struct ha_status *status = &transition.status;
	struct ha_buf line = HA_BUF_INIT;
	char perf[64] = "";
	int64_t ns = job ? job->end_ns - job->start_ns : 0;

	if (job)
		snprintf(perf, sizeof(perf), "time=%.3fs",
		    (double)ns / (double)HA_S_NS);
	status->host = ha_status_here();
	status->ms = (double)ns / (double)HA_MS_NS;
	status->target = act->options->words;
	status->msg = msg;
	status->perf = perf;
	ha_transition_encode(&line, &transition);
	pass_add(&act->pass, line.data, line.len);
	pass_flush(&act->pass);
	say(act, &transition);
	ha_buf_release(&line);
}

static void
open_incident(struct state *state, const char *check, int64_t since_ms)
{
	ha_clock_format_ms(since_ms, state->since);
	ha_transition_incident(
	    state->incident, ha_status_here(), check, since_ms);
}

void
outcome_failed(struct act *act, const struct item *item, struct state *state,
    const char *msg, const struct job *job)
{
	char *check = name_check(act, item);
	int is_open = *state->incident != '\0';
	const struct ha_transition transition = {
		.event =
		    is_open ? HA_TRANSITION_REMINDER : HA_TRANSITION_PROBLEM,
		.incident = state->incident,
		.since = state->since,
		.old_state = is_open ? HA_STATUS_CRIT : HA_STATUS_OK,
		.status = { .check = check, .state = HA_STATUS_CRIT },
	};

	if (!is_open)
		open_incident(state, check, ha_clock_wall_ms());
	tell(act, &transition, msg, job);
	free(check);
}

void
outcome_succeeded(struct act *act, const struct item *item, struct state *state,
    const char *msg, const struct job *job)
{
	char *check = name_check(act, item);
	int is_open = *state->incident != '\0';
	const struct ha_transition transition = {
		.event = HA_TRANSITION_RECOVERY,
		.incident = state->incident,
		.since = state->since,
		.old_state = is_open ? HA_STATUS_CRIT : HA_STATUS_OK,
		.status = { .check = check, .state = HA_STATUS_OK },
	};

	if (!is_open)
		open_incident(state, check, ha_clock_wall_ms());
	tell(act, &transition, msg, job);
	*state->incident = '\0';
	free(check);
}

void
outcome_impossible(
    struct act *act, const struct item *item, const struct ha_err *err)
{
	char *check = name_check(act, item);
	struct ha_buf msg = HA_BUF_INIT;
	struct state state;
	const struct ha_transition transition = {
		.event = HA_TRANSITION_PROBLEM,
		.incident = state.incident,
		.since = state.since,
		.old_state = HA_STATUS_OK,
		.status = { .check = check, .state = HA_STATUS_CRIT },
	};
	struct ha_err bad;
	int64_t since_ms;

	if (ha_clock_parse_rfc3339(item->transition.since, &since_ms, &bad) ||
	    since_ms < 0 || since_ms > LAST_MS)
		since_ms = 0;
	open_incident(&state, check, since_ms);
	add_command(&msg, act->options);
	ha_buf_addf(&msg, ": not run for %s: %s", item->label, err->msg);
	tell(act, &transition, msg.data, NULL);
	ha_buf_release(&msg);
	free(check);
}
