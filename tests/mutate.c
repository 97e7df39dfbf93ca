/* SPDX-License-Identifier: ISC */
/*
 * mutate - change a tree at random, the same way for the same seed.
 *
 * usage: mutate SEED OPERATIONS MILLISECONDS DIR
 *
 * The operations are spread over about that time, in bursts.  Paths come from
 * a small set of names, so that operations meet; what fails has failed, which
 * depends on the tree and so on the seed only.
 */
#include <dirent.h>
#include <err.h>
#include <fcntl.h>
#include <limits.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>
#include <time.h>
#include <unistd.h>

#define LENGTH(array) (sizeof(array) / sizeof((array)[0]))
#define OPEN_FILES 4

static uint64_t state;
static unsigned refused;
static int open_files[OPEN_FILES] = { -1, -1, -1, -1 };
static char block[1 << 18];

static const char *const names[] = {
	"a",
	"b",
	"c",
	"d",
	"e",
	"index.html",
	"new\nline",
	"tab\there",
	"back\\slash",
	"-rf",
	" ",
	"*?[x]",
	"\"'`$(id)",
	"caf\xc3\xa9",
	"\xff\xfe",
	"\x1b[31m",
	"#x",
	"~",
	".hidden",
	"d.tmp~",
	"%h",
	"\\134",
};

/* xorshift64*: Vigna, "An experimental exploration of Marsaglia's xorshift". */
static unsigned
below(unsigned limit)
{
	state ^= state >> 12;
	state ^= state << 25;
	state ^= state >> 27;
	return (unsigned)((state * 0x2545f4914f6cdd1dULL) >> 33) % limit;
}

/* Few of the names are directories', so that those fill. */
static size_t
add_dirs(char *path, unsigned depth)
{
	size_t len = 0;

	path[0] = '\0';
	while (depth--)
		len += (size_t)snprintf(
		    path + len, PATH_MAX - len, "%s/", names[below(5) * 3]);
	return len;
}

static void
file_path(char *path)
{
	size_t len = add_dirs(path, below(4));

	snprintf(path + len, PATH_MAX - len, "%s", names[below(LENGTH(names))]);
}

static void
dir_path(char *path)
{
	path[add_dirs(path, 1 + below(3)) - 1] = '\0';
}

/* Not at the top: too much would go at once. */
static void
deep_path(char *path)
{
	path[add_dirs(path, 2 + below(2)) - 1] = '\0';
}

static void
make_parents(const char *path)
{
	char parent[PATH_MAX];
	const char *slash = path;

	while ((slash = strchr(slash, '/'))) {
		memcpy(parent, path, (size_t)(slash - path));
		parent[slash - path] = '\0';
		mkdir(parent, 0755);
		slash++;
	}
}

static size_t
any_size(void)
{
	static const unsigned sizes[] = { 1, 100, 4000, 4000, 20000,
		sizeof(block) };

	return below(sizes[below(LENGTH(sizes))]);
}

static void
scribble(int fd)
{
	size_t size = any_size(), i, start = below(64);

	for (i = start; i < size; i += 64)
		block[i] = (char)below(256);
	if (fd != -1 && write(fd, block, size) == -1)
		err(1, "write");
}

static void
op_write(char *path)
{
	int fd;

	file_path(path);
	make_parents(path);
	fd = open(
	    path, O_WRONLY | O_CREAT | O_TRUNC | O_NONBLOCK | O_NOFOLLOW, 0644);
	scribble(fd);
	close(fd);
}

static void
op_append(char *path)
{
	int fd;

	file_path(path);
	fd = open(path, O_WRONLY | O_APPEND | O_NONBLOCK | O_NOFOLLOW);
	scribble(fd);
	close(fd);
}

static void
op_truncate(char *path)
{
	struct stat st;

	file_path(path);
	if (lstat(path, &st) == 0 && S_ISREG(st.st_mode) &&
	    truncate(path, (off_t)any_size()) == -1)
		err(1, "truncate");
}

/* Other bytes, but the size and the time of before. */
static void
op_same_size(char *path)
{
	struct timespec times[2];
	struct stat st;
	int fd;

	file_path(path);
	fd = open(path, O_WRONLY | O_NONBLOCK | O_NOFOLLOW);
	if (fd == -1)
		return;
	if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && st.st_size > 0) {
		block[0] = (char)below(256);
		if (pwrite(fd, block, 1, below((unsigned)st.st_size)) == -1)
			err(1, "pwrite");
		times[0] = st.st_atim;
		times[1] = st.st_mtim;
		futimens(fd, times);
	}
	close(fd);
}

/* As editors save. */
static void
op_save(char *path)
{
	char temporary[PATH_MAX + 16];
	int fd;

	file_path(path);
	make_parents(path);
	snprintf(temporary, sizeof(temporary), "%s.swp", path);
	fd = open(temporary, O_WRONLY | O_CREAT | O_EXCL, 0640);
	scribble(fd);
	close(fd);
	if (rename(temporary, path) == -1)
		unlink(temporary);
}

/* A writer that keeps its file open. */
static int
is_held(const struct stat *st)
{
	struct stat held;

	for (size_t i = 0; i < OPEN_FILES; i++)
		if (open_files[i] != -1 && fstat(open_files[i], &held) == 0 &&
		    held.st_ino == st->st_ino && held.st_dev == st->st_dev)
			return 1;
	return 0;
}

/*
 * Never a file with several names: once the name that it was opened by is
 * removed, inotify tells nobody of writes to it (ha-watch(1), CAVEATS).
 */
static void
op_keep_open(char *path)
{
	struct stat st;
	int *fd = &open_files[below(OPEN_FILES)];
	int chosen = (int)below(3);

	file_path(path);
	if (*fd != -1 && chosen == 0) {
		close(*fd);
		*fd = -1;
	}
	if (*fd == -1)
		*fd = open(path,
		    O_WRONLY | O_CREAT | O_APPEND | O_NONBLOCK | O_NOFOLLOW,
		    0600);
	if (*fd != -1 && fstat(*fd, &st) == 0 && st.st_nlink > 1) {
		close(*fd);
		*fd = -1;
	}
	scribble(*fd);
}

static void
op_rename(char *path)
{
	char to[PATH_MAX];

	file_path(path);
	file_path(to);
	make_parents(to);
	rename(path, to);
}

static void
op_rename_dir(char *path)
{
	char to[PATH_MAX];

	dir_path(path);
	dir_path(to);
	rename(path, to);
}

static void
op_exchange(char *path)
{
	char other[PATH_MAX];

	file_path(path);
	dir_path(other);
	renameat2(AT_FDCWD, path, AT_FDCWD, other, RENAME_EXCHANGE);
}

static void
op_unlink(char *path)
{
	file_path(path);
	unlink(path);
}

static int
by_name(const struct dirent **a, const struct dirent **b)
{
	return strcmp((*a)->d_name, (*b)->d_name);
}

static void
remove_tree(const char *path)
{
	char child[PATH_MAX];
	struct dirent **list;
	int i, n;

	if (unlink(path) == 0)
		return;
	n = scandir(path, &list, NULL, by_name);
	for (i = 0; i < n; i++) {
		if (strcmp(list[i]->d_name, ".") != 0 &&
		    strcmp(list[i]->d_name, "..") != 0 &&
		    snprintf(child, sizeof(child), "%s/%s", path,
			list[i]->d_name) < (int)sizeof(child))
			remove_tree(child);
		free(list[i]);
	}
	if (n >= 0)
		free(list);
	rmdir(path);
}

static void
op_remove_tree(char *path)
{
	deep_path(path);
	remove_tree(path);
}

static void
fill(const char *dir)
{
	char path[PATH_MAX + 64];
	unsigned i, count = below(8);
	int fd;

	make_parents(dir);
	mkdir(dir, 0755);
	for (i = 0; i < count; i++) {
		snprintf(path, sizeof(path), "%s/%s", dir,
		    names[below(LENGTH(names))]);
		fd = open(
		    path, O_WRONLY | O_CREAT | O_NONBLOCK | O_NOFOLLOW, 0644);
		scribble(fd);
		close(fd);
	}
}

static void
op_fill(char *path)
{
	dir_path(path);
	fill(path);
}

/* What stood under the name moves away, and a new directory takes its place. */
static void
op_replace_dir(char *path)
{
	char to[PATH_MAX];

	dir_path(path);
	dir_path(to);
	rename(path, to);
	fill(path);
}

static void
op_file_to_dir(char *path)
{
	file_path(path);
	if (unlink(path) == 0)
		fill(path);
}

static void
op_dir_to_file(char *path)
{
	int fd;

	deep_path(path);
	remove_tree(path);
	fd = open(path, O_WRONLY | O_CREAT | O_NONBLOCK | O_NOFOLLOW, 0644);
	scribble(fd);
	close(fd);
}

static void
op_dir_to_symlink(char *path)
{
	char to[PATH_MAX];

	deep_path(path);
	dir_path(to);
	remove_tree(path);
	if (symlink(to, path) == -1)
		mkdir(path, 0700);
}

static void
op_link(char *path)
{
	char to[PATH_MAX];
	struct stat st;

	file_path(path);
	file_path(to);
	if (lstat(path, &st) == 0 && is_held(&st))
		return;
	make_parents(to);
	if (below(2))
		unlink(to);
	if (link(path, to) == -1)
		refused += symlink(path, to) == -1;
}

static void
op_symlink(char *path)
{
	static const char *const targets[] = { "a", "../a", "/nowhere", "/tmp",
		".", "\xff\n" };

	file_path(path);
	make_parents(path);
	if (below(2))
		unlink(path);
	refused += symlink(targets[below(LENGTH(targets))], path) == -1;
}

static void
op_special(char *path)
{
	static const mode_t kinds[] = { S_IFIFO, S_IFSOCK, S_IFCHR, S_IFBLK };

	file_path(path);
	make_parents(path);
	mknod(path, kinds[below(LENGTH(kinds))] | 0600, makedev(1, 3));
}

static void
op_mode(char *path)
{
	struct stat st;

	if (below(2))
		file_path(path);
	else
		dir_path(path);
	if (lstat(path, &st) == 0 && !S_ISLNK(st.st_mode))
		chmod(path, (S_ISDIR(st.st_mode) ? 0700 : 0400) | below(07777));
}

static void
op_owner(char *path)
{
	uid_t uid = below(3) * 1000;
	gid_t gid = below(3) * 1000;

	if (below(2))
		file_path(path);
	else
		dir_path(path);
	refused += lchown(path, uid, gid) == -1;
}

static void
op_times(char *path)
{
	struct timespec times[2];

	times[0].tv_sec = times[1].tv_sec = below(2000000000);
	times[0].tv_nsec = times[1].tv_nsec = below(1000000000);
	if (below(2))
		file_path(path);
	else
		dir_path(path);
	utimensat(AT_FDCWD, path, times, AT_SYMLINK_NOFOLLOW);
}

static void
op_xattr(char *path)
{
	char value = (char)('0' + below(10));

	file_path(path);
	if (below(3))
		lsetxattr(path, "user.test", &value, 1, 0);
	else
		lremovexattr(path, "user.test");
}

static const struct operation {
	void (*run)(char *path);
	unsigned weight;
} operations[] = {
	{ op_write, 30 },
	{ op_append, 8 },
	{ op_truncate, 4 },
	{ op_same_size, 4 },
	{ op_save, 10 },
	{ op_keep_open, 4 },
	{ op_rename, 12 },
	{ op_rename_dir, 5 },
	{ op_exchange, 2 },
	{ op_unlink, 12 },
	{ op_remove_tree, 1 },
	{ op_fill, 10 },
	{ op_replace_dir, 2 },
	{ op_file_to_dir, 1 },
	{ op_dir_to_file, 1 },
	{ op_dir_to_symlink, 1 },
	{ op_link, 12 },
	{ op_symlink, 3 },
	{ op_special, 1 },
	{ op_mode, 5 },
	{ op_owner, 3 },
	{ op_times, 4 },
	{ op_xattr, 3 },
};

static void
mutate_once(void)
{
	char path[PATH_MAX];
	unsigned total = 0, pick;
	size_t i;

	for (i = 0; i < LENGTH(operations); i++)
		total += operations[i].weight;
	pick = below(total);
	for (i = 0; pick >= operations[i].weight; i++)
		pick -= operations[i].weight;
	operations[i].run(path);
}

/* A burst and a pause, so that both the busy and the quiet case come up. */
static void
pace(unsigned done, double pause_ms)
{
	static unsigned burst_end;
	static unsigned burst;
	struct timespec ts;
	double ns;

	if (done < burst_end)
		return;
	ns = burst * pause_ms * 1e6;
	ts.tv_sec = (time_t)(ns / 1e9);
	ts.tv_nsec = (long)(ns - (double)ts.tv_sec * 1e9);
	nanosleep(&ts, NULL);
	burst = 1 + below(below(2) ? 10 : 300);
	burst_end = done + burst;
}

static unsigned
number(const char *text)
{
	char *end;
	unsigned long value = strtoul(text, &end, 10);

	if (*text == '\0' || *end || value > UINT_MAX)
		errx(64, "%s is no number", text);
	return (unsigned)value;
}

int
main(int argc, char **argv)
{
	unsigned count, i;
	double pause_ms;

	if (argc != 5)
		errx(64, "usage: mutate SEED OPERATIONS MILLISECONDS DIR");
	state = (uint64_t)number(argv[1]) * 2654435761U + 1;
	count = number(argv[2]);
	pause_ms = count ? (double)number(argv[3]) / count : 0;
	if (chdir(argv[4]) == -1)
		err(66, "%s", argv[4]);
	umask(022);
	for (i = 0; i < count; i++) {
		mutate_once();
		pace(i, pause_ms);
	}
	printf("seed %s: %u operations; links and owners refused: %u\n",
	    argv[1], count, refused);
	return 0;
}
