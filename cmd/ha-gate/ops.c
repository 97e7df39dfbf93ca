/* SPDX-License-Identifier: ISC */
/* ops - what an operator tells a gate: maintenance, and that it is seen to. */
#include "ops.h"

#include <dirent.h>
#include <errno.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "alloc.h"
#include "clock.h"
#include "gate.h"
#include "msg.h"
#include "out.h"
#include "rec.h"

/* As long as the COMMAND of a gate may take, and more. */
#define LOCK_MS 40000

static int
by_name(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

int
ops_list_gates(char ***names, size_t *count, struct ha_err *err)
{
	const struct dirent *entry;
	char *path = state_path("");
	DIR *dir = opendir(path);

	*names = NULL;
	*count = 0;
	if (dir == NULL)
		ha_err_set(err, EX_NOINPUT, errno, "can't read '%s'", path);
	free(path);
	if (dir == NULL)
		return err->sys == ENOENT ? 0 : -1;
	while ((entry = readdir(dir)) != NULL) {
		if (!state_is_name(entry->d_name))
			continue;
		*names = ha_xrealloc(*names, (*count + 1) * sizeof(char *));
		(*names)[(*count)++] = ha_xstrdup(entry->d_name);
	}
	closedir(dir);
	if (*count > 0)
		qsort(*names, *count, sizeof(char *), by_name);
	return 0;
}

/* For people: who did it; sudo(8) knows better than the user id. */
static const char *
who(void)
{
	const char *name = getenv("SUDO_USER");
	const struct passwd *user;

	if (name != NULL && *name != '\0')
		return name;
	user = getpwuid(getuid());
	return user != NULL ? user->pw_name : "somebody";
}

static size_t
count_matches(const struct state *state, const char *pattern)
{
	size_t count = 0;

	for (size_t i = 0; i < state->count; i++)
		count += (size_t)ha_status_matches(
		    pattern, state->checks[i]->host, state->checks[i]->check);
	return count;
}

static size_t
begin_maint(struct state *state, const struct ops *ops)
{
	size_t count = count_matches(state, ops->pattern);
	int64_t now_ms = ha_clock_wall_ms();

	/* By the clock of the last batch: the next one moves it along. */
	now_ms -= state_clock_step(state, now_ms);

	if (count > 0)
		state_add_maint(state, ops->pattern, now_ms,
		    now_ms + ops->maint_ms, who(), ops->reason);
	return count;
}

static size_t
end_maint(struct state *state, const struct ops *ops)
{
	size_t count = 0;

	for (size_t i = 0; i < state->maint_count; i++) {
		if (strcmp(state->maints[i].pattern, ops->pattern) != 0)
			continue;
		state->maints[i].until_ms = 0;
		count++;
	}
	state_end_maints(state, 0);
	return count;
}

static size_t
acknowledge(struct state *state, const struct ops *ops)
{
	size_t count = 0;

	for (size_t i = 0; i < state->count; i++) {
		struct check *check = state->checks[i];

		if (!check->is_told ||
		    (strcmp(check->incident, ops->pattern) != 0 &&
			!ha_status_matches(
			    ops->pattern, check->host, check->check)))
			continue;
		free(check->ack);
		check->ack = ha_xasprintf("%s: %s", who(), ops->reason);
		count++;
	}
	return count;
}

static void
print_done(const struct ops *ops, const char *path, size_t count)
{
	char until[HA_CLOCK_RFC3339_SIZE];
	struct ha_buf line = HA_BUF_INIT;

	ha_buf_addf(&line, "%s: %zu %s%s ", path, count,
	    ops->maint_ms == 0 ? "maintenance" : "check",
	    count == 1 || ops->maint_ms == 0 ? "" : "s");
	ha_clock_format_ms(ha_clock_wall_ms() + ops->maint_ms, until);
	if (ops->maint_ms > 0)
		ha_buf_addf(&line, "in maintenance until %s\n", until);
	else
		ha_buf_add_str(
		    &line, ops->maint_ms == 0 ? "ended\n" : "acknowledged\n");
	ha_out_write(line.data, line.len);
	ha_buf_release(&line);
}

/* How many it was done to; -1. */
static int
do_gate(
    const struct ops *ops, const char *name, size_t *done, struct ha_err *err)
{
	struct gate_lock lock;
	size_t count;
	int rc = 0;

	if (gate_open(&lock, name, ha_clock_deadline(LOCK_MS), err) != 0)
		return -1;
	count = ops->maint_ms > 0    ? begin_maint(&lock.state, ops)
		: ops->maint_ms == 0 ? end_maint(&lock.state, ops)
				     : acknowledge(&lock.state, ops);
	if (count > 0)
		rc = gate_keep(&lock, name, err);
	if (count > 0 && rc == 0)
		print_done(ops, lock.path, count);
	gate_close(&lock);
	*done += count;
	return rc;
}

static void
say_none(const struct ops *ops, size_t gates)
{
	char *path = state_path(ops->name != NULL ? ops->name : "");
	const char *what = ops->maint_ms == 0  ? "no such maintenance"
			   : ops->maint_ms > 0 ? "no such check"
					       : "no such check that is not OK";

	ha_say("'%s': %s in '%s'%s", ops->pattern, what, path,
	    gates == 0 ? ", where no gate has a state" : "");
	free(path);
}

int
ops_run(const struct ops *ops)
{
	char **names, *only[1] = { NULL };
	size_t count = 1, done = 0;
	struct ha_err err;
	int status = EX_OK;

	if (ops->name != NULL) {
		only[0] = ha_xstrdup(ops->name);
		names = only;
	} else if (ops_list_gates(&names, &count, &err) != 0) {
		ha_die_err(&err);
	}
	for (size_t i = 0; i < count; i++) {
		if (do_gate(ops, names[i], &done, &err) == 0)
			continue;
		ha_say("%s", err.msg);
		status = err.status;
	}
	if (done == 0 && status == EX_OK) {
		say_none(ops, count);
		status = 1;
	}
	for (size_t i = 0; i < count; i++)
		free(names[i]);
	if (names != only)
		free(names);
	return status;
}
