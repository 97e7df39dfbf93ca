/* SPDX-License-Identifier: ISC */
/*
 * group - the control groups of version 2: where they are, and who is in them.
 *
 * A path is that of a directory, with the mount point.  Source:
 * Documentation/admin-guide/cgroup-v2.rst.
 */
#ifndef GROUP_H
#define GROUP_H

#include "buf.h"

/* The mount point that can be seen; NULL: none; borrowed. */
const char *group_mount(void);
int group_exists(const char *path);
/*
 * Append the processes, as pid_t, of the group and of all below it.  0; -1:
 * there is no such group.
 */
int group_processes(const char *path, struct ha_buf *pids);

#endif
