/* SPDX-License-Identifier: ISC */
/*
 * sweep - polls subtrees that can't be watched: one number for all names and
 * attributes below; when it differs, the subtree is told as R.
 */
#include "sweep.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "alloc.h"
#include "change.h"
#include "clock.h"
#include "fs.h"
#include "msg.h"
#include "walk.h"

#define PORTION_NS (2 * HA_MS_NS)
#define LEAST_PAUSE_NS (10 * HA_S_NS)
#define PAUSE_FACTOR 20
/* So many unwatched siblings make their parent the unit. */
#define SIBLINGS 16

/* The second one counts in a user namespace (namespaces(7)). */
static const struct {
	const char *name, *file;
} limits[] = {
	{ "fs.inotify.max_user_watches",
	    "/proc/sys/fs/inotify/max_user_watches" },
	{ "user.max_inotify_watches", "/proc/sys/user/max_inotify_watches" },
};

struct unit {
	struct unit *next;
	struct dir *dir; /* counted */
	int known; /* print is that of a whole look */
	uint64_t print;
	uint64_t sum; /* of the look under way */
	int64_t next_ns;
	int64_t spent_ns;
	size_t dirs; /* met in the last whole look */
	size_t met;
	int is_twice; /* watched already, in another place */
	long limit; /* the limit when it was last tried */
	char **stack; /* relative paths to list */
	size_t stack_count, stack_room;
};

/* The smallest limit in force, and its setting's name if name is not NULL. */
static long
read_limit(const char **name)
{
	struct ha_buf buf = HA_BUF_INIT;
	struct ha_err err;
	long limit = 0, value;
	size_t i;

	for (i = 0; i < sizeof(limits) / sizeof(limits[0]); i++) {
		ha_buf_reset(&buf);
		if (ha_fs_read_file(limits[i].file, 64, &buf, &err))
			continue;
		value = strtol(buf.data, NULL, 10);
		if (limit && value >= limit)
			continue;
		limit = value;
		if (name)
			*name = limits[i].name;
	}
	ha_buf_release(&buf);
	return limit;
}

static void
push(struct unit *unit, const char *path)
{
	if (unit->stack_count == unit->stack_room) {
		unit->stack_room = unit->stack_room ? 2 * unit->stack_room : 64;
		unit->stack = ha_xrealloc(
		    unit->stack, unit->stack_room * sizeof(*unit->stack));
	}
	unit->stack[unit->stack_count++] = ha_xstrdup(path);
}

void
sweep_drop(struct watch *watch, struct unit *unit)
{
	struct unit **at = &watch->units;

	while (*at != unit)
		at = &(*at)->next;
	*at = unit->next;
	while (unit->stack_count)
		free(unit->stack[--unit->stack_count]);
	free(unit->stack);
	unit->dir->flags &= (uint8_t)~DIR_POLLED;
	tree_unref(unit->dir);
	free(unit);
}

static int
is_covered(const struct dir *dir)
{
	for (; dir; dir = dir->parent)
		if (dir->flags & DIR_POLLED)
			return 1;
	return 0;
}

static size_t
count_siblings(const struct watch *watch, const struct dir *dir)
{
	const struct unit *unit;
	size_t n = 0;

	for (unit = watch->units; unit; unit = unit->next)
		n += unit->dir->parent && unit->dir->parent == dir->parent;
	return n;
}

static int
is_below(const struct dir *dir, const struct dir *top)
{
	while (dir && dir != top)
		dir = dir->parent;
	return dir != NULL;
}

void
sweep_add(struct watch *watch, struct dir *dir, int sys)
{
	struct unit *unit, *next;

	if (is_covered(dir))
		return;
	while (dir->parent && count_siblings(watch, dir) >= SIBLINGS)
		dir = dir->parent;
	for (unit = watch->units; unit; unit = next) {
		next = unit->next;
		if (is_below(unit->dir, dir))
			sweep_drop(watch, unit);
	}
	unit = ha_xcalloc(1, sizeof(*unit));
	unit->dir = tree_ref(dir);
	unit->limit = read_limit(NULL);
	unit->is_twice = sys == EEXIST;
	unit->next = watch->units;
	watch->units = unit;
	dir->flags |= DIR_POLLED;
	dirty_error(&watch->dirty, dir, sys);
	if (sys != EEXIST)
		watch->told_limit = 0;
}

int64_t
sweep_next_ns(const struct watch *watch)
{
	const struct unit *unit;
	int64_t next = HA_CLOCK_NEVER;

	for (unit = watch->units; unit; unit = unit->next)
		if (unit->next_ns < next)
			next = unit->next_ns;
	return next;
}

int
sweep_pending(const struct watch *watch, int64_t now_ns)
{
	return sweep_next_ns(watch) <= now_ns;
}

static uint64_t
mix(uint64_t h, uint64_t value)
{
	h = (h ^ value) * UINT64_C(0xff51afd7ed558ccd);
	return h ^ h >> 32;
}

static uint64_t
print_of(const char *path, const struct stat *st)
{
	uint64_t h = 0;

	for (; *path; path++)
		h = mix(h, (unsigned char)*path);
	h = mix(h, st->st_ino);
	h = mix(h, st->st_mode);
	h = mix(h, st->st_uid);
	h = mix(h, st->st_gid);
	h = mix(h, (uint64_t)st->st_size);
	h = mix(h, (uint64_t)st->st_mtim.tv_sec);
	h = mix(h, (uint64_t)st->st_mtim.tv_nsec);
	h = mix(h, (uint64_t)st->st_ctim.tv_sec);
	return mix(h, (uint64_t)st->st_ctim.tv_nsec);
}

static void
look_at(struct watch *watch, struct unit *unit, int fd, const char *name)
{
	size_t len = watch->path2.len;
	struct stat st;
	int is_dir;

	if (fstatat(fd, name, &st, AT_SYMLINK_NOFOLLOW))
		return;
	is_dir = S_ISDIR(st.st_mode);
	if (len)
		ha_buf_add_char(&watch->path2, '/');
	ha_buf_add_str(&watch->path2, name);
	if (!ha_match_excludes(watch->match, watch->path2.data, is_dir, NULL)) {
		/* A sum: the order of a listing doesn't matter. */
		unit->sum += print_of(watch->path2.data, &st);
		if (is_dir)
			push(unit, watch->path2.data);
	}
	ha_buf_truncate(&watch->path2, len);
}

static void
look_through(struct watch *watch, struct unit *unit, const char *path)
{
	int fd = ha_fs_open_beneath(
	    watch_root(watch), path, O_RDONLY | O_DIRECTORY | O_NONBLOCK);
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	const struct dirent *entry;

	if (!dir) {
		if (fd >= 0)
			close(fd);
		return;
	}
	unit->met++;
	ha_buf_reset(&watch->path2);
	if (strcmp(path, HA_CHANGE_ROOT))
		ha_buf_add_str(&watch->path2, path);
	while ((entry = readdir(dir)))
		if (strcmp(entry->d_name, ".") && strcmp(entry->d_name, ".."))
			look_at(watch, unit, fd, entry->d_name);
	closedir(dir);
}

/* Once each was looked through: how many watches would do? */
static void
tell_limit(struct watch *watch)
{
	const struct unit *unit;
	const char *name = limits[0].name;
	size_t dirs = 0;
	long limit, enough;

	for (unit = watch->units; unit; unit = unit->next) {
		if (!unit->known)
			return;
		if (!unit->is_twice)
			dirs += unit->dirs;
	}
	watch->told_limit = 1;
	if (!dirs)
		return;
	limit = read_limit(&name);
	enough = limit + (long)dirs;
	ha_warn("no inotify watches left: %zu directories are polled instead, "
		"each %d s or slower; %s is %ld, enough would be: "
		"sysctl -w %s=%ld",
	    dirs, (int)(LEAST_PAUSE_NS / HA_S_NS), name, limit, name, enough);
}

static void
finish(struct watch *watch, struct unit *unit)
{
	int64_t pause_ns = PAUSE_FACTOR * unit->spent_ns;

	/* The first look can't know what changed before it. */
	if (!unit->known || unit->sum != unit->print)
		dirty_unknown(&watch->dirty, unit->dir);
	unit->known = 1;
	unit->print = unit->sum;
	unit->dirs = unit->met;
	if (pause_ns < LEAST_PAUSE_NS)
		pause_ns = LEAST_PAUSE_NS;
	unit->next_ns = ha_clock_now_ns() + pause_ns;
	if (!watch->told_limit)
		tell_limit(watch);
}

/* Try to watch it after all, when there may be room. */
static int
try_again(struct watch *watch, struct unit *unit)
{
	struct dir *dir = unit->dir;
	long limit = read_limit(NULL);

	if (!unit->known || (dir->id >= 0 && limit <= unit->limit))
		return 0;
	unit->limit = limit;
	if (walk_try(watch, dir))
		return 0;
	sweep_drop(watch, unit);
	walk_heal(watch, dir, 1);
	return 1;
}

static int
begin(struct watch *watch, struct unit *unit)
{
	if (unit->dir->flags & DIR_DEAD) {
		sweep_drop(watch, unit);
		return -1;
	}
	if (!tree_attached(&watch->tree, unit->dir)) {
		unit->next_ns = ha_clock_now_ns() + HA_S_NS;
		return -1;
	}
	if (try_again(watch, unit))
		return -1;
	unit->sum = 0;
	unit->met = 0;
	unit->spent_ns = 0;
	tree_path(&watch->tree, unit->dir, "", 0, &watch->path);
	push(unit, watch->path.data);
	return 0;
}

void
sweep_step(struct watch *watch, int64_t now_ns)
{
	struct unit *unit = watch->units;
	int64_t start_ns = ha_clock_now_ns();
	char *path;

	/* The one under way first: its next_ns is past. */
	while (unit && (unit->next_ns > now_ns))
		unit = unit->next;
	if (!unit || (!unit->stack_count && begin(watch, unit)))
		return;
	while (unit->stack_count && ha_clock_now_ns() - start_ns < PORTION_NS) {
		path = unit->stack[--unit->stack_count];
		look_through(watch, unit, path);
		free(path);
	}
	unit->spent_ns += ha_clock_now_ns() - start_ns;
	if (!unit->stack_count)
		finish(watch, unit);
}
