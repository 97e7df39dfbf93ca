/* SPDX-License-Identifier: ISC */
/*
 * mounts - compares /proc/self/mountinfo with what it was: inotify says
 * nothing when something is mounted over a watched directory.
 */
#include "mounts.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "alloc.h"
#include "fs.h"
#include "msg.h"
#include "walk.h"

#define MOUNTINFO "/proc/self/mountinfo"
#define MAX_SIZE (64 * 1024 * 1024)

/* Undo \ooo in place. */
static void
unescape(char *s)
{
	char *to = s;

	for (; *s; s++) {
		if (s[0] == '\\' && s[1] >= '0' && s[1] <= '3' && s[2] &&
		    s[3]) {
			*to++ = (char)((s[1] - '0') * 64 + (s[2] - '0') * 8 +
				       (s[3] - '0'));
			s += 3;
		} else {
			*to++ = *s;
		}
	}
	*to = '\0';
}

/* The next line's mount; 0 at the end.  *line moves on; point is in it. */
static int
next_mount(char **line, long *id, char **point)
{
	char *rest, *field;
	int i;

	while (**line) {
		rest = *line + strcspn(*line, "\n");
		if (*rest)
			*rest++ = '\0';
		field = *line;
		*line = rest;
		*id = strtol(field, NULL, 10);
		for (i = 0; i < 4 && field; i++) {
			field = strchr(field, ' ');
			field = field ? field + 1 : NULL;
		}
		if (!field)
			continue;
		field[strcspn(field, " ")] = '\0';
		unescape(field);
		*point = field;
		return 1;
	}
	return 0;
}

/* The part of path below top, "" for top itself; NULL when it is elsewhere. */
static const char *
below(const char *path, const char *top)
{
	size_t len = strlen(top);

	if (!strcmp(top, "/"))
		return path + 1;
	/* path is never NULL, whatever was returned for another point. */
	/* NOLINTNEXTLINE(clang-analyzer-core.NonNullParamChecker) */
	if (strncmp(path, top, len) || (path[len] && path[len] != '/'))
		return NULL;
	return path[len] ? path + len + 1 : path + len;
}

static size_t
read_mounts(const struct watch *watch, struct mount **mounts)
{
	struct ha_buf buf = HA_BUF_INIT;
	char *real = realpath(watch->root, NULL);
	struct ha_err err;
	char *line, *point;
	const char *path;
	size_t n = 0;
	long id;

	*mounts = NULL;
	if (!real || ha_fs_read_file(MOUNTINFO, MAX_SIZE, &buf, &err))
		buf.len = 0;
	line = buf.data;
	while (real && buf.len && next_mount(&line, &id, &point)) {
		path = below(point, real);
		if (!path)
			continue;
		*mounts = ha_xrealloc(*mounts, (n + 1) * sizeof(**mounts));
		(*mounts)[n++] = (struct mount){ ha_xstrdup(path), id };
	}
	ha_buf_release(&buf);
	free(real);
	return n;
}

void
mounts_start(struct watch *watch)
{
	char byte;

	watch->proc_fd = open(MOUNTINFO, O_RDONLY | O_CLOEXEC);
	/* A first read, so that poll(2) tells of later changes only. */
	if (watch->proc_fd < 0 || read(watch->proc_fd, &byte, 1) < 0)
		ha_warn("can't read " MOUNTINFO ": what is mounted below the "
			"root will not be noticed");
	watch->mount_count = read_mounts(watch, &watch->mounts);
}

/* What is mounted at path is another file system than before. */
static void
changed(struct watch *watch, const char *path, const char *how)
{
	struct dir *dir = tree_lookup(&watch->tree, path);
	const char *name = strrchr(path, '/');
	char *parent;

	if (ha_match_excludes_below(watch->match, path, 1, NULL, NULL))
		return;
	ha_warn("a file system was %s '%s'", how, path);
	if (dir) {
		walk_heal(watch, dir, 1);
		return;
	}
	/* A file was mounted over, or the directory is not known yet. */
	name = name ? name + 1 : path;
	parent = ha_xmemdup(path, (size_t)(name - path));
	dir = tree_lookup(&watch->tree, parent);
	if (dir && strlen(name) <= 255)
		walk_relook(watch, dir, name, strlen(name));
	free(parent);
}

static int
has(const struct mount *mounts, size_t count, const struct mount *mount)
{
	size_t i;

	for (i = 0; i < count; i++)
		if (mounts[i].id == mount->id &&
		    !strcmp(mounts[i].path, mount->path))
			return 1;
	return 0;
}

/* Say what is in a and not in b.  Returns how many. */
static size_t
tell_missing(struct watch *watch, const struct mount *a, size_t a_count,
    const struct mount *b, size_t b_count, const char *how)
{
	size_t i, n = 0;

	for (i = 0; i < a_count; i++) {
		if (has(b, b_count, &a[i]) || !*a[i].path)
			continue;
		changed(watch, a[i].path, how);
		n++;
	}
	return n;
}

void
mounts_check(struct watch *watch)
{
	struct mount *old = watch->mounts, *now;
	size_t i, old_count = watch->mount_count, count, n;
	int unmounted = watch->unmounted;

	watch->mounts_changed = watch->unmounted = 0;
	watch_check_root(watch);
	count = read_mounts(watch, &now);
	n = tell_missing(watch, old, old_count, now, count, "unmounted from");
	n += tell_missing(watch, now, count, old, old_count, "mounted on");
	/* Unmounted where we don't see it: the watches are gone even so. */
	if (unmounted && !n)
		walk_heal_all(watch);
	for (i = 0; i < old_count; i++)
		free(old[i].path);
	free(old);
	watch->mounts = now;
	watch->mount_count = count;
}

char *
mounts_point_of(const char *path)
{
	struct ha_buf buf = HA_BUF_INIT;
	struct ha_err err;
	char *line, *point, *best = NULL;
	long id;

	if (ha_fs_read_file(MOUNTINFO, MAX_SIZE, &buf, &err))
		return NULL;
	line = buf.data;
	while (next_mount(&line, &id, &point)) {
		if (!below(path, point) ||
		    (best && strlen(point) < strlen(best)))
			continue;
		free(best);
		best = ha_xstrdup(point);
	}
	ha_buf_release(&buf);
	return best;
}
