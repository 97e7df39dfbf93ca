/* SPDX-License-Identifier: ISC */
/*
 * channel - alert.conf: what it says, its mistakes, its secrets.
 */
#include "test.h"

#include <sys/stat.h>

#include "alert.h"
#include "channel.h"

static struct channels channels;
static struct ha_err err;

static void
put(const char *name, const char *text, mode_t mode)
{
	FILE *file = fopen(name, "w");

	assert_non_null(file);
	fputs(text, file);
	fclose(file);
	assert_int_equal(chmod(name, mode), 0);
}

static void
well(const char *text)
{
	put("alert.conf", text, 0600);
	if (channels_read(&channels, "alert.conf", &err) != 0)
		fail_msg("%s", err.msg);
}

/* The place is that of the words' first byte. */
static void
mistake(const char *text, const char *place, const char *words)
{
	put("alert.conf", text, 0600);
	assert_int_equal(channels_read(&channels, "alert.conf", &err), -1);
	assert_int_equal(err.status, EX_CONFIG);
	if (strncmp(err.msg, "alert.conf:", 11) != 0 ||
	    strncmp(err.msg + 11, place, strlen(place)) != 0 ||
	    err.msg[11 + strlen(place)] != ':' || !strstr(err.msg, words))
		fail_msg("'%s' is not at %s: %s", err.msg, place, words);
	assert_int_equal(channels.count, 0);
}

static const struct channel *
find(const char *name)
{
	const struct channel *channel = channels_find(&channels, name);

	assert_non_null(channel);
	return channel;
}

static void
all_settings(void **state)
{
	const struct channel *ops, *log;

	(void)state;
	well("# comment\n"
	     "channel ops webhook url=https://x.test/a match='web*' min=CRIT "
	     "events=problem,recovery group=1m rate=20/10m give-up=1d "
	     "timeout=2s fallback=log look='show %c' header='A: b' "
	     "header='C: d'\n"
	     "channel log file path=/var/log/x\n"
	     "alias all ops log\n");
	ops = find("ops");
	assert_int_equal(ops->kind, CHANNEL_WEBHOOK);
	assert_string_equal(ops->match, "web*");
	assert_int_equal(ops->min, HA_STATUS_CRIT);
	assert_int_equal(ops->events,
	    1U << HA_TRANSITION_PROBLEM | 1U << HA_TRANSITION_RECOVERY);
	assert_int_equal(ops->group_ms, 60000);
	assert_int_equal(ops->rate_n, 20);
	assert_int_equal(ops->rate_ms, 600000);
	assert_int_equal(ops->give_up_ms, 24 * 3600 * 1000);
	assert_int_equal(ops->timeout_ms, 2000);
	assert_string_equal(ops->fallback, "log");
	assert_string_equal(ops->look, "show %c");
	assert_string_equal(channel_get(ops, "url"), "https://x.test/a");
	assert_string_equal(channel_get(ops, "header"), "C: d");
	assert_int_equal(ops->count, 3);
	assert_null(channel_get(ops, "match"));
	log = find("log");
	assert_null(log->match);
	assert_int_equal(log->min, HA_STATUS_WARN);
	assert_int_equal(log->group_ms, 30000);
	assert_int_equal(log->rate_n, 0);
	assert_int_equal(log->give_up_ms, 3 * 24 * 3600 * 1000);
	assert_int_equal(log->timeout_ms, 10000);
	assert_int_equal(channels.alias_count, 1);
	assert_string_equal(channels.aliases[0].members[1], "log");
	assert_null(channels_find(&channels, "all"));
	channels_release(&channels);
}

static void
defaults(void **state)
{
	(void)state;
	well("channel a file path=/a\n"
	     "default group=0 server=one server=two from=x@y.test "
	     "fallback=c\n"
	     "channel b smtp to=a@b.test\n"
	     "channel c smtp to=a@b.test server=three group=5s\n"
	     "default server=four\n"
	     "channel d smtp to=a@b.test\n"
	     "channel e file path=/a\n");
	assert_int_equal(find("a")->group_ms, 30000);
	assert_null(find("a")->fallback);
	assert_int_equal(find("b")->group_ms, 0);
	assert_string_equal(find("b")->fallback, "c");
	assert_string_equal(channel_get(find("b"), "from"), "x@y.test");
	assert_string_equal(channel_get(find("b"), "server"), "two");
	assert_int_equal(find("b")->count, 4);
	assert_string_equal(channel_get(find("c"), "server"), "three");
	assert_int_equal(find("c")->count, 3);
	assert_int_equal(find("c")->group_ms, 5000);
	/* That a default falls back to itself is not meant. */
	assert_null(find("c")->fallback);
	assert_string_equal(channel_get(find("d"), "server"), "four");
	assert_null(channel_get(find("e"), "server"));
	channels_release(&channels);
}

static void
mistakes(void **state)
{
	static const struct {
		const char *text, *place, *words;
	} cases[] = {
		{ "chanel a file", "1:1", "none of channel, alias" },
		{ "channel a", "1:1", "a name and a kind" },
		{ "channel a fax path=/x", "1:11", "no kind of channel" },
		{ "channel ../a file path=/x", "1:9", "can't be a channel's" },
		{ "channel a file path=/x\nchannel a file path=/y", "2:9",
		    "there is a 'a' already" },
		{ "channel a file path=/x\nalias a a", "2:7", "already" },
		{ "channel a file", "1:9", "a needs path=: the file" },
		{ "channel a webhook", "1:9", "a needs url-file=" },
		{ "channel a file paht=/x", "1:9", "a needs path=" },
		{ "channel a file path=/x url=http://x", "1:24",
		    "'url' is no setting of file; it has path, template" },
		{ "channel a file path=/x path=/y", "1:24", "given already" },
		{ "channel a file path=/x /y", "1:24", "KEY=VALUE" },
		{ "channel a file path=x", "1:21", "begins with '/'" },
		{ "channel a file path=/x group=1x", "1:30", "1x" },
		{ "channel a file path=/x timeout=0", "1:32", "too short" },
		{ "channel a file path=/x min=OK", "1:28", "WARN, CRIT" },
		{ "channel a file path=/x rate=5", "1:29", "no rate" },
		{ "channel a file path=/x events=problem,x", "1:31", "'x'" },
		{ "channel a file path=/x look=", "1:29", "empty" },
		{ "channel a file path=/x fallback=b", "1:33",
		    "no channel 'b'" },
		{ "channel a file path=/x fallback=b\n"
		  "channel b file path=/x fallback=c\n"
		  "channel c file path=/x fallback=a",
		    "1:33", "a falls back to itself" },
		{ "alias a b", "1:9", "no channel 'b'" },
		{ "alias a", "1:1", "its channels" },
		{ "default urll=x", "1:9", "no setting of any channel" },
		{ "default facility=x", "1:18", "none of kern" },
		{ "default group=x\nchannel a file path=/x", "1:15", "x" },
		{ "channel a smtp to=a@b server=h:99999", "1:30", "no server" },
		{ "channel a smtp to=a@b server=[::1", "1:30", "no server" },
		{ "channel a smtp to='a b@c' server=h", "1:20",
		    "no mail address" },
		{ "channel a smtp to=a@b, server=h", "1:19",
		    "no mail address" },
		{ "channel a smtp to=-x@b server=h", "1:19",
		    "no mail address" },
		{ "channel a smtp to=a@b server=h from=a@b,c@d", "1:37",
		    "one address" },
		{ "channel a smtp to=a@b server=h tls=no", "1:36",
		    "starttls|tls|none" },
		{ "channel a smtp to=a@b server=h tls=none", "1:9",
		    "unencrypted" },
		{ "channel a smtp to=a@b server=h user=x", "1:9", "password" },
		{ "channel a smtp to=a@b server=h password=x", "1:9", "user=" },
		{ "channel a smtp to=a@b server=h user=x auth=xoauth2", "1:9",
		    "token-command=" },
		{ "channel a smtp to=a@b server=h user=x password=y "
		  "password-file=z",
		    "1:50", "given already" },
		{ "channel a webhook url=ftp://x", "1:23", "no URL" },
		{ "channel a webhook url='https://x y'", "1:24", "no blank" },
		{ "channel a webhook url=http://x.test/", "1:9",
		    "unencrypted" },
		{ "channel a webhook url=http://127.0.0.1.x.test/", "1:9",
		    "unencrypted" },
		{ "channel a webhook url=http://localhost@x.test/", "1:9",
		    "unencrypted" },
		{ "channel a webhook url=https://x header=x", "1:40",
		    "no header" },
		{ "channel a webhook url=https://x header='content-length: 1'",
		    "1:41", "made here" },
		{ "channel a webhook url=https://x sign=standard", "1:9",
		    "needs secret-file=" },
		{ "channel a webhook url=https://x expect=/ok", "1:40",
		    "POINTER=VALUE" },
		{ "channel a webhook url=https://x busy=1 expect=ok", "1:9",
		    "pointer" },
		{ "channel a webhook url=https://x token=a user=b password=c",
		    "1:9", "not both" },
		{ "channel a webhook url=https://x rooom=1", "1:33",
		    "no setting of webhook" },
		{ "channel a webhook url=https://x template=telegram "
		  "chat-id=1 chatt=2",
		    "1:61", "no setting of webhook" },
		{ "channel a file path=/x\001", "1:23", "control" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		mistake(cases[i].text, cases[i].place, cases[i].words);
}

static void
well_formed(void **state)
{
	static const char *const texts[] = {
		"",
		"channel a smtp to=a@b server=127.0.0.1 tls=none",
		"channel a smtp to=a@b server=[::1]:25 tls=none",
		"channel a smtp to=a@b server=h tls=none insecure='a cable'",
		"channel a smtp to='\"A, B\" <a@b>,c' server=h server=i:25",
		("default to=a server=h auth=xoauth2 token-command=t\n"
		 "channel a smtp user=x token-arg=a token-arg=b"),
		"channel a webhook url=http://[::1]:80/x",
		"channel a webhook url=http://x@localhost/",
		"channel a webhook url=http://x.test/ insecure='a cable'",
		"channel a webhook url-file=x secret-file=y sign=feishu",
		"channel a webhook url=https://x template=telegram chat-id=1",
		/* A template that is not there is told by render_check(). */
		"channel a webhook url=https://x template=./none any=1",
		"channel a exec command=x arg=a arg=a arg=",
		"channel a syslog",
		"channel a sendmail to=root",
		"channel a file path=/x rate=0 min=UNKNOWN",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		well(texts[i]);
		channels_release(&channels);
	}
}

static void
who_may_read_it(void **state)
{
	(void)state;
	put("alert.conf", "channel a syslog\n", 0640);
	assert_int_equal(channels_read(&channels, "alert.conf", &err), -1);
	assert_int_equal(err.status, EX_NOPERM);
	assert_non_null(strstr(err.msg, "0640"));
	put("alert.conf", "include more\n", 0400);
	put("more", "channel a syslog\n", 0604);
	assert_int_equal(channels_read(&channels, "alert.conf", &err), -1);
	assert_int_equal(err.status, EX_NOPERM);
	assert_non_null(strstr(err.msg, "more"));
	put("more", "channel a syslog\n", 0600);
	assert_int_equal(channels_read(&channels, "alert.conf", &err), 0);
	channels_release(&channels);
	if (geteuid() == 0) {
		assert_int_equal(chown("more", 12345, 0), 0);
		assert_int_equal(
		    channels_read(&channels, "alert.conf", &err), -1);
		assert_non_null(strstr(err.msg, "somebody else"));
	}
	assert_int_equal(channels_read(&channels, "none", &err), -1);
	assert_int_equal(err.status, EX_NOINPUT);
}

static void
expect_secret(const char *key, const char *value)
{
	char *secret;

	if (channel_secret(find("a"), key, &secret, &err) != 0)
		fail_msg("%s", err.msg);
	if (value == NULL)
		assert_null(secret);
	else
		assert_string_equal(secret, value);
	channel_forget(secret);
}

static void
refuse_secret(const char *content, mode_t mode, int status)
{
	char *secret;

	put("s", content, mode);
	assert_int_equal(
	    channel_secret(find("a"), "secret", &secret, &err), -1);
	assert_null(secret);
	assert_int_equal(err.status, status);
	assert_int_equal(channel_check(find("a"), &err), -1);
}

static void
secrets(void **state)
{
	char *secret;

	(void)state;
	well("channel a webhook url=https://x.test/ token=open "
	     "secret-file=s\n");
	expect_secret("token", "open");
	expect_secret("password", NULL);
	assert_int_equal(
	    channel_secret(find("a"), "secret", &secret, &err), -1);
	assert_int_equal(err.status, EX_NOINPUT);
	put("s", "geheim\r\n", 0600);
	expect_secret("secret", "geheim");
	assert_int_equal(channel_check(find("a"), &err), 0);
	put("s", " no end ", 0400);
	expect_secret("secret", " no end ");
	refuse_secret("two\nlines\n", 0600, EX_CONFIG);
	refuse_secret("", 0600, EX_CONFIG);
	refuse_secret("x", 0640, EX_NOPERM);
	refuse_secret("x", 0604, EX_NOPERM);
	assert_int_equal(mkfifo("fifo", 0600), 0);
	assert_int_equal(rename("fifo", "s"), 0);
	assert_int_equal(
	    channel_secret(find("a"), "secret", &secret, &err), -1);
	assert_int_equal(err.status, EX_CONFIG);
	channels_release(&channels);
}

static void
credentials(void **state)
{
	char *here = getcwd(NULL, 0), directory[4096];

	(void)state;
	snprintf(directory, sizeof(directory), "%s/given", here);
	free(here);
	assert_int_equal(mkdir("given", 0700), 0);
	setenv("CREDENTIALS_DIRECTORY", directory, 1);
	put("s", "beside", 0600);
	put("given/t", "https://given.test/", 0440);
	well("channel a webhook url-file=t secret-file=s\n");
	expect_secret("secret", "beside");
	expect_secret("url", "https://given.test/");
	channels_release(&channels);
	put("given/s", "first", 0440);
	well("channel a webhook url-file=t secret-file=s\n");
	expect_secret("secret", "first");
	put("given/s", "first", 0444);
	assert_int_equal(channel_check(find("a"), &err), -1);
	assert_int_equal(err.status, EX_NOPERM);
	channels_release(&channels);
	unsetenv("CREDENTIALS_DIRECTORY");
}

static void
refuse_files(const char *text, const char *words)
{
	well(text);
	assert_int_equal(channel_check(find("a"), &err), -1);
	if (strstr(err.msg, words) == NULL)
		fail_msg("'%s' lacks '%s'", err.msg, words);
	channels_release(&channels);
}

static void
files_of_a_channel(void **state)
{
	(void)state;
	put("url", "not one", 0600);
	put("key", "", 0644);
	refuse_files("channel a exec command=/none", "no program");
	refuse_files("channel a exec command=ha-none", "no program");
	refuse_files("channel a webhook url-file=url", "no blank");
	refuse_files("channel a webhook url=https://x ca=none", "can't read");
	refuse_files(
	    "channel a webhook url=https://x cert=url key=key", "0644");
	well("channel a exec command=sh\n");
	assert_int_equal(channel_check(find("a"), &err), 0);
	channels_release(&channels);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		test_in_folder(all_settings),
		test_in_folder(defaults),
		test_in_folder(mistakes),
		test_in_folder(well_formed),
		test_in_folder(who_may_read_it),
		test_in_folder(secrets),
		test_in_folder(credentials),
		test_in_folder(files_of_a_channel),
	};

	return cmocka_run_group_tests_name("alert/channel", tests, NULL, NULL);
}
