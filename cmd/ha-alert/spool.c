/* SPDX-License-Identifier: ISC */
/* spool - the directory that alerts are taken into, durably. */
#include "spool.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <time.h>
#include <unistd.h>

#include "alloc.h"
#include "clock.h"
#include "fs.h"
#include "msg.h"
#include "rec.h"

#define NAME_MAX_LEN 64
#define DAY_S (24 * 60 * 60)
#define NOTE_S (90 * DAY_S)
#define RESERVE "reserve"
/* The reserve is made while this much would still be free. */
#define SPARE (4 * SPOOL_RESERVE)

/* new/ is the last: where it is, all are. */
static const char *const dirs[] = { "tmp", "queue", "failed", "open", "new" };
#define DIRS (sizeof(dirs) / sizeof(*dirs))

static int
fail(const struct spool *spool, int status, int sys, const char *what,
    struct ha_err *err)
{
	return ha_err_set(
	    err, status, sys, "can't %s the spool '%s'", what, spool->path);
}

static int
make_dirs(struct spool *spool, struct ha_err *err)
{
	for (size_t i = 0; i < DIRS; i++)
		if (mkdirat(spool->fd, dirs[i], 0700) != 0 && errno != EEXIST)
			return fail(
			    spool, EX_CANTCREAT, errno, "write to", err);
	spool_keep_reserve(spool);
	if (fsync(spool->fd) != 0 && errno != EINVAL)
		return fail(spool, EX_IOERR, errno, "sync", err);
	return 0;
}

static int
check_owner(const struct spool *spool, struct ha_err *err)
{
	struct stat st;

	if (fstat(spool->fd, &st) != 0)
		return fail(spool, EX_OSERR, errno, "look at", err);
	if (st.st_uid != geteuid())
		return ha_err_set(err, EX_NOPERM, 0,
		    "the spool '%s' belongs to user %ld", spool->path,
		    (long)st.st_uid);
	if (st.st_mode & 022)
		return ha_err_set(err, EX_NOPERM, 0,
		    "others may write to the spool '%s' (mode %04o)",
		    spool->path, (unsigned)st.st_mode & 07777);
	return 0;
}

static int
open_root(struct spool *spool, struct ha_err *err)
{
	spool->fd =
	    open(spool->path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (spool->fd < 0)
		return fail(spool, EX_CANTCREAT, errno, "open", err);
	if (check_owner(spool, err) == 0)
		return 0;
	close(spool->fd);
	spool->fd = -1;
	return -1;
}

int
spool_open(struct spool *spool, struct ha_err *err)
{
	const char *state;

	if (ha_fs_dir("HA_STATE_DIR", "/var/lib/ha", &state, err) != 0)
		return -1;
	spool->path = ha_xasprintf("%s/alert", state);
	if (mkdir(spool->path, 0700) != 0 && errno != EEXIST) {
		fail(spool, EX_CANTCREAT, errno, "make", err);
		free(spool->path);
		return -1;
	}
	if (open_root(spool, err) != 0) {
		free(spool->path);
		return -1;
	}
	if (faccessat(spool->fd, dirs[DIRS - 1], F_OK, 0) == 0 ||
	    make_dirs(spool, err) == 0)
		return 0;
	spool_close(spool);
	return -1;
}

int
spool_open_existing(struct spool *spool, struct ha_err *err)
{
	const char *state = getenv("HA_STATE_DIR");

	spool->path = ha_xasprintf(
	    "%s/alert", state != NULL && *state ? state : "/var/lib/ha");
	if (access(spool->path, F_OK) != 0 && errno == ENOENT) {
		free(spool->path);
		return 0;
	}
	if (open_root(spool, err) == 0)
		return 1;
	free(spool->path);
	return -1;
}

void
spool_close(struct spool *spool)
{
	close(spool->fd);
	free(spool->path);
	spool->fd = -1;
}

int
spool_is_name(const char *channel)
{
	size_t len = strlen(channel);

	if (len == 0 || len > NAME_MAX_LEN || channel[0] == '.')
		return 0;
	for (size_t i = 0; i < len; i++)
		if (!isalnum((unsigned char)channel[i]) &&
		    strchr("._-", channel[i]) == NULL)
			return 0;
	return 1;
}

void
spool_make_id(char id[SPOOL_ID_SIZE])
{
	struct timespec now;
	unsigned random = 0;

	clock_gettime(CLOCK_REALTIME, &now);
	if (getrandom(&random, sizeof(random), GRND_NONBLOCK) < 0)
		random = 0;
	snprintf(id, SPOOL_ID_SIZE, "%010lld%09ld.%ld.%08x",
	    (long long)now.tv_sec, now.tv_nsec, (long)getpid(), random);
}

int64_t
spool_id_ms(const char *name)
{
	char *end;
	long long ns;

	errno = 0;
	ns = strtoll(name, &end, 10);
	if (!isdigit((unsigned char)*name) || errno || *end != '.')
		return -1;
	return ns / HA_MS_NS;
}

static int
write_durably(struct spool *spool, const char *path,
    const struct ha_buf *content, struct ha_err *err)
{
	int fd = openat(spool->fd, path,
	    O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	int failed = 0;

	if (fd < 0)
		return fail(spool, EX_CANTCREAT, errno, "write to", err);
	if (ha_fs_write_all(fd, content->data, content->len, err) != 0)
		failed = fail(spool, EX_IOERR, err->sys, "write to", err);
	else if (fsync(fd) != 0)
		failed = fail(spool, EX_IOERR, errno, "sync", err);
	if (close(fd) != 0 && !failed)
		failed = fail(spool, EX_IOERR, errno, "write to", err);
	return failed;
}

static int
rename_durably(struct spool *spool, const char *path, int dir_fd,
    const char *name, int may_be_there, struct ha_err *err)
{
	if (renameat2(spool->fd, path, dir_fd, name, RENAME_NOREPLACE) != 0 &&
	    (errno != EEXIST || !may_be_there))
		return fail(spool, EX_CANTCREAT, errno, "write to", err);
	if (fsync(dir_fd) != 0 && errno != EINVAL)
		return fail(spool, EX_IOERR, errno, "sync", err);
	return 0;
}

static int
try_put(struct spool *spool, int dir_fd, const char *name,
    const struct ha_buf *content, struct ha_err *err)
{
	char id[SPOOL_ID_SIZE], path[SPOOL_ID_SIZE + 8];
	int failed;

	spool_make_id(id);
	snprintf(path, sizeof(path), "tmp/%s", id);
	failed = write_durably(spool, path, content, err);
	if (!failed)
		failed = rename_durably(spool, path, dir_fd,
		    name != NULL ? name : id, name != NULL, err);
	/* Gone if it was renamed; in the way if it was not. */
	if (failed || name != NULL)
		unlinkat(spool->fd, path, 0);
	return failed;
}

/*
 * name NULL: a new ID.  If the disk is full, again without the reserve.
 */
static int
put(struct spool *spool, int dir_fd, const char *name,
    const struct ha_buf *content, struct ha_err *err)
{
	if (try_put(spool, dir_fd, name, content, err) == 0)
		return 0;
	if ((err->sys != ENOSPC && err->sys != EDQUOT) ||
	    !spool_spend_reserve(spool))
		return -1;
	return try_put(spool, dir_fd, name, content, err);
}

int
spool_put(struct spool *spool, int dir_fd, const char *name,
    const struct ha_buf *content, struct ha_err *err)
{
	return put(spool, dir_fd, name, content, err);
}

static int
take(struct spool *spool, int new_fd, const char *channels,
    const struct alert *alerts, size_t count, struct ha_err *err)
{
	struct ha_buf content = HA_BUF_INIT;
	int failed;

	ha_buf_add_str(&content, "#ha-alert\tv=1");
	ha_rec_add_pair(&content, "channels", channels, strlen(channels));
	ha_buf_add_char(&content, '\n');
	for (size_t i = 0; i < count; i++)
		alert_encode(&content, &alerts[i]);
	ha_buf_addf(&content, "#end\tn=%zu\n", count);
	failed = put(spool, new_fd, NULL, &content, err);
	ha_buf_release(&content);
	return failed;
}

int
spool_take(struct spool *spool, const char *const *channels,
    size_t channel_count, const struct alert *alerts, size_t count,
    struct ha_err *err)
{
	struct ha_buf list = HA_BUF_INIT;
	int new_fd = spool_open_dir(spool, "new", NULL);
	int failed = 0;

	if (new_fd < 0)
		return fail(spool, EX_CANTCREAT, errno, "write to", err);
	for (size_t i = 0; i < channel_count; i++)
		ha_buf_addf(&list, "%s%s", i ? "," : "", channels[i]);
	for (size_t i = 0; i < count && !failed; i += SPOOL_FILE_MAX)
		failed = take(spool, new_fd, list.data, alerts + i,
		    count - i < SPOOL_FILE_MAX ? count - i : SPOOL_FILE_MAX,
		    err);
	ha_buf_release(&list);
	close(new_fd);
	return failed;
}

static int
open_at(int fd, const char *name)
{
	return openat(
	    fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
}

int
spool_open_dir(const struct spool *spool, const char *parent, const char *name)
{
	int parent_fd = open_at(spool->fd, parent), fd, sys;

	if (parent_fd < 0 || name == NULL)
		return parent_fd;
	fd = open_at(parent_fd, name);
	sys = errno;
	close(parent_fd);
	errno = sys;
	return fd;
}

int
spool_dir(struct spool *spool, const char *parent, const char *name,
    struct ha_err *err)
{
	int parent_fd, fd = spool_open_dir(spool, parent, name), made;

	if (fd >= 0)
		return fd;
	parent_fd = open_at(spool->fd, parent);
	made = parent_fd >= 0 && mkdirat(parent_fd, name, 0700) == 0;
	/* A name that is not on disk yet would lose all that is below it. */
	if (made && fsync(parent_fd) != 0)
		made = errno == EINVAL;
	if (made || (parent_fd >= 0 && errno == EEXIST))
		fd = open_at(parent_fd, name);
	if (fd < 0)
		ha_err_set(err, EX_CANTCREAT, errno, "can't make '%s/%s/%s'",
		    spool->path, parent, name);
	if (parent_fd >= 0)
		close(parent_fd);
	return fd;
}

static int
compare_names(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

int
spool_names(int dir_fd, char ***names, size_t *count, struct ha_err *err)
{
	/* Another open file description: its own place in the directory. */
	int fd = openat(dir_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *dir = fd >= 0 ? fdopendir(fd) : NULL;
	struct dirent *entry;
	size_t cap = 0;

	*names = NULL;
	*count = 0;
	if (dir == NULL) {
		if (fd >= 0)
			close(fd);
		return ha_err_set(err, EX_IOERR, errno, "can't read the spool");
	}
	while ((errno = 0, entry = readdir(dir)) != NULL) {
		if (entry->d_name[0] == '.')
			continue;
		if (*count == cap) {
			cap = cap ? 2 * cap : 64;
			*names = ha_xrealloc(*names, cap * sizeof(**names));
		}
		(*names)[(*count)++] = ha_xstrdup(entry->d_name);
	}
	if (errno)
		ha_warn("can't read all of the spool: %s", strerror(errno));
	closedir(dir);
	if (*count)
		qsort(*names, *count, sizeof(**names), compare_names);
	return 0;
}

void
spool_free_names(char **names, size_t count)
{
	for (size_t i = 0; i < count; i++)
		free(names[i]);
	free(names);
}

void
spool_keep_reserve(struct spool *spool)
{
	struct statvfs vfs;
	struct stat st;
	int fd;

	if (fstatat(spool->fd, RESERVE, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
	    st.st_size == SPOOL_RESERVE)
		return;
	if (fstatvfs(spool->fd, &vfs) != 0 ||
	    vfs.f_bavail * vfs.f_frsize < SPARE)
		return;
	fd = openat(spool->fd, RESERVE,
	    O_WRONLY | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd < 0)
		return;
	if (posix_fallocate(fd, 0, SPOOL_RESERVE) != 0)
		unlinkat(spool->fd, RESERVE, 0);
	close(fd);
}

int
spool_spend_reserve(struct spool *spool)
{
	if (unlinkat(spool->fd, RESERVE, 0) != 0)
		return 0;
	ha_warn("the disk is full: the reserve of '%s' is used up now",
	    spool->path);
	return 1;
}

/* Of a directory's files those that have not changed for so long. */
static void
remove_old(const struct spool *spool, const char *parent, const char *name,
    time_t age_s)
{
	int fd = spool_open_dir(spool, parent, name);
	struct ha_err err;
	struct stat st;
	char **names;
	size_t count;

	if (fd < 0)
		return;
	if (spool_names(fd, &names, &count, &err) == 0) {
		for (size_t i = 0; i < count; i++)
			if (fstatat(fd, names[i], &st, AT_SYMLINK_NOFOLLOW) ==
				0 &&
			    time(NULL) - st.st_ctime > age_s)
				unlinkat(fd, names[i], 0);
		spool_free_names(names, count);
	}
	close(fd);
}

void
spool_clean(struct spool *spool)
{
	int fd = spool_open_dir(spool, "open", NULL);
	struct ha_err err;
	char **names;
	size_t count;

	remove_old(spool, "tmp", NULL, DAY_S);
	remove_old(spool, "open", SPOOL_ENDED, DAY_S);
	if (fd < 0)
		return;
	if (spool_names(fd, &names, &count, &err) == 0) {
		for (size_t i = 0; i < count; i++)
			if (spool_is_name(names[i]))
				remove_old(spool, "open", names[i], NOTE_S);
		spool_free_names(names, count);
	}
	close(fd);
}
