/* SPDX-License-Identifier: ISC */
/* gate - a batch through the gate, and the state that it leaves behind. */
#include "gate.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
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

/* A run before this one may take as long as its COMMAND, and a little more. */
#define LOCK_MORE_MS 5000
/* While the state can't be kept, an incident is named by its hour. */
#define HOUR_MS (INT64_C(3600) * 1000)
/* Beside the state: what is to take its place. */
#define NEW ".new"
#define OWED ".owed"

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

	if (lock->fd < 0) {
		ha_warn("the state is damaged (%s)", why->msg);
		return 0;
	}
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
	lock->state.is_rebuilt = why.status == EX_DATAERR;
	if (why.status == EX_DATAERR)
		return set_aside(lock, &why, err);
	ha_err_set(err,
	    why.sys == EACCES || why.sys == EPERM ? EX_NOPERM : EX_IOERR, 0,
	    "%s", why.msg);
	err->sys = why.sys;
	return -1;
}

int
gate_open(struct gate_lock *lock, const char *name, int64_t deadline_ns,
    struct ha_err *err)
{
	char *path;
	int rc;

	if (state_make_dir(err) != 0)
		return -1;
	lock->path = state_path(name);
	path = beside(lock, ".lock");
	rc = ha_lock_take(path, deadline_ns, &lock->fd, err);
	free(path);
	if (rc != 0) {
		free(lock->path);
		return -1;
	}
	state_init(&lock->state);
	if (read_state(lock, err) == 0) {
		lock->state.gate = name;
		return 0;
	}
	gate_close(lock);
	return -1;
}

int
gate_look(struct gate_lock *lock, const char *name, struct ha_err *err)
{
	lock->path = state_path(name);
	lock->fd = -1;
	state_init(&lock->state);
	if (read_state(lock, err) == 0) {
		lock->state.gate = name;
		return 0;
	}
	gate_close(lock);
	return -1;
}

void
gate_close(struct gate_lock *lock)
{
	state_release(&lock->state);
	if (lock->fd >= 0)
		close(lock->fd);
	free(lock->path);
}

/* Written and fsynced, but not in its place: at the state's path and suffix. */
static int
prepare(const struct gate_lock *lock, const char *name, const char *suffix,
    struct ha_err *err)
{
	struct ha_buf text = HA_BUF_INIT;
	char *path = beside(lock, suffix);
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

static int
commit(const struct gate_lock *lock, const char *suffix, struct ha_err *err)
{
	char *from = beside(lock, suffix);
	char *dir = ha_xstrdup(lock->path);
	int rc;

	*strrchr(dir, '/') = '\0';
	if (rename(from, lock->path) != 0)
		rc = ha_err_set(
		    err, EX_IOERR, errno, "can't replace '%s'", lock->path);
	else
		rc = ha_fs_sync_directory(dir, err);
	free(dir);
	free(from);
	return rc;
}

static void
abandon(const struct gate_lock *lock, const char *suffix)
{
	char *path = beside(lock, suffix);

	unlink(path);
	free(path);
}

int
gate_keep(const struct gate_lock *lock, const char *name, struct ha_err *err)
{
	return prepare(lock, name, NEW, err) != 0 || commit(lock, NEW, err) != 0
		   ? -1
		   : 0;
}

static void
add_owed(void *context, const struct ha_transition *transition)
{
	state_owe(context, transition);
}

/* Until its reader has all of it, or has taken nothing for too long. */
static int
write_out(const struct ha_buf *lines, int64_t patience_ms, struct ha_err *err)
{
	struct pollfd fd = { .fd = STDOUT_FILENO, .events = POLLOUT };
	int64_t deadline_ns = ha_clock_deadline(patience_ms);
	size_t done = 0, taken;

	while (done < lines->len) {
		if (ha_out_offer(lines->data + done, lines->len - done, &taken,
			err) != 0) {
			if (err->sys == EPIPE)
				ha_out_die_of_pipe();
			return -1;
		}
		done += taken;
		if (taken > 0)
			deadline_ns = ha_clock_deadline(patience_ms);
		else if (ha_clock_poll_ms(deadline_ns) == 0)
			return ha_err_set(err, EX_TEMPFAIL, 0,
			    "the reader of stdout takes nothing (-t)");
		else
			poll(&fd, 1, ha_clock_poll_ms(deadline_ns));
	}
	return 0;
}

/* They were written by us, or have been read as what they are. */
static void
encode_json(struct ha_buf *json, const struct ha_buf *lines)
{
	char *copy = ha_xmemdup(lines->data, lines->len), *rest = copy, *line;
	struct ha_transition transition;
	struct ha_err err;

	while ((line = strsep(&rest, "\n")) != NULL && *line != '\0')
		if (ha_transition_decode(line, &transition, &err) == 0)
			ha_transition_encode_json(json, &transition);
	free(copy);
}

/* What is owed by the state. */
static int
hand_over(
    const struct gate *gate, const struct state *state, struct ha_err *err)
{
	const struct ha_buf *lines = &state->owed;
	struct ha_buf json = HA_BUF_INIT;
	int rc;

	if (state->owed_count == 0)
		return 0;
	if (gate->is_json) {
		encode_json(&json, lines);
		lines = &json;
	}
	if (gate->is_dry || gate->argv == NULL)
		rc = write_out(lines, gate->command_ms, err);
	else
		rc = command_run(gate->argv, lines,
		    ha_clock_deadline(gate->command_ms), err);
	ha_buf_release(&json);
	return rc;
}

/* All sweeps of a producer that ended together, as one. */
struct sweep {
	const char *producer; /* borrowed */
	enum feed_fate fate; /* the worst */
	uint64_t checks;
	const char *words; /* borrowed; why it is aborted */
};

/* How many producers there are; the caller frees *sweeps. */
static size_t
sum_up(const struct feed_sweep *all, size_t all_count, struct sweep **sweeps)
{
	size_t count = 0;

	*sweeps = ha_xcalloc(all_count + 1, sizeof(**sweeps));
	for (size_t i = 0; i < all_count; i++) {
		const struct feed_sweep *from = &all[i];
		struct sweep *to = *sweeps;

		while (to < *sweeps + count &&
		       strcmp(to->producer, from->producer) != 0)
			to++;
		if (to == *sweeps + count) {
			to->producer = from->producer;
			count++;
		}
		to->checks += from->checks;
		if (from->fate > to->fate)
			to->fate = from->fate;
		if (to->words == NULL)
			to->words = from->words;
	}
	return count;
}

/* A record about a sweep itself; words is for those that it needs. */
static struct ha_status
sweep_status(const char *gate, const struct sweep *sweep, const char *now,
    struct ha_buf *words)
{
	char *check = state_sweep_check(gate, sweep->producer);
	struct ha_status status = { .time = now,
		.by = ha_status_here(),
		.host = ha_status_here(),
		.state = HA_STATUS_OK,
		.target = sweep->producer,
		.perf = "" };

	ha_buf_reset(words);
	ha_buf_add(words, check, strlen(check) + 1);
	free(check);
	if (sweep->fate == FEED_ABORTED) {
		status.state = HA_STATUS_CRIT;
		ha_buf_add_str(words, sweep->words);
	} else if (sweep->fate == FEED_EMPTY) {
		status.state = HA_STATUS_UNKNOWN;
		ha_buf_add_str(words, "there is no check in it");
	} else {
		ha_buf_addf(words, "complete: %llu check%s",
		    (unsigned long long)sweep->checks,
		    sweep->checks == 1 ? "" : "s");
	}
	status.check = words->data;
	status.msg = words->data + strlen(words->data) + 1;
	return status;
}

static void
take_sweeps(struct tell *tell, const struct feed_sweep *all, size_t all_count)
{
	char now[HA_CLOCK_RFC3339_SIZE];
	struct ha_buf words = HA_BUF_INIT;
	struct sweep *sweeps;
	size_t count = sum_up(all, all_count, &sweeps);

	ha_clock_format_ms(tell->now_ms, now);
	for (size_t i = 0; i < count; i++) {
		struct ha_status status =
		    sweep_status(tell->state->gate, &sweeps[i], now, &words);

		/* They are known by it when nothing comes at all. */
		state_producer(tell->state, sweeps[i].producer);
		tell_take(tell, &status, tell->now_ms, NULL, 0);
	}
	free(sweeps);
	ha_buf_release(&words);
}

/* A part of a batch. */
struct part {
	size_t record, records; /* from, to */
	size_t sweep, sweeps;
};

static void
take_records(
    struct tell *tell, struct feed_batch *batch, const struct part *part)
{
	size_t number_of = 0;
	uint64_t number = 0;
	struct ha_status status;
	int64_t time_ms;

	for (size_t i = part->record; i < part->records; i++) {
		size_t sweep = batch->records[i].sweep;
		const char *producer = NULL;

		if (sweep != 0) {
			producer = state_producer(
			    tell->state, batch->sweeps[sweep - 1].producer);
			if (sweep != number_of)
				number = tell_sweep(tell);
			number_of = sweep;
		}
		feed_decode(batch, i, &status, &time_ms);
		/* Without a frame, a second result is of a second look. */
		if (sweep == 0 && tell_has_other(tell, &status)) {
			tell_part(tell);
			tell_begin(tell);
		}
		tell_take(
		    tell, &status, time_ms, producer, sweep != 0 ? number : 0);
	}
}

/* Does it have a check that is here already, in another state? */
static int
is_second_look(const struct tell *tell, const struct feed_batch *batch,
    const struct part *part)
{
	static char copy[HA_STATUS_MAX + 1];
	struct ha_status status;
	struct ha_err err;

	for (size_t i = part->record; i < part->records; i++) {
		const char *line = batch->lines.data + batch->records[i].at;

		memcpy(copy, line, strlen(line) + 1);
		if (ha_status_decode(copy, &status, &err) == 0 &&
		    tell_has_other(tell, &status))
			return 1;
	}
	return 0;
}

/* Up to the end of the next sweep, or of all that end with it. */
static void
next_part(const struct feed_batch *batch, struct part *part)
{
	part->record = part->records;
	part->sweep = part->sweeps;
	if (part->sweep < batch->sweep_count)
		part->records = batch->sweeps[part->sweep].until;
	while (part->sweeps < batch->sweep_count &&
	       batch->sweeps[part->sweeps].until == part->records)
		part->sweeps++;
	/* What comes behind the last one is of its part. */
	if (part->sweeps == batch->sweep_count)
		part->records = batch->count;
}

/*
 * All together, as a check may stand behind one of another sweep; but what was
 * bad in one sweep and is not in a later one, or the other way round, is told.
 */
static void
take_batch(struct tell *tell, struct feed_batch *batch)
{
	struct part part = { 0, 0, 0, 0 };
	size_t first = 0;

	tell_begin(tell);
	do {
		next_part(batch, &part);
		if (part.record > 0 && is_second_look(tell, batch, &part)) {
			take_sweeps(
			    tell, batch->sweeps + first, part.sweep - first);
			first = part.sweep;
			tell_part(tell);
			tell_begin(tell);
		}
		take_records(tell, batch, &part);
	} while (part.sweeps < batch->sweep_count);
	take_sweeps(tell, batch->sweeps + first, part.sweeps - first);
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
	/* Those of before the step are no news. */
	if (tell->from_future > 0 && step_ms == 0)
		ha_warn("%u result%s older than the last one, which is from "
			"the future: a clock was wrong; taken all the same",
		    tell->from_future,
		    tell->from_future == 1 ? " is" : "s are");
	if (tell->too_old > 0)
		ha_note("%u result%s older than the last one: left out",
		    tell->too_old, tell->too_old == 1 ? " is" : "s are");
}

/* A slip of the pen, or a check that has not come yet. */
static void
note_deps(const struct gate *gate, const struct state *state)
{
	for (size_t i = 0; i < rules_dep_count(gate->rules); i++) {
		const char *pattern = rules_dep(gate->rules, i);
		size_t j = 0;

		while (j < state->count &&
		       !ha_status_matches(pattern, state->checks[j]->host,
			   state->checks[j]->check))
			j++;
		if (j == state->count)
			ha_note("dep=%s names no check that is known", pattern);
	}
}

/*
 * Without the state nothing can be weighed: all that is not OK goes on.  The
 * incident is the same for an hour, so that it is not a new one each minute.
 */
static void
pass_on(struct state *to, const struct ha_status *status, int64_t time_ms,
    enum ha_transition_event event)
{
	char incident[HA_TRANSITION_INCIDENT_SIZE];
	struct ha_transition transition = { .event = event,
		.incident = incident,
		.since = status->time,
		.old_state = HA_STATUS_UNKNOWN,
		.status = *status };

	if (status->state == HA_STATUS_OK)
		return;
	ha_transition_incident(
	    incident, status->host, status->check, time_ms - time_ms % HOUR_MS);
	state_owe(to, &transition);
}

static void
pass_all_on(const struct gate *gate, struct feed_batch *batch, struct state *to)
{
	char now[HA_CLOCK_RFC3339_SIZE];
	struct ha_buf words = HA_BUF_INIT;
	struct ha_status status;
	struct sweep *sweeps;
	size_t count = sum_up(batch->sweeps, batch->sweep_count, &sweeps);
	int64_t time_ms;

	for (size_t i = 0; i < batch->count; i++) {
		feed_decode(batch, i, &status, &time_ms);
		pass_on(to, &status, time_ms, HA_TRANSITION_PROBLEM);
	}
	time_ms = ha_clock_wall_ms();
	ha_clock_format_ms(time_ms, now);
	for (size_t i = 0; i < count; i++) {
		status = sweep_status(gate->name, &sweeps[i], now, &words);
		pass_on(to, &status, time_ms,
		    sweeps[i].fate == FEED_ABORTED ? HA_TRANSITION_ABORTED
						   : HA_TRANSITION_PROBLEM);
	}
	free(sweeps);
	ha_buf_release(&words);
}

static const char *
advice(const struct ha_err *why)
{
	switch (why->sys) {
	case EACCES:
	case EPERM:
	case EROFS:
	case ENOENT:
	case ENOTDIR:
		return " (run it as who owns that, or let HA_STATE_DIR name "
		       "another directory)";
	case ENOSPC:
	case EDQUOT:
		return " (make room there)";
	default:
		return "";
	}
}

static int
fail_safe(const struct gate *gate, struct feed_batch *batch,
    const struct ha_err *why, struct ha_err *err)
{
	struct state to;

	state_init(&to);
	pass_all_on(gate, batch, &to);
	ha_say("%s%s; %zu result%s not OK passed on without being weighed",
	    why->msg, advice(why), to.owed_count,
	    to.owed_count == 1 ? " that is" : "s that are");
	if (hand_over(gate, &to, err) != 0)
		ha_say("%s", err->msg);
	state_release(&to);
	return ha_err_set(err, why->status, 0, "%s", why->msg);
}

/*
 * First the state that owes what is to be told takes its place, then it is
 * told, then the one that owes nothing takes its place.  That one is written
 * before, or a full disk would have the same told again and again.  0; 1 when
 * it can't be written, and nothing was told; -1 when it is to be told again.
 */
static int
tell_owed(const struct gate *gate, struct gate_lock *lock, struct ha_err *err)
{
	struct ha_buf owed = lock->state.owed;
	size_t count = lock->state.owed_count;
	struct ha_err why;
	int rc;

	ha_buf_init(&lock->state.owed);
	lock->state.owed_count = 0;
	rc = prepare(lock, gate->name, NEW, err);
	lock->state.owed = owed;
	lock->state.owed_count = count;
	if (rc != 0)
		return 1;
	if (prepare(lock, gate->name, OWED, err) != 0 ||
	    commit(lock, OWED, err) != 0) {
		abandon(lock, NEW);
		return 1;
	}
	rc = hand_over(gate, &lock->state, &why);
	if (rc != 0)
		abandon(lock, NEW);
	else
		rc = commit(lock, NEW, &why);
	if (rc == 0)
		return 0;
	return ha_err_set(err, why.status, 0,
	    "%s; the same %zu transition%s told again by the next run", why.msg,
	    count, count == 1 ? " is" : "s are");
}

/* 0; 1 when the state can't be written, and nothing was told; -1. */
static int
tell_batch(const struct gate *gate, struct gate_lock *lock,
    struct feed_batch *batch, struct ha_err *err)
{
	struct state *state = &lock->state;
	struct tell tell = { .state = state,
		.rules = gate->rules,
		.now_ms = ha_clock_wall_ms(),
		.each = add_owed,
		.context = state };
	int64_t step_ms = state_set_clock(state, tell.now_ms);
	int rc = 0;

	take_batch(&tell, batch);
	say_clocks(&tell, step_ms);
	if (ha_msg_verbosity > 0)
		note_deps(gate, state);
	if (gate->is_dry)
		rc = hand_over(gate, state, err);
	else if (state->owed_count > 0)
		rc = tell_owed(gate, lock, err);
	else
		rc = gate_keep(lock, gate->name, err) != 0;
	if (rc < 0)
		ha_say("%s", err->msg);
	rules_forget(gate->rules);
	return rc;
}

static int
open_state(const struct gate *gate, struct gate_lock *lock, struct ha_err *err)
{
	if (gate->is_dry)
		return gate_look(lock, gate->name, err);
	return gate_open(lock, gate->name,
	    ha_clock_deadline(gate->command_ms + LOCK_MORE_MS), err);
}

int
gate_batch(
    const struct gate *gate, struct feed_batch *batch, struct ha_err *err)
{
	struct ha_buf lines = HA_BUF_INIT;
	struct gate_lock lock;
	struct ha_err why;
	int rc;

	if (batch->is_quiet) {
		ha_err_set(&why, EX_DATAERR, 0,
		    "the sweep has no records of what is OK: use the prober "
		    "without -q");
		return fail_safe(gate, batch, &why, err);
	}
	if (open_state(gate, &lock, &why) != 0)
		return fail_safe(gate, batch, &why, err);
	/* Decoding undoes the lines, and they may be needed once more. */
	ha_buf_add(&lines, batch->lines.data, batch->lines.len);
	rc = tell_batch(gate, &lock, batch, &why);
	gate_close(&lock);
	memcpy(batch->lines.data, lines.data, lines.len);
	ha_buf_release(&lines);
	if (rc > 0)
		return fail_safe(gate, batch, &why, err);
	return rc == 0 ? 0 : ha_err_set(err, why.status, 0, "%s", why.msg);
}

int
gate_nothing_came(
    const struct gate *gate, const char *words, struct ha_err *err)
{
	struct feed_batch batch;
	struct gate_lock lock;
	struct ha_err why;
	int rc, is_known, is_sweep;

	feed_batch_init(&batch);
	if (open_state(gate, &lock, &why) != 0) {
		feed_batch_add_sweep(
		    &batch, "-", FEED_ABORTED, ha_xstrdup(words));
		rc = fail_safe(gate, &batch, &why, err);
		feed_batch_release(&batch);
		return rc;
	}
	for (size_t i = 0; i < lock.state.producer_count; i++)
		feed_batch_add_sweep(&batch, lock.state.producers[i],
		    FEED_ABORTED, ha_xstrdup(words));
	is_known = lock.state.count > 0;
	gate_close(&lock);
	is_sweep = batch.sweep_count > 0;
	/* What has no sweep may be stale, or to be reminded of, all the same. */
	rc = is_known || is_sweep ? gate_batch(gate, &batch, err) : 0;
	if (rc == 0 && !is_sweep) {
		rc = ha_err_set(err, EX_DATAERR, 0,
		    "%s, and no sweep of '%s' is known yet", words, gate->name);
		ha_say("%s", err->msg);
	}
	feed_batch_release(&batch);
	return rc;
}
