/* SPDX-License-Identifier: ISC */
/* target - URLs and targets files: what is meant, and where a mistake is. */
#include "test.h"

#include <sys/socket.h>
#include <sys/stat.h>

#include "fake-dialogs.h"
#include "settings.h"

static void
parse(struct target *target, const char *url)
{
	struct settings settings;
	struct ha_err err;

	settings_init(&settings);
	if (target_parse(target, url, &settings, NULL, &err))
		fail_msg("'%s': %s", url, err.msg);
}

struct meaning {
	const char *url, *scheme;
	int starttls;
	const char *host; /* NULL: none */
	unsigned port;
	const char *path;
};

static void
meanings(void **state)
{
	static const struct meaning all[] = {
		{ "tcp://web1:80", "tcp", 0, "web1", 80, "" },
		{ "TCP://web1:80/", "tcp", 0, "web1", 80, "/" },
		{ "udp://192.0.2.1:53", "udp", 0, "192.0.2.1", 53, "" },
		{ "icmp://web1", "icmp", 0, "web1", 0, "" },
		{ "tcp://[::1]:80", "tcp", 0, "::1", 80, "" },
		{ "tcp://[fe80::1%eth0]:80", "tcp", 0, "fe80::1%eth0", 80, "" },
		{ "tcp://[fe80::1%25eth0]:80", "tcp", 0, "fe80::1%eth0", 80,
		    "" },
		{ "tcp://[fe80::1%25]:80", "tcp", 0, "fe80::1%25", 80, "" },
		{ "icmp://[2001:db8::1]", "icmp", 0, "2001:db8::1", 0, "" },
		{ "unix:///run/x.sock", "unix", 0, NULL, 0, "/run/x.sock" },
		{ "unix:///run/a%20b%2fc", "unix", 0, NULL, 0, "/run/a b/c" },
		{ "unix://@bus", "unix", 0, NULL, 0, "@bus" },
		{ "http://web1", "http", 0, "web1", 80, "" },
		{ "https://web1/a?b=c&d=%C3%A9", "https", 0, "web1", 443,
		    "/a?b=c&d=%C3%A9" },
		{ "https://web1:8443?q", "https", 0, "web1", 8443, "/?q" },
		{ "http://web1/a@b", "http", 0, "web1", 80, "/a@b" },
		{ "tls://web1", "tls", 0, "web1", 443, "" },
		{ "smtp://mx", "smtp", 0, "mx", 25, "" },
		{ "smtp+starttls://mx", "smtp", 1, "mx", 25, "" },
		{ "smtps://mx", "smtps", 0, "mx", 465, "" },
		{ "imap+STARTTLS://mx:1", "imap", 1, "mx", 1, "" },
		{ "imaps://mx", "imaps", 0, "mx", 993, "" },
		{ "pop3+starttls://mx", "pop3", 1, "mx", 110, "" },
		{ "pop3s://mx", "pop3s", 0, "mx", 995, "" },
		{ "ftp+starttls://f/", "ftp", 1, "f", 21, "/" },
		{ "ftps://f", "ftps", 0, "f", 990, "" },
		{ "ssh://web1", "ssh", 0, "web1", 22, "" },
		{ "mysql://db1", "mysql", 0, "db1", 3306, "" },
		{ "redis://r", "redis", 0, "r", 6379, "" },
		{ "memcached://m", "memcached", 0, "m", 11211, "" },
		{ "dns://ns/example.org?type=MX", "dns", 0, "ns", 53,
		    "/example.org?type=MX" },
		{ "ntp://ntp_1.example.", "ntp", 0, "ntp_1.example.", 123, "" },
	};
	struct target target;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
		parse(&target, all[i].url);
		assert_string_equal(target.scheme->name, all[i].scheme);
		assert_int_equal(target.starttls, all[i].starttls);
		if (all[i].host)
			assert_string_equal(target.host, all[i].host);
		else
			assert_null(target.host);
		assert_int_equal(target.port, all[i].port);
		assert_string_equal(target.path, all[i].path);
		assert_string_equal(target.url, all[i].url);
		assert_string_equal(target.name, all[i].url);
		target_release(&target);
	}
}

struct mistake {
	const char *text;
	size_t offset;
	const char *words; /* that the message has */
};

static void
url_mistakes(void **state)
{
	static const struct mistake all[] = {
		{ "", 0, "no URL" },
		{ "web1", 0, "no URL" },
		{ "web1:80", 0, "tcp://web1:80?" },
		{ "[::1]:80", 0, "tcp://[::1]:80?" },
		{ "user:pw@web1:80", 0, "no URL" },
		{ "http:/web1", 0, "no URL" },
		{ "://web1", 0, "none of tcp udp unix" },
		{ "gopher://web1", 0, "'gopher' is none of" },
		{ "http+starttls://web1", 4, "http has no STARTTLS" },
		{ "smtps+starttls://mx", 5, "smtps has no STARTTLS" },
		{ "smtp+ssl://mx", 4, "only +starttls" },
		{ "smtp+starttls+x://mx", 4, "only +starttls" },
		{ "tcp://", 6, "a host" },
		{ "tcp://:80", 6, "a host" },
		{ "tcp:///x", 6, "a host" },
		{ "tcp://web1", 10, "tcp://web1:PORT" },
		{ "tcp://web1:", 11, "from 1 to 65535" },
		{ "tcp://web1:0", 11, "from 1 to 65535" },
		{ "tcp://web1:65536", 11, "from 1 to 65535" },
		{ "tcp://web1:99999999999", 11, "from 1 to 65535" },
		{ "tcp://web1:+80", 11, "from 1 to 65535" },
		{ "tcp://web1:80x", 11, "from 1 to 65535" },
		{ "tcp://web1:80/x", 13, "tcp has no paths" },
		{ "tcp://web1:80?x", 13, "tcp has no paths" },
		{ "ftp://f/pub", 7, "ftp has no paths" },
		{ "redis://r/1", 9, "redis has no paths" },
		{ "tcp://::1:80", 6, "in brackets" },
		{ "tcp://[::1:80", 6, "no ']'" },
		{ "tcp://[::g]:80", 7, "no IPv6 address" },
		{ "tcp://[]:80", 7, "no IPv6 address" },
		{ "tcp://[::1%]:80", 10, "interface" },
		{ "tcp://[::1]80", 11, "only :PORT" },
		{ "tcp://we b1:80", 8, "host's name" },
		{ "tcp://w\xc3\xa9:80", 7, "xn--" },
		{ "tcp://a..b:80", 6, "no host's name" },
		{ "tcp://.a:80", 6, "no host's name" },
		{ "tcp://-a:80", 6, "no host's name" },
		{ "tcp://10.1:80", 6, "no IPv4 address" },
		{ "tcp://10.0.0.256:80", 6, "no IPv4 address" },
		{ "icmp://web1:7", 12, "no ports" },
		{ "http://u:p@web1/", 7, "user-file" },
		{ "http://u@web1/", 7, "user-file" },
		{ "ssh://u@web1", 6, "leave it out" },
		{ "http://web1/a b", 13, "%20" },
		{ "http://web1/\033[m", 12, "%1B" },
		{ "http://web1/\xc3\xa9", 12, "%C3" },
		{ "http://web1/a%2", 13, "two hex digits" },
		{ "http://web1/a%zz", 13, "two hex digits" },
		{ "http://web1/#top", 12, "never sent" },
		{ "http://web1#top", 11, "never sent" },
		{ "unix://run/x", 7, "unix:///path" },
		{ "unix://", 7, "unix:///path" },
		{ "unix:///", 7, "unix:///path" },
		{ "unix:///a%00b", 9, "NUL" },
	};
	struct settings settings;
	struct target target;
	struct ha_err err;
	size_t i, offset;

	(void)state;
	settings_init(&settings);
	for (i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
		if (!target_parse(
			&target, all[i].text, &settings, &offset, &err))
			fail_msg("'%s' is taken", all[i].text);
		assert_int_equal(err.status, EX_USAGE);
		if (offset != all[i].offset || !strstr(err.msg, all[i].words))
			fail_msg(
			    "'%s': at %zu: %s", all[i].text, offset, err.msg);
		assert_null(target.host);
		assert_null(strstr(err.msg, "pw"));
	}
}

static void
long_paths(void **state)
{
	struct settings settings;
	struct target target;
	struct ha_err err;
	char url[512] = "unix:///";

	(void)state;
	settings_init(&settings);
	memset(url + 8, 'x', 106);
	parse(&target, url);
	assert_int_equal(strlen(target.path), 107);
	target_release(&target);
	strcat(url, "x");
	assert_int_equal(target_parse(&target, url, &settings, NULL, &err), -1);
	assert_non_null(strstr(err.msg, "107 bytes"));
	strcpy(url, "tcp://");
	memset(url + 6, 'x', 254);
	strcpy(url + 260, ":1");
	assert_int_equal(target_parse(&target, url, &settings, NULL, &err), -1);
	assert_non_null(strstr(err.msg, "so long"));
}

static void
shown(void **state)
{
	static const char *const all[][2] = {
		{ "http://web1/a@b", "http://web1/a@b" },
		{ "http://u:p@web1/", "http://***@web1/" },
		{ "http://u:p@x@web1/", "http://***@web1/" },
		{ "u:p@web1", "***@web1" },
		{ "web1", "web1" },
	};
	char *text;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
		text = target_shown(all[i][0]);
		assert_string_equal(text, all[i][1]);
		free(text);
	}
}

static void
make_file(const char *name, mode_t mode)
{
	FILE *file = fopen(name, "w");

	assert_non_null(file);
	fclose(file);
	assert_int_equal(chmod(name, mode), 0);
}

/* What a kind of target can't have is refused, not ignored. */
static void
unfit(void **state)
{
	static const char *const all[][3] = {
		{ "tcp://a:1", "expect", "body~x" },
		{ "tcp://a:1", "expect", "status=200" },
		{ "tcp://a:1", "expect", "cert=14" },
		{ "http://a", "expect", "reply~x" },
		{ "smtp://a", "expect", "cert=14" },
		{ "smtp://a", "expect", "body~x" },
		{ "icmp://a", "expect", "reply~x" },
		{ "tls://a", "expect", "status=200" },
		{ "https://a", "haproxy", "2" },
		{ "https://a", "key", "key" },
		{ "https://a", "key-password-file", "key" },
		{ "https://a", "cert", "open" },
		{ "https://a", "proxy-user-file", "key" },
	};
	static const char *const fine[][3] = {
		{ "tcp://a:1", "expect", "reply~x" },
		{ "ssh://a", "expect", "reply~OpenSSH" },
		{ "http://a", "expect", "cert=14 tls=1.2" },
		{ "smtp+starttls://a", "expect", "cert=14 status=220" },
		{ "tls://a", "expect", "cert=14 tls=1.3" },
		{ "https://a", "haproxy", "1" },
		{ "tcp://a:1", "haproxy", "2" },
		{ "https://a", "cert", "key" },
	};
	struct settings settings;
	struct target target;
	struct ha_err err;
	size_t i;

	(void)state;
	make_file("key", 0600);
	make_file("open", 0644);
	for (i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
		settings_init(&settings);
		assert_int_equal(
		    settings_set(&settings, all[i][1], all[i][2], NULL, &err),
		    0);
		if (!target_parse(&target, all[i][0], &settings, NULL, &err))
			fail_msg("%s %s=%s is taken", all[i][0], all[i][1],
			    all[i][2]);
	}
	for (i = 0; i < sizeof(fine) / sizeof(fine[0]); i++) {
		settings_init(&settings);
		assert_int_equal(
		    settings_set(&settings, fine[i][1], fine[i][2], NULL, &err),
		    0);
		if (target_parse(&target, fine[i][0], &settings, NULL, &err))
			fail_msg("%s %s=%s: %s", fine[i][0], fine[i][1],
			    fine[i][2], err.msg);
		target_release(&target);
	}
	settings_release();
}

static int
read_text(struct targets *targets, const char *text, struct ha_err *err)
{
	struct settings settings;
	FILE *file = fopen("targets", "w");

	assert_non_null(file);
	fputs(text, file);
	fclose(file);
	memset(targets, 0, sizeof(*targets));
	settings_init(&settings);
	assert_int_equal(
	    settings_set(&settings, "timeout", "3s", NULL, err), 0);
	if (targets_read(targets, "targets", &settings, err))
		return -1;
	return targets_check(targets, &settings, err);
}

static void
files(void **state)
{
	struct targets targets;
	const struct target *target;
	struct ha_err err;

	(void)state;
	if (read_text(&targets,
		"# all of them\n"
		"tcp://a:1\n"
		"web http://b/health expect='status=200 body~\"o k\"' "
		"timeout=2s ipv6 host=b\n"
		"'my db' mysql://c # the old one\n"
		"x tcp://d:1 \\\n  retries=2 send='a\\r\\n'\n",
		&err))
		fail_msg("%s", err.msg);
	assert_int_equal(targets.count, 4);
	target = targets.list;
	assert_string_equal(target->name, "tcp://a:1");
	assert_int_equal(target->settings.timeout_ms, 3000);
	assert_int_equal(target->line, 2);
	target++;
	assert_string_equal(target->name, "web");
	assert_int_equal(target->settings.timeout_ms, 2000);
	assert_int_equal(target->settings.family, AF_INET6);
	assert_string_equal(target->settings.host, "b");
	assert_string_equal(
	    expect_text(target->settings.expect), "status=200 body~\"o k\"");
	target++;
	assert_string_equal(target->name, "my db");
	assert_null(target->settings.expect);
	assert_int_equal(target->settings.family, AF_UNSPEC);
	target++;
	assert_int_equal(target->settings.retries, 2);
	assert_int_equal(target->settings.send_len, 3);
	assert_memory_equal(target->settings.send, "a\r\n", 3);
	targets_release(&targets);
	settings_release();
}

static void
file_mistakes(void **state)
{
	static const char *const all[][2] = {
		{ "web\n", "targets:1:1: a line reads" },
		{ "tcp://a:1\n\n  web 10.0.0.1:80\n", "targets:3:7: a URL" },
		{ "'' tcp://a:1\n", "targets:1:3: the name is empty" },
		{ "web tcp://a:0\n", "targets:1:13: a port is" },
		{ "web tcp://a:1 x=1\n", "targets:1:15: there is no setting" },
		{ "web tcp://a:1 timeout=soon\n", "targets:1:23: timeout: " },
		{ "web tcp://a:1 timeout\n",
		    "targets:1:15: timeout: it reads" },
		{ "web https://a sni=b proxy=http://p:1\n",
		    "targets:1:5: a proxy looks up the name: no sni" },
		{ "web http://a expect='status=200 body~\"(\"'\n",
		    "targets:1:39: expect: regular" },
		{ "web tcp://a:1 ipv4=x\n", "targets:1:20: ipv4: 'x' is" },
		{ "web tcp://a:1 method=PUT\n",
		    "targets:1:15: method is for http and https, not for tcp" },
		{ "web unix:///a ipv4\n", "targets:1:15: ipv4 is for" },
		{ "web tcp://a:1\nweb tcp://b:1\n",
		    "targets:2:1: the check 'web' is there already, at "
		    "targets:1:1" },
		{ "a://b\n", "targets:1:1: 'a' is none of" },
		{ "tcp://a:1 tcp://b:1\n", "targets:1:11: there is no" },
	};
	struct targets targets;
	struct ha_err err;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
		if (!read_text(&targets, all[i][0], &err))
			fail_msg("taken: %s", all[i][0]);
		if (strncmp(err.msg, all[i][1], strlen(all[i][1])))
			fail_msg("%s: %s", all[i][0], err.msg);
		assert_int_equal(err.status, EX_CONFIG);
		targets_release(&targets);
	}
	/* One name of two hosts is two checks. */
	assert_int_equal(
	    read_text(
		&targets, "web tcp://a:1 host=a\nweb tcp://b:1 host=b\n", &err),
	    0);
	targets_release(&targets);
	settings_release();
}

/* What -n prints means the same when it is read. */
static void
lines(void **state)
{
	static const char *const all[] = {
		"tcp://a:1 timeout=3000ms\n",
		"web tcp://a:1 timeout=3000ms retries=2 ipv4\n",
		"'my web' http://a timeout=3000ms "
		"expect='status=200 body~\"o k\"' "
		"warning=0.5 critical=@1:2\n",
		"web tcp://a:1 timeout=3000ms haproxy=2 send='a\\r\\n\\0000'\n",
		"web http://a timeout=3000ms resolve=a:192.0.2.1 "
		"resolve=b:192.0.2.2 insecure=yes header='X: it'\\''s' "
		"redirect=follow max-body=2048\n",
	};
	struct ha_buf text = HA_BUF_INIT;
	struct targets targets;
	struct ha_err err;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
		if (read_text(&targets, all[i], &err))
			fail_msg("%s: %s", all[i], err.msg);
		ha_buf_reset(&text);
		targets_add_line(&text, targets.list);
		assert_string_equal(text.data, all[i]);
		targets_release(&targets);
	}
	ha_buf_release(&text);
	settings_release();
}

static void
command_line(void **state)
{
	struct targets targets = { NULL, 0, 0 };
	struct settings settings;
	struct ha_err err;

	(void)state;
	settings_init(&settings);
	assert_int_equal(
	    settings_set(&settings, "method", "HEAD", NULL, &err), 0);
	assert_int_equal(
	    targets_add_operand(&targets, "tcp://a:1", 1, &settings, &err), 0);
	assert_int_equal(targets_check(&targets, &settings, &err), -1);
	assert_non_null(strstr(err.msg, "--method is for http and https"));
	assert_int_equal(
	    targets_add_operand(&targets, "http://a", 2, &settings, &err), 0);
	assert_int_equal(targets_check(&targets, &settings, &err), 0);
	assert_int_equal(
	    targets_add_operand(&targets, "tcp://a:1", 3, &settings, &err), 0);
	assert_int_equal(targets_check(&targets, &settings, &err), -1);
	assert_non_null(strstr(err.msg, "operand 3: the check 'tcp://a:1' is "
					"there already, at operand 1"));
	assert_int_equal(
	    targets_add_operand(&targets, "http://u:p@a", 4, &settings, &err),
	    -1);
	assert_string_equal(err.msg,
	    "'http://***@a': column 8: no user or password can stand in a URL, "
	    "where everybody sees it; user-file names a file with "
	    "USER:PASSWORD");
	targets_release(&targets);
	settings_release();
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(meanings),
		cmocka_unit_test(url_mistakes),
		cmocka_unit_test(long_paths),
		cmocka_unit_test(shown),
		test_in_folder(unfit),
		test_in_folder(files),
		test_in_folder(file_mistakes),
		test_in_folder(lines),
		cmocka_unit_test(command_line),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
