/* SPDX-License-Identifier: ISC */
/*
 * wire - numbers and strings as SSH, its agent and SFTP write them.
 *
 * Source: RFC 4251, section 5: uint32 is four bytes, the highest first; a
 * string is its length as uint32 and its bytes.
 */
#ifndef PUSH_WIRE_H
#define PUSH_WIRE_H

#include <stddef.h>
#include <stdint.h>

#include "buf.h"

/* The uint32 at p, which has four bytes at least. */
uint32_t wire_number_at(const void *p);
void wire_put_number(struct ha_buf *buf, uint32_t number);
void wire_put_string(struct ha_buf *buf, const void *data, size_t len);
/* What is left of a message that is being read. */
struct wire_cursor {
	const unsigned char *p;
	size_t left;
};

/* These return 0, or -1 when the message ends too early. */
int wire_get_number(struct wire_cursor *c, uint32_t *number);
/* string points into the message. */
int wire_get_string(struct wire_cursor *c, struct wire_cursor *string);

/*
 * The type of a public key, the first string of its blob (RFC 4253, section
 * 6.6); "?" when that is damaged.  The caller frees it.
 */
char *wire_key_type(const void *blob, size_t len);

#endif
