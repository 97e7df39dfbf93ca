/* SPDX-License-Identifier: ISC */
/*
 * sftp - requests and answers against a peer that is a script: in pieces, out
 * of order, damaged, too many.
 */
#include "test.h"

#include "fake-transport.h"
#include "sftp.h"

static void
put32(struct ha_buf *buf, uint32_t v)
{
	for (int shift = 24; shift >= 0; shift -= 8)
		ha_buf_add_char(buf, (char)(v >> shift));
}

static void
put_string(struct ha_buf *buf, const char *s)
{
	put32(buf, (uint32_t)strlen(s));
	ha_buf_add_str(buf, s);
}

static void
put_packet(struct transport *t, int type, const struct ha_buf *body)
{
	put32(&t->script, (uint32_t)body->len + 1);
	ha_buf_add_char(&t->script, (char)type);
	ha_buf_add(&t->script, body->data, body->len);
}

static void
put_status(struct transport *t, uint32_t id, uint32_t code)
{
	struct ha_buf body = HA_BUF_INIT;

	put32(&body, id);
	put32(&body, code);
	put_string(&body, "in words");
	put_string(&body, "en");
	put_packet(t, 101, &body);
	ha_buf_release(&body);
}

static void
put_version(struct transport *t)
{
	struct ha_buf body = HA_BUF_INIT;

	put32(&body, 3);
	put_string(&body, "posix-rename@openssh.com");
	put_string(&body, "1");
	put_string(&body, "hardlink@openssh.com");
	put_string(&body, "1");
	put_packet(t, 2, &body);
	ha_buf_release(&body);
}

static struct sftp *
begin(struct transport *t)
{
	struct sftp *sftp;
	struct ha_err err;

	memset(t, 0, sizeof(*t));
	ha_buf_init(&t->script);
	t->share = 3;
	put_version(t);
	assert_int_equal(sftp_open(&sftp, t, &err), 0);
	return sftp;
}

static void
end(struct transport *t, struct sftp *sftp)
{
	sftp_close(sftp);
	ha_buf_release(&t->script);
}

static void
extensions_are_noticed(void **state)
{
	struct transport t;
	struct sftp *sftp = begin(&t);
	struct ha_err err;

	(void)state;
	assert_true(sftp_can_posix_rename(sftp));
	assert_true(sftp_can_hardlink(sftp));
	assert_int_equal(sftp_fsync(sftp, "f", &err), SFTP_OP_UNSUPPORTED);
	end(&t, sftp);
}

static void
requests_have_their_bytes(void **state)
{
	static const char want[] = "\0\0\0\013\015\0\0\0\0\0\0\0\002ab";
	struct transport t;
	struct sftp *sftp = begin(&t);
	struct ha_err err;

	(void)state;
	ha_buf_reset(&t.channel.out);
	put_status(&t, 0, SFTP_OK);
	assert_int_equal(sftp_remove(sftp, "ab", &err), SFTP_OK);
	assert_int_equal(t.channel.out.len, sizeof(want) - 1);
	assert_memory_equal(t.channel.out.data, want, sizeof(want) - 1);
	end(&t, sftp);
}

static void
answers_in_any_order(void **state)
{
	struct transport t;
	struct sftp *sftp = begin(&t);
	struct ha_err err;
	unsigned slots[SFTP_WINDOW];

	(void)state;
	for (int round = 0; round < 3; round++) {
		for (unsigned i = 0; i < SFTP_WINDOW; i++)
			assert_int_equal(
			    sftp_send_remove(sftp, "x", &slots[i], &err), 0);
		for (unsigned i = SFTP_WINDOW; i-- > 0;)
			put_status(
			    &t, (uint32_t)round * SFTP_WINDOW + i, i % 5);
		for (unsigned i = 0; i < SFTP_WINDOW; i++)
			assert_int_equal(
			    sftp_wait(sftp, slots[i], NULL, &err), i % 5);
	}
	end(&t, sftp);
}

/* One more would take the place of an answer that nobody has seen. */
static void
window_is_kept(void **state)
{
	struct transport t;
	struct sftp *sftp = begin(&t);
	struct ha_err err;
	unsigned slot;

	(void)state;
	for (unsigned i = 0; i < SFTP_WINDOW; i++)
		assert_int_equal(sftp_send_remove(sftp, "x", &slot, &err), 0);
	assert_int_equal(sftp_send_remove(sftp, "x", &slot, &err), -1);
	assert_int_equal(err.status, EX_UNAVAILABLE);
	assert_int_equal(sftp_wait(sftp, 0, NULL, &err), -1);
	end(&t, sftp);
}

static void
attributes_are_read(void **state)
{
	struct ha_buf body = HA_BUF_INIT;
	struct transport t;
	struct sftp *sftp = begin(&t);
	struct sftp_attrs attrs;
	struct ha_err err;

	(void)state;
	put32(&body, 0);
	put32(&body, 0x8000000f);
	put32(&body, 1);
	put32(&body, 2);
	put32(&body, 10);
	put32(&body, 11);
	put32(&body, 0100644);
	put32(&body, 5);
	put32(&body, 6);
	put32(&body, 1);
	put_string(&body, "name");
	put_string(&body, "value");
	put_packet(&t, 105, &body);
	assert_int_equal(sftp_lstat(sftp, "f", &attrs, &err), SFTP_OK);
	assert_true(attrs.size == (UINT64_C(1) << 32 | 2));
	assert_int_equal(attrs.mode, 0100644);
	assert_int_equal(attrs.mtime, 6);
	put_status(&t, 1, SFTP_NO_SUCH_FILE);
	assert_int_equal(
	    sftp_lstat(sftp, "f", &attrs, &err), SFTP_NO_SUCH_FILE);
	ha_buf_release(&body);
	end(&t, sftp);
}

static int
count_names(void *context, const char *name, const struct sftp_attrs *attrs)
{
	struct ha_buf *names = context;

	(void)attrs;
	ha_buf_addf(names, "%s,", name);
	return 0;
}

static void
put_names(struct transport *t, uint32_t id)
{
	static const char *const names[] = { ".", "a", "..", "b c" };
	struct ha_buf body = HA_BUF_INIT;

	put32(&body, id);
	put32(&body, 4);
	for (int i = 0; i < 4; i++) {
		put_string(&body, names[i]);
		put_string(&body, "long name");
		put32(&body, 0);
	}
	put_packet(t, 104, &body);
	ha_buf_release(&body);
}

static void
listings(void **state)
{
	struct ha_buf body = HA_BUF_INIT, names = HA_BUF_INIT;
	struct transport t;
	struct sftp *sftp = begin(&t);
	struct ha_err err;

	(void)state;
	put32(&body, 0);
	put_string(&body, "handle");
	put_packet(&t, 102, &body);
	put_names(&t, 1);
	put_names(&t, 2);
	put_status(&t, 3, SFTP_EOF);
	put_status(&t, 4, SFTP_OK);
	assert_int_equal(
	    sftp_list(sftp, "d", count_names, &names, &err), SFTP_OK);
	assert_string_equal(names.data, "a,b c,a,b c,");
	ha_buf_release(&body);
	ha_buf_release(&names);
	end(&t, sftp);
}

static void
put_data(struct transport *t, uint32_t id, const char *text)
{
	struct ha_buf body = HA_BUF_INIT;

	put32(&body, id);
	put_string(&body, text);
	put_packet(t, 103, &body);
	ha_buf_release(&body);
}

static void
put_handle(struct transport *t, uint32_t id)
{
	struct ha_buf body = HA_BUF_INIT;

	put32(&body, id);
	put_string(&body, "handle");
	put_packet(t, 102, &body);
	ha_buf_release(&body);
}

static void
files_are_read(void **state)
{
	static const char second[] = "\0\0\0\033\005\0\0\0\002"
				     "\0\0\0\006handle"
				     "\0\0\0\0\0\0\0\003\0\0\0\007";
	struct ha_buf text = HA_BUF_INIT;
	struct transport t;
	struct sftp *sftp = begin(&t);
	struct ha_err err;

	(void)state;
	put_handle(&t, 0);
	put_data(&t, 1, "abc");
	put_data(&t, 2, "de");
	put_status(&t, 3, SFTP_EOF);
	put_status(&t, 4, SFTP_OK);
	ha_buf_add_str(&text, "> ");
	assert_int_equal(sftp_read_file(sftp, "f", 10, &text, &err), SFTP_OK);
	assert_string_equal(text.data, "> abcde");
	assert_non_null(memmem(
	    t.channel.out.data, t.channel.out.len, second, sizeof(second) - 1));
	put_handle(&t, 5);
	put_data(&t, 6, "abc");
	put_data(&t, 7, "d");
	put_status(&t, 8, SFTP_OK);
	ha_buf_reset(&text);
	assert_int_equal(sftp_read_file(sftp, "f", 4, &text, &err), SFTP_OK);
	assert_string_equal(text.data, "abcd");
	put_handle(&t, 9);
	put_status(&t, 10, SFTP_EOF);
	put_status(&t, 11, SFTP_OK);
	ha_buf_reset(&text);
	assert_int_equal(sftp_read_file(sftp, "f", 4, &text, &err), SFTP_OK);
	assert_int_equal(text.len, 0);
	ha_buf_release(&text);
	end(&t, sftp);
}

static void
files_that_can_not_be_read(void **state)
{
	struct ha_buf text = HA_BUF_INIT;
	struct transport t;
	struct sftp *sftp = begin(&t);
	struct ha_err err;

	(void)state;
	put_status(&t, 0, SFTP_NO_SUCH_FILE);
	assert_int_equal(
	    sftp_read_file(sftp, "f", 9, &text, &err), SFTP_NO_SUCH_FILE);
	put_handle(&t, 1);
	put_status(&t, 2, SFTP_FAILURE);
	put_status(&t, 3, SFTP_OK);
	assert_int_equal(
	    sftp_read_file(sftp, "f", 9, &text, &err), SFTP_FAILURE);
	assert_int_equal(text.len, 0);
	ha_buf_release(&text);
	end(&t, sftp);
}

/* Bytes that were not asked for, none, or an answer of another kind. */
static void
damaged_files(void **state)
{
	static const char *const bytes[] = { "more than four", "" };
	struct ha_buf text = HA_BUF_INIT;
	struct transport t;
	struct sftp *sftp;
	struct ha_err err;

	(void)state;
	for (int i = 0; i < 3; i++) {
		sftp = begin(&t);
		put_handle(&t, 0);
		if (i < 2)
			put_data(&t, 1, bytes[i]);
		else
			put_status(&t, 1, SFTP_OK);
		assert_int_equal(sftp_read_file(sftp, "f", 4, &text, &err), -1);
		assert_int_equal(err.status, EX_UNAVAILABLE);
		assert_int_equal(text.len, 0);
		end(&t, sftp);
	}
	ha_buf_release(&text);
}

/* Whatever it says, one answer that can't be ends the use of the server. */
static void
refuse_script(const void *bytes, size_t len)
{
	struct transport t;
	struct sftp *sftp = begin(&t);
	struct sftp_attrs attrs;
	struct ha_err err;

	ha_buf_add(&t.script, bytes, len);
	assert_int_equal(sftp_lstat(sftp, "f", &attrs, &err), -1);
	assert_int_equal(err.status, EX_UNAVAILABLE);
	assert_int_equal(sftp_lstat(sftp, "f", &attrs, &err), -1);
	end(&t, sftp);
}

#define REFUSE(bytes) refuse_script(bytes, sizeof(bytes) - 1)

static void
damaged_answers(void **state)
{
	(void)state;
	REFUSE("\0\0\0\0"); /* nothing in it */
	REFUSE("\377\377\377\377"); /* more than there can be */
	REFUSE("Hello"); /* no packet */
	REFUSE("\0\0\0\003\145\0\0"); /* no id */
	REFUSE("\0\0\0\011\145\0\0\0\001\0\0\0\0"); /* not asked yet */
	REFUSE("\0\0\0\011\145\177\0\0\0\0\0\0\0"); /* never asked */
	REFUSE("\0\0\0\005\145\0\0\0\0"); /* no code */
	REFUSE("\0\0\0\011\145\0\0\0\0\377\0\0\0"); /* no such code */
	REFUSE("\0\0\0\011\145\0\0\0\0\0\0\0\0"); /* OK, but no attributes */
	REFUSE("\0\0\0\011\151\0\0\0\0\0\0\0\017"); /* attributes cut off */
	REFUSE("\0\0\0\011\150\0\0\0\0\0\0\0\001"); /* a listing */
}

static void
two_answers_to_one_request(void **state)
{
	struct transport t;
	struct sftp *sftp = begin(&t);
	struct ha_err err;
	unsigned first, second;

	(void)state;
	assert_int_equal(sftp_send_remove(sftp, "a", &first, &err), 0);
	assert_int_equal(sftp_send_remove(sftp, "b", &second, &err), 0);
	put_status(&t, 0, SFTP_OK);
	put_status(&t, 0, SFTP_OK);
	assert_int_equal(sftp_wait(sftp, first, NULL, &err), SFTP_OK);
	assert_int_equal(sftp_wait(sftp, second, NULL, &err), -1);
	end(&t, sftp);
}

static void
no_version(void **state)
{
	static const char old[] = "\0\0\0\005\002\0\0\0\002";
	struct transport t = { .share = 0 };
	struct sftp *sftp;
	struct ha_err err;

	(void)state;
	ha_buf_init(&t.script);
	ha_buf_add(&t.script, old, sizeof(old) - 1);
	assert_int_equal(sftp_open(&sftp, &t, &err), -1);
	assert_int_equal(err.status, EX_UNAVAILABLE);
	ha_buf_reset(&t.script);
	ha_buf_add_str(&t.script, "This account is not available\n");
	assert_int_equal(sftp_open(&sftp, &t, &err), -1);
	ha_buf_release(&t.script);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(extensions_are_noticed),
		cmocka_unit_test(requests_have_their_bytes),
		cmocka_unit_test(answers_in_any_order),
		cmocka_unit_test(window_is_kept),
		cmocka_unit_test(attributes_are_read),
		cmocka_unit_test(listings),
		cmocka_unit_test(files_are_read),
		cmocka_unit_test(files_that_can_not_be_read),
		cmocka_unit_test(damaged_files),
		cmocka_unit_test(damaged_answers),
		cmocka_unit_test(two_answers_to_one_request),
		cmocka_unit_test(no_version),
	};

	return cmocka_run_group_tests_name("sftp", tests, NULL, NULL);
}
