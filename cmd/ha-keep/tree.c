/* SPDX-License-Identifier: ISC */
/*
 * tree - the processes below this one, and the end of them.
 */
#include "tree.h"

#include <ctype.h>
#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "alloc.h"
#include "buf.h"
#include "clock.h"
#include "fs.h"

#define CHILDREN_MAX (4 * 1024 * 1024)
#define PATH_SIZE 64
/* Between two passes of SIGKILL when nobody ends: at first, and later on. */
#define SOON_MS 10
#define LATER_MS 200
#define PASSES 4

static pid_t spared_session = TREE_NO_SESSION;

int
tree_stat(pid_t pid, struct tree_stat *stat)
{
	char path[PATH_SIZE], text[1024];
	char *at;
	int fd, parent, group, session;
	ssize_t n;

	snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -1;
	n = read(fd, text, sizeof(text) - 1);
	close(fd);
	if (n <= 0)
		return -1;
	text[n] = '\0';
	/* The name before it may hold anything, ')' too. */
	at = strrchr(text, ')');
	if (!at || sscanf(at + 1, " %c %d %d %d", &stat->state, &parent, &group,
		       &session) != 4)
		return -1;
	stat->parent = parent;
	stat->group = group;
	stat->session = session;
	return 0;
}

static void
add(struct tree_pids *pids, pid_t pid)
{
	if (pids->count == pids->cap) {
		pids->cap = pids->cap * 2 + 16;
		pids->list =
		    ha_xrealloc(pids->list, pids->cap * sizeof(*pids->list));
	}
	pids->list[pids->count++] = pid;
}

void
tree_release(struct tree_pids *pids)
{
	free(pids->list);
	*pids = (struct tree_pids){ NULL, 0, 0 };
}

/* The next entry of a directory of /proc that is a number; 0: no more. */
static pid_t
next_number(DIR *dir)
{
	struct dirent *entry;

	while ((entry = readdir(dir)))
		if (isdigit((unsigned char)entry->d_name[0]))
			return (pid_t)strtol(entry->d_name, NULL, 10);
	return 0;
}

static void
add_by_scan(struct tree_pids *pids, pid_t parent)
{
	DIR *dir = opendir("/proc");
	struct tree_stat stat;
	pid_t pid;

	while (dir && (pid = next_number(dir)))
		if (!tree_stat(pid, &stat) && stat.parent == parent)
			add(pids, pid);
	if (dir)
		closedir(dir);
}

static void
add_of_thread(struct tree_pids *pids, pid_t pid, pid_t thread)
{
	struct ha_buf text = HA_BUF_INIT;
	char path[PATH_SIZE];
	struct ha_err err;
	char *at, *end;
	long child;

	snprintf(path, sizeof(path), "/proc/%d/task/%d/children", (int)pid,
	    (int)thread);
	if (!ha_fs_read_file(path, CHILDREN_MAX, &text, &err))
		for (at = text.data; (child = strtol(at, &end, 10)) > 0;
		     at = end)
			add(pids, (pid_t)child);
	ha_buf_release(&text);
}

static int
has_children_files(void)
{
	return !access("/proc/thread-self/children", R_OK);
}

void
tree_add_children(struct tree_pids *pids, pid_t pid, int by_scan)
{
	char path[PATH_SIZE];
	pid_t thread;
	DIR *dir;

	if (by_scan || !has_children_files()) {
		add_by_scan(pids, pid);
		return;
	}
	snprintf(path, sizeof(path), "/proc/%d/task", (int)pid);
	dir = opendir(path);
	while (dir && (thread = next_number(dir)))
		add_of_thread(pids, pid, thread);
	if (dir)
		closedir(dir);
}

void
tree_spare(pid_t session)
{
	spared_session = session;
}

/* Our own children; this process has one thread. */
static void
add_own(struct tree_pids *pids)
{
	if (has_children_files())
		add_of_thread(pids, getpid(), getpid());
	else
		add_by_scan(pids, getpid());
}

/* Not to be touched; what is gone already is not either. */
static int
is_spared(pid_t pid, struct tree_stat *stat)
{
	return tree_stat(pid, stat) || stat->session == spared_session;
}

/*
 * A process that is not our child may be gone by now and its id another's.
 * The descriptor is that of whoever has the id, and only then is asked whose
 * child that is.
 */
static void
signal_one(pid_t pid, pid_t parent, int sig, pid_t except)
{
	struct tree_stat stat;
	int fd = (int)syscall(SYS_pidfd_open, pid, 0);

	if (fd < 0)
		return;
	if (!is_spared(pid, &stat) && stat.group != except &&
	    (stat.parent == parent || stat.parent == getpid())) {
		syscall(SYS_pidfd_send_signal, fd, sig, NULL, 0);
		syscall(SYS_pidfd_send_signal, fd, SIGCONT, NULL, 0);
	}
	close(fd);
}

/* Parents before children, which they might start anew. */
void
tree_signal(int sig, pid_t except)
{
	struct tree_pids pids = { NULL, 0, 0 }, parents = { NULL, 0, 0 };
	struct tree_stat stat;
	size_t own;

	add_own(&pids);
	own = pids.count;
	while (parents.count < pids.count)
		add(&parents, getpid());
	for (size_t i = 0; i < pids.count; i++) {
		if (i < own && is_spared(pids.list[i], &stat))
			continue;
		tree_add_children(&pids, pids.list[i], 0);
		while (parents.count < pids.count)
			add(&parents, pids.list[i]);
	}
	for (size_t i = 0; i < pids.count; i++)
		signal_one(pids.list[i], parents.list[i], sig, except);
	tree_release(&pids);
	tree_release(&parents);
}

/*
 * A process that forks all the time is hardly met by its own id: the less is
 * done before the signal the better, and a child of ours keeps its id until we
 * reap it.  No fork escapes a signal to the group, which a dead child names as
 * well.  What is below us shares its session with nobody else, and so its
 * groups.
 */
static void
kill_child(pid_t pid)
{
	struct tree_stat stat;

	if (spared_session != TREE_NO_SESSION && is_spared(pid, &stat))
		return;
	kill(pid, SIGKILL);
	if (!tree_stat(pid, &stat) && stat.group > 1 && stat.group != getpgrp())
		kill(-stat.group, SIGKILL);
}

void
tree_kill(void)
{
	struct tree_pids pids = { NULL, 0, 0 };

	for (int i = 0; i < PASSES; i++) {
		pids.count = 0;
		add_own(&pids);
		for (size_t k = 0; k < pids.count; k++)
			kill_child(pids.list[k]);
	}
	tree_release(&pids);
}

pid_t
tree_first(char *state)
{
	struct tree_pids pids = { NULL, 0, 0 };
	struct tree_stat stat;
	pid_t first = 0;

	add_own(&pids);
	for (size_t i = 0; i < pids.count && !first; i++)
		if (!is_spared(pids.list[i], &stat) && stat.state != 'Z') {
			first = pids.list[i];
			*state = stat.state;
		}
	tree_release(&pids);
	return first;
}

void
ending_begin(struct ending *ending, pid_t group, int sig, int64_t grace_ms)
{
	ending->is_killing = 0;
	ending->kill_ns = ending->due_ns = ha_clock_deadline(grace_ms);
	ending->stuck_ns = HA_CLOCK_NEVER;
	if (group > 0) {
		kill(-group, sig);
		kill(-group, SIGCONT);
	}
	tree_signal(sig, group);
}

void
ending_step(struct ending *ending)
{
	int64_t now_ns = ha_clock_now_ns();

	if (now_ns < ending->kill_ns)
		return;
	if (!ending->is_killing) {
		ending->is_killing = 1;
		ending->stuck_ns = ha_clock_deadline(ENDING_STUCK_MS);
	}
	tree_kill();
	ending->due_ns =
	    ha_clock_deadline(ending_is_stuck(ending) ? LATER_MS : SOON_MS);
}

int64_t
ending_due_ns(const struct ending *ending)
{
	return ending->due_ns;
}

int
ending_is_stuck(const struct ending *ending)
{
	return ha_clock_now_ns() >= ending->stuck_ns;
}
