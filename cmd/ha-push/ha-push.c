/* SPDX-License-Identifier: ISC */
/*
 * ha-push - makes a directory on a peer the same as one here, as change
 * records (from ha-watch) or bare paths say.  The last command of the pipe.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "alloc.h"
#include "ask.h"
#include "batch.h"
#include "clock.h"
#include "control.h"
#include "fan.h"
#include "fs.h"
#include "input.h"
#include "lock.h"
#include "loop.h"
#include "msg.h"
#include "opt.h"
#include "push.h"
#include "targets.h"

#define STEP_TIMEOUT_MS 15000
#define KEEPALIVE_MS 15000
#define GIVE_UP_MS 60000
#define TRASH_KEEP_MS (INT64_C(7) * 24 * 60 * 60 * 1000)

static struct push push;
static struct targets targets;
static const char *targets_from; /* -f FILE, or NULL */
static struct ask question;
static int trash_keep_given;

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
set_max_delete(void *target, const char *arg)
{
	struct ha_err err;

	(void)target;
	if (budget_parse(&push.budget.limit, arg, &err) != 0)
		ha_die(EX_USAGE, "--max-delete: %s", err.msg);
}

static void
set_trash_keep(void *target, const char *arg)
{
	struct ha_err err;

	(void)target;
	if (trash_parse_keep(&push.trash, arg, &err) != 0)
		ha_die(EX_USAGE, "--trash-keep: %s", err.msg);
	trash_keep_given = 1;
}

static const struct ha_opt opts[] = {
	{ .kind = HA_OPT_GROUP, .help = "What is mirrored" },
	{ 'C', "source", "DIR", HA_OPT_STRING, &push.conf.source,
	    "the source, for --all, -0 and records without a header" },
	{ 0, "all", NULL, HA_OPT_FLAG, &push.conf.all,
	    "mirror all of -C DIR once, then end; stdin is not read" },
	{ '0', "null", NULL, HA_OPT_FLAG, &push.conf.paths,
	    "stdin is NUL-terminated paths below -C DIR, as of find -print0; "
	    "one that ends with / is compared with all below it" },
	{ 'n', "dry-run", NULL, HA_OPT_FLAG, &push.conf.dry_run,
	    "with --all or -0: print what would change on the peer, as change "
	    "records, and change nothing" },
	{ 'f', "targets", "FILE", HA_OPT_STRING, &targets_from,
	    "targets from FILE too, one a line; - is stdin, with --all" },
	{ 'x', "exclude", "PATTERN", HA_OPT_CALL, NULL,
	    "neither send nor delete there what matches, as rsync does; "
	    "repeatable; in a pipe give it to ha-watch",
	    add_exclude },
	{ 'X', "exclude-from", "FILE", HA_OPT_CALL, NULL,
	    "patterns from FILE, one a line", add_exclude_file },
	{ .kind = HA_OPT_GROUP, .help = "Safety" },
	{ 0, "max-delete", "LIMIT", HA_OPT_CALL, NULL,
	    "hold deletions on the peer above LIMIT in an hour: a number, or "
	    "P% (Ppct) of the files (the larger of 100 and 10%)",
	    set_max_delete },
	{ 0, "trash", "DIR", HA_OPT_STRING, &push.trash.dir,
	    "keep what is deleted or overwritten on the peer in DIR there, "
	    "dated" },
	{ 0, "trash-keep", "LIMIT", HA_OPT_CALL, NULL,
	    "prune the trash by age or size: 7d, 10G (7d)", set_trash_keep },
	{ 0, "fsync", NULL, HA_OPT_FLAG, &push.rsync.fsync,
	    "count as done only what is on the peer's disk" },
	{ 0, "peer-role-file", "PATH", HA_OPT_STRING, &push.fence.peer_path,
	    "the role file on the peer (/var/lib/ha/role)" },
	{ 0, "force", "REASON", HA_OPT_STRING, &push.conf.force,
	    "mirror an empty source over a peer that has files, or against "
	    "the roles of both nodes; REASON is logged" },
	{ .kind = HA_OPT_GROUP, .help = "What it tells" },
	{ 0, "status", "FILE", HA_OPT_STRING, &push.report.status_file,
	    "keep the state in FILE too, with each failing path" },
	{ 0, "acks", "FILE", HA_OPT_STRING, &push.report.acks_file,
	    "append each record to FILE once it is on the peer" },
	{ 'F', "format", "FORMAT", HA_OPT_STRING, &question.format,
	    "of status records: tsv or json; prom: tsv, and --status for "
	    "node_exporter; nagios: one line, of --check",
	    NULL, "tsv|json|prom|nagios" },
	{ 'q', "quiet", NULL, HA_OPT_FLAG, &push.report.quiet,
	    "status records only of what is not OK" },
	{ .kind = HA_OPT_GROUP, .help = "How it is sent" },
	{ 0, "ssh-config", "FILE", HA_OPT_STRING, &push.conf.ssh_config,
	    "ssh's configuration, instead of ~/.ssh/config" },
	{ 0, "transport", "KIND", HA_OPT_STRING, &push.transport.kind,
	    "this one only; else libssh2, and one kept ssh process where "
	    "libssh2 can't do what the host needs",
	    NULL, "libssh2|ssh" },
	{ 0, "rsync-path", "COMMAND", HA_OPT_STRING, &push.rsync.rsync_path,
	    "rsync on the peer" },
	{ 0, "chown", "USER:GROUP", HA_OPT_STRING, &push.rsync.chown,
	    "owner and group of everything on the peer" },
	{ 0, "bwlimit", "RATE", HA_OPT_STRING, &push.rsync.bwlimit,
	    "at most this many KiB a second" },
	{ 0, "compress", NULL, HA_OPT_FLAG, &push.rsync.compress,
	    "compress content on its way" },
	{ 'T', "give-up", "DURATION", HA_OPT_DURATION, &question.timeout_ms,
	    "after the end of input: give up this long after the last "
	    "progress (60s); --sync: after so long in all (30s)" },
	{ .kind = HA_OPT_GROUP,
	    .help =
		"Questions to the ha-push that keeps STATUSFILE (--status)" },
	{ 0, "sync", "STATUSFILE", HA_OPT_STRING, &question.sync,
	    "wait until all that happened before now is on every peer" },
	{ 0, "check", "STATUSFILE", HA_OPT_STRING, &question.check,
	    "is it well? exit 0 OK, 1 WARN, 2 CRIT, 3 UNKNOWN" },
	{ 'w', "warning", "DURATION", HA_OPT_DURATION, &question.warn_ms,
	    "--check: the lag that is a WARN (30s)" },
	{ 'c', "critical", "DURATION", HA_OPT_DURATION, &question.crit_ms,
	    "--check: the lag that is a CRIT (5m)" },
	{ 0, "explain", "PATH", HA_OPT_STRING, &question.explain,
	    "is PATH on the peer, waiting, failing, excluded, and why? with "
	    "-C and no STATUSFILE: do -x and -X leave it out?" },
	{ 0, "release", "STATUSFILE", HA_OPT_STRING, &question.release,
	    "let the deletions go that are held" },
	{ 0, "reason", "WORDS", HA_OPT_STRING, &question.reason,
	    "why; needed by --release, and logged" },
	{ .long_name = "keepalive",
	    .argument = "DURATION",
	    .kind = HA_OPT_DURATION,
	    .target = &push.transport.keepalive_ms,
	    .help = "for tests: the idle time before a keep-alive",
	    .hidden = 1 },
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
	.synopsis = "[options] [USER@]HOST:DIR ...",
	.purpose = "bring changes to a peer until its directory is the same",
	.details =
	    "Examples; ha-watch's records come on stdin, status records go to stdout:\n"
	    "  ha-watch /srv/www | ha-push --status /run/ha/push-www.status \\\n"
	    "      web2:/srv/www web3:/srv/www\n"
	    "  ha-push --all -C /srv/www web2:/srv/www\n"
	    "  ha-push --sync /run/ha/push-www.status -T 30s\n"
	    "  ha-push --check /run/ha/push-www.status -w 30s -c 5m -F nagios\n"
	    "  ha-push --explain /srv/www/index.html /run/ha/push-www.status\n"
	    "  ha-push --release /run/ha/push-www.status --reason 'old logs'\n"
	    "\n"
	    "Exit status: 0 done; 1 --explain, --release: no; 64 usage; 65 bad input;\n"
	    "66 source missing or replaced; 69 peer unreachable; 73 its directory is\n"
	    "missing or not writable; 74 its disk; 75 try again; 77 refused (role, host\n"
	    "key, login, empty source, deletions held); 78 configuration.  While records\n"
	    "come a peer's fault is a CRIT record and a retry, never an exit, unless it\n"
	    "is a role's.\n",
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
	if (targets_from != NULL && strcmp(targets_from, "-") == 0 &&
	    !push.conf.all)
		ha_die(EX_USAGE, "-f - goes with --all: stdin is the %s",
		    push.conf.paths ? "paths" : "records");
	if (push.trash.dir == NULL && trash_keep_given)
		ha_die(EX_USAGE, "--trash-keep goes with --trash");
	if (push.conf.force != NULL && push.conf.force[0] == '\0')
		ha_die(EX_USAGE, "--force needs a reason in words");
}

/* Who forgot the pipe would wait without end. */
static void
note_terminal(void)
{
	if (push.conf.all || !isatty(STDIN_FILENO))
		return;
	if (push.conf.paths)
		ha_say("waiting for paths from the terminal; usual is: find "
		       "... -print0 | ha-push -0 ..., or ha-push --all");
	else
		ha_say("waiting for records from the terminal; usual is: "
		       "ha-watch DIR | ha-push ..., or ha-push --all -C DIR");
}

static void
open_acks(void)
{
	const char *path = push.report.acks_file;

	if (path == NULL)
		return;
	push.report.acks_fd =
	    open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
	if (push.report.acks_fd < 0)
		ha_die(EX_CANTCREAT, "--acks %s: %s", path, strerror(errno));
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
	for (const char *c = push.conf.target.typed; *c != '\0'; c++)
		h = (h ^ (unsigned char)*c) * UINT64_C(1099511628211);
	ha_buf_addf(&path, "%s/ha-push-%llx-%llx-%016llx.lock", dir,
	    (unsigned long long)push.source.dev,
	    (unsigned long long)push.source.ino, (unsigned long long)h);
	if (ha_lock_take(path.data, 0, &push.lock_fd, &err) != 0)
		ha_die(err.status, "another ha-push sends %s to %s: %s",
		    push.source.path, push.conf.target.typed, err.msg);
	ha_buf_release(&path);
}

/* The mirror matters more than questions about it. */
static void
listen_for_questions(void)
{
	struct ha_err err;

	if (control_open(&push, &err) == 0)
		return;
	if (err.status == EX_TEMPFAIL)
		ha_die_err(&err);
	ha_warn("--status: %s: it can't be asked", err.msg);
}

static void
prepare(const char *target)
{
	struct ha_err err;

	if (target_parse(&push.conf.target, target, &err) != 0)
		ha_die_err(&err);
	open_acks();
	push.peer.dir = push.conf.target.dir;
	push.peer.label = push.conf.target.typed;
	push.peer.budget = &push.budget;
	if (trash_check_words(&push.trash, push.conf.target.dir, &err) != 0)
		ha_die_err(&err);
	if (push.trash.dir != NULL && !push.conf.dry_run)
		push.peer.trash = &push.trash;
	push.rsync.max_delete = UINT64_MAX;
	push.chunk = PUSH_CHUNK_MAX;
	push.transport.host = push.conf.target.host;
	push.transport.user = push.conf.target.user;
	push.transport.config_file = push.conf.ssh_config;
	loop_init(&push);
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
	loop_await_source();
	push.links = links_new(push.source.fd, push.match);
	push.rsync.root_fd = push.source.fd;
	push.rsync.match = push.match;
	push.rsync.peer = &push.peer;
	if (rsync_look_at_local(&push.rsync.local, &err) != 0)
		ha_die_err(&err);
	push.rsync.ending = batch_warm_up;
	push.rsync.may_go_on = fence_may_go_on;
	push.rsync.context = &push;
	push.peer.may_go_on = fence_may_remove;
	push.peer.context = &push;
	/* Several would write over each other's. */
	if (push.parent == 0 && isatty(STDERR_FILENO))
		push.rsync.progress = report_progress;
	if (!push.conf.dry_run)
		take_lock();
	if (budget_open(&push.budget, push.source.path, push.conf.target.typed,
		push.conf.dry_run, &err) != 0)
		ha_die_err(&err);
	if (!push.conf.dry_run)
		listen_for_questions();
}

/* Make target the same as the source.  Returns the exit status. */
static int
mirror(const char *target)
{
	int status;

	prepare(target);
	status = push.conf.dry_run ? loop_dry_run() : loop_run();
	loop_end();
	control_close(&push);
	budget_close(&push.budget);
	trash_release(&push.trash);
	links_free(push.links);
	input_release(&push);
	dirty_release(&push.dirty);
	recent_release(&push.recent);
	source_close(&push.source);
	ha_match_free(push.match);
	report_release(&push.report);
	fence_release(&push.fence);
	target_release(&push.conf.target);
	return status;
}

/* The process of one of several targets. */
static int
mirror_one(size_t index, pid_t parent)
{
	struct report *report = &push.report;
	const char *target = targets.list[index].typed;

	ha_msg_subject(target);
	push.parent = parent;
	if (report->status_file != NULL)
		report->status_file =
		    targets_file(&targets, index, report->status_file);
	if (report->acks_file != NULL)
		report->acks_file =
		    targets_file(&targets, index, report->acks_file);
	return mirror(target);
}

static int
mirror_all(void)
{
	const struct fan_conf conf = {
		.targets = &targets,
		.all = push.conf.all,
		.paths = push.conf.paths,
		.has_source = push.conf.source != NULL,
		.give_up_ms = push.conf.give_up_ms,
		.mirror = mirror_one,
	};
	const char *file = push.report.status_file;
	struct ha_err err;

	if (push.conf.dry_run)
		return fan_dry_run(&conf);
	if (file != NULL && targets_write_index(&targets, file, &err) != 0)
		ha_warn("--status: %s", err.msg);
	return fan_run(&conf);
}

static void
take_targets(int count, char **texts)
{
	struct ha_err err;

	if (targets_from != NULL &&
	    targets_read(&targets, targets_from, &err) != 0)
		ha_die(err.status, "-f: %s", err.msg);
	for (int i = 0; i < count; i++)
		if (targets_add(&targets, texts[i], &err) != 0)
			ha_die_err(&err);
	if (targets.count > 0)
		return;
	if (targets_from != NULL)
		ha_die(EX_CONFIG, "-f: %s names no target", targets_from);
	ha_die(EX_USAGE, "no target given; try 'ha-push --help'");
}

int
main(int argc, char **argv)
{
	struct ha_err err;
	int first, status, usage_status;

	if (argc > 2 && strncmp(argv[1], "--rsh-pass=", 11) == 0)
		return rsync_rsh_main(argc, argv);
	ha_msg_init("ha-push");
	report_init(&push.report);
	fence_init(&push.fence);
	push.source.fd = push.lock_fd = -1;
	push.trash.keep_ms = TRASH_KEEP_MS;
	push.transport.timeout_ms = STEP_TIMEOUT_MS;
	push.transport.keepalive_ms = KEEPALIVE_MS;
	ask_init(&question);
	push.match = ha_match_new();
	if (ha_match_keep(push.match, HA_CHANGE_COOKIE_PATTERN, &err) != 0)
		ha_die_err(&err);
	usage_status = ask_usage_status(argc, argv);
	first = ha_opt_parse(argc, argv, &command, usage_status);
	if (ask_is_question(&question, usage_status)) {
		question.source = push.conf.source;
		question.match = push.match;
		question.quiet = push.report.quiet;
		return ask_run(&question, argv + first);
	}
	push.conf.give_up_ms =
	    question.timeout_ms >= 0 ? question.timeout_ms : GIVE_UP_MS;
	if (question.format != NULL)
		push.report.format = question.format;
	push.own_rules = ha_match_count(push.match);
	check_usage();
	take_targets(argc - first, argv + first);
	note_terminal();
	status =
	    targets.count == 1 ? mirror(targets.list[0].typed) : mirror_all();
	targets_release(&targets);
	return status;
}
