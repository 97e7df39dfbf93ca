/* SPDX-License-Identifier: ISC */
/*
 * change - a record that can be decoded means the same when encoded again.
 */
#include "change.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "alloc.h"
#include "fs.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
check(const struct ha_change *change)
{
	struct ha_buf line = HA_BUF_INIT;
	struct ha_change again;
	struct ha_err err;

	if (change->op != 'S' && !ha_fs_path_is_inside(change->path))
		abort();
	ha_change_encode_json(&line, change);
	ha_buf_reset(&line);
	ha_change_encode(&line, change);
	ha_buf_truncate(&line, line.len - 1);
	if (ha_change_decode(line.data, &again, &err) ||
	    again.op != change->op || again.kind != change->kind ||
	    again.seq != change->seq || strcmp(again.path, change->path) ||
	    strcmp(again.new_path, change->new_path))
		abort();
	ha_buf_release(&line);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *line = ha_xmemdup(data, size);
	struct ha_change change;
	struct ha_err err;

	if (!ha_change_decode(line, &change, &err))
		check(&change);
	free(line);
	return 0;
}
