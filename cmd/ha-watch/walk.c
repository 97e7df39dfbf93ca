/* SPDX-License-Identifier: ISC */
/*
 * walk - arms watches: a stack of directories to list, worked off in portions.
 * A directory's children are watched while it is listed, itself being watched
 * before: whatever changes meanwhile comes as an event.
 */
#include "walk.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "alloc.h"
#include "change.h"
#include "clock.h"
#include "fs.h"
#include "sweep.h"

#define LIST_SIZE (64 * 1024)
#define PORTION_NS (2 * HA_MS_NS)
#define READ_EVERY 64
#define PUT_OFF_NS (10 * HA_S_NS)
#define XFS_MAGIC 0x58465342

/* struct linux_dirent64 of getdents64(2). */
struct raw_entry {
	uint64_t ino;
	int64_t offset;
	unsigned short size;
	unsigned char type;
	char name[];
};

/* The directory being listed. */
struct listing {
	struct watch *watch;
	struct item *item;
	struct dir *dir;
	int counts_links;
};

static void
push(
    struct watch *watch, struct job *job, struct dir *dir, int is_top, int tell)
{
	struct walk *walk = &watch->walk;

	if (walk->count == walk->room) {
		walk->room = walk->room ? 2 * walk->room : 64;
		walk->items =
		    ha_xrealloc(walk->items, walk->room * sizeof(*walk->items));
	}
	walk->items[walk->count++] = (struct item){ .job = job,
		.dir = tree_ref(dir),
		.is_top = (uint8_t)is_top,
		.tell = (uint8_t)tell };
	job->left++;
}

static void
start(struct watch *watch, struct dir *dir, int tell, int tell_unknown)
{
	struct job *job = ha_xcalloc(1, sizeof(*job));

	job->top = tree_ref(dir);
	job->tell_unknown = tell_unknown;
	job->epoch = watch->dirty.epoch;
	watch->dirty.waiting[job->epoch]++;
	push(watch, job, dir, 1, tell);
}

void
walk_tell(struct watch *watch, struct dir *dir)
{
	start(watch, dir, 1, 0);
}

void
walk_heal(struct watch *watch, struct dir *dir, int tell_unknown)
{
	start(watch, dir, 0, tell_unknown);
}

void
walk_heal_all(struct watch *watch)
{
	if (watch->healing) {
		watch->heal_again = 1;
		return;
	}
	watch->healing = 1;
	walk_heal(watch, watch->tree.root, 1);
}

int
walk_pending(const struct watch *watch)
{
	return watch->walk.count > watch->walk.asleep;
}

void
walk_wake(struct watch *watch)
{
	watch->walk.asleep = 0;
}

/*
 * The queue overflowed again: the R that follows will do, unless it is put off
 * for too long.
 */
static int
is_premature(struct watch *watch)
{
	int64_t now_ns = ha_clock_now_ns();

	if (watch->heal_again && watch->armed &&
	    now_ns - watch->unknown_ns < PUT_OFF_NS)
		return 1;
	watch->unknown_ns = now_ns;
	return 0;
}

static void
finish_job(struct watch *watch, struct job *job)
{
	int is_root = job->top == watch->tree.root;

	watch->dirty.waiting[job->epoch]--;
	if (is_root && watch->healing && is_premature(watch))
		job->tell_unknown = 0;
	if (job->tell_unknown && !(job->top->flags & DIR_DEAD))
		dirty_unknown(&watch->dirty, job->top);
	if (is_root && watch->healing) {
		watch->healing = 0;
		if (!watch->armed)
			dirty_first(&watch->dirty, job->top);
		watch->armed = 1;
		if (watch->heal_again) {
			watch->heal_again = 0;
			walk_heal_all(watch);
		}
	}
	tree_unref(job->top);
	free(job);
}

/* Is st_nlink 2 for a directory without subdirectories in this file system? */
static int
counts_links(struct watch *watch, int fd)
{
	struct walk *walk = &watch->walk;
	struct statfs fs;
	struct stat st;

	if (fstat(fd, &st))
		return 0;
	if (walk->dev == st.st_dev)
		return walk->counts_links;
	walk->dev = st.st_dev;
	walk->counts_links =
	    !fstatfs(fd, &fs) &&
	    (fs.f_type == EXT4_SUPER_MAGIC || fs.f_type == XFS_MAGIC ||
		fs.f_type == TMPFS_MAGIC);
	return walk->counts_links;
}

static void
lose(struct watch *watch, struct dir *dir, char *name)
{
	if (watch->lost_count == watch->lost_room) {
		watch->lost_room = watch->lost_room ? 2 * watch->lost_room : 8;
		watch->lost = ha_xrealloc(
		    watch->lost, watch->lost_room * sizeof(*watch->lost));
	}
	watch->lost[watch->lost_count++] = (struct lost){
		.dir = tree_ref(dir), .name = name, .epoch = watch->dirty.epoch
	};
	watch->dirty.waiting[watch->dirty.epoch]++;
}

void
walk_lose(struct watch *watch, struct dir *dir)
{
	lose(watch, dir, NULL);
}

void
walk_lose_name(struct watch *watch, struct dir *dir, const char *name)
{
	lose(watch, dir, ha_xstrdup(name));
}

static void
find(struct watch *watch, const struct lost *lost)
{
	struct dir *dir = lost->dir;
	struct stat st;
	size_t len;

	if (!tree_attached(&watch->tree, dir))
		return;
	if (!lost->name) {
		if (dir->parent)
			walk_relook(
			    watch, dir->parent, dir->name, dir->name_len);
		return;
	}
	len = strlen(lost->name);
	if (!tree_find(&watch->tree, dir, lost->name, len) &&
	    !watch_lstat(watch, dir, lost->name, len, &st) &&
	    S_ISDIR(st.st_mode))
		walk_relook(watch, dir, lost->name, len);
}

void
walk_find_lost(struct watch *watch)
{
	struct lost *lost = watch->lost;
	size_t i, n = watch->lost_count;
	uint8_t epoch = watch->dirty.epoch;

	watch->lost = NULL;
	watch->lost_count = watch->lost_room = 0;
	for (i = 0; i < n; i++) {
		watch->dirty.epoch = lost[i].epoch;
		find(watch, &lost[i]);
		watch->dirty.waiting[lost[i].epoch]--;
		tree_unref(lost[i].dir);
		free(lost[i].name);
	}
	watch->dirty.epoch = epoch;
	free(lost);
}

static void
failed(struct watch *watch, struct dir *dir, int sys)
{
	if (sys == ENOENT || sys == ENOTDIR || sys == ELOOP) {
		walk_lose(watch, dir);
		return;
	}
	if (sys == ENOSPC || sys == ENOMEM || sys == EEXIST)
		sweep_add(watch, dir, sys);
	else if (!(dir->flags & DIR_TOLD_ERROR))
		dirty_error(&watch->dirty, dir, sys);
	dir->flags |= DIR_TOLD_ERROR;
}

/*
 * The directory that was to be watched for dir is watched for other: it was
 * renamed and the event is still queued, or it is mounted twice.
 */
static int
is_mounted_twice(struct watch *watch, const char *name, struct dir *other)
{
	struct stat here, there;

	return tree_attached(&watch->tree, other) &&
	       !fstatat(AT_FDCWD, name, &here, AT_SYMLINK_NOFOLLOW) &&
	       !watch_lstat(watch, other, "", 0, &there) &&
	       here.st_dev == there.st_dev && here.st_ino == there.st_ino;
}

/* Watch name of the working directory for dir.  Returns 0, or -1. */
static int
arm(struct watch *watch, struct dir *dir, const char *name)
{
	struct backend *backend = &watch->backend;
	struct dir *other = NULL;
	int before = dir->id;
	int sys = backend->ops->watch(
	    backend, dir, name, dir == watch->tree.root, &other);

	if (sys == EEXIST && other && !is_mounted_twice(watch, name, other)) {
		backend->ops->hand_over(backend, other, dir);
		walk_lose(watch, other);
		sys = 0;
	}
	if (sys) {
		/* Made unreadable, it is still watched. */
		if (sys != EACCES)
			backend->ops->unwatch(backend, dir);
		failed(watch, dir, sys);
		return -1;
	}
	if (dir->id != before)
		dir->round = watch->round;
	dir->flags &= (uint8_t) ~(DIR_TOLD_ERROR | DIR_UNMOUNTED);
	return 0;
}

static void
remove_children(struct watch *watch, struct dir *dir, int unseen_only)
{
	struct dir *child, *next;

	for (child = dir->child; child; child = next) {
		next = child->next;
		if (!unseen_only || child->seen != watch->tree.listing)
			watch_remove(watch, child);
	}
}

static void
found_dir(struct listing *listing, const char *name, size_t len)
{
	struct watch *watch = listing->watch;
	struct dir *child = tree_find(&watch->tree, listing->dir, name, len);
	int is_new = !child;
	struct stat st;

	if (watch_excludes(watch, listing->dir, name, len, 1))
		return;
	if (is_new)
		child = tree_add(&watch->tree, listing->dir, name, len);
	child->seen = watch->tree.listing;
	if (listing->item->tell) {
		/* Known already: its event came first and it has its walk. */
		if (!is_new)
			return;
		dirty_new_dir(&watch->dirty, child);
	}
	if (child->flags & DIR_POLLED || arm(watch, child, name))
		return;
	if (listing->counts_links &&
	    !fstatat(AT_FDCWD, name, &st, AT_SYMLINK_NOFOLLOW) &&
	    st.st_nlink == 2 && st.st_dev == watch->walk.dev)
		remove_children(watch, child, 0);
	else
		push(watch, listing->item->job, child, 0, listing->item->tell);
}

static void
found(struct listing *listing, const struct raw_entry *raw)
{
	struct watch *watch = listing->watch;
	const char *name = raw->name;
	size_t len = strlen(name);
	unsigned char type = raw->type;
	struct stat st;

	if (name[0] == '.' && (!name[1] || (name[1] == '.' && !name[2])))
		return;
	if (type == DT_UNKNOWN) {
		if (fstatat(AT_FDCWD, name, &st, AT_SYMLINK_NOFOLLOW))
			return;
		type = IFTODT(st.st_mode);
	}
	if (type == DT_DIR)
		found_dir(listing, name, len);
	else if (listing->item->tell &&
		 !watch_excludes(watch, listing->dir, name, len, 0))
		dirty_found(&watch->dirty, listing->dir, name, len,
		    ha_change_kind(DTTOIF(type)));
}

/* List fd, the working directory.  Returns 0, or an errno. */
static int
list(struct listing *listing, int fd, void (*read_events)(struct watch *watch))
{
	struct watch *watch = listing->watch;
	char *entries = watch->walk.entries;
	const struct raw_entry *raw;
	ssize_t at, n;

	while ((n = syscall(SYS_getdents64, fd, entries, LIST_SIZE)) > 0) {
		for (at = 0; at < n; at += raw->size) {
			raw = (const void *)(entries + at);
			found(listing, raw);
		}
		read_events(watch);
		if (listing->dir->flags & DIR_DEAD)
			return 0;
	}
	return n < 0 ? errno : 0;
}

static void
walk_dir(struct watch *watch, struct item *item, int fd,
    void (*read_events)(struct watch *watch))
{
	struct listing listing = {
		.watch = watch, .item = item, .dir = item->dir
	};
	int before = item->dir->id;
	int sys;

	watch->dirty.listed = 1;
	if (arm(watch, item->dir, "."))
		return;
	if (!item->is_top && item->dir->id != before) {
		/* Not the directory that was watched: a rename is queued. */
		walk_lose(watch, item->dir);
		return;
	}
	watch->tree.listing++;
	if (!item->tell)
		listing.counts_links = counts_links(watch, fd);
	sys = list(&listing, fd, read_events);
	watch->dirty.listed = 1;
	if (sys)
		failed(watch, item->dir, sys);
	else if (!item->tell && !(item->dir->flags & DIR_DEAD))
		remove_children(watch, item->dir, 1);
}

static int
open_dir(struct watch *watch, struct dir *dir)
{
	int tries = 8;
	int fd;

	tree_path(&watch->tree, dir, "", 0, &watch->path);
	/* EAGAIN: a rename elsewhere made openat2(2) unsure. */
	do
		fd = ha_fs_open_beneath(watch_root(watch), watch->path.data,
		    O_RDONLY | O_DIRECTORY | O_NONBLOCK);
	while (fd < 0 && errno == EAGAIN && --tries);
	return fd;
}

static void
do_item(struct watch *watch, struct item *item,
    void (*read_events)(struct watch *watch))
{
	uint8_t epoch = watch->dirty.epoch;
	int fd;

	if (item->dir->flags & (DIR_DEAD | DIR_POLLED) && !item->is_top)
		return;
	if (item->dir->flags & DIR_DEAD)
		return;
	fd = open_dir(watch, item->dir);
	watch->dirty.epoch = item->job->epoch;
	if (fd < 0 || fchdir(fd))
		failed(watch, item->dir, errno);
	else
		walk_dir(watch, item, fd, read_events);
	watch->dirty.epoch = epoch;
	if (fd >= 0)
		close(fd);
}

/* An item whose directory is half renamed goes to the sleeping ones. */
static int
put_to_sleep(struct watch *watch, struct item item)
{
	struct walk *walk = &watch->walk;

	if (item.dir->flags & DIR_DEAD || tree_attached(&watch->tree, item.dir))
		return 0;
	walk->items[walk->count++] = walk->items[walk->asleep];
	walk->items[walk->asleep++] = item;
	return 1;
}

void
walk_step(struct watch *watch, void (*read_events)(struct watch *watch))
{
	struct walk *walk = &watch->walk;
	int64_t end_ns = ha_clock_now_ns() + PORTION_NS;
	struct item item;
	int n = 0;

	if (!walk->entries)
		walk->entries = ha_xmalloc(LIST_SIZE);
	while (walk_pending(watch)) {
		item = walk->items[--walk->count];
		if (put_to_sleep(watch, item))
			continue;
		do_item(watch, &item, read_events);
		tree_unref(item.dir);
		if (--item.job->left == 0)
			finish_job(watch, item.job);
		if (++n % READ_EVERY == 0) {
			if (ha_clock_now_ns() >= end_ns)
				return;
			read_events(watch);
		}
	}
}

void
walk_release(struct watch *watch)
{
	struct walk *walk = &watch->walk;
	struct item *item;

	watch->heal_again = 0;
	while (walk->count) {
		item = &walk->items[--walk->count];
		tree_unref(item->dir);
		item->job->tell_unknown = 0;
		if (--item->job->left == 0)
			finish_job(watch, item->job);
	}
	while (watch->lost_count) {
		free(watch->lost[--watch->lost_count].name);
		tree_unref(watch->lost[watch->lost_count].dir);
	}
	free(walk->items);
	free(walk->entries);
}

int
walk_try(struct watch *watch, struct dir *dir)
{
	struct dir *other = NULL;
	int fd = open_dir(watch, dir);
	int sys = fd < 0 || fchdir(fd) ? errno : 0;

	if (!sys)
		sys = watch->backend.ops->watch(
		    &watch->backend, dir, ".", dir == watch->tree.root, &other);
	if (fd >= 0)
		close(fd);
	return sys ? -1 : 0;
}

void
walk_relook(struct watch *watch, struct dir *dir, const char *name, size_t len)
{
	struct dir *node = tree_find(&watch->tree, dir, name, len);
	struct stat st;
	int sys = watch_lstat(watch, dir, name, len, &st) ? errno : 0;

	if (node) {
		watch_remove(watch, node);
		if (sys || !S_ISDIR(st.st_mode))
			dirty_gone(&watch->dirty, dir, name, len, 'd');
	} else if (sys == ENOENT || sys == ENOTDIR) {
		dirty_gone(&watch->dirty, dir, name, len, '-');
	}
	if (sys || watch_excludes(watch, dir, name, len, S_ISDIR(st.st_mode)))
		return;
	if (!S_ISDIR(st.st_mode)) {
		dirty_arrived(&watch->dirty, dir, name, len);
		return;
	}
	node = tree_add(&watch->tree, dir, name, len);
	node->came = watch->round;
	dirty_unknown(&watch->dirty, node);
	walk_heal(watch, node, 1);
}
