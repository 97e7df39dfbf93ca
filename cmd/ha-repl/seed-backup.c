/* SPDX-License-Identifier: ISC */
/*
 * seed-backup - mariadb-backup at the source's machine, streamed through this
 * one into a new directory beside the replica's data.
 *
 * The replica's server runs on until the copy is whole and prepared.  Then its
 * service is stopped, the two directories change places, and it is started; the
 * old one stays, under a name with the time.  Before "copied" nothing has
 * happened to the replica; after it each step can be done again, or back.
 *
 * Source: mariadb-backup(1), mbstream(1); MariaDB, "Setting up a Replica with
 * mariadb-backup".
 */
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "alloc.h"
#include "clock.h"
#include "flavour.h"
#include "msg.h"
#include "out.h"
#include "preflight.h"
#include "seed-shell.h"
#include "seed.h"

#define POLL_MS 100
/* Stopping and starting: as long as systemd.service(5) gives them. */
#define SERVICE_MS 300000
#define NEED                                                                   \
	"need() { command -v \"$1\" >/dev/null || "                            \
	"{ echo \"there is no $1\" >&2; exit 69; }; }\n"

/* The login comes through stdin, and is in no file by the time it is used. */
static const char dump_script[] =
    "umask 077\n"
    "f=$(mktemp) || exit 71\n"
    "trap 'rm -f \"$f\"' EXIT\n"
    "cat >\"$f\" && exec 3<\"$f\" && rm -f \"$f\" || exit 71\n"
    "exec mariadb-backup --defaults-file=/proc/self/fd/3 --backup "
    "--stream=mbstream --target-dir=\"${TMPDIR:-/tmp}\" </dev/null";
static const char look_source_script[] = NEED "need mariadb-backup";
/* $1: data directory, $2: service; prints the directory's true name. */
static const char look_script[] = NEED
    "need mbstream; need mariadb-backup; need systemctl; need flock\n"
    "d=$(readlink -f \"$1\") && [ -d \"$d\" ] || "
    "{ echo \"there is no $1\" >&2; exit 66; }\n"
    "[ -w \"${d%/*}\" ] || { echo \"can't write beside $d\" >&2; exit 77; }\n"
    "! mountpoint -q \"$d\" || "
    "{ echo \"$d is a mount point: it can't be moved aside\" >&2; exit 78; }\n"
    "systemctl is-active \"$2\" >/dev/null || "
    "{ echo \"service $2 is not active\" >&2; exit 78; }\n"
    "echo \"$d\"";
/* $1: the new directory. */
static const char load_script[] =
    "umask 077; mkdir \"$1\" && cd \"$1\" && exec mbstream -x";
static const char prepare_script[] =
    "l=$1/ha-repl-prepare.log\n"
    "mariadb-backup --no-defaults --prepare --target-dir=\"$1\" >\"$l\" 2>&1 "
    "</dev/null && tail -n 1 \"$l\" | grep -q 'completed OK!' || "
    "{ tail -n 1 \"$l\" >&2; exit 74; }\n"
    "rm -f \"$l\"\n"
    "cat \"$1/mariadb_backup_binlog_info\" 2>/dev/null || "
    "cat \"$1/xtrabackup_binlog_info\"";
static const char drop_script[] = "rm -rf -- \"$1\"";
static const char stop_script[] = "exec systemctl stop \"$1\"";
static const char start_script[] = "exec systemctl start \"$1\"";
/* $1: data, $2: the new one, $3: the name that the old one gets. */
static const char swap_script[] =
    "exec 9<\"${1%/*}\" && flock -w 60 9 || exit 75\n"
    "[ -d \"$2\" ] || exit 0\n"
    "[ -d \"$3\" ] || mv -T \"$1\" \"$3\" || exit\n"
    "chown -R --reference=\"$3\" \"$2\" && chmod --reference=\"$3\" \"$2\" && "
    "mv -T \"$2\" \"$1\" && sync \"$1\" \"${1%/*}\"";
static const char back_script[] =
    "exec 9<\"${1%/*}\" && flock -w 60 9 || exit 75\n"
    "[ -d \"$3\" ] || exit 0\n"
    "[ ! -d \"$1\" ] || [ -d \"$2\" ] || mv -T \"$1\" \"$2\" || exit\n"
    "mv -T \"$3\" \"$1\" && sync \"$1\" \"${1%/*}\"";

static int
check_servers(const struct seed *seed, struct ha_err *err)
{
	const struct facts *here = &seed->act.facts;
	const struct facts *there = &seed->act.source_facts;

	if (here->flavour->gtid != GTID_MARIADB)
		return ha_err_set(
		    err, EX_CONFIG, 0, "mariadb-backup is for MariaDB");
	if (!seed_is_one_series(seed))
		return ha_err_set(err, EX_CONFIG, 0,
		    "%s is MariaDB %s and %s %s: a backup is for one series",
		    there->node->name, there->version, here->node->name,
		    here->version);
	return 0;
}

static int
check_ways(const struct seed *seed, struct ha_err *err)
{
	const struct node *nodes[] = { seed->act.source, seed->act.node };

	for (size_t i = 0; i < 2; i++)
		if (!seed_shell_reaches(nodes[i]))
			return ha_err_set(err, EX_CONFIG, 0,
			    "%s: repl.conf has no ssh= for it", nodes[i]->name);
	return seed->act.node->service
		   ? 0
		   : ha_err_set(err, EX_CONFIG, 0,
			 "%s: repl.conf has no service= for it",
			 seed->act.node->name);
}

/* What lies elsewhere would not be moved with the directory. */
static int
check_places(struct seed *seed, struct ha_err *err)
{
	static const char elsewhere[] =
	    "SELECT variable_name FROM information_schema.global_variables "
	    "WHERE variable_name IN ('INNODB_DATA_HOME_DIR', "
	    "'INNODB_LOG_GROUP_HOME_DIR', 'INNODB_UNDO_DIRECTORY') AND "
	    "variable_value LIKE '/%' AND LOCATE(@@datadir, variable_value) <> "
	    "1";
	struct act *act = &seed->act;
	char *name = NULL;

	if (seed_ask(seed, act->db, elsewhere, &name, err))
		return -1;
	if (name)
		ha_err_set(err, EX_CONFIG, 0,
		    "%s: %s is outside of its data directory", act->node->name,
		    name);
	free(seed->directory);
	free(seed->socket);
	seed->directory = seed->socket = NULL;
	if (name ||
	    seed_ask(
		seed, act->db, "SELECT @@datadir", &seed->directory, err) ||
	    seed_ask(
		seed, act->source_db, "SELECT @@socket", &seed->socket, err)) {
		free(name);
		return -1;
	}
	return seed->directory && seed->socket
		   ? 0
		   : ha_err_set(err, EX_CONFIG, 0,
			 "%s: where its data are is not known",
			 act->node->name);
}

/* They would run before anybody could disable them. */
static int
check_events(struct seed *seed, struct ha_err *err)
{
	int64_t n = 0;

	if (facts_is_on(&seed->act.facts, "event_scheduler") != 1)
		return 0;
	if (seed_count(seed,
		"SELECT COUNT(*) FROM information_schema.events WHERE status "
		"= 'ENABLED'",
		&n, err))
		return -1;
	return !n ? 0
		  : ha_err_set(err, EX_CONFIG, 0,
			"%s has event_scheduler on, and would run events of %s "
			"when it starts with its data",
			seed->act.node->name, seed->act.source->name);
}

static int
look_there(struct seed *seed, struct ha_err *err)
{
	static const char *const none[] = { NULL };
	struct act *act = &seed->act;
	const char *const args[] = { seed->directory, act->node->service,
		NULL };
	struct ha_buf out = HA_BUF_INIT;
	int64_t deadline_ns = ha_clock_deadline(4 * act->repl->statement_ms);
	int failed = seed_shell_run(act->source, look_source_script, none, NULL,
			 deadline_ns, err) ||
		     seed_shell_run(
			 act->node, look_script, args, &out, deadline_ns, err);

	if (!failed && (!out.len || *out.data != '/'))
		failed = ha_err_set(err, EX_UNAVAILABLE, 0,
		    "%s: its data directory was not found", act->node->name);
	if (!failed) {
		free(seed->directory);
		seed->directory = ha_xstrdup(out.data);
	}
	ha_buf_release(&out);
	return failed;
}

int
seed_backup_check(struct seed *seed, struct ha_err *err)
{
	return check_servers(seed, err) || check_ways(seed, err) ||
		       check_places(seed, err) || check_events(seed, err) ||
		       look_there(seed, err) || seed_check_accounts(seed, err)
		   ? -1
		   : 0;
}

static void
show_end(struct ha_buf *text, const struct node *node, const char *words)
{
	if (node->ssh)
		ha_buf_addf(text, "ssh %s ", node->ssh);
	ha_buf_add_str(text, words);
}

void
seed_backup_show(const struct seed *seed)
{
	const struct node *source = seed->act.source, *node = seed->act.node;
	const char *dir = seed->directory, *service = node->service;
	struct ha_buf text = HA_BUF_INIT;

	show_end(&text, source,
	    "mariadb-backup --defaults-file=SOURCE --backup "
	    "--stream=mbstream |\n");
	show_end(&text, node, "mbstream -x");
	ha_buf_addf(&text, " -C %s.seed-TIME\n", dir);
	show_end(&text, node, "mariadb-backup --prepare");
	ha_buf_addf(&text, " --target-dir=%s.seed-TIME\n", dir);
	show_end(&text, node, "systemctl stop");
	ha_buf_addf(&text, " %s\n", service);
	show_end(&text, node, "mv");
	ha_buf_addf(&text, " %s %s.before-TIME\n", dir, dir);
	show_end(&text, node, "mv");
	ha_buf_addf(&text, " %s.seed-TIME %s\n", dir, dir);
	show_end(&text, node, "systemctl start");
	ha_buf_addf(&text, " %s\n", service);
	ha_out_write(text.data, text.len);
	ha_buf_release(&text);
}

/* Of the journal: data, the new one, and what the old one is to be called. */
static void
places(const struct seed *seed, const char *args[4])
{
	args[0] = journal_get(seed->journal, "directory");
	args[1] = journal_get(seed->journal, "fresh");
	args[2] = journal_get(seed->journal, "aside");
	args[3] = NULL;
}

static int
begin(struct seed *seed, struct ha_err *err)
{
	time_t now = time(NULL);
	struct tm tm;
	char stamp[32], *fresh, *aside;

	gmtime_r(&now, &tm);
	strftime(stamp, sizeof(stamp), "%Y%m%dT%H%M%SZ", &tm);
	fresh = ha_xasprintf("%s.seed-%s", seed->directory, stamp);
	aside = ha_xasprintf("%s.before-%s", seed->directory, stamp);
	journal_set(seed->journal, "directory", seed->directory);
	journal_set(seed->journal, "fresh", fresh);
	journal_set(seed->journal, "aside", aside);
	journal_set(seed->journal, "service", seed->act.node->service);
	free(fresh);
	free(aside);
	return seed_begin(seed, err);
}

static int
stream(struct seed *seed, struct ha_err *err)
{
	static const char *const none[] = { NULL };
	const struct act *act = &seed->act;
	const char *args[4];
	struct seed_shell reading, writing;
	struct seed_end from, to;
	int failed;

	places(seed, args);
	args[0] = args[1];
	args[1] = NULL;
	seed_shell_init(&reading, act->source, dump_script, none);
	seed_shell_init(&writing, act->node, load_script, args);
	seed_end_init(&from, "mariadb-backup", act->source->name);
	seed_end_init(&to, "mbstream", act->node->name);
	from.promise = "completed OK!";
	from.in =
	    seed_login_socket(&seed->repl, act->source, seed->socket, err);
	failed = from.in < 0 ||
		 seed_end_start(&from, reading.argv, -1, 1, err) ||
		 seed_end_start(&to, writing.argv, -1, 0, err) ||
		 seed_pipe(
		     &from, &to, NULL, NULL, seed->stall_ms, &seed->bytes, err);
	if (from.in >= 0)
		close(from.in);
	seed_end_release(&from);
	seed_end_release(&to);
	seed_shell_release(&reading);
	seed_shell_release(&writing);
	return failed ? -1 : 0;
}

/* "binlog.000001	2168	0-1-3" */
static int
note_position(struct seed *seed, char *text, struct ha_err *err)
{
	char *save, *file = strtok_r(text, "\t\n", &save);
	char *at = file ? strtok_r(NULL, "\t\n", &save) : NULL;
	char *gtids = at ? strtok_r(NULL, "\t\n", &save) : NULL;

	if (!at || *at < '0' || *at > '9')
		return ha_err_set(err, EX_UNAVAILABLE, 0,
		    "%s: the backup does not say where it was taken",
		    seed->act.source->name);
	seed_note_position(
	    seed, file, strtoull(at, NULL, 10), gtids ? gtids : "");
	return 0;
}

/* As long as it takes: ssh(1) tells when the other machine is gone. */
static int
prepare(struct seed *seed, struct ha_err *err)
{
	const char *fresh = journal_get(seed->journal, "fresh");
	const char *const args[] = { fresh, NULL };
	struct ha_buf out = HA_BUF_INIT;
	int failed = seed_shell_run(
	    seed->act.node, prepare_script, args, &out, HA_CLOCK_NEVER, err);

	if (!failed)
		failed = note_position(
		    seed, out.len ? out.data : (char[1]){ 0 }, err);
	ha_buf_release(&out);
	return failed ? -1 : journal_done(seed->journal, "copied", err);
}

static int
with_service(struct seed *seed, const char *script, struct ha_err *err)
{
	const char *service = journal_get(seed->journal, "service");
	const char *const args[] = { service, NULL };

	return seed_shell_run(seed->act.node, script, args, NULL,
	    ha_clock_deadline(SERVICE_MS), err);
}

/* Data that a server has open can't be moved from under it. */
static int
stop(struct seed *seed, struct ha_err *err)
{
	struct act *act = &seed->act;
	struct ha_err own;

	if (with_service(seed, stop_script, err))
		return -1;
	if (act_connect(act, &own))
		return 0;
	with_service(seed, start_script, &own);
	return ha_err_set(err, EX_CONFIG, 0,
	    "%s answers although its service is stopped: is %s the one of this "
	    "server?",
	    act->node->name, journal_get(seed->journal, "service"));
}

static int
start(struct seed *seed, struct ha_err *err)
{
	int64_t deadline_ns = ha_clock_deadline(SERVICE_MS);

	if (with_service(seed, start_script, err))
		return -1;
	while (act_connect(&seed->act, err)) {
		if (ha_clock_now_ns() > deadline_ns)
			return -1;
		poll(NULL, 0, POLL_MS);
	}
	return 0;
}

static int
move(struct seed *seed, const char *script, struct ha_err *err)
{
	const char *args[4];

	places(seed, args);
	return seed_shell_run(seed->act.node, script, args, NULL,
	    ha_clock_deadline(SERVICE_MS), err);
}

static int
swap(struct seed *seed, struct ha_err *err)
{
	const char *node = seed->act.node->name;

	if (!journal_step(seed->journal, "swap", err) && !stop(seed, err) &&
	    !move(seed, swap_script, err) && !start(seed, err)) {
		ha_say("%s: what it had is in %s", node,
		    journal_get(seed->journal, "aside"));
		return 0;
	}
	return ha_err_set(err, EX_SOFTWARE, 0,
	    "%s: its data is copied and can't be put in place: %.500s: "
	    "'ha-repl recover %s' tries again, with --back it gets its old data",
	    node, err->msg, node);
}

/* Nothing has happened to the replica. */
static int
drop(struct seed *seed)
{
	const char *const args[] = { journal_get(seed->journal, "fresh"),
		NULL };
	struct ha_err err;

	if (seed_shell_run(seed->act.node, drop_script, args, NULL,
		ha_clock_deadline(SERVICE_MS), &err)) {
		ha_say("%s: what was copied to %s stays there: %s",
		    seed->act.node->name, args[0], err.msg);
		return -1;
	}
	if (journal_end(seed->journal, &err))
		ha_say("%s", err.msg);
	seed->journal = NULL;
	return 0;
}

int
seed_backup(struct seed *seed, struct ha_err *err)
{
	if (begin(seed, err))
		return -1;
	if (stream(seed, err) || prepare(seed, err)) {
		if (!journal_is_done(seed->journal, "copied"))
			drop(seed);
		return -1;
	}
	return swap(seed, err);
}

static int
go_back(struct seed *seed, struct ha_err *err)
{
	if (stop(seed, err) || move(seed, back_script, err) || start(seed, err))
		return ha_err_set(err, EX_SOFTWARE, 0,
		    "%s: it can't get its old data back: %.500s: they are "
		    "in %s",
		    seed->act.node->name, err->msg,
		    journal_get(seed->journal, "aside"));
	if (drop(seed))
		return -1;
	return ha_err_set(err, EX_UNAVAILABLE, 0, "%s has its old data",
	    seed->act.node->name);
}

int
seed_backup_resume(struct seed *seed, struct ha_err *err)
{
	if (!journal_is_done(seed->journal, "copied")) {
		if (drop(seed))
			return ha_err_set(err, EX_SOFTWARE, 0,
			    "%s is as it was, but for that",
			    seed->act.node->name);
		return ha_err_set(err, EX_UNAVAILABLE, 0,
		    "%s was not filled: it is as it was", seed->act.node->name);
	}
	return seed->repl.is_back ? go_back(seed, err) : swap(seed, err);
}

/* Its own logs may lie elsewhere and be still there. */
int
seed_backup_settle(struct seed *seed, struct ha_err *err)
{
	const struct facts *facts = &seed->act.facts;

	if (seed_reset_channels(seed, err) || seed_disable_events(seed, err))
		return -1;
	if (!gtid_is_empty(&facts->executed) && facts->own.file &&
	    seed_say(seed, "RESET MASTER", err))
		return -1;
	return seed_set_gtids(seed, err);
}
