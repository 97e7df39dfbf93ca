/* SPDX-License-Identifier: ISC */
/* cells - results whose cells are the input's bytes, up to each NUL. */
#ifndef FUZZ_CELLS_H
#define FUZZ_CELLS_H

#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "alloc.h"
#include "db.h"

struct cells_input {
	const uint8_t *data;
	size_t size;
};

/* An empty one is SQL's NULL. */
static inline char *
cells_next(struct cells_input *input)
{
	const uint8_t *end =
	    input->size ? memchr(input->data, '\0', input->size) : NULL;
	size_t len = end ? (size_t)(end - input->data) : input->size;
	char *cell = len ? ha_xmemdup(input->data, len) : NULL;

	input->data += len + !!end;
	input->size -= len + !!end;
	return cell;
}

/* One cell after the other, until there are no more bytes or rows enough. */
static inline struct ha_db_result
cells_result(struct cells_input *input, const char *const *columns,
    size_t count, size_t rows_max)
{
	struct ha_db_result result = HA_DB_RESULT_INIT;

	result.columns = count;
	result.names = ha_xcalloc(count, sizeof(char *));
	for (size_t i = 0; i < count; i++)
		result.names[i] = ha_xstrdup(columns[i]);
	while (input->size && result.rows < rows_max) {
		result.cells = ha_xrealloc(
		    result.cells, (result.rows + 1) * count * sizeof(char *));
		for (size_t i = 0; i < count; i++)
			result.cells[result.rows * count + i] =
			    cells_next(input);
		result.rows++;
	}
	result.words = ha_xstrdup(result.rows && result.cells[0] ? "" : "x");
	return result;
}

static inline void
cells_release(struct ha_db_result *result)
{
	for (size_t i = 0; i < result->columns; i++)
		free(result->names[i]);
	for (size_t i = 0; i < result->rows * result->columns; i++)
		free(result->cells[i]);
	ha_db_result_release(result);
}

#endif
