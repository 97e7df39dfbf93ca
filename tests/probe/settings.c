/* SPDX-License-Identifier: ISC */
/* settings - each kind of value: what it means, and what is refused. */
#include "settings.h"

#include "test.h"

#include <sys/socket.h>
#include <sys/stat.h>

#include "fake-dialogs.h"

static struct settings settings;

static void
set(const char *key, const char *value)
{
	struct ha_err err;

	if (settings_set(&settings, key, value, NULL, &err))
		fail_msg("%s=%s: %s", key, value, err.msg);
}

static void
refused(const char *key, const char *value, size_t offset, const char *words)
{
	struct ha_err err;
	size_t at;

	if (!settings_set(&settings, key, value, &at, &err))
		fail_msg("%s=%s is taken", key, value);
	assert_int_equal(err.status, EX_USAGE);
	if (at != offset || !strstr(err.msg, words))
		fail_msg("%s=%s: at %zu: %s", key, value, at, err.msg);
}

static int
enter(void **state)
{
	settings_init(&settings);
	return test_enter(state);
}

static int
leave(void **state)
{
	settings_release();
	return test_leave(state);
}

static void
defaults(void **state)
{
	(void)state;
	assert_int_equal(settings.timeout_ms, 5000);
	assert_int_equal(settings.retries, 0);
	assert_int_equal(settings.family, AF_UNSPEC);
	assert_string_equal(settings.redirect, "no");
	assert_int_equal(settings.max_redirects, 10);
	assert_int_equal(settings.max_body, 1024 * 1024);
	assert_true(settings.given == 0);
}

static void
values(void **state)
{
	(void)state;
	set("timeout", "500ms");
	assert_int_equal(settings.timeout_ms, 500);
	set("retries", "3");
	assert_int_equal(settings.retries, 3);
	set("warning", "500ms");
	set("critical", "1:2");
	assert_true(settings.time.has_warn && settings.time.has_crit);
	assert_true(settings.time.warn.end == 0.5);
	assert_true(settings.time.crit.start == 1);
	set("ipv4", NULL);
	assert_int_equal(settings.family, AF_INET);
	set("ipv6", "yes");
	assert_int_equal(settings.family, AF_INET6);
	set("ipv6", "no");
	assert_int_equal(settings.family, AF_UNSPEC);
	set("insecure", NULL);
	assert_int_equal(settings.is_insecure, 1);
	set("insecure", "no");
	assert_int_equal(settings.is_insecure, 0);
	set("max-body", "10K");
	assert_int_equal(settings.max_body, 10240);
	set("haproxy", "2");
	assert_int_equal(settings.proxy_protocol, 2);
	set("source", "192.0.2.1");
	set("source", "fe80::1%eth0");
	set("source", "eth0.5");
	assert_string_equal(settings.source, "eth0.5");
	set("sni", "www.example.org");
	set("method", "M-SEARCH");
	set("redirect", "same-host");
	assert_string_equal(settings.redirect, "same-host");
	set("http-version", "2-prior");
	set("proxy", "http://proxy:1080");
	set("send", "a\\r\\n\\0101\\x42\\\\\\q");
	assert_int_equal(settings.send_len, 8);
	assert_memory_equal(settings.send, "a\r\nAB\\\\q", 8);
}

/* A copy does not see what is added to the other. */
static void
lists(void **state)
{
	struct settings copy;

	(void)state;
	set("header", "A: 1");
	set("expect", "status=200");
	copy = settings;
	set("header", "B: 2");
	set("expect", "body~ok");
	assert_string_equal(settings.headers[0], "A: 1");
	assert_string_equal(settings.headers[1], "B: 2");
	assert_null(settings.headers[2]);
	assert_string_equal(copy.headers[0], "A: 1");
	assert_null(copy.headers[1]);
	assert_string_equal(expect_text(settings.expect), "status=200 body~ok");
	assert_string_equal(expect_text(copy.expect), "status=200");
	assert_false(expect_wants_body(copy.expect));
	set("resolve", "a:192.0.2.1,[2001:db8::1],2001:db8::2");
	assert_null(settings.resolve[1]);
}

static void
mistakes(void **state)
{
	(void)state;
	refused("nonesuch", "1", 0, "no setting 'nonesuch'");
	refused("timeout", NULL, 0, "it reads timeout=DURATION");
	refused("timeout", "0", 0, "can't be 0");
	refused("timeout", "x", 0, "no duration");
	refused("retries", "x", 0, "no number");
	refused("retries", "3x", 1, "no number");
	refused("retries", "", 0, "no number");
	refused("retries", "101", 0, "at most 100");
	refused("retries", "99999999999999999999", 0, "at most 100");
	refused("retries", "1K", 1, "no number");
	refused("max-body", "K", 0, "no number");
	refused("max-body", "2G", 0, "at most");
	refused("max-body", "10Kx", 3, "no number");
	refused("warning", "2:1", 0, "");
	refused("host", "", 0, "empty");
	refused("host", "a b", 1, "blank");
	refused("haproxy", "3", 0, "none of 1|2");
	refused("haproxy", "", 0, "none of 1|2");
	refused("redirect", "fol", 0, "none of");
	refused("redirect", "no|follow", 0, "none of");
	refused("sni", "a/b", 1, "host's name");
	refused("sni", "192.0.2.1", 0, "no name");
	refused("sni", "127.1", 0, "no name");
	refused("sni", "0x7f000001", 0, "no name");
	refused("sni", "2001:db8::1", 4, "host's name");
	refused("source", "not an interface", 0, "neither");
	refused("source", "far-too-long-for-one", 0, "neither");
	refused("method", "GE T", 2, "no method");
	refused("method", "", 0, "empty");
	refused("proxy", "http://u:p@x", 0, "proxy-user-file");
	refused("proxy", "socks5h://proxy:1080", 0, "http://HOST:PORT");
	refused("proxy", "http://proxy", 0, "http://HOST:PORT");
	refused("proxy", "http://proxy:1080/x", 0, "http://HOST:PORT");
	refused("header", "no colon", 2, "Name: value");
	refused("header", ": x", 0, "Name: value");
	refused("header", "A: b\r\nC: d", 4, "control");
	refused("header", "authorization: Basic x", 0, "header-file");
	refused("header", "Cookie: x", 0, "header-file");
	refused("resolve", "a", 1, "HOST:ADDRESS");
	refused("resolve", ":1", 0, "HOST:ADDRESS");
	refused("resolve", "a:b", 2, "no address");
	refused("resolve", "a:192.0.2.1,", 12, "no address");
	refused("resolve", "a:192.0.2.1,x", 12, "no address");
	refused("expect", "status=200 boby~x", 11, "none of status");
	refused("insecure", "maybe", 0, "neither yes nor no");
}

static void
write_file(const char *path, mode_t mode)
{
	FILE *file = fopen(path, "w");

	assert_non_null(file);
	fputs("user:password\n", file);
	fclose(file);
	assert_int_equal(chmod(path, mode), 0);
}

static void
secrets(void **state)
{
	static const char *const keys[] = { "user-file", "header-file",
		"proxy-user-file", "key", "key-password-file",
		"defaults-file" };
	struct ha_err err;
	size_t i;

	(void)state;
	write_file("open", 0644);
	write_file("group", 0640);
	write_file("mine", 0600);
	for (i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
		refused(keys[i], "open", 0, "chmod 600 'open'");
		refused(keys[i], "group", 0, "chmod 600 'group'");
		refused(keys[i], "none", 0, "can't read 'none'");
		refused(keys[i], "/", 0, "is a directory");
		refused(keys[i], "", 0, "empty");
		set(keys[i], "mine");
	}
	set("cacert", "open");
	set("cert", "open");
	assert_int_equal(settings_check_private("open", &err), -1);
	assert_int_equal(settings_check_private("mine", &err), 0);
	assert_int_equal(settings_check_private("none", &err), -1);
	set("body-file", "open");
	refused("body-file", "none", 0, "No such file");
}

#define test(f) cmocka_unit_test_setup_teardown(f, enter, leave)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		test(defaults),
		test(values),
		test(lists),
		test(mistakes),
		test(secrets),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
