/* SPDX-License-Identifier: ISC */
/*
 * links - a hash from device and inode to names, and one back.  Names go stale;
 * each is looked at again before it is used, and dropped when it is another
 * file now.
 */
#include "links.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "alloc.h"
#include "buf.h"
#include "change.h"
#include "fs.h"

#define TICK_EVERY 2000

struct link_file {
	dev_t dev;
	ino_t ino;
	nlink_t nlink; /* as last seen */
	nlink_t walked_nlink; /* the link count when a walk looked for names */
	unsigned round; /* in which links_first() was asked last */
	struct stat sent; /* when it was sent last, or seen first */
	char **names;
	size_t count;
	struct link_file *chain;
};

/* A file that has, or had, this name. */
struct link_name {
	const char *name; /* the file's */
	struct link_file *file;
	struct link_name *chain;
};

struct links {
	int root_fd;
	const struct ha_match *match;
	struct link_file **table;
	size_t size, count;
	struct link_name **names;
	size_t names_size, names_count;
	unsigned round;
};

struct links *
links_new(int root_fd, const struct ha_match *match)
{
	struct links *links = ha_xcalloc(1, sizeof(*links));

	links->root_fd = root_fd;
	links->match = match;
	links->round = 1;
	links->size = 256;
	links->table = ha_xcalloc(links->size, sizeof(struct link_file *));
	links->names_size = 256;
	links->names =
	    ha_xcalloc(links->names_size, sizeof(struct link_name *));
	return links;
}

static struct link_name **
name_slot(struct links *links, const char *name)
{
	uint32_t h = 2166136261u;

	for (; *name != '\0'; name++)
		h = (h ^ (unsigned char)*name) * 16777619u;
	return &links->names[h & (links->names_size - 1)];
}

static void
names_grow(struct links *links)
{
	struct link_name **old = links->names;
	size_t old_size = links->names_size;

	links->names_size *= 2;
	links->names =
	    ha_xcalloc(links->names_size, sizeof(struct link_name *));
	for (size_t i = 0; i < old_size; i++)
		for (struct link_name *n = old[i], *chain; n != NULL;
		     n = chain) {
			struct link_name **slot = name_slot(links, n->name);

			chain = n->chain;
			n->chain = *slot;
			*slot = n;
		}
	free(old);
}

static void
add_name(struct links *links, struct link_file *file, const char *path)
{
	struct link_name *n = ha_xcalloc(1, sizeof(*n));
	struct link_name **slot;

	if (links->names_count++ >= links->names_size)
		names_grow(links);
	file->names =
	    ha_xrealloc(file->names, (file->count + 1) * sizeof(*file->names));
	file->names[file->count] = ha_xstrdup(path);
	n->name = file->names[file->count++];
	n->file = file;
	slot = name_slot(links, path);
	n->chain = *slot;
	*slot = n;
}

/* Free a name that was taken out of file->names. */
static void
drop_name(struct links *links, char *name)
{
	struct link_name **slot = name_slot(links, name);
	struct link_name *n;

	while ((*slot)->name != name)
		slot = &(*slot)->chain;
	n = *slot;
	*slot = n->chain;
	links->names_count--;
	free(n);
	free(name);
}

static void
file_free(struct links *links, struct link_file *file)
{
	for (size_t i = 0; i < file->count; i++)
		drop_name(links, file->names[i]);
	free(file->names);
	free(file);
}

void
links_free(struct links *links)
{
	if (links == NULL)
		return;
	for (size_t i = 0; i < links->size; i++) {
		struct link_file *file = links->table[i];

		while (file != NULL) {
			struct link_file *chain = file->chain;

			file_free(links, file);
			file = chain;
		}
	}
	free(links->names);
	free(links->table);
	free(links);
}

static struct link_file **
slot_of(struct links *links, dev_t dev, ino_t ino)
{
	uint64_t h = ((uint64_t)ino ^ (uint64_t)dev << 32) *
		     UINT64_C(0x9e3779b97f4a7c15);

	return &links->table[(h >> 32) & (links->size - 1)];
}

static struct link_file *
find(struct links *links, const struct stat *st)
{
	struct link_file *file = *slot_of(links, st->st_dev, st->st_ino);

	while (file != NULL &&
	       (file->ino != st->st_ino || file->dev != st->st_dev))
		file = file->chain;
	return file;
}

size_t
links_count(const struct links *links)
{
	return links->count;
}

void
links_new_round(struct links *links)
{
	links->round++;
}

int
links_first(struct links *links, const struct stat *st)
{
	struct link_file *file = find(links, st);

	if (file == NULL)
		return 1;
	if (file->round == links->round)
		return 0;
	file->round = links->round;
	file->sent = *st;
	return 1;
}

static int
is_file(const struct link_file *file, const struct stat *st)
{
	return file->ino == st->st_ino && file->dev == st->st_dev;
}

/* Names that come and go change the ctime only. */
static int
is_as_sent(const struct link_file *file, const struct stat *st)
{
	return file->sent.st_size == st->st_size &&
	       file->sent.st_mode == st->st_mode &&
	       file->sent.st_uid == st->st_uid &&
	       file->sent.st_gid == st->st_gid &&
	       file->sent.st_mtim.tv_sec == st->st_mtim.tv_sec &&
	       file->sent.st_mtim.tv_nsec == st->st_mtim.tv_nsec;
}

/* Drop the names that are another file now; a walk has to look again then. */
static void
refresh(struct links *links, struct link_file *file)
{
	size_t kept = 0;

	for (size_t i = 0; i < file->count; i++) {
		struct stat st;

		if (ha_fs_lstat_beneath(links->root_fd, file->names[i], &st) ==
			0 &&
		    is_file(file, &st))
			file->names[kept++] = file->names[i];
		else
			drop_name(links, file->names[i]);
	}
	if (kept < file->count)
		file->walked_nlink = 0;
	file->count = kept;
}

static int
is_gone(const struct links *links, const struct link_file *file)
{
	for (size_t i = 0; i < file->count; i++) {
		struct stat st;

		if (ha_fs_lstat_beneath(links->root_fd, file->names[i], &st) ==
			0 &&
		    is_file(file, &st))
			return 0;
	}
	return 1;
}

/*
 * Forget the files that are gone; links_left() still needs the others' names.
 */
static void
sweep(struct links *links)
{
	for (size_t i = 0; i < links->size; i++)
		for (struct link_file **slot = &links->table[i];
		     *slot != NULL;) {
			struct link_file *file = *slot;

			if (!is_gone(links, file)) {
				slot = &file->chain;
				continue;
			}
			*slot = file->chain;
			links->count--;
			file_free(links, file);
		}
}

static void
grow(struct links *links)
{
	struct link_file **old = links->table;
	size_t old_size = links->size;

	links->size *= 2;
	links->table = ha_xcalloc(links->size, sizeof(struct link_file *));
	for (size_t i = 0; i < old_size; i++) {
		struct link_file *file = old[i];

		while (file != NULL) {
			struct link_file *chain = file->chain;
			struct link_file **slot =
			    slot_of(links, file->dev, file->ino);

			file->chain = *slot;
			*slot = file;
			file = chain;
		}
	}
	free(old);
}

void
links_note(struct links *links, const char *path, const struct stat *st)
{
	struct link_file *file, **slot;

	if (S_ISDIR(st->st_mode) || st->st_nlink < 2)
		return;
	file = find(links, st);
	if (file == NULL) {
		if (links->count >= links->size) {
			sweep(links);
			if (links->count >= links->size / 2)
				grow(links);
		}
		links->count++;
		file = ha_xcalloc(1, sizeof(*file));
		file->dev = st->st_dev;
		file->ino = st->st_ino;
		file->sent = *st;
		slot = slot_of(links, st->st_dev, st->st_ino);
		file->chain = *slot;
		*slot = file;
	}
	file->nlink = st->st_nlink;
	for (size_t i = 0; i < file->count; i++)
		if (strcmp(file->names[i], path) == 0)
			return;
	add_name(links, file, path);
}

static void
remove_file(struct links *links, struct link_file *file)
{
	struct link_file **slot = slot_of(links, file->dev, file->ino);

	while (*slot != file)
		slot = &(*slot)->chain;
	*slot = file->chain;
	links->count--;
	file_free(links, file);
}

size_t
links_names(struct links *links, const struct stat *st,
    void (*each)(void *context, const char *path), void *context)
{
	struct link_file *file = find(links, st);
	size_t count;

	if (file == NULL)
		return 0;
	refresh(links, file);
	count = file->count;
	for (size_t i = 0; i < count; i++)
		each(context, file->names[i]);
	if (count == 0)
		remove_file(links, file);
	return count;
}

/* file had this name: call each for those that are left. */
static void
leave(struct links *links, struct link_file *file, const char *path,
    void (*each)(void *context, const char *path), void *context)
{
	struct stat st;
	int changed = 0;

	refresh(links, file);
	for (size_t i = 0; i < file->count; i++)
		if (strcmp(file->names[i], path) != 0 &&
		    ha_fs_lstat_beneath(links->root_fd, file->names[i], &st) ==
			0)
			changed = !is_as_sent(file, &st);
	for (size_t i = 0; i < file->count && changed; i++)
		each(context, file->names[i]);
	if (file->count == 0)
		remove_file(links, file);
}

static struct link_file *
find_left(struct links *links, const char *path, const struct stat *st)
{
	for (const struct link_name *n = *name_slot(links, path); n != NULL;
	     n = n->chain)
		if (strcmp(n->name, path) == 0 &&
		    (st == NULL || !is_file(n->file, st)))
			return n->file;
	return NULL;
}

void
links_left(struct links *links, const char *path, const struct stat *st,
    void (*each)(void *context, const char *path), void *context)
{
	struct link_file *file, *last = NULL;

	/*
	 * It may have come back as that file just now: it is not asked twice.
	 */
	while ((file = find_left(links, path, st)) != NULL && file != last) {
		last = file;
		leave(links, file, path, each, context);
	}
}

static int
is_below(const char *name, const char *path)
{
	size_t len = strlen(path);

	return strcmp(path, HA_CHANGE_ROOT) == 0 ||
	       (strncmp(name, path, len) == 0 &&
		   (name[len] == '\0' || name[len] == '/'));
}

/* The names of file that are from or below it: to, and below it. */
static void
rename_file(struct links *links, struct link_file *file, const char *from,
    const char *to)
{
	for (size_t i = 0; i < file->count; i++) {
		char *old = file->names[i], *path;

		if (!is_below(old, from))
			continue;
		path = ha_xasprintf("%s%s", to, old + strlen(from));
		file->names[i] = file->names[--file->count];
		add_name(links, file, path);
		drop_name(links, old);
		free(path);
	}
}

void
links_renamed(struct links *links, const char *from, const char *to, int is_dir)
{
	struct link_file *file;

	if (!is_dir) {
		file = find_left(links, from, NULL);
		if (file != NULL)
			rename_file(links, file, from, to);
		return;
	}
	for (size_t i = 0; i < links->size; i++)
		for (file = links->table[i]; file != NULL; file = file->chain)
			rename_file(links, file, from, to);
}

int
links_wants_walk(struct links *links, const struct stat *st)
{
	struct link_file *file = find(links, st);

	if (file == NULL)
		return 1;
	refresh(links, file);
	return file->count < st->st_nlink && file->walked_nlink != st->st_nlink;
}

/* Directories yet to be walked; paths, last in first out. */
struct stack {
	char **paths;
	size_t count, cap;
};

static void
push(struct stack *stack, const char *path)
{
	if (stack->count == stack->cap) {
		stack->cap = stack->cap * 2 + 64;
		stack->paths = ha_xrealloc(
		    stack->paths, stack->cap * sizeof(*stack->paths));
	}
	stack->paths[stack->count++] = ha_xstrdup(path);
}

static void
visit(struct links *links, struct stack *stack, const char *path,
    const struct stat *st, struct links_totals *totals)
{
	struct link_file *file;

	if (S_ISDIR(st->st_mode)) {
		totals->dirs++;
		push(stack, path);
		return;
	}
	totals->files++;
	if (S_ISREG(st->st_mode))
		totals->bytes += (uint64_t)st->st_size;
	links_note(links, path, st);
	file = totals->whole ? find(links, st) : NULL;
	if (file != NULL)
		file->walked_nlink = st->st_nlink;
}

static void
walk_dir(struct links *links, struct stack *stack, const char *path,
    struct links_totals *totals, int (*tick)(void), unsigned *seen)
{
	int fd = ha_fs_open_beneath(
	    links->root_fd, path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
	struct ha_buf child = HA_BUF_INIT;
	struct dirent *entry;
	size_t prefix;
	DIR *dir;

	if (fd < 0)
		return;
	dir = fdopendir(fd);
	if (dir == NULL) {
		close(fd);
		return;
	}
	if (strcmp(path, HA_CHANGE_ROOT) != 0)
		ha_buf_addf(&child, "%s/", path);
	prefix = child.len;
	while (!totals->stopped && (entry = readdir(dir)) != NULL) {
		struct stat st;

		if (strcmp(entry->d_name, ".") == 0 ||
		    strcmp(entry->d_name, "..") == 0 ||
		    fstatat(dirfd(dir), entry->d_name, &st,
			AT_SYMLINK_NOFOLLOW) != 0)
			continue;
		ha_buf_truncate(&child, prefix);
		ha_buf_add_str(&child, entry->d_name);
		if (!ha_match_excludes(
			links->match, child.data, S_ISDIR(st.st_mode), NULL))
			visit(links, stack, child.data, &st, totals);
		if (++*seen % TICK_EVERY == 0 && tick() != 0)
			totals->stopped = 1;
	}
	closedir(dir);
	ha_buf_release(&child);
}

void
links_walk(struct links *links, const char *path, struct links_totals *totals,
    int (*tick)(void))
{
	struct stack stack = { NULL, 0, 0 };
	unsigned seen = 0;

	memset(totals, 0, sizeof(*totals));
	totals->whole = strcmp(path, HA_CHANGE_ROOT) == 0;
	push(&stack, path);
	while (stack.count > 0) {
		char *dir = stack.paths[--stack.count];

		if (!totals->stopped)
			walk_dir(links, &stack, dir, totals, tick, &seen);
		free(dir);
	}
	free(stack.paths);
}

int
links_has_unknown(const struct links *links, const char *path)
{
	for (size_t slot = 0; slot < links->size; slot++)
		for (const struct link_file *file = links->table[slot];
		     file != NULL; file = file->chain) {
			if (file->count >= file->nlink ||
			    file->walked_nlink == file->nlink)
				continue;
			for (size_t i = 0; i < file->count; i++)
				if (is_below(file->names[i], path))
					return 1;
		}
	return 0;
}

void
links_crossing(struct links *links, const char *path,
    void (*each)(void *context, const char *path), void *context)
{
	for (size_t slot = 0; slot < links->size; slot++)
		for (struct link_file *file = links->table[slot]; file != NULL;
		     file = file->chain) {
			size_t below = 0;

			for (size_t i = 0; i < file->count; i++)
				below += (size_t)is_below(file->names[i], path);
			if (below == 0 || below == file->count)
				continue;
			for (size_t i = 0; i < file->count; i++)
				each(context, file->names[i]);
		}
}
