/* SPDX-License-Identifier: ISC */
/*
 * cgroup - what a control group uses of what it may, how long its tasks wait
 * for it, and whom the kernel killed.
 *
 * Source: Documentation/admin-guide/cgroup-v2.rst, Documentation/accounting/
 * psi.rst.
 */
#include <ftw.h>
#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "alloc.h"
#include "clock.h"
#include "group.h"
#include "kernel.h"
#include "kinds.h"
#include "rates.h"

#define OPEN_DIRECTORIES 16
#define PERCENT 100

enum {
	MEM,
	SWAP,
	CPU,
	THROTTLED,
	PIDS,
	OOM,
	CPU_SOME,
	CPU_FULL,
	MEM_SOME,
	MEM_FULL,
	IO_SOME,
	IO_FULL
};

static const struct kind_option options[] = {
	{ "mem", OPTION_LIMIT, HA_RANGE_BYTES, NULL, "90%,95%",
	    "memory in use, without the cache that can be dropped at once; "
	    "percent of the lowest memory.max from here upwards, else of the "
	    "machine's" },
	{ "swap", OPTION_LIMIT, HA_RANGE_BYTES, NULL, NULL,
	    "swap in use; percent of memory.swap.max" },
	{ "cpu", OPTION_LIMIT, HA_RANGE_NUMBER, NULL, NULL,
	    "CPU, 100 being one processor all the time; percent of cpu.max, "
	    "else of all processors" },
	{ "throttled", OPTION_LIMIT, HA_RANGE_NUMBER, NULL, NULL,
	    "percentage of periods in which cpu.max held it back" },
	{ "pids", OPTION_LIMIT, HA_RANGE_NUMBER, NULL, "80%,90%",
	    "tasks; percent of pids.max" },
	{ "oom", OPTION_DURATION, HA_RANGE_NUMBER, "DURATION", "15m",
	    "CRIT for that long after a run has seen that processes were "
	    "killed for lack of memory" },
	{ "cpu_some", OPTION_LIMIT, HA_RANGE_NUMBER, NULL, NULL,
	    "pressure: percentage of the last 10 s in which some task "
	    "waited for a CPU" },
	{ "cpu_full", OPTION_LIMIT, HA_RANGE_NUMBER, NULL, NULL,
	    "in which all of them did" },
	{ "mem_some", OPTION_LIMIT, HA_RANGE_NUMBER, NULL, NULL,
	    "the same for memory" },
	{ "mem_full", OPTION_LIMIT, HA_RANGE_NUMBER, NULL, NULL,
	    "in which all of them did" },
	{ "io_some", OPTION_LIMIT, HA_RANGE_NUMBER, NULL, NULL,
	    "the same for disks" },
	{ "io_full", OPTION_LIMIT, HA_RANGE_NUMBER, NULL, NULL,
	    "in which all of them did" },
	{ NULL },
};

enum { USAGE_US, PERIODS, THROTTLED_PERIODS, CPU_COUNTERS };

struct data {
	char *path; /* of the group's directory; NULL: there is none */
	size_t top; /* the length of the mount point in it */
	int has_cpu; /* else it was not asked for or can't be known */
	int has_periods; /* else its CPU controller is off */
	struct sample cpu_before, cpu_now;
	int has_kills;
	uint64_t kills;
	int64_t killed_ms; /* since a run saw that; -1: none did */
};

/* ---- where it is ---- */

/* nftw(3) hands its callback nothing of ours. */
static struct {
	const char *name;
	char *found;
} search;

static int
visit(const char *path, const struct stat *st, int type, struct FTW *at)
{
	(void)st;
	if (type != FTW_D || strcmp(path + at->base, search.name) != 0)
		return 0;
	search.found = ha_xstrdup(path + strlen(kernel_root));
	return 1;
}

/* A unit's group, by its name alone, wherever it is. */
static char *
search_unit(const char *top, const char *name)
{
	char *path = ha_xasprintf("%s/system.slice/%s", top, name);
	char *rooted;

	if (group_exists(path))
		return path;
	free(path);
	rooted = ha_xasprintf("%s%s", kernel_root, top);
	search.name = name;
	search.found = NULL;
	nftw(rooted, visit, OPEN_DIRECTORIES, FTW_PHYS | FTW_MOUNT);
	free(rooted);
	return search.found;
}

static char *
find_group(const char *top, const char *name)
{
	size_t len = strlen(name);
	char *path, *unit;

	while (len && name[len - 1] == '/')
		len--;
	path = ha_xasprintf(
	    "%s%s%.*s", top, *name == '/' ? "" : "/", (int)len, name);
	if (!len)
		path[strlen(top)] = '\0';
	if (group_exists(path))
		return path;
	free(path);
	/* As it stands in the file system, too. */
	if (!strncmp(name, top, strlen(top)) && group_exists(name))
		return ha_xstrdup(name);
	if (strchr(name, '/'))
		return NULL;
	path = search_unit(top, name);
	if (path)
		return path;
	/* As systemctl(1) completes it. */
	unit = ha_xasprintf("%s.service", name);
	path = search_unit(top, unit);
	free(unit);
	return path;
}

/* ---- its files ---- */

static char *
file_path(const struct data *data, const char *name)
{
	return ha_xasprintf("%s/%s", data->path, name);
}

/* One number; -1: no such file, or "max". */
static int
read_number(const struct data *data, const char *name, double *value)
{
	char *path = file_path(data, name);
	int64_t number;
	int result = kernel_read_number(path, &number);

	free(path);
	if (!result)
		*value = (double)number;
	return result;
}

/* A number by its key; -1: there is none. */
static int
read_field(
    const struct data *data, const char *name, const char *key, uint64_t *value)
{
	char *path = file_path(data, name);
	struct ha_buf text = HA_BUF_INIT;
	struct ha_err err;
	int result = kernel_read(path, &text, &err) ||
		     kernel_field(text.data, key, value);

	free(path);
	ha_buf_release(&text);
	return result ? -1 : 0;
}

/* The lowest limit that holds here: its own, or of a group above it. */
static double
lowest_limit(const struct data *data, const char *name)
{
	struct data group = *data;
	double lowest = 0, value;

	group.path = ha_xstrdup(data->path);
	for (;;) {
		if (!read_number(&group, name, &value) &&
		    (lowest <= 0 || value < lowest))
			lowest = value;
		if (strlen(group.path) <= group.top)
			break;
		*strrchr(group.path, '/') = '\0';
	}
	free(group.path);
	return lowest;
}

/* Processors that it may use: "QUOTA PERIOD", or "max PERIOD". */
static double
allowed_cpus(const struct data *data)
{
	char *path = file_path(data, "cpu.max");
	struct ha_buf text = HA_BUF_INIT;
	uint64_t quota, period;
	struct ha_err err;
	double cpus = kernel_cpus();
	const char *p;

	if (!kernel_read(path, &text, &err)) {
		p = text.data;
		if (!kernel_number(&p, &quota) && !kernel_number(&p, &period) &&
		    period && (double)quota / (double)period < cpus)
			cpus = (double)quota / (double)period;
	}
	free(path);
	ha_buf_release(&text);
	return cpus;
}

/* ---- looks ---- */

static int
wants_cpu(const struct check *check)
{
	return check_setting(check, CPU)->is_given ||
	       check_setting(check, THROTTLED)->is_given;
}

static void
look_at_cpu(struct check *check)
{
	struct data *data = check->data;
	struct sample *now = &data->cpu_now;
	char *key = ha_xasprintf("cgroup cpu %s", data->path);
	const struct sample *before;

	now->count = CPU_COUNTERS;
	if (!read_field(
		data, "cpu.stat", "usage_usec", &now->counters[USAGE_US])) {
		data->has_periods =
		    !read_field(data, "cpu.stat", "nr_periods",
			&now->counters[PERIODS]) &&
		    !read_field(data, "cpu.stat", "nr_throttled",
			&now->counters[THROTTLED_PERIODS]);
		before = rates_compare(key, now);
		if (before) {
			data->cpu_before = *before;
			data->has_cpu = 1;
		} else if (check->looks == 1) {
			check_look_again(check);
		}
	}
	free(key);
}

/*
 * Kills are counted since the group was made; that there were more of them
 * than at an earlier run is remembered with when it was seen.
 */
static void
look_at_kills(struct data *data)
{
	char *key = ha_xasprintf(RATES_KEPT "cgroup oom %s", data->path);
	struct sample now = { .count = 2, .may_fall = 1U << 1 };
	const struct sample *before;
	struct timespec time;
	uint64_t now_s;

	data->killed_ms = -1;
	data->has_kills =
	    !read_field(data, "memory.events", "oom_kill", &now.counters[0]);
	if (data->has_kills) {
		clock_gettime(CLOCK_BOOTTIME, &time);
		now_s = (uint64_t)time.tv_sec;
		before = rates_compare(key, &now);
		if (before)
			now.counters[1] = now.counters[0] > before->counters[0]
					      ? now_s
					      : before->counters[1];
		if (now.counters[1])
			data->killed_ms =
			    (int64_t)(now_s - now.counters[1]) * 1000;
		data->kills = now.counters[0];
		rates_compare(key, &now);
	}
	free(key);
}

static void
look(struct check *check)
{
	struct data *data = check->data;
	const char *top;
	struct ha_err err;

	if (check->looks == 1) {
		top = group_mount();
		if (!top) {
			ha_err_set(&err, EX_OSERR, 0,
			    "no control groups of version 2 are mounted");
			check_fail(check, &err);
			return;
		}
		data->path = find_group(top, check->argument);
		data->top = strlen(top);
	}
	if (data->path && check->looks == 1)
		look_at_kills(data);
	if (data->path && wants_cpu(check))
		look_at_cpu(check);
}

/* ---- judgements ---- */

/* It was asked for and can't be had. */
static void
miss(struct check *check, size_t option, const char *why)
{
	if (check_setting(check, option)->is_given)
		check_say(check, HA_STATUS_UNKNOWN, "%s can't be known: %s",
		    options[option].name, why);
}

static void
judge_memory(struct check *check)
{
	const struct data *data = check->data;
	struct measured mem = { .option = MEM, .unit = "B", .max = NAN };
	char bytes[WORDS_SIZE], whole[WORDS_SIZE];
	uint64_t cache = 0;

	if (read_number(data, "memory.current", &mem.value)) {
		miss(check, MEM, "no memory.current");
		return;
	}
	read_field(data, "memory.stat", "inactive_file", &cache);
	mem.value -= (double)cache < mem.value ? (double)cache : mem.value;
	mem.whole = lowest_limit(data, "memory.max");
	if (mem.whole <= 0)
		mem.whole = kernel_memory();
	check_value(check, &mem, 0, "uses %s of %s memory",
	    words_bytes(bytes, mem.value), words_bytes(whole, mem.whole));
	check->gauge = mem.whole > 0 ? mem.value / mem.whole : NAN;
}

static void
judge_swap(struct check *check)
{
	const struct data *data = check->data;
	struct measured swap = { .option = SWAP, .unit = "B", .max = NAN };
	char bytes[WORDS_SIZE];

	if (read_number(data, "memory.swap.current", &swap.value)) {
		miss(check, SWAP, "no memory.swap.current");
		return;
	}
	swap.whole = lowest_limit(data, "memory.swap.max");
	check_value(check, &swap, 1, "%s swap", words_bytes(bytes, swap.value));
}

static void
judge_tasks(struct check *check)
{
	const struct data *data = check->data;
	struct measured pids = { .option = PIDS, .unit = "", .max = NAN };

	if (read_number(data, "pids.current", &pids.value)) {
		miss(check, PIDS, "no pids.current");
		return;
	}
	pids.whole = lowest_limit(data, "pids.max");
	check_value(check, &pids, 0, "%.0f task%s", pids.value,
	    pids.value > 1 || pids.value < 1 ? "s" : "");
}

static void
judge_cpu(struct check *check)
{
	const struct data *data = check->data;
	const struct sample *before = &data->cpu_before, *now = &data->cpu_now;
	struct measured cpu = { .option = CPU, .unit = "%", .max = NAN };
	struct measured throttled = { .option = THROTTLED,
		.unit = "%",
		.whole = PERCENT,
		.max = PERCENT };
	uint64_t periods;

	if (!data->has_cpu) {
		if (wants_cpu(check)) {
			miss(check, CPU, "cpu.stat tells no usage");
			miss(check, THROTTLED, "cpu.stat tells no usage");
		}
		return;
	}
	cpu.value = rates_per_second(before, now, USAGE_US) / 1e6 * PERCENT;
	cpu.whole = allowed_cpus(data) * PERCENT;
	check_value(check, &cpu, 0, "%.0f%% CPU", cpu.value);
	if (!data->has_periods) {
		miss(check, THROTTLED, "its CPU controller is off");
		return;
	}
	periods = now->counters[PERIODS] - before->counters[PERIODS];
	if (periods)
		throttled.value =
		    (double)(now->counters[THROTTLED_PERIODS] -
			     before->counters[THROTTLED_PERIODS]) /
		    (double)periods * PERCENT;
	check_value(check, &throttled, 1, "throttled in %.0f%% of periods",
	    throttled.value);
}

static void
judge_kills(struct check *check)
{
	struct data *data = check->data;
	struct measured kills = {
		.option = OOM,
		.label = "oom_kill",
		.value = (double)data->kills,
		.unit = "c",
		.max = NAN,
	};
	char words[64];

	if (!data->has_kills) {
		miss(check, OOM, "no memory.events");
		return;
	}
	check_value(check, &kills, 0, "%s", "");
	if (data->killed_ms >= 0 &&
	    data->killed_ms <= check_setting(check, OOM)->number) {
		ha_clock_words(data->killed_ms, words, sizeof(words));
		check_say(check, HA_STATUS_CRIT,
		    "had a process killed for lack of memory, seen %s ago "
		    "(%llu so far)",
		    words, (unsigned long long)data->kills);
	} else if (data->kills) {
		check_say(check, HA_STATUS_OK,
		    "%llu killed for lack of memory so far",
		    (unsigned long long)data->kills);
	}
}

/* The file of a pressure; the root has the machine's. */
static char *
pressure_path(const struct data *data, const char *resource)
{
	if (strlen(data->path) > data->top)
		return ha_xasprintf("%s/%s.pressure", data->path, resource);
	return ha_xasprintf("/proc/pressure/%s", resource);
}

/* "some avg10=0.12 avg60=..."; -1: there is no such line. */
static int
read_pressure(const char *text, const char *line, double *percent)
{
	char *start = ha_xasprintf("%s avg10=", line);
	size_t len = strlen(start);
	int result = -1;

	for (;; text++) {
		if (!strncmp(text, start, len)) {
			result =
			    sscanf(text + len, "%lf", percent) == 1 ? 0 : -1;
			break;
		}
		text = kernel_line_end(text);
		if (!*text)
			break;
	}
	free(start);
	return result;
}

static void
judge_pressure(
    struct check *check, size_t option, const char *resource, const char *line)
{
	struct measured pressure = {
		.option = option, .unit = "%", .whole = PERCENT, .max = PERCENT
	};
	struct ha_buf text = HA_BUF_INIT;
	struct ha_err err;
	char *path;

	if (!check_setting(check, option)->is_given)
		return;
	path = pressure_path(check->data, resource);
	if (kernel_read(path, &text, &err) ||
	    read_pressure(text.data, line, &pressure.value))
		miss(check, option, "the kernel tells no pressure here");
	else
		check_value(check, &pressure, 0, "%s pressure (%s) %.1f%%",
		    resource, line, pressure.value);
	ha_buf_release(&text);
	free(path);
}

static void
judge(struct check *check)
{
	struct data *data = check->data;

	check_subject(check, "%s", check->argument);
	if (!data->path) {
		check_say(check, HA_STATUS_CRIT,
		    "does not exist: no such control group");
		return;
	}
	judge_memory(check);
	judge_swap(check);
	judge_cpu(check);
	judge_tasks(check);
	judge_kills(check);
	judge_pressure(check, CPU_SOME, "cpu", "some");
	judge_pressure(check, CPU_FULL, "cpu", "full");
	judge_pressure(check, MEM_SOME, "memory", "some");
	judge_pressure(check, MEM_FULL, "memory", "full");
	judge_pressure(check, IO_SOME, "io", "some");
	judge_pressure(check, IO_FULL, "io", "full");
	if (!check->phrase_count)
		check_say(check, HA_STATUS_OK,
		    "exists; nothing counts its memory and tasks");
}

static int
prepare(struct check *check, struct ha_err *err)
{
	if (strstr(check->argument, ".."))
		return ha_err_set(err, EX_USAGE, 0,
		    "'%s' leads out of the control groups", check->argument);
	return 0;
}

static void
release(struct check *check)
{
	free(((struct data *)check->data)->path);
}

const struct kind kind_cgroup = {
	.name = "cgroup",
	.argument = "GROUP",
	.help = "a control group: memory, CPU, tasks, pressure",
	.details =
	    "GROUP is a path below where version 2 is mounted "
	    "(system.slice/nginx.service, / for the whole machine) or a "
	    "unit's name (.service may be left out), which is looked for. One that does not exist is "
	    "CRIT. What a group has no file for is left out, or UNKNOWN if "
	    "it was asked for.",
	.options = options,
	.size = sizeof(struct data),
	.prepare = prepare,
	.look = look,
	.judge = judge,
	.release = release,
};
