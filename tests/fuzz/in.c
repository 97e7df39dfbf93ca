/* SPDX-License-Identifier: ISC */
/*
 * in - however the bytes arrive, the same records come out, none too long.
 */
#include "in.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define SMALL_MAX 24

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
take_all(struct ha_in *in)
{
	struct ha_err err;
	char *line;
	size_t len;
	int got;

	while ((got = ha_in_next(in, &line, &len, &err)))
		if (got > 0 &&
		    (len > SMALL_MAX || line[len] || memchr(line, '\n', len)))
			abort();
}

static size_t
count_lines(const uint8_t *data, size_t size)
{
	size_t n = 0;

	while (size--)
		n += *data++ == '\n';
	return n;
}

/* The first byte says how large the pieces are. */
int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	size_t piece = size ? *data % 64 + 1 : 1;
	struct ha_err err;
	struct ha_in in;
	int ends[2];
	size_t at, n;

	if (size > 4096 || pipe(ends))
		return 0;
	ha_in_init(&in, ends[0], '\n');
	in.max = SMALL_MAX;
	for (at = 0; at < size; at += n) {
		n = size - at < piece ? size - at : piece;
		if (write(ends[1], data + at, n) != (ssize_t)n ||
		    ha_in_fill(&in, &err) != 1)
			abort();
		take_all(&in);
	}
	/* A long record is counted where it is found, before its end. */
	n = count_lines(data, size);
	if (in.number < n || in.number > n + 1)
		abort();
	close(ends[1]);
	if (ha_in_fill(&in, &err) != 0 || !in.eof)
		abort();
	close(ends[0]);
	ha_in_release(&in);
	return 0;
}
