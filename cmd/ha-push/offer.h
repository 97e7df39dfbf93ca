/* SPDX-License-Identifier: ISC */
/*
 * offer - what a server's first bytes say: its banner and its algorithms.
 *
 * libssh2 only says that the two sides have nothing in common; a message that
 * names the cure has to name what the server offers.
 */
#ifndef PUSH_OFFER_H
#define PUSH_OFFER_H

#include "buf.h"

/* The lists of SSH_MSG_KEXINIT, in its order.  Source: RFC 4253, 7.1. */
enum offer_list {
	OFFER_KEX,
	OFFER_HOST_KEY,
	OFFER_CIPHER_IN,
	OFFER_CIPHER_OUT,
	OFFER_MAC_IN,
	OFFER_MAC_OUT
};

/* Does the stream hold a line that begins with "SSH-"? */
int offer_is_ssh(const struct ha_buf *stream);
/*
 * Append one list to words.  Returns 0, or -1 when the stream does not hold a
 * whole SSH_MSG_KEXINIT.
 */
int offer_get(
    const struct ha_buf *stream, enum offer_list list, struct ha_buf *words);

#endif
