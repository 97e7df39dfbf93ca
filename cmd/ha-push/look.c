/* SPDX-License-Identifier: ISC */
/*
 * look - a dirty path is only a hint: what stands there now decides what is
 * done about it.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "alloc.h"
#include "change.h"
#include "clock.h"
#include "fs.h"
#include "msg.h"
#include "round.h"
#include "wait.h"

/* Comparing a file larger than this first is cheaper than sending it. */
#define SMALL_FILE (256 * 1024)
/* Walks for hard links take at most one part in this of the time. */
#define WALK_SHARE 20

/*
 * With "./" before it: rsync drops a name that starts with # or ; as a
 * comment, without a word; and the root directory's own attributes come along.
 */
static void
add_name(struct ha_buf *names, const char *path)
{
	ha_buf_add_str(names, "./");
	ha_buf_add(names, path, strlen(path) + 1);
}

static int
tick(void)
{
	return wait_poll(NULL, 0, 0) < 0;
}

static void
fail(struct item *item, int sys)
{
	item->outcome = OUTCOME_FAILED;
	item->is_ours = 1;
	item->why = ha_xasprintf("can't look at it here: %s", strerror(sys));
}

/* rsync would cut the name, and report another path: its MAXPATHLEN. */
static int
is_too_long(const char *path)
{
	return strlen(path) + strlen("./") >= PATH_MAX;
}

/* What is gone has no kind any more; the peer's is looked at before it goes. */
static int
is_excluded(const struct push *push, const char *path, const struct stat *st)
{
	if (st != NULL)
		return ha_match_excludes_below(
		    push->match, path, S_ISDIR(st->st_mode), NULL, NULL);
	return ha_match_excludes_below(push->match, path, 0, NULL, NULL) &&
	       ha_match_excludes_below(push->match, path, 1, NULL, NULL);
}

/*
 * Told to be gone, just this path is removed: a missing parent's own D or M
 * follows.  Otherwise one of them may be on its way, and would find the parent
 * removed that is to be renamed; only if none comes, the topmost part that is
 * missing is what the peer has too much.  That goes on by its own name, so that
 * it is counted once for all that is missing with it.
 */
static void
take_gone(struct dirty *dirty, struct item *item, const char *missing)
{
	struct dirty_entry *entry = item->entry;
	unsigned flags = DIRTY_CONTENT | DIRTY_REPLACED;

	if (!(entry->flags & DIRTY_REPLACED) && !entry->was_missing) {
		item->outcome = OUTCOME_WAITS;
		return;
	}
	if (entry->flags & DIRTY_REPLACED ||
	    strcmp(missing, entry->path) == 0) {
		item->fate = FATE_GONE;
		item->gone = ha_xstrdup(entry->path);
		return;
	}
	item->outcome = OUTCOME_DONE;
	dirty_mark_at(dirty, missing, flags, entry->first_ns, entry->epoch);
	if (entry->acks.len == 0)
		return;
	dirty_mark(dirty, missing, flags, entry->acks.data, entry->acks.len);
	ha_buf_reset(&entry->acks);
}

/*
 * The path is not there.  The topmost part that is missing is what the peer
 * has too much; a parent that is there but no directory is to be sent.
 */
static void
look_at_missing(struct round *round, struct item *item)
{
	struct push *push = round->push;
	char *part = ha_xstrdup(item->entry->path);

	for (char *slash = strchr(part, '/');; slash = strchr(slash + 1, '/')) {
		struct stat st;
		int rc;

		if (slash != NULL)
			*slash = '\0';
		rc = ha_fs_lstat_beneath(push->source.fd, part, &st);
		if (rc != 0 && errno == ENOENT) {
			take_gone(&push->dirty, item, part);
			break;
		}
		if (rc != 0) {
			fail(item, errno);
			break;
		}
		if (slash == NULL || !S_ISDIR(st.st_mode)) {
			/* It came back, or a parent became something else. */
			dirty_mark_at(&push->dirty, part,
			    DIRTY_CONTENT | DIRTY_REPLACED,
			    item->entry->first_ns, item->entry->epoch);
			if (slash != NULL) {
				*slash = '/';
				item->fate = FATE_GONE;
				item->gone = part;
				return;
			}
			break;
		}
		*slash = '/';
	}
	free(part);
}

static void
look_at_present(struct item *item)
{
	unsigned flags = item->entry->flags;

	if (S_ISDIR(item->st.st_mode))
		item->fate = flags & (DIRTY_TREE | DIRTY_REPLACED) ? FATE_TREE
								   : FATE_SEND;
	else if (flags & ~(unsigned)DIRTY_ATTR || !S_ISREG(item->st.st_mode) ||
		 item->st.st_nlink > 1 || item->st.st_size < SMALL_FILE)
		item->fate = FATE_SEND;
	else
		item->fate = FATE_ATTR;
}

/* It was not sent, so nothing of it is to be removed there. */
static void
take_too_long(struct item *item, int is_here)
{
	item->outcome = is_here ? OUTCOME_FAILED : OUTCOME_DONE;
	if (!is_here)
		return;
	item->is_ours = 1;
	item->why = ha_xasprintf(
	    "rsync can't name a path of %d bytes or more", PATH_MAX - 2);
}

/* The other names of a file that was changed by a name that it left. */
struct left {
	struct dirty *dirty;
	const struct dirty_entry *by;
};

static void
mark_left(void *context, const char *path)
{
	struct left *left = context;

	dirty_mark_at(left->dirty, path, DIRTY_CONTENT, left->by->first_ns,
	    left->by->epoch);
}

static void
look_at(struct round *round, struct item *item)
{
	struct push *push = round->push;
	const char *path = item->entry->path;
	int rc = ha_fs_lstat_beneath(push->source.fd, path, &item->st);
	int sys = errno;
	struct left left = { &push->dirty, item->entry };

	links_left(
	    push->links, path, rc == 0 ? &item->st : NULL, mark_left, &left);
	if (strcmp(path, HA_CHANGE_ROOT) == 0) {
		item->fate = item->entry->flags & (DIRTY_TREE | DIRTY_REPLACED)
				 ? FATE_TREE
				 : FATE_ROOT;
		if (item->fate == FATE_ROOT)
			round->root_attr = 1;
		return;
	}
	if (is_excluded(push, path, rc == 0 ? &item->st : NULL))
		item->outcome = OUTCOME_DONE;
	else if (is_too_long(path))
		take_too_long(item, rc == 0);
	else if (rc == 0)
		look_at_present(item);
	else if (sys == ENOENT || sys == ENOTDIR || sys == ELOOP)
		look_at_missing(round, item);
	else
		fail(item, sys);
}

static void
add_linked_name(void *context, const char *path)
{
	add_name(context, path);
}

/*
 * Walk the whole source for names of files that have more than are known. When
 * the last walk was just now, entry is left dirty for the time of the next.
 */
static int
find_names(struct push *push, struct dirty_entry *entry, unsigned flags,
    struct ha_err *err)
{
	int64_t now_ns = ha_clock_now_ns();
	struct links_totals totals;

	if (now_ns < push->next_walk_ns) {
		dirty_again_later(
		    &push->dirty, entry, flags, push->next_walk_ns);
		return 0;
	}
	links_walk(push->links, HA_CHANGE_ROOT, &totals, tick);
	if (totals.stopped)
		return ha_err_set(err, EX_TEMPFAIL, 0, "interrupted");
	push->next_walk_ns =
	    ha_clock_now_ns() + WALK_SHARE * (ha_clock_now_ns() - now_ns);
	return 0;
}

/* All names of one file go in one run, which keeps them one file. */
static int
add_linked(struct round *round, struct item *item, struct ha_err *err)
{
	struct push *push = round->push;

	links_note(push->links, item->entry->path, &item->st);
	if (!links_first(push->links, &item->st))
		return 0;
	if (links_wants_walk(push->links, &item->st) &&
	    find_names(push, item->entry, DIRTY_CONTENT, err) != 0)
		return -1;
	links_names(push->links, &item->st, add_linked_name, &round->send);
	return 0;
}

/* A directory whose entries changed has other times now. */
static void
add_parent(struct round *round, const char *path)
{
	const char *slash = strrchr(path, '/');
	char *parent;
	struct stat st;

	if (slash == NULL) {
		round->root_touched = 1;
		return;
	}
	parent = ha_xmemdup(path, (size_t)(slash - path));
	if ((round->send.len < strlen(parent) + 1 ||
		strcmp(round->send.data + round->send.len - strlen(parent) - 1,
		    parent) != 0) &&
	    ha_fs_lstat_beneath(round->push->source.fd, parent, &st) == 0 &&
	    S_ISDIR(st.st_mode))
		add_name(&round->send, parent);
	free(parent);
}

/* Nothing was met in the source: is it empty, and may it be? */
static int
check_empty(struct push *push, struct ha_err *err)
{
	int fd = ha_fs_open_beneath(
	    push->source.fd, HA_CHANGE_ROOT, O_RDONLY | O_DIRECTORY);
	int rc;

	if (fd < 0)
		return ha_err_set(err, EX_NOINPUT, errno,
		    "source %s can't be read", push->source.path);
	close(fd);
	rc = peer_has_files(&push->peer, push->match, err);
	if (rc <= 0)
		return rc;
	if (push->conf.force == NULL)
		return ha_err_set(err, EX_NOPERM, 0,
		    "%s is empty, but %s has files: not mirroring nothing over "
		    "something; if that is meant, add --force=REASON",
		    push->source.path, push->peer.label);
	ha_warn("%s is empty and everything in %s is removed, forced: %s",
	    push->source.path, push->peer.label, push->conf.force);
	return 0;
}

static int
look_at_tree(struct round *round, struct item *item, struct ha_err *err)
{
	struct push *push = round->push;
	const char *path = item->entry->path;
	int is_root = strcmp(path, HA_CHANGE_ROOT) == 0;
	struct links_totals totals;

	links_walk(push->links, path, &totals, tick);
	if (totals.stopped)
		return ha_err_set(err, EX_TEMPFAIL, 0, "interrupted");
	if (!is_root && links_has_unknown(push->links, path) &&
	    find_names(push, item->entry, DIRTY_TREE, err) != 0)
		return -1;
	if (is_root) {
		round->files = totals.files;
		budget_first_count(&push->budget, totals.files);
	}
	if (is_root && totals.files == 0 && totals.dirs == 0 &&
	    check_empty(push, err) != 0)
		return -1;
	ha_buf_addf(&round->trees, is_root ? "%s/" : "./%s/", path);
	ha_buf_add_char(&round->trees, '\0');
	return 0;
}

int
look_at_items(struct round *round, struct ha_err *err)
{
	links_new_round(round->push->links);
	for (size_t i = 0; i < round->count; i++) {
		struct item *item = &round->items[i];

		look_at(round, item);
		if (item->outcome != OUTCOME_OPEN)
			continue;
		if (item->fate == FATE_GONE)
			add_parent(round, item->gone);
		else if (item->fate == FATE_TREE &&
			 look_at_tree(round, item, err) != 0)
			return -1;
		else if (item->fate == FATE_ATTR)
			add_name(&round->attr, item->entry->path);
		else if (item->fate == FATE_SEND)
			add_name(&round->send, item->entry->path);
		if (item->fate == FATE_SEND && !S_ISDIR(item->st.st_mode) &&
		    item->st.st_nlink > 1 && add_linked(round, item, err) != 0)
			return -1;
	}
	return 0;
}
