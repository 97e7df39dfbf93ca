/* SPDX-License-Identifier: ISC */
/*
 * tree - the directories below the root, each a node with a pointer to its
 * parent, found by (parent, name) through one hash table.
 */
#include "tree.h"

#include <stdlib.h>
#include <string.h>

#include "alloc.h"

#define FIRST_BUCKETS 1024

uint32_t
tree_hash(const void *seed, const char *name, size_t len)
{
	uint64_t h = (uintptr_t)seed * UINT64_C(0x9e3779b97f4a7c15);
	uint64_t word;

	for (; len >= sizeof(word); len -= sizeof(word), name += sizeof(word)) {
		memcpy(&word, name, sizeof(word));
		h = (h ^ word) * UINT64_C(0xff51afd7ed558ccd);
		h ^= h >> 32;
	}
	for (word = 0; len > 0; len--)
		word = word << 8 | (unsigned char)*name++;
	h = (h ^ word) * UINT64_C(0xff51afd7ed558ccd);
	return (uint32_t)(h ^ h >> 32);
}

static struct dir **
bucket(const struct tree *tree, const struct dir *parent, const char *name,
    size_t len)
{
	uint32_t hash = tree_hash(parent, name, len);

	return &tree->buckets[hash & (tree->bucket_count - 1)];
}

void
tree_init(struct tree *tree)
{
	memset(tree, 0, sizeof(*tree));
	tree->bucket_count = FIRST_BUCKETS;
	tree->buckets = ha_xcalloc(FIRST_BUCKETS, sizeof(*tree->buckets));
	ha_buf_init(&tree->prefix);
	tree->root = ha_xcalloc(1, sizeof(*tree->root) + 1);
	tree->root->name = tree->root->room;
	tree->root->id = -1;
}

void
tree_release(struct tree *tree)
{
	tree_remove(tree, tree->root, NULL, NULL);
	free(tree->buckets);
	ha_buf_release(&tree->prefix);
}

static void
grow(struct tree *tree)
{
	struct dir **old = tree->buckets, *dir, *next, **to;
	size_t i, n = tree->bucket_count;

	tree->bucket_count = 2 * n;
	tree->buckets = ha_xcalloc(2 * n, sizeof(*tree->buckets));
	for (i = 0; i < n; i++) {
		for (dir = old[i]; dir; dir = next) {
			next = dir->name_next;
			to =
			    bucket(tree, dir->parent, dir->name, dir->name_len);
			dir->name_next = *to;
			*to = dir;
		}
	}
	free(old);
}

struct dir *
tree_find(const struct tree *tree, const struct dir *parent, const char *name,
    size_t len)
{
	struct dir *dir = *bucket(tree, parent, name, len);

	while (dir && (dir->parent != parent || dir->name_len != len ||
			  memcmp(dir->name, name, len)))
		dir = dir->name_next;
	return dir;
}

static void
link_in(struct tree *tree, struct dir *dir, struct dir *parent)
{
	struct dir **to = bucket(tree, parent, dir->name, dir->name_len);

	dir->parent = parent;
	dir->prev = NULL;
	dir->next = parent->child;
	if (dir->next)
		dir->next->prev = dir;
	parent->child = dir;
	dir->name_next = *to;
	*to = dir;
	dir->seen = tree->listing;
}

struct dir *
tree_add(struct tree *tree, struct dir *parent, const char *name, size_t len)
{
	struct dir *dir = ha_xmalloc(sizeof(*dir) + len + 1);

	memset(dir, 0, sizeof(*dir));
	dir->name = dir->room;
	memcpy(dir->name, name, len);
	dir->name[len] = '\0';
	dir->name_len = (uint8_t)len;
	dir->id = -1;
	if (++tree->count > tree->bucket_count)
		grow(tree);
	link_in(tree, dir, parent);
	return dir;
}

void
tree_detach(struct tree *tree, struct dir *dir)
{
	struct dir **at;

	tree->prefix_of = NULL;
	if (!dir->parent)
		return;
	at = bucket(tree, dir->parent, dir->name, dir->name_len);
	while (*at != dir)
		at = &(*at)->name_next;
	*at = dir->name_next;
	if (dir->prev)
		dir->prev->next = dir->next;
	else
		dir->parent->child = dir->next;
	if (dir->next)
		dir->next->prev = dir->prev;
	dir->parent = dir->next = dir->prev = NULL;
}

void
tree_attach(struct tree *tree, struct dir *dir, struct dir *parent,
    const char *name, size_t len)
{
	tree->prefix_of = NULL;
	if (len > dir->name_len) {
		if (dir->flags & DIR_OWN_NAME)
			free(dir->name);
		dir->name = ha_xmalloc(len + 1);
		dir->flags |= DIR_OWN_NAME;
	}
	memcpy(dir->name, name, len);
	dir->name[len] = '\0';
	dir->name_len = (uint8_t)len;
	link_in(tree, dir, parent);
}

static void
free_node(struct dir *dir)
{
	if (dir->flags & DIR_OWN_NAME)
		free(dir->name);
	free(dir);
}

void
tree_remove(struct tree *tree, struct dir *dir,
    void (*gone)(void *ctx, struct dir *dir), void *ctx)
{
	struct dir *at = dir, *parent;

	tree_detach(tree, dir);
	/* Always the first leaf: no recursion, however deep the tree is. */
	for (;;) {
		while (at->child)
			at = at->child;
		parent = at->parent;
		if (gone)
			gone(ctx, at);
		tree_detach(tree, at);
		at->flags |= DIR_DEAD;
		if (at != tree->root)
			tree->count--;
		if (at->refs == 0)
			free_node(at);
		if (at == dir)
			return;
		at = parent;
	}
}

struct dir *
tree_ref(struct dir *dir)
{
	dir->refs++;
	return dir;
}

void
tree_unref(struct dir *dir)
{
	if (--dir->refs == 0 && dir->flags & DIR_DEAD)
		free_node(dir);
}

int
tree_attached(const struct tree *tree, const struct dir *dir)
{
	while (dir->parent)
		dir = dir->parent;
	return dir == tree->root && !(dir->flags & DIR_DEAD);
}

static void
set_prefix(struct tree *tree, struct dir *dir)
{
	struct ha_buf *buf = &tree->prefix;
	struct dir *at;
	size_t len = 0;
	char *end;

	for (at = dir; at->parent; at = at->parent)
		len += at->name_len + 1u;
	ha_buf_reset(buf);
	ha_buf_reserve(buf, len);
	end = buf->data + len;
	for (at = dir; at->parent; at = at->parent) {
		*--end = '/';
		end -= at->name_len;
		memcpy(end, at->name, at->name_len);
	}
	if (len) {
		buf->len = len;
		buf->data[len] = '\0';
	}
	tree->prefix_of = dir;
}

void
tree_path(struct tree *tree, struct dir *dir, const char *name, size_t len,
    struct ha_buf *path)
{
	if (tree->prefix_of != dir)
		set_prefix(tree, dir);
	ha_buf_reset(path);
	ha_buf_add(path, tree->prefix.data, tree->prefix.len);
	if (len)
		ha_buf_add(path, name, len);
	else if (path->len)
		ha_buf_truncate(path, path->len - 1);
	else
		ha_buf_add_char(path, '.');
}

struct dir *
tree_lookup(const struct tree *tree, const char *path)
{
	struct dir *dir = tree->root;
	size_t len;

	while (dir && *path) {
		len = strcspn(path, "/");
		if (len > 255)
			return NULL;
		dir = tree_find(tree, dir, path, len);
		path += len + (path[len] == '/');
	}
	return dir;
}
