/* SPDX-License-Identifier: ISC */
/*
 * role - the role file: is this node the one that writes?
 *
 * One line, ROLE EPOCH SINCE REASON.  Whoever becomes active does so with a
 * higher epoch than anybody before, so of two nodes that call themselves
 * active the one with the lower epoch is wrong.  Source: ha(7), ROLES.
 */
#ifndef HA_ROLE_H
#define HA_ROLE_H

#include <stddef.h>
#include <stdint.h>

#include "buf.h"
#include "err.h"

/* The longest file, and the highest epoch. */
#define HA_ROLE_SIZE 4096
#define HA_ROLE_EPOCH_MAX INT64_MAX

struct ha_role {
	int is_active; /* else standby */
	uint64_t epoch;
	char *since; /* RFC 3339 in at most 35 characters; owned */
	char *reason; /* any bytes but NUL; owned */
};

void ha_role_init(struct ha_role *role);
void ha_role_release(struct ha_role *role);
/* "active", "standby". */
const char *ha_role_name(const struct ha_role *role);

/*
 * Read the bytes of a role file, which may come from another machine.  Between
 * the fields blanks stand for a TAB, as a person types them; fields of later
 * versions are ignored.  role is one that was set up, and is as before on -1:
 * EX_CONFIG, with what is wrong, and no byte of the file in the message.
 */
int ha_role_decode(
    struct ha_role *role, const void *data, size_t len, struct ha_err *err);
/* Append the line with its LF; as one JSON object. */
void ha_role_encode(struct ha_buf *line, const struct ha_role *role);
void ha_role_encode_json(struct ha_buf *line, const struct ha_role *role);

/* This node's file: HA_STATE_DIR/role; the caller frees it. */
char *ha_role_path(void);
/*
 * Read a role file.  1; 0 when there is none, so that roles are not in use;
 * -1 when there is something that can't be read or is malformed: EX_CONFIG,
 * with the path.
 */
int ha_role_read(struct ha_role *role, const char *path, struct ha_err *err);

enum ha_role_verb {
	HA_ROLE_ACTIVATE, /* raises the epoch: by one, or to the one given */
	HA_ROLE_STAND_BY, /* with the epoch given, unless its own is higher */
	HA_ROLE_LEARN, /* the same, of a node that is standby already */
};

struct ha_role_wish {
	enum ha_role_verb verb;
	int64_t epoch; /* -1: none is given */
	const char *reason; /* borrowed */
};

/*
 * Make *role what it is to be; is_there as ha_role_read() returned.  Since and
 * reason are new when the node takes the role, or is active anew with a higher
 * epoch.  1; 0 when it is so already; -1: EX_NOPERM (activated with an epoch
 * that is not higher; an active node is to learn one), EX_NOINPUT (no file to
 * learn in), EX_USAGE (the reason is too long).
 */
int ha_role_apply(struct ha_role *role, int is_there,
    const struct ha_role_wish *wish, struct ha_err *err);
/*
 * Read the file, apply the wish, replace the file durably, all under a lock
 * beside it (PATH.lock).  *role receives what the file holds now.  Returns as
 * ha_role_apply() and ha_role_read(); also EX_TEMPFAIL, EX_CANTCREAT and
 * EX_IOERR, of ha_lock_take() and ha_fs_replace().
 */
int ha_role_set(struct ha_role *role, const char *path,
    const struct ha_role_wish *wish, struct ha_err *err);

#endif
