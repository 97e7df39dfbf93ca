/* SPDX-License-Identifier: ISC */
/*
 * proctable - this machine's processes: one pass over /proc, and what costs
 * more only of those that are asked for.
 *
 * A process is known by its id and its start: an id alone is used again.  What
 * a process says of itself (comm, its command line) may be any bytes.
 * Source: proc(5).
 */
#ifndef HA_STAT_PROCTABLE_H
#define HA_STAT_PROCTABLE_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "buf.h"
#include "err.h"

/* Kernel threads may have longer names than a process's 15 bytes. */
#define PROCESS_COMM_SIZE 64

struct process {
	pid_t pid, parent;
	char state; /* R S D Z T t X I */
	int is_kernel;
	char comm[PROCESS_COMM_SIZE];
	uint64_t threads;
	uint64_t rss; /* bytes */
	uint64_t cpu_ticks; /* own time, user and system (clock ticks) */
	uint64_t waited_ticks; /* that of children that it has waited for */
	uint64_t start_ticks; /* since the machine started */
};

struct proctable {
	int fd; /* of /proc; -1 when it can't be opened */
	struct process *all; /* by rising pid; NULL before the pass */
	size_t count;
};

/* root is "/proc", or what a test puts in its place. */
void proctable_open(struct proctable *table, const char *root);
void proctable_close(struct proctable *table);
/* Once more, for a helper, which inherits no descriptor; the pass stays. */
void proctable_reopen(struct proctable *table, const char *root);

/*
 * Read all processes, anew if need be.  EX_OSERR when /proc can't be read;
 * what ends meanwhile is left out.
 */
int proctable_pass(struct proctable *table, struct ha_err *err);
/* Out of the last pass; NULL: it was not there. */
struct process *proctable_find(const struct proctable *table, pid_t pid);
/*
 * Mark, in an array of table->count, every process that descends from one
 * that is marked.
 */
void
proctable_mark_descendants(const struct proctable *table, unsigned char *marks);

/*
 * Read one process, without a pass.  1; 0: there is none; -1: EX_OSERR (its
 * stat can't be read or is malformed).
 */
int proctable_read(const struct proctable *table, pid_t pid,
    struct process *process, struct ha_err *err);
/* Is it still the same process? */
int proctable_is_alive(
    const struct proctable *table, const struct process *process);

/*
 * The program that it runs, by its path, without the kernel's " (deleted)";
 * the caller frees it.  NULL with errno set: EACCES, or ENOENT for a zombie
 * and a kernel thread.
 */
char *
proctable_exe(const struct proctable *table, const struct process *process);
/*
 * Append its command line, at most max bytes of it, the arguments ended by NUL.
 * May wait for the process's memory: to be called in a helper (helper.h).  0,
 * or -1 with errno set.
 */
int proctable_command_line(
    const struct proctable *table, pid_t pid, size_t max, struct ha_buf *buf);
/* Its proportional share of memory in bytes.  As proctable_command_line(). */
int proctable_pss(const struct proctable *table, pid_t pid, uint64_t *bytes);
/*
 * Descriptors that are open, and how many may be (the soft limit; UINT64_MAX:
 * any number).  0, or -1 with errno set.
 */
int proctable_descriptors(
    const struct proctable *table, pid_t pid, uint64_t *open, uint64_t *limit);
/* Is the name of every process to be seen (no hidepid=)? */
int proctable_sees_all(const struct proctable *table);

/* Clock ticks of a second. */
double proctable_hertz(void);
/* Milliseconds since a process of the real /proc started. */
int64_t proctable_age_ms(const struct process *process);

/* For the unit tests: the bytes of a stat file.  0, or -1: malformed. */
int proctable_parse_stat(char *text, size_t len, struct process *process);

#endif
