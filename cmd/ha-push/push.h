/* SPDX-License-Identifier: ISC */
/* push - what ha-push is told, and what it knows; shared by its files. */
#ifndef PUSH_PUSH_H
#define PUSH_PUSH_H

#include <stdint.h>
#include <sys/types.h>

#include "budget.h"
#include "change.h"
#include "dirty.h"
#include "err.h"
#include "fence.h"
#include "in.h"
#include "links.h"
#include "match.h"
#include "peer.h"
#include "recent.h"
#include "report.h"
#include "rsync.h"
#include "target.h"
#include "transport.h"
#include "trash.h"

struct push_conf {
	struct target target;
	const char *source; /* -C DIR, or NULL */
	int all;
	int paths; /* -0 */
	int dry_run;
	int64_t give_up_ms; /* -T */
	const char *force; /* the reason, or NULL */
	const char *ssh_config;
};

/*
 * The source directory: opened once, and seen again by name before and after
 * each round.
 */
struct source {
	char *path; /* absolute; NULL until it is known */
	int fd;
	dev_t dev;
	ino_t ino;
};

struct input {
	struct ha_in in;
	int at_end;
	int ended_well; /* "#end" was seen, or none is needed */
	int has_header;
	unsigned long long malformed;
	int64_t barrier_ns; /* when the last S (or the header) came; 0: never */
};

/* An S record that waits for what came before it. */
struct barrier {
	uint64_t epoch;
	char *line;
	char *token; /* that somebody waits for, or NULL */
	struct barrier *next;
};

struct control;

struct push {
	struct push_conf conf;
	struct source source;
	struct ha_match *match;
	size_t own_rules; /* the first ones: not from ha-watch */
	struct links *links;
	struct recent recent;
	struct input input;
	struct dirty dirty;
	struct barrier *barriers, **barriers_tail;
	struct transport_conf transport;
	struct budget budget;
	struct trash trash;
	struct peer peer;
	struct rsync_conf rsync;
	struct rsync_run *warm; /* a content run that waits for its names */
	int is_cold; /* one has failed: none, until it would have been used */
	struct report report;
	struct fence fence;
	struct control *control; /* or NULL */
	size_t chunk; /* paths a round takes at most */
	unsigned disk_strikes; /* batches of which nothing passed a full disk */
	int64_t next_walk_ns; /* no walk for hard links before this */
	int64_t last_progress_ns;
	pid_t parent; /* of one of several targets: what feeds it; else 0 */
	int lock_fd;
	int in_round; /* a first SIGTERM lets a round finish */
	int stopping; /* signals that asked for the end so far */
	int hold_said; /* that deletions are held is said once */
	int64_t hold_look_ns; /* what is held is not looked at again before */
	int owners_said; /* "owners are dropped" is said once */
};

#define PUSH_CHUNK_MAX 4096

/*
 * Open the source by path; expect its identity unless expect is NULL.
 * EX_NOINPUT.
 */
int source_open(struct source *source, const char *path,
    const struct ha_change_header *expect, struct ha_err *err);
/* Is the directory of that name still the one that was opened?  EX_NOINPUT. */
int source_check(const struct source *source, struct ha_err *err);
void source_close(struct source *source);

#endif
