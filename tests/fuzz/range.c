/* SPDX-License-Identifier: ISC */
/*
 * range - a threshold that is read is written and read again the same;
 * performance data of any bytes stays one item.
 */
#include "range.h"

#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "alloc.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int
is_near(double a, double b)
{
	return a == b || fabs(a - b) <= 1e-5 * fabs(a) + 1e-9;
}

static void
check_range(const char *text, enum ha_range_unit unit)
{
	struct ha_buf written = HA_BUF_INIT;
	struct ha_range range, again;
	struct ha_err err;

	if (ha_range_parse(text, unit, &range, &err))
		return;
	if (isnan(range.start) || isnan(range.end) || range.start > range.end)
		abort();
	ha_range_add(&written, &range);
	/* Numbers are rounded: two that were apart may have met. */
	if (ha_range_parse(written.data, HA_RANGE_NUMBER, &again, &err) ||
	    !is_near(range.start, again.start) ||
	    !is_near(range.end, again.end) ||
	    range.is_inside != again.is_inside)
		abort();
	ha_buf_release(&written);
}

static void
check_item(const char *label, double value)
{
	struct ha_perf item = { label, value, "B", NULL, 0, 0, NAN };
	struct ha_buf perf = HA_BUF_INIT, read = HA_BUF_INIT;
	struct ha_perf_text text;
	const char *at;

	ha_perf_add(&perf, &item);
	at = perf.data;
	if (!ha_perf_next(&at, &read, &text) || *at ||
	    read.len != strlen(label) || strchr(perf.data, '|'))
		abort();
	if (!text.number_len && isfinite(value))
		abort();
	ha_buf_release(&perf);
	ha_buf_release(&read);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = ha_xmemdup(data, size);
	struct ha_buf label = HA_BUF_INIT;
	struct ha_perf_text item;
	const char *perf = text;
	double value = 0;

	check_range(text, HA_RANGE_NUMBER);
	check_range(text, HA_RANGE_SECONDS);
	check_range(text, HA_RANGE_BYTES);
	if (size >= sizeof(value))
		memcpy(&value, data, sizeof(value));
	check_item(text, value);
	while (ha_perf_next(&perf, &label, &item))
		if (item.number_len + item.unit_len > item.len)
			abort();
	ha_buf_release(&label);
	free(text);
	return 0;
}
