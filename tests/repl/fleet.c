/* SPDX-License-Identifier: ISC */
/*
 * fleet - all nodes at once, and who does not answer is left behind.
 */
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "alloc.h"
#include "clock.h"
#include "fleet.h"
#include "test.h"

/* The facts of this test: a host called sleep-MS answers after so long. */
static atomic_int running, released;

static void
sleep_ms(long ms)
{
	const struct timespec time = { ms / 1000, ms % 1000 * 1000000 };

	nanosleep(&time, NULL);
}

void
facts_init(struct facts *facts, struct node *node)
{
	memset(facts, 0, sizeof(*facts));
	facts->node = node;
	facts->server_id = -1;
}

void
facts_release(struct facts *facts)
{
	free(facts->version);
	free(facts->uuid);
	atomic_fetch_add(&released, 1);
}

int
facts_read(struct facts *facts, const struct facts_options *options)
{
	sigset_t set;
	long ms = 0;

	atomic_fetch_add(&running, 1);
	pthread_sigmask(SIG_SETMASK, NULL, &set);
	if (!sigismember(&set, SIGTERM) || !sigismember(&set, SIGALRM))
		abort();
	sscanf(facts->node->host, "sleep-%ld", &ms);
	sleep_ms(ms);
	/* All that is used here has to be the thread's own. */
	facts->version =
	    ha_xasprintf("%s %s", facts->node->name, options->heartbeat_table);
	facts->uuid = ha_xstrdup(facts->node->host);
	facts->server_id = ms;
	facts->is_answered = 1;
	atomic_fetch_sub(&running, 1);
	return 1;
}

static struct facts_options
within(int64_t ms)
{
	return (struct facts_options){
		.heartbeat_table = "ha.heartbeat",
		.deadline_ns = ha_clock_deadline(ms),
	};
}

static int64_t
elapsed_ms(int64_t since_ns)
{
	return (ha_clock_now_ns() - since_ns) / HA_MS_NS;
}

static void
wait_for_none(void)
{
	int64_t deadline_ns = ha_clock_deadline(10000);

	while (atomic_load(&running) && ha_clock_now_ns() < deadline_ns)
		sleep_ms(5);
	assert_int_equal(atomic_load(&running), 0);
}

static void
test_all_at_once(void **state)
{
	enum { COUNT = 20 };
	const struct facts_options options = within(5000);
	int64_t begun_ns = ha_clock_now_ns();
	struct node *nodes[COUNT];
	struct fleet fleet;
	char name[32];

	(void)state;
	for (unsigned i = 0; i < COUNT; i++) {
		snprintf(name, sizeof(name), "sleep-%u", 200 + i);
		nodes[i] = node_new(name, 3306);
	}
	fleet_read(&fleet, nodes, COUNT, &options);
	assert_true(elapsed_ms(begun_ns) < 2000); /* not 20 * 200 */
	assert_int_equal(fleet.count, COUNT);
	for (unsigned i = 0; i < COUNT; i++) {
		assert_true(fleet.facts[i]->is_answered);
		assert_ptr_equal(fleet.facts[i]->node, nodes[i]);
		assert_int_equal(fleet.facts[i]->server_id, 200 + i);
	}
	assert_string_equal(
	    fleet.facts[0]->version, "sleep-200:3306 ha.heartbeat");
	fleet_release(&fleet);
	for (unsigned i = 0; i < COUNT; i++)
		node_free(nodes[i]);
}

/* Who sleeps on gets neither nodes nor options taken away. */
static void
test_left_behind(void **state)
{
	char *table = ha_xstrdup("a.b");
	struct facts_options options = within(150);
	int64_t begun_ns = ha_clock_now_ns(), spent_ms;
	struct node *nodes[3] = { node_new("sleep-0", 1),
		node_new("sleep-600", 2), node_new("127.0.0.1", 3) };
	struct fleet fleet;
	int before = atomic_load(&released);

	(void)state;
	options.heartbeat_table = table;
	fleet_read(&fleet, nodes, 3, &options);
	spent_ms = elapsed_ms(begun_ns);
	if (spent_ms < 149 || spent_ms > 190)
		fail_msg("%lld ms instead of 150", (long long)spent_ms);
	assert_true(fleet.facts[0]->is_answered);
	assert_false(fleet.facts[1]->is_answered);
	assert_true(fleet.facts[1]->is_local); /* the resolver's fault */
	assert_true(fleet.facts[2]->is_answered);
	assert_ptr_equal(fleet.facts[1]->node, nodes[1]);
	assert_int_equal(fleet.facts[1]->why.status, EX_UNAVAILABLE);
	assert_non_null(strstr(fleet.facts[1]->why.msg,
	    "the look-up of 'sleep-600' has not ended"));
	fleet_release(&fleet);
	for (int i = 0; i < 3; i++)
		node_free(nodes[i]);
	free(table);
	wait_for_none();
	/* Two of its own, one made for the late one, and the late one's. */
	for (int i = 0; i < 1000 && atomic_load(&released) < before + 4; i++)
		sleep_ms(5);
	assert_int_equal(atomic_load(&released), before + 4);
}

static void
test_add_and_find(void **state)
{
	const struct facts_options options = within(5000);
	struct node *nodes[2] = { node_new("sleep-1", 1),
		node_new("sleep-2", 2) };
	struct fleet fleet;

	(void)state;
	fleet_read(&fleet, NULL, 0, &options);
	assert_int_equal(fleet.count, 0);
	fleet_add(&fleet, nodes, 1, &options);
	fleet_add(&fleet, nodes + 1, 1, &options);
	assert_int_equal(fleet.count, 2);
	assert_ptr_equal(fleet_by_server(&fleet, 2, NULL), fleet.facts[1]);
	assert_ptr_equal(fleet_by_server(&fleet, 2, "SLEEP-1"), fleet.facts[0]);
	assert_null(fleet_by_server(&fleet, 1, "another"));
	assert_null(fleet_by_server(&fleet, -1, NULL));
	assert_ptr_equal(
	    fleet_by_address(&fleet, "sleep-2", 2), fleet.facts[1]);
	assert_null(fleet_by_address(&fleet, "sleep-2", 1));
	fleet.facts[1]->is_answered = 0;
	assert_null(fleet_by_server(&fleet, 2, NULL));
	fleet_release(&fleet);
	node_free(nodes[0]);
	node_free(nodes[1]);
}

static void
test_without_end(void **state)
{
	const struct facts_options options = within(-1);
	struct node *node = node_new("sleep-20", 1);
	struct fleet fleet;

	(void)state;
	fleet_read(&fleet, &node, 1, &options);
	assert_true(fleet.facts[0]->is_answered);
	fleet_release(&fleet);
	node_free(node);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_all_at_once),
		cmocka_unit_test(test_left_behind),
		cmocka_unit_test(test_add_and_find),
		cmocka_unit_test(test_without_end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
