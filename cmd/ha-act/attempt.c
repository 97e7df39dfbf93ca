/* SPDX-License-Identifier: ISC */
/*
 * attempt - run the command for a record, or say why not, and tell what came
 * of it.
 */
#include "attempt.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "alloc.h"
#include "clock.h"
#include "held.h"
#include "leave.h"
#include "msg.h"
#include "outcome.h"

static void
impossible(struct act *act, const struct item *item, const struct ha_err *err)
{
	act_failed(act, err->status);
	if (act->options->dry_run)
		ha_say("%s: would not be run: %s", item->label, err->msg);
	else
		outcome_impossible(act, item, err);
}

/* What is lost of a state makes runs count less, or an incident begin anew. */
static void
warn(struct act *act, const struct item *item, const struct ha_err *err)
{
	act_failed(act, err->status);
	ha_warn("%s: %s", item->label, err->msg);
}

static int
may_act(struct act *act, const struct item *item)
{
	const struct options *options = act->options;
	struct ha_err err;
	int may = leave_to_act(&err);

	if (may <= 0 && options->force) {
		if (!options->dry_run)
			leave_forced(options->words, options->force, err.msg);
		return 1;
	}
	if (may < 0)
		impossible(act, item, &err);
	else if (!may && options->dry_run)
		ha_say("%s: would not be run: %s", item->label, err.msg);
	else if (!may && !act->standby_said++)
		ha_note(
		    "nothing is run: %s; --force=REASON overrides", err.msg);
	return may > 0;
}

/* "(1 of 3 in 10m)" */
static void
add_count(struct ha_buf *msg, const struct options *options, size_t number)
{
	ha_buf_addf(msg, " (%zu of %zu in %s)", number,
	    options->policy.max_runs, options->window);
}

static void
give_up(struct act *act, const struct item *item, struct held *held)
{
	const struct options *options = act->options;
	size_t runs = policy_count(
	    &options->policy, &held->state.history, ha_clock_wall_ms());
	struct ha_buf msg = HA_BUF_INIT;

	ha_buf_addf(&msg,
	    "gave up: %zu run%s in %s: %s is not run again before ", runs,
	    runs == 1 ? "" : "s", options->window, options->words);
	if (options->together)
		ha_buf_add_str(&msg, "all of its checks have recovered");
	else
		ha_buf_addf(&msg, "%s has recovered", item->label);
	ha_buf_addf(&msg, ", or '%s' is removed", held->path);
	outcome_failed(act, item, &held->state, msg.data, NULL);
	ha_buf_release(&msg);
}

static const struct {
	const char *name;
	size_t offset;
} variables[] = {
	{ "HA_HOST", offsetof(struct ha_status, host) },
	{ "HA_CHECK", offsetof(struct ha_status, check) },
	{ "HA_TARGET", offsetof(struct ha_status, target) },
	{ "HA_MSG", offsetof(struct ha_status, msg) },
	{ "HA_BY", offsetof(struct ha_status, by) },
	{ "HA_TIME", offsetof(struct ha_status, time) },
};
#define FIELD_VARIABLES (sizeof(variables) / sizeof(variables[0]))
#define VARIABLES (FIELD_VARIABLES + 5)

static void
make_env(const struct ha_transition *transition, char *env[VARIABLES + 1])
{
	const char *field;
	size_t n;

	for (n = 0; n < FIELD_VARIABLES; n++) {
		memcpy(&field,
		    (const char *)&transition->status + variables[n].offset,
		    sizeof(field));
		env[n] = ha_xasprintf("%s=%s", variables[n].name, field);
	}
	env[n++] =
	    ha_xasprintf("HA_EVENT=%s", ha_transition_name(transition->event));
	env[n++] = ha_xasprintf("HA_INCIDENT=%s", transition->incident);
	env[n++] = ha_xasprintf("HA_SINCE=%s", transition->since);
	env[n++] = ha_xasprintf(
	    "HA_OLDSTATE=%s", ha_status_name(transition->old_state));
	env[n++] = ha_xasprintf(
	    "HA_STATE=%s", ha_status_name(transition->status.state));
	env[n] = NULL;
}

static int
start_job(struct act *act, struct run *run, struct ha_err *err)
{
	char *env[VARIABLES + 1];
	const struct job_order order = {
		.argv = act->options->argv,
		.env = (const char *const *)env,
		.input = run->item->line,
		.input_len = run->item->len,
		.label = run->item->label,
		.limit_ms = act->options->deadline_ms,
		.grace_ms = act->options->grace_ms,
	};
	int result;

	make_env(&run->item->transition, env);
	result = job_start(&run->job, &order, err);
	for (size_t i = 0; env[i]; i++)
		free(env[i]);
	return result;
}

/* That ends an open incident of the outcome. */
static void
tell_recovery(struct act *act, const struct item *item, struct state *state)
{
	char *msg;

	if (!*state->incident)
		return;
	msg = ha_xasprintf("%s has recovered: %s may be run for it again",
	    item->label, act->options->words);
	outcome_succeeded(act, item, state, msg, NULL);
	free(msg);
}

/* What came of it. */
static void
tell_end(struct act *act, struct run *run, int failed, const char *msg)
{
	const struct job *job = run->job.end_ns ? &run->job : NULL;
	struct held held = { .lock = -1 };
	struct ha_err err;
	int is_held = !held_open(&held, act->dir, run->item->key, 1, &err);

	if (!is_held)
		warn(act, run->item, &err);
	policy_ended(&held.state.history, ha_clock_wall_ms());
	if (failed)
		outcome_failed(act, run->item, &held.state, msg, job);
	else
		outcome_succeeded(act, run->item, &held.state, msg, job);
	/* While the command ran: nobody says it again.  Its run is there. */
	if (held.state.history.count && !held.state.failing_count)
		tell_recovery(act, run->item, &held.state);
	if (is_held && held_write(&held, &err))
		warn(act, run->item, &err);
	if (is_held)
		held_release(&held);
}

static void
run_free(struct run *run)
{
	job_release(&run->job);
	item_free(run->item);
	close(run->lock);
	free(run);
}

static void
could_not_start(struct act *act, struct run *run, const struct ha_err *err)
{
	struct ha_buf msg = HA_BUF_INIT;

	ha_buf_add_str(&msg, err->msg);
	add_count(&msg, act->options, run->number);
	tell_end(act, run, 1, msg.data);
	ha_buf_release(&msg);
	run_free(run);
}

void
attempt_ended(struct act *act, struct run *run)
{
	struct ha_buf msg = HA_BUF_INIT;
	int failed = outcome_of_job(act, &run->job, &msg);

	add_count(&msg, act->options, run->number);
	if (run->job.last.len)
		ha_buf_addf(&msg, ": %s", run->job.last.data);
	tell_end(act, run, failed, msg.data);
	ha_buf_release(&msg);
	run_free(run);
}

static void
say_too_early(const struct act *act, const struct item *item, int64_t wait_ms)
{
	char words[64];

	ha_clock_words(wait_ms, words, sizeof(words));
	ha_say("%s: %s %s: too early after the last run, %s more to wait "
	       "(--backoff)",
	    item->label, act->options->words,
	    act->options->dry_run ? "would not be run" : "is not run", words);
}

static void
say_verdict(const struct act *act, const struct item *item,
    const struct held *held, enum policy_verdict verdict, int64_t wait_ms)
{
	const struct options *options = act->options;
	size_t count = policy_count(
	    &options->policy, &held->state.history, ha_clock_wall_ms());

	if (verdict == POLICY_TOO_EARLY)
		say_too_early(act, item, wait_ms);
	else if (verdict == POLICY_RUN)
		ha_say("%s: would run: %s (%zu of %s)", item->label,
		    options->words, count + 1, options->limit);
	else
		ha_say("%s: would not be run: the limit of %s is reached: %s",
		    item->label, options->limit, options->words);
}

/* A new incident, though nobody said that the last one had ended. */
static void
add_failing(struct state *state, const struct item *item)
{
	const struct ha_transition *transition = &item->transition;

	if (!state_add_failing(state, transition->status.check,
		transition->status.host, transition->incident))
		return;
	ha_note("%s: it has recovered meanwhile", item->label);
	policy_recovered(&state->history);
}

static void
dry(struct act *act, const struct item *item)
{
	struct held held;
	struct ha_err err;
	int64_t wait_ms;
	enum policy_verdict verdict;

	if (held_open(&held, act->dir, item->key, 0, &err)) {
		impossible(act, item, &err);
		return;
	}
	add_failing(&held.state, item);
	verdict = policy_look(&act->options->policy, &held.state.history,
	    ha_clock_wall_ms(), &wait_ms);
	say_verdict(act, item, &held, verdict, wait_ms);
	held_release(&held);
}

/* The checks of one service need one run. */
static void
join(struct act *act, const struct item *item, struct state *state)
{
	struct item **slot = &act->queue, *other;

	add_failing(state, item);
	while ((other = *slot)) {
		if (strcmp(other->key, item->key) != 0) {
			slot = &other->next;
			continue;
		}
		add_failing(state, other);
		ha_note("%s: together with %s", other->label, item->label);
		*slot = other->next;
		item_free(other);
	}
}

/*
 * The verdict, written down before anything is done: what is cut off by a
 * crash counts too.  *number receives the how manyth run it is.
 */
static int
judge(struct act *act, const struct item *item, size_t *number,
    enum policy_verdict *verdict, struct ha_err *err)
{
	const struct policy *policy = &act->options->policy;
	int64_t now_ms = ha_clock_wall_ms(), wait_ms = 0;
	struct held held;
	int result;

	if (held_open(&held, act->dir, item->key, 1, err))
		return -1;
	join(act, item, &held.state);
	*verdict = policy_look(policy, &held.state.history, now_ms, &wait_ms);
	if (*verdict == POLICY_RUN)
		policy_started(&held.state.history, now_ms);
	else if (*verdict == POLICY_LIMIT)
		give_up(act, item, &held);
	else if (*verdict == POLICY_TOO_EARLY)
		say_too_early(act, item, wait_ms);
	else
		ha_note("%s: not run: gave up before", item->label);
	*number = policy_count(policy, &held.state.history, now_ms);
	result = held_write(&held, err);
	held_release(&held);
	return result;
}

/* Takes the item and the lock over. */
static void
start(struct act *act, struct item *item, int lock, size_t number)
{
	struct run *run = ha_xcalloc(1, sizeof(*run));
	struct ha_err err;

	run->item = item;
	run->lock = lock;
	run->number = number;
	ha_note("%s: runs: %s", item->label, act->options->words);
	if (start_job(act, run, &err)) {
		could_not_start(act, run, &err);
		return;
	}
	run->next = act->runs;
	act->runs = run;
}

/* One at a time a check, here and in every other ha-act. */
static int
take_lock(struct act *act, const struct item *item, int *fd, struct ha_err *err)
{
	if (!act->is_dir_made && held_make_dir(act->dir, err)) {
		/* It is no command that has this one. */
		if (err->status == EX_TEMPFAIL)
			err->status = EX_IOERR;
		return -1;
	}
	act->is_dir_made = 1;
	return held_take_run_lock(act->dir, item->key, fd, err);
}

/* Takes the item over. */
static void
attempt(struct act *act, struct item *item)
{
	enum policy_verdict verdict = POLICY_GAVE_UP;
	struct ha_err err;
	size_t number = 0;
	int lock;

	if (take_lock(act, item, &lock, &err)) {
		if (err.status == EX_TEMPFAIL)
			ha_say("%s: %s is not run: %s", item->label,
			    act->options->words, err.msg);
		else
			impossible(act, item, &err);
		item_free(item);
		return;
	}
	if (judge(act, item, &number, &verdict, &err)) {
		impossible(act, item, &err);
		verdict = POLICY_GAVE_UP;
	}
	if (verdict == POLICY_RUN) {
		start(act, item, lock, number);
		return;
	}
	close(lock);
	item_free(item);
}

void
attempt_begin(struct act *act, struct item *item)
{
	int may = may_act(act, item);

	if (may && !act->options->dry_run) {
		attempt(act, item);
		return;
	}
	if (may)
		dry(act, item);
	item_free(item);
}

static void
recovered(struct act *act, const struct item *item, struct held *held)
{
	const struct ha_status *status = &item->transition.status;

	if (!state_remove_failing(&held->state, status->check, status->host))
		return;
	policy_recovered(&held->state.history);
	tell_recovery(act, item, &held->state);
}

/* Where no command was run there is no state, and nothing to be forgotten. */
void
attempt_recovered(struct act *act, const struct item *item)
{
	struct held held;
	struct ha_err err;

	if (act->options->dry_run || !held_exists(act->dir, item->key))
		return;
	if (held_open(&held, act->dir, item->key, 1, &err)) {
		warn(act, item, &err);
		return;
	}
	recovered(act, item, &held);
	policy_forget(
	    &act->options->policy, &held.state.history, ha_clock_wall_ms());
	if (held_write(&held, &err))
		warn(act, item, &err);
	held_release(&held);
}
