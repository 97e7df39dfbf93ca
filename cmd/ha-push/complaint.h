/* SPDX-License-Identifier: ISC */
/*
 * complaint - what ssh says on stderr, and what it means.
 *
 * ssh has one exit status for everything; the reason is in its words.  It runs
 * with LogLevel=DEBUG1, for what it tells of the host's key and of how far it
 * came; lines of that level are read, but never shown.
 * Source: OpenSSH's ssh(1), versions 7.4 to 10.
 */
#ifndef PUSH_COMPLAINT_H
#define PUSH_COMPLAINT_H

#include <stddef.h>
#include <stdint.h>

#include "buf.h"
#include "err.h"
#include "sshconf.h"

struct complaint {
	struct ha_buf line; /* the last one, as long as it has no end */
	struct ha_buf words; /* lines without "debug1: ", the last 8 KiB */
	char *key; /* the host's key: "ssh-ed25519 SHA256:..." */
	char *greeting; /* what something says that is no SSH server */
	int is_ssh; /* the other end has said that it is */
	int is_asking; /* the host is verified, the login is under way */
};

void complaint_init(struct complaint *c);
void complaint_release(struct complaint *c);
/* Take in what was read from ssh's stderr. */
void complaint_add(struct complaint *c, const char *data, size_t len);
/* Forget the words: what is said from now on is about something else. */
void complaint_forget(struct complaint *c);

/*
 * ssh has ended without a login; status is as from ha_run_reap().  The statuses
 * are those of transport_open().  timeout_ms is for a look at the known hosts
 * or at the keys.
 */
int complaint_no_login(const struct complaint *c, const struct sshconf *conf,
    int status, int64_t timeout_ms, struct ha_err *err);
/* ssh hangs.  EX_UNAVAILABLE; since words: "30s". */
int complaint_no_answer(const struct complaint *c, const struct sshconf *conf,
    const char *since, int64_t timeout_ms, struct ha_err *err);
/* ssh has ended after the login; silence words: "45s". */
int complaint_lost(const struct complaint *c, const struct sshconf *conf,
    int status, const char *silence, struct ha_err *err);

#endif
