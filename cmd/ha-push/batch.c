/* SPDX-License-Identifier: ISC */
/*
 * batch - one round: renames, removals, content, trees, in the order that
 * leaves the peer right after each step.
 */
#include "batch.h"

#include <stdlib.h>
#include <string.h>

#include "alloc.h"
#include "clock.h"
#include "fs.h"
#include "hold.h"
#include "input.h"
#include "msg.h"
#include "out.h"
#include "round.h"

/* Room for the parents and other names that come along with a full list. */
#define NAMES_BUDGET (RSYNC_NAMES_MAX * 3 / 4)
/* A channel that is refused: how long it is tried again, and the pause. */
#define REFUSED_MS 3000
#define REFUSED_PAUSE_MS 50
/* Then SFTP gives its channel up, as none but its own is left. */
#define SFTP_KEPT_MS 1000
/* Batches in a row of which nothing passed a full disk, before a pause. */
#define DISK_STRIKES 3

static void
mark_both(struct push *push, const struct dirty_rename *rename)
{
	unsigned flags = DIRTY_TREE | DIRTY_CONTENT | DIRTY_REPLACED;

	dirty_mark_at(
	    &push->dirty, rename->from, flags, rename->first_ns, rename->epoch);
	dirty_mark_at(
	    &push->dirty, rename->to, flags, rename->first_ns, rename->epoch);
}

/* Can it be played: is from gone, and to the kind of thing that moved? */
static int
is_playable(
    const struct push *push, const struct dirty_rename *rename, struct stat *st)
{
	struct stat from;

	if (ha_fs_lstat_beneath(push->source.fd, rename->from, &from) == 0)
		return 0;
	return ha_fs_lstat_beneath(push->source.fd, rename->to, st) == 0 &&
	       ha_change_kind(st->st_mode) == rename->kind &&
	       !ha_match_excludes_below(push->match, rename->from,
		   rename->kind == 'd', NULL, NULL) &&
	       !ha_match_excludes_below(
		   push->match, rename->to, rename->kind == 'd', NULL, NULL);
}

/* Then what was sent below it may have been another directory's. */
static int
was_looked_at(const struct push *push, const struct dirty_rename *rename)
{
	return rename->kind == 'd' &&
	       recent_has_below(&push->recent, rename->from, ha_clock_now_ns());
}

static int
play_rename(
    struct push *push, const struct dirty_rename *rename, struct ha_err *err)
{
	struct stat st;
	int rc = 1;

	if (is_playable(push, rename, &st))
		rc = peer_rename(&push->peer, push->match, rename->from,
		    rename->to, rename->kind, (uint64_t)st.st_size,
		    st.st_mtim.tv_sec, err);
	if (rc < 0)
		return -1;
	links_renamed(
	    push->links, rename->from, rename->to, rename->kind == 'd');
	if (rc == 1) {
		mark_both(push, rename);
	} else {
		push->report.renames++;
		push->last_progress_ns = ha_clock_now_ns();
		/* Two names of one file are not renamed: see that it's gone. */
		dirty_mark_at(&push->dirty, rename->from,
		    DIRTY_ATTR | DIRTY_REPLACED, rename->first_ns,
		    rename->epoch);
		dirty_mark_at(&push->dirty, rename->to,
		    was_looked_at(push, rename) ? DIRTY_TREE : DIRTY_ATTR,
		    rename->first_ns, rename->epoch);
	}
	if (rename->ack != NULL)
		dirty_mark(&push->dirty, rename->to, DIRTY_ATTR, rename->ack,
		    strlen(rename->ack));
	return 0;
}

static int
play_renames(struct push *push, struct ha_err *err)
{
	struct dirty_rename *rename;

	while ((rename = dirty_next_rename(&push->dirty)) != NULL) {
		if (play_rename(push, rename, err) != 0) {
			dirty_put_back_rename(&push->dirty, rename);
			return -1;
		}
		dirty_settle_rename(&push->dirty, rename);
	}
	return 0;
}

/* Frees removal->why, or keeps it. */
static void
apply_removal(struct item *item, struct peer_removal *removal)
{
	item->outcome = OUTCOME_DONE;
	if (removal->result == PEER_HELD) {
		item->outcome = OUTCOME_HELD;
		item->extra = removal->count;
	} else if (removal->result == PEER_REFUSED) {
		item->outcome = OUTCOME_FAILED;
		item->why = removal->why;
		return;
	} else if (removal->result == PEER_KEPT) {
		ha_say("%s", removal->why);
	}
	free(removal->why);
}

static int
remove_gone(struct round *round, struct ha_err *err)
{
	struct push *push = round->push;
	struct peer_removal *removals =
	    ha_xcalloc(round->count + 1, sizeof(*removals));
	struct item **items =
	    ha_xcalloc(round->count + 1, sizeof(struct item *));
	size_t count = 0;
	int rc;

	for (size_t i = 0; i < round->count; i++) {
		struct item *item = &round->items[i];

		if (item->fate != FATE_GONE || item->outcome != OUTCOME_OPEN)
			continue;
		items[count] = item;
		removals[count].path = item->gone;
		removals[count++].allowed = item->entry->allowed;
	}
	rc = peer_remove(&push->peer, push->match, removals, count, err);
	for (size_t i = 0; i < count; i++) {
		if (rc != 0) {
			items[i]->entry->allowed += removals[i].charged;
			free(removals[i].why);
			continue;
		}
		push->report.deletions += removals[i].result == PEER_DONE;
		apply_removal(items[i], &removals[i]);
	}
	free(items);
	free(removals);
	return rc;
}

/* A directory on the peer where a file is to be. */
static int
make_way(struct round *round, struct ha_err *err)
{
	struct push *push = round->push;

	for (size_t i = 0; i < round->count; i++) {
		struct item *item = &round->items[i];
		struct peer_removal removal = { .path = item->entry->path,
			.allowed = item->entry->allowed };

		if (item->fate != FATE_SEND ||
		    !(item->entry->flags & DIRTY_REPLACED) ||
		    S_ISDIR(item->st.st_mode))
			continue;
		if (peer_make_way(&push->peer, push->match, &removal, err) != 0)
			return -1;
		if (removal.result == PEER_KEPT) {
			item->outcome = OUTCOME_FAILED;
			item->why = removal.why;
		} else if (removal.result != PEER_DONE) {
			apply_removal(item, &removal);
		} else {
			free(removal.why);
		}
	}
	return 0;
}

/* The content run that is ready, if it can take these names. */
static struct rsync_run *
take_warm(struct push *push, const struct ha_buf *names)
{
	struct rsync_run *run = push->warm;

	push->warm = NULL;
	push->is_cold = 0;
	if (run == NULL ||
	    (names->len <= RSYNC_NAMES_MAX && rsync_is_waiting(run)))
		return run;
	rsync_free(run);
	return NULL;
}

/*
 * The peer refused a channel.  It may allow no more than those that are open or
 * end: the run that waits makes room, and after a while SFTP.
 */
static void
make_room(struct push *push, int64_t refused_ns, const struct ha_err *err)
{
	rsync_free(push->warm);
	push->warm = NULL;
	if (push->peer.is_single || err->status != EX_UNAVAILABLE ||
	    ha_clock_now_ns() - refused_ns < SFTP_KEPT_MS * HA_MS_NS)
		return;
	ha_note("%s: it allows one channel only (MaxSessions in its "
		"sshd_config): each run of rsync waits for SFTP to end",
	    push->peer.label);
	push->peer.is_single = 1;
	sftp_pause(push->peer.sftp);
}

int
batch_start(struct push *push, enum rsync_kind kind, unsigned flags,
    const struct ha_buf *names, struct rsync_run **run, struct ha_err *err)
{
	int64_t start_ns = ha_clock_now_ns();

	if (push->peer.is_single)
		sftp_pause(push->peer.sftp);
	while (rsync_start(run, &push->rsync, kind, flags, names, err) != 0) {
		if (ha_clock_now_ns() - start_ns >= REFUSED_MS * HA_MS_NS ||
		    push->stopping || !transport_is_up(push->peer.transport))
			return -1;
		make_room(push, start_ns, err);
		if (transport_step(push->peer.transport,
			ha_clock_deadline(REFUSED_PAUSE_MS), err) < 0)
			return -1;
	}
	return 0;
}

int
batch_check_peer(struct push *push, struct ha_err *err)
{
	rsync_free(push->warm);
	push->warm = NULL;
	if (push->peer.is_single)
		sftp_pause(push->peer.sftp);
	return peer_check(&push->peer, rsync_path_there(&push->rsync), err);
}

static int
run_once(struct push *push, enum rsync_kind kind, const struct ha_buf *names,
    struct rsync_result *result, struct ha_err *err)
{
	struct rsync_run *run;
	int rc;

	run = kind == RSYNC_CONTENT ? take_warm(push, names) : NULL;
	if (run == NULL && batch_start(push, kind, 0, names, &run, err) != 0)
		return -1;
	rc = rsync_finish(run, names, result, err);
	rsync_free(run);
	push->report.sent_bytes += result->bytes;
	if (result->bytes > 0)
		push->last_progress_ns = ha_clock_now_ns();
	return rc;
}

/* Each run has a dated directory of its own. */
int
batch_run(struct push *push, enum rsync_kind kind, const struct ha_buf *names,
    struct rsync_result *result, struct ha_err *err)
{
	int rc;

	if (push->peer.trash == NULL || kind == RSYNC_TREE_EXTRA ||
	    kind == RSYNC_ROOT)
		return run_once(push, kind, names, result, err);
	if (trash_begin(&push->trash, &push->peer, err) != 0)
		return -1;
	push->rsync.backup_dir = push->trash.stamp;
	rc = run_once(push, kind, names, result, err);
	push->rsync.backup_dir = NULL;
	trash_end(&push->trash, &push->peer);
	return rc;
}

int
batch_run_rsync(struct round *round, enum fate fate, enum rsync_kind kind,
    const struct ha_buf *names, struct ha_err *err)
{
	struct rsync_result result;
	int rc;

	if (names->len == 0)
		return 0;
	rsync_result_init(&result);
	rc = batch_run(round->push, kind, names, &result, err);
	if (rc == 0)
		rc = judge_run(round, fate, names, &result, err);
	rsync_result_release(&result);
	return rc;
}

struct crossing {
	struct dirty *dirty;
	const struct dirty_entry *tree;
};

static void
mark_link(void *context, const char *path)
{
	struct crossing *crossing = context;

	dirty_mark_at(crossing->dirty, path, DIRTY_CONTENT,
	    crossing->tree->first_ns, crossing->tree->epoch);
}

/* A tree's run knows the names below it; those elsewhere are sent with them. */
static void
mark_crossing(struct round *round)
{
	for (size_t i = 0; i < round->count; i++) {
		struct item *item = &round->items[i];
		struct crossing crossing = { &round->push->dirty, item->entry };

		if (item->fate == FATE_TREE &&
		    (item->outcome == OUTCOME_DONE ||
			item->outcome == OUTCOME_HELD) &&
		    strcmp(item->entry->path, HA_CHANGE_ROOT) != 0)
			links_crossing(round->push->links, item->entry->path,
			    mark_link, &crossing);
	}
}

/* Any run of rsync has brought the root's times along, and more exactly. */
static int
set_root_times(struct round *round, struct ha_err *err)
{
	struct stat st;

	if (!round->root_touched || round->send.len > 0 ||
	    round->attr.len > 0 || round->trees.len > 0 || round->root_attr ||
	    fstat(round->push->source.fd, &st) != 0)
		return 0;
	return peer_set_root_times(
	    &round->push->peer, st.st_atim.tv_sec, st.st_mtim.tv_sec, err);
}

static int
sync_parents(struct round *round, struct ha_err *err)
{
	const char **paths;
	size_t count = 0;
	int rc;

	if (!round->push->rsync.fsync)
		return 0;
	paths = ha_xcalloc(round->count + 1, sizeof(*paths));
	for (size_t i = 0; i < round->count; i++)
		if (round->items[i].outcome == OUTCOME_DONE)
			paths[count++] = round->items[i].gone != NULL
					     ? round->items[i].gone
					     : round->items[i].entry->path;
	rc = peer_sync_parents(&round->push->peer, paths, count, err);
	free(paths);
	return rc;
}

static int
send_round(struct round *round, struct ha_err *err)
{
	static const char root_name[] = "./";
	struct ha_buf root = HA_BUF_INIT;
	int rc;

	if (round->root_attr)
		ha_buf_add(&root, root_name, sizeof(root_name));
	rc = remove_gone(round, err);
	if (rc == 0)
		rc = make_way(round, err);
	if (rc == 0)
		rc = batch_run_rsync(
		    round, FATE_SEND, RSYNC_CONTENT, &round->send, err);
	if (rc == 0)
		rc = batch_run_rsync(
		    round, FATE_ATTR, RSYNC_ATTR, &round->attr, err);
	if (rc == 0)
		rc = trees_run(round, err);
	if (rc == 0)
		mark_crossing(round);
	if (rc == 0)
		rc = batch_run_rsync(round, FATE_ROOT, RSYNC_ROOT, &root, err);
	if (rc == 0)
		rc = set_root_times(round, err);
	if (rc == 0)
		rc = sync_parents(round, err);
	ha_buf_release(&root);
	return rc;
}

/* Fewer paths after a batch that failed as a whole, more while it goes well. */
static void
adapt_chunk(struct push *push, size_t before)
{
	if (push->chunk == before && push->chunk < PUSH_CHUNK_MAX)
		push->chunk *= 2;
	if (push->chunk < 1)
		push->chunk = 1;
	if (push->chunk > PUSH_CHUNK_MAX)
		push->chunk = PUSH_CHUNK_MAX;
}

/*
 * A full disk takes no large file, but perhaps a small one: smaller batches
 * go on at once, until nothing at all has passed a few times.
 */
static int
judge_disk(struct round *round, size_t done, struct ha_err *err)
{
	struct push *push = round->push;

	if (!round->disk_fails || done > 0)
		push->disk_strikes = 0;
	if (!round->disk_fails)
		return 0;
	ha_err_set(err, EX_IOERR, 0, "%s", round->disk_why);
	return done == 0 && ++push->disk_strikes >= DISK_STRIKES ? -1 : 1;
}

/*
 * The round broke off: what was to come after the removals (the times of their
 * parents) and for all together (the root's times, fsync) is still to be done.
 */
static void
reopen(struct round *round, int all)
{
	struct dirty *dirty = &round->push->dirty;

	for (size_t i = 0; i < round->count; i++) {
		struct item *item = &round->items[i];

		if (item->outcome == OUTCOME_DONE &&
		    (all || item->fate == FATE_GONE))
			item->outcome = OUTCOME_OPEN;
		if (round->root_touched)
			dirty_mark_at(dirty, HA_CHANGE_ROOT, DIRTY_ATTR,
			    item->entry->first_ns, item->entry->epoch);
	}
}

static int
finish_round(struct round *round, int rc, struct ha_err *err)
{
	struct push *push = round->push;
	struct ha_buf acks = HA_BUF_INIT;
	struct ha_err acks_err;
	size_t done;

	/* What was read from another directory proves nothing. */
	if (rc != 0) {
		reopen(round, push->rsync.fsync);
	} else if (source_check(&push->source, err) != 0) {
		rc = -1;
		reopen(round, 1);
	}
	done = judge_settle(round, &acks);
	hold_settle(push);
	input_settle_barriers(push, &acks);
	if (report_acks(push, &acks, &acks_err) != 0)
		ha_die_err(&acks_err);
	if (rc == 0)
		rc = judge_disk(round, done, err);
	ha_buf_release(&acks);
	ha_buf_release(&round->send);
	ha_buf_release(&round->attr);
	ha_buf_release(&round->trees);
	free(round->items);
	free(round->disk_why);
	return rc;
}

static void
take_items(struct round *round, struct push *push)
{
	struct dirty_entry **entries =
	    ha_xcalloc(push->chunk, sizeof(struct dirty_entry *));

	memset(round, 0, sizeof(*round));
	round->push = push;
	ha_buf_init(&round->send);
	ha_buf_init(&round->attr);
	ha_buf_init(&round->trees);
	round->count = dirty_take(&push->dirty, entries, push->chunk,
	    NAMES_BUDGET, ha_clock_now_ns());
	round->items = ha_xcalloc(round->count + 1, sizeof(*round->items));
	for (size_t i = 0; i < round->count; i++) {
		round->items[i].entry = entries[i];
		ha_buf_init(&round->items[i].extra_names);
	}
	free(entries);
}

int
batch_round(struct push *push, struct ha_err *err)
{
	size_t chunk = push->chunk;
	struct round round;
	int rc;

	if (source_check(&push->source, err) != 0)
		return -1;
	peer_forget(&push->peer);
	if (play_renames(push, err) != 0)
		return -1;
	take_items(&round, push);
	rc = look_at_items(&round, err);
	/* The walk through a large source takes its time. */
	if (rc == 0)
		rc = peer_may_go_on(&push->peer, err);
	if (rc == 0)
		rc = send_round(&round, err);
	rc = finish_round(&round, rc, err);
	adapt_chunk(push, chunk);
	return rc;
}

void
batch_warm_up(void *context)
{
	struct push *push = context;
	struct ha_err err;

	/* With a trash it would be dated when it is started. */
	if (push->conf.all || push->input.at_end || push->peer.is_single ||
	    push->is_cold || push->peer.trash != NULL)
		return;
	/* A failure here is met again, and told, by the next round. */
	if (push->warm != NULL && !rsync_is_waiting(push->warm)) {
		rsync_free(push->warm);
		push->warm = NULL;
		push->is_cold = 1;
	} else if (push->warm == NULL &&
		   rsync_start(&push->warm, &push->rsync, RSYNC_CONTENT, 0,
		       NULL, &err) != 0) {
		push->warm = NULL;
		push->is_cold = 1;
	}
}

/* What a dry run prints. */
struct listing {
	uint64_t seq;
	uint64_t deletions;
};

/* rsync's item letters as a change record: rsync(1), --itemize-changes. */
static void
print_item(void *context, const char *item, const char *path)
{
	struct ha_change change = { 'W', '-', 0, path, "" };
	struct ha_buf line = HA_BUF_INIT;
	struct listing *listing = context;

	if (item[1] == 'f' || item[1] == 'd')
		change.kind = item[1];
	else if (item[1] == 'L')
		change.kind = 'l';
	if (item[0] == '*')
		change.op = 'D';
	else if (item[2] == '+')
		change.op = 'C';
	else if (item[0] == '.')
		change.op = 'A';
	if (change.op == 'D')
		change.kind = '-';
	listing->deletions += change.op == 'D';
	change.seq = ++listing->seq;
	ha_change_encode(&line, &change);
	ha_out_write(line.data, line.len);
	ha_buf_release(&line);
}

static int
dry_list(struct push *push, enum rsync_kind kind, const struct ha_buf *names,
    struct listing *listing, struct ha_err *err)
{
	struct rsync_result result;
	struct rsync_run *run;
	int rc;

	if (names->len == 0)
		return 0;
	if (batch_start(push, kind,
		kind == RSYNC_TREE ? RSYNC_DRY : RSYNC_DRY | RSYNC_CHECKSUM,
		names, &run, err) != 0)
		return -1;
	rsync_result_init(&result);
	rc = rsync_finish(run, NULL, &result, err);
	rsync_free(run);
	if (rc == 0) {
		rsync_each_item(&result.output, print_item, listing);
		if (result.code != 0) {
			char *why =
			    rsync_why(&result.errors, result.code, NULL);

			rc = ha_err_set(err, EX_IOERR, 0, "%s", why);
			free(why);
		}
	}
	rsync_result_release(&result);
	return rc;
}

static int
dry_gone(struct round *round, struct listing *listing, struct ha_err *err)
{
	for (size_t i = 0; i < round->count; i++) {
		struct item *item = &round->items[i];
		uint64_t names;

		if (item->fate != FATE_GONE || item->outcome != OUTCOME_OPEN)
			continue;
		if (peer_count(&round->push->peer, round->push->match,
			item->gone, &names, err) != 0)
			return -1;
		if (names == 0)
			continue;
		print_item(listing, "*deleting  ", item->gone);
		listing->deletions += names - 1;
	}
	return 0;
}

int
batch_dry_run(struct push *push, struct ha_err *err)
{
	struct ha_buf acks = HA_BUF_INIT;
	struct listing listing = { 0, 0 };
	int rc = source_check(&push->source, err);

	/* Nothing is tried again. */
	push->rsync.patience.longest_ms = PATIENCE_MAX_MS;
	while (rc == 0 && push->dirty.ready.head != NULL) {
		struct round round;

		take_items(&round, push);
		/* No record is about to say why a path is missing. */
		for (size_t i = 0; i < round.count; i++)
			round.items[i].entry->was_missing = 1;
		rc = look_at_items(&round, err);
		if (rc == 0)
			rc = dry_gone(&round, &listing, err);
		if (rc == 0)
			rc = dry_list(
			    push, RSYNC_ATTR, &round.send, &listing, err);
		if (rc == 0)
			rc = dry_list(
			    push, RSYNC_ATTR, &round.attr, &listing, err);
		if (rc == 0)
			rc = dry_list(
			    push, RSYNC_TREE, &round.trees, &listing, err);
		for (size_t i = 0; i < round.count; i++) {
			dirty_done(&push->dirty, round.items[i].entry, &acks);
			free(round.items[i].gone);
			free(round.items[i].why);
		}
		ha_buf_release(&round.send);
		ha_buf_release(&round.attr);
		ha_buf_release(&round.trees);
		free(round.items);
	}
	ha_buf_release(&acks);
	if (rc == 0)
		hold_foretell(push, listing.deletions);
	return rc;
}
