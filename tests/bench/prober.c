/* SPDX-License-Identifier: ISC */
/*
 * prober - what the benchmarks do and measure, without a fork a step.
 *
 *	prober latency SRC DST COUNT INTERVAL_MS	new files, one an interval:
 *		prints the ms from close(2) to seen in DST: p50 p99 lost
 *	prober fill DIR DIRS FILES BYTES	FILES files in DIRS directories
 *	prober empty DIR DIRS FILES		remove those FILES again
 *	prober rename DIR DIRS FILES		give each another name
 *	prober link DIR COUNT			a file and COUNT more names of it
 *	prober dirs DIR COUNT			COUNT directories, 100 in each
 *	prober await DIR FILES SECONDS		until DIR has so many files below
 */
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <limits.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define GIVE_UP_NS 20000000000LL
#define PROBE_SIZE 1024

static char *bytes;
static long files_seen;

static int64_t
now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (int64_t)ts.tv_sec * 1000000000 + ts.tv_nsec;
}

static void
rest_us(long us)
{
	struct timespec ts = { us / 1000000, us % 1000000 * 1000 };

	nanosleep(&ts, NULL);
}

static long
number(const char *text)
{
	char *end;
	long value = strtol(text, &end, 10);

	if (*text == '\0' || *end || value <= 0)
		errx(64, "%s is no number", text);
	return value;
}

static void
write_file(const char *path, size_t size)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0644);

	if (fd == -1 || write(fd, bytes, size) != (ssize_t)size ||
	    close(fd) == -1)
		err(74, "%s", path);
}

static int
by_value(const void *a, const void *b)
{
	int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

	return (x > y) - (x < y);
}

static void
print_latency(int64_t *took, long seen, long count)
{
	long middle = seen / 2, nearly_all = (seen * 99 - 1) / 100;

	if (seen == 0) {
		printf("- - %ld\n", count);
		return;
	}
	qsort(took, (size_t)seen, sizeof(*took), by_value);
	printf("%.1f %.1f %ld\n", (double)took[middle] / 1e6,
	    (double)took[nearly_all] / 1e6, count - seen);
}

/* Files arrive in any order: all that are under way are looked for. */
static void
latency(const char *src, const char *dst, long count, long interval_ms)
{
	int64_t *start = calloc((size_t)count, sizeof(*start));
	int64_t *took = calloc((size_t)count, sizeof(*took));
	long sent = 0, seen = 0, first = 0, i;
	int64_t next = now_ns(), last = next;
	char path[PATH_MAX];
	struct stat st;

	if (!start || !took)
		err(71, NULL);
	while (seen < count && now_ns() - last < GIVE_UP_NS) {
		if (sent < count && now_ns() >= next) {
			snprintf(path, sizeof(path), "%s/probe%ld", src, sent);
			write_file(path, PROBE_SIZE);
			start[sent++] = last = now_ns();
			next += interval_ms * 1000000;
		}
		for (i = first; i < sent; i++) {
			snprintf(path, sizeof(path), "%s/probe%ld", dst, i);
			if (!start[i] || stat(path, &st) == -1 ||
			    st.st_size != PROBE_SIZE)
				continue;
			last = now_ns();
			took[seen++] = last - start[i];
			start[i] = 0;
		}
		while (first < sent && !start[first])
			first++;
		rest_us(200);
	}
	print_latency(took, seen, count);
	free(start);
	free(took);
}

static void
fill(const char *dir, long dirs, long files, size_t size)
{
	char path[PATH_MAX];
	long i;

	for (i = 0; i < dirs; i++) {
		snprintf(path, sizeof(path), "%s/dir%ld", dir, i);
		if (mkdir(path, 0755) == -1 && errno != EEXIST)
			err(73, "%s", path);
	}
	for (i = 0; i < files; i++) {
		snprintf(
		    path, sizeof(path), "%s/dir%ld/file%ld", dir, i % dirs, i);
		write_file(path, size);
	}
}

static void
empty(const char *dir, long dirs, long files)
{
	char path[PATH_MAX];

	for (long i = 0; i < files; i++) {
		snprintf(
		    path, sizeof(path), "%s/dir%ld/file%ld", dir, i % dirs, i);
		if (unlink(path) == -1)
			err(74, "%s", path);
	}
}

static void
rename_all(const char *dir, long dirs, long files)
{
	char from[PATH_MAX], to[PATH_MAX];

	for (long i = 0; i < files; i++) {
		snprintf(
		    from, sizeof(from), "%s/dir%ld/file%ld", dir, i % dirs, i);
		snprintf(
		    to, sizeof(to), "%s/dir%ld/moved%ld", dir, i % dirs, i);
		if (rename(from, to) == -1)
			err(74, "%s", from);
	}
}

static void
link_all(const char *dir, long count)
{
	char first[PATH_MAX], path[PATH_MAX];

	snprintf(first, sizeof(first), "%s/link0", dir);
	write_file(first, PROBE_SIZE);
	for (long i = 1; i <= count; i++) {
		snprintf(path, sizeof(path), "%s/link%ld", dir, i);
		if (link(first, path) == -1)
			err(74, "%s", path);
	}
}

static void
make_dirs(const char *dir, long count)
{
	char path[PATH_MAX];
	long i;

	for (i = 0; i < count; i++) {
		/* Each directory with a number ending in 00 holds 99 others. */
		if (i % 100 == 0)
			snprintf(path, sizeof(path), "%s/d%ld", dir, i / 100);
		else
			snprintf(path, sizeof(path), "%s/d%ld/e%ld", dir,
			    i / 100, i % 100);
		if (mkdir(path, 0755) == -1)
			err(73, "%s", path);
	}
}

/* Temporary names, of rsync and others, begin with a dot. */
static int
count_file(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st;
	files_seen += type == FTW_F && path[ftw->base] != '.';
	return 0;
}

static int
await(const char *dir, long files, long seconds)
{
	int64_t end = now_ns() + seconds * 1000000000;

	while (now_ns() < end) {
		files_seen = 0;
		nftw(dir, count_file, 32, FTW_PHYS);
		if (files_seen == files)
			return 0;
		rest_us(20000);
	}
	errx(1, "%s: %ld files after %ld s", dir, files_seen, seconds);
}

int
main(int argc, char **argv)
{
	const char *what = argc > 1 ? argv[1] : "";

	if (strcmp(what, "latency") == 0 && argc == 6) {
		bytes = calloc(1, PROBE_SIZE);
		latency(argv[2], argv[3], number(argv[4]), number(argv[5]));
	} else if (strcmp(what, "fill") == 0 && argc == 6) {
		bytes = calloc(1, (size_t)number(argv[5]));
		fill(argv[2], number(argv[3]), number(argv[4]),
		    (size_t)number(argv[5]));
	} else if (strcmp(what, "empty") == 0 && argc == 5) {
		empty(argv[2], number(argv[3]), number(argv[4]));
	} else if (strcmp(what, "rename") == 0 && argc == 5) {
		rename_all(argv[2], number(argv[3]), number(argv[4]));
	} else if (strcmp(what, "link") == 0 && argc == 4) {
		bytes = calloc(1, PROBE_SIZE);
		link_all(argv[2], number(argv[3]));
	} else if (strcmp(what, "dirs") == 0 && argc == 4) {
		make_dirs(argv[2], number(argv[3]));
	} else if (strcmp(what, "await") == 0 && argc == 5) {
		return await(argv[2], number(argv[3]), number(argv[4]));
	} else {
		errx(64, "usage: see the head of prober.c");
	}
	free(bytes);
	return 0;
}
