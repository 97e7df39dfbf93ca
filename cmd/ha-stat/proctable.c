/* SPDX-License-Identifier: ISC */
/*
 * proctable - this machine's processes.
 */
#include "proctable.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "alloc.h"

#define STAT_SIZE 4096
#define PATH_SIZE 64
#define PF_KTHREAD 0x00200000
#define DELETED " (deleted)"

void
proctable_open(struct proctable *table, const char *root)
{
	table->fd = open(root, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	table->all = NULL;
	table->count = 0;
}

void
proctable_reopen(struct proctable *table, const char *root)
{
	table->fd = open(root, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}

void
proctable_close(struct proctable *table)
{
	if (table->fd >= 0)
		close(table->fd);
	free(table->all);
	table->fd = -1;
	table->all = NULL;
	table->count = 0;
}

/* The number at *text, which moves behind it; what is negative counts as 0. */
static int
next_number(const char **text, uint64_t *value)
{
	const char *p = *text + strspn(*text, " ");
	int is_negative = *p == '-';
	char *end;

	p += is_negative;
	if (*p < '0' || *p > '9')
		return -1;
	errno = 0;
	*value = strtoull(p, &end, 10);
	if (errno || !strchr(" \n", *end))
		return -1;
	if (is_negative)
		*value = 0;
	*text = end;
	return 0;
}

/* The fields behind the state: proc(5) counts from 1, the parent is the 4th. */
enum {
	FIELD_PARENT = 4,
	FIELD_FLAGS = 9,
	FIELD_UTIME = 14,
	FIELD_STIME,
	FIELD_CUTIME,
	FIELD_CSTIME,
	FIELD_THREADS = 20,
	FIELD_START = 22,
	FIELD_RSS = 24,
	FIELD_END
};

/* Between the first parenthesis and the last: a name may hold both. */
static char *
parse_name(char *text, size_t len, struct process *process)
{
	char *from = memchr(text, '(', len);
	char *to = memrchr(text, ')', len);
	size_t size;

	if (!from || !to || to < from)
		return NULL;
	size = (size_t)(to - ++from);
	if (size >= sizeof(process->comm))
		size = sizeof(process->comm) - 1;
	memcpy(process->comm, from, size);
	process->comm[size] = '\0';
	return to + 1;
}

int
proctable_parse_stat(char *text, size_t len, struct process *process)
{
	uint64_t fields[FIELD_END];
	const char *rest;
	int i;

	rest = parse_name(text, len, process);
	if (!rest || rest[0] != ' ' || !rest[1] || rest[2] != ' ')
		return -1;
	process->state = rest[1];
	rest += 2;
	for (i = FIELD_PARENT; i < FIELD_END; i++)
		if (next_number(&rest, &fields[i]))
			return -1;
	if (fields[FIELD_PARENT] > INT_MAX)
		return -1;
	process->parent = (pid_t)fields[FIELD_PARENT];
	process->is_kernel = !!(fields[FIELD_FLAGS] & PF_KTHREAD);
	process->cpu_ticks = fields[FIELD_UTIME] + fields[FIELD_STIME];
	process->waited_ticks = fields[FIELD_CUTIME] + fields[FIELD_CSTIME];
	process->threads = fields[FIELD_THREADS];
	process->start_ticks = fields[FIELD_START];
	process->rss = fields[FIELD_RSS] * (uint64_t)sysconf(_SC_PAGESIZE);
	return 0;
}

/* As much of a file of /proc as there is room for. */
static ssize_t
read_file(const struct proctable *table, pid_t pid, const char *name,
    char *data, size_t size)
{
	char path[PATH_SIZE];
	size_t len = 0;
	ssize_t n;
	int fd;

	snprintf(path, sizeof(path), "%ld/%s", (long)pid, name);
	fd = openat(table->fd, path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -1;
	do {
		n = read(fd, data + len, size - len);
		if (n > 0)
			len += (size_t)n;
	} while (n > 0 && len < size);
	close(fd);
	return n < 0 ? -1 : (ssize_t)len;
}

int
proctable_read(const struct proctable *table, pid_t pid,
    struct process *process, struct ha_err *err)
{
	char text[STAT_SIZE];
	ssize_t len = read_file(table, pid, "stat", text, sizeof(text) - 1);

	if (len < 0 && (errno == ENOENT || errno == ESRCH))
		return 0;
	if (len < 0)
		return ha_err_set(err, EX_OSERR, errno,
		    "can't read the state of process %ld", (long)pid);
	text[len] = '\0';
	process->pid = pid;
	if (proctable_parse_stat(text, (size_t)len, process))
		return ha_err_set(err, EX_OSERR, 0,
		    "the state of process %ld is malformed", (long)pid);
	return 1;
}

int
proctable_is_alive(const struct proctable *table, const struct process *process)
{
	struct process now = { .start_ticks = 0 };
	struct ha_err err;

	return proctable_read(table, process->pid, &now, &err) == 1 &&
	       now.start_ticks == process->start_ticks;
}

static int
by_pid(const void *a, const void *b)
{
	const struct process *x = a, *y = b;

	return (x->pid > y->pid) - (x->pid < y->pid);
}

/* The id that a name in /proc stands for; 0 for the other names. */
static pid_t
pid_of(const char *name)
{
	char *end;
	long pid;

	if (*name < '1' || *name > '9')
		return 0;
	pid = strtol(name, &end, 10);
	return *end || pid > INT_MAX ? 0 : (pid_t)pid;
}

static DIR *
open_list(const struct proctable *table, const char *path)
{
	int fd = openat(table->fd, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *list = fd < 0 ? NULL : fdopendir(fd);

	if (fd >= 0 && !list)
		close(fd);
	return list;
}

int
proctable_pass(struct proctable *table, struct ha_err *err)
{
	DIR *list = open_list(table, ".");
	struct dirent *entry;
	struct process one;
	size_t room = 0;
	pid_t pid;

	table->count = 0;
	if (!list)
		return ha_err_set(err, EX_OSERR, errno, "can't read /proc");
	while ((entry = readdir(list))) {
		pid = pid_of(entry->d_name);
		if (!pid || proctable_read(table, pid, &one, err) != 1)
			continue;
		if (table->count == room || !table->all) {
			room = room ? room * 2 : 256;
			table->all =
			    ha_xrealloc(table->all, room * sizeof(*table->all));
		}
		table->all[table->count++] = one;
	}
	closedir(list);
	if (table->count)
		qsort(table->all, table->count, sizeof(*table->all), by_pid);
	return 0;
}

struct process *
proctable_find(const struct proctable *table, pid_t pid)
{
	struct process key = { .pid = pid };

	if (!table->count)
		return NULL;
	return bsearch(
	    &key, table->all, table->count, sizeof(*table->all), by_pid);
}

enum mark { MARK_UNKNOWN, MARK_YES, MARK_NO };

/*
 * Up the line of parents to one that is known, and down again.  The line is no
 * longer than the table even if what was read while it changed makes a ring.
 */
static void
mark_line(const struct proctable *table, unsigned char *marks, size_t i)
{
	const struct process *parent;
	unsigned char mark = MARK_NO;
	size_t at = i, steps = 0;

	for (;;) {
		if (marks[at] != MARK_UNKNOWN) {
			mark = marks[at];
			break;
		}
		parent = proctable_find(table, table->all[at].parent);
		if (!parent || ++steps > table->count)
			break;
		at = (size_t)(parent - table->all);
	}
	for (at = i; marks[at] == MARK_UNKNOWN;) {
		marks[at] = mark;
		parent = proctable_find(table, table->all[at].parent);
		if (!parent)
			break;
		at = (size_t)(parent - table->all);
	}
}

void
proctable_mark_descendants(const struct proctable *table, unsigned char *marks)
{
	size_t i;

	for (i = 0; i < table->count; i++)
		marks[i] = marks[i] ? MARK_YES : MARK_UNKNOWN;
	for (i = 0; i < table->count; i++)
		mark_line(table, marks, i);
	for (i = 0; i < table->count; i++)
		marks[i] = marks[i] == MARK_YES;
}

char *
proctable_exe(const struct proctable *table, const struct process *process)
{
	char path[PATH_SIZE], target[PATH_MAX + sizeof(DELETED)];
	size_t tail = sizeof(DELETED) - 1;
	ssize_t len;

	snprintf(path, sizeof(path), "%ld/exe", (long)process->pid);
	len = readlinkat(table->fd, path, target, sizeof(target) - 1);
	if (len < 0)
		return NULL;
	target[len] = '\0';
	if ((size_t)len > tail && !strcmp(target + len - tail, DELETED))
		target[(size_t)len - tail] = '\0';
	return ha_xstrdup(target);
}

int
proctable_command_line(
    const struct proctable *table, pid_t pid, size_t max, struct ha_buf *buf)
{
	ssize_t n;

	ha_buf_reserve(buf, max);
	n = read_file(table, pid, "cmdline", buf->data + buf->len, max);
	if (n > 0)
		ha_buf_truncate(buf, buf->len + (size_t)n);
	return n < 0 ? -1 : 0;
}

/* The number behind "NAME:" at the start of a line; -1: there is none. */
static int
labelled_number(const char *text, const char *name, uint64_t *value)
{
	size_t len = strlen(name);

	for (; text; text = strchr(text, '\n')) {
		text += *text == '\n';
		if (strncmp(text, name, len) != 0)
			continue;
		text += len;
		text += strspn(text, " \t");
		if (!strncmp(text, "unlimited", strlen("unlimited"))) {
			*value = UINT64_MAX;
			return 0;
		}
		return next_number(&text, value);
	}
	return -1;
}

/* One number of a file of "NAME: number" lines. */
static int
read_number(const struct proctable *table, pid_t pid, const char *file,
    const char *name, uint64_t *value)
{
	char text[STAT_SIZE];
	ssize_t len = read_file(table, pid, file, text, sizeof(text) - 1);

	if (len < 0)
		return -1;
	text[len] = '\0';
	if (!labelled_number(text, name, value))
		return 0;
	errno = ENODATA;
	return -1;
}

int
proctable_pss(const struct proctable *table, pid_t pid, uint64_t *bytes)
{
	if (read_number(table, pid, "smaps_rollup", "Pss:", bytes))
		return -1;
	*bytes *= 1024;
	return 0;
}

/* Since Linux 6.2 the directory's size says it. */
static int
count_descriptors(const struct proctable *table, pid_t pid, uint64_t *count)
{
	char path[PATH_SIZE];
	struct dirent *entry;
	struct stat st;
	DIR *list;

	snprintf(path, sizeof(path), "%ld/fd", (long)pid);
	if (fstatat(table->fd, path, &st, 0))
		return -1;
	*count = (uint64_t)st.st_size;
	if (st.st_size)
		return 0;
	list = open_list(table, path);
	if (!list)
		return -1;
	while ((entry = readdir(list)))
		*count += entry->d_name[0] != '.';
	closedir(list);
	return 0;
}

int
proctable_descriptors(
    const struct proctable *table, pid_t pid, uint64_t *open, uint64_t *limit)
{
	if (count_descriptors(table, pid, open))
		return -1;
	return read_number(table, pid, "limits", "Max open files", limit);
}

int
proctable_sees_all(const struct proctable *table)
{
	struct stat st;

	return !fstatat(table->fd, "1", &st, 0);
}

double
proctable_hertz(void)
{
	return (double)sysconf(_SC_CLK_TCK);
}

int64_t
proctable_age_ms(const struct process *process)
{
	struct timespec now;
	double age;

	clock_gettime(CLOCK_BOOTTIME, &now);
	age = (double)now.tv_sec + (double)now.tv_nsec / 1e9 -
	      (double)process->start_ticks / proctable_hertz();
	return age < 0 ? 0 : (int64_t)(age * 1000);
}
