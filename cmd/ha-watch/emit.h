/* SPDX-License-Identifier: ISC */
/* emit - records to stdout, never waiting for its reader. */
#ifndef WATCH_EMIT_H
#define WATCH_EMIT_H

#include "watch.h"

void emit_header(struct watch *watch);
void emit_end(struct watch *watch);

/* Is there something that stdout could take? */
int emit_pending(const struct watch *watch);
/*
 * Encode what is ready and let stdout take what it takes now.  Returns the
 * number of bytes it took.
 */
size_t emit_try(struct watch *watch);

#endif
