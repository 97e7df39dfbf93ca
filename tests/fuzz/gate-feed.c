/* SPDX-License-Identifier: ISC */
/*
 * gate-feed - any bytes on stdin make batches whose records can be decoded, and
 * whose sweeps are in order; nothing is held back at the end.
 */
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "feed.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
look_at(struct feed_batch *batch)
{
	struct ha_status status;
	int64_t time_ms;
	size_t until = 0;

	for (size_t i = 0; i < batch->sweep_count; i++) {
		const struct feed_sweep *sweep = &batch->sweeps[i];

		if (sweep->until < until || sweep->until > batch->count ||
		    (sweep->fate == FEED_ABORTED) != (sweep->words != NULL))
			abort();
		until = sweep->until;
	}
	for (size_t i = 0; i < batch->count; i++) {
		if (batch->records[i].sweep > batch->sweep_count)
			abort();
		feed_decode(batch, i, &status, &time_ms);
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	int fd = memfd_create("feed", MFD_CLOEXEC), more;
	struct feed_batch batch;
	struct ha_err err;
	struct feed feed;

	if (fd < 0 || write(fd, data, size) != (ssize_t)size ||
	    lseek(fd, 0, SEEK_SET) != 0)
		abort();
	feed_init(&feed, fd, 60000, 60000);
	/* Enough has been said. */
	feed.bad = 1000;
	feed.is_json = 1;
	do {
		feed_batch_init(&batch);
		more = feed_next(&feed, &batch, &err);
		look_at(&batch);
		feed_batch_release(&batch);
	} while (more > 0);
	if (more < 0 || feed.member_count != 0 || feed.open_count != 0)
		abort();
	feed_release(&feed);
	close(fd);
	return 0;
}
