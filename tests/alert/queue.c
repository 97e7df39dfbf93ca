/* SPDX-License-Identifier: ISC */
/*
 * queue - what is told next, on a clock that the test sets.
 */
#include "test.h"

#include "alloc.h"
#include "clock.h"
#include "queue.h"

#define MINUTE INT64_C(60000)

static struct queue queue;
static struct state state;
static struct queue_plan plan;
static int64_t now_ms;

static void
start(int64_t group_ms, int64_t rate_n, int64_t rate_ms)
{
	struct queue_rules rules = { group_ms, rate_n, rate_ms, 0 };

	now_ms = INT64_C(1795392000000);
	queue_init(&queue, &rules);
	state_init(&state);
	queue_wake(&state, now_ms);
}

static void
end(void)
{
	queue_release(&queue);
	state_release(&state);
}

/* "problem nginx 1": the incident is named by check and number. */
static void
add(const char *name, const char *event, const char *check, int incident)
{
	struct queue_entry entry = { .name = ha_xstrdup(name),
		.born_ms = now_ms };
	char time[HA_CLOCK_RFC3339_SIZE];
	struct ha_err err;
	char *line;

	ha_clock_format_ms(now_ms, time);
	line = ha_xasprintf("%s\t%s-%d\t%s\tOK\t%s\tweb2\tweb1\t%s\tCRIT\t1\t-"
			    "\twords\t-",
	    event, check, incident, time, time, check);
	entry.entry.alerts = ha_xcalloc(1, sizeof(struct alert));
	entry.entry.items = ha_xcalloc(1, sizeof(struct alert_item));
	entry.entry.channels = ha_xstrdup("");
	assert_int_equal(alert_decode(entry.entry.alerts, line, &err), 0);
	entry.entry.items[0] =
	    (struct alert_item){ entry.entry.alerts, entry.entry.alerts, 1 };
	entry.entry.count = entry.entry.item_count = 1;
	queue_add(&queue, &entry);
	free(line);
}

static struct queue_entry *
find(const char *name)
{
	for (struct queue_part *part = queue.first; part; part = part->after)
		for (size_t i = 0; i < part->count; i++)
			if (strcmp(part->entries[i]->name, name) == 0)
				return part->entries[i];
	fail_msg("no entry '%s'", name);
	return NULL;
}

/* The names of the entries that go now, blanks between; "" if none does. */
static const char *
next(void)
{
	static char text[4096];
	const char **names;
	size_t count;

	*text = '\0';
	queue_plan_release(&plan);
	if (!queue_plan(&queue, &state, now_ms, &plan))
		return text;
	names = queue_plan_names(&plan, &count);
	for (size_t i = 0; i < count; i++)
		snprintf(text + strlen(text), sizeof(text) - strlen(text),
		    "%s%s", i ? " " : "", names[i]);
	free(names);
	return text;
}

static void
sent(void)
{
	for (size_t i = 0; i < plan.count; i++)
		queue_remove(&queue, plan.parts[i]);
	queue_sent(&state, &queue.rules, now_ms);
	queue_plan_release(&plan);
}

static void
in_order(void **unused)
{
	(void)unused;
	start(0, 0, 0);
	assert_string_equal(next(), "");
	assert_true(plan.wait_ms == QUEUE_NEVER);
	add("1", "problem", "a", 1);
	add("2", "problem", "b", 1);
	assert_true(queue_has(&queue, "1"));
	assert_string_equal(next(), "1");
	assert_ptr_equal(plan.entry, find("1"));
	sent();
	assert_false(queue_has(&queue, "1"));
	assert_string_equal(next(), "2");
	sent();
	assert_string_equal(next(), "");
	assert_int_equal(queue.count, 0);
	end();
}

/* One that has to wait holds up its own check and no other. */
static void
first_in_first_out(void **unused)
{
	(void)unused;
	start(0, 0, 0);
	add("1", "recovery", "a", 1);
	add("2", "problem", "b", 1);
	add("3", "problem", "a", 2);
	find("1")->next_ms = now_ms + 5000;
	assert_string_equal(next(), "2");
	sent();
	assert_string_equal(next(), "");
	assert_true(plan.wait_ms == now_ms + 5000);
	now_ms += 5000;
	assert_string_equal(next(), "1");
	sent();
	assert_string_equal(next(), "3");
	sent();
	end();
}

static void
channel_waits(void **unused)
{
	(void)unused;
	start(0, 0, 0);
	add("1", "problem", "a", 1);
	state.next_ms = now_ms + 7000;
	assert_string_equal(next(), "");
	assert_true(plan.wait_ms == now_ms + 7000);
	find("1")->next_ms = now_ms + 9000;
	assert_string_equal(next(), "");
	assert_true(plan.wait_ms == now_ms + 9000);
	now_ms += 9000;
	assert_string_equal(next(), "1");
	end();
}

/* A problem and its recovery are one: "was down 12 m". */
static void
one_incident(void **unused)
{
	(void)unused;
	start(0, 0, 0);
	add("1", "problem", "a", 1);
	add("2", "problem", "b", 1);
	now_ms += MINUTE;
	add("3", "worse", "a", 1);
	now_ms += 11 * MINUTE;
	add("4", "recovery", "a", 1);
	assert_string_equal(next(), "1 3 4");
	assert_null(plan.entry);
	assert_int_equal(plan.bundle.count, 1);
	assert_int_equal(plan.items[0].count, 3);
	assert_int_equal(
	    plan.items[0].first->transition.event, HA_TRANSITION_PROBLEM);
	assert_int_equal(
	    plan.items[0].last->transition.event, HA_TRANSITION_RECOVERY);
	assert_true(
	    plan.items[0].last->time_ms - plan.items[0].first->time_ms ==
	    12 * MINUTE);
	sent();
	assert_string_equal(next(), "2");
	end();
}

/* It ends, and begins again within the minute that names it: it is down. */
static void
begins_again(void **unused)
{
	(void)unused;
	start(0, 0, 0);
	add("1", "problem", "a", 1);
	now_ms += 20000;
	add("2", "recovery", "a", 1);
	now_ms += 10000;
	add("3", "problem", "a", 1);
	assert_string_equal(next(), "1 2 3");
	assert_int_equal(plan.bundle.count, 1);
	assert_int_equal(plan.items[0].count, 3);
	assert_int_equal(
	    plan.items[0].last->transition.event, HA_TRANSITION_PROBLEM);
	assert_true(plan.items[0].last->time_ms == now_ms);
	now_ms += 10000;
	add("4", "recovery", "a", 1);
	assert_string_equal(next(), "1 2 3 4");
	assert_int_equal(
	    plan.items[0].last->transition.event, HA_TRANSITION_RECOVERY);
	end();
}

/* The clock was set back: the end is the end all the same. */
static void
clock_back(void **unused)
{
	(void)unused;
	start(0, 0, 0);
	add("2", "problem", "a", 1);
	now_ms -= 60 * MINUTE;
	add("1", "recovery", "a", 1);
	add("3", "reminder", "a", 1);
	now_ms += 60 * MINUTE;
	assert_string_equal(next(), "2 1 3");
	assert_int_equal(
	    plan.items[0].first->transition.event, HA_TRANSITION_PROBLEM);
	assert_int_equal(
	    plan.items[0].last->transition.event, HA_TRANSITION_RECOVERY);
	end();
}

/* Both nodes told it, or ha-gate told it again. */
static void
told_twice(void **unused)
{
	(void)unused;
	start(0, 0, 0);
	add("1", "problem", "a", 1);
	add("2", "problem", "a", 1);
	assert_string_equal(next(), "1 2");
	assert_int_equal(plan.items[0].count, 1);
	assert_ptr_equal(plan.items[0].first, plan.items[0].last);
	add("3", "recovery", "a", 1);
	add("4", "recovery", "a", 1);
	assert_string_equal(next(), "1 2 3 4");
	assert_int_equal(plan.items[0].count, 2);
	end();
}

/* What the receiver may have stays as it is; what follows comes behind it. */
static void
frozen(void **unused)
{
	(void)unused;
	start(0, 0, 0);
	add("1", "problem", "a", 1);
	assert_string_equal(next(), "1");
	queue_freeze(&queue, plan.parts[0], 1);
	find("1")->next_ms = now_ms + 5000;
	add("2", "reminder", "a", 1);
	add("3", "recovery", "a", 1);
	assert_string_equal(next(), "");
	now_ms += 5000;
	assert_string_equal(next(), "1");
	sent();
	assert_string_equal(next(), "2 3");
	end();
}

/* Take the place of what is planned by one of the items' copies. */
static void
join(const char *name)
{
	struct queue_entry entry = { .name = ha_xstrdup(name),
		.born_ms = now_ms };
	struct ha_err err;
	size_t n = plan.bundle.count;

	entry.entry.alerts = ha_xcalloc(n, sizeof(struct alert));
	entry.entry.items = ha_xcalloc(n, sizeof(struct alert_item));
	for (size_t i = 0; i < n; i++) {
		struct alert *alert = &entry.entry.alerts[i];

		assert_int_equal(
		    alert_decode(alert, plan.items[i].last->line, &err), 0);
		entry.entry.items[i] =
		    (struct alert_item){ alert, alert, plan.items[i].count };
	}
	entry.entry.count = entry.entry.item_count = n;
	queue_join(&queue, &plan, &entry);
	assert_ptr_equal(plan.entry, find(name));
}

/* Until it is known that nobody has it, and then it takes more again. */
static void
thawed(void **unused)
{
	(void)unused;
	start(0, 0, 0);
	add("1", "problem", "a", 1);
	add("2", "worse", "a", 1);
	add("3", "problem", "b", 1);
	assert_string_equal(next(), "1 2");
	join("1+2");
	assert_int_equal(queue.count, 2);
	assert_false(queue_has(&queue, "1"));
	assert_ptr_equal(queue.first->entries[0], plan.entry);
	add("4", "recovery", "a", 1);
	assert_string_equal(next(), "1+2");
	queue_freeze(&queue, plan.parts[0], 0);
	add("5", "recovery", "a", 1);
	/* What came in between stays by itself. */
	assert_string_equal(next(), "1+2");
	sent();
	assert_string_equal(next(), "3");
	end();
	start(0, 0, 0);
	add("1", "problem", "a", 1);
	add("2", "worse", "a", 1);
	next();
	join("1+2");
	queue_freeze(&queue, plan.parts[0], 0);
	add("3", "recovery", "a", 1);
	assert_string_equal(next(), "1+2 3");
	assert_int_equal(plan.items[0].count, 3);
	end();
}

static void
groups(void **unused)
{
	(void)unused;
	start(30000, 0, 0);
	/* A sweep found both: who is woken up by one hears of the other. */
	add("1", "problem", "a", 1);
	add("1.1", "problem", "z", 1);
	assert_string_equal(next(), "1 1.1");
	sent();
	add("2", "problem", "b", 1);
	assert_string_equal(next(), "");
	assert_true(plan.wait_ms == now_ms + 30000);
	now_ms += 20000;
	add("3", "problem", "c", 1);
	add("4", "recovery", "b", 1);
	now_ms += 10000;
	assert_string_equal(next(), "2 4 3");
	assert_int_equal(plan.bundle.count, 2);
	assert_int_equal(plan.bundle.left_out, 0);
	sent();
	/* Long after, it begins anew. */
	now_ms += MINUTE;
	add("5", "problem", "d", 1);
	add("6", "problem", "e", 1);
	assert_string_equal(next(), "5 6");
	end();
}

/* By group= nothing is left out: another message follows at once. */
static void
large_group(void **unused)
{
	char name[16], check[16];
	size_t n = 0, items = 0;

	(void)unused;
	start(30000, 0, 0);
	for (int i = 0; i < 121; i++) {
		snprintf(name, sizeof(name), "%03d", i);
		snprintf(check, sizeof(check), "c%d", i);
		add(name, "problem", check, 1);
	}
	while (*next()) {
		assert_true(plan.bundle.count <= QUEUE_ITEMS_MAX);
		assert_int_equal(plan.bundle.left_out, 0);
		items += plan.bundle.count;
		n++;
		sent();
	}
	assert_int_equal(items, 121);
	assert_int_equal(n, 3);
	end();
}

static void
rates(void **unused)
{
	char name[16], check[16];

	(void)unused;
	start(0, 3, 10 * MINUTE);
	for (int i = 0; i < 100; i++) {
		snprintf(name, sizeof(name), "%02d", i);
		snprintf(check, sizeof(check), "c%d", i);
		add(name, "problem", check, 1);
	}
	for (int i = 0; i < 3; i++) {
		snprintf(name, sizeof(name), "%02d", i);
		assert_string_equal(next(), name);
		sent();
		now_ms += 1000;
	}
	assert_string_equal(next(), "");
	assert_true(plan.wait_ms == now_ms + 10 * MINUTE - 3000);
	now_ms = plan.wait_ms;
	next();
	assert_int_equal(plan.bundle.count, QUEUE_ITEMS_MAX);
	assert_int_equal(plan.bundle.left_out, 47);
	assert_string_equal(plan.items[0].first->transition.status.check, "c3");
	assert_string_equal(
	    plan.items[QUEUE_ITEMS_MAX - 1].first->transition.status.check,
	    "c99");
	sent();
	assert_int_equal(queue.count, 0);
	/* Few, and long after: each by itself. */
	now_ms += 30 * MINUTE;
	add("x", "problem", "x", 1);
	add("y", "problem", "y", 1);
	assert_string_equal(next(), "x");
	end();
}

static void
one_by_one(void **unused)
{
	(void)unused;
	start(30000, 0, 0);
	queue.rules.is_one_by_one = 1;
	add("1", "problem", "a", 1);
	add("2", "problem", "b", 1);
	add("3", "problem", "c", 1);
	next();
	sent();
	now_ms += 30000;
	assert_string_equal(next(), "2");
	end();
}

static void
backoff(void **unused)
{
	(void)unused;
	assert_int_equal(queue_backoff_ms(1), 5000);
	assert_int_equal(queue_backoff_ms(2), 10000);
	assert_int_equal(queue_backoff_ms(5), 80000);
	assert_int_equal(queue_backoff_ms(9), 15 * MINUTE);
	assert_int_equal(queue_backoff_ms(4000000000U), 15 * MINUTE);
	assert_int_equal(queue_jitter_ms(5000, 0), 4000);
	for (int i = 0; i < 1000; i++) {
		int64_t pause = queue_jitter_ms(5000, (unsigned)random());

		assert_in_range(pause, 4000, 6000);
	}
	assert_int_equal(queue_jitter_ms(0, 77), 0);
}

/* A clock that was set back must not keep an alert for a day. */
static void
clock_steps(void **unused)
{
	(void)unused;
	start(30000, 0, 0);
	state.next_ms = now_ms + 10 * MINUTE;
	state_entry(&state, "1")->next_ms = now_ms + 10 * MINUTE;
	queue_sent(&state, &queue.rules, now_ms);
	queue_wake(&state, now_ms + 1000);
	assert_true(state.next_ms == now_ms + 10 * MINUTE);
	assert_int_equal(state.sent_count, 1);
	queue_wake(&state, now_ms - 24 * 60 * MINUTE);
	assert_true(state.next_ms == 0);
	assert_true(state_find(&state, "1")->next_ms == 0);
	assert_int_equal(state.sent_count, 0);
	end();
}

/* Time in which nobody flushed, or that was none, makes nothing old. */
static void
ages(void **unused)
{
	int64_t born_ms;

	(void)unused;
	start(0, 0, 0);
	born_ms = now_ms;
	for (int i = 0; i < 30; i++) {
		now_ms += MINUTE;
		queue_wake(&state, now_ms);
	}
	assert_true(queue_age_ms(&state, born_ms, now_ms) == 30 * MINUTE);
	now_ms += 100 * 60 * MINUTE;
	queue_wake(&state, now_ms);
	assert_true(queue_age_ms(&state, born_ms, now_ms) == 30 * MINUTE);
	assert_true(queue_age_ms(&state, now_ms, now_ms + 5) == 5);
	now_ms -= 200 * 60 * MINUTE;
	queue_wake(&state, now_ms);
	assert_true(queue_age_ms(&state, born_ms, now_ms) <= 30 * MINUTE);
	for (int i = 0; i < 20; i++) {
		now_ms += 2 * 60 * MINUTE;
		queue_wake(&state, now_ms);
	}
	assert_int_equal(state.gap_count, STATE_GAPS);
	end();
}

/* A clock that was a year ahead: what comes now is not a year old. */
static void
age_of_the_new(void **unused)
{
	int64_t born_ms;

	(void)unused;
	start(0, 0, 0);
	born_ms = now_ms;
	now_ms -= 365 * 24 * 60 * MINUTE;
	queue_wake(&state, now_ms);
	assert_true(queue_age_ms(&state, now_ms, now_ms + MINUTE) == MINUTE);
	assert_true(queue_age_ms(&state, now_ms + MINUTE,
			now_ms + 2 * MINUTE) == MINUTE);
	assert_true(queue_age_ms(&state, born_ms, now_ms + MINUTE) <= MINUTE);
	end();
}

/* Thousands of checks, and none looks at all the others. */
static void
many(void **unused)
{
	char name[16], check[16];
	int64_t begun_ns;

	(void)unused;
	start(0, 0, 0);
	begun_ns = ha_clock_now_ns();
	for (int i = 0; i < 20000; i++) {
		snprintf(name, sizeof(name), "%05d", i);
		snprintf(check, sizeof(check), "c%d", i);
		add(name, "problem", check, 1);
	}
	while (*next())
		sent();
	assert_int_equal(queue.count, 0);
	assert_true(ha_clock_now_ns() - begun_ns < 10 * HA_S_NS);
	end();
}

/* Whatever comes and fails: all is told, each check in its order. */
static void
at_random(void **unused)
{
	char name[16], check[16];
	int told[8] = { 0 }, begun[8] = { 0 };
	size_t unnamed = 0, left_out = 0;

	(void)unused;
	test_seed();
	start(test_random(2) ? 5000 : 0, (int64_t)test_random(3), MINUTE);
	for (int i = 0; i < 2000 || queue.count; i++) {
		now_ms += (int64_t)test_random(4000);
		if (i < 2000 && test_random(2)) {
			size_t c = test_random(8);

			snprintf(name, sizeof(name), "%05d", i);
			snprintf(check, sizeof(check), "c%zu", c);
			add(name, "problem", check, begun[c]++);
		}
		if (!*next())
			continue;
		if (test_random(3) == 0) {
			for (size_t j = 0; j < plan.count; j++)
				plan.parts[j]->entries[0]->next_ms =
				    now_ms + (int64_t)test_random(20000);
			continue;
		}
		for (size_t j = 0; j < plan.bundle.count; j++) {
			const struct ha_transition *it =
			    &plan.items[j].first->transition;
			int c = it->status.check[1] - '0';

			int n = atoi(strrchr(it->incident, '-') + 1);

			assert_true(n >= told[c]);
			unnamed += (size_t)(n - told[c]);
			told[c] = n + 1;
		}
		left_out += plan.bundle.left_out;
		sent();
	}
	/* Those that a large bundle only counts have no name in it. */
	for (int i = 0; i < 8; i++)
		unnamed += (size_t)(begun[i] - told[i]);
	assert_int_equal(unnamed, left_out);
	end();
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(in_order),
		cmocka_unit_test(first_in_first_out),
		cmocka_unit_test(channel_waits),
		cmocka_unit_test(one_incident),
		cmocka_unit_test(begins_again),
		cmocka_unit_test(clock_back),
		cmocka_unit_test(told_twice),
		cmocka_unit_test(frozen),
		cmocka_unit_test(thawed),
		cmocka_unit_test(groups),
		cmocka_unit_test(large_group),
		cmocka_unit_test(rates),
		cmocka_unit_test(one_by_one),
		cmocka_unit_test(backoff),
		cmocka_unit_test(clock_steps),
		cmocka_unit_test(ages),
		cmocka_unit_test(age_of_the_new),
		cmocka_unit_test(many),
		cmocka_unit_test(at_random),
	};

	return cmocka_run_group_tests_name("queue", tests, NULL, NULL);
}
