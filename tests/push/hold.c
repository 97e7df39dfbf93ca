/* SPDX-License-Identifier: ISC */
/*
 * hold - what is said of held deletions, and how they are let go.
 */
#include "test.h"

#include "clock.h"
#include "hold.h"
#include "push.h"

void
report_touch(struct report *report)
{
	report->look_ns = 1;
}

static struct push push;

static void
start(void)
{
	memset(&push, 0, sizeof(push));
	dirty_init(&push.dirty);
	push.peer.label = "peer:/x";
	push.report.status_file = "/run/x.status";
}

static void
hold(const char *path, uint64_t count, const char *names, size_t len)
{
	struct ha_buf buf = HA_BUF_INIT;
	struct dirty_entry *entry;

	ha_buf_add(&buf, names, len);
	dirty_mark(&push.dirty, path, DIRTY_REPLACED, NULL, 0);
	assert_int_equal(
	    dirty_take(&push.dirty, &entry, 1, 1 << 20, ha_clock_now_ns()), 1);
	assert_false(budget_take(&push.budget, 101));
	dirty_hold(&push.dirty, entry, count, &buf);
	ha_buf_release(&buf);
}

static void
end(void)
{
	dirty_release(&push.dirty);
	budget_close(&push.budget);
}

static void
is_listed(void **state)
{
	struct ha_buf text = HA_BUF_INIT;
	char *line;

	(void)state;
	start();
	hold("d", 7, NULL, 0);
	hold(".", 3, "a\0b\nc", 6);
	hold_list(&push, 1000, &text);
	line = strtok(text.data, "\n");
	assert_ptr_equal(strstr(line, "held\td\t"), line);
	assert_non_null(strstr(line, "\t7"));
	line = strtok(NULL, "\n");
	assert_ptr_equal(strstr(line, "held\ta\t"), line);
	line = strtok(NULL, "\n");
	assert_ptr_equal(strstr(line, "held\tb\\nc\t"), line);
	assert_null(strtok(NULL, "\n"));
	ha_buf_reset(&text);
	hold_list(&push, 2, &text);
	assert_null(strstr(text.data, "b\\nc"));
	ha_buf_release(&text);
	end();
}

static void
is_let_go(void **state)
{
	struct ha_buf answer = HA_BUF_INIT;
	struct dirty_entry *entry;

	(void)state;
	start();
	assert_int_equal(budget_release(&push, "why", &answer), 1);
	assert_string_equal(answer.data, "no deletion is held");
	ha_buf_reset(&answer);
	hold("d", 1234, NULL, 0);
	hold("e", 1, NULL, 0);
	hold_settle(&push);
	assert_true(push.hold_said);
	assert_int_equal(budget_release(&push, "meant", &answer), 0);
	assert_string_equal(answer.data, "1235 deletions released");
	assert_int_equal(push.dirty.held.count, 0);
	assert_int_equal(push.report.look_ns, 1);
	assert_int_equal(
	    dirty_take(&push.dirty, &entry, 1, 1 << 20, ha_clock_now_ns()), 1);
	assert_int_equal(entry->allowed, 1234);
	assert_int_equal(budget_left(&push.budget), 100);
	ha_buf_release(&answer);
	end();
}

static void
is_over(void **state)
{
	struct ha_buf words = HA_BUF_INIT, acks = HA_BUF_INIT;
	struct dirty_entry *entry;

	(void)state;
	start();
	hold("d", 2, NULL, 0);
	hold_settle(&push);
	assert_int_equal(budget_left(&push.budget), 0);
	hold_words(&push, &words);
	assert_string_equal(words.data,
	    "2 deletions are held: more than 100 in an hour; first d; let "
	    "them go with: ha-push --release /run/x.status --reason WORDS, or "
	    "raise --max-delete");
	assert_false(hold_is_all(&push));
	push.input.at_end = 1;
	assert_true(hold_is_all(&push));
	dirty_mark(&push.dirty, "d", DIRTY_CONTENT, NULL, 0);
	assert_false(hold_is_all(&push));
	hold_settle(&push);
	assert_int_equal(budget_left(&push.budget), 0);
	assert_int_equal(
	    dirty_take(&push.dirty, &entry, 1, 1 << 20, ha_clock_now_ns()), 1);
	dirty_done(&push.dirty, entry, &acks);
	hold_settle(&push);
	assert_int_equal(budget_left(&push.budget), 100);
	ha_buf_release(&words);
	ha_buf_release(&acks);
	end();
}

static void
is_looked_at_again(void **state)
{
	struct dirty_entry *entry;

	(void)state;
	start();
	assert_true(hold_due_ns(&push) == HA_CLOCK_NEVER);
	hold("d", 2, NULL, 0);
	hold_settle(&push);
	assert_true(hold_due_ns(&push) > ha_clock_now_ns());
	assert_true(hold_due_ns(&push) <= ha_clock_deadline(10000));
	hold_look_again(&push);
	assert_true(hold_due_ns(&push) == HA_CLOCK_NEVER);
	assert_int_equal(
	    dirty_take(&push.dirty, &entry, 1, 1 << 20, ha_clock_now_ns()), 1);
	dirty_hold(&push.dirty, entry, 2, NULL);
	hold_looked(&push, 3000 * HA_MS_NS);
	assert_true(hold_due_ns(&push) > ha_clock_deadline(50000));
	push.input.at_end = 1;
	assert_true(hold_due_ns(&push) == HA_CLOCK_NEVER);
	end();
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(is_listed),
		cmocka_unit_test(is_let_go),
		cmocka_unit_test(is_over),
		cmocka_unit_test(is_looked_at_again),
	};

	return cmocka_run_group_tests_name("hold", tests, NULL, NULL);
}
