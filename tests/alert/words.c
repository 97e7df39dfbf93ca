/* SPDX-License-Identifier: ISC */
/*
 * words - what a person reads: each event's line and lines, groups, times,
 * commands, and nothing that a hostile check could put between them.
 */
#include "test.h"

#include <time.h>

#include "fake-channel.h"
#include "words.h"

static struct fake_bundle fake;
static struct ha_buf out;

static int
setup(void **state)
{
	(void)state;
	setenv("TZ", "CST-8", 1);
	tzset();
	memset(&fake, 0, sizeof(fake));
	ha_buf_init(&out);
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	fake_release(&fake);
	ha_buf_release(&out);
	return 0;
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

static const struct {
	const char *line, *subject, *text;
} events[] = {
	{ WEB("problem", "OK", "08:52:01.000", "CRIT", "connection refused"),
	    "CRIT web-a: connection refused", "web-a is CRIT, it was OK.\n" },
	{ WEB("problem", "OK", "08:52:01.000", "CRIT", "-"), "CRIT web-a",
	    "web-a is CRIT, it was OK.\n\n" },
	{ DISK("problem", "OK", "08:52:01.000", "WARN", "91% used"),
	    "WARN disk:/ on web1: 91% used",
	    "disk:/ on web1 is WARN, it was OK.\n91% used\n\n" },
	{ DISK("worse", "WARN", "08:52:01.000", "CRIT", "97% used"),
	    "CRIT disk:/ on web1, was WARN: 97% used",
	    "disk:/ on web1 got worse: CRIT, it was WARN.\n" },
	{ DISK("better", "CRIT", "08:52:01.000", "WARN", "91% used"),
	    "WARN disk:/ on web1, was CRIT: 91% used",
	    "got better, but is not OK: WARN, it was CRIT.\n" },
	{ WEB("recovery", "CRIT", "09:02:01.250", "OK", "200 OK"),
	    "OK web-a: was down 12 m", "web-a is OK again, it was CRIT.\n" },
	{ DISK("recovery", "CRIT", "09:02:01.250", "OK", "50% used"),
	    "OK disk:/ on web1: was CRIT for 12 m", "50% used\n" },
	{ WEB("recovery", "UNKNOWN", "08:50:31.250", "OK", "200 OK"),
	    "OK web-a: was UNKNOWN for 30 s", "after 30 s\n" },
	/* ha-act's command helped, and nobody had been told of an outcome. */
	{ ACT("recovery", "OK", "08:50:01.250", "OK", "restart: ended with 0"),
	    "OK act:web-a on web1: restart: ended with 0",
	    "act:web-a on web1 is OK.\nrestart: ended with 0\n\n"
	    "since: Mon 2026-11-23 16:50:01 CST (+08:00; 08:50:01 UTC)\n"
	    "host: web1\n" },
	{ ACT("recovery", "CRIT", "09:02:01.250", "OK", "ended with 0"),
	    "OK act:web-a on web1: was CRIT for 12 m",
	    "look closer: ha-gate --history web-a\n" },
	{ WEB("reminder", "CRIT", "10:55:01.250", "CRIT", "no answer"),
	    "CRIT web-a for 2 h 5 m: no answer",
	    "web-a is still CRIT.\nSomebody sees to it? ha-gate --ack " INCIDENT },
	{ WEB("flapping", "OK", "08:52:01.000", "CRIT", "no answer"),
	    "CRIT web-a, flapping: no answer",
	    "The next message comes when it has settled.\n" },
	{ WEB("stale", "CRIT", "08:52:01.000", "UNKNOWN", "no result for 10 m"),
	    "UNKNOWN web-a: no result for 10 m",
	    "Is what checks it still running" },
	{ WEB("removed", "CRIT", "09:02:01.250", "UNKNOWN", "-"),
	    "web-a: checked no more, was down 12 m", "is checked no more" },
	{ WEB("removed", "OK", "09:02:01.250", "UNKNOWN", "-"),
	    "web-a: checked no more", "is checked no more; it was OK" },
	{ WEB("aborted", "OK", "08:52:01.000", "UNKNOWN", "ha-probe died"),
	    "UNKNOWN web-a, checks broke off: ha-probe died",
	    "Why did what checks die" },
	{ MESSAGE("backup of 数据库 failed", "one\\ntwo"),
	    "backup of 数据库 failed", "one\ntwo\n\ntime: " },
	/* A clock that was stepped: nothing lasts less than nothing. */
	{ WEB("recovery", "CRIT", "08:00:00.000", "OK", "-"),
	    "OK web-a: was down 0 ms", "after 0 ms\n" },
};

static void
each_event(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(events) / sizeof(events[0]); i++) {
		fake_add(&fake, events[i].line);
		ha_buf_reset(&out);
		words_subject(&out, &fake.bundle);
		assert_string_equal(out.data, events[i].subject);
		ha_buf_reset(&out);
		words_text(&out, &fake.bundle, NULL);
		has(out.data, events[i].text);
		assert_int_equal(out.data[out.len - 1], '\n');
		fake_release(&fake);
	}
}

static void
a_whole_text(void **state)
{
	(void)state;
	fake_add(
	    &fake, WEB("problem", "OK", "08:52:01.000", "CRIT", "no answer"));
	words_text(&out, &fake.bundle, NULL);
	assert_string_equal(out.data,
	    "web-a is CRIT, it was OK.\n"
	    "no answer\n"
	    "\n"
	    "since: Mon 2026-11-23 16:50:01 CST (+08:00; 08:50:01 UTC)\n"
	    "seen: Mon 2026-11-23 16:52:01 CST (+08:00; 08:52:01 UTC), after "
	    "1 m 59 s\n"
	    "target: https://web2/\n"
	    "seen by: web1\n"
	    "measured: time=0.031s\n"
	    "look closer: ha-probe --diagnose https://web2/\n"
	    "incident: " INCIDENT "\n");
}

static void
several_became_one(void **state)
{
	(void)state;
	fake_add(
	    &fake, WEB("problem", "OK", "08:52:01.000", "CRIT", "no answer"));
	fake_add(
	    &fake, WEB("recovery", "CRIT", "09:02:01.250", "OK", "200 OK"));
	fake_join(&fake, 2);
	words_subject(&out, &fake.bundle);
	assert_string_equal(out.data, "OK web-a: was down 12 m");
	ha_buf_reset(&out);
	words_text(&out, &fake.bundle, NULL);
	has(out.data, "It began as CRIT: no answer\n");
	has(out.data, "one message of 2 events");
	has(out.data, "\nuntil: Mon 2026-11-23 17:02:01 CST");
	fake_release(&fake);

	fake_add(&fake, DISK("problem", "OK", "08:52:01.000", "WARN", "91%"));
	fake_add(&fake, DISK("worse", "WARN", "09:02:01.250", "CRIT", "99%"));
	fake_join(&fake, 4);
	ha_buf_reset(&out);
	words_subject(&out, &fake.bundle);
	assert_string_equal(out.data, "CRIT disk:/ on web1, 4 changes: 99%");
	assert_int_equal(words_old_state(fake.items), HA_STATUS_WARN);
}

static void
groups(void **state)
{
	const char *p;

	(void)state;
	fake_add(&fake, WEB("recovery", "CRIT", "09:02:01.250", "OK", "200"));
	fake_add(&fake, DISK("problem", "OK", "08:52:01.000", "WARN", "91%"));
	fake_add(&fake, MESSAGE("backup failed", "why"));
	fake_add(&fake, WEB("problem", "OK", "08:52:01.000", "CRIT", "dead"));
	fake_add(&fake, WEB("removed", "OK", "08:52:01.000", "OK", "-"));
	fake.bundle.left_out = 7;
	fake.bundle.note = "told here since pager\nfailed";
	words_subject(&out, &fake.bundle);
	assert_string_equal(out.data,
	    "2 problems, 1 recovered, 1 removed, 1 message, 7 left out: "
	    "web-a, disk:/ on web1, backup failed, web-a and 1 more");
	ha_buf_reset(&out);
	words_text(&out, &fake.bundle, NULL);
	p = strstr(out.data, "CRIT web-a: dead\n");
	assert_ptr_equal(p, out.data);
	has(out.data, "\nWARN disk:/ on web1: 91%\n");
	has(out.data, "\nbackup failed\n");
	has(out.data, "\nOK web-a: was down 12 m\n");
	has(out.data, "\n7 more were left out");
	has(out.data, "\ntold here since pager failed\n");
	has(out.data, "\n[1] web-a is CRIT");
	has(out.data, "\n[3] backup failed\nwhy\n");
	has(out.data, "\n[5] ");
	fake_release(&fake);
	fake_add(&fake, WEB("problem", "OK", "08:52:01.000", "CRIT", "dead"));
	fake_add(&fake, ACT("recovery", "OK", "08:52:01.000", "OK", "done"));
	ha_buf_reset(&out);
	words_subject(&out, &fake.bundle);
	assert_string_equal(
	    out.data, "1 problem, 1 OK: web-a, act:web-a on web1");
}

/* Every one has its line, the first 20 their details. */
static void
a_storm(void **state)
{
	char line[512], want[64];

	(void)state;
	for (int i = 0; i < FAKE_MAX; i++) {
		snprintf(line, sizeof(line),
		    "problem\t" INCIDENT "%d\t" SINCE
		    "\tOK\t2026-11-23T08:52:01.000Z\tweb1\t-\tcheck-%d\tCRIT\t1"
		    "\t-\tdead\t-",
		    i, i);
		fake_add(&fake, line);
	}
	words_subject(&out, &fake.bundle);
	has(out.data, "64 problems: check-0, check-1, ");
	has(out.data, " more");
	assert_in_range(out.len, 60, 150);
	ha_buf_reset(&out);
	words_text(&out, &fake.bundle, NULL);
	for (int i = 0; i < FAKE_MAX; i++) {
		snprintf(want, sizeof(want), "CRIT check-%d: dead\n", i);
		has(out.data, want);
	}
	has(out.data, "\n[20] ");
	has_not(out.data, "\n[21] ");
	has(out.data, "Details of the first 20 only.\n");
}

static const struct {
	const char *zone;
	int64_t wall_ms;
	const char *words;
} times[] = {
	{ "UTC", 0, "Thu 1970-01-01 00:00:00 UTC" },
	{ "CST-8", 1795452301250,
	    "Tue 2026-11-24 00:45:01 CST (+08:00; "
	    "2026-11-23 16:45:01 UTC)" },
	{ "<-0330>3:30", 1795452301250,
	    "Mon 2026-11-23 13:15:01 (-03:30; 16:45:01 UTC)" },
	{ "EST5EDT,M3.2.0,M11.1.0", 1783000000000,
	    "Thu 2026-07-02 09:46:40 EDT (-04:00; 13:46:40 UTC)" },
	{ "GMT0BST,M3.5.0/1,M10.5.0", 1795452301250,
	    "Mon 2026-11-23 16:45:01 GMT" },
};

static void
zones(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(times) / sizeof(times[0]); i++) {
		setenv("TZ", times[i].zone, 1);
		tzset();
		ha_buf_reset(&out);
		words_add_time(&out, times[i].wall_ms);
		assert_string_equal(out.data, times[i].words);
	}
}

#define LOOK(host, check, target)                                              \
	"problem\t" INCIDENT "\t" SINCE                                        \
	"\tOK\t2026-11-23T08:52:01.000Z\tweb1\t" host "\t" check               \
	"\tCRIT\t1\t" target "\tdead\t-"

static const struct {
	const char *line, *look, *want;
} looks[] = {
	{ LOOK("-", "a", "http://web2/"), NULL,
	    "ha-probe --diagnose http://web2/" },
	{ LOOK("-", "a", "smtp+starttls://mx:25"), NULL,
	    "ha-probe --diagnose smtp+starttls://mx:25" },
	{ LOOK("-", "a", "http://x/?a=1&b=$(id)"), NULL,
	    "ha-probe --diagnose 'http://x/?a=1&b=$(id)'" },
	{ LOOK("-", "a", "http://x/';id;'"), NULL,
	    "ha-probe --diagnose 'http://x/'\\'';id;'\\'''" },
	{ LOOK("-", "a", "http://x/\\nrm -rf"), NULL,
	    "ha-probe --diagnose 'http://x/ rm -rf'" },
	{ LOOK("web1", "root", "disk:/?free=10%:"), NULL,
	    "ha-stat 'disk:/?free=10%:'" },
	{ LOOK("web1", "keep:mirror", "-"), NULL, "ha-keep --status mirror" },
	{ LOOK("web1", "act:nginx@web2", "systemctl restart nginx"), NULL,
	    "ha-gate --history nginx@web2" },
	{ LOOK("web1", "nginx", "monit"), NULL, "monit status nginx" },
	{ LOOK("web1", "nginx", "nagios"), NULL, "" },
	{ LOOK("web1", "push:/srv", "web2:/srv"), NULL,
	    "ha-gate --history push:/srv" },
	{ LOOK("-", "-x y", "-"), NULL, "ha-gate --history -- '-x y'" },
	{ LOOK("-", "a b", "-"), "ssh %h look %c 100%",
	    "ssh - look 'a b' 100%" },
	{ LOOK("web1", "$(id)", "-"), "look %c@%h", "look '$(id)'@web1" },
	{ MESSAGE("s", "b"), "look %c", "" },
};

static void
commands(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(looks) / sizeof(looks[0]); i++) {
		fake_add(&fake, looks[i].line);
		ha_buf_reset(&out);
		words_look(&out, fake.items, looks[i].look);
		assert_string_equal(out.data, looks[i].want);
		fake_release(&fake);
	}
}

/* Everything that could end a line, drive a terminal or turn a text. */
static void
hostile_bytes(void **state)
{
	(void)state;
	words_add(&out, "a\r\nBcc: x\tb\033[31m\xff\xe2\x80\xae"
			"c\xe2\x80\xa8 d\xe4\xb8\n");
	assert_string_equal(out.data, "a Bcc: x b?[31m??c    d??");
	ha_buf_reset(&out);
	words_add_lines(&out, "a\r\nb\rc\td\033\n\ne");
	assert_string_equal(out.data, "a\nb\nc\td?\n\ne\n");
	ha_buf_reset(&out);
	words_add_lines(&out, "");
	assert_string_equal(out.data, "");
}

/* A check's words can't forge a line of the text. */
static void
one_line_each(void **state)
{
	(void)state;
	fake_add(&fake, WEB("problem", "OK", "08:52:01.000", "CRIT",
			    "dead\\nincident: forged\\nlook closer: rm -rf /"));
	words_text(&out, &fake.bundle, NULL);
	has(out.data, "\ndead incident: forged look closer: rm -rf /\n");
	has_not(out.data, "\nlook closer: rm");
}

static void
long_words(void **state)
{
	struct ha_buf line = HA_BUF_INIT;

	(void)state;
	ha_buf_add_str(&line, "problem\t" INCIDENT "\t" SINCE
			      "\tOK\t2026-11-23T08:52:01.000Z\tweb1\t-\tweb"
			      "\tCRIT\t1\t-\t");
	for (int i = 0; i < 600; i++)
		ha_buf_add_str(&line, "磁😀");
	ha_buf_add_str(&line, "\t-");
	fake_add(&fake, line.data);
	ha_buf_release(&line);
	words_subject(&out, &fake.bundle);
	assert_string_equal(out.data + out.len - strlen("…"), "…");
	assert_int_equal(
	    words_fit(out.data, out.len, 1000), out.len); /* whole */
	assert_true(words_fit(out.data, out.len, 120) == out.len);
	assert_true(words_fit(out.data, out.len, 117) < out.len);
	ha_buf_reset(&out);
	words_text(&out, &fake.bundle, NULL);
	assert_true(out.len > 600 * 7); /* the text has all of it */
}

static void
fitting(void **state)
{
	(void)state;
	assert_int_equal(words_fit("abc", 3, 2), 2);
	assert_int_equal(words_fit("a\xc3\xa4z", 4, 2), 3);
	assert_int_equal(words_fit("磁盘", 6, 1), 3);
	assert_int_equal(words_fit("😀x", 5, 1), 0);
	assert_int_equal(words_fit("😀x", 5, 2), 4);
	assert_int_equal(words_fit("", 0, 0), 0);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(each_event),
		TEST(a_whole_text),
		TEST(several_became_one),
		TEST(groups),
		TEST(a_storm),
		TEST(zones),
		TEST(commands),
		TEST(hostile_bytes),
		TEST(one_line_each),
		TEST(long_words),
		TEST(fitting),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
