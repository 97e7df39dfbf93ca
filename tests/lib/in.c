/* SPDX-License-Identifier: ISC */
/*
 * in - records however they are cut into reads; too long ones; the end.
 */
#include "test.h"

#include <errno.h>
#include <fcntl.h>

#include "in.h"

struct pipe {
	int reader, writer;
};

static struct pipe
open_pipe(void)
{
	int ends[2];

	assert_int_equal(pipe2(ends, O_NONBLOCK), 0);
	return (struct pipe){ ends[0], ends[1] };
}

static void
feed(const struct pipe *pipe, const char *data, size_t len)
{
	assert_int_equal(write(pipe->writer, data, len), len);
}

static void
expect(struct ha_in *in, const char *expected)
{
	struct ha_err err;
	char *line;
	size_t len;

	if (!expected) {
		assert_int_equal(ha_in_next(in, &line, &len, &err), 0);
		return;
	}
	assert_int_equal(ha_in_next(in, &line, &len, &err), 1);
	assert_string_equal(line, expected);
	assert_int_equal(len, strlen(expected));
}

static void
records_in_any_pieces(void **state)
{
	struct pipe pipe = open_pipe();
	struct ha_err err;
	struct ha_in in;

	(void)state;
	ha_in_init(&in, pipe.reader, '\n');
	feed(&pipe, "one\n\ntw", 7);
	assert_int_equal(ha_in_fill(&in, &err), 1);
	expect(&in, "one");
	expect(&in, "");
	expect(&in, NULL);
	feed(&pipe, "o\nrest", 6);
	assert_int_equal(ha_in_fill(&in, &err), 1);
	expect(&in, "two");
	expect(&in, NULL);
	assert_int_equal(in.number, 3);
	assert_int_equal(ha_in_fill(&in, &err), -1);
	assert_int_equal(err.sys, EAGAIN);
	assert_int_equal(in.eof, 0);
	close(pipe.writer);
	assert_int_equal(ha_in_fill(&in, &err), 0);
	assert_int_equal(in.eof, 1);
	expect(&in, NULL);
	assert_int_equal(ha_in_rest(&in), 4);
	close(pipe.reader);
	ha_in_release(&in);
}

static void
nul_delimited(void **state)
{
	struct pipe pipe = open_pipe();
	struct ha_err err;
	struct ha_in in;

	(void)state;
	ha_in_init(&in, pipe.reader, '\0');
	feed(&pipe, "a\nb\0c\0", 6);
	close(pipe.writer);
	assert_int_equal(ha_in_fill(&in, &err), 1);
	expect(&in, "a\nb");
	expect(&in, "c");
	expect(&in, NULL);
	assert_int_equal(ha_in_rest(&in), 0);
	close(pipe.reader);
	ha_in_release(&in);
}

static void
expect_too_long(struct ha_in *in)
{
	struct ha_err err;
	char *line;
	size_t len;

	assert_int_equal(ha_in_next(in, &line, &len, &err), -1);
	assert_int_equal(err.status, EX_DATAERR);
}

static void
too_long_ones_are_skipped(void **state)
{
	struct pipe pipe = open_pipe();
	struct ha_err err;
	struct ha_in in;

	(void)state;
	ha_in_init(&in, pipe.reader, '\n');
	in.max = 4;
	feed(&pipe, "1234\n12345\nok\n123", 17);
	assert_int_equal(ha_in_fill(&in, &err), 1);
	expect(&in, "1234");
	expect_too_long(&in);
	expect(&in, "ok");
	expect(&in, NULL);
	/* Found out before its end comes, and reported once. */
	feed(&pipe, "45", 2);
	assert_int_equal(ha_in_fill(&in, &err), 1);
	expect_too_long(&in);
	expect(&in, NULL);
	feed(&pipe, "678901234", 9);
	assert_int_equal(ha_in_fill(&in, &err), 1);
	expect(&in, NULL);
	feed(&pipe, "5\nend\n", 6);
	assert_int_equal(ha_in_fill(&in, &err), 1);
	expect(&in, "end");
	assert_int_equal(in.number, 5);
	close(pipe.writer);
	close(pipe.reader);
	ha_in_release(&in);
}

static void
many_records(void **state)
{
	struct pipe pipe = open_pipe();
	struct ha_in in;
	struct ha_err err;
	char text[16], *line;
	unsigned sent = 0, got = 0;
	size_t len;

	(void)state;
	ha_in_init(&in, pipe.reader, '\n');
	while (got < 50000) {
		len = (size_t)snprintf(text, sizeof(text), "%u\n", sent);
		if (sent < 50000 &&
		    write(pipe.writer, text, len) == (ssize_t)len) {
			sent++;
			continue;
		}
		assert_int_equal(ha_in_fill(&in, &err), 1);
		while (ha_in_next(&in, &line, &len, &err) > 0)
			assert_int_equal(strtoul(line, NULL, 10), got++);
	}
	assert_true(in.number == 50000);
	close(pipe.writer);
	close(pipe.reader);
	ha_in_release(&in);
}

static void
a_broken_descriptor(void **state)
{
	struct ha_err err;
	struct ha_in in;

	(void)state;
	ha_in_init(&in, -1, '\n');
	assert_int_equal(ha_in_fill(&in, &err), -1);
	assert_int_equal(err.status, EX_IOERR);
	assert_int_equal(err.sys, EBADF);
	ha_in_release(&in);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(records_in_any_pieces),
		cmocka_unit_test(nul_delimited),
		cmocka_unit_test(too_long_ones_are_skipped),
		cmocka_unit_test(many_records),
		cmocka_unit_test(a_broken_descriptor),
	};

	return cmocka_run_group_tests_name("in", tests, NULL, NULL);
}
