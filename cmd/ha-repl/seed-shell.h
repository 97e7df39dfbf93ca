/* SPDX-License-Identifier: ISC */
/*
 * seed-shell - a script on a server's machine: here, or there by ssh(1).
 *
 * ssh(1) is the operator's, with his configuration, and never asks
 * (BatchMode).  Arguments are the script's $1, $2, ...; nothing of them is read
 * by a shell.
 */
#ifndef REPL_SEED_SHELL_H
#define REPL_SEED_SHELL_H

#include <stdint.h>

#include "buf.h"
#include "err.h"
#include "node.h"

#define SEED_SHELL_ARGS 4

struct seed_shell {
	const char *argv[SEED_SHELL_ARGS + 6];
	char *command; /* owned */
};

/* Is there a way to the node's machine?  ssh= in repl.conf, or it is this one. */
int seed_shell_reaches(const struct node *node);
/* args: at most SEED_SHELL_ARGS, ended by NULL; they and script are borrowed. */
void seed_shell_init(struct seed_shell *shell, const struct node *node,
    const char *script, const char *const *args);
void seed_shell_release(struct seed_shell *shell);
/*
 * Run it to its end; out, which may be NULL, gets its stdout without the last
 * newline.  -1, EX_UNAVAILABLE: the last line that it said.
 */
int seed_shell_run(const struct node *node, const char *script,
    const char *const *args, struct ha_buf *out, int64_t deadline_ns,
    struct ha_err *err);

#endif
