/* SPDX-License-Identifier: ISC */
/*
 * proc - does a program run, and how is it?
 *
 * What can be known without waiting is known in look(): the set of processes
 * is then found already.  Where a command line, systemd or another machine's
 * file has to be asked, a helper finds it, and judge() goes on from there.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <linux/magic.h>
#include <math.h>
#include <regex.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <time.h>
#include <unistd.h>

#include "alloc.h"
#include "ask.h"
#include "clock.h"
#include "helper.h"
#include "kernel.h"
#include "kinds.h"
#include "pidfile.h"
#include "procset.h"
#include "proctable.h"
#include "rates.h"
#include "unit.h"

#define PERCENT 100
/* What starts sooner after the machine does is no restart. */
#define BOOT_MS (INT64_C(5) * 60 * 1000)
/* A pidfile may be that much older than its process: clocks are stepped. */
#define WRITTEN_SLACK_S 60
#define STATE_STOPPED 'T'
#define STATE_ZOMBIE 'Z'

enum {
	COUNT,
	EXE,
	MATCH,
	CHILDREN,
	CPU,
	MEM,
	PSS,
	THREADS,
	FDS,
	UPTIME,
	RESTARTED,
	RESTARTS,
	ZOMBIES
};

static const struct kind_option options[] = {
	{ "count", OPTION_LIMIT, HA_RANGE_NUMBER, NULL,
	    ",1:", "processes that run (of a unit: only if it is given)" },
	{ "exe", OPTION_TEXT, HA_RANGE_NUMBER, "NAME", NULL,
	    "with pidfile=: the program that it has to be" },
	{ "match", OPTION_TEXT, HA_RANGE_NUMBER, "REGEX", NULL,
	    "with exe=: only those whose command line matches (POSIX "
	    "extended)",
	    ask_parse_regex },
	{ "children", OPTION_FLAG, HA_RANGE_NUMBER, NULL, NULL,
	    "all that descend from them count, too" },
	{ "cpu", OPTION_LIMIT, HA_RANGE_NUMBER, NULL, NULL,
	    "CPU that they use together, 100 or 100% being one processor all "
	    "the time" },
	{ "mem", OPTION_LIMIT, HA_RANGE_BYTES, NULL, NULL,
	    "their resident memory, added up (what they share counts for "
	    "each); percent of the machine's" },
	{ "pss", OPTION_LIMIT, HA_RANGE_BYTES, NULL, NULL,
	    "their memory, of what is shared their share only; not with "
	    "unit=" },
	{ "threads", OPTION_LIMIT, HA_RANGE_NUMBER, NULL, NULL,
	    "their threads" },
	{ "fds", OPTION_LIMIT, HA_RANGE_NUMBER, NULL, "80%,95%",
	    "open descriptors of the one that is nearest to its limit; "
	    "percent of its soft limit" },
	{ "uptime", OPTION_LIMIT, HA_RANGE_SECONDS, NULL, NULL,
	    "time since the first of them was started" },
	{ "restarted", OPTION_DURATION, HA_RANGE_NUMBER, "DURATION", NULL,
	    "WARN for that long after it was started, unless the machine was "
	    "just starting, too" },
	{ "restarts", OPTION_LIMIT, HA_RANGE_NUMBER, NULL, NULL,
	    "with unit=: how often systemd has started it again by itself" },
	{ "zombies", OPTION_LIMIT, HA_RANGE_NUMBER, NULL, "0",
	    "of them, dead and not waited for" },
	{ NULL },
};

enum how { BY_PIDFILE, BY_EXE, BY_UNIT };

struct member {
	struct process process;
	uint64_t pss; /* UINT64_MAX: not known */
};

struct data {
	enum how how;
	pid_t self;
	int is_found; /* the set is; else the helper is to find it */
	struct pidfile pidfile;
	struct unit unit;
	char *absence; /* why there is none; or NULL */
	struct member *members;
	size_t count;
	double cpu; /* percent of one processor; NAN: not known */
};

/* How a helper tells of a member. */
struct found {
	int64_t pid;
	uint64_t start_ticks, pss;
};

/* The passes over /proc of both looks, which all checks share. */
static struct pass {
	struct proctable table;
	int64_t at_ns;
	int is_read;
} passes[2];
static size_t users;

static char *
proc_root(void)
{
	return ha_xasprintf("%s/proc", kernel_root);
}

static struct pass *
pass_of(unsigned look, struct ha_err *err)
{
	struct pass *pass = &passes[look - 1];
	struct timespec now;
	char *root;

	if (pass->is_read)
		return pass;
	root = proc_root();
	proctable_open(&pass->table, root);
	free(root);
	clock_gettime(CLOCK_BOOTTIME, &now);
	pass->at_ns = (int64_t)now.tv_sec * HA_S_NS + now.tv_nsec;
	pass->is_read = 1;
	if (!proctable_pass(&pass->table, err))
		return pass;
	proctable_close(&pass->table);
	pass->is_read = 0;
	return NULL;
}

/* For single processes: no pass. */
static struct proctable *
table_of(void)
{
	static struct proctable table = { .fd = -1 };
	char *root;

	if (passes[0].is_read)
		return &passes[0].table;
	if (table.fd < 0) {
		root = proc_root();
		proctable_open(&table, root);
		free(root);
	}
	return &table;
}

/* ---- which processes ---- */

static void
add_member(struct data *data, const struct process *process, uint64_t pss)
{
	data->members = ha_xrealloc(
	    data->members, (data->count + 1) * sizeof(*data->members));
	data->members[data->count++] = (struct member){ *process, pss };
}

static void
take_set(struct data *data, const struct procset *set)
{
	for (size_t i = 0; i < set->table->count; i++)
		if (set->marks[i])
			add_member(data, &set->table->all[i], UINT64_MAX);
	data->is_found = 1;
}

/* One process, and with children= what descends from it. */
static int
take_process(
    struct check *check, const struct process *process, struct ha_err *err)
{
	struct data *data = check->data;
	struct procset set;
	struct pass *pass;

	data->is_found = 1;
	add_member(data, process, UINT64_MAX);
	if (!check_setting(check, CHILDREN)->number)
		return 0;
	pass = pass_of(1, err);
	if (!pass)
		return -1;
	procset_init(&set, &pass->table, data->self);
	procset_add(&set, process->pid);
	procset_add_descendants(&set);
	for (size_t i = 0; i < pass->table.count; i++)
		if (set.marks[i] && pass->table.all[i].pid != process->pid)
			add_member(data, &pass->table.all[i], UINT64_MAX);
	procset_release(&set);
	return 0;
}

/*
 * Has the clock been set forward since the machine started?  Then a file's
 * time says nothing about what came later.  The first memory file system was
 * made with the machine's start.
 */
static int
was_clock_set(int64_t boot_s)
{
	static const char *const points[] = { "/run", "/dev/shm" };
	struct statfs fs;
	struct statx st;

	for (size_t i = 0; i < sizeof(points) / sizeof(points[0]); i++)
		if (!statfs(points[i], &fs) && fs.f_type == TMPFS_MAGIC &&
		    !statx(AT_FDCWD, points[i], 0, STATX_BTIME, &st) &&
		    st.stx_mask & STATX_BTIME)
			return st.stx_btime.tv_sec < boot_s - WRITTEN_SLACK_S;
	return 0;
}

/* The wall clock's time of a CLOCK_BOOTTIME. */
static int64_t
wall_s(int64_t boottime_s)
{
	struct timespec wall, boot;

	clock_gettime(CLOCK_REALTIME, &wall);
	clock_gettime(CLOCK_BOOTTIME, &boot);
	return (int64_t)(wall.tv_sec - boot.tv_sec) + boottime_s;
}

/* Was the process started after somebody wrote its id down? */
static int64_t
written_before_s(const struct pidfile *pidfile, const struct process *process)
{
	int64_t start_s =
	    wall_s((int64_t)((double)process->start_ticks / proctable_hertz()));
	int64_t before_s = start_s - (int64_t)pidfile->written.tv_sec;

	if (before_s <= WRITTEN_SLACK_S || was_clock_set(wall_s(0)))
		return 0;
	return before_s;
}

static const char *
pidfile_words(enum pidfile_state state)
{
	switch (state) {
	case PIDFILE_MISSING:
		return "does not exist";
	case PIDFILE_NO_FILE:
		return "is no regular file";
	case PIDFILE_EMPTY:
		return "is empty";
	default:
		return "holds no process id";
	}
}

/* The process is there: is it the one that was meant? */
static char *
staleness(const struct check *check, const struct process *process)
{
	const struct data *data = check->data;
	const char *exe = check_setting(check, EXE)->text;
	int64_t before_s;
	char words[64];

	if (exe && !procset_is_named(table_of(), process, exe))
		return ha_xasprintf(
		    "the pidfile %s is stale: process %ld is %s, not %s",
		    check->argument, (long)process->pid, process->comm, exe);
	before_s = written_before_s(&data->pidfile, process);
	if (!before_s)
		return NULL;
	ha_clock_words(before_s * 1000, words, sizeof(words));
	return ha_xasprintf("the pidfile %s is stale: it was written %s before "
			    "process %ld (%s) was started",
	    check->argument, words, (long)process->pid, process->comm);
}

/* From what the pidfile says to the process. */
static int
find_by_pidfile(struct check *check, struct ha_err *err)
{
	struct data *data = check->data;
	const struct pidfile *pidfile = &data->pidfile;
	struct process process;
	int is_there;

	data->is_found = 1;
	if (pidfile->state == PIDFILE_UNREADABLE)
		return ha_err_set(err, EX_OSERR, pidfile->sys,
		    "the pidfile %s can't be read", check->argument);
	if (pidfile->state != PIDFILE_OK) {
		data->absence = ha_xasprintf("the pidfile %s %s",
		    check->argument, pidfile_words(pidfile->state));
		return 0;
	}
	is_there = proctable_read(table_of(), pidfile->pid, &process, err);
	if (is_there < 0)
		return -1;
	if (!is_there && !kill(pidfile->pid, 0))
		return ha_err_set(err, EX_OSERR, 0,
		    "process %ld can't be seen in /proc", (long)pidfile->pid);
	if (!is_there && errno == EPERM)
		return ha_err_set(err, EX_OSERR, 0,
		    "process %ld of another user can't be seen in /proc "
		    "(hidepid)",
		    (long)pidfile->pid);
	if (!is_there) {
		data->absence = ha_xasprintf(
		    "the pidfile %s is stale: process %ld is not running",
		    check->argument, (long)pidfile->pid);
		return 0;
	}
	data->absence = staleness(check, &process);
	return data->absence ? 0 : take_process(check, &process, err);
}

/* By the name alone; where nobody has it, a helper looks at argv[0]. */
static int
find_by_name(struct check *check, struct ha_err *err)
{
	struct data *data = check->data;
	struct pass *pass = pass_of(1, err);
	struct procset set;

	if (!pass)
		return -1;
	if (check_setting(check, MATCH)->value)
		return 0;
	procset_init(&set, &pass->table, data->self);
	procset_add_named(&set, check->argument);
	if (procset_count(&set)) {
		if (check_setting(check, CHILDREN)->number)
			procset_add_descendants(&set);
		take_set(data, &set);
	}
	procset_release(&set);
	return 0;
}

/* ---- the helper ---- */

static void
find_by_command(const struct check *check, struct data *data)
{
	struct procset set;

	procset_init(&set, &passes[0].table, data->self);
	procset_add_commands(
	    &set, check->argument, check_setting(check, MATCH)->value);
	if (check_setting(check, CHILDREN)->number)
		procset_add_descendants(&set);
	take_set(data, &set);
	procset_release(&set);
}

/*
 * In the helper, whose memory is a copy: what was not found yet, and the share
 * of memory of each.
 */
static int
work(const void *argument, struct ha_buf *answer)
{
	const struct check *check = argument;
	struct data *data = check->data;
	struct proctable *table = table_of();
	char *root = proc_root();

	proctable_reopen(table, root);
	if (data->how == BY_PIDFILE && !data->is_found)
		pidfile_read(check->argument, &data->pidfile);
	else if (!data->is_found)
		find_by_command(check, data);
	ha_buf_add(answer, &data->pidfile, sizeof(data->pidfile));
	for (size_t i = 0; i < data->count; i++) {
		const struct process *process = &data->members[i].process;
		struct found found = { process->pid, process->start_ticks,
			UINT64_MAX };

		if (check_setting(check, PSS)->is_given &&
		    proctable_pss(table, process->pid, &found.pss))
			found.pss = UINT64_MAX;
		ha_buf_add(answer, &found, sizeof(found));
	}
	free(root);
	return 0;
}

static int
take_found(struct check *check, const struct found *found, struct ha_err *err)
{
	struct data *data = check->data;
	struct process process;
	int is_there;

	for (size_t i = 0; i < data->count; i++)
		if (data->members[i].process.pid == (pid_t)found->pid) {
			data->members[i].pss = found->pss;
			return 0;
		}
	is_there = proctable_read(table_of(), (pid_t)found->pid, &process, err);
	if (is_there > 0 && process.start_ticks == found->start_ticks)
		add_member(data, &process, found->pss);
	return is_there < 0 ? -1 : 0;
}

static int
take_answer(struct check *check, struct ha_err *err)
{
	const struct ha_buf *answer = helper_answer(check->helper);
	struct data *data = check->data;
	size_t at = sizeof(data->pidfile);
	struct found found;

	if (answer->len < at || (answer->len - at) % sizeof(found))
		return ha_err_set(err, EX_OSERR, 0,
		    "the helper process ended with %d, or found too many "
		    "processes",
		    helper_status(check->helper));
	if (data->how == BY_PIDFILE && !data->is_found) {
		memcpy(&data->pidfile, answer->data, at);
		return find_by_pidfile(check, err);
	}
	for (; at < answer->len; at += sizeof(found)) {
		memcpy(&found, answer->data + at, sizeof(found));
		if (take_found(check, &found, err))
			return -1;
	}
	data->is_found = 1;
	return 0;
}

static int
take_unit(struct check *check, struct ha_err *err)
{
	struct data *data = check->data;
	const struct ha_buf *words = helper_errors(check->helper);
	struct process process;
	int is_there = 0;

	data->is_found = 1;
	if (helper_status(check->helper) ||
	    unit_parse(helper_answer(check->helper)->data, &data->unit))
		return ha_err_set(err, EX_UNAVAILABLE, 0,
		    "systemctl ended with %d%s%.*s",
		    helper_status(check->helper), words->len ? ": " : "",
		    (int)strcspn(words->data, "\n"), words->data);
	if (data->unit.main)
		is_there =
		    proctable_read(table_of(), data->unit.main, &process, err);
	if (is_there > 0)
		return take_process(check, &process, err);
	return is_there;
}

static void
start_systemctl(struct check *check)
{
	const char *const argv[] = { "systemctl", "show", "--no-pager",
		"--property=" UNIT_PROPERTIES, "--", check->argument, NULL };
	struct helper_task task = {
		.argv = argv,
		.deadline_ns = check->deadline_ns,
	};

	check->helper = helper_start(&task);
}

/* ---- CPU ---- */

static uint64_t
sum_ticks(const struct data *data)
{
	uint64_t ticks = 0;

	for (size_t i = 0; i < data->count; i++)
		ticks += data->members[i].process.cpu_ticks;
	return ticks;
}

/* Who they are: with other processes it is another count. */
static char *
cpu_key(const struct data *data)
{
	uint64_t hash = UINT64_C(14695981039346656037);

	for (size_t i = 0; i < data->count; i++) {
		const struct process *process = &data->members[i].process;

		hash =
		    (hash ^ (uint64_t)process->pid) * UINT64_C(1099511628211);
		hash = (hash ^ process->start_ticks) * UINT64_C(1099511628211);
	}
	return ha_xasprintf("proc cpu %" PRIx64, hash);
}

/* Those that ended meanwhile keep what they had. */
static void
read_ticks_anew(struct data *data)
{
	struct process now;
	struct ha_err err;

	for (size_t i = 0; i < data->count; i++) {
		struct process *process = &data->members[i].process;

		if (proctable_read(table_of(), process->pid, &now, &err) == 1 &&
		    now.start_ticks == process->start_ticks)
			process->cpu_ticks = now.cpu_ticks;
	}
}

static void
look_at_cpu(struct check *check)
{
	struct data *data = check->data;
	struct sample now = { .count = 1 };
	const struct sample *before;
	struct ha_err err;
	char *key;

	if (!data->is_found) {
		if (!pass_of(check->looks, &err))
			check_fail(check, &err);
		else if (check->looks == 1)
			check_look_again(check);
		return;
	}
	if (!data->count)
		return;
	if (check->looks == 2)
		read_ticks_anew(data);
	now.counters[0] = sum_ticks(data);
	key = cpu_key(data);
	before = rates_compare(key, &now);
	free(key);
	if (before)
		data->cpu = rates_per_second(before, &now, 0) /
			    proctable_hertz() * PERCENT;
	else if (check->looks == 1)
		check_look_again(check);
}

/* Of a set that was found by a helper: between the two passes. */
static void
compare_passes(struct data *data)
{
	double seconds =
	    (double)(passes[1].at_ns - passes[0].at_ns) / (double)HA_S_NS;
	uint64_t ticks = 0;

	if (!passes[0].is_read || !passes[1].is_read || seconds <= 0)
		return;
	for (size_t i = 0; i < data->count; i++) {
		const struct process *process = &data->members[i].process;
		const struct process *first =
		    proctable_find(&passes[0].table, process->pid);
		const struct process *second =
		    proctable_find(&passes[1].table, process->pid);

		if (first && second &&
		    first->start_ticks == second->start_ticks &&
		    first->start_ticks == process->start_ticks &&
		    second->cpu_ticks > first->cpu_ticks)
			ticks += second->cpu_ticks - first->cpu_ticks;
	}
	data->cpu = (double)ticks / proctable_hertz() / seconds * PERCENT;
}

/* ---- look ---- */

static int
begin(struct check *check, struct ha_err *err)
{
	struct data *data = check->data;
	const struct mount *mount = NULL;
	int failed = 0;

	data->cpu = NAN;
	if (data->how == BY_UNIT) {
		start_systemctl(check);
		return 0;
	}
	if (data->how == BY_EXE) {
		failed = find_by_name(check, err);
	} else {
		mount = mounts_of(check->argument);
		if (mount && !mount->may_block) {
			pidfile_read(check->argument, &data->pidfile);
			failed = find_by_pidfile(check, err);
		}
	}
	if (failed)
		return -1;
	if (!data->is_found ||
	    (data->count && check_setting(check, PSS)->is_given))
		ask_in_helper(check, mount, work, check);
	return 0;
}

static void
look(struct check *check)
{
	struct ha_err err;

	if (check->looks == 1 && begin(check, &err)) {
		check_fail(check, &err);
		return;
	}
	if (check_setting(check, CPU)->is_given)
		look_at_cpu(check);
}

/* ---- judgements ---- */

static int
is_running(const struct process *process)
{
	return process->state != STATE_ZOMBIE && process->state != 'X';
}

/* The one that was started first; of a pidfile or unit it is its own. */
static const struct process *
main_process(const struct data *data)
{
	const struct process *first = NULL;

	for (size_t i = 0; i < data->count; i++) {
		const struct process *process = &data->members[i].process;

		if (is_running(process) &&
		    (!first || process->start_ticks < first->start_ticks))
			first = process;
		if (data->how != BY_EXE)
			break;
	}
	return first;
}

static double
count_running(const struct data *data)
{
	double count = 0;

	for (size_t i = 0; i < data->count; i++)
		count += is_running(&data->members[i].process);
	return count;
}

static void
judge_zombies(struct check *check)
{
	const struct data *data = check->data;
	struct measured zombies = { .option = ZOMBIES, .unit = "", .max = NAN };

	zombies.value = (double)data->count - count_running(data);
	check_value(check, &zombies, 1, "%.0f of them %s", zombies.value,
	    zombies.value > 1 ? "are zombies" : "is a zombie");
}

/* Nothing runs: the words for that. */
static void
say_absence(struct check *check, enum ha_status_state state)
{
	const struct data *data = check->data;

	if (data->absence)
		check_say(check, state, "%s", data->absence);
	else if (data->count)
		check_say(check, state, "does not run: process %ld is a zombie",
		    (long)data->members[0].process.pid);
	else
		check_say(check, state, "does not run");
}

static void
add_presence(struct ha_buf *text, const struct process *main, double count)
{
	char words[64];

	ha_clock_words(proctable_age_ms(main), words, sizeof(words));
	if (count > 1)
		ha_buf_addf(text,
		    "runs as %.0f processes, the first (%ld) for %s", count,
		    (long)main->pid, words);
	else
		ha_buf_addf(
		    text, "runs as process %ld for %s", (long)main->pid, words);
}

static void
judge_count(struct check *check, const struct process *main)
{
	const struct data *data = check->data;
	struct measured count = { .option = COUNT,
		.value = count_running(data),
		.unit = "",
		.max = NAN };
	struct ha_buf text = HA_BUF_INIT;

	if (main)
		add_presence(&text, main, count.value);
	/* A unit may be active with no process at all. */
	if (data->how == BY_UNIT && !check_setting(check, COUNT)->is_given) {
		if (main)
			check_say(check, HA_STATUS_OK, "%s", text.data);
	} else if (main) {
		check_value(check, &count, 0, "%s", text.data);
	} else {
		say_absence(check, check_value(check, &count, 0, "%s", ""));
	}
	if (main && main->state == STATE_STOPPED)
		check_say(check, HA_STATUS_CRIT, "process %ld is stopped",
		    (long)main->pid);
	ha_buf_release(&text);
}

static void
judge_cpu(struct check *check)
{
	const struct data *data = check->data;
	struct measured cpu = { .option = CPU,
		.value = data->cpu,
		.whole = PERCENT,
		.unit = "%",
		.max = NAN };

	if (!check_setting(check, CPU)->is_given)
		return;
	if (isnan(data->cpu))
		check_say(check, HA_STATUS_UNKNOWN, "its CPU can't be known");
	else
		check_value(check, &cpu, 0, "%.0f%% CPU", cpu.value);
}

static double
machine_memory(void)
{
	struct ha_buf text = HA_BUF_INIT;
	uint64_t kib = 0;
	struct ha_err err;

	if (!kernel_read("/proc/meminfo", &text, &err) &&
	    kernel_field(text.data, "MemTotal", &kib))
		kib = 0;
	ha_buf_release(&text);
	return (double)kib * 1024;
}

static void
judge_memory(struct check *check)
{
	const struct data *data = check->data;
	struct measured mem = { .option = MEM, .unit = "B", .max = NAN };
	struct measured threads = { .option = THREADS, .unit = "", .max = NAN };
	char bytes[WORDS_SIZE];

	for (size_t i = 0; i < data->count; i++) {
		mem.value += (double)data->members[i].process.rss;
		threads.value += (double)data->members[i].process.threads;
	}
	mem.whole = machine_memory();
	check_value(check, &mem, 0, "%s", words_bytes(bytes, mem.value));
	check_value(check, &threads, !check_setting(check, THREADS)->is_given,
	    "%.0f threads", threads.value);
}

static void
judge_pss(struct check *check)
{
	const struct data *data = check->data;
	struct measured pss = { .option = PSS, .unit = "B", .max = NAN };
	char bytes[WORDS_SIZE];

	if (!check_setting(check, PSS)->is_given)
		return;
	for (size_t i = 0; i < data->count; i++) {
		if (data->members[i].pss != UINT64_MAX) {
			pss.value += (double)data->members[i].pss;
		} else if (is_running(&data->members[i].process)) {
			check_say(check, HA_STATUS_UNKNOWN,
			    "the share of memory of process %ld can't be read",
			    (long)data->members[i].process.pid);
			return;
		}
	}
	pss.whole = machine_memory();
	check_value(
	    check, &pss, 0, "%s as its share", words_bytes(bytes, pss.value));
}

static void
judge_descriptors(struct check *check)
{
	const struct data *data = check->data;
	struct measured fds = { .option = FDS, .unit = "", .max = NAN };
	uint64_t open, limit;
	double share, worst = -1;

	for (size_t i = 0; i < data->count; i++) {
		if (proctable_descriptors(table_of(),
			data->members[i].process.pid, &open, &limit))
			continue;
		share = limit ? (double)open / (double)limit : 1;
		if (share <= worst)
			continue;
		worst = share;
		fds.value = (double)open;
		fds.whole = limit == UINT64_MAX ? 0 : (double)limit;
	}
	if (worst >= 0)
		check_value(check, &fds, !check_setting(check, FDS)->is_given,
		    "%.0f of %.0f descriptors", fds.value, fds.whole);
	else if (check_setting(check, FDS)->is_given)
		check_say(check, HA_STATUS_UNKNOWN,
		    "its descriptors can't be counted");
}

static void
judge_age(struct check *check, const struct process *main)
{
	const struct setting *restarted = check_setting(check, RESTARTED);
	int64_t age_ms = proctable_age_ms(main);
	struct measured uptime = { .option = UPTIME,
		.value = (double)age_ms / 1000,
		.unit = "s",
		.max = NAN };
	double started_ms =
	    (double)main->start_ticks / proctable_hertz() * 1000;
	char words[64];

	ha_clock_words(age_ms, words, sizeof(words));
	check_value(check, &uptime, 1, "started %s ago", words);
	if (restarted->text && age_ms < restarted->number &&
	    started_ms > (double)BOOT_MS)
		check_say(
		    check, HA_STATUS_WARN, "was started anew %s ago", words);
}

static int
is_one_of(const char *word, const char *const *words)
{
	for (; *words; words++)
		if (!strcmp(word, *words))
			return 1;
	return 0;
}

static enum ha_status_state
unit_state(const struct unit *unit)
{
	static const char *const good[] = { "active", "reloading", "refreshing",
		NULL };
	static const char *const between[] = { "activating", "deactivating",
		"maintenance", NULL };

	if (is_one_of(unit->active, good))
		return HA_STATUS_OK;
	if (is_one_of(unit->active, between) &&
	    strcmp(unit->sub, "auto-restart") != 0)
		return HA_STATUS_WARN;
	return HA_STATUS_CRIT;
}

static void
judge_unit(struct check *check)
{
	const struct data *data = check->data;
	const struct unit *unit = &data->unit;
	struct measured restarts = { .option = RESTARTS,
		.value = (double)unit->restarts,
		.unit = "c",
		.max = NAN };
	/* Who says how many are to run may mean none. */
	int is_counted = check_setting(check, COUNT)->is_given;
	enum ha_status_state state =
	    is_counted ? HA_STATUS_OK : unit_state(unit);

	if (!strcmp(unit->load, "not-found"))
		check_say(check, is_counted ? HA_STATUS_OK : HA_STATUS_CRIT,
		    "is not installed: systemd knows no such unit");
	else if (*unit->result && strcmp(unit->result, "success") != 0)
		check_say(check, state, "is %s (%s, %s)", unit->active,
		    unit->sub, unit->result);
	else
		check_say(check, state, "is %s (%s)", unit->active, unit->sub);
	if (!strcmp(unit->load, "masked") || !strcmp(unit->load, "error") ||
	    !strcmp(unit->load, "bad-setting"))
		check_say(check, state, "its unit file is %s", unit->load);
	check_value(check, &restarts, 1, "restarted %.0f times by systemd",
	    restarts.value);
}

static void
judge_members(struct check *check)
{
	const struct data *data = check->data;
	const struct process *main = main_process(data);

	judge_count(check, main);
	if (main) {
		judge_cpu(check);
		judge_memory(check);
		judge_pss(check);
		judge_descriptors(check);
		judge_age(check, main);
	}
	if (data->count)
		judge_zombies(check);
}

/* Who may not see all processes can't say that there is none. */
static int
check_sight(const struct data *data, struct ha_err *err)
{
	if (data->how != BY_EXE || data->count ||
	    proctable_sees_all(table_of()))
		return 0;
	return ha_err_set(err, EX_OSERR, 0,
	    "other users' processes can't be seen in /proc (hidepid)");
}

static int
finish_look(struct check *check, struct ha_err *err)
{
	struct data *data = check->data;
	int was_found = data->is_found;

	if (data->how == BY_UNIT) {
		if (take_unit(check, err))
			return -1;
	} else if (check->helper && take_answer(check, err)) {
		return -1;
	}
	if (!was_found && check_setting(check, CPU)->is_given)
		compare_passes(data);
	return check_sight(data, err);
}

static void
set_subject(struct check *check)
{
	const struct data *data = check->data;
	const char *exe = check_setting(check, EXE)->text;

	if (data->how != BY_PIDFILE)
		check_subject(check, "%s", check->argument);
	else if (data->count)
		check_subject(check, "%s", data->members[0].process.comm);
	else if (exe)
		check_subject(check, "%s does not run:", exe);
}

static void
judge(struct check *check)
{
	struct ha_err err;

	if (finish_look(check, &err)) {
		check_fail(check, &err);
		return;
	}
	set_subject(check);
	if (((struct data *)check->data)->how == BY_UNIT)
		judge_unit(check);
	judge_members(check);
}

/* ---- how it is written ---- */

static int
refuse(struct ha_err *err, size_t option, const char *why)
{
	return ha_err_set(
	    err, EX_USAGE, 0, "%s= goes %s", options[option].name, why);
}

static int
check_options(const struct check *check, struct ha_err *err)
{
	const struct data *data = check->data;

	if (data->how != BY_PIDFILE && check_setting(check, EXE)->text)
		return refuse(err, EXE, "with pidfile=");
	if (data->how != BY_EXE && check_setting(check, MATCH)->text)
		return refuse(err, MATCH, "with exe=");
	if (data->how != BY_UNIT && check_setting(check, RESTARTS)->is_given)
		return refuse(err, RESTARTS, "with unit=");
	if (data->how == BY_UNIT && check_setting(check, PSS)->is_given)
		return refuse(err, PSS, "with pidfile= and exe=");
	return 0;
}

static int
prepare(struct check *check, struct ha_err *err)
{
	static const char *const prefixes[] = {
		[BY_PIDFILE] = "pidfile=",
		[BY_EXE] = "exe=",
		[BY_UNIT] = "unit=",
	};
	struct data *data = check->data;
	size_t how, len = 0;

	users++;
	data->self = getpid();
	for (how = 0; how < sizeof(prefixes) / sizeof(prefixes[0]); how++) {
		len = strlen(prefixes[how]);
		if (!strncmp(check->argument, prefixes[how], len))
			break;
	}
	if (how == sizeof(prefixes) / sizeof(prefixes[0]) ||
	    !check->argument[len])
		return ha_err_set(err, EX_USAGE, 0,
		    "proc takes pidfile=PATH, exe=NAME or unit=NAME");
	data->how = (enum how)how;
	memmove(check->argument, check->argument + len,
	    strlen(check->argument + len) + 1);
	if (data->how == BY_PIDFILE && ask_make_absolute(check, err))
		return -1;
	if (data->how == BY_UNIT && !unit_is_name(check->argument))
		return ha_err_set(err, EX_USAGE, 0,
		    "'%s' is no unit's name such as nginx.service",
		    check->argument);
	return check_options(check, err);
}

static void
release(struct check *check)
{
	struct data *data = check->data;

	if (check_setting(check, MATCH)->value)
		regfree(check_setting(check, MATCH)->value);
	free(data->members);
	free(data->absence);
	if (!data->self || --users)
		return;
	for (size_t i = 0; i < 2; i++) {
		if (passes[i].is_read)
			proctable_close(&passes[i].table);
		passes[i].is_read = 0;
	}
}

const struct kind kind_proc = {
	.name = "proc",
	.argument = "pidfile=PATH | exe=NAME | unit=NAME",
	.help = "a program runs, and what it uses",
	.details =
	    "exe=NAME is each process of that name (comm), of that program "
	    "file, or, if there is none, that was called so (argv[0]); with a "
	    "slash, the program's path.  A pidfile that names no process, "
	    "another program than exe=, or a process that was started a "
	    "minute or more after the file was written is stale: CRIT.  "
	    "unit=NAME asks systemctl; one that is not active is CRIT, one "
	    "that starts or stops WARN.",
	.options = options,
	.size = sizeof(struct data),
	.prepare = prepare,
	.look = look,
	.judge = judge,
	.release = release,
};
