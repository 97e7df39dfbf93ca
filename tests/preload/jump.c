/* SPDX-License-Identifier: ISC */
/*
 * jump - for LD_PRELOAD: a wall clock that is off by as many seconds as the
 * file HA_TEST_CLOCK says, looked up each time.  CLOCK_MONOTONIC is as it is,
 * and so is CLOCK_BOOTTIME: the clock was stepped.  With HA_TEST_BOOT that one
 * is off by as many seconds as that file says: time has passed.  "=SECONDS" in
 * a file has its clock stand still there.
 */
#include <fcntl.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

static void
adjust(struct timespec *now, const char *variable)
{
	const char *path = getenv(variable);
	int fd = path != NULL ? open(path, O_RDONLY | O_CLOEXEC) : -1;
	char text[32] = "";

	if (fd >= 0) {
		if (read(fd, text, sizeof(text) - 1) < 0)
			text[0] = '\0';
		close(fd);
	}
	if (text[0] == '=')
		*now = (struct timespec){ atol(text + 1), 0 };
	else
		now->tv_sec += atol(text);
}

int
clock_gettime(clockid_t id, struct timespec *now)
{
	int rc = (int)syscall(SYS_clock_gettime, id, now);

	if (rc == 0 && (id == CLOCK_REALTIME || id == CLOCK_REALTIME_COARSE))
		adjust(now, "HA_TEST_CLOCK");
	if (rc == 0 && id == CLOCK_BOOTTIME)
		adjust(now, "HA_TEST_BOOT");
	return rc;
}

int
gettimeofday(struct timeval *restrict now, void *restrict zone)
{
	struct timespec precise;

	(void)zone;
	if (clock_gettime(CLOCK_REALTIME, &precise) != 0)
		return -1;
	now->tv_sec = precise.tv_sec;
	now->tv_usec = precise.tv_nsec / 1000;
	return 0;
}

time_t
time(time_t *out)
{
	struct timespec now = { 0, 0 };

	clock_gettime(CLOCK_REALTIME, &now);
	if (out != NULL)
		*out = now.tv_sec;
	return now.tv_sec;
}
