/* SPDX-License-Identifier: ISC */
/*
 * keeper - starts the command, sees it end, ends what it left, starts it again.
 */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "alloc.h"
#include "buf.h"
#include "clock.h"
#include "control.h"
#include "keep.h"
#include "leftover.h"
#include "msg.h"
#include "policy.h"
#include "report.h"
#include "run.h"
#include "sig.h"
#include "tree.h"
#include "view.h"

/* What comes once nothing is left of a run. */
enum after {
	AFTER_POLICY, /* it ended by itself */
	AFTER_RESTART,
	AFTER_STOP,
};

struct keeper {
	const struct keep_conf *conf;
	struct view view;
	struct policy policy;
	struct ending ending;
	struct control control;
	struct report report;
	enum after after;
	pid_t front;
	int signal_fd;
	int has_children, has_run, is_over; /* is_over: the command has ended */
	int end_status; /* of the last run, as a shell has it */
	int64_t started_ms, ran_ms; /* the run, and the last one's length */
	int64_t due_ns; /* of the next start, or of the run being healthy */
	int is_changed; /* the view has, since it was told */
	int is_killed; /* the front was */
	int exit_status; /* -1: go on */
};

static void
set_phase(struct keeper *keeper, enum phase phase, const char *note)
{
	struct view *view = &keeper->view;

	view->phase = phase;
	view->since_ms = view_now_ms();
	view_print(view->note, sizeof(view->note), "%s", note);
	keeper->is_changed = 1;
}

static void
finish(struct keeper *keeper, int status)
{
	keeper->exit_status = status;
}

/* Start at the next step, after delay_ms. */
static void
wait_to_start(struct keeper *keeper, int64_t delay_ms)
{
	set_phase(keeper, PHASE_WAITING, "");
	keeper->view.due_ms = keeper->view.since_ms + delay_ms;
	keeper->due_ns = ha_clock_deadline(delay_ms);
}

static void
give_up(struct keeper *keeper)
{
	struct ha_buf note = HA_BUF_INIT;
	char window[64];

	ha_clock_words(keeper->conf->window_ms, window, sizeof(window));
	ha_buf_addf(&note, "%zu ends in %s; it %s", keeper->conf->limit + 1,
	    window, keeper->view.last);
	set_phase(keeper, PHASE_GAVE_UP, note.data);
	report_say(keeper->conf, "gave up: %s", note.data);
	ha_buf_release(&note);
	finish(keeper, EX_TEMPFAIL);
}

static void
follow_policy(struct keeper *keeper)
{
	struct view *view = &keeper->view;
	int64_t delay_ms = 0;
	char words[64];
	int goes_on;

	goes_on = policy_end(
	    &keeper->policy, view_now_ms(), keeper->ran_ms, &delay_ms);
	view->failures = keeper->policy.failures;
	if (!goes_on) {
		give_up(keeper);
		return;
	}
	wait_to_start(keeper, delay_ms);
	ha_clock_words(delay_ms, words, sizeof(words));
	report_say(keeper->conf, "%s; starting it again %s%s", view->last,
	    delay_ms ? "in " : "at once", delay_ms ? words : "");
}

/* Nothing is left of the run. */
static void
run_is_gone(struct keeper *keeper)
{
	keeper->view.is_stuck = 0;
	switch (keeper->after) {
	case AFTER_STOP:
		report_say(keeper->conf, "stopped: it %s",
		    *keeper->view.last ? keeper->view.last : "did not run");
		finish(keeper, EX_OK);
		break;
	case AFTER_RESTART:
		policy_forget(&keeper->policy);
		keeper->view.failures = 0;
		wait_to_start(keeper, 0);
		break;
	case AFTER_POLICY:
		if (!keeper->conf->is_done[keeper->end_status & 0xff]) {
			follow_policy(keeper);
			break;
		}
		report_say(keeper->conf, "%s: done", keeper->view.last);
		finish(keeper, keeper->end_status);
		break;
	}
}

static void
begin_ending(struct keeper *keeper, enum after after, const char *note)
{
	keeper->after = after;
	set_phase(keeper, PHASE_ENDING, note);
	ending_begin(&keeper->ending, (pid_t)keeper->view.pid,
	    keeper->conf->stop_signal, keeper->conf->grace_ms);
}

static void
run_has_ended(struct keeper *keeper)
{
	const char *note = "the command left processes behind";

	if (!keeper->has_children) {
		keeper->after = AFTER_POLICY;
		run_is_gone(keeper);
		return;
	}
	begin_ending(keeper, AFTER_POLICY, note);
	report_say(keeper->conf, "%s; ending what it left behind%s",
	    keeper->view.last,
	    keeper->end_status == 0
		? " (a command that goes to the background can't be kept)"
		: "");
}

static void
note_end(struct keeper *keeper, int wait_status)
{
	struct view *view = &keeper->view;
	char words[64], ran[64];

	keeper->is_over = 1;
	keeper->end_status = WIFSIGNALED(wait_status)
				 ? 128 + WTERMSIG(wait_status)
				 : WEXITSTATUS(wait_status);
	keeper->ran_ms = view_now_ms() - keeper->started_ms;
	view->pid = 0;
	view_say_end(wait_status, words, sizeof(words));
	ha_clock_words(keeper->ran_ms, ran, sizeof(ran));
	view_print(view->last, sizeof(view->last), "%s after %s", words, ran);
	keeper->is_changed = 1;
}

static void
reap(struct keeper *keeper)
{
	int wait_status;
	pid_t pid;

	while ((pid = waitpid(-1, &wait_status, WNOHANG)) > 0)
		if (pid == keeper->view.pid)
			note_end(keeper, wait_status);
	keeper->has_children = pid == 0;
}

/*
 * The first time it is the caller's mistake; later on a package may be about to
 * be replaced, and that is one more end.
 */
static void
start_failed(struct keeper *keeper, const struct ha_err *err)
{
	struct view *view = &keeper->view;

	keeper->end_status = KEEP_FAILED;
	if (err->status == EX_UNAVAILABLE)
		keeper->end_status =
		    err->sys == ENOENT ? KEEP_NOT_FOUND : KEEP_CANT_EXEC;
	if (!keeper->has_run) {
		set_phase(keeper, PHASE_GAVE_UP, err->msg);
		report_say(keeper->conf, "%s", err->msg);
		finish(keeper, keeper->end_status);
		return;
	}
	keeper->ran_ms = 0;
	view_print(view->last, sizeof(view->last), "could not be started: %s",
	    err->msg);
	follow_policy(keeper);
}

static void answer(struct keeper *keeper, enum control_verb verb,
    const char *fmt, ...) __attribute__((format(printf, 3, 4)));

static void
answer(struct keeper *keeper, enum control_verb verb, const char *fmt, ...)
{
	struct ha_buf line = HA_BUF_INIT;
	va_list ap;

	va_start(ap, fmt);
	ha_buf_vaddf(&line, fmt, ap);
	va_end(ap);
	ha_buf_add_char(&line, '\n');
	control_answer(&keeper->control, verb, line.data);
	ha_buf_release(&line);
}

static void
start(struct keeper *keeper)
{
	const struct keep_conf *conf = keeper->conf;
	char mark[sizeof(LEFTOVER_MARK) + LEFTOVER_ID_SIZE];
	const char *const env[] = { mark, NULL };
	struct ha_run run = HA_RUN_INIT;
	struct ha_err err;
	pid_t pid;

	snprintf(mark, sizeof(mark), "%s=%s", LEFTOVER_MARK, keeper->view.id);
	run.argv = conf->argv;
	run.env = env;
	run.own_group = 1;
	run.in = isatty(STDIN_FILENO) ? -1 : STDIN_FILENO;
	run.out = conf->records && !strcmp(conf->records, "-") ? STDERR_FILENO
							       : STDOUT_FILENO;
	if (ha_run_start(&run, &pid, NULL, &err)) {
		start_failed(keeper, &err);
		return;
	}
	keeper->view.restarts += keeper->has_run;
	keeper->has_run = 1;
	keeper->is_over = 0;
	keeper->has_children = 1;
	set_phase(keeper, PHASE_RUNNING, "");
	keeper->view.pid = pid;
	keeper->started_ms = keeper->view.since_ms;
	keeper->due_ns = keeper->view.failures
			     ? ha_clock_deadline(conf->healthy_ms)
			     : HA_CLOCK_NEVER;
	if (ha_msg_verbosity)
		report_say(keeper->conf, "started as process %ld", (long)pid);
	answer(
	    keeper, CONTROL_RESTART, "done\tstarted as process %ld", (long)pid);
}

static void
stop(struct keeper *keeper, const char *why)
{
	if (keeper->after == AFTER_STOP)
		return;
	keeper->view.is_stopping = 1;
	report_stopping(&keeper->report);
	report_say(keeper->conf, "stopping: %s", why);
	answer(keeper, CONTROL_RESTART, "fail\tit is being stopped");
	switch (keeper->view.phase) {
	case PHASE_RUNNING:
		begin_ending(keeper, AFTER_STOP, why);
		break;
	case PHASE_ENDING:
		keeper->after = AFTER_STOP;
		break;
	default:
		keeper->after = AFTER_STOP;
		run_is_gone(keeper);
		break;
	}
}

static void
restart(struct keeper *keeper)
{
	static const char why[] = "asked to restart";

	if (keeper->after == AFTER_STOP) {
		answer(keeper, CONTROL_RESTART, "fail\tit is being stopped");
		return;
	}
	report_say(keeper->conf, "%s", why);
	switch (keeper->view.phase) {
	case PHASE_RUNNING:
		begin_ending(keeper, AFTER_RESTART, why);
		break;
	case PHASE_ENDING:
		keeper->after = AFTER_RESTART;
		break;
	default:
		keeper->after = AFTER_RESTART;
		run_is_gone(keeper);
		break;
	}
}

static void
take_question(void *context, enum control_verb verb)
{
	struct keeper *keeper = context;
	struct ha_buf line = HA_BUF_INIT;

	if (verb == CONTROL_STOP) {
		stop(keeper, "asked by ha-keep --stop");
	} else if (verb == CONTROL_RESTART) {
		restart(keeper);
	} else {
		view_encode(&line, &keeper->view);
		control_answer(&keeper->control, verb, line.data);
		ha_buf_release(&line);
	}
}

static void
take_signals(struct keeper *keeper)
{
	int sig;

	while ((sig = ha_sig_next(keeper->signal_fd))) {
		switch (sig) {
		case SIGCHLD:
			break;
		case SIGTERM:
		case SIGINT:
			keeper->is_killed |= getppid() != keeper->front;
			stop(keeper, keeper->is_killed
					 ? "the process above the keeper was "
					   "killed"
				     : sig == SIGTERM ? "SIGTERM"
						      : "SIGINT");
			break;
		default:
			if (keeper->view.pid)
				kill((pid_t)keeper->view.pid, sig);
			break;
		}
	}
}

/* Who outlives SIGKILL waits for a dead disk, or is another user's. */
static void
note_stuck(struct keeper *keeper)
{
	struct view *view = &keeper->view;
	char state = '?';
	pid_t pid;

	if (!ending_is_stuck(&keeper->ending))
		return;
	if (!view->is_stuck) {
		pid = tree_first(&state);
		view->is_stuck = 1;
		view_print(view->note, sizeof(view->note),
		    "process %ld (state %c) can't be ended", (long)pid, state);
		keeper->is_changed = 1;
		report_say(keeper->conf, "%s", view->note);
	}
	answer(keeper, CONTROL_RESTART, "fail\t%s", view->note);
	if (keeper->after != AFTER_STOP)
		return;
	answer(keeper, CONTROL_STOP, "fail\t%s", view->note);
	finish(keeper, KEEP_FAILED);
}

static void
step(struct keeper *keeper)
{
	reap(keeper);
	switch (keeper->view.phase) {
	case PHASE_RUNNING:
		if (keeper->is_over) {
			run_has_ended(keeper);
		} else if (ha_clock_now_ns() >= keeper->due_ns) {
			policy_healthy(&keeper->policy);
			keeper->view.failures = 0;
			keeper->due_ns = HA_CLOCK_NEVER;
			keeper->is_changed = 1;
		}
		break;
	case PHASE_ENDING:
		if (!keeper->has_children) {
			run_is_gone(keeper);
		} else {
			ending_step(&keeper->ending);
			note_stuck(keeper);
		}
		break;
	default:
		break;
	}
	if (keeper->exit_status < 0 && keeper->view.phase == PHASE_WAITING &&
	    ha_clock_now_ns() >= keeper->due_ns)
		start(keeper);
}

static int64_t
earlier(int64_t a, int64_t b)
{
	return a < b ? a : b;
}

static int64_t
due_ns(const struct keeper *keeper)
{
	int64_t due = earlier(
	    control_due_ns(&keeper->control), report_due_ns(&keeper->report));

	return earlier(due, keeper->view.phase == PHASE_ENDING
				? ending_due_ns(&keeper->ending)
				: keeper->due_ns);
}

/*
 * poll(2) without the places that are free: more of them than RLIMIT_NOFILE has
 * would be EINVAL, for ever.
 */
static int
wait_for(struct pollfd *all, size_t count, int ms)
{
	struct pollfd used[CONTROL_FDS + 1];
	nfds_t n = 0;
	int result;

	for (size_t i = 0; i < count; i++)
		if (all[i].fd >= 0)
			used[n++] = all[i];
	result = poll(used, n, ms);
	n = 0;
	for (size_t i = 0; i < count; i++)
		if (all[i].fd >= 0)
			all[i].revents = used[n++].revents;
	return result;
}

static void
loop(struct keeper *keeper)
{
	struct pollfd pfds[CONTROL_FDS + 1];
	int is_slim = 0;

	for (;;) {
		step(keeper);
		if (keeper->is_changed) {
			keeper->is_changed = 0;
			report_change(&keeper->report, &keeper->view);
		}
		report_run(&keeper->report, &keeper->view);
		if (keeper->exit_status >= 0)
			return;
		if (!is_slim)
			keep_slim();
		is_slim = 1;
		control_poll(&keeper->control, pfds);
		pfds[CONTROL_FDS] = (struct pollfd){ .fd = keeper->signal_fd,
			.events = POLLIN };
		if (wait_for(pfds, CONTROL_FDS + 1,
			ha_clock_poll_ms(due_ns(keeper))) < 0)
			continue;
		take_signals(keeper);
		control_run(&keeper->control, pfds, take_question, keeper);
	}
}

/* Of a keeper of this name that was killed together with its front. */
static int
end_leftovers(struct keeper *keeper, struct ha_err *err)
{
	const struct keep_conf *conf = keeper->conf;
	struct view last;
	size_t count = 0;
	pid_t first = 0;

	if (!view_read(&last, conf->dir, conf->name, err) &&
	    leftover_is_id(last.id))
		count = leftover_signal(last.id, 0, &first);
	if (!count)
		return 0;
	report_say(keeper->conf,
	    "ending what the last keeper left: %zu process%s, such as "
	    "%ld",
	    count, count == 1 ? "" : "es", (long)first);
	return leftover_end(
	    last.id, conf->stop_signal, conf->grace_ms, keeper->signal_fd, err);
}

static void
set_command(struct view *view, const char *const *argv)
{
	struct ha_buf text = HA_BUF_INIT;

	for (; *argv; argv++)
		ha_buf_addf(&text, "%s%s", text.len ? " " : "", *argv);
	view_print(view->command, sizeof(view->command), "%s", text.data);
	ha_buf_release(&text);
}

static int
begin(struct keeper *keeper, struct notify notify, struct ha_err *err)
{
	const struct keep_conf *conf = keeper->conf;
	struct view *view = &keeper->view;

	view_print(view->name, sizeof(view->name), "%s", conf->name);
	view->keeper = keeper->front;
	view->stop_signal = conf->stop_signal;
	view->grace_ms = conf->grace_ms;
	set_command(view, conf->argv);
	keeper->policy = (struct policy){
		.backoff_ms = conf->backoff_ms,
		.backoff_max_ms = conf->backoff_max_ms,
		.healthy_ms = conf->healthy_ms,
		.limit = conf->limit,
		.window_ms = conf->window_ms,
	};
	policy_init(&keeper->policy);
	if (keep_open_signals(&keeper->signal_fd, err) ||
	    end_leftovers(keeper, err) ||
	    report_open(&keeper->report, conf, notify, err) ||
	    control_open(&keeper->control, conf->dir, conf->name, err))
		return -1;
	leftover_new_id(view->id);
	wait_to_start(keeper, 0);
	/* Told to stop meanwhile it starts nothing. */
	take_signals(keeper);
	return 0;
}

/* What is to be told after the end stays in the state file. */
static void
end(struct keeper *keeper)
{
	int is_kept = keeper->view.phase == PHASE_GAVE_UP ||
		      keeper->view.is_stuck || keeper->is_killed;

	if (keeper->is_killed && !keeper->view.is_stuck) {
		set_phase(keeper, PHASE_KILLED, "what it kept was ended");
		report_change(&keeper->report, &keeper->view);
	}
	report_close(&keeper->report, is_kept);
	answer(keeper, CONTROL_STOP, "done\t%s",
	    *keeper->view.last ? keeper->view.last : "did not run");
	answer(keeper, CONTROL_RESTART, "fail\tit has ended");
	control_close(&keeper->control);
	policy_release(&keeper->policy);
	/* A terminal may have stopped it, and it holds the lock, too. */
	if (getppid() == keeper->front)
		kill(keeper->front, SIGCONT);
}

int
keeper_run(const struct keep_conf *conf, struct notify notify, long front)
{
	struct keeper keeper = {
		.conf = conf,
		.front = (pid_t)front,
		.exit_status = -1,
		.due_ns = HA_CLOCK_NEVER,
	};
	struct ha_err err;

	prctl(PR_SET_CHILD_SUBREAPER, 1);
	if (begin(&keeper, notify, &err)) {
		report_say(conf, "%s", err.msg);
		return KEEP_FAILED;
	}
	/* What is started now is to be found, whatever becomes of this one. */
	report_save(&keeper.report, &keeper.view);
	loop(&keeper);
	end(&keeper);
	return keeper.exit_status;
}
