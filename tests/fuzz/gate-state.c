/* SPDX-License-Identifier: ISC */
/* gate-state - a gate's state, of anybody's bytes: what is read can be kept. */
#include <stdint.h>
#include <stdlib.h>

#include "alloc.h"
#include "buf.h"
#include "state.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = ha_xmemdup(data, size);
	struct ha_buf out = HA_BUF_INIT;
	struct state state;
	struct ha_err err;

	state_init(&state);
	if (state_decode(&state, text, size, &err) == 0) {
		state_set_clock(&state, INT64_C(1795392000000));
		state_encode(&out, &state, "web");
		state_release(&state);
		state_init(&state);
		if (state_decode(&state, out.data, out.len, &err) != 0)
			abort();
	} else if (err.status != EX_DATAERR || state.count != 0) {
		abort();
	}
	state_release(&state);
	ha_buf_release(&out);
	free(text);
	return 0;
}
