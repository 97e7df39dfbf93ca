/* SPDX-License-Identifier: ISC */
/* loop - one epoll(7) descriptor and the timers of all probes. */
#include "loop.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "alloc.h"
#include "clock.h"

#define BATCH 256
/* Batches of events before timers have their turn in spite of more of them. */
#define ROUNDS 64

struct loop {
	int fd;
	int64_t now_ns;
	struct loop_timer **heap; /* from 1; the earliest first */
	size_t count, capacity;
	struct epoll_event events[BATCH];
	int next, ready; /* of events, those not handled yet */
};

int
loop_new(struct loop **loop, struct ha_err *err)
{
	struct loop *new = ha_xcalloc(1, sizeof(*new));

	new->fd = epoll_create1(EPOLL_CLOEXEC);
	if (new->fd < 0) {
		free(new);
		return ha_err_set(err, EX_OSERR, errno, "epoll_create1");
	}
	new->now_ns = ha_clock_now_ns();
	*loop = new;
	return 0;
}

void
loop_free(struct loop *loop)
{
	if (loop == NULL)
		return;
	close(loop->fd);
	free(loop->heap);
	free(loop);
}

static int
control(struct loop *loop, int op, struct loop_source *source, uint32_t events)
{
	struct epoll_event event = { .events = events, .data.ptr = source };

	return epoll_ctl(loop->fd, op, source->fd, &event);
}

int
loop_add(struct loop *loop, struct loop_source *source, uint32_t events)
{
	return control(loop, EPOLL_CTL_ADD, source, events);
}

int
loop_change(struct loop *loop, struct loop_source *source, uint32_t events)
{
	return control(loop, EPOLL_CTL_MOD, source, events);
}

/* What was already fetched for it must not be delivered. */
static void
drop_events(struct loop *loop, const struct loop_source *source)
{
	for (int i = loop->next; i < loop->ready; i++)
		if (loop->events[i].data.ptr == source)
			loop->events[i].data.ptr = NULL;
}

void
loop_remove(struct loop *loop, struct loop_source *source)
{
	control(loop, EPOLL_CTL_DEL, source, 0);
	drop_events(loop, source);
}

void
loop_close(struct loop *loop, struct loop_source *source)
{
	if (source->fd < 0)
		return;
	/* The last descriptor of a socket takes it out of epoll as well. */
	close(source->fd);
	source->fd = -1;
	drop_events(loop, source);
}

static void
put(struct loop *loop, size_t place, struct loop_timer *timer)
{
	loop->heap[place] = timer;
	timer->place = place;
}

static void
sift_up(struct loop *loop, struct loop_timer *timer)
{
	size_t place = timer->place;

	while (place > 1 && loop->heap[place / 2]->at_ns > timer->at_ns) {
		put(loop, place, loop->heap[place / 2]);
		place /= 2;
	}
	put(loop, place, timer);
}

static void
sift_down(struct loop *loop, struct loop_timer *timer)
{
	size_t place = timer->place;

	for (;;) {
		size_t child = 2 * place;

		if (child < loop->count &&
		    loop->heap[child + 1]->at_ns < loop->heap[child]->at_ns)
			child++;
		if (child > loop->count ||
		    loop->heap[child]->at_ns >= timer->at_ns)
			break;
		put(loop, place, loop->heap[child]);
		place = child;
	}
	put(loop, place, timer);
}

void
loop_set_timer(struct loop *loop, struct loop_timer *timer, int64_t at_ns)
{
	timer->at_ns = at_ns;
	if (timer->place == 0) {
		if (loop->count + 1 >= loop->capacity) {
			loop->capacity =
			    loop->capacity ? 2 * loop->capacity : 16;
			loop->heap = ha_xrealloc(
			    loop->heap, loop->capacity * sizeof(*loop->heap));
		}
		put(loop, ++loop->count, timer);
	}
	sift_up(loop, timer);
	sift_down(loop, timer);
}

void
loop_clear_timer(struct loop *loop, struct loop_timer *timer)
{
	size_t place = timer->place;
	struct loop_timer *last;

	if (place == 0)
		return;
	timer->place = 0;
	last = loop->heap[loop->count--];
	if (last == timer)
		return;
	put(loop, place, last);
	sift_up(loop, last);
	sift_down(loop, last);
}

/* Returns 1 when there may be more events ready than it has handled. */
static int
handle_events(struct loop *loop, int wait_ms)
{
	int n = epoll_wait(loop->fd, loop->events, BATCH, wait_ms);

	if (n < 0)
		return -1;
	loop->now_ns = ha_clock_now_ns();
	loop->ready = n;
	for (loop->next = 0; loop->next < loop->ready;) {
		const struct epoll_event *event = &loop->events[loop->next++];
		struct loop_source *source = event->data.ptr;

		if (source != NULL)
			source->ready(source, event->events);
	}
	loop->ready = 0;
	return n == BATCH;
}

static void
fire_timers(struct loop *loop)
{
	while (loop->count > 0 && loop->heap[1]->at_ns <= loop->now_ns) {
		struct loop_timer *timer = loop->heap[1];

		loop_clear_timer(loop, timer);
		timer->fire(timer);
	}
}

int
loop_step(struct loop *loop, struct ha_err *err)
{
	int64_t until = loop->count > 0 ? loop->heap[1]->at_ns : HA_CLOCK_NEVER;
	int more = handle_events(loop, ha_clock_poll_ms(until));

	for (int round = 1; more > 0 && round < ROUNDS; round++)
		more = handle_events(loop, 0);
	if (more < 0 && errno != EINTR)
		return ha_err_set(err, EX_OSERR, errno, "epoll_wait");
	loop->now_ns = ha_clock_now_ns();
	fire_timers(loop);
	return 0;
}

int64_t
loop_now_ns(const struct loop *loop)
{
	return loop->now_ns;
}
