/* SPDX-License-Identifier: ISC */
/*
 * heartbeat - write the row that lag is measured by: once, or again and again.
 */
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "alloc.h"
#include "beat.h"
#include "clock.h"
#include "msg.h"
#include "out.h"
#include "repl.h"
#include "role.h"

/* Between two attempts to connect. */
#define BACKOFF_FIRST_MS 1000
#define BACKOFF_MAX_MS 15000

/* What became of one beat. */
enum outcome {
	NOTHING_YET,
	FAILED,
	WRITTEN,
	READ_ONLY,
	STANDBY,
};

struct heart {
	const struct repl *repl;
	struct node *node;
	char *database;
	const char *table;
	char *role_path;
	struct ha_db *db; /* NULL: not connected */
	struct beat_writer writer;
};

static int
connect_to(struct heart *heart, struct ha_err *err)
{
	const struct facts_options options =
	    repl_facts_options(heart->repl, FACTS_CHECK);

	heart->db = ha_db_new();
	heart->writer = (struct beat_writer){
		.db = heart->db,
		.database = heart->database,
		.table = heart->table,
		.timeout_ms = heart->repl->statement_ms,
	};
	if (!facts_connect(heart->db, heart->node, &options, err) &&
	    !beat_open(&heart->writer, err))
		return 0;
	ha_db_free(heart->db);
	heart->db = NULL;
	return -1;
}

static void
disconnect(struct heart *heart)
{
	if (!heart->db)
		return;
	beat_close(&heart->writer);
	ha_db_free(heart->db);
	heart->db = NULL;
}

/* 1: this node writes none; -1: the file can't be read. */
static int
is_standby(const struct heart *heart, struct ha_err *err)
{
	struct ha_role role;
	int is_there, result;

	ha_role_init(&role);
	is_there = ha_role_read(&role, heart->role_path, err);
	result = is_there < 0 ? -1 : is_there && !role.is_active;
	ha_role_release(&role);
	return result;
}

static enum outcome
outcome_of(enum beat_result result)
{
	return result == BEAT_WRITTEN     ? WRITTEN
	       : result == BEAT_READ_ONLY ? READ_ONLY
					  : FAILED;
}

/* Write, and with --create make the table first where it is missing. */
static enum outcome
write_row(struct heart *heart, struct ha_err *err)
{
	enum beat_result result = beat_write(&heart->writer, NULL, err);

	if (result != BEAT_FAILED || !beat_is_missing(&heart->writer))
		return outcome_of(result);
	if (!heart->repl->is_create) {
		ha_err_set(err, EX_CONFIG, 0,
		    "%s; ha-repl heartbeat --create makes it", err->msg);
		return FAILED;
	}
	result = beat_create(&heart->writer, NULL, err);
	if (result == BEAT_WRITTEN)
		result = beat_write(&heart->writer, NULL, err);
	return outcome_of(result);
}

/* A connection that failed is given up: the next beat makes a new one. */
static enum outcome
beat(struct heart *heart, struct ha_err *err)
{
	int standby = is_standby(heart, err);
	enum outcome outcome = FAILED;

	if (standby > 0)
		return STANDBY;
	if (!standby && (heart->db || !connect_to(heart, err)))
		outcome = write_row(heart, err);
	if (outcome == FAILED)
		disconnect(heart);
	return outcome;
}

static void
say_why(const struct heart *heart, const struct ha_err *err)
{
	ha_say("%s: no heartbeat is written: %s", heart->node->name, err->msg);
}

static void
note_quiet(const struct heart *heart, enum outcome outcome)
{
	if (outcome == STANDBY)
		ha_note("%s: no heartbeat is written: %s says standby",
		    heart->node->name, heart->role_path);
	else if (outcome == READ_ONLY)
		ha_note("%s: no heartbeat is written: it is read-only",
		    heart->node->name);
}

static void
note_positions(const struct heart *heart)
{
	if (heart->writer.denied)
		ha_note("%s: rows without positions: %s", heart->node->name,
		    heart->writer.denied);
}

static int
once(struct heart *heart)
{
	struct ha_err err;
	enum outcome outcome = beat(heart, &err);

	if (outcome == FAILED) {
		say_why(heart, &err);
		return err.status;
	}
	note_quiet(heart, outcome);
	note_positions(heart);
	return EX_OK;
}

static int
create(struct heart *heart)
{
	enum beat_result result;
	struct ha_err err;
	int standby = is_standby(heart, &err);

	if (standby < 0 || (!standby && connect_to(heart, &err)))
		ha_die_err(&err);
	if (standby)
		ha_die(EX_NOPERM,
		    "%s says standby: the table is made where "
		    "is written, and replicated",
		    heart->role_path);
	result = beat_create(&heart->writer, NULL, &err);
	if (result == BEAT_FAILED)
		ha_die(err.status, "%s: %s", heart->node->name, err.msg);
	if (result == BEAT_READ_ONLY)
		ha_die(EX_NOPERM,
		    "%s is read-only: the table is made where is written, and "
		    "replicated",
		    heart->node->name);
	return EX_OK;
}

/* What would be done, as SQL that can be run. */
static int
dry_run(struct heart *heart)
{
	struct ha_buf sql = HA_BUF_INIT;
	struct ha_err err;
	enum beat_result result = BEAT_WRITTEN;
	size_t start;

	if (connect_to(heart, &err))
		ha_die(err.status, "%s: %s", heart->node->name, err.msg);
	if (heart->repl->is_create)
		result = beat_create(&heart->writer, &sql, &err);
	if (result != BEAT_FAILED &&
	    (heart->repl->is_once || heart->repl->interval_ms)) {
		start = sql.len;
		result = beat_write(&heart->writer, &sql, &err);
		if (sql.len > start)
			ha_buf_add_str(&sql, ";\n");
	}
	if (result == BEAT_FAILED)
		ha_die(err.status, "%s: %s", heart->node->name, err.msg);
	note_quiet(heart, outcome_of(result));
	ha_out_write(sql.data, sql.len);
	ha_buf_release(&sql);
	return EX_OK;
}

static void
end_now(int number)
{
	(void)number;
	_exit(EX_OK);
}

/*
 * SIGTERM and its like end it well.  They wait, blocked, for the sleep between
 * two beats, but while a server is waited for, whom no row is owed to, they end
 * it at once.
 */
static void
catch_signals(sigset_t *set)
{
	static const int numbers[] = { SIGTERM, SIGINT, SIGHUP };
	struct sigaction action = { .sa_handler = end_now }, before;

	sigemptyset(set);
	for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
		sigaction(numbers[i], NULL, &before);
		if (before.sa_handler == SIG_IGN)
			continue;
		sigaction(numbers[i], &action, NULL);
		sigaddset(set, numbers[i]);
	}
	sigprocmask(SIG_BLOCK, set, NULL);
}

/* Until then; 1 when a signal came that ends it. */
static int
sleep_until(int64_t deadline_ns, const sigset_t *set)
{
	int64_t left_ns;

	while ((left_ns = deadline_ns - ha_clock_now_ns()) > 0) {
		const struct timespec left = {
			.tv_sec = (time_t)(left_ns / HA_S_NS),
			.tv_nsec = (long)(left_ns % HA_S_NS),
		};

		if (sigtimedwait(set, NULL, &left) > 0)
			return 1;
	}
	return 0;
}

/* Words once for each reason to fail, and once when it goes on. */
struct report {
	enum outcome last;
	int64_t failing_since_ns;
	char why[sizeof(((struct ha_err *)0)->msg)];
};

static int
is_told(
    const struct report *report, enum outcome outcome, const struct ha_err *err)
{
	return outcome == report->last &&
	       (outcome != FAILED || !strcmp(report->why, err->msg));
}

static void
tell(struct report *report, const struct heart *heart, enum outcome outcome,
    const struct ha_err *err)
{
	char words[64];

	if (is_told(report, outcome, err))
		return;
	if (outcome == FAILED) {
		say_why(heart, err);
		strcpy(report->why, err->msg);
		if (report->last != FAILED)
			report->failing_since_ns = ha_clock_now_ns();
	} else if (report->last == FAILED) {
		ha_clock_words(
		    (ha_clock_now_ns() - report->failing_since_ns) / HA_MS_NS,
		    words, sizeof(words));
		ha_say("%s: %s after %s", heart->node->name,
		    outcome == WRITTEN ? "heartbeats are written again"
				       : "it answers again",
		    words);
	}
	note_quiet(heart, outcome);
	if (outcome == WRITTEN)
		note_positions(heart);
	report->last = outcome;
}

/* The first moment of the schedule that is still to come. */
static int64_t
next_beat(int64_t start_ns, int64_t interval_ns)
{
	int64_t passed_ns = ha_clock_now_ns() - start_ns;

	return start_ns + (passed_ns / interval_ns + 1) * interval_ns;
}

static int
repeat(struct heart *heart)
{
	const int64_t interval_ns = heart->repl->interval_ms * HA_MS_NS;
	const int64_t start_ns = ha_clock_now_ns();
	int64_t backoff_ms = BACKOFF_FIRST_MS, next_ns, retry_ns;
	struct report report = { .last = NOTHING_YET };
	enum outcome outcome;
	struct ha_err err;
	sigset_t set;

	catch_signals(&set);
	do {
		sigprocmask(SIG_UNBLOCK, &set, NULL);
		outcome = beat(heart, &err);
		sigprocmask(SIG_BLOCK, &set, NULL);
		tell(&report, heart, outcome, &err);
		next_ns = next_beat(start_ns, interval_ns);
		if (outcome != FAILED) {
			backoff_ms = BACKOFF_FIRST_MS;
			continue;
		}
		retry_ns = ha_clock_deadline(backoff_ms);
		if (retry_ns > next_ns)
			next_ns = retry_ns;
		backoff_ms = 2 * backoff_ms < BACKOFF_MAX_MS ? 2 * backoff_ms
							     : BACKOFF_MAX_MS;
	} while (!sleep_until(next_ns, &set));
	disconnect(heart);
	return EX_OK;
}

static _Noreturn void
refuse(const char *what)
{
	ha_die(EX_USAGE, "%s; try 'ha-repl --help'", what);
}

static void
check_usage(const struct repl *repl, char **operands)
{
	if (!repl->is_once && !repl->interval_ms && !repl->is_create)
		refuse("heartbeat needs --once, --interval or --create");
	if (repl->is_once && repl->interval_ms)
		refuse("--once and --interval exclude each other");
	if (*operands && operands[1])
		refuse("heartbeat is about one node");
}

/* No node named is this machine's server, whatever repl.conf has. */
static void
heart_init(struct heart *heart, const struct repl *repl, char **operands)
{
	const char *dot = strchr(repl->heartbeat_table, '.');
	struct ha_err err;

	*heart = (struct heart){
		.repl = repl,
		.node = *operands ? node_find(&repl->nodes, *operands, &err)
				  : node_here(),
		.database = ha_xmemdup(repl->heartbeat_table,
		    (size_t)(dot - repl->heartbeat_table)),
		.table = dot + 1,
		.role_path = ha_role_path(),
	};
	if (!heart->node)
		ha_die_err(&err);
}

static void
heart_release(struct heart *heart)
{
	disconnect(heart);
	node_free(heart->node);
	free(heart->database);
	free(heart->role_path);
}

int
heartbeat_run(const struct repl *repl, char **operands)
{
	struct heart heart;
	int status;

	check_usage(repl, operands);
	heart_init(&heart, repl, operands);
	if (repl->is_dry_run)
		status = dry_run(&heart);
	else if (repl->interval_ms)
		status = repeat(&heart);
	else if (repl->is_once)
		status = once(&heart);
	else
		status = create(&heart);
	heart_release(&heart);
	return status;
}
