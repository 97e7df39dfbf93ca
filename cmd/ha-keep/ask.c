/* SPDX-License-Identifier: ISC */
/*
 * ask - what a keeper says, and what is known where none answers.
 */
#include "ask.h"

#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>
#include <unistd.h>

#include "alloc.h"
#include "buf.h"
#include "clock.h"
#include "control.h"
#include "leftover.h"
#include "lock.h"
#include "msg.h"
#include "place.h"
#include "sweep.h"
#include "view.h"

/* One keeper that hangs must not take the time of all. */
#define ANSWER_MS 5000
#define RETRY_MS 20
/* A look at it, as --status has, takes the lock for a moment. */
#define LOCK_MS 1000

static int64_t
sooner(int64_t ms, int64_t deadline_ns)
{
	int64_t ns = ha_clock_deadline(ms);

	return ns < deadline_ns ? ns : deadline_ns;
}

/*
 * While its lock is held, one that doesn't listen is about to begin, or to end:
 * it is asked again.
 */
static int
ask_keeper(const char *dir, const char *name, const char *question,
    int64_t deadline_ns, struct ha_buf *answer, struct ha_err *err)
{
	while (control_ask(dir, name, question, deadline_ns, answer, err)) {
		if (err->status != EX_UNAVAILABLE ||
		    !place_is_held(dir, name) ||
		    ha_clock_poll_ms(deadline_ns) == 0)
			return -1;
		poll(NULL, 0, RETRY_MS);
	}
	return 0;
}

/* What is known of a keeper, and where from. */
struct finding {
	struct view view;
	enum ha_status_state state;
	struct ha_buf msg, perf;
};

/* It lives but didn't tell: why, and what its state file has. */
static void
judge_silent(struct finding *finding, const char *dir, const char *name,
    const struct ha_err *err)
{
	struct view *view = &finding->view;
	struct ha_err other;

	if (err->status == EX_NOPERM && !view_read(view, dir, name, &other)) {
		finding->state = view_judge(
		    view, view_now_ms(), &finding->msg, &finding->perf);
	} else if (err->status == EX_UNAVAILABLE) {
		finding->state = HA_STATUS_WARN;
		ha_buf_add_str(
		    &finding->msg, "a keeper is starting, or about to end");
	} else {
		finding->state = err->status == EX_TEMPFAIL ? HA_STATUS_CRIT
							    : HA_STATUS_UNKNOWN;
		ha_buf_add_str(&finding->msg, err->msg);
	}
}

static void
judge_dead(struct finding *finding, const char *dir, const char *name)
{
	struct ha_err err;

	if (!view_read(&finding->view, dir, name, &err)) {
		finding->state = view_judge_dead(
		    &finding->view, &finding->msg, &finding->perf);
	} else {
		finding->state = HA_STATUS_CRIT;
		ha_buf_add_str(&finding->msg, "no keeper of this name runs");
	}
}

static void
find(struct finding *finding, const char *dir, const char *name,
    int64_t deadline_ns)
{
	struct ha_buf answer = HA_BUF_INIT;
	struct ha_err err;
	int is_held;

	if (!ask_keeper(dir, name, "status", sooner(ANSWER_MS, deadline_ns),
		&answer, &err) &&
	    !view_decode(&finding->view, answer.data, &err))
		finding->state = view_judge(&finding->view, view_now_ms(),
		    &finding->msg, &finding->perf);
	else if ((is_held = place_is_held(dir, name)) < 0)
		ha_buf_addf(&finding->msg,
		    "the keeper of %s is another user's, and so is its lock",
		    name);
	else if (!is_held)
		judge_dead(finding, dir, name);
	else
		judge_silent(finding, dir, name, &err);
	ha_buf_release(&answer);
}

static void
add(struct ha_sweep *sweep, size_t order, const char *dir, const char *name,
    int64_t deadline_ns)
{
	struct finding finding = { .state = HA_STATUS_UNKNOWN };
	int64_t began_ns = ha_clock_now_ns();
	char *check = ha_xasprintf("keep:%s", name);
	struct ha_status status = { .host = ha_status_here(), .check = check };

	ha_buf_init(&finding.msg);
	ha_buf_init(&finding.perf);
	find(&finding, dir, name, deadline_ns);
	status.state = finding.state;
	status.ms = (double)(ha_clock_now_ns() - began_ns) / (double)HA_MS_NS;
	status.target = finding.view.command;
	status.msg = finding.msg.data;
	status.perf = finding.perf.data;
	ha_sweep_add(sweep, order, &status);
	ha_buf_release(&finding.msg);
	ha_buf_release(&finding.perf);
	free(check);
}

static void
check_names(char *const *names, int status)
{
	for (; *names; names++)
		if (!place_name_is_valid(*names))
			ha_die(status,
			    "'%s' is no keeper's name: letters, digits, '.', "
			    "'_' and '-', at most %d",
			    *names, PLACE_NAME_MAX);
}

static size_t
count_names(char *const *names)
{
	size_t count = 0;

	while (names[count])
		count++;
	return count;
}

static int
sweep(const struct ask_conf *conf, const char *dir, char *const *names,
    size_t count)
{
	const struct ha_sweep_options options = {
		.producer = "ha-keep",
		.format = conf->format,
		.is_quiet = conf->is_quiet,
		.expected = count,
	};
	int64_t deadline_ns = ha_clock_deadline(conf->total_ms);
	enum ha_status_state worst;
	struct ha_sweep *sweep;
	struct ha_err err;

	if (ha_sweep_begin(&sweep, &options, &err))
		ha_die(HA_STATUS_UNKNOWN, "%s", err.msg);
	for (size_t i = 0; i < count; i++)
		add(sweep, i, dir, names[i], deadline_ns);
	if (ha_sweep_end(sweep, &worst, &err))
		ha_die(HA_STATUS_UNKNOWN, "%s", err.msg);
	return (int)worst;
}

int
ask_status(const struct ask_conf *conf, char *const *names)
{
	char *dir = place_dir();
	struct ha_err err;
	char **all;
	size_t count;
	int status;

	check_names(names, HA_STATUS_UNKNOWN);
	if (*names) {
		status = sweep(conf, dir, names, count_names(names));
		free(dir);
		return status;
	}
	if (place_names(dir, &all, &count, &err))
		ha_die(HA_STATUS_UNKNOWN, "%s", err.msg);
	if (!count)
		ha_warn("no keeper runs here, and none has died ('%s')", dir);
	status = sweep(conf, dir, all, count);
	for (size_t i = 0; i < count; i++)
		free(all[i]);
	free(all);
	free(dir);
	return status;
}

/* "fail", TAB and words are an answer too. */
static int
ask(const char *dir, const char *name, const char *verb, int64_t deadline_ns,
    struct ha_buf *words, struct ha_err *err)
{
	struct ha_buf answer = HA_BUF_INIT;
	char *tab;
	int failed = ask_keeper(dir, name, verb, deadline_ns, &answer, err);

	tab = failed ? NULL : strchr(answer.data, '\t');
	if (tab && !strncmp(answer.data, "fail\t", 5))
		failed =
		    ha_err_set(err, EX_SOFTWARE, 0, "%s: %s", name, tab + 1);
	else if (tab)
		ha_buf_add_str(words, tab + 1);
	ha_buf_release(&answer);
	return failed;
}

/* One that begins, or ends, has no socket: until it has one, or is gone. */
static int
ask_again(const char *dir, const char *name, const char *verb,
    int64_t deadline_ns, struct ha_buf *words, struct ha_err *err)
{
	while (ask(dir, name, verb, deadline_ns, words, err)) {
		if (err->status != EX_UNAVAILABLE ||
		    place_is_held(dir, name) <= 0)
			return -1;
		if (ha_clock_poll_ms(deadline_ns) == 0)
			return ha_err_set(err, EX_TEMPFAIL, 0,
			    "the keeper of %s does not answer", name);
		poll(NULL, 0, RETRY_MS);
	}
	return 0;
}

/* It answers before both processes have ended, and the name is free. */
static int
is_gone_by(const char *dir, const char *name, int64_t deadline_ns)
{
	while (place_is_held(dir, name)) {
		if (ha_clock_poll_ms(deadline_ns) == 0)
			return 0;
		poll(NULL, 0, RETRY_MS);
	}
	return 1;
}

/* As the dead keeper would have, within the time that there is. */
static int
end_leftovers(const struct view *view, int64_t deadline_ns, size_t *count,
    struct ha_err *err)
{
	int64_t grace_ms = ha_clock_poll_ms(deadline_ns);
	int sig = SIGTERM;
	pid_t first;

	*count =
	    leftover_is_id(view->id) ? leftover_signal(view->id, 0, &first) : 0;
	if (!*count)
		return 0;
	if (view->grace_ms >= 0 && view->grace_ms < grace_ms)
		grace_ms = view->grace_ms;
	if (view->stop_signal > 0 && view->stop_signal < NSIG)
		sig = (int)view->stop_signal;
	return leftover_end(view->id, sig, grace_ms, -1, err);
}

/*
 * Nobody keeps it: what a keeper left that was killed is ended, and what is
 * known of it forgotten, under the lock.
 */
static int
stop_dead(const char *dir, const char *name, int64_t deadline_ns)
{
	char *lock = place_path(dir, name, "lock");
	char *state = place_path(dir, name, "state");
	char *sock = place_path(dir, name, "sock");
	struct ha_err err = { .status = 1 };
	struct view view;
	size_t count = 0;
	int fd = -1;

	if (view_read(&view, dir, name, &err)) {
		err.status = 1;
		ha_say("no keeper of %s runs", name);
	} else if (ha_lock_take(
		       lock, sooner(LOCK_MS, deadline_ns), &fd, &err) ||
		   end_leftovers(&view, deadline_ns, &count, &err)) {
		ha_say("%s: %s", name, err.msg);
	} else {
		unlink(state);
		unlink(sock);
		err.status = count ? EX_OK : 1;
		if (count)
			ha_say("no keeper of %s runs; the last one left %zu "
			       "process%s, ended now",
			    name, count, count == 1 ? "" : "es");
		else
			ha_say("no keeper of %s runs; the last one is "
			       "forgotten",
			    name);
	}
	if (fd >= 0)
		close(fd);
	free(lock);
	free(state);
	free(sock);
	return err.status;
}

/* 1 with no words: it was about to end, or was killed, and is gone. */
static int
stop(const char *dir, const char *name, int64_t deadline_ns,
    struct ha_buf *words, struct ha_err *err)
{
	int failed = ask_again(dir, name, "stop", deadline_ns, words, err);

	if (failed && err->status != EX_UNAVAILABLE)
		return -1;
	if (is_gone_by(dir, name, deadline_ns))
		return failed ? 1 : 0;
	return ha_err_set(
	    err, EX_TEMPFAIL, 0, "the keeper of %s does not end", name);
}

static int
has_state(const char *dir, const char *name)
{
	char *path = place_path(dir, name, "state");
	int is_there = !access(path, F_OK);

	free(path);
	return is_there;
}

static int
tell(const char *dir, const char *name, int is_stop, int64_t deadline_ns)
{
	struct ha_buf words = HA_BUF_INIT;
	struct ha_err err;
	int result;

	if (!place_is_held(dir, name)) {
		if (is_stop)
			return stop_dead(dir, name, deadline_ns);
		ha_say("no keeper of %s runs", name);
		return 1;
	}
	result = is_stop ? stop(dir, name, deadline_ns, &words, &err)
			 : ask_again(
			       dir, name, "restart", deadline_ns, &words, &err);
	if (result > 0 && has_state(dir, name))
		return stop_dead(dir, name, deadline_ns);
	if (result < 0)
		ha_say("%s", err.msg);
	else
		ha_say("%s: %s%s%s", name, is_stop ? "stopped" : "restarted",
		    words.len ? "; the command " : "", words.data);
	ha_buf_release(&words);
	return result < 0 ? err.status : EX_OK;
}

static int
tell_all(const struct ask_conf *conf, char *const *names, int is_stop)
{
	int64_t deadline_ns = ha_clock_deadline(conf->total_ms);
	char *dir = place_dir();
	int result = EX_OK;

	check_names(names, EX_USAGE);
	for (; *names; names++) {
		int status = tell(dir, *names, is_stop, deadline_ns);

		result = result ? result : status;
	}
	free(dir);
	return result;
}

int
ask_stop(const struct ask_conf *conf, char *const *names)
{
	return tell_all(conf, names, 1);
}

int
ask_restart(const struct ask_conf *conf, char *const *names)
{
	return tell_all(conf, names, 0);
}
