/* SPDX-License-Identifier: ISC */
/*
 * try - what a person asks of a channel: does it work, is it right, what would
 * it get?
 */
#ifndef ALERT_TRY_H
#define ALERT_TRY_H

#include <stddef.h>
#include <stdint.h>

#include "channel.h"
#include "err.h"

/*
 * Send a message of this subject and body now, past the spool, and say what
 * happened.  Returns an exit status: EX_OK, EX_TEMPFAIL, EX_UNAVAILABLE
 * (refused), EX_CONFIG.
 */
int try_send(const struct channel *channel, const char *subject,
    const char *body, int64_t deadline_ns, int is_quiet);

/*
 * Print what the transition records of stdin would be to the channel; NULL:
 * their words alone.  EX_DATAERR, EX_CONFIG.
 */
int
try_render(const struct channel *const *list, size_t count, struct ha_err *err);

/* Templates, commands, secrets; says all mistakes.  EX_OK or EX_CONFIG. */
int try_config(const struct channels *channels);

#endif
