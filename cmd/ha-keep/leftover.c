/* SPDX-License-Identifier: ISC */
/*
 * leftover - processes by the mark in their environment.
 */
#include "leftover.h"

#include <ctype.h>
#include <dirent.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "alloc.h"
#include "buf.h"
#include "clock.h"
#include "fs.h"

/* Linux takes 2 MiB of arguments and environment by default. */
#define ENVIRON_MAX (8 * 1024 * 1024)
#define LOOK_MS 20
/* After SIGKILL nobody takes longer, but for those that it can't end. */
#define STUCK_MS 5000

void
leftover_new_id(char id[LEFTOVER_ID_SIZE])
{
	unsigned char bytes[(LEFTOVER_ID_SIZE - 1) / 2];

	if (getrandom(bytes, sizeof(bytes), 0) != (ssize_t)sizeof(bytes))
		abort();
	for (size_t i = 0; i < sizeof(bytes); i++)
		snprintf(id + 2 * i, 3, "%02x", bytes[i]);
}

int
leftover_is_id(const char *id)
{
	return strlen(id) == LEFTOVER_ID_SIZE - 1 &&
	       strspn(id, "0123456789abcdef") == LEFTOVER_ID_SIZE - 1;
}

static int
has_mark(pid_t pid, const char *mark)
{
	struct ha_buf text = HA_BUF_INIT;
	struct ha_err err;
	int found = 0;
	char path[64];

	snprintf(path, sizeof(path), "/proc/%d/environ", (int)pid);
	if (!ha_fs_read_file(path, ENVIRON_MAX, &text, &err))
		for (const char *at = text.data;
		     !found && at < text.data + text.len; at += strlen(at) + 1)
			found = !strcmp(at, mark);
	ha_buf_release(&text);
	return found;
}

/* 1 when it has the mark.  The look is after the id is held. */
static int
signal_one(pid_t pid, const char *mark, int sig)
{
	int fd, found;

	if (!has_mark(pid, mark))
		return 0;
	if (!sig)
		return 1;
	fd = (int)syscall(SYS_pidfd_open, pid, 0);
	if (fd < 0)
		return 0;
	found = has_mark(pid, mark);
	if (found) {
		syscall(SYS_pidfd_send_signal, fd, sig, NULL, 0);
		syscall(SYS_pidfd_send_signal, fd, SIGCONT, NULL, 0);
	}
	close(fd);
	return found;
}

size_t
leftover_signal(const char *id, int sig, pid_t *first)
{
	char *mark = ha_xasprintf("%s=%s", LEFTOVER_MARK, id);
	DIR *dir = opendir("/proc");
	struct dirent *entry;
	size_t count = 0;
	pid_t pid;

	while (dir && (entry = readdir(dir))) {
		if (!isdigit((unsigned char)entry->d_name[0]))
			continue;
		pid = (pid_t)strtol(entry->d_name, NULL, 10);
		if (pid == getpid() || pid == getppid() ||
		    !signal_one(pid, mark, sig))
			continue;
		*first = pid;
		count++;
	}
	if (dir)
		closedir(dir);
	free(mark);
	return count;
}

int
leftover_end(const char *id, int sig, int64_t grace_ms, int signal_fd,
    struct ha_err *err)
{
	struct pollfd pfd = { .fd = signal_fd, .events = POLLIN };
	int64_t kill_ns = ha_clock_deadline(grace_ms);
	int64_t stuck_ns = HA_CLOCK_NEVER;
	pid_t first = 0;

	leftover_signal(id, sig, &first);
	for (sig = 0; leftover_signal(id, sig, &first) > 0;) {
		if (ha_clock_now_ns() >= stuck_ns)
			return ha_err_set(err, EX_TEMPFAIL, 0,
			    "process %ld, which the last keeper left, can't be "
			    "ended",
			    (long)first);
		poll(&pfd, sig ? 0 : 1, LOOK_MS);
		if (!sig && (pfd.revents || ha_clock_now_ns() >= kill_ns)) {
			sig = SIGKILL;
			stuck_ns = ha_clock_deadline(STUCK_MS);
		}
	}
	return 0;
}
