/* SPDX-License-Identifier: ISC */
/*
 * rec - any bytes survive being escaped; any line can be read.
 */
#include "rec.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "alloc.h"

#define MAX_FIELDS 16

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
round_trip(const uint8_t *data, size_t size)
{
	struct ha_buf field = HA_BUF_INIT, text = HA_BUF_INIT;
	struct ha_err err;
	size_t len;

	ha_rec_add_field(&field, data, size);
	ha_rec_add_printable(&text, data, size);
	if (strpbrk(field.data, "\t\n") || strpbrk(text.data, "\t\n"))
		abort();
	if (ha_rec_unescape(field.data, &len, &err) || len != size ||
	    (size && memcmp(field.data, data, size)))
		abort();
	ha_buf_reset(&text);
	ha_rec_add_json(&text, data, size);
	if (strlen(text.data) != text.len || strchr(text.data, '\n'))
		abort();
	ha_buf_release(&field);
	ha_buf_release(&text);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *line = ha_xmemdup(data, size);
	char *fields[MAX_FIELDS];
	struct ha_err err;
	size_t n, len;

	round_trip(data, size);
	n = ha_rec_split(line, fields, MAX_FIELDS);
	while (n--)
		(void)ha_rec_unescape(fields[n], &len, &err);
	free(line);
	return 0;
}
