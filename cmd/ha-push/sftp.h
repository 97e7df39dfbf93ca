/* SPDX-License-Identifier: ISC */
/*
 * sftp - the few SFTP version 3 requests that ha-push needs, pipelined.
 *
 * Requests are queued by sftp_send_*() and answered in any order; up to
 * SFTP_WINDOW may be under way.  Source: draft-ietf-secsh-filexfer-02; the
 * extensions posix-rename@, hardlink@ and fsync@openssh.com: OpenSSH's PROTOCOL
 * file, section 4.
 */
#ifndef PUSH_SFTP_H
#define PUSH_SFTP_H

#include <stddef.h>
#include <stdint.h>

#include "buf.h"
#include "err.h"
#include "transport.h"

#define SFTP_WINDOW 64

/* Status codes, draft-ietf-secsh-filexfer-02 section 7; SFTP_OK is success. */
enum {
	SFTP_OK = 0,
	SFTP_EOF = 1,
	SFTP_NO_SUCH_FILE = 2,
	SFTP_PERMISSION_DENIED = 3,
	SFTP_FAILURE = 4,
	SFTP_BAD_MESSAGE = 5,
	SFTP_NO_CONNECTION = 6,
	SFTP_CONNECTION_LOST = 7,
	SFTP_OP_UNSUPPORTED = 8,
};

struct sftp;

struct sftp_attrs {
	uint64_t size;
	uint32_t mode; /* st_mode */
	uint32_t mtime;
};

/* Start the subsystem and agree on version 3.  EX_UNAVAILABLE. */
int
sftp_open(struct sftp **sftp, struct transport *transport, struct ha_err *err);
void sftp_close(struct sftp *sftp);
/*
 * Give the channel back; the next request starts the subsystem anew.  Not while
 * a request is under way.  For a server that allows no second channel.
 */
void sftp_pause(struct sftp *sftp);
int sftp_can_posix_rename(const struct sftp *sftp);
int sftp_can_hardlink(const struct sftp *sftp);
int sftp_can_fsync(const struct sftp *sftp);

/*
 * Queue a request; *slot receives a number for sftp_wait().  At most
 * SFTP_WINDOW requests may be queued and not waited for.
 * -1 (EX_UNAVAILABLE) when the link or the server is gone.
 */
int sftp_send_remove(
    struct sftp *sftp, const char *path, unsigned *slot, struct ha_err *err);
int sftp_send_rmdir(
    struct sftp *sftp, const char *path, unsigned *slot, struct ha_err *err);
int sftp_send_posix_rename(struct sftp *sftp, const char *from, const char *to,
    unsigned *slot, struct ha_err *err);
int sftp_send_lstat(
    struct sftp *sftp, const char *path, unsigned *slot, struct ha_err *err);

/*
 * Wait for a slot's answer.  Returns its status code (SFTP_OK …) or -1 as
 * above.  attrs is filled in for an lstat that is SFTP_OK; may be NULL.
 * Each slot is to be waited for once, in the order of sending.
 */
int sftp_wait(struct sftp *sftp, unsigned slot, struct sftp_attrs *attrs,
    struct ha_err *err);

/* One request and its answer: a status code, or -1. */
int sftp_remove(struct sftp *sftp, const char *path, struct ha_err *err);
int sftp_rmdir(struct sftp *sftp, const char *path, struct ha_err *err);
/* mode is subject to the umask there; SFTP_FAILURE: it exists, or more. */
int sftp_mkdir(
    struct sftp *sftp, const char *path, unsigned mode, struct ha_err *err);
/* Append path as the server resolves it: absolute, no links (OpenSSH). */
int sftp_realpath(struct sftp *sftp, const char *path, struct ha_buf *resolved,
    struct ha_err *err);
int sftp_lstat(struct sftp *sftp, const char *path, struct sftp_attrs *attrs,
    struct ha_err *err);
/* As lstat, following a link. */
int sftp_stat(struct sftp *sftp, const char *path, struct sftp_attrs *attrs,
    struct ha_err *err);
/*
 * rename(2): replaces an existing file.  SFTP_OP_UNSUPPORTED without the
 * extension.
 */
int sftp_posix_rename(
    struct sftp *sftp, const char *from, const char *to, struct ha_err *err);
int sftp_hardlink(
    struct sftp *sftp, const char *from, const char *to, struct ha_err *err);
/*
 * fsync(2) of a file or directory; SFTP_OP_UNSUPPORTED without the extension.
 */
int sftp_fsync(struct sftp *sftp, const char *path, struct ha_err *err);
/* Set a file's or directory's times, in seconds as version 3 has them. */
int sftp_set_times(struct sftp *sftp, const char *path, uint32_t atime,
    uint32_t mtime, struct ha_err *err);
/*
 * Append the bytes of a small file to buf, at most the first max (less than
 * 64 KiB).
 */
int sftp_read_file(struct sftp *sftp, const char *path, size_t max,
    struct ha_buf *buf, struct ha_err *err);
/*
 * List a directory; each is called for every name but "." and "..", as the
 * server gave it, until it returns non-zero.  Returns a status code (SFTP_OK
 * also when each stopped it), or -1.
 */
int sftp_list(struct sftp *sftp, const char *path,
    int (*each)(
	void *context, const char *name, const struct sftp_attrs *attrs),
    void *context, struct ha_err *err);

/* A status code in words: "no such file", "permission denied". */
const char *sftp_words(int code);

#endif
