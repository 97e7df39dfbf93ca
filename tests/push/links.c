/* SPDX-License-Identifier: ISC */
/* links - names of one file: from records, from walks, gone, used again. */
#include "test.h"

#include <fcntl.h>
#include <sys/stat.h>

#include "buf.h"
#include "change.h"
#include "links.h"

struct world {
	int fd;
	struct ha_match *match;
	struct links *links;
};

static void
open_world(struct world *w)
{
	struct ha_err err;

	w->fd = open(".", O_RDONLY | O_DIRECTORY);
	w->match = ha_match_new();
	assert_int_equal(ha_match_add(w->match, "*.no", &err), 0);
	w->links = links_new(w->fd, w->match);
}

static void
close_world(struct world *w)
{
	links_free(w->links);
	ha_match_free(w->match);
	close(w->fd);
}

static void
make_file(const char *path)
{
	int fd = open(path, O_WRONLY | O_CREAT, 0600);

	assert_true(fd >= 0);
	close(fd);
}

static struct stat
look(const char *path)
{
	struct stat st;

	assert_int_equal(lstat(path, &st), 0);
	return st;
}

static void
note(struct world *w, const char *path)
{
	struct stat st = look(path);

	links_note(w->links, path, &st);
}

static int
go_on(void)
{
	return 0;
}

static void
add(void *context, const char *path)
{
	ha_buf_addf(context, "%s ", path);
}

static void
assert_names(struct world *w, const char *path, const char *want)
{
	struct ha_buf names = HA_BUF_INIT;
	struct stat st = look(path);

	links_names(w->links, &st, add, &names);
	assert_string_equal(names.data, want);
	ha_buf_release(&names);
}

static void
names_from_records(void **state)
{
	struct world w;
	struct stat st;

	(void)state;
	open_world(&w);
	make_file("a");
	note(&w, "a");
	assert_names(&w, "a", "");
	assert_int_equal(link("a", "b"), 0);
	note(&w, "a");
	st = look("a");
	assert_true(links_wants_walk(w.links, &st));
	note(&w, "b");
	note(&w, "b");
	assert_false(links_wants_walk(w.links, &st));
	assert_names(&w, "a", "a b ");
	assert_int_equal(unlink("a"), 0);
	make_file("a");
	assert_names(&w, "b", "b ");
	close_world(&w);
}

static void
walks_find_the_rest(void **state)
{
	struct links_totals totals;
	struct world w;
	struct stat st;

	(void)state;
	open_world(&w);
	assert_int_equal(mkdir("d", 0700) | mkdir("d/e", 0700), 0);
	make_file("d/a");
	assert_int_equal(link("d/a", "d/e/b") | link("d/a", "c.no"), 0);
	note(&w, "d/a");
	st = look("d/a");
	assert_true(links_wants_walk(w.links, &st));
	links_walk(w.links, "d", &totals, go_on);
	assert_int_equal(totals.files, 2);
	assert_int_equal(totals.dirs, 1);
	assert_false(totals.whole);
	assert_true(links_has_unknown(w.links, "d"));
	assert_true(links_wants_walk(w.links, &st));
	links_walk(w.links, HA_CHANGE_ROOT, &totals, go_on);
	assert_true(totals.whole);
	/* The third name is excluded: no walk will find it. */
	assert_false(links_has_unknown(w.links, "d"));
	assert_false(links_wants_walk(w.links, &st));
	assert_names(&w, "d/a", "d/a d/e/b ");
	/* A name that went away: what a walk found holds no more. */
	assert_int_equal(unlink("d/e/b") | link("d/a", "d/f"), 0);
	st = look("d/a");
	assert_true(links_wants_walk(w.links, &st));
	close_world(&w);
}

static void
crossing_names(void **state)
{
	struct ha_buf names = HA_BUF_INIT;
	struct world w;

	(void)state;
	open_world(&w);
	assert_int_equal(mkdir("d", 0700) | mkdir("dd", 0700), 0);
	make_file("d/a");
	make_file("d/x");
	assert_int_equal(link("d/a", "dd/a") | link("d/x", "d/y"), 0);
	note(&w, "d/a");
	note(&w, "dd/a");
	note(&w, "d/x");
	note(&w, "d/y");
	links_crossing(w.links, "d", add, &names);
	assert_string_equal(names.data, "d/a dd/a ");
	ha_buf_reset(&names);
	links_crossing(w.links, HA_CHANGE_ROOT, add, &names);
	assert_string_equal(names.data, "");
	ha_buf_release(&names);
	close_world(&w);
}

static void
once_a_round(void **state)
{
	struct world w;
	struct stat st;

	(void)state;
	open_world(&w);
	make_file("a");
	assert_int_equal(link("a", "b"), 0);
	note(&w, "a");
	st = look("a");
	for (int round = 0; round < 3; round++) {
		links_new_round(w.links);
		assert_true(links_first(w.links, &st));
		assert_false(links_first(w.links, &st));
	}
	close_world(&w);
}

static void
assert_left(struct world *w, const char *path, const char *want)
{
	struct ha_buf names = HA_BUF_INIT;
	struct stat st;
	int is_there = lstat(path, &st) == 0;

	links_left(w->links, path, is_there ? &st : NULL, add, &names);
	assert_string_equal(names.data, want);
	ha_buf_release(&names);
}

static void
names_that_were_left(void **state)
{
	struct world w;
	struct stat st;

	(void)state;
	open_world(&w);
	make_file("a");
	assert_int_equal(link("a", "b") | link("a", "c") | link("a", "d"), 0);
	note(&w, "a");
	note(&w, "b");
	note(&w, "c");
	note(&w, "d");
	assert_left(&w, "b", "");
	/* A name that goes is no change; a change by it is one. */
	assert_int_equal(unlink("d"), 0);
	assert_left(&w, "d", "");
	assert_int_equal(truncate("c", 100) | unlink("c"), 0);
	assert_left(&w, "c", "a b ");
	assert_left(&w, "c", "");
	st = look("a");
	links_new_round(w.links);
	assert_true(links_first(w.links, &st));
	make_file("other");
	assert_int_equal(rename("other", "b"), 0);
	assert_left(&w, "b", "");
	assert_int_equal(link("a", "e") | truncate("a", 200), 0);
	note(&w, "e");
	make_file("other");
	assert_int_equal(rename("other", "e"), 0);
	assert_left(&w, "e", "a ");
	close_world(&w);
}

/* Mail is delivered by link(2) and unlink(2): each leaves a name behind. */
static void
gone_files_are_forgotten(void **state)
{
	char path[32], other[32];
	struct world w;

	(void)state;
	open_world(&w);
	make_file("stays");
	assert_int_equal(link("stays", "too"), 0);
	note(&w, "stays");
	note(&w, "too");
	for (int i = 0; i < 5000; i++) {
		snprintf(path, sizeof(path), "new-%d", i);
		snprintf(other, sizeof(other), "cur-%d", i);
		make_file(path);
		assert_int_equal(link(path, other), 0);
		note(&w, path);
		assert_int_equal(unlink(path) | unlink(other), 0);
	}
	assert_names(&w, "stays", "stays too ");
	assert_true(links_count(w.links) < 1000);
	close_world(&w);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		test_in_folder(names_from_records),
		test_in_folder(walks_find_the_rest),
		test_in_folder(crossing_names),
		test_in_folder(once_a_round),
		test_in_folder(names_that_were_left),
		test_in_folder(gone_files_are_forgotten),
	};

	return cmocka_run_group_tests_name("links", tests, NULL, NULL);
}
