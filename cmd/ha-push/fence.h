/* SPDX-License-Identifier: ISC */
/*
 * fence - the roles of both ends: a standby does not push, and a peer that is
 * active with an equal or higher epoch is never written to.
 *
 * --force=REASON overrides whatever is refused here, and a dry run only says
 * it.  Source: ha(7), ROLES.
 */
#ifndef PUSH_FENCE_H
#define PUSH_FENCE_H

#include <stdint.h>

#include "err.h"
#include "role.h"
#include "sftp.h"

struct push;

/* A role file as it was read last. */
struct fence_side {
	int is_there; /* 0: roles are not in use there */
	struct ha_role role;
};

struct fence {
	const char *peer_path; /* the peer's role file; borrowed */
	char *own_path;
	struct fence_side own, peer;
	int is_refused; /* the last fault is this one's: it ends the run */
	unsigned said; /* what was overridden since this login */
	unsigned login; /* the number of it */
	int missing_said; /* that the peer has no role file */
	/* The peer's file: attributes, since when it has them, the last read. */
	struct sftp_attrs seen;
	int64_t seen_ns, read_ns;
	int64_t look_ns; /* without roles it is not looked at before */
	int64_t tell_ns; /* nor is the peer told the same epoch again */
	uint64_t told; /* the epoch that it was told, or could not be */
};

#define FENCE_PEER_PATH "/var/lib/ha/role"

void fence_init(struct fence *fence);
void fence_release(struct fence *fence);

/*
 * See this node's role; before there is a connection.  -1: EX_NOPERM (it is
 * standby), EX_CONFIG (its role file can't be read or is malformed); is_refused
 * is set then.
 */
int fence_check_own(struct push *push, struct ha_err *err);

/* The peer was looked at anew: nothing is known of its role. */
void fence_connected(struct push *push);

/*
 * See both roles, the peer's at most once a second while neither node has one,
 * and tell a standby the epoch of this node.  -1 as above; EX_NOPERM too when the peer is active or
 * its file can't be read; EX_UNAVAILABLE or EX_TEMPFAIL, without is_refused,
 * when the link or the SFTP server is lost.
 */
int fence_check(struct push *push, struct ha_err *err);

/* The same for rsync_conf's may_go_on; context is the struct push. */
int fence_may_go_on(void *context, struct ha_err *err);
/* The same for the peer's, while SFTP has a channel. */
int fence_may_remove(void *context, struct ha_err *err);

#endif
