/* SPDX-License-Identifier: ISC */
/* view - a line there and back, whatever is in it; the verdicts. */
#include "test.h"

#include <signal.h>

#include "view.h"

static struct view
sample(void)
{
	struct view view = {
		.phase = PHASE_WAITING,
		.keeper = 4711,
		.pid = 0,
		.since_ms = 1000,
		.due_ms = 8000,
		.restarts = 7,
		.failures = 5,
	};

	strcpy(view.name, "www");
	leftover_new_id(view.id);
	strcpy(view.command, "sh -c a\tb\nc");
	strcpy(view.last, "ended with status 1 after 3 s");
	return view;
}

static void
encode(const struct view *view, struct ha_buf *line)
{
	view_encode(line, view);
	assert_int_equal(line->data[line->len - 1], '\n');
	assert_ptr_equal(
	    memchr(line->data, '\n', line->len), line->data + line->len - 1);
	ha_buf_truncate(line, line->len - 1);
}

static void
there_and_back(void **state)
{
	struct view view = sample(), back;
	struct ha_buf line = HA_BUF_INIT;
	struct ha_err err;

	(void)state;
	encode(&view, &line);
	assert_int_equal(view_decode(&back, line.data, &err), 0);
	assert_int_equal(back.phase, PHASE_WAITING);
	assert_int_equal(back.keeper, 4711);
	assert_int_equal(back.since_ms, 1000);
	assert_int_equal(back.due_ms, 8000);
	assert_int_equal(back.restarts, 7);
	assert_int_equal(back.failures, 5);
	assert_string_equal(back.name, "www");
	assert_string_equal(back.id, view.id);
	assert_string_equal(back.command, view.command);
	assert_string_equal(back.last, view.last);
	assert_string_equal(back.note, "");
	assert_true(leftover_is_id(back.id));
	ha_buf_release(&line);
}

static void
what_is_none(void **state)
{
	static const char *const wrong[] = { "", "#keep", "keep\tv=1\tphase=x",
		"#keep\tv=1\tphase=none", "#keep\tphase=running\tpid=x",
		"#keep\tphase=running\tpid=", "#keep\tphase=running\tpid=-1",
		"#keep\tphase=running\tsince_ms=9223372036854775807",
		"#keep\tphase=running\tlast=\\x",
		"#keep\tphase=running\tlast=a\\0000b" };
	char text[64], later[] = "#keep\tv=2\tphase=running\tnew=1\tword";
	struct ha_err err;
	struct view view;

	(void)state;
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		strcpy(text, wrong[i]);
		assert_int_equal(view_decode(&view, text, &err), -1);
		assert_int_equal(err.status, EX_DATAERR);
	}
	assert_int_equal(view_decode(&view, later, &err), 0);
	assert_int_equal(view.phase, PHASE_RUNNING);
	assert_false(leftover_is_id(view.id));
	assert_false(leftover_is_id("0123456789abcdef0123456789abcdeF"));
}

/* Bytes flipped in a good line: an answer, and text that ends. */
static void
random_bytes(void **state)
{
	struct view view = sample(), back;
	struct ha_buf line = HA_BUF_INIT, msg = HA_BUF_INIT, perf = HA_BUF_INIT;
	struct ha_err err;

	(void)state;
	test_seed();
	for (int round = 0; round < 20000; round++) {
		ha_buf_reset(&line);
		ha_buf_reset(&msg);
		ha_buf_reset(&perf);
		encode(&view, &line);
		for (size_t n = 1 + test_random(6); n; n--)
			line.data[test_random(line.len)] =
			    (char)test_random(256);
		if (view_decode(&back, line.data, &err))
			continue;
		assert_true(strlen(back.name) < sizeof(back.name));
		assert_true(strlen(back.last) < sizeof(back.last));
		view_judge(&back, 5000, &msg, &perf);
		assert_true(msg.len > 0);
		assert_true(perf.len > 0);
	}
	ha_buf_release(&line);
	ha_buf_release(&msg);
	ha_buf_release(&perf);
}

static void
judged(const struct view *view, int is_dead, enum ha_status_state expected,
    const char *words, const char *numbers)
{
	struct ha_buf msg = HA_BUF_INIT, perf = HA_BUF_INIT;
	enum ha_status_state got = is_dead
				       ? view_judge_dead(view, &msg, &perf)
				       : view_judge(view, 5000, &msg, &perf);

	assert_int_equal(got, expected);
	assert_string_equal(msg.data, words);
	assert_string_equal(perf.data, numbers);
	ha_buf_release(&msg);
	ha_buf_release(&perf);
}

static void
verdicts(void **state)
{
	struct view view = sample();

	(void)state;
	judged(&view, 0, HA_STATUS_CRIT,
	    "starts again in 3 s after 5 ends in a row: it ended with status 1 "
	    "after 3 s",
	    "restarts=7c uptime=0s pid=0");
	view.failures = 1;
	judged(&view, 0, HA_STATUS_WARN,
	    "starts again in 3 s: it ended with status 1 after 3 s",
	    "restarts=7c uptime=0s pid=0");
	view.phase = PHASE_RUNNING;
	view.pid = 12;
	judged(&view, 0, HA_STATUS_WARN,
	    "process 12 has run for 4 s: it ended with status 1 after 3 s",
	    "restarts=7c uptime=4s pid=12");
	view.failures = VIEW_CRIT_FAILURES;
	judged(&view, 0, HA_STATUS_CRIT,
	    "process 12 has run for 4 s after 3 ends in a row: it ended with "
	    "status 1 after 3 s",
	    "restarts=7c uptime=4s pid=12");
	view.failures = 0;
	judged(&view, 0, HA_STATUS_OK,
	    "process 12 has run for 4 s; 7 restarts, the last time it ended "
	    "with status 1 after 3 s",
	    "restarts=7c uptime=4s pid=12");
	judged(&view, 1, HA_STATUS_CRIT,
	    "the keeper is gone: process 4711 was killed; the next start ends "
	    "what it left",
	    "restarts=7c uptime=0s pid=12");
	view.restarts = 0;
	judged(&view, 0, HA_STATUS_OK, "process 12 has run for 4 s",
	    "restarts=0c uptime=4s pid=12");
	view.phase = PHASE_ENDING;
	strcpy(view.note, "asked to restart");
	judged(&view, 0, HA_STATUS_WARN,
	    "its processes are being ended: asked to restart",
	    "restarts=0c uptime=0s pid=12");
	view.is_stuck = 1;
	judged(&view, 0, HA_STATUS_CRIT,
	    "its processes are being ended: asked to restart",
	    "restarts=0c uptime=0s pid=12");
	view.phase = PHASE_GAVE_UP;
	judged(&view, 1, HA_STATUS_CRIT, "gave up: asked to restart",
	    "restarts=0c uptime=0s pid=12");
}

static void
ends(void **state)
{
	char words[64];

	(void)state;
	view_say_end(3 << 8, words, sizeof(words));
	assert_string_equal(words, "ended with status 3");
	view_say_end(SIGKILL, words, sizeof(words));
	assert_string_equal(words, "was ended by SIGKILL");
	view_say_end(SIGRTMIN + 1, words, sizeof(words));
	assert_string_equal(words, "was ended by signal 35");
}

static void
names(void **state)
{
	static const char *const good[] = { "a", "www", "a.b_c-9", "_x", "0" };
	static const char *const bad[] = { "", ".", "..", ".a", "-a", "a/b",
		"a b", "a\n", "\303\251", "a:b", "*" };
	char longest[PLACE_NAME_MAX + 2];

	(void)state;
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++)
		assert_true(place_name_is_valid(good[i]));
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_false(place_name_is_valid(bad[i]));
	memset(longest, 'a', sizeof(longest));
	longest[PLACE_NAME_MAX + 1] = '\0';
	assert_false(place_name_is_valid(longest));
	longest[PLACE_NAME_MAX] = '\0';
	assert_true(place_name_is_valid(longest));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(there_and_back),
		cmocka_unit_test(what_is_none),
		cmocka_unit_test(random_bytes),
		cmocka_unit_test(verdicts),
		cmocka_unit_test(ends),
		cmocka_unit_test(names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
