/* SPDX-License-Identifier: ISC */
/*
 * repl-map - whatever two binary logs hold, the place that is found is one of
 * the source's, or there is a reason why none is.
 */
#include <stdint.h>
#include <stdlib.h>

#include "cells.h"
#include "map.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Nothing is asked here. */
int64_t
act_statement_ns(const struct act *act)
{
	(void)act;
	return 0;
}

static const char *const columns[] = { "Event_type", "Server_id", "End_log_pos",
	"Info" };
#define COLUMNS (sizeof(columns) / sizeof(*columns))

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct ha_db_result ours, theirs;
	struct map_commit *source, *replica;
	size_t source_count, replica_count, last = SIZE_MAX;
	struct cells_input input;
	const char *why = NULL;

	if (!size)
		return 0;
	input = (struct cells_input){ data + 1, size - 1 };
	ours = cells_result(&input, columns, COLUMNS, data[0]);
	theirs = cells_result(&input, columns, COLUMNS, 256);
	source_count = map_commits(&ours, "ha.heartbeat", &source);
	replica_count = map_commits(&theirs, "ha.heartbeat", &replica);
	if (source_count > ours.rows || replica_count > theirs.rows)
		abort();
	if (map_match(
		source, source_count, replica, replica_count, 1, &last, &why)) {
		if (!why)
			abort();
	} else if (last >= source_count) {
		abort();
	}
	free(source);
	free(replica);
	cells_release(&ours);
	cells_release(&theirs);
	return 0;
}
