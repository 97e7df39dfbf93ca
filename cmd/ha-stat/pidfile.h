/* SPDX-License-Identifier: ISC */
/*
 * pidfile - the process that a file names, if it does.
 *
 * Only the first line counts: a decimal number, blanks around it.
 */
#ifndef PIDFILE_H
#define PIDFILE_H

#include <stddef.h>
#include <sys/types.h>
#include <time.h>

enum pidfile_state {
	PIDFILE_OK,
	PIDFILE_MISSING,
	PIDFILE_UNREADABLE, /* sys says why */
	PIDFILE_NO_FILE, /* a directory, a pipe, ... */
	PIDFILE_EMPTY,
	PIDFILE_GARBAGE, /* what it begins with is no process's id */
};

/* Plain memory, which a helper may answer with. */
struct pidfile {
	enum pidfile_state state;
	int sys;
	pid_t pid;
	struct timespec written; /* st_mtim */
};

/* May wait for the file system. */
void pidfile_read(const char *path, struct pidfile *pidfile);
/* The id in what a file holds; PIDFILE_OK, _EMPTY or _GARBAGE. */
enum pidfile_state pidfile_parse(const char *text, size_t len, pid_t *pid);

#endif
