/* SPDX-License-Identifier: ISC */
/*
 * render - an alert as each kind of channel takes it, and as it is shown.
 */
#include "test.h"

#include <time.h>

#include "fake-channel.h"
#include "render.h"

#define PROBLEM WEB("problem", "OK", "08:52:01.000", "CRIT", "dead")
#define RECOVERY WEB("recovery", "CRIT", "09:02:01.250", "OK", "200 OK")

static struct fake_bundle fake;
static struct rendered rendered;
static struct channel channel;
static struct ha_err err;

static int
setup(void **state)
{
	(void)state;
	setenv("TZ", "CST-8", 1);
	tzset();
	memset(&fake, 0, sizeof(fake));
	memset(&channel, 0, sizeof(channel));
	rendered_init(&rendered);
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	fake_release(&fake);
	rendered_release(&rendered);
	free(channel.settings);
	return 0;
}

static void
render_now(void)
{
	if (render(&rendered, &fake.bundle, &channel, &err) != 0)
		fail_msg("%s", err.msg);
}

static void
has(const char *text, const char *part)
{
	if (strstr(text, part) == NULL)
		fail_msg("'%s' is not in:\n%s", part, text);
}

static void
has_not(const char *text, const char *part)
{
	if (strstr(text, part) != NULL)
		fail_msg("'%s' is in:\n%s", part, text);
}

static void
mails(void **state)
{
	(void)state;
	channel = fake_channel(CHANNEL_SMTP, "from", "Ops <ops@example.org>",
	    "to", "a@b", "cc", "c@d", "reply-to", "e@f", (char *)NULL);
	fake_add(&fake, PROBLEM);
	render_now();
	assert_string_equal(rendered.content_type, "message/rfc822");
	assert_string_equal(rendered.key, INCIDENT "-problem");
	assert_string_equal(rendered.subject.data, "CRIT web-a: dead");
	has(rendered.body.data, "\r\nFrom: Ops <ops@example.org>\r\nTo: a@b"
				"\r\nCc: c@d\r\nReply-To: e@f\r\n");
	has(rendered.body.data,
	    "\r\nMessage-ID: <" INCIDENT "-problem@example.org>\r\n");
	has(rendered.body.data, "\r\nImportance: high\r\n");
	has_not(rendered.body.data, "\r\nReferences:");
	fake_release(&fake);

	fake_add(&fake, RECOVERY);
	render_now();
	has(rendered.body.data,
	    "\r\nMessage-ID: <" INCIDENT "-recovery@example.org>\r\n"
	    "In-Reply-To: <" INCIDENT "-problem@example.org>\r\n"
	    "References: <" INCIDENT "-problem@example.org>\r\n");
	has(rendered.body.data, "\r\nX-HA-State: OK\r\nX-HA-Event: recovery"
				"\r\nX-HA-Incident: " INCIDENT "\r\n");
	has_not(rendered.body.data, "Importance");
	fake_release(&fake);

	/* One that became one with its problem begins a thread itself. */
	fake_add(&fake, PROBLEM);
	fake_add(&fake, RECOVERY);
	fake_join(&fake, 2);
	render_now();
	has_not(rendered.body.data, "\r\nReferences:");
	fake_release(&fake);

	fake_add(&fake, RECOVERY);
	fake_add(&fake, DISK("worse", "WARN", "08:52:01.000", "CRIT", "97%"));
	render_now();
	has_not(rendered.body.data, "\r\nReferences:");
	has_not(rendered.body.data, "\r\nX-HA-Incident:");
	has(rendered.body.data, "\r\nX-HA-State: CRIT\r\nX-HA-Event: worse");
	fake_release(&fake);

	fake_add(&fake, MESSAGE("数据库", "body"));
	render_now();
	has(rendered.body.data, "\r\nSubject: =?utf-8?B?5pWw5o2u5bqT?=\r\n");
	has(rendered.body.data, "\r\nX-HA-State: INFO\r\nX-HA-Event: message");
}

/* Without from= it is of this machine, but its Message-ID is not. */
static void
no_sender(void **state)
{
	char from[256];

	(void)state;
	channel =
	    fake_channel(CHANNEL_SENDMAIL, "to", "a@example.net", (char *)NULL);
	fake_add(&fake, PROBLEM);
	render_now();
	snprintf(
	    from, sizeof(from), "\r\nFrom: ha-alert@%s\r\n", ha_status_here());
	has(rendered.body.data, from);
	has(rendered.body.data, "-problem@example.net>\r\n");
}

static void
records(void **state)
{
	(void)state;
	channel = fake_channel(CHANNEL_EXEC, (char *)NULL);
	fake_add(&fake, PROBLEM);
	fake_add(&fake, RECOVERY);
	fake_join(&fake, 2);
	render_now();
	assert_string_equal(rendered.body.data, PROBLEM "\n" RECOVERY "\n");
	fake_release(&fake);
	channel.kind = CHANNEL_FILE;
	fake_add(&fake, MESSAGE("s", "b"));
	render_now();
	assert_string_equal(rendered.body.data, MESSAGE("s", "b") "\n");
	free(channel.settings);
	channel =
	    fake_channel(CHANNEL_FILE, "template", "generic", (char *)NULL);
	render_now();
	assert_int_equal(rendered.body.data[0], '{');
	assert_ptr_equal(strchr(rendered.body.data, '\n'),
	    rendered.body.data + rendered.body.len - 1);
}

static void
a_line(void **state)
{
	(void)state;
	channel = fake_channel(CHANNEL_SYSLOG, (char *)NULL);
	fake_add(&fake, PROBLEM);
	render_now();
	assert_string_equal(rendered.body.data, "CRIT web-a: dead");
	fake_add(&fake, DISK("worse", "WARN", "08:52:01.000", "CRIT", "a\\nb"));
	fake.bundle.left_out = 3;
	render_now();
	assert_string_equal(rendered.body.data,
	    "CRIT web-a: dead; CRIT disk:/ on web1, was WARN: a b; 3 left out");
}

static void
webhooks(void **state)
{
	struct ha_buf first = HA_BUF_INIT;

	(void)state;
	channel = fake_channel(CHANNEL_WEBHOOK, "url", "https://h/", "template",
	    "telegram", "bot-token", "1:2", "chat-id", "3", (char *)NULL);
	fake_add(&fake, PROBLEM);
	render_now();
	assert_string_equal(rendered.content_type, "application/json");
	assert_string_equal(rendered.path.data, "/bot1:2/sendMessage");
	assert_string_equal(rendered.method, "");
	assert_int_equal(rendered.body.data[0], '{');
	assert_null(strchr(rendered.body.data, '\n'));
	ha_buf_add(&first, rendered.body.data, rendered.body.len);
	render_now(); /* the same again */
	assert_string_equal(rendered.body.data, first.data);
	ha_buf_release(&first);
}

static void
checked(void **state)
{
	(void)state;
	channel = fake_channel(
	    CHANNEL_WEBHOOK, "template", "pagerduty", "a", "b", (char *)NULL);
	assert_int_equal(render_check(&channel, &err), -1);
	has(err.msg, "pagerduty:9:21: ");
	has(err.msg, "has no routing-key= or routing-key-file=");
	assert_int_equal(render_is_one_by_one(&channel), 1);
	channel.settings[1].key = (char[]){ "routing-key" };
	assert_int_equal(render_check(&channel, &err), 0);
	channel.settings[0].value = (char[]){ "none" };
	assert_int_equal(render_check(&channel, &err), -1);
	assert_int_equal(err.status, EX_CONFIG);
	assert_int_equal(render_is_one_by_one(&channel), 0);
	fake_add(&fake, PROBLEM);
	assert_int_equal(render(&rendered, &fake.bundle, &channel, &err), -1);
	channel.kind = CHANNEL_SMTP;
	assert_int_equal(render_check(&channel, &err), 0);
}

static void
shown(void **state)
{
	struct ha_buf out = HA_BUF_INIT;

	(void)state;
	channel = fake_channel(CHANNEL_WEBHOOK, "url",
	    "https://user:pw@hooks.example/T0/s3cret?k=s3cret", "template",
	    "pagerduty", "routing-key", "s3cret", (char *)NULL);
	fake_add(&fake, PROBLEM);
	assert_int_equal(render_show(&out, &fake.bundle, &channel, &err), 0);
	has(out.data,
	    "CRIT web-a: dead\nchannel: ops\nkey: " INCIDENT "-problem\n\n"
	    "POST https://hooks.example/***\n{\n");
	has(out.data, "\n  \"routing_key\": \"***\",\n");
	has_not(out.data, "s3cret");
	has_not(out.data, "pw");
	free(channel.settings);
	ha_buf_reset(&out);
	channel = fake_channel(
	    CHANNEL_WEBHOOK, "url", "http://h", "method", "PUT", (char *)NULL);
	assert_int_equal(render_show(&out, &fake.bundle, &channel, &err), 0);
	has(out.data, "\n\nPUT http://h\n{\n");
	free(channel.settings);
	ha_buf_reset(&out);
	channel = fake_channel(CHANNEL_SMTP, "from", "\033[31m数 <a@b>", "to",
	    "c@d", (char *)NULL);
	assert_int_equal(render_show(&out, &fake.bundle, &channel, &err), 0);
	has(out.data, "\nFrom: ?[31m数 <a@b>\nTo: c@d\nSubject: CRIT web-a: "
		      "dead\n\nweb-a is CRIT");
	ha_buf_release(&out);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(mails),
		TEST(no_sender),
		TEST(records),
		TEST(a_line),
		TEST(webhooks),
		TEST(checked),
		TEST(shown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
