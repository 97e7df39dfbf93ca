/* SPDX-License-Identifier: ISC */
/*
 * group - the control groups of version 2.
 */
#include "group.h"

#include <ftw.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "alloc.h"
#include "kernel.h"
#include "mounts.h"

#define OPEN_DIRECTORIES 16

int
group_exists(const char *path)
{
	char *file = ha_xasprintf("%s%s/cgroup.procs", kernel_root, path);
	struct stat st;
	int result = !stat(file, &st);

	free(file);
	return result;
}

/* Another mount may hide one. */
const char *
group_mount(void)
{
	const struct mount *mounts;
	struct ha_err err;
	size_t count;

	if (mounts_all(&mounts, &count, &err))
		return NULL;
	for (size_t i = 0; i < count; i++)
		if (!strcmp(mounts[i].type, "cgroup2") &&
		    group_exists(mounts[i].point))
			return mounts[i].point;
	return NULL;
}

/* nftw(3) hands its callback nothing of ours. */
static struct ha_buf *found;

/* One of threads has none of its own: they are those of a group above. */
static int
visit(const char *path, const struct stat *st, int type, struct FTW *at)
{
	char *file = ha_xasprintf("%s/cgroup.procs", path);
	struct ha_buf text = HA_BUF_INIT;
	struct ha_err err;
	const char *p;
	uint64_t number;
	pid_t pid;

	(void)st;
	(void)at;
	if (type == FTW_D &&
	    !kernel_read(file + strlen(kernel_root), &text, &err))
		for (p = text.data; !kernel_number(&p, &number);
		     p += strspn(p, "\n")) {
			pid = number <= INT_MAX ? (pid_t)number : 0;
			/* 0: of another namespace */
			if (pid)
				ha_buf_add(found, &pid, sizeof(pid));
		}
	free(file);
	ha_buf_release(&text);
	return 0;
}

int
group_processes(const char *path, struct ha_buf *pids)
{
	char *rooted;

	if (!group_exists(path))
		return -1;
	rooted = ha_xasprintf("%s%s", kernel_root, path);
	found = pids;
	nftw(rooted, visit, OPEN_DIRECTORIES, FTW_PHYS | FTW_MOUNT);
	free(rooted);
	return 0;
}
