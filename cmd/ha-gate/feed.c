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
#include "stop.h"

#define PAUSE_MS 500
#define OLD_MS 2000
#define BATCH_MAX ((size_t)256 * 1024 * 1024)
#define COMPLAINTS_MAX 5

void
feed_init(struct feed *feed, int fd, int64_t sweep_ms, int64_t tick_ms)
{
	memset(feed, 0, sizeof(*feed));
	ha_in_init(&feed->in, fd, '\n');
	feed->in.max = HA_STATUS_MAX;
	feed->sweep_ms = sweep_ms;
	feed->tick_ms = tick_ms;
	feed->pause_ms = PAUSE_MS;
	feed->old_ms = OLD_MS;
	feed->left_ns = ha_clock_now_ns();
}

static void
forget_members(struct feed *feed)
{
	for (size_t i = 0; i < feed->member_count; i++) {
		free(feed->members[i].id);
		free(feed->members[i].producer);
	}
	feed->member_count = 0;
	feed->open_count = 0;
	feed->came = 0;
	feed->gone = 0;
	feed->is_short = 0;
	feed->is_cut = 0;
}

void
feed_release(struct feed *feed)
{
	ha_in_release(&feed->in);
	forget_members(feed);
	free(feed->members);
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

void
feed_batch_add_sweep(struct feed_batch *batch, const char *producer,
    enum feed_fate fate, char *words)
{
	batch->sweeps = ha_xrealloc(
	    batch->sweeps, (batch->sweep_count + 1) * sizeof(*batch->sweeps));
	batch->sweeps[batch->sweep_count++] =
	    (struct feed_sweep){ .producer = ha_xstrdup(producer),
		    .fate = fate,
		    .words = words,
		    .until = batch->count };
}

static void
complain(struct feed *feed, const char *why)
{
	if (++feed->bad <= COMPLAINTS_MAX)
		ha_say("stdin:%llu: %s", feed->in.number, why);
	if (feed->bad == COMPLAINTS_MAX)
		ha_say("more such lines are only counted");
}

static void
remove_member(struct feed *feed, size_t i)
{
	struct feed_member gone = feed->members[i];

	feed->member_count--;
	memmove(&feed->members[i], &feed->members[i + 1],
	    (feed->member_count - i) * sizeof(*feed->members));
	feed->open_count -= (size_t)gone.is_open;
	free(gone.id);
	free(gone.producer);
}

/* Those that have ended: did all of their records come? */
static uint64_t
close_ended(struct feed *feed, struct feed_batch *batch)
{
	uint64_t expected = feed->gone;
	int is_lost;

	for (size_t i = 0; i < feed->member_count; i++)
		if (!feed->members[i].is_open)
			expected += feed->members[i].checks;
	/* More than there are: of somebody who uses no frame. */
	is_lost = feed->came < expected && !feed->is_short && !batch->is_quiet;
	for (size_t i = 0; i < feed->member_count; i++) {
		const struct feed_member *member = &feed->members[i];

		if (member->is_open)
			continue;
		feed_batch_add_sweep(batch, member->producer,
		    is_lost              ? FEED_ABORTED
		    : member->checks > 0 ? FEED_COMPLETE
					 : FEED_EMPTY,
		    is_lost ? ha_xasprintf("%llu of %llu results came",
				  (unsigned long long)feed->came,
				  (unsigned long long)expected)
			    : NULL);
		batch->sweeps[batch->sweep_count - 1].checks =
		    is_lost ? 0 : member->checks;
	}
	return expected;
}

/* All sweeps that overlap are over. */
static void
close_sweeps(struct feed *feed, struct feed_batch *batch)
{
	int is_alone = feed->member_count == 1 && !feed->is_cut;
	uint64_t expected = close_ended(feed, batch);

	if (is_alone && feed->came == expected) {
		batch->sweeps[batch->sweep_count - 1].is_alone = 1;
		for (size_t i = feed->first; i < batch->count; i++)
			batch->records[i].sweep = batch->sweep_count;
	}
	forget_members(feed);
}

/* Of sweeps that overlap, what goes out before all of them are over. */
static void
cut(struct feed *feed, struct feed_batch *batch)
{
	size_t i = 0;

	feed->is_cut = 1;
	feed->gone = close_ended(feed, batch);
	while (i < feed->member_count) {
		if (feed->members[i].is_open)
			i++;
		else
			remove_member(feed, i);
	}
}

static void
abort_member(
    struct feed *feed, struct feed_batch *batch, size_t i, const char *why)
{
	feed_batch_add_sweep(batch, feed->members[i].producer, FEED_ABORTED,
	    feed->member_count == 1
		? ha_xasprintf("it broke off after %llu result%s: %s",
		      (unsigned long long)feed->came,
		      feed->came == 1 ? "" : "s", why)
		: ha_xasprintf("it broke off: %s", why));
	remove_member(feed, i);
	feed->is_short = 1;
	if (feed->open_count == 0)
		close_sweeps(feed, batch);
}

/* Those whose time is up; at the end of input all. */
static void
abort_late(struct feed *feed, struct feed_batch *batch, int64_t now_ns,
    const char *why)
{
	size_t i = 0;

	while (i < feed->member_count) {
		if (feed->members[i].is_open &&
		    feed->members[i].deadline_ns <= now_ns)
			abort_member(feed, batch, i, why);
		else
			i++;
	}
}

static size_t
find_open(const struct feed *feed, const char *id)
{
	size_t i = 0;

	while (i < feed->member_count &&
	       (!feed->members[i].is_open || strcmp(feed->members[i].id, id)))
		i++;
	return i;
}

static void
begin_sweep(struct feed *feed, struct feed_batch *batch,
    const struct ha_status_frame *frame)
{
	size_t same = find_open(feed, frame->id);

	if (same < feed->member_count)
		abort_member(feed, batch, same, "it began anew");
	if (feed->member_count == 0)
		feed->first = batch->count;
	feed->members = ha_xrealloc(
	    feed->members, (feed->member_count + 1) * sizeof(*feed->members));
	feed->members[feed->member_count++] =
	    (struct feed_member){ ha_xstrdup(frame->id),
		    ha_xstrdup(frame->name), ha_clock_deadline(feed->sweep_ms),
		    1, 0 };
	feed->open_count++;
}

static void
end_sweep(struct feed *feed, struct feed_batch *batch,
    const struct ha_status_frame *frame)
{
	size_t i = find_open(feed, frame->id);

	if (i == feed->member_count) {
		complain(feed, "an #end without its #begin");
		return;
	}
	batch->is_quiet |= frame->is_quiet;
	feed->members[i].checks = frame->n;
	feed->members[i].is_open = 0;
	feed->has_news = 1;
	if (--feed->open_count == 0)
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

/* Of all its lines only the first is worth a word. */
static void
take_json(struct feed *feed)
{
	if (!feed->is_json)
		ha_say("stdin:%llu: this is JSON; ha-gate reads status records "
		       "as the prober writes them with -F tsv",
		    feed->in.number);
	feed->is_json = 1;
	feed->bad++;
}

/* Tried on a copy, as decoding changes the line. */
static int
is_record(struct feed *feed, const char *line, size_t len)
{
	static char copy[HA_STATUS_MAX + 1];
	struct ha_status status;
	struct ha_err err;

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
	feed->came += feed->member_count > 0;
	if (batch->count == batch->cap) {
		batch->cap = batch->cap * 2 + 64;
		batch->records = ha_xrealloc(
		    batch->records, batch->cap * sizeof(*batch->records));
	}
	batch->records[batch->count++] =
	    (struct feed_record){ batch->lines.len, 0 };
	ha_buf_add(&batch->lines, line, len + 1);
}

/*
 * May it go out, whatever comes?  Not as a part of one sweep; but sweeps that
 * overlap may go on for ever, and one of them may have died.
 */
static int
is_whole(const struct feed *feed, const struct feed_batch *batch)
{
	if (feed->open_count > 0)
		return feed->has_news || batch->sweep_count > 0;
	return batch->count > 0 || batch->sweep_count > 0;
}

/* Who never pauses is not waited for. */
static int
is_due(const struct feed *feed, const struct feed_batch *batch)
{
	return batch->lines.len >= BATCH_MAX ||
	       (is_whole(feed, batch) && ha_clock_now_ns() >= feed->old_ns);
}

/* Until nothing whole is left, 0; or the batch is to go out, 1. */
static int
take_lines(struct feed *feed, struct feed_batch *batch)
{
	struct ha_err err;
	char *line;
	size_t len;
	int rc;

	while ((rc = ha_in_next(&feed->in, &line, &len, &err)) != 0) {
		if (!is_whole(feed, batch))
			feed->old_ns = ha_clock_deadline(feed->old_ms);
		if (rc < 0)
			complain(feed, err.msg);
		else if (*line == '{')
			take_json(feed);
		else if (*line != '#')
			take_record(feed, batch, line, len);
		else
			take_frame(feed, batch, line);
		if (rc > 0 && *line == '#' && is_due(feed, batch))
			return 1;
	}
	return is_due(feed, batch);
}

static int64_t
earlier(int64_t a_ns, int64_t b_ns)
{
	return a_ns < b_ns ? a_ns : b_ns;
}

/* When it is to go out if nothing more comes. */
static int64_t
wait_until(
    const struct feed *feed, const struct feed_batch *batch, int64_t tick_ns)
{
	int64_t until_ns = feed->open_count > 0 ? HA_CLOCK_NEVER : tick_ns;

	for (size_t i = 0; i < feed->member_count; i++)
		if (feed->members[i].is_open)
			until_ns =
			    earlier(until_ns, feed->members[i].deadline_ns);
	if (!is_whole(feed, batch))
		return until_ns;
	if (feed->open_count == 0 && batch->sweep_count > 0)
		return 0;
	until_ns =
	    earlier(until_ns, feed->input_ns + feed->pause_ms * HA_MS_NS);
	return earlier(until_ns, feed->old_ns);
}

static int
end_of_input(struct feed *feed, struct feed_batch *batch, const char *why)
{
	if (ha_in_rest(&feed->in) > 0)
		complain(feed, "the last line is cut off");
	abort_late(feed, batch, HA_CLOCK_NEVER, why);
	return 0;
}

/* Bytes came, 1; none until then, 0; a signal, -2; -1. */
static int
wait_for_bytes(struct feed *feed, int64_t until_ns, struct ha_err *err)
{
	struct pollfd fds[2] = { { .fd = feed->in.fd, .events = POLLIN },
		{ .fd = stop_fd(), .events = POLLIN } };
	int n = poll(fds, 2, ha_clock_poll_ms(until_ns));

	if (n < 0 && errno != EINTR)
		return ha_err_set(err, EX_OSERR, errno, "can't wait for stdin");
	if (stop_came())
		return -2;
	if (n <= 0 || fds[0].revents == 0)
		return n != 0;
	feed->input_ns = ha_clock_now_ns();
	return ha_in_fill(&feed->in, err) < 0 && err->sys != EAGAIN ? -1 : 1;
}

static int
gather(struct feed *feed, struct feed_batch *batch, struct ha_err *err)
{
	int64_t tick_ns = ha_clock_deadline(feed->tick_ms);
	int64_t until_ns, now_ns;
	int rc;

	for (;;) {
		if (take_lines(feed, batch))
			return 1;
		if (feed->in.eof)
			return end_of_input(feed, batch, "its #end never came");
		until_ns = wait_until(feed, batch, tick_ns);
		rc = wait_for_bytes(feed, until_ns, err);
		if (rc == -1)
			end_of_input(feed, batch, "stdin can't be read");
		if (rc < 0)
			return rc == -1 ? -1 : 0;
		now_ns = ha_clock_now_ns();
		/* What is there already may be more sweeps. */
		if (now_ns < until_ns || (rc > 0 && until_ns == 0))
			continue;
		if (rc > 0 && take_lines(feed, batch))
			return 1;
		abort_late(feed, batch, now_ns, "its time (-T) is up");
		if (feed->open_count == 0 || is_whole(feed, batch))
			return 1;
	}
}

int
feed_next(struct feed *feed, struct feed_batch *batch, struct ha_err *err)
{
	int64_t away_ns = ha_clock_now_ns() - feed->left_ns;
	int rc;

	for (size_t i = 0; i < feed->member_count; i++)
		if (feed->members[i].deadline_ns != HA_CLOCK_NEVER)
			feed->members[i].deadline_ns += away_ns;
	rc = gather(feed, batch, err);
	if (feed->open_count > 0 &&
	    (feed->has_news || batch->count > feed->first))
		cut(feed, batch);
	feed->has_news = 0;
	feed->first = 0;
	feed->left_ns = ha_clock_now_ns();
	return rc;
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
