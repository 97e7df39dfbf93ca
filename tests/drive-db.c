/* SPDX-License-Identifier: ISC */
/*
 * drive-db - put lib/db to work from a shell.
 *
 * drive-db [KEY=VALUE]... [STATEMENT]...
 *	KEY	host name port socket source file group user password insecure,
 *		ms: until connected, and for the statements
 *
 * Prints "tls VERSION" and for each statement, in one batch, its rows, or
 * "error NUMBER WORDS"; exits with the error's status.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "alloc.h"
#include "clock.h"
#include "db.h"
#include "msg.h"

#define MAX_STATEMENTS 64

static int64_t patience_ms = 5000;

static int
is_option(struct ha_db_options *options, const char *word)
{
	const struct {
		const char *key;
		const char **value;
	} table[] = {
		{ "host", &options->host },
		{ "name", &options->name },
		{ "socket", &options->socket },
		{ "source", &options->source },
		{ "file", &options->defaults_file },
		{ "group", &options->group },
		{ "user", &options->user },
		{ "password", &options->password },
		{ "insecure", &options->insecure },
	};
	size_t len = strcspn(word, "=");

	if (word[len] == '\0')
		return 0;
	if (len == 4 && memcmp(word, "port", len) == 0) {
		options->port = (unsigned)strtoul(word + len + 1, NULL, 10);
		return 1;
	}
	if (len == 2 && memcmp(word, "ms", len) == 0) {
		patience_ms = strtol(word + len + 1, NULL, 10);
		return 1;
	}
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++)
		if (strlen(table[i].key) == len &&
		    memcmp(word, table[i].key, len) == 0) {
			*table[i].value = word + len + 1;
			return 1;
		}
	return 0;
}

static void
show(const struct ha_db_result *result)
{
	const char *cell;

	if (result->error)
		printf("error %u %s\n", result->error, result->words);
	for (size_t i = 0; i < result->rows * result->columns; i++) {
		cell = result->cells[i];
		printf("%s%c", cell ? cell : "NULL",
		    (i + 1) % result->columns ? '\t' : '\n');
	}
}

int
main(int argc, char **argv)
{
	struct ha_db_result results[MAX_STATEMENTS];
	struct ha_db_options options = { 0 };
	struct ha_db *db = ha_db_new();
	struct ha_err err;
	size_t count = 0;
	int rc;

	ha_msg_init("drive-db");
	argv += argc > 0;
	while (*argv && is_option(&options, *argv))
		argv++;
	while (count < MAX_STATEMENTS && argv[count])
		count++;
	memset(results, 0, sizeof(results));
	options.deadline_ns = ha_clock_deadline(patience_ms);
	if (ha_db_connect(db, &options, &err))
		ha_die_err(&err);
	printf("tls %s\n", ha_db_tls_version(db));
	rc = ha_db_batch(db, (const char *const *)argv, count,
	    ha_clock_deadline(patience_ms), results, &err);
	for (size_t i = 0; i < count; i++) {
		show(&results[i]);
		ha_db_result_release(&results[i]);
	}
	ha_db_free(db);
	if (rc)
		ha_die_err(&err);
	return 0;
}
