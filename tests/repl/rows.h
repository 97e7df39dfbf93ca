/* SPDX-License-Identifier: ISC */
/* rows - results as a server would have returned them, written down as text. */
#ifndef TEST_ROWS_H
#define TEST_ROWS_H

#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "alloc.h"
#include "db.h"

/* Cells until the end of the line, "|" between them; NULL is SQL's NULL. */
static inline size_t
rows_split(char *line, char **cells)
{
	size_t count = 0;

	for (char *cell; (cell = strsep(&line, "|")); count++)
		if (cells)
			cells[count] = strcmp(cell, "NULL") ? cell : NULL;
	return count;
}

/*
 * "a|b\n1|2\n": the columns' names, then the rows, each ended by a newline.
 * Given back by ha_db_result_release().
 */
static inline struct ha_db_result
rows_of(const char *text)
{
	struct ha_db_result result = HA_DB_RESULT_INIT;
	size_t lines = 0, columns = 1;
	char *rest;

	result.text = rest = ha_xstrdup(text);
	for (const char *c = text; *c; c++) {
		columns += !lines && *c == '|';
		lines += *c == '\n';
	}
	result.columns = columns;
	result.rows = lines - 1;
	result.names = ha_xcalloc(columns, sizeof(char *));
	result.cells = ha_xcalloc(lines * columns, sizeof(char *));
	rows_split(strsep(&rest, "\n"), result.names);
	for (size_t i = 0; i + 1 < lines; i++)
		rows_split(strsep(&rest, "\n"), &result.cells[i * columns]);
	return result;
}

/* One row, as \G prints it: "a|1\nb|2\n" is a column a line. */
static inline struct ha_db_result
rows_of_one(const char *text)
{
	struct ha_db_result result = HA_DB_RESULT_INIT;
	char *rest, *line, *pair[2];

	result.text = rest = ha_xstrdup(text);
	for (const char *c = text; *c; c++)
		result.columns += *c == '\n';
	result.rows = 1;
	result.names = ha_xcalloc(result.columns, sizeof(char *));
	result.cells = ha_xcalloc(result.columns, sizeof(char *));
	for (size_t i = 0; i < result.columns; i++) {
		line = strsep(&rest, "\n");
		rows_split(line, pair);
		result.names[i] = pair[0];
		result.cells[i] = pair[1];
	}
	return result;
}

/* As the server refuses a statement. */
static inline struct ha_db_result
rows_refused(unsigned error, const char *words)
{
	struct ha_db_result result = HA_DB_RESULT_INIT;

	result.error = error;
	result.words = ha_xstrdup(words);
	return result;
}

#endif
