/* SPDX-License-Identifier: ISC */
/*
 * pidfile - the process that a file names, if it does.
 */
#include "pidfile.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* What comes later (PostgreSQL's has more lines) is not looked at. */
#define READ_SIZE 64

enum pidfile_state
pidfile_parse(const char *text, size_t len, pid_t *pid)
{
	const char *end = text + len;
	long number = 0;

	while (text < end && (*text == ' ' || *text == '\t'))
		text++;
	if (text == end || *text == '\n')
		return PIDFILE_EMPTY;
	for (; text < end && *text >= '0' && *text <= '9'; text++) {
		number = number * 10 + (*text - '0');
		if (number > INT_MAX)
			return PIDFILE_GARBAGE;
	}
	if (!number || (text < end && (!*text || !strchr(" \t\r\n", *text))))
		return PIDFILE_GARBAGE;
	*pid = (pid_t)number;
	return PIDFILE_OK;
}

static void
fail(struct pidfile *pidfile, int sys)
{
	pidfile->sys = sys;
	pidfile->state = sys == ENOENT || sys == ENOTDIR ? PIDFILE_MISSING
							 : PIDFILE_UNREADABLE;
}

void
pidfile_read(const char *path, struct pidfile *pidfile)
{
	/* A pipe is not waited for. */
	int fd = open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	char text[READ_SIZE];
	struct stat st;
	ssize_t len;

	memset(pidfile, 0, sizeof(*pidfile));
	if (fd < 0 || fstat(fd, &st)) {
		fail(pidfile, errno);
	} else if (!S_ISREG(st.st_mode)) {
		pidfile->state = PIDFILE_NO_FILE;
	} else {
		pidfile->written = st.st_mtim;
		len = read(fd, text, sizeof(text));
		if (len < 0)
			fail(pidfile, errno);
		else
			pidfile->state =
			    pidfile_parse(text, (size_t)len, &pidfile->pid);
	}
	if (fd >= 0)
		close(fd);
}
