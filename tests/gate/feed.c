/* SPDX-License-Identifier: ISC */
/* feed - what comes on stdin, and the batch that it makes. */
#include "test.h"

#include <signal.h>

#include "clock.h"
#include "feed.h"

#define HEAD "2026-11-23T02:00:00.000Z\tb\th\t"
#define TAIL "\tOK\t1\tt\tm\t-\n"
#define R(check) HEAD check TAIL
#define BEGIN(name, id) "#begin\tname=" name "\tid=" id "\n"
#define END(id, n) "#end\tid=" id "\tn=" n "\tworst=OK\n"

static struct feed feed;
static struct feed_batch batch;
static int writer;

static int
enter(void **state)
{
	int ends[2];

	(void)state;
	/* The children of a test end when its pipe is gone. */
	signal(SIGCHLD, SIG_IGN);
	signal(SIGPIPE, SIG_IGN);
	if (pipe(ends) != 0)
		return -1;
	feed_init(&feed, ends[0], 60000, 60000);
	feed_batch_init(&batch);
	writer = ends[1];
	return 0;
}

static int
leave(void **state)
{
	(void)state;
	feed_batch_release(&batch);
	close(feed.in.fd);
	feed_release(&feed);
	if (writer >= 0)
		close(writer);
	return 0;
}

static void
give(const char *text)
{
	assert_int_equal(write(writer, text, strlen(text)), strlen(text));
}

/* "a b1 p=complete:2!": records, and the sweep that they are known to be of. */
static const char *
describe(void)
{
	static const char *const fates[] = { "complete", "empty", "aborted" };
	static char text[1024];
	struct ha_status status;
	size_t len = 0;
	int64_t time_ms;

	text[0] = '\0';
	for (size_t i = 0; i < batch.count; i++) {
		feed_decode(&batch, i, &status, &time_ms);
		len += (size_t)snprintf(text + len, sizeof(text) - len,
		    "%s%s%.0zu", len > 0 ? " " : "", status.check,
		    batch.records[i].sweep);
	}
	for (size_t i = 0; i < batch.sweep_count; i++) {
		const struct feed_sweep *sweep = &batch.sweeps[i];

		len += (size_t)snprintf(text + len, sizeof(text) - len,
		    "%s%s=%s:%d%s", len > 0 ? " " : "", sweep->producer,
		    fates[sweep->fate], (int)sweep->checks,
		    sweep->is_alone ? "!" : "");
	}
	return text;
}

/* The next batch; is_more: the input has not ended. */
static void
expect(const char *what, int is_more)
{
	struct ha_err err;
	int rc;

	feed_batch_release(&batch);
	feed_batch_init(&batch);
	rc = feed_next(&feed, &batch, &err);
	assert_string_equal(describe(), what);
	assert_int_equal(rc, is_more);
}

static void
whole_inputs(void **state)
{
	static const struct {
		const char *name, *input, *batch;
		unsigned bad;
	} table[] = {
		{ "nothing", "", "", 0 },
		{ "a record", R("a"), "a", 0 },
		{ "a sweep", BEGIN("p", "1") R("a") R("b") END("1", "2"),
		    "a1 b1 p=complete:2!", 0 },
		{ "two, one after the other",
		    BEGIN("p", "1") R("a") END("1", "1") R("x") BEGIN("q", "2")
			R("b") END("2", "1"),
		    "a1 x b2 p=complete:1! q=complete:1!", 0 },
		{ "two that overlap",
		    BEGIN("p", "1") R("a") BEGIN("q", "2") R("b") END("1", "1")
			R("c") END("2", "2"),
		    "a b c p=complete:1 q=complete:2", 0 },
		{ "none in it", BEGIN("p", "1") END("1", "0"), "p=empty:0!",
		    0 },
		{ "a record is missing", BEGIN("p", "1") R("a") END("1", "2"),
		    "a p=aborted:0", 0 },
		{ "of two that overlap",
		    BEGIN("p", "1") R("a") BEGIN("q", "2") R("b") END("1", "1")
			END("2", "2"),
		    "a b p=aborted:0 q=aborted:0", 0 },
		{ "one more, of somebody else",
		    BEGIN("p", "1") R("a") R("x") END("1", "1"),
		    "a x p=complete:1", 0 },
		{ "no #end", BEGIN("p", "1") R("a"), "a p=aborted:0", 0 },
		{ "no #end of one of two",
		    BEGIN("p", "1") R("a") BEGIN("q", "2") R("b") END("2", "1"),
		    "a b p=aborted:0 q=complete:1", 0 },
		{ "it began anew",
		    BEGIN("p", "1") R("a") BEGIN("p", "1") R("b") END("1", "1"),
		    "a b2 p=aborted:0 p=complete:1!", 0 },
		{ "the same name, other ids",
		    BEGIN("p", "1") BEGIN("p", "2") R("a") END("1", "0")
			END("2", "1"),
		    "a p=empty:0 p=complete:1", 0 },
		{ "quiet: fewer are right",
		    BEGIN("p", "1")
			R("a") "#end\tid=1\tn=9\tworst=OK\tquiet=1\n",
		    "a p=complete:9", 0 },
		{ "no such #begin", END("1", "0"), "", 1 },
		{ "a comment, and what later versions may say",
		    "# words\n#more\tx=1\n" R("a"), "a", 0 },
		{ "not a record", "words\n" R("a") "\n", "a", 2 },
		{ "one in a sweep", BEGIN("p", "1") "words\n" END("1", "1"),
		    "p=aborted:0", 1 },
		{ "JSON", "{\"record\":\"begin\"}\n{}\n", "", 2 },
		{ "a number that is none", BEGIN("p", "1") R("a") END("1", "x"),
		    "a p=aborted:0", 1 },
		{ "the last line is cut off", R("a") HEAD "b", "a", 1 },
	};

	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		printf("# %s\n", table[i].name);
		if (i > 0) {
			leave(state);
			enter(state);
		}
		give(table[i].input);
		close(writer);
		writer = -1;
		expect(table[i].batch, 0);
		assert_int_equal(feed.bad, table[i].bad);
		assert_int_equal(
		    feed.was_fed, strstr(table[i].input, "2026") ||
				      strstr(table[i].input, "#begin") ||
				      strstr(table[i].input, "#end"));
	}
}

static void
a_sweep_is_a_batch(void **state)
{
	(void)state;
	give(BEGIN("p", "1") R("a"));
	give(END("1", "1") BEGIN("q", "2") R("b"));
	/* Not between two of which one has begun. */
	give(END("2", "1"));
	expect("a1 b2 p=complete:1! q=complete:1!", 1);
	give(BEGIN("p", "3") END("3", "0"));
	expect("p=empty:0!", 1);
	close(writer);
	writer = -1;
	expect("", 0);
}

static void
a_pause_ends_records_without_a_frame(void **state)
{
	int64_t start_ns = ha_clock_now_ns();

	(void)state;
	give(R("a") R("b"));
	expect("a b", 1);
	assert_true(ha_clock_now_ns() - start_ns >= 499 * HA_MS_NS);
}

static void
nothing_comes(void **state)
{
	(void)state;
	feed.tick_ms = 10;
	expect("", 1);
	expect("", 1);
}

static void
the_time_of_a_sweep_is_up(void **state)
{
	(void)state;
	feed.sweep_ms = 100;
	give(BEGIN("p", "1") R("a"));
	expect("a p=aborted:0", 1);
	/* Its end, late, is nobody's. */
	give(END("1", "1") R("b"));
	expect("b", 1);
	assert_int_equal(feed.bad, 1);
}

/* From another process, as nobody else writes while feed_next() waits. */
static void
give_later(unsigned ms, const char *text, int times)
{
	if (fork() != 0)
		return;
	close(feed.in.fd);
	for (int i = 0; i < times; i++) {
		usleep(ms * 1000);
		if (write(writer, text, strlen(text)) < 0)
			break;
	}
	_exit(0);
}

/* The other one goes on: what came of it goes out, and it is counted on. */
static void
the_time_of_one_of_two_is_up(void **state)
{
	(void)state;
	feed.sweep_ms = 1000;
	give(BEGIN("p", "1") R("a"));
	give_later(500, BEGIN("q", "2") R("b"), 1);
	expect("a b p=aborted:0", 1);
	give(R("c") END("2", "2"));
	expect("c q=complete:2", 1);
	give(BEGIN("q", "3") R("c") END("3", "1"));
	expect("c1 q=complete:1!", 1);
}

/* Nobody knows whether the other one is alive. */
static void
a_pause_after_one_of_two(void **state)
{
	(void)state;
	feed.pause_ms = 50;
	give(BEGIN("p", "1") R("a") BEGIN("q", "2") R("b") END("2", "1"));
	expect("a b q=complete:1", 1);
	give(R("c") END("1", "2"));
	expect("c p=complete:2", 1);
}

static void
what_never_pauses_is_cut(void **state)
{
	(void)state;
	feed.old_ms = 300;
	give_later(50, R("a"), 100);
	feed_batch_release(&batch);
	feed_batch_init(&batch);
	assert_int_equal(
	    feed_next(&feed, &batch, &(struct ha_err){ .msg = "" }), 1);
	assert_in_range(batch.count, 2, 20);
}

/* One has died; the next ones come all the same. */
static void
others_do_not_wait_for_one_that_died(void **state)
{
	int64_t start_ns = ha_clock_now_ns();

	(void)state;
	feed.pause_ms = 50;
	give(BEGIN("p", "1") R("a"));
	give(BEGIN("p", "2") R("b") END("2", "1"));
	expect("a b p=complete:1", 1);
	give(BEGIN("p", "3") R("c") END("3", "2"));
	expect("c p=complete:2", 1);
	assert_true(ha_clock_now_ns() - start_ns < 5000 * HA_MS_NS);
	give(END("1", "1"));
	/* The third one took what the first one had: one is missing. */
	expect("p=aborted:0", 1);
}

/* None of them is ever the only one: what has ended goes out. */
static void
a_chain_that_never_ends_is_cut(void **state)
{
	(void)state;
	feed.old_ms = 200;
	give(BEGIN("q", "2"));
	give_later(20,
	    BEGIN("p", "1") R("a") END("2", "1") BEGIN("q", "2") R("b")
		END("1", "1"),
	    200);
	feed_batch_release(&batch);
	feed_batch_init(&batch);
	assert_int_equal(
	    feed_next(&feed, &batch, &(struct ha_err){ .msg = "" }), 1);
	assert_in_range(batch.count, 2, 60);
}

static void
its_time_is_up_under_a_flood(void **state)
{
	(void)state;
	feed.sweep_ms = 200;
	give(BEGIN("p", "1"));
	give_later(1, R("a"), 3000);
	feed_batch_release(&batch);
	feed_batch_init(&batch);
	assert_int_equal(
	    feed_next(&feed, &batch, &(struct ha_err){ .msg = "" }), 1);
	assert_int_equal(batch.sweep_count, 1);
	assert_int_equal(batch.sweeps[0].fate, FEED_ABORTED);
}

/* While COMMAND runs nobody reads. */
static void
the_time_between_counts_for_no_sweep(void **state)
{
	(void)state;
	feed.sweep_ms = 300;
	feed.pause_ms = 10;
	give(BEGIN("p", "1") R("a") BEGIN("q", "2") END("2", "0"));
	expect("a q=empty:0", 1);
	usleep(400000);
	give(END("1", "1"));
	expect("p=complete:1", 1);
}

static void
comments_do_not_put_off_a_look(void **state)
{
	(void)state;
	feed.tick_ms = 200;
	give_later(10, "# still here\n", 400);
	expect("", 1);
	assert_int_not_equal(feed.in.number, 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(whole_inputs, enter, leave),
		cmocka_unit_test_setup_teardown(
		    a_sweep_is_a_batch, enter, leave),
		cmocka_unit_test_setup_teardown(
		    a_pause_ends_records_without_a_frame, enter, leave),
		cmocka_unit_test_setup_teardown(nothing_comes, enter, leave),
		cmocka_unit_test_setup_teardown(
		    the_time_of_a_sweep_is_up, enter, leave),
		cmocka_unit_test_setup_teardown(
		    the_time_of_one_of_two_is_up, enter, leave),
		cmocka_unit_test_setup_teardown(
		    a_pause_after_one_of_two, enter, leave),
		cmocka_unit_test_setup_teardown(
		    what_never_pauses_is_cut, enter, leave),
		cmocka_unit_test_setup_teardown(
		    others_do_not_wait_for_one_that_died, enter, leave),
		cmocka_unit_test_setup_teardown(
		    a_chain_that_never_ends_is_cut, enter, leave),
		cmocka_unit_test_setup_teardown(
		    its_time_is_up_under_a_flood, enter, leave),
		cmocka_unit_test_setup_teardown(
		    the_time_between_counts_for_no_sweep, enter, leave),
		cmocka_unit_test_setup_teardown(
		    comments_do_not_put_off_a_look, enter, leave),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
