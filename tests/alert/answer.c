/* SPDX-License-Identifier: ISC */
/*
 * answer - what webhooks' answers mean; and signatures, mail servers' replies,
 * addresses.
 */
#include "test.h"

#include "address.h"
#include "answer.h"
#include "replies.h"
#include "sign.h"

static char name[] = "ops", key[] = "template";

static struct delivery
judge(const char *template, int status, const char *body)
{
	char value[32];
	struct channel_setting setting = { key, value };
	struct channel channel = { .name = name,
		.kind = CHANNEL_WEBHOOK,
		.settings = &setting,
		.count = 1 };
	struct answer answer = { .status = status,
		.body = body,
		.len = strlen(body),
		.retry_after_s = -1 };
	struct delivery delivery = { .retry_after_ms = -1 };
	struct answer_rules rules;

	snprintf(value, sizeof(value), "%s", template);
	answer_rules(&rules, &channel);
	answer_judge(&answer, &rules, &delivery);
	return delivery;
}

static void
statuses(void **state)
{
	static const struct {
		int status;
		enum delivery_result result;
		int may_have_it;
	} cases[] = {
		{ 200, DELIVERY_DONE, 0 },
		{ 202, DELIVERY_DONE, 0 },
		{ 204, DELIVERY_DONE, 0 },
		{ 301, DELIVERY_NEVER, 0 },
		{ 307, DELIVERY_NEVER, 0 },
		{ 400, DELIVERY_NEVER, 0 },
		{ 401, DELIVERY_NEVER, 0 },
		{ 404, DELIVERY_NEVER, 0 },
		{ 408, DELIVERY_LATER, 0 },
		{ 410, DELIVERY_NEVER, 0 },
		{ 425, DELIVERY_LATER, 0 },
		{ 429, DELIVERY_LATER, 0 },
		{ 500, DELIVERY_LATER, 1 },
		{ 503, DELIVERY_LATER, 1 },
		{ 599, DELIVERY_LATER, 1 },
	};
	struct delivery got;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		got = judge("generic", cases[i].status, "why\r\n  not");
		if (got.result != cases[i].result)
			fail_msg("%d is %d", cases[i].status, got.result);
		assert_int_equal(got.may_have_it, cases[i].may_have_it);
		assert_int_equal(
		    got.is_channel_down, got.result == DELIVERY_LATER);
		if (cases[i].status / 100 != 3)
			assert_non_null(strstr(got.words, ": why not"));
	}
}

static void
services(void **state)
{
	static const struct {
		const char *template, *body;
		enum delivery_result result;
	} cases[] = {
		{ "dingtalk", "{\"errcode\":0,\"errmsg\":\"ok\"}",
		    DELIVERY_DONE },
		{ "dingtalk", "{\"errcode\":310000,\"errmsg\":\"sign\"}",
		    DELIVERY_NEVER },
		{ "dingtalk", "{\"errcode\":130101}", DELIVERY_LATER },
		{ "dingtalk", "{\"errcode\":-1}", DELIVERY_LATER },
		{ "dingtalk", "<html>a portal", DELIVERY_LATER },
		{ "feishu", "{\"code\":0,\"msg\":\"success\"}", DELIVERY_DONE },
		{ "feishu", "{\"code\":19021}", DELIVERY_NEVER },
		{ "feishu", "{\"code\":11232}", DELIVERY_LATER },
		{ "wecom", "{\"errcode\":0}", DELIVERY_DONE },
		{ "wecom", "{\"errcode\":45009}", DELIVERY_LATER },
		{ "wecom", "{\"errcode\":93000}", DELIVERY_NEVER },
		{ "telegram", "{\"ok\":true}", DELIVERY_DONE },
		{ "telegram", "{\"ok\":false}", DELIVERY_NEVER },
		{ "slack", "ok", DELIVERY_DONE },
		{ "slack", "{\"ok\":true}", DELIVERY_DONE },
		{ "slack", "{\"ok\":false,\"error\":\"x\"}", DELIVERY_NEVER },
		{ "generic", "{\"errcode\":1}", DELIVERY_DONE },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		if (judge(cases[i].template, 200, cases[i].body).result !=
		    cases[i].result)
			fail_msg("%s: %s", cases[i].template, cases[i].body);
	assert_non_null(strstr(judge("feishu", 200, "{\"code\":19021}").words,
	    "but /code is 19021"));
}

static enum delivery_result
expect(const char *expected, const char *busy, const char *body)
{
	const struct answer_rules rules = { expected, busy };
	const struct answer answer = { .status = 200,
		.body = body,
		.len = strlen(body),
		.retry_after_s = -1 };
	struct delivery delivery = { .retry_after_ms = -1 };

	answer_judge(&answer, &rules, &delivery);
	return delivery.result;
}

static void
expectations(void **state)
{
	(void)state;
	assert_int_equal(expect("ok", NULL, "it is ok"), DELIVERY_DONE);
	assert_int_equal(expect("ok", NULL, "no"), DELIVERY_NEVER);
	assert_int_equal(
	    expect("/a/1/b~1c~0=x", NULL, "{\"a\":[0,{\"b/c~\":\"x\"}]}"),
	    DELIVERY_DONE);
	assert_int_equal(expect("/a=1", "2,3", "{\"a\":3}"), DELIVERY_LATER);
	assert_int_equal(expect("/a=1", "2,3", "{\"a\":23}"), DELIVERY_NEVER);
	assert_int_equal(expect("/a=1", NULL, "{\"a\":10}"), DELIVERY_NEVER);
	assert_int_equal(expect("/a/x=1", NULL, "{\"a\":[1]}"), DELIVERY_LATER);
	assert_int_equal(expect("/a=1", NULL, ""), DELIVERY_LATER);
	assert_int_equal(expect("=1", NULL, "=1"), DELIVERY_DONE);
}

static void
retry_after(void **state)
{
	struct answer answer = {
		.status = 429, .body = "", .retry_after_s = 7
	};
	const struct answer_rules rules = { NULL, NULL };
	struct delivery got = { .retry_after_ms = -1 };

	(void)state;
	answer_judge(&answer, &rules, &got);
	assert_int_equal(got.retry_after_ms, 7000);
	got = judge("discord", 429, "{\"retry_after\": 0.45}");
	assert_int_equal(got.retry_after_ms, 450);
	got = judge("telegram", 429, "{\"parameters\":{\"retry_after\":9}}");
	assert_int_equal(got.retry_after_ms, 9000);
	got = judge("generic", 429, "{\"retry_after\": \"soon\"}");
	assert_int_equal(got.retry_after_ms, -1);
	got = judge("generic", 429, "{\"retry_after\": 1e300}");
	assert_int_equal(got.retry_after_ms, -1);
	got = judge("generic", 404, "{\"retry_after\": 1}");
	assert_int_equal(got.retry_after_ms, -1);
}

static void
redirects(void **state)
{
	struct answer answer = { .status = 308,
		.body = "",
		.retry_after_s = -1,
		.redirect_url = "https://me:pw@b.test:8/secret?x" };
	const struct answer_rules rules = { NULL, NULL };
	struct delivery got = { .retry_after_ms = -1 };

	(void)state;
	answer_judge(&answer, &rules, &got);
	assert_int_equal(got.result, DELIVERY_NEVER);
	assert_non_null(strstr(got.words, "https://b.test:8/..."));
	assert_null(strstr(got.words, "secret"));
	assert_null(strstr(got.words, "pw"));
}

static void
excerpts(void **state)
{
	char body[2000] = "";
	struct delivery got;

	(void)state;
	for (int i = 0; i < 300; i++)
		strcat(body, "é");
	got = judge("generic", 400, body);
	assert_true(strlen(got.words) < 240);
	assert_string_equal(got.words + strlen(got.words) - 5, "é...");
}

/* Made by "openssl dgst -sha256 -mac HMAC", and by the specification. */
static void
signatures(void **state)
{
	static const char secret[] = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
	static const char body[] = "{\"test\": 2432232314}";
	struct ha_buf out = HA_BUF_INIT;
	struct ha_err err;

	(void)state;
	assert_int_equal(
	    sign_standard(&out, secret, "msg_p5jXN8AQM9LWM0D4loKWxJek",
		1614265330, body, sizeof(body) - 1, &err),
	    0);
	assert_string_equal(
	    out.data, "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
	ha_buf_reset(&out);
	assert_int_equal(
	    sign_standard(&out, "whsec_?", "id", 1, "", 0, &err), -1);
	assert_int_equal(err.status, EX_CONFIG);
	assert_int_equal(sign_standard(&out, "plain", "id", 1, "", 0, &err), 0);
	assert_string_equal(
	    out.data, "v1,weQI6xRfVFWiDUdEvr0ka65qPrNdjn1+GwtpL5xqpaU=");
	ha_buf_reset(&out);
	assert_int_equal(
	    sign_dingtalk(&out, "SEC1", INT64_C(1599360473000), &err), 0);
	assert_string_equal(out.data,
	    "timestamp=1599360473000&sign="
	    "ZOTpz55OGsOZqDzPUYXoo77LBqUn4mFrziOhNZaUD9s%3D");
	ha_buf_reset(&out);
	assert_int_equal(
	    sign_feishu(&out, "SEC1", 1599360473, "{\"a\":1}", 7, &err), 0);
	assert_string_equal(out.data,
	    "{\"a\":1,\"timestamp\":\"1599360473\",\"sign\":"
	    "\"0hLYmfoUxI4qR6gxrHZUwT+7HcMcncQkWF5gKyZReuU=\"}");
	ha_buf_reset(&out);
	assert_int_equal(sign_feishu(&out, "SEC1", 1, "[1]", 3, &err), -1);
	assert_int_equal(err.status, EX_DATAERR);
	ha_buf_release(&out);
}

static void
mail_replies(void **state)
{
	static const char text[] = "220 hi\r\n250-a\r\n250 b\r\n250 from\r\n"
				   "250 one\r\n550-no\r\n550 two\r\n"
				   "354 go\r\n250 taken\r\n";
	static const char refused[] = "250 from\r\n450 one\r\n550 two\r\n";
	const struct reply *rcpts;
	struct replies replies;

	(void)state;
	replies_parse(&replies, text, sizeof(text) - 1);
	assert_int_equal(replies.count, 7);
	rcpts = replies_recipients(&replies, 2);
	assert_int_equal(rcpts[0].code, 250);
	assert_int_equal(rcpts[1].code, 550);
	assert_memory_equal(rcpts[1].line, "550 two", rcpts[1].len);
	replies_release(&replies);
	replies_parse(&replies, refused, sizeof(refused) - 1);
	rcpts = replies_recipients(&replies, 2);
	assert_int_equal(rcpts[0].code, 450);
	assert_null(replies_recipients(&replies, 3));
	assert_null(replies_recipients(&replies, 4));
	replies_release(&replies);
	replies_parse(&replies, "what?\r\n12\r\n250", 14);
	assert_int_equal(replies.count, 0);
	replies_release(&replies);
}

static void
addresses(void **state)
{
	struct address_list list = { NULL, 0 };
	struct ha_err err;

	(void)state;
	assert_int_equal(
	    address_add(
		&list, " \"A, <B>\" <a@b.test> ,c@d,root, a@b.test", &err),
	    0);
	assert_int_equal(list.count, 3);
	assert_string_equal(list.addresses[0], "a@b.test");
	assert_string_equal(list.addresses[1], "c@d");
	assert_string_equal(list.addresses[2], "root");
	assert_null(list.addresses[3]);
	address_release(&list);
	assert_int_equal(address_add(&list, "运维 <a@b.test>", &err), 0);
	address_release(&list);
	assert_int_equal(address_add(&list, "运维@b.test", &err), -1);
	assert_int_equal(address_add(&list, "<>", &err), -1);
	assert_int_equal(address_add(&list, "a@", &err), -1);
	assert_int_equal(address_add(&list, "@a", &err), -1);
	assert_int_equal(address_add(&list, "a@b@c", &err), -1);
	assert_int_equal(address_add(&list, "a> <b@c", &err), -1);
	address_release(&list);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(statuses),
		cmocka_unit_test(services),
		cmocka_unit_test(expectations),
		cmocka_unit_test(retry_after),
		cmocka_unit_test(redirects),
		cmocka_unit_test(excerpts),
		cmocka_unit_test(signatures),
		cmocka_unit_test(mail_replies),
		cmocka_unit_test(addresses),
	};

	return cmocka_run_group_tests_name("alert/answer", tests, NULL, NULL);
}
