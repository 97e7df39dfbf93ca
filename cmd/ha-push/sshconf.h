/* SPDX-License-Identifier: ISC */
/*
 * sshconf - what OpenSSH's configuration says about a host.
 *
 * `ssh -G` is asked, so that Host, Match, Include and the defaults mean what
 * they mean to ssh; the tokens that it leaves in its answer are expanded here.
 */
#ifndef PUSH_SSHCONF_H
#define PUSH_SSHCONF_H

#include <stddef.h>
#include <stdint.h>

#include "buf.h"
#include "err.h"

struct sshconf_list {
	char **items;
	size_t count;
};

/* Absent options are NULL, an option that is "none" also. */
struct sshconf {
	char *typed; /* HOST as it was given */
	const char *file; /* ssh -F, borrowed; NULL: the default files */
	const char *login; /* ssh -l, borrowed; NULL: what they say */
	char *host; /* HostName */
	char *user;
	int port;
	char *alias; /* HostKeyAlias */
	char *address_family; /* "any", "inet", "inet6" */
	char *bind_address;
	char *proxy_command; /* expanded, for /bin/sh */
	char *proxy_jump;
	char *agent; /* the agent's socket; NULL: use no agent */
	int identities_only;
	int64_t connect_ms; /* ConnectTimeout, -1 when not set */
	char *ciphers, *macs, *kex, *host_key_algorithms;
	char *revoked_list; /* RevokedHostKeys */
	char *pkcs11; /* PKCS11Provider */
	int gssapi; /* GSSAPIAuthentication */
	int forks; /* ForkAfterAuthentication */
	struct sshconf_list identities; /* IdentityFile */
	struct sshconf_list certificates; /* CertificateFile */
	struct sshconf_list user_known, global_known; /* known-hosts files */
};

/*
 * Ask ssh.  user and file may be NULL.  EX_USAGE for a host that begins with
 * "-" or is empty, EX_CONFIG when ssh refuses its configuration, EX_UNAVAILABLE
 * when there is no ssh.  conf is to be released in any case.
 */
int sshconf_load(struct sshconf *conf, const char *host, const char *user,
    const char *file, int64_t timeout_ms, struct ha_err *err);
void sshconf_release(struct sshconf *conf);

/*
 * Comma-separated lists of algorithms: append each word of words that stands in
 * allowed (NULL: any) and is not yet in list.
 */
void sshconf_pick(struct ha_buf *list, const char *words, const char *allowed);

#endif
