/* SPDX-License-Identifier: ISC */
/*
 * template - the language and its mistakes, and each template that is shipped:
 * JSON whatever a check says, no longer than the service takes, and nothing in
 * it that the service would take for a mention or a link.
 */
#include "test.h"

#include <jansson.h>
#include <time.h>

#include "fake-channel.h"
#include "template.h"
#include "words.h"

static struct fake_bundle fake;
static struct channel channel;
static struct ha_err err;

static int
setup(void **state)
{
	(void)state;
	setenv("TZ", "UTC", 1);
	tzset();
	memset(&fake, 0, sizeof(fake));
	channel = fake_channel(CHANNEL_WEBHOOK, "topic", "servers", "chat-id",
	    "-1001", "bot-token", "12:s3cret", "routing-key", "s3cret-r",
	    "quote", "\"{state}\"", (char *)NULL);
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	fake_release(&fake);
	free(channel.settings);
	return 0;
}

static int
parse(struct template **template, const char *text)
{
	return template_parse(template, "t.json", text, strlen(text), &err);
}

/* The body that a template makes of the alerts so far. */
static void
body_is(const char *text, const char *want)
{
	struct ha_buf body = HA_BUF_INIT, path = HA_BUF_INIT;
	struct template *template;

	if (parse(&template, text) != 0 ||
	    template_expand(
		template, &fake.bundle, &channel, 0, &body, &path, &err) != 0)
		fail_msg("%s: %s", text, err.msg);
	assert_string_equal(body.data, want);
	template_free(template);
	ha_buf_release(&body);
	ha_buf_release(&path);
}

static const struct {
	const char *text, *body;
} expansions[] = {
	{ "\"{state} {check}\"", "\"CRIT web-a\"" },
	{ "\"{since_unix}\"", "1795423801" },
	{ "\"at {since_unix}\"", "\"at 1795423801\"" },
	{ "\"{ms}\"", "31" },
	{ "\"{{state}} }}\"", "\"{state} }\"" },
	{ "[1, 2.5, true, null, \"\", {}]", "[1,2.5,true,null,\"\",{}]" },
	{ "{\"{state}\": 1}", "{\"{state}\":1}" },
	{ "\"{setting:topic} {secret:bot-token}\"", "\"servers 12:s3cret\"" },
	{ "\"{setting:quote}\"", "\"\\\"{state}\\\"\"" },
	{ "\"{setting:none?}\"", "\"\"" },
	{ "\"{channel} {key}\"", "\"ops " INCIDENT "-problem\"" },
	{ "\"{duration} {duration_s}\"", "\"1 m 59 s 119\"" },
	/* What is chosen. */
	{ "{\"$map\": \"{state}\", \"OK\": 1, \"WARN|CRIT\": 2}", "2" },
	{ "{\"$map\": \"{state}\", \"OK\": 1, \"*\": [\"{check}\"]}",
	    "[\"web-a\"]" },
	{ "{\"$map\": \"{host}\", \"\": \"none\", \"*\": \"some\"}",
	    "\"none\"" },
	{ "{\"$map\": \"{host}\", \"a|\": \"none\", \"*\": \"some\"}",
	    "\"none\"" },
	{ "{\"a\": {\"$map\": \"{state}\", \"OK\": 1}, \"b\": 2}",
	    "{\"b\":2}" },
	{ "[{\"$map\": \"{state}\", \"OK\": 1}, 2]", "[2]" },
	{ "{\"$map\": \"{state}\", \"OK\": 1}", "" },
	{ "{\"$each\": \"{check}\"}", "[\"web-a\"]" },
	/* Limits: whole characters, and an ellipsis that belongs to them. */
	{ "\"{check|5}\"", "\"web-a\"" },
	{ "\"{check|4}\"", "\"web…\"" },
	{ "\"{check|1}\"", "\"…\"" },
	{ "\"{check|5b}\"", "\"web-a\"" },
	{ "\"{check|4b}\"", "\"w…\"" },
	{ "\"{check|2b}\"", "\"\"" },
	{ "\"{msg|4}\"", "\"磁<&…\"" },
	{ "\"{msg|5b}\"", "\"…\"" },
	{ "\"{msg|6b}\"", "\"磁…\"" },
	{ "\"{body|7b}\"", "\"a\\\"b\\nc\"" },
	{ "\"{body|6b}\"", "\"a\\\"…\"" },
	/* Escapes are never cut in two. */
	{ "\"{msg|slack}\"", "\"磁&lt;&amp;`*_😀\"" },
	{ "\"{msg|slack|5}\"", "\"磁…\"" },
	{ "\"{msg|6|slack}\"", "\"磁&lt;…\"" },
	{ "\"{msg|markdown}\"", "\"磁\\\\<&\\\\`\\\\*\\\\_😀\"" },
	{ "\"{msg|code}\"", "\"磁<&`\xe2\x80\x8b*_😀\"" },
	{ "\"{msg|7}\"", "\"磁<&`*_…\"" },
	{ "\"{msg|8}\"", "\"磁<&`*_😀\"" },
};

static void
the_language(void **state)
{
	char text[512];

	(void)state;
	fake_add(
	    &fake, WEB("problem", "OK", "08:52:01.000", "CRIT", "磁<&`*_😀"));
	for (size_t i = 0; i < sizeof(expansions) / sizeof(*expansions); i++) {
		snprintf(
		    text, sizeof(text), "{\"body\": %s}", expansions[i].text);
		if (strncmp(expansions[i].text, "\"{body", 6) == 0)
			fake.alerts[0].body = "a\"b\nc\n";
		body_is(text, expansions[i].body);
	}
}

static const struct {
	const char *text, *want;
} mistakes[] = {
	{ "", "t.json:1:0: " },
	{ "{\n\"body\": \"a\",\n}", "t.json:3:" },
	{ "[]", "t.json: a template is an object" },
	{ "{}", "t.json: a template needs a \"body\"" },
	{ "{\"body\": 1, \"body\": 2}", "duplicate" },
	{ "{\n \"body\": 1,\n \"boby\": 2\n}", "t.json:3:3: 'boby': " },
	{ "{\n \"body\": [\"{state}\",\n  \"x {stat}\"]\n}",
	    "t.json:3:6: '{stat}': there is no such placeholder" },
	{ "{\"body\": {\"$map\": \"{state}\", \"OK\": \"{nothing}\", \"*\": 1}}",
	    "'{nothing}': there is no such placeholder" },
	{ "{\"body\": \"{state\"}", "'{state': a { without" },
	{ "{\"body\": \"state}\"}", "a } without" },
	{ "{\"body\": \"{}\"}", "'{}': there is no such placeholder" },
	{ "{\"body\": \"{state|}\"}", "what follows a |" },
	{ "{\"body\": \"{state|html}\"}", "what follows a |" },
	{ "{\"body\": \"{state|0}\"}", "a limit is from 1" },
	{ "{\"body\": \"{state|99999999999999999999}\"}", "a limit is from 1" },
	{ "{\"body\": \"{state|5c}\"}", "what follows a |" },
	{ "{\"body\": \"{state|bb}\"}", "what follows a |" },
	{ "{\"body\": \"{file:/etc/passwd}\"}", "only setting: and secret:" },
	{ "{\"body\": \"{setting:}\"}", "a setting's name" },
	{ "{\"body\": \"{secret:a b}\"}", "a setting's name" },
	{ "{\"body\": \"{check:x}\"}", "only setting: and secret:" },
	{ "{\"body\": {\"$map\": 1, \"*\": 1}}", "has the text to look for" },
	{ "{\"body\": {\"$map\": \"{state}\"}}", "nothing to choose from" },
	{ "{\"body\": {\"$each\": 1, \"x\": 1}}", "no other members" },
	{ "{\"body\": {\"$each\": {\"$each\": 1}}}", "can't stand here" },
	{ "{\"body\": {\"$if\": 1}}", "'$if': only $map and $each" },
	{ "{\"body\": 1, \"path\": 5}", "\"path\"': is a text" },
	{ "{\"body\": 1, \"path\": [\"x\"]}", "\"path\"': is a text" },
	{ "{\"body\": 1, \"path\": {\"$map\": \"x\", \"*\": 1}}", "is a text" },
	{ "{\"body\": 1, \"method\": \"DELETE\"}", "is POST, PUT or PATCH" },
	{ "{\"body\": 1, \"method\": 1}", "is POST, PUT or PATCH" },
	{ "{\"body\": 1, \"one_by_one\": 1}", "is true or false" },
};

static void
what_is_wrong(void **state)
{
	struct template *template;

	(void)state;
	for (size_t i = 0; i < sizeof(mistakes) / sizeof(mistakes[0]); i++) {
		if (parse(&template, mistakes[i].text) == 0)
			fail_msg("taken: %s", mistakes[i].text);
		assert_int_equal(err.status, EX_CONFIG);
		if (strstr(err.msg, mistakes[i].want) == NULL)
			fail_msg("%s: '%s', not '%s'", mistakes[i].text,
			    err.msg, mistakes[i].want);
	}
	assert_int_equal(template_open(&template, "slak", &err), -1);
	assert_non_null(strstr(err.msg, "generic, slack, teams"));
	assert_int_equal(template_open(&template, "./none", &err), -1);
	assert_int_equal(err.status, EX_CONFIG);
}

/* Settings are looked for when the channel is known. */
static void
settings(void **state)
{
	struct template *template;

	(void)state;
	assert_int_equal(
	    parse(&template, "{\"body\": {\"$map\": \"{state}\", \"*\": 1,"
			     "\"OK\": \"{setting:nothing}\"}}"),
	    0);
	assert_int_equal(template_check(template, &channel, &err), -1);
	assert_int_equal(err.status, EX_CONFIG);
	assert_non_null(strstr(err.msg, "channel ops has no nothing="));
	template_free(template);
	assert_int_equal(
	    parse(&template, "{\"body\": \"{secret:s}\", \"path\": \"x\"}"), 0);
	assert_int_equal(template_check(template, &channel, &err), -1);
	assert_non_null(strstr(err.msg, "has no s= or s-file="));
	free(channel.settings);
	channel =
	    fake_channel(CHANNEL_WEBHOOK, "s", "unreadable", (char *)NULL);
	assert_int_equal(template_check(template, &channel, &err), -1);
	assert_int_equal(err.status, EX_NOPERM);
	template_free(template);
}

/* What a check says is no template, and what a setting says isn't either. */
static void
nothing_is_expanded_twice(void **state)
{
	(void)state;
	fake_add(&fake,
	    WEB("problem", "OK", "08:52:01.000", "CRIT",
		"{secret:bot-token} {state} {{ }} {text|5} \\\\u0022,\"a\":1"));
	body_is("{\"body\": {\"x\": \"{msg}\"}}",
	    "{\"x\":\"{secret:bot-token} {state} {{ }} {text|5} "
	    "\\\\u0022,\\\"a\\\":1\"}");
}

static void
paths(void **state)
{
	struct ha_buf body = HA_BUF_INIT, path = HA_BUF_INIT;
	struct template *template;

	(void)state;
	fake_add(&fake,
	    WEB("problem", "OK", "08:52:01.000", "CRIT", "a/../b?c#d e%é"));
	assert_int_equal(
	    parse(&template, "{\"body\": 1, \"method\": \"PUT\", \"path\": "
			     "\"/x/{msg}?k={secret:bot-token}\"}"),
	    0);
	assert_string_equal(template_method(template), "PUT");
	assert_int_equal(template_expand(template, &fake.bundle, &channel, 0,
			     &body, &path, &err),
	    0);
	assert_string_equal(
	    path.data, "/x/a%2F..%2Fb%3Fc%23d%20e%25%C3%A9?k=12:s3cret");
	ha_buf_reset(&path);
	assert_int_equal(template_expand(template, &fake.bundle, &channel, 1,
			     &body, &path, &err),
	    0);
	assert_string_equal(
	    path.data, "/x/a%2F..%2Fb%3Fc%23d%20e%25%C3%A9?k=***");
	template_free(template);
	ha_buf_release(&body);
	ha_buf_release(&path);
}

static void
groups(void **state)
{
	(void)state;
	fake_add(&fake, WEB("recovery", "CRIT", "09:02:01.250", "OK", "200"));
	fake_add(&fake, DISK("worse", "WARN", "09:03:01.250", "CRIT", "97%"));
	fake_add(&fake, MESSAGE("s", "b"));
	fake.bundle.left_out = 2;
	body_is("{\"body\": {\"a\": [\"{state}\", \"{event}\", \"{old_state}\","
		"\"{count}\", \"{left_out}\", \"{check}\", \"{host}\","
		"\"{by}\", \"{time}\", \"{name}\"],"
		"\"b\": {\"$each\": [\"{state}\", \"{event}\", \"{check}\", "
		"\"{body}\"]}}}",
	    "{\"a\":[\"CRIT\",\"worse\",\"CRIT\",3,2,\"\",\"\",\"web1\","
	    "\"2026-11-23T09:03:01.250Z\",\"disk:/ on web1, s, web-a\"],"
	    "\"b\":[[\"CRIT\",\"worse\",\"disk:/\",\"\"],"
	    "[\"INFO\",\"message\",\"\",\"b\"],"
	    "[\"OK\",\"recovery\",\"web-a\",\"\"]]}");
}

/* Of a shipped template; the caller's to give back. */
static json_t *
shipped(const char *name, struct ha_buf *path)
{
	struct ha_buf body = HA_BUF_INIT;
	struct template *template;
	json_t *json;

	ha_buf_reset(path);
	if (template_open(&template, name, &err) != 0 ||
	    template_check(template, &channel, &err) != 0 ||
	    template_expand(
		template, &fake.bundle, &channel, 0, &body, path, &err) != 0)
		fail_msg("%s: %s", name, err.msg);
	json = json_loadb(body.data, body.len, 0, NULL);
	if (json == NULL)
		fail_msg("%s: %s", name, body.data);
	template_free(template);
	ha_buf_release(&body);
	return json;
}

/* "a.0.b" */
static const json_t *
at(const json_t *json, const char *where)
{
	char part[64];
	size_t n;

	for (; *where != '\0'; where += n + (where[n] == '.')) {
		n = strcspn(where, ".");
		assert_true(n < sizeof(part));
		memcpy(part, where, n);
		part[n] = '\0';
		json = json_is_array(json)
			   ? json_array_get(json, strtoul(part, NULL, 10))
			   : json_object_get(json, part);
		if (json == NULL)
			fail_msg("no %s", part);
	}
	return json;
}

static const char *
text_at(const json_t *json, const char *where)
{
	const char *text = json_string_value(at(json, where));

	if (text == NULL)
		fail_msg("%s is no text", where);
	return text != NULL ? text : "";
}

static const struct {
	const char *name, *where;
	const char *problem, *recovery; /* NULL: it isn't there */
} services[] = {
	{ "generic", "event", "problem", "recovery" },
	{ "generic", "items.0.check", "web-a", "web-a" },
	{ "slack", "text", "CRIT web-a: dead", "OK web-a: was down 12 m" },
	{ "slack", "attachments.0.color", "#a30200", "#2eb886" },
	{ "teams", "attachments.0.content.body.0.inlines.0.color", "Attention",
	    "Good" },
	{ "discord", "content", "CRIT web-a: dead", "OK web-a: was down 12 m" },
	{ "telegram", "chat_id", "-1001", "-1001" },
	{ "pagerduty", "event_action", "trigger", "resolve" },
	{ "pagerduty", "dedup_key", INCIDENT, INCIDENT },
	{ "pagerduty", "payload.severity", "critical", "info" },
	{ "pagerduty", "payload.source", "https://web2/", "https://web2/" },
	{ "pagerduty", "routing_key", "s3cret-r", "s3cret-r" },
	{ "opsgenie", "alias", INCIDENT, NULL },
	{ "opsgenie", "note", NULL, "OK web-a: was down 12 m" },
	{ "ntfy", "topic", "servers", "servers" },
	{ "ntfy", "tags.0", "rotating_light", "white_check_mark" },
	{ "dingtalk", "msgtype", "text", "text" },
	{ "feishu", "card.header.template", "red", "green" },
	{ "wecom", "msgtype", "text", "text" },
	{ "alertmanager", "0.labels.alertname", "web-a", "web-a" },
	{ "alertmanager", "0.endsAt", "9999-12-31T23:59:59Z",
	    "2026-11-23T09:02:01.250Z" },
};

static void
value_is(size_t i, const char *want)
{
	struct ha_buf path = HA_BUF_INIT;
	json_t *json = shipped(services[i].name, &path);

	if (want == NULL)
		assert_null(json_object_get(json, services[i].where));
	else
		assert_string_equal(text_at(json, services[i].where), want);
	json_decref(json);
	ha_buf_release(&path);
}

static void
what_services_get(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(services) / sizeof(services[0]); i++) {
		fake_add(&fake,
		    WEB("problem", "OK", "08:52:01.000", "CRIT", "dead"));
		value_is(i, services[i].problem);
		fake_release(&fake);
		fake_add(&fake,
		    WEB("recovery", "CRIT", "09:02:01.250", "OK", "200 OK"));
		value_is(i, services[i].recovery);
		fake_release(&fake);
	}
}

static void
where_services_get_it(void **state)
{
	struct ha_buf path = HA_BUF_INIT;

	(void)state;
	fake_add(&fake, WEB("problem", "OK", "08:52:01.000", "CRIT", "dead"));
	json_decref(shipped("telegram", &path));
	assert_string_equal(path.data, "/bot12:s3cret/sendMessage");
	json_decref(shipped("opsgenie", &path));
	assert_string_equal(path.data, "");
	fake_release(&fake);
	fake_add(&fake, WEB("removed", "CRIT", "09:02:01.250", "OK", "-"));
	json_decref(shipped("opsgenie", &path));
	assert_string_equal(
	    path.data, "/" INCIDENT "/close?identifierType=alias");
	ha_buf_release(&path);
}

static const struct {
	const char *name, *where;
	size_t max; /* UTF-16 units, or bytes where is_bytes */
	int is_bytes;
} limits[] = {
	{ "slack", "text", 40000, 0 },
	{ "slack", "attachments.0.blocks.0.text.text", 3000, 0 },
	{ "teams", "", 28 * 1024, 1 },
	{ "discord", "content", 2000, 0 },
	{ "discord", "embeds.0.description", 4096, 0 },
	{ "telegram", "text", 4096, 0 },
	{ "pagerduty", "payload.summary", 1024, 0 },
	{ "pagerduty", "payload.source", 1024, 0 },
	{ "pagerduty", "", 512 * 1024, 1 },
	{ "opsgenie", "message", 130, 0 },
	{ "opsgenie", "description", 15000, 0 },
	{ "ntfy", "title", 250, 1 },
	{ "ntfy", "message", 4096, 1 },
	{ "dingtalk", "", 20000, 1 },
	{ "feishu", "", 20 * 1024, 1 },
	{ "wecom", "text.content", 2048, 1 },
};

static size_t
length_at(const json_t *json, const char *where, int is_bytes)
{
	char *all = NULL;
	const char *text;
	size_t size = 0;

	if (*where == '\0')
		all = json_dumps(json, JSON_COMPACT);
	text = all != NULL ? all : text_at(json, where);
	for (const char *p = text; *p != '\0'; p++)
		if (is_bytes || (*p & 0xc0) != 0x80)
			size += !is_bytes && (unsigned char)*p >= 0xf0 ? 2 : 1;
	free(all);
	return size;
}

/* FAKE_MAX checks that each say as much as a record holds. */
static void
add_storm(const char *piece)
{
	struct ha_buf line = HA_BUF_INIT;

	for (int i = 0; i < FAKE_MAX; i++) {
		ha_buf_reset(&line);
		ha_buf_addf(&line,
		    "problem\t" INCIDENT "%d\t" SINCE
		    "\tOK\t2026-11-23T08:52:01.000Z\tweb1\t-\tcheck-%d\tCRIT\t1"
		    "\thttps://%s/\t",
		    i, i, piece);
		while (line.len < HA_STATUS_MAX)
			ha_buf_add_str(&line, piece);
		ha_buf_add_str(&line, "\t-");
		fake_add(&fake, line.data);
	}
	ha_buf_release(&line);
}

static const char *const hostile[] = { "x", "磁", "😀", "\"", "\\\\", "<", "&",
	"`", "```", "*", "\\n", "@everyone ", "<!channel>", "<at id=all>",
	"</at>", "[x](y)", "\033]0;", "\xff", "\xe2\x80\xae", "{state}", "{",
	"%n%s", "{\"$map\":" };

static void
no_longer_than_allowed(void **state)
{
	struct ha_buf path = HA_BUF_INIT;
	json_t *json;
	size_t len;

	(void)state;
	for (size_t i = 0; i < sizeof(hostile) / sizeof(hostile[0]); i++) {
		add_storm(hostile[i]);
		for (size_t j = 0; j < sizeof(limits) / sizeof(*limits); j++) {
			json = shipped(limits[j].name, &path);
			len = length_at(
			    json, limits[j].where, limits[j].is_bytes);
			if (len > limits[j].max)
				fail_msg("%s: %s: %zu of '%s'", limits[j].name,
				    limits[j].where, len, hostile[i]);
			json_decref(json);
		}
		fake_release(&fake);
	}
	ha_buf_release(&path);
}

/* At random, so that pieces meet. */
static void
no_mentions(void **state)
{
	struct ha_buf line = HA_BUF_INIT, path = HA_BUF_INIT;
	const char *text;
	json_t *json;

	(void)state;
	test_seed();
	for (int round = 0; round < 200; round++) {
		ha_buf_reset(&line);
		ha_buf_add_str(&line, "problem\t" INCIDENT "\t" SINCE
				      "\tOK\t2026-11-23T08:52:01.000Z\tweb1\t-"
				      "\tweb\tCRIT\t1\t-\t");
		for (size_t n = 1 + test_random(30); n > 0; n--)
			ha_buf_add_str(&line, hostile[test_random(14)]);
		ha_buf_add_str(&line, "\t-");
		fake_add(&fake, line.data);

		json = shipped("slack", &path);
		assert_null(strpbrk(text_at(json, "text"), "<>"));
		assert_null(strpbrk(
		    text_at(json, "attachments.0.blocks.0.text.text"), "<>"));
		json_decref(json);

		json = shipped("discord", &path);
		assert_int_equal(
		    json_array_size(at(json, "allowed_mentions.parse")), 0);
		text = strstr(text_at(json, "embeds.0.description") + 3, "```");
		assert_string_equal(text, "```");
		for (text = text_at(json, "content"); *text != '\0'; text++)
			if (strchr("`*<@[", *text) != NULL)
				assert_int_equal(text[-1], '\\');
		json_decref(json);
		fake_release(&fake);
	}
	ha_buf_release(&line);
	ha_buf_release(&path);
}

static void
shown_without_secrets(void **state)
{
	struct ha_buf names = HA_BUF_INIT, body = HA_BUF_INIT;
	struct ha_buf path = HA_BUF_INIT;
	struct template *template;
	char *name, *rest;

	(void)state;
	fake_add(&fake, WEB("problem", "OK", "08:52:01.000", "CRIT", "dead"));
	template_names(&names);
	for (name = strtok_r(names.data, ", ", &rest); name != NULL;
	     name = strtok_r(NULL, ", ", &rest)) {
		assert_int_equal(template_open(&template, name, &err), 0);
		assert_int_equal(template_expand(template, &fake.bundle,
				     &channel, 1, &body, &path, &err),
		    0);
		assert_null(strstr(body.data, "s3cret"));
		assert_null(strstr(path.data, "s3cret"));
		assert_int_equal(template_is_one_by_one(template),
		    strcmp(name, "pagerduty") == 0 ||
			strcmp(name, "opsgenie") == 0);
		template_free(template);
	}
	ha_buf_release(&names);
	ha_buf_release(&body);
	ha_buf_release(&path);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(the_language),
		TEST(what_is_wrong),
		TEST(settings),
		TEST(nothing_is_expanded_twice),
		TEST(paths),
		TEST(groups),
		TEST(what_services_get),
		TEST(where_services_get_it),
		TEST(no_longer_than_allowed),
		TEST(no_mentions),
		TEST(shown_without_secrets),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
