/* SPDX-License-Identifier: ISC */
/*
 * accept - what files were when somebody called them right.
 *
 * One text file, HA_STATE_DIR/ha-stat.accepted: PATH KIND MODE UID GID SIZE
 * SHA256 LINK TIME, TAB-separated and escaped as records are (rec.h), sorted
 * by nothing: a path stands in it once.
 */
#ifndef HA_STAT_ACCEPT_H
#define HA_STAT_ACCEPT_H

#include <stddef.h>
#include <sys/stat.h>

#include "buf.h"
#include "err.h"

struct accepted {
	char *path; /* all strings are owned */
	mode_t mode; /* kind and permissions, of what the path leads to */
	uid_t uid;
	gid_t gid;
	off_t size;
	char *sha256;
	char *link; /* the text of a symbolic link; "" for none */
	char *when; /* RFC 3339 */
};

struct accepted_list {
	struct accepted *all;
	size_t count;
};

/* HA_STATE_DIR/ha-stat.accepted; the caller frees it. */
char *accept_path(void);
/*
 * Read it; no file is an empty list.  EX_CONFIG, with file and line, when it
 * can't be read or is malformed.  list needs no preparation.
 */
int
accept_load(struct accepted_list *list, const char *path, struct ha_err *err);
void accept_release(struct accepted_list *list);
/* NULL: it was never accepted. */
const struct accepted *
accept_find(const struct accepted_list *list, const char *path);

/* Put a copy of one into the list, in the place of the one before. */
void accept_put(struct accepted_list *list, const struct accepted *entry);
/*
 * Read the file again, put in all count entries, replace it durably, under a
 * lock beside it.  EX_CONFIG, EX_TEMPFAIL, EX_CANTCREAT, EX_IOERR.
 */
int
accept_save(const struct accepted *entries, size_t count, struct ha_err *err);

/*
 * Append in words what is different: "content, mode 0600 (accepted: 0644)";
 * nothing when it is as accepted.
 */
void accept_compare(const struct accepted *accepted, const struct accepted *now,
    struct ha_buf *words);

#endif
