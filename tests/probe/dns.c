/* SPDX-License-Identifier: ISC */
/*
 * dns - each type as text, each refusal in words; of packets that lie, loop or
 * end too early nothing worse is said than that.
 */
#include "test.h"

#include "talk.h"

#define BYTES(s) s, sizeof(s) - 1
/* "The name of the question", by a pointer. */
#define ASKED "\xc0\x0c"

static void
put16(struct ha_buf *packet, unsigned number)
{
	ha_buf_add_char(packet, (char)(number >> 8 & 0xff));
	ha_buf_add_char(packet, (char)(number & 0xff));
}

/* An answer to what the dialog sent: its number, flags, so many records. */
static void
begin(struct ha_buf *packet, const struct talk *talk, unsigned flags,
    unsigned records)
{
	ha_buf_reset(packet);
	ha_buf_add(packet, talk->sent.data, 2);
	put16(packet, flags);
	put16(packet, 1);
	put16(packet, records);
	put16(packet, 0);
	put16(packet, 0);
	ha_buf_add(packet, talk->sent.data + 12, talk->sent.len - 12);
}

static void
add_record(struct ha_buf *packet, unsigned type, unsigned ttl, const char *data,
    size_t len)
{
	ha_buf_add(packet, ASKED, 2);
	put16(packet, type);
	put16(packet, 1);
	put16(packet, 0);
	put16(packet, ttl);
	put16(packet, (unsigned)len);
	ha_buf_add(packet, data, len);
}

static void
ask(struct talk *talk, const char *path)
{
	static char text[400];

	snprintf(text, sizeof(text), "%s", path);
	talk_open(talk, &dialog_dns, text);
}

static void
hear(struct talk *talk, const struct ha_buf *packet)
{
	talk_hear(talk, packet->data, packet->len, 0);
}

static void
question_is_sent(void **state)
{
	static const struct {
		const char *path;
		const char *tail;
		size_t len;
	} cases[] = {
		{ "", BYTES("\0\0\2\0\1") },
		{ "/", BYTES("\0\0\2\0\1") },
		{ "/?type=soa", BYTES("\0\0\6\0\1") },
		{ "/a.example", BYTES("\1a\7example\0\0\1\0\1") },
		{ "/a.example.?TYPE=mx", BYTES("\1a\7example\0\0\x0f\0\1") },
		{ "/a?type=CAA", BYTES("\1a\0\1\1\0\1") },
		{ "/192.0.2.1?type=PTR",
		    BYTES("\1\x31\1\x32\1\x30\3"
			  "192\7in-addr\4arpa\0\0\x0c\0\1") },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct talk talk;

		ask(&talk, cases[i].path);
		assert_int_equal(talk.sent.len, 12 + cases[i].len);
		assert_memory_equal(
		    talk.sent.data + 2, "\1\0\0\1\0\0\0\0\0\0", 10);
		assert_memory_equal(
		    talk.sent.data + 12, cases[i].tail, cases[i].len);
		talk_close(&talk);
	}
}

static void
ipv6_address_is_asked_backwards(void **state)
{
	struct talk talk;

	(void)state;
	ask(&talk, "/2001:db8::567?type=PTR");
	assert_int_equal(talk.sent.len, 12 + 64 + 4 + 5 + 1 + 4);
	assert_memory_equal(talk.sent.data + 12, "\1\67\1\66\1\65\1\60", 8);
	assert_memory_equal(
	    talk.sent.data + 12 + 56, "\1\61\1\60\1\60\1\62\3ip6", 12);
	talk_close(&talk);
}

static void
wrong_paths_are_refused(void **state)
{
/* A label of 64 letters. */
#define LONG "/0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
	static const char *const paths[] = { "/a..b", "/a/b", "/a?kind=A",
		"/a?type=", "/a?type=ANY", "/a?type=AA", "/%41", "/.a", LONG };
	struct target target = { .path = NULL };
	struct ha_err err;

	(void)state;
	assert_int_equal(dialog_dns.check(&target, &err), 0);
	for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++) {
		char *path = ha_xstrdup(paths[i]);

		target.path = path;
		assert_int_equal(dialog_dns.check(&target, &err), -1);
		assert_int_equal(err.status, EX_USAGE);
		free(path);
	}
}

struct record {
	const char *path;
	unsigned type;
	const char *data;
	size_t len;
	const char *text; /* NULL: malformed */
};

static const struct record records[] = {
	{ "/a", 1, BYTES("\xc0\x00\x02\x01"), "192.0.2.1" },
	{ "/a", 1, BYTES("\xc0\x00\x02"), NULL },
	{ "/a", 1, BYTES("\xc0\x00\x02\x01\x05"), NULL },
	{ "/a?type=AAAA", 28, BYTES("\x20\1\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\1"),
	    "2001:db8::1" },
	{ "/a?type=AAAA", 28, BYTES("\x20\1"), NULL },
	{ "/a?type=NS", 2, BYTES("\2ns" ASKED), "ns.a" },
	{ "/a?type=NS", 2, BYTES("\0"), "." },
	{ "/a?type=NS", 2, BYTES(""), NULL },
	{ "/a?type=NS", 2, BYTES("\2n"), NULL },
	/* To itself, and behind the end. */
	{ "/a?type=NS", 2, BYTES("\xc0\x1f"), NULL },
	{ "/a?type=NS", 2, BYTES("\xff\xff"), NULL },
	{ "/a?type=CNAME", 5, BYTES("\1b" ASKED), "b.a" },
	{ "/a?type=PTR", 12, BYTES("\1b\0"), "b" },
	{ "/a?type=MX", 15, BYTES("\0\x0a\1m" ASKED), "10 m.a" },
	{ "/a?type=MX", 15, BYTES("\0"), NULL },
	{ "/a?type=MX", 15, BYTES("\0\1"), NULL },
	{ "/a?type=SRV", 33, BYTES("\0\1\0\2\x1f\x90\1s\0"), "1 2 8080 s" },
	{ "/a?type=SRV", 33, BYTES("\0\1\0\2"), NULL },
	{ "/a?type=TXT", 16, BYTES("\3v=s\2pf"), "v=spf" },
	{ "/a?type=TXT", 16, BYTES("\0"), "" },
	{ "/a?type=TXT", 16, BYTES("\5v=s"), NULL },
	{ "/a?type=SOA", 6,
	    BYTES("\1n\0\1h\0\0\0\0\1\0\0\0\2\0\0\0\3\0\0\0\4\xff\xff\xff"
		  "\xff"),
	    "n h 1 2 3 4 4294967295" },
	{ "/a?type=SOA", 6, BYTES("\1n\0\1h\0\0\0\0\1"), NULL },
	{ "/a?type=CAA", 257, BYTES("\0\5issueca.example"),
	    "0 issue \"ca.example\"" },
	{ "/a?type=CAA", 257, BYTES("\0\x9issue"), NULL },
	{ "/a?type=CAA", 257, BYTES("\0"), NULL },
};

static void
each_type_is_text(void **state)
{
	struct ha_buf packet = HA_BUF_INIT;
	char words[200];

	(void)state;
	for (size_t i = 0; i < sizeof(records) / sizeof(records[0]); i++) {
		const struct record *record = &records[i];
		struct talk talk;

		ask(&talk, record->path);
		begin(&packet, &talk, 0x8180, 1);
		add_record(
		    &packet, record->type, 300, record->data, record->len);
		hear(&talk, &packet);
		if (record->text) {
			assert_int_equal(talk.step, DIALOG_DONE);
			snprintf(
			    words, sizeof(words), "%s, ttl 300", record->text);
			assert_string_equal(talk_words(&talk), words);
			snprintf(words, sizeof(words), "%s\n", record->text);
			assert_string_equal(talk.probe.seen.body.data, words);
		} else {
			assert_int_equal(talk.step, DIALOG_FAILED);
			assert_string_equal(talk_words(&talk),
			    "its answer is malformed: record 1 of 1");
		}
		talk_close(&talk);
	}
	ha_buf_release(&packet);
}

static void
refusals_have_their_name(void **state)
{
	static const char *const words[] = { "no A record for a.example",
		"FORMERR for a.example A", "SERVFAIL for a.example A",
		"NXDOMAIN for a.example A", "NOTIMP for a.example A",
		"REFUSED for a.example A" };
	struct ha_buf packet = HA_BUF_INIT;

	(void)state;
	for (unsigned i = 0; i < 6; i++) {
		struct talk talk;

		ask(&talk, "/a.example");
		begin(&packet, &talk, 0x8180 | i, 0);
		hear(&talk, &packet);
		assert_int_equal(talk.step, DIALOG_FAILED);
		assert_int_equal(talk.fault, FAULT_TARGET);
		assert_string_equal(talk_words(&talk), words[i]);
		talk_close(&talk);
	}
	ha_buf_release(&packet);
}

static void
refusal_may_lack_the_question(void **state)
{
	struct ha_buf packet = HA_BUF_INIT;
	struct talk talk;

	(void)state;
	ask(&talk, "/a");
	begin(&packet, &talk, 0x8181, 0);
	ha_buf_truncate(&packet, 12);
	packet.data[5] = 0;
	hear(&talk, &packet);
	assert_int_equal(talk.step, DIALOG_FAILED);
	assert_string_equal(talk_words(&talk), "FORMERR for a A");
	talk_close(&talk);
	ha_buf_release(&packet);
}

static void
many_answers_are_counted(void **state)
{
	struct ha_buf packet = HA_BUF_INIT;
	struct talk talk;

	(void)state;
	ask(&talk, "/a");
	begin(&packet, &talk, 0x8180, 6);
	add_record(&packet, 5, 60, BYTES(ASKED));
	for (char i = 1; i <= 5; i++) {
		const char address[4] = { 10, 0, 0, i };

		add_record(&packet, 1, (unsigned)(100 - i), address, 4);
	}
	hear(&talk, &packet);
	assert_int_equal(talk.step, DIALOG_DONE);
	assert_string_equal(
	    talk_words(&talk), "10.0.0.1; 10.0.0.2; 10.0.0.3; 2 more, ttl 95");
	assert_string_equal(talk.probe.seen.body.data,
	    "10.0.0.1\n10.0.0.2\n10.0.0.3\n10.0.0.4\n10.0.0.5\n");
	talk_close(&talk);
	ha_buf_release(&packet);
}

static void
alias_without_an_address_is_told(void **state)
{
	struct ha_buf packet = HA_BUF_INIT;
	struct talk talk;

	(void)state;
	ask(&talk, "/a");
	begin(&packet, &talk, 0x8180, 1);
	add_record(&packet, 5, 60, BYTES("\1b\0"));
	hear(&talk, &packet);
	assert_int_equal(talk.step, DIALOG_FAILED);
	assert_string_equal(
	    talk_words(&talk), "no A record for a, an alias of b");
	talk_close(&talk);
	ha_buf_release(&packet);
}

static void
truncated_answer_serves(void **state)
{
	struct ha_buf packet = HA_BUF_INIT;
	struct talk talk;

	(void)state;
	ask(&talk, "/a");
	begin(&packet, &talk, 0x8380, 2);
	add_record(&packet, 1, 60, BYTES("\x0a\0\0\1"));
	hear(&talk, &packet);
	assert_int_equal(talk.step, DIALOG_DONE);
	assert_string_equal(talk_words(&talk), "10.0.0.1, ttl 60 (truncated)");
	talk_close(&talk);
	ask(&talk, "/a");
	begin(&packet, &talk, 0x8380, 0);
	hear(&talk, &packet);
	assert_int_equal(talk.step, DIALOG_DONE);
	assert_string_equal(talk_words(&talk), "truncated: the answer is long");
	talk_close(&talk);
	ha_buf_release(&packet);
}

/* What was not asked is not heard; the answer behind it is. */
static void
strange_datagrams_are_let_pass(void **state)
{
	struct ha_buf packet = HA_BUF_INIT, wrong = HA_BUF_INIT;
	struct talk talk;

	(void)state;
	ask(&talk, "/a");
	begin(&packet, &talk, 0x8180, 1);
	add_record(&packet, 1, 60, BYTES("\x0a\0\0\1"));
	for (int i = 0; i < 6; i++) {
		/* The number, the response's bit, the count, name, type. */
		static const size_t at[] = { 0, 2, 5, 13, 16, 18 };

		ha_buf_reset(&wrong);
		ha_buf_add(&wrong, packet.data, packet.len);
		wrong.data[at[i]] ^= (char)(i == 1 ? 0x80 : 0x03);
		hear(&talk, &wrong);
		assert_int_equal(talk.step, DIALOG_MORE);
		assert_int_equal(talk.in.len, 0);
	}
	assert_non_null(strstr(talk.probe.awaited, "another"));
	/* Letters' case is no difference. */
	packet.data[13] ^= 0x20;
	hear(&talk, &packet);
	assert_int_equal(talk.step, DIALOG_DONE);
	talk_close(&talk);
	ha_buf_release(&wrong);
	ha_buf_release(&packet);
}

static void
cut_answer_is_malformed(void **state)
{
	struct ha_buf packet = HA_BUF_INIT;
	struct talk talk;

	(void)state;
	for (size_t i = 0; i < sizeof(records) / sizeof(records[0]); i++)
		for (size_t cut = 1;; cut++) {
			ask(&talk, records[i].path);
			begin(&packet, &talk, 0x8180, 1);
			add_record(&packet, records[i].type, 1, records[i].data,
			    records[i].len);
			if (cut >= packet.len) {
				talk_close(&talk);
				break;
			}
			talk_hear(&talk, packet.data, packet.len - cut, 0);
			assert_int_not_equal(talk.step, DIALOG_DONE);
			talk_close(&talk);
		}
	ha_buf_release(&packet);
}

static void
changed_bytes_do_no_harm(void **state)
{
	struct ha_buf packet = HA_BUF_INIT;

	(void)state;
	test_seed();
	for (int i = 0; i < 50000; i++) {
		const struct record *record =
		    &records[test_random(sizeof(records) / sizeof(records[0]))];
		struct talk talk;

		ask(&talk, record->path);
		begin(&packet, &talk, 0x8180, 1 + (unsigned)test_random(3));
		add_record(&packet, record->type, 1, record->data, record->len);
		add_record(&packet, record->type, 1, record->data, record->len);
		for (size_t n = 1 + test_random(4); n > 0; n--)
			packet.data[2 + test_random(packet.len - 2)] =
			    (char)test_random(256);
		hear(&talk, &packet);
		assert_int_equal(talk.in.len, 0);
		talk_end(&talk);
		assert_int_not_equal(talk.step, DIALOG_MORE);
		talk_close(&talk);
	}
	ha_buf_release(&packet);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(question_is_sent),
		cmocka_unit_test(ipv6_address_is_asked_backwards),
		cmocka_unit_test(wrong_paths_are_refused),
		cmocka_unit_test(each_type_is_text),
		cmocka_unit_test(refusals_have_their_name),
		cmocka_unit_test(refusal_may_lack_the_question),
		cmocka_unit_test(many_answers_are_counted),
		cmocka_unit_test(alias_without_an_address_is_told),
		cmocka_unit_test(truncated_answer_serves),
		cmocka_unit_test(strange_datagrams_are_let_pass),
		cmocka_unit_test(cut_answer_is_malformed),
		cmocka_unit_test(changed_bytes_do_no_harm),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
