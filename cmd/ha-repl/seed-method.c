/* SPDX-License-Identifier: ISC */
/* seed-method - the ways to fill a replica, and which of them is taken. */
#include <stdlib.h>
#include <string.h>

#include "alloc.h"
#include "db-defaults.h"
#include "msg.h"
#include "seed.h"

/* The better ones first. */
static const struct seed_method methods[] = {
	{ "clone", seed_clone_check, seed_clone_show, seed_clone,
	    seed_clone_settle, seed_clone_resume },
	{ "backup", seed_backup_check, seed_backup_show, seed_backup,
	    seed_backup_settle, seed_backup_resume },
	{ "dump", seed_dump_check, seed_dump_show, seed_dump, seed_dump_settle,
	    NULL },
};

#define METHODS (sizeof(methods) / sizeof(methods[0]))

const struct seed_method *
seed_method(const char *name)
{
	for (size_t i = 0; i < METHODS; i++)
		if (!strcmp(methods[i].name, name))
			return &methods[i];
	return NULL;
}

static int
choose(struct seed *seed, struct ha_err *err)
{
	for (size_t i = 0; i < METHODS; i++) {
		seed->method = &methods[i];
		if (!seed->method->check(seed, err))
			return 0;
		if (i + 1 < METHODS)
			ha_note("not by %s: %s", seed->method->name, err->msg);
	}
	return -1;
}

int
seed_choose(struct seed *seed, struct ha_err *err)
{
	const char *how = seed->repl.how;

	/* What a dump left half done only a dump drops first. */
	if (seed->journal && journal_is_begun(seed->journal, "fill")) {
		if (how && strcmp(how, "auto") != 0 && strcmp(how, "dump") != 0)
			return ha_err_set(err, EX_NOPERM, 0,
			    "%s is half filled by a dump: only --method dump "
			    "begins anew",
			    seed->act.node->name);
		how = "dump";
	}
	if (!how || !strcmp(how, "auto")) {
		if (choose(seed, err))
			return -1;
	} else {
		seed->method = seed_method(how);
		if (!seed->method)
			return ha_err_set(
			    err, EX_USAGE, 0, "there is no --method %s", how);
		if (seed->method->check(seed, err))
			return -1;
	}
	ha_say("%s: to be filled from %s by %s", seed->act.node->name,
	    seed->act.source->name, seed->method->name);
	return 0;
}

static size_t
series(const char *version)
{
	const char *dot = strchr(version, '.');

	return dot ? (size_t)(dot - version) + 1 + strcspn(dot + 1, ".") : 0;
}

int
seed_is_one_series(const struct seed *seed)
{
	const char *here = seed->act.facts.version;
	const char *there = seed->act.source_facts.version;
	size_t len = series(here);

	return len && len == series(there) && !strncmp(here, there, len);
}

int
seed_ask(struct seed *seed, struct ha_db *db, const char *sql, char **cell,
    struct ha_err *err)
{
	struct ha_db_result result = HA_DB_RESULT_INIT;
	int failed =
	    ha_db_query(db, sql, act_statement_ns(&seed->act), &result, err);

	*cell = !failed && result.rows && result.cells[0]
		    ? ha_xstrdup(result.cells[0])
		    : NULL;
	ha_db_result_release(&result);
	return failed;
}

int
seed_count(struct seed *seed, const char *sql, int64_t *n, struct ha_err *err)
{
	char *cell;
	int failed = seed_ask(seed, seed->act.source_db, sql, &cell, err);

	*n = cell ? strtoll(cell, NULL, 10) : 0;
	free(cell);
	return failed;
}

static const char *
file_of(const struct seed *seed, const struct node *node)
{
	return node->defaults_file ? node->defaults_file
				   : seed->repl.defaults_file;
}

int
seed_check_accounts(struct seed *seed, struct ha_err *err)
{
	const struct node *source = seed->act.source;
	struct ha_db_defaults replica = { 0 };
	struct ha_db_options options = { .host = source->host,
		.port = source->port,
		.socket = source->socket,
		.defaults_file = file_of(seed, source),
		.insecure = seed->repl.insecure,
		.deadline_ns = act_statement_ns(&seed->act) };
	struct ha_db *db = ha_db_new();
	int failed = ha_db_defaults_read(
	    &replica, file_of(seed, seed->act.node), NULL, err);

	options.user = replica.user;
	options.password = replica.password;
	if (!failed && ha_db_connect(db, &options, err))
		failed = ha_err_set(err, err->status, 0,
		    "%s would get the accounts of %s, where its own login "
		    "fails: %s",
		    seed->act.node->name, source->name, err->msg);
	ha_db_free(db);
	ha_db_defaults_release(&replica);
	return failed;
}
