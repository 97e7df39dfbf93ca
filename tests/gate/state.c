/* SPDX-License-Identifier: ISC */
/* state - there and back, and what is damaged. */
#include "test.h"

#include "clock.h"
#include "fs.h"
#include "state.h"

#define NOW_MS INT64_C(1795392000000)

static void
fill_check(struct check *check, const char *text)
{
	struct ha_status last = { .time = "2026-11-23T00:00:00.000Z",
		.by = text,
		.target = text,
		.msg = text,
		.perf = "time=1.5ms",
		.state = HA_STATUS_CRIT,
		.ms = 1.5 };
	struct ha_transition told = { .event = HA_TRANSITION_WORSE,
		.old_state = HA_STATUS_WARN,
		.status = last };

	check_set_last(check, &last, NOW_MS);
	check->level = HA_STATUS_UNKNOWN;
	check->is_told = 1;
	check->told = HA_STATUS_CRIT;
	check->since_ms = NOW_MS - 1;
	check->bad_ms = NOW_MS - 2;
	check->seen_ms = NOW_MS;
	check->waited_ms = NOW_MS + 1;
	check->remind_ms = NOW_MS + 2;
	check->flapping_ms = NOW_MS + 3;
	check->flips[0] = NOW_MS;
	check->flips[1] = NOW_MS + 4;
	check->flip_count = 2;
	check->turn = STATE_BETTER;
	check->reminders = 3;
	check->is_stale = check->is_stale_told = 1;
	check->was_silenced = 1;
	check->held = 4;
	check->calm_seq = 5;
	check->seen_seq = 6;
	check->sweep = 7;
	check->interval_ms = 60000;
	check->window.len = 3;
	check->window.states[0] = HA_STATUS_UNKNOWN;
	check->window.states[1] = HA_STATUS_OK;
	check->window.states[2] = HA_STATUS_WARN;
	check->ack = strdup(text);
	snprintf(check->incident, sizeof(check->incident), "20261123T0000Z-x");
	for (int i = 0; i < STATE_CHANGES + 3; i++)
		check_add_change(check, &told);
}

static void
fill(struct state *state)
{
	struct check *check;

	state_init(state);
	check = state_get(state, "", "a\tb");
	fill_check(check, "words\n\\ \xe4\xb8\xad -");
	check->producer = state_producer(state, "p");
	fill_check(state_get(state, "h", "-"), "-");
	state_get(state, "h2", "new");
	state_add_maint(state, "db*", NOW_MS, NOW_MS + 60000, "me", "a\nb");
	state->seq = 6;
	state->sweeps = 9;
	state->wall_ms = NOW_MS;
	state->up_ms = 1234;
	free(state->boot);
	state->boot = strdup("1-2-3");
}

static void
there_and_back(void **unused)
{
	struct ha_buf one = HA_BUF_INIT, two = HA_BUF_INIT;
	struct state state, again;
	struct ha_err err;

	(void)unused;
	fill(&state);
	state_encode(&one, &state, "web");
	assert_int_equal(ha_fs_replace("f", one.data, one.len, 0644, &err), 0);
	state_init(&again);
	if (state_read(&again, "f", &err) != 0)
		fail_msg("%s", err.msg);
	state_encode(&two, &again, "web");
	assert_string_equal(one.data, two.data);
	assert_non_null(state_find(&again, "", "a\tb"));
	assert_non_null(state_find(&again, "h", "-"));
	assert_null(state_find(&again, "h", "a\tb"));
	assert_int_equal(
	    state_find(&again, "h", "-")->change_count, STATE_CHANGES);
	state_release(&state);
	state_release(&again);
	ha_buf_release(&one);
	ha_buf_release(&two);
}

static int
read_text(const char *text, size_t len, struct ha_err *err)
{
	struct state state;
	int rc;

	assert_int_equal(ha_fs_replace_volatile("f", text, len, 0644, err), 0);
	state_init(&state);
	rc = state_read(&state, "f", err);
	if (rc != 0)
		assert_int_equal(state.count, 0);
	state_release(&state);
	return rc;
}

static void
damaged(void **unused)
{
	static const char *const table[] = { "", "x", "x\n", "#end\tn=0\n",
		"#ha-gate\tv=1\n", "#ha-gate\tv=1\n#end\tn=1\n",
		"#ha-gate\tv=2\n#end\tn=0\n", "#ha-gate\tv=1\n#end\tn=0\nx\n",
		"#ha-gate\tv=1\ncheck\th\tc\n#end\tn=1\n",
		"#ha-gate\tv=1\nmaint\tp\tx\tx\tw\tr\n#end\tn=1\n",
		"#ha-gate\tv=1\tseq=x\n#end\tn=0\n",
		"#ha-gate\tv=1\nchange\tt\tworse\tOK\tOK\tm\n#end\tn=1\n",
		"producer\tp\n#ha-gate\tv=1\n#end\tn=1\n" };
	struct ha_err err;

	(void)unused;
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		printf("# %zu\n", i);
		assert_int_equal(
		    read_text(table[i], strlen(table[i]), &err), -1);
		assert_int_equal(err.status, EX_DATAERR);
	}
	assert_int_equal(read_text("#ha-gate\tv=1\n#end\tn=0", 21, &err), -1);
	assert_int_equal(
	    read_text("#ha-gate\tv=1\n\0\n#end\tn=0\n", 24, &err), -1);
	assert_int_equal(read_text("#ha-gate\tv=1\n#end\tn=0\n", 22, &err), 0);
	/* What later versions may add. */
	assert_int_equal(
	    read_text("#ha-gate\tv=1\tz=1\nnew\tx\n#end\tn=1\n", 32, &err), 0);
}

static void
cut_anywhere(void **unused)
{
	struct ha_buf text = HA_BUF_INIT;
	struct state state;
	struct ha_err err;

	(void)unused;
	fill(&state);
	state_encode(&text, &state, "web");
	for (size_t len = 0; len < text.len; len += len < 200 ? 1 : 7)
		assert_int_equal(read_text(text.data, len, &err), -1);
	assert_int_equal(read_text(text.data, text.len, &err), 0);
	state_release(&state);
	ha_buf_release(&text);
}

/* Whatever it reads, what it gives can be written, and is read again. */
static void
bytes_changed(void **unused)
{
	struct ha_buf text = HA_BUF_INIT, out = HA_BUF_INIT;
	struct state state;
	struct ha_err err;

	(void)unused;
	test_seed();
	fill(&state);
	state_encode(&text, &state, "web");
	state_release(&state);
	for (int i = 0; i < 3000; i++) {
		struct ha_buf copy = HA_BUF_INIT;

		ha_buf_add(&copy, text.data, text.len);
		for (size_t j = test_random(4) + 1; j > 0; j--)
			copy.data[test_random(copy.len)] =
			    test_random(2) ? "\t\n-0179OC\\"[test_random(10)]
					   : (char)test_random(256);
		assert_int_equal(ha_fs_replace_volatile(
				     "f", copy.data, copy.len, 0644, &err),
		    0);
		ha_buf_release(&copy);
		state_init(&state);
		if (state_read(&state, "f", &err) == 0) {
			ha_buf_reset(&out);
			state_encode(&out, &state, "web");
			assert_int_equal(read_text(out.data, out.len, &err), 0);
		} else {
			assert_int_equal(err.status, EX_DATAERR);
		}
		state_release(&state);
	}
	ha_buf_release(&text);
	ha_buf_release(&out);
}

static void
many_checks(void **unused)
{
	struct state state;
	char name[32];

	(void)unused;
	state_init(&state);
	for (int i = 0; i < 5000; i++) {
		snprintf(name, sizeof(name), "%d", i);
		state_get(&state, i % 2 ? "h" : "", name)->level =
		    HA_STATUS_WARN;
	}
	assert_int_equal(state.count, 5000);
	for (size_t i = 0; i < state.count; i += 3)
		state.checks[i]->is_gone = 1;
	state_sweep(&state);
	assert_int_equal(state.count, 5000 - 1667);
	assert_null(state_find(&state, "", "0"));
	assert_null(state_find(&state, "h", "2"));
	assert_non_null(state_find(&state, "", "2"));
	assert_non_null(state_find(&state, "h", "4999"));
	state_release(&state);
}

static void
names(void **unused)
{
	static const char *const good[] = { "web", "a.b_c-1", "X" };
	static const char *const bad[] = { "", ".", "..", ".web", "a/b", "a b",
		"web.lock", "web.new", "web.damaged-x", "\xc3\xa4" };
	char longest[66];

	(void)unused;
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++)
		assert_true(state_is_name(good[i]));
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_false(state_is_name(bad[i]));
	memset(longest, 'a', sizeof(longest));
	longest[65] = '\0';
	assert_false(state_is_name(longest));
	longest[64] = '\0';
	assert_true(state_is_name(longest));
}

static void
a_clock_that_is_stepped(void **unused)
{
	int64_t now_ms = ha_clock_wall_ms();
	struct state state;
	struct check *check;

	(void)unused;
	fill(&state);
	assert_int_equal(state_set_clock(&state, now_ms), 0);
	check = state_find(&state, "h", "-");
	check->remind_ms = now_ms + 60000;
	check->seen_ms = now_ms;
	check->since_ms = now_ms;
	/* Not its clock. */
	assert_in_range(state_set_clock(&state, now_ms + 4000), 0, 0);
	assert_int_equal(check->remind_ms, now_ms + 60000);
	assert_in_range(
	    state_set_clock(&state, now_ms + 3604000), 3590000, 3600000);
	assert_in_range(check->remind_ms, now_ms + 3650000, now_ms + 3660000);
	assert_in_range(check->seen_ms, now_ms + 3590000, now_ms + 3600000);
	assert_int_equal(check->since_ms, now_ms);
	assert_in_range(-state_set_clock(&state, now_ms), 3600000, 3605000);
	assert_in_range(check->remind_ms, now_ms + 50000, now_ms + 61000);
	/* Another boot: the clock can only have lost time. */
	free(state.boot);
	state.boot = strdup("another");
	assert_int_equal(state_set_clock(&state, now_ms + 7200000), 0);
	free(state.boot);
	state.boot = strdup("another");
	assert_int_equal(state_clock_step(&state, now_ms), -7200000);
	assert_int_equal(state_set_clock(&state, now_ms), -7200000);
	assert_int_equal(state_clock_step(&state, now_ms), 0);
	state_release(&state);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		test_in_folder(there_and_back),
		test_in_folder(damaged),
		test_in_folder(cut_anywhere),
		test_in_folder(bytes_changed),
		cmocka_unit_test(many_checks),
		cmocka_unit_test(names),
		cmocka_unit_test(a_clock_that_is_stepped),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
