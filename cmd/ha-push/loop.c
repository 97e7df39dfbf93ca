/* SPDX-License-Identifier: ISC */
/*
 * loop - connects, goes round, waits, and tries again after a fault.
 */
#include "loop.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "alloc.h"
#include "batch.h"
#include "clock.h"
#include "control.h"
#include "hold.h"
#include "input.h"
#include "msg.h"
#include "out.h"
#include "sig.h"
#include "wait.h"

#define BACKOFF_FIRST_MS 1000
#define BACKOFF_MAX_MS 60000
/* A link that was good so long is tried again at once, nearly. */
#define GOOD_MS 5000
#define BACKOFF_GOOD_MS 100

/* wait_poll() serves whatever step is under way: it has no context to pass. */
static struct push *push;
static int sig_fd = -1;
/* What reading stdin brought to an end, met by the main loop. */
static int input_failed;
static struct ha_err input_err;

void
loop_init(struct push *served)
{
	struct ha_err err;

	push = served;
	if (ha_sig_open(&sig_fd, &err) != 0)
		ha_die_err(&err);
	srandom((unsigned)(ha_clock_now_ns() ^ getpid()));
}

/* What all got, as from a terminal or systemd, the parent passes on too. */
static void
count_stop(pid_t sender)
{
	static int passed, direct;

	if (push->parent != 0 && sender == push->parent)
		passed++;
	else
		direct++;
	push->stopping = passed > direct ? passed : direct;
}

static void
take_signals(void)
{
	pid_t sender;
	int signo;

	while ((signo = ha_sig_next_from(sig_fd, &sender)) != 0) {
		if (signo == SIGTERM || signo == SIGINT || signo == SIGHUP)
			count_stop(sender);
		else if (signo == SIGUSR1)
			report_run(push, 1);
	}
}

static void
take_input(void)
{
	input_failed = input_read(push, &input_err) != 0;
	report_touch(&push->report);
}

/* The command's own sources stand behind the caller's. */
int
wait_poll(struct pollfd *fds, nfds_t count, int64_t deadline_ns)
{
	struct pollfd all[32];
	nfds_t n = count;
	int64_t due_ns = report_due_ns(push);
	nfds_t asked;
	int ready;

	if (count > 28)
		ha_die(EX_OSERR, "too many descriptors to wait for");
	if (count > 0)
		memcpy(all, fds, count * sizeof(*fds));
	all[n++] = (struct pollfd){ sig_fd, POLLIN, 0 };
	if (!push->input.at_end && !input_failed)
		all[n++] = (struct pollfd){ STDIN_FILENO, POLLIN, 0 };
	asked = n;
	all[n++] = (struct pollfd){ control_fd(push), POLLIN, 0 };
	/* Without a wish poll still tells that the reader is gone. */
	all[n++] = (struct pollfd){ STDOUT_FILENO,
		push->report.pending.len > 0 ? POLLOUT : 0, 0 };
	if (control_due_ns(push) < due_ns)
		due_ns = control_due_ns(push);
	if (due_ns < deadline_ns)
		deadline_ns = due_ns;
	ready = poll(all, n, ha_clock_poll_ms(deadline_ns));
	if (ready < 0 && errno != EINTR)
		ha_die(EX_OSERR, "poll: %s", strerror(errno));
	if (all[count].revents != 0)
		take_signals();
	if (!push->input.at_end && !input_failed && ready > 0 &&
	    all[count + 1].revents != 0)
		take_input();
	if (all[asked].revents != 0 ||
	    control_due_ns(push) <= ha_clock_now_ns())
		control_serve(push);
	if (ready > 0 && (all[n - 1].revents & POLLERR) && ha_out_reader_gone())
		ha_out_die_of_pipe();
	report_run(push, 0);
	/* A step that no batch hangs on needn't be finished. */
	if (push->stopping > 1 || (push->stopping == 1 && !push->in_round))
		return -1;
	if (ready <= 0)
		return 0;
	ready = 0;
	for (nfds_t i = 0; i < count; i++) {
		fds[i].revents = all[i].revents;
		ready += fds[i].revents != 0;
	}
	return ready;
}

void
loop_end(void)
{
	rsync_free(push->warm);
	push->warm = NULL;
	peer_close(&push->peer);
}

static int
is_connected(void)
{
	return peer_is_linked(&push->peer) && push->peer.is_ready;
}

/* Keep the link: who was let in once needn't log in for a fault elsewhere. */
static void
doubt_peer(void)
{
	rsync_free(push->warm);
	push->warm = NULL;
	peer_doubt(&push->peer);
}

static void
say_owners(void)
{
	if (push->owners_said || push->peer.is_root)
		return;
	push->owners_said = 1;
	ha_say("%s: the login there is not root: owners%s and device files "
	       "are not kept",
	    push->peer.label, push->rsync.chown == NULL ? ", groups" : "");
}

static int
is_number(const char *name)
{
	return name[strspn(name, "0123456789")] == '\0';
}

/* A name that is not known there would be left out without a word. */
static int
check_name(const char *look_up, const char *what, const char *name, size_t len,
    struct ha_err *err)
{
	struct ha_buf command = HA_BUF_INIT, out = HA_BUF_INIT,
		      errors = HA_BUF_INIT;
	char *copy = ha_xmemdup(name, len);
	int status = 0, rc = 0;

	if (!is_number(copy)) {
		ha_buf_addf(&command, "%s ", look_up);
		peer_add_quoted(&command, copy);
		rc = peer_run(&push->peer, command.data, PEER_RUN_MS, &out,
		    &errors, &status, err);
	}
	if (rc == 0 && (status == 1 || status == 2))
		rc = ha_err_set(err, EX_CONFIG, 0,
		    "--chown %s: there is no %s %s there; make it, or give "
		    "its number",
		    push->rsync.chown, what, copy);
	free(copy);
	ha_buf_release(&command);
	ha_buf_release(&out);
	ha_buf_release(&errors);
	return rc;
}

/* Only root gives files away; a group may be one of the login's own. */
static int
check_chown(struct ha_err *err)
{
	const char *chown = push->rsync.chown;
	size_t user = chown != NULL ? strcspn(chown, ":") : 0;
	const char *group =
	    chown != NULL && chown[user] == ':' ? chown + user + 1 : "";

	if (chown == NULL)
		return 0;
	if (!rsync_can_chown(&push->rsync))
		return ha_err_set(err, EX_CONFIG, 0,
		    "--chown needs rsync 3.1.0 or later on both ends");
	if (!push->peer.is_root && user > 0 &&
	    (strlen(push->peer.login) != user ||
		strncmp(chown, push->peer.login, user) != 0))
		return ha_err_set(err, EX_NOPERM, 0,
		    "--chown %s needs a login as root there, not as %s "
		    "(--chown :GROUP needs only a member of GROUP)",
		    chown, push->peer.login);
	if (check_name("id -u", "user", chown, user, err) != 0)
		return -1;
	return check_name("getent group", "group", group, strlen(group), err);
}

/* --fsync is a promise: it is kept whole or not given. */
static int
check_fsync(struct ha_err *err)
{
	if (!push->rsync.fsync ||
	    (rsync_can_fsync(&push->rsync) && sftp_can_fsync(push->peer.sftp)))
		return 0;
	return ha_err_set(err, EX_CONFIG, 0,
	    "--fsync needs rsync 3.2.4 or later on both ends and OpenSSH's "
	    "sftp-server there");
}

static int
connect_peer(struct ha_err *err)
{
	int rc;

	doubt_peer();
	rc = peer_open(
	    &push->peer, &push->transport, rsync_path_there(&push->rsync), err);
	push->report.logins = push->peer.logins;
	if (rc != 0)
		return -1;
	fence_connected(push);
	if (fence_check(push, err) != 0 || check_chown(err) != 0 ||
	    check_fsync(err) != 0 ||
	    (push->peer.trash != NULL &&
		trash_open(&push->trash, &push->peer, err) != 0)) {
		doubt_peer();
		return -1;
	}
	dirty_look_again(&push->dirty);
	if (!push->conf.dry_run)
		report_start(&push->report);
	push->last_progress_ns = ha_clock_now_ns();
	say_owners();
	return 0;
}

/* 1 s, 2 s … 60 s, and up to half as much again. */
static int64_t
backoff_ns(unsigned failures, int was_good)
{
	int64_t ms = BACKOFF_FIRST_MS;

	if (was_good)
		ms = BACKOFF_GOOD_MS;
	else
		while (failures-- > 1 && ms < BACKOFF_MAX_MS)
			ms *= 2;
	if (ms > BACKOFF_MAX_MS)
		ms = BACKOFF_MAX_MS;
	return (ms + random() % (ms / 2 + 1)) * HA_MS_NS;
}

/* Are there no more records to come, and is nothing left to send? */
static int
is_finished(void)
{
	return push->input.at_end && push->dirty.count == 0 &&
	       push->dirty.renames == NULL && push->barriers == NULL;
}

/* A run that ends by itself gives up when nothing has moved for -T. */
static int
gives_up(void)
{
	return push->input.at_end &&
	       ha_clock_now_ns() - push->last_progress_ns >=
		   push->conf.give_up_ms * HA_MS_NS;
}

/* Waiting will not mend these; somebody has to. */
static int
is_hopeless(const struct ha_err *err)
{
	return err->status == EX_NOPERM || err->status == EX_CONFIG ||
	       err->status == EX_CANTCREAT;
}

struct loop {
	unsigned faults; /* in a row */
	int64_t good_ns; /* from then on the link counts as a good one */
	int64_t retry_ns; /* nothing is tried before */
	int last_status; /* of the last fault; 0 after a success */
	int hopeless; /* it ended the run, and was told */
	int disk_fails; /* a path waits for room on the peer */
};

/*
 * A link that is down may come back with another host key, say: what has to be
 * done now is told.  A disk's words name another path each time.
 */
static int
is_news(const struct loop *loop, const struct ha_err *err)
{
	return push->report.fault == NULL || err->status != loop->last_status ||
	       (err->status == EX_UNAVAILABLE &&
		   strcmp(err->msg, push->report.fault) != 0);
}

static void
tell_fault(struct loop *loop, const struct ha_err *err)
{
	int news = push->fence.is_refused || is_news(loop, err);

	if (news || ha_msg_verbosity > 0)
		ha_warn("%s: %s", push->peer.label, err->msg);
	report_fault(&push->report, err->msg);
	report_start(&push->report);
	report_run(push, news);
	loop->last_status = err->status;
}

/* The peer's fault: told, and tried again later.  -1: this run ends with it. */
static int
take_fault(struct loop *loop, const struct ha_err *err)
{
	int64_t now_ns = ha_clock_now_ns();
	int was_good;

	if (push->stopping)
		return -1;
	tell_fault(loop, err);
	if (err->status == EX_NOINPUT || push->fence.is_refused ||
	    (push->input.at_end && is_hopeless(err))) {
		loop->hopeless = 1;
		return -1;
	}
	was_good = !peer_is_linked(&push->peer) && now_ns >= loop->good_ns;
	loop->good_ns = HA_CLOCK_NEVER;
	loop->faults++;
	loop->retry_ns = now_ns + backoff_ns(loop->faults, was_good);
	return 0;
}

static void
take_success(struct loop *loop)
{
	if (push->report.fault != NULL)
		ha_say("%s: goes on", push->peer.label);
	loop->faults = 0;
	loop->last_status = 0;
	report_no_fault(&push->report);
}

static int
connect_step(struct loop *loop)
{
	struct ha_err err;

	if (connect_peer(&err) != 0)
		return take_fault(loop, &err);
	loop->good_ns = ha_clock_deadline(GOOD_MS);
	/* A fault of its disk or its directory is not over by a login. */
	if (push->dirty.count == 0)
		take_success(loop);
	return 0;
}

static int
round_step(struct loop *loop)
{
	struct ha_err err;
	int rc;

	push->in_round = 1;
	rc = batch_round(push, &err);
	push->in_round = 0;
	report_progress_end();
	report_touch(&push->report);
	if (rc != 0 && err.status == EX_IOERR)
		loop->disk_fails = 1;
	else if (rc == 0 && dirty_failing(&push->dirty) == 0 &&
		 (push->chunk == PUSH_CHUNK_MAX || push->dirty.count == 0))
		loop->disk_fails = 0;
	if (rc > 0)
		tell_fault(loop, &err);
	else if (rc == 0 && !loop->disk_fails)
		take_success(loop);
	if (rc >= 0)
		return 0;
	if (!peer_is_linked(&push->peer))
		loop_end();
	else if (err.status == EX_UNAVAILABLE || err.status == EX_CANTCREAT)
		doubt_peer();
	return take_fault(loop, &err);
}

static int
look_again_step(struct loop *loop)
{
	int64_t start_ns = ha_clock_now_ns();
	int rc;

	hold_look_again(push);
	rc = round_step(loop);
	hold_looked(push, ha_clock_now_ns() - start_ns);
	return rc;
}

/* Nothing to send: keep the link, and a run ready, until something happens. */
static int
idle_step(struct loop *loop, int64_t deadline_ns)
{
	struct ha_err err;

	if (loop->faults == 0)
		batch_warm_up(push);
	if (transport_step(push->peer.transport, deadline_ns, &err) >= 0)
		return 0;
	if (push->stopping)
		return 0;
	loop_end();
	return take_fault(loop, &err);
}

/* At each step, as a role may change at any time. */
static int
fence_step(struct loop *loop)
{
	struct ha_err err;

	if (!is_connected())
		return fence_check_own(push, &err) != 0 ? take_fault(loop, &err)
							: 0;
	if (fence_check(push, &err) == 0)
		return 0;
	if (peer_is_linked(&push->peer))
		doubt_peer();
	else
		loop_end();
	return take_fault(loop, &err);
}

static int
step(struct loop *loop)
{
	int64_t now_ns = ha_clock_now_ns(), until_ns = HA_CLOCK_NEVER;
	struct ha_buf acks = HA_BUF_INIT;
	struct ha_err err;

	if (fence_step(loop) != 0)
		return -1;
	input_settle_barriers(push, &acks);
	if (report_acks(push, &acks, &err) != 0)
		ha_die_err(&err);
	ha_buf_release(&acks);
	if (push->input.at_end)
		until_ns =
		    push->last_progress_ns + push->conf.give_up_ms * HA_MS_NS;
	if (now_ns < loop->retry_ns) {
		if (loop->retry_ns < until_ns)
			until_ns = loop->retry_ns;
		if (peer_is_linked(&push->peer))
			return idle_step(loop, until_ns);
		wait_poll(NULL, 0, until_ns);
		return 0;
	}
	if (!is_connected())
		return connect_step(loop);
	if (trash_is_due(&push->trash, now_ns))
		trash_prune(&push->trash, &push->peer);
	if (hold_due_ns(push) <= now_ns)
		return look_again_step(loop);
	if (push->source.path != NULL && dirty_has_work(&push->dirty, now_ns))
		return round_step(loop);
	if (hold_due_ns(push) < until_ns)
		until_ns = hold_due_ns(push);
	if (dirty_next_due(&push->dirty) < until_ns)
		until_ns = dirty_next_due(&push->dirty);
	if (push->trash.path != NULL && push->trash.prune_ns < until_ns)
		until_ns = push->trash.prune_ns;
	return idle_step(loop, until_ns);
}

static int
end_status(const struct loop *loop)
{
	size_t left = push->dirty.count + push->dirty.rename_count;
	char *words;

	if (is_finished()) {
		if (push->input.malformed > 0)
			return EX_DATAERR;
		return push->input.ended_well ? 0 : EX_TEMPFAIL;
	}
	if (loop->hopeless)
		return loop->last_status;
	if (hold_is_all(push) && push->input.ended_well) {
		hold_say_end(push);
		return EX_NOPERM;
	}
	if (push->stopping && left == 0)
		return 0;
	words = report_words(push);
	ha_say("%s: %s: %s", push->peer.label,
	    push->stopping ? "stopped before the end" : "given up", words);
	free(words);
	if (push->stopping || !push->input.ended_well)
		return EX_TEMPFAIL;
	if (loop->last_status == 0 && dirty_failing_here(&push->dirty) == left)
		return EX_NOINPUT;
	return loop->last_status != 0 ? loop->last_status : EX_IOERR;
}

int
loop_run(void)
{
	struct loop loop = { .good_ns = HA_CLOCK_NEVER };
	int status;

	push->last_progress_ns = ha_clock_now_ns();
	while (!push->stopping && !input_failed && !is_finished() &&
	       !hold_is_all(push) && !gives_up())
		if (step(&loop) != 0)
			break;
	status = end_status(&loop);
	if (input_failed) {
		ha_warn("%s", input_err.msg);
		status = input_err.status;
	}
	if (status == 0)
		report_no_fault(&push->report);
	report_run(push, 1);
	return status;
}

/* With a header, source and patterns come from stdin: they are awaited. */
void
loop_await_source(void)
{
	while (push->source.path == NULL && !input_failed &&
	       !push->input.at_end && !push->stopping)
		wait_poll(NULL, 0, HA_CLOCK_NEVER);
	if (input_failed)
		ha_die_err(&input_err);
	if (push->stopping)
		exit(0);
	if (push->source.path == NULL)
		ha_die(EX_DATAERR, "the input ended before any record: did "
				   "ha-watch start?");
}

int
loop_dry_run(void)
{
	struct ha_err err;

	while (!push->input.at_end && !input_failed)
		if (wait_poll(NULL, 0, HA_CLOCK_NEVER) < 0)
			return EX_TEMPFAIL;
	if (input_failed)
		ha_die_err(&input_err);
	if (connect_peer(&err) != 0 || batch_dry_run(push, &err) != 0)
		ha_die(err.status, "%s: %s", push->peer.label, err.msg);
	return push->input.malformed > 0 ? EX_DATAERR : 0;
}
