/* SPDX-License-Identifier: ISC */
/*
 * place - the directory of the keepers.
 */
#include "place.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "alloc.h"
#include "fs.h"

#define RUN_DIR "/run/ha"
#define LOCK ".lock"

int
place_name_is_valid(const char *name)
{
	static const char allowed[] =
	    "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-";
	size_t len = strlen(name);

	return len > 0 && len <= PLACE_NAME_MAX && *name != '.' &&
	       *name != '-' && strspn(name, allowed) == len;
}

char *
place_dir(void)
{
	const char *run = getenv("HA_RUN_DIR");

	return ha_xasprintf("%s/keep", run && *run ? run : RUN_DIR);
}

int
place_make_dir(char **dir, struct ha_err *err)
{
	const char *run;

	if (ha_fs_dir("HA_RUN_DIR", RUN_DIR, &run, err))
		return -1;
	*dir = ha_xasprintf("%s/keep", run);
	if (!mkdir(*dir, 0755) || errno == EEXIST)
		return 0;
	ha_err_set(err, EX_CANTCREAT, errno,
	    "can't make the directory '%s' (HA_RUN_DIR)", *dir);
	free(*dir);
	return -1;
}

char *
place_path(const char *dir, const char *name, const char *what)
{
	return ha_xasprintf("%s/%s.%s", dir, name, what);
}

int
place_is_held(const char *dir, const char *name)
{
	char *path = place_path(dir, name, "lock");
	int fd = open(
	    path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY);
	int is_held = fd < 0 && errno == EACCES ? -1 : 0;

	if (fd >= 0) {
		is_held = flock(fd, LOCK_SH | LOCK_NB) && errno == EWOULDBLOCK;
		close(fd);
	}
	free(path);
	return is_held;
}

static int
is_worth_telling(const char *dir, const char *name)
{
	char *path = place_path(dir, name, "state");
	int is_there = !access(path, F_OK) || place_is_held(dir, name);

	free(path);
	return is_there;
}

/* The name whose lock this entry is; NULL: it is none.  The caller frees it. */
static char *
name_of(const char *entry)
{
	size_t len = strlen(entry), end = sizeof(LOCK) - 1;
	char *name;

	if (len <= end || strcmp(entry + len - end, LOCK) != 0)
		return NULL;
	name = ha_xmemdup(entry, len - end);
	if (place_name_is_valid(name))
		return name;
	free(name);
	return NULL;
}

static int
compare(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

int
place_names(const char *dir, char ***names, size_t *count, struct ha_err *err)
{
	DIR *stream = opendir(dir);
	struct dirent *entry;
	char *name;

	*names = NULL;
	*count = 0;
	if (!stream && errno == ENOENT)
		return 0;
	if (!stream)
		return ha_err_set(
		    err, EX_NOINPUT, errno, "can't read '%s'", dir);
	while ((entry = readdir(stream))) {
		name = name_of(entry->d_name);
		if (!name)
			continue;
		if (!is_worth_telling(dir, name)) {
			free(name);
			continue;
		}
		*names = ha_xrealloc(*names, (*count + 1) * sizeof(char *));
		(*names)[(*count)++] = name;
	}
	closedir(stream);
	if (*count)
		qsort(*names, *count, sizeof(char *), compare);
	return 0;
}
