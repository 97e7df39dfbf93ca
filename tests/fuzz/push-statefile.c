/* SPDX-License-Identifier: ISC */
/* push-statefile - a status file, or an index, of anybody's bytes. */
#include <stdint.h>
#include <stdlib.h>

#include "alloc.h"
#include "statefile.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = ha_xmemdup(data, size);
	struct statefile state;
	struct ha_err err;

	statefile_init(&state);
	if (statefile_parse(text, size, &state, &err) == 0) {
		if (state.is_index ? state.peer_count == 0
				   : state.target == NULL)
			abort();
		if (state.lag_ms < 0 || state.uptime_ms < 0 ||
		    state.peer_count > STATEFILE_PEERS_MAX)
			abort();
	} else if (err.status != EX_DATAERR && err.status != EX_UNAVAILABLE) {
		abort();
	}
	statefile_release(&state);
	free(text);
	return 0;
}
