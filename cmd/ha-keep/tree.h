/* SPDX-License-Identifier: ISC */
/*
 * tree - the processes below this one, and the end of them.
 *
 * This process is to be a subreaper (prctl(2), PR_SET_CHILD_SUBREAPER): then
 * whoever loses its parent down there becomes a child of this one, and only
 * this one's waitpid(2) frees a child's id.  Source: proc(5),
 * /proc/PID/task/TID/children; pidfd_open(2).
 */
#ifndef KEEP_TREE_H
#define KEEP_TREE_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct tree_pids {
	pid_t *list; /* owned */
	size_t count, cap;
};

struct tree_stat {
	char state; /* 'R', 'S', 'D', 'T', 'Z' and so on */
	pid_t parent, group, session;
};

/* What /proc says of a process.  -1: there is none. */
int tree_stat(pid_t pid, struct tree_stat *stat);

/*
 * Add the children of a process.  by_scan looks at every process there is, as
 * is done where the kernel was built without the files of children.
 */
void tree_add_children(struct tree_pids *pids, pid_t pid, int by_scan);
void tree_release(struct tree_pids *pids);

/*
 * From now on whoever is in this session is not touched, nor what is below:
 * children that this process had before it was ha-keep.  Session 0 is one like
 * the others: in a container it is that of who came in from outside.  Source:
 * pid_namespaces(7), getsid(2).
 */
#define TREE_NO_SESSION ((pid_t)-1)
void tree_spare(pid_t session);

/*
 * Send sig, and SIGCONT so that what is stopped sees it, to each process below
 * this one that is not in the process group except (0: none is).
 */
void tree_signal(int sig, pid_t except);

/*
 * SIGKILL to each child and to its process group, a few times in a row: their
 * children become this one's.
 */
void tree_kill(void);

/* A child that lives, 0 for none; *state is as in tree_stat. */
pid_t tree_first(char *state);

/*
 * The end of all that is below: first sig for everybody, after the grace
 * SIGKILL, again and again.  The caller reaps; it calls ending_step() when a
 * child has ended or ending_due_ns() is over, until it has no child any more.
 */
struct ending {
	int64_t kill_ns; /* then the grace is over */
	int64_t due_ns;
	int64_t stuck_ns; /* then SIGKILL should have done it */
	int is_killing;
};

#define ENDING_STUCK_MS 5000

/* group: the process group that gets sig as one, its leader not yet reaped. */
void
ending_begin(struct ending *ending, pid_t group, int sig, int64_t grace_ms);
void ending_step(struct ending *ending);
int64_t ending_due_ns(const struct ending *ending);
/* It is long since SIGKILL: somebody can't be ended. */
int ending_is_stuck(const struct ending *ending);

#endif
