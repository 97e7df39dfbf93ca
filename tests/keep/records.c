/* SPDX-License-Identifier: ISC */
/* records - whole frames, and no reader is ever waited for. */
#include "test.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include "fs.h"
#include "records.h"

static void
add(struct records *records, const char *msg)
{
	const struct ha_status status = {
		.by = "b",
		.host = "h",
		.check = "keep:x",
		.state = HA_STATUS_WARN,
		.target = "sleep 1",
		.msg = msg,
		.perf = "",
	};

	records_add(records, &status);
}

static void
flush(struct records *records)
{
	struct ha_err err;

	assert_int_equal(records_flush(records, &err), 0);
}

static void
release(struct records *records)
{
	ha_buf_release(&records->pending);
	if (records->fd >= 0)
		close(records->fd);
}

/* Whole frames, each of three lines; how many. */
static size_t
frames(const char *text)
{
	size_t count = 0;
	const char *at = text;

	while (*at) {
		assert_int_equal(strncmp(at, "#begin\tname=ha-keep\t", 20), 0);
		at = strchr(at, '\n') + 1;
		assert_non_null(strstr(at, "\th\tkeep:x\tWARN\t"));
		at = strchr(at, '\n') + 1;
		assert_int_equal(strncmp(at, "#end\t", 5), 0);
		at = strchr(at, '\n') + 1;
		count++;
	}
	return count;
}

static size_t
drain(int fd, struct ha_buf *text)
{
	char bytes[4096];
	ssize_t n;

	while ((n = read(fd, bytes, sizeof(bytes))) > 0)
		ha_buf_add(text, bytes, (size_t)n);
	return text->len;
}

static void
to_a_file(void **state)
{
	struct ha_buf text = HA_BUF_INIT;
	struct records records;
	struct ha_err err;

	(void)state;
	for (int i = 0; i < 2; i++) {
		assert_int_equal(records_open(&records, "file", &err), 0);
		assert_true(records.is_file);
		add(&records, "one");
		flush(&records);
		add(&records, "two");
		flush(&records);
		flush(&records);
		release(&records);
	}
	assert_int_equal(ha_fs_read_file("file", 99999, &text, &err), 0);
	assert_int_equal(frames(text.data), 4);
	ha_buf_release(&text);
	assert_int_equal(records_open(&records, "none/file", &err), -1);
	assert_int_equal(err.status, EX_CANTCREAT);
	assert_int_equal(records_open(&records, ".", &err), -1);
}

/* Nobody reads: it fills, what comes later replaces what waits, none is torn. */
static void
to_a_fifo(void **state)
{
	struct ha_buf text = HA_BUF_INIT;
	struct records records;
	struct ha_err err;
	char number[1200], digits[16];
	size_t got;
	int reader;

	(void)state;
	assert_int_equal(mkfifo("fifo", 0600), 0);
	assert_int_equal(records_open(&records, "fifo", &err), 0);
	assert_false(records.is_file);
	memset(number, 'x', sizeof(number) - 1);
	number[sizeof(number) - 1] = '\0';
	for (int i = 0; i < 300; i++) {
		snprintf(digits, sizeof(digits), "%04d", i);
		memcpy(number, digits, 4);
		add(&records, number);
		flush(&records);
	}
	assert_true(records.pending.len > 0);
	reader = open("fifo", O_RDONLY | O_NONBLOCK);
	drain(reader, &text);
	flush(&records);
	assert_int_equal(records.pending.len, 0);
	drain(reader, &text);
	got = frames(text.data);
	assert_in_range(got, 10, 299);
	assert_non_null(strstr(text.data, "\t0299x"));
	close(reader);
	add(&records, "no reader");
	flush(&records);
	release(&records);
	ha_buf_release(&text);
}

/* Runs with fd as its stdout; a flag of ours must not be another's. */
static void
with_stdout(int fd, void (*body)(int fd, int peer), int peer)
{
	int saved = dup(STDOUT_FILENO);

	fflush(stdout);
	assert_int_equal(dup2(fd, STDOUT_FILENO), STDOUT_FILENO);
	body(fd, peer);
	assert_int_equal(dup2(saved, STDOUT_FILENO), STDOUT_FILENO);
	close(saved);
}

static void
fill_and_lose(int fd, int peer)
{
	struct records records;
	struct ha_err err;
	int flags = fcntl(fd, F_GETFL);

	records_open(&records, "-", &err);
	for (int i = 0; i < 2000; i++) {
		add(&records, "x");
		records_flush(&records, &err);
	}
	close(peer);
	for (int i = 0; i < 3; i++) {
		add(&records, "nobody reads");
		err.sys = records_flush(&records, &err) ? err.sys : 0;
		if (i == 0 && err.sys != EPIPE)
			abort();
		if (i > 0 && err.sys)
			abort();
	}
	if (records.fd >= 0 || fcntl(fd, F_GETFL) != flags)
		abort();
	release(&records);
}

static void
to_stdout(void **state)
{
	int ends[2];

	(void)state;
	signal(SIGPIPE, SIG_IGN);
	assert_int_equal(pipe(ends), 0);
	with_stdout(ends[1], fill_and_lose, ends[0]);
	close(ends[1]);
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
	with_stdout(ends[1], fill_and_lose, ends[0]);
	close(ends[1]);
}

/* A disk that is full takes no part of a frame, and is told of once. */
static void
to_a_full_disk(void **state)
{
	struct records records;
	struct ha_err err;

	(void)state;
	assert_int_equal(records_open(&records, "/dev/full", &err), 0);
	add(&records, "one");
	assert_int_equal(records_flush(&records, &err), -1);
	assert_int_equal(err.sys, ENOSPC);
	add(&records, "two");
	flush(&records);
	release(&records);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		test_in_folder(to_a_file),
		test_in_folder(to_a_fifo),
		cmocka_unit_test(to_stdout),
		cmocka_unit_test(to_a_full_disk),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
