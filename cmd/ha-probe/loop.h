/* SPDX-License-Identifier: ISC */
/*
 * loop - one epoll(7) descriptor and the timers of all probes.
 */
#ifndef LOOP_H
#define LOOP_H

#include <stddef.h>
#include <stdint.h>
#include <sys/epoll.h>

#include "err.h"

struct loop;

/* A descriptor that is watched; lives in its owner. */
struct loop_source {
	int fd;
	void (*ready)(struct loop_source *source, uint32_t events);
};

/* One deadline; lives in its owner; zeroed it is not armed. */
struct loop_timer {
	int64_t at_ns; /* CLOCK_MONOTONIC */
	void (*fire)(struct loop_timer *timer);
	size_t place; /* in the heap, from 1; 0: not armed */
};

/* The struct that a source or a timer is a member of. */
#define LOOP_OWNER(pointer, type, member)                                      \
	((type *)(void *)((char *)(pointer)-offsetof(type, member)))

int loop_new(struct loop **loop, struct ha_err *err);
void loop_free(struct loop *loop);

/*
 * Watch source->fd for events (EPOLLIN...), or change what it is watched for.
 * -1 with errno.  A source may be removed in any callback.
 */
int loop_add(struct loop *loop, struct loop_source *source, uint32_t events);
int loop_change(struct loop *loop, struct loop_source *source, uint32_t events);
void loop_remove(struct loop *loop, struct loop_source *source);
/* Remove it and close its descriptor, which becomes -1; nothing if it is. */
void loop_close(struct loop *loop, struct loop_source *source);

/* Arm, or arm anew; at_ns 0 is "in this step, once the events are handled". */
void loop_set_timer(struct loop *loop, struct loop_timer *timer, int64_t at_ns);
void loop_clear_timer(struct loop *loop, struct loop_timer *timer);

/*
 * Wait until something is ready or due, and call it: what is ready first, so
 * that an answer which came in time counts.  -1: EX_OSERR.
 */
int loop_step(struct loop *loop, struct ha_err *err);
/* The time at which the last loop_step() woke up. */
int64_t loop_now_ns(const struct loop *loop);

#endif
