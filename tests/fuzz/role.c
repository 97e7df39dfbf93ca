/* SPDX-License-Identifier: ISC */
/*
 * role - whatever a role file holds, it is refused or means one thing.
 */
#include "role.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
check(const struct ha_role *role)
{
	struct ha_buf line = HA_BUF_INIT;
	struct ha_role again;
	struct ha_err err;

	ha_role_encode_json(&line, role);
	ha_buf_reset(&line);
	ha_role_encode(&line, role);
	ha_role_init(&again);
	/* Bytes that could have been escaped may make it too long now. */
	if (line.len <= HA_ROLE_SIZE &&
	    (ha_role_decode(&again, line.data, line.len, &err) ||
		again.is_active != role->is_active ||
		again.epoch != role->epoch ||
		strcmp(again.since, role->since) ||
		strcmp(again.reason, role->reason)))
		abort();
	ha_role_release(&again);
	ha_buf_release(&line);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char good[] = "active\t1\t2026-01-31T23:59:59Z\t";
	struct ha_buf text = HA_BUF_INIT;
	struct ha_role role;
	struct ha_err err;

	ha_role_init(&role);
	/* Half of the time behind a good beginning. */
	if (size && data[0] & 1)
		ha_buf_add(&text, good, sizeof(good) - 1);
	if (size)
		ha_buf_add(&text, data + 1, size - 1);
	if (!ha_role_decode(&role, text.data, text.len, &err))
		check(&role);
	ha_buf_release(&text);
	ha_role_release(&role);
	return 0;
}
