/* SPDX-License-Identifier: ISC */
/*
 * mail - messages of RFC 5322, read again by perl's own decoders.
 */
#include "test.h"

#include <time.h>

#include "mail.h"

/* Prints "name=value" of decoded headers, an empty line and the body. */
static const char reader[] =
    "use strict; use Encode; use MIME::Base64; use MIME::QuotedPrint;\n"
    "local $/; open my $in, '<:raw', 'mail' or die; my $mail = <$in>;\n"
    "die 'a bare CR or LF' if $mail =~ /\\r(?!\\n)|(?<!\\r)\\n/;\n"
    "die 'not 7 bit' if $mail =~ /[^\\r\\n\\t -~]/;\n"
    "my ($head, $body) = split /\\r\\n\\r\\n/, $mail, 2;\n"
    "for my $line (split /\\r\\n/, $head) {\n"
    "	die 'a blank line' if $line =~ /^\\s*$/;\n"
    "	die \"a long line: $line\" if length $line > 78\n"
    "	    and $line !~ /^(Message-ID|References|In-Reply-To| ?<)/;\n"
    "	for (split ' ', $line) {\n"
    "		die 'a long word' if /^=\\?/ and length > 75;\n"
    "		next unless /^=\\?utf-8\\?(.)\\?(.*)\\?=$/i;\n"
    "		my $raw = $1 eq 'B' ? decode_base64($2)\n"
    "		    : decode_qp($2 =~ tr/_/ /r);\n"
    "		decode('UTF-8', $raw, Encode::FB_CROAK);\n"
    "	}\n"
    "}\n"
    "$head =~ s/\\r\\n(?=[ \\t])//g;\n"
    "binmode STDOUT, ':utf8'; my $how = '';\n"
    "for (split /\\r\\n/, $head) {\n"
    "	my ($name, $value) = /^([A-Za-z-]+): (.*)$/ or die \"header: $_\";\n"
    "	$how = $value if $name eq 'Content-Transfer-Encoding';\n"
    "	print $name, '=', decode('MIME-Header', $value), \"\\n\";\n"
    "}\n"
    "for (split /\\r\\n/, $body) { die 'a long line' if length > 76; }\n"
    "$body = decode_base64($body) if $how eq 'base64';\n"
    "$body = decode_qp($body) if $how eq 'quoted-printable';\n"
    "$body =~ s/\\r\\n/\\n/g;\n"
    "print \"\\n\", decode('UTF-8', $body, Encode::FB_CROAK);\n";

static const struct mail plain = {
	.from = "ops@example.org",
	.to = "admin@example.org",
	.subject = "CRIT web-a: connection refused",
	.text = "web-a is CRIT.\n",
	.key = "20261123T0850Z-0123456789abcdef-problem",
	.domain_of = "ops@example.org",
	.state = "CRIT",
	.event = "problem",
	.incident = "20261123T0850Z-0123456789abcdef",
	.date_ms = 1795452301250,
};

static void
write_file(const char *name, const char *data, size_t len)
{
	FILE *file = fopen(name, "w");

	assert_non_null(file);
	assert_int_equal(fwrite(data, 1, len, file), len);
	assert_int_equal(fclose(file), 0);
}

/* What perl makes of a message. */
static void
decode(struct ha_buf *out, const struct ha_buf *message)
{
	char chunk[4096];
	FILE *pipe;
	size_t n;

	write_file("reader", reader, strlen(reader));
	write_file("mail", message->data, message->len);
	pipe = popen("perl reader", "r");
	assert_non_null(pipe);
	while ((n = fread(chunk, 1, sizeof(chunk), pipe)) > 0)
		ha_buf_add(out, chunk, n);
	if (pclose(pipe) != 0)
		fail_msg("perl: %s", message->data);
}

static void
mail_is(const struct mail *mail, const char *header, const char *body)
{
	struct ha_buf message = HA_BUF_INIT, out = HA_BUF_INIT;

	mail_add(&message, mail);
	decode(&out, &message);
	if (header != NULL && strstr(out.data, header) == NULL)
		fail_msg("no '%s' in:\n%s\n%s", header, out.data, message.data);
	if (body != NULL)
		assert_string_equal(strstr(out.data, "\n\n") + 2, body);
	ha_buf_release(&message);
	ha_buf_release(&out);
}

static void
a_plain_one(void **state)
{
	struct ha_buf message = HA_BUF_INIT;

	(void)state;
	setenv("TZ", "CST-8", 1);
	tzset();
	mail_add(&message, &plain);
	assert_string_equal(message.data,
	    "Date: Tue, 24 Nov 2026 00:45:01 +0800\r\n"
	    "From: ops@example.org\r\n"
	    "To: admin@example.org\r\n"
	    "Subject: CRIT web-a: connection refused\r\n"
	    "Message-ID: <20261123T0850Z-0123456789abcdef-problem@example.org>"
	    "\r\n"
	    "Auto-Submitted: auto-generated\r\n"
	    "X-Auto-Response-Suppress: All\r\n"
	    "X-HA-State: CRIT\r\n"
	    "X-HA-Event: problem\r\n"
	    "X-HA-Incident: 20261123T0850Z-0123456789abcdef\r\n"
	    "MIME-Version: 1.0\r\n"
	    "Content-Type: text/plain; charset=utf-8\r\n"
	    "Content-Transfer-Encoding: 7bit\r\n"
	    "\r\n"
	    "web-a is CRIT.\r\n");
	ha_buf_release(&message);
	mail_is(&plain, "Subject=CRIT web-a: connection refused\n",
	    "web-a is CRIT.\n");
}

static void
threads(void **state)
{
	struct ha_buf message = HA_BUF_INIT;
	struct mail mail = plain;

	(void)state;
	mail.key = "x-recovery";
	mail.thread = "x-problem";
	mail.is_urgent = 1;
	mail.domain_of = "Ops <ops@a.example>, b@c.example";
	mail_add(&message, &mail);
	assert_non_null(
	    strstr(message.data, "\r\nMessage-ID: <x-recovery@a.example>\r\n"));
	assert_non_null(
	    strstr(message.data, "\r\nIn-Reply-To: <x-problem@a.example>\r\n"));
	assert_non_null(
	    strstr(message.data, "\r\nReferences: <x-problem@a.example>\r\n"));
	assert_non_null(strstr(message.data, "\r\nX-Priority: 1\r\n"));
	ha_buf_reset(&message);
	mail.domain_of = "root";
	mail_add(&message, &mail);
	assert_non_null(
	    strstr(message.data, "<x-recovery@ha-alert.invalid>\r\n"));
	ha_buf_release(&message);
}

static const char *const subjects[] = {
	"",
	"x",
	"磁盘已满 on web1",
	"Überlauf: 97 % used",
	"=?utf-8?Q?no_word?= of ours",
	"two  blanks",
	" first and last ",
	"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
	"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
	"one two three four five six seven eight nine ten eleven twelve thirteen "
	"fourteen fifteen sixteen seventeen eighteen nineteen twenty twenty-one",
	"数据库数据库数据库数据库数据库数据库数据库数据库数据库数据库数据库数据库数据库"
	"数据库数据库数据库数据库数据库数据库数据库数据库数据库数据库数据库数据库数据库",
	"😀😀😀😀😀😀😀😀😀😀😀😀😀😀😀😀😀😀😀😀😀😀😀😀😀😀😀😀😀😀😀 mostly ASCII after it",
	"a_b?c=d \"quoted\" <x@y>, é",
};

static void
subjects_survive(void **state)
{
	struct ha_buf want = HA_BUF_INIT;

	(void)state;
	for (size_t i = 0; i < sizeof(subjects) / sizeof(subjects[0]); i++) {
		struct mail mail = plain;

		mail.subject = subjects[i];
		ha_buf_reset(&want);
		ha_buf_addf(&want, "\nSubject=%s\n", subjects[i]);
		mail_is(&mail, want.data, NULL);
	}
	ha_buf_release(&want);
}

static const struct {
	const char *list, *want;
} addresses[] = {
	{ "a@b", "To: a@b\r\n" },
	{ " a@b , , c@d,", "To: a@b, c@d\r\n" },
	{ "Ops <a@b>", "To: Ops <a@b>\r\n" },
	{ "<a@b>", "To: a@b\r\n" },
	{ "\"Doe, J.\" <a@b>", "To: \"Doe, J.\" <a@b>\r\n" },
	{ "Doe (ops); J. <a@b>", "To: \"Doe (ops); J.\" <a@b>\r\n" },
	{ "\"a \\\"b\\\"\" <a@b>", "To: \"a \\\"b\\\"\" <a@b>\r\n" },
	{ "数据库 <a@b>", "To: =?utf-8?B?5pWw5o2u5bqT?= <a@b>\r\n" },
	{ "a@\xc3\xa4", "To: a@??\r\n" },
	{ "a@b\r\nBcc: c@d", "To: a@b Bcc: c@d\r\n" },
};

static void
address_lists(void **state)
{
	struct ha_buf out = HA_BUF_INIT;

	(void)state;
	for (size_t i = 0; i < sizeof(addresses) / sizeof(addresses[0]); i++) {
		ha_buf_reset(&out);
		mail_add_addresses(&out, "To", addresses[i].list);
		assert_string_equal(out.data, addresses[i].want);
	}
	ha_buf_release(&out);
}

static void
many_addresses_are_folded(void **state)
{
	struct ha_buf list = HA_BUF_INIT, want = HA_BUF_INIT;
	struct mail mail = plain;

	(void)state;
	ha_buf_add_str(&want, "To=");
	for (int i = 0; i < 40; i++) {
		ha_buf_addf(&list, "%sNämé %d <user%d@example.org>",
		    i > 0 ? "," : "", i, i);
		ha_buf_addf(&want, "%sNämé %d <user%d@example.org>",
		    i > 0 ? ", " : "", i, i);
	}
	mail.to = list.data;
	mail_is(&mail, want.data, NULL);
	ha_buf_release(&list);
	ha_buf_release(&want);
}

static void
no_header_comes_of_words(void **state)
{
	struct ha_buf message = HA_BUF_INIT;
	struct mail mail = plain;

	(void)state;
	mail.subject = "x\r\nBcc: evil@example.org\r\n\r\nbody\n.\n";
	mail.from = "a\r\nBcc: e@f <x@y\r\nBcc: g@h>";
	mail_add(&message, &mail);
	assert_null(strstr(message.data, "\nBcc"));
	assert_null(strstr(message.data, "\nbody"));
	ha_buf_release(&message);
	mail_is(&mail, "Subject=x Bcc: evil@example.org body .\n", plain.text);
}

static const struct {
	const char *text, *encoding;
} bodies[] = {
	{ "", "7bit" },
	{ "a\n", "7bit" },
	{ "a\n\n\nb\n", "7bit" },
	{ "97% used, größer\n", "quoted-printable" },
	{ "From here\n.\n..\nx \n\ty\t\n=20\n", "quoted-printable" },
	{ "磁盘已满，请检查。\n", "base64" },
	{ "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
	  "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
	  ".bbbbbbbbbbbb\n",
	    "quoted-printable" },
};

static void
bodies_survive(void **state)
{
	struct ha_buf want = HA_BUF_INIT;

	(void)state;
	for (size_t i = 0; i < sizeof(bodies) / sizeof(bodies[0]); i++) {
		struct mail mail = plain;

		mail.text = bodies[i].text;
		ha_buf_reset(&want);
		ha_buf_addf(&want, "Content-Transfer-Encoding=%s\n",
		    bodies[i].encoding);
		mail_is(&mail, want.data, bodies[i].text);
	}
	ha_buf_release(&want);
}

/* No line of the message begins with what a transport or mailbox changes. */
static void
no_special_lines(void **state)
{
	struct ha_buf out = HA_BUF_INIT;
	char text[400];

	(void)state;
	memset(text, '.', sizeof(text));
	memcpy(text + 200, "From From ", 10);
	text[199] = '\n';
	text[sizeof(text) - 1] = '\0';
	mail_add_body(&out, text);
	assert_null(strstr(out.data, "\r\n."));
	assert_null(strstr(out.data, "\r\nFrom "));
	ha_buf_release(&out);
}

/* Characters of each length, blanks, and what the encodings treat alone. */
static void
at_random(void **state)
{
	static const char *const pieces[] = { "a", "Z", "=", "?", "_", " ",
		"\"", ".", "\xc3\xa4", "磁", "😀", "From ", "=?", "-----", "%" };
	struct ha_buf subject = HA_BUF_INIT, text = HA_BUF_INIT;
	struct ha_buf want = HA_BUF_INIT;

	(void)state;
	test_seed();
	for (int round = 0; round < 12; round++) {
		struct mail mail = plain;
		size_t subject_len = test_random(200);
		size_t kinds =
		    1 + test_random(sizeof(pieces) / sizeof(*pieces));

		ha_buf_reset(&subject);
		ha_buf_reset(&text);
		ha_buf_reset(&want);
		for (size_t i = 0; i < subject_len; i++)
			ha_buf_add_str(&subject, pieces[test_random(kinds)]);
		for (size_t i = 0; i < 1500; i++)
			ha_buf_add_str(&text, test_random(40) == 0
						  ? "\n"
						  : pieces[test_random(kinds)]);
		ha_buf_add_char(&text, '\n');
		mail.subject = subject.data;
		mail.text = text.data;
		ha_buf_addf(&want, "\nSubject=%s\n", subject.data);
		mail_is(&mail, want.data, text.data);
	}
	ha_buf_release(&subject);
	ha_buf_release(&text);
	ha_buf_release(&want);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		test_in_folder(a_plain_one),
		cmocka_unit_test(threads),
		test_in_folder(subjects_survive),
		cmocka_unit_test(address_lists),
		test_in_folder(many_addresses_are_folded),
		test_in_folder(no_header_comes_of_words),
		test_in_folder(bodies_survive),
		cmocka_unit_test(no_special_lines),
		test_in_folder(at_random),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
