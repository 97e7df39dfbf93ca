/* SPDX-License-Identifier: ISC */
/* source - the directory that is mirrored, known by device and inode. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "alloc.h"
#include "push.h"

int
source_open(struct source *source, const char *path,
    const struct ha_change_header *expect, struct ha_err *err)
{
	char *absolute = realpath(path, NULL);
	struct stat st;
	int fd = absolute == NULL
		     ? -1
		     : open(absolute, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd < 0 || fstat(fd, &st) != 0) {
		ha_err_set(err, EX_NOINPUT, errno, "source %s", path);
		free(absolute);
		if (fd >= 0)
			close(fd);
		return -1;
	}
	if (expect != NULL && ((uint64_t)st.st_dev != expect->dev ||
				  (uint64_t)st.st_ino != expect->ino)) {
		free(absolute);
		close(fd);
		return ha_err_set(err, EX_NOINPUT, 0,
		    "source %s is not the directory that ha-watch watches "
		    "(device %llu inode %llu): was it unmounted or replaced?",
		    path, (unsigned long long)expect->dev,
		    (unsigned long long)expect->ino);
	}
	source->path = absolute;
	source->fd = fd;
	source->dev = st.st_dev;
	source->ino = st.st_ino;
	return 0;
}

int
source_check(const struct source *source, struct ha_err *err)
{
	struct stat st;

	if (stat(source->path, &st) != 0)
		return ha_err_set(
		    err, EX_NOINPUT, errno, "source %s", source->path);
	if (st.st_dev != source->dev || st.st_ino != source->ino)
		return ha_err_set(err, EX_NOINPUT, 0,
		    "source %s is another directory than at the start: was it "
		    "unmounted or replaced? nothing more is sent",
		    source->path);
	return 0;
}

void
source_close(struct source *source)
{
	if (source->fd >= 0)
		close(source->fd);
	free(source->path);
	source->path = NULL;
	source->fd = -1;
}
