/* SPDX-License-Identifier: ISC */
/*
 * stamp - a command that is to be kept: append the time of its start to FILE,
 * live for MS, append the time of its end, and end.  CLOCK_MONOTONIC, ns.
 *
 *	stamp FILE MS
 */
#include <err.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

static void
stamp(int fd, const char *what)
{
	struct timespec now;
	char line[64];
	int len;

	clock_gettime(CLOCK_MONOTONIC, &now);
	len = snprintf(line, sizeof(line), "%s %lld%09ld\n", what,
	    (long long)now.tv_sec, now.tv_nsec);
	if (write(fd, line, (size_t)len) != len)
		err(1, "write");
}

int
main(int argc, char **argv)
{
	int fd;

	if (argc != 3)
		errx(64, "usage: stamp FILE MS");
	fd = open(argv[1], O_WRONLY | O_CREAT | O_APPEND, 0644);
	if (fd < 0)
		err(1, "%s", argv[1]);
	stamp(fd, "start");
	poll(NULL, 0, atoi(argv[2]));
	stamp(fd, "end");
	_exit(1);
}
