/* SPDX-License-Identifier: ISC */
/* backlog - bounded, in order, and never cut within a record. */
#include "test.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>

#include "backlog.h"

struct world {
	int ends[2];
	struct backlog backlog;
	struct ha_buf got;
};

static void
open_world(struct world *w, char delimiter)
{
	assert_int_equal(pipe(w->ends), 0);
	/* A page: full after little. */
	assert_true(fcntl(w->ends[1], F_SETPIPE_SZ, 4096) >= 4096);
	fcntl(w->ends[0], F_SETFL, O_NONBLOCK);
	fcntl(w->ends[1], F_SETFL, O_NONBLOCK);
	backlog_init(&w->backlog, 100000, delimiter);
	ha_buf_init(&w->got);
}

static void
close_world(struct world *w)
{
	close(w->ends[0]);
	close(w->ends[1]);
	backlog_release(&w->backlog);
	ha_buf_release(&w->got);
}

/* Read at most max bytes. */
static void
drain(struct world *w, size_t max)
{
	char data[500];
	ssize_t n;

	while (max > 0 && (n = read(w->ends[0], data,
			       max < sizeof(data) ? max : sizeof(data))) > 0) {
		ha_buf_add(&w->got, data, (size_t)n);
		max -= (size_t)n;
	}
}

static void
drain_all(struct world *w)
{
	do {
		assert_int_equal(backlog_write(&w->backlog, w->ends[1]), 0);
		drain(w, SIZE_MAX);
	} while (backlog_len(&w->backlog) > 0);
}

/* A record of its number, of this length with its delimiter. */
static void
add_record(struct backlog *backlog, struct ha_buf *all, unsigned n, size_t len)
{
	struct ha_buf record = HA_BUF_INIT;

	ha_buf_addf(&record, "%08u", n);
	while (record.len < len - 1)
		ha_buf_add_char(&record, 'x');
	ha_buf_add_char(&record, backlog->delimiter);
	backlog_add(backlog, record.data, record.len);
	if (all != NULL)
		ha_buf_add(all, record.data, record.len);
	ha_buf_release(&record);
}

static void
everything_in_order(void **state)
{
	struct ha_buf all = HA_BUF_INIT;
	struct world w;

	(void)state;
	open_world(&w, '\n');
	assert_int_equal(backlog_write(&w.backlog, w.ends[1]), 0);
	for (unsigned i = 0; i < 2000; i++) {
		add_record(&w.backlog, &all, i, 10 + test_random(300));
		assert_int_equal(backlog_write(&w.backlog, w.ends[1]), 0);
		drain(&w, test_random(200));
	}
	drain_all(&w);
	assert_int_equal(w.got.len, all.len);
	assert_memory_equal(w.got.data, all.data, all.len);
	ha_buf_release(&all);
	close_world(&w);
}

/* Each line whole: its length is what it was made with. */
static void
check_whole(const struct ha_buf *got, char delimiter, size_t len)
{
	assert_int_equal(got->len % len, 0);
	for (size_t i = 0; i < got->len; i += len) {
		assert_ptr_equal(memchr(got->data + i, delimiter, got->len - i),
		    got->data + i + len - 1);
	}
}

static void
dropped_between_records(void **state)
{
	static const char delimiters[] = { '\n', '\0' };
	struct world w;

	(void)state;
	for (size_t d = 0; d < sizeof(delimiters); d++) {
		for (size_t taken = 0; taken < 400; taken += 7) {
			open_world(&w, delimiters[d]);
			for (unsigned i = 0; i < 100; i++)
				add_record(&w.backlog, NULL, i, 99);
			backlog_write(&w.backlog, w.ends[1]);
			drain(&w, taken);
			backlog_write(&w.backlog, w.ends[1]);
			backlog_drop(&w.backlog);
			assert_true(backlog_len(&w.backlog) < 99);
			add_record(&w.backlog, NULL, 12345678, 99);
			drain_all(&w);
			check_whole(&w.got, delimiters[d], 99);
			assert_memory_equal(
			    w.got.data + w.got.len - 99, "12345678", 8);
			close_world(&w);
		}
	}
}

static void
dropped_before_it_was_written(void **state)
{
	struct world w;

	(void)state;
	open_world(&w, '\n');
	add_record(&w.backlog, NULL, 1, 99);
	backlog_drop(&w.backlog);
	assert_int_equal(backlog_len(&w.backlog), 0);
	add_record(&w.backlog, NULL, 2, 99);
	drain_all(&w);
	add_record(&w.backlog, NULL, 3, 99);
	backlog_drop(&w.backlog);
	drain_all(&w);
	assert_int_equal(w.got.len, 99);
	assert_memory_equal(w.got.data, "00000002", 8);
	close_world(&w);
}

static void
room(void **state)
{
	struct world w;

	(void)state;
	open_world(&w, '\n');
	assert_true(backlog_has_room(&w.backlog, 100000));
	assert_false(backlog_has_room(&w.backlog, 100001));
	add_record(&w.backlog, NULL, 1, 60000);
	assert_true(backlog_has_room(&w.backlog, 40000));
	assert_false(backlog_has_room(&w.backlog, 40001));
	/* What is written makes room at once. */
	assert_int_equal(backlog_write(&w.backlog, w.ends[1]), 0);
	assert_true(backlog_has_room(&w.backlog, 40001));
	drain_all(&w);
	assert_true(backlog_has_room(&w.backlog, 100000));
	close_world(&w);
}

static void
nobody_reads(void **state)
{
	struct world w;

	(void)state;
	signal(SIGPIPE, SIG_IGN);
	open_world(&w, '\n');
	close(w.ends[0]);
	add_record(&w.backlog, NULL, 1, 99);
	assert_int_equal(backlog_write(&w.backlog, w.ends[1]), -1);
	assert_int_equal(errno, EPIPE);
	w.ends[0] = -1;
	close_world(&w);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(everything_in_order),
		cmocka_unit_test(dropped_between_records),
		cmocka_unit_test(dropped_before_it_was_written),
		cmocka_unit_test(room),
		cmocka_unit_test(nobody_reads),
	};

	test_seed();
	return cmocka_run_group_tests_name("backlog", tests, NULL, NULL);
}
