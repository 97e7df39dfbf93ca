/* SPDX-License-Identifier: ISC */
/* fs - files: whole writes, durable replacement, opening beneath a root. */
#ifndef HA_FS_H
#define HA_FS_H

#include <stddef.h>
#include <sys/stat.h>
#include <sys/types.h>

#include "buf.h"
#include "err.h"

/*
 * Write all len bytes to a blocking descriptor, over short writes and EINTR.
 * EX_IOERR on failure; sys says why.
 */
int ha_fs_write_all(int fd, const void *data, size_t len, struct ha_err *err);

/*
 * Replace the file at path by data: a temporary file beside it, fsync(2),
 * rename(2), fsync of the directory.  After a crash at any instant path holds
 * the old content or the new.  EX_CANTCREAT or EX_IOERR on failure, and then
 * no temporary file is left.
 */
int ha_fs_replace(const char *path, const void *data, size_t len, mode_t mode,
    struct ha_err *err);

/*
 * The same without fsync(2), for what is worth nothing once the machine has
 * restarted: another process sees the old content or the new, but a crash may
 * leave neither.
 */
int ha_fs_replace_volatile(const char *path, const void *data, size_t len,
    mode_t mode, struct ha_err *err);

/*
 * Make what was renamed, linked or removed in a directory durable: fsync(2) of
 * it; a file system that can't do that is let pass.  EX_IOERR.
 */
int ha_fs_sync_directory(const char *dir, struct ha_err *err);

/*
 * Append a whole file to buf, at most max bytes of it.
 * EX_NOINPUT when it can't be opened, EX_DATAERR when it is larger than max,
 * EX_IOERR otherwise.
 */
int ha_fs_read_file(
    const char *path, size_t max, struct ha_buf *buf, struct ha_err *err);

/*
 * Open path, relative and of any length, below the directory root_fd.  No
 * component may be a symbolic link and none may lead out of root_fd
 * (openat2(2): RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS); with O_PATH |
 * O_NOFOLLOW in flags the last component itself may be a link.  "." is
 * root_fd's own directory.  Returns a descriptor with O_CLOEXEC, or -1 with
 * errno set.  Paths longer than PATH_MAX are walked in pieces.
 */
int ha_fs_open_beneath(int root_fd, const char *path, int flags);

/*
 * lstat(2) of path below root_fd, following no link anywhere.  Returns 0, or
 * -1 with errno set; ENOTDIR and ELOOP mean that a parent is no directory.
 */
int ha_fs_lstat_beneath(int root_fd, const char *path, struct stat *st);

/*
 * Is path relative, without an empty, "." or ".." component and without a
 * NUL, or exactly "."?  Only such a path may come out of a record.
 */
int ha_fs_path_is_inside(const char *path);

/*
 * A directory of this set, made if need be (one level, mode 0755): the
 * environment's variable, else fallback.  Names: HA_CONFIG_DIR /etc/ha,
 * HA_STATE_DIR /var/lib/ha, HA_RUN_DIR /run/ha.  EX_CANTCREAT when it does
 * not exist and can't be made, with the variable's name in the message.
 * The string belongs to the environment or is the fallback itself.
 */
int ha_fs_dir(const char *variable, const char *fallback, const char **dir,
    struct ha_err *err);

#endif
