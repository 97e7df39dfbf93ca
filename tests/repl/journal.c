/* SPDX-License-Identifier: ISC */
/* journal: what is on disk when, and what a kill leaves. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka.h needs those */
#include <cmocka.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "credentials.h"
#include "journal.h"
#include "settings.h"

static char dir[] = "/tmp/ha-test.XXXXXX";

static const char *
in_dir(const char *name)
{
	static char path[200];

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	return path;
}

static void
put(const char *name, const char *text, mode_t mode)
{
	int fd = open(in_dir(name), O_WRONLY | O_CREAT | O_TRUNC, mode);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, strlen(text)), (ssize_t)strlen(text));
	assert_int_equal(fchmod(fd, mode), 0);
	close(fd);
}

static void
is_there_from_the_first_step(void **state)
{
	struct journal *journal;
	struct ha_err err;

	(void)state;
	assert_int_equal(journal_find("a", &err), 0);
	assert_int_equal(journal_begin(&journal, "a", "point", &err), 0);
	journal_set(journal, "old.host", "h\t1");
	assert_int_equal(journal_find("a", &err), 0);
	assert_int_equal(journal_step(journal, "stop", &err), 0);
	assert_int_equal(journal_find("a", &err), 1);
	journal_set(journal, "old.file", "");
	assert_int_equal(journal_done(journal, "stop", &err), 0);
	journal_close(journal);
	assert_int_equal(journal_begin(&journal, "a", "point", &err), -1);
	assert_int_equal(err.status, EX_SOFTWARE);
	assert_non_null(strstr(err.msg, "ha-repl recover a"));
	assert_int_equal(journal_open(&journal, "a", &err), 0);
	assert_string_equal(journal_get(journal, "act"), "point");
	assert_string_equal(journal_get(journal, "old.host"), "h\t1");
	assert_string_equal(journal_get(journal, "old.file"), "");
	assert_null(journal_get(journal, "old.port"));
	assert_true(journal_is_begun(journal, "stop"));
	assert_true(journal_is_done(journal, "stop"));
	assert_false(journal_is_begun(journal, "change"));
	journal_set(journal, "old.host", "h2");
	assert_string_equal(journal_get(journal, "old.host"), "h2");
	assert_int_equal(journal_end(journal, &err), 0);
	assert_int_equal(journal_find("a", &err), 0);
	assert_int_equal(journal_open(&journal, "a", &err), -1);
	assert_int_equal(err.status, EX_NOINPUT);
}

static void
is_held_by_one(void **state)
{
	struct journal *journal, *other;
	struct ha_err err;

	(void)state;
	assert_int_equal(journal_begin(&journal, "b", "point", &err), 0);
	assert_int_equal(journal_begin(&other, "b", "point", &err), -1);
	assert_int_equal(err.status, EX_TEMPFAIL);
	assert_int_equal(journal_begin(&other, "c", "point", &err), 0);
	journal_close(other);
	journal_close(journal);
	assert_int_equal(journal_begin(&journal, "b", "point", &err), 0);
	journal_close(journal);
}

static void
ignores_a_half_line(void **state)
{
	static const char torn[] = "#ha-repl-journal\tv=1\nset\tact\tpoint\n"
				   "step\tstop\tx\ndone\tst";
	struct journal *journal;
	struct ha_err err;
	struct stat st;

	(void)state;
	put("repl/d.journal", torn, 0600);
	assert_int_equal(journal_open(&journal, "d", &err), 0);
	assert_true(journal_is_begun(journal, "stop"));
	assert_false(journal_is_done(journal, "stop"));
	assert_int_equal(journal_done(journal, "stop", &err), 0);
	journal_close(journal);
	assert_int_equal(journal_open(&journal, "d", &err), 0);
	assert_true(journal_is_done(journal, "stop"));
	assert_int_equal(stat(in_dir("repl/d.journal"), &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	assert_int_equal(journal_end(journal, &err), 0);
}

static void
limit_files(rlim_t size)
{
	struct rlimit limit;

	assert_int_equal(getrlimit(RLIMIT_FSIZE, &limit), 0);
	limit.rlim_cur = size;
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
}

/* What fitted only in part is not there, and what follows is. */
static void
survives_a_full_disk(void **state)
{
	struct journal *journal;
	struct rlimit before;
	struct ha_err err;
	struct stat st;

	(void)state;
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
	signal(SIGXFSZ, SIG_IGN);
	assert_int_equal(journal_begin(&journal, "f", "point", &err), 0);
	assert_int_equal(journal_step(journal, "stop", &err), 0);
	assert_int_equal(stat(in_dir("repl/f.journal"), &st), 0);
	limit_files((rlim_t)st.st_size + 7);
	assert_int_equal(journal_done(journal, "stop", &err), -1);
	limit_files(before.rlim_cur);
	assert_int_equal(journal_step(journal, "back", &err), 0);
	journal_close(journal);
	assert_int_equal(journal_open(&journal, "f", &err), 0);
	assert_true(journal_is_done(journal, "stop"));
	assert_true(journal_is_begun(journal, "back"));
	assert_int_equal(journal_end(journal, &err), 0);
}

static void
takes_large_sets(void **state)
{
	const size_t size = 5 << 20;
	char *set = calloc(1, size + 1);
	struct journal *journal;
	struct ha_err err;

	(void)state;
	assert_non_null(set);
	memset(set, '1', size);
	assert_int_equal(journal_begin(&journal, "g", "point", &err), 0);
	journal_set(journal, "old.applied", set);
	assert_int_equal(journal_step(journal, "stop", &err), 0);
	journal_close(journal);
	assert_int_equal(journal_open(&journal, "g", &err), 0);
	assert_string_equal(journal_get(journal, "old.applied"), set);
	assert_int_equal(journal_end(journal, &err), 0);
	free(set);
}

/* With a line missing they would be set to what they never were. */
static void
refuses_half_settings(void **state)
{
	static const char half[] = "#ha-repl-journal\tv=1\nset\told.gtid\tno\n"
				   "set\told.heartbeat_period_s\t1.000\n";
	struct settings settings;
	struct journal *journal;
	struct ha_err err;

	(void)state;
	settings_init(&settings);
	put("repl/h.journal", half, 0600);
	assert_int_equal(journal_open(&journal, "h", &err), 0);
	assert_int_equal(settings_load(&settings, journal, "old", &err), -1);
	assert_int_equal(err.status, EX_CONFIG);
	settings_save(&settings, journal, "old");
	assert_int_equal(settings_load(&settings, journal, "old", &err), 0);
	journal_set(journal, "old.gtid", "another");
	assert_int_equal(settings_load(&settings, journal, "old", &err), -1);
	assert_int_equal(err.status, EX_CONFIG);
	settings.is_there = 1;
	settings_save(&settings, journal, "old");
	assert_int_equal(settings_load(&settings, journal, "old", &err), -1);
	journal_set(journal, "old.host", "h");
	journal_set(journal, "old.port", "65536");
	assert_int_equal(settings_load(&settings, journal, "old", &err), -1);
	journal_set(journal, "old.port", "3306");
	assert_int_equal(settings_load(&settings, journal, "old", &err), 0);
	settings_release(&settings);
	assert_int_equal(journal_end(journal, &err), 0);
}

static void
refuses_what_it_did_not_write(void **state)
{
	struct journal *journal;
	struct ha_err err;

	(void)state;
	put("repl/e.journal", "#ha-repl-journal\tv=2\n", 0600);
	assert_int_equal(journal_open(&journal, "e", &err), -1);
	assert_int_equal(err.status, EX_CONFIG);
	put("repl/e.journal", "#ha-repl-journal\tv=1\nset\tx\n", 0600);
	assert_int_equal(journal_open(&journal, "e", &err), -1);
	assert_int_equal(err.status, EX_CONFIG);
	assert_int_equal(unlink(in_dir("repl/e.journal")), 0);
}

static void
has_a_name_without_slashes(void **state)
{
	struct journal *journal;
	struct ha_err err;

	(void)state;
	assert_int_equal(
	    journal_begin(&journal, "/run/x.sock", "point", &err), 0);
	assert_int_equal(journal_step(journal, "stop", &err), 0);
	assert_int_equal(
	    access(in_dir("repl/%2Frun%2Fx.sock.journal"), F_OK), 0);
	assert_int_equal(journal_end(journal, &err), 0);
	assert_int_equal(journal_begin(&journal, "..", "point", &err), 0);
	assert_int_equal(journal_step(journal, "stop", &err), 0);
	assert_int_equal(access(in_dir("repl/%2E..journal"), F_OK), 0);
	assert_int_equal(journal_end(journal, &err), 0);
}

static void
check_credentials(
    const char *text, mode_t mode, const char *user, const char *password)
{
	struct credentials credentials = { 0 };
	struct ha_err err = { 0 };
	int result;

	put("cnf", text, mode);
	result = credentials_read(&credentials, in_dir("cnf"), &err);
	if (!user) {
		assert_int_equal(result, -1);
		assert_int_equal(err.status, EX_CONFIG);
		assert_null(strstr(err.msg, "secret"));
		return;
	}
	assert_int_equal(result, 0);
	assert_string_equal(credentials.user, user);
	assert_string_equal(credentials.password, password);
	credentials_release(&credentials);
}

static void
credentials_of_a_file(void **state)
{
	struct credentials credentials = { 0 };
	struct ha_err err;

	(void)state;
	check_credentials(
	    "[client]\nuser=repl\npassword=secret\n", 0600, "repl", "secret");
	check_credentials("# x\n[mysqld]\nuser=mysql\n[client]\r\n"
			  "  user = \"r p\"\r\n;user=x\npassword='a#\"b\\\\c'",
	    0400, "r p", "a#\"b\\c");
	check_credentials("[client]\nuser=r # who\npassword=a\\sb\\z#c\n", 0600,
	    "r", "a b\\z#c");
	check_credentials("[client]\nuser=r\npassword=\n", 0600, "r", "");
	check_credentials(
	    "[client]\nuser=repl\npassword=secret\n", 0640, NULL, NULL);
	check_credentials("[client]\npassword=secret\n", 0600, NULL, NULL);
	check_credentials("[client]\nuser=secret\n", 0600, NULL, NULL);
	check_credentials(
	    "[mysql]\nuser=repl\npassword=secret\n", 0600, NULL, NULL);
	assert_int_equal(
	    credentials_read(&credentials, in_dir("none"), &err), -1);
	assert_int_equal(err.status, EX_NOINPUT);
}

static int
begin(void **state)
{
	(void)state;
	return !mkdtemp(dir) || setenv("HA_STATE_DIR", dir, 1);
}

static int
end(void **state)
{
	char command[100];

	(void)state;
	snprintf(command, sizeof(command), "rm -rf %s", dir);
	return system(command);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(is_there_from_the_first_step),
		cmocka_unit_test(is_held_by_one),
		cmocka_unit_test(ignores_a_half_line),
		cmocka_unit_test(survives_a_full_disk),
		cmocka_unit_test(takes_large_sets),
		cmocka_unit_test(refuses_half_settings),
		cmocka_unit_test(refuses_what_it_did_not_write),
		cmocka_unit_test(has_a_name_without_slashes),
		cmocka_unit_test(credentials_of_a_file),
	};

	return cmocka_run_group_tests(tests, begin, end);
}
