/* SPDX-License-Identifier: ISC */
/* mounts - file systems that appear and vanish below the root. */
#ifndef WATCH_MOUNTS_H
#define WATCH_MOUNTS_H

#include "watch.h"

/* Remember what is mounted; opens watch->proc_fd (poll(2) it for POLLPRI). */
void mounts_start(struct watch *watch);
/* Something may have changed: look again, heal what is concerned. */
void mounts_check(struct watch *watch);

/* Which file system is path (absolute) on: its mount point, owned; or NULL. */
char *mounts_point_of(const char *path);

#endif
