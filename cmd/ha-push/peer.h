/* SPDX-License-Identifier: ISC */
/*
 * peer - what ha-push knows of the other end, and what it does there itself.
 *
 * Paths are relative to the target directory.  No function here follows a
 * symbolic link below the target: each parent is looked at first (lstat),
 * and what was found is remembered until peer_forget().
 */
#ifndef PUSH_PEER_H
#define PUSH_PEER_H

#include <stddef.h>
#include <stdint.h>

#include "budget.h"
#include "buf.h"
#include "err.h"
#include "match.h"
#include "sftp.h"
#include "transport.h"
#include "trash.h"

/* What an rsync can do, as its --version says. */
struct rsync_caps {
	unsigned version; /* 30203 for 3.2.3 */
	int acls, xattrs;
};

/* Read them from what `rsync --version` printed.  -1: that is no rsync's. */
int peer_parse_version(const char *text, struct rsync_caps *caps);

/* A word that a POSIX shell, and csh and fish too, read as it is. */
void peer_add_quoted(struct ha_buf *command, const char *word);

struct peer {
	const char *dir; /* the target directory; borrowed */
	const char *label; /* "host:dir", for messages; borrowed */
	struct transport *transport; /* owned */
	struct sftp *sftp; /* owned */
	int is_root;
	char *login; /* the name of the user that logs in; owned */
	int writable; /* the target, by test -w */
	int has_answered; /* its shell ran a command, if not as it should */
	int is_ready; /* it was looked at, and will do */
	unsigned logins; /* so far */
	int64_t linked_ns; /* the last one */
	int is_single; /* it allows one channel: SFTP or rsync, not both */
	struct rsync_caps rsync; /* of the rsync there */
	struct peer_dirs *dirs; /* parents found to be directories */
	struct budget *budget; /* what is removed is counted; borrowed */
	uint64_t removed; /* names, so far */
	struct trash *trash; /* what goes is moved there; NULL: nowhere */
	/*
	 * Asked by peer_may_go_on(); -1 ends what is done there with err.  May
	 * be NULL.
	 */
	int (*may_go_on)(void *context, struct ha_err *err);
	void *context;
	int64_t ask_ns; /* not before */
};

/*
 * Log in unless there is a link, see what the peer can do, and that the target is a directory.
 * rsync_path is the command to run there, as the user gave it.
 * EX_UNAVAILABLE, EX_NOPERM, EX_CONFIG as from transport_open(); also
 * EX_UNAVAILABLE: no rsync or no sftp-server there; EX_CANTCREAT: no such
 * directory, it is no directory, or not writable.
 * A link stays open when only what it leads to won't do: the next call looks
 * again, and logs in only after ten minutes, as a login's groups and shell are
 * those of its beginning.
 */
int peer_open(struct peer *peer, const struct transport_conf *conf,
    const char *rsync_path, struct ha_err *err);
/* See that again, over an open link.  Errors as above. */
int peer_check(struct peer *peer, const char *rsync_path, struct ha_err *err);
/* Something failed though the link is up: peer_open() is to look again. */
void peer_doubt(struct peer *peer);
int peer_is_linked(const struct peer *peer);
void peer_close(struct peer *peer);
/*
 * Run a command there, without input, for at most ms: its stdout, the end of
 * its stderr and its status, as channel_exit_status().  SFTP gives its channel
 * up, as the server may allow no second one.  EX_UNAVAILABLE when it can't be
 * started or takes too long; the link may be up then.
 */
#define PEER_RUN_MS 30000
int peer_run(struct peer *peer, const char *command, int64_t ms,
    struct ha_buf *out, struct ha_buf *errors, int *status, struct ha_err *err);
/*
 * Ask whether it may be written to, if that was a second ago; removals and
 * renames do so in between.  0, -1.
 */
int peer_may_go_on(struct peer *peer, struct ha_err *err);
/* Forget which parents are directories: before each round. */
void peer_forget(struct peer *peer);

enum peer_result {
	PEER_DONE = 0,
	PEER_KEPT = 1, /* something excluded stands there and was kept */
	PEER_REFUSED = 2, /* the peer said no: why says what */
	PEER_HELD = 3, /* all is there: over the budget */
};

struct peer_removal {
	const char *path;
	uint64_t allowed; /* so many names may go whatever the budget says */
	enum peer_result result;
	char *why; /* of what was kept or refused; the caller frees it */
	uint64_t count; /* of what is held: names that would go */
	uint64_t charged; /* after -1: counted, and perhaps still there */
};

/*
 * Remove each path (with a trash: move it there), whatever it is, a directory with all below it but what
 * match excludes.  What is not there is done.  A directory is counted first,
 * and removed or held as a whole.  -1 when the link is lost, or may_go_on() said
 * no.
 */
int peer_remove(struct peer *peer, const struct ha_match *match,
    struct peer_removal *removals, size_t count, struct ha_err *err);

/*
 * Make way for a local file that is no directory: if a directory stands at
 * path, remove it as above; its own name, which stays in use, is not counted.
 */
int peer_make_way(struct peer *peer, const struct ha_match *match,
    struct peer_removal *removal, struct ha_err *err);

/*
 * rename(2) from to to.  Returns 0 done, 1 not done (nothing changed, or only
 * what stood at to is gone), -1 link lost.  size and mtime are those of the
 * local file: unless from is one with just these (kind 'f'), or a directory
 * (kind 'd'), it is not done.
 */
int peer_rename(struct peer *peer, const struct ha_match *match,
    const char *from, const char *to, char kind, uint64_t size, int64_t mtime,
    struct ha_err *err);

/* How many names would a removal of path take away?  -1: link lost. */
int peer_count(struct peer *peer, const struct ha_match *match,
    const char *path, uint64_t *count, struct ha_err *err);

/* Is path missing, no directory or an empty one?  1, 0, -1. */
int
peer_has_nothing_below(struct peer *peer, const char *path, struct ha_err *err);

/* Does the target hold anything that match doesn't exclude?  1, 0, -1. */
int peer_has_files(
    struct peer *peer, const struct ha_match *match, struct ha_err *err);

/*
 * Give the target directory itself these times (seconds), when no run of rsync
 * is needed otherwise.  -1: link lost.
 */
int peer_set_root_times(
    struct peer *peer, int64_t atime, int64_t mtime, struct ha_err *err);

/*
 * fsync(2) the directory that holds each path; one that is gone is passed
 * over.  -1: link lost, or EX_IOERR.
 */
int peer_sync_parents(struct peer *peer, const char *const *paths, size_t count,
    struct ha_err *err);

#endif
