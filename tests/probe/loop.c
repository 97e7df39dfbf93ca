/* SPDX-License-Identifier: ISC */
/* loop - timers in order, events before timers, removal in any callback. */
#include "test.h"

#include <sys/eventfd.h>

#include "clock.h"
#include "loop.h"

#define TIMERS 500

static struct loop *loop;
static struct loop_timer timers[TIMERS];
static int64_t last_ns;
static size_t fired;

static int
set_up(void **state)
{
	struct ha_err err;

	(void)state;
	fired = 0;
	last_ns = 0;
	memset(timers, 0, sizeof(timers));
	return loop_new(&loop, &err);
}

static int
tear_down(void **state)
{
	(void)state;
	loop_free(loop);
	return 0;
}

static void
count(struct loop_timer *timer)
{
	assert_int_equal(timer->place, 0);
	assert_true(timer->at_ns >= last_ns);
	last_ns = timer->at_ns;
	fired++;
}

/* Set, set anew and cleared at random: what is left fires in order, once. */
static void
test_order(void **state)
{
	size_t armed = 0;
	struct ha_err err;

	(void)state;
	test_seed();
	for (int i = 0; i < 20 * TIMERS; i++) {
		struct loop_timer *timer = &timers[test_random(TIMERS)];

		timer->fire = count;
		if (test_random(4) == 0)
			loop_clear_timer(loop, timer);
		else
			loop_set_timer(
			    loop, timer, 1 + (int64_t)test_random(1000));
	}
	for (int i = 0; i < TIMERS; i++)
		armed += timers[i].place != 0;
	assert_true(armed > 0);
	assert_int_equal(loop_step(loop, &err), 0);
	assert_int_equal(fired, armed);
}

static void
test_future(void **state)
{
	struct ha_err err;
	int64_t at_ns = ha_clock_deadline(5);

	(void)state;
	timers[0].fire = count;
	loop_set_timer(loop, &timers[0], at_ns);
	while (fired == 0)
		assert_int_equal(loop_step(loop, &err), 0);
	assert_true(loop_now_ns(loop) >= at_ns);
}

struct pair {
	struct loop_source source;
	struct pair *other;
};

static size_t woken;

/* Whichever is first takes the other one away. */
static void
take_away(struct loop_source *source, uint32_t events)
{
	struct pair *pair = LOOP_OWNER(source, struct pair, source);

	assert_true(events & EPOLLIN);
	woken++;
	loop_remove(loop, &pair->other->source);
	loop_close(loop, source);
	assert_int_equal(source->fd, -1);
	loop_close(loop, source);
}

static void
test_removal(void **state)
{
	struct pair pairs[2];
	struct ha_err err;

	(void)state;
	woken = 0;
	for (int i = 0; i < 2; i++) {
		pairs[i].source.ready = take_away;
		pairs[i].source.fd = eventfd(1, EFD_NONBLOCK);
		pairs[i].other = &pairs[1 - i];
		assert_int_equal(loop_add(loop, &pairs[i].source, EPOLLIN), 0);
	}
	timers[0].fire = count;
	loop_set_timer(loop, &timers[0], 0);
	assert_int_equal(loop_step(loop, &err), 0);
	assert_int_equal(woken, 1);
	for (int i = 0; i < 2; i++)
		if (pairs[i].source.fd >= 0)
			close(pairs[i].source.fd);
}

static void
answer(struct loop_source *source, uint32_t events)
{
	(void)events;
	loop_close(loop, source);
	loop_clear_timer(loop, &timers[0]);
}

/* An answer that is there and a deadline that is past: the answer counts. */
static void
test_answer_first(void **state)
{
	struct loop_source source = { .ready = answer };
	struct ha_err err;

	(void)state;
	source.fd = eventfd(1, EFD_NONBLOCK);
	assert_int_equal(loop_add(loop, &source, EPOLLIN), 0);
	timers[0].fire = count;
	loop_set_timer(loop, &timers[0], 1);
	assert_int_equal(loop_step(loop, &err), 0);
	assert_int_equal(source.fd, -1);
	assert_int_equal(fired, 0);
}

/* More descriptors ready than one epoll_wait(2) tells of. */
static void
test_many(void **state)
{
	static struct pair many[700];
	struct ha_err err;
	size_t open = 0;

	(void)state;
	for (size_t i = 0; i < 700; i++) {
		many[i].source.ready = answer;
		many[i].source.fd = eventfd(1, EFD_NONBLOCK);
		assert_int_equal(loop_add(loop, &many[i].source, EPOLLIN), 0);
	}
	timers[1].fire = count;
	loop_set_timer(loop, &timers[1], 1);
	assert_int_equal(loop_step(loop, &err), 0);
	assert_int_equal(fired, 1);
	for (size_t i = 0; i < 700; i++)
		open += many[i].source.fd >= 0;
	assert_int_equal(open, 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_order, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_future, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
		    test_removal, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
		    test_answer_first, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_many, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
