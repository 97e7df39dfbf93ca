/* SPDX-License-Identifier: ISC */
/* statefile - status files and indices: whole, later, broken and hostile. */
#include "test.h"

#include "alloc.h"
#include "statefile.h"

#define HEAD "#ha-push\tv=1\n"
#define NEEDED "target\th:/d\nstate\tOK\nperf\tlag=0.000s\n"

static int
parse(const char *text, size_t len, struct statefile *state, struct ha_err *err)
{
	char *copy = ha_xmemdup(text, len);
	int rc;

	statefile_init(state);
	rc = statefile_parse(copy, len, state, err);
	free(copy);
	return rc;
}

static void
one_peer(void **state)
{
	static const char text[] =
	    HEAD "time\t-\npid\t7\nsource\t/s\\tt\ntarget\tu@h:/d\n"
		 "state\tWARN\ncause\tlagging\nmessage\ta\\\\b\nlater\tkey\n"
		 "perf\twaiting=3 lag=61.025s failing=2 sent=9c held=4 new=1\n"
		 "boot\tabc\nuptime_ms\t12345\n"
		 "failing\tx\t1\t2\twhy\nunwatched\ty\n# a comment\n";
	struct statefile file;
	struct ha_err err;

	(void)state;
	assert_int_equal(parse(text, sizeof(text) - 1, &file, &err), 0);
	assert_false(file.is_index);
	assert_string_equal(file.source, "/s\tt");
	assert_string_equal(file.target, "u@h:/d");
	assert_int_equal(file.state, HA_STATUS_WARN);
	assert_string_equal(file.cause, "lagging");
	assert_string_equal(file.message, "a\\b");
	assert_int_equal(file.waiting, 3);
	assert_int_equal(file.lag_ms, 61025);
	assert_int_equal(file.failing, 2);
	assert_int_equal(file.held, 4);
	assert_string_equal(file.boot, "abc");
	assert_int_equal(file.uptime_ms, 12345);
	statefile_release(&file);
}

static void
several_peers(void **state)
{
	static const char text[] = "#ha-push\tv=1\tpeers=2\n"
				   "#peer\ttarget=a:/x\tfile=/run/a\\tb\n"
				   "#later\tx=y\n"
				   "#peer\tmore=1\tfile=c\ttarget=b:/x\n";
	struct statefile file;
	struct ha_err err;

	(void)state;
	assert_int_equal(parse(text, sizeof(text) - 1, &file, &err), 0);
	assert_true(file.is_index);
	assert_int_equal(file.peer_count, 2);
	assert_string_equal(file.peers[0].target, "a:/x");
	assert_string_equal(file.peers[0].file, "/run/a\tb");
	assert_string_equal(file.peers[1].file, "c");
	statefile_release(&file);
}

static void
broken(void **state)
{
	static const struct {
		const char *text, *says;
		size_t len; /* 0: of the string */
	} all[] = {
		{ "", "line 1", 0 },
		{ "\n", "line 1", 0 },
		{ "#ha-watch\tv=1\n", "line 1", 0 },
		{ "#ha-push\tv=2\n" NEEDED, "line 1", 0 },
		{ HEAD NEEDED "key\tval", "line 5: it breaks off", 0 },
		{ HEAD NEEDED "key\n", "line 5: no TAB", 0 },
		{ HEAD "target\th:/d\nstate\tOK\n", "line 3", 0 },
		{ HEAD "state\tFINE\n", "line 2: no state", 0 },
		{ HEAD "message\ta\\q\n", "line 2: bad escape", 0 },
		{ HEAD "message\ta\\0000\n", "line 2: a NUL", 0 },
		{ HEAD "perf\tlag=x\n", "line 2", 0 },
		{ HEAD "perf\tlag=99999999999999999999\n", "line 2", 0 },
		{ HEAD "perf\twaiting=1\n", "line 2", 0 },
		{ HEAD "uptime_ms\t-1\n", "line 2", 0 },
		{ HEAD "a\0b\tc\n", "line 2: a NUL",
		    sizeof(HEAD "a\0b\tc\n") - 1 },
		{ "#ha-push\tv=1\tpeers=0\n", "line 1: no peer", 0 },
		{ "#ha-push\tv=1\tpeers=1\n#peer\ttarget=a:/b\n", "line 2", 0 },
		{ "#ha-push\tv=1\tpeers=1\n#peer\ttarget=a:/b\tfile=\n",
		    "line 2", 0 },
	};
	struct statefile file;
	struct ha_err err;

	(void)state;
	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
		size_t len = all[i].len > 0 ? all[i].len : strlen(all[i].text);

		assert_int_equal(parse(all[i].text, len, &file, &err), -1);
		assert_int_equal(err.status, EX_DATAERR);
		if (strncmp(err.msg, all[i].says, strlen(all[i].says)) != 0)
			fail_msg("%zu: '%s'", i, err.msg);
		statefile_release(&file);
	}
	assert_int_equal(
	    parse("# HELP ha_push_state x\n", 23, &file, &err), -1);
	assert_int_equal(err.status, EX_UNAVAILABLE);
	statefile_release(&file);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(one_peer),
		cmocka_unit_test(several_peers),
		cmocka_unit_test(broken),
	};

	return cmocka_run_group_tests_name("statefile", tests, NULL, NULL);
}
