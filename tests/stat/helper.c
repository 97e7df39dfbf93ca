/* SPDX-License-Identifier: ISC */
/*
 * helper - answers, deadlines, one at a time for a key, and nothing of ours
 * left open in it.
 */
#include "test.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/wait.h>

#include "clock.h"
#include "helper.h"

#define LONG ha_clock_deadline(30000)

static enum helper_state
wait_for(struct helper *helper)
{
	struct pollfd pfd = { .fd = helper_fd(helper), .events = POLLIN };

	while (helper_step(helper) == HELPER_BUSY)
		poll(&pfd, 1, ha_clock_poll_ms(helper_deadline_ns(helper)));
	assert_int_equal(helper_fd(helper), -1);
	return helper_step(helper);
}

static void
no_child_is_left(void)
{
	assert_int_equal(waitpid(-1, NULL, WNOHANG), -1);
	assert_int_equal(errno, ECHILD);
}

/* Appends what is open, and says its argument. */
static int
say(const void *argument, struct ha_buf *answer)
{
	DIR *list = opendir("/proc/self/fd");
	struct dirent *entry;

	ha_buf_addf(answer, "%s:", (const char *)argument);
	while ((entry = readdir(list)))
		if (atoi(entry->d_name) > 2)
			ha_buf_addf(answer, " %s", entry->d_name);
	closedir(list);
	return 7;
}

static int
much(const void *argument, struct ha_buf *answer)
{
	(void)argument;
	ha_buf_reserve(answer, 1000000);
	memset(answer->data, 'x', 1000000);
	ha_buf_truncate(answer, 1000000);
	return 0;
}

static int
hang(const void *argument, struct ha_buf *answer)
{
	(void)answer;
	(void)argument;
	while (pause() < 0)
		;
	return 0;
}

static int
end_badly(const void *argument, struct ha_buf *answer)
{
	ha_buf_add_str(answer, argument);
	return raise(SIGKILL);
}

static void
answers(void **state)
{
	struct helper_task task = {
		.work = say, .argument = "hello", .deadline_ns = LONG
	};
	struct helper *helper;
	int fds[8];
	size_t i, blanks = 0;

	(void)state;
	for (i = 0; i < 8; i++)
		fds[i] = open("/dev/null", O_RDONLY);
	helper = helper_start(&task);
	assert_int_equal(wait_for(helper), HELPER_DONE);
	assert_int_equal(helper_status(helper), 7);
	/* Its answer's pipe, and the list it reads itself. */
	for (i = 0; i < helper_answer(helper)->len; i++)
		blanks += helper_answer(helper)->data[i] == ' ';
	assert_int_equal(blanks, 2);
	assert_memory_equal(helper_answer(helper)->data, "hello:", 6);
	helper_free(helper);
	for (i = 0; i < 8; i++)
		close(fds[i]);
	task.work = much;
	helper = helper_start(&task);
	assert_int_equal(wait_for(helper), HELPER_DONE);
	assert_int_equal(helper_answer(helper)->len, 65536);
	helper_free(helper);
	task.work = end_badly;
	helper = helper_start(&task);
	assert_int_equal(wait_for(helper), HELPER_DONE);
	assert_int_equal(helper_status(helper), 128 + SIGKILL);
	assert_int_equal(helper_answer(helper)->len, 0);
	helper_free(helper);
	helper_free(NULL);
	no_child_is_left();
}

/* As when it was started from a shell with >&- and <&-. */
static void
answers_with_closed_streams(void **state)
{
	struct helper_task task = {
		.work = say, .argument = "hello", .deadline_ns = LONG
	};
	int in = dup(0), out = dup(1);
	struct helper *helper;
	int done;

	(void)state;
	close(0);
	close(1);
	helper = helper_start(&task);
	done = wait_for(helper) == HELPER_DONE;
	dup2(in, 0);
	dup2(out, 1);
	close(in);
	close(out);
	assert_true(done);
	assert_memory_equal(helper_answer(helper)->data, "hello:", 6);
	helper_free(helper);
}

static void
deadlines(void **state)
{
	struct helper_task task = { .work = hang };
	int64_t start = ha_clock_now_ns();
	struct helper *helper;

	(void)state;
	task.deadline_ns = ha_clock_deadline(50);
	helper = helper_start(&task);
	assert_int_equal(helper_step(helper), HELPER_BUSY);
	assert_int_equal(wait_for(helper), HELPER_LATE);
	helper_free(helper);
	task.deadline_ns = LONG;
	helper = helper_start(&task);
	helper_free(helper);
	assert_true(ha_clock_now_ns() - start < 20 * HA_S_NS);
	no_child_is_left();
}

static void
programs(void **state)
{
	const char *argv[] = { "sh", "-c", "echo out; echo err >&2; exit 3",
		NULL };
	struct helper_task task = { .argv = argv, .deadline_ns = LONG };
	struct helper *helper = helper_start(&task);

	(void)state;
	assert_int_equal(wait_for(helper), HELPER_DONE);
	assert_int_equal(helper_status(helper), 3);
	assert_string_equal(helper_answer(helper)->data, "out\n");
	assert_string_equal(helper_errors(helper)->data, "err\n");
	helper_free(helper);
	argv[2] = "exec >&- 2>&-; exit 4";
	helper = helper_start(&task);
	assert_int_equal(wait_for(helper), HELPER_DONE);
	assert_int_equal(helper_status(helper), 4);
	helper_free(helper);
	argv[0] = "ha-no-such-command";
	helper = helper_start(&task);
	assert_int_equal(wait_for(helper), HELPER_FAILED);
	assert_int_equal(helper_err(helper)->sys, ENOENT);
	helper_free(helper);
	no_child_is_left();
}

/* All that it started and that stayed in its group. */
static void
a_late_program_goes_with_its_children(void **state)
{
	const char *argv[] = { "sh", "-c",
		"trap '' TERM; sh -c 'trap \"\" TERM; sleep 60' & echo $!; yes",
		NULL };
	struct helper_task task = { .argv = argv };
	int64_t start = ha_clock_now_ns();
	struct helper *helper;
	pid_t pid;

	(void)state;
	task.deadline_ns = ha_clock_deadline(300);
	helper = helper_start(&task);
	assert_int_equal(wait_for(helper), HELPER_LATE);
	assert_int_equal(helper_answer(helper)->len, 65536);
	pid = (pid_t)strtol(helper_answer(helper)->data, NULL, 10);
	assert_true(pid > 1);
	helper_free(helper);
	/* Gone, or dead and waiting for init(1). */
	while (!kill(pid, 0)) {
		char path[64], text[512] = "";
		int fd;

		snprintf(path, sizeof(path), "/proc/%ld/stat", (long)pid);
		fd = open(path, O_RDONLY);
		if (fd >= 0 && read(fd, text, sizeof(text) - 1) > 0 &&
		    strstr(text, ") Z "))
			break;
		close(fd);
		assert_true(ha_clock_now_ns() - start < 20 * HA_S_NS);
	}
	no_child_is_left();
}

static void
one_at_a_time(void **state)
{
	struct helper_task first = { .key = "/a b%", .work = hang };
	struct helper_task second = { .key = "/a b%",
		.work = say,
		.argument = "x",
		.deadline_ns = LONG };
	struct helper *busy, *helper;
	FILE *file;
	int byte;

	setenv("HA_RUN_DIR", *state, 1);
	first.deadline_ns = ha_clock_deadline(300);
	busy = helper_start(&first);
	/* The first is at work. */
	do {
		file = fopen("ha-stat.%2Fa%20b%25", "r");
		byte = file ? fgetc(file) : EOF;
		if (file)
			fclose(file);
	} while (byte == EOF);
	helper = helper_start(&second);
	/* It waits until the first one is gone. */
	assert_int_equal(wait_for(busy), HELPER_LATE);
	assert_int_equal(wait_for(helper), HELPER_DONE);
	helper_free(helper);
	helper_free(busy);
	/* Another key waits for nobody. */
	first.deadline_ns = LONG;
	busy = helper_start(&first);
	second.key = "/b";
	helper = helper_start(&second);
	assert_int_equal(wait_for(helper), HELPER_DONE);
	helper_free(helper);
	helper_free(busy);
	no_child_is_left();
}

static void
write_key(long pid, const char *rest)
{
	FILE *file = fopen("ha-stat.%2Fa", "w");

	assert_non_null(file);
	fprintf(file, "%ld %s\n", pid, rest);
	fclose(file);
}

/* The time of start of this process, out of its stat. */
static void
read_start(char *start, size_t size)
{
	char text[1024] = "";
	int fd = open("/proc/self/stat", O_RDONLY);
	char *p;
	int i;

	assert_true(read(fd, text, sizeof(text) - 1) > 0);
	close(fd);
	p = strrchr(text, ')');
	for (i = 2; i < 22; i++)
		p = strchr(p + 1, ' ');
	snprintf(start, size, "%.*s 100 200", (int)strcspn(p + 1, " "), p + 1);
}

static void
stuck_or_not(void **state)
{
	struct helper_task task = {
		.key = "/a", .work = say, .argument = "x", .deadline_ns = LONG
	};
	struct helper *helper;
	char start[64];
	int fd;

	setenv("HA_RUN_DIR", *state, 1);
	read_start(start, sizeof(start));
	/* This process lives and should long be gone. */
	write_key(getpid(), start);
	helper = helper_start(&task);
	assert_int_equal(wait_for(helper), HELPER_STUCK);
	assert_true(helper_stuck_ms(helper) > 1000);
	helper_free(helper);
	no_child_is_left();
	/* Another process with this one's id; garbage; nothing. */
	write_key(getpid(), "1 100 200");
	helper = helper_start(&task);
	assert_int_equal(wait_for(helper), HELPER_DONE);
	helper_free(helper);
	write_key(getpid(), "99999999999999999999999 x");
	helper = helper_start(&task);
	assert_int_equal(wait_for(helper), HELPER_DONE);
	helper_free(helper);
	write_key(-1, "1 100 200");
	helper = helper_start(&task);
	assert_int_equal(wait_for(helper), HELPER_DONE);
	helper_free(helper);
	fd = open("ha-stat.%2Fa", O_WRONLY | O_TRUNC);
	close(fd);
	helper = helper_start(&task);
	assert_int_equal(wait_for(helper), HELPER_DONE);
	helper_free(helper);
}

static void
long_keys(void **state)
{
	struct helper_task task = {
		.work = say, .argument = "x", .deadline_ns = LONG
	};
	struct helper *helper;
	char key[3001];

	setenv("HA_RUN_DIR", *state, 1);
	memset(key, '/', sizeof(key) - 1);
	key[sizeof(key) - 1] = '\0';
	task.key = key;
	helper = helper_start(&task);
	assert_int_equal(wait_for(helper), HELPER_DONE);
	helper_free(helper);
	assert_int_equal(
	    system("ls -A | grep -qx 'ha-stat\\.[%2F]*-[0-9a-f]*'"), 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(answers),
		cmocka_unit_test(answers_with_closed_streams),
		cmocka_unit_test(deadlines),
		cmocka_unit_test(programs),
		cmocka_unit_test(a_late_program_goes_with_its_children),
		test_in_folder(one_at_a_time),
		test_in_folder(stuck_or_not),
		test_in_folder(long_keys),
	};

	return cmocka_run_group_tests_name("helper", tests, NULL, NULL);
}
