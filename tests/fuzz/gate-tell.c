/* SPDX-License-Identifier: ISC */
/*
 * gate-tell - records, frames and rules of anybody's bytes, with empty lines
 * between batches: what is told can be read, and what is kept too.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "alloc.h"
#include "clock.h"
#include "tell.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
check_told(void *context, const struct ha_transition *told)
{
	struct ha_transition again;
	struct ha_buf line = HA_BUF_INIT;
	struct ha_err err;

	(void)context;
	ha_transition_encode(&line, told);
	if (line.len > HA_STATUS_MAX)
		abort();
	line.data[line.len - 1] = '\0';
	if (ha_transition_decode(line.data, &again, &err) != 0)
		abort();
	ha_buf_release(&line);
}

static void
end_batch(struct tell *tell)
{
	struct ha_buf text = HA_BUF_INIT;
	struct state again;
	struct ha_err err;

	tell_all(tell);
	rules_forget(tell->rules);
	state_init(&again);
	state_encode(&text, tell->state, "web");
	if (state_decode(&again, text.data, text.len, &err) != 0)
		abort();
	state_release(&again);
	ha_buf_release(&text);
	tell->now_ms += 1000 + tell->now_ms % 977 * 3000;
	tell_begin(tell);
}

/* A record of a sweep if its line begins with a blank. */
static void
take(struct tell *tell, char *line)
{
	struct ha_status_frame frame;
	struct ha_status status;
	struct ha_err err;
	int64_t time_ms;
	int is_known = *line == ' ';

	if (*line == '#') {
		if (ha_status_frame_decode(line, &frame, &err) != 0 &&
		    err.status != EX_DATAERR)
			abort();
	} else if (ha_status_decode(line + is_known, &status, &err) == 0) {
		if (ha_clock_parse_rfc3339(status.time, &time_ms, &err) != 0)
			abort();
		tell_take(tell, &status, time_ms,
		    is_known ? state_producer(tell->state, "p") : NULL,
		    is_known ? tell_sweep(tell) : 0);
	} else if (err.status != EX_DATAERR) {
		abort();
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = ha_xmemdup(data, size), *rest = text, *line;
	struct rules_of options;
	struct state state;
	struct tell tell = { .state = &state,
		.now_ms = INT64_C(1795392000000),
		.each = check_told };

	rules_set_defaults(&options);
	tell.rules = rules_new(&options);
	state_init(&state);
	tell_begin(&tell);
	while ((line = strsep(&rest, "\n")) != NULL) {
		if (*line == '\0')
			end_batch(&tell);
		else
			take(&tell, line);
	}
	end_batch(&tell);
	state_release(&state);
	rules_free(tell.rules);
	free(text);
	return 0;
}
