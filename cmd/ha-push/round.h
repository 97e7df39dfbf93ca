/* SPDX-License-Identifier: ISC */
/* round - the items of one batch, on their way through look, send and judge. */
#ifndef PUSH_ROUND_H
#define PUSH_ROUND_H

#include <sys/stat.h>

#include "buf.h"
#include "push.h"

enum fate {
	FATE_SETTLED, /* excluded, or a parent stands for it: nothing to do */
	FATE_GONE, /* not there: to be removed on the peer */
	FATE_SEND, /* content, by the content run */
	FATE_ATTR, /* compared first, by the attribute run */
	FATE_ROOT, /* the root directory's own attributes */
	FATE_TREE, /* compared with all below it */
};

enum outcome {
	OUTCOME_OPEN, /* not tried, or not its fault: again */
	OUTCOME_DONE, /* on the peer */
	OUTCOME_FAILED, /* by itself; why says what */
	OUTCOME_WAITS, /* missing: a D or M is about to say why */
	OUTCOME_HELD, /* but for a deletion, which is over the budget */
};

struct item {
	struct dirty_entry *entry;
	enum fate fate;
	enum outcome outcome;
	struct stat st; /* before it was sent */
	char
	    *gone; /* FATE_GONE: the topmost part of the path that is missing */
	char *why;
	int is_ours; /* the failure is on this side */
	uint64_t extra; /* names that its deletion takes away on the peer */
	struct ha_buf
	    extra_names; /* FATE_TREE: some of them, NUL behind each */
};

struct round {
	struct push *push;
	struct item *items;
	size_t count;
	struct ha_buf send, attr, trees; /* names for rsync, NUL behind each */
	int keeps_extra; /* the trees' run deletes nothing: it is held */
	uint64_t files; /* of a walk through the whole source */
	int root_attr; /* the root's attributes are to be compared */
	int root_touched; /* something directly below the root is removed */
	int disk_fails; /* the peer's disk is full or read-only */
	char *disk_why;
};

/*
 * look.c: see what each item is here, and list the names to send: files with
 * several names with all of them, and the parents of what is gone.  -1:
 * interrupted, or the source can't be read.
 */
int look_at_items(struct round *round, struct ha_err *err);

/* batch.c: one run of rsync; the caller releases result.  -1: link lost. */
int
batch_run(struct push *push, enum rsync_kind kind, const struct ha_buf *names,
    struct rsync_result *result, struct ha_err *err);
/* batch.c: one run of rsync, and what it says about the items of this fate. */
int batch_run_rsync(struct round *round, enum fate fate, enum rsync_kind kind,
    const struct ha_buf *names, struct ha_err *err);

/*
 * trees.c: compare the trees of the round; what would be deleted on the peer is
 * counted first, and held when that is over the budget.  -1 as batch_round().
 */
int trees_run(struct round *round, struct ha_err *err);

/*
 * trees.c: of what was counted for the trees, and in doubt, so many names are
 * there still.
 */
void trees_settle_doubt(struct round *round, uint64_t still_there);

/*
 * batch.c: rsync_start().  A peer that refuses the channel may allow no more
 * than those that are open or end: it is tried again for a while, without the
 * run that waits, then without SFTP.
 */
int batch_start(struct push *push, enum rsync_kind kind, unsigned flags,
    const struct ha_buf *names, struct rsync_run **run, struct ha_err *err);

/*
 * batch.c: no run works there: see what the peer can do now.  -1 as
 * peer_check().
 */
int batch_check_peer(struct push *push, struct ha_err *err);

/*
 * judge.c: a run over the names of one fate (FATE_SEND also stands for the
 * names that came along) ended with result; find out what is on the peer now.
 * -1 as batch_round().
 */
int judge_run(struct round *round, enum fate fate, const struct ha_buf *names,
    const struct rsync_result *result, struct ha_err *err);

/*
 * judge.c: take each item's outcome back to the dirty set.  Returns how many
 * are on the peer.
 */
size_t judge_settle(struct round *round, struct ha_buf *acks);

#endif
