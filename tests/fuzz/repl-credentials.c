/* SPDX-License-Identifier: ISC */
/*
 * repl-credentials - any file is refused, without its bytes in the message, or
 * has a user and a password.
 */
#include "credentials.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fs.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct credentials credentials = { NULL, NULL };
	char path[32], message[sizeof(((struct ha_err *)0)->msg)];
	struct ha_err err;
	int fd = memfd_create("credentials", MFD_CLOEXEC);

	if (fd < 0 || fchmod(fd, 0600) ||
	    (size && ha_fs_write_all(fd, data, size, &err)))
		abort();
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	if (!credentials_read(&credentials, path, &err)) {
		if (!credentials.user || !*credentials.user ||
		    !credentials.password)
			abort();
		credentials_release(&credentials);
	} else {
		snprintf(message, sizeof(message),
		    "'%s' needs user and password in [client]", path);
		if (err.status != EX_CONFIG || credentials.user ||
		    credentials.password)
			abort();
		if (strcmp(err.msg, message) != 0 &&
		    !strstr(err.msg, "is no option file"))
			abort();
	}
	close(fd);
	return 0;
}
