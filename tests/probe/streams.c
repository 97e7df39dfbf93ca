/* SPDX-License-Identifier: ISC */
/*
 * streams - the dialogs over TCP, whatever the other end says, in pieces.
 */
#include "test.h"

#include "fs.h"
#include "talk.h"

enum verdict {
	OK,
	WARN,
	CRIT,
	UNKNOWN,
};

static enum verdict
verdict(const struct talk *talk)
{
	assert_int_not_equal(talk->step, DIALOG_MORE);
	if (talk->step == DIALOG_DONE)
		return talk->is_warned ? WARN : OK;
	/* A failure has words. */
	assert_true(talk->probe.msg.len > 0);
	return talk->fault == FAULT_TARGET ? CRIT : UNKNOWN;
}

struct say {
	const struct dialog *dialog;
	const char *text;
	size_t len; /* 0: a string */
	enum verdict verdict;
	const char *words;
};

#define BYTES(s) s, sizeof(s) - 1

static const struct say says[] = {
	{ &dialog_ssh, "SSH-2.0-OpenSSH_9.2p1 Debian-2\r\n", 0, OK,
	    "SSH-2.0-OpenSSH_9.2p1 Debian-2" },
	{ &dialog_ssh, "SSH-1.99-old\n", 0, OK, "SSH-1.99-old" },
	{ &dialog_ssh, "keep out\r\n\r\nSSH-2.0-x\r\n", 0, OK, "SSH-2.0-x" },
	{ &dialog_ssh, "SSH-1.5-older\r\n", 0, CRIT,
	    "it does not speak SSH 2, but SSH-1.5-older" },
	{ &dialog_ssh, BYTES("SSH-2.0-a\0b\r\n"), CRIT,
	    "its SSH identification is malformed: SSH-2.0-a" },
	{ &dialog_ssh, "Exceeded MaxStartups\r\n", 0, WARN,
	    "it refuses connections now: Exceeded MaxStartups" },
	{ &dialog_ssh, "Not allowed at this time\r\n", 0, WARN,
	    "it refuses connections now: Not allowed at this time" },
	{ &dialog_ssh, "", 0, CRIT, "closed without an SSH identification" },
	{ &dialog_ssh, "SSH-2.0-cut", 0, CRIT,
	    "closed before its SSH identification was whole: SSH-2.0-cut" },
	{ &dialog_memcached, "VERSION 1.6.18\r\n", 0, OK, "1.6.18" },
	{ &dialog_memcached, "CLIENT_ERROR unauthenticated\r\n", 0, OK,
	    "asks for a password" },
	{ &dialog_memcached, "ERROR Too many open connections\r\n", 0, WARN,
	    "too many connections" },
	{ &dialog_memcached, "ERROR\r\n", 0, CRIT, "no version, but ERROR" },
	{ &dialog_memcached, "VERSION", 0, CRIT, "closed without an answer" },
	{ &dialog_redis, "+PONG\r\n", 0, OK, "PONG" },
	{ &dialog_redis, "-NOAUTH Authentication required.\r\n", 0, OK,
	    "asks for a password" },
	{ &dialog_redis, "-NOPERM no\r\n", 0, OK, "may not PING" },
	{ &dialog_redis, "-LOADING Redis is loading\r\n", 0, WARN,
	    "it is loading its data (LOADING Redis is loading)" },
	{ &dialog_redis, "-MISCONF no disk\r\n", 0, WARN,
	    "it can't save its data: no writes (MISCONF no disk)" },
	{ &dialog_redis, "-ERR max number of clients reached\r\n", 0, WARN,
	    "too many connections (ERR max number of clients reached)" },
	{ &dialog_redis, "-MASTERDOWN Link\r\n", 0, CRIT,
	    "a replica whose master is down (MASTERDOWN Link)" },
	{ &dialog_redis, "-BUSY Redis is busy\r\n", 0, CRIT,
	    "busy with a script (BUSY Redis is busy)" },
	{ &dialog_redis, "-DENIED Redis is running\r\n", 0, CRIT,
	    "protected mode: only its own host may (DENIED Redis is running)" },
	{ &dialog_redis, "-DENIED so \r\n", 0, CRIT,
	    "protected mode: only its own host may (DENIED so)" },
	{ &dialog_redis, "-ERR what\r\n", 0, CRIT, "no PONG, but -ERR what" },
	{ &dialog_redis, "HTTP/1.1 400 Bad\r\n", 0, CRIT,
	    "no PONG, but HTTP/1.1 400 Bad" },
	{ &dialog_redis, "+PON", 0, CRIT, "closed without a PONG" },
	{ &dialog_mysql, BYTES("\x17\0\0\0\xff\x10\x04Too many connections"),
	    WARN, "Too many connections" },
	{ &dialog_mysql,
	    BYTES("\x1d\0\0\0\xff\x10\x04#08004Too many connections"), WARN,
	    "Too many connections" },
	{ &dialog_mysql, BYTES("\x0b\0\0\0\xff\x69\x04 blocked"), WARN,
	    " blocked" },
	{ &dialog_mysql, BYTES("\x0a\0\0\0\xff\x6a\x04Host no"), WARN,
	    "Host no" },
	{ &dialog_mysql, BYTES("\x06\0\0\0\xff\x01\x02wat"), CRIT,
	    "error 513: wat" },
	{ &dialog_mysql, BYTES("\x01\0\0\0\xff"), CRIT, "error -1: " },
	{ &dialog_mysql, BYTES("\x05\0\0\0\x09old\0"), CRIT,
	    "its greeting is not MySQL's (protocol 10)" },
	{ &dialog_mysql, BYTES("\0\0\0\0"), CRIT,
	    "its greeting is not MySQL's (protocol 10)" },
	{ &dialog_mysql, "SSH-2.0-OpenSSH\r\n", 0, CRIT,
	    "it does not speak MySQL's protocol, but says SSH-2.0-OpenSSH" },
	{ &dialog_mysql, BYTES("\xff\x00\x00\x00\x0a"), CRIT,
	    "closed before its greeting was whole" },
	{ &dialog_mysql, "", 0, CRIT, "closed without a greeting" },
};

static void
hear(const struct say *say, size_t len, size_t share)
{
	struct talk talk;

	talk_open(&talk, say->dialog, NULL);
	talk_hear(&talk, say->text, len, share);
	talk_end(&talk);
	/* Cut short, it is anything but a hang. */
	if (len < say->len) {
		(void)verdict(&talk);
	} else {
		assert_int_equal(verdict(&talk), say->verdict);
		if (share == 0 || say->verdict != CRIT)
			assert_string_equal(talk_words(&talk), say->words);
	}
	talk_close(&talk);
}

static void
each_answer_has_its_verdict(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(says) / sizeof(says[0]); i++) {
		struct say say = says[i];

		if (say.len == 0)
			say.len = strlen(say.text);
		hear(&say, say.len, 0);
		hear(&say, say.len, 1);
		hear(&say, say.len, 7);
		for (size_t len = 0; len < say.len; len++)
			hear(&say, len, 0);
	}
}

static void
endless_lines_end(void **state)
{
	static const struct dialog *const dialogs[] = { &dialog_ssh,
		&dialog_memcached, &dialog_redis, &dialog_mysql };
	static const char fills[] = "x\n\0\xff";
	char piece[1000];

	(void)state;
	for (size_t i = 0; i < 4 * sizeof(fills) - 4; i++) {
		struct talk talk;

		memset(piece, fills[i / 4], sizeof(piece));
		talk_open(&talk, dialogs[i % 4], NULL);
		for (int n = 0; n < 1000 && talk.step == DIALOG_MORE; n++)
			talk_hear(&talk, piece, sizeof(piece), 0);
		assert_int_equal(verdict(&talk), CRIT);
		talk_close(&talk);
	}
}

static void
ssh_identification_has_255_bytes(void **state)
{
	char line[300] = "SSH-2.0-";
	struct talk talk;

	(void)state;
	memset(line + 8, 'x', 245);
	line[253] = '\r';
	line[254] = '\n';
	talk_open(&talk, &dialog_ssh, NULL);
	talk_hear(&talk, line, 255, 0);
	assert_int_equal(verdict(&talk), OK);
	assert_int_equal(talk.probe.seen.words.len, 253);
	talk_close(&talk);
	memset(line + 8, 'x', 250);
	talk_open(&talk, &dialog_ssh, NULL);
	talk_hear(&talk, line, 258, 0);
	assert_int_equal(verdict(&talk), CRIT);
	talk_close(&talk);
}

static void
we_name_ourselves_without_a_minus(void **state)
{
	struct talk talk;

	(void)state;
	talk_open(&talk, &dialog_ssh, NULL);
	assert_int_equal(strncmp(talk.sent.data, "SSH-2.0-", 8), 0);
	assert_null(strpbrk(talk.sent.data + 8, "- "));
	assert_string_equal(talk.sent.data + talk.sent.len - 2, "\r\n");
	talk_close(&talk);
}

static void
write_file(const char *path, const char *text)
{
	struct ha_err err;

	assert_int_equal(
	    ha_fs_replace(path, text, strlen(text), 0600, &err), 0);
}

static void
redis_log_in(struct talk *talk, const char *file)
{
	talk_open(talk, &dialog_redis, NULL);
	talk->target.settings.user_file = file;
	ha_buf_reset(&talk->sent);
	talk_hear(talk, BYTES("-NOAUTH Authentication required.\r\n"), 0);
}

static void
redis_logs_in_when_asked(void **state)
{
	static const char auth[] = "*3\r\n$4\r\nAUTH\r\n$2\r\nha\r\n$6\r\nse "
				   "cre\r\n";
	struct talk talk;

	(void)state;
	write_file("user", "ha:se cre\n");
	redis_log_in(&talk, "user");
	assert_string_equal(talk.sent.data, auth);
	assert_string_equal(talk.probe.awaited, "answer to AUTH");
	talk_hear(&talk, BYTES("+OK\r\n"), 1);
	assert_int_equal(talk.step, DIALOG_MORE);
	assert_string_equal(
	    talk.sent.data + strlen(auth), "*1\r\n$4\r\nPING\r\n");
	talk_hear(&talk, BYTES("+PONG\r\n"), 1);
	assert_int_equal(verdict(&talk), OK);
	talk_close(&talk);
	write_file("password", "secret");
	redis_log_in(&talk, "password");
	assert_string_equal(
	    talk.sent.data, "*2\r\n$4\r\nAUTH\r\n$6\r\nsecret\r\n");
	talk_close(&talk);
	write_file("password", ":secret\r\n");
	redis_log_in(&talk, "password");
	assert_string_equal(
	    talk.sent.data, "*2\r\n$4\r\nAUTH\r\n$6\r\nsecret\r\n");
	talk_close(&talk);
}

static void
redis_never_repeats_the_password(void **state)
{
	static const struct {
		const char *answer;
		const char *words;
	} cases[] = {
		{ "-ERR unknown command 'AUTH', with args: 'secret'\r\n",
		    "no login, but -ERR" },
		{ "-WRONGPASS secret\r\n",
		    "wrong user or password (WRONGPASS)" },
		{ "-NOAUTH secret\r\n", "no login, but -NOAUTH" },
		{ "+OK\r\n-LOADING secret\r\n",
		    "it is loading its data (LOADING)" },
		{ "+OK\r\n+PONG secret\r\n", "PONG" },
		{ "+OK\r\n-NOAUTH secret\r\n", "no PONG, but -NOAUTH" },
	};

	(void)state;
	write_file("user", "ha:secret\n");
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct talk talk;

		redis_log_in(&talk, "user");
		talk_hear(&talk, cases[i].answer, strlen(cases[i].answer), 0);
		talk_end(&talk);
		assert_string_equal(talk_words(&talk), cases[i].words);
		talk_close(&talk);
	}
}

static void
redis_user_file_is_ours_to_have(void **state)
{
	struct talk talk;

	(void)state;
	redis_log_in(&talk, "none");
	assert_int_equal(verdict(&talk), UNKNOWN);
	talk_close(&talk);
}

/* A greeting as MariaDB gives it, less what cut says. */
static size_t
make_greeting(char *packet, const char *version, const char *plugin)
{
	struct ha_buf text = HA_BUF_INIT;
	size_t len;

	ha_buf_add_str(&text, "\x0a");
	ha_buf_add(&text, version, strlen(version) + 1);
	ha_buf_add(&text, "\1\2\3\4abcdefgh\0", 13);
	ha_buf_add(&text, "\xfe\xf7\x08\x02\0\xff\x81\x15", 8);
	ha_buf_add(&text, "\0\0\0\0\0\0\0\0\0\0ijklmnopqrst\0", 23);
	ha_buf_add(&text, plugin, strlen(plugin) + 1);
	len = text.len;
	memset(packet, 0, 4);
	packet[0] = (char)len;
	memcpy(packet + 4, text.data, len);
	ha_buf_release(&text);
	return len + 4;
}

/* A login as "ha-probe" that names the server's own plugin. */
static void
check_login(const struct ha_buf *sent, const char *plugin)
{
	size_t len =
	    4 + 4 + 1 + 23 + sizeof("ha-probe") + 1 + strlen(plugin) + 1;

	assert_int_equal(sent->len, 4 + len);
	assert_int_equal((unsigned char)sent->data[0], len);
	assert_int_equal(sent->data[3], 1);
	assert_string_equal(sent->data + 4 + 32, "ha-probe");
	assert_int_equal(sent->data[4 + 32 + sizeof("ha-probe")], 0);
	assert_string_equal(
	    sent->data + 4 + 32 + sizeof("ha-probe") + 1, plugin);
}

struct login {
	const char *answer;
	size_t len;
	enum verdict verdict;
	const char *words;
	size_t sent; /* bytes after the login */
};

static void
mysql_log_in(const struct login *login, size_t share)
{
	char greeting[200];
	struct talk talk;
	size_t sent;

	talk_open(&talk, &dialog_mysql, NULL);
	talk_hear(&talk, greeting,
	    make_greeting(
		greeting, "5.5.5-10.11.6-MariaDB", "mysql_native_password"),
	    share);
	assert_int_equal(talk.step, DIALOG_MORE);
	check_login(&talk.sent, "mysql_native_password");
	assert_string_equal(talk.probe.awaited, "answer to a login");
	sent = talk.sent.len;
	talk_hear(&talk, login->answer, login->len, share);
	talk_end(&talk);
	assert_int_equal(verdict(&talk), login->verdict);
	assert_string_equal(talk_words(&talk), login->words);
	assert_string_equal(talk.probe.seen.words.data, "10.11.6-MariaDB");
	assert_int_equal(talk.sent.len - sent, login->sent);
	talk_close(&talk);
}

#define DENIED "\x09\0\0\2\xff\x15\x04#28000"

static void
mysql_ends_with_a_refused_login(void **state)
{
	static const struct login logins[] = {
		{ BYTES(DENIED), OK, "10.11.6-MariaDB", 0 },
		/* The account is there: COM_QUIT. */
		{ BYTES("\7\0\0\2\0\0\0\2\0\0\0"), OK, "10.11.6-MariaDB", 5 },
		{ BYTES("\x0b\0\0\2\xfesha_any\0xy" DENIED), OK,
		    "10.11.6-MariaDB", 4 },
		{ BYTES("\x12\0\0\2\xfe"
			"client_ed25519\0xy" DENIED),
		    OK, "10.11.6-MariaDB", 68 },
		{ BYTES("\x02\0\0\2\4?" DENIED), OK, "10.11.6-MariaDB", 0 },
		{ BYTES("\0\0\0\2"), OK, "10.11.6-MariaDB", 0 },
		{ BYTES("\x06\0\0\2\xff\xb3\x04max"), WARN, "max", 0 },
		{ BYTES("\x07\0\0\2\xff\x1d\x04stop"), CRIT, "stop", 0 },
		{ BYTES(""), WARN, "it closed the connection at the login", 0 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(logins) / sizeof(logins[0]); i++) {
		mysql_log_in(&logins[i], 0);
		mysql_log_in(&logins[i], 1);
	}
}

static void
mysql_answers_no_question_for_ever(void **state)
{
	char greeting[200];
	struct talk talk;

	(void)state;
	talk_open(&talk, &dialog_mysql, NULL);
	talk_hear(&talk, greeting, make_greeting(greeting, "8.0.36", "x"), 0);
	check_login(&talk.sent, "x");
	for (int i = 0; i < 20 && talk.step == DIALOG_MORE; i++)
		talk_hear(&talk, BYTES("\3\0\0\2\xfex\0"), 0);
	assert_int_equal(verdict(&talk), OK);
	assert_string_equal(talk_words(&talk), "8.0.36");
	talk_close(&talk);
}

static void
mysql_greeting_may_end_anywhere(void **state)
{
	char greeting[200];
	size_t len = make_greeting(greeting, "8.0.36", "plugin");

	(void)state;
	for (size_t cut = 1; cut < len - 4; cut++) {
		struct talk talk;
		char *exact = ha_xmemdup(greeting, len - cut);

		exact[0] = (char)(len - cut - 4);
		talk_open(&talk, &dialog_mysql, NULL);
		talk_hear(&talk, exact, len - cut, 0);
		talk_end(&talk);
		(void)verdict(&talk);
		talk_close(&talk);
		free(exact);
	}
}

static void
changed_bytes_do_no_harm(void **state)
{
	static const struct dialog *const dialogs[] = { &dialog_ssh,
		&dialog_memcached, &dialog_redis, &dialog_mysql };
	char text[400];

	(void)state;
	test_seed();
	for (int i = 0; i < 20000; i++) {
		const struct say *say =
		    &says[test_random(sizeof(says) / sizeof(says[0]))];
		const struct dialog *dialog = dialogs[i % 4];
		struct talk talk;
		size_t len = say->len ? say->len : strlen(say->text);

		memcpy(text, say->text, len);
		if (dialog == &dialog_mysql && i % 8 < 4)
			len = make_greeting(text, "8.0.36", "plugin");
		for (size_t n = test_random(8); n > 0 && len > 0; n--)
			text[test_random(len)] = (char)test_random(256);
		talk_open(&talk, dialog, NULL);
		talk_hear(&talk, text, len, test_random(9));
		talk_end(&talk);
		(void)verdict(&talk);
		talk_close(&talk);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_answer_has_its_verdict),
		cmocka_unit_test(endless_lines_end),
		cmocka_unit_test(ssh_identification_has_255_bytes),
		cmocka_unit_test(we_name_ourselves_without_a_minus),
		test_in_folder(redis_logs_in_when_asked),
		test_in_folder(redis_never_repeats_the_password),
		test_in_folder(redis_user_file_is_ours_to_have),
		cmocka_unit_test(mysql_ends_with_a_refused_login),
		cmocka_unit_test(mysql_answers_no_question_for_ever),
		cmocka_unit_test(mysql_greeting_may_end_anywhere),
		cmocka_unit_test(changed_bytes_do_no_harm),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
