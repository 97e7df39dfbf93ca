/* SPDX-License-Identifier: ISC */
/*
 * seed-dump - a consistent dump, piped from here into the replica.
 *
 * MariaDB tells where its log is at the moment of the snapshot, without a lock.
 * MySQL doesn't: its tables are locked until the dump has begun its
 * transaction, which is known from the first line behind that.
 *
 * Source: mariadb-dump(1); MySQL "mysqldump", "FLUSH TABLES WITH READ LOCK".
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "alloc.h"
#include "clock.h"
#include "flavour.h"
#include "out.h"
#include "preflight.h"
#include "run.h"
#include "seed.h"

/* What stands before the first database, once the snapshot is there. */
#define BEGUN "\n-- Current Database: "
#define ENDED "\n-- Dump completed"
#define HEAD_MAX ((size_t)60000)
/* How long the source may stay locked, and be waited for. */
#define LOCK_MS 10000

enum { IS_MARIADB, IS_ORACLE };

/* Whose is the program?  -1: it is not there. */
static int
ask_whose(const char *program)
{
	const char *const argv[] = { program, "--version", NULL };
	struct ha_run run = HA_RUN_INIT;
	struct ha_buf out = HA_BUF_INIT;
	struct ha_err err;
	int status, whose = -1;

	run.argv = argv;
	if (!ha_run_capture(
		&run, ha_clock_deadline(5000), &out, NULL, &status, &err) &&
	    !status && out.len)
		whose = strstr(out.data, "MariaDB") ? IS_MARIADB : IS_ORACLE;
	ha_buf_release(&out);
	return whose;
}

static int
is_mariadb(const struct seed *seed)
{
	return seed->act.source_facts.flavour->gtid == GTID_MARIADB;
}

/* MySQL is best dumped by its own. */
static const char *
dump_program(const struct seed *seed, int *whose)
{
	if (!is_mariadb(seed) && ask_whose("mysqldump") == IS_ORACLE) {
		*whose = IS_ORACLE;
		return "mysqldump";
	}
	*whose = IS_MARIADB;
	return ask_whose("mariadb-dump") >= 0 ? "mariadb-dump" : NULL;
}

static const char *
load_program(int *whose)
{
	*whose = ask_whose("mariadb");
	if (*whose >= 0)
		return "mariadb";
	*whose = ask_whose("mysql");
	return *whose >= 0 ? "mysql" : NULL;
}

/* mariadb-dump asks MySQL 5.6 for what it hasn't, and writes to generated ones. */
static int
check_foreign(struct seed *seed, struct ha_err *err)
{
	int64_t is_known = 0, generated = 0;

	if (seed_count(seed,
		"SELECT COUNT(*) FROM information_schema.columns WHERE "
		"table_schema = 'information_schema' AND table_name = "
		"'COLUMNS' AND column_name = 'GENERATION_EXPRESSION'",
		&is_known, err))
		return -1;
	if (is_known &&
	    seed_count(seed,
		"SELECT COUNT(*) FROM information_schema.columns WHERE "
		"generation_expression <> '' AND table_schema NOT IN " SEED_SYSTEM,
		&generated, err))
		return -1;
	if (is_known && !generated)
		return 0;
	return ha_err_set(err, EX_CONFIG, 0,
	    "%s: mariadb-dump can't dump %s; MySQL's own mysqldump, of a "
	    "version that logs in there, has to be in PATH",
	    seed->act.source->name,
	    is_known ? "MySQL's generated columns" : "this old a MySQL");
}

static int
check_engines(struct seed *seed, struct ha_err *err)
{
	int64_t n = 0;

	if (seed_count(seed,
		"SELECT COUNT(*) FROM information_schema.tables t JOIN "
		"information_schema.engines e ON e.engine = t.engine WHERE "
		"t.table_type = 'BASE TABLE' AND e.transactions <> 'YES' AND "
		"t.table_schema NOT IN " SEED_SYSTEM,
		&n, err))
		return -1;
	return !n ? 0
		  : preflight_refuse(&seed->repl, err,
			"%s has %" PRId64
			" tables without transactions: what is written to "
			"them meanwhile would be lost or doubled",
			seed->act.source->name, n);
}

int
seed_dump_check(struct seed *seed, struct ha_err *err)
{
	int whose;

	if (!dump_program(seed, &whose))
		return ha_err_set(err, EX_UNAVAILABLE, 0,
		    "there is neither mariadb-dump nor MySQL's mysqldump here");
	if (!is_mariadb(seed) && whose == IS_MARIADB &&
	    check_foreign(seed, err))
		return -1;
	if (!load_program(&whose))
		return ha_err_set(err, EX_UNAVAILABLE, 0,
		    "there is neither mariadb nor mysql here");
	return check_engines(seed, err);
}

/* Words of a command, ended by NULL. */
struct words_list {
	const char **words;
	size_t count;
};

static void
add(struct words_list *list, const char *word)
{
	list->words =
	    ha_xrealloc(list->words, (list->count + 2) * sizeof(*list->words));
	list->words[list->count++] = word;
	list->words[list->count] = NULL;
}

static void
add_all(struct words_list *list, const char *const *words)
{
	while (*words)
		add(list, *words++);
}

/*
 * mariadb-dump finds the databases in its snapshot; for mysqldump, which can't
 * leave any out, they are listed while the lock is held.
 */
static void
dump_words(struct words_list *list, const struct seed *seed,
    const char *defaults, const struct ha_db_result *databases)
{
	static const char *const common[] = { "--single-transaction",
		"--routines", "--events", "--triggers", "--hex-blob",
		"--comments", "--max-allowed-packet=1G",
		"--default-character-set=utf8mb4", NULL };
	static const char *const oracle[] = { "--set-gtid-purged=OFF",
		"--no-tablespaces", "--databases", "--", NULL };
	static const char *const mariadb[] = { "--all-databases",
		"--ignore-database=mysql", "--ignore-database=sys", NULL };
	int whose;

	add(list, dump_program(seed, &whose));
	add(list, defaults);
	add_all(list, common);
	if (is_mariadb(seed))
		add(list, "--master-data=2");
	if (whose == IS_MARIADB) {
		add_all(list, mariadb);
		return;
	}
	add_all(list, oracle);
	for (size_t i = 0; databases && i < databases->rows; i++)
		add(list, databases->cells[i]);
}

static void
load_words(struct words_list *list, const char *defaults)
{
	static const char *const rest[] = { "--batch", "--binary-mode",
		"--init-command=SET SESSION sql_log_bin = 0",
		"--max-allowed-packet=1G", "--default-character-set=utf8mb4",
		NULL };
	int whose;

	add(list, load_program(&whose));
	add(list, defaults);
	add_all(list, rest);
}

static void
show(struct words_list *list, const char *end)
{
	struct ha_buf text = HA_BUF_INIT;

	for (size_t i = 0; i < list->count; i++) {
		const char *quote = strpbrk(list->words[i], " ;") ? "'" : "";

		ha_buf_addf(&text, "%s%s%s%s", i ? " " : "", quote,
		    list->words[i], quote);
	}
	ha_buf_add_str(&text, end);
	ha_out_write(text.data, text.len);
	ha_buf_release(&text);
	free(list->words);
	*list = (struct words_list){ 0 };
}

void
seed_dump_show(const struct seed *seed)
{
	static const char lock_words[] = "FLUSH TABLES WITH READ LOCK;\n";
	struct words_list list = { 0 };

	if (!is_mariadb(seed))
		ha_out_write(lock_words, strlen(lock_words));
	dump_words(&list, seed, "--defaults-file=SOURCE", NULL);
	show(&list, " |\n");
	load_words(&list, "--defaults-file=REPLICA");
	show(&list, "\n");
}

static int64_t
lock_ms(const struct seed *seed)
{
	return seed->repl.lock_wait_ms >= 0 ? seed->repl.lock_wait_ms : LOCK_MS;
}

/* The server gives up before we do, so that no lock comes when we are gone. */
static int
lock(struct seed *seed, struct ha_err *err)
{
	struct act *act = &seed->act;
	int64_t ms = lock_ms(seed);
	char sql[80];

	snprintf(sql, sizeof(sql), "SET SESSION lock_wait_timeout = %" PRId64,
	    ms < 1000 ? 1 : ms / 1000);
	if (ha_db_query(act->source_db, sql, act_statement_ns(act), NULL, err))
		return -1;
	if (!ha_db_query(act->source_db, "FLUSH TABLES WITH READ LOCK",
		ha_clock_deadline(ms + 2000), NULL, err))
		return 0;
	ha_db_free(act->source_db);
	act->source_db = NULL;
	return ha_err_set(err, EX_TEMPFAIL, 0,
	    "%s: its tables could not be locked: %s", act->source->name,
	    err->msg);
}

static int
unlock(struct seed *seed, struct ha_err *err)
{
	return ha_db_query(seed->act.source_db, "UNLOCK TABLES",
	    act_statement_ns(&seed->act), NULL, err);
}

/* As it is now: nobody writes. */
static int
take_position(
    struct seed *seed, struct ha_db_result *databases, struct ha_err *err)
{
	struct act *act = &seed->act;
	struct ha_buf gtids = HA_BUF_INIT;

	if (act_look_source(act, err))
		return -1;
	if (!act->source_facts.own.file)
		return ha_err_set(
		    err, EX_CONFIG, 0, "%s: log_bin is off", act->source->name);
	seed->file = ha_xstrdup(act->source_facts.own.file);
	seed->at = act->source_facts.own.at;
	ha_buf_add_str(&gtids, "");
	gtid_add_text(&gtids, &act->source_facts.executed);
	seed->gtids = ha_buf_detach(&gtids);
	return ha_db_query(act->source_db,
	    "SELECT schema_name FROM information_schema.schemata WHERE "
	    "schema_name NOT IN " SEED_SYSTEM,
	    act_statement_ns(act), databases, err);
}

/* "... MASTER_LOG_FILE='binlog.000001', MASTER_LOG_POS=2168;" */
static int
read_position(struct seed *seed, const char *head, struct ha_err *err)
{
	static const char file_word[] = "MASTER_LOG_FILE='";
	static const char at_word[] = "', MASTER_LOG_POS=";
	const char *file = strstr(head, file_word), *end;

	end = file ? strstr(file += strlen(file_word), at_word) : NULL;
	if (!end || memchr(file, '\n', (size_t)(end - file)))
		return ha_err_set(err, EX_CONFIG, 0,
		    "%s: the dump does not say where it was taken",
		    seed->act.source->name);
	seed->file = ha_xmemdup(file, (size_t)(end - file));
	seed->at = strtoull(end + strlen(at_word), NULL, 10);
	return 0;
}

static int
ask_gtids(struct seed *seed, struct ha_err *err)
{
	struct ha_db_result result = HA_DB_RESULT_INIT;
	struct ha_buf sql = HA_BUF_INIT;
	int failed;

	ha_buf_add_str(&sql, "SELECT BINLOG_GTID_POS(");
	ha_db_add_string(&sql, seed->file);
	ha_buf_addf(&sql, ", %" PRIu64 ")", seed->at);
	failed = ha_db_query(seed->act.source_db, sql.data,
	    act_statement_ns(&seed->act), &result, err);
	if (!failed && (!result.rows || !result.cells[0]))
		failed = ha_err_set(err, EX_TEMPFAIL, 0,
		    "%s: it has purged '%s' already", seed->act.source->name,
		    seed->file);
	if (!failed)
		seed->gtids = ha_xstrdup(result.cells[0]);
	ha_db_result_release(&result);
	ha_buf_release(&sql);
	return failed;
}

/* Until the snapshot is there; *is_over: that was all. */
static int
start_dump(struct seed *seed, struct seed_end *from, struct ha_buf *head,
    const struct ha_db_result *databases, struct ha_err *err)
{
	struct words_list list = { 0 };
	char defaults[64];
	int login, whose, result;

	dump_program(seed, &whose);
	login = seed_login(&seed->repl, seed->act.source, seed->act.source_db,
	    whose == IS_ORACLE, err);
	if (login < 0)
		return -1;
	snprintf(defaults, sizeof(defaults), "--defaults-file=/proc/self/fd/%d",
	    login);
	dump_words(&list, seed, defaults, databases);
	result = seed_end_start(from, list.words, login, 1, err);
	free(list.words);
	close(login);
	if (!result)
		result = seed_pipe_head(from, BEGUN, HEAD_MAX, head,
		    ha_clock_deadline(lock_ms(seed)), err);
	if (result == 1 && !strstr(head->len ? head->data : "", ENDED))
		result =
		    seed_end_reap(from, ha_clock_deadline(5000), err)
			? -1
			: ha_err_set(err, EX_UNAVAILABLE, 0,
			      "%s: %s wrote no dump", from->node, from->name);
	return result < 0 ? -1 : 0;
}

/* The snapshot, and where it was taken. */
static int
take(struct seed *seed, struct seed_end *from, struct ha_buf *head,
    struct ha_err *err)
{
	struct ha_db_result databases = HA_DB_RESULT_INIT;
	int result;

	if (is_mariadb(seed))
		return start_dump(seed, from, head, NULL, err) ||
			       read_position(seed, head->data, err) ||
			       ask_gtids(seed, err)
			   ? -1
			   : 0;
	result = lock(seed, err);
	if (!result)
		result = take_position(seed, &databases, err);
	if (!result && !databases.rows)
		result = ha_err_set(err, EX_CONFIG, 0,
		    "%s: there is nothing to take: 'ha-repl point --empty'",
		    seed->act.source->name);
	if (!result)
		result = start_dump(seed, from, head, &databases, err);
	if (!result)
		result = unlock(seed, err);
	ha_db_result_release(&databases);
	return result;
}

static int
fill(struct seed *seed, struct seed_end *from, struct ha_buf *head,
    struct ha_err *err)
{
	struct words_list list = { 0 };
	struct seed_end to;
	char defaults[64];
	int login, whose, result;
	const char *program = load_program(&whose);

	login = seed_login(
	    &seed->repl, seed->act.node, seed->act.db, whose == IS_ORACLE, err);
	if (login < 0)
		return -1;
	snprintf(defaults, sizeof(defaults), "--defaults-file=/proc/self/fd/%d",
	    login);
	load_words(&list, defaults);
	seed_end_init(&to, program, seed->act.node->name);
	result = seed_end_start(&to, list.words, login, 0, err);
	free(list.words);
	close(login);
	if (!result)
		result = seed_pipe(
		    from, &to, head, ENDED, seed->stall_ms, &seed->bytes, err);
	seed_end_release(&to);
	return result;
}

/* What an earlier run left, and all that is in the way of its GTIDs. */
static int
clear_databases(struct seed *seed, struct ha_err *err)
{
	struct ha_db_result result = HA_DB_RESULT_INIT;
	struct ha_buf sql = HA_BUF_INIT;
	struct act *act = &seed->act;
	int failed = ha_db_query(act->db,
	    "SELECT schema_name FROM information_schema.schemata WHERE "
	    "schema_name NOT IN " SEED_SYSTEM,
	    act_statement_ns(act), &result, err);

	for (size_t i = 0; !failed && i < result.rows; i++) {
		ha_buf_reset(&sql);
		ha_buf_add_str(&sql, "DROP DATABASE ");
		ha_db_add_name(&sql, result.cells[i]);
		failed = ha_db_query(act->db, sql.data,
		    ha_clock_deadline(seed->stall_ms), NULL, err);
	}
	ha_buf_release(&sql);
	ha_db_result_release(&result);
	return failed;
}

static int
clear(struct seed *seed, int has_databases, struct ha_err *err)
{
	const struct facts *facts = &seed->act.facts;

	if (seed_say(seed, "SET SESSION sql_log_bin = 0", err))
		return -1;
	if (has_databases &&
	    (seed_say(seed, "SET foreign_key_checks = 0", err) ||
		clear_databases(seed, err)))
		return -1;
	if (gtid_is_empty(&facts->executed) || !facts->own.file)
		return 0;
	return seed_say(seed,
	    facts->flavour == &flavour_mysql ? "RESET BINARY LOGS AND GTIDS"
					     : "RESET MASTER",
	    err);
}

static int
begin(struct seed *seed, struct ha_err *err)
{
	int was_begun = journal_is_begun(seed->journal, "fill");
	const char *scheduler;

	if (seed_begin(seed, err) || clear(seed, was_begun, err))
		return -1;
	/* An event that runs while the tables come would write to them. */
	scheduler = journal_get(seed->journal, "event_scheduler");
	return scheduler && !strcmp(scheduler, "ON")
		   ? seed_say(seed, "SET GLOBAL event_scheduler = OFF", err)
		   : 0;
}

int
seed_dump_settle(struct seed *seed, struct ha_err *err)
{
	seed_make_accounts(seed);
	return seed_disable_events(seed, err) || seed_set_gtids(seed, err) ? -1
									   : 0;
}

int
seed_dump(struct seed *seed, struct ha_err *err)
{
	struct ha_buf head = HA_BUF_INIT;
	struct seed_end from;
	int whose, result;

	seed_end_init(
	    &from, dump_program(seed, &whose), seed->act.source->name);
	seed_read_accounts(seed);
	result = take(seed, &from, &head, err);
	if (!result)
		result = begin(seed, err);
	if (!result)
		result = fill(seed, &from, &head, err);
	seed_end_release(&from);
	ha_buf_release(&head);
	return result;
}
