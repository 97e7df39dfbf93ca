/* SPDX-License-Identifier: ISC */
/* base64 - bytes as text and back. */
#include "base64.h"

#include <string.h>

static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
			     "abcdefghijklmnopqrstuvwxyz0123456789+/";

void
base64_add(struct ha_buf *out, const void *bytes, size_t len)
{
	const unsigned char *data = bytes;

	for (size_t i = 0; i < len; i += 3) {
		size_t left = len - i;
		unsigned long bits = (unsigned long)data[i] << 16;

		if (left > 1)
			bits |= (unsigned long)data[i + 1] << 8;
		if (left > 2)
			bits |= data[i + 2];
		ha_buf_add_char(out, digits[bits >> 18]);
		ha_buf_add_char(out, digits[bits >> 12 & 63]);
		ha_buf_add_char(out, left > 1 ? digits[bits >> 6 & 63] : '=');
		ha_buf_add_char(out, left > 2 ? digits[bits & 63] : '=');
	}
}

int
base64_decode(struct ha_buf *out, const char *text)
{
	unsigned long bits = 0;
	unsigned have = 0;
	const char *digit;

	for (; *text != '\0' && *text != '='; text++) {
		digit = strchr(digits, *text);
		if (digit == NULL)
			return -1;
		bits = (bits << 6 | (unsigned long)(digit - digits)) & 0xffffff;
		have += 6;
		if (have < 8)
			continue;
		have -= 8;
		ha_buf_add_char(out, (char)(bits >> have & 0xff));
	}
	return strspn(text, "=") != strlen(text) || out->len == 0 ? -1 : 0;
}
