/* SPDX-License-Identifier: ISC */
/*
 * lock - one holder at a time, by flock(2).
 */
#include "lock.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "buf.h"
#include "clock.h"
#include "msg.h"

/* flock(2) takes no time-out; this often is often enough for people. */
#define RETRY_MS 20

static int
held(const char *path, int fd, struct ha_err *err)
{
	char holder[128];
	ssize_t n = pread(fd, holder, sizeof(holder) - 1, 0);

	holder[n > 0 ? n : 0] = '\0';
	holder[strcspn(holder, "\n")] = '\0';
	return ha_err_set(err, EX_TEMPFAIL, 0, "'%s' is held by %s", path,
	    *holder ? holder : "another process");
}

static void
sign(int fd)
{
	struct ha_buf line = HA_BUF_INIT;

	ha_buf_addf(
	    &line, "process %ld (%s)\n", (long)getpid(), ha_msg_command());
	/* Only words for people: a full disk doesn't undo the lock. */
	if (ftruncate(fd, 0) || pwrite(fd, line.data, line.len, 0) < 0)
		ha_buf_reset(&line);
	ha_buf_release(&line);
}

/* Somebody may have removed the file between open(2) and flock(2). */
static int
is_still(const char *path, int fd)
{
	struct stat there, ours;

	return !stat(path, &there) && !fstat(fd, &ours) &&
	       there.st_dev == ours.st_dev && there.st_ino == ours.st_ino;
}

static void
wait_a_little(int64_t deadline_ns)
{
	int ms = ha_clock_poll_ms(deadline_ns);

	poll(NULL, 0, ms < 0 || ms > RETRY_MS ? RETRY_MS : ms);
}

int
ha_lock_take(const char *path, int64_t deadline_ns, int *fd, struct ha_err *err)
{
	int lock, sys;

	for (;;) {
		lock = open(path,
		    O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK,
		    0644);
		if (lock < 0)
			return ha_err_set(err, EX_CANTCREAT, errno,
			    "can't open the lock file '%s'", path);
		if (!flock(lock, LOCK_EX | LOCK_NB)) {
			if (is_still(path, lock))
				break;
		} else if (errno != EWOULDBLOCK && errno != EINTR) {
			sys = errno;
			close(lock);
			return ha_err_set(
			    err, EX_OSERR, sys, "can't lock '%s'", path);
		} else if (ha_clock_poll_ms(deadline_ns) == 0) {
			held(path, lock, err);
			close(lock);
			return -1;
		} else {
			wait_a_little(deadline_ns);
		}
		close(lock);
	}
	sign(lock);
	*fd = lock;
	return 0;
}
