/* SPDX-License-Identifier: ISC */
/*
 * seed-clone - the replica's server copies the source's by itself, by MySQL's
 * CLONE, and starts anew with all that this one has: accounts, too.
 *
 * The statement is given over a connection of its own, in a thread; how far it
 * has come is read over another one.  The server ends with it and is started by
 * who supervises it, or by the operator.  Nothing has to be kept in mind but
 * which clone it was: the server knows how it went, so that recover can wait
 * for one that was begun, and settle or undo it.
 *
 * A replica's threads and its events would begin with that start, before
 * anybody could keep them from it: their variables are persisted until all is
 * settled.
 *
 * Source: MySQL 9.7 Reference Manual, "The Clone Plugin".
 */
#include <inttypes.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "alloc.h"
#include "clock.h"
#include "db-defaults.h"
#include "flavour.h"
#include "msg.h"
#include "out.h"
#include "preflight.h"
#include "seed.h"

#define POLL_MS 100
/* How long a clone that was killed may take to tidy up. */
#define END_MS 60000
/* How long what is not there is waited for. */
#define SURE_NS 3000000000LL
#define PROGRESS_NS 1000000000LL
#define PARSE_ERROR 1064
/* ER_RESTART_SERVER_FAILED: nobody starts it again. */
#define NOT_SUPERVISED 3707
#define INSTALL "INSTALL PLUGIN clone SONAME 'mysql_clone.so'"
/* When it began tells one clone from another. */
#define STATUS                                                                 \
	"SELECT s.STATE, s.BEGIN_TIME, s.ERROR_NO, s.ERROR_MESSAGE, "          \
	"s.BINLOG_FILE, s.BINLOG_POSITION, s.GTID_EXECUTED, SUM(p.DATA) AS "   \
	"data, SUM(p.ESTIMATE) AS estimate, COUNT(p.BEGIN_TIME) AS stages, "   \
	"(SELECT COUNT(*) FROM information_schema.processlist WHERE info "     \
	"LIKE 'CLONE INSTANCE%') AS running "                                  \
	"FROM performance_schema.clone_status s JOIN "                         \
	"performance_schema.clone_progress p ON p.ID = s.ID GROUP BY s.ID, "   \
	"s.STATE, s.BEGIN_TIME, s.ERROR_NO, s.ERROR_MESSAGE, s.BINLOG_FILE, "  \
	"s.BINLOG_POSITION, s.GTID_EXECUTED"

static int
check_servers(struct seed *seed, struct ha_err *err)
{
	const struct facts *here = &seed->act.facts;
	const struct facts *there = &seed->act.source_facts;

	if (here->flavour->gtid != GTID_MYSQL ||
	    there->flavour->gtid != GTID_MYSQL)
		return ha_err_set(
		    err, EX_CONFIG, 0, "only MySQL's servers clone");
	if (!seed_is_one_series(seed))
		return ha_err_set(err, EX_CONFIG, 0,
		    "%s is MySQL %s and %s %s: only one series clones itself",
		    there->node->name, there->version, here->node->name,
		    here->version);
	return 0;
}

/* What is of another engine would come without its rows. */
static int
check_engines(struct seed *seed, struct ha_err *err)
{
	int64_t n = 0;

	if (seed_count(seed,
		"SELECT COUNT(*) FROM information_schema.tables WHERE "
		"table_type = 'BASE TABLE' AND engine <> 'InnoDB' AND "
		"table_schema NOT IN " SEED_SYSTEM,
		&n, err))
		return -1;
	return n ? ha_err_set(err, EX_CONFIG, 0,
		       "%s has %" PRId64 " tables that are not InnoDB's: they "
		       "would be cloned without their rows",
		       seed->act.source->name, n)
		 : 0;
}

static int
check_grant(struct seed *seed, struct ha_db *db, const struct node *node,
    const char *grant, struct ha_err *err)
{
	struct ha_db_result result = HA_DB_RESULT_INIT;
	int has = 0;

	if (ha_db_query(
		db, "SHOW GRANTS", act_statement_ns(&seed->act), &result, err))
		return -1;
	for (size_t i = 0; i < result.rows; i++)
		has = has || strstr(result.cells[i], grant);
	ha_db_result_release(&result);
	return has ? 0
		   : ha_err_set(err, EX_NOPERM, 0, "%s: the account needs %s",
			 node->name, grant);
}

static int
check_grants(struct seed *seed, struct ha_err *err)
{
	static const char *const grants[] = { "CLONE_ADMIN",
		"PERSIST_RO_VARIABLES_ADMIN", "SYSTEM_VARIABLES_ADMIN" };
	struct act *act = &seed->act;

	for (size_t i = 0; i < sizeof(grants) / sizeof(grants[0]); i++)
		if (check_grant(seed, act->db, act->node, grants[i], err))
			return -1;
	return check_grant(
	    seed, act->source_db, act->source, "BACKUP_ADMIN", err);
}

static const char *
skip_start(const struct seed *seed)
{
	static const char *const names[] = { "skip_replica_start",
		"skip_slave_start" };

	for (size_t i = 0; i < 2; i++)
		if (facts_variable(&seed->act.facts, names[i]))
			return names[i];
	return NULL;
}

/* The login, as the source's file or --defaults-file has it. */
static int
read_donor(
    const struct seed *seed, struct ha_db_defaults *donor, struct ha_err *err)
{
	const struct node *source = seed->act.source;

	if (ha_db_defaults_read(donor,
		source->defaults_file ? source->defaults_file
				      : seed->repl.defaults_file,
		NULL, err))
		return -1;
	return donor->user
		   ? 0
		   : ha_err_set(err, EX_CONFIG, 0,
			 "%s: its defaults file names no user to clone as",
			 source->name);
}

/* Is it there, or can it be had? */
static int
install(struct seed *seed, struct ha_db *db, const struct node *node,
    int *lacks, struct ha_err *err)
{
	static const char is_there[] =
	    "SELECT 1 FROM information_schema.plugins WHERE plugin_name = "
	    "'clone' AND plugin_status = 'ACTIVE'";
	int64_t deadline_ns = act_statement_ns(&seed->act);
	char *one;
	int failed = seed_ask(seed, db, is_there, &one, err), has = one != NULL;

	free(one);
	if (!failed && !has && seed->repl.is_dry_run)
		*lacks = 1;
	if (failed || has || seed->repl.is_dry_run)
		return failed;
	if (!ha_db_query(
		db, "SET SESSION sql_log_bin = 0", deadline_ns, NULL, err) &&
	    !ha_db_query(db, INSTALL, deadline_ns, NULL, err)) {
		ha_say("%s: the clone plugin is installed", node->name);
		return 0;
	}
	return ha_err_set(err, err->status, 0,
	    "%s: the clone plugin can't be installed: %s", node->name,
	    err->msg);
}

/* Can the cloned server be kept from what its source does? */
static int
check_start(struct seed *seed, struct ha_err *err)
{
	struct act *act = &seed->act;
	char *is_read;

	if (seed_ask(seed, act->db,
		"SELECT 1 FROM performance_schema.global_variables WHERE "
		"variable_name = 'persisted_globals_load' AND variable_value = "
		"'ON'",
		&is_read, err))
		return -1;
	if (!is_read)
		return ha_err_set(err, EX_CONFIG, 0,
		    "%s: persisted_globals_load is off: events and channels of "
		    "%s would begin with its start",
		    act->node->name, act->source->name);
	free(is_read);
	if (!skip_start(seed) && act->source_facts.channel_count)
		return ha_err_set(err, EX_CONFIG, 0,
		    "%s replicates, and %s would do the same once it is cloned",
		    act->source->name, act->node->name);
	return 0;
}

int
seed_clone_check(struct seed *seed, struct ha_err *err)
{
	struct act *act = &seed->act;
	struct ha_db_defaults donor = { 0 };
	int failed = check_servers(seed, err) || check_engines(seed, err) ||
		     check_grants(seed, err) || read_donor(seed, &donor, err);

	ha_db_defaults_release(&donor);
	if (failed || seed_check_accounts(seed, err))
		return -1;
	if (act->goal.has_tls < 0)
		return ha_err_set(err, EX_NOPERM, 0,
		    "the replica can't verify %s without --ssl-ca FILE",
		    act->source->name);
	if (check_start(seed, err))
		return -1;
	return install(seed, act->source_db, act->source,
		   &seed->source_lacks_plugin, err) ||
		       install(
			   seed, act->db, act->node, &seed->lacks_plugin, err)
		   ? -1
		   : 0;
}

/* With the password only where it is not shown. */
static void
add_clone(struct ha_buf *sql, const struct seed *seed,
    const struct ha_db_defaults *donor, int is_shown)
{
	const struct settings *goal = &seed->act.goal;

	ha_buf_add_str(sql, "CLONE INSTANCE FROM ");
	ha_db_add_string(sql, donor->user ? donor->user : "");
	ha_buf_add_char(sql, '@');
	ha_db_add_string(sql, goal->host);
	ha_buf_addf(sql, ":%u IDENTIFIED BY ", goal->port);
	ha_db_add_string(sql, is_shown          ? "***"
			      : donor->password ? donor->password
						: "");
	if (goal->has_tls == 1)
		ha_buf_add_str(sql, " REQUIRE SSL");
}

static void
add_donor_list(struct ha_buf *sql, const struct seed *seed)
{
	const struct settings *goal = &seed->act.goal;
	char *place = ha_xasprintf("%s:%u", goal->host, goal->port);

	ha_buf_add_str(sql, "SET GLOBAL clone_valid_donor_list = ");
	ha_db_add_string(sql, place);
	free(place);
}

static void
add_ca(struct ha_buf *sql, const struct seed *seed)
{
	ha_buf_add_str(sql, "SET GLOBAL clone_ssl_ca = ");
	ha_db_add_string(sql, seed->act.goal.ca);
}

/* Those that would begin with the start, and do not now. */
static void
find_persisted(const struct seed *seed, struct ha_buf *names)
{
	const struct facts *facts = &seed->act.facts;
	const char *skip = skip_start(seed);

	ha_buf_add_str(names, "");
	if (skip && facts_is_on(facts, skip) != 1)
		ha_buf_addf(names, "%s = ON\n", skip);
	if (facts_is_on(facts, "event_scheduler") == 1)
		ha_buf_add_str(names, "event_scheduler = OFF\n");
}

static void
show(struct ha_buf *sql)
{
	ha_buf_add_str(sql, ";\n");
	ha_out_write(sql->data, sql->len);
	ha_buf_reset(sql);
}

static void
show_install(struct ha_buf *sql, const struct node *node, int is_needed)
{
	if (!is_needed)
		return;
	ha_buf_addf(sql, "%s; -- %s\n", INSTALL, node->name);
	ha_out_write(sql->data, sql->len);
	ha_buf_reset(sql);
}

void
seed_clone_show(const struct seed *seed)
{
	struct ha_buf sql = HA_BUF_INIT, names = HA_BUF_INIT;
	struct ha_db_defaults donor = { 0 };
	struct ha_err err;
	char *save, *name;

	show_install(&sql, seed->act.source, seed->source_lacks_plugin);
	show_install(&sql, seed->act.node, seed->lacks_plugin);
	find_persisted(seed, &names);
	for (name = strtok_r(names.data, "\n", &save); name;
	     name = strtok_r(NULL, "\n", &save)) {
		ha_buf_addf(&sql, "SET PERSIST_ONLY %s", name);
		show(&sql);
	}
	add_donor_list(&sql, seed);
	show(&sql);
	if (seed->act.goal.ca) {
		add_ca(&sql, seed);
		show(&sql);
	}
	if (!read_donor(seed, &donor, &err))
		add_clone(&sql, seed, &donor, 1);
	show(&sql);
	ha_db_defaults_release(&donor);
	ha_buf_release(&names);
	ha_buf_release(&sql);
}

/* The statement that clones, and its thread. */
struct clone {
	struct ha_db *db;
	struct ha_buf sql;
	pthread_t thread;
	int is_started;
	atomic_int is_over;
	int failed;
	unsigned error;
	struct ha_err err;
	/* What is seen of it from outside. */
	uint64_t data, estimate, stages;
	int64_t moved_ns, shown_ns;
	int is_down; /* the server does not answer */
};

static void *
run(void *context)
{
	struct clone *clone = context;

	clone->failed = ha_db_query(
	    clone->db, clone->sql.data, HA_CLOCK_NEVER, NULL, &clone->err);
	clone->error = clone->failed ? ha_db_error(clone->db) : 0;
	atomic_store(&clone->is_over, 1);
	return NULL;
}

static void
release(struct clone *clone)
{
	if (clone->is_started)
		pthread_join(clone->thread, NULL);
	if (clone->sql.data)
		explicit_bzero(clone->sql.data, clone->sql.len);
	ha_buf_release(&clone->sql);
	if (clone->db)
		ha_db_free(clone->db);
}

static int
start(struct seed *seed, struct clone *clone, struct ha_err *err)
{
	struct act *act = &seed->act;
	struct ha_db_defaults donor = { 0 };
	int failed = read_donor(seed, &donor, err);

	clone->db = ha_db_new();
	act->options.deadline_ns = act_statement_ns(act);
	if (!failed)
		failed =
		    facts_connect(clone->db, act->node, &act->options, err) ||
		    ha_db_query(clone->db, "SET SESSION sql_mode = ''",
			act_statement_ns(act), NULL, err);
	if (!failed)
		add_clone(&clone->sql, seed, &donor, 0);
	ha_db_defaults_release(&donor);
	if (failed)
		return -1;
	clone->is_started = !pthread_create(&clone->thread, NULL, run, clone);
	return clone->is_started
		   ? 0
		   : ha_err_set(err, EX_OSERR, 0, "can't start a thread");
}

static void
show_progress(struct clone *clone, int is_last)
{
	double mib = 1024.0 * 1024;
	int64_t now_ns = ha_clock_now_ns();

	if (!isatty(STDERR_FILENO) ||
	    (!is_last && now_ns - clone->shown_ns < PROGRESS_NS))
		return;
	clone->shown_ns = now_ns;
	fprintf(stderr, "\r\033[K");
	if (!is_last && clone->is_down)
		fprintf(stderr, "ha-repl: its server starts");
	else if (!is_last)
		fprintf(stderr, "ha-repl: %.1f of %.1f MiB",
		    (double)clone->data / mib, (double)clone->estimate / mib);
	fflush(stderr);
}

static uint64_t
number(const struct ha_db_result *row, const char *name)
{
	const char *text = ha_db_get(row, 0, name);

	return text ? strtoull(text, NULL, 10) : 0;
}

static const char *
began(const struct ha_db_result *row)
{
	const char *time = ha_db_get(row, 0, "BEGIN_TIME");

	return time ? time : "";
}

static void
notice(struct clone *clone, const struct ha_db_result *row)
{
	uint64_t data = number(row, "data"), stages = number(row, "stages");

	if (data != clone->data || stages != clone->stages || clone->is_down)
		clone->moved_ns = ha_clock_now_ns();
	clone->data = data;
	clone->stages = stages;
	clone->estimate = number(row, "estimate");
	clone->is_down = 0;
}

enum state {
	STATE_NONE, /* none, so far as the server knows */
	STATE_DOWN,
	STATE_RUNS,
	STATE_DONE,
	STATE_FAILED, /* in the server's own words */
};

/* Of the clone that began last, when it is not the one of before. */
static enum state
look(struct seed *seed, struct clone *clone, struct ha_err *err)
{
	struct act *act = &seed->act;
	struct ha_db_result row = HA_DB_RESULT_INIT;
	const char *before = journal_get(seed->journal, "clone_before"), *state;
	enum state result;

	if (clone->is_down && act_connect(act, err))
		return STATE_DOWN;
	if (ha_db_query(act->db, STATUS, act_statement_ns(act), &row, err)) {
		clone->is_down = 1;
		ha_db_result_release(&row);
		return STATE_DOWN;
	}
	state = ha_db_get(&row, 0, "STATE");
	notice(clone, &row);
	/* One whose server was killed stays "In Progress". */
	if (!state || (before && !strcmp(before, began(&row))) ||
	    (!strcmp(state, "In Progress") && !number(&row, "running"))) {
		result = STATE_NONE;
	} else if (!strcmp(state, "Completed")) {
		result = STATE_DONE;
	} else if (!strcmp(state, "Failed")) {
		result = STATE_FAILED;
		ha_err_set(err, EX_UNAVAILABLE, 0,
		    "%s: CLONE: %s (%" PRIu64 ")", act->node->name,
		    ha_db_get(&row, 0, "ERROR_MESSAGE"),
		    number(&row, "ERROR_NO"));
	} else {
		result = STATE_RUNS;
	}
	ha_db_result_release(&row);
	return result;
}

/* A refusal of its words would cite them. */
static int
blame(const struct seed *seed, struct clone *clone, struct ha_err *err)
{
	const char *node = seed->act.node->name;

	if (clone->error == PARSE_ERROR)
		return ha_err_set(
		    err, EX_CONFIG, 0, "%s: it does not know CLONE", node);
	return ha_err_set(err,
	    clone->err.status == EX_DATAERR ? EX_CONFIG : clone->err.status, 0,
	    "%s: CLONE: %s", node, clone->err.msg);
}

/* Until its session has gone, which tidies up before: 0. */
static int
end_statement(struct seed *seed, struct clone *clone)
{
	int64_t deadline_ns = ha_clock_deadline(END_MS);
	uint64_t id = ha_db_connection_id(clone->db);
	struct act *act = &seed->act;
	struct ha_db_result rows = HA_DB_RESULT_INIT;
	struct ha_err err;
	char sql[100];
	int failed;

	snprintf(sql, sizeof(sql), "KILL %" PRIu64, id);
	failed = ha_db_query(act->db, sql, act_statement_ns(act), NULL, &err);
	snprintf(sql, sizeof(sql),
	    "SELECT id FROM information_schema.processlist WHERE id = %" PRIu64,
	    id);
	while (!failed) {
		failed = ha_db_query(
		    act->db, sql, act_statement_ns(act), &rows, &err);
		if (failed || !rows.rows)
			break;
		failed = ha_clock_now_ns() > deadline_ns;
		poll(NULL, 0, POLL_MS);
	}
	ha_db_result_release(&rows);
	return failed;
}

static int
give_up(struct seed *seed, struct clone *clone, struct ha_err *err)
{
	const char *node = seed->act.node->name;
	int64_t stall_s = seed->stall_ms / 1000;

	if (clone->is_down)
		return ha_err_set(err, EX_SOFTWARE, 0,
		    "%s: its server has not come back (%.300s): start it, then "
		    "'ha-repl recover %s' goes on",
		    node, err->msg, node);
	if (clone->is_started && !end_statement(seed, clone))
		return ha_err_set(err, EX_TEMPFAIL, 0,
		    "%s: nothing has moved for %" PRId64 " s", node, stall_s);
	return ha_err_set(err, EX_SOFTWARE, 0,
	    "%s: it clones still, and nothing has moved for %" PRId64
	    " s: 'ha-repl recover %s' waits for it again",
	    node, stall_s, node);
}

/* 1: it is over, *result tells how; 0: it goes on. */
static int
is_settled(struct seed *seed, struct clone *clone, enum state state,
    int *is_told, int *result, struct ha_err *err)
{
	int is_over = clone->is_started && atomic_load(&clone->is_over);

	*result = 0;
	if (state == STATE_DONE)
		return 1;
	*result = -1;
	if (state == STATE_FAILED)
		return 1;
	if (is_over && clone->error == NOT_SUPERVISED && !*is_told) {
		*is_told = 1;
		ha_say("%s: it is cloned; its server has ended, and nobody "
		       "starts it again: start it now",
		    seed->act.node->name);
	}
	if (is_over && clone->failed && clone->error &&
	    clone->error != NOT_SUPERVISED && clone->err.status == EX_DATAERR &&
	    state != STATE_DOWN) {
		blame(seed, clone, err);
		return 1;
	}
	/* It may be about to begin, or the server about to end. */
	if ((is_over || !clone->is_started) && state == STATE_NONE &&
	    ha_clock_now_ns() - clone->moved_ns > SURE_NS) {
		ha_err_set(err, EX_UNAVAILABLE, 0, "%s: it was not cloned",
		    seed->act.node->name);
		return 1;
	}
	return 0;
}

/* Until it is whole; a clone without a statement is one that goes on alone. */
static int
await_clone(struct seed *seed, struct clone *clone, struct ha_err *err)
{
	int is_told = 0, result = -1;
	int64_t stall_ns = seed->stall_ms * 1000000;

	clone->moved_ns = ha_clock_now_ns();
	for (;;) {
		int is_over = clone->is_started && atomic_load(&clone->is_over);
		enum state state = look(seed, clone, err);

		show_progress(clone, 0);
		/* What it said is read before what the server says. */
		if ((is_over || !clone->is_started || state > STATE_RUNS) &&
		    is_settled(seed, clone, state, &is_told, &result, err))
			break;
		if (ha_clock_now_ns() - clone->moved_ns > stall_ns) {
			result = give_up(seed, clone, err);
			break;
		}
		poll(NULL, 0, POLL_MS);
	}
	show_progress(clone, 1);
	return result;
}

static int
persist(struct seed *seed, struct ha_err *err)
{
	struct ha_buf names = HA_BUF_INIT, sql = HA_BUF_INIT;
	char *save, *name;
	int failed = 0;

	find_persisted(seed, &names);
	journal_set(seed->journal, "persisted", names.data);
	failed = journal_step(seed->journal, "persist", err);
	for (name = strtok_r(names.data, "\n", &save); name && !failed;
	     name = strtok_r(NULL, "\n", &save)) {
		ha_buf_reset(&sql);
		ha_buf_addf(&sql, "SET PERSIST_ONLY %s", name);
		failed = seed_say(seed, sql.data, err);
	}
	ha_buf_release(&names);
	ha_buf_release(&sql);
	return failed;
}

static int
forget_persisted(struct seed *seed, struct ha_err *err)
{
	const char *names = journal_get(seed->journal, "persisted");
	struct ha_buf sql = HA_BUF_INIT;
	int failed = 0;

	while (names && *names && !failed) {
		ha_buf_reset(&sql);
		ha_buf_addf(&sql, "RESET PERSIST IF EXISTS %.*s",
		    (int)strcspn(names, " "), names);
		failed = seed_say(seed, sql.data, err);
		names += strcspn(names, "\n");
		names += *names == '\n';
	}
	ha_buf_release(&sql);
	return failed;
}

/* The plugin takes no empty list. */
static int
put_back(struct seed *seed, const char *variable, struct ha_err *err)
{
	const char *value = journal_get(seed->journal, variable);
	struct ha_buf sql = HA_BUF_INIT;
	int failed;

	ha_buf_addf(&sql, "SET GLOBAL %s = ", variable);
	if (value && *value)
		ha_db_add_string(&sql, value);
	else
		ha_buf_add_str(&sql, "DEFAULT");
	failed = value ? seed_say(seed, sql.data, err) : 0;
	ha_buf_release(&sql);
	return failed;
}

/* What it was before, for a clone that did not come about. */
static int
undo(struct seed *seed, struct ha_err *err)
{
	return put_back(seed, "clone_valid_donor_list", err) ||
		       put_back(seed, "clone_ssl_ca", err) ||
		       forget_persisted(seed, err)
		   ? -1
		   : 0;
}

static int
note_variable(struct seed *seed, const char *name, struct ha_err *err)
{
	char sql[64], *value;

	snprintf(sql, sizeof(sql), "SELECT @@GLOBAL.%s", name);
	if (seed_ask(seed, seed->act.db, sql, &value, err))
		return -1;
	journal_set(seed->journal, name, value ? value : "");
	free(value);
	return 0;
}

static int
note_before(struct seed *seed, struct ha_err *err)
{
	struct ha_db_result row = HA_DB_RESULT_INIT;
	struct act *act = &seed->act;
	int failed =
	    ha_db_query(act->db, STATUS, act_statement_ns(act), &row, err);

	if (!failed)
		journal_set(seed->journal, "clone_before", began(&row));
	ha_db_result_release(&row);
	if (failed || note_variable(seed, "clone_valid_donor_list", err))
		return -1;
	return act->goal.ca ? note_variable(seed, "clone_ssl_ca", err) : 0;
}

static int
prepare(struct seed *seed, struct ha_err *err)
{
	struct ha_buf sql = HA_BUF_INIT;
	struct act *act = &seed->act;
	int failed;

	if (note_before(seed, err) || seed_begin(seed, err) ||
	    persist(seed, err))
		return -1;
	add_donor_list(&sql, seed);
	failed = seed_say(seed, sql.data, err);
	if (!failed && act->goal.ca) {
		ha_buf_reset(&sql);
		add_ca(&sql, seed);
		failed = seed_say(seed, sql.data, err);
	}
	ha_buf_release(&sql);
	return failed;
}

static int
is_as_before(struct seed *seed, struct ha_err *err)
{
	int has = 1;

	if (act_connect(&seed->act, err) ||
	    preflight_has_data(&seed->act, seed->act.db, &has, err))
		return 0;
	return !has || ha_err_set(err, EX_SOFTWARE, 0, "%s has data",
			   seed->act.node->name) == 0;
}

/* The server answers, and has no more than before: that was all. */
static int
take_back(struct seed *seed, struct ha_err *err)
{
	struct ha_err own;

	if (err->status == EX_SOFTWARE)
		return -1;
	if (!is_as_before(seed, &own) || undo(seed, &own)) {
		ha_say("%s", own.msg);
		return -1;
	}
	journal_end(seed->journal, &own);
	seed->journal = NULL;
	return -1;
}

static int
finish(struct seed *seed, struct clone *clone, struct ha_err *err)
{
	if (await_clone(seed, clone, err))
		return take_back(seed, err);
	seed->bytes = clone->data;
	return 0;
}

int
seed_clone(struct seed *seed, struct ha_err *err)
{
	struct clone clone = { 0 };
	int result;

	if (prepare(seed, err) || start(seed, &clone, err))
		result = seed->journal ? take_back(seed, err) : -1;
	else
		result = finish(seed, &clone, err);
	release(&clone);
	return result;
}

int
seed_clone_resume(struct seed *seed, struct ha_err *err)
{
	struct clone clone = { .is_down = 1 };

	if (act_connect(&seed->act, err))
		ha_say("%s: its server is waited for: %s", seed->act.node->name,
		    err->msg);
	return finish(seed, &clone, err);
}

static int
read_position(struct seed *seed, struct ha_err *err)
{
	struct ha_db_result row = HA_DB_RESULT_INIT;
	struct act *act = &seed->act;
	const char *file, *gtids;
	int failed =
	    ha_db_query(act->db, STATUS, act_statement_ns(act), &row, err);

	file = failed ? NULL : ha_db_get(&row, 0, "BINLOG_FILE");
	gtids = failed ? NULL : ha_db_get(&row, 0, "GTID_EXECUTED");
	if (!failed && (!file || !*file))
		failed = ha_err_set(err, EX_SOFTWARE, 0,
		    "%s: the clone does not say where it was taken",
		    act->node->name);
	if (!failed)
		seed_note_position(seed, file, number(&row, "BINLOG_POSITION"),
		    gtids ? gtids : "");
	ha_db_result_release(&row);
	return failed;
}

int
seed_clone_settle(struct seed *seed, struct ha_err *err)
{
	return seed_reset_channels(seed, err) ||
		       seed_disable_events(seed, err) ||
		       read_position(seed, err) || forget_persisted(seed, err)
		   ? -1
		   : 0;
}
