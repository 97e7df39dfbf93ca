/* SPDX-License-Identifier: ISC */
/*
 * header - a #ha-watch line that can be decoded survives another round.
 */
#include "change.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "alloc.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
check(const struct ha_change_header *header)
{
	struct ha_buf line = HA_BUF_INIT;
	struct ha_change_header again;
	struct ha_err err;

	ha_change_header_encode_json(&line, header);
	ha_buf_reset(&line);
	ha_change_header_encode(&line, header);
	ha_buf_truncate(&line, line.len - 1);
	ha_change_header_init(&again);
	if (ha_change_header_decode(line.data, &again, &err) ||
	    strcmp(again.root, header->root) || again.dev != header->dev ||
	    again.ino != header->ino ||
	    again.exclude_count != header->exclude_count)
		abort();
	ha_change_header_release(&again);
	ha_buf_release(&line);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	/* Nobody guesses the magic word. */
	char *line = ha_xasprintf("#ha-watch\tv=1\troot=/\tdev=1\tino=1\t%.*s",
	    (int)size, (const char *)data);
	struct ha_change_header header;
	struct ha_err err;

	ha_change_header_init(&header);
	if (!ha_change_header_decode(line, &header, &err))
		check(&header);
	ha_change_header_release(&header);
	free(line);
	return 0;
}
