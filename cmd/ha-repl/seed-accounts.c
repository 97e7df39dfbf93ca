/* SPDX-License-Identifier: ISC */
/*
 * seed-accounts - the source's accounts, which no dump of its databases has.
 *
 * One that is made here from a later state than the data's would be made once
 * more by the log, and stop the applier: they are read before.
 *
 * Source: MySQL, MariaDB: "SHOW CREATE USER", "SHOW GRANTS".
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "alloc.h"
#include "flavour.h"
#include "msg.h"
#include "seed.h"

/* user, host, is it a role? */
#define MARIADB_ACCOUNTS                                                       \
	"SELECT user, host, is_role FROM mysql.user WHERE user NOT IN ('', "   \
	"'PUBLIC', 'mariadb.sys')"
#define MYSQL_ACCOUNTS                                                         \
	"SELECT user, host, 'N' FROM mysql.user WHERE user NOT IN ('', "       \
	"'mysql.sys', 'mysql.session', 'mysql.infoschema')"
#define COLUMNS 3

static int
list(struct seed *seed, struct ha_db *db, struct ha_db_result *accounts,
    struct ha_err *err)
{
	int is_mariadb = seed->act.facts.flavour->gtid == GTID_MARIADB;

	return ha_db_query(db, is_mariadb ? MARIADB_ACCOUNTS : MYSQL_ACCOUNTS,
	    act_statement_ns(&seed->act), accounts, err);
}

static int
is_in(const struct ha_db_result *accounts, char *const *account)
{
	for (size_t i = 0; i < accounts->rows; i++) {
		char *const *row = accounts->cells + i * COLUMNS;

		if (!strcmp(row[0], account[0]) && !strcmp(row[1], account[1]))
			return 1;
	}
	return 0;
}

static char *
name_of(char *const *account)
{
	struct ha_buf name = HA_BUF_INIT;

	ha_db_add_name(&name, account[0]);
	if (*account[2] != 'Y') {
		ha_buf_add_char(&name, '@');
		ha_db_add_name(&name, account[1]);
	}
	return ha_buf_detach(&name);
}

static void
add(struct seed *seed, const char *account, const char *sql)
{
	struct seed_statement *statement;

	seed->statements = ha_xrealloc(seed->statements,
	    (seed->statement_count + 1) * sizeof(*seed->statements));
	statement = &seed->statements[seed->statement_count++];
	statement->account = ha_xstrdup(account);
	statement->sql = ha_xstrdup(sql);
}

/* What the source shows for it: each row a statement. */
static int
add_shown(struct seed *seed, const char *show, const char *account,
    struct ha_err *err)
{
	struct ha_db_result rows = HA_DB_RESULT_INIT;
	char *sql = ha_xasprintf("%s %s", show, account);
	int failed = ha_db_query(
	    seed->act.source_db, sql, act_statement_ns(&seed->act), &rows, err);

	for (size_t i = 0; !failed && i < rows.rows; i++)
		if (rows.cells[i * rows.columns])
			add(seed, account, rows.cells[i * rows.columns]);
	free(sql);
	ha_db_result_release(&rows);
	return failed;
}

static int
add_account(struct seed *seed, char *const *row, struct ha_err *err)
{
	char *account = name_of(row), *sql;
	int failed = 0;

	if (*row[2] == 'Y') {
		sql = ha_xasprintf("CREATE ROLE %s", account);
		add(seed, account, sql);
		free(sql);
	} else {
		failed = add_shown(seed, "SHOW CREATE USER", account, err);
	}
	seed->account_count++;
	free(account);
	return failed;
}

static int
add_grants(struct seed *seed, char *const *row, struct ha_err *err)
{
	char *account = name_of(row);
	int failed = add_shown(seed, "SHOW GRANTS FOR", account, err);

	free(account);
	return failed;
}

void
seed_read_accounts(struct seed *seed)
{
	struct ha_db_result there = HA_DB_RESULT_INIT;
	struct ha_db_result here = HA_DB_RESULT_INIT;
	struct act *act = &seed->act;
	struct ha_err err;
	int failed = list(seed, act->source_db, &there, &err) ||
		     list(seed, act->db, &here, &err);

	/* A hash of bytes that are no text; who doesn't know it has none. */
	if (act->facts.flavour->gtid == GTID_MYSQL)
		ha_db_query(act->source_db,
		    "SET SESSION print_identified_with_as_hex = ON",
		    act_statement_ns(act), NULL, &err);
	for (size_t i = 0; !failed && i < there.rows; i++)
		if (!is_in(&here, there.cells + i * COLUMNS))
			failed =
			    add_account(seed, there.cells + i * COLUMNS, &err);
	/* A role has to be there before it is granted. */
	for (size_t i = 0; !failed && i < there.rows; i++)
		if (!is_in(&here, there.cells + i * COLUMNS))
			failed =
			    add_grants(seed, there.cells + i * COLUMNS, &err);
	if (failed) {
		ha_warn(
		    "%s: its accounts can't be read, and are not copied: %s",
		    act->source->name, err.msg);
		seed_forget_accounts(seed);
	}
	ha_db_result_release(&there);
	ha_db_result_release(&here);
}

void
seed_make_accounts(struct seed *seed)
{
	struct act *act = &seed->act;
	struct ha_err err;

	for (size_t i = 0; i < seed->statement_count; i++) {
		const struct seed_statement *statement = &seed->statements[i];

		if (ha_db_query(act->db, statement->sql, act_statement_ns(act),
			NULL, &err))
			ha_warn("%s: the account %s of %s is not as there "
				"(error %u)",
			    act->node->name, statement->account,
			    act->source->name, ha_db_error(act->db));
	}
	if (seed->account_count)
		ha_say("%s: %zu accounts of %s were made", act->node->name,
		    seed->account_count, act->source->name);
}

void
seed_forget_accounts(struct seed *seed)
{
	for (size_t i = 0; i < seed->statement_count; i++) {
		struct seed_statement *statement = &seed->statements[i];

		explicit_bzero(statement->sql, strlen(statement->sql));
		free(statement->sql);
		free(statement->account);
	}
	free(seed->statements);
	seed->statements = NULL;
	seed->statement_count = seed->account_count = 0;
}
