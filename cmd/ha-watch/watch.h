/* SPDX-License-Identifier: ISC */
/* watch - what the parts of ha-watch share: options and state. */
#ifndef WATCH_WATCH_H
#define WATCH_WATCH_H

#include <stdint.h>
#include <sys/stat.h>
#include <sys/types.h>

#include "backend.h"
#include "buf.h"
#include "dirty.h"
#include "match.h"
#include "tree.h"

/* Where rules of ha_match came from, for --explain. */
struct origin {
	size_t first; /* index of the first rule */
	const char *file; /* NULL: -x */
};

/* A walk over a subtree; finished when left is 0. */
struct job {
	size_t left; /* items that wait */
	struct dir *top; /* counted */
	int tell_unknown; /* then R of top */
	uint8_t epoch;
};

struct item {
	struct job *job;
	struct dir *dir; /* counted */
	uint8_t is_top; /* watch it first */
	uint8_t tell; /* C and W for what is found */
};

struct walk {
	struct item *items; /* a stack */
	size_t count, room;
	size_t asleep; /* the first ones wait for a rename's other half */
	dev_t dev; /* of the last directory that was looked at */
	int counts_links; /* st_nlink 2 means no subdirectory there */
	char *entries; /* room for getdents64(2) */
};

/* A node, or a name, of which it is in doubt what is there. */
struct lost {
	struct dir *dir; /* counted */
	char *name; /* in dir; owned; NULL: dir itself */
	uint8_t epoch;
};

/* One half of a rename. */
struct pair {
	uint32_t cookie;
	int is_dir;
	int64_t deadline_ns;
	struct entry *move; /* owned; not in a list yet */
	struct entry *source; /* the entry of the old name; or NULL */
	struct dir *node; /* counted; the directory, out of the tree */
	struct dir *dir; /* counted; where it was */
	char *path; /* old path */
	char name[256];
};

struct mount {
	char *path; /* relative to the root; "" is the root */
	long id;
};

/* The names of cookies, each once; more than that many make a new try. */
#define COOKIES_MAX 64

struct cookies {
	char *names[COOKIES_MAX]; /* owned */
	size_t count;
};

struct unit;

struct watch {
	/* options */
	struct ha_match *match; /* the first rule is the command's own */
	int rules_have_paths; /* a rename of a parent may change the answer */
	struct origin *origins;
	size_t origin_count;
	int64_t settle_ms, quiet_ms, rescan_ms, heartbeat_ms, dirty_limit;
	int bare; /* -0 */
	const char *format;
	const char *explain;
	int json;
	/* the root */
	char *root; /* absolute */
	dev_t dev;
	ino_t ino;
	int root_fd; /* open only while it is worked with; -1 */
	int proc_fd; /* /proc/self/mountinfo, or -1 */
	/* state */
	struct tree tree;
	struct dirty dirty;
	struct backend backend;
	struct walk walk;
	struct pair *pairs;
	size_t pair_count, pair_room;
	struct lost *lost;
	size_t lost_count, lost_room;
	struct mount *mounts;
	size_t mount_count;
	int mounts_changed;
	int unmounted; /* a watched directory's file system went away */
	struct unit *units; /* sweep.h */
	int told_limit; /* the message about the limit was given */
	int drained; /* the last read found the queue empty */
	uint32_t round; /* counts how often it was found empty */
	int overflowed;
	int healing; /* a walk over everything is under way */
	int heal_again; /* and another is needed */
	int warned_full;
	int armed; /* the first walk is done */
	int64_t unknown_ns; /* when R of the root was told last */
	/* output */
	struct ha_buf out;
	size_t out_done; /* bytes of out that stdout took */
	uint64_t seq;
	char boot[40];
	uint64_t barriers;
	int barrier_open; /* waiting for dirty.waiting[old epoch] */
	int barrier_beats; /* it is the heartbeat's, too */
	uint64_t bytes_read; /* from the backend, in all */
	uint64_t barrier_at; /* begin the barrier when as many were read */
	int barrier_wanted;
	struct cookies asked; /* that want a barrier, and have none yet */
	struct cookies answered; /* that the open barrier is for */
	struct ha_buf path, path2; /* scratch */
};

/*
 * A descriptor of the root, for this round; the root is checked to be the
 * one that was there at the start, else the process ends with EX_NOINPUT.
 */
int watch_root(struct watch *watch);
/* Close it and leave every directory: nothing is kept busy while waiting. */
void watch_leave(struct watch *watch);
/* Say why the root is lost; ends the process with EX_NOINPUT. */
void watch_lost(const struct watch *watch, const char *how)
    __attribute__((noreturn));
/* Is the root still the directory that it was?  Ends the process if not. */
void watch_check_root(const struct watch *watch);
/* Is name in dir a cookie's (change.h)? */
int watch_is_cookie(
    const struct watch *watch, const struct dir *dir, const char *name);
/* Is name in dir excluded? */
int watch_excludes(struct watch *watch, struct dir *dir, const char *name,
    size_t len, int is_dir);
/* lstat(2) of name in dir; -1 with errno. */
int watch_lstat(struct watch *watch, struct dir *dir, const char *name,
    size_t len, struct stat *st);
/* Take a node and all below out of tree and backend. */
void watch_remove(struct watch *watch, struct dir *dir);

#endif
