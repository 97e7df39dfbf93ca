/* SPDX-License-Identifier: ISC */
/*
 * backend - where events come from.  inotify.c is one; another kernel
 * interface gets another struct backend_ops.
 */
#ifndef WATCH_BACKEND_H
#define WATCH_BACKEND_H

#include <stddef.h>
#include <stdint.h>

#include "err.h"

struct dir;

enum event_op {
	EV_CREATE,
	EV_DELETE,
	EV_FROM, /* cookie pairs it with EV_TO */
	EV_TO,
	EV_CLOSE, /* a descriptor that could write was closed */
	EV_MODIFY,
	EV_ATTRIB,
	EV_ROOT_GONE, /* the root was deleted */
	EV_ROOT_MOVED,
	EV_UNMOUNT,
	EV_UNWATCHED, /* the kernel dropped the watch; dir->id is -1 already */
	EV_OVERFLOW, /* events were lost; dir is NULL */
};

struct event {
	enum event_op op;
	int is_dir;
	struct dir *dir; /* the directory it happened in */
	const char *name; /* "" when it is about dir itself; borrowed */
	size_t len;
	uint32_t cookie;
};

struct backend {
	const struct backend_ops *ops;
	int fd; /* poll(2) it for POLLIN */
	size_t count; /* directories watched */
	size_t bucket_count;
	struct dir **buckets; /* nodes by id */
	char *events; /* room for one read */
};

struct backend_ops {
	/* EX_OSERR with the setting to change in the message. */
	int (*open)(struct backend *backend, struct ha_err *err);
	void (*close)(struct backend *backend);
	/*
	 * Watch the directory name ("." too) of the working directory for dir.
	 * Returns 0 or an errno.  When the directory is watched for another
	 * node, that one goes to *other, and the answer is EEXIST.
	 */
	int (*watch)(struct backend *backend, struct dir *dir, const char *name,
	    int is_root, struct dir **other);
	/* dir's watch goes; what is queued for it is not handed out. */
	void (*unwatch)(struct backend *backend, struct dir *dir);
	/* Hand the watch of one node to another. */
	void (*hand_over)(
	    struct backend *backend, struct dir *from, struct dir *to);
	/*
	 * Read once without waiting and hand out what came.  Returns the bytes
	 * read, 0 when nothing is queued.
	 */
	size_t (*read)(struct backend *backend,
	    void (*handler)(void *ctx, const struct event *event), void *ctx);
	/* Bytes queued now. */
	size_t (*queued)(const struct backend *backend);
};

extern const struct backend_ops inotify_backend;

#endif
