/* SPDX-License-Identifier: ISC */
/* gate - a batch through the gate, and the state that it leaves behind. */
#include "gate.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "alloc.h"
#include "clock.h"
#include "command.h"
#include "fs.h"
#include "lock.h"
#include "msg.h"
#include "out.h"
#include "tell.h"

#define LOCK_MS 10000
/* While the state can't be kept, an incident is named by its hour. */
#define HOUR_MS (INT64_C(3600) * 1000)

static char *
beside(const struct gate_lock *lock, const char *suffix)
{
	return ha_xasprintf("%s%s", lock->path, suffix);
}

/* Never silence: what is not OK is told as if it were new. */
static int
set_aside(
    const struct gate_lock *lock, const struct ha_err *why, struct ha_err *err)
{
	char now[HA_CLOCK_RFC3339_SIZE], *to;
	int rc = 0;

	ha_clock_rfc3339(now);
	to = ha_xasprintf("%s.damaged-%s", lock->path, now);
	if (rename(lock->path, to) != 0)
		rc = ha_err_set(err, EX_IOERR, errno,
		    "the state is damaged (%s) and can't be set aside",
		    why->msg);
	else
		ha_warn("the state is damaged (%s); it is kept as '%s', and "
			"what is not OK is told anew",
		    why->msg, to);
	free(to);
	return rc;
}

static int
read_state(struct gate_lock *lock, struct ha_err *err)
{
	struct ha_err why;

	if (state_read(&lock->state, lock->path, &why) == 0)
		return 0;
	if (why.status == EX_DATAERR)
		return set_aside(lock, &why, err);
	return ha_err_set(err, why.status, 0, "%s", why.msg);
}

int
gate_open(struct gate_lock *lock, const char *name, struct ha_err *err)
{
	char *path;
	int rc;

	if (state_path(name, &lock->path, err) != 0)
		return -1;
	path = beside(lock, ".lock");
	rc = ha_lock_take(path, ha_clock_deadline(LOCK_MS), &lock->fd, err);
	free(path);
	if (rc != 0) {
		free(lock->path);
		return -1;
	}
	state_init(&lock->state);
	if (read_state(lock, err) == 0)
		return 0;
	gate_close(lock);
	return -1;
}

void
gate_close(struct gate_lock *lock)
{
	state_release(&lock->state);
	close(lock->fd);
	free(lock->path);
}

int
gate_prepare(const struct gate_lock *lock, const char *name, struct ha_err *err)
{
	struct ha_buf text = HA_BUF_INIT;
	char *path = beside(lock, ".new");
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
	int rc = 0;

	state_encode(&text, &lock->state, name);
	if (fd < 0)
		rc = ha_err_set(
		    err, EX_CANTCREAT, errno, "can't write '%s'", path);
	else if (ha_fs_write_all(fd, text.data, text.len, err) != 0)
		rc = ha_err_set(
		    err, EX_IOERR, err->sys, "can't write '%s'", path);
	else if (fsync(fd) != 0)
		rc = ha_err_set(err, EX_IOERR, errno, "can't write '%s'", path);
	if (fd >= 0)
		close(fd);
	if (fd >= 0 && rc != 0)
		unlink(path);
	ha_buf_release(&text);
	free(path);
	return rc;
}

int
gate_commit(const struct gate_lock *lock, struct ha_err *err)
{
	char *from = beside(lock, ".new");
	char *dir = ha_xstrdup(lock->path);
	int rc;

	*strrchr(dir, '/') = '\0';
	if (rename(from, lock->path) != 0)
		rc = ha_err_set(err, EX_IOERR, errno,
		    "can't replace '%s'; the same is told again", lock->path);
	else
		rc = ha_fs_sync_directory(dir, err);
	free(dir);
	free(from);
	return rc;
}

void
gate_abandon(const struct gate_lock *lock)
{
	char *path = beside(lock, ".new");

	unlink(path);
	free(path);
}

/* The transitions of a batch. */
struct told {
	struct ha_buf lines;
	size_t count;
	int is_json;
};

static void
add_told(void *context, const struct ha_transition *transition)
{
	struct told *told = context;

	if (told->is_json)
		ha_transition_encode_json(&told->lines, transition);
	else
		ha_transition_encode(&told->lines, transition);
	told->count++;
}

static int
hand_over(const struct gate *gate, const struct told *told, struct ha_err *err)
{
	struct ha_err why;

	if (told->count == 0)
		return 0;
	if (gate->is_dry || gate->argv == NULL) {
		ha_out_write(told->lines.data, told->lines.len);
		return 0;
	}
	if (command_run(gate->argv, &told->lines,
		ha_clock_deadline(gate->command_ms), &why) == 0)
		return 0;
	return ha_err_set(err, EX_TEMPFAIL, 0,
	    "%s; the same %zu transition%s told again by the next run", why.msg,
	    told->count, told->count == 1 ? " is" : "s are");
}

/* A record about a sweep itself. */
static struct ha_status
sweep_status(const struct feed_sweep *sweep, const char *check, const char *now)
{
	struct ha_status status = { .time = now,
		.by = ha_status_here(),
		.host = ha_status_here(),
		.check = check,
		.state = HA_STATUS_OK,
		.target = sweep->producer,
		.msg = "the sweep is complete",
		.perf = "" };

	if (sweep->fate == FEED_ABORTED) {
		status.state = HA_STATUS_CRIT;
		status.msg = sweep->words;
	} else if (sweep->fate == FEED_EMPTY) {
		status.state = HA_STATUS_UNKNOWN;
		status.msg = "the sweep has no check in it";
	}
	return status;
}

static void
take_sweep(struct tell *tell, const struct feed_sweep *sweep, const char *now)
{
	char *check = tell_sweep_check(sweep->producer);
	struct ha_status status = sweep_status(sweep, check, now);

	/* A sweep that never failed is no check. */
	if (status.state != HA_STATUS_OK ||
	    state_find(tell->state, status.host, check) != NULL)
		tell_take(tell, &status, tell->now_ms, NULL);
	free(check);
}

static int
was_aborted(const struct feed_batch *batch, const char *producer)
{
	for (size_t i = 0; i < batch->sweep_count; i++)
		if (batch->sweeps[i].fate == FEED_ABORTED &&
		    strcmp(batch->sweeps[i].producer, producer) == 0)
			return 1;
	return 0;
}

static void
take_batch(struct tell *tell, struct feed_batch *batch)
{
	char now[HA_CLOCK_RFC3339_SIZE];
	struct ha_status status;
	int64_t time_ms;

	for (size_t i = 0; i < batch->count; i++) {
		const char *producer = batch->records[i].producer;

		feed_decode(batch, i, &status, &time_ms);
		tell_take(tell, &status, time_ms,
		    producer != NULL ? state_producer(tell->state, producer)
				     : NULL);
	}
	ha_clock_format_ms(tell->now_ms, now);
	for (size_t i = 0; i < batch->sweep_count; i++)
		take_sweep(tell, &batch->sweeps[i], now);
	for (size_t i = 0; i < batch->sweep_count; i++)
		if (batch->sweeps[i].fate != FEED_ABORTED &&
		    !was_aborted(batch, batch->sweeps[i].producer))
			tell_complete(tell, state_producer(tell->state,
						batch->sweeps[i].producer));
	tell_all(tell);
}

static void
say_clocks(const struct tell *tell, int64_t step_ms)
{
	char words[32];

	if (step_ms != 0) {
		ha_clock_words(
		    step_ms > 0 ? step_ms : -step_ms, words, sizeof(words));
		ha_warn("the clock was stepped %s by %s; what waits for a time "
			"is moved along",
		    step_ms > 0 ? "forward" : "back", words);
	}
	if (tell->from_future > 0)
		ha_warn("%u result%s older than the last one, which is from "
			"the future: a clock was wrong; taken all the same",
		    tell->from_future,
		    tell->from_future == 1 ? " is" : "s are");
	if (tell->too_old > 0)
		ha_note("%u result%s older than the last one: left out",
		    tell->too_old, tell->too_old == 1 ? " is" : "s are");
}

/*
 * Without the state nothing can be weighed: all that is not OK goes on.  The
 * incident is the same for an hour, so that it is not a new one each minute.
 */
static void
pass_on(const struct gate *gate, struct feed_batch *batch, struct told *told)
{
	char incident[HA_TRANSITION_INCIDENT_SIZE];
	struct ha_transition transition = { .incident = incident,
		.old_state = HA_STATUS_UNKNOWN };
	char now[HA_CLOCK_RFC3339_SIZE], *check;
	int64_t time_ms;

	told->is_json = gate->is_json;
	for (size_t i = 0; i < batch->count; i++) {
		transition.event = HA_TRANSITION_PROBLEM;
		feed_decode(batch, i, &transition.status, &time_ms);
		if (transition.status.state == HA_STATUS_OK)
			continue;
		ha_transition_incident(incident, transition.status.host,
		    transition.status.check, time_ms - time_ms % HOUR_MS);
		transition.since = transition.status.time;
		add_told(told, &transition);
	}
	time_ms = ha_clock_wall_ms();
	ha_clock_format_ms(time_ms, now);
	for (size_t i = 0; i < batch->sweep_count; i++) {
		if (batch->sweeps[i].fate == FEED_COMPLETE)
			continue;
		check = tell_sweep_check(batch->sweeps[i].producer);
		transition.event = batch->sweeps[i].fate == FEED_ABORTED
				       ? HA_TRANSITION_ABORTED
				       : HA_TRANSITION_PROBLEM;
		transition.status = sweep_status(&batch->sweeps[i], check, now);
		ha_transition_incident(incident, transition.status.host, check,
		    time_ms - time_ms % HOUR_MS);
		transition.since = now;
		add_told(told, &transition);
		free(check);
	}
}

static int
fail_safe(const struct gate *gate, struct feed_batch *batch,
    const struct ha_err *why, struct ha_err *err)
{
	struct told told = { .lines = HA_BUF_INIT };

	pass_on(gate, batch, &told);
	ha_say("%s; %zu result%s not OK passed on as %s", why->msg, told.count,
	    told.count == 1 ? " that is" : "s that are",
	    told.count == 1 ? "it is" : "they are");
	if (hand_over(gate, &told, err) != 0)
		ha_say("%s", err->msg);
	ha_buf_release(&told.lines);
	return ha_err_set(err, why->status, 0, "%s", why->msg);
}

/* What was read is in the batch still, but decoded: its lines are undone. */
static void
keep_lines(struct ha_buf *copy, const struct feed_batch *batch)
{
	ha_buf_add(copy, batch->lines.data, batch->lines.len);
}

static void
put_back_lines(const struct ha_buf *copy, struct feed_batch *batch)
{
	if (copy->len > 0)
		memcpy(batch->lines.data, copy->data, copy->len);
}

/* 0; 1 when the state can't be written, and nothing was told; -1. */
static int
tell_batch(const struct gate *gate, struct gate_lock *lock,
    struct feed_batch *batch, struct ha_err *err)
{
	struct told told = { .lines = HA_BUF_INIT, .is_json = gate->is_json };
	struct tell tell = { .state = &lock->state,
		.rules = gate->rules,
		.now_ms = ha_clock_wall_ms(),
		.each = add_told,
		.context = &told };
	int64_t step_ms = state_set_clock(&lock->state, tell.now_ms);
	int rc;

	lock->state.seq++;
	take_batch(&tell, batch);
	say_clocks(&tell, step_ms);
	if (!gate->is_dry && gate_prepare(lock, gate->name, err) != 0) {
		ha_buf_release(&told.lines);
		return 1;
	}
	rc = hand_over(gate, &told, err);
	if (rc != 0)
		ha_say("%s", err->msg);
	if (rc != 0 && !gate->is_dry)
		gate_abandon(lock);
	if (rc == 0 && !gate->is_dry) {
		rc = gate_commit(lock, err);
		if (rc != 0)
			ha_say("%s", err->msg);
	}
	ha_buf_release(&told.lines);
	rules_forget(gate->rules);
	return rc;
}

int
gate_batch(
    const struct gate *gate, struct feed_batch *batch, struct ha_err *err)
{
	struct ha_buf copy = HA_BUF_INIT;
	struct gate_lock lock;
	struct ha_err why;
	int rc;

	if (batch->is_quiet) {
		ha_err_set(&why, EX_DATAERR, 0,
		    "the sweep has no records of what is OK; use the prober "
		    "without -q");
		return fail_safe(gate, batch, &why, err);
	}
	if (gate_open(&lock, gate->name, &why) != 0)
		return fail_safe(gate, batch, &why, err);
	keep_lines(&copy, batch);
	rc = tell_batch(gate, &lock, batch, &why);
	gate_close(&lock);
	put_back_lines(&copy, batch);
	ha_buf_release(&copy);
	if (rc > 0)
		return fail_safe(gate, batch, &why, err);
	return rc == 0 ? 0 : ha_err_set(err, why.status, 0, "%s", why.msg);
}

int
gate_nothing_came(const struct gate *gate, struct ha_err *err)
{
	struct feed_batch batch;
	struct gate_lock lock;
	int rc;

	if (gate_open(&lock, gate->name, err) != 0) {
		ha_say("%s", err->msg);
		return -1;
	}
	feed_batch_init(&batch);
	batch.sweep_count = lock.state.producer_count;
	batch.sweeps = ha_xcalloc(batch.sweep_count + 1, sizeof(*batch.sweeps));
	for (size_t i = 0; i < batch.sweep_count; i++)
		batch.sweeps[i] = (struct feed_sweep){
			ha_xstrdup(lock.state.producers[i]), FEED_ABORTED,
			ha_xstrdup("nothing came of it: it could not begin")
		};
	gate_close(&lock);
	if (batch.sweep_count > 0) {
		rc = gate_batch(gate, &batch, err);
	} else {
		rc = ha_err_set(err, EX_DATAERR, 0,
		    "nothing came on stdin, and no sweep of '%s' is known yet",
		    gate->name);
		ha_say("%s", err->msg);
	}
	feed_batch_release(&batch);
	return rc;
}
