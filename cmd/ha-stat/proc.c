/* SPDX-License-Identifier: ISC */
/*
 * proc - does a program run, and how is it?
 */
#include <inttypes.h>
#include <math.h>
#include <regex.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "alloc.h"
#include "ask.h"
#include "clock.h"
#include "kernel.h"
#include "kinds.h"
#include "proc.h"
#include "rates.h"

#define PERCENT 100
/* What starts sooner after the machine does is no restart. */
#define BOOT_MS (INT64_C(5) * 60 * 1000)
#define STATE_STOPPED 'T'
#define STATE_ZOMBIE 'Z'

/* Checks that may need the passes. */
static size_t users;

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
	    "all that descend from them count, too; of a unit, all in its "
	    "control group" },
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

/* ---- CPU ---- */

static uint64_t
sum_ticks(const struct proc_data *data)
{
	uint64_t ticks = 0;

	for (size_t i = 0; i < data->count; i++)
		ticks += data->members[i].process.cpu_ticks;
	return ticks;
}

/* Who they are: with other processes it is another count. */
static char *
cpu_key(const struct proc_data *data)
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
read_ticks_anew(struct proc_data *data)
{
	struct process now;
	struct ha_err err;

	for (size_t i = 0; i < data->count; i++) {
		struct process *process = &data->members[i].process;

		if (proctable_read(proc_table(), process->pid, &now, &err) ==
			1 &&
		    now.start_ticks == process->start_ticks)
			process->cpu_ticks = now.cpu_ticks;
	}
}

static void
look_at_cpu(struct check *check)
{
	struct proc_data *data = check->data;
	struct sample now = { .count = 1 };
	const struct sample *before;
	struct ha_err err;
	char *key;

	if (!data->is_found) {
		if (!proc_pass_of(check->looks, &err))
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
compare_passes(struct proc_data *data)
{
	const struct proc_pass *one = proc_pass_peek(1);
	const struct proc_pass *two = proc_pass_peek(2);
	double seconds = (double)(two->at_ns - one->at_ns) / (double)HA_S_NS;
	uint64_t ticks = 0;

	if (!one->is_read || !two->is_read || seconds <= 0)
		return;
	for (size_t i = 0; i < data->count; i++) {
		const struct process *process = &data->members[i].process;
		const struct process *first =
		    proctable_find(&one->table, process->pid);
		const struct process *second =
		    proctable_find(&two->table, process->pid);

		if (first && second &&
		    first->start_ticks == second->start_ticks &&
		    first->start_ticks == process->start_ticks &&
		    second->cpu_ticks > first->cpu_ticks)
			ticks += second->cpu_ticks - first->cpu_ticks;
	}
	data->cpu = (double)ticks / proctable_hertz() / seconds * PERCENT;
}

static void
look(struct check *check)
{
	struct ha_err err;

	if (check->looks == 1 && proc_find(check, &err)) {
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

/*
 * The one that was started first; of a pidfile, or of a unit that has one, it
 * is its own.
 */
static const struct process *
main_process(const struct proc_data *data)
{
	const struct process *first = NULL;

	for (size_t i = 0; i < data->count; i++) {
		const struct process *process = &data->members[i].process;

		if (is_running(process) &&
		    (!first || process->start_ticks < first->start_ticks))
			first = process;
		if (data->how == BY_PIDFILE || data->unit.main)
			break;
	}
	return first;
}

static double
count_running(const struct proc_data *data)
{
	double count = 0;

	for (size_t i = 0; i < data->count; i++)
		count += is_running(&data->members[i].process);
	return count;
}

static void
judge_zombies(struct check *check)
{
	const struct proc_data *data = check->data;
	struct measured zombies = { .option = ZOMBIES, .unit = "", .max = NAN };

	zombies.value = (double)data->count - count_running(data);
	check_value(check, &zombies, 1, "%.0f of them %s", zombies.value,
	    zombies.value > 1 ? "are zombies" : "is a zombie");
}

/* Nothing runs: the words for that. */
static void
say_absence(struct check *check, enum ha_status_state state)
{
	const struct proc_data *data = check->data;

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
	const struct proc_data *data = check->data;
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
	const struct proc_data *data = check->data;
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

static void
judge_memory(struct check *check)
{
	const struct proc_data *data = check->data;
	struct measured mem = { .option = MEM, .unit = "B", .max = NAN };
	struct measured threads = { .option = THREADS, .unit = "", .max = NAN };
	char bytes[WORDS_SIZE];

	for (size_t i = 0; i < data->count; i++) {
		mem.value += (double)data->members[i].process.rss;
		threads.value += (double)data->members[i].process.threads;
	}
	mem.whole = kernel_memory();
	check_value(check, &mem, 0, "%s", words_bytes(bytes, mem.value));
	check_value(check, &threads, !check_setting(check, THREADS)->is_given,
	    "%.0f threads", threads.value);
}

static void
judge_pss(struct check *check)
{
	const struct proc_data *data = check->data;
	struct measured pss = { .option = PSS, .unit = "B", .max = NAN };
	char bytes[WORDS_SIZE];

	if (!data->wants_pss)
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
	pss.whole = kernel_memory();
	check_value(
	    check, &pss, 0, "%s as its share", words_bytes(bytes, pss.value));
}

static void
judge_descriptors(struct check *check)
{
	const struct proc_data *data = check->data;
	struct measured fds = { .option = FDS, .unit = "", .max = NAN };
	uint64_t open, limit;
	double share, worst = -1;

	for (size_t i = 0; i < data->count; i++) {
		if (proctable_descriptors(proc_table(),
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
	const struct proc_data *data = check->data;
	const struct unit *unit = &data->unit;
	struct measured restarts = { .option = RESTARTS,
		.value = (double)unit->restarts,
		.unit = "c",
		.max = NAN };
	struct ha_buf words = HA_BUF_INIT;
	/* Who says how many are to run may mean none. */
	int is_counted = check_setting(check, COUNT)->is_given;
	enum ha_status_state state =
	    is_counted ? HA_STATUS_OK : unit_state(unit);

	unit_describe(unit, &words);
	if (!strcmp(unit->load, "not-found"))
		check_say(check, is_counted ? HA_STATUS_OK : HA_STATUS_CRIT,
		    "is not installed: systemd knows no such unit");
	else
		check_say(check, state, "is %s", words.data);
	if (!strcmp(unit->load, "masked"))
		check_say(check, state, "its unit file is masked");
	else if (!strcmp(unit->load, "error") ||
		 !strcmp(unit->load, "bad-setting"))
		check_say(check, state, "its unit file can't be used (%s)",
		    unit->load);
	if (unit->has_restarts && unit->restarts == 1)
		check_value(check, &restarts, 1, "restarted once by systemd");
	else if (unit->has_restarts)
		check_value(check, &restarts, 1,
		    "restarted %.0f times by systemd", restarts.value);
	else if (check_setting(check, RESTARTS)->is_given)
		check_say(check, HA_STATUS_UNKNOWN,
		    "systemd does not count its restarts");
	ha_buf_release(&words);
}

/* What was asked of the processes of a unit that works without any. */
static void
miss_members(struct check *check)
{
	static const size_t asked[] = { CPU, MEM, THREADS, FDS, UPTIME };
	const struct proc_data *data = check->data;

	if (data->how != BY_UNIT || check_setting(check, COUNT)->is_given ||
	    unit_state(&data->unit) != HA_STATUS_OK)
		return;
	for (size_t i = 0; i < sizeof(asked) / sizeof(asked[0]); i++)
		if (check_setting(check, asked[i])->is_given)
			check_say(check, HA_STATUS_UNKNOWN,
			    "%s can't be known: it has no process",
			    options[asked[i]].name);
}

static void
judge_members(struct check *check)
{
	const struct proc_data *data = check->data;
	const struct process *main = main_process(data);

	judge_count(check, main);
	if (main) {
		judge_cpu(check);
		judge_memory(check);
		judge_pss(check);
		judge_descriptors(check);
		judge_age(check, main);
	} else {
		miss_members(check);
	}
	if (data->count)
		judge_zombies(check);
}

static void
set_subject(struct check *check)
{
	const struct proc_data *data = check->data;

	free(check->subject);
	check->subject = NULL;
	if (data->how != BY_PIDFILE)
		check_subject(check, "%s", check->argument);
	else if (data->count)
		check_subject(check, "%s", data->members[0].process.comm);
	else if (data->exe)
		check_subject(check, "%s does not run:", data->exe);
}

static void
judge(struct check *check)
{
	struct proc_data *data = check->data;
	int was_found = data->is_found;
	struct ha_err err;

	if (proc_finish_find(check, &err)) {
		check_fail(check, &err);
		return;
	}
	if (!was_found && check_setting(check, CPU)->is_given)
		compare_passes(data);
	set_subject(check);
	if (data->how == BY_UNIT)
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
	const struct proc_data *data = check->data;

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
	struct proc_data *data = check->data;
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
	data->how = (enum proc_how)how;
	data->exe = check_setting(check, EXE)->text;
	data->match = check_setting(check, MATCH)->value;
	data->with_children = (int)check_setting(check, CHILDREN)->number;
	data->wants_pss = check_setting(check, PSS)->is_given;
	data->cpu = NAN;
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
	struct proc_data *data = check->data;

	if (check_setting(check, MATCH)->value)
		regfree(check_setting(check, MATCH)->value);
	free(data->members);
	free(data->absence);
	unit_release(&data->unit);
	if (data->self && !--users)
		proc_release_passes();
}

const struct kind kind_proc = {
	.name = "proc",
	.argument = "pidfile=PATH | exe=NAME | unit=NAME",
	.help = "a program runs, and what it uses",
	.details =
	    "exe=NAME is each process of that name (comm), of that program "
	    "file, or, if there is none, that was called so (argv[0]); with a "
	    "slash, the program's path. A pidfile that names no process, "
	    "another program than exe=, or a process that was started a "
	    "minute or more after the file was written is stale: CRIT. "
	    "unit=NAME asks systemctl; one that is not active is CRIT, one "
	    "that starts or stops WARN. Its main process counts, or, where "
	    "there is none, all in its control group.",
	.options = options,
	.size = sizeof(struct proc_data),
	.prepare = prepare,
	.look = look,
	.judge = judge,
	.release = release,
};
