/* SPDX-License-Identifier: ISC */
/*
 * tree - the directories below the root: nodes that point to their parents, so
 * that renaming one is one step, whatever lies below it.  A path is made when
 * it is needed.
 */
#ifndef WATCH_TREE_H
#define WATCH_TREE_H

#include <stddef.h>
#include <stdint.h>

#include "buf.h"

struct entry;

enum dir_flag {
	DIR_DEAD = 1, /* taken out of the tree; freed with its last user */
	DIR_OWN_NAME = 2, /* name was allocated by itself */
	DIR_TOLD_ERROR = 4, /* its E record was told */
	DIR_POLLED = 8, /* a unit of sweep.h */
	DIR_UNMOUNTED = 16, /* its file system went away */
};

struct dir {
	struct dir *parent; /* NULL: the root, or out of the tree for now */
	struct dir *child;
	struct dir *next, *prev; /* siblings; prev is NULL for the first */
	struct dir *name_next; /* same bucket of (parent, name) */
	struct dir *id_next; /* same bucket of the backend's id */
	struct entry *holder; /* what must be told before all below; or NULL */
	char *name;
	int id; /* the backend's name for the watch; -1: not watched */
	uint32_t refs; /* users besides the tree */
	uint32_t seen; /* the listing that last met it */
	uint32_t round; /* of struct watch: when the watch was set */
	uint32_t came; /* and when a rename or a look put it here */
	uint8_t name_len;
	uint8_t flags;
	char room[];
};

struct tree {
	struct dir *root;
	struct dir **buckets;
	size_t bucket_count; /* a power of 2 */
	size_t count;
	uint32_t listing; /* the number of the present listing */
	struct ha_buf prefix; /* path of prefix_of and a slash */
	struct dir *prefix_of; /* NULL: nothing remembered */
};

void tree_init(struct tree *tree);
void tree_release(struct tree *tree);

struct dir *tree_find(const struct tree *tree, const struct dir *parent,
    const char *name, size_t len);
/* Add a node that does not exist yet; len is at most 255. */
struct dir *
tree_add(struct tree *tree, struct dir *parent, const char *name, size_t len);

/* Take a node with all below it out of its place, to be attached or removed. */
void tree_detach(struct tree *tree, struct dir *dir);
void tree_attach(struct tree *tree, struct dir *dir, struct dir *parent,
    const char *name, size_t len);

/*
 * Take a node and all below it out for good.  gone() is called for each, and
 * memory goes back once nobody refers to it.
 */
void tree_remove(struct tree *tree, struct dir *dir,
    void (*gone)(void *ctx, struct dir *dir), void *ctx);

struct dir *tree_ref(struct dir *dir);
void tree_unref(struct dir *dir);

/* Is it below the root, or the root? */
int tree_attached(const struct tree *tree, const struct dir *dir);

/*
 * Set path to that of name in dir, relative to the root; an empty name means
 * dir itself, and the root is ".".
 */
void tree_path(struct tree *tree, struct dir *dir, const char *name, size_t len,
    struct ha_buf *path);

/* The node at a relative path, or NULL. */
struct dir *tree_lookup(const struct tree *tree, const char *path);

/* A hash of bytes, continued from seed. */
uint32_t tree_hash(const void *seed, const char *name, size_t len);

#endif
