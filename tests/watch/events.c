/* SPDX-License-Identifier: ISC */
/*
 * events - what is known of the tree stays a tree, whatever the events say.
 */
#include "test.h"

#include "alloc.h"
#include "events.h"
#include "fs.h"
#include "walk.h"
#include "watch.h"

static struct watch watch;

/* What ha-watch.c has; nothing is on the disk here. */
int
watch_root(struct watch *w)
{
	return w->root_fd;
}

int
watch_excludes(
    struct watch *w, struct dir *dir, const char *name, size_t len, int is_dir)
{
	(void)w, (void)dir, (void)name, (void)len, (void)is_dir;
	return 0;
}

int
watch_is_cookie(const struct watch *w, const struct dir *dir, const char *name)
{
	(void)w, (void)dir, (void)name;
	return 0;
}

int
watch_lstat(struct watch *w, struct dir *dir, const char *name, size_t len,
    struct stat *st)
{
	(void)w, (void)dir, (void)name, (void)len, (void)st;
	return -1;
}

static void
unwatch(void *ctx, struct dir *dir)
{
	(void)ctx, (void)dir;
}

void
watch_remove(struct watch *w, struct dir *dir)
{
	tree_remove(&w->tree, dir, unwatch, NULL);
}

void
watch_lost(const struct watch *w, const char *how)
{
	(void)w, (void)how;
	abort();
}

void
watch_check_root(const struct watch *w)
{
	(void)w;
}

static void
give(enum event_op op, struct dir *dir, const char *name, uint32_t cookie)
{
	struct event event = { .op = op,
		.is_dir = 1,
		.dir = dir,
		.name = name,
		.len = strlen(name),
		.cookie = cookie };

	events_handle(&watch, &event);
}

/*
 * a/b was renamed to b, and a to b/a; the first of both events was lost, so
 * that a seems to become a child of its own child.
 */
static void
a_directory_is_not_its_own_child(void **state)
{
	struct dir *a, *b;

	(void)state;
	watch.root_fd = -1;
	tree_init(&watch.tree);
	dirty_init(&watch.dirty);
	ha_buf_init(&watch.path);
	ha_buf_init(&watch.path2);
	a = tree_add(&watch.tree, watch.tree.root, "a", 1);
	b = tree_ref(tree_add(&watch.tree, a, "b", 1));
	give(EV_FROM, watch.tree.root, "a", 1);
	give(EV_TO, b, "a", 1);
	assert_int_equal(watch.pair_count, 0);
	assert_false(tree_attached(&watch.tree, b));
	assert_null(tree_find(&watch.tree, watch.tree.root, "a", 1));
	/* All of it is to be compared. */
	assert_true(watch.healing);
	tree_unref(b);
	walk_release(&watch);
	dirty_release(&watch.dirty);
	tree_release(&watch.tree);
	ha_buf_release(&watch.path);
	ha_buf_release(&watch.path2);
	free(watch.pairs);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_directory_is_not_its_own_child),
	};

	return cmocka_run_group_tests_name("events", tests, NULL, NULL);
}
