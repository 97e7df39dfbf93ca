/* SPDX-License-Identifier: ISC */
/* kinds - one struct kind for each word that a check may begin with. */
#ifndef KINDS_H
#define KINDS_H

#include "check.h"

extern const struct kind kind_load;
extern const struct kind kind_cpu;
extern const struct kind kind_mem, kind_swap;
extern const struct kind kind_disk, kind_inode;
extern const struct kind kind_io;
extern const struct kind kind_net;
extern const struct kind kind_uptime, kind_clock;
extern const struct kind kind_units;
extern const struct kind kind_proc;
extern const struct kind kind_cgroup;
extern const struct kind kind_file;
extern const struct kind kind_dir;
extern const struct kind kind_mount;
extern const struct kind kind_exit;

#endif
