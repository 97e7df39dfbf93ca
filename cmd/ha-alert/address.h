/* SPDX-License-Identifier: ISC */
/*
 * address - who gets a mail: the bare addresses of a list.
 *
 * Source: RFC 5322 section 3.4, of which comments and groups are not taken;
 * RFC 5321 section 4.1.2.
 */
#ifndef ALERT_ADDRESS_H
#define ALERT_ADDRESS_H

#include <stddef.h>

#include "channel.h"
#include "err.h"

struct address_list {
	char **addresses; /* NULL-ended */
	size_t count;
};

/*
 * Append those of "Name <a@b.test>, c@d.test" to the list, which starts zeroed,
 * none twice.  EX_CONFIG: one that can't stand in an envelope, no address at
 * all.
 */
int
address_add(struct address_list *list, const char *text, struct ha_err *err);
/*
 * A channel's envelope: from, of one address, envelope-from= or else from=, of
 * none when there are neither; to, of to= and cc=.  Both start zeroed, and hold
 * nothing after -1.
 */
int address_envelope(const struct channel *channel, struct address_list *from,
    struct address_list *to, struct ha_err *err);
void address_release(struct address_list *list);

#endif
