/* SPDX-License-Identifier: ISC */
/*
 * url - where redirects lead, taken apart; what is no URL of the web is none.
 */
#include "test.h"

#include "url.h"

static void
is(const char *text, int is_https, const char *host, int port, const char *rest)
{
	struct url url;

	if (url_split(&url, text))
		fail_msg("'%s' was refused", text);
	assert_int_equal(url.is_https, is_https);
	assert_string_equal(url.host, host);
	assert_int_equal(url.port, port);
	assert_string_equal(url.rest, rest);
	url_release(&url);
}

static void
parts(void **state)
{
	(void)state;
	is("http://a/", 0, "a", 80, "/");
	is("HTTPS://A.Test", 1, "a.test", 443, "");
	is("https://a:8443?q=@:/", 1, "a", 8443, "?q=@:/");
	is("http://a:/#f", 0, "a", 80, "/#f");
	is("http://[2001:DB8::1]:81/x", 0, "2001:db8::1", 81, "/x");
	is("http://[fe80::1%25eth0]", 0, "fe80::1%25eth0", 80, "");
	is("http://192.0.2.1:65535/", 0, "192.0.2.1", 65535, "/");
	is("http://u:p@a:1/", 0, "a", 1, "/");
	is("http://u@v@a/@b", 0, "a", 80, "/@b");
}

static void
what_is_said(void **state)
{
	struct url url;

	(void)state;
	assert_int_equal(url_split(&url, "http://u@a"), 0);
	assert_true(url.has_user);
	assert_false(url.has_port);
	url_release(&url);
	assert_int_equal(url_split(&url, "http://a:80/@"), 0);
	assert_false(url.has_user);
	assert_true(url.has_port);
	url_release(&url);
}

static void
none(void **state)
{
	static const char *const texts[] = { "", "a", "//a/", "ftp://a/",
		"http:/a", "http://", "http:///x", "http://@/", "http://a:b/",
		"http://a:0/", "http://a:65536/", "http://a:99999999999999/",
		"http://a b/", "http://a\n/", "http://[::1", "http://[::1]x/",
		"http://a]/", "http://\xc3\xa4/", "http://%41/",
		"http://a\\@b/", "http://a\\/", "file:///etc/passwd",
		"javascript:x" };
	struct url url;

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		if (url_split(&url, texts[i]) == 0)
			fail_msg("'%s' was taken", texts[i]);
}

static void
origins(void **state)
{
	static const struct {
		const char *a, *b;
		int is_same;
	} cases[] = {
		{ "http://a/x", "http://A:80/y", 1 },
		{ "https://a/", "https://a:443/", 1 },
		{ "http://a/", "https://a/", 0 },
		{ "http://a/", "http://a:81/", 0 },
		{ "http://a/", "http://a.b/", 0 },
		{ "http://a/", "http://u@a/", 1 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct url a, b;

		assert_int_equal(url_split(&a, cases[i].a), 0);
		assert_int_equal(url_split(&b, cases[i].b), 0);
		assert_int_equal(url_is_same_origin(&a, &b), cases[i].is_same);
		url_release(&a);
		url_release(&b);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(parts),
		cmocka_unit_test(what_is_said),
		cmocka_unit_test(none),
		cmocka_unit_test(origins),
	};

	return cmocka_run_group_tests_name("url", tests, NULL, NULL);
}
