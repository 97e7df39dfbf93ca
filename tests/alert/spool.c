/* SPDX-License-Identifier: ISC */
/*
 * spool - files that are whole or not there, what they say, and the state.
 */
#include "test.h"

#include <fcntl.h>
#include <sys/stat.h>

#include "alloc.h"
#include "clock.h"
#include "entry.h"
#include "names.h"
#include "spool.h"
#include "state.h"

static struct spool spool;
static struct entry_reader reader;

static void
start(void)
{
	struct ha_err err;

	setenv("HA_STATE_DIR", "state", 1);
	assert_int_equal(spool_open_existing(&spool, &err), 0);
	assert_int_equal(spool_open(&spool, &err), 0);
	entry_reader_init(&reader);
}

static void
end(void)
{
	entry_reader_release(&reader);
	spool_close(&spool);
}

static void
take(size_t count)
{
	static const char *const channels[] = { "ops", "pager" };
	struct alert *alerts = ha_xcalloc(count, sizeof(*alerts));
	struct ha_buf line = HA_BUF_INIT;
	struct ha_err err;

	for (size_t i = 0; i < count; i++) {
		char *subject = ha_xasprintf("subject %zu", i);

		ha_buf_reset(&line);
		alert_encode_message(&line, "web1", subject, "body", 0);
		ha_buf_truncate(&line, line.len - 1);
		assert_int_equal(alert_decode(&alerts[i], line.data, &err), 0);
		free(subject);
	}
	assert_int_equal(
	    spool_take(&spool, channels, 2, alerts, count, &err), 0);
	for (size_t i = 0; i < count; i++)
		alert_release(&alerts[i]);
	ha_buf_release(&line);
	free(alerts);
}

static void
taken(void **unused)
{
	int fd;
	struct entry entry;
	struct ha_err err;
	char **names;
	size_t count;

	(void)unused;
	start();
	fd = spool_open_dir(&spool, "new", NULL);
	take(SPOOL_FILE_MAX + 3);
	assert_int_equal(spool_names(fd, &names, &count, &err), 0);
	assert_int_equal(count, 2);
	assert_true(llabs(spool_id_ms(names[0]) - ha_clock_wall_ms()) < 60000);
	assert_int_equal(entry_read(&reader, fd, names[0], 1, &entry, &err), 0);
	assert_int_equal(entry.item_count, SPOOL_FILE_MAX);
	assert_string_equal(entry.channels, "ops,pager");
	assert_false(entry.is_one);
	entry_release(&entry);
	assert_int_equal(entry_read(&reader, fd, names[1], 1, &entry, &err), 0);
	assert_int_equal(entry.item_count, 3);
	assert_string_equal(
	    entry.items[2].first->transition.status.msg, "subject 258");
	entry_release(&entry);
	spool_free_names(names, count);
	close(fd);
	end();
}

/* ID.N is alert N of a file that several names share. */
static void
numbered(void **unused)
{
	struct entry entry;
	struct ha_err err;
	char **names, *name;
	size_t count;
	int fd, queue;

	(void)unused;
	start();
	take(3);
	fd = spool_open_dir(&spool, "new", NULL);
	queue = spool_dir(&spool, "queue", "ops", &err);
	assert_int_equal(spool_names(fd, &names, &count, &err), 0);
	for (size_t i = 0; i < 4; i++) {
		name = entry_name(names[0], i);
		assert_int_equal(linkat(fd, names[0], queue, name, 0), 0);
		if (i < 3) {
			char *subject = ha_xasprintf("subject %zu", i);

			assert_int_equal(
			    entry_read(&reader, queue, name, 0, &entry, &err),
			    0);
			assert_int_equal(entry.item_count, 1);
			assert_string_equal(
			    entry.alerts->transition.status.msg, subject);
			free(subject);
			entry_release(&entry);
		} else {
			assert_int_equal(
			    entry_read(&reader, queue, name, 0, &entry, &err),
			    -1);
			assert_int_equal(err.status, EX_DATAERR);
		}
		free(name);
	}
	assert_int_equal(
	    entry_read(&reader, queue, "gone.000", 0, &entry, &err), -1);
	assert_int_equal(err.status, EX_NOINPUT);
	spool_free_names(names, count);
	close(fd);
	close(queue);
	end();
}

static void
put(int fd, const char *name, const char *text)
{
	int file = openat(fd, name, O_WRONLY | O_CREAT | O_TRUNC, 0600);

	assert_int_equal(write(file, text, strlen(text)), strlen(text));
	close(file);
}

#define LINE "message\tab\t2026-11-23T08:50:01Z\th\ts\tb\n"

static void
malformed(void **unused)
{
	static const char *const texts[] = { "", "\n", "rubbish\n",
		"#ha-alert\tv=1\n", "#ha-alert\tv=1\n#end\tn=0\n",
		"#ha-alert\tv=1\n" LINE "#end\tn=2\n",
		"#ha-alert\tv=1\n" LINE "#end\tn=1",
		"#ha-alert\tv=1\n" LINE "#end\n", LINE "#end\tn=1\n",
		"#ha-alert\tv=1\nrubbish\n#end\tn=1\n",
		"#ha-alert\tv=1\n#item\tcount=2\n" LINE LINE LINE "#end\tn=3\n",
		"#ha-alert\tv=1\n#item\n#item\n" LINE "#end\tn=1\n",
		"#ha-alert\tv=1\n" LINE "#item\n" LINE "#end\tn=2\n",
		"#ha-alert\tv=1\n#member\n#item\n" LINE "#end\tn=1\n",
		"#ha-alert\tv=1\n" LINE "#end\tn=1\nmore\n" };
	struct entry entry;
	struct ha_err err;
	int fd;

	(void)unused;
	start();
	fd = spool_open_dir(&spool, "tmp", NULL);
	for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++) {
		put(fd, "x.000", texts[i]);
		assert_int_equal(
		    entry_read(&reader, fd, "x.000", 0, &entry, &err), -1);
		assert_int_equal(err.status, EX_DATAERR);
		unlinkat(fd, "x.000", 0);
	}
	put(fd, "x.000", "#ha-alert\tv=1\n" LINE "#end\tn=1\n");
	assert_int_equal(entry_read(&reader, fd, "x.000", 0, &entry, &err), 0);
	entry_release(&entry);
	close(fd);
	end();
}

/* A file's number is given again: the one that was read is not taken for it. */
static void
reused_inode(void **unused)
{
	struct entry entry;
	struct ha_err err;
	int fd;

	(void)unused;
	start();
	fd = spool_open_dir(&spool, "tmp", NULL);
	for (int i = 0; i < 100; i++) {
		char *text = ha_xasprintf("#ha-alert\tv=1\nmessage\tab\t"
					  "2026-11-23T08:50:01Z\th\t%03d\tb\n"
					  "#end\tn=1\n",
		    i);

		put(fd, "x.000", text);
		assert_int_equal(
		    entry_read(&reader, fd, "x.000", 0, &entry, &err), 0);
		assert_int_equal(atoi(entry.alerts->transition.status.msg), i);
		entry_release(&entry);
		unlinkat(fd, "x.000", 0);
		free(text);
	}
	close(fd);
	end();
}

static void
bundles(void **unused)
{
	static const char *const members[] = { "1.000", "2.000+3" };
	struct entry_header header = { .channels = "ops",
		.members = members,
		.member_count = 2,
		.is_alone = 1 };
	struct alert_item items[2];
	struct alert_bundle bundle = { .items = items,
		.count = 2,
		.left_out = 7,
		.note = "why\tit is here" };
	struct ha_buf content = HA_BUF_INIT;
	struct alert a, b;
	struct entry entry;
	struct ha_err err;
	int fd;

	(void)unused;
	start();
	fd = spool_open_dir(&spool, "tmp", NULL);
	assert_int_equal(
	    alert_decode(
		&a, "message\tab\t2026-11-23T08:50:01Z\th\ts\tb", &err),
	    0);
	assert_int_equal(
	    alert_decode(
		&b, "message\tcd\t2026-11-23T08:50:02Z\th\tt\tb", &err),
	    0);
	items[0] = (struct alert_item){ &a, &b, 5 };
	items[1] = (struct alert_item){ &b, &b, 1 };
	entry_encode(&content, &bundle, &header);
	assert_int_equal(spool_put(&spool, fd, "x", &content, &err), 0);
	/* Again is as once. */
	assert_int_equal(spool_put(&spool, fd, "x", &content, &err), 0);
	for (int is_whole = 0; is_whole < 2; is_whole++) {
		assert_int_equal(
		    entry_read(&reader, fd, "x", is_whole, &entry, &err), 0);
		assert_true(entry.is_one && entry.is_alone);
		assert_int_equal(entry.item_count, 2);
		assert_int_equal(entry.items[0].count, 5);
		assert_string_equal(entry.items[0].first->line, a.line);
		assert_string_equal(entry.items[0].last->line, b.line);
		assert_ptr_equal(entry.items[1].first, entry.items[1].last);
		assert_int_equal(entry.left_out, 7);
		assert_string_equal(entry.note, "why\tit is here");
		assert_int_equal(entry.member_count, 2);
		assert_string_equal(entry.members[1], "2.000+3");
		entry_release(&entry);
	}
	alert_release(&a);
	alert_release(&b);
	ha_buf_release(&content);
	close(fd);
	end();
}

static void
states(void **unused)
{
	struct state state, again;
	struct ha_err err;
	struct state_entry *entry;
	int fd;

	(void)unused;
	start();
	fd = spool_dir(&spool, "queue", "ops", &err);
	state_init(&state);
	state_read(&state, fd);
	assert_int_equal(state.count, 0);
	for (int i = 0; i < 200; i++) {
		char name[16];

		snprintf(name, sizeof(name), "%03d", (i * 7) % 200);
		state_entry(&state, name)->attempts = (unsigned)i;
	}
	for (int i = 0; i < 200; i += 2) {
		char name[16];

		snprintf(name, sizeof(name), "%03d", i);
		state_remove(&state, name);
	}
	entry = state_entry(&state, "001");
	entry->next_ms = 12345678901234;
	entry->born_ms = 77;
	entry->may_have_it = 1;
	state_set_words(&entry->words, "a\tb\n");
	state.attempts = 3;
	state.next_ms = 99;
	state.seen_ms = 5;
	state_set_words(&state.words, "down");
	state.gaps[0] = (struct state_gap){ 1, -2 };
	state.gap_count = 1;
	assert_int_equal(state_write(&state, fd, &err), 0);
	state_init(&again);
	state_read(&again, fd);
	assert_int_equal(again.count, 100);
	assert_null(state_find(&again, "000"));
	entry = state_find(&again, "001");
	assert_non_null(entry);
	assert_true(entry->next_ms == 12345678901234);
	assert_true(entry->born_ms == 77 && entry->may_have_it);
	assert_string_equal(entry->words, "a\tb\n");
	assert_int_equal(again.attempts, 3);
	assert_true(again.next_ms == 99 && again.seen_ms == 5);
	assert_string_equal(again.words, "down");
	assert_true(again.gap_count == 1 && again.gaps[0].length_ms == -2);
	state_release(&again);
	state_release(&state);
	close(fd);
	end();
}

static void
numbers(void **unused)
{
	struct names names;

	(void)unused;
	names_init(&names);
	assert_true(names_find(&names, "0") == NAMES_NONE);
	for (size_t i = 0; i < 1000; i++) {
		char *name = ha_xasprintf("%zu", i % 500);

		assert_int_equal(names_add(&names, name), i % 500);
		assert_int_equal(names_find(&names, name), i % 500);
		free(name);
	}
	assert_int_equal(names.count, 500);
	assert_true(names_find(&names, "500") == NAMES_NONE);
	names_release(&names);
}

static void
channel_names(void **unused)
{
	char long_name[66] = "";

	(void)unused;
	memset(long_name, 'x', 65);
	assert_true(spool_is_name("ops"));
	assert_true(spool_is_name("a.b_c-D1"));
	assert_false(spool_is_name(""));
	assert_false(spool_is_name("."));
	assert_false(spool_is_name(".."));
	assert_false(spool_is_name(".state"));
	assert_false(spool_is_name(SPOOL_GARBAGE));
	assert_false(spool_is_name("a/b"));
	assert_false(spool_is_name("a,b"));
	assert_false(spool_is_name("\xc3\xa4"));
	assert_false(spool_is_name(long_name));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		test_in_folder(taken),
		test_in_folder(numbered),
		test_in_folder(malformed),
		test_in_folder(reused_inode),
		test_in_folder(bundles),
		test_in_folder(states),
		cmocka_unit_test(numbers),
		cmocka_unit_test(channel_names),
	};

	return cmocka_run_group_tests_name("spool", tests, NULL, NULL);
}
