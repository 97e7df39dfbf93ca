/* SPDX-License-Identifier: ISC */
/* expect - terms: what they mean, how they fail, where a mistake is. */
#include "expect.h"

#include "test.h"

#include <time.h>

#include "alloc.h"

static struct seen seen;
static struct ha_buf msg, perf;

static int
enter(void **state)
{
	(void)state;
	seen_init(&seen);
	ha_buf_init(&msg);
	ha_buf_init(&perf);
	return 0;
}

static int
leave(void **state)
{
	(void)state;
	seen_release(&seen);
	ha_buf_release(&msg);
	ha_buf_release(&perf);
	return 0;
}

static struct expect *
parse(const char *text)
{
	struct expect *expect = NULL;
	struct ha_err err;
	size_t offset;

	if (expect_parse(&expect, text, &offset, &err))
		fail_msg("'%s': at %zu: %s", text, offset, err.msg);
	return expect;
}

static enum ha_status_state
judge(const char *text)
{
	struct expect *expect = parse(text);
	enum ha_status_state state;

	ha_buf_reset(&msg);
	ha_buf_reset(&perf);
	state = expect_judge(expect, &seen, &msg, &perf);
	if ((state == HA_STATUS_OK) != (msg.len == 0))
		fail_msg("'%s': %s, and says '%s'", text, ha_status_name(state),
		    msg.data);
	expect_free(expect);
	return state;
}

static void
holds(const char *text)
{
	if (judge(text) != HA_STATUS_OK)
		fail_msg("'%s': %s", text, msg.data);
}

static void
fails(const char *text, const char *words)
{
	if (judge(text) != HA_STATUS_CRIT)
		fail_msg("'%s' holds", text);
	assert_string_equal(msg.data, words);
}

static void
set(struct ha_buf *buf, const char *text)
{
	ha_buf_reset(buf);
	ha_buf_add_str(buf, text);
}

static void
status(void **state)
{
	(void)state;
	seen.status = 204;
	holds("status=204");
	holds("status=200,204,300-399");
	holds("status=100-599");
	fails("status=200,300-399", "status 204, wanted 200,300-399");
	seen.status = 399;
	holds("status=300-399");
	seen.status = 0;
	fails("status=200", "no status, wanted 200");
}

static void
bodies(void **state)
{
	(void)state;
	set(&seen.body, "<html>\r\n <b>All is   well</b>\r\nload 3\r\n");
	holds("body~well");
	holds("body~\"^ <b>.*</b>$\"");
	holds("body~'load [0-9]$'");
	holds("body~\"^load 3$\" body!~Exception");
	holds("body~<b>All");
	fails("body~\"bad\"",
	    "body lacks \"bad\": \"<html> <b>All is well</b> load 3\"");
	fails("body!~well", "body has \"well\"");
	/* The dot ends at a line's end. */
	fails("body~html.*well",
	    "body lacks \"html.*well\": \"<html> <b>All is well</b> load 3\"");
	set(&seen.body, "");
	fails("body~x", "the body is empty");
	holds("body!~x");
	ha_buf_reset(&seen.body);
	ha_buf_add(&seen.body, "\0\033[31mx", 7);
	holds("body~x");
	fails("body~y", "body lacks \"y\": \"[31mx\"");
	set(&seen.body,
	    "0123456789012345678901234567890123456\xc3\xa9\xe2\x82\xac end");
	fails("body~y", "body lacks \"y\": "
			"\"0123456789012345678901234567890123456\xc3\xa9...\"");
}

/* Quotes inside of quotes, and a backslash that is the pattern's. */
static void
quotes(void **state)
{
	(void)state;
	set(&seen.body, "{\"a\": \"it's 1.5\\\"}");
	holds("body~\"\\\"a\\\": \\\"it\"");
	holds("body~'\"a\": \"it'");
	holds("body~\"1\\.5\"");
	holds("body~\"5\\\\\"");
	holds("body~\"it's\"");
	fails("body~\"1\\.6\"",
	    "body lacks \"1\\.6\": \"{\"a\": \"it's 1.5\\\"}\"");
}

static void
headers(void **state)
{
	(void)state;
	set(&seen.headers,
	    "HTTP/1.1 200 OK\r\nServer: nginx/1.22\r\nX-Two:one\r\n"
	    "x-two: \t two \r\nX-None:\r\nServer-Timing: 3\r\n\r\n");
	holds("header:server~nginx");
	holds("header:Server=nginx/1.22");
	holds("header:X-Two=two");
	holds("header:X-Two=one");
	holds("header:X-Two~\"^two$\"");
	holds("header:X-None=\"\"");
	holds("header:X-Gone!~x");
	fails("header:X-Gone~x", "no header X-Gone");
	fails("header:Serve=x", "no header Serve");
	fails("header:X-Two!~two", "X-Two has \"two\"");
	fails(
	    "header:Server~apache", "Server lacks \"apache\": \"nginx/1.22\"");
	fails("header:Server=nginx",
	    "Server is \"nginx/1.22\", wanted \"nginx\"");
	set(&seen.headers, "Server: last");
	holds("header:Server=last");
}

static void
json(void **state)
{
	(void)state;
	set(&seen.body,
	    "{\"a\":{\"b\":[1,2.5,{\"c\":null}]},\"s\":\"ok\",\"t\":true,"
	    "\"x/y\":1,\"m~n\":2,\"\":3,\"n\":\"1\"}");
	holds("json:/s=ok json:/s=\"ok\" json:/t=true json:/a/b/0=1");
	holds("json:/a/b/0=1.0 json:/a/b/1=2.5 json:/a/b/2/c=null");
	holds("json:/x~1y=1 json:/m~0n=2 json:/=3");
	holds("json:/a='{\"b\": [1, 2.5, {\"c\": null}]}'");
	holds("json:/s~\"^(ok|fine)$\" json:/s!~bad json:/a/b/0~\"1\"");
	holds("json:/n=\"1\"");
	fails("json:/n=1", "json /n is \"1\", wanted 1");
	fails("json:/s=bad", "json /s is \"ok\", wanted bad");
	fails("json:/t=\"true\"", "json /t is true, wanted true");
	fails("json:/s~bad", "json /s is \"ok\", wanted ~bad");
	fails("json:/s!~ok", "json /s is \"ok\", wanted !~ok");
	fails("json:/gone=1", "json has no /gone");
	holds("json:/gone!~x");
	fails("json:/a/b/3=1", "json has no /a/b/3");
	fails("json:/a/b/01=2", "json has no /a/b/01");
	fails("json:/a/b/99999999999999999999=2",
	    "json has no /a/b/99999999999999999999");
	fails("json:/a/b/=1", "json has no /a/b/");
	fails("json:/s/x=1", "json has no /s/x");
	set(&seen.body, "{\"id\":18446744073709551615,\"ok\":1}");
	holds("json:/ok=1 json:/id=18446744073709551615");
	fails("json:/id=1", "json /id is 1.8446744073709552e19, wanted 1");
	set(&seen.body, "{\"id\":9007199254740993,\"s\":\"a\\u0000b\"}");
	holds("json:/id=9007199254740993 json:/s=\"a\\u0000b\"");
	fails("json:/id=9007199254740992",
	    "json /id is 9007199254740993, wanted 9007199254740992");
	fails("json:/s=a", "json /s is \"a\\u0000b\", wanted a");
	set(&seen.body, "\"word\"");
	holds("json:=word");
	set(&seen.body, "<html>");
	fails("json:/a=1", "the body is no JSON: \"<html>\"");
	set(&seen.body, "[1, ");
	seen.size = 5000;
	fails("json:/a=1",
	    "the body is longer than the 4 bytes of max-body: no JSON");
}

static void
numbers(void **state)
{
	(void)state;
	seen.size = 2048;
	holds("size=1K:");
	assert_string_equal(perf.data, "size=2048B;;1024:;0");
	fails("size=1K", "2048 bytes of body, wanted 1K");
	seen.redirects = 2;
	holds("redirects=2");
	fails("redirects=0", "2 redirects, wanted 0");
}

static void
urls(void **state)
{
	(void)state;
	seen.final_url = ha_xstrdup("https://web1/login?x");
	holds("url=https://web1/login?x");
	holds("url~\"^https:\"");
	holds("url!~\"^http:\"");
	fails(
	    "url~\"^http:\"", "ended at https://web1/login?x, wanted ~^http:");
	fails("url=https://web1/", "ended at https://web1/login?x, wanted "
				   "https://web1/");
}

static void
tls(void **state)
{
	(void)state;
	fails("tls=1.2", "no TLS, wanted 1.2");
	strcpy(seen.tls_version, "TLSv1.2");
	holds("tls=1.2");
	holds("tls=1.0");
	fails("tls=1.3", "TLSv1.2, wanted 1.3 at least");
	strcpy(seen.tls_version, "TLSv1");
	holds("tls=1.0");
	fails("tls=1.1", "TLSv1, wanted 1.1 at least");
	strcpy(seen.tls_version, "SSLv3");
	fails("tls=1.0", "SSLv3, wanted 1.0 at least");
}

static void
add_cert(const char *subject, int days, unsigned depth, unsigned hop)
{
	struct seen_cert *cert;
	time_t now = time(NULL);

	seen.certs = ha_xrealloc(
	    seen.certs, (seen.cert_count + 1) * sizeof(*seen.certs));
	cert = &seen.certs[seen.cert_count++];
	*cert = (struct seen_cert){ .subject = ha_xstrdup(subject),
		.issuer = ha_xstrdup("CN = ca"),
		.not_before = now - 86400,
		.not_after = now + days * 86400 + 3600,
		.depth = depth,
		.hop = hop,
		.url = ha_xstrdup(hop ? "https://there/" : "https://here/") };
}

static char *
date_of(time_t when)
{
	static char day[16];

	strftime(day, sizeof(day), "%Y-%m-%d", gmtime(&when));
	return day;
}

static void
certs(void **state)
{
	char *words;

	(void)state;
	fails("cert=14", "no certificate was shown");
	add_cert("C = XY, CN = www.example.org, O = x", 41, 0, 0);
	holds("cert=14,7");
	assert_string_equal(perf.data, "cert_days=41;14:;7:");
	holds("cert=41");
	assert_int_equal(judge("cert=42"), HA_STATUS_WARN);
	words = ha_xasprintf("certificate of CN=www.example.org ends in 41 "
			     "days (%s)",
	    date_of(seen.certs[0].not_after));
	assert_string_equal(msg.data, words);
	free(words);
	assert_int_equal(judge("cert=60,42"), HA_STATUS_CRIT);
	/* The one that ends first counts, wherever it stands. */
	add_cert("CN=ca/O=x", 1, 1, 0);
	add_cert("O=nobody", 30, 0, 1);
	assert_int_equal(judge("cert=14,1"), HA_STATUS_WARN);
	words =
	    ha_xasprintf("intermediate certificate of CN=ca ends in 1 day (%s)",
		date_of(seen.certs[1].not_after));
	assert_string_equal(msg.data, words);
	free(words);
	assert_string_equal(perf.data, "cert_days=1;14:;1:");
	add_cert("O=nobody", -4, 0, 1);
	words = ha_xasprintf("certificate of O=nobody (redirect 1, "
			     "https://there/) has expired 3 days ago (%s)",
	    date_of(seen.certs[3].not_after));
	fails("cert=0", words);
	free(words);
	seen.certs[3].not_after += 40 * 86400;
	seen.certs[3].not_before += 2 * 86400;
	words = ha_xasprintf("certificate of O=nobody (redirect 1, "
			     "https://there/) is not valid before %s",
	    date_of(seen.certs[3].not_before));
	fails("cert=0", words);
	free(words);
}

/* The worst first. */
static void
several(void **state)
{
	(void)state;
	seen.status = 500;
	set(&seen.body, "oops");
	add_cert("CN=a", 3, 0, 0);
	assert_int_equal(judge("cert=14 status=200 body~ok"), HA_STATUS_CRIT);
	assert_int_equal(strncmp(msg.data,
			     "status 500, wanted 200; body lacks \"ok\": "
			     "\"oops\"; certificate of CN=a ends in 3 days (",
			     80),
	    0);
}

static int
is_open(const char *text, const char *reply, int is_end)
{
	struct expect *expect = parse(text);
	int result;

	set(&seen.body, reply);
	result = expect_reply_is_open(expect, &seen, is_end);
	expect_free(expect);
	return result;
}

static void
replies(void **state)
{
	(void)state;
	set(&seen.body, "220 mx ESMTP\r\n");
	holds("reply~\"^220 .*ESMTP$\"");
	holds("reply=220");
	holds("reply='220 mx ESMTP\\r\\n' reply!~5");
	fails("reply~\"^250\"", "reply lacks \"^250\": \"220 mx ESMTP\"");
	fails("reply=250", "reply begins \"220 mx ESMTP\", wanted \"250\"");
	fails("reply!~ESMTP", "reply has \"ESMTP\"");
	set(&seen.body, "");
	fails("reply~.", "no reply");
	set(&seen.words, "PONG");
	holds("reply=PONG");
	ha_buf_reset(&seen.words);
	ha_buf_reset(&seen.body);
	ha_buf_add(&seen.body, "\0\1", 2);
	holds("reply=\\0000\\x01");

	assert_int_equal(is_open("reply~ok", "", 0), 1);
	assert_int_equal(is_open("reply~ok", "o", 0), 1);
	assert_int_equal(is_open("reply~ok", "ok", 0), 0);
	assert_int_equal(is_open("reply~ok", "o", 1), 0);
	assert_int_equal(is_open("reply~ok reply~er", "ok", 0), 1);
	assert_int_equal(is_open("reply=+OK", "+", 0), 1);
	assert_int_equal(is_open("reply=+OK", "-", 0), 0);
	assert_int_equal(is_open("reply=+OK", "+OK", 0), 0);
	assert_int_equal(is_open("reply!~bad", "", 0), 1);
	assert_int_equal(is_open("reply!~bad", "x", 0), 0);
	assert_int_equal(is_open("reply!~bad reply~ok", "x", 0), 1);
	assert_int_equal(is_open("reply!~bad reply~ok", "bad", 0), 0);
	assert_int_equal(is_open("status=200", "", 0), 0);
	assert_int_equal(expect_reply_is_open(NULL, &seen, 0), 0);
}

static void
wants(void **state)
{
	struct expect *expect = parse("status=200 body~x");
	struct expect *copy = expect_copy(expect);
	struct ha_err err;
	size_t offset;

	(void)state;
	assert_int_equal(
	    expect_parse(&copy, "cert=1 reply~x", &offset, &err), 0);
	assert_int_equal(expect_about(expect), EXPECT_STATUS | EXPECT_RESPONSE);
	assert_int_equal(expect_about(copy),
	    EXPECT_STATUS | EXPECT_RESPONSE | EXPECT_TLS | EXPECT_REPLY);
	assert_true(expect_wants_status(expect));
	assert_true(expect_wants_body(expect));
	assert_false(expect_wants_certs(expect));
	assert_false(expect_wants_reply(expect));
	expect_free(expect);
	assert_true(expect_wants_certs(copy));
	assert_true(expect_wants_reply(copy));
	assert_string_equal(
	    expect_text(copy), "status=200 body~x cert=1 reply~x");
	expect_free(copy);
	assert_null(expect_copy(NULL));
	assert_int_equal(expect_about(NULL), 0);
	assert_false(expect_wants_certs(NULL));
}

static void
mistakes(void **state)
{
	static const struct {
		const char *text;
		size_t offset;
		const char *words;
	} all[] = {
		{ "", 0, "what is expected" },
		{ "  ", 0, "what is expected" },
		{ "ok", 0, "'ok' is none of status" },
		{ "status=200 boby~x", 11, "'boby' is none of" },
		{ "status", 6, "one of = has" },
		{ "status~200", 6, "one of = has" },
		{ "status==200", 7, "three digits" },
		{ "status=", 7, "three digits" },
		{ "status=20", 7, "three digits" },
		{ "status=200,", 11, "three digits" },
		{ "status=200-", 11, "three digits" },
		{ "status=300-200", 14, "three digits" },
		{ "status=2000", 10, "only , or -" },
		{ "body=x", 4, "one of ~ !~ has" },
		{ "body!x", 4, "one of ~ !~ has" },
		{ "body~\"x", 5, "not closed" },
		{ "body~\"x\"y", 8, "a blank" },
		{ "status=200 body~\"(\"", 17, "regular expression: " },
		{ "body~[", 5, "regular expression: " },
		{ "body~\"(a)\\1\"", 6, "back-references" },
		{ "body~((a{100}){100}){100}", 5, "repetitions" },
		{ "body~a+++++++++++", 5, "repetitions" },
		{ "body~((((((((((((((((a+)+)+)+)+)+)+)+)+)+)+)+)+)+)+)+)+", 5,
		    "repetitions" },
		{ "header~x", 6, "a name has to follow" },
		{ "header:~x", 7, "has no name" },
		{ "json=x", 4, "a pointer has to follow" },
		{ "json:a=x", 5, "begins with '/'" },
		{ "json:/a", 7, "one of = ~ !~ has" },
		{ "size=x", 5, "" },
		{ "size=10%", 5, "percent of what" },
		{ "redirects=1K", 10, "" },
		{ "cert=", 5, "days, as in" },
		{ "cert=x", 5, "days, as in" },
		{ "cert=14,", 8, "days, as in" },
		{ "cert=14:7", 7, "days, as in" },
		{ "cert=99999", 9, "days, as in" },
		{ "cert=7,14", 5, "can't be more" },
		{ "tls=1.4", 4, "one of 1.0" },
		{ "tls=TLSv1.3", 4, "one of 1.0" },
		{ "reply=\"\"", 7, "empty" },
	};
	struct expect *expect;
	struct ha_err err;
	size_t i, offset;

	(void)state;
	for (i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
		expect = NULL;
		if (!expect_parse(&expect, all[i].text, &offset, &err))
			fail_msg("'%s' is taken", all[i].text);
		assert_int_equal(err.status, EX_USAGE);
		if (offset != all[i].offset || !strstr(err.msg, all[i].words))
			fail_msg(
			    "'%s': at %zu: %s", all[i].text, offset, err.msg);
		expect_free(expect);
	}
}

/* What people write is not taken for a burden. */
static void
usual_patterns(void **state)
{
	static const char *const all[] = {
		"body~\"[0-9]{1,3}\\.[0-9]{1,3}\\.[0-9]{1,3}\\.[0-9]{1,3}\"",
		"body~\"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\"",
		"body~\"a+b+c+d+e+f+g+h+i+j+k+l+m+n+o+p+q+r+s+t+u+v+w+x+y+z+\"",
		"body~\"(([a-z]+|[0-9]+)+,)+\"",
		"body~\"^[[:alpha:]_]*[]})(]+\\{2\\}$\"",
		"body~[^]]+",
	};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(all) / sizeof(all[0]); i++)
		expect_free(parse(all[i]));
}

#define test(f) cmocka_unit_test_setup_teardown(f, enter, leave)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		test(status),
		test(bodies),
		test(quotes),
		test(headers),
		test(json),
		test(numbers),
		test(urls),
		test(tls),
		test(certs),
		test(several),
		test(replies),
		test(wants),
		test(mistakes),
		test(usual_patterns),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
