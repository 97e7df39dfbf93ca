/* SPDX-License-Identifier: ISC */
/*
 * statefile - reads what report.c writes: the status file of one peer, or the
 * index of the files of several.
 *
 * Source: ha-push(1), STATUS FILE.
 */
#ifndef PUSH_STATEFILE_H
#define PUSH_STATEFILE_H

#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>

#include "err.h"
#include "status.h"

struct statefile_peer {
	char *target;
	char *file; /* its status file */
};

struct statefile {
	/* An index: the peers, and nothing else. */
	struct statefile_peer *peers;
	size_t peer_count;
	int is_index;
	/* One peer.  What was not in the file is NULL or 0. */
	char *source, *target, *cause, *message;
	enum ha_status_state state;
	int64_t lag_ms;
	uint64_t waiting, failing, held;
	char *boot; /* the machine's start that uptime_ms counts from */
	int64_t uptime_ms;
};

#define STATEFILE_MAX (64 * 1024 * 1024)
#define STATEFILE_PEERS_MAX 1000

void statefile_init(struct statefile *state);
void statefile_release(struct statefile *state);

/*
 * Parse text, len bytes and a NUL, in place; state has been initialised.
 * EX_DATAERR with the line for what is malformed or not whole, EX_UNAVAILABLE
 * for a file in node_exporter's form.
 */
int statefile_parse(
    char *text, size_t len, struct statefile *state, struct ha_err *err);

/*
 * Read and parse file; *st, unless NULL, receives its stat(2).  A relative
 * name in an index is relative to the index.  EX_NOINPUT (err->sys says why)
 * when it can't be opened, EX_IOERR, and as statefile_parse().
 */
int statefile_read(const char *file, struct statefile *state, struct stat *st,
    struct ha_err *err);

#endif
