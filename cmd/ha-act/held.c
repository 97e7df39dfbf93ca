/* SPDX-License-Identifier: ISC */
/*
 * held - the state of a check or service, locked, read, and perhaps written.
 */
#include "held.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "alloc.h"
#include "clock.h"
#include "fs.h"
#include "lock.h"
#include "msg.h"

/* A state is held for as long as a file takes to be written. */
#define LOCK_MS 5000
/* As ha_fs_replace() begins the names of its temporary files. */
#define TEMPORARY ".ha-"

static int
take_lock(const char *dir, int *fd, struct ha_err *err)
{
	char *path = ha_xasprintf("%s/~lock", dir);
	int result = ha_lock_take(path, ha_clock_deadline(LOCK_MS), fd, err);

	free(path);
	return result;
}

static int
make_dir(const char *path, const char *above, struct ha_err *err)
{
	if (!mkdir(path, 0755))
		return ha_fs_sync_directory(above, err);
	if (errno == EEXIST)
		return 0;
	return ha_err_set(err, EX_CANTCREAT, errno,
	    "can't make the directory '%s' (HA_STATE_DIR)", path);
}

/* Who writes one holds the lock. */
static void
remove_temporary(const char *path)
{
	DIR *dir = opendir(path);
	struct dirent *entry;

	if (!dir)
		return;
	while ((entry = readdir(dir)))
		if (!strncmp(entry->d_name, TEMPORARY, strlen(TEMPORARY)))
			unlinkat(dirfd(dir), entry->d_name, 0);
	closedir(dir);
}

int
held_make_dir(const char *dir, struct ha_err *err)
{
	const char *top;
	char *above;
	int result, fd;

	if (ha_fs_dir("HA_STATE_DIR", "/var/lib/ha", &top, err))
		return -1;
	above = ha_xasprintf("%s/act", top);
	result = make_dir(above, top, err);
	if (!result)
		result = make_dir(dir, above, err);
	if (!result)
		result = take_lock(dir, &fd, err);
	if (!result) {
		remove_temporary(dir);
		close(fd);
	}
	free(above);
	return result;
}

int
held_take_run_lock(
    const char *dir, const char *key, int *fd, struct ha_err *err)
{
	char *path = ha_xasprintf("%s/%s~lock", dir, key);
	int result = ha_lock_take(path, 0, fd, err);

	free(path);
	return result;
}

int
held_exists(const char *dir, const char *key)
{
	char *path = ha_xasprintf("%s/%s", dir, key);
	int is_missing = access(path, F_OK) && errno == ENOENT;

	free(path);
	return !is_missing;
}

void
held_release(struct held *held)
{
	state_release(&held->state);
	free(held->path);
	if (held->lock >= 0)
		close(held->lock);
}

/* Better too many runs once than none at all. */
static int
set_aside(struct held *held, struct ha_err *err)
{
	char *aside = ha_xasprintf("%s~damaged", held->path);
	int result = rename(held->path, aside);

	if (result)
		ha_err_set(
		    err, EX_IOERR, errno, "can't set '%s' aside", held->path);
	else
		ha_warn("%s; it is '%s' now, and runs are counted anew",
		    err->msg, aside);
	free(aside);
	state_release(&held->state);
	return result;
}

/* EX_NOINPUT is of a file that is there, and can't be read. */
static int
read_state(struct held *held, struct ha_err *err)
{
	if (state_read(&held->state, held->path, err) >= 0)
		return 0;
	if (err->status == EX_DATAERR && held->lock >= 0)
		return set_aside(held, err);
	return ha_err_set(err, EX_IOERR, 0, "%s", err->msg);
}

int
held_open(struct held *held, const char *dir, const char *key, int is_locked,
    struct ha_err *err)
{
	int result = 0;

	state_init(&held->state);
	held->path = ha_xasprintf("%s/%s", dir, key);
	held->lock = -1;
	if (is_locked)
		result = take_lock(dir, &held->lock, err);
	if (!result)
		result = read_state(held, err);
	if (result)
		held_release(held);
	return result;
}

int
held_write(struct held *held, struct ha_err *err)
{
	return state_write(&held->state, held->path, err);
}
