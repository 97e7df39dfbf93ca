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

int
seed_count(struct seed *seed, const char *sql, int64_t *n, struct ha_err *err)
{
	struct ha_db_result result = HA_DB_RESULT_INIT;
	int failed = ha_db_query(seed->act.source_db, sql,
	    act_statement_ns(&seed->act), &result, err);

	if (!failed && result.rows && result.cells[0])
		*n = strtoll(result.cells[0], NULL, 10);
	ha_db_result_release(&result);
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
