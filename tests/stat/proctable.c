/* SPDX-License-Identifier: ISC */
/*
 * proctable - what processes may call themselves, a table that changes while
 * it is read, and the real /proc.
 */
#include "test.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "proctable.h"

#define REST                                                                   \
	" S 41 42 42 0 -1 4194560 2 4 6 8 10 11 12 13 20 0 7 0 900 5000 3 1"

static int
parse(const char *text, struct process *process)
{
	char *copy = strdup(text);
	int result = proctable_parse_stat(copy, strlen(copy), process);

	free(copy);
	return result;
}

static void
odd_names(void **state)
{
	static const struct {
		const char *text, *name;
	} cases[] = {
		{ "42 (nginx)" REST, "nginx" },
		{ "42 (a) (b)" REST, "a) (b" },
		{ "42 ()) R 1 1)" REST, ")) R 1 1" },
		{ "42 (two\nlines)" REST, "two\nlines" },
		{ "42 ()" REST, "" },
		{ "42 (\x1b[31m)" REST, "\x1b[31m" },
		{ "42 (0123456789012345678901234567890123456789012345678901234"
		  "567890123456789)" REST,
		    "0123456789012345678901234567890123456789012345678901234"
		    "56789012" },
	};
	struct process process;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		assert_int_equal(parse(cases[i].text, &process), 0);
		assert_string_equal(process.comm, cases[i].name);
		assert_int_equal(process.state, 'S');
		assert_int_equal(process.parent, 41);
	}
	assert_int_equal(process.cpu_ticks, 21);
	assert_int_equal(process.waited_ticks, 25);
	assert_int_equal(process.threads, 7);
	assert_int_equal(process.start_ticks, 900);
	assert_int_equal(process.rss, 3 * sysconf(_SC_PAGESIZE));
	assert_false(process.is_kernel);
}

static void
cut_anywhere(void **state)
{
	static const char whole[] = "42 (nginx)" REST;
	/* The last two numbers are not needed, or not known to be cut. */
	size_t len = sizeof(whole) - 1, enough = len - strlen("3 1");
	struct process process;
	char *copy;
	size_t i;

	(void)state;
	for (i = 0; i < enough; i++) {
		copy = strndup(whole, i);
		assert_int_equal(proctable_parse_stat(copy, i, &process), -1);
		free(copy);
	}
}

static void
damaged(void **state)
{
	struct process process;

	(void)state;
	assert_int_equal(parse("42 nginx" REST, &process), -1);
	assert_int_equal(parse("42 )nginx(" REST, &process), -1);
	assert_int_equal(parse("42 (nginx) S x", &process), -1);
	assert_int_equal(parse("42 (nginx) S 99999999999 42 42 0 -1 0 2 4 6 8 "
			       "10 11 12 13 20 0 7 0 900 5000 3 1",
			     &process),
	    -1);
	assert_int_equal(parse("42 (nginx) S 41 42 42 0 -1 0 2 4 6 8 10 "
			       "99999999999999999999999 12 13 20 0 7 0 900 "
			       "5000 3 1",
			     &process),
	    -1);
	assert_int_equal(parse("42 (nginx) S 41 42 4x2 0 -1 0 2 4 6 8 10 11 "
			       "12 13 20 0 7 0 900 5000 3 1",
			     &process),
	    -1);
}

/* Any bytes at all: nothing but an answer. */
static void
random_bytes(void **state)
{
	static const char alphabet[] = "()() 0123456789 -SRZ\n";
	struct process process;
	char *text;
	size_t len, i;
	int round;

	(void)state;
	test_seed();
	for (round = 0; round < 20000; round++) {
		len = test_random(120);
		text = malloc(len + 1);
		for (i = 0; i < len; i++)
			text[i] = alphabet[test_random(sizeof(alphabet) - 1)];
		text[len] = '\0';
		proctable_parse_stat(text, len, &process);
		free(text);
	}
}

static void
add(const char *pid, const char *parent)
{
	char path[64];
	FILE *file;

	assert_int_equal(mkdir(pid, 0755), 0);
	snprintf(path, sizeof(path), "%s/stat", pid);
	file = fopen(path, "w");
	assert_non_null(file);
	fprintf(file,
	    "%s (p) S %s 42 42 0 -1 0 2 4 6 8 10 11 12 13 20 0 7 0 900 5000 3",
	    pid, parent);
	fputs(" 1", file);
	fclose(file);
}

static size_t
marked(const struct proctable *table, unsigned char *marks)
{
	size_t i, n = 0;

	proctable_mark_descendants(table, marks);
	for (i = 0; i < table->count; i++)
		n += marks[i];
	return n;
}

static void
a_pass(void **state)
{
	unsigned char marks[16] = { 0 };
	struct proctable table;
	struct ha_err err;

	(void)state;
	add("1", "0");
	add("20", "1");
	add("3", "20");
	add("400", "3");
	add("5", "1");
	/* What read while it changed makes no sense: a ring. */
	add("60", "61");
	add("61", "60");
	/* Ended meanwhile, damaged, no process. */
	assert_int_equal(mkdir("7", 0755), 0);
	assert_int_equal(mkdir("8", 0755), 0);
	assert_int_equal(close(open("8/stat", O_CREAT | O_WRONLY, 0644)), 0);
	assert_int_equal(mkdir("9x", 0755), 0);
	assert_int_equal(mkdir("99999999999999999999", 0755), 0);
	assert_int_equal(mkdir("self", 0755), 0);
	proctable_open(&table, ".");
	assert_int_equal(proctable_pass(&table, &err), 0);
	assert_int_equal(table.count, 7);
	assert_int_equal(proctable_find(&table, 400)->parent, 3);
	assert_null(proctable_find(&table, 7));
	marks[proctable_find(&table, 20) - table.all] = 1;
	assert_int_equal(marked(&table, marks), 3);
	assert_true(marks[proctable_find(&table, 400) - table.all]);
	memset(marks, 0, sizeof(marks));
	assert_int_equal(marked(&table, marks), 0);
	marks[proctable_find(&table, 61) - table.all] = 1;
	assert_int_equal(marked(&table, marks), 2);
	assert_true(proctable_sees_all(&table));
	proctable_close(&table);
	proctable_open(&table, "none");
	assert_int_equal(proctable_pass(&table, &err), -1);
	assert_null(proctable_find(&table, 1));
	proctable_close(&table);
}

/* A child that calls itself something, until it is killed. */
static pid_t
start_child(const char *name)
{
	int ends[2];
	char byte;
	pid_t pid;

	assert_int_equal(pipe(ends), 0);
	pid = fork();
	if (pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		prctl(PR_SET_NAME, name);
		if (write(ends[1], "", 1) == 1)
			pause();
		_exit(1);
	}
	assert_int_equal(read(ends[0], &byte, 1), 1);
	close(ends[0]);
	close(ends[1]);
	return pid;
}

static void
a_real_process(void **state)
{
	pid_t pid = start_child("odd) R (\n");
	struct ha_buf line = HA_BUF_INIT;
	uint64_t open, limit, pss;
	struct proctable table;
	struct process process;
	struct ha_err err;
	char self[4096] = "", *exe;

	(void)state;
	proctable_open(&table, "/proc");
	assert_int_equal(proctable_pass(&table, &err), 0);
	assert_non_null(proctable_find(&table, getpid()));
	assert_int_equal(proctable_find(&table, pid)->parent, getpid());
	assert_int_equal(proctable_read(&table, pid, &process, &err), 1);
	assert_string_equal(process.comm, "odd) R (\n");
	assert_true(proctable_age_ms(&process) < 60000);
	exe = proctable_exe(&table, &process);
	assert_true(readlink("/proc/self/exe", self, sizeof(self) - 1) > 0);
	assert_string_equal(exe, self);
	free(exe);
	assert_int_equal(proctable_command_line(&table, pid, 4096, &line), 0);
	assert_non_null(strstr(line.data, "proctable"));
	assert_int_equal(proctable_command_line(&table, pid, 3, &line), 0);
	assert_int_equal(line.len, strlen(line.data) + 1 + 3);
	assert_int_equal(proctable_pss(&table, pid, &pss), 0);
	assert_true(pss > 0 && pss < UINT64_C(1) << 40);
	assert_int_equal(proctable_descriptors(&table, pid, &open, &limit), 0);
	assert_true(open >= 3 && open < limit);
	assert_true(proctable_is_alive(&table, &process));
	process.start_ticks++;
	assert_false(proctable_is_alive(&table, &process));
	process.start_ticks--;
	kill(pid, SIGKILL);
	do
		assert_int_equal(
		    proctable_read(&table, pid, &process, &err), 1);
	while (process.state != 'Z');
	assert_null(proctable_exe(&table, &process));
	assert_int_equal(waitpid(pid, NULL, 0), pid);
	assert_int_equal(proctable_read(&table, pid, &process, &err), 0);
	assert_false(proctable_is_alive(&table, &process));
	assert_int_equal(proctable_descriptors(&table, pid, &open, &limit), -1);
	proctable_close(&table);
	ha_buf_release(&line);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(odd_names),
		cmocka_unit_test(cut_anywhere),
		cmocka_unit_test(damaged),
		cmocka_unit_test(random_bytes),
		test_in_folder(a_pass),
		cmocka_unit_test(a_real_process),
	};

	return cmocka_run_group_tests_name("proctable", tests, NULL, NULL);
}
