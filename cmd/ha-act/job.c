/* SPDX-License-Identifier: ISC */
/*
 * job - a command that runs: its output, its deadline, its end.
 */
#include "job.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "clock.h"
#include "fs.h"
#include "msg.h"
#include "run.h"

#define LINE_MAX_BYTES 1024
#define LINES_MAX 100
#define READ_SIZE 4096
/* A writer may be as fast as we are. */
#define READS_MAX 64
/* How often a process group is counted while it is ending. */
#define TICK_MS 20
/* What the kernel has to end a process that got SIGKILL. */
#define KILL_MS 5000

static void
end_line(struct job *job)
{
	size_t len = job->line.len;

	while (len && isspace((unsigned char)job->line.data[len - 1]))
		len--;
	ha_buf_truncate(&job->line, len);
	if (len) {
		if (job->lines++ < LINES_MAX)
			ha_say("%s: %s", job->label, job->line.data);
		else if (job->lines == LINES_MAX + 1)
			ha_say("%s: further output is not shown", job->label);
		ha_buf_reset(&job->last);
		ha_buf_add(&job->last, job->line.data, len);
	}
	ha_buf_reset(&job->line);
}

/* A NUL would end what is shown of a line. */
static void
take_output(struct job *job, const char *data, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if (data[i] == '\n')
			end_line(job);
		else if (job->line.len < LINE_MAX_BYTES)
			ha_buf_add_char(&job->line, data[i] ? data[i] : ' ');
}

static void
close_output(struct job *job)
{
	if (job->output >= 0)
		close(job->output);
	job->output = -1;
}

static void
read_output(struct job *job)
{
	char data[READ_SIZE];
	ssize_t n;

	for (int i = 0; job->output >= 0 && i < READS_MAX; i++) {
		n = read(job->output, data, sizeof(data));
		if (n < 0 && (errno == EAGAIN || errno == EINTR))
			return;
		if (n <= 0)
			close_output(job);
		else
			take_output(job, data, (size_t)n);
	}
}

/* A pipe that holds the input already, so that nobody has to write it. */
static int
open_input(const struct job_order *order, struct ha_err *err)
{
	int ends[2];
	int result;

	if (pipe2(ends, O_CLOEXEC))
		return ha_err_set(err, EX_OSERR, errno, "can't make a pipe");
	result = ha_fs_write_all(ends[1], order->input, order->input_len, err);
	close(ends[1]);
	if (!result)
		return ends[0];
	close(ends[0]);
	return -1;
}

static int
open_output(struct job *job, struct ha_err *err)
{
	int ends[2];

	if (pipe2(ends, O_CLOEXEC))
		return ha_err_set(err, EX_OSERR, errno, "can't make a pipe");
	job->output = ends[0];
	fcntl(ends[0], F_SETFL, O_NONBLOCK);
	return ends[1];
}

int
job_start(struct job *job, const struct job_order *order, struct ha_err *err)
{
	struct ha_run run = HA_RUN_INIT;
	int result = -1;

	memset(job, 0, sizeof(*job));
	ha_buf_init(&job->line);
	ha_buf_init(&job->last);
	job->output = -1;
	job->label = order->label;
	job->grace_ms = order->grace_ms;
	run.argv = order->argv;
	run.env = order->env;
	run.own_group = 1;
	run.in = open_input(order, err);
	run.out = run.in < 0 ? -1 : open_output(job, err);
	run.err = run.out;
	job->start_ns = ha_clock_now_ns();
	job->deadline_ns = ha_clock_deadline(order->limit_ms);
	if (run.out >= 0)
		result = ha_run_start(&run, &job->pid, &job->pidfd, err);
	if (run.in >= 0)
		close(run.in);
	if (run.out >= 0)
		close(run.out);
	if (result)
		close_output(job);
	return result;
}

static int
has_ended(pid_t pid)
{
	siginfo_t info;

	info.si_pid = 0;
	return waitid(P_PID, (id_t)pid, &info, WEXITED | WNOHANG | WNOWAIT) ||
	       info.si_pid;
}

/* Is the process of /proc/NAME alive and in the group (proc(5))? */
static int
is_member(const char *name, pid_t group)
{
	struct ha_buf stat = HA_BUF_INIT;
	struct ha_err err;
	char path[64], state;
	const char *rest;
	int found = 0, process_group;

	snprintf(path, sizeof(path), "/proc/%.20s/stat", name);
	if (!ha_fs_read_file(path, READ_SIZE, &stat, &err) &&
	    (rest = strrchr(stat.data, ')')) &&
	    sscanf(rest + 1, " %c %*d %d", &state, &process_group) == 2)
		found = process_group == group && state != 'Z' && state != 'X';
	ha_buf_release(&stat);
	return found;
}

/* While its leader is not reaped no other group can have its number. */
static int
group_is_empty(pid_t group)
{
	struct dirent *entry;
	int found = 0;
	DIR *dir = opendir("/proc");

	if (!dir)
		return 1;
	while (!found && (entry = readdir(dir)))
		found = isdigit((unsigned char)entry->d_name[0]) &&
			is_member(entry->d_name, group);
	closedir(dir);
	return !found;
}

static void
terminate(struct job *job)
{
	kill(-job->pid, SIGTERM);
	/* What is stopped can't hear it. */
	kill(-job->pid, SIGCONT);
	job->was_terminated = 1;
	job->stage = JOB_TERMINATED;
	job->deadline_ns = ha_clock_deadline(job->grace_ms);
}

static void
finish(struct job *job, enum job_stage stage)
{
	job->stage = stage;
	job->end_ns = ha_clock_now_ns();
	if (stage == JOB_ENDED)
		job->status = ha_run_reap(job->pid, HA_CLOCK_NEVER);
	read_output(job);
	end_line(job);
	close_output(job);
	close(job->pidfd);
	job->pidfd = -1;
}

/* Those that it started have the rest of the grace too. */
static int
is_gone(const struct job *job)
{
	return has_ended(job->pid) &&
	       (job->stage == JOB_RUNS || group_is_empty(job->pid));
}

void
job_step(struct job *job)
{
	read_output(job);
	if (is_gone(job)) {
		finish(job, JOB_ENDED);
	} else if (ha_clock_poll_ms(job->deadline_ns) == 0) {
		if (job->stage == JOB_RUNS) {
			terminate(job);
		} else if (job->stage == JOB_TERMINATED) {
			kill(-job->pid, SIGKILL);
			job->was_killed = 1;
			job->stage = JOB_KILLED;
			job->deadline_ns = ha_clock_deadline(KILL_MS);
		} else {
			finish(job, JOB_STUCK);
		}
	}
}

int64_t
job_deadline(const struct job *job)
{
	int64_t tick_ns = ha_clock_deadline(TICK_MS);

	if (job->stage != JOB_RUNS && tick_ns < job->deadline_ns)
		return tick_ns;
	return job->deadline_ns;
}

/* What has ended stays readable while the rest of its group goes on. */
void
job_descriptors(const struct job *job, int fds[2])
{
	fds[0] = job->stage == JOB_RUNS ? job->pidfd : -1;
	fds[1] = job->output;
}

int
job_is_over(const struct job *job)
{
	return job->stage == JOB_ENDED || job->stage == JOB_STUCK;
}

void
job_interrupt(struct job *job)
{
	if (job->stage != JOB_RUNS)
		return;
	job->is_interrupted = 1;
	terminate(job);
}

void
job_release(struct job *job)
{
	ha_buf_release(&job->line);
	ha_buf_release(&job->last);
}
