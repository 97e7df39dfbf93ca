/* SPDX-License-Identifier: ISC */
/*
 * rsync - one run of the local rsync, whose peer is an rsync --server on a
 * channel of the transport.
 *
 * rsync's remote shell is this program itself, as `--rsh-pass=FD`: it hands
 * its stdin and stdout to ha-push over an inherited socket and ends, so that
 * a batch costs neither an ssh process nor a login.  A run may be started
 * before its names are known: both ends then wait for them, and a change is
 * on its way without the cost of starting anything.
 */
#ifndef PUSH_RSYNC_H
#define PUSH_RSYNC_H

#include <stddef.h>
#include <stdint.h>

#include "buf.h"
#include "err.h"
#include "match.h"
#include "patience.h"
#include "peer.h"

enum rsync_kind {
	RSYNC_CONTENT, /* send the named paths, whatever size and time say */
	RSYNC_ATTR, /* send what differs of the named paths */
	RSYNC_TREE, /* the same for all below the named directories; delete there */
	RSYNC_TREE_KEEP, /* the same, but delete nothing */
	RSYNC_TREE_EXTRA, /* a dry run that lists what RSYNC_TREE would delete */
	RSYNC_ROOT, /* only the root directory's own attributes */
};

struct rsync_conf {
	int root_fd; /* where the names are relative to */
	const struct ha_match *match;
	struct peer *peer;
	struct rsync_caps local; /* of the rsync here */
	const char *rsync_path; /* on the peer; NULL: rsync */
	const char *bwlimit; /* as rsync takes it; or NULL */
	const char *chown; /* USER:GROUP; or NULL */
	int compress;
	int fsync;
	struct patience patience; /* kept by rsync_finish() */
	/*
	 * There are files with several names.  A tree is listed whole then
	 * before anything of it is sent: rsync that lists while it sends
	 * (3.2.7, 3.5.0) waits for itself for ever if the name that it sends
	 * vanishes and another, listed later, is to become a link to it.
	 */
	int has_links;
	uint64_t max_delete; /* RSYNC_TREE deletes no more; UINT64_MAX: any */
	const char *backup_dir; /* what is replaced or deleted goes there; or
				   NULL */
	void (*progress)(
	    const char *line); /* rsync's progress2 line; or NULL */
	/*
	 * The local rsync is done, the peer's about to be: time for other work.
	 */
	void (*ending)(void *context);
	/*
	 * Asked each second while a run goes on; -1 ends it with err.  May be
	 * NULL.
	 */
	int (*may_go_on)(void *context, struct ha_err *err);
	void *context;
};

struct rsync_run;

/* What the rsync here can do.  EX_UNAVAILABLE: there is none. */
int rsync_look_at_local(struct rsync_caps *caps, struct ha_err *err);

/* Has the rsync on both ends --fsync? */
int rsync_can_fsync(const struct rsync_conf *conf);
int rsync_can_chown(const struct rsync_conf *conf);
/* The command to run on the peer. */
const char *rsync_path_there(const struct rsync_conf *conf);

enum { RSYNC_DRY = 1, RSYNC_CHECKSUM = 2, RSYNC_LIST_SAME = 4 };

/*
 * Start a run for names (each with a NUL behind it), or, when names is NULL, up
 * to the point where it waits for them.  -1 with EX_UNAVAILABLE: the local
 * rsync is missing, the peer refuses the channel, the link is lost.
 */
int rsync_start(struct rsync_run **run, struct rsync_conf *conf,
    enum rsync_kind kind, unsigned flags, const struct ha_buf *names,
    struct ha_err *err);
/* Ends it if need be. NULL is nothing. */
void rsync_free(struct rsync_run *run);
/* Still waiting for names, at both ends? */
int rsync_is_waiting(const struct rsync_run *run);

/* How many bytes of names a run that waits for them takes: a pipe's worth. */
#define RSYNC_NAMES_MAX (64 * 1024)

struct rsync_result {
	int code; /* rsync's exit status; 127: none on the peer */
	struct ha_buf errors; /* what it said on stderr */
	struct ha_buf output; /* a dry run's list: "%i %n" a line */
	uint64_t bytes; /* moved over the channel */
};

void rsync_result_init(struct rsync_result *result);
void rsync_result_release(struct rsync_result *result);

/*
 * Give it its names, if it waits for them (at most RSYNC_NAMES_MAX bytes), and
 * see it through.  One that moves nothing for too long (patience.h) is ended
 * with code 30.  0: it ended, result says how; -1: the link is lost, the
 * process is to stop, or may_go_on() said no.
 */
int rsync_finish(struct rsync_run *run, const struct ha_buf *names,
    struct rsync_result *result, struct ha_err *err);

/*
 * Call each for every path of a dry run's output: item is rsync's eleven
 * letters ("*deleting  " for a deletion), path is unescaped and has no final
 * slash.
 */
void rsync_each_item(const struct ha_buf *output,
    void (*each)(void *context, const char *item, const char *path),
    void *context);

/*
 * The line of errors that speaks of path, else its first line; without its
 * "rsync: " and cut to one line.  The caller frees it.
 */
char *rsync_why(const struct ha_buf *errors, int code, const char *path);

/*
 * Does errors tell of a full or read-only disk on the peer (ENOSPC, EDQUOT,
 * EROFS)?
 */
int rsync_peer_disk_fails(const struct ha_buf *errors);

/*
 * main() of `ha-push --rsh-pass=FD HOST COMMAND...`; returns the exit status.
 */
int rsync_rsh_main(int argc, char **argv);

#endif
