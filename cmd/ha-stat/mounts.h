/* SPDX-License-Identifier: ISC */
/*
 * mounts - what is mounted where, and what may not answer.
 *
 * Source: proc(5), /proc/[pid]/mountinfo.
 */
#ifndef MOUNTS_H
#define MOUNTS_H

#include <stddef.h>

#include "err.h"

struct mount {
	char *point; /* unescaped */
	char *root; /* which part of the file system is mounted */
	char *type; /* "ext4", "fuse.sshfs" */
	char *source; /* "/dev/sda1", "server:/export" */
	char *options; /* of the mount: "rw,nosuid" */
	char *super_options; /* of the file system */
	unsigned major, minor;
	/*
	 * Not one of the file systems that are known to answer from this
	 * machine's own memory and disks: network, FUSE, automounts.
	 */
	int may_block;
};

/*
 * All of them in the order that they were mounted, read once a run; borrowed.
 * EX_OSERR.
 */
int mounts_all(const struct mount **mounts, size_t *count, struct ha_err *err);
/*
 * Read them anew when they are asked for next: an automounter may have been
 * called.  What was borrowed stays.
 */
void mounts_reread(void);
/* The topmost one at exactly that point; NULL: nothing is mounted there. */
const struct mount *mounts_at(const char *point);
/*
 * The one that path (absolute, of what need not exist) is on, symbolic links
 * followed; the first one on the way there that may block, which is not
 * touched.  NULL only when there is no mount table.
 */
const struct mount *mounts_of(const char *path);
/* Is anything mounted below path, links followed, that may block? */
int mounts_block_below(const char *path);
/* Is option one of the comma-separated words? */
int mounts_has(const char *options, const char *option);

#endif
