/* SPDX-License-Identifier: ISC */
/* keep-view - a keeper's state file, or its answer, of anybody's bytes. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "alloc.h"
#include "view.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* What was read is written and read again: the same verdict. */
static void
there_and_back(const struct view *view, const struct ha_buf *msg)
{
	struct ha_buf line = HA_BUF_INIT, again = HA_BUF_INIT;
	struct ha_buf perf = HA_BUF_INIT;
	struct ha_err err;
	struct view back;

	view_encode(&line, view);
	if (!line.len || strchr(line.data, '\n') != line.data + line.len - 1)
		abort();
	line.data[line.len - 1] = '\0';
	if (view_decode(&back, line.data, &err))
		abort();
	view_judge(&back, 5000, &again, &perf);
	if (strcmp(again.data, msg->data) != 0)
		abort();
	ha_buf_release(&line);
	ha_buf_release(&again);
	ha_buf_release(&perf);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct ha_buf msg = HA_BUF_INIT, perf = HA_BUF_INIT;
	char *text = ha_xmemdup(data, size);
	struct view view;
	struct ha_err err;

	if (view_decode(&view, text, &err)) {
		if (err.status != EX_DATAERR)
			abort();
	} else {
		view_judge(&view, 5000, &msg, &perf);
		there_and_back(&view, &msg);
		ha_buf_reset(&msg);
		view_judge_dead(&view, &msg, &perf);
	}
	ha_buf_release(&msg);
	ha_buf_release(&perf);
	free(text);
	return 0;
}
