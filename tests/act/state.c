/* SPDX-License-Identifier: ISC */
/* state - there and back, damage, the names of its files. */
#include "test.h"

#include "name.h"
#include "state.h"

#define ALL                                                                    \
	"failing\tdisk:/\tweb1\tone\n"                                         \
	"failing\ta\\tb\t-\ttwo\n"                                             \
	"run\t2026-11-23T00:50:01.250Z\n"                                      \
	"run\t2026-11-23T00:51:01.250Z\n"                                      \
	"ended\t2026-11-23T00:51:03.000Z\n"                                    \
	"tries\t2\n"                                                           \
	"gave-up\n"                                                            \
	"incident\t20261123T0050Z-0123456789abcdef\t2026-11-23T00:50:03.000Z\n"

static struct ha_err err;

static int
decode(struct state *state, const char *text)
{
	state_init(state);
	return state_decode(state, text, strlen(text), &err);
}

static void
there_and_back(void **unused)
{
	struct ha_buf text = HA_BUF_INIT;
	struct state state;

	(void)unused;
	assert_int_equal(decode(&state, ALL), 0);
	assert_int_equal(state.history.count, 2);
	assert_int_equal(state.history.tries, 2);
	assert_int_equal(state.history.has_given_up, 1);
	state_encode(&text, &state);
	assert_string_equal(text.data, ALL);
	ha_buf_release(&text);
	state_release(&state);
}

static void
of_a_person_and_later_versions(void **unused)
{
	struct state state;

	(void)unused;
	assert_int_equal(decode(&state, "#mended by hand\n\n"
					"run\t2026-11-23T08:50:01+08:00\n"
					"later\t1\t2\t3\nrun-by\troot\n"),
	    0);
	assert_int_equal(state.history.count, 1);
	state_release(&state);
}

static void
damage(void **unused)
{
	static const char *const damaged[] = {
		"run\tyesterday\n",
		"run\t2026-11-23T00:50:01.250Z",
		"run\t1926-11-23T00:50:01.250Z\n",
		"ended\t\n",
		"tries\t-1\n",
		"tries\t18446744073709551616\n",
		"tries\t2x\n",
		"incident\t../x\t2026-11-23T00:50:01.250Z\n",
		"incident\t\t2026-11-23T00:50:01.250Z\n",
		"incident\t01234567890123456789012345678901\t2026-11-23T00:50:01Z\n",
		"incident\t20261123T0050Z-0123456789abcdef\tx\n",
		"\001\002\n",
	};
	struct state state;

	(void)unused;
	for (size_t i = 0; i < sizeof(damaged) / sizeof(damaged[0]); i++) {
		assert_int_equal(decode(&state, damaged[i]), -1);
		assert_int_equal(err.status, EX_DATAERR);
		assert_non_null(strstr(err.msg, "line 1 "));
		state_release(&state);
	}
	state_init(&state);
	assert_int_equal(state_decode(&state, "run\0\n", 5, &err), -1);
	state_release(&state);
}

/* Whatever byte is changed, it is read or refused, and read again the same. */
static void
one_byte_is_changed(void **unused)
{
	struct ha_buf first = HA_BUF_INIT, again = HA_BUF_INIT;
	struct state state;
	char text[] = ALL;
	size_t at;

	(void)unused;
	test_seed();
	for (int i = 0; i < 20000; i++) {
		memcpy(text, ALL, sizeof(text));
		for (size_t n = 1 + test_random(3); n > 0; n--) {
			at = test_random(sizeof(text) - 1);
			text[at] = (char)test_random(256);
		}
		state_init(&state);
		if (!state_decode(&state, text, sizeof(text) - 1, &err)) {
			ha_buf_reset(&first);
			ha_buf_reset(&again);
			state_encode(&first, &state);
			state_release(&state);
			assert_int_equal(decode(&state, first.data), 0);
			state_encode(&again, &state);
			assert_string_equal(first.data, again.data);
		}
		state_release(&state);
	}
	ha_buf_release(&first);
	ha_buf_release(&again);
}

static void
the_last_that_recovers(void **unused)
{
	struct state state;

	(void)unused;
	state_init(&state);
	assert_int_equal(state_add_failing(&state, "http", "web1", "a"), 0);
	assert_int_equal(state_add_failing(&state, "http", "web1", "a"), 0);
	/* Another incident of the only one. */
	assert_int_equal(state_add_failing(&state, "http", "web1", "b"), 1);
	assert_int_equal(state_add_failing(&state, "http", "web1", "b"), 0);
	assert_int_equal(state_add_failing(&state, "https", "web1", "a"), 0);
	assert_int_equal(state_add_failing(&state, "https", "web1", "b"), 0);
	assert_int_equal(state.failing_count, 2);
	assert_int_equal(state_remove_failing(&state, "http", "web2"), 0);
	assert_int_equal(state_remove_failing(&state, "http", "web1"), 0);
	assert_int_equal(state_remove_failing(&state, "http", "web1"), 0);
	assert_int_equal(state_remove_failing(&state, "https", "web1"), 1);
	assert_int_equal(state_remove_failing(&state, "https", "web1"), 0);
	state_release(&state);
}

static void
on_disk(void **unused)
{
	struct state state;

	(void)unused;
	state_init(&state);
	assert_int_equal(state_read(&state, "x", &err), 0);
	state_add_failing(&state, "http", "web1", "a");
	assert_int_equal(state_write(&state, "x", &err), 0);
	state_release(&state);
	assert_int_equal(state_read(&state, "x", &err), 1);
	assert_int_equal(state_remove_failing(&state, "http", "web1"), 1);
	/* Nothing is left to be known. */
	assert_int_equal(state_write(&state, "x", &err), 0);
	assert_int_equal(access("x", F_OK), -1);
	assert_int_equal(state_write(&state, "x", &err), 0);
	assert_int_equal(state_write(&state, "none/x", &err), 0);
	state_add_failing(&state, "http", "web1", "a");
	assert_int_equal(state_write(&state, "none/x", &err), -1);
	state_release(&state);
}

static void
is_file(const char *check, const char *host, const char *want)
{
	char *name = name_of_file(check, host);

	assert_string_equal(name, want);
	free(name);
}

static void
files(void **unused)
{
	char longer[1000], *a, *b;

	(void)unused;
	is_file("nginx", "web1.example.org", "nginx@web1.example.org");
	is_file("disk:/srv", "", "disk:%2Fsrv@-");
	is_file("..", "", "%2E.@-");
	is_file("a@b", "c~lock", "a%40b@c%7Elock");
	is_file("\n\033\303\244", "", "%0A%1B%C3%A4@-");
	memset(longer, 'x', sizeof(longer) - 1);
	longer[sizeof(longer) - 1] = '\0';
	a = name_of_file(longer, "web1");
	b = name_of_file(longer, "web2");
	assert_in_range(strlen(a), 100, 240);
	assert_string_not_equal(a, b);
	free(a);
	free(b);
}

static void
is_name(const char *const *argv, const char *want)
{
	char *name = name_of_command(argv);

	/* A hash ends it. */
	if (want[strlen(want) - 1] == '~') {
		assert_int_equal(strlen(name), strlen(want) + 16);
		name[strlen(want)] = '\0';
	}
	assert_string_equal(name, want);
	free(name);
}

#define ARGV(...) ((const char *const[]){ __VA_ARGS__, NULL })

static void
commands(void **unused)
{
	struct ha_buf words = HA_BUF_INIT;

	(void)unused;
	is_name(ARGV("/bin/systemctl", "restart", "nginx"),
	    "systemctl-restart-nginx");
	is_name(ARGV("sh", "-c", "a; b"), "sh--c-a-b~");
	is_name(ARGV("/"), "~");
	is_name(ARGV(".x"), "~");
	is_name(ARGV("x", "0123456789012345678901234567890123456789",
		    "0123456789012345678901234567890123456789"),
	    "x-0123456789012345678901234567890123456789-"
	    "012345678901234567890~");
	assert_true(name_is_valid("web.2_x-y"));
	assert_false(name_is_valid(""));
	assert_false(name_is_valid(".."));
	assert_false(name_is_valid("a/b"));
	name_add_words(&words, ARGV("sh", "-c", "echo 'a' $b", "", "--x=1"));
	assert_string_equal(words.data, "sh -c 'echo '\\''a'\\'' $b' '' --x=1");
	ha_buf_release(&words);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(there_and_back),
		cmocka_unit_test(of_a_person_and_later_versions),
		cmocka_unit_test(damage),
		cmocka_unit_test(one_byte_is_changed),
		cmocka_unit_test(the_last_that_recovers),
		test_in_folder(on_disk),
		cmocka_unit_test(files),
		cmocka_unit_test(commands),
	};

	return cmocka_run_group_tests_name("act/state", tests, NULL, NULL);
}
