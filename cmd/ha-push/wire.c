/* SPDX-License-Identifier: ISC */
/* wire - RFC 4251's data types, as far as they are met here. */
#include "wire.h"

#include "alloc.h"

#define TYPE_MAX 64

uint32_t
wire_number_at(const void *p)
{
	const unsigned char *bytes = p;

	return (uint32_t)bytes[0] << 24 | (uint32_t)bytes[1] << 16 |
	       (uint32_t)bytes[2] << 8 | bytes[3];
}

void
wire_put_number(struct ha_buf *buf, uint32_t number)
{
	const unsigned char bytes[] = { (unsigned char)(number >> 24),
		(unsigned char)(number >> 16), (unsigned char)(number >> 8),
		(unsigned char)number };

	ha_buf_add(buf, bytes, sizeof(bytes));
}

void
wire_put_string(struct ha_buf *buf, const void *data, size_t len)
{
	wire_put_number(buf, (uint32_t)len);
	ha_buf_add(buf, data, len);
}

int
wire_get_number(struct wire_cursor *c, uint32_t *number)
{
	if (c->left < 4)
		return -1;
	*number = wire_number_at(c->p);
	c->p += 4;
	c->left -= 4;
	return 0;
}

int
wire_get_string(struct wire_cursor *c, struct wire_cursor *string)
{
	uint32_t len;

	if (wire_get_number(c, &len) < 0 || len > c->left)
		return -1;
	string->p = c->p;
	string->left = len;
	c->p += len;
	c->left -= len;
	return 0;
}

char *
wire_key_type(const void *blob, size_t len)
{
	size_t type_len = len < 4 ? 0 : wire_number_at(blob);

	if (len < 4 || type_len > len - 4 || type_len > TYPE_MAX)
		return ha_xstrdup("?");
	return ha_xmemdup((const char *)blob + 4, type_len);
}
