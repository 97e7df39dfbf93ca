/* SPDX-License-Identifier: ISC */
/*
 * identity - the keys to log in with: ssh-agent's and those in files.
 *
 * The agent is spoken to here, in wait_poll(): libssh2's own client of it
 * blocks, and spins when the agent goes away.
 */
#ifndef PUSH_IDENTITY_H
#define PUSH_IDENTITY_H

#include <stddef.h>
#include <stdint.h>

#include "buf.h"
#include "err.h"
#include "sshconf.h"

struct identity {
	char *name; /* for people: the file, or the agent's comment */
	const char *file; /* the private key, borrowed; NULL: in the agent */
	struct ha_buf blob; /* the public key, of an agent's key */
	char *type; /* "ssh-ed25519"; "" when that can't be told */
	int is_locked; /* the file needs a passphrase */
};

struct identities {
	struct identity *items;
	size_t count;
	int agent_fd; /* -1: there is no agent */
};

#define IDENTITY_LOCKED " (has a passphrase: ssh-add it)"

#define IDENTITIES_INIT                                                        \
	{                                                                      \
		.agent_fd = -1                                                 \
	}

/*
 * Collect them in the order in which ssh would try: the agent's keys that
 * stand in the configuration, its other ones unless IdentitiesOnly, files.
 * Files that are not there are left out.  An agent that can't be reached or
 * doesn't answer is none, and *note, if anything was wrong, says why.
 * -1 only when interrupted.
 */
int identities_collect(struct identities *ids, const struct sshconf *conf,
    int64_t timeout_ms, struct ha_buf *note, struct ha_err *err);
void identities_release(struct identities *ids);

/* Words for people: all of them, those that a passphrase locks marked so. */
void identities_words(const struct identities *ids, struct ha_buf *out);
/*
 * The login was refused: with what was tried, what was wrong besides (as from
 * identities_collect()) and the ways that the server offers.  EX_NOPERM.
 */
int identities_refused(const struct sshconf *conf, const struct ha_buf *tried,
    const struct ha_buf *note, const char *methods, struct ha_err *err);

/*
 * Let the agent sign data with the key; *signature receives the bytes, without
 * the algorithm's name.  EX_UNAVAILABLE when it refuses or doesn't answer.
 */
int identities_sign(const struct identities *ids,
    const struct identity *identity, const void *data, size_t len,
    int64_t timeout_ms, struct ha_buf *signature, struct ha_err *err);

#endif
