/* SPDX-License-Identifier: ISC */
/* feed - stdin, cut into batches. */
#include "feed.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>

#include "alloc.h"
#include "clock.h"
#include "msg.h"

/* Records without a frame are one batch until nothing comes for so long. */
#define PAUSE_MS 500
#define COMPLAINTS_MAX 5

void
feed_init(struct feed *feed, int fd, int64_t sweep_ms, int64_t tick_ms)
{
	memset(feed, 0, sizeof(*feed));
	ha_in_init(&feed->in, fd, '\n');
	feed->in.max = HA_STATUS_MAX;
	feed->sweep_ms = sweep_ms;
	feed->tick_ms = tick_ms;
	feed->deadline_ns = HA_CLOCK_NEVER;
}

void
feed_release(struct feed *feed)
{
	ha_in_release(&feed->in);
	for (size_t i = 0; i < feed->producer_count; i++)
		free(feed->producers[i]);
	for (size_t i = 0; i < feed->open_count; i++)
		free(feed->open[i].id);
	free(feed->producers);
	free(feed->open);
	free(feed->ended);
}

void
feed_batch_init(struct feed_batch *batch)
{
	memset(batch, 0, sizeof(*batch));
	ha_buf_init(&batch->lines);
}

void
feed_batch_release(struct feed_batch *batch)
{
	for (size_t i = 0; i < batch->sweep_count; i++) {
		free(batch->sweeps[i].producer);
		free(batch->sweeps[i].words);
	}
	ha_buf_release(&batch->lines);
	free(batch->records);
	free(batch->sweeps);
}

static void
complain(struct feed *feed, const char *why)
{
	if (++feed->bad <= COMPLAINTS_MAX)
		ha_say("stdin:%llu: %s", feed->in.number, why);
	if (feed->bad == COMPLAINTS_MAX)
		ha_say("more such lines are only counted");
}

static const char *
producer_of(struct feed *feed, const char *name)
{
	for (size_t i = 0; i < feed->producer_count; i++)
		if (strcmp(feed->producers[i], name) == 0)
			return feed->producers[i];
	feed->producers = ha_xrealloc(feed->producers,
	    (feed->producer_count + 1) * sizeof(*feed->producers));
	feed->producers[feed->producer_count] = ha_xstrdup(name);
	return feed->producers[feed->producer_count++];
}

static void
add_sweep(struct feed_batch *batch, const char *producer, enum feed_fate fate,
    char *words)
{
	batch->sweeps = ha_xrealloc(
	    batch->sweeps, (batch->sweep_count + 1) * sizeof(*batch->sweeps));
	batch->sweeps[batch->sweep_count++] =
	    (struct feed_sweep){ ha_xstrdup(producer), fate, words };
}

/* No more sweeps are open: do the numbers agree? */
static void
close_sweeps(struct feed *feed, struct feed_batch *batch)
{
	size_t came = batch->count - feed->first;
	int is_one = 1;

	for (size_t i = 1; i < feed->ended_count; i++)
		is_one &= feed->ended[i] == feed->ended[0];
	for (size_t i = 0; i < feed->ended_count; i++) {
		if (came != feed->expected)
			add_sweep(batch, feed->ended[i], FEED_ABORTED,
			    ha_xasprintf("%zu of %llu results came", came,
				(unsigned long long)feed->expected));
		else if (is_one || came == 0)
			add_sweep(batch, feed->ended[i],
			    came > 0 ? FEED_COMPLETE : FEED_EMPTY, NULL);
	}
	for (size_t i = feed->first; is_one && i < batch->count; i++)
		batch->records[i].producer = feed->ended[0];
	feed->ended_count = 0;
	feed->expected = 0;
	feed->deadline_ns = HA_CLOCK_NEVER;
}

static void
abort_open(struct feed *feed, struct feed_batch *batch, const char *why)
{
	for (size_t i = 0; i < feed->open_count; i++) {
		add_sweep(batch, feed->open[i].producer, FEED_ABORTED,
		    ha_xasprintf("it broke off after %zu results: %s",
			batch->count - feed->first, why));
		free(feed->open[i].id);
	}
	feed->open_count = 0;
	feed->ended_count = 0;
	feed->expected = 0;
	feed->deadline_ns = HA_CLOCK_NEVER;
}

static void
begin_sweep(struct feed *feed, struct feed_batch *batch,
    const struct ha_status_frame *frame)
{
	struct feed_open open = { ha_xstrdup(frame->id),
		producer_of(feed, frame->name) };

	if (feed->open_count == 0 && feed->ended_count == 0) {
		feed->first = batch->count;
		feed->deadline_ns = ha_clock_deadline(feed->sweep_ms);
	}
	feed->open = ha_xrealloc(
	    feed->open, (feed->open_count + 1) * sizeof(*feed->open));
	feed->open[feed->open_count++] = open;
}

static void
end_sweep(struct feed *feed, struct feed_batch *batch,
    const struct ha_status_frame *frame)
{
	size_t i = 0;

	while (i < feed->open_count && strcmp(feed->open[i].id, frame->id) != 0)
		i++;
	if (i == feed->open_count) {
		complain(feed, "an #end without its #begin");
		return;
	}
	batch->is_quiet |= frame->is_quiet;
	feed->expected += frame->n;
	feed->ended = ha_xrealloc(
	    feed->ended, (feed->ended_count + 1) * sizeof(*feed->ended));
	feed->ended[feed->ended_count++] = feed->open[i].producer;
	free(feed->open[i].id);
	feed->open[i] = feed->open[--feed->open_count];
	if (feed->open_count == 0)
		close_sweeps(feed, batch);
}

static void
take_frame(struct feed *feed, struct feed_batch *batch, char *line)
{
	struct ha_status_frame frame;
	struct ha_err err;

	if (ha_status_frame_decode(line, &frame, &err) != 0) {
		complain(feed, err.msg);
		return;
	}
	if (frame.kind == HA_STATUS_BEGIN)
		begin_sweep(feed, batch, &frame);
	else if (frame.kind == HA_STATUS_END)
		end_sweep(feed, batch, &frame);
	feed->was_fed |= frame.kind != HA_STATUS_NO_FRAME;
}

/* Tried on a copy, as decoding changes the line. */
static int
is_record(struct feed *feed, const char *line, size_t len)
{
	static char copy[HA_STATUS_MAX + 1];
	struct ha_status status;
	struct ha_err err;

	if (*line == '{') {
		complain(feed, "a JSON object; ha-gate reads -F tsv");
		return 0;
	}
	if (strlen(line) != len) {
		complain(feed, "a NUL byte");
		return 0;
	}
	memcpy(copy, line, len + 1);
	if (ha_status_decode(copy, &status, &err) != 0) {
		complain(feed, err.msg);
		return 0;
	}
	return 1;
}

static void
take_record(
    struct feed *feed, struct feed_batch *batch, const char *line, size_t len)
{
	if (!is_record(feed, line, len))
		return;
	feed->was_fed = 1;
	if (batch->count == batch->cap) {
		batch->cap = batch->cap * 2 + 64;
		batch->records = ha_xrealloc(
		    batch->records, batch->cap * sizeof(*batch->records));
	}
	batch->records[batch->count++] =
	    (struct feed_record){ batch->lines.len, NULL };
	ha_buf_add(&batch->lines, line, len + 1);
}

static void
take_lines(struct feed *feed, struct feed_batch *batch)
{
	struct ha_err err;
	char *line;
	size_t len;
	int rc;

	while ((rc = ha_in_next(&feed->in, &line, &len, &err)) != 0) {
		if (rc < 0)
			complain(feed, err.msg);
		else if (*line == '#')
			take_frame(feed, batch, line);
		else
			take_record(feed, batch, line, len);
	}
}

static int64_t
wait_until(const struct feed *feed, const struct feed_batch *batch)
{
	if (feed->open_count > 0)
		return feed->deadline_ns;
	if (batch->sweep_count > 0)
		return ha_clock_now_ns();
	return ha_clock_deadline(batch->count > 0 ? PAUSE_MS : feed->tick_ms);
}

static int
end_of_input(struct feed *feed, struct feed_batch *batch)
{
	if (ha_in_rest(&feed->in) > 0)
		complain(feed, "the last line is cut off");
	abort_open(feed, batch, "its #end is missing");
	return 0;
}

int
feed_next(struct feed *feed, struct feed_batch *batch, struct ha_err *err)
{
	struct pollfd fd = { .fd = feed->in.fd, .events = POLLIN };
	int64_t until_ns;
	int n;

	for (;;) {
		take_lines(feed, batch);
		if (feed->in.eof)
			return end_of_input(feed, batch);
		until_ns = wait_until(feed, batch);
		n = poll(&fd, 1, ha_clock_poll_ms(until_ns));
		if (n < 0 && errno != EINTR)
			return ha_err_set(
			    err, EX_OSERR, errno, "can't wait for stdin");
		if (n > 0 && ha_in_fill(&feed->in, err) < 0 &&
		    err->sys != EAGAIN)
			return -1;
		if (n != 0 || ha_clock_now_ns() < until_ns)
			continue;
		if (feed->open_count > 0)
			abort_open(feed, batch, "its time (-T) is up");
		return 1;
	}
}

void
feed_decode(struct feed_batch *batch, size_t i, struct ha_status *status,
    int64_t *time_ms)
{
	struct ha_err err;

	if (ha_status_decode(
		batch->lines.data + batch->records[i].at, status, &err) != 0 ||
	    ha_clock_parse_rfc3339(status->time, time_ms, &err) != 0)
		abort();
}
