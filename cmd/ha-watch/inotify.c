/* SPDX-License-Identifier: ISC */
/*
 * inotify - the backend that watches each directory: adds watches, decodes
 * events, knows which node a watch descriptor belongs to.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "alloc.h"
#include "backend.h"
#include "tree.h"

#define READ_SIZE (256 * 1024)
#define FIRST_BUCKETS 1024

/*
 * IN_MASK_ADD: a second name of the root (a bind mount) takes nothing away.
 * IN_EXCL_UNLINK keeps O_TMPFILE's "#inode" names out, and writes to files
 * that were deleted or replaced.
 */
#define MASK                                                                   \
	(IN_CREATE | IN_DELETE | IN_MOVED_FROM | IN_MOVED_TO |                 \
	    IN_CLOSE_WRITE | IN_MODIFY | IN_ATTRIB | IN_ONLYDIR |              \
	    IN_DONT_FOLLOW | IN_EXCL_UNLINK | IN_MASK_ADD)
#define ROOT_MASK (MASK | IN_DELETE_SELF | IN_MOVE_SELF)

static struct dir **
bucket(const struct backend *backend, int id)
{
	return &backend->buckets[(size_t)id & (backend->bucket_count - 1)];
}

static struct dir *
by_id(const struct backend *backend, int id)
{
	struct dir *dir = *bucket(backend, id);

	while (dir && dir->id != id)
		dir = dir->id_next;
	return dir;
}

static void
grow(struct backend *backend)
{
	struct dir **old = backend->buckets, *dir, *next;
	size_t i, n = backend->bucket_count;

	backend->bucket_count = 2 * n;
	backend->buckets = ha_xcalloc(2 * n, sizeof(*backend->buckets));
	for (i = 0; i < n; i++) {
		for (dir = old[i]; dir; dir = next) {
			struct dir **to = bucket(backend, dir->id);

			next = dir->id_next;
			dir->id_next = *to;
			*to = dir;
		}
	}
	free(old);
}

static void
bind_id(struct backend *backend, struct dir *dir, int id)
{
	struct dir **to;

	if (++backend->count > backend->bucket_count)
		grow(backend);
	to = bucket(backend, id);
	dir->id = id;
	dir->id_next = *to;
	*to = dir;
}

static void
unbind_id(struct backend *backend, struct dir *dir)
{
	struct dir **at = bucket(backend, dir->id);

	while (*at != dir)
		at = &(*at)->id_next;
	*at = dir->id_next;
	dir->id = -1;
	backend->count--;
}

static int
in_open(struct backend *backend, struct ha_err *err)
{
	backend->fd = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
	if (backend->fd < 0 && errno == EMFILE)
		return ha_err_set(err, EX_OSERR, errno,
		    "can't start inotify: this user has all instances in use; "
		    "raise fs.inotify.max_user_instances (sysctl)");
	if (backend->fd < 0)
		return ha_err_set(err, EX_OSERR, errno, "can't start inotify");
	backend->count = 0;
	backend->bucket_count = FIRST_BUCKETS;
	backend->buckets = ha_xcalloc(FIRST_BUCKETS, sizeof(*backend->buckets));
	backend->events = ha_xmalloc(READ_SIZE);
	return 0;
}

static void
in_close(struct backend *backend)
{
	close(backend->fd);
	free(backend->buckets);
	free(backend->events);
}

static void
in_unwatch(struct backend *backend, struct dir *dir)
{
	if (dir->id < 0)
		return;
	inotify_rm_watch(backend->fd, dir->id);
	unbind_id(backend, dir);
}

static int
in_watch(struct backend *backend, struct dir *dir, const char *name,
    int is_root, struct dir **other)
{
	int id =
	    inotify_add_watch(backend->fd, name, is_root ? ROOT_MASK : MASK);

	if (id < 0)
		return errno;
	*other = by_id(backend, id);
	if (*other == dir)
		return 0;
	if (*other)
		return EEXIST;
	/* Another directory stands here now: over-mounted or replaced. */
	in_unwatch(backend, dir);
	bind_id(backend, dir, id);
	return 0;
}

static void
in_hand_over(struct backend *backend, struct dir *from, struct dir *to)
{
	int id = from->id;

	unbind_id(backend, from);
	in_unwatch(backend, to);
	bind_id(backend, to, id);
}

static const struct {
	uint32_t mask;
	enum event_op op;
} ops[] = {
	{ IN_CLOSE_WRITE, EV_CLOSE },
	{ IN_MODIFY, EV_MODIFY },
	{ IN_CREATE, EV_CREATE },
	{ IN_DELETE, EV_DELETE },
	{ IN_MOVED_FROM, EV_FROM },
	{ IN_MOVED_TO, EV_TO },
	{ IN_ATTRIB, EV_ATTRIB },
	{ IN_IGNORED, EV_UNWATCHED },
	{ IN_UNMOUNT, EV_UNMOUNT },
	{ IN_DELETE_SELF, EV_ROOT_GONE },
	{ IN_MOVE_SELF, EV_ROOT_MOVED },
};

static void
decode(struct backend *backend, const struct inotify_event *raw,
    void (*handler)(void *ctx, const struct event *event), void *ctx)
{
	struct event event = { .is_dir = !!(raw->mask & IN_ISDIR),
		.cookie = raw->cookie,
		.name = raw->len ? raw->name : "" };
	size_t i;

	if (raw->mask & IN_Q_OVERFLOW) {
		event.op = EV_OVERFLOW;
		handler(ctx, &event);
		return;
	}
	event.dir = by_id(backend, raw->wd);
	if (!event.dir)
		return;
	event.len = strlen(event.name);
	for (i = 0; i < sizeof(ops) / sizeof(ops[0]); i++)
		if (raw->mask & ops[i].mask)
			break;
	if (i == sizeof(ops) / sizeof(ops[0]))
		return;
	event.op = ops[i].op;
	if (event.op == EV_UNWATCHED)
		unbind_id(backend, event.dir);
	handler(ctx, &event);
}

static size_t
in_read(struct backend *backend,
    void (*handler)(void *ctx, const struct event *event), void *ctx)
{
	ssize_t n = read(backend->fd, backend->events, READ_SIZE);
	const char *at = backend->events;
	const struct inotify_event *raw;

	if (n <= 0)
		return 0;
	while (at < backend->events + n) {
		raw = (const void *)at;
		decode(backend, raw, handler, ctx);
		at += sizeof(*raw) + raw->len;
	}
	return (size_t)n;
}

static size_t
in_queued(const struct backend *backend)
{
	int n = 0;

	if (ioctl(backend->fd, FIONREAD, &n) || n < 0)
		return 0;
	return (size_t)n;
}

const struct backend_ops inotify_backend = {
	.open = in_open,
	.close = in_close,
	.watch = in_watch,
	.unwatch = in_unwatch,
	.hand_over = in_hand_over,
	.read = in_read,
	.queued = in_queued,
};
