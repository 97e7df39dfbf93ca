/* SPDX-License-Identifier: ISC */
/*
 * proc-find - which processes a proc check is about.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <math.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <time.h>

#include "alloc.h"
#include "ask.h"
#include "clock.h"
#include "group.h"
#include "helper.h"
#include "kernel.h"
#include "mounts.h"
#include "proc.h"
#include "procset.h"

/* A pidfile may be that much older than its process: clocks are stepped. */
#define WRITTEN_SLACK_S 60

/* How a helper tells of a member. */
struct found {
	int64_t pid;
	uint64_t start_ticks, pss;
};

static struct proc_pass passes[2];
static struct proctable single = { .fd = -1 };

static char *
proc_root(void)
{
	return ha_xasprintf("%s/proc", kernel_root);
}

struct proc_pass *
proc_pass_of(unsigned look, struct ha_err *err)
{
	struct proc_pass *pass = &passes[look - 1];
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

const struct proc_pass *
proc_pass_peek(unsigned look)
{
	return &passes[look - 1];
}

void
proc_release_passes(void)
{
	for (size_t i = 0; i < 2; i++) {
		if (passes[i].is_read)
			proctable_close(&passes[i].table);
		passes[i].is_read = 0;
	}
	proctable_close(&single);
}

struct proctable *
proc_table(void)
{
	char *root;

	if (passes[0].is_read)
		return &passes[0].table;
	if (single.fd < 0) {
		root = proc_root();
		proctable_open(&single, root);
		free(root);
	}
	return &single;
}

/* ---- which processes ---- */

static void
add_member(struct proc_data *data, const struct process *process, uint64_t pss)
{
	data->members = ha_xrealloc(
	    data->members, (data->count + 1) * sizeof(*data->members));
	data->members[data->count++] = (struct proc_member){ *process, pss };
}

static void
take_set(struct proc_data *data, const struct procset *set)
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
	struct proc_data *data = check->data;
	struct procset set;
	struct proc_pass *pass;

	data->is_found = 1;
	add_member(data, process, UINT64_MAX);
	if (!data->with_children)
		return 0;
	pass = proc_pass_of(1, err);
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

static int
refuse_unseen(const struct process *process, struct ha_err *err)
{
	return ha_err_set(err, EX_OSERR, 0,
	    "which program process %ld (%s) of another user runs can't be seen",
	    (long)process->pid, process->comm);
}

/* The process is there: is it the one that was meant? */
static char *
staleness(
    const struct check *check, const struct process *process, int is_named)
{
	const struct proc_data *data = check->data;
	const char *exe = data->exe;
	int64_t before_s;
	char words[64];

	if (!is_named)
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
	struct proc_data *data = check->data;
	const struct pidfile *pidfile = &data->pidfile;
	struct process process;
	int is_there, is_named = 1;

	data->is_found = 1;
	if (pidfile->state == PIDFILE_UNREADABLE)
		return ha_err_set(err, EX_OSERR, pidfile->sys,
		    "the pidfile %s can't be read", check->argument);
	if (pidfile->state != PIDFILE_OK) {
		data->absence = ha_xasprintf("the pidfile %s %s",
		    check->argument, pidfile_words(pidfile->state));
		return 0;
	}
	is_there = proctable_read(proc_table(), pidfile->pid, &process, err);
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
	if (data->exe)
		is_named = procset_is_named(proc_table(), &process, data->exe);
	if (is_named < 0)
		return refuse_unseen(&process, err);
	data->absence = staleness(check, &process, is_named);
	return data->absence ? 0 : take_process(check, &process, err);
}

/* By the name alone; where nobody has it, a helper looks at argv[0]. */
static int
find_by_name(struct check *check, struct ha_err *err)
{
	struct proc_data *data = check->data;
	struct proc_pass *pass = proc_pass_of(1, err);
	struct procset set;

	if (!pass)
		return -1;
	if (data->match)
		return 0;
	procset_init(&set, &pass->table, data->self);
	procset_add_named(&set, check->argument);
	if (procset_count(&set)) {
		if (data->with_children)
			procset_add_descendants(&set);
		take_set(data, &set);
	}
	procset_release(&set);
	return 0;
}

/* ---- the helper ---- */

static void
find_by_command(const struct check *check, struct proc_data *data)
{
	struct procset set;

	procset_init(&set, &passes[0].table, data->self);
	procset_add_commands(&set, check->argument, data->match);
	if (data->with_children)
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
	struct proc_data *data = check->data;
	struct proctable *table = proc_table();
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

		if (data->wants_pss &&
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
	struct proc_data *data = check->data;
	struct process process;
	int is_there;

	for (size_t i = 0; i < data->count; i++)
		if (data->members[i].process.pid == (pid_t)found->pid) {
			data->members[i].pss = found->pss;
			return 0;
		}
	is_there =
	    proctable_read(proc_table(), (pid_t)found->pid, &process, err);
	if (is_there > 0 && process.start_ticks == found->start_ticks)
		add_member(data, &process, found->pss);
	return is_there < 0 ? -1 : 0;
}

static int
take_answer(struct check *check, struct ha_err *err)
{
	const struct ha_buf *answer = helper_answer(check->helper);
	struct proc_data *data = check->data;
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
find_group_processes(const struct unit *unit, struct ha_buf *pids)
{
	const char *top = unit->group ? group_mount() : NULL;
	char *path;
	int result;

	if (!top)
		return -1;
	path = ha_xasprintf("%s%s", top, unit->group);
	result = group_processes(path, pids);
	free(path);
	return result;
}

/* All of a unit's control group but the main process and ourselves. */
static int
take_group(
    struct proc_data *data, const struct ha_buf *pids, struct ha_err *err)
{
	struct process process;
	int is_there;
	pid_t pid;

	for (size_t at = 0; at < pids->len; at += sizeof(pid)) {
		memcpy(&pid, pids->data + at, sizeof(pid));
		if (pid == data->unit.main || pid == data->self)
			continue;
		is_there = proctable_read(proc_table(), pid, &process, err);
		if (is_there < 0)
			return -1;
		if (is_there && process.parent != data->self)
			add_member(data, &process, UINT64_MAX);
	}
	return 0;
}

static int
take_unit(struct check *check, struct ha_err *err)
{
	struct proc_data *data = check->data;
	struct ha_buf pids = HA_BUF_INIT;
	struct process process;
	int is_there = 0, is_grouped, failed = 0;

	data->is_found = 1;
	if (helper_status(check->helper) ||
	    unit_parse(helper_answer(check->helper)->data, &data->unit))
		return unit_refuse(check->helper, err);
	if (data->unit.main)
		is_there = proctable_read(
		    proc_table(), data->unit.main, &process, err);
	if (is_there < 0)
		return -1;
	if (!is_there)
		data->unit.main = 0;
	/* Its processes need not descend from the main one. */
	is_grouped = (!is_there || data->with_children) &&
		     !find_group_processes(&data->unit, &pids);
	if (is_there && !is_grouped)
		failed = take_process(check, &process, err);
	else if (is_there)
		add_member(data, &process, UINT64_MAX);
	if (is_grouped)
		failed = take_group(data, &pids, err);
	ha_buf_release(&pids);
	return failed;
}

static void
start_systemctl(struct check *check)
{
	static const char properties[] = UNIT_PROPERTIES;
	const char *const argv[] = { "systemctl", "show", "--no-pager",
		properties, "--", check->argument, NULL };
	struct helper_task task = {
		.argv = argv,
		.deadline_ns = check->deadline_ns,
	};

	check_subject(check, "%s:", check->argument);
	check->helper = helper_start(&task);
}

int
proc_find(struct check *check, struct ha_err *err)
{
	struct proc_data *data = check->data;
	const struct mount *mount = NULL;
	int failed = 0;

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
	if (!data->is_found || (data->count && data->wants_pss))
		ask_in_helper(check, ask_key(mount), work, check);
	return 0;
}

/* Who may not see all processes can't say that there is none. */
static int
check_sight(const struct check *check, struct ha_err *err)
{
	const struct proc_data *data = check->data;
	const struct process *unseen;

	if (data->how != BY_EXE || data->count)
		return 0;
	if (!proctable_sees_all(proc_table()))
		return ha_err_set(err, EX_OSERR, 0,
		    "other users' processes can't be seen in /proc (hidepid)");
	unseen = procset_find_unseen(proc_table(), check->argument);
	return unseen ? refuse_unseen(unseen, err) : 0;
}

int
proc_finish_find(struct check *check, struct ha_err *err)
{
	struct proc_data *data = check->data;

	if (data->how == BY_UNIT)
		return take_unit(check, err);
	if (check->helper && take_answer(check, err))
		return -1;
	return check_sight(check, err);
}
