/* SPDX-License-Identifier: ISC */
/*
 * db-defaults - any option file is read or refused.
 */
#include "db-defaults.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "fs.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct ha_db_defaults defaults;
	char path[32];
	struct ha_err err;
	int fd;

	/* An include would read this machine's own files. */
	if (memmem(data, size, "!incl", 5))
		return -1;
	fd = memfd_create("defaults", MFD_CLOEXEC);
	if (fd < 0 || fchmod(fd, 0600) ||
	    (size && ha_fs_write_all(fd, data, size, &err)))
		abort();
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	if (ha_db_defaults_read(&defaults, path, "other", &err) &&
	    err.status != EX_CONFIG)
		abort();
	if (defaults.tls < -1 || defaults.tls > 1)
		abort();
	ha_db_defaults_release(&defaults);
	close(fd);
	return 0;
}
