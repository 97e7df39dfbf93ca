/* SPDX-License-Identifier: ISC */
/*
 * ha-push - makes a directory on a peer the same as one here, as change
 * records (from ha-watch) or bare paths say.  The last command of the pipe.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "alloc.h"
#include "batch.h"
#include "clock.h"
#include "fs.h"
#include "input.h"
#include "lock.h"
#include "msg.h"
#include "opt.h"
#include "out.h"
#include "push.h"
#include "sig.h"
#include "wait.h"

#define BACKOFF_FIRST_MS 1000
#define BACKOFF_MAX_MS 60000
#define STEP_TIMEOUT_MS 15000
#define KEEPALIVE_MS 15000

/* wait_poll() serves whatever step is under way: it has no context to pass. */
static struct push push;
static int sig_fd = -1;
/* What reading stdin brought to an end, met by the main loop. */
static int input_failed;
static struct ha_err input_err;

static void
take_signals(void)
{
	int signo;

	while ((signo = ha_sig_next(sig_fd)) != 0) {
		if (signo == SIGTERM || signo == SIGINT || signo == SIGHUP)
			push.stopping++;
		else if (signo == SIGUSR1)
			report_run(&push, 1);
	}
}

static void
take_input(void)
{
	input_failed = input_read(&push, &input_err) != 0;
	report_touch(&push.report);
}

/* The command's own sources stand behind the caller's. */
int
wait_poll(struct pollfd *fds, nfds_t count, int64_t deadline_ns)
{
	struct pollfd all[32];
	nfds_t n = count;
	int64_t due_ns = report_due_ns(&push);
	int ready;

	if (count > 28)
		ha_die(EX_OSERR, "too many descriptors to wait for");
	if (count > 0)
		memcpy(all, fds, count * sizeof(*fds));
	all[n++] = (struct pollfd){ sig_fd, POLLIN, 0 };
	if (!push.input.at_end && !input_failed)
		all[n++] = (struct pollfd){ STDIN_FILENO, POLLIN, 0 };
	/* Without a wish poll still tells that the reader is gone. */
	all[n++] = (struct pollfd){ STDOUT_FILENO,
		push.report.pending.len > 0 ? POLLOUT : 0, 0 };
	if (due_ns < deadline_ns)
		deadline_ns = due_ns;
	ready = poll(all, n, ha_clock_poll_ms(deadline_ns));
	if (ready < 0 && errno != EINTR)
		ha_die(EX_OSERR, "poll: %s", strerror(errno));
	if (all[count].revents != 0)
		take_signals();
	if (!push.input.at_end && !input_failed && ready > 0 &&
	    all[count + 1].revents != 0)
		take_input();
	if (ready > 0 && (all[n - 1].revents & POLLERR) && ha_out_reader_gone())
		ha_out_die_of_pipe();
	report_run(&push, 0);
	/* A step that no batch hangs on needn't be finished. */
	if (push.stopping > 1 || (push.stopping == 1 && !push.in_round))
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

static void
disconnect(void)
{
	rsync_free(push.warm);
	push.warm = NULL;
	peer_close(&push.peer);
}

static int
is_connected(void)
{
	return push.peer.transport != NULL &&
	       transport_is_up(push.peer.transport);
}

static void
say_owners(void)
{
	if (push.owners_said || push.peer.is_root)
		return;
	push.owners_said = 1;
	ha_say("%s: the login there is not root: owners%s and device files "
	       "are not kept",
	    push.peer.label, push.rsync.chown == NULL ? ", groups" : "");
}

/* Only root gives files away; a group may be one of the login's own. */
static int
check_chown(struct ha_err *err)
{
	const char *chown = push.rsync.chown;
	size_t user = chown != NULL ? strcspn(chown, ":") : 0;

	if (push.peer.is_root || user == 0 ||
	    (strlen(push.peer.login) == user &&
		strncmp(chown, push.peer.login, user) == 0))
		return 0;
	return ha_err_set(err, EX_NOPERM, 0,
	    "--chown %s needs a login as root there, not as %s (--chown "
	    ":GROUP needs only a member of GROUP)",
	    chown, push.peer.login);
}

/* --fsync is a promise: it is kept whole or not given. */
static int
check_fsync(struct ha_err *err)
{
	if (!push.rsync.fsync ||
	    (rsync_can_fsync(&push.rsync) && sftp_can_fsync(push.peer.sftp)))
		return 0;
	return ha_err_set(err, EX_CONFIG, 0,
	    "--fsync needs rsync 3.2.4 or later on both ends and OpenSSH's "
	    "sftp-server there");
}

static int
connect_peer(struct ha_err *err)
{
	disconnect();
	if (peer_open(&push.peer, &push.transport,
		push.rsync.rsync_path != NULL ? push.rsync.rsync_path : "rsync",
		err) != 0)
		return -1;
	if (check_chown(err) != 0 || check_fsync(err) != 0) {
		disconnect();
		return -1;
	}
	push.report.logins++;
	if (!push.conf.dry_run)
		report_start(&push.report);
	push.last_progress_ns = ha_clock_now_ns();
	say_owners();
	return 0;
}

/* 1 s, 2 s … 60 s, and up to half as much again. */
static int64_t
backoff_ns(unsigned failures)
{
	int64_t ms = BACKOFF_FIRST_MS;

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
	return push.input.at_end && push.dirty.count == 0 &&
	       push.dirty.renames == NULL && push.barriers == NULL;
}

/* A run that ends by itself gives up when nothing has moved for -T. */
static int
gives_up(void)
{
	return push.input.at_end && ha_clock_now_ns() - push.last_progress_ns >=
					push.conf.give_up_ms * HA_MS_NS;
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
	int64_t retry_ns; /* nothing is tried before */
	int last_status; /* of the last fault; 0 after a success */
	int hopeless; /* it ended the run, and was told */
	int disk_fails; /* a path waits for room on the peer */
};

static void
tell_fault(struct loop *loop, const struct ha_err *err)
{
	if (push.report.fault == NULL || ha_msg_verbosity > 0)
		ha_warn("%s: %s", push.peer.label, err->msg);
	report_fault(&push.report, err->msg);
	report_start(&push.report);
	report_run(&push, 0);
	loop->last_status = err->status;
}

/* The peer's fault: told, and tried again later.  -1: this run ends with it. */
static int
take_fault(struct loop *loop, const struct ha_err *err)
{
	if (push.stopping)
		return -1;
	tell_fault(loop, err);
	if (err->status == EX_NOINPUT ||
	    (push.input.at_end && is_hopeless(err))) {
		loop->hopeless = 1;
		return -1;
	}
	loop->faults++;
	loop->retry_ns = ha_clock_now_ns() + backoff_ns(loop->faults);
	return 0;
}

static void
take_success(struct loop *loop)
{
	if (push.report.fault != NULL)
		ha_say("%s: goes on", push.peer.label);
	loop->faults = 0;
	loop->last_status = 0;
	report_no_fault(&push.report);
}

static int
connect_step(struct loop *loop)
{
	struct ha_err err;

	if (connect_peer(&err) != 0)
		return take_fault(loop, &err);
	/* A fault of its disk or its directory is not over by a login. */
	if (push.dirty.count == 0)
		take_success(loop);
	return 0;
}

static int
round_step(struct loop *loop)
{
	struct ha_err err;
	int rc;

	push.in_round = 1;
	rc = batch_round(&push, &err);
	push.in_round = 0;
	report_progress_end();
	report_touch(&push.report);
	if (rc != 0 && err.status == EX_IOERR)
		loop->disk_fails = 1;
	else if (rc == 0 && dirty_failing(&push.dirty) == 0 &&
		 (push.chunk == PUSH_CHUNK_MAX || push.dirty.count == 0))
		loop->disk_fails = 0;
	if (rc > 0)
		tell_fault(loop, &err);
	else if (rc == 0 && !loop->disk_fails)
		take_success(loop);
	if (rc >= 0)
		return 0;
	/* A server that is gone from a link that is up needs a new one, too. */
	if (!is_connected() || err.status == EX_UNAVAILABLE)
		disconnect();
	return take_fault(loop, &err);
}

/* Nothing to send: keep the link, and a run ready, until something happens. */
static int
idle_step(struct loop *loop, int64_t deadline_ns)
{
	struct ha_err err;

	if (loop->faults == 0)
		batch_warm_up(&push);
	if (transport_step(push.peer.transport, deadline_ns, &err) >= 0)
		return 0;
	if (push.stopping)
		return 0;
	disconnect();
	return take_fault(loop, &err);
}

static int
step(struct loop *loop)
{
	int64_t now_ns = ha_clock_now_ns(), until_ns = HA_CLOCK_NEVER;
	struct ha_buf acks = HA_BUF_INIT;
	struct ha_err err;

	input_settle_barriers(&push, &acks);
	if (report_acks(&push, &acks, &err) != 0)
		ha_die_err(&err);
	ha_buf_release(&acks);
	if (push.input.at_end)
		until_ns =
		    push.last_progress_ns + push.conf.give_up_ms * HA_MS_NS;
	if (now_ns < loop->retry_ns) {
		if (loop->retry_ns < until_ns)
			until_ns = loop->retry_ns;
		if (is_connected())
			return idle_step(loop, until_ns);
		wait_poll(NULL, 0, until_ns);
		return 0;
	}
	if (!is_connected())
		return connect_step(loop);
	if (push.source.path != NULL && dirty_has_work(&push.dirty, now_ns))
		return round_step(loop);
	if (dirty_next_due(&push.dirty) < until_ns)
		until_ns = dirty_next_due(&push.dirty);
	return idle_step(loop, until_ns);
}

static int
end_status(const struct loop *loop)
{
	size_t left = push.dirty.count + push.dirty.rename_count;
	char *words;

	if (is_finished()) {
		if (push.input.malformed > 0)
			return EX_DATAERR;
		return push.input.ended_well ? 0 : EX_TEMPFAIL;
	}
	if (loop->hopeless)
		return loop->last_status;
	if (push.stopping && left == 0)
		return 0;
	words = report_words(&push);
	ha_say("%s: %s: %s", push.peer.label,
	    push.stopping ? "stopped before the end" : "given up", words);
	free(words);
	if (push.stopping || !push.input.ended_well)
		return EX_TEMPFAIL;
	if (loop->last_status == 0 && dirty_failing_here(&push.dirty) == left)
		return EX_NOINPUT;
	return loop->last_status != 0 ? loop->last_status : EX_IOERR;
}

static int
run(void)
{
	struct loop loop = { 0, 0, 0, 0, 0 };
	int status;

	push.last_progress_ns = ha_clock_now_ns();
	while (!push.stopping && !input_failed && !is_finished() && !gives_up())
		if (step(&loop) != 0)
			break;
	status = end_status(&loop);
	if (input_failed) {
		ha_warn("%s", input_err.msg);
		status = input_err.status;
	}
	if (status == 0)
		report_no_fault(&push.report);
	report_run(&push, 1);
	return status;
}

static int
dry_run(void)
{
	struct ha_err err;

	while (!push.input.at_end && !input_failed)
		if (wait_poll(NULL, 0, HA_CLOCK_NEVER) < 0)
			return EX_TEMPFAIL;
	if (input_failed)
		ha_die_err(&input_err);
	if (connect_peer(&err) != 0 || batch_dry_run(&push, &err) != 0)
		ha_die(err.status, "%s: %s", push.peer.label, err.msg);
	return push.input.malformed > 0 ? EX_DATAERR : 0;
}

/* [USER@]HOST:DIR; HOST may be an IPv6 address in brackets. */
static void
parse_target(const char *target)
{
	char *copy = ha_xstrdup(target), *colon, *at, *host = copy;

	colon = copy[0] == '[' || strstr(copy, "@[") != NULL
		    ? strstr(copy, "]:")
		    : strchr(copy, ':');
	if (colon != NULL && *colon == ']')
		colon++;
	/* A second colon would have rsync ask for a daemon's module. */
	if (colon == NULL || colon[1] == '\0' || colon[1] == ':')
		ha_die(EX_USAGE, "'%s' is not [USER@]HOST:DIR", target);
	*colon = '\0';
	push.conf.dir = ha_xstrdup(colon + 1);
	at = strrchr(copy, '@');
	if (at != NULL) {
		*at = '\0';
		push.conf.user = ha_xstrdup(copy);
		host = at + 1;
	}
	if (host[0] == '[' && host[strlen(host) - 1] == ']') {
		host[strlen(host) - 1] = '\0';
		host++;
	}
	if (host[0] == '\0' || host[0] == '-' ||
	    (push.conf.user != NULL && push.conf.user[0] == '\0'))
		ha_die(EX_USAGE, "'%s' is not [USER@]HOST:DIR", target);
	push.conf.host = ha_xstrdup(host);
	free(copy);
	if (strcmp(push.conf.dir, "~") == 0 || strcmp(push.conf.dir, "~/") == 0)
		strcpy(push.conf.dir, ".");
	else if (strncmp(push.conf.dir, "~/", 2) == 0)
		memmove(push.conf.dir, push.conf.dir + 2,
		    strlen(push.conf.dir + 2) + 1);
	else if (push.conf.dir[0] == '~')
		ha_die(EX_USAGE, "%s: write the directory in full instead of ~",
		    target);
	for (size_t n = strlen(push.conf.dir);
	     n > 1 && push.conf.dir[n - 1] == '/'; n--)
		push.conf.dir[n - 1] = '\0';
}

static void
add_exclude(void *target, const char *arg)
{
	struct ha_err err;

	(void)target;
	if (ha_match_add(push.match, arg, &err) != 0)
		ha_die(EX_USAGE, "-x: %s", err.msg);
}

static void
add_exclude_file(void *target, const char *arg)
{
	struct ha_err err;

	(void)target;
	if (ha_match_add_file(push.match, arg, &err) != 0)
		ha_die(err.status, "-X: %s", err.msg);
}

static void
open_acks(void *target, const char *arg)
{
	(void)target;
	push.report.acks_fd =
	    open(arg, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
	if (push.report.acks_fd < 0)
		ha_die(EX_CANTCREAT, "--acks %s: %s", arg, strerror(errno));
}

static const struct ha_opt opts[] = {
	{ 'C', "source", "DIR", HA_OPT_STRING, &push.conf.source,
	    "the source directory, for --all, -0 and records without a header" },
	{ 0, "all", NULL, HA_OPT_FLAG, &push.conf.all,
	    "mirror the whole of -C DIR once, then end; stdin is not read" },
	{ '0', "null", NULL, HA_OPT_FLAG, &push.conf.paths,
	    "stdin is NUL-terminated paths below -C DIR, as find -print0 "
	    "gives; one that ends with / is compared with all below it" },
	{ 'n', "dry-run", NULL, HA_OPT_FLAG, &push.conf.dry_run,
	    "with --all or -0: print what would change on the peer, as change "
	    "records, and change nothing" },
	{ 'x', "exclude", "PATTERN", HA_OPT_CALL, NULL,
	    "leave out, and never delete there, what matches (rsync's meaning); "
	    "repeatable; ha-watch's patterns come with its records",
	    add_exclude },
	{ 'X', "exclude-from", "FILE", HA_OPT_CALL, NULL,
	    "patterns from FILE, one a line", add_exclude_file },
	{ 'T', "give-up", "DURATION", HA_OPT_DURATION, &push.conf.give_up_ms,
	    "after the end of input: give up this long after the last "
	    "progress (60s)" },
	{ 0, "force", "REASON", HA_OPT_STRING, &push.conf.force,
	    "mirror an empty source over a peer that has files; REASON is "
	    "logged" },
	{ 0, "status", "FILE", HA_OPT_STRING, &push.report.status_file,
	    "keep the state in FILE too, with each failing path" },
	{ 0, "acks", "FILE", HA_OPT_CALL, NULL,
	    "append each record to FILE once it is on the peer", open_acks },
	{ 'F', "format", "FORMAT", HA_OPT_STRING, &push.report.format,
	    "tsv or json: the status records; prom: tsv, and the --status file "
	    "for node_exporter",
	    NULL, "tsv|json|prom" },
	{ 'q', "quiet", NULL, HA_OPT_FLAG, &push.report.quiet,
	    "status records only of what is not OK" },
	{ 0, "chown", "USER:GROUP", HA_OPT_STRING, &push.rsync.chown,
	    "owner and group of everything on the peer" },
	{ 0, "bwlimit", "RATE", HA_OPT_STRING, &push.rsync.bwlimit,
	    "at most this many KiB a second (rsync's --bwlimit)" },
	{ 0, "compress", NULL, HA_OPT_FLAG, &push.rsync.compress,
	    "compress content on its way" },
	{ 0, "fsync", NULL, HA_OPT_FLAG, &push.rsync.fsync,
	    "acknowledge only what is on the peer's disk: fsync files and "
	    "directories there" },
	{ 0, "rsync-path", "COMMAND", HA_OPT_STRING, &push.rsync.rsync_path,
	    "rsync on the peer" },
	{ 0, "ssh-config", "FILE", HA_OPT_STRING, &push.conf.ssh_config,
	    "ssh's configuration, instead of ~/.ssh/config" },
	{ .long_name = "silence",
	    .argument = "DURATION",
	    .kind = HA_OPT_DURATION,
	    .target = &push.report.silence_ms,
	    .help = "for tests: the time without an S that is a WARN",
	    .hidden = 1 },
	{ 0, NULL, NULL, HA_OPT_FLAG, NULL, NULL },
};

static const struct ha_opt_command command = {
	.name = "ha-push",
	.synopsis = "[options] [USER@]HOST:DIR",
	.purpose = "bring changes to a peer until its directory is the same",
	.details =
	    "Reads change records from ha-watch on stdin, writes status records to "
	    "stdout.\n"
	    "  ha-watch /srv/www | ha-push web2:/srv/www\n"
	    "  ha-push --all -C /srv/www web2:/srv/www\n"
	    "\n"
	    "Exit status: 0 done; 64 usage; 65 bad input; 66 source missing or replaced;\n"
	    "69 peer unreachable; 73 its directory is missing or not writable; 74 its\n"
	    "disk; 75 try again; 77 refused (host key, login, empty source); 78 ssh\n"
	    "configuration.  While records come a peer's fault is a CRIT record and a\n"
	    "retry, never an exit.\n",
	.operands = "host",
	.opts = opts,
};

static void
check_usage(void)
{
	if (push.conf.all && push.conf.paths)
		ha_die(EX_USAGE, "--all and -0 exclude each other");
	if ((push.conf.all || push.conf.paths) && push.conf.source == NULL)
		ha_die(EX_USAGE, "%s needs -C DIR, the source",
		    push.conf.all ? "--all" : "-0");
	if (push.conf.dry_run && !push.conf.all && !push.conf.paths)
		ha_die(EX_USAGE, "-n goes with --all or -0");
	if (push.conf.force != NULL && push.conf.force[0] == '\0')
		ha_die(EX_USAGE, "--force needs a reason in words");
}

/* One ha-push a source and target.  Released by the kernel when this ends. */
static void
take_lock(void)
{
	struct ha_buf path = HA_BUF_INIT;
	struct ha_err err;
	const char *dir;
	uint64_t h = UINT64_C(14695981039346656037);

	if (ha_fs_dir("HA_RUN_DIR", "/run/ha", &dir, &err) != 0)
		ha_die_err(&err);
	for (const char *c = push.conf.target; *c != '\0'; c++)
		h = (h ^ (unsigned char)*c) * UINT64_C(1099511628211);
	ha_buf_addf(&path, "%s/ha-push-%llx-%llx-%016llx.lock", dir,
	    (unsigned long long)push.source.dev,
	    (unsigned long long)push.source.ino, (unsigned long long)h);
	if (ha_lock_take(path.data, 0, &push.lock_fd, &err) != 0)
		ha_die(err.status, "another ha-push sends %s to %s: %s",
		    push.source.path, push.conf.target, err.msg);
	ha_buf_release(&path);
}

/* With a header, source and patterns come from stdin: they are awaited. */
static void
await_source(void)
{
	while (push.source.path == NULL && !input_failed &&
	       !push.input.at_end && !push.stopping)
		wait_poll(NULL, 0, HA_CLOCK_NEVER);
	if (input_failed)
		ha_die_err(&input_err);
	if (push.stopping)
		exit(0);
	if (push.source.path == NULL)
		ha_die(EX_DATAERR, "the input ended before any record: did "
				   "ha-watch start?");
}

static void
prepare(const char *target)
{
	struct ha_err err;

	push.conf.target = target;
	push.peer.dir = push.conf.dir;
	push.peer.label = target;
	push.chunk = PUSH_CHUNK_MAX;
	push.transport.host = push.conf.host;
	push.transport.user = push.conf.user;
	push.transport.config_file = push.conf.ssh_config;
	push.transport.timeout_ms = STEP_TIMEOUT_MS;
	push.transport.keepalive_ms = KEEPALIVE_MS;
	if (ha_sig_open(&sig_fd, &err) != 0)
		ha_die_err(&err);
	srandom((unsigned)(ha_clock_now_ns() ^ getpid()));
	dirty_init(&push.dirty);
	recent_init(&push.recent);
	input_init(&push);
	if (push.conf.source != NULL &&
	    source_open(&push.source, push.conf.source, NULL, &err) != 0)
		ha_die_err(&err);
	if (push.conf.all) {
		push.input.at_end = push.input.ended_well = 1;
		dirty_mark(&push.dirty, HA_CHANGE_ROOT, DIRTY_TREE, NULL, 0);
	}
	await_source();
	push.links = links_new(push.source.fd, push.match);
	push.rsync.root_fd = push.source.fd;
	push.rsync.match = push.match;
	push.rsync.peer = &push.peer;
	if (rsync_look_at_local(&push.rsync.local, &err) != 0)
		ha_die_err(&err);
	push.rsync.ending = batch_warm_up;
	push.rsync.context = &push;
	if (isatty(STDERR_FILENO))
		push.rsync.progress = report_progress;
	if (!push.conf.dry_run)
		take_lock();
}

int
main(int argc, char **argv)
{
	int first, status;

	if (argc > 2 && strncmp(argv[1], "--rsh-pass=", 11) == 0)
		return rsync_rsh_main(argc, argv);
	ha_msg_init("ha-push");
	report_init(&push.report);
	push.source.fd = push.lock_fd = -1;
	push.conf.give_up_ms = 60000;
	push.match = ha_match_new();
	first = ha_opt_parse(argc, argv, &command, EX_USAGE);
	if (first + 1 != argc)
		ha_die(EX_USAGE,
		    first >= argc ? "no target given; try 'ha-push --help'"
				  : "one target, please; try 'ha-push --help'");
	check_usage();
	parse_target(argv[first]);
	prepare(argv[first]);
	status = push.conf.dry_run ? dry_run() : run();
	disconnect();
	links_free(push.links);
	input_release(&push);
	dirty_release(&push.dirty);
	recent_release(&push.recent);
	source_close(&push.source);
	ha_match_free(push.match);
	report_release(&push.report);
	free(push.conf.dir);
	free(push.conf.host);
	free(push.conf.user);
	return status;
}
