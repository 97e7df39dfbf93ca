/* SPDX-License-Identifier: ISC */
/*
 * procset - which of the processes are meant.
 *
 * A process has a name if that is its comm, the file name of its program, or,
 * where its command line is looked at, that of its argv[0]; a name with a slash
 * is the program's path.  A set is an array of marks beside a table's
 * processes.  ha-stat itself and its helpers are never in it.
 */
#ifndef PROCSET_H
#define PROCSET_H

#include <regex.h>
#include <stddef.h>

#include "proctable.h"

struct procset {
	struct proctable *table; /* after its pass; borrowed */
	unsigned char *marks; /* owned */
	pid_t self; /* ha-stat's own id */
};

void procset_init(struct procset *set, struct proctable *table, pid_t self);
void procset_release(struct procset *set);
size_t procset_count(const struct procset *set);

/*
 * Has the process that name, without a look at its command line?  1 or 0; -1
 * for a path whose file name is its comm, where this user may not see which
 * program it runs.
 */
int procset_is_named(const struct proctable *table,
    const struct process *process, const char *name);
/* One of which this can't be told; NULL: there is none. */
const struct process *
procset_find_unseen(const struct proctable *table, const char *name);
/* Mark those that have the name. */
void procset_add_named(struct procset *set, const char *name);
/*
 * Mark those that have the name, argv[0] counted, and whose command line, its
 * arguments joined by blanks, match matches, if that is not NULL.  May wait:
 * for a helper.
 */
void procset_add_commands(
    struct procset *set, const char *name, const regex_t *match);
void procset_add(struct procset *set, pid_t pid);
/* And all that descend from them. */
void procset_add_descendants(struct procset *set);

#endif
