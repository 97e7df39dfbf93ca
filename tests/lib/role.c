/* SPDX-License-Identifier: ISC */
/*
 * role - what a role file may hold, and how the epoch grows.
 */
#include "test.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "buf.h"
#include "fs.h"
#include "role.h"

#define LINE "active\t7\t2026-01-31T23:59:59.123Z\tmoved\n"

static void
write_file(const char *path, const char *text)
{
	struct ha_err err;

	assert_int_equal(
	    ha_fs_replace(path, text, strlen(text), 0644, &err), 0);
}

static void
refuse(const char *data, size_t len)
{
	struct ha_role role;
	struct ha_err err;

	ha_role_init(&role);
	role.epoch = 3;
	assert_int_equal(ha_role_decode(&role, data, len, &err), -1);
	assert_int_equal(err.status, EX_CONFIG);
	assert_non_null(strstr(err.msg, "ROLE EPOCH SINCE REASON"));
	assert_int_equal(role.epoch, 3);
	assert_string_equal(role.since, "");
	ha_role_release(&role);
}

static void
expect(const char *text, int is_active, uint64_t epoch, const char *since,
    const char *reason)
{
	struct ha_role role;
	struct ha_err err;

	ha_role_init(&role);
	assert_int_equal(ha_role_decode(&role, text, strlen(text), &err), 0);
	assert_int_equal(role.is_active, is_active);
	assert_true(role.epoch == epoch);
	assert_string_equal(role.since, since);
	assert_string_equal(role.reason, reason);
	ha_role_release(&role);
}

static void
lines_are_read(void **state)
{
	(void)state;
	expect(LINE, 1, 7, "2026-01-31T23:59:59.123Z", "moved");
	expect("standby\t0\t2026-01-31T23:59:59+01:00\ta\\tb \\\\ c\n", 0, 0,
	    "2026-01-31T23:59:59+01:00", "a\tb \\ c");
	expect("standby\t1\t2026-01-31T23:59:59Z\t-\n", 0, 1,
	    "2026-01-31T23:59:59Z", "");
	expect("standby\t1\t2026-01-31T23:59:59Z\t\\0055\n", 0, 1,
	    "2026-01-31T23:59:59Z", "-");
}

static void
a_person_types_blanks(void **state)
{
	(void)state;
	expect("active 12  2026-01-31T23:59:59Z \tdisk of web1 died\n", 1, 12,
	    "2026-01-31T23:59:59Z", "disk of web1 died");
}

static void
later_fields_are_ignored(void **state)
{
	(void)state;
	expect("active\t1\t2026-01-31T23:59:59Z\twhy\tmore\tof it\n", 1, 1,
	    "2026-01-31T23:59:59Z", "why");
}

static void
the_highest_epoch(void **state)
{
	(void)state;
	expect("active\t9223372036854775807\t2026-01-31T23:59:59Z\twhy\n", 1,
	    HA_ROLE_EPOCH_MAX, "2026-01-31T23:59:59Z", "why");
}

static void
malformed_files(void **state)
{
	static const char *const bad[] = { "", "\n", "active\n", "active\t7\n",
		"active\t7\t2026-01-31T23:59:59Z\n",
		"active\t7\t2026-01-31T23:59:59Z\t\n",
		"active\t7\t2026-01-31T23:59:59Z\tcut off",
		"standby\t7\t2026-01-31T23:59:59Z\ta\nb\n",
		"active\t7\t2026-01-31T23:59:59Z\twhy\n\n",
		" active\t7\t2026-01-31T23:59:59Z\twhy\n",
		"#active\t7\t2026-01-31T23:59:59Z\twhy\n",
		"Active\t7\t2026-01-31T23:59:59Z\twhy\n",
		"primary\t7\t2026-01-31T23:59:59Z\twhy\n",
		"active\t\t2026-01-31T23:59:59Z\twhy\n",
		"active\t-1\t2026-01-31T23:59:59Z\twhy\n",
		"active\t+1\t2026-01-31T23:59:59Z\twhy\n",
		"active\t7x\t2026-01-31T23:59:59Z\twhy\n",
		"active\t9223372036854775808\t2026-01-31T23:59:59Z\twhy\n",
		"active\t18446744073709551616\t2026-01-31T23:59:59Z\twhy\n",
		"active\t7\tyesterday\twhy\n",
		"active\t7\t2026-01-31 23:59:59Z\twhy\n",
		"active\t7\t2026-01-31T23:59:59\twhy\n",
		"active\t7\t2026-01-31T23:59:59.Z\twhy\n",
		"active\t7\t2026-01-31T23:59:59.0123456789Z\twhy\n",
		"active\t7\t2026-01-31T23:59:59+1\twhy\n",
		"active\t7\t2026-01-31T23:59:59Zulu\twhy\n",
		"active\t7\t2026-01-31T23:59:59Z\t\\x\n",
		"active\t7\t2026-01-31T23:59:59Z\ta\\0000b\n" };
	static const char nul[] = "active\t7\t2026-01-31T23:59:59Z\ta\0b\n";
	char large[HA_ROLE_SIZE + 1];

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		refuse(bad[i], strlen(bad[i]));
	refuse(nul, sizeof(nul) - 1);
	memset(large, 'x', sizeof(large));
	memcpy(large, LINE, sizeof(LINE) - 2);
	large[sizeof(large) - 1] = '\n';
	refuse(large, sizeof(large));
}

static void
written_as_read(void **state)
{
	static const char line[] =
	    "active\t7\t2026-01-31T23:59:59.123Z\t\\\\ \\t \\n \xff\n";
	struct ha_buf text = HA_BUF_INIT;
	struct ha_role role;
	struct ha_err err;

	(void)state;
	ha_role_init(&role);
	assert_int_equal(ha_role_decode(&role, line, strlen(line), &err), 0);
	ha_role_encode(&text, &role);
	assert_string_equal(text.data, line);
	ha_buf_reset(&text);
	role.reason[strlen(role.reason) - 1] = '!';
	ha_role_encode_json(&text, &role);
	assert_string_equal(text.data, "{\"role\":\"active\",\"epoch\":7,"
				       "\"since\":\"2026-01-31T23:59:59.123Z\","
				       "\"reason\":\"\\\\ \\t \\n !\"}\n");
	ha_buf_release(&text);
	ha_role_release(&role);
}

/* Only what is not there at all is "not in use". */
static void
a_missing_file_and_no_other(void **state)
{
	struct ha_role role;
	struct ha_err err;

	(void)state;
	ha_role_init(&role);
	assert_int_equal(ha_role_read(&role, "role", &err), 0);
	assert_int_equal(ha_role_read(&role, "none/role", &err), 0);
	assert_int_equal(symlink("elsewhere", "role"), 0);
	assert_int_equal(ha_role_read(&role, "role", &err), -1);
	assert_int_equal(err.status, EX_CONFIG);
	assert_non_null(strstr(err.msg, "'role'"));
	write_file("elsewhere", LINE);
	assert_int_equal(ha_role_read(&role, "role", &err), 1);
	assert_true(role.epoch == 7);
	assert_int_equal(ha_role_read(&role, "elsewhere/role", &err), -1);
	assert_int_equal(mkfifo("pipe", 0600), 0);
	assert_int_equal(ha_role_read(&role, "pipe", &err), -1);
	assert_int_equal(ha_role_read(&role, ".", &err), -1);
	write_file("bad", "activ\n");
	assert_int_equal(ha_role_read(&role, "bad", &err), -1);
	assert_int_equal(err.status, EX_CONFIG);
	assert_non_null(strstr(err.msg, "'bad'"));
	ha_role_release(&role);
}

static void
the_path(void **state)
{
	char *path;

	(void)state;
	setenv("HA_STATE_DIR", "/elsewhere", 1);
	path = ha_role_path();
	assert_string_equal(path, "/elsewhere/role");
	free(path);
	setenv("HA_STATE_DIR", "", 1);
	path = ha_role_path();
	assert_string_equal(path, "/var/lib/ha/role");
	free(path);
}

/* What set returns; the role and the epoch that the file holds then. */
static int
set(enum ha_role_verb verb, int64_t epoch, struct ha_role *role,
    struct ha_err *err)
{
	struct ha_role_wish wish = { verb, epoch, "because" };
	int result;

	ha_role_release(role);
	ha_role_init(role);
	result = ha_role_set(role, "role", &wish, err);
	ha_role_release(role);
	ha_role_init(role);
	if (result < 0)
		return result;
	assert_int_equal(ha_role_read(role, "role", err), 1);
	return result;
}

#define HOLDS(active, number)                                                  \
	assert_int_equal(role.is_active, active);                              \
	assert_true(role.epoch == (number))

static void
the_epoch_grows(void **state)
{
	struct ha_role role;
	struct ha_err err;

	(void)state;
	ha_role_init(&role);
	assert_int_equal(set(HA_ROLE_ACTIVATE, -1, &role, &err), 1);
	HOLDS(1, 1);
	assert_string_equal(role.reason, "because");
	assert_int_equal(set(HA_ROLE_ACTIVATE, -1, &role, &err), 0);
	HOLDS(1, 1);
	assert_int_equal(set(HA_ROLE_STAND_BY, -1, &role, &err), 1);
	HOLDS(0, 1);
	assert_int_equal(set(HA_ROLE_STAND_BY, 9, &role, &err), 1);
	HOLDS(0, 9);
	assert_int_equal(set(HA_ROLE_STAND_BY, 4, &role, &err), 0);
	HOLDS(0, 9);
	assert_int_equal(set(HA_ROLE_ACTIVATE, -1, &role, &err), 1);
	HOLDS(1, 10);
	assert_int_equal(set(HA_ROLE_STAND_BY, 20, &role, &err), 1);
	HOLDS(0, 20);
	assert_int_equal(set(HA_ROLE_ACTIVATE, 30, &role, &err), 1);
	HOLDS(1, 30);
	assert_int_equal(set(HA_ROLE_ACTIVATE, 31, &role, &err), 1);
	HOLDS(1, 31);
	assert_int_equal(set(HA_ROLE_ACTIVATE, 31, &role, &err), 0);
	ha_role_release(&role);
}

static void
an_epoch_that_is_not_higher(void **state)
{
	struct ha_role role;
	struct ha_err err;

	(void)state;
	ha_role_init(&role);
	assert_int_equal(set(HA_ROLE_ACTIVATE, 0, &role, &err), -1);
	assert_int_equal(err.status, EX_NOPERM);
	write_file("role", LINE);
	assert_int_equal(set(HA_ROLE_ACTIVATE, 6, &role, &err), -1);
	assert_int_equal(err.status, EX_NOPERM);
	write_file("role", "standby\t7\t2026-01-31T23:59:59Z\twhy\n");
	assert_int_equal(set(HA_ROLE_ACTIVATE, 7, &role, &err), -1);
	assert_int_equal(err.status, EX_NOPERM);
	assert_int_equal(
	    set(HA_ROLE_STAND_BY, HA_ROLE_EPOCH_MAX, &role, &err), 1);
	assert_int_equal(set(HA_ROLE_ACTIVATE, -1, &role, &err), -1);
	assert_int_equal(err.status, EX_NOPERM);
	ha_role_release(&role);
}

static void
a_standby_learns(void **state)
{
	struct ha_role role;
	struct ha_err err;

	(void)state;
	ha_role_init(&role);
	assert_int_equal(set(HA_ROLE_LEARN, 5, &role, &err), -1);
	assert_int_equal(err.status, EX_NOINPUT);
	assert_int_not_equal(access("role", F_OK), 0);
	write_file("role", "standby\t2\t2026-01-31T23:59:59Z\twhy\n");
	assert_int_equal(set(HA_ROLE_LEARN, 5, &role, &err), 1);
	HOLDS(0, 5);
	assert_string_equal(role.since, "2026-01-31T23:59:59Z");
	assert_string_equal(role.reason, "why");
	assert_int_equal(set(HA_ROLE_LEARN, 3, &role, &err), 0);
	HOLDS(0, 5);
	assert_int_equal(set(HA_ROLE_ACTIVATE, -1, &role, &err), 1);
	assert_int_equal(set(HA_ROLE_LEARN, 9, &role, &err), -1);
	assert_int_equal(err.status, EX_NOPERM);
	ha_role_release(&role);
}

static void
nothing_malformed_is_replaced(void **state)
{
	struct ha_buf text = HA_BUF_INIT;
	struct ha_role role;
	struct ha_err err;

	(void)state;
	ha_role_init(&role);
	write_file("role", "avtive 3\n");
	assert_int_equal(set(HA_ROLE_ACTIVATE, -1, &role, &err), -1);
	assert_int_equal(err.status, EX_CONFIG);
	assert_int_equal(ha_fs_read_file("role", 100, &text, &err), 0);
	assert_string_equal(text.data, "avtive 3\n");
	ha_buf_release(&text);
	ha_role_release(&role);
}

static void
a_reason_that_does_not_fit(void **state)
{
	char *reason = malloc(HA_ROLE_SIZE + 1);
	struct ha_role_wish wish = { HA_ROLE_ACTIVATE, -1, reason };
	struct ha_role role;
	struct ha_err err;

	(void)state;
	assert_non_null(reason);
	memset(reason, 'x', HA_ROLE_SIZE);
	reason[HA_ROLE_SIZE] = '\0';
	ha_role_init(&role);
	assert_int_equal(ha_role_set(&role, "role", &wish, &err), -1);
	assert_int_equal(err.status, EX_USAGE);
	assert_int_not_equal(access("role", F_OK), 0);
	ha_role_release(&role);
	free(reason);
}

/* In the lock's queue there is no order: who finds it held asks again. */
static int
set_patiently(const struct ha_role_wish *wish)
{
	struct ha_role role;
	struct ha_err err;
	int result;

	ha_role_init(&role);
	do
		result = ha_role_set(&role, "role", wish, &err);
	while (result < 0 && err.status == EX_TEMPFAIL);
	ha_role_release(&role);
	return result;
}

/* A child that becomes active, and standby again, a few times. */
static void
toggle(int times)
{
	static const struct ha_role_wish up = { HA_ROLE_ACTIVATE, -1, "up" };
	static const struct ha_role_wish down = { HA_ROLE_STAND_BY, -1, "" };
	int result;

	if (fork() != 0)
		return;
	while (times) {
		result = set_patiently(&up);
		times -= result;
		if (result < 0 || (result && set_patiently(&down) < 0))
			_exit(1);
	}
	_exit(0);
}

/* Of several at once none takes an epoch that another one has had. */
static void
one_at_a_time(void **state)
{
	struct ha_role role;
	struct ha_err err;
	int status;

	(void)state;
	for (int i = 0; i < 4; i++)
		toggle(5);
	for (int i = 0; i < 4; i++) {
		assert_true(wait(&status) > 0);
		assert_int_equal(status, 0);
	}
	ha_role_init(&role);
	assert_int_equal(ha_role_read(&role, "role", &err), 1);
	HOLDS(0, 20);
	ha_role_release(&role);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(lines_are_read),
		cmocka_unit_test(a_person_types_blanks),
		cmocka_unit_test(later_fields_are_ignored),
		cmocka_unit_test(the_highest_epoch),
		cmocka_unit_test(malformed_files),
		cmocka_unit_test(written_as_read),
		test_in_folder(a_missing_file_and_no_other),
		cmocka_unit_test(the_path),
		test_in_folder(the_epoch_grows),
		test_in_folder(an_epoch_that_is_not_higher),
		test_in_folder(a_standby_learns),
		test_in_folder(nothing_malformed_is_replaced),
		test_in_folder(a_reason_that_does_not_fit),
		test_in_folder(one_at_a_time),
	};

	return cmocka_run_group_tests_name("role", tests, NULL, NULL);
}
