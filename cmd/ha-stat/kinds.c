/* SPDX-License-Identifier: ISC */
/* kinds - the table of all of them. */
#include "kinds.h"

const struct kind *const kinds[] = {
	&kind_load,
	&kind_cpu,
	&kind_mem,
	&kind_swap,
	&kind_disk,
	&kind_inode,
	&kind_io,
	&kind_net,
	&kind_uptime,
	&kind_clock,
	&kind_units,
	&kind_proc,
	&kind_cgroup,
	&kind_file,
	&kind_dir,
	&kind_mount,
	&kind_exit,
	NULL,
};
