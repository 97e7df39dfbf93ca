/* SPDX-License-Identifier: ISC */
/* flush - starts a process a channel, feeds the queues, sees them end. */
#include "flush.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <syslog.h>
#include <unistd.h>

#include "alias.h"
#include "alloc.h"
#include "clock.h"
#include "fanout.h"
#include "msg.h"
#include "names.h"
#include "tell.h"

/* So often a look at new/. */
#define TICK_MS 250
/* What a channel's process has after the deadline, to end by itself. */
#define GRACE_MS 2000

struct child {
	char *name; /* the channel's */
	pid_t pid; /* 0: not running */
	int fd; /* reads 0 bytes when it has ended */
	int is_needed; /* there is something new for it */
};

struct run {
	const struct flush *flush;
	struct child *children;
	size_t count, running;
	struct names wanted;
	int status;
};

static struct child *
child_of(struct run *run, const char *name)
{
	for (size_t i = 0; i < run->count; i++)
		if (strcmp(run->children[i].name, name) == 0)
			return &run->children[i];
	run->children = ha_xrealloc(
	    run->children, (run->count + 1) * sizeof(*run->children));
	run->children[run->count] =
	    (struct child){ .name = ha_xstrdup(name), .fd = -1 };
	return &run->children[run->count++];
}

static _Noreturn void
be_child(const struct flush *flush, const char *name, pid_t parent)
{
	struct tell tell = { .spool = flush->spool,
		.channels = flush->channels,
		.name = name,
		.deadline_ns = flush->deadline_ns,
		.is_quiet = flush->is_quiet };
	char title[16];

	snprintf(title, sizeof(title), "ha-alert:%s", name);
	prctl(PR_SET_NAME, title);
	prctl(PR_SET_PDEATHSIG, SIGTERM);
	if (getppid() != parent)
		exit(EX_TEMPFAIL);
	exit(tell_run(&tell));
}

static void
start(struct run *run, struct child *child)
{
	pid_t parent = getpid();
	int fds[2];

	if (pipe2(fds, O_CLOEXEC) != 0) {
		ha_warn("%s: %s", child->name, strerror(errno));
		run->status = EX_OSERR;
		return;
	}
	child->pid = fork();
	if (child->pid == 0) {
		close(fds[0]);
		be_child(run->flush, child->name, parent);
	}
	close(fds[1]);
	if (child->pid < 0) {
		ha_warn("%s: can't fork: %s", child->name, strerror(errno));
		run->status = EX_OSERR;
		child->pid = 0;
		close(fds[0]);
		return;
	}
	child->fd = fds[0];
	run->running++;
}

static int
has_entries(const struct run *run, const char *name)
{
	int fd = spool_open_dir(run->flush->spool, "queue", name);
	struct ha_err err;
	size_t count = 0;
	char **names;

	if (fd < 0)
		return 0;
	if (spool_names(fd, &names, &count, &err) == 0)
		spool_free_names(names, count);
	close(fd);
	return count > 0;
}

static void
need(struct run *run, const char *name)
{
	if (!run->wanted.count || names_find(&run->wanted, name) != NAMES_NONE)
		child_of(run, name)->is_needed = 1;
}

/* All queues with something in them, at first. */
static void
need_all(struct run *run)
{
	int fd = spool_open_dir(run->flush->spool, "queue", NULL);
	struct ha_err err;
	char **names;
	size_t count;

	if (fd < 0)
		return;
	if (spool_names(fd, &names, &count, &err) == 0) {
		for (size_t i = 0; i < count; i++)
			if (has_entries(run, names[i]))
				need(run, names[i]);
		spool_free_names(names, count);
	}
	close(fd);
}

static void
start_children(struct run *run)
{
	for (size_t i = 0; i < run->count; i++) {
		struct child *child = &run->children[i];

		if (child->pid || !child->is_needed)
			continue;
		child->is_needed = 0;
		start(run, child);
	}
}

static void
reap(struct run *run, struct child *child)
{
	int status;

	while (waitpid(child->pid, &status, 0) < 0 && errno == EINTR)
		continue;
	if (WIFSIGNALED(status))
		ha_warn("%s: its process was ended by signal %d", child->name,
		    WTERMSIG(status));
	if (WIFSIGNALED(status) && run->status == EX_OK)
		run->status = EX_TEMPFAIL;
	if (WIFEXITED(status) && run->status == EX_OK)
		run->status = WEXITSTATUS(status);
	close(child->fd);
	child->fd = -1;
	child->pid = 0;
	run->running--;
}

/* Until one has ended, or for a while. */
static void
watch(struct run *run, int timeout_ms)
{
	struct pollfd *fds = ha_xcalloc(run->count + 1, sizeof(*fds));

	for (size_t i = 0; i < run->count; i++)
		fds[i] = (struct pollfd){ .fd = run->children[i].fd,
			.events = POLLIN };
	if (poll(fds, run->count, timeout_ms) > 0)
		for (size_t i = 0; i < run->count; i++)
			if (fds[i].revents)
				reap(run, &run->children[i]);
	free(fds);
}

/* After the deadline: what does not end by itself. */
static void
end_children(struct run *run)
{
	int64_t grace_ns = ha_clock_deadline(GRACE_MS);
	int timeout_ms;

	while (run->running && (timeout_ms = ha_clock_poll_ms(grace_ns)) > 0)
		watch(run, timeout_ms);
	for (size_t i = 0; i < run->count; i++)
		if (run->children[i].pid)
			kill(run->children[i].pid, SIGKILL);
	while (run->running)
		watch(run, -1);
}

static void
fan_out(struct run *run)
{
	struct names queues;
	struct ha_err err;

	names_init(&queues);
	if (fanout(run->flush->spool, run->flush->channels, &queues, &err) !=
	    0) {
		/* Said once: it is tried at each tick. */
		if (run->status == EX_OK)
			ha_warn("%s", err.msg);
		run->status = err.status;
	}
	for (size_t i = 0; i < queues.count; i++)
		need(run, queues.list[i]);
	names_release(&queues);
}

int
flush_run(const struct flush *flush)
{
	struct run run = { .flush = flush };

	openlog("ha-alert", LOG_PID, LOG_DAEMON);
	names_init(&run.wanted);
	for (size_t i = 0; i < flush->wanted_count; i++)
		alias_expand(&run.wanted, flush->channels, flush->wanted[i]);
	spool_clean(flush->spool);
	spool_keep_reserve(flush->spool);
	alias_move(flush->spool, flush->channels);
	need_all(&run);
	do {
		fan_out(&run);
		start_children(&run);
		if (!run.running)
			break;
		watch(&run, TICK_MS);
	} while (ha_clock_now_ns() < flush->deadline_ns);
	end_children(&run);
	for (size_t i = 0; i < run.count; i++)
		free(run.children[i].name);
	free(run.children);
	names_release(&run.wanted);
	return run.status;
}
