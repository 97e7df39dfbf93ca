/* SPDX-License-Identifier: ISC */
/*
 * procset - which of the processes are meant.
 */
#include "procset.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "alloc.h"

/* TASK_COMM_LEN: a longer name is cut. */
#define COMM_LEN 15
#define COMMAND_MAX ((size_t)128 * 1024)

void
procset_init(struct procset *set, struct proctable *table, pid_t self)
{
	set->table = table;
	set->marks = ha_xcalloc(table->count + 1, 1);
	set->self = self;
}

void
procset_release(struct procset *set)
{
	free(set->marks);
	set->marks = NULL;
}

size_t
procset_count(const struct procset *set)
{
	size_t count = 0;

	for (size_t i = 0; i < set->table->count; i++)
		count += set->marks[i];
	return count;
}

static const char *
file_name(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

static int
has_comm(const struct process *process, const char *name)
{
	return !strncmp(process->comm, name, COMM_LEN);
}

int
procset_is_named(const struct proctable *table, const struct process *process,
    const char *name)
{
	int is_path = strchr(name, '/') != NULL;
	int is_cut = strlen(name) > COMM_LEN && !process->is_kernel;
	char *exe;
	int result;

	if (!is_path && !is_cut && !strcmp(process->comm, name))
		return 1;
	if (process->is_kernel)
		return 0;
	exe = proctable_exe(table, process);
	if (exe)
		result = !strcmp(is_path ? exe : file_name(exe), name);
	else if (is_path)
		result = errno == EACCES && has_comm(process, file_name(name))
			     ? -1
			     : 0;
	else
		result = is_cut && has_comm(process, name);
	free(exe);
	return result;
}

const struct process *
procset_find_unseen(const struct proctable *table, const char *name)
{
	for (size_t i = 0; i < table->count; i++)
		if (procset_is_named(table, &table->all[i], name) < 0)
			return &table->all[i];
	return NULL;
}

static int
is_own(const struct procset *set, const struct process *process)
{
	return process->pid == set->self || process->parent == set->self;
}

void
procset_add_named(struct procset *set, const char *name)
{
	for (size_t i = 0; i < set->table->count; i++) {
		const struct process *process = &set->table->all[i];

		if (!is_own(set, process) &&
		    procset_is_named(set->table, process, name) > 0)
			set->marks[i] = 1;
	}
}

/* argv[0] ends at the first NUL byte. */
static int
is_called(const char *command, const char *name)
{
	return !strcmp(strchr(name, '/') ? command : file_name(command), name);
}

static void
join_arguments(struct ha_buf *command)
{
	while (command->len && !command->data[command->len - 1])
		ha_buf_truncate(command, command->len - 1);
	for (size_t i = 0; i < command->len; i++)
		if (!command->data[i])
			command->data[i] = ' ';
}

void
procset_add_commands(
    struct procset *set, const char *name, const regex_t *match)
{
	struct ha_buf command = HA_BUF_INIT;

	for (size_t i = 0; i < set->table->count; i++) {
		const struct process *process = &set->table->all[i];
		int is_named;

		if (is_own(set, process) || process->is_kernel)
			continue;
		is_named = procset_is_named(set->table, process, name) > 0;
		ha_buf_reset(&command);
		if (proctable_command_line(
			set->table, process->pid, COMMAND_MAX, &command))
			continue;
		if (!is_named && !is_called(command.data, name))
			continue;
		join_arguments(&command);
		if (!match || !regexec(match, command.data, 0, NULL, 0))
			set->marks[i] = 1;
	}
	ha_buf_release(&command);
}

void
procset_add(struct procset *set, pid_t pid)
{
	const struct process *process = proctable_find(set->table, pid);

	if (process)
		set->marks[process - set->table->all] = 1;
}

void
procset_add_descendants(struct procset *set)
{
	proctable_mark_descendants(set->table, set->marks);
	for (size_t i = 0; i < set->table->count; i++)
		if (is_own(set, &set->table->all[i]))
			set->marks[i] = 0;
}
