/* SPDX-License-Identifier: ISC */
/*
 * dirty - the dirty set against a model that knows what each path still owes.
 */
#include "test.h"

#include "clock.h"
#include "dirty.h"

#define STEPS 20000
#define BATCH 8
#define FAR_NS INT64_C(1000000000000)

static size_t
take(struct dirty *dirty, struct dirty_entry **entries, size_t max)
{
	return dirty_take(dirty, entries, max, 1 << 20, ha_clock_now_ns());
}

static struct dirty_entry *
take_one(struct dirty *dirty, const char *path)
{
	struct dirty_entry *entry;

	assert_int_equal(take(dirty, &entry, 1), 1);
	assert_string_equal(entry->path, path);
	return entry;
}

static void
marks_are_one_entry(void **state)
{
	struct ha_buf acks = HA_BUF_INIT;
	struct dirty dirty;
	struct dirty_entry *entry;

	(void)state;
	dirty_init(&dirty);
	dirty_mark(&dirty, "a", DIRTY_CONTENT, "1\n", 2);
	dirty_mark(&dirty, "a", DIRTY_ATTR, "2\n", 2);
	assert_int_equal(dirty.count, 1);
	entry = take_one(&dirty, "a");
	assert_int_equal(entry->flags, DIRTY_CONTENT | DIRTY_ATTR);
	dirty_done(&dirty, entry, &acks);
	assert_string_equal(acks.data, "1\n2\n");
	assert_int_equal(dirty.count, 0);
	assert_true(dirty_oldest_ns(&dirty) == HA_CLOCK_NEVER);
	ha_buf_release(&acks);
	dirty_release(&dirty);
}

static void
marked_in_flight_stays(void **state)
{
	struct ha_buf acks = HA_BUF_INIT;
	struct dirty dirty;
	struct dirty_entry *entry;
	uint64_t epoch;

	(void)state;
	dirty_init(&dirty);
	dirty_mark(&dirty, "a", DIRTY_CONTENT, "1\n", 2);
	epoch = dirty_barrier(&dirty);
	entry = take_one(&dirty, "a");
	dirty_mark(&dirty, "a", DIRTY_ATTR, "2\n", 2);
	assert_false(dirty_epoch_is_done(&dirty, epoch));
	dirty_done(&dirty, entry, &acks);
	assert_string_equal(acks.data, "1\n");
	assert_true(dirty_epoch_is_done(&dirty, epoch));
	entry = take_one(&dirty, "a");
	assert_int_equal(entry->flags, DIRTY_ATTR);
	dirty_done(&dirty, entry, &acks);
	assert_string_equal(acks.data, "1\n2\n");
	ha_buf_release(&acks);
	dirty_release(&dirty);
}

/* Found in flight on account of a change older than the entry's own. */
static void
older_mark_in_flight_holds_its_barrier(void **state)
{
	struct dirty dirty;
	struct dirty_entry *entry;
	uint64_t epoch;

	(void)state;
	dirty_init(&dirty);
	dirty_mark(&dirty, "old", DIRTY_CONTENT, NULL, 0);
	epoch = dirty_barrier(&dirty);
	dirty_mark(&dirty, "new", DIRTY_CONTENT, NULL, 0);
	entry = take_one(&dirty, "old");
	(void)take_one(&dirty, "new");
	dirty_mark_at(&dirty, "new", DIRTY_ATTR, entry->first_ns, epoch);
	dirty_done(&dirty, entry, &(struct ha_buf)HA_BUF_INIT);
	entry = dirty.flying.head;
	assert_string_equal(entry->path, "new");
	dirty_return(&dirty, entry);
	assert_false(dirty_epoch_is_done(&dirty, epoch));
	entry = take_one(&dirty, "new");
	dirty_mark_at(&dirty, "new", DIRTY_ATTR, entry->first_ns, epoch);
	dirty_fail(&dirty, entry, "no", 0, 0);
	assert_false(dirty_epoch_is_done(&dirty, epoch));
	dirty_release(&dirty);
}

static void
again_later_waits(void **state)
{
	struct ha_buf acks = HA_BUF_INIT;
	int64_t due_ns = ha_clock_now_ns() + FAR_NS;
	struct dirty dirty;
	struct dirty_entry *entry;

	(void)state;
	dirty_init(&dirty);
	dirty_mark(&dirty, "a", DIRTY_CONTENT, NULL, 0);
	entry = take_one(&dirty, "a");
	dirty_again_later(&dirty, entry, DIRTY_TREE, due_ns);
	dirty_done(&dirty, entry, &acks);
	assert_false(dirty_has_work(&dirty, ha_clock_now_ns()));
	assert_true(dirty_next_due(&dirty) == due_ns);
	assert_true(dirty_has_work(&dirty, due_ns));
	assert_int_equal(dirty_take(&dirty, &entry, 1, 100, due_ns), 1);
	/* A change of its own doesn't wait. */
	dirty_again_later(&dirty, entry, DIRTY_TREE, due_ns);
	dirty_mark(&dirty, "a", DIRTY_CONTENT, NULL, 0);
	dirty_done(&dirty, entry, &acks);
	assert_true(dirty_has_work(&dirty, ha_clock_now_ns()));
	ha_buf_release(&acks);
	dirty_release(&dirty);
}

static const struct dirty_entry *
find(const struct dirty *dirty, const char *path)
{
	const struct dirty_list *const lists[] = { &dirty->ready, &dirty->later,
		&dirty->flying };

	for (size_t i = 0; i < 3; i++)
		for (const struct dirty_entry *e = lists[i]->head; e != NULL;
		     e = e->next)
			if (strcmp(e->path, path) == 0)
				return e;
	return NULL;
}

/* What changes whenever it is sent has a pause; an asked barrier has none. */
static void
hurry_ends_pauses(void **state)
{
	struct ha_buf acks = HA_BUF_INIT;
	struct dirty dirty;
	struct dirty_entry *log, *missing;
	int64_t now_ns = ha_clock_now_ns();
	uint64_t epoch;

	(void)state;
	dirty_init(&dirty);
	assert_null(dirty_find(&dirty, "log"));
	dirty_mark(&dirty, "log", DIRTY_CONTENT, NULL, 0);
	for (int i = 0; i < 4; i++) {
		dirty_take(&dirty, &log, 1, 1000, now_ns + i * FAR_NS);
		dirty_changed(&dirty, log, &acks, now_ns + i * FAR_NS);
	}
	assert_ptr_equal(dirty_find(&dirty, "log"), log);
	dirty_mark(&dirty, "missing", DIRTY_CONTENT, NULL, 0);
	missing = take_one(&dirty, "missing");
	dirty_wait(&dirty, missing, now_ns + FAR_NS);
	assert_false(dirty_has_work(&dirty, now_ns));
	dirty_hurry(&dirty);
	epoch = dirty_barrier(&dirty);
	assert_int_equal(dirty.ready.count, 1);
	log = take_one(&dirty, "log");
	/* It changed before the barrier once more, and after it. */
	dirty_mark_at(&dirty, "log", DIRTY_CONTENT, now_ns, epoch);
	dirty_changed(&dirty, log, &acks, now_ns);
	log = take_one(&dirty, "log");
	dirty_changed(&dirty, log, &acks, now_ns);
	assert_true(log->epoch > epoch);
	assert_false(dirty_has_work(&dirty, now_ns));
	assert_false(dirty_epoch_is_done(&dirty, epoch));
	assert_int_equal(
	    dirty_take(&dirty, &missing, 1, 1000, now_ns + FAR_NS), 1);
	dirty_done(&dirty, missing, &acks);
	dirty_release(&dirty);
	ha_buf_release(&acks);
}

static void
renames_take_marks_along(void **state)
{
	struct dirty dirty;
	struct dirty_entry *entry;

	(void)state;
	dirty_init(&dirty);
	dirty_mark(&dirty, "d/f", DIRTY_CONTENT, "1\n", 2);
	dirty_mark(&dirty, "dd/f", DIRTY_CONTENT, NULL, 0);
	entry = take_one(&dirty, "d/f");
	dirty_mark(&dirty, "d/g", DIRTY_ATTR, "2\n", 2);
	dirty_rename(&dirty, "d", "e", 'd', NULL);
	assert_non_null(find(&dirty, "e/f"));
	assert_int_equal(find(&dirty, "e/f")->flags, DIRTY_CONTENT);
	assert_string_equal(find(&dirty, "e/g")->acks.data, "2\n");
	assert_null(find(&dirty, "d/g"));
	assert_ptr_equal(find(&dirty, "d/f"), entry);
	assert_non_null(find(&dirty, "dd/f"));
	dirty_release(&dirty);
}

static void
unknown_trees_follow_renames(void **state)
{
	struct dirty dirty;

	(void)state;
	dirty_init(&dirty);
	dirty_mark(&dirty, "x", DIRTY_TREE, NULL, 0);
	dirty_rename(&dirty, "x/a/b", "x/c", 'd', NULL);
	assert_null(find(&dirty, "x/c"));
	dirty_rename(&dirty, "x/a", "y", 'd', NULL);
	assert_non_null(find(&dirty, "y"));
	assert_true(find(&dirty, "y")->flags & DIRTY_TREE);
	dirty_release(&dirty);
}

/* What a round found by names that renames read meanwhile have changed. */
static void
late_marks_follow_queued_renames(void **state)
{
	struct dirty dirty;

	(void)state;
	dirty_init(&dirty);
	dirty_rename(&dirty, "x", "y", 'd', NULL);
	dirty_rename(&dirty, "y", "z", 'd', NULL);
	dirty_mark_at(&dirty, "x/f", DIRTY_CONTENT, 1, 0);
	assert_non_null(find(&dirty, "x/f"));
	assert_non_null(find(&dirty, "y/f"));
	assert_non_null(find(&dirty, "z/f"));
	dirty_rename(&dirty, "p/q", "r", 'd', NULL);
	dirty_rename(&dirty, "r", "s", 'd', NULL);
	dirty_mark_at(&dirty, "p", DIRTY_TREE, 1, 0);
	assert_true(find(&dirty, "r")->flags & DIRTY_TREE);
	assert_true(find(&dirty, "s")->flags & DIRTY_TREE);
	dirty_release(&dirty);
}

static void
renames_keep_their_order(void **state)
{
	struct dirty dirty;
	struct dirty_rename *rename;
	uint64_t epoch;

	(void)state;
	dirty_init(&dirty);
	dirty_rename(&dirty, "a", "b", 'f', "ack\n");
	epoch = dirty_barrier(&dirty);
	dirty_rename(&dirty, "b", "c", 'f', NULL);
	rename = dirty_next_rename(&dirty);
	dirty_put_back_rename(&dirty, rename);
	rename = dirty_next_rename(&dirty);
	assert_string_equal(rename->from, "a");
	assert_string_equal(rename->ack, "ack\n");
	assert_false(dirty_epoch_is_done(&dirty, epoch));
	dirty_settle_rename(&dirty, rename);
	assert_true(dirty_epoch_is_done(&dirty, epoch));
	rename = dirty_next_rename(&dirty);
	dirty_put_back_rename(&dirty, rename);
	dirty_rename(&dirty, "x", "y", 'f', NULL);
	assert_int_equal(dirty.rename_count, 2);
	dirty_release(&dirty);
}

static void
failures_back_off(void **state)
{
	struct dirty dirty;
	struct dirty_entry *entry;
	int64_t now_ns = 1000, last_ms = 0;

	(void)state;
	dirty_init(&dirty);
	dirty_mark(&dirty, "a", DIRTY_CONTENT, NULL, 0);
	for (int i = 0; i < 12; i++) {
		assert_int_equal(dirty_take(&dirty, &entry, 1, 10, now_ns), 1);
		dirty_fail(&dirty, entry, "why", 1, now_ns);
		assert_int_equal(dirty_failing(&dirty), 1);
		assert_true(entry->pause_ms >= last_ms);
		last_ms = entry->pause_ms;
		assert_false(dirty_has_work(&dirty, entry->due_ns - 1));
		now_ns = entry->due_ns;
	}
	assert_int_equal(last_ms, 5 * 60 * 1000);
	dirty_mark(&dirty, "a", DIRTY_CONTENT, NULL, 0);
	assert_false(dirty_has_work(&dirty, now_ns - 1));
	dirty_mark(&dirty, "a", DIRTY_ATTR, NULL, 0);
	assert_true(dirty_has_work(&dirty, now_ns - 1));
	dirty_release(&dirty);
}

static struct dirty_entry *
hold_one(struct dirty *dirty, const char *path, unsigned flags, uint64_t count)
{
	struct dirty_entry *entry;

	dirty_mark(dirty, path, flags, NULL, 0);
	entry = take_one(dirty, path);
	dirty_hold(dirty, entry, count, NULL);
	return entry;
}

static void
held_waits_for_a_mark(void **state)
{
	struct ha_buf acks = HA_BUF_INIT;
	struct dirty dirty;
	struct dirty_entry *entry;
	uint64_t epoch;

	(void)state;
	dirty_init(&dirty);
	hold_one(&dirty, "a", DIRTY_REPLACED, 3);
	epoch = dirty_barrier(&dirty);
	hold_one(&dirty, "b", DIRTY_REPLACED, 4);
	assert_int_equal(dirty.hold_names, 7);
	assert_false(dirty_has_work(&dirty, INT64_MAX - 1));
	assert_true(dirty_next_due(&dirty) == HA_CLOCK_NEVER);
	assert_true(dirty_oldest_ns(&dirty) != HA_CLOCK_NEVER);
	dirty_mark(&dirty, "a", DIRTY_CONTENT, NULL, 0);
	assert_int_equal(dirty.hold_count, 2);
	entry = take_one(&dirty, "a");
	assert_false(dirty_epoch_is_done(&dirty, epoch));
	dirty_done(&dirty, entry, &acks);
	assert_true(dirty_epoch_is_done(&dirty, epoch));
	assert_int_equal(dirty.hold_count, 1);
	assert_int_equal(dirty.hold_names, 4);
	ha_buf_release(&acks);
	dirty_release(&dirty);
}

static void
what_is_held_with_a_parent_counts_once(void **state)
{
	struct dirty dirty;

	(void)state;
	dirty_init(&dirty);
	hold_one(&dirty, "d/a", DIRTY_REPLACED, 1);
	hold_one(&dirty, "dd", DIRTY_REPLACED, 1);
	assert_int_equal(dirty_held_names(&dirty), 2);
	hold_one(&dirty, "d", DIRTY_REPLACED, 5);
	assert_int_equal(dirty_held_names(&dirty), 6);
	hold_one(&dirty, ".", DIRTY_TREE, 9);
	assert_int_equal(dirty_held_names(&dirty), 9);
	assert_int_equal(dirty_let_go(&dirty), 9);
	dirty_release(&dirty);
}

static void
marked_before_it_is_held_is_looked_at(void **state)
{
	struct dirty dirty;
	struct dirty_entry *entry;

	(void)state;
	dirty_init(&dirty);
	dirty_mark(&dirty, "a", DIRTY_REPLACED, NULL, 0);
	entry = take_one(&dirty, "a");
	dirty_mark(&dirty, "a", DIRTY_CONTENT, NULL, 0);
	dirty_hold(&dirty, entry, 1, NULL);
	assert_int_equal(dirty.hold_count, 1);
	assert_int_equal(dirty.held.count, 0);
	(void)take_one(&dirty, "a");
	dirty_release(&dirty);
}

static void
let_go_allows_what_was_counted(void **state)
{
	struct dirty dirty;
	struct dirty_entry *entry;

	(void)state;
	dirty_init(&dirty);
	entry = hold_one(&dirty, "a", DIRTY_TREE, 5);
	dirty_look_again(&dirty);
	assert_int_equal(dirty.held.count, 1);
	assert_int_equal(dirty_let_go(&dirty), 5);
	assert_int_equal(entry->allowed, 5);
	(void)take_one(&dirty, "a");
	/* More than that is there by now. */
	dirty_hold(&dirty, entry, 6, NULL);
	assert_int_equal(entry->allowed, 0);
	assert_int_equal(dirty.held.count, 1);
	/* Let go while it is on its way. */
	dirty_mark(&dirty, "a", DIRTY_TREE, NULL, 0);
	(void)take_one(&dirty, "a");
	dirty_let_go(&dirty);
	dirty_hold(&dirty, entry, 6, NULL);
	assert_int_equal(entry->allowed, 6);
	(void)take_one(&dirty, "a");
	dirty_release(&dirty);
}

static void
held_follows_renames(void **state)
{
	struct dirty dirty;
	struct dirty_entry *entry;

	(void)state;
	dirty_init(&dirty);
	hold_one(&dirty, "d/a", DIRTY_REPLACED, 2);
	hold_one(&dirty, "d/b", DIRTY_REPLACED, 3);
	hold_one(&dirty, "e/b", DIRTY_REPLACED, 4);
	dirty_rename(&dirty, "d", "e", 'd', NULL);
	assert_int_equal(dirty.count, 2);
	assert_int_equal(dirty.hold_count, 2);
	assert_int_equal(dirty.held.count, 0);
	entry = take_one(&dirty, "e/a");
	assert_int_equal(entry->hold->count, 2);
	entry = take_one(&dirty, "e/b");
	assert_int_equal(entry->hold->count, 4);
	dirty_release(&dirty);
}

/* --- at random --- */

/*
 * The model: a record's line is owed until it comes out as an ack, and at
 * that time its path must not be in the set for it any more.
 */
enum { MAX_OWED = STEPS };

struct model {
	struct dirty dirty;
	struct dirty_entry *flying[BATCH];
	size_t flying_count;
	char owed[MAX_OWED]; /* 1: not acked yet */
	uint64_t epoch_of[MAX_OWED];
	size_t marks;
	struct ha_buf acks;
};

static void
random_path(char *path)
{
	size_t depth = 1 + test_random(3);

	for (size_t i = 0; i < depth; i++)
		path += sprintf(path, "%s%c", i > 0 ? "/" : "",
		    (int)('a' + test_random(3)));
}

static void
collect_acks(struct model *m)
{
	char *line = m->acks.data, *end;

	for (; (end = strchr(line, '\n')) != NULL; line = end + 1) {
		size_t n = strtoul(line, NULL, 10);

		assert_true(n < m->marks);
		assert_int_equal(m->owed[n], 1);
		m->owed[n] = 0;
	}
	assert_int_equal(*line, 0);
	ha_buf_reset(&m->acks);
}

static void
do_mark(struct model *m)
{
	static const unsigned flags[] = { DIRTY_CONTENT, DIRTY_ATTR, DIRTY_TREE,
		DIRTY_CONTENT | DIRTY_REPLACED };
	char path[16], line[32];
	int len;

	random_path(path);
	len = snprintf(line, sizeof(line), "%zu\n", m->marks);
	m->owed[m->marks] = 1;
	m->epoch_of[m->marks++] = m->dirty.epoch;
	dirty_mark(&m->dirty, path, flags[test_random(4)], line, (size_t)len);
}

static void
do_rename(struct model *m)
{
	char from[16], to[16], line[32];

	random_path(from);
	random_path(to);
	if (strncmp(from, to, strlen(from)) == 0 ||
	    strncmp(from, to, strlen(to)) == 0)
		return;
	snprintf(line, sizeof(line), "%zu\n", m->marks);
	m->owed[m->marks] = 1;
	m->epoch_of[m->marks++] = m->dirty.epoch;
	dirty_rename(&m->dirty, from, to, test_random(2) ? 'd' : 'f', line);
}

static void
play_renames(struct model *m)
{
	struct dirty_rename *rename;

	while ((rename = dirty_next_rename(&m->dirty)) != NULL) {
		if (test_random(8) == 0) {
			dirty_put_back_rename(&m->dirty, rename);
			return;
		}
		dirty_mark_at(&m->dirty, rename->from, DIRTY_TREE,
		    rename->first_ns, rename->epoch);
		dirty_mark_at(&m->dirty, rename->to, DIRTY_TREE,
		    rename->first_ns, rename->epoch);
		dirty_mark(&m->dirty, rename->to, DIRTY_ATTR, rename->ack,
		    strlen(rename->ack));
		dirty_settle_rename(&m->dirty, rename);
	}
}

static void
settle(struct model *m, struct dirty_entry *entry, int64_t now_ns)
{
	switch (test_random(8)) {
	case 0:
		dirty_return(&m->dirty, entry);
		break;
	case 1:
		dirty_changed(&m->dirty, entry, &m->acks, now_ns);
		break;
	case 2:
		dirty_fail(&m->dirty, entry, "why", 1, now_ns);
		break;
	case 3:
		dirty_hold(&m->dirty, entry, 1 + test_random(5), NULL);
		break;
	default:
		dirty_done(&m->dirty, entry, &m->acks);
	}
	collect_acks(m);
}

static void
do_round(struct model *m, int64_t now_ns)
{
	if (m->flying_count == 0) {
		play_renames(m);
		m->flying_count = dirty_take(&m->dirty, m->flying,
		    1 + test_random(BATCH), 1 + test_random(30), now_ns);
		return;
	}
	while (m->flying_count > 0)
		settle(m, m->flying[--m->flying_count], now_ns);
}

static int64_t
older(int64_t a, int64_t b)
{
	return a < b ? a : b;
}

/* What the entries say: the lowest epoch, the oldest time, who fails. */
static void
check_sums(struct model *m)
{
	struct dirty *d = &m->dirty;
	const struct dirty_list *const lists[] = { &d->ready, &d->later,
		&d->flying, &d->held };
	int64_t oldest_ns = HA_CLOCK_NEVER;
	uint64_t lowest = d->epoch, hold_names = 0;
	size_t count = 0, failing = 0, hold_count = 0;

	for (size_t i = 0; i < 4; i++)
		for (const struct dirty_entry *e = lists[i]->head; e != NULL;
		     e = e->next) {
			count++;
			failing += e->failures > 0;
			hold_count += e->hold != NULL;
			hold_names += e->hold != NULL ? e->hold->count : 0;
			assert_int_equal(e->is_held, lists[i] == &d->held);
			oldest_ns = older(oldest_ns, e->first_ns);
			lowest = e->epoch < lowest ? e->epoch : lowest;
			if (e->again && e->again_epoch < lowest)
				lowest = e->again_epoch;
		}
	for (const struct dirty_rename *r = d->renames; r != NULL;
	     r = r->next) {
		lowest = r->epoch < lowest ? r->epoch : lowest;
		oldest_ns = older(oldest_ns, d->renames->first_ns);
	}
	assert_int_equal(count, d->count);
	assert_int_equal(failing, dirty_failing(d));
	assert_int_equal(hold_count, d->hold_count);
	assert_int_equal(hold_names, d->hold_names);
	assert_true(dirty_oldest_ns(d) == oldest_ns);
	for (uint64_t e = lowest > 3 ? lowest - 3 : 0; e < d->epoch; e++)
		assert_int_equal(dirty_epoch_is_done(d, e), e < lowest);
}

/* A barrier that is done owes no record that came before it. */
static void
check_barriers(struct model *m)
{
	for (size_t n = m->marks > 400 ? m->marks - 400 : 0; n < m->marks; n++)
		if (m->owed[n] && m->epoch_of[n] < m->dirty.epoch)
			assert_false(
			    dirty_epoch_is_done(&m->dirty, m->epoch_of[n]));
}

static void
drain(struct model *m, int64_t now_ns)
{
	struct dirty_entry *entry;

	while (m->flying_count > 0)
		dirty_done(&m->dirty, m->flying[--m->flying_count], &m->acks);
	while (m->dirty.renames != NULL)
		play_renames(m);
	dirty_let_go(&m->dirty);
	while (dirty_take(&m->dirty, &entry, 1, 10, now_ns) == 1)
		dirty_done(&m->dirty, entry, &m->acks);
	collect_acks(m);
	assert_int_equal(m->dirty.count, 0);
	for (size_t n = 0; n < m->marks; n++)
		assert_int_equal(m->owed[n], 0);
	check_sums(m);
}

static void
nothing_is_lost(void **state)
{
	struct model *m = calloc(1, sizeof(*m));
	int64_t now_ns = ha_clock_now_ns();

	(void)state;
	test_seed();
	dirty_init(&m->dirty);
	ha_buf_init(&m->acks);
	for (size_t i = 0; i < STEPS; i++) {
		size_t what = test_random(100);

		now_ns += (int64_t)test_random(500) * HA_MS_NS;
		if (what < 45)
			do_mark(m);
		else if (what < 50)
			do_rename(m);
		else if (what < 55)
			(void)dirty_barrier(&m->dirty);
		else if (what == 55)
			dirty_let_go(&m->dirty);
		else if (what == 56)
			dirty_look_again(&m->dirty);
		else
			do_round(m, now_ns);
		check_sums(m);
		check_barriers(m);
	}
	drain(m, INT64_MAX);
	dirty_release(&m->dirty);
	ha_buf_release(&m->acks);
	free(m);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(marks_are_one_entry),
		cmocka_unit_test(marked_in_flight_stays),
		cmocka_unit_test(older_mark_in_flight_holds_its_barrier),
		cmocka_unit_test(again_later_waits),
		cmocka_unit_test(hurry_ends_pauses),
		cmocka_unit_test(renames_take_marks_along),
		cmocka_unit_test(unknown_trees_follow_renames),
		cmocka_unit_test(late_marks_follow_queued_renames),
		cmocka_unit_test(renames_keep_their_order),
		cmocka_unit_test(failures_back_off),
		cmocka_unit_test(held_waits_for_a_mark),
		cmocka_unit_test(what_is_held_with_a_parent_counts_once),
		cmocka_unit_test(marked_before_it_is_held_is_looked_at),
		cmocka_unit_test(let_go_allows_what_was_counted),
		cmocka_unit_test(held_follows_renames),
		cmocka_unit_test(nothing_is_lost),
	};

	return cmocka_run_group_tests_name("dirty", tests, NULL, NULL);
}
