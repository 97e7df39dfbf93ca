/* SPDX-License-Identifier: ISC */
/* io - how busy a disk is.  Linux, Documentation/admin-guide/iostats.rst. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "alloc.h"
#include "kernel.h"
#include "kinds.h"
#include "rates.h"

#define SECTOR 512

enum { UTIL, AWAIT, READ, WRITE, READS, WRITES };

static const struct kind_option options[] = {
	{ "util", OPTION_LIMIT, HA_RANGE_NUMBER, NULL, "95%",
	    "percent of the time in which the disk had something to do" },
	{ "await", OPTION_LIMIT, HA_RANGE_SECONDS, NULL, NULL,
	    "mean time of a request, waiting included, such as 50ms,200ms" },
	{ "read", OPTION_LIMIT, HA_RANGE_BYTES, NULL, NULL,
	    "bytes read a second" },
	{ "write", OPTION_LIMIT, HA_RANGE_BYTES, NULL, NULL,
	    "bytes written a second" },
	{ "reads", OPTION_LIMIT, HA_RANGE_NUMBER, NULL, NULL,
	    "requests to read a second" },
	{ "writes", OPTION_LIMIT, HA_RANGE_NUMBER, NULL, NULL,
	    "requests to write a second" },
	{ NULL },
};

/*
 * The counters, by their column of /proc/diskstats behind the name.  Those of
 * milliseconds have 32 bits and wrap around.
 */
enum {
	C_READS,
	C_READ_SECTORS,
	C_READ_MS,
	C_WRITES,
	C_WRITE_SECTORS,
	C_WRITE_MS,
	C_BUSY_MS,
	COUNTERS
};
static const unsigned char columns[COUNTERS] = { 0, 2, 3, 4, 6, 7, 9 };
#define COLUMNS 10
#define MILLISECONDS (1U << C_READ_MS | 1U << C_WRITE_MS | 1U << C_BUSY_MS)

struct disk {
	char name[64];
	struct sample now;
	const struct sample *before;
};

struct data {
	struct disk *disks; /* one, or all */
	size_t count;
};

/* A second's worth of one disk. */
struct use {
	double util, await, read, write, reads, writes;
};

/* One line; 0, or -1 for one that is cut off. */
static int
parse_line(
    const char *line, unsigned *major, unsigned *minor, struct disk *disk)
{
	uint64_t number[COLUMNS];
	int used = 0;

	if (sscanf(line, "%u %u %63[^ \n]%n", major, minor, disk->name, &used) <
		3 ||
	    !used)
		return -1;
	line += used;
	for (size_t i = 0; i < COLUMNS; i++)
		if (kernel_number(&line, &number[i]))
			return -1;
	for (size_t i = 0; i < COUNTERS; i++)
		disk->now.counters[i] = number[columns[i]];
	disk->now.count = COUNTERS;
	disk->now.may_fall = MILLISECONDS;
	return 0;
}

/* A disk of its own: no partition, nothing made of other disks. */
static int
is_whole(const char *name)
{
	char path[128];
	struct ha_buf rooted = HA_BUF_INIT;
	int found;

	snprintf(path, sizeof(path), "/sys/block/%s/device", name);
	ha_buf_addf(&rooted, "%s%s", kernel_root, path);
	found = !access(rooted.data, F_OK);
	ha_buf_release(&rooted);
	return found;
}

/* Which one is asked for: a name, or what a path in /dev leads to. */
struct wanted {
	const char *name;
	int by_number;
	unsigned major, minor;
};

static struct wanted
want(const char *argument)
{
	struct wanted wanted = { .name = argument };
	struct stat st;

	if (argument && !strncmp(argument, "/dev/", 5)) {
		wanted.name = argument + 5;
		if (!stat(argument, &st) && S_ISBLK(st.st_mode)) {
			wanted.by_number = 1;
			wanted.major = major(st.st_rdev);
			wanted.minor = minor(st.st_rdev);
		}
	}
	return wanted;
}

static int
is_wanted(const struct wanted *wanted, const struct disk *disk,
    unsigned disk_major, unsigned disk_minor)
{
	if (!wanted->name)
		return is_whole(disk->name);
	if (wanted->by_number)
		return disk_major == wanted->major &&
		       disk_minor == wanted->minor;
	return !strcmp(disk->name, wanted->name);
}

static void
note(struct check *check, const struct disk *disk)
{
	struct data *data = check->data;
	char key[80];
	struct disk *place;

	data->disks =
	    ha_xrealloc(data->disks, (data->count + 1) * sizeof(*data->disks));
	place = &data->disks[data->count++];
	*place = *disk;
	snprintf(key, sizeof(key), "io %s", disk->name);
	place->before = rates_compare(key, &place->now);
	if (!place->before)
		check_look_again(check);
}

static void
look(struct check *check)
{
	struct data *data = check->data;
	struct wanted wanted = want(check->argument);
	struct ha_buf text = HA_BUF_INIT;
	struct disk disk;
	struct ha_err err;
	unsigned disk_major, disk_minor;

	data->count = 0;
	if (kernel_read("/proc/diskstats", &text, &err))
		check_fail(check, &err);
	for (const char *line = text.data; *line; line += strspn(line, "\n")) {
		if (!parse_line(line, &disk_major, &disk_minor, &disk) &&
		    is_wanted(&wanted, &disk, disk_major, disk_minor))
			note(check, &disk);
		line = kernel_line_end(line);
	}
	ha_buf_release(&text);
}

/* The difference of a counter of 32 bits. */
static double
wrapped(const struct disk *disk, size_t i)
{
	return (uint32_t)disk->now.counters[i] -
	       (uint32_t)disk->before->counters[i];
}

static struct use
use_of(const struct disk *disk)
{
	const struct sample *before = disk->before, *now = &disk->now;
	double ms = rates_seconds(before, now) * 1000;
	struct use use = {
		.reads = rates_per_second(before, now, C_READS),
		.writes = rates_per_second(before, now, C_WRITES),
		.read = rates_per_second(before, now, C_READ_SECTORS) * SECTOR,
		.write =
		    rates_per_second(before, now, C_WRITE_SECTORS) * SECTOR,
	};
	double requests = (use.reads + use.writes) * ms / 1000;

	if (ms > 0)
		use.util = 100 * wrapped(disk, C_BUSY_MS) / ms;
	/* A request that ran longer is counted at its end. */
	if (use.util > 100)
		use.util = 100;
	if (requests > 0)
		use.await =
		    (wrapped(disk, C_READ_MS) + wrapped(disk, C_WRITE_MS)) /
		    1000 / requests;
	return use;
}

static void
report(struct check *check, size_t option, double value, double whole,
    const char *unit, const char *words)
{
	struct measured measured = { .option = option,
		.value = value,
		.whole = whole,
		.unit = unit,
		.min = 0,
		.max = whole > 0 ? whole : NAN };

	check_value(check, &measured, option != UTIL, "%s", words);
}

static void
report_bytes(struct check *check, size_t option, double value, const char *verb)
{
	char words[WORDS_SIZE], phrase[80];

	snprintf(
	    phrase, sizeof(phrase), "%s %s/s", verb, words_bytes(words, value));
	report(check, option, value, 0, "B", phrase);
}

static void
report_count(struct check *check, size_t option, double value, const char *noun)
{
	char phrase[80];

	snprintf(phrase, sizeof(phrase), "%.0f %s a second", value, noun);
	report(check, option, value, 0, "", phrase);
}

static void
judge_use(struct check *check, const struct use *use)
{
	char read[WORDS_SIZE], write[WORDS_SIZE], phrase[200];

	snprintf(phrase, sizeof(phrase),
	    "%d%% busy, reads %s/s (%.0f/s), writes %s/s (%.0f/s), %.1f ms "
	    "each",
	    words_percent(use->util), words_bytes(read, use->read), use->reads,
	    words_bytes(write, use->write), use->writes, use->await * 1000);
	report(check, UTIL, use->util, 100, "%", phrase);
	snprintf(
	    phrase, sizeof(phrase), "%.1f ms a request", use->await * 1000);
	report(check, AWAIT, use->await, 0, "s", phrase);
	report_bytes(check, READ, use->read, "reads");
	report_bytes(check, WRITE, use->write, "writes");
	report_count(check, READS, use->reads, "reads");
	report_count(check, WRITES, use->writes, "writes");
	check->gauge = use->util / 100;
}

static void
judge(struct check *check)
{
	const struct data *data = check->data;
	const struct disk *busiest = NULL;
	struct use use, most = { .util = -1 };

	for (size_t i = 0; i < data->count; i++) {
		if (!data->disks[i].before)
			continue;
		use = use_of(&data->disks[i]);
		if (use.util > most.util) {
			most = use;
			busiest = &data->disks[i];
		}
	}
	if (busiest) {
		check_subject(check, "%s", busiest->name);
		judge_use(check, &most);
	} else if (data->count) {
		check_say(check, HA_STATUS_UNKNOWN,
		    "the counters of %s went backwards", data->disks[0].name);
	} else if (check->argument) {
		check_say(check, HA_STATUS_CRIT, "there is no disk '%s'",
		    check->argument);
	} else {
		check_say(check, HA_STATUS_OK, "this machine has no disk");
	}
}

static void
release(struct check *check)
{
	free(((struct data *)check->data)->disks);
}

const struct kind kind_io = {
	.name = "io",
	.argument = "[DEV]",
	.help = "how busy a disk is; without DEV, the busiest one",
	.details =
	    "DEV is sda, sda1, dm-0, /dev/mapper/root, ... A rate: since "
	    "the last run, or of two looks (-i).",
	.options = options,
	.size = sizeof(struct data),
	.look = look,
	.judge = judge,
	.release = release,
};
